//! `flux-apim lsp` as an editor meets it: over pipes, by a client of our own and by the one
//! that VS Code has.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A project: an API with a policy, a named value that it uses.
fn project(folder: &Path) {
    for (path, text) in [
        (
            "apis/orders/apiInformation.json",
            r#"{"properties": {"displayName": "Orders", "path": "orders", "protocols": ["https"]}}"#,
        ),
        (
            "apis/orders/policy.xml",
            "<policies><inbound><base /></inbound></policies>",
        ),
        (
            "named values/key/namedValueInformation.json",
            r#"{"properties": {"displayName": "api-key", "value": "a"}}"#,
        ),
    ] {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args(["lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn say(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended");
            match line.trim().split_once(": ") {
                Some((_, number)) => length = number.parse().unwrap(),
                None => break,
            }
        }
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// What is heard up to the first that `is_it`, which is the last.
    fn hear_until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..100 {
            let heard = self.hear();
            if is_it(&heard) {
                return heard;
            }
        }
        panic!("it is not said");
    }
}

#[test]
fn an_editor_is_served_over_pipes() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let root = format!("file://{}", folder.path().canonicalize().unwrap().display());
    let mut server = Server::start();
    write!(server.input, "Content-Length: 1\r\n\r\n{{").unwrap();
    assert_eq!(server.hear()["error"]["code"], -32600);
    server.say(
        &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"rootUri": root}}),
    );
    let answer = server.hear();
    assert_eq!(answer["result"]["capabilities"]["hoverProvider"], true);
    server.say(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
    let uri = format!("{root}/apis/orders/policy.xml");
    let text = "<policies><inbound><base /><set-header name=\"é\" exists-action=\"overide\"><value>{{api-ky}}</value></set-header></inbound></policies>";
    server.say(
        &json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {
        "textDocument": {"uri": uri, "languageId": "xml", "version": 1, "text": text}}}),
    );
    let of_policy = |heard: &Value| heard["params"]["uri"] == uri.as_str();
    // At once what is wrong in the policy, then what is wrong in the project.
    let alone = server.hear_until(of_policy);
    assert!(alone.to_string().contains("overide"), "{alone}");
    assert!(!alone.to_string().contains("api-ky"), "{alone}");
    let whole = server.hear_until(of_policy);
    assert!(whole.to_string().contains("overide"), "{whole}");
    assert!(whole.to_string().contains("api-ky"), "{whole}");
    let change = json!({"range": {"start": {"line": 0, "character": 76}, "end": {"line": 0, "character": 76}}, "text": "é"});
    server.say(&json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
        "textDocument": {"uri": uri, "version": 2}, "contentChanges": [change, {"text": "<policies><inbound><set-body>{{api-key}}</set-body></inbound></policies>"}]}}));
    server.hear_until(|heard| of_policy(heard) && heard["params"]["version"] == 2);
    server.say(
        &json!({"jsonrpc": "2.0", "id": 2, "method": "textDocument/definition", "params": {
        "textDocument": {"uri": uri}, "position": {"line": 0, "character": 33}}}),
    );
    let answer = server.hear_until(|heard| heard["id"] == 2);
    let to = answer["result"]["uri"].as_str().unwrap();
    assert!(
        to.ends_with("/named%20values/key/namedValueInformation.json"),
        "{to}"
    );
    server.say(&json!({"jsonrpc": "2.0", "id": 3, "method": "shutdown"}));
    server.hear_until(|heard| heard["id"] == 3);
    server.say(&json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_whose_editor_is_gone_ends() {
    let mut server = Server::start();
    drop(server.input);
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

/// The client that VS Code has, without VS Code.
const CLIENT: &str = r##"
const { spawn } = require('node:child_process');
const rpc = require('vscode-languageserver-protocol/node');
const [binary, root] = process.argv.slice(2);
const server = spawn(binary, ['lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
const connection = rpc.createProtocolConnection(
  new rpc.StreamMessageReader(server.stdout), new rpc.StreamMessageWriter(server.stdin));
const found = [];
let heard = () => {};
connection.onNotification(rpc.PublishDiagnosticsNotification.type, p => { found.push(p); heard(); });
connection.listen();
const uri = root + '/apis/orders/policy.xml';
const until = is => new Promise(resolve => { heard = () => is() && resolve(); heard(); });
(async () => {
  const able = await connection.sendRequest(rpc.InitializeRequest.type,
    { processId: process.pid, rootUri: root, capabilities: {}, workspaceFolders: [{ uri: root, name: 'p' }] });
  await connection.sendNotification(rpc.InitializedNotification.type, {});
  await connection.sendNotification(rpc.DidOpenTextDocumentNotification.type, { textDocument:
    rpc.TextDocumentItem.create(uri, 'xml', 1, '<policies><inbound><set-body>{{api-key}}</set-body><bse /></inbound></policies>') });
  await until(() => found.filter(p => p.uri === uri).length >= 2);
  const at = character => ({ textDocument: { uri }, position: { line: 0, character } });
  const hover = await connection.sendRequest(rpc.HoverRequest.type, at(22));
  const definition = await connection.sendRequest(rpc.DefinitionRequest.type, at(33));
  const information = root + '/products/starter/apis.json';
  await connection.sendNotification(rpc.DidOpenTextDocumentNotification.type, { textDocument:
    rpc.TextDocumentItem.create(information, 'json', 1, '[{"name": "orders"}]') });
  const inside = { textDocument: { uri: information }, position: { line: 0, character: 12 } };
  const named = [await connection.sendRequest(rpc.HoverRequest.type, inside),
    await connection.sendRequest(rpc.DefinitionRequest.type, inside)];
  const definitionFile = root + '/apis/orders/specification.json';
  await connection.sendNotification(rpc.DidOpenTextDocumentNotification.type, { textDocument:
    rpc.TextDocumentItem.create(definitionFile, 'json', 1, '{"openapi": "3.0.1", "a": {"$ref": "#/b"}, "b": {}}') });
  const reference = await connection.sendRequest(rpc.DefinitionRequest.type,
    { textDocument: { uri: definitionFile }, position: { line: 0, character: 38 } });
  const second = root.replace(/project$/, 'second');
  await connection.sendNotification(rpc.DidChangeWorkspaceFoldersNotification.type,
    { event: { added: [{ uri: second, name: 's' }], removed: [] } });
  await until(() => found.some(p => p.uri.startsWith(second) && p.diagnostics.length));
  await connection.sendNotification(rpc.DidChangeTextDocumentNotification.type,
    { textDocument: { uri, version: 2 }, contentChanges: [{ text: '<policies><inbound><set-body>@(context.RequestId)</set-body><bse /></inbound></policies>' }] });
  const code = await connection.sendRequest(rpc.HoverRequest.type, at(42));
  let unknown = 0;
  try { await connection.sendRequest('textDocument/unknown', {}); } catch (error) { unknown = error.code; }
  await connection.sendRequest(rpc.ShutdownRequest.type);
  server.on('exit', status => { console.log(JSON.stringify(
    { able: able.capabilities, diagnostics: found.filter(p => p.uri === uri).pop().diagnostics, named, reference, code_hover: code,
      hover, definition, unknown, code: status }));
    process.exit(0); });
  await connection.sendNotification(rpc.ExitNotification.type);
})();
"##;

/// The version of the client that this was written with.
const PACKAGE: &str = "vscode-languageserver-protocol@3.18.5";

#[test]
fn the_client_of_vs_code_is_served() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("node") || !has("npm") {
        println!("skipped: node and npm are not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    project(&root);
    let second = folder.path().join("second");
    project(&second);
    fs::write(
        second.join("apis/orders/policy.xml"),
        "<policies><inbound><bse /></inbound></policies>",
    )
    .unwrap();
    let installed = Command::new("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            PACKAGE,
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let trouble = String::from_utf8_lossy(&installed.stderr);
    if !installed.status.success() {
        println!("skipped: {PACKAGE} cannot be fetched: {trouble}");
        return;
    }
    fs::write(folder.path().join("client.js"), CLIENT).unwrap();
    let root = format!("file://{}", root.canonicalize().unwrap().display());
    let out = Command::new("node")
        .args(["client.js", env!("CARGO_BIN_EXE_flux-apim"), &root])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let trouble = String::from_utf8_lossy(&out.stderr);
    let answer: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{trouble}"));
    assert_eq!(answer["able"]["textDocumentSync"]["change"], 2);
    assert!(
        answer["diagnostics"].to_string().contains("<bse>"),
        "{answer}"
    );
    assert!(answer["hover"].to_string().contains("set-body"), "{answer}");
    assert!(
        answer["definition"]
            .to_string()
            .contains("namedValueInformation.json"),
        "{answer}"
    );
    let holds = |what: &Value, part: &str| what.to_string().contains(part);
    assert!(holds(&answer["named"][0], "API `orders`"), "{answer}");
    assert!(
        holds(&answer["named"][1], "apis/orders/apiInformation.json"),
        "{answer}"
    );
    assert_eq!(answer["reference"]["range"]["start"]["character"], 43);
    assert!(holds(&answer["code_hover"], "gives Guid"), "{answer}");
    assert_eq!(answer["unknown"], -32601);
    assert_eq!(answer["code"], 0);
}
