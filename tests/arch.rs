//! The invariants of ARCHITECTURE.md that a reader of sources can hold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::path::{Path, PathBuf};

/// Modules in pipeline order: each may use those before it.
const ORDER: [&str; 13] = [
    "diag", "tree", "reuse", "syntax", "csharp", "openapi", "policy", "model", "discover",
    "validate", "render", "bundle", "changes",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

fn code_of(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn modules_use_only_those_above_them() {
    let mut wrong = Vec::new();
    for (place, module) in ORDER.iter().enumerate() {
        for file in sources(&src().join(module)) {
            let code = code_of(&file);
            for later in ORDER[place + 1..].iter().chain(&["pipeline", "edge"]) {
                // A report resolves places of a tree: the one pair that knows each other.
                let pair = *module == "diag" && *later == "tree";
                if !pair && code.contains(&format!("crate::{later}")) {
                    wrong.push(format!("{} uses {later}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_core_touches_nothing() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::time",
        "tokio",
        "reqwest",
        "println!",
        "eprintln!",
        "SystemTime",
        "Instant::now",
    ];
    let mut wrong = Vec::new();
    for file in sources(&src()) {
        let shown = file.strip_prefix(src()).unwrap().display().to_string();
        if shown.starts_with("edge") || shown == "main.rs" {
            continue;
        }
        let code = code_of(&file);
        for word in forbidden {
            if code.contains(word) {
                wrong.push(format!("{shown}: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
