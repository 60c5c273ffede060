//! `make bench`: what checking costs, against the linters that people have (where they are
//! installed), and how fast `validate --watch` answers.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for people"
)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many definitions, and the most bytes of one: what Azure imports.
const DEFINITIONS: usize = 200;
const LARGEST: usize = 4 << 20;
/// How often the program is run; linters, which take a minute, once.
const RUNS: usize = 5;

fn main() {
    println!("{:<58} {:>9}  target", "figure", "measured");
    let Some(corpus) = corpus() else {
        return println!("skipped: the corpus is not unpacked (target/corpus, FLUX_APIM_CORPUS)");
    };
    let folder = tempfile::tempdir().unwrap();
    let bytes = specs(&corpus, folder.path());
    let what = format!("{DEFINITIONS} definitions, {} MB", bytes / 1_000_000);
    let files = definitions(folder.path());
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    against(&what, folder.path(), &names, 20.0, 100.0);
    let github = tempfile::tempdir().unwrap();
    let stored = corpus.join("openapi/single/github/api.github.com.json.gz");
    if let Some(text) = read(&stored) {
        std::fs::write(github.path().join("openapi.json"), text).unwrap();
        let what = "GitHub's definition";
        against(what, github.path(), &["openapi.json"], 40.0, 200.0);
    }
    watch(&what, folder.path(), &files);
}

fn line(figure: &str, measured: &str, target: &str) {
    println!("{figure:<58} {measured:>9}  {target}");
}

fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("FLUX_APIM_CORPUS").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/corpus");
    Some(named.unwrap_or(usual)).filter(|folder| folder.join("openapi").is_dir())
}

/// The text of a stored file, unpacked.
fn read(path: &Path) -> Option<Vec<u8>> {
    let stored = std::fs::read(path).ok()?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Some(stored);
    }
    let mut text = Vec::new();
    let mut unpacked = flate2::read::GzDecoder::new(stored.as_slice());
    unpacked.read_to_end(&mut text).ok()?;
    Some(text)
}

/// Writes the largest definitions of the corpus below [`LARGEST`] that have operations, each
/// as an API; their bytes. Those in JSON: Redocly ends at the first YAML that it cannot read.
fn specs(corpus: &Path, folder: &Path) -> usize {
    let index = std::fs::read_to_string(corpus.join("openapi/INDEX.tsv")).unwrap();
    let rows = index.lines().skip(1).map(|row| row.split('\t').collect());
    let number = |row: &Vec<&str>, column: usize| row[column].parse::<usize>().unwrap_or(0);
    let mut rows: Vec<Vec<&str>> = rows
        .filter(|row: &Vec<&str>| {
            row[0].starts_with("openapi/single/")
                && (row[2], row[5]) == ("json", "ok")
                && number(row, 7) > 0
                && number(row, 3) < LARGEST
        })
        .collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(number(row, 3)), row[0]));
    let mut bytes = 0;
    for (n, row) in rows.iter().take(DEFINITIONS).enumerate() {
        let text = read(&corpus.join(row[0])).unwrap();
        let api = folder.join(format!("apis/api-{n:03}"));
        std::fs::create_dir_all(&api).unwrap();
        bytes += text.len();
        std::fs::write(api.join("openapi.json"), text).unwrap();
    }
    bytes
}

/// The definitions below `folder`, by their paths from there.
fn definitions(folder: &Path) -> Vec<String> {
    let apis = std::fs::read_dir(folder.join("apis")).unwrap();
    let mut files: Vec<String> = apis
        .flat_map(|api| std::fs::read_dir(api.unwrap().path()).unwrap())
        .map(|file| {
            let file = file.unwrap().path();
            file.strip_prefix(folder).unwrap().display().to_string()
        })
        .collect();
    files.sort();
    files
}

/// The time that processors worked for `command`, in user and system mode; `None` where it
/// is not installed.
fn processor_time(command: &mut Command) -> Option<Duration> {
    // In ticks of 10 ms: times of children that were waited for.
    let of_children = || -> u64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
        fields
            .skip(13)
            .take(2)
            .map(|n| n.parse::<u64>().unwrap())
            .sum()
    };
    let before = of_children();
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().ok()?;
    Some(Duration::from_millis(10 * (of_children() - before)))
}

/// All rules on `files` of `folder`, against Redocly's minimal set and Spectral's default.
fn against(what: &str, folder: &Path, files: &[&str], redocly: f64, spectral: f64) {
    let ours = (0..RUNS).filter_map(|_| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flux-apim"));
        let whole = ["validate", ".", "-q", "--target", "resources"];
        processor_time(command.args(whole).current_dir(folder))
    });
    // A tick is the least that is counted.
    let ours = ours.min().unwrap().max(Duration::from_millis(10));
    line(
        &format!("{what}: processor time"),
        &format!("{ours:.0?}"),
        "",
    );
    std::fs::write(folder.join("redocly.yaml"), "extends: [minimal]\n").unwrap();
    let mut lint = Command::new("redocly");
    lint.args(["lint", "--format", "summary"]).args(files);
    compared(
        "Redocly's minimal set",
        what,
        ours,
        &mut lint,
        folder,
        redocly,
    );
    std::fs::write(folder.join(".spectral.yaml"), "extends: spectral:oas\n").unwrap();
    let mut lint = Command::new("spectral");
    lint.args(["lint", "--quiet"]).args(files);
    compared(
        "Spectral's default",
        what,
        ours,
        &mut lint,
        folder,
        spectral,
    );
    std::fs::remove_file(folder.join("redocly.yaml")).unwrap();
    std::fs::remove_file(folder.join(".spectral.yaml")).unwrap();
}

fn compared(
    name: &str,
    what: &str,
    ours: Duration,
    lint: &mut Command,
    folder: &Path,
    wanted: f64,
) {
    match processor_time(lint.current_dir(folder)) {
        Some(theirs) => line(
            &format!("{name} / {what}"),
            &format!("{:.0}", theirs.as_secs_f64() / ours.as_secs_f64()),
            &format!(">= {wanted:.0}"),
        ),
        None => println!("skipped: {name} is not installed"),
    }
}

/// From a change of one definition to the report of `validate --watch`.
fn watch(what: &str, folder: &Path, files: &[String]) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(["validate", ".", "--watch", "--format", "json"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let first = start.elapsed();
    let mut slowest = Duration::ZERO;
    for file in files.iter().step_by(files.len() / RUNS) {
        // What changed a moment ago is read again: as when somebody writes.
        std::thread::sleep(Duration::from_millis(500));
        let mut text = std::fs::read(folder.join(file)).unwrap();
        text.extend_from_slice(b"\n");
        let start = Instant::now();
        std::fs::write(folder.join(file), text).unwrap();
        lines.next().unwrap().unwrap();
        slowest = slowest.max(start.elapsed());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    line(
        &format!("{what}: --watch, slowest answer of {RUNS}"),
        &format!("{slowest:.0?}"),
        "<= 100 ms",
    );
    line(
        "  of its first check",
        &format!("{:.2}", slowest.as_secs_f64() / first.as_secs_f64()),
        "",
    );
}
