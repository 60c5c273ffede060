//! `$ref`s: inside a document, between documents, through each other.

use crate::tree::{API, SPEC, Tree, joined, root, spec, spec_of};
use crate::{Input, Memory, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "refs_local",
        "n schemas that refer to each other, all in one file",
        (200, 40_000),
        refs_local,
    ),
    Shape::new(
        "refs_local_bundled",
        "the same, and one reference to another file",
        (200, 40_000),
        refs_local_bundled,
    ),
    Shape::new(
        "refs_to_file",
        "n references to n schemas of another file",
        (150, 20_000),
        refs_to_file,
    ),
    Shape::new(
        "refs_between_files",
        "n schemas in two files, each naming the next one in the other file",
        (150, 20_000),
        refs_between_files,
    ),
    Shape::new(
        "refs_back",
        "n references of another file back into the root",
        (150, 20_000),
        refs_back,
    ),
    Shape::new(
        "refs_same",
        "n references to one schema of another file",
        (200, 40_000),
        refs_same,
    ),
    Shape::new(
        "refs_items",
        "n references to the items of an array",
        (150, 20_000),
        refs_items,
    ),
    Shape::new(
        "ref_chain_files",
        "a chain of schemas over n files",
        (20, 3_000),
        ref_chain_files,
    ),
    Shape::new(
        "ref_chain_local",
        "a chain of n references in one file",
        (200, 20_000),
        ref_chain_local,
    ),
    Shape::new(
        "ref_chain_parameters",
        "a chain of parameters over n files: each is put in the place of the one before",
        (20, 3_000),
        ref_chain_parameters,
    ),
    Shape::new(
        "ref_through",
        "n references, each through the one before",
        (8, 300),
        ref_through,
    ),
    Shape::new(
        "ref_through_many",
        "a reference whose n tokens all go through a reference",
        (100, 2_000),
        ref_through_many,
    ),
    Shape::new(
        "ref_through_wide",
        "n references through one and the same reference",
        (150, 20_000),
        ref_through_wide,
    ),
    Shape::new(
        "ref_laughs",
        "n sections of components, each of which names ten of ten of ten",
        (1, 40),
        ref_laughs,
    )
    .allowing(
        Memory::InAll(128),
        "a definition grows up to --max-bundled-bytes, 64 MiB, and is refused then",
    ),
    Shape::new(
        "ref_inline",
        "n references to a response of n headers in another file",
        (15, 3_000),
        ref_inline,
    )
    .product("each reference is replaced by the whole response"),
    Shape::new(
        "ref_circle",
        "n schemas in a circle over two files",
        (150, 20_000),
        ref_circle,
    ),
    Shape::new(
        "ref_circle_parameters",
        "n circles of parameters in another file",
        (100, 20_000),
        ref_circle_parameters,
    ),
    Shape::new(
        "ref_siblings",
        "a path item of n entries, and a reference to it with n siblings",
        (150, 10_000),
        ref_siblings,
    ),
    Shape::new(
        "refs_bad",
        "n references to nothing",
        (200, 40_000),
        refs_bad,
    ),
    Shape::new(
        "refs_bad_files",
        "n references to files that do not exist",
        (200, 40_000),
        refs_bad_files,
    ),
    Shape::new(
        "refs_remote",
        "n references to other hosts",
        (200, 40_000),
        refs_remote,
    ),
    Shape::new(
        "ref_long",
        "one reference of n tokens",
        (2_000, 200_000),
        ref_long,
    ),
    Shape::new(
        "ref_long_up",
        "one reference of n steps up and down",
        (1_000, 200_000),
        ref_long_up,
    ),
    Shape::new(
        "refs_escaped",
        "n references with escapes to keys with slashes",
        (150, 20_000),
        refs_escaped,
    ),
    Shape::new(
        "mappings",
        "n discriminator mappings to n schemas of another file",
        (100, 10_000),
        mappings,
    ),
    Shape::new(
        "mappings_names",
        "n discriminator mappings by name",
        (200, 20_000),
        mappings_names,
    ),
    Shape::new(
        "components_collide",
        "n schemas of one name, in n places of another file",
        (100, 8_000),
        components_collide,
    ),
    Shape::new(
        "components_numbered",
        "the same, where the root has the first n numbered names",
        (60, 8_000),
        components_numbered,
    ),
    Shape::new(
        "component_files_collide",
        "n files of one name in n folders",
        (20, 3_000),
        component_files_collide,
    ),
    Shape::new(
        "path_items",
        "n path items of another file",
        (100, 10_000),
        path_items,
    ),
    Shape::new(
        "path_items_chain",
        "n paths, each naming the path item before it",
        (60, 5_000),
        path_items_chain,
    ),
    Shape::new(
        "examples",
        "n examples of a media type that look like references",
        (200, 20_000),
        examples,
    ),
    Shape::new(
        "shared_schema",
        "n APIs, each naming one of n schemas of one file",
        (8, 1_000),
        shared_schema,
    ),
    Shape::new(
        "shared_files",
        "√n APIs, each naming √n files",
        (100, 20_000),
        shared_files,
    )
    .product("each definition carries what it names"),
];

const STRING: &str = r#"{"type":"string"}"#;

/// The project with `members` in its definition, and `other` beside it.
fn with_other(members: &str, other: &str) -> Tree {
    Tree::defined("specification.json", spec(members)).with("apis/a/other.json", other)
}

fn schemas(n: usize, schema: impl Fn(usize) -> String) -> String {
    let entries = joined(n, ",", |i| format!("\"k{i:06}\":{}", schema(i)));
    format!("\"components\":{{\"schemas\":{{{entries}}}}}")
}

/// An object of `n` entries.
fn object(n: usize, value: impl Fn(usize) -> String) -> String {
    format!(
        "{{{}}}",
        joined(n, ",", |i| format!("\"k{i:06}\":{}", value(i)))
    )
}

fn all_of(reference: &str) -> String {
    format!("{{\"allOf\":[{{\"$ref\":\"{reference}\"}}]}}")
}

fn reference(to: &str) -> String {
    format!("{{\"$ref\":\"{to}\"}}")
}

/// The other of `n` that `i` names.
fn opposite(n: usize, i: usize) -> usize {
    n - 1 - i
}

fn refs_local(n: usize) -> Input {
    let schema = |i| all_of(&format!("#/components/schemas/k{:06}", opposite(n, i)));
    Tree::defined("specification.json", spec(&schemas(n, schema))).into()
}

fn refs_local_bundled(n: usize) -> Input {
    let schema = |i| match i {
        0 => all_of("other.json#/S"),
        i => all_of(&format!("#/components/schemas/k{:06}", opposite(n, i))),
    };
    with_other(&schemas(n, schema), r#"{"S":{"type":"string"}}"#).into()
}

fn refs_to_file(n: usize) -> Input {
    let schema = |i| all_of(&format!("other.json#/d/k{:06}", opposite(n, i)));
    with_other(
        &schemas(n, schema),
        &format!("{{\"d\":{}}}", object(n, |_| STRING.to_owned())),
    )
    .into()
}

fn refs_between_files(n: usize) -> Input {
    let here = |i| all_of(&format!("other.json#/d/k{:06}", opposite(n, i)));
    let there = |i| {
        all_of(&format!(
            "specification.json#/components/schemas/k{:06}",
            (i + 1) % n.max(1)
        ))
    };
    with_other(
        &schemas(n, here),
        &format!("{{\"d\":{}}}", object(n, there)),
    )
    .into()
}

fn refs_back(n: usize) -> Input {
    let members = format!("{},\"x-all\":1", schemas(n, |_| STRING.to_owned()));
    let items = joined(n, ",", |i| {
        reference(&format!("specification.json#/components/schemas/k{i:06}"))
    });
    let tree = with_other(&members, &format!("{{\"S\":{{\"oneOf\":[{items}]}}}}"));
    let text = spec(&members).replacen(
        r#""description":"ok""#,
        r#""description":"ok","content":{"application/json":{"schema":{"$ref":"other.json#/S"}}}"#,
        1,
    );
    tree.with("apis/a/specification.json", text).into()
}

fn refs_same(n: usize) -> Input {
    with_other(
        &schemas(n, |_| all_of("other.json#/S")),
        r#"{"S":{"type":"string"}}"#,
    )
    .into()
}

fn refs_items(n: usize) -> Input {
    let schema = |i| all_of(&format!("other.json#/d/{}", opposite(n, i)));
    let other = format!("{{\"d\":[{}]}}", joined(n, ",", |_| STRING.to_owned()));
    with_other(&schemas(n, schema), &other).into()
}

fn ref_chain_files(n: usize) -> Input {
    let mut tree = Tree::defined(
        "specification.json",
        spec(&schemas(1, |_| all_of("f0.json#/S"))),
    );
    for i in 0..n {
        tree.add(
            &format!("apis/a/f{i}.json"),
            format!("{{\"S\":{}}}", all_of(&format!("f{}.json#/S", i + 1))),
        );
    }
    tree.with(&format!("apis/a/f{n}.json"), r#"{"S":{"type":"string"}}"#)
        .into()
}

fn ref_chain_local(n: usize) -> Input {
    let schema = |i: usize| match i + 1 {
        last if last >= n => STRING.to_owned(),
        next => reference(&format!("#/components/schemas/k{next:06}")),
    };
    with_other(
        &format!(
            "{},\"x\":{{\"schema\":{{\"$ref\":\"other.json#/S\"}}}}",
            schemas(n, schema)
        ),
        r#"{"S":{"type":"string"}}"#,
    )
    .into()
}

fn ref_chain_parameters(n: usize) -> Input {
    let members = r#""components":{"parameters":{"p":{"$ref":"f0.json#/p"}}}"#;
    let mut tree = Tree::defined("specification.json", spec(members));
    for i in 0..n {
        tree.add(
            &format!("apis/a/f{i}.json"),
            format!("{{\"p\":{{\"$ref\":\"f{}.json#/p\"}}}}", i + 1),
        );
    }
    tree.with(
        &format!("apis/a/f{n}.json"),
        r#"{"p":{"name":"p","in":"query"}}"#,
    )
    .into()
}

/// Item `i` of `d` leads through item `i - 1`, by eight steps each of which may be
/// resolved anew: followed without memory, that takes `8^n` of them.
fn ref_through(n: usize) -> Input {
    let way = |i: usize| format!("#/d/{i}{}/y", "/x".repeat(8));
    let items = joined(n + 1, ",", |i| match i {
        0 => reference("#/n"),
        i => reference(&way(i - 1)),
    });
    // Below `n` a `y` for each item, no deeper than documents may be.
    let mut nested = r#"{"x":1}"#.to_owned();
    for i in (0..n.min(200)).rev() {
        nested = format!("{{\"x\":{},\"y\":{nested}}}", reference(&way(i)));
    }
    let members = format!(
        "\"n\":{{\"x\":{},\"y\":{nested}}},\"d\":[{items}]",
        reference("#/n")
    );
    let parameters = format!(
        "\"parameters\":[{},{}],\"operationId\"",
        reference(&way(n)),
        reference("other.json#/p")
    );
    let text = spec(&members).replacen("\"operationId\"", &parameters, 1);
    Tree::defined("specification.json", text)
        .with("apis/a/other.json", r#"{"p":{"name":"p","in":"query"}}"#)
        .into()
}

fn ref_through_many(n: usize) -> Input {
    let steps = "/x".repeat(n);
    let members = format!(
        "\"n\":{{\"x\":{{\"$ref\":\"#/n\"}}}},\"components\":{{\"parameters\":{{\"p\":{{\"$ref\":\"#/n{steps}\"}},\"q\":{{\"$ref\":\"other.json#/p\"}}}}}}"
    );
    with_other(&members, r#"{"p":{"name":"p","in":"query"}}"#).into()
}

fn ref_through_wide(n: usize) -> Input {
    let schema = |i| all_of(&format!("other.json#/a/k{i:06}"));
    let other = format!(
        "{{\"a\":{{\"$ref\":\"#/b\"}},\"b\":{{\"$ref\":\"#/c\"}},\"c\":{}}}",
        object(n, |_| STRING.to_owned())
    );
    with_other(&schemas(n, schema), &other).into()
}

fn ref_laughs(n: usize) -> Input {
    let sections = joined(n, ",", |i| {
        format!("\"s{i}\":{{\"a\":{{\"$ref\":\"other.json#/l0\"}}}}")
    });
    let level = |i: usize| match i {
        4 => format!("{{\"t\":\"{}\"}}", "x".repeat(200)),
        i => format!(
            "{{{}}}",
            joined(10, ",", |k| format!(
                "\"{k}\":{{\"$ref\":\"#/l{}\"}}",
                i + 1
            ))
        ),
    };
    let other = format!(
        "{{{}}}",
        joined(5, ",", |i| format!("\"l{i}\":{}", level(i)))
    );
    with_other(&format!("\"components\":{{{sections}}}"), &other).into()
}

fn ref_inline(n: usize) -> Input {
    let item = |i: usize| {
        format!(
            "\"/p{i}\":{{\"get\":{{\"responses\":{{\"200\":{{\"$ref\":\"other.json#/r\"}}}}}}}}"
        )
    };
    let other = format!(
        "{{\"r\":{{\"description\":\"ok\",\"headers\":{}}}}}",
        object(n, |_| "{}".to_owned())
    );
    Tree::defined("specification.json", spec_of(&joined(n, ",", item)))
        .with("apis/a/other.json", other)
        .into()
}

fn ref_circle(n: usize) -> Input {
    let other = object(n, |i| {
        format!(
            "{{\"properties\":{{\"p\":{{\"$ref\":\"#/k{:06}\"}}}}}}",
            (i + 1) % n.max(1)
        )
    });
    with_other(&schemas(1, |_| all_of("other.json#/k000000")), &other).into()
}

fn ref_circle_parameters(n: usize) -> Input {
    let parameters = joined(n, ",", |i| {
        format!("\"p{i}\":{{\"$ref\":\"other.json#/k{i:06}/a\"}}")
    });
    let other = object(n, |i| {
        format!(
            "{{\"a\":{{\"x\":{{\"$ref\":\"#/k{i:06}/b\"}}}},\"b\":{{\"x\":{{\"$ref\":\"#/k{i:06}/a\"}}}}}}"
        )
    });
    with_other(
        &format!("\"components\":{{\"parameters\":{{{parameters}}}}}"),
        &other,
    )
    .into()
}

fn ref_siblings(n: usize) -> Input {
    let siblings = joined(n, ",", |i| format!("\"x-s{i}\":1"));
    let entries = joined(n, ",", |i| format!("\"x-t{i}\":1"));
    let paths = format!("\"/b\":{{\"$ref\":\"other.json#/p\",{siblings}}}");
    Tree::defined("specification.json", spec_of(&paths))
        .with("apis/a/other.json", format!("{{\"p\":{{{entries}}}}}"))
        .into()
}

fn refs_bad(n: usize) -> Input {
    let schema = |i| all_of(&format!("#/components/schemas/none{i}"));
    Tree::defined("specification.json", spec(&schemas(n, schema))).into()
}

fn refs_bad_files(n: usize) -> Input {
    let schema = |i| all_of(&format!("../none{i}/schemas.json#/S"));
    Tree::defined("specification.json", spec(&schemas(n, schema))).into()
}

fn refs_remote(n: usize) -> Input {
    let schema = |i| all_of(&format!("https://example.com/{i}.json"));
    Tree::defined("specification.json", spec(&schemas(n, schema))).into()
}

fn ref_long(n: usize) -> Input {
    let to = format!("#/components/schemas{}", "/x".repeat(n));
    Tree::defined("specification.json", spec(&schemas(1, |_| all_of(&to)))).into()
}

fn ref_long_up(n: usize) -> Input {
    let to = format!("{}other.json#/S", "x/../".repeat(n));
    with_other(&schemas(1, |_| all_of(&to)), r#"{"S":{"type":"string"}}"#).into()
}

fn refs_escaped(n: usize) -> Input {
    let schema = |i| all_of(&format!("other.json#/d/a~1%7Bb{i}%7D~0"));
    let other = format!(
        "{{\"d\":{{{}}}}}",
        joined(n, ",", |i| format!("\"a/{{b{i}}}~\":{STRING}"))
    );
    with_other(&schemas(n, schema), &other).into()
}

fn mappings(n: usize) -> Input {
    let mapping = object(n, |i| format!("\"other.json#/d/k{:06}\"", opposite(n, i)));
    let members = schemas(1, |_| {
        format!(
            "{{\"type\":\"object\",\"discriminator\":{{\"propertyName\":\"t\",\"mapping\":{mapping}}}}}"
        )
    });
    with_other(
        &members,
        &format!("{{\"d\":{}}}", object(n, |_| STRING.to_owned())),
    )
    .into()
}

fn mappings_names(n: usize) -> Input {
    let mapping = object(n, |i| format!("\"k{i:06}\""));
    let discriminator = format!(
        "{{\"type\":\"object\",\"discriminator\":{{\"propertyName\":\"t\",\"mapping\":{mapping}}}}}"
    );
    let schema = |i: usize| {
        if i == 0 {
            discriminator.clone()
        } else {
            STRING.to_owned()
        }
    };
    Tree::defined("specification.json", spec(&schemas(n, schema))).into()
}

fn colliding(n: usize, own: impl Fn(usize) -> String) -> Input {
    let entries = joined(n, ",", own);
    let list = joined(n, ",", |i| reference(&format!("other.json#/d/k{i:06}/S")));
    let members =
        format!("\"components\":{{\"schemas\":{{\"All\":{{\"oneOf\":[{list}]}},{entries}}}}}");
    with_other(
        &members,
        &format!("{{\"d\":{}}}", object(n, |_| format!("{{\"S\":{STRING}}}"))),
    )
    .into()
}

fn components_collide(n: usize) -> Input {
    colliding(n, |i| format!("\"k{i}\":{STRING}"))
}

fn components_numbered(n: usize) -> Input {
    colliding(n, |i| format!("\"S_{i}\":{STRING}"))
}

fn component_files_collide(n: usize) -> Input {
    let mut tree = Tree::defined(
        "specification.json",
        spec(&schemas(n, |i| all_of(&format!("f{i}/S.json")))),
    );
    for i in 0..n {
        tree.add(&format!("apis/a/f{i}/S.json"), STRING);
    }
    tree.into()
}

fn path_items(n: usize) -> Input {
    let item = |i: usize| {
        format!(
            "\"/p{i}\":{{\"$ref\":\"other.json#/k{:06}\"}}",
            opposite(n, i)
        )
    };
    let other = object(n, |i| {
        format!(
            r#"{{"get":{{"operationId":"g{i}","responses":{{"200":{{"description":"ok"}}}}}}}}"#
        )
    });
    Tree::defined("specification.json", spec_of(&joined(n, ",", item)))
        .with("apis/a/other.json", other)
        .into()
}

fn path_items_chain(n: usize) -> Input {
    let item = |i: usize| match i {
        0 => r#""/p0":{"get":{"responses":{"200":{"description":"ok"}}}}"#.to_owned(),
        i => format!("\"/p{i}\":{{\"$ref\":\"#/paths/~1p{}\"}}", i - 1),
    };
    Tree::defined("specification.json", spec_of(&joined(n, ",", item)))
        .with("apis/a/other.json", r#"{"S":{"type":"string"}}"#)
        .into()
}

fn examples(n: usize) -> Input {
    let entries = joined(n, ",", |i| {
        format!("\"e{i}\":{{\"value\":{{\"$ref\":\"nothing{i}\"}}}}")
    });
    let text = SPEC.replacen(
        r#""description":"ok""#,
        &format!("\"description\":\"ok\",\"content\":{{\"application/json\":{{\"examples\":{{{entries}}}}}}}"),
        1,
    );
    Tree::defined("specification.json", text).into()
}

/// APIs `a0`, `a1`, ... whose definitions name what `names` says.
fn apis(n: usize, names: impl Fn(usize) -> String) -> Tree {
    let mut tree = Tree::default();
    for i in 0..n {
        let information = API.replace(r#""path":"a""#, &format!("\"path\":\"a{i}\""));
        tree.add(&format!("apis/a{i}/apiInformation.json"), information);
        let list = names(i);
        tree.add(
            &format!("apis/a{i}/specification.json"),
            spec(&format!(
                "\"components\":{{\"schemas\":{{\"All\":{{\"oneOf\":[{list}]}}}}}}"
            )),
        );
    }
    tree
}

fn shared_schema(n: usize) -> Input {
    let tree = apis(n, |i| reference(&format!("../../shared.json#/k{i:06}")));
    let schema = |i| {
        format!(
            "{{\"type\":\"object\",\"description\":\"schema {i}\",\"properties\":{{\"a\":{STRING},\"b\":{STRING},\"c\":{STRING},\"d\":{STRING}}}}}"
        )
    };
    tree.with("shared.json", object(n, schema)).into()
}

fn shared_files(n: usize) -> Input {
    let side = root(n);
    let list = joined(side, ",", |i| reference(&format!("../../f{i}.json")));
    let mut tree = apis(side, |_| list.clone());
    for i in 0..side {
        tree.add(&format!("f{i}.json"), STRING);
    }
    tree.into()
}
