//! `flux-apim init`: what it writes into repositories, and that CI then says what is true.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::diag::{Budget, Findings};
use flux_apim::syntax::{self, Value};
use flux_apim::tree::{FileId, Limits};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const BIN: &str = env!("CARGO_BIN_EXE_flux-apim");

/// A command in `folder`, with the program on its path.
fn run(folder: &Path, command: &[&str]) -> Output {
    let bin = Path::new(BIN).parent().unwrap().to_str().unwrap();
    let path = std::env::var("PATH").unwrap();
    Command::new(command[0])
        .args(&command[1..])
        .current_dir(folder)
        .env("PATH", format!("{bin}:{path}"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("FLUX_APIM_ENV")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example"];
    let command = [&["git"], &identity[..], arguments].concat();
    let done = run(folder, &command);
    assert!(done.status.success(), "{arguments:?}: {}", said(&done));
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Every file below a folder but Git's own.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut stack = vec![folder.to_owned()];
    while let Some(next) = stack.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                if path.file_name().unwrap() != ".git" {
                    stack.push(path);
                }
            } else {
                let bytes = std::fs::read(&path).unwrap_or_default();
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let to = to.join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
}

/// A repository with a commit of what `tree` has.
fn repository(tree: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(tree, folder.path());
    git(folder.path(), &["init", "-q", "-b", "main"]);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-qm", "x"]);
    folder
}

/// The shell commands of a workflow that run the program.
fn commands(workflow: &Path) -> Vec<String> {
    let limits = Limits::default();
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let options = syntax::Options {
        malformed: &syntax::rules::MALFORMED_DOCUMENT,
        limits: &limits,
    };
    let text = std::fs::read_to_string(workflow).unwrap();
    let read = syntax::parse(
        FileId(0),
        text,
        syntax::Format::Yaml,
        options,
        &mut findings,
    );
    let value = Value::from(read.unwrap().root());
    let mut commands = Vec::new();
    value.visit_strings(&mut |text, _| {
        commands.extend(text.starts_with("flux-apim ").then(|| text.to_owned()));
    });
    commands
}

/// The codes of errors that a tree has, by environment.
fn errors(folder: &Path, environment: Option<&str>) -> BTreeSet<(String, String)> {
    let mut command = vec!["flux-apim", "validate", ".", "--format", "json"];
    command.extend(environment.iter().flat_map(|env| ["--env", env]));
    let output = run(folder, &command);
    let json: Json = serde_json::from_slice(&output.stdout).unwrap();
    let findings = json["diagnostics"].as_array().unwrap().iter();
    let errors = findings.filter(|d| d["severity"] == "error" && d["suppressed"].is_null());
    let text = |value: &Json| value.as_str().unwrap_or("").to_owned();
    errors
        .map(|d| (text(&d["code"]), text(&d["path"])))
        .collect()
}

/// The environment that a command names.
fn environment(command: &str) -> Option<&str> {
    let rest = command.split_once("--env ")?.1;
    rest.split(' ').next()
}

/// The published trees: `init`, then what CI runs, with nothing edited. Green, but for what
/// the tree had before; three mistakes then turn it red where they are.
#[test]
fn ci_of_published_trees_says_what_is_true() {
    let trees = common::trees();
    let allowed: Json = serde_json::from_slice(
        &std::fs::read(common::repository("hack/corpus/allowed.json")).unwrap(),
    )
    .unwrap();
    let mut green = 0;
    for tree in &trees.paths {
        let name = tree.file_name().unwrap().to_str().unwrap();
        let repository = repository(tree);
        let here = repository.path();
        let before = files(here);
        let done = run(here, &["flux-apim", "init", "--ci", "github,azure,gitlab"]);
        assert!(done.status.success(), "{name}: {}", said(&done));
        let after = files(here);
        for (path, bytes) in &before {
            let grown = path == Path::new(".gitignore");
            assert!(
                grown || after.get(path) == Some(bytes),
                "{name}: {path:?} changed"
            );
        }
        let again = run(here, &["flux-apim", "init", "--ci", "github,azure"]);
        assert!(again.status.success(), "{name}: {}", said(&again));
        assert!(!said(&again).contains("wrote"), "{}", said(&again));
        assert_eq!(files(here), after, "{name}: a second time changes nothing");
        git(here, &["add", "-A"]);
        git(here, &["commit", "-qm", "init"]);

        let github = commands(&here.join(".github/workflows/flux-apim.yml"));
        let bare = |commands: Vec<String>| -> BTreeSet<String> {
            let commands = commands.iter();
            let bare = commands.map(|c| c.split(" --format ").next().unwrap().to_owned());
            bare.collect()
        };
        for other in [".azure-pipelines/flux-apim.yml", ".gitlab-ci.yml"] {
            assert_eq!(
                bare(commands(&here.join(other))),
                bare(github.clone()),
                "{other}"
            );
        }
        assert!(github.len() >= 2, "{github:?}");
        for command in &github {
            let done = run(here, &["sh", "-c", command]);
            let env = environment(command);
            let wrong = errors(tree, env);
            let status = i32::from(!wrong.is_empty());
            assert_eq!(
                done.status.code(),
                Some(status),
                "{name}: {command}: {}",
                said(&done)
            );
            assert_eq!(errors(here, env), wrong, "{name}: {command}");
            if trees.whole {
                let is_listed =
                    |entry: &&Json| entry["tree"] == name && entry["environment"].as_str() == env;
                let listed = allowed.as_array().unwrap().iter().find(is_listed);
                let codes: BTreeSet<&str> = wrong.iter().map(|(code, _)| code.as_str()).collect();
                let expected: BTreeSet<&str> = listed
                    .into_iter()
                    .flat_map(|entry| entry["codes"].as_array().unwrap())
                    .filter_map(Json::as_str)
                    .collect();
                assert_eq!(codes, expected, "{name}: {command}");
            }
            // Our own broken trees are too small to break further.
            if wrong.is_empty() && command.contains(" validate ") && name != "tree" {
                green += 1;
                mistakes_turn_red(here, command);
            }
        }
    }
    assert!(green >= if trees.whole { 5 } else { 1 }, "{green}");
}

/// Three mistakes, one by one, each taken back: the command fails, and names file and line.
fn mistakes_turn_red(here: &Path, command: &str) {
    let all = files(here);
    // The first file that has it, with where; comments before policies speak of elements, too.
    let holding = |end: &str, text: &str| {
        let found = all.iter().find_map(|(path, bytes)| {
            let whole = String::from_utf8_lossy(bytes).into_owned();
            let start = whole.find("<policies>").unwrap_or(0);
            let at = start + whole[start..].find(text)?;
            let named = path.to_string_lossy().ends_with(end);
            named.then(|| (path.clone(), whole, at))
        });
        found.unwrap_or_else(|| panic!("no {end} with {text}"))
    };
    let policy = "<inbound>";
    let unknown = "<inbound><no-such-policy />";
    let expression = "<inbound><set-variable name=\"x\" value=\"@(1 + )\" />";
    for (end, from, to) in [
        ("policy.xml", policy, unknown),
        ("policy.xml", policy, expression),
        ("apiInformation.json", "\"path\": \"", "\"path\" \""),
    ] {
        let (path, text, at) = holding(end, from);
        let line = text[..at].matches('\n').count() + 1;
        let wrong = [&text[..at], to, &text[at + from.len()..]].concat();
        std::fs::write(here.join(&path), wrong).unwrap();
        let done = run(here, &["sh", "-c", command]);
        std::fs::write(here.join(&path), text).unwrap();
        let said = said(&done);
        assert_eq!(done.status.code(), Some(1), "{to}: {said}");
        let place = format!(",file={},line={line},", path.display());
        let mut errors = said.lines().filter(|line| line.starts_with("::error "));
        assert!(
            errors.any(|error| error.contains(&place)),
            "{to}: {place}: {said}"
        );
    }
}

const API: &str = r#"{"properties": {"displayName": "a", "path": "a", "protocols": ["https"]}}"#;

/// A repository of these files.
fn small(texts: &[(&str, &str)]) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (path, text) in texts {
        let path = tree.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    repository(tree.path())
}

/// `init` refuses with `status` and a text that has `expected`, and changes nothing.
fn refuses(folder: &Path, arguments: &[&str], status: i32, expected: &str) {
    let before = files(folder);
    let done = run(folder, &[&["flux-apim", "init"], arguments].concat());
    assert_eq!(done.status.code(), Some(status), "{}", said(&done));
    assert!(
        said(&done).contains(expected),
        "{expected}: {}",
        said(&done)
    );
    assert_eq!(files(folder), before);
}

#[test]
fn what_is_no_start_is_said_and_nothing_changes() {
    let empty = small(&[("README.md", "x")]);
    refuses(empty.path(), &[], 1, "APIM1001");

    let plain = tempfile::tempdir().unwrap();
    std::fs::write(plain.path().join("openapi.yaml"), "openapi: 3.0.0\n").unwrap();
    refuses(plain.path(), &[], 2, "git init");
    refuses(plain.path(), &["gone"], 2, "it is no folder");

    let roots: Vec<String> = (0..41)
        .map(|n| format!("team{n}/apis/a/apiInformation.json"))
        .collect();
    let roots: Vec<(&str, &str)> = roots.iter().map(|path| (path.as_str(), API)).collect();
    let many = small(&roots);
    refuses(many.path(), &[], 2, "holds 41 projects");
    refuses(many.path(), &[], 2, "flux-apim init ./team40");
    let one = run(
        many.path(),
        &["flux-apim", "init", "team7", "--ci", "github"],
    );
    assert!(one.status.success(), "{}", said(&one));
    assert!(many.path().join("team7/flux-apim.yaml").is_file());
    let workflow = many.path().join(".github/workflows/flux-apim-team7.yml");
    for command in commands(&workflow) {
        let done = run(many.path(), &["sh", "-c", &command]);
        assert!(done.status.success(), "{command}: {}", said(&done));
    }

    let odd = small(&[("a b/apis/a/apiInformation.json", API)]);
    refuses(odd.path(), &["a b"], 2, "cannot be named in workflows");

    let api = small(&[("apis/a/apiInformation.json", API)]);
    refuses(api.path(), &["--flux"], 2, "none called `origin`");
    git(api.path(), &["remote", "add", "origin", "/srv/repo"]);
    refuses(api.path(), &["--flux"], 2, "https:// and ssh:// only");
    std::fs::write(api.path().join(".github"), "a file").unwrap();
    refuses(api.path(), &["--ci", "github"], 2, "is no folder");
    std::fs::remove_file(api.path().join(".github")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), api.path().join(".github")).unwrap();
    refuses(api.path(), &["--ci", "github"], 2, "is no folder");
    assert_eq!(files(elsewhere.path()).len(), 0);
}

#[test]
fn a_dry_run_says_what_a_run_writes() {
    let api = small(&[
        ("apis/a/apiInformation.json", API),
        (".gitignore", "target"),
    ]);
    let here = api.path();
    let url = "https://user:secret@github.com/contoso/apis.git";
    git(here, &["remote", "add", "origin", url]);
    let before = files(here);
    let dry = run(here, &["flux-apim", "init", "--flux", "--dry-run"]);
    assert!(dry.status.success(), "{}", said(&dry));
    assert_eq!(files(here), before);
    let done = run(here, &["flux-apim", "init", "--flux"]);
    assert!(done.status.success(), "{}", said(&done));
    let lines = |output: &Output, words: [&str; 2]| -> BTreeSet<String> {
        let said = said(output);
        let lines = said.lines().filter_map(|line| {
            let rest = words.iter().find_map(|word| line.strip_prefix(word))?;
            Some(rest.trim().to_owned())
        });
        lines.collect()
    };
    let written = lines(&done, ["wrote", "added to"]);
    assert_eq!(lines(&dry, ["would write", "would add to"]), written);
    let after = files(here);
    let new = after.keys().filter(|path| !before.contains_key(*path));
    let new: BTreeSet<String> = new.map(|path| path.display().to_string()).collect();
    let mut expected = written;
    assert!(expected.remove(".gitignore"));
    assert_eq!(new, expected);
    assert_eq!(after[Path::new(".gitignore")], b"target\n/bundle/\n");
    let all = after.values().flatten().copied().collect::<Vec<u8>>();
    assert!(
        !String::from_utf8_lossy(&all).contains("secret@"),
        "credentials"
    );
    // Everything that it wrote leaves the project as it is.
    let check = run(here, &["flux-apim", "validate", "."]);
    assert!(check.status.success(), "{}", said(&check));
}

/// The objects of the chain are what the controllers of Flux and our own take.
#[cfg(feature = "controller")]
#[test]
fn the_chain_is_what_a_cluster_takes() {
    use flux_apim::edge::controller::api::ApimBundle;

    let texts = [
        ("configuration.prod.yaml", "apimServiceName: contoso\n"),
        ("x/apis/a/apiInformation.json", API),
    ];
    let repository = small(&texts);
    let here = repository.path();
    git(
        here,
        &["remote", "add", "origin", "git@github.com:contoso/apis.git"],
    );
    let done = run(here, &["flux-apim", "init", "--flux"]);
    assert!(done.status.success(), "{}", said(&done));
    let schemas = common::corpus("crds/datree-json");
    let mut kinds = BTreeSet::new();
    for (path, bytes) in files(&here.join("flux-apim/prod")) {
        for text in String::from_utf8(bytes).unwrap().split("\n---\n") {
            let object = json_of(text);
            let of = |key: &str| object[key].as_str().unwrap_or("").to_owned();
            let kind = of("kind");
            let (group, version) = of("apiVersion")
                .rsplit_once('/')
                .map_or((String::new(), String::new()), |(group, version)| {
                    (group.to_owned(), version.to_owned())
                });
            if kind == "ApimBundle" {
                let read: ApimBundle = serde_json::from_value(object).unwrap();
                let read = serde_json::to_value(&read).unwrap();
                assert_eq!(read["spec"]["environment"], "prod");
            } else if let (Some(schemas), true) = (&schemas, group.ends_with("fluxcd.io")) {
                let file = format!("{group}/{}_{version}.json", kind.to_lowercase());
                let schema = std::fs::read(schemas.join(&file)).unwrap();
                let schema: Json = serde_json::from_slice(&schema).unwrap();
                let schema = jsonschema::validator_for(&schema).unwrap();
                let wrong: Vec<String> = schema
                    .iter_errors(&object)
                    .map(|error| error.to_string())
                    .collect();
                assert!(wrong.is_empty(), "{}: {wrong:?}", path.display());
            }
            kinds.insert(kind);
        }
    }
    let expected = [
        "ApimBundle",
        "GitRepository",
        "Kustomization",
        "Namespace",
        "OCIRepository",
    ];
    assert_eq!(kinds, expected.map(str::to_owned).into());
}

/// A document of YAML, as JSON.
#[cfg(feature = "controller")]
fn json_of(text: &str) -> Json {
    let limits = Limits::default();
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let options = syntax::Options {
        malformed: &syntax::rules::MALFORMED_DOCUMENT,
        limits: &limits,
    };
    let format = syntax::Format::Yaml;
    let read = syntax::parse(FileId(0), text.to_owned(), format, options, &mut findings);
    let mut json = String::new();
    Value::from(read.unwrap().root()).write_canonical(&mut json);
    serde_json::from_str(&json).unwrap()
}
