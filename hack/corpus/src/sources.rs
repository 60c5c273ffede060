//! What there is in the corpus, in order.

use anyhow::Context;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Tree,
    Definition,
    Policy,
}

/// One thing that the program is run on.
pub struct Source {
    pub kind: Kind,
    /// Path below the corpus, with slashes.
    pub name: String,
    /// The environment of a tree; `None` is the tree as it stands.
    pub environment: Option<String>,
}

/// All trees with all their environments, all definitions in one file, all policies.
pub fn all(corpus: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let trees = "apiops-trees";
    for tree in entries(&corpus.join(trees))? {
        if !tree.is_dir() {
            continue;
        }
        let name = below(corpus, &tree)?;
        let environments = environments(&tree)?.into_iter().map(Some);
        for environment in std::iter::once(None).chain(environments) {
            sources.push(Source {
                kind: Kind::Tree,
                name: name.clone(),
                environment,
            });
        }
    }
    let files = [
        (Kind::Definition, "openapi/single"),
        (Kind::Policy, "policies"),
    ];
    for (kind, folder) in files {
        let mut found = Vec::new();
        walk(&corpus.join(folder), &mut found)?;
        for path in found {
            sources.push(Source {
                kind,
                name: below(corpus, &path)?,
                environment: None,
            });
        }
    }
    Ok(sources)
}

/// What stands between `configuration.` and `.yaml`. `configuration.extractor.yaml` says what
/// APIOps extracts and is no environment.
fn environments(tree: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for path in entries(tree)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let middle = name.strip_prefix("configuration.").and_then(|rest| {
            rest.strip_suffix(".yaml")
                .or_else(|| rest.strip_suffix(".yml"))
        });
        if let Some(environment) = middle
            && environment != "extractor"
        {
            found.push(environment.to_owned());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension != "tsv") {
            found.push(path);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = || format!("read the folder {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(shown)? {
        paths.push(entry.with_context(shown)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn below(corpus: &Path, path: &Path) -> anyhow::Result<String> {
    let name = path.strip_prefix(corpus)?.to_str();
    Ok(name.context("a path that is not UTF-8")?.replace('\\', "/"))
}
