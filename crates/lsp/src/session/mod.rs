//! What is open, what is known, and what is answered.

mod answers;
mod folder;

use crate::message::{self, Code, Message};
use crate::overlay::Open;
use crate::text;
use crate::work::{Done, Found, Work, World};
use crate::{alone, uri};
use flux_apim_diag::Budget;
use flux_apim_diag::tree::ArtifactPath;
use folder::Folder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A conversation with one editor.
#[derive(Debug)]
pub struct Session {
    world: Arc<dyn World>,
    state: State,
    /// The folders that are open, each a project by itself.
    folders: Vec<Folder>,
    /// Open texts by URI.
    open: BTreeMap<String, Text>,
    checks: u64,
}

#[derive(Debug, Clone)]
struct Text {
    /// The URI of the folder that it lies in, and its path below that; none for what lies
    /// elsewhere.
    place: Option<(String, ArtifactPath)>,
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
            folders: Vec::new(),
            open: BTreeMap::new(),
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

    /// Whether a check of a project waits to be done.
    pub fn has_work(&self) -> bool {
        self.state == State::Open && self.folders.iter().any(Folder::waits)
    }

    /// The check of a project, when one is to be done and none of that project runs.
    /// Editors say many changes one after the other: wait a moment before asking for it.
    pub fn work(&mut self) -> Option<Work> {
        if self.state != State::Open {
            return None;
        }
        let folder = self.folders.iter_mut().find(|folder| folder.waits())?;
        self.checks += 1;
        let budget = Budget::new(&self.world.options().limits);
        folder.changed = false;
        folder.running = Some((self.checks, budget.clone()));
        let open = self.open.values().filter_map(|text| {
            let (root, path) = text.place.clone()?;
            (root == folder.uri).then(|| (path, Arc::clone(&text.text)))
        });
        Some(Work {
            number: self.checks,
            world: Arc::clone(&self.world),
            root: (folder.path.clone(), folder.uri.clone()),
            open: open.collect::<Open>(),
            budget,
        })
    }

    /// Takes what came of a check, and says what it found.
    pub fn done(&mut self, done: Done) -> Vec<Value> {
        let runs = |folder: &&mut Folder| {
            let running = folder.running.as_ref();
            running.is_some_and(|(number, _)| *number == done.number)
        };
        let Some(folder) = self.folders.iter_mut().find(runs) else {
            return Vec::new();
        };
        folder.running = None;
        let mut out = Vec::new();
        if !folder.changed && folder.said != done.said {
            for line in &done.said {
                let params = json!({"type": 2, "message": line});
                out.push(message::notification("window/logMessage", &params));
            }
            folder.said = done.said;
        }
        let Some(Found { by_path, names }) = done.found.filter(|_| !folder.changed) else {
            return out;
        };
        folder.names = names;
        let before = std::mem::take(&mut folder.shown);
        folder.shown = by_path.keys().cloned().collect();
        let (root, shown) = (folder.uri.clone(), folder.shown.clone());
        for path in before.union(&shown) {
            let found = by_path.get(path).map_or(&[][..], Vec::as_slice);
            out.push(self.publish(&root, path, found));
        }
        // What was found of a policy alone may be no more.
        for (uri, text) in &self.open {
            let path = text.place.as_ref().filter(|(own, _)| *own == root);
            let path = path.map(|(_, path)| path.as_str());
            if path.is_some_and(|path| !before.contains(path) && !shown.contains(path)) {
                out.push(published(uri, Some(&text.version), &[]));
            }
        }
        out
    }

    fn publish(&self, root: &str, path: &str, found: &[Value]) -> Value {
        match self.opened(root, path) {
            Some((uri, text)) => published(uri, Some(&text.version), found),
            None => published(&uri::join(root, path), None, found),
        }
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
                self.end_checks();
                Ok(Value::Null)
            }
            (State::Open, "textDocument/hover") => {
                let (text, at) = self.pointed(params)?;
                Ok(self.hover(text, at).unwrap_or(Value::Null))
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
        let folders = params.get("workspaceFolders").and_then(Value::as_array);
        let uris = folders.into_iter().flatten().filter_map(uri_of);
        self.folders = uris.filter_map(Folder::new).collect();
        let root = params.get("rootUri").and_then(Value::as_str);
        if self.folders.is_empty() {
            self.folders.extend(root.and_then(Folder::new));
        }
    }

    /// Follows `workspace/didChangeWorkspaceFolders`.
    fn change_folders(&mut self, params: &Value) -> Vec<Value> {
        let list = |name: &str| {
            let list = params.pointer(name).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(uri_of)
        };
        let mut out = Vec::new();
        for uri in list("/event/removed") {
            let Some(at) = self.folders.iter().position(|folder| folder.is(uri)) else {
                continue;
            };
            let folder = self.folders.remove(at);
            folder.end_check();
            // What is found in a project that is closed is of no use any more.
            for path in &folder.shown {
                out.push(self.publish(&folder.uri, path, &[]));
            }
        }
        for folder in list("/event/added").filter_map(Folder::new) {
            if !self.folders.iter().any(|own| own.is(&folder.uri)) {
                self.folders.push(folder);
            }
        }
        let uris: Vec<String> = self.open.keys().cloned().collect();
        for uri in uris {
            let place = self.place(&uri);
            let Some(text) = self.open.get_mut(&uri).filter(|text| text.place != place) else {
                continue;
            };
            // The folder that had it reads its file again.
            let before = std::mem::replace(&mut text.place, place);
            let roots = [before, text.place.clone()];
            for (root, _) in roots.iter().flatten() {
                self.folder_changed(root);
            }
        }
        out
    }

    fn notified(&mut self, method: &str, params: &Value) -> Vec<Value> {
        if method == "exit" {
            self.end_checks();
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
            ("textDocument/didSave", Some(uri)) => {
                self.heard_of_a_change(uri);
                Vec::new()
            }
            ("workspace/didChangeWatchedFiles", _) => {
                let changes = params.get("changes").and_then(Value::as_array);
                for uri in changes.into_iter().flatten().filter_map(uri_of) {
                    self.heard_of_a_change(uri);
                }
                Vec::new()
            }
            ("workspace/didChangeWorkspaceFolders", _) => self.change_folders(params),
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
        let place = self.place(uri);
        let version = params.pointer("/textDocument/version").cloned();
        let version = version.unwrap_or(Value::Null);
        // What lies elsewhere is checked by itself, whatever it is called.
        let (root, shown) = match &place {
            Some((root, path)) => (root.as_str(), path.as_str()),
            None => ("", "policy.xml"),
        };
        let names = self.folder(root).and_then(|folder| folder.names.as_ref());
        let found = alone::check(&*self.world, names, shown, &text, root);
        let out = found.map(|found| published(uri, Some(&version), &found));
        let text = Text {
            place,
            text,
            version,
        };
        self.open.insert(uri.to_owned(), text);
        self.heard_of_a_change(uri);
        out.into_iter().collect()
    }

    fn close(&mut self, uri: &str) -> Vec<Value> {
        if self.open.remove(uri).is_none() {
            return Vec::new();
        }
        self.heard_of_a_change(uri);
        // The check of the project says again what it finds in the file.
        vec![published(uri, None, &[])]
    }

    fn folder(&self, uri: &str) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.uri == uri)
    }

    /// The folder that a file lies in, the innermost of several, and its path below that.
    fn place(&self, uri: &str) -> Option<(String, ArtifactPath)> {
        let path = uri::to_path(uri)?;
        let inside = self.folders.iter().filter_map(|folder| {
            let below = uri::below(&path, &folder.path)?;
            Some((folder, ArtifactPath::parse(below).ok()?))
        });
        let (folder, path) = inside.max_by_key(|(folder, _)| folder.path.len())?;
        Some((folder.uri.clone(), path))
    }

    fn heard_of_a_change(&mut self, uri: &str) {
        if let Some((root, _)) = self.place(uri) {
            self.folder_changed(&root);
        }
    }

    fn folder_changed(&mut self, root: &str) {
        let mut folders = self.folders.iter_mut();
        if let Some(folder) = folders.find(|folder| folder.uri == root) {
            folder.heard_of_a_change();
        }
    }

    fn end_checks(&self) {
        self.folders.iter().for_each(Folder::end_check);
    }
}

fn uri_of(folder: &Value) -> Option<&str> {
    folder.get("uri").and_then(Value::as_str)
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
            "workspace": {"workspaceFolders": {"supported": true, "changeNotifications": true}},
        },
        "serverInfo": {"name": "flux-apim", "version": env!("CARGO_PKG_VERSION")},
    })
}
