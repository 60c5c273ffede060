//! The licences of everything that is in the program, text by text.

use crate::crates::Package;
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What is linked in beside the packages of Cargo.
const BESIDE: &str = "\
Beside the packages below, binaries for Linux hold the C library of GNU (glibc, LGPL-2.1-or-later:
relink with your own by `make dist` from the source, which is all of it), and the standard library
of Rust (MIT OR Apache-2.0). libdeflate, mimalloc and ring come in packages below.
";

/// All licences: each text once, with the packages that it is of.
///
/// # Errors
/// For a package that brings neither a text nor says which licence it has.
pub fn text(all: &[Package]) -> anyhow::Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut without: Vec<String> = Vec::new();
    for package in all.iter().filter(|package| !package.is_ours()) {
        let name = format!("{} {} ({})", package.name, package.version, package.license);
        let found = of(package)?;
        if found.is_empty() && package.license.is_empty() {
            bail!("{} {} has no licence", package.name, package.version);
        }
        if found.is_empty() {
            without.push(name);
            continue;
        }
        for text in found {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let mut out = format!("Licences of what flux-apim is made of\n\n{BESIDE}");
    if !without.is_empty() {
        let _ = write!(
            out,
            "\nThese packages name their licence and bring no text of it:\n\n  {}\n",
            without.join("\n  ")
        );
    }
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|a, b| a.1.cmp(&b.1));
    let line = "-".repeat(78);
    for (text, packages) in texts {
        let _ = write!(out, "\n{line}\n\n  {}\n\n{text}\n", packages.join("\n  "));
    }
    Ok(out)
}

/// The texts that a package brings.
fn of(package: &Package) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(&package.folder)
        .with_context(|| format!("read {}", package.folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_uppercase();
        let starts = [
            "LICENSE",
            "LICENCE",
            "COPYING",
            "COPYRIGHT",
            "NOTICE",
            "UNLICENSE",
        ];
        if starts.iter().any(|start| name.starts_with(start)) && path.is_file() {
            files.push(path);
        }
    }
    files.extend(package.license_file.clone());
    files.sort();
    files.dedup();
    files.iter().map(|file| read(file)).collect()
}

/// A text with the line ends and blanks of all: the same licence is the same text.
fn read(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim_matches('\n').to_owned())
}
