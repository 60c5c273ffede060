//! What several test binaries share: trees from disk, runs of the pipeline.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

use flux_apim::pipeline::{self, Options, Outcome};
use flux_apim::tree::{ArtifactPath, SourceTree};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder of the corpus; `None`, and a word about it, when it is not there. What
/// `FLUX_APIM_CORPUS` names must be there: it is no reason to skip a test.
pub fn corpus(path: &str) -> Option<PathBuf> {
    let named = std::env::var_os("FLUX_APIM_CORPUS");
    let root = named
        .as_ref()
        .map_or_else(|| repository("target/corpus"), PathBuf::from);
    let folder = root.join(path);
    if folder.exists() {
        return Some(folder);
    }
    let shown = folder.display();
    assert!(named.is_none(), "FLUX_APIM_CORPUS: {shown} does not exist");
    println!("the corpus is not unpacked ({shown})");
    None
}

/// What a test of the corpus runs on.
pub struct Found {
    /// Files or folders, in order.
    pub paths: Vec<PathBuf>,
    /// Whether they are those of the corpus, not the few of our own.
    pub whole: bool,
}

impl Found {
    fn own<const N: usize>(paths: [&str; N]) -> Self {
        println!("running on {N} of our own below testdata instead");
        Self {
            paths: paths
                .iter()
                .map(|path| repository(&format!("testdata/{path}")))
                .collect(),
            whole: false,
        }
    }
}

/// Trees of teams that use APIOps; without the corpus our own, errors among them.
pub fn trees() -> Found {
    let Some(corpus) = corpus("apiops-trees") else {
        return Found::own([
            "projects/contoso",
            "broken/dangling-policy/tree",
            "broken/override-unmatched/tree",
            "broken/unclaimed-file/tree",
            "broken/unknown-property/tree",
        ]);
    };
    let entries = std::fs::read_dir(corpus).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    Found { paths, whole: true }
}

/// Definitions in one file each; without the corpus those of the sample project.
pub fn single_definitions() -> Found {
    let Some(corpus) = corpus("openapi/single") else {
        return Found::own(OWN_DEFINITIONS.map(|(path, _)| path));
    };
    let mut paths = Vec::new();
    let mut stack = vec![corpus];
    while let Some(next) = stack.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|e| e.to_str());
            if path.is_dir() {
                stack.push(path);
            } else if extension.is_some_and(|e| DEFINITIONS.contains(&e)) {
                paths.push(path);
            }
        }
    }
    paths.sort();
    Found { paths, whole: true }
}

const DEFINITIONS: [&str; 10] = [
    "gz", "json", "yaml", "yml", "graphql", "wsdl", "wadl", "xml", "proto", "edmx",
];

/// OpenAPI documents of the sample project with their operations, counted by hand.
pub const OWN_DEFINITIONS: [(&str, usize); 5] = [
    (
        "projects/contoso/apimartifacts/apis/catalog/specification.json",
        2,
    ),
    (
        "projects/contoso/apimartifacts/apis/customers/specification.json",
        3,
    ),
    (
        "projects/contoso/apimartifacts/apis/orders-v1/specification.yaml",
        4,
    ),
    (
        "projects/contoso/apimartifacts/apis/orders-v2/specification.yaml",
        5,
    ),
    (
        "projects/contoso/apimartifacts/apis/shipping/openapi.yaml",
        2,
    ),
];

/// The files of a folder, read into memory.
pub fn tree(folder: &Path) -> SourceTree {
    let mut files = BTreeMap::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(next) = stack.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && entry.file_name() != ".git" {
                stack.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let relative = path.strip_prefix(folder).unwrap().to_str().unwrap();
                let path = ArtifactPath::parse(relative).unwrap();
                files.insert(path, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    SourceTree::in_memory(files)
}

/// A tree of these files.
pub fn tree_of(files: &[(&str, &str)]) -> SourceTree {
    SourceTree::in_memory(
        files
            .iter()
            .map(|(path, text)| (ArtifactPath::parse(path).unwrap(), text.as_bytes().to_vec()))
            .collect(),
    )
}

/// Runs the pipeline.
pub fn run(tree: &SourceTree, options: &Options) -> Outcome {
    pipeline::run(tree, options, Vec::new()).unwrap()
}

/// The tree in `folder` without the files that nobody may let pass, and with a project
/// configuration that makes warnings of the other errors that `options` finds: what it
/// renders to can be looked at all the same. None when its environment is what nobody
/// may let pass.
pub fn forgiven(folder: &Path, options: &Options) -> Option<SourceTree> {
    let mut files = BTreeMap::new();
    let tree = tree(folder);
    for (id, path) in tree.files() {
        files.insert(path.clone(), tree.read(id).unwrap().into_owned());
    }
    // What is left may lack what was taken out: once more.
    for _ in 0..8 {
        let outcome = run(&SourceTree::in_memory(files.clone()), options);
        let errors = outcome.report.diagnostics.iter();
        let errors = errors.filter(|d| d.severity == flux_apim::diag::Severity::Error);
        let (integrity, others): (Vec<_>, Vec<_>) =
            errors.partition(|d| d.rule.class == flux_apim::diag::Class::Integrity);
        let before = files.len();
        for finding in &integrity {
            files.retain(|path, _| path.as_str() != finding.path);
        }
        if files.len() < before {
            continue;
        }
        if !integrity.is_empty() {
            println!("{}: {:#?}", folder.display(), shown(&outcome));
            return None;
        }
        let levels: std::collections::BTreeSet<String> = others
            .into_iter()
            .map(|d| format!("{}: {{level: warning, reason: a test}}", d.rule.code))
            .collect();
        let levels: Vec<String> = levels.into_iter().collect();
        let config = format!("rules: {{ {} }}\n", levels.join(", "));
        files.insert(
            ArtifactPath::parse("flux-apim.yaml").unwrap(),
            config.into(),
        );
        break;
    }
    Some(SourceTree::in_memory(files))
}

/// The environments of a tree; none is one of them.
pub fn environments(tree: &SourceTree) -> Vec<Option<String>> {
    let named = tree.files().filter_map(|(_, path)| {
        let name = path.name().strip_prefix("configuration.")?;
        let name = name.strip_suffix(".yaml")?;
        (name != "extractor").then(|| Some(name.to_owned()))
    });
    std::iter::once(None).chain(named).collect()
}

/// Findings as `CODE path:line message`.
pub fn shown(outcome: &Outcome) -> Vec<String> {
    outcome
        .report
        .diagnostics
        .iter()
        .map(|d| {
            let line = d
                .range
                .map_or(String::new(), |r| format!(":{}", r.start.line));
            format!("{} {}{line} {}", d.rule.code, d.path, d.message)
        })
        .collect()
}

/// The files of a bundle.
pub fn files(outcome: &Outcome) -> BTreeMap<String, Vec<u8>> {
    let bundle = outcome.bundle.as_ref().unwrap_or_else(|| {
        panic!("no bundle: {:#?}", shown(outcome));
    });
    bundle
        .files
        .iter()
        .map(|file| (file.path.clone(), bundle.bytes(file)))
        .collect()
}

/// The bytes of a corpus file; large ones are stored compressed.
pub fn stored(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok()?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        let size = bytes[bytes.len() - 4..]
            .try_into()
            .map(u32::from_le_bytes)
            .unwrap();
        let mut unpacked = vec![0; size as usize];
        libdeflater::Decompressor::new()
            .gzip_decompress(&bytes, &mut unpacked)
            .unwrap();
        return Some(unpacked);
    }
    Some(bytes)
}
