//! What changes between two projects, in every form.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::changes::{self, Changes};
use flux_apim::diag::Budget;
use flux_apim::pipeline::Options;
use std::process::{Command, Stdio};

const API: &str = r#"{"openapi":"3.0.1","info":{"title":"Orders","version":"1"},"paths":{
    "/orders":{"get":{"operationId":"list","responses":{"200":{"description":"ok"}}},
               "post":{"operationId":"create","responses":{"201":{"description":"made"}}}}}}"#;
const NEW_API: &str = r#"{"openapi":"3.0.1","info":{"title":"Orders","version":"2"},"paths":{
    "/orders":{"get":{"operationId":"list","responses":{"200":{"description":"all of them"}}}},
    "/orders/{id}":{"get":{"operationId":"show","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
               "responses":{"200":{"description":"ok"}}}}}}"#;
const POLICY: &str = "<policies>\n  <inbound>\n    <base />\n  </inbound>\n  <backend>\n    <base />\n  </backend>\n  <outbound>\n    <base />\n  </outbound>\n  <on-error>\n    <base />\n  </on-error>\n</policies>\n";

fn old() -> Vec<(&'static str, String)> {
    let information = r#"{"properties":{"displayName":"Orders","path":"orders","protocols":["https"],"subscriptionRequired":true}}"#;
    vec![
        ("apis/orders/apiInformation.json", information.to_owned()),
        ("apis/orders/specification.json", API.to_owned()),
        ("apis/orders/policy.xml", POLICY.to_owned()),
        (
            "tags/gone/tagInformation.json",
            r#"{"properties":{"displayName":"gone"}}"#.to_owned(),
        ),
        (
            "namedValues/host/namedValueInformation.json",
            r#"{"properties":{"displayName":"host","value":"a.example","tags":["x","y"]}}"#
                .to_owned(),
        ),
        (
            "namedValues/key/namedValueInformation.json",
            r#"{"properties":{"displayName":"key","secret":true}}"#.to_owned(),
        ),
    ]
}

fn new() -> Vec<(&'static str, String)> {
    let mut files = old();
    files.retain(|(path, _)| !path.contains("gone"));
    for (path, text) in &mut files {
        match *path {
            "apis/orders/apiInformation.json" => {
                *text = text
                    .replace("\"Orders\"", "\"Orders | `API` *new*\"")
                    .replace("[\"https\"]", "[\"https\",\"http\"]");
            }
            "apis/orders/specification.json" => *text = NEW_API.to_owned(),
            "apis/orders/policy.xml" => {
                *text = text.replace(
                    "<inbound>\n",
                    "<inbound>\n    <!-- ``` --><rate-limit calls=\"5\" renewal-period=\"60\" />\n",
                );
            }
            "namedValues/host/namedValueInformation.json" => {
                *text = text.replace("a.example", "b.example").replace(",\"y\"", "");
            }
            _ => {}
        }
    }
    files.push((
        "tags/fresh/tagInformation.json",
        r#"{"properties":{"displayName":"fresh"}}"#.to_owned(),
    ));
    files
}

fn bundle(files: &[(&str, String)]) -> flux_apim::bundle::Bundle {
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let options = Options {
        targets: Some(Vec::new()),
        ..Options::default()
    };
    let outcome = common::run(&common::tree_of(&files), &options);
    let shown = common::shown(&outcome);
    outcome.bundle.unwrap_or_else(|| panic!("{shown:#?}"))
}

fn changes() -> Changes {
    changes::between(&bundle(&old()), &bundle(&new()), &Budget::default())
}

/// The stored form; `FLUX_APIM_BLESS=1` writes it anew.
fn snapshot(name: &str, actual: &str) {
    let path = common::repository("testdata/changes").join(name);
    if std::env::var_os("FLUX_APIM_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        actual,
        stored,
        "{} is locked: see contract section 10",
        path.display()
    );
}

#[test]
fn every_form_is_locked() {
    let changes = changes();
    snapshot("changes.json", &format!("{:#}\n", changes.to_json()));
    snapshot("changes.txt", &changes.to_human());
    snapshot("changes.md", &changes.to_markdown());
}

#[test]
fn the_readme_shows_what_the_command_says() {
    let readme = std::fs::read_to_string(common::repository("README.md")).unwrap();
    assert!(readme.contains(&changes().to_human()));
}

#[test]
fn json_comes_back() {
    let changes = changes();
    let back = Changes::from_json(&changes.to_json()).unwrap();
    assert_eq!(back.to_json(), changes.to_json());
    assert_eq!(back.to_human(), changes.to_human());
    assert!(Changes::from_json(&serde_json::json!({"version": 2})).is_err());
}

#[test]
fn nothing_changes_between_a_project_and_itself_however_it_is_written() {
    let same = changes::between(&bundle(&old()), &bundle(&old()), &Budget::default());
    assert!(same.is_empty() && same.unchanged > 4);
    let mut spelled = old();
    for (path, text) in &mut spelled {
        if path.ends_with("namedValueInformation.json") {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            *text = format!("{value:#}");
        }
    }
    assert!(changes::between(&bundle(&old()), &bundle(&spelled), &Budget::default()).is_empty());
}

#[test]
fn inventories_are_counted_alike() {
    let (old, new) = (bundle(&old()), bundle(&new()));
    let counts = changes::count(&old.inventory(), &new.inventory());
    assert_eq!(
        counts,
        changes::between(&old, &new, &Budget::default()).counts()
    );
    assert_eq!((counts.added, counts.removed), (1, 1));
}

#[test]
fn texts_that_have_nothing_in_common_are_not_compared_for_ever() {
    let policy = |word: &str| {
        let lines: String = (0..9000)
            .map(|n| format!("    <!-- {word} {n} -->\n"))
            .collect();
        POLICY.replace("<inbound>\n", &format!("<inbound>\n{lines}"))
    };
    let with = |word: &str| {
        let mut files = old();
        files[2].1 = policy(word);
        bundle(&files)
    };
    let changes = changes::between(&with("a"), &with("b"), &Budget::default());
    assert_eq!(changes.resources.len(), 1);
    assert!(changes.resources[0].texts[0].diff.is_none());
}

#[test]
fn the_command_ends_as_it_was_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    for (name, files) in [("old", old()), ("new", new())] {
        for (path, text) in files {
            let path = folder.path().join(name).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    let status = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .arg("diff")
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .env_remove("FLUX_APIM_ENV")
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (arguments, expected) in [
        (&["old", "new"][..], 0),
        (&["old", "old", "--fail-on", "any"], 0),
        (&["old", "new", "--fail-on", "any"], 1),
        (&["old", "new", "--fail-on", "breaking"], 1),
        (&["old", "empty"], 1),
        (&["old", "nowhere"], 2),
        (&["old"], 2),
    ] {
        assert_eq!(status(arguments).0, expected, "{arguments:?}");
    }
    let (_, json) = status(&["old", "new", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json, changes().to_json());
}
