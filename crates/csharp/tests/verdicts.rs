//! What the checker says of expressions that a C# compiler has judged.
//!
//! `FLUX_APIM_VERDICTS` names a folder with `expressions.jsonl.gz` (published
//! expressions) and `expression-mutants.jsonl.gz` (the same with mistakes put
//! in, and probes of the language). The rates are printed by kind of mutation,
//! held against what is promised, and written down in `docs/csharp-verdicts.md`
//! (`FLUX_APIM_UPDATE=1` writes it anew).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says so when it fails"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads what the library does not"
)]

use flux_apim_csharp::{Environment, Expected, Form, Problem, Severity, check, parse};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

const FOLDER: &str = "FLUX_APIM_VERDICTS";

fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

fn rows(file: &Path) -> Vec<Value> {
    let packed =
        std::fs::read(file).unwrap_or_else(|error| panic!("read {}: {error}", file.display()));
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap_or_else(|error| panic!("unpack {}: {error}", file.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The errors of one row.
fn errors(row: &Value) -> (Vec<Problem>, Option<String>) {
    let form = if row["kind"] == "block" {
        Form::Body
    } else {
        Form::Expression
    };
    let expected = if is_condition(row) {
        Expected::Condition
    } else {
        Expected::Anything
    };
    let environment = Environment {
        expected,
        ..Environment::default()
    };
    let (tree, mut problems) = parse(row["text"].as_str().unwrap(), form);
    let analysis = check(&tree, &environment);
    problems.extend(analysis.problems);
    problems.retain(|problem| problem.severity == Severity::Error);
    (problems, analysis.result)
}

fn is_condition(row: &Value) -> bool {
    matches!(
        row["attribute"].as_str(),
        Some("condition" | "increment-condition")
    )
}

fn is_set(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty())
}

/// Whether API Management refuses the row; `None`: nobody knows.
fn is_bad(row: &Value) -> Option<bool> {
    if is_set(&row["disputed"]) || row["result"] == "unknown" {
        return None;
    }
    let refused = row["ok"] == false || is_set(&row["denied"]);
    let result = matches!(row["result"].as_str(), Some("unlisted" | "mixed"));
    let condition = is_condition(row) && row["type"].as_str().is_some_and(|ty| ty != "bool");
    Some(refused || result || condition)
}

/// Whether our first error stands within the compiler's, or on its line;
/// `None` where the compiler's has no length.
fn place(row: &Value, first: &Problem) -> Option<bool> {
    let all = row["syntax"]
        .as_array()?
        .iter()
        .chain(row["semantic"].as_array()?);
    let error = all.into_iter().next()?;
    let (start, length) = (
        error["bstart"].as_u64()? as usize,
        error["blen"].as_u64()? as usize,
    );
    if length == 0 {
        return None;
    }
    let text = row["text"].as_str()?;
    let at = first.span.start as usize;
    let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    Some((line_start..=line_end).contains(&at) || (start..=start + length).contains(&at))
}

#[derive(Debug, Default)]
struct Count {
    bad: usize,
    found: usize,
    other: usize,
    refused: usize,
    places: usize,
    placed: usize,
}

#[derive(Debug, Default)]
struct Outcome {
    by_kind: BTreeMap<String, Count>,
    disagreements: Vec<String>,
}

impl Outcome {
    fn add(&mut self, row: &Value, kind: &str) {
        let Some(bad) = is_bad(row) else {
            return;
        };
        let (errors, _) = errors(row);
        let count = self.by_kind.entry(kind.to_owned()).or_default();
        let id = row["id"].as_str().unwrap();
        match (bad, errors.first()) {
            (true, None) => {
                count.bad += 1;
                self.disagreements
                    .push(format!("| {id} | {kind} | accepted | {} |", reason(row)));
            }
            (true, Some(first)) => {
                count.bad += 1;
                count.found += 1;
                if let Some(good) = place(row, first) {
                    count.places += 1;
                    count.placed += usize::from(good);
                    if !good {
                        let line = format!(
                            "| {id} | {kind} | another line | {}, ours {} |",
                            reason(row),
                            first.code.id()
                        );
                        self.disagreements.push(line);
                    }
                }
            }
            (false, Some(first)) => {
                count.other += 1;
                count.refused += 1;
                let line = format!(
                    "| {id} | {kind} | refused | {}: {} |",
                    first.code.id(),
                    first.message.replace('|', "\\|")
                );
                self.disagreements.push(line);
            }
            (false, None) => count.other += 1,
        }
    }

    fn sum(&self, of: impl Fn(&Count) -> usize) -> usize {
        self.by_kind.values().map(of).sum()
    }
}

fn reason(row: &Value) -> String {
    let all = row["syntax"].as_array().into_iter().flatten();
    let mut all = all.chain(row["semantic"].as_array().into_iter().flatten());
    match all.next() {
        Some(error) => format!(
            "{} {}",
            error["id"].as_str().unwrap_or("?"),
            error["class"].as_str().unwrap_or("?")
        ),
        None => format!("result {}", row["result"].as_str().unwrap_or("denied")),
    }
}

#[test]
fn published_expressions_and_their_mutants() {
    let Some(folder) = folder() else {
        println!("{FOLDER} is not set: the verdicts of the compiler are not looked at");
        return;
    };
    let mut published = Outcome::default();
    for row in rows(&folder.join("expressions.jsonl.gz")) {
        published.add(
            &row,
            if row["kind"] == "block" {
                "@{...}"
            } else {
                "@(...)"
            },
        );
    }
    let mut mutants = Outcome::default();
    for row in rows(&folder.join("expression-mutants.jsonl.gz")) {
        let op = row["op"].as_str().unwrap();
        let kind = match op.split_once(' ') {
            // Probes of versions are one kind each.
            Some((kind, _)) => kind,
            None => op,
        };
        mutants.add(&row, kind);
    }
    let document = document(&published, &mutants);
    println!("{document}");

    assert_eq!(
        published.sum(|c| c.refused),
        0,
        "a published expression is refused: {:?}",
        published.disagreements
    );
    // In two of the 18 the author left a word to be filled in: either answer is right.
    assert!(
        published.sum(|c| c.found) >= 16,
        "a real fault is not found: {:?}",
        published.disagreements
    );
    let (bad, found) = (mutants.sum(|c| c.bad), mutants.sum(|c| c.found));
    assert!(
        found * 100 >= bad * 98,
        "{found} of {bad} bad mutants are found"
    );
    let (other, refused) = (mutants.sum(|c| c.other), mutants.sum(|c| c.refused));
    assert!(
        refused * 1000 <= other * 2,
        "{refused} of {other} good mutants are refused"
    );
    let (places, placed) = (mutants.sum(|c| c.places), mutants.sum(|c| c.placed));
    assert!(
        placed * 100 >= places * 95,
        "{placed} of {places} are on the compiler's line"
    );

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/csharp-verdicts.md");
    if std::env::var_os("FLUX_APIM_UPDATE").is_some() {
        std::fs::write(&file, document).unwrap();
    } else {
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == document,
            "docs/csharp-verdicts.md is stale: run this test with FLUX_APIM_UPDATE=1"
        );
    }
}

fn document(published: &Outcome, mutants: &Outcome) -> String {
    let mut out = String::from(
        "# C# in policy expressions, held against a compiler\n\n\
         Made by `crates/csharp/tests/verdicts.rs`. The judge is Roslyn with C# 7.3 and .NET Framework 4.7.2; the lists of\n\
         allowed members and result types are those of API Management. *Bad* is what API Management refuses. A place is\n\
         right when our first error stands within the compiler's first, or on its line.\n\n",
    );
    for (title, outcome) in [
        ("Published expressions", published),
        ("Mutants and probes", mutants),
    ] {
        let _ = write!(
            out,
            "## {title}\n\n| kind | bad | found | good | refused | places | right |\n|---|---:|---:|---:|---:|---:|---:|\n"
        );
        for (kind, c) in &outcome.by_kind {
            let _ = writeln!(
                out,
                "| {kind} | {} | {} | {} | {} | {} | {} |",
                c.bad, c.found, c.other, c.refused, c.places, c.placed
            );
        }
        let _ = writeln!(
            out,
            "| **all** | {} | {} | {} | {} | {} | {} |\n",
            outcome.sum(|c| c.bad),
            outcome.sum(|c| c.found),
            outcome.sum(|c| c.other),
            outcome.sum(|c| c.refused),
            outcome.sum(|c| c.places),
            outcome.sum(|c| c.placed)
        );
        if outcome.disagreements.is_empty() {
            out.push_str("No disagreement.\n\n");
        } else {
            out.push_str("| expression | kind | we say | why |\n|---|---|---|---|\n");
            for line in &outcome.disagreements {
                out.push_str(line);
                out.push('\n');
            }
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Types of whole expressions are those of the compiler.
#[test]
fn types_of_results() {
    let Some(folder) = folder() else {
        println!("{FOLDER} is not set: the verdicts of the compiler are not looked at");
        return;
    };
    let mut compared = 0;
    for row in rows(&folder.join("expressions.jsonl.gz")) {
        let (errors, ours) = errors(&row);
        let (Some(theirs), Some(ours)) = (row["type"].as_str(), ours) else {
            continue;
        };
        if !errors.is_empty()
            || matches!(theirs, "mixed" | "named-value")
            || theirs.contains("Nullable")
        {
            continue;
        }
        // The compiler writes namespaces out.
        let theirs = [
            "ApimStub.",
            "Newtonsoft.Json.Linq.",
            "System.Collections.Generic.",
            "System.",
        ]
        .iter()
        .fold(theirs.to_owned(), |text, space| text.replace(space, ""));
        assert_eq!(ours, theirs, "{}", row["text"]);
        compared += 1;
    }
    assert!(compared > 1000, "only {compared} types were compared");
}

/// The members that published expressions use are those that the compiler
/// chose: every overload, of every call.
#[test]
fn members_that_are_used() {
    let Some(folder) = folder() else {
        println!("{FOLDER} is not set: the verdicts of the compiler are not looked at");
        return;
    };
    let mut compared = 0;
    for row in rows(&folder.join("expressions.jsonl.gz")) {
        let code = |name: &Value| name.as_str().is_some_and(|name| name.starts_with("code:"));
        let unknown = row["named_values"]
            .as_array()
            .is_some_and(|names| names.iter().any(code));
        if row["ok"] == false || unknown {
            continue;
        }
        let form = if row["kind"] == "block" {
            Form::Body
        } else {
            Form::Expression
        };
        let (tree, _) = parse(row["text"].as_str().unwrap(), form);
        let analysis = check(&tree, &Environment::default());
        let ours: BTreeSet<String> = tree
            .nodes()
            .filter_map(|(id, _)| analysis.member_of(id))
            .collect();
        let theirs: BTreeSet<String> = row["members"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        let more: Vec<&String> = ours.difference(&theirs).collect();
        // Values of enums are no members of the table, and operators are not noted.
        let plain = |name: &&String| name.contains('(') && !name.contains("operator ");
        let less: Vec<&String> = theirs.difference(&ours).filter(plain).collect();
        assert!(
            more.is_empty() && less.is_empty(),
            "{}: {more:?}, not {less:?}",
            row["text"]
        );
        compared += ours.len();
    }
    assert!(compared > 3000, "only {compared} members were compared");
}
