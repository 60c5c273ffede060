//! Fixes of findings, as `validate --fix` makes them and `--diff` shows them, and what
//! `--watch` sees.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const DEFINITION: &str = r#"openapi: 3.0.1
info: {title: Crates, version: "1"}
paths:
  /crates:
    get: {operationId: list, sumary: Größe, responses: {"200": {description: Crates}}}
"#;
const MENDED: &str = r#"openapi: 3.0.1
info: {title: Crates, version: "1"}
paths:
  /crates:
    get: {operationId: list, summary: Größe, responses: {"200": {description: Crates}}}
"#;
const PRODUCT: &str = "\u{feff}{\"properties\": {\r\n  \"displayName\": \"Größe\",\r\n  \"descripton\": \"x\", \"state\": \"publishd\"}}";

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// A project with a mistake of each kind that can be mended, and one that cannot.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("apis/crates/openapi.yaml", DEFINITION),
            (
                "apis/crates/policy.xml",
                "<policies>\n  <inbound><base /><set-haeder name=\"ü\" exist-action=\"override\"><value>1</value></set-haeder></inbound>\n  <backend><base /></backend>\n</policies>\n",
            ),
            ("products/depot/productInformation.json", PRODUCT),
            (
                "namedValues/branch/namedValueInformation.json",
                r#"{"properties": {"displayName": "branch", "value": "1"}}"#,
            ),
            (
                "configuration.prod.yaml",
                "namedValues:\n  - name: branch\n    properties:\n      value: 007\nbackends:\n  - name: depots\n    properties: {}\n",
            ),
            (
                "backends/depot/backendInformation.json",
                r#"{"properties": {"url": "https://depot.example", "protocol": "http"}}"#,
            ),
        ],
    );
    folder
}

fn validate(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(["validate", ".", "--env", "prod"])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn what_is_beyond_doubt_is_mended_at_its_characters() {
    let folder = project();
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    let diff = validate(folder.path(), &["--diff"]);
    let diff = String::from_utf8(diff.stdout).unwrap();
    assert_eq!(read("apis/crates/openapi.yaml"), DEFINITION);
    for line in [
        "--- apis/crates/openapi.yaml",
        "+      value: \"007\"",
        "+  <inbound><base /><set-header name=\"ü\" exists-action=\"override\"><value>1</value></set-header></inbound>",
    ] {
        assert!(diff.lines().any(|found| found == line), "{line}\n{diff}");
    }

    let output = validate(folder.path(), &["--fix", "--format", "json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("mended 6 findings in 4 files"), "{said}");
    assert_eq!(read("apis/crates/openapi.yaml"), MENDED);
    let product = read("products/depot/productInformation.json");
    let wanted = PRODUCT.replace("descripton", "description");
    assert_eq!(product, wanted.replace("publishd", "published"));
    // Which backend was meant is for people to say: the fix is in the data.
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let left = report["diagnostics"].as_array().unwrap();
    let left: Vec<&Json> = left.iter().filter(|d| !d["fix"].is_null()).collect();
    assert_eq!(left.len(), 1, "{report:#}");
    assert_eq!(left[0]["code"], "APIM1020");
    assert_eq!(left[0]["fix"]["safe"], false);
    assert_eq!(left[0]["fix"]["edits"][0]["text"], "depot");
    let offset = left[0]["fix"]["edits"][0]["range"]["start"]["offset"].as_u64();
    let at = read("configuration.prod.yaml").find("depots").unwrap();
    assert_eq!(offset, Some(at as u64));
    let again = validate(folder.path(), &["--diff"]);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), "");
}

/// A hint in C# is in the data too: a word in another case is beyond doubt, another word is
/// for people.
#[test]
fn hints_in_expressions_carry_their_edits() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "<policies>\n  <inbound><base /><set-header name=\"a\" exists-action=\"override\"><value>@(context.Request.Method.tostring() + context.Request.Methud)</value></set-header></inbound>\n  <backend><base /></backend>\n</policies>\n";
    let api =
        r#"{"properties": {"displayName": "Crates", "path": "crates", "protocols": ["https"]}}"#;
    write(
        folder.path(),
        &[
            ("apis/crates/apiInformation.json", api),
            ("apis/crates/policy.xml", policy),
        ],
    );
    let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(["validate", ".", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let found = report["diagnostics"].as_array().unwrap().iter();
    let fixes: Vec<(&str, bool, usize)> = found
        .filter(|finding| finding["code"] == "APIM3018")
        .map(|finding| {
            let edit = &finding["fix"]["edits"][0];
            let offset = edit["range"]["start"]["offset"].as_u64().unwrap();
            (
                edit["text"].as_str().unwrap(),
                finding["fix"]["safe"].as_bool().unwrap(),
                usize::try_from(offset).unwrap(),
            )
        })
        .collect();
    let at = |word: &str| policy.find(word).unwrap();
    assert_eq!(
        fixes,
        [
            ("ToString", true, at("tostring")),
            ("Method", false, at("Methud")),
        ],
        "{report:#}"
    );
}

#[test]
fn archives_are_not_mended() {
    let folder = project();
    let archive = folder.path().join("a.tar.gz");
    std::fs::write(&archive, "").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(["validate", "--diff"])
        .arg(&archive)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// The process ends with the test, whatever comes of it.
struct Watching(std::process::Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_changes_is_checked_again() {
    let folder = project();
    let mut child = Command::new(env!("CARGO_BIN_EXE_flux-apim"));
    child
        .args(["validate", ".", "--watch", "--format", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped());
    let mut child = Watching(child.spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut codes = || -> Vec<String> {
        let report: Json = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let found = report["diagnostics"].as_array().unwrap().iter();
        let found = found.filter(|d| d["path"] == "apis/crates/openapi.yaml");
        let codes = found.map(|d| d["code"].as_str().unwrap().to_owned());
        codes.collect()
    };
    assert_eq!(codes(), ["APIM2012"]);
    write(folder.path(), &[("apis/crates/openapi.yaml", MENDED)]);
    // A check may have met the file half written: it is made again then.
    while !codes().is_empty() {}
}
