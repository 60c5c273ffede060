//! Keeps generated files fresh: `cargo xtask generate`, `cargo xtask check`.
//!
//! First the lists of rules, which are made of the folders alone: the product does not
//! compile without them; `cargo xtask lists` stops there. Then what the product itself
//! says (`hack/pages`).
//! `cargo xtask tables CATALOGUE [--check]` makes the table of policy elements, and says
//! whether its source changed; `cargo xtask tables azure [--check]` does the same for the
//! routes and shapes of the simulated Azure, from the SDKs that `hack/azure/tables` pins.

mod lists;

use anyhow::{Context, bail};
use std::path::Path;
use std::process::Command;

fn main() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let word = std::env::args().nth(1).unwrap_or_default();
    if word == "tables" {
        return match std::env::args().nth(2).as_deref() {
            Some("azure") => azure(&root),
            _ => tables(&root),
        };
    }
    let check = match word.as_str() {
        "generate" => false,
        "check" => true,
        "lists" => false,
        _ => {
            bail!("usage: cargo xtask generate | lists | check | tables CATALOGUE|azure [--check]")
        }
    };
    for (path, text) in lists::all(&root)? {
        let file = root.join(&path);
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        if found == text {
            continue;
        }
        if check {
            bail!("{path} is stale: run `cargo xtask generate` and commit the result");
        }
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    }
    if word == "lists" {
        return Ok(());
    }
    let pages = cargo()
        .args(["run", "--quiet", "--package", "pages", "--", &word])
        .current_dir(&root)
        .status()
        .context("run the package `pages`")?;
    if !pages.success() {
        bail!("the package `pages` failed");
    }
    Ok(())
}

/// Cargo, without what the one that runs this says of this package: build scripts that look
/// at it (that of `ring`) would run again, and what depends on them would be built anew.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let of_package = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if of_package {
            command.env_remove(&name);
        }
    }
    command
}

/// The table of policies is made by an example of the crate that reads it.
fn tables(root: &Path) -> anyhow::Result<()> {
    let crate_and_example = ["--package", "flux-apim-policy", "--example", "tables"];
    let made = cargo()
        .args(["run", "--quiet", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .args(crate_and_example)
        .arg("--")
        .args(std::env::args_os().skip(2))
        .status()
        .context("run the example `tables` of flux-apim-policy")?;
    if !made.success() {
        bail!("the table of policies was not made");
    }
    Ok(())
}

/// The tables of the simulated Azure are made by a script that reads Microsoft's SDKs.
fn azure(root: &Path) -> anyhow::Result<()> {
    let script = root.join("hack/azure/tables/make");
    let made = Command::new(&script)
        .args(std::env::args_os().skip(3))
        .status()
        .with_context(|| format!("run {}", script.display()))?;
    if !made.success() {
        bail!("the tables of the simulated Azure are not what the SDKs say");
    }
    Ok(())
}
