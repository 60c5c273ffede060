//! Every rule has a page, and every page tells the truth: what it says fails gives the
//! code, what it says passes does not.
#![cfg(feature = "source")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::diag::{Class, Diagnostic, Evidence, Report, Rule, Severity};
use flux_apim::edge::source::{Error, OpenOptions, unpack};
use flux_apim::pipeline::{self, Options};
use flux_apim::rules::{ALL, REGISTRY};
use flux_apim::tree::{ArtifactPath, SourceTree};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// An archive in an example, instead of files.
const ARCHIVE: &str = "source.tar.gz";

/// A section of a page.
enum Section<'p> {
    Example(Example<'p>),
    /// Path and name of the test that shows it instead.
    Elsewhere(&'p str, &'p str),
}

#[derive(Default)]
struct Example<'p> {
    files: Vec<(&'p str, String)>,
    flags: Vec<(&'p str, &'p str)>,
}

/// What a run says of an example.
struct Said {
    rules: Vec<(&'static Rule, Severity)>,
    bundle: bool,
    shown: Vec<String>,
}

/// The texts between backticks in `line`.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The section of `page` below the heading `## NAME`.
fn section<'p>(page: &'p str, name: &str) -> Result<Section<'p>, String> {
    let heading = format!("## {name}");
    let mut lines = page.lines().skip_while(|line| *line != heading).skip(1);
    let mut example = Example::default();
    let mut path = None;
    while let Some(line) = lines.next() {
        if line.starts_with("## ") {
            break;
        } else if let Some(rest) = line.strip_prefix("Shown by ") {
            let mut words = quoted(rest);
            return match (words.next(), words.next()) {
                (Some(path), Some(test)) => Ok(Section::Elsewhere(path, test)),
                _ => Err(format!("`{line}` names no path and test")),
            };
        } else if let Some(rest) = line.strip_prefix("Rendered with ") {
            for flag in quoted(rest) {
                let (flag, value) = flag.split_once(' ').ok_or("a flag without a value")?;
                example.flags.push((flag.trim_start_matches("--"), value));
            }
        } else if line.starts_with("```") {
            let path = path.take().ok_or("a block has no file name")?;
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            example.files.push((path, block.join("\n") + "\n"));
        } else if let Some(rest) = line.strip_prefix('`') {
            path = rest.strip_suffix('`');
        } else if !line.is_empty() {
            return Err(format!("`{line}` is neither a file nor a flag"));
        }
    }
    if example.files.is_empty() {
        return Err("there is no example".to_owned());
    }
    Ok(Section::Example(example))
}

/// The archive that a text describes: an entry a line, `cut N` takes bytes from the end.
fn archive(text: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut cut = 0;
    for line in text.lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        let (name, link, data) = match kind {
            "cut" => {
                cut = rest.parse().unwrap();
                continue;
            }
            "folder" => (rest, None, ""),
            "file" => {
                let (name, data) = rest.split_once(' ').unwrap();
                (name, None, data)
            }
            "hardlink" | "symlink" => {
                let (name, link) = rest.split_once(" -> ").unwrap();
                (name, Some(link), "")
            }
            other => panic!("`{other}` is no entry of an archive"),
        };
        header.set_entry_type(match kind {
            "folder" => tar::EntryType::Directory,
            "hardlink" => tar::EntryType::Link,
            "symlink" => tar::EntryType::Symlink,
            _ => tar::EntryType::Regular,
        });
        header.set_path(name).unwrap();
        if let Some(link) = link {
            header.set_link_name(link).unwrap();
        }
        header.set_size(data.len() as u64);
        header.set_cksum();
        tar.append(&header, data.as_bytes()).unwrap();
    }
    let packed = flate2::Compression::default();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), packed);
    encoder.write_all(&tar.into_inner().unwrap()).unwrap();
    let mut bytes = encoder.finish().unwrap();
    bytes.truncate(bytes.len() - cut);
    bytes
}

/// Whether `rule` says what is better, not what is refused.
fn is_advice(rule: &Rule) -> bool {
    matches!(rule.class, Class::Lint | Class::Convention)
}

/// What the product says of `example`.
fn said(example: &Example<'_>) -> Said {
    let mut options = Options::default();
    let mut digest = None;
    for &(flag, value) in &example.flags {
        match flag {
            "env" => options.discover.environment = Some(value.to_owned()),
            "arm-api-version" => options.arm_api_version = Some(value.to_owned()),
            "digest" => digest = Some(value.parse().unwrap()),
            cap => assert!(
                options.discover.limits.set(cap, value.parse().unwrap()),
                "--{cap} is unknown here"
            ),
        }
    }
    options.budget = flux_apim::diag::Budget::new(&options.discover.limits);
    let (tree, notes) = match example.files.as_slice() {
        [(ARCHIVE, text)] => {
            let open = OpenOptions {
                digest,
                limits: options.discover.limits.clone(),
                ..OpenOptions::default()
            };
            match unpack(&archive(text), "archive", &open) {
                Ok(opened) => (opened.tree, opened.notes),
                Err(Error::Refused(finding)) => return refused(&finding),
                Err(other) => panic!("{other}"),
            }
        }
        files => {
            let files = files.iter().map(|(path, text)| {
                let path = ArtifactPath::parse(path).unwrap();
                (path, text.clone().into_bytes())
            });
            (SourceTree::in_memory(files.collect()), Vec::new())
        }
    };
    let outcome = pipeline::run(&tree, &options, notes).unwrap();
    let found = outcome.report.diagnostics.iter();
    Said {
        rules: found.map(|d| (d.rule, d.severity)).collect(),
        bundle: outcome.bundle.is_some(),
        shown: common::shown(&outcome),
    }
}

fn refused(finding: &Diagnostic) -> Said {
    Said {
        rules: vec![(finding.rule, finding.rule.severity)],
        bundle: false,
        shown: vec![format!("{} {}", finding.rule.code, finding.message)],
    }
}

/// Whether there is such a test.
fn elsewhere(path: &str, test: &str) -> Result<(), String> {
    let text = std::fs::read_to_string(common::repository(path)).unwrap_or_default();
    let wanted = format!("fn {test}(");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| {
        line.strip_prefix("async ")
            .unwrap_or(line)
            .starts_with(&wanted)
    });
    let is_test = at.is_some_and(|at| {
        let before = lines[..at].iter().rev();
        let mut attributes = before.take_while(|line| line.starts_with("#["));
        attributes.any(|line| line.contains("test]") || line.contains("test("))
    });
    if is_test {
        Ok(())
    } else {
        Err(format!("there is no test `{test}` in {path}"))
    }
}

/// What of the page of `rule` is not true.
fn check(rule: &'static Rule) -> Vec<String> {
    let mut wrong = Vec::new();
    let gives = |said: &Said| said.rules.iter().any(|(found, _)| found.code == rule.code);
    match section(rule.page, "Fails") {
        Ok(Section::Example(example)) => {
            let said = said(&example);
            let as_said = |(found, severity): &(&Rule, Severity)| {
                found.code == rule.code && *severity == rule.severity
            };
            if !said.rules.iter().any(as_said) {
                wrong.push(format!("Fails does not: {:#?}", said.shown));
            }
            let others: Vec<_> = said
                .rules
                .iter()
                .filter(|(found, severity)| found.code != rule.code && *severity == Severity::Error)
                .map(|(found, _)| found.code.to_string())
                .collect();
            if !others.is_empty() {
                wrong.push(format!("Fails has other errors: {others:?}"));
            }
            if said.bundle && !is_advice(rule) {
                wrong.push("Fails makes a bundle".to_owned());
            }
        }
        Ok(Section::Elsewhere(path, test)) => wrong.extend(elsewhere(path, test).err()),
        Err(why) => wrong.push(format!("Fails: {why}")),
    }
    match section(rule.page, "Passes") {
        Ok(Section::Example(example)) => {
            let said = said(&example);
            if gives(&said) || !said.bundle {
                wrong.push(format!("Passes does not: {:#?}", said.shown));
            }
        }
        Ok(Section::Elsewhere(path, test)) => wrong.extend(elsewhere(path, test).err()),
        Err(why) => wrong.push(format!("Passes: {why}")),
    }
    let headings: Vec<&str> = rule.page.lines().filter(|l| l.starts_with('#')).collect();
    if headings != ["## Fails", "## Passes", "## Source"] {
        wrong.push(format!("its headings are {headings:?}"));
    }
    let source = rule.page.split("## Source").nth(1).unwrap_or("");
    if !source.contains("](https://") {
        wrong.push("its source has no link".to_owned());
    }
    if rule.explanation().is_empty() {
        wrong.push("it says not why".to_owned());
    }
    wrong
}

#[test]
fn every_page_tells_the_truth() {
    let mut wrong = Vec::new();
    for rule in ALL {
        let shown = |why| format!("{} {}: {why}", rule.code, rule.name);
        wrong.extend(check(rule).into_iter().map(shown));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rules whose mistake is one to another rule, too: two definitions of which one has no
/// operation; what Azure Service Operator does not take and every target looks at.
const ALSO: [(u16, u16); 3] = [(2009, 2006), (7102, 5001), (7103, 1013)];

/// What breaks the good example of a rule in the way that its page describes gives that
/// code, and nothing else that the good one does not have.
#[test]
fn a_mutation_gives_its_own_code_alone() {
    let mut wrong = Vec::new();
    for rule in ALL {
        let (fails, passes) = (section(rule.page, "Fails"), section(rule.page, "Passes"));
        let (Ok(Section::Example(fails)), Ok(Section::Example(passes))) = (fails, passes) else {
            continue;
        };
        // An information says what becomes of something: of what is broken, too. And so does
        // a target (71xx) of what it cannot carry.
        let of_target = |code: u16| code / 100 == 71;
        let codes = |said: &Said| -> BTreeSet<_> {
            let rules = said.rules.iter();
            let rules = rules.filter(|(found, severity)| {
                let counts = !of_target(found.code.0) || of_target(rule.code.0);
                counts && *severity > Severity::Info || found.code == rule.code
            });
            rules.map(|(found, _)| found.code.0).collect()
        };
        let (broken, good) = (said(&fails), said(&passes));
        let mut more: BTreeSet<_> = codes(&broken).difference(&codes(&good)).copied().collect();
        if let Some((_, whole)) = ALSO.iter().find(|(own, _)| *own == rule.code.0) {
            assert!(more.remove(whole), "{} comes alone", rule.code);
        }
        if more != BTreeSet::from([rule.code.0]) {
            wrong.push(format!("{} {}: {:#?}", rule.code, rule.name, broken.shown));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn codes_and_names_are_of_one_rule() {
    assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
    let mut names = BTreeMap::new();
    for rule in ALL {
        for name in std::iter::once(&rule.name).chain(rule.former_names) {
            let other = names.insert(*name, rule.code);
            assert!(other.is_none(), "{name} names {other:?} and {}", rule.code);
            assert_eq!(REGISTRY.get(name).unwrap().code, rule.code);
        }
        let code = rule.code.to_string();
        assert_eq!(REGISTRY.get(&code).unwrap().name, rule.name);
    }
}

#[test]
fn a_guess_is_never_an_error() {
    for rule in ALL {
        let guessed = rule.evidence == Evidence::Guess;
        assert!(
            !(guessed && rule.severity == Severity::Error),
            "{}",
            rule.code
        );
    }
}

/// What nobody may lower keeps the bundle from being made.
#[test]
fn integrity_and_refusal_are_errors() {
    for rule in ALL.iter().filter(|rule| !is_advice(rule)) {
        assert_eq!(rule.severity, Severity::Error, "{}", rule.code);
    }
}

/// No form of a report has the line on which a secret stands.
#[test]
fn a_secret_is_in_no_report() {
    let rule = REGISTRY.get("secret-in-tree").unwrap();
    let Ok(Section::Example(example)) = section(rule.page, "Fails") else {
        panic!("APIM5001 has no example");
    };
    let tree: Vec<_> = example
        .files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let outcome = common::run(&common::tree_of(&tree), &Options::default());
    let secret = "example-not-a-real-key";
    assert!(tree.iter().any(|(_, text)| text.contains(secret)));
    let report: &Report = &outcome.report;
    let found = report.diagnostics.iter().find(|d| d.rule.code == rule.code);
    let found = found.unwrap();
    assert!(found.range.is_some() && found.snippet.is_none());
    let json = serde_json::to_string(report).unwrap();
    let sarif = flux_apim::diag::sarif::to_sarif(report, "0");
    for text in [
        format!("{report:?}"),
        serde_json::to_string(&sarif).unwrap(),
        flux_apim::diag::markdown::to_markdown(report),
        json.clone(),
    ] {
        assert!(!text.contains(secret), "{text}");
    }
    let json = serde_json::from_str(&json).unwrap();
    let back = Report::from_json(&json, &common::tree_of(&tree), REGISTRY).unwrap();
    assert!(!format!("{back:?}").contains(secret));
    // Others show their line.
    let other = Example {
        files: vec![(
            "products/starter/productInformation.json",
            r#"{"properties": {"displayName": "Starter", "state": "publishd"}}"#.to_owned(),
        )],
        flags: Vec::new(),
    };
    let files: Vec<_> = other.files.iter().map(|(p, t)| (*p, t.as_str())).collect();
    let outcome = common::run(&common::tree_of(&files), &Options::default());
    let shown = outcome
        .report
        .diagnostics
        .iter()
        .find(|d| d.rule.code.0 == 1012);
    assert!(
        shown
            .unwrap()
            .snippet
            .as_ref()
            .unwrap()
            .text
            .contains("publishd")
    );
}
