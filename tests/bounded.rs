//! Every shape of input through the command, in a process that the system ends when
//! it takes more than its share: it ends by itself, and says where it found what.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;

use rayon::prelude::*;
use serde_json::Value as Json;
use shapes::{Input, Shape};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// CPU seconds of one run, whatever the machine.
const SECONDS: u32 = if cfg!(debug_assertions) { 60 } else { 10 };
/// KiB of address space. Stacks of threads and what an allocator keeps for later are
/// in it; memory that is used is what `hack/series` measures.
const SPACE: u32 = 3 << 20;
/// Sizes are so many times the smallest; `FLUX_APIM_SOAK` asks for the largest.
const TIMES: usize = if cfg!(debug_assertions) { 3 } else { 64 };

fn size(shape: &Shape) -> usize {
    match std::env::var_os("FLUX_APIM_SOAK") {
        Some(_) => shape.large,
        None => shape.large.min(shape.small * TIMES),
    }
}

/// The command within its limits.
fn limited(arguments: &[&str], shape: &Shape) -> Output {
    // One limit a call: dash takes no more.
    let limits = format!("ulimit -c 0 && ulimit -t {SECONDS} && ulimit -v {SPACE} && exec \"$@\"");
    let mut command = Command::new("sh");
    command
        .args(["-c", &limits, "sh", env!("CARGO_BIN_EXE_flux-apim")])
        .args(arguments)
        .env_remove("FLUX_APIM_ENV")
        .stdin(Stdio::null());
    if let Some(environment) = shape.environment {
        command.args(["--env", environment]);
    }
    command.output().unwrap()
}

/// Findings about the source as a whole: several projects, an archive that is none, odd or
/// too large, more secrets than a template takes.
const OF_THE_SOURCE: [&str; 5] = ["APIM1002", "APIM8001", "APIM8002", "APIM8003", "APIM7002"];

/// What is wrong with how a run ended: 0, 1 with findings, 2 for a source that is refused.
fn wrong(output: &Output, what: &str) -> Option<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let says = |why: &str| Some(format!("{what}: {why}: {} {stderr:.400}", output.status));
    match output.status.code() {
        None => says("it was ended"),
        Some(0) => None,
        Some(1 | 2) => match placed(&output.stdout) {
            Ok(()) => None,
            Err(why) => says(&why),
        },
        Some(_) => says("that is no status for it"),
    }
}

/// Whether there is an error, and each that is listed has a place.
fn placed(report: &[u8]) -> Result<(), String> {
    let report: Json = serde_json::from_slice(report).map_err(|e| format!("no report: {e}"))?;
    let findings = report["diagnostics"].as_array().into_iter().flatten();
    let errors: Vec<&Json> = findings.filter(|f| f["severity"] == "error").collect();
    let of_source = |f: &Json| OF_THE_SOURCE.iter().any(|code| f["code"] == *code);
    let lost = errors.iter().find(|f| f["path"] == "" && !of_source(f));
    match (errors.is_empty(), lost) {
        (true, _) => Err("no finding at error level".to_owned()),
        (false, Some(finding)) => Err(format!("no place: {finding}")),
        (false, None) => Ok(()),
    }
}

fn check(shape: &Shape, folder: &Path) -> Vec<String> {
    let archive = folder.join(format!("{}.tgz", shape.name));
    let input: Input = (shape.make)(size(shape));
    std::fs::write(&archive, input.archive()).unwrap();
    let archive = archive.display().to_string();
    let out = folder.join(shape.name).display().to_string();
    let sample = common::repository("testdata/projects/contoso")
        .display()
        .to_string();
    let runs: [&[&str]; 3] = [
        &["validate", "--format", "json", &archive],
        &["render", "--format", "json", &archive, "-o", &out],
        &["diff", "--format", "json", &sample, &archive],
    ];
    let mut found = Vec::new();
    let mut statuses = Vec::new();
    for run in runs {
        let output = limited(run, shape);
        let what = format!("{} {}", shape.name, run[0]);
        found.extend(wrong(&output, &what));
        statuses.push(output.status.code());
        if run[0] == "render" {
            let rendered = Path::new(&out).join("bundle.json").exists();
            if rendered != output.status.success() {
                found.push(format!("{what}: {}, bundle: {rendered}", output.status));
            }
        }
    }
    // What cannot be rendered is refused by `validate`, too. `diff` prints no target, and may
    // compare what is too large for one.
    if statuses[0] != statuses[1] {
        found.push(format!("{}: {statuses:?}", shape.name));
    }
    std::fs::remove_file(&archive).unwrap();
    let _ = std::fs::remove_dir_all(&out);
    found
}

#[test]
fn every_shape_ends_by_itself_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let shapes: Vec<&Shape> = shapes::all().collect();
    let wrong: Vec<String> = shapes
        .par_iter()
        .flat_map(|shape| check(shape, folder.path()))
        .collect();
    println!("{} shapes", shapes.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The limits are real: what does not keep within them is ended.
#[test]
fn a_run_beyond_its_space_is_ended() {
    let run = |kibibytes: u32| {
        let limits = format!("ulimit -c 0 && ulimit -v {kibibytes} && exec \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &limits, "sh", env!("CARGO_BIN_EXE_flux-apim")])
            .args(["validate", "--env", "prod", "testdata/projects/contoso"])
            .current_dir(common::repository(""))
            .output();
        output.unwrap()
    };
    let [enough, little] = [SPACE, 40_000].map(run);
    assert!(enough.status.success(), "{enough:?}");
    assert!(!little.status.success(), "{little:?}");
}
