//! The generated files that the product itself says: `cargo xtask generate` runs this
//! after the lists of rules are there.

mod rules;

use anyhow::{Context, bail};
use flux_apim::edge::controller::api;
use flux_apim::edge::yaml;
use flux_apim::rules::REGISTRY;
use flux_apim::tree::Limits;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let check = match std::env::args().nth(1).as_deref() {
        Some("generate") => false,
        Some("check") => true,
        _ => bail!("usage: pages generate | check"),
    };
    let mut files = BTreeMap::from([
        ("docs/rules.md".to_owned(), rules::index()),
        ("docs/limits.md".to_owned(), limits()),
        ("docs/flux-apim.schema.json".to_owned(), schema()),
        (
            "docs/policy.schema.json".to_owned(),
            format!("{:#}\n", flux_apim::levels::policy_schema(REGISTRY)),
        ),
        (
            "manifests/crds/apimbundles.flux-apim.dev.yaml".to_owned(),
            yaml::document(&api::crd()),
        ),
        ("testdata/rules.lock".to_owned(), rules::lock(&root)?),
    ]);
    files.extend(rules::pages());
    std::fs::create_dir_all(root.join(rules::FOLDER)).context("make the folder of the pages")?;
    for entry in std::fs::read_dir(root.join(rules::FOLDER)).context("list the pages")? {
        let name = entry?.file_name();
        let path = format!("{}/{}", rules::FOLDER, name.to_string_lossy());
        if !files.contains_key(&path) {
            bail!("{path} is the page of no rule: remove it");
        }
    }
    for (path, text) in files {
        let file = root.join(&path);
        if std::fs::read_to_string(&file).unwrap_or_default() == text {
            continue;
        }
        if check {
            bail!("{path} is stale: run `cargo xtask generate` and commit the result");
        }
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

fn schema() -> String {
    format!("{:#}\n", flux_apim::discover::schema(REGISTRY))
}

fn limits() -> String {
    let mut out = String::from(
        "# Caps on the input\n\nGenerated from `crates/diag/src/tree/limits.rs` by `cargo xtask generate`. A source beyond a cap is refused, naming the\nfile, the value and the flag. A project lowers the caps on documents under `limits` in `flux-apim.yaml`\n(`max_depth: 100`); it cannot raise them.\n\n| Flag | Default | Caps |\n|---|---:|---|\n",
    );
    for limit in Limits::TABLE {
        let meaning = limit.meaning.trim();
        let _ = writeln!(
            out,
            "| `--{}` | {} | {meaning} |",
            limit.flag, limit.default
        );
    }
    out
}
