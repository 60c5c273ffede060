//! `make bench`: what a run costs, as ratios to a calibration of the same run.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

use flux_apim::diag::Findings;
use flux_apim::model::schema::{DEFAULT_API_VERSION, Schema};
use flux_apim::pipeline::{self, Options};
use flux_apim::rules::REGISTRY;
use flux_apim::tree::{ArtifactPath, SourceTree};
use flux_apim::{compile, discover, link};
use rayon::prelude::*;
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const RUNS: usize = 5;

/// Without Bicep: these trees are more than one template takes.
fn options() -> Options {
    use flux_apim::render::Target;
    Options {
        targets: Some(vec![Target::ARM, Target::ASO]),
        ..Options::default()
    }
}

fn main() {
    if let Some(what) =
        std::env::args().find_map(|a| a.strip_prefix("--memory=").map(str::to_owned))
    {
        return memory_child(&what);
    }
    println!("{:<58} {:>9}  target", "figure", "measured");
    let large = files(100, 500_000);
    parts(&large);
    linking(
        "of that the graph: completion, checks, chains, order",
        &large,
        "<= 5 %",
    );
    // The other extreme: next to nothing in the definitions.
    linking("the same of 2,000 APIs of 1 KB", &files(2_000, 1_000), "");
    largest();
    sample();
    memory();
}

fn line(figure: &str, measured: &str, target: &str) {
    println!("{figure:<58} {measured:>9}  {target}");
}

/// The best of some runs: the least disturbed one.
fn best(mut run: impl FnMut()) -> Duration {
    (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap()
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

/// A project of `count` APIs with definitions of `size` bytes, the same in
/// each run.
fn files(count: usize, size: usize) -> BTreeMap<ArtifactPath, Vec<u8>> {
    const WORDS: [&str; 8] = [
        "order", "invoice", "customer", "shipment", "page", "total", "value", "created",
    ];
    let mut seed = 7u64;
    let mut word = || {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        WORDS[(seed >> 61) as usize]
    };
    let mut files = BTreeMap::new();
    for api in 0..count {
        let mut text = format!(
            "{{\n  \"openapi\": \"3.0.3\",\n  \"info\": {{\"title\": \"API {api}\", \"version\": \"1\"}},\n  \"paths\": {{"
        );
        let mut n = 0;
        while text.len() < size {
            let comma = if n == 0 { "" } else { "," };
            let description: Vec<&str> = (0..30).map(|_| word()).collect();
            text.push_str(&format!(
                "{comma}\n    \"/{}/{n}\": {{\n      \"get\": {{\n        \"operationId\": \"get-{n}\",\n        \"description\": \"{}\",\n        \"parameters\": [{{\"name\": \"{}\", \"in\": \"query\", \"schema\": {{\"type\": \"integer\", \"maximum\": {n}}}}}],\n        \"responses\": {{\"200\": {{\"description\": \"{}\"}}}}\n      }}\n    }}",
                word(), description.join(" "), word(), word()
            ));
            n += 1;
        }
        text.push_str("\n  }\n}\n");
        let mut add = |name: &str, text: String| {
            let path = ArtifactPath::parse(&format!("apis/api-{api:04}/{name}")).unwrap();
            files.insert(path, text.into_bytes());
        };
        add("specification.json", text);
        add(
            "apiInformation.json",
            format!("{{\"properties\": {{\"path\": \"p{api}\", \"displayName\": \"API {api}\"}}}}"),
        );
        add(
            "policy.xml",
            "<policies><inbound><base /></inbound></policies>".to_owned(),
        );
    }
    files
}

fn render(tree: &SourceTree) -> Vec<Vec<u8>> {
    let outcome = pipeline::run(tree, &options(), Vec::new()).unwrap();
    let bundle = outcome.bundle.unwrap();
    black_box(bundle.archive());
    bundle.files.iter().map(|file| bundle.bytes(file)).collect()
}

fn run(tree: &SourceTree) {
    let outcome = pipeline::run(tree, &options(), Vec::new()).unwrap();
    black_box(outcome.bundle.unwrap().archive());
}

/// A whole run against its parts, and two threads against one.
fn parts(files: &BTreeMap<ArtifactPath, Vec<u8>>) {
    let tree = SourceTree::in_memory(files.clone());
    let source: Vec<u8> = files.values().flatten().copied().collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(&source).unwrap();
    let packed = encoder.finish().unwrap();
    let outputs = pool(1).install(|| render(&tree));
    let bytes: usize = outputs.iter().map(Vec::len).sum();
    println!("{:>4} MB in, {:>4} MB out", source.len() >> 20, bytes >> 20);

    let gunzip = best(|| {
        let mut out = Vec::with_capacity(source.len());
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_end(&mut out)
            .unwrap();
        black_box(out);
    });
    let definitions: Vec<&Vec<u8>> = files
        .iter()
        .filter(|(p, _)| p.name() == "specification.json")
        .map(|(_, b)| b)
        .collect();
    let mut values = Vec::new();
    let parse = best(|| {
        values = definitions
            .iter()
            .map(|b| serde_json::from_slice::<serde_json::Value>(b).unwrap())
            .collect();
    });
    let serialise = best(|| {
        values
            .iter()
            .for_each(|value| drop(black_box(serde_json::to_vec(value).unwrap())));
    });
    let gzip = best(|| {
        let mut compressor =
            libdeflater::Compressor::new(libdeflater::CompressionLvl::new(6).unwrap());
        for output in &outputs {
            let mut out = vec![0; compressor.gzip_compress_bound(output.len())];
            black_box(compressor.gzip_compress(output, &mut out).unwrap());
        }
    });
    let hash = best(|| {
        outputs.iter().for_each(|output| {
            black_box(sha2::Sha256::digest(output));
        });
    });
    let sum = gunzip + parse + serialise + gzip + hash;
    let (single, double) = (pool(1), pool(2));
    let one = single.install(|| best(|| run(&tree)));
    let two = double.install(|| best(|| run(&tree)));
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    line(
        "render ARM and ASO + archive, 1 thread / sum of its parts",
        &format!("{:.2}", ratio(one, sum)),
        "<= 1.5",
    );
    let work = || {
        (0..64u64).into_par_iter().for_each(|i| {
            black_box(
                (0..2_000_000u64).fold(i, |a, b| a.wrapping_mul(31).wrapping_add(b ^ (a >> 7))),
            );
        });
    };
    let ideal = ratio(single.install(|| best(work)), double.install(|| best(work)));
    let speedup = ratio(one, two);
    line("1 thread / 2 threads", &format!("{speedup:.2}"), ">= 1.7");
    line(
        "  of what two threads give a plain loop",
        &format!("{:.2}", speedup / ideal),
        ">= 0.88",
    );
}

/// What making the graph of `files` takes of a whole run on one thread: `link::link`, in which
/// resources are completed, checked, linked and put in order.
fn linking(figure: &str, files: &BTreeMap<ArtifactPath, Vec<u8>>, target: &str) {
    let tree = SourceTree::in_memory(files.clone());
    let options = options();
    let schema = Schema::of(DEFAULT_API_VERSION).unwrap();
    let single = pool(1);
    let link = || {
        let mut findings = Findings::new(&options.budget, &options.discover.limits);
        let project = discover::discover(&tree, &options.discover, REGISTRY, &mut findings);
        let mut project = project.unwrap().unwrap();
        let compiling = compile::Options {
            limits: &options.discover.limits,
            reuse: None,
        };
        let texts = compile::compile(&tree, &mut project, &compiling, &mut findings).unwrap();
        let start = Instant::now();
        let graph = link::link(&tree, project, texts, schema, &mut findings);
        let took = start.elapsed();
        black_box(graph.unwrap());
        took
    };
    let linked = single.install(|| (0..RUNS).map(|_| link()).min().unwrap());
    let whole = single.install(|| best(|| run(&tree)));
    let share = 100.0 * linked.as_secs_f64() / whole.as_secs_f64();
    line(&format!("  {figure}"), &format!("{share:.1} %"), target);
}

/// GitHub's definition, the largest of the corpus.
fn github() -> Option<Vec<u8>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/corpus/openapi/single/github/api.github.com.json.gz");
    let packed = std::fs::read(&path).ok()?;
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_end(&mut text)
        .unwrap();
    Some(text)
}

fn run_alone(text: &[u8]) {
    let path = ArtifactPath::parse("github.json").unwrap();
    let tree = SourceTree::in_memory([(path, text.to_vec())].into());
    let mut options = options();
    options.discover.only = tree.find("github.json");
    black_box(pipeline::run(&tree, &options, Vec::new()).unwrap());
}

/// The largest definition of the corpus against a plain parse of it, and
/// against Redocly's lint where that is installed.
fn largest() {
    let Some(text) = github() else {
        return println!("skipped: the corpus is not unpacked (GitHub's definition)");
    };
    let plain = best(|| {
        drop(black_box(
            serde_json::from_slice::<serde_json::Value>(&text).unwrap(),
        ));
    });
    let whole = best(|| run_alone(&text));
    let figure = format!("GitHub's {} MB definition, whole run", text.len() >> 20);
    // Redocly's minimal lint took 247 times a plain parse where both were
    // measured.
    line(
        &format!("{figure} / serde_json parse"),
        &format!("{:.2}", whole.as_secs_f64() / plain.as_secs_f64()),
        "<= 24",
    );
    match redocly(&text) {
        Some(lint) => line(
            &format!("Redocly's minimal lint / {figure}"),
            &format!("{:.0}", lint.as_secs_f64() / whole.as_secs_f64()),
            ">= 10",
        ),
        None => println!("skipped: no `redocly` on the path to compare with"),
    }
}

fn redocly(text: &[u8]) -> Option<Duration> {
    let folder = tempfile::tempdir().ok()?;
    std::fs::write(folder.path().join("github.json"), text).ok()?;
    std::fs::write(folder.path().join("redocly.yaml"), "extends: [minimal]\n").ok()?;
    let start = Instant::now();
    std::process::Command::new("redocly")
        .args(["lint", "--format", "summary", "github.json"])
        .current_dir(folder.path())
        .output()
        .ok()?;
    Some(start.elapsed())
}

fn sample() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/projects/contoso");
    let source = flux_apim::edge::source::SourceRef::Directory(root);
    let check = best(|| {
        let opened = flux_apim::edge::source::open(&source, &Default::default()).unwrap();
        let options = Options {
            check: true,
            ..Options::default()
        };
        black_box(pipeline::run(&opened.tree, &options, opened.notes).unwrap());
    });
    line(
        "validate the sample, from disk",
        &format!("{check:.1?}"),
        "< 1 s",
    );
}

/// Peak memory of fresh processes.
fn memory() {
    let peak = |what: &str| -> usize {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .arg(format!("--memory={what}"))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.trim().parse().unwrap()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let allowed = |document: usize| {
        let megabytes = 12 * document * cores / (1 << 20) + 64;
        format!("<= {megabytes} MB")
    };
    let (few, many) = (peak("10"), peak("1000"));
    line(
        "peak memory of 10 APIs of 50 KB",
        &format!("{} MB", few >> 10),
        "",
    );
    line(
        "peak memory of 1,000 APIs of 50 KB, files on disk",
        &format!("{} MB", many >> 10),
        &allowed(50_000),
    );
    if let Some(text) = github() {
        line(
            "peak memory of GitHub's definition",
            &format!("{} MB", peak("github") >> 10),
            &allowed(text.len()),
        );
    }
}

fn memory_child(what: &str) {
    match what.parse() {
        Ok(count) => many_apis(count),
        Err(_) => run_alone(&github().unwrap()),
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    println!("{}", peak.unwrap_or("0").trim().trim_end_matches(" kB"));
}

fn many_apis(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files(1, 50_000) {
        for api in 0..count {
            let path = folder
                .path()
                .join(path.as_str().replace("api-0000", &format!("api-{api:04}")));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &bytes).unwrap();
        }
    }
    let source = flux_apim::edge::source::SourceRef::Directory(folder.path().to_owned());
    let opened = flux_apim::edge::source::open(&source, &Default::default()).unwrap();
    let outcome = pipeline::run(&opened.tree, &options(), opened.notes).unwrap();
    black_box(outcome.bundle.unwrap().archive());
}
