//! Trees and definitions that none of us wrote.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;

use flux_apim::pipeline::Options;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Each tree with each of its environments renders, or has errors of its own,
/// each at a file.
#[test]
fn apiops_trees() {
    let found = common::trees();
    let mut runs = 0;
    for folder in found.paths {
        let tree = common::tree(&folder);
        for environment in common::environments(&tree) {
            runs += 1;
            let mut options = Options::default();
            options.discover.environment.clone_from(&environment);
            let outcome = common::run(&tree, &options);
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            println!("== {name} {environment:?}: {:?}", outcome.report.summary());
            for finding in common::shown(&outcome) {
                if !finding.starts_with("APIM71") {
                    println!("   {finding}");
                }
            }
            let errors: Vec<_> = outcome
                .report
                .diagnostics
                .iter()
                .filter(|d| d.severity == flux_apim::diag::Severity::Error)
                .collect();
            let placed = |path: &str, line: bool| !path.is_empty() && line;
            assert!(
                errors.iter().all(|d| placed(&d.path, d.range.is_some())),
                "{errors:#?}"
            );
            assert_eq!(outcome.bundle.is_none(), !errors.is_empty());
        }
    }
    let expected = if found.whole { 16 } else { 8 };
    assert_eq!(runs, expected, "trees and their environments");
}

/// Every file of a tree is where a resource comes from, or is named in a
/// finding; also in trees with errors of their own.
#[test]
fn no_file_of_a_tree_is_dropped_in_silence() {
    let found = common::trees();
    let (mut counted, mut unforgiven) = (0, 0);
    for folder in found.paths {
        for environment in common::environments(&common::tree(&folder)) {
            let mut options = Options::default();
            options.discover.environment.clone_from(&environment);
            let Some(tree) = common::forgiven(&folder, &options) else {
                unforgiven += 1;
                continue;
            };
            let outcome = common::run(&tree, &options);
            let diagnostics = &outcome.report.diagnostics;
            let mut seen: BTreeSet<&str> = diagnostics.iter().map(|d| d.path.as_str()).collect();
            let related = diagnostics.iter().flat_map(|d| &d.related);
            seen.extend(related.map(|(path, ..)| path.as_str()));
            let inventory = outcome.bundle.as_ref().unwrap().inventory();
            let resources = inventory["resources"].as_array().unwrap();
            for origin in resources
                .iter()
                .flat_map(|r| r["origins"].as_array().unwrap())
            {
                seen.insert(origin["path"].as_str().unwrap());
            }
            let files: Vec<&str> = tree
                .files()
                .map(|(_, path)| path.as_str())
                .filter(|path| path.contains('/'))
                .collect();
            counted += files.len();
            let dropped: Vec<_> = files.iter().filter(|path| !seen.contains(**path)).collect();
            assert!(
                dropped.is_empty(),
                "{} {environment:?}: {dropped:#?}",
                folder.display()
            );
        }
    }
    assert!(counted > if found.whole { 1000 } else { 300 }, "{counted}");
    assert!(unforgiven <= 2, "{unforgiven}");
}

/// Every single-file definition renders alone or has a finding.
#[test]
fn single_definitions() {
    let found = common::single_definitions();
    let results: Vec<(String, Vec<String>, bool)> = found
        .paths
        .par_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = name.trim_end_matches(".gz");
            let text = common::stored(path).unwrap();
            let tree = flux_apim::tree::SourceTree::in_memory(
                [(flux_apim::tree::ArtifactPath::parse(name).unwrap(), text)].into(),
            );
            let mut options = Options::default();
            options.discover.only = tree.find(name);
            let outcome = common::run(&tree, &options);
            let errors = outcome
                .report
                .diagnostics
                .iter()
                .filter(|d| d.severity == flux_apim::diag::Severity::Error)
                .map(|d| format!("{} {}", d.rule.code, d.message))
                .collect::<Vec<_>>();
            (path.display().to_string(), errors, outcome.bundle.is_some())
        })
        .collect();
    let rendered = results.iter().filter(|(.., bundle)| *bundle).count();
    println!("{rendered} of {} render", results.len());
    for (name, errors, bundle) in &results {
        assert_eq!(*bundle, errors.is_empty(), "{name}");
        if !errors.is_empty() {
            println!("{name}: {}", errors[..errors.len().min(2)].join("; "));
        }
    }
    assert_eq!(results.len(), if found.whole { 401 } else { 5 });
    // Those that do not render are too large for a target, or a definition that
    // Microsoft's readers refuse (`verdicts.rs` of the crate holds which), and say so.
    for (name, errors, _) in &results {
        let known = |error: &String| error.starts_with("APIM7") || error.starts_with("APIM20");
        assert!(errors.iter().all(known), "{name}: {errors:#?}");
    }
}
