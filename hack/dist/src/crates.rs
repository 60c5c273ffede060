//! The dependencies of what is released: those that are compiled in, and those that the build
//! runs.

use crate::Binary;
use anyhow::{Context, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package that the program is made of.
#[derive(Debug, Clone)]
pub struct Package {
    /// Cargo's id of it.
    pub id: String,
    pub name: String,
    pub version: String,
    /// SPDX expression; empty where the package says none.
    pub license: String,
    pub repository: Option<String>,
    /// Its folder.
    pub folder: PathBuf,
    /// A file that it names as its licence.
    pub license_file: Option<PathBuf>,
    /// SHA-256 of its archive; none of what lies in this repository.
    pub checksum: Option<String>,
    /// Ids of what it needs.
    pub needs: BTreeSet<String>,
}

impl Package {
    /// Whether it lies in this repository.
    pub fn is_ours(&self) -> bool {
        self.checksum.is_none()
    }
}

/// All packages of the program for the targets of `binaries`, the program first.
pub fn all(root: &Path, binaries: &[Binary]) -> anyhow::Result<Vec<Package>> {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("read Cargo.lock")?;
    let checksums = checksums(&lock);
    let mut found: BTreeMap<(String, String), Package> = BTreeMap::new();
    let mut top = None;
    for binary in binaries {
        let metadata = metadata(root, &binary.target)?;
        let (of_target, program) = reachable(&metadata, &checksums)?;
        top = Some(program);
        for package in of_target {
            let key = (package.name.clone(), package.version.clone());
            match found.get_mut(&key) {
                Some(known) => known.needs.extend(package.needs),
                None => drop(found.insert(key, package)),
            }
        }
    }
    let mut all: Vec<Package> = found.into_values().collect();
    all.sort_by_key(|package| Some(&package.id) != top.as_ref());
    Ok(all)
}

fn metadata(root: &Path, target: &str) -> anyhow::Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            target,
        ])
        .current_dir(root)
        .output()
        .context("run `cargo metadata`")?;
    if !out.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// The packages that `flux-apim` needs for more than its tests, and its own id.
fn reachable(
    metadata: &Value,
    checksums: &BTreeMap<(String, String), String>,
) -> anyhow::Result<(Vec<Package>, String)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut packages: BTreeMap<String, Value> = BTreeMap::new();
    let mut program = None;
    for package in list(&metadata["packages"]) {
        let id = text(&package["id"]).context("a package without id")?;
        if package["name"] == "flux-apim" {
            program = Some(id.clone());
        }
        packages.insert(id, package);
    }
    let program = program.context("there is no package flux-apim")?;
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let deps = list(&node["deps"]).into_iter().filter(|dep| {
            let kinds = list(&dep["dep_kinds"]);
            kinds.iter().any(|kind| kind["kind"] != "dev")
        });
        let ids = deps.filter_map(|dep| text(&dep["pkg"]));
        needs.insert(text(&node["id"]).unwrap_or_default(), ids.collect());
    }
    let mut seen = BTreeSet::new();
    let mut stack = vec![program.clone()];
    while let Some(id) = stack.pop() {
        if seen.insert(id.clone()) {
            stack.extend(needs.get(&id).into_iter().flatten().cloned());
        }
    }
    let found = seen.into_iter().map(|id| {
        let package = packages.get(&id).context("a package that is not listed")?;
        let name = text(&package["name"]).unwrap_or_default();
        let version = text(&package["version"]).unwrap_or_default();
        let manifest = PathBuf::from(text(&package["manifest_path"]).unwrap_or_default());
        let folder = manifest.parent().unwrap_or(&manifest).to_owned();
        Ok(Package {
            license: text(&package["license"]).unwrap_or_default(),
            repository: text(&package["repository"]),
            license_file: text(&package["license_file"]).map(|file| folder.join(file)),
            checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
            needs: needs.get(&id).cloned().unwrap_or_default(),
            folder,
            name,
            version,
            id,
        })
    });
    Ok((found.collect::<anyhow::Result<_>>()?, program))
}

/// Checksums of `Cargo.lock`, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    for block in lock.split("[[package]]") {
        let value = |key: &str| {
            let start = format!("{key} = \"");
            let mut lines = block.lines();
            lines.find_map(|line| Some(line.strip_prefix(&start)?.trim_end_matches('"').to_owned()))
        };
        if let (Some(name), Some(version), Some(sum)) =
            (value("name"), value("version"), value("checksum"))
        {
            found.insert((name, version), sum);
        }
    }
    found
}
