//! Resources and what they name: links, pools, revisions, workspaces.

use crate::tree::{API, SPEC, Tree, joined, root};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "links",
        "√n products with √n APIs each",
        (64, 90_000),
        links,
    ),
    Shape::new(
        "links_folders",
        "the same, each link in a file of its own",
        (64, 10_000),
        links_folders,
    ),
    Shape::new(
        "links_twice",
        "a product that lists one API n times",
        (200, 50_000),
        links_twice,
    ),
    Shape::new(
        "links_tags",
        "√n APIs and products with √n tags each",
        (64, 20_000),
        links_tags,
    ),
    Shape::new(
        "links_workspaces",
        "the same in a workspace",
        (64, 20_000),
        links_workspaces,
    ),
    Shape::new(
        "links_gateways",
        "√n gateways and groups with √n links each",
        (64, 20_000),
        links_gateways,
    ),
    Shape::new(
        "dangling_links",
        "a product with n APIs and groups that do not exist, among n that do",
        (20, 2_000),
        dangling_links,
    ),
    Shape::new(
        "dangling_ids",
        "n loggers, version sets, scopes and releases that do not exist",
        (20, 2_000),
        dangling_ids,
    ),
    Shape::new(
        "dangling_schemas",
        "an operation with n schemas that its API does not have",
        (100, 10_000),
        dangling_schemas,
    ),
    Shape::new(
        "unknown_properties",
        "n unknown properties",
        (200, 40_000),
        unknown_properties,
    ),
    Shape::new(
        "invalid_values",
        "n backends with an invalid value",
        (40, 5_000),
        invalid_values,
    ),
    Shape::new("named_values", "n named values", (40, 5_000), named_values),
    Shape::new(
        "named_values_same",
        "n named values with one display name",
        (40, 5_000),
        named_values_same,
    ),
    Shape::new(
        "secrets",
        "n named values that are secrets",
        (40, 4_000),
        secrets,
    ),
    Shape::new(
        "secrets_allowed",
        "the same where more parameters than ARM takes are a warning, and n APIs",
        (15, 2_000),
        secrets_allowed,
    ),
    Shape::new("tags", "n tags", (40, 10_000), tags),
    Shape::new("pool", "a pool of n backends", (30, 4_000), pool),
    Shape::new(
        "pool_chain",
        "n pools, each of the one before",
        (30, 4_000),
        pool_chain,
    ),
    Shape::new(
        "pool_ladder",
        "n pools, each of the two before",
        (30, 4_000),
        pool_ladder,
    ),
    Shape::new(
        "pool_circle",
        "n pools in a circle",
        (30, 4_000),
        pool_circle,
    ),
    Shape::new(
        "diagnostics",
        "n loggers, and n diagnostics of one API",
        (20, 3_000),
        diagnostics,
    ),
    Shape::new(
        "revisions",
        "n revisions of one API, and a release of each",
        (8, 10_000),
        revisions,
    ),
    Shape::new(
        "version_sets",
        "n version sets with an API each",
        (8, 1_500),
        version_sets,
    ),
    Shape::new(
        "subscriptions",
        "n subscriptions of products and APIs",
        (30, 5_000),
        subscriptions,
    ),
    Shape::new(
        "workspaces",
        "n workspaces with an API each",
        (8, 1_000),
        workspaces,
    ),
    Shape::new("wikis", "n products with a wiki", (15, 2_000), wikis),
    Shape::new(
        "schemas",
        "a schema document of n definitions",
        (300, 50_000),
        schemas,
    ),
    Shape::new(
        "operations_declared",
        "n operations in files of their own",
        (20, 3_000),
        operations_declared,
    ),
];

fn display(name: &str) -> String {
    format!("{{\"properties\":{{\"displayName\":\"{name}\"}}}}")
}

fn names(n: usize, prefix: &str) -> String {
    format!(
        "[{}]",
        joined(n, ",", |i| format!("{{\"name\":\"{prefix}{i}\"}}"))
    )
}

fn product(tree: &mut Tree, name: &str) {
    tree.add(
        &format!("products/{name}/productInformation.json"),
        display(name),
    );
}

fn links(n: usize) -> Input {
    let side = root(n);
    let mut tree = Tree::default();
    for i in 0..side {
        tree.api(&format!("a{i}"), i);
        product(&mut tree, &format!("p{i}"));
        tree.add(&format!("products/p{i}/apis.json"), names(side, "a"));
    }
    tree.into()
}

fn links_folders(n: usize) -> Input {
    let side = root(n);
    let mut tree = Tree::default();
    for i in 0..side {
        tree.api(&format!("a{i}"), i);
        product(&mut tree, &format!("p{i}"));
        for k in 0..side {
            tree.add(
                &format!("products/p{i}/apis/a{k}/productApiInformation.json"),
                "{}",
            );
        }
    }
    tree.into()
}

fn links_twice(n: usize) -> Input {
    let mut tree = Tree::project();
    product(&mut tree, "p");
    let list = joined(n, ",", |_| "{\"name\":\"a\"}".to_owned());
    tree.with("products/p/apis.json", format!("[{list}]"))
        .into()
}

fn tagged(tree: &mut Tree, folder: &str, side: usize) {
    for i in 0..side {
        tree.add(
            &format!("{folder}tags/t{i}/tagInformation.json"),
            display(&format!("t{i}")),
        );
        let api = API.replace(r#""path":"a""#, &format!("\"path\":\"a{i}\""));
        tree.add(&format!("{folder}apis/a{i}/apiInformation.json"), api);
        tree.add(&format!("{folder}apis/a{i}/specification.json"), SPEC);
        tree.add(&format!("{folder}apis/a{i}/tags.json"), names(side, "t"));
        tree.add(
            &format!("{folder}products/p{i}/productInformation.json"),
            display("p"),
        );
        tree.add(
            &format!("{folder}products/p{i}/tags.json"),
            names(side, "t"),
        );
    }
}

fn links_tags(n: usize) -> Input {
    let mut tree = Tree::default();
    tagged(&mut tree, "", root(n));
    tree.into()
}

fn links_workspaces(n: usize) -> Input {
    let mut tree = Tree::project().with("workspaces/w/workspaceInformation.json", display("w"));
    tagged(&mut tree, "workspaces/w/", root(n));
    tree.into()
}

fn links_gateways(n: usize) -> Input {
    let side = root(n);
    let mut tree = Tree::default();
    for i in 0..side {
        tree.api(&format!("a{i}"), i);
        tree.add(
            &format!("gateways/g{i}/gatewayInformation.json"),
            r#"{"properties":{"locationData":{"name":"here"}}}"#,
        );
        tree.add(&format!("gateways/g{i}/apis.json"), names(side, "a"));
        tree.add(
            &format!("groups/g{i}/groupInformation.json"),
            display(&format!("g{i}")),
        );
        product(&mut tree, &format!("p{i}"));
        tree.add(&format!("products/p{i}/groups.json"), names(side, "g"));
    }
    tree.into()
}

fn dangling_links(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
        tree.add(
            &format!("groups/g{i}/groupInformation.json"),
            display(&format!("g{i}")),
        );
    }
    product(&mut tree, "p");
    tree.with("products/p/apis.json", names(n, "nothing"))
        .with("products/p/groups.json", names(n, "nobody"))
        .into()
}

fn dangling_ids(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        let api = API.replacen(
            r#""path":"a""#,
            &format!("\"path\":\"a{i}\",\"apiVersion\":\"v\",\"apiVersionSetId\":\"/apiVersionSets/none{i}\""),
            1,
        );
        tree.add(&format!("apis/a{i}/apiInformation.json"), api);
        tree.add(&format!("apis/a{i}/specification.json"), SPEC);
        tree.add(
            &format!("apis/a{i}/releases/r/apiReleaseInformation.json"),
            format!("{{\"properties\":{{\"apiId\":\"/apis/none{i}\"}}}}"),
        );
        tree.add(
            &format!("diagnostics/d{i}/diagnosticInformation.json"),
            format!("{{\"properties\":{{\"loggerId\":\"/loggers/none{i}\"}}}}"),
        );
        tree.add(
            &format!("loggers/l{i}/loggerInformation.json"),
            r#"{"properties":{"loggerType":"azureMonitor"}}"#,
        );
        tree.add(
            &format!("subscriptions/s{i}/subscriptionInformation.json"),
            format!("{{\"properties\":{{\"displayName\":\"s\",\"scope\":\"/products/none{i}\"}}}}"),
        );
    }
    tree.into()
}

fn dangling_schemas(n: usize) -> Input {
    let responses = joined(n, ",", |i| {
        format!(
            "{{\"statusCode\":200,\"representations\":[{{\"contentType\":\"application/json\",\"schemaId\":\"none{i}\"}}]}}"
        )
    });
    let operation = format!(
        "{{\"properties\":{{\"displayName\":\"o\",\"method\":\"GET\",\"urlTemplate\":\"/o\",\"responses\":[{responses}]}}}}"
    );
    Tree::default()
        .with("apis/a/apiInformation.json", API)
        .with("apis/a/operations/o/operationInformation.json", operation)
        .into()
}

fn unknown_properties(n: usize) -> Input {
    let properties = joined(n, ",", |i| format!("\"unknownproperty{i}\":1"));
    let text = API.replacen(r#""path""#, &format!("{properties},\"path\""), 1);
    Tree::project()
        .with("apis/a/apiInformation.json", text)
        .into()
}

fn invalid_values(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("backends/b{i}/backendInformation.json"),
            format!("{{\"properties\":{{\"url\":[{i}],\"protocol\":\"htp\"}}}}"),
        );
    }
    tree.into()
}

fn values(n: usize, text: impl Fn(usize) -> String) -> Tree {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("namedValues/nv{i}/namedValueInformation.json"),
            text(i),
        );
    }
    tree
}

fn named_values(n: usize) -> Input {
    values(n, |i| {
        format!("{{\"properties\":{{\"displayName\":\"nv{i}\",\"value\":\"v\"}}}}")
    })
    .into()
}

fn named_values_same(n: usize) -> Input {
    values(n, |_| {
        r#"{"properties":{"displayName":"nv","value":"v"}}"#.to_owned()
    })
    .into()
}

fn secrets(n: usize) -> Input {
    values(n, |i| {
        format!("{{\"properties\":{{\"displayName\":\"nv{i}\",\"secret\":true}}}}")
    })
    .into()
}

fn secrets_allowed(n: usize) -> Input {
    let mut tree = values(n, |i| {
        format!("{{\"properties\":{{\"displayName\":\"nv{i}\",\"secret\":true}}}}")
    });
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
    }
    tree.forgiving(&[7002]).into()
}

fn tags(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("tags/t{i}/tagInformation.json"),
            display(&format!("t{i}")),
        );
    }
    tree.into()
}

fn pools(n: usize, members: impl Fn(usize) -> Vec<usize>) -> Tree {
    let mut tree = Tree::project();
    for i in 0..n {
        let members = members(i);
        let text = if members.is_empty() {
            r#"{"properties":{"url":"https://x","protocol":"http"}}"#.to_owned()
        } else {
            let list = joined(members.len(), ",", |k| {
                format!("{{\"id\":\"/backends/b{}\"}}", members[k])
            });
            format!("{{\"properties\":{{\"type\":\"Pool\",\"pool\":{{\"services\":[{list}]}}}}}}")
        };
        tree.add(&format!("backends/b{i}/backendInformation.json"), text);
    }
    tree
}

fn pool(n: usize) -> Input {
    pools(
        n + 1,
        |i| if i == n { (0..n).collect() } else { Vec::new() },
    )
    .into()
}

fn pool_chain(n: usize) -> Input {
    pools(n, |i| (i.saturating_sub(1)..i).collect()).into()
}

fn pool_ladder(n: usize) -> Input {
    pools(n, |i| (i.saturating_sub(2)..i).collect()).into()
}

fn pool_circle(n: usize) -> Input {
    pools(n, |i| vec![(i + 1) % n.max(1)]).into()
}

fn diagnostics(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("loggers/l{i}/loggerInformation.json"),
            r#"{"properties":{"loggerType":"azureMonitor"}}"#,
        );
        tree.add(
            &format!("apis/a/diagnostics/d{i}/diagnosticInformation.json"),
            format!("{{\"properties\":{{\"loggerId\":\"/loggers/l{i}\"}}}}"),
        );
    }
    tree.into()
}

fn revisions(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 2..n + 2 {
        let api = API.replacen(
            r#""path":"a""#,
            &format!("\"path\":\"a\",\"apiRevision\":\"{i}\""),
            1,
        );
        tree.add(&format!("apis/a;rev={i}/apiInformation.json"), api);
        tree.add(&format!("apis/a;rev={i}/specification.json"), SPEC);
        tree.add(
            &format!("apis/a/releases/r{i}/apiReleaseInformation.json"),
            format!("{{\"properties\":{{\"apiId\":\"/apis/a;rev={i}\"}}}}"),
        );
    }
    tree.into()
}

fn version_sets(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.add(
            &format!("versionSets/v{i}/versionSetInformation.json"),
            r#"{"properties":{"displayName":"v","versioningScheme":"Segment"}}"#,
        );
        let api = API.replacen(
            r#""path":"a""#,
            &format!("\"path\":\"a{i}\",\"apiVersion\":\"v1\",\"apiVersionSetId\":\"/apiVersionSets/v{i}\""),
            1,
        );
        tree.add(&format!("apis/a{i}/apiInformation.json"), api);
        tree.add(&format!("apis/a{i}/specification.json"), SPEC);
    }
    tree.into()
}

fn subscriptions(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        product(&mut tree, &format!("p{i}"));
        let scope = if i % 2 == 0 {
            format!("/products/p{i}")
        } else {
            "/apis/a".to_owned()
        };
        tree.add(
            &format!("subscriptions/s{i}/subscriptionInformation.json"),
            format!("{{\"properties\":{{\"displayName\":\"s\",\"scope\":\"{scope}\"}}}}"),
        );
    }
    tree.into()
}

fn workspaces(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("workspaces/w{i}/workspaceInformation.json"),
            display("w"),
        );
        tree.add(&format!("workspaces/w{i}/apis/a/apiInformation.json"), API);
        tree.add(&format!("workspaces/w{i}/apis/a/specification.json"), SPEC);
    }
    tree.into()
}

fn wikis(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        product(&mut tree, &format!("p{i}"));
        tree.add(
            &format!("products/p{i}/wiki.md"),
            format!("# Product {i}\n\nText.\n"),
        );
    }
    tree.into()
}

fn schemas(n: usize) -> Input {
    let definitions = joined(n, ",", |i| format!("\"d{i}\":{{\"type\":\"string\"}}"));
    let text = format!(
        "{{\"properties\":{{\"schemaType\":\"json\",\"document\":{{\"definitions\":{{{definitions}}}}}}}}}"
    );
    Tree::project()
        .with("schemas/s/schemaInformation.json", text)
        .into()
}

fn operations_declared(n: usize) -> Input {
    let mut tree = Tree::default().with("apis/a/apiInformation.json", API);
    for i in 0..n {
        tree.add(&format!("apis/a/operations/o{i}/operationInformation.json"), format!("{{\"properties\":{{\"displayName\":\"o\",\"method\":\"GET\",\"urlTemplate\":\"/o{i}\"}}}}"));
    }
    tree.into()
}
