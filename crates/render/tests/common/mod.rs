//! What the tests of printers share: trees to graphs to files.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

use crate::support::Files;
use flux_apim_compile as compile;
use flux_apim_diag::tree::{ArtifactPath, Limits, SourceTree};
use flux_apim_diag::{Class, Findings, Registry};
use flux_apim_link::Linked;
use flux_apim_model::schema::{DEFAULT_API_VERSION, Schema};
use flux_apim_render::{Options, Target};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A definition that APIM takes.
pub const DEFINITION: &str = r#"{"openapi": "3.0.1", "info": {"title": "A", "version": "1"}, "paths": {"/a": {"get": {"operationId": "getA", "responses": {"200": {"description": "ok"}}}}}}"#;

/// What was made of a tree.
pub struct Made {
    /// The graph.
    pub graph: Linked,
    /// The files, by path.
    pub files: Files,
    /// For each resource and target the file that carries it.
    pub carried: Vec<(Target, String, Option<String>)>,
    /// Code and message of what rendering found.
    pub found: Vec<(u16, String)>,
}

impl Made {
    /// The codes of what was found.
    pub fn codes(&self) -> Vec<u16> {
        self.found.iter().map(|(code, _)| *code).collect()
    }

    /// The text of a file.
    pub fn file(&self, path: &str) -> &str {
        let known: Vec<&String> = self.files.keys().collect();
        self.files
            .get(path)
            .unwrap_or_else(|| panic!("no {path} in {known:#?}"))
    }
}

/// Options for every target that is rendered where nobody says which.
pub fn options() -> Options {
    Options {
        targets: Target::defaults(),
        service: Some("contoso-apim".to_owned()),
        aso_owner: None,
        flux_source: None,
        check: false,
    }
}

/// The graph of a tree; none where something is wrong with it.
pub fn graph(tree: &SourceTree, environment: Option<&str>) -> Option<Linked> {
    let mut findings = Findings::from(Vec::new());
    let discover = flux_apim_discover::Options {
        environment: environment.map(str::to_owned),
        ..flux_apim_discover::Options::default()
    };
    let registry = Registry::new(&[]);
    let project = flux_apim_discover::discover(tree, &discover, registry, &mut findings);
    let mut project = project.unwrap()?;
    let limits = Limits::default();
    let options = compile::Options {
        limits: &limits,
        reuse: None,
    };
    let texts = compile::compile(tree, &mut project, &options, &mut findings).unwrap();
    let schema = Schema::of(DEFAULT_API_VERSION).unwrap();
    let graph = flux_apim_link::link(tree, project, texts, schema, &mut findings);
    if graph.is_none() {
        let listed = findings.listed().iter();
        for finding in listed.filter(|finding| finding.rule.class == Class::Integrity) {
            println!("{} {}", finding.rule.code, finding.message);
        }
    }
    graph
}

/// Renders a tree.
pub fn render(tree: &SourceTree, environment: Option<&str>, options: &Options) -> Option<Made> {
    let graph = graph(tree, environment)?;
    let mut findings = Findings::from(Vec::new());
    let rendered = flux_apim_render::render(&graph, options, &mut findings);
    let mut carried = Vec::new();
    for (i, node) in graph.nodes().iter().enumerate() {
        for target in &options.targets {
            let path = rendered.output(i, *target).map(str::to_owned);
            carried.push((*target, node.key.to_string(), path));
        }
    }
    let files = rendered.files.iter().map(|file| {
        let text = String::from_utf8(file.bytes(graph.contents())).unwrap();
        (file.path.clone(), text)
    });
    let listed = findings.listed().iter();
    let found = listed.map(|finding| (finding.rule.code.0, finding.message.clone()));
    Some(Made {
        files: files.collect(),
        found: found.collect(),
        carried,
        graph,
    })
}

/// Renders these files with these options.
pub fn made(files: &[(String, String)], options: &Options) -> Made {
    let files = files.iter().map(|(path, text)| {
        let path = ArtifactPath::parse(path).unwrap();
        (path, text.clone().into_bytes())
    });
    let tree = SourceTree::in_memory(files.collect());
    render(&tree, None, options).unwrap()
}

/// Renders these files for one target.
pub fn made_for(files: &[(String, String)], target: Target) -> Made {
    let options = Options {
        targets: vec![target],
        ..options()
    };
    made(files, &options)
}

/// `path` and `text` as a file.
pub fn file(path: impl Into<String>, text: impl Into<String>) -> (String, String) {
    (path.into(), text.into())
}

/// The files of an API with this definition.
pub fn api(name: &str, definition: &str) -> Vec<(String, String)> {
    let information = format!(
        r#"{{"properties": {{"displayName": "{name}", "path": "{name}", "protocols": ["https"]}}}}"#
    );
    vec![
        file(format!("apis/{name}/apiInformation.json"), information),
        file(format!("apis/{name}/specification.json"), definition),
    ]
}

/// A named value.
pub fn named_value(name: &str) -> (String, String) {
    let text = format!(r#"{{"properties": {{"displayName": "{name}", "value": "v"}}}}"#);
    file(
        format!("namedValues/{name}/namedValueInformation.json"),
        text,
    )
}

/// A folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// A folder of the corpus. What `FLUX_APIM_CORPUS` names must be there.
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

/// The trees of the corpus, and our own.
pub fn trees() -> Vec<PathBuf> {
    let mut trees = vec![repository("testdata/projects/contoso")];
    if let Some(folder) = corpus("apiops-trees") {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| path.is_dir());
        found.sort();
        trees.extend(found);
    }
    trees
}

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
                files.insert(path, without_tokens(std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    SourceTree::in_memory(files)
}

/// Tokens that a pipeline would have replaced keep a tree from being rendered.
fn without_tokens(bytes: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => text.replace("{#", "").replace("#}", "").into_bytes(),
        Err(other) => other.into_bytes(),
    }
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

/// What is wrong between `arm/` and `bicep/`.
pub fn differences(made: &Made) -> Vec<String> {
    let arm = crate::support::arm::read(&made.files);
    let bicep = crate::support::bicep::read_with_lints(&made.files);
    match (arm, bicep) {
        (Ok(arm), Ok((bicep, lints))) => {
            // A module waits for all that one of its resources waits for.
            let mut wrong = crate::support::compare::differences(
                &arm,
                &bicep,
                crate::support::compare::Order::AtLeast,
            )
            .unwrap();
            // Deployments follow each other where ARM has several, and more than needed.
            if made
                .file("arm/main.json")
                .contains("Microsoft.Resources/deployments")
            {
                wrong.retain(|line| !line.contains(": waits for "));
            }
            wrong.extend(lints);
            wrong.truncate(20);
            wrong
        }
        (arm, bicep) => arm.err().into_iter().chain(bicep.err()).collect(),
    }
}
