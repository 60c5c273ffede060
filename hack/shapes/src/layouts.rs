//! Paths and folders: what discovery has to look through.

use crate::tree::{API, SPEC, Tree, joined};
use crate::{Input, Shape};

pub(crate) static SHAPES: &[Shape] = &[
    Shape::new(
        "unclaimed",
        "n files that nothing reads",
        (200, 50_000),
        unclaimed,
    ),
    Shape::new(
        "deep_paths",
        "n files, each below 500 folders",
        (10, 3_000),
        deep_paths,
    ),
    Shape::new(
        "unicode_paths",
        "n files with accents in their names",
        (100, 20_000),
        unicode_paths,
    ),
    Shape::new(
        "case_paths",
        "n files, of which two differ in case only",
        (100, 20_000),
        case_paths,
    ),
    Shape::new(
        "bundles",
        "n folders with a bundle in them",
        (40, 5_000),
        bundles,
    ),
    Shape::new(
        "bundles_files",
        "√n bundles with √n files",
        (200, 50_000),
        bundles_files,
    ),
    Shape::new("roots", "n projects side by side", (40, 10_000), roots),
    Shape::new("plain_apis", "n plain documents", (15, 2_000), plain_apis),
    Shape::new(
        "plain_configured",
        "n plain documents, and n entries about them",
        (15, 2_000),
        plain_configured,
    ),
    Shape::new(
        "plain_unused",
        "n entries about documents that do not exist, one that does",
        (150, 20_000),
        plain_unused,
    ),
    Shape::new(
        "plain_nested",
        "a plain document in each of 200 nested folders, and n files in the innermost",
        (100, 20_000),
        plain_nested,
    ),
    Shape::new(
        "incomplete",
        "n policies of APIs that nothing declares",
        (40, 10_000),
        incomplete,
    ),
    Shape::new(
        "definitions_many",
        "n APIs with nine definitions each",
        (64, 4_000),
        definitions_many,
    ),
    Shape::new(
        "environments",
        "n environment files, none of which is asked for",
        (100, 20_000),
        environments,
    ),
    Shape::new(
        "candidates",
        "n documents that only seem to be definitions",
        (100, 20_000),
        candidates,
    ),
    Shape::new(
        "extractor_filters",
        "n filters of the extractor",
        (100, 20_000),
        extractor_filters,
    ),
];

fn unclaimed(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("notes/n{i}.txt"), "text");
    }
    tree.into()
}

fn deep_paths(n: usize) -> Input {
    let deep = "a/".repeat(500);
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("{i:06}/{deep}x"), "");
    }
    tree.into()
}

fn unicode_paths(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("é\u{308}/ſ/ΑΒΓ/{i}-ü"), "");
    }
    tree.into()
}

fn case_paths(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("n/x{i}"), "");
    }
    tree.with("n/Y", "").with("n/y", "").into()
}

const INVENTORY: &str = r#"{"apiVersion":"flux-apim.dev/bundle/v1","resources":[]}"#;

fn bundles(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("out/b{i}/bundle.json"), INVENTORY);
    }
    tree.into()
}

fn bundles_files(n: usize) -> Input {
    let side = crate::tree::root(n);
    let mut tree = Tree::project();
    for i in 0..side {
        tree.add(&format!("out/b{i}/bundle.json"), INVENTORY);
        for k in 0..side {
            tree.add(&format!("zz/n{i}/f{k}"), "");
        }
    }
    tree.into()
}

fn roots(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.add(&format!("p{i}/apis/a/apiInformation.json"), API);
    }
    tree.into()
}

fn plain_apis(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.add(&format!("x{i}/openapi.json"), SPEC);
    }
    tree.into()
}

fn plain_configured(n: usize) -> Input {
    let entries = joined(n, "", |i| {
        format!("  x{i}: {{properties: {{path: p{i}}}}}\n")
    });
    let Input::Tree(tree) = plain_apis(n) else {
        return plain_apis(n);
    };
    tree.with("flux-apim.yaml", format!("apis:\n{entries}"))
        .into()
}

fn plain_unused(n: usize) -> Input {
    let entries = joined(n, "", |i| {
        format!("  y{i}: {{properties: {{path: p{i}}}}}\n")
    });
    Tree::default()
        .with("x/openapi.json", SPEC)
        .with("flux-apim.yaml", format!("apis:\n{entries}"))
        .into()
}

fn plain_nested(n: usize) -> Input {
    let mut tree = Tree::default();
    let mut folder = String::new();
    for _ in 0..200 {
        folder.push_str("d/");
        tree.add(&format!("{folder}openapi.json"), SPEC);
    }
    for i in 0..n {
        tree.add(&format!("{folder}n{i}"), "");
    }
    tree.into()
}

fn incomplete(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("apis/b{i}/policy.xml"), "<policies></policies>");
    }
    tree.into()
}

fn definitions_many(n: usize) -> Input {
    let mut tree = Tree::default();
    for i in 0..n {
        tree.add(&format!("apis/a{i}/apiInformation.json"), API);
        for extension in [
            "json", "yaml", "yml", "graphql", "wsdl", "wadl", "xml", "edmx", "proto",
        ] {
            tree.add(&format!("apis/a{i}/specification.{extension}"), SPEC);
        }
    }
    tree.into()
}

fn environments(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("configuration.e{i}.yaml"), "apis: []\n");
    }
    tree.into()
}

fn candidates(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(
            &format!("notes/n{i}.json"),
            "{\"openapi\" \"swagger\" \"openapi\": \"x\"}",
        );
    }
    tree.into()
}

fn extractor_filters(n: usize) -> Input {
    let mut tree = Tree::project();
    for i in 0..n {
        tree.add(&format!("configuration.extractor.e{i}.yaml"), "apis: []\n");
    }
    tree.into()
}
