//! What is open, what is known, and what is answered.

mod answers;

use crate::message::{self, Code, Message};
use crate::names::Names;
use crate::overlay::Open;
use crate::text;
use crate::work::{Done, Found, Work, World};
use crate::{alone, hover, uri};
use flux_apim_diag::Budget;
use flux_apim_diag::tree::ArtifactPath;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A conversation with one editor.
#[derive(Debug)]
pub struct Session {
    world: Arc<dyn World>,
    state: State,
    /// The folder that is open: its path, and its URI.
    root: Option<(String, String)>,
    /// Open texts by URI.
    open: BTreeMap<String, Text>,
    names: Option<Names>,
    /// Paths that have diagnostics of the project.
    shown: BTreeSet<String>,
    /// What was said of no file, so that it is said once.
    said: Vec<String>,
    /// Whether something changed since the last check of the project began.
    changed: bool,
    /// The check that runs: its number, and what ends it.
    running: Option<(u64, Budget)>,
    checks: u64,
}

#[derive(Debug, Clone)]
struct Text {
    /// Below the folder; none for what lies elsewhere.
    path: Option<ArtifactPath>,
    text: Arc<str>,
    version: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    ShutDown,
    /// Ended, in order or not.
    Ended(bool),
}

impl Session {
    /// One with an editor that said nothing yet.
    pub fn new(world: Arc<dyn World>) -> Self {
        Self {
            world,
            state: State::New,
            root: None,
            open: BTreeMap::new(),
            names: None,
            shown: BTreeSet::new(),
            said: Vec::new(),
            changed: false,
            running: None,
            checks: 0,
        }
    }

    /// Whether the editor said `exit`: then, whether in order.
    pub fn ended(&self) -> Option<bool> {
        match self.state {
            State::Ended(well) => Some(well),
            _ => None,
        }
    }

    /// Whether a check of the project waits to be done.
    pub fn has_work(&self) -> bool {
        self.changed && self.running.is_none() && self.root.is_some() && self.state == State::Open
    }

    /// The check of the project, when one is to be done and none runs. Editors say many
    /// changes one after the other: wait a moment before asking for it.
    pub fn work(&mut self) -> Option<Work> {
        let root = self.root.clone().filter(|_| self.has_work())?;
        self.changed = false;
        self.checks += 1;
        let budget = Budget::new(&self.world.options().limits);
        self.running = Some((self.checks, budget.clone()));
        let open = self.open.values();
        let open = open.filter_map(|text| Some((text.path.clone()?, Arc::clone(&text.text))));
        Some(Work {
            number: self.checks,
            world: Arc::clone(&self.world),
            root,
            open: open.collect::<Open>(),
            budget,
        })
    }

    /// Takes what came of a check, and says what it found.
    pub fn done(&mut self, done: Done) -> Vec<Value> {
        if self
            .running
            .as_ref()
            .is_none_or(|(number, _)| *number != done.number)
        {
            return Vec::new();
        }
        self.running = None;
        let mut out = Vec::new();
        if !self.changed && self.said != done.said {
            for line in &done.said {
                let params = json!({"type": 2, "message": line});
                out.push(message::notification("window/logMessage", &params));
            }
            self.said = done.said;
        }
        let Some(Found { by_path, names }) = done.found.filter(|_| !self.changed) else {
            return out;
        };
        self.names = names;
        let before = std::mem::take(&mut self.shown);
        self.shown = by_path.keys().cloned().collect();
        for path in before.union(&self.shown) {
            let found = by_path.get(path).map_or(&[][..], Vec::as_slice);
            out.extend(self.publish(path, found));
        }
        // What was found of a policy alone may be no more.
        for (uri, text) in &self.open {
            let path = text.path.as_ref().map(ArtifactPath::as_str);
            if path.is_some_and(|path| !before.contains(path) && !self.shown.contains(path)) {
                out.push(published(uri, Some(&text.version), &[]));
            }
        }
        out
    }

    fn publish(&self, path: &str, found: &[Value]) -> Option<Value> {
        if let Some((uri, text)) = self.opened(path) {
            return Some(published(uri, Some(&text.version), found));
        }
        let (_, root) = self.root.as_ref()?;
        Some(published(&uri::join(root, path), None, found))
    }

    /// Takes a message and gives those that answer it.
    pub fn handle(&mut self, message: Value) -> Vec<Value> {
        match Message::of(message) {
            Message::Request { id, method, params } => {
                let answer = match self.request(&method, &params) {
                    Ok(result) => message::result(&id, &result),
                    Err((code, why)) => message::error(&id, code, why),
                };
                vec![answer]
            }
            Message::Notification { method, params } => self.notified(&method, &params),
            Message::Answer => Vec::new(),
            Message::Wrong { id, why } => vec![message::error(&id, Code::InvalidRequest, why)],
        }
    }

    fn request(&mut self, method: &str, params: &Value) -> Result<Value, (Code, &'static str)> {
        match (self.state, method) {
            (State::New, "initialize") => {
                self.initialize(params);
                Ok(abilities())
            }
            (State::New, _) => Err((Code::NotInitialized, "`initialize` comes first")),
            (State::ShutDown | State::Ended(_), _) => {
                Err((Code::InvalidRequest, "the server was shut down"))
            }
            (State::Open, "initialize") => {
                Err((Code::InvalidRequest, "the server was initialized before"))
            }
            (State::Open, "shutdown") => {
                self.state = State::ShutDown;
                self.end_check();
                Ok(Value::Null)
            }
            (State::Open, "textDocument/hover") => {
                let (text, at) = self.pointed(params)?;
                let pointed = self.in_policy(text, at);
                Ok(hover::hover(pointed).unwrap_or(Value::Null))
            }
            (State::Open, "textDocument/definition") => {
                let (text, at) = self.pointed(params)?;
                Ok(self.definition(params, text, at).unwrap_or(Value::Null))
            }
            (State::Open, _) => Err((Code::MethodNotFound, "this server does not have the method")),
        }
    }

    fn initialize(&mut self, params: &Value) {
        self.state = State::Open;
        let folder = params.pointer("/workspaceFolders/0/uri");
        let uri = folder
            .or_else(|| params.get("rootUri"))
            .and_then(Value::as_str);
        self.root = uri.and_then(|uri| Some((uri::to_path(uri)?, uri.to_owned())));
        self.changed = true;
    }

    fn notified(&mut self, method: &str, params: &Value) -> Vec<Value> {
        if method == "exit" {
            self.end_check();
            self.state = State::Ended(self.state == State::ShutDown);
            return Vec::new();
        }
        if self.state != State::Open {
            return Vec::new();
        }
        let document = params.get("textDocument");
        let uri = document
            .and_then(|document| document.get("uri"))
            .and_then(Value::as_str);
        match (method, uri) {
            ("textDocument/didOpen", Some(uri)) => {
                let text = document
                    .and_then(|document| document.get("text"))
                    .and_then(Value::as_str);
                text.map_or_else(Vec::new, |text| self.set(uri, text.into(), params))
            }
            ("textDocument/didChange", Some(uri)) => self.change(uri, params),
            ("textDocument/didClose", Some(uri)) => self.close(uri),
            ("textDocument/didSave" | "workspace/didChangeWatchedFiles", _) => {
                self.heard_of_a_change();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn change(&mut self, uri: &str, params: &Value) -> Vec<Value> {
        let Some(before) = self.open.get(uri) else {
            return Vec::new();
        };
        let changes = params.get("contentChanges").and_then(Value::as_array);
        let text = changes.and_then(|changes| text::changed(&before.text, changes));
        if let Some(text) = text {
            return self.set(uri, text.into(), params);
        }
        // Everything after it would stand elsewhere.
        let mut out = self.close(uri);
        let what = "a change of this text cannot be followed; close and open it again";
        let params = json!({"type": 1, "message": format!("{what}: {uri}")});
        out.push(message::notification("window/showMessage", &params));
        out
    }

    fn set(&mut self, uri: &str, text: Arc<str>, params: &Value) -> Vec<Value> {
        let path = self.path(uri);
        let version = params.pointer("/textDocument/version").cloned();
        let version = version.unwrap_or(Value::Null);
        let root = self.root.as_ref().map_or("", |(_, uri)| uri.as_str());
        // What lies elsewhere is checked by itself, whatever it is called.
        let shown = path.as_ref().map_or("policy.xml", ArtifactPath::as_str);
        let names = self.names.as_ref().filter(|_| path.is_some());
        let found = alone::check(&*self.world, names, shown, &text, root);
        let out = found.map(|found| published(uri, Some(&version), &found));
        let text = Text {
            path,
            text,
            version,
        };
        self.open.insert(uri.to_owned(), text);
        self.heard_of_a_change();
        out.into_iter().collect()
    }

    fn close(&mut self, uri: &str) -> Vec<Value> {
        if self.open.remove(uri).is_none() {
            return Vec::new();
        }
        self.heard_of_a_change();
        // The check of the project says again what it finds in the file.
        vec![published(uri, None, &[])]
    }

    fn path(&self, uri: &str) -> Option<ArtifactPath> {
        let (root, _) = self.root.as_ref()?;
        let path = uri::to_path(uri)?;
        ArtifactPath::parse(uri::below(&path, root)?).ok()
    }

    fn heard_of_a_change(&mut self) {
        self.changed = true;
        self.end_check();
    }

    fn end_check(&self) {
        if let Some((_, budget)) = &self.running {
            budget.cancel();
        }
    }
}

fn published(uri: &str, version: Option<&Value>, found: &[Value]) -> Value {
    let mut params = json!({"uri": uri, "diagnostics": found});
    if let Some(version) = version.filter(|version| version.is_i64()) {
        params["version"] = version.clone();
    }
    message::notification("textDocument/publishDiagnostics", &params)
}

/// The answer to `initialize`.
fn abilities() -> Value {
    json!({
        "capabilities": {
            "positionEncoding": "utf-16",
            "textDocumentSync": {"openClose": true, "change": 2, "save": true},
            "hoverProvider": true,
            "definitionProvider": true,
        },
        "serverInfo": {"name": "flux-apim", "version": env!("CARGO_PKG_VERSION")},
    })
}
