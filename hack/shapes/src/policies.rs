//! Policies: elements, expressions, what they name.

use crate::tree::{Tree, joined, root, word};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "policy_elements",
        "n elements in a row",
        (200, 40_000),
        policy_elements,
    ),
    Shape::new(
        "policy_deep",
        "n elements below 200 others",
        (200, 20_000),
        policy_deep,
    ),
    Shape::new(
        "policy_attributes",
        "n attributes of one element",
        (300, 20_000),
        policy_attributes,
    ),
    Shape::new(
        "policy_texts",
        "n comments and CDATA sections in one element",
        (300, 20_000),
        policy_texts,
    ),
    Shape::new(
        "policy_entities",
        "n entities and ampersands",
        (300, 50_000),
        policy_entities,
    ),
    Shape::new(
        "policy_quotes",
        "n strings of C# with quotes as entities",
        (80, 40_000),
        policy_quotes,
    ),
    Shape::new(
        "policy_expressions",
        "n expressions with nested interpolations",
        (200, 30_000),
        policy_expressions,
    ),
    Shape::new(
        "policy_parentheses",
        "an expression of n parentheses",
        (3_000, 100_000),
        policy_parentheses,
    ),
    Shape::new(
        "policy_unclosed",
        "n expressions in a text, none of which ends",
        (600, 80_000),
        policy_unclosed,
    ),
    Shape::new(
        "policy_unclosed_braces",
        "the same with braces and brackets",
        (500, 60_000),
        policy_unclosed_braces,
    ),
    Shape::new(
        "policy_unclosed_strings",
        "n expressions in a text, each with a string that does not end",
        (500, 60_000),
        policy_unclosed_strings,
    ),
    Shape::new(
        "policy_unclosed_verbatim",
        "n expressions in a text, each with a verbatim string that does not end",
        (500, 60_000),
        policy_unclosed_verbatim,
    ),
    Shape::new(
        "policy_unclosed_comments",
        "n expressions in a text, each with a comment that does not end",
        (500, 60_000),
        policy_unclosed_comments,
    ),
    Shape::new(
        "policy_unclosed_interpolations",
        "n expressions in a text, each with an interpolation that does not end",
        (500, 60_000),
        policy_unclosed_interpolations,
    ),
    Shape::new(
        "policy_unclosed_texts",
        "n texts, each with one expression that does not end",
        (200, 20_000),
        policy_unclosed_texts,
    ),
    Shape::new(
        "policy_open_values",
        "n openings of a named value and one end",
        (1_000, 80_000),
        policy_open_values,
    ),
    Shape::new(
        "policy_open_tokens",
        "n openings of a token and one end",
        (1_000, 80_000),
        policy_open_tokens,
    ),
    Shape::new(
        "property_open_tokens",
        "n openings of a token in a property, and no end",
        (1_000, 200_000),
        property_open_tokens,
    ),
    Shape::new(
        "property_open_values",
        "n openings of a named value in a backend's address",
        (1_000, 80_000),
        property_open_values,
    ),
    Shape::new(
        "policy_liquid",
        "n elements in a Liquid template",
        (200, 20_000),
        policy_liquid,
    ),
    Shape::new(
        "policy_named_values",
        "n named values, each used once",
        (25, 4_000),
        policy_named_values,
    ),
    Shape::new(
        "policy_named_values_workspaces",
        "√n workspaces with √n named values, each used once",
        (25, 4_000),
        policy_named_values_workspaces,
    ),
    Shape::new(
        "dangling_values",
        "n named values that do not exist, among n that do",
        (40, 4_000),
        dangling_values,
    ),
    Shape::new(
        "dangling_values_long",
        "the same with names of 118 letters that have little in common",
        (25, 1_000),
        dangling_values_long,
    ),
    Shape::new(
        "dangling_values_backends",
        "n backends that name named values that do not exist, among n that do",
        (40, 4_000),
        dangling_values_backends,
    ),
    Shape::new(
        "dangling_backends",
        "n backends, and a policy that names n others",
        (25, 4_000),
        dangling_backends,
    ),
    Shape::new(
        "dangling_fragments",
        "n fragments that include others that do not exist",
        (20, 3_000),
        dangling_fragments,
    ),
    Shape::new(
        "dangling_external",
        "n names that do not exist, and n that are managed elsewhere",
        (100, 10_000),
        dangling_external,
    ),
    Shape::new(
        "fragment_chain",
        "n fragments, each including the one before",
        (20, 2_000),
        fragment_chain,
    ),
    Shape::new(
        "fragment_ladder",
        "n fragments, each including the two before",
        (20, 2_000),
        fragment_ladder,
    ),
    Shape::new(
        "fragment_layers",
        "√n fragments that include the same √n, each of which uses the same √n named values",
        (100, 20_000),
        fragment_layers,
    ),
    Shape::new(
        "fragment_star",
        "one policy that includes n fragments",
        (20, 3_000),
        fragment_star,
    ),
    Shape::new(
        "policy_large",
        "a policy of n lines, where that is allowed",
        (2_000, 200_000),
        policy_large,
    ),
    Shape::new(
        "policy_many",
        "n APIs with a policy",
        (10, 1_500),
        policy_many,
    ),
    Shape::new(
        "policy_second_root",
        "n elements behind the root",
        (1_000, 100_000),
        policy_second_root,
    ),
    Shape::new(
        "policy_values",
        "n policies written as a string of an environment file",
        (10, 1_500),
        policy_values,
    )
    .environment("prod"),
];

fn text(inside: &str) -> Input {
    Tree::policy(&format!("<set-body>{inside}</set-body>")).into()
}

fn policy_elements(n: usize) -> Input {
    Tree::policy(&joined(n, "", |i| {
        format!(
            "<set-header name=\"h{i}\" exists-action=\"override\"><value>v{i}</value></set-header>"
        )
    }))
    .into()
}

fn policy_deep(n: usize) -> Input {
    let (open, close) = ("<choose>".repeat(200), "</choose>".repeat(200));
    let inside = joined(n, "", |_| "<value>{{n}}</value>".to_owned());
    Tree::policy(&format!("{open}{inside}{close}"))
        .with(
            "namedValues/n/namedValueInformation.json",
            r#"{"properties":{"displayName":"n","value":"v"}}"#,
        )
        .into()
}

fn policy_attributes(n: usize) -> Input {
    let attributes = joined(n, " ", |i| format!("a{i}=\"v\""));
    Tree::policy(&format!("<x {attributes} />")).into()
}

fn policy_texts(n: usize) -> Input {
    text(&joined(n, "", |i| {
        format!("<!-- c{i} -->t{i}<![CDATA[ d{i} ]]>")
    }))
}

fn policy_entities(n: usize) -> Input {
    text(&joined(n, "", |i| format!("&amp;a{i}&b&#160;&&")))
}

fn policy_quotes(n: usize) -> Input {
    let terms = joined(n, " + ", |i| {
        format!("&quot;)\\&quot;{i}&quot; + '\\'' + @&#34;a&#34;&#34;b&#34;")
    });
    Tree::policy(&format!("<set-header name=\"@({terms})\" />")).into()
}

fn policy_expressions(n: usize) -> Input {
    text(&joined(n, " ", |i| {
        format!("@($\"{{a($\"{{b({i})}}\")}} )\" + \"(\") x")
    }))
}

fn policy_parentheses(n: usize) -> Input {
    text(&format!("@({}1{})", "(".repeat(n), ")".repeat(n)))
}

fn unclosed(n: usize, opening: &str) -> Input {
    text(&format!("x {}", joined(n, " ", |_| opening.to_owned())))
}

fn policy_unclosed(n: usize) -> Input {
    unclosed(n, "@(")
}

fn policy_unclosed_braces(n: usize) -> Input {
    unclosed(n, "@{[(")
}

fn policy_unclosed_strings(n: usize) -> Input {
    // An even number of quotes closes them; each scan starts at another one.
    unclosed(n, "@(\"\"\"")
}

fn policy_unclosed_verbatim(n: usize) -> Input {
    unclosed(n, "@(@\"\"\"")
}

fn policy_unclosed_comments(n: usize) -> Input {
    unclosed(n, "@(/*")
}

fn policy_unclosed_interpolations(n: usize) -> Input {
    unclosed(n, "@($\"{")
}

fn policy_unclosed_texts(n: usize) -> Input {
    Tree::policy(&joined(n, "", |_| "<value>x @(</value>".to_owned())).into()
}

fn policy_open_values(n: usize) -> Input {
    text(&format!("{}}}}}", "{{ ".repeat(n)))
}

fn policy_open_tokens(n: usize) -> Input {
    text(&format!("{}#}}", "{# ".repeat(n)))
}

fn property_open_tokens(n: usize) -> Input {
    let description = "{#".repeat(n);
    Tree::project()
        .with(
            "tags/t/tagInformation.json",
            format!(
                "{{\"properties\":{{\"displayName\":\"t\",\"description\":\"{description}\"}}}}"
            ),
        )
        .into()
}

fn property_open_values(n: usize) -> Input {
    let description = "{{a".repeat(n);
    Tree::project()
        .with("backends/b/backendInformation.json", format!("{{\"properties\":{{\"url\":\"https://x\",\"protocol\":\"http\",\"x\":\"{description}\"}}}}"))
        .into()
}

fn policy_liquid(n: usize) -> Input {
    let inside = joined(n, "", |i| format!("<a>{{{{body.x{i}}}}}</a>"));
    Tree::policy(&format!(
        "<set-body template=\"liquid\"><r>{inside}</r></set-body>"
    ))
    .into()
}

fn named_value(tree: &mut Tree, folder: &str, name: &str) {
    let text = format!("{{\"properties\":{{\"displayName\":\"{name}\",\"value\":\"v\"}}}}");
    tree.add(
        &format!("{folder}namedValues/{name}/namedValueInformation.json"),
        text,
    );
}

fn uses(n: usize, name: impl Fn(usize) -> String) -> String {
    joined(n, "", |i| {
        format!(
            "<set-header name=\"h\"><value>{{{{{}}}}}</value></set-header>",
            name(i)
        )
    })
}

fn policy_named_values(n: usize) -> Input {
    let mut tree = Tree::policy(&uses(n, |i| format!("nv{i}")));
    for i in 0..n {
        named_value(&mut tree, "", &format!("nv{i}"));
    }
    tree.into()
}

fn policy_named_values_workspaces(n: usize) -> Input {
    let side = root(n);
    let mut tree = Tree::project();
    for w in 0..side {
        let folder = format!("workspaces/w{w}/");
        tree.add(
            &format!("{folder}workspaceInformation.json"),
            r#"{"properties":{"displayName":"w"}}"#,
        );
        tree.add(
            &format!("{folder}policy.xml"),
            format!(
                "<policies><inbound>{}</inbound></policies>",
                uses(side, |i| format!("nv{i}"))
            ),
        );
        for i in 0..side {
            named_value(&mut tree, &folder, &format!("nv{i}"));
        }
    }
    tree.into()
}

fn dangling_values(n: usize) -> Input {
    let mut tree = Tree::policy(&uses(n, |i| format!("zzzzzzzzzzzzzzzzzz{i}")));
    for i in 0..n {
        named_value(&mut tree, "", &format!("nv{i:06}"));
    }
    tree.into()
}

fn dangling_values_long(n: usize) -> Input {
    let mut tree = Tree::policy(&uses(n, |i| word(2 * i, 118)));
    for i in 0..n {
        named_value(&mut tree, "", &word(2 * i + 1, 118));
    }
    tree.into()
}

fn backend(tree: &mut Tree, name: &str, properties: &str) {
    let text =
        format!("{{\"properties\":{{\"url\":\"https://x\",\"protocol\":\"http\"{properties}}}}}");
    tree.add(&format!("backends/{name}/backendInformation.json"), text);
}

fn dangling_values_backends(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        named_value(&mut tree, "", &format!("nv{i:06}"));
        backend(
            &mut tree,
            &format!("b{i}"),
            &format!(",\"description\":\"{{{{none{i:06}}}}}\""),
        );
    }
    tree.into()
}

fn dangling_backends(n: usize) -> Input {
    let names = joined(n, "", |i| {
        format!("<set-backend-service backend-id=\"c{i:06}x\" />")
    });
    let mut tree = Tree::policy(&names);
    for i in 0..n {
        backend(&mut tree, &format!("b{i:06}"), "");
    }
    tree.into()
}

fn fragment(tree: &mut Tree, name: &str, inside: &str) {
    tree.add(
        &format!("policyFragments/{name}/policy.xml"),
        format!("<fragment>{inside}</fragment>"),
    );
    tree.add(
        &format!("policyFragments/{name}/policyFragmentInformation.json"),
        r#"{"properties":{"description":"f"}}"#,
    );
}

fn include(name: &str) -> String {
    format!("<include-fragment fragment-id=\"{name}\" />")
}

fn dangling_fragments(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        fragment(
            &mut tree,
            &format!("f{i:06}"),
            &include(&format!("g{i:06}x")),
        );
    }
    tree.into()
}

fn dangling_external(n: usize) -> Input {
    let external = joined(n, ", ", |i| format!("namedValues/other{i}"));
    Tree::policy(&uses(n, |i| format!("none{i}")))
        .with("flux-apim.yaml", format!("external: [{external}]\n"))
        .into()
}

fn fragment_chain(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        let inside = if i == 0 {
            String::new()
        } else {
            include(&format!("f{}", i - 1))
        };
        fragment(&mut tree, &format!("f{i}"), &inside);
    }
    tree.into()
}

fn fragment_ladder(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        let before = (i.saturating_sub(2)..i).map(|k| include(&format!("f{k}")));
        fragment(&mut tree, &format!("f{i}"), &before.collect::<String>());
    }
    tree.into()
}

fn fragment_layers(n: usize) -> Input {
    let side = root(n);
    let mut tree = Tree::project();
    let values = uses(side, |i| format!("nv{i}"));
    let includes = joined(side, "", |i| include(&format!("g{i}")));
    for i in 0..side {
        named_value(&mut tree, "", &format!("nv{i}"));
        fragment(&mut tree, &format!("g{i}"), &values);
        fragment(&mut tree, &format!("f{i}"), &includes);
    }
    tree.into()
}

fn fragment_star(n: usize) -> Input {
    let mut tree = Tree::policy(&joined(n, "", |i| include(&format!("f{i}"))));
    for i in 0..n {
        fragment(&mut tree, &format!("f{i}"), "");
    }
    tree.into()
}

fn policy_large(n: usize) -> Input {
    Tree::policy(&joined(n, "\n", |i| {
        format!("<set-variable name=\"v{i}\" value=\"{i}\" />")
    }))
    .forgiving(&[7001, 7003, 7104])
    .into()
}

fn policy_many(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
        tree.add(&format!("apis/a{i}/policy.xml"), format!("<policies>\n  <inbound>\n    <base />\n    <set-header name=\"h{i}\"><value>@(\"{i}\")</value></set-header>\n  </inbound>\n</policies>\n"));
    }
    tree.into()
}

fn policy_second_root(n: usize) -> Input {
    Tree::project()
        .with(
            "apis/a/policy.xml",
            format!("<policies></policies>{}", "<x/>".repeat(n)),
        )
        .into()
}

fn policy_values(n: usize) -> Input {
    let items = joined(n, "", |i| {
        format!(
            "- name: a{i}\n  policies:\n  - name: policy\n    properties:\n      value: <policies><inbound><set-variable name=\"v\" value=\"{i}\" /></inbound></policies>\n"
        )
    });
    let mut tree = Tree::default();
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
        tree.add(&format!("apis/a{i}/policy.xml"), "<policies></policies>");
    }
    tree.with("configuration.prod.yaml", format!("apis:\n{items}"))
        .into()
}
