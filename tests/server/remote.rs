//! `--server` shows what the command shows by itself, and ends as it does.

use crate::support::*;
use std::path::PathBuf;

fn broken() -> Vec<PathBuf> {
    let folder = crate::common::repository("testdata/broken");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("tree"))
        .collect();
    all.sort();
    all
}

/// What was said, without how much was looked at: that is known where it was.
fn said((code, out, err): (Option<i32>, String, String)) -> (Option<i32>, String, String) {
    let line = |line: &str| match line.split_once(" info in ") {
        Some((counts, _)) => format!("{counts} info\n"),
        None if line.starts_with("no findings") => "no findings\n".to_owned(),
        None => format!("{line}\n"),
    };
    (code, out.lines().map(line).collect(), err)
}

#[test]
fn findings_are_those_of_the_command() {
    let service = Process::start(&["--rate", "100000"], &[]);
    let mut trees = broken();
    trees.push(crate::common::repository("testdata/projects/contoso"));
    assert!(trees.len() > 30);
    for tree in trees {
        let tree = tree.display().to_string();
        for format in ["human", "json"] {
            let local = flux_apim(&["validate", &tree, "--format", format]);
            let remote = flux_apim(&[
                "validate",
                &tree,
                "--format",
                format,
                "--server",
                &service.url,
            ]);
            assert_eq!(said(remote), said(local), "{tree}");
        }
    }
}

#[test]
fn bundles_and_differences_are_those_of_the_command() {
    let service = Process::start(&[], &[]);
    let folder = tempfile::tempdir().unwrap();
    let tree = crate::common::repository("testdata/projects/contoso")
        .display()
        .to_string();
    for (form, name) in [
        ("", "bundle"),
        ("", "bundle.tar.gz"),
        ("oci-layout:", "layout"),
    ] {
        let out = format!("{form}{}/{name}", folder.path().display());
        let ask = |more: &[&str]| {
            let mut arguments = vec!["render", tree.as_str(), "--env", "prod", "-o", out.as_str()];
            arguments.extend(more);
            flux_apim(&arguments)
        };
        let local = ask(&[]);
        assert_eq!(local.0, Some(0), "{}", local.2);
        assert_eq!(ask(&["--server", &service.url]), local, "{name}");
    }
    // What is said of the source on the command line is said of it by the service, too.
    let said = [
        "--branch",
        "main",
        "--revision",
        "v1@sha1:0123456789abcdef0123456789abcdef01234567",
        "--source-url",
        "https://example.com/team/apim",
    ];
    let inventory = |name: &str, more: &[&str]| {
        let out = folder.path().join(name).display().to_string();
        let render = [
            "render",
            tree.as_str(),
            "-o",
            out.as_str(),
            "--format",
            "json",
        ];
        let (code, inventory, errors) = flux_apim(&[&render[..], &said, more].concat());
        assert_eq!(code, Some(0), "{errors}");
        inventory
    };
    let local = inventory("local", &[]);
    assert!(local.contains("main@sha1:0123456789") && local.contains("example.com/team/apim"));
    assert_eq!(inventory("remote", &["--server", &service.url]), local);
    let broken = crate::common::repository("testdata/broken/dangling-policy/tree")
        .display()
        .to_string();
    let other = crate::common::repository("testdata/broken/no-operations/tree")
        .display()
        .to_string();
    for (old, new, more) in [
        (&tree, &tree, vec![]),
        (&tree, &other, vec!["--fail-on", "any"]),
        (
            &tree,
            &other,
            vec!["--format", "json", "--fail-on", "breaking"],
        ),
        (
            &other,
            &tree,
            vec!["--format", "markdown", "--fail-on", "breaking"],
        ),
        (&tree, &broken, vec![]),
    ] {
        let mut arguments = vec!["diff", old.as_str(), new.as_str()];
        arguments.extend(more);
        let local = flux_apim(&arguments);
        arguments.extend(["--server", &service.url]);
        assert_eq!(flux_apim(&arguments), local, "{arguments:?}");
    }
}

/// Caps on documents are those of whoever reads them: saying nothing would be a
/// check that was not made.
#[test]
fn a_cap_that_would_not_hold_is_refused() {
    let service = Process::start(&[], &[]);
    let tree = crate::common::repository("testdata/projects/contoso")
        .display()
        .to_string();
    for flag in [
        "--max-depth",
        "--max-nodes",
        "--max-alias-nodes",
        "--max-bundled-bytes",
    ] {
        let (code, _, said) =
            flux_apim(&["validate", &tree, flag, "100", "--server", &service.url]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(flag), "{said}");
    }
}

#[test]
fn of_a_single_document_nothing_else_is_sent() {
    let service = Process::start(&["--max-body-bytes", "5000"], &[]);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    let noise: Vec<u8> = (0..200_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    write("private.bin", &noise);
    write("part.json", br#"{"type": "string"}"#);
    write("openapi.json", br#"{"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {"/a": {"get": {
        "operationId": "a", "responses": {"200": {"description": "ok", "content": {"application/json": {
        "schema": {"$ref": "part.json"}}}}}}}}}"#);
    let file = folder.path().join("openapi.json").display().to_string();
    let local = flux_apim(&["validate", &file]);
    assert_eq!(local.0, Some(0), "{}{}", local.1, local.2);
    assert_eq!(
        said(flux_apim(&["validate", &file, "--server", &service.url])),
        said(local)
    );
}

#[test]
fn what_the_service_refuses_is_no_finding() {
    let service = Process::start(&["--max-body-bytes", "1000"], &[]);
    let tree = crate::common::repository("testdata/projects/contoso")
        .display()
        .to_string();
    let (code, stdout, stderr) = flux_apim(&["validate", &tree, "--server", &service.url]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("--max-body-bytes"), "{stderr}");
    let (code, _, stderr) = flux_apim(&["validate", &tree, "--server", "http://127.0.0.1:9"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("ask http://127.0.0.1:9"), "{stderr}");
}
