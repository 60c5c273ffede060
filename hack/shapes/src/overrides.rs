//! Environment files.

use crate::tree::{API, SPEC, Tree, joined};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "override_apis",
        "n APIs, each with an override",
        (10, 1_500),
        override_apis,
    )
    .environment("prod"),
    Shape::new(
        "override_unmatched",
        "n tags, and n overrides of others",
        (40, 5_000),
        override_unmatched,
    )
    .environment("prod"),
    Shape::new(
        "override_bare",
        "n tags, and n overrides without properties of others",
        (40, 5_000),
        override_bare,
    )
    .environment("prod"),
    Shape::new(
        "override_children",
        "n APIs that nothing declares but their policies, each with an override",
        (30, 4_000),
        override_children,
    )
    .environment("prod"),
    Shape::new(
        "override_keys",
        "an override of n properties over n others",
        (200, 20_000),
        override_keys,
    )
    .environment("prod"),
    Shape::new(
        "override_same",
        "one resource overridden n times",
        (100, 20_000),
        override_same,
    )
    .environment("prod"),
    Shape::new(
        "override_sections",
        "n sections that are none",
        (200, 20_000),
        override_sections,
    )
    .environment("prod"),
    Shape::new(
        "override_parameters",
        "n values that become parameters",
        (20, 3_000),
        override_parameters,
    )
    .environment("prod"),
    Shape::new(
        "override_nested",
        "√n workspaces with √n overrides",
        (100, 20_000),
        override_nested,
    )
    .environment("prod"),
    Shape::new(
        "override_protected",
        "n APIs with an override of what is protected",
        (10, 1_500),
        override_protected,
    )
    .environment("prod"),
];

fn tagged(n: usize, environment: String) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("tags/t{i}/tagInformation.json"),
            r#"{"properties":{"displayName":"t"}}"#,
        );
    }
    tree.with("configuration.prod.yaml", environment).into()
}

fn override_apis(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
    }
    let items = joined(n, "", |i| {
        format!("- name: a{i}\n  properties:\n    serviceUrl: https://prod{i}\n")
    });
    tree.with("configuration.prod.yaml", format!("apis:\n{items}"))
        .into()
}

fn override_unmatched(n: usize) -> Input {
    tagged(
        n,
        format!(
            "tags:\n{}",
            joined(n, "", |i| format!(
                "- name: other{i}\n  properties:\n    displayName: t\n"
            ))
        ),
    )
}

fn override_bare(n: usize) -> Input {
    tagged(
        n,
        format!(
            "tags:\n{}",
            joined(n, "", |i| format!("- name: other{i}\n"))
        ),
    )
}

fn override_children(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("apis/b{i}/policy.xml"), "<policies></policies>");
    }
    let items = joined(n, "", |i| format!("- name: b{i}\n"));
    tree.with("configuration.prod.yaml", format!("apis:\n{items}"))
        .into()
}

fn override_keys(n: usize) -> Input {
    let own = joined(n, ",", |i| format!("\"k{i}\":1"));
    let api = API.replacen(r#""path""#, &format!("\"x\":{{{own}}},\"path\""), 1);
    let over = joined(n, "", |i| format!("      l{i}: 1\n"));
    Tree::default()
        .with("apis/a/apiInformation.json", api)
        .with("apis/a/specification.json", SPEC)
        .with(
            "configuration.prod.yaml",
            format!("apis:\n- name: a\n  properties:\n    x:\n{over}"),
        )
        .into()
}

fn override_same(n: usize) -> Input {
    let items = joined(n, "", |i| format!("- name: a\n  properties: {{x{i}: 1}}\n"));
    Tree::project()
        .with("configuration.prod.yaml", format!("apis:\n{items}"))
        .into()
}

fn override_sections(n: usize) -> Input {
    let text = joined(n, "", |i| format!("apiss{i}: []\n"));
    Tree::project().with("configuration.prod.yaml", text).into()
}

fn override_parameters(n: usize) -> Input {
    tagged(
        n,
        format!(
            "tags:\n{}",
            joined(n, "", |i| format!(
                "- name: t{i}\n  properties:\n    displayName: prod {i}\n"
            ))
        ),
    )
}

fn override_nested(n: usize) -> Input {
    let side = crate::tree::root(n);
    let mut tree = Tree::project();
    for w in 0..side {
        tree.add(
            &format!("workspaces/w{w}/workspaceInformation.json"),
            r#"{"properties":{"displayName":"w"}}"#,
        );
        for i in 0..side {
            tree.add(
                &format!("workspaces/w{w}/tags/t{i}/tagInformation.json"),
                r#"{"properties":{"displayName":"t"}}"#,
            );
        }
    }
    let items = |_| {
        joined(side, "", |i| {
            format!("  - name: t{i}\n    properties: {{displayName: p}}\n")
        })
    };
    let text = joined(side, "", |w| format!("- name: w{w}\n  tags:\n{}", items(w)));
    tree.with("configuration.prod.yaml", format!("workspaces:\n{text}"))
        .into()
}

fn override_protected(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.api(&format!("a{i}"), i);
    }
    let items = joined(n, "", |i| {
        format!("- name: a{i}\n  properties: {{isCurrent: true, apiRevision: '2'}}\n")
    });
    tree.with("configuration.prod.yaml", format!("apis:\n{items}"))
        .into()
}
