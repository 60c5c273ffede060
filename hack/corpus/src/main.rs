//! `make corpus`: what the product says about published trees, definitions and policies.
//!
//! `corpus` writes `docs/corpus.md` and prints what differs from the one before, so that a
//! reviewer sees what a change of a rule does. `corpus --check` only compares. `corpus draw
//! SEED [N]` draws findings to be read by hand. All of them run the program that
//! `FLUX_APIM_BIN` names on the corpus that `FLUX_APIM_CORPUS` names.

mod allowed;
mod draw;
mod run;
mod sources;
mod table;
#[cfg(test)]
mod tests;

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

const TABLE: &str = "docs/corpus.md";
const USAGE: &str = "usage: corpus [--check] | corpus draw SEED [N]";

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(corpus) = corpus()? else {
        println!("skipped: FLUX_APIM_CORPUS is not set, and nothing is unpacked in target/corpus");
        return Ok(());
    };
    let program = std::env::var_os("FLUX_APIM_BIN")
        .context("FLUX_APIM_BIN names the program to run, and is not set")?;
    let program = std::fs::canonicalize(&program)
        .with_context(|| format!("FLUX_APIM_BIN: {}", program.display()))?;
    let runs = || run::all(&program, &corpus, sources::all(&corpus)?);
    match words.as_slice() {
        [] => compare(&runs()?, false),
        ["--check"] => compare(&runs()?, true),
        ["draw", seed] => print_drawn(&runs()?, seed, 100),
        ["draw", seed, count] => print_drawn(&runs()?, seed, count.parse().context(USAGE)?),
        _ => bail!(USAGE),
    }
}

fn print_drawn(runs: &[run::Run], seed: &str, count: usize) -> anyhow::Result<()> {
    println!("| | rule | where | what it says |\n|---:|---|---|---|");
    for row in draw::rows(runs, seed, count) {
        println!("{row}");
    }
    Ok(())
}

/// The corpus; what `FLUX_APIM_CORPUS` names must be there.
fn corpus() -> anyhow::Result<Option<PathBuf>> {
    let named = std::env::var_os("FLUX_APIM_CORPUS").map(PathBuf::from);
    let folder = named
        .clone()
        .unwrap_or_else(|| repository().join("target/corpus"));
    match std::fs::canonicalize(&folder) {
        Ok(folder) => Ok(Some(folder)),
        Err(_) if named.is_none() => Ok(None),
        Err(error) => Err(error).context(format!("FLUX_APIM_CORPUS: {}", folder.display())),
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn compare(runs: &[run::Run], only_check: bool) -> anyhow::Result<()> {
    let explained = include_str!("../explained.md");
    let allowed = allowed::read()?;
    let now = table::page(runs, &allowed, explained);
    let file = repository().join(TABLE);
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    for line in table::difference(&before, &now) {
        println!("{line}");
    }
    if before != now {
        if only_check {
            bail!("{TABLE} is stale: run `make corpus` and commit the result");
        }
        std::fs::write(&file, now).with_context(|| format!("write {}", file.display()))?;
        println!("{TABLE} is written anew");
    }
    allowed::hold(runs, &allowed)
}
