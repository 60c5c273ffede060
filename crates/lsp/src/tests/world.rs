//! A folder in memory, checked as far as the crates below this one can.

use crate::{Session, World};
use flux_apim_compile as compile;
use flux_apim_diag::tree::{ArtifactPath, Limits, SourceTree};
use flux_apim_diag::{Budget, Diagnostic, Findings, Registry, Report};
use flux_apim_discover as discover;
use flux_apim_levels::Asked;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Folder(SourceTree);

impl Folder {
    pub(super) fn new(files: &[(&str, &str)]) -> Arc<Self> {
        let files = files.iter().map(|(path, text)| {
            let path = ArtifactPath::parse(path).expect("a path");
            (path, text.as_bytes().to_vec())
        });
        Arc::new(Self(SourceTree::in_memory(files.collect())))
    }
}

impl World for Folder {
    fn tree(&self, root: &str, _: &Budget) -> Result<(SourceTree, Vec<Diagnostic>), String> {
        match root {
            "/project" | "/second" => Ok((self.0.clone(), Vec::new())),
            _ => Err(format!("read {root}: there is no such folder")),
        }
    }

    fn check(
        &self,
        tree: &SourceTree,
        notes: Vec<Diagnostic>,
        budget: &Budget,
    ) -> Result<Report, String> {
        let limits = Limits::default();
        let mut findings = Findings::new(budget, &limits);
        findings.extend(notes);
        let options = self.options();
        let project = discover::discover(tree, &options, self.registry(), &mut findings);
        if let Some(mut project) = project.map_err(|error| error.to_string())? {
            let options = compile::Options {
                limits: &limits,
                reuse: None,
            };
            let texts = compile::compile(tree, &mut project, &options, &mut findings);
            texts.map_err(|error| error.to_string())?;
        }
        let report = Report::resolve(&findings, tree, &BTreeMap::new());
        report.map_err(|error| error.to_string())
    }

    fn options(&self) -> discover::Options {
        discover::Options::default()
    }

    fn levels(&self) -> Asked {
        Asked::default()
    }

    fn registry(&self) -> Registry {
        Registry::new(&[])
    }
}

/// A session that was initialized for `/project`, its project checked.
pub(super) fn started(files: &[(&str, &str)]) -> Session {
    let mut session = Session::new(Folder::new(files));
    let params = json!({"rootUri": "file:///project"});
    session.handle(request(1, "initialize", &params));
    check(&mut session);
    session
}

/// Does the check of the project that waits, if one does.
pub(super) fn check(session: &mut Session) -> Vec<Value> {
    match session.work() {
        Some(work) => session.done(work.run()),
        None => Vec::new(),
    }
}

pub(super) fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub(super) fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

pub(super) fn open(session: &mut Session, uri: &str, text: &str) -> Vec<Value> {
    let document = json!({"uri": uri, "languageId": "xml", "version": 1, "text": text});
    session.handle(notification(
        "textDocument/didOpen",
        &json!({"textDocument": document}),
    ))
}
