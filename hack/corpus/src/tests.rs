//! A small corpus of our own, and a program (`stand-in`) that answers for it.

use crate::run::Run;
use crate::{allowed, draw, run, sources, table};
use std::fs;
use std::path::Path;

fn corpus(folder: &Path) -> Vec<Run> {
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("apiops-trees/one/configuration.prod.yaml", b"");
    write("apiops-trees/one/configuration.test.yml", b"");
    write("apiops-trees/one/configuration.extractor.yaml", b"");
    write("openapi/single/good.json", b"no");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"definition").unwrap();
    write("openapi/single/packed.json.gz", &packed.finish().unwrap());
    write("policies/INDEX.tsv", b"");
    write("policies/bad.xml", b"");
    let found = sources::all(folder).unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("stand-in");
    run::all(&program, folder, found).unwrap()
}

fn one_refusal() -> Vec<allowed::Refusal> {
    vec![allowed::Refusal {
        tree: "one".to_owned(),
        environment: Some("prod".to_owned()),
        codes: ["APIM1001".to_owned()].into(),
        reason: "because".to_owned(),
        source: "somebody".to_owned(),
    }]
}

#[test]
fn what_is_there_is_run_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let runs = corpus(folder.path());
    let shown: Vec<(&str, Option<&str>, bool)> = runs
        .iter()
        .map(|run| {
            let environment = run.source.environment.as_deref();
            (run.source.name.as_str(), environment, run.is_rendered)
        })
        .collect();
    let expected = [
        ("apiops-trees/one", None, true),
        ("apiops-trees/one", Some("prod"), false),
        ("apiops-trees/one", Some("test"), true),
        ("openapi/single/good.json", None, true),
        ("openapi/single/packed.json.gz", None, true),
        ("policies/bad.xml", None, false),
    ];
    assert_eq!(shown, expected);

    let page = table::page(&runs, &one_refusal(), "The end.\n");
    for line in [
        "2 of 3 trees with their environments render",
        "| one | prod | refused | APIM1001 | because (somebody) |",
        "1 trees, 2 definitions in one file each, 1 policies in one file each",
        "| [APIM1001](rules/APIM1001.md) rule | error | 1 | 0 | 1 | 2 |",
        // Once for the two environments that have it.
        "| [APIM1001](rules/APIM1001.md) rule | warning | 1 | 1 | 0 | 2 |",
        // The packed definition is read unpacked.
        "| [APIM2001](rules/APIM2001.md) rule | warning | 0 | 1 | 0 | 1 |",
        "The end.",
    ] {
        assert!(page.contains(line), "{line} is not in\n{page}");
    }
    assert_eq!(
        page,
        table::page(&corpus(folder.path()), &one_refusal(), "The end.\n")
    );
}

#[test]
fn refusals_are_those_of_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let runs = corpus(folder.path());
    allowed::hold(&runs, &one_refusal()).unwrap();
    let message = |list: &[allowed::Refusal]| allowed::hold(&runs, list).unwrap_err().to_string();
    assert!(message(&[]).contains("one Some(\"prod\") is refused"));
    let mut other = one_refusal();
    other[0].codes.insert("APIM1002".to_owned());
    assert!(message(&other).contains("is not refused so any more"));
    let mut more = one_refusal();
    more.extend(one_refusal());
    more[1].environment = None;
    assert!(message(&more).contains("one None is not refused so any more"));
    assert!(allowed::read().is_ok());
}

#[test]
fn a_draw_follows_from_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let runs = corpus(folder.path());
    let all = draw::rows(&runs, "a", 100);
    assert_eq!(all.len(), 5);
    assert_eq!(all, draw::rows(&runs, "a", 100));
    assert_eq!(all, draw::rows(&runs, "b", 100));
    // One of each rule first.
    for seed in ["a", "b", "c"] {
        let two = draw::rows(&runs, seed, 2);
        assert!(two[0].contains("APIM1001") && two[1].contains("APIM2001"));
    }
    let first = |seed: &str| draw::rows(&runs, seed, 1);
    let seeds: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert!(seeds.iter().any(|seed| first(seed) != first("a")));
}

#[test]
fn a_difference_has_what_one_page_has() {
    let lines = table::difference("same\nrow 1\ngone\n", "same\nrow 2\n");
    assert_eq!(lines, ["- gone", "- row 1", "+ row 2"]);
    assert!(table::difference("same\n", "same\n").is_empty());
}
