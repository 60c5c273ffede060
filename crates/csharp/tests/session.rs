//! Expressions that are checked one after the other have the findings that each has by
//! itself, in whatever order they come.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    reason = "a test reads what the library does not"
)]

use flux_apim_csharp::{Environment, Form, Session, Unmetered, parse};
use std::cell::Cell;
use std::io::Read as _;
use std::path::PathBuf;

/// The cases of this crate, and the judged expressions where `FLUX_APIM_VERDICTS` names
/// their folder.
fn expressions() -> Vec<(String, Form)> {
    let own = [
        (include_str!("cases/expressions.txt"), Form::Expression),
        (include_str!("cases/bodies.txt"), Form::Body),
    ];
    let mut all = Vec::new();
    for (text, form) in own {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        all.extend(lines.map(|line| (line.split("  ").next().unwrap_or(line).to_owned(), form)));
    }
    let folder = std::env::var_os("FLUX_APIM_VERDICTS").map(PathBuf::from);
    let files = ["expressions.jsonl.gz", "expression-mutants.jsonl.gz"];
    for file in folder
        .iter()
        .flat_map(|folder| files.map(|file| folder.join(file)))
    {
        let packed = std::fs::read(file).expect("the verdicts");
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(packed.as_slice())
            .read_to_string(&mut text)
            .expect("text");
        all.extend(text.lines().map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("a row");
            let form = match row["kind"].as_str() {
                Some("block") => Form::Body,
                _ => Form::Expression,
            };
            (row["text"].as_str().unwrap_or("").to_owned(), form)
        }));
    }
    all
}

#[test]
fn what_is_found_does_not_depend_on_what_was_checked_before() {
    let expressions = expressions();
    let alone = expressions.iter().map(|(text, form)| {
        let (tree, _) = parse(text, *form);
        let analysis = Session::new().check(&tree, &Environment::default(), &Unmetered);
        format!("{analysis:?}")
    });
    let alone: Vec<String> = alone.map(ordered).collect();
    let mut session = Session::new();
    let order: Vec<usize> = (0..expressions.len())
        .chain((0..expressions.len()).rev())
        .collect();
    let mut steps = vec![None; expressions.len()];
    for index in order {
        let (text, form) = &expressions[index];
        let (tree, _) = parse(text, *form);
        let spent = Cell::new(0);
        let meter = |more: u64| {
            spent.set(spent.get() + more);
            true
        };
        let analysis = session.check(&tree, &Environment::default(), &meter);
        assert_eq!(ordered(format!("{analysis:?}")), alone[index], "{text}");
        let before = steps[index].replace(spent.get());
        assert!(before.is_none_or(|before| before == spent.get()), "{text}");
    }
    // What ended early leaves nothing behind.
    let (tree, _) = parse("1 + 1", Form::Expression);
    let stopped = session.check(&tree, &Environment::default(), &|_: u64| false);
    assert_eq!(stopped.problems.len(), 1);
    let again = session.check(&tree, &Environment::default(), &Unmetered);
    assert!(again.problems.is_empty());
}

/// The text of an analysis, without the members that nodes use: those stand in a map.
fn ordered(text: String) -> String {
    match text.rfind(", members: {") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
