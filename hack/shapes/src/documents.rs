//! JSON and YAML: what the two parsers and their findings cost.

use crate::tree::{API, SPEC, Tree, joined, spec};
use crate::{Input, Memory, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new("json_keys", "n keys in one object", (1000, 500_000), json_keys),
    Shape::new("json_numbers", "n numbers in an unknown property", (300, 200_000), json_numbers)
        .allowing(Memory::PerByte(250), "a number of two bytes is a value in the tree, in the graph, and a line of its own in each of three targets"),
    Shape::new("json_strings", "n strings full of escapes", (300, 100_000), json_strings),
    Shape::new("json_deep", "n towers of 200 arrays", (10, 2_000), json_deep),
    Shape::new("json_open", "n brackets that nobody closes", (20_000, 2_000_000), json_open),
    Shape::new("json_spaces", "n blanks before each of few tokens", (4000, 1_000_000), json_spaces),
    Shape::new("json_spaces_many", "n tokens, each on a line far to the right", (1000, 100_000), json_spaces_many),
    Shape::new("json_indented", "n values in a property 200 levels deep", (60, 20_000), json_indented)
        .allowing(Memory::PerByte(1000), "each value stands on a line that is indented by 400 blanks, in three targets"),
    Shape::new("duplicate_keys", "one key n times, a line each", (1000, 170_000), duplicate_keys),
    Shape::new("duplicate_keys_one_line", "one key n times on one line", (1000, 200_000), duplicate_keys_one_line),
    Shape::new("duplicate_keys_non_ascii", "one key n times on one line of YAML that is not ASCII", (500, 50_000), duplicate_keys_non_ascii),
    Shape::new("long_key_items", "a key of n letters above n values", (1500, 100_000), long_key_items)
        .allowing(Memory::PerByte(250), "a value of two bytes is one in the tree and in the graph, of both sides of a comparison"),
    Shape::new("long_key_findings", "a key of n letters above n values that are wrong", (500, 60_000), long_key_findings),
    Shape::new("yaml_keys", "n keys of a block mapping", (400, 200_000), yaml_keys),
    Shape::new("yaml_scalars", "n block scalars, comments and tags", (150, 50_000), yaml_scalars),
    Shape::new("yaml_anchors", "n anchors, each used once, and merged once", (150, 20_000), yaml_anchors),
    Shape::new("yaml_merge_chain", "n mappings, each merged into the next", (40, 5_000), yaml_merge_chain)
        .product("each mapping has the keys of all before it"),
    Shape::new("yaml_alias_text", "a string of n letters, and n aliases of it", (150, 50_000), yaml_alias_text)
        .product("each alias stands for the whole text"),
    Shape::new("yaml_alias_text_override", "the same in an environment file", (150, 50_000), yaml_alias_text_override)
        .environment("prod")
        .product("each alias stands for the whole text"),
    Shape::new("yaml_unindented", "a flow list whose n lines lack their indentation", (40, 20_000), yaml_unindented),
    Shape::new("yaml_unindented_quoted", "a quoted scalar whose n lines lack their indentation", (40, 20_000), yaml_unindented_quoted),
    Shape::new("yaml_unindented_files", "n files with 60 lines that lack their indentation", (1, 400), yaml_unindented_files),
    Shape::new("yaml_flow_deep", "n flow lists nested 60 deep", (20, 5_000), yaml_flow_deep),
];

fn defined(members: &str) -> Input {
    Tree::defined("specification.json", spec(members)).into()
}

/// A definition in YAML with `members` at its end.
fn yaml(members: &str) -> Input {
    let text = format!(
        "openapi: 3.0.1\ninfo: {{title: A, version: '1'}}\npaths:\n  /a:\n    get: {{responses: {{'200': {{description: ok}}}}}}\n{members}"
    );
    Tree::defined("specification.yaml", text).into()
}

/// An API with `member` among its properties.
fn property(member: &str) -> Input {
    let text = API.replacen(r#""path""#, &format!("{member},\"path\""), 1);
    Tree::default()
        .with("apis/a/apiInformation.json", text)
        .with("apis/a/specification.json", SPEC)
        .into()
}

fn json_keys(n: usize) -> Input {
    defined(&format!(
        "\"x-k\":{{{}}}",
        joined(n, ",", |i| format!("\"k{i}\":{i}"))
    ))
}

fn json_numbers(n: usize) -> Input {
    property(&format!(
        "\"k\":[{}]",
        joined(n, ",", |i| (i % 10).to_string())
    ))
}

fn json_strings(n: usize) -> Input {
    let string = |i: usize| format!("\"\\u00e9\\n\\\"{i}\\\"\\ud83d\\ude00\"");
    defined(&format!("\"x-k\":[{}]", joined(n, ",", string)))
}

fn json_deep(n: usize) -> Input {
    let tower = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    defined(&format!("\"x-k\":[{}]", joined(n, ",", |_| tower.clone())))
}

fn json_open(n: usize) -> Input {
    Tree::defined("specification.json", "[".repeat(n)).into()
}

fn json_spaces(n: usize) -> Input {
    let gap = " ".repeat(n);
    defined(&format!("\"x-k\":[{gap}1{gap},{gap}{{{gap}}}{gap}]"))
}

fn json_spaces_many(n: usize) -> Input {
    let gap = " ".repeat(60);
    defined(&format!(
        "\"x-k\":[{}]",
        joined(n, ",", |_| format!("[{gap}]{gap}"))
    ))
}

fn json_indented(n: usize) -> Input {
    let items = joined(n, ",", |_| "1".to_owned());
    property(&format!(
        "\"k\":{}{items}{}",
        "[".repeat(200),
        "]".repeat(200)
    ))
}

fn duplicate_keys(n: usize) -> Input {
    defined(&format!(
        "\"x-k\":{{{}}}",
        joined(n, ",", |_| "\n\"a\":1".to_owned())
    ))
}

fn duplicate_keys_one_line(n: usize) -> Input {
    defined(&format!(
        "\"x-k\":{{{}}}",
        joined(n, ",", |_| "\"a\":1".to_owned())
    ))
}

fn duplicate_keys_non_ascii(n: usize) -> Input {
    yaml(&format!(
        "x-k: {{{}}}\n",
        joined(n, ", ", |_| "\u{e4}: \u{20ac}".to_owned())
    ))
}

fn long_key_items(n: usize) -> Input {
    let items = joined(n, ",", |_| "0".to_owned());
    property(&format!("\"{}\":[{items}]", "k".repeat(n)))
}

fn long_key_findings(n: usize) -> Input {
    // Headers of a backend: every name is taken, and each is a list of strings.
    let items = joined(n, ",", |_| "{}".to_owned());
    let backend = format!(
        "{{\"properties\":{{\"url\":\"https://x\",\"protocol\":\"http\",\"credentials\":{{\"header\":{{\"{}\":[{items}]}}}}}}}}",
        "k".repeat(n)
    );
    Tree::project()
        .with("backends/b/backendInformation.json", backend)
        .into()
}

fn yaml_keys(n: usize) -> Input {
    yaml(&format!(
        "x-k:\n{}",
        joined(n, "", |i| format!("  k{i}: {i}\n"))
    ))
}

fn yaml_scalars(n: usize) -> Input {
    let item = |i: usize| {
        format!(
            "  - |\n    literal {i}\n\n    é\n  # comment {i}\n  - >-\n    folded\n    {i}\n  - !!str {i} # here\n  - \"a\\n\\\n    b\" # there\n"
        )
    };
    yaml(&format!("x-k:\n{}", joined(n, "", item)))
}

fn yaml_anchors(n: usize) -> Input {
    let item = |i: usize| {
        format!("  a{i}: &a{i} {{x{i}: 1}}\n  b{i}: *a{i}\n  c{i}: {{<<: *a{i}, y: 2}}\n")
    };
    yaml(&format!("x-k:\n{}", joined(n, "", item)))
}

fn yaml_merge_chain(n: usize) -> Input {
    let item = |i: usize| format!("  a{}: &a{} {{<<: *a{i}, k{i}: 1}}\n", i + 1, i + 1);
    yaml(&format!(
        "x-k:\n  a0: &a0 {{k: 1}}\n{}",
        joined(n, "", item)
    ))
}

fn yaml_alias_text(n: usize) -> Input {
    let text = "t".repeat(n);
    yaml(&format!(
        "x-k:\n  a: &a {text}\n  b: [{}]\n",
        joined(n, ",", |_| "*a".to_owned())
    ))
}

fn yaml_alias_text_override(n: usize) -> Input {
    let text = "t".repeat(n);
    let aliases = joined(n, ",", |_| "*a".to_owned());
    let over = format!("apis:\n- name: a\n  properties:\n    k: &a {text}\n    l: [{aliases}]\n");
    Tree::project().with("configuration.prod.yaml", over).into()
}

fn yaml_unindented(n: usize) -> Input {
    yaml(&format!(
        "x-k:\n  a: [\n{}]\n",
        joined(n, "", |_| "1,\n".to_owned())
    ))
}

fn yaml_unindented_quoted(n: usize) -> Input {
    yaml(&format!(
        "x-k:\n  a: \"\n{}\"\n",
        joined(n, "", |_| "b\n".to_owned())
    ))
}

fn yaml_unindented_files(n: usize) -> Input {
    let mut tree = Tree::default();
    let Input::Tree(one) = yaml_unindented(60) else {
        return tree.into();
    };
    let text: String = one
        .files()
        .filter(|(path, _)| path.ends_with(".yaml"))
        .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
        .collect();
    for i in 0..n {
        let information = API.replace(r#""path":"a""#, &format!("\"path\":\"a{i}\""));
        tree.add(&format!("apis/a{i}/apiInformation.json"), information);
        tree.add(&format!("apis/a{i}/specification.yaml"), text.clone());
    }
    tree.into()
}

fn yaml_flow_deep(n: usize) -> Input {
    let tower = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    yaml(&format!(
        "x-k:\n{}",
        joined(n, "", |_| format!("  - {tower}\n"))
    ))
}
