//! A run that finds what earlier ones made ends as one that does not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;

use flux_apim::diag::Budget;
use flux_apim::pipeline::{Options, Outcome};
use flux_apim::reuse::Reuse;
use flux_apim::tree::{ArtifactPath, SourceTree};
use std::collections::BTreeMap;
use std::sync::Arc;

type Files = BTreeMap<ArtifactPath, Vec<u8>>;

fn files_of(tree: &SourceTree) -> Files {
    tree.files()
        .map(|(id, path)| (path.clone(), tree.read(id).unwrap().into_owned()))
        .collect()
}

fn path(text: &str) -> ArtifactPath {
    ArtifactPath::parse(text).unwrap()
}

fn with(reuse: &Arc<Reuse>, options: &Options) -> Options {
    Options {
        reuse: Some(Arc::clone(reuse)),
        ..options.clone()
    }
}

/// What a run says and makes, to the byte.
fn everything(outcome: &Outcome) -> (Vec<String>, Option<Vec<u8>>) {
    let archive = outcome.bundle.as_ref().map(|b| b.archive().bytes());
    (common::shown(outcome), archive)
}

/// Runs with `reuse` and without: both end alike.
fn same(files: &Files, reuse: &Arc<Reuse>, options: &Options, what: &str) {
    let tree = SourceTree::in_memory(files.clone());
    let fresh = everything(&common::run(&tree, options));
    let again = everything(&common::run(&tree, &with(reuse, options)));
    assert_eq!(fresh.0, again.0, "{what}");
    assert!(fresh.1 == again.1, "{what}: other bytes");
}

fn contoso() -> Files {
    files_of(&common::tree(&common::repository(
        "testdata/projects/contoso",
    )))
}

fn replace(files: &mut Files, file: &str, from: &str, to: &str) {
    let bytes = files.get_mut(&path(file)).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    *bytes = text.replace(from, to).into_bytes();
}

const APIS: &str = "apimartifacts/apis";

#[test]
fn whatever_changes_the_bundle_is_the_one_of_a_fresh_run() {
    type Change = (&'static str, fn(&mut Files));
    let changes: [Change; 9] = [
        ("nothing", |_| {}),
        ("a file that comes first", |files| {
            files.insert(path("0.md"), b"first".to_vec());
        }),
        ("a definition", |files| {
            let file = format!("{APIS}/catalog/specification.json");
            replace(files, &file, "\"title\": \"", "\"title\": \"New ");
        }),
        ("a document that a definition refers to", |files| {
            let file = format!("{APIS}/invoices/schemas/line.yaml");
            replace(files, &file, "type: string", "type: integer");
        }),
        ("a document that is gone", |files| {
            files.remove(&path(&format!("{APIS}/invoices/schemas/line.yaml")));
        }),
        ("a policy of an operation that had none", |files| {
            let policy = format!("{APIS}/orders-v2/operations/listOrders/policy.xml");
            let text = b"<policies><inbound><base /></inbound></policies>".to_vec();
            files.insert(path(&policy), text);
        }),
        ("an API that moved", |files| {
            let from = format!("{APIS}/catalog/");
            let moved: Vec<_> = files.keys().map(ToString::to_string).collect();
            for old in moved.iter().filter(|old| old.starts_with(&from)) {
                let new = old.replace("/catalog/", "/stock/");
                let bytes = files.remove(&path(old)).unwrap();
                files.insert(path(&new), bytes);
            }
        }),
        ("a finding", |files| {
            let file = format!("{APIS}/customers/specification.json");
            files.insert(
                path(&file),
                br#"{"openapi": "3.0.1", "info": {"title": "A", "version": "1"}, "paths": {}}"#
                    .to_vec(),
            );
        }),
        ("a definition that breaks", |files| {
            let file = format!("{APIS}/customers/specification.json");
            files.insert(path(&file), b"{".to_vec());
        }),
    ];
    let options = Options::default();
    let reuse = Arc::new(Reuse::new(64 << 20));
    same(&contoso(), &reuse, &options, "the first run");
    for (what, change) in changes {
        let mut files = contoso();
        change(&mut files);
        // Twice: what is said is said each time.
        same(&files, &reuse, &options, what);
        same(&files, &reuse, &options, what);
        same(&contoso(), &reuse, &options, what);
    }
}

#[test]
fn what_options_change_is_made_anew() {
    let reuse = Arc::new(Reuse::new(64 << 20));
    let files = contoso();
    for environment in [None, Some("dev"), Some("prod")] {
        let mut options = Options::default();
        options.discover.environment = environment.map(str::to_owned);
        same(&files, &reuse, &options, "environment");
        options.discover.limits.max_nodes = 50;
        same(&files, &reuse, &options, "fewer values");
    }
}

#[test]
fn one_change_makes_little_anew() {
    let mut files = Files::new();
    for api in 0..20 {
        let paths: String = (0..400)
            .map(|n| format!(r#""/a{api}/{n}": {{"get": {{"responses": {{"200": {{"description": "item {n} of {api}"}}}}}}}},"#))
            .collect();
        let text = format!(
            r#"{{"openapi": "3.0.1", "info": {{"title": "A {api}", "version": "1"}}, "paths": {{{}}}}}"#,
            paths.trim_end_matches(',')
        );
        let folder = format!("apis/a{api}");
        files.insert(path(&format!("{folder}/specification.json")), text.into());
        let information =
            format!(r#"{{"properties": {{"displayName": "A {api}", "path": "a{api}"}}}}"#);
        files.insert(
            path(&format!("{folder}/apiInformation.json")),
            information.into(),
        );
    }
    let reuse = Arc::new(Reuse::new(64 << 20));
    let options = with(&reuse, &Options::default());
    let run = |files: &Files| {
        let before = reuse.counts();
        everything(&common::run(
            &SourceTree::in_memory(files.clone()),
            &options,
        ));
        let after = reuse.counts();
        (after.0 - before.0, after.1 - before.1)
    };
    let (_, first) = run(&files);
    assert!(first > 60, "{first}");
    assert_eq!(run(&files).1, 0, "the same again misses nothing");
    replace(
        &mut files,
        "apis/a7/specification.json",
        "item 7 ",
        "item seven ",
    );
    let (found, missed) = run(&files);
    // Its definition, the three members and files that carry it, inventory.
    assert!(missed < 15 && found > 50, "{found} found, {missed} missed");
}

/// Whether a source is within its budget does not depend on what ran before.
#[test]
fn what_is_found_counts_as_if_it_were_made() {
    let mut files = contoso();
    // Two more definitions that share a document with one that is there.
    let folder = format!("{APIS}/invoices/");
    let own: Vec<_> = files.keys().map(ToString::to_string).collect();
    for copy in ["again", "more"] {
        for old in own.iter().filter(|old| old.starts_with(&folder)) {
            if old.contains("/schemas/") {
                continue;
            }
            let text = String::from_utf8(files[&path(old)].clone()).unwrap();
            let text = text.replace("./schemas", "schemas");
            let text = text.replace("schemas/", "../invoices/schemas/");
            let new = old.replace("/invoices/", &format!("/{copy}/"));
            files.insert(path(&new), text.into_bytes());
        }
    }
    let reuse = Arc::new(Reuse::new(64 << 20));
    let spent = |options: Options| {
        let budget = Budget::default();
        let options = Options {
            check: true,
            budget: budget.clone(),
            ..options
        };
        common::run(&SourceTree::in_memory(files.clone()), &options);
        assert_eq!(budget.held(), 0);
        budget.spent()
    };
    let fresh = spent(Options::default());
    for _ in 0..3 {
        assert_eq!(spent(with(&reuse, &Options::default())), fresh);
    }
    assert!(reuse.counts().0 > 10, "{:?}", reuse.counts());
}

/// Nothing that is kept is a reason for other bytes, however little room is.
#[test]
fn any_room_gives_the_same_bundle() {
    let files = contoso();
    for room in [0, 4_000, 40_000, 400_000] {
        let reuse = Arc::new(Reuse::new(room));
        for _ in 0..3 {
            same(&files, &reuse, &Options::default(), "room");
            assert!(reuse.bytes() <= room);
        }
    }
}

#[test]
fn trees_of_the_corpus_end_alike() {
    let reuse = Arc::new(Reuse::new(256 << 20));
    let mut trees = 0;
    for tree in common::trees().paths {
        let files = files_of(&common::tree(&tree));
        for _ in 0..2 {
            same(
                &files,
                &reuse,
                &Options::default(),
                &tree.display().to_string(),
            );
        }
        trees += 1;
    }
    assert!(trees > 3);
}
