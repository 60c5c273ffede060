//! Two trees: what `diff` costs beyond reading both.

use crate::tree::{API, SPEC, Tree, joined, spec_of};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "diff_keys",
        "n properties, each with another value",
        (150, 20_000),
        |n| keys(n, 1),
    )
    .against(|n| keys(n, 2)),
    Shape::new(
        "diff_keys_other",
        "n properties, each with another name",
        (100, 10_000),
        |n| renamed(n, "k"),
    )
    .against(|n| renamed(n, "l")),
    Shape::new(
        "diff_items",
        "a list of n values that are others",
        (300, 50_000),
        |n| items(n, 1),
    )
    .against(|n| items(n, 2)),
    Shape::new(
        "diff_text",
        "a policy of n lines that are others",
        (100, 2_900),
        |n| text(n, "a"),
    )
    .against(|n| text(n, "b")),
    Shape::new(
        "diff_text_long",
        "a policy of n lines that are others, where more are too many to compare",
        (1_000, 40_000),
        |n| text(n, "a"),
    )
    .against(|n| text(n, "b")),
    Shape::new(
        "diff_text_shuffled",
        "a policy of n lines in the other order",
        (60, 2_900),
        |n| ordered(n, false),
    )
    .against(|n| ordered(n, true)),
    Shape::new(
        "diff_texts",
        "n policies of 300 lines that are others",
        (1, 200),
        |n| texts(n, "a"),
    )
    .against(|n| texts(n, "b")),
    Shape::new(
        "diff_operations",
        "n operations that are others",
        (50, 10_000),
        |n| operations(n, "a"),
    )
    .against(|n| operations(n, "b")),
    Shape::new(
        "diff_resources",
        "n tags, none of which is there on the other side",
        (40, 5_000),
        |n| tags(n, "a"),
    )
    .against(|n| tags(n, "b")),
];

fn property(member: &str) -> Input {
    let text = API.replacen(r#""path""#, &format!("{member},\"path\""), 1);
    Tree::default()
        .with("apis/a/apiInformation.json", text)
        .with("apis/a/specification.json", SPEC)
        .into()
}

fn keys(n: usize, value: usize) -> Input {
    property(&format!(
        "\"x\":{{{}}}",
        joined(n, ",", |i| format!("\"k{i}\":{value}"))
    ))
}

fn renamed(n: usize, prefix: &str) -> Input {
    property(&format!(
        "\"x\":{{{}}}",
        joined(n, ",", |i| format!("\"{prefix}{i}\":1"))
    ))
}

fn items(n: usize, value: usize) -> Input {
    property(&format!(
        "\"x\":[{}]",
        joined(n, ",", |_| value.to_string())
    ))
}

fn policy(lines: &str) -> Input {
    Tree::policy(lines).forgiving(&[7003]).into()
}

fn text(n: usize, word: &str) -> Input {
    policy(&joined(n, "\n", |i| format!("<!--{word}{i}-->")))
}

fn ordered(n: usize, reversed: bool) -> Input {
    policy(&joined(n, "\n", |i| {
        format!("<!--{}-->", if reversed { n - i } else { i + 1 })
    }))
}

fn texts(n: usize, word: &str) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
        let lines = joined(300, "\n", |k| format!("<!--{word}{k}-->"));
        tree.add(
            &format!("apis/a{i}/policy.xml"),
            format!("<policies>\n{lines}\n</policies>"),
        );
    }
    tree.into()
}

fn operations(n: usize, word: &str) -> Input {
    let item = |i: usize| {
        format!(
            r#""/p{i}":{{"get":{{"operationId":"g{i}","responses":{{"200":{{"description":"{word}"}}}}}}}}"#
        )
    };
    Tree::defined("specification.json", spec_of(&joined(n, ",", item))).into()
}

fn tags(n: usize, prefix: &str) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("tags/{prefix}{i}/tagInformation.json"),
            r#"{"properties":{"displayName":"t"}}"#,
        );
    }
    tree.into()
}
