//! The layers of ARCHITECTURE.md, as `cargo metadata` shows them. The compiler holds
//! that a crate uses only what it depends on; this holds what it may depend on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// The libraries below `crates/`, in pipeline order: each may depend on those before it.
const ORDER: [&str; 17] = [
    "csharp",
    "diag",
    "reuse",
    "syntax",
    "policy",
    "definition",
    "levels",
    "model",
    "discover",
    "compile",
    "lsp",
    "link",
    "render",
    "bundle",
    "changes",
    "init",
    "deploy",
];

/// What a pure library may use of others: nothing that touches the world.
const PURE: [&str; 22] = [
    "futures-util", // futures that somebody else runs
    "globset",
    "jiff",   // its calendar: the clock is refused by clippy.toml
    "ignore", // its patterns: nothing of ours walks folders with it
    "libdeflater",
    "memchr",
    "percent-encoding",
    "quick-xml",
    "rapidfuzz",
    "rayon",
    "regex",
    "saphyr-parser",
    "serde",
    "serde_json",
    "sha2",
    "similar",
    "tar",
    "thiserror",
    "unicode-normalization",
    "proptest",
    "flate2",   // tests of csharp read compressed verdicts
    "cpu-time", // the measurement of policy's speed
];

/// The packages of the workspace.
fn packages() -> Vec<Value> {
    let out = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The library of a package below `crates/`.
fn library(package: &Value) -> Option<&str> {
    let manifest = package["manifest_path"].as_str().unwrap();
    manifest
        .contains("/crates/")
        .then(|| package["name"].as_str().unwrap())
        .map(|name| name.strip_prefix("flux-apim-").unwrap_or(name))
}

#[test]
fn libraries_depend_on_those_before_them_and_on_nothing_that_touches_the_world() {
    let packages = packages();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for package in &packages {
        let Some(name) = library(package) else {
            continue;
        };
        seen.insert(name.to_owned());
        let Some(place) = ORDER.iter().position(|known| *known == name) else {
            wrong.push(format!("crates/{name} has no place in the order"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            // Tests of crates/render read what it prints with the official grammars.
            if name == "render" && dependency["kind"] == "dev" {
                continue;
            }
            let on = dependency["name"].as_str().unwrap();
            let allowed = match on.strip_prefix("flux-apim-") {
                Some(own) => ORDER[..place].contains(&own),
                None => PURE.contains(&on),
            };
            if !allowed {
                wrong.push(format!("{name} depends on {on}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        seen.len(),
        ORDER.len(),
        "libraries that are there: {seen:?}"
    );
}

#[test]
fn each_library_tells_a_stranger_what_it_is() {
    for package in packages() {
        let Some(name) = library(&package) else {
            continue;
        };
        let folder = std::path::Path::new(package["manifest_path"].as_str().unwrap());
        let readme = folder.with_file_name("README.md");
        let text = std::fs::read_to_string(&readme).unwrap_or_default();
        assert!(
            text.len() > 400,
            "{name}: {} says too little",
            readme.display()
        );
    }
}

#[test]
fn the_places_that_architecture_names_are_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let mut places = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            ["crates/", "src/", "tests/", "docs/", "testdata/"]
                .iter()
                .any(|top| word.starts_with(top))
        })
        .peekable();
    assert!(places.peek().is_some());
    let missing: Vec<&str> = places.filter(|place| !root.join(place).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What a row names inside of a file is in it.
    for row in text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(".rs`, `"))
    {
        let mut words = row.split('`').skip(1).step_by(2);
        let file = words.next().unwrap();
        let source = std::fs::read_to_string(root.join(file)).unwrap();
        for name in words.take_while(|word| !word.contains('/')) {
            let name = name.rsplit("::").next().unwrap();
            assert!(
                source.contains(&format!("fn {name}")),
                "{file} has no {name}"
            );
        }
    }
}
