//! Keeps generated files fresh: `cargo xtask generate`, `cargo xtask check`.

use anyhow::{Context, bail};
use flux_apim::diag::RULES;
use flux_apim::edge::controller::api;
use flux_apim::edge::yaml;
use flux_apim::tree::Limits;
use std::fmt::Write;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let check = match std::env::args().nth(1).as_deref() {
        Some("generate") => false,
        Some("check") => true,
        _ => bail!("usage: cargo xtask generate | check"),
    };
    for (path, text) in [
        ("docs/rules.md", rules()),
        ("docs/limits.md", limits()),
        (
            "docs/flux-apim.schema.json",
            schema(&flux_apim::discover::schema()),
        ),
        (
            "docs/policy.schema.json",
            schema(&flux_apim::levels::policy_schema()),
        ),
        (
            "manifests/crds/apimbundles.flux-apim.dev.yaml",
            yaml::document(&api::crd()),
        ),
        ("testdata/rules.lock", lock(&root)?),
    ] {
        let file = root.join(path);
        if check {
            let found = std::fs::read_to_string(&file).unwrap_or_default();
            if found != text {
                bail!("{path} is stale: run `cargo xtask generate` and commit the result");
            }
        } else {
            std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        }
    }
    Ok(())
}

fn rules() -> String {
    let mut out = String::from(
        "# Rules\n\nGenerated from `crates/diag/src/catalogue.rs` by `cargo xtask generate`. `flux-apim explain CODE` shows the same.\n[Levels](levels.md) says who changes them, and how.\n",
    );
    for rule in RULES {
        let _ = write!(
            out,
            "\n## {}\n\n`{}`, {}: {}.\n\n{}\n",
            rule.code, rule.name, rule.severity, rule.summary, rule.explanation
        );
    }
    out
}

fn schema(schema: &impl std::fmt::Display) -> String {
    format!("{schema:#}\n")
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

/// Codes and names, append-only: what is locked must still be there.
fn lock(root: &Path) -> anyhow::Result<String> {
    let mut out = String::new();
    for rule in RULES {
        let _ = writeln!(out, "{} {}", rule.code, rule.name);
    }
    let locked = std::fs::read_to_string(root.join("testdata/rules.lock")).unwrap_or_default();
    for line in locked.lines() {
        if !out.lines().any(|rule| rule == line) {
            bail!(
                "`{line}` is locked in testdata/rules.lock: codes and names are never changed or reused"
            );
        }
    }
    Ok(out)
}
