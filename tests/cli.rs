//! The command as its users see it: exit status, output, what is left behind.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn flux_apim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("FLUX_APIM_ENV")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn sample() -> String {
    common::repository("testdata/projects/contoso")
        .display()
        .to_string()
}

fn digest(output: &Output) -> String {
    let text = text(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("digest  "));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn the_same_bytes_whatever_the_circumstances() {
    let folder = tempfile::tempdir().unwrap();
    let mut digests = Vec::new();
    for (threads, zone, language) in [
        ("1", "UTC", "C"),
        ("2", "Asia/Tokyo", "tr_TR.UTF-8"),
        ("7", "America/Lima", "ja_JP.UTF-8"),
    ] {
        let here = folder.path().join(format!("with-{threads}"));
        copy(Path::new(&sample()), &here.join("tree"), threads != "1");
        let out = format!("oci-layout:{}/{threads}:x", folder.path().display());
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .args([
                "-q",
                "render",
                "tree",
                "--env",
                "prod",
                "--threads",
                threads,
                "-o",
                &out,
            ])
            .env("TZ", zone)
            .env("LANG", language)
            .current_dir(here)
            .output()
            .unwrap();
        digests.push(digest(&output));
    }
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

/// Copies a folder; the last entries first, so that the directory order differs.
fn copy(from: &Path, to: &Path, reversed: bool) {
    std::fs::create_dir_all(to).unwrap();
    let mut entries: Vec<_> = std::fs::read_dir(from)
        .unwrap()
        .map(|e| e.unwrap())
        .collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    if reversed {
        entries.reverse();
    }
    for entry in entries {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to, reversed);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn an_archive_renders_the_files_of_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("source.tar.gz");
    let file = std::fs::File::create(&archive).unwrap();
    let encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    builder.append_dir_all(".", sample()).unwrap();
    builder.into_inner().unwrap().finish().unwrap();
    let inventory = |source: &str, out: &str| {
        let out = folder.path().join(out).display().to_string();
        let output = flux_apim(&["render", source, "-o", &out, "--format", "json"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        json["files"].clone()
    };
    assert_eq!(
        inventory(&sample(), "a"),
        inventory(&archive.display().to_string(), "b")
    );
    // A layout that we wrote is a source as well.
    let layout = format!("oci-layout:{}/l:x", folder.path().display());
    assert!(
        flux_apim(&["-q", "render", &sample(), "-o", &layout])
            .status
            .success()
    );
    let status = flux_apim(&["validate", &layout, "--path", "arm"]).status;
    assert_eq!(
        status.code(),
        Some(1),
        "templates are no APIM configuration"
    );
}

#[test]
fn archives_are_of_one_member_for_each_unit() {
    use std::io::Read;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("b.tar.gz");
    let shown = out.display().to_string();
    assert!(
        flux_apim(&["-q", "render", &sample(), "-o", &shown])
            .status
            .success()
    );
    let bytes = std::fs::read(&out).unwrap();
    assert!(memchr::memmem::find_iter(&bytes, b"\x1f\x8b\x08").count() > 10);
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(bytes.as_slice()));
    let mut paths = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(
            (header.mode().unwrap(), header.mtime().unwrap()),
            (0o644, 0)
        );
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        paths.push(entry.path().unwrap().display().to_string());
    }
    assert!(paths.is_sorted() && paths.contains(&"bundle.json".to_owned()));
}

#[test]
fn exit_status_and_what_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bundle");
    let shown = out.display().to_string();
    assert!(
        flux_apim(&["-q", "render", &sample(), "-o", &shown])
            .status
            .success()
    );
    let before = std::fs::read(out.join("bundle.json")).unwrap();
    let broken = |case: &str| {
        common::repository(&format!("testdata/broken/{case}/tree"))
            .display()
            .to_string()
    };
    let bad_archive = folder.path().join("x.tar.gz");
    std::fs::write(&bad_archive, "no gzip").unwrap();
    let bad_archive = bad_archive.display().to_string();
    let policy = common::repository("testdata/projects/contoso/apimartifacts/policy.xml")
        .display()
        .to_string();
    let wrong = format!("sha256:{}", "0".repeat(64));
    for (arguments, status, word) in [
        (vec![broken("invalid-json")], 1, "APIM1004"),
        (vec![broken("empty-project")], 1, "APIM1001"),
        (vec![broken("no-apis")], 1, "APIM1014"),
        (vec![broken("two-roots")], 1, "--path"),
        (
            vec![broken("information-without-properties")],
            1,
            "APIM1008",
        ),
        (vec![broken("policy-as-definition")], 1, "APIM2007"),
        (vec![bad_archive.clone()], 2, "APIM8002"),
        (vec![bad_archive, "--digest".into(), wrong], 2, "APIM8004"),
        (vec![sample(), "--env".into(), "prdo".into()], 1, "prod"),
        (
            vec![sample(), "--path".into(), "nowhere".into()],
            2,
            "nowhere",
        ),
        (
            vec![sample(), "--deny".into(), "warnings".into()],
            1,
            "APIM7101",
        ),
        (
            vec![sample(), "--arm-api-version".into(), "1999".into()],
            2,
            "2024-05-01",
        ),
        (vec!["/nowhere".into()], 2, "does not exist"),
        (vec!["oci://example.com/X".into()], 2, "upper-case"),
        (vec!["https://example.com/x.tar.gz".into()], 2, "--digest"),
        (vec![policy], 1, "APIM2007"),
    ] {
        let mut all = vec!["render", "-o", &shown];
        all.extend(arguments.iter().map(String::as_str));
        let output = flux_apim(&all);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
        assert_eq!(
            std::fs::read(out.join("bundle.json")).unwrap(),
            before,
            "{arguments:?}"
        );
    }
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// A disk that is full while a bundle is written: a limit on file size makes
/// the same system calls fail.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_previous_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bundle");
    let shown = out.display().to_string();
    assert!(
        flux_apim(&["-q", "render", &sample(), "-o", &shown])
            .status
            .success()
    );
    let before = std::fs::read(out.join("bundle.json")).unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_flux-apim"),
        ])
        .args(["-q", "render", &sample(), "--env", "prod", "-o", &shown])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("previous output is untouched"));
    assert_eq!(std::fs::read(out.join("bundle.json")).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Root reads everything, so the command runs as nobody then.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_without_read_permission() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    copy(Path::new(&sample()), &tree, true);
    let out = folder.path().join("bundle");
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(folder.path(), 0o777);
    let program = folder.path().join("flux-apim");
    std::fs::copy(env!("CARGO_BIN_EXE_flux-apim"), &program).unwrap();
    let run = || {
        let mut command = Command::new(&program);
        if std::fs::read_dir("/proc/1/fd").is_ok() {
            command = Command::new("setpriv");
            command
                .args(["--reuid=65534", "--clear-groups"])
                .arg(&program);
        }
        let paths = [tree.display().to_string(), out.display().to_string()];
        command
            .args(["-q", "render", &paths[0], "-o", &paths[1]])
            .output()
            .unwrap()
    };
    assert_eq!(run().status.code(), Some(0));
    let before = std::fs::read(out.join("bundle.json")).unwrap();
    let closed = tree.join("apimartifacts/products");
    mode(&closed, 0o000);
    let output = run();
    mode(&closed, 0o755);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(
        said.contains("APIM8006") && said.contains("apimartifacts/products"),
        "{said}"
    );
    assert_eq!(std::fs::read(out.join("bundle.json")).unwrap(), before);
}

#[test]
fn a_folder_that_is_no_bundle_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "x").unwrap();
    let output = flux_apim(&[
        "-q",
        "render",
        &sample(),
        "-o",
        &folder.path().display().to_string(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is no bundle"));
    assert!(folder.path().join("thesis.txt").exists());
}

#[test]
fn only_a_bundle_and_nothing_else_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let render = || flux_apim(&["-q", "render", &sample(), "-o", &out]);
    let at = |file: &str| folder.path().join("out").join(file);
    std::fs::create_dir(folder.path().join("out")).unwrap();
    std::fs::write(at("bundle.json"), r#"{"name": "of another tool"}"#).unwrap();
    std::fs::write(at("code.js"), "x").unwrap();
    let output = render();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is no bundle"));
    assert!(at("code.js").exists());

    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    assert_eq!(render().status.code(), Some(0));
    assert_eq!(render().status.code(), Some(0), "a bundle is replaced");
    std::fs::write(at("arm/notes.md"), "mine").unwrap();
    let output = render();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("arm/notes.md"));
    assert!(at("arm/notes.md").exists());
}

/// What a run wrote into the source is no part of it, and no change of it.
#[test]
fn rendered_twice_in_its_place_a_project_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .args(["-r", &format!("{}/.", sample())])
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    for arguments in [
        &["init", "-q"][..],
        &["add", "."],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "commit",
            "-qm",
            "x",
        ],
    ] {
        let git = Command::new("git")
            .current_dir(folder.path())
            .args(arguments)
            .status();
        assert!(git.unwrap().success());
    }
    let mut inventories = Vec::new();
    for out in ["bundle", "bundle", "out/of/it"] {
        let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
            .current_dir(folder.path())
            .args(["-q", "render", ".", "-o", out])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        inventories.push(std::fs::read(folder.path().join(out).join("bundle.json")).unwrap());
    }
    assert!(inventories.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(text(&inventories[0]).contains(r#""dirty":false"#));
}

#[test]
fn the_schema_of_the_project_configuration_is_published() {
    let output = flux_apim(&["schema"]);
    assert_eq!(output.status.code(), Some(0));
    let published = std::fs::read(common::repository("docs/flux-apim.schema.json")).unwrap();
    assert_eq!(output.stdout, published);
}

/// What the README shows of the command is what it says: each line in its
/// order, `...` for those left out. Commands that need a registry or a cluster
/// are shown elsewhere.
#[test]
fn the_tour_of_the_readme() {
    let readme = std::fs::read_to_string(common::repository("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let testdata = common::repository("testdata").display().to_string();
    let mut shown = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for command in block.split("$ flux-apim ").skip(1) {
            let (arguments, expected) = command.split_once('\n').unwrap();
            let example = !arguments.contains("testdata");
            let needs_more = ["oci://", "publish", "serve"];
            if example || needs_more.iter().any(|word| arguments.contains(word)) {
                continue;
            }
            let arguments = arguments.replace("testdata", &testdata);
            let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
                .args(arguments.split_whitespace())
                .current_dir(folder.path())
                .output()
                .unwrap();
            let said = text(&output.stdout) + &text(&output.stderr);
            // Places are shown from the working directory, which is another one here.
            let said = said.replace(&testdata, "testdata");
            let mut lines = said.lines();
            for line in expected.lines().take_while(|line| !line.starts_with("$ ")) {
                let found = line == "..." || lines.any(|said| said.trim_end() == line.trim_end());
                assert!(found, "{arguments}: `{line}` is not in\n{said}");
                shown += usize::from(line != "...");
            }
        }
    }
    assert!(shown > 10, "{shown}");
}

#[test]
fn json_is_one_document() {
    let broken = common::repository("testdata/broken/malformed-policy/tree")
        .display()
        .to_string();
    for command in ["render", "validate"] {
        let output = flux_apim(&[command, &broken, "--format", "json"]);
        assert_eq!(output.status.code(), Some(1));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["diagnostics"][0]["code"], "APIM3001");
        assert!(
            json["diagnostics"][0]["range"]["start"]["line"]
                .as_u64()
                .unwrap()
                > 1
        );
    }
    let found = common::repository("testdata/broken/malformed-policy/tree/apis/orders/policy.xml");
    let found = found.display().to_string();
    let output = flux_apim(&["validate", &found, "--format", "json"]);
    assert!(text(&output.stdout).contains("APIM3001"), "a policy alone");
    for format in ["sarif", "github", "markdown"] {
        let output = flux_apim(&["validate", &broken, "--format", format]);
        assert!(text(&output.stdout).contains("APIM3001"), "{format}");
    }
}

#[test]
fn kustomize_builds_the_objects() {
    if Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output()
        .is_err()
    {
        println!("skipped: kubectl is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("b").display().to_string();
    assert!(
        flux_apim(&["-q", "render", &sample(), "--env", "prod", "-o", &out])
            .status
            .success()
    );
    let built = Command::new("kubectl")
        .args(["kustomize", &format!("{out}/aso")])
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    assert!(text(&built.stdout).contains("kind: Api\n"));
}

/// The policy of an operator, from a source to the proof that its bundle was held to it.
#[test]
fn a_policy_is_held_to_and_proven() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let policy = at("policy.yaml");
    let content = "version: 1\nlevels: {unknown-property: warning}\nexceptions: {levels: []}\n";
    std::fs::write(&policy, content).unwrap();
    let digest = flux_apim::tree::Digest::of(content.as_bytes()).to_string();
    let layout = format!("oci-layout:{}", at("layout"));
    let bundle = at("bundle");
    let run = |arguments: &[&str], status: i32, told: &str| {
        let output = flux_apim(arguments);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {all}");
        assert!(all.contains(told), "{arguments:?}: {all}");
    };
    let own = sample();
    run(&["render", &own, "-o", &bundle], 0, "");
    run(
        &["publish", &bundle, &layout, "--policy", &policy],
        2,
        "was not held to the policy",
    );
    run(
        &["publish", &own, &layout, "--policy", &policy],
        0,
        "published",
    );
    run(&["verify", &layout, "--require-policy", &digest], 0, "");
    let other = flux_apim::tree::Digest::of(b"other").to_string();
    run(
        &["verify", &layout, "--require-policy", &other],
        2,
        "was not held to the policy",
    );
    // What is published as it is names it already.
    let again = format!("oci-layout:{}", at("again"));
    run(
        &["publish", &layout, &again, "--policy", &policy],
        0,
        "published",
    );
    run(&["diff", &own, &own, "--policy", &policy], 0, "");
    let wrong = at("wrong.yaml");
    std::fs::write(&wrong, "version: 1\nlevels: {duplicate-key: off}\n").unwrap();
    for command in ["render", "validate"] {
        let told = "line 2: the operator's policy sets APIM1005";
        run(&[command, &own, "--policy", &wrong], 2, told);
        run(&[command, &own, "--policy", &at("none")], 2, "none");
    }
    run(
        &[
            "validate",
            &own,
            "--policy",
            &policy,
            "--server",
            "http://127.0.0.1:9",
        ],
        2,
        "leave it out",
    );
}

/// A baseline is written, covers what was there, and says what is wrong with it.
#[test]
fn a_baseline_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.json").display().to_string();
    let tree = |case: &str| {
        let path = format!("testdata/broken/{case}/tree");
        common::repository(&path).display().to_string()
    };
    let source = tree("dangling-policy");
    assert_eq!(flux_apim(&["validate", &source]).status.code(), Some(1));
    let written = flux_apim(&["validate", &source, "--write-baseline", &file]);
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    let covered = flux_apim(&["validate", &source, "--baseline", &file]);
    assert_eq!(covered.status.code(), Some(0), "{covered:?}");
    assert!(text(&covered.stdout).contains("suppressed by exceptions"));
    let json = flux_apim(&["validate", &source, "--baseline", &file, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["summary"]["error"], 0);
    assert!(report["summary"]["suppressed"].as_u64() > Some(0));
    assert_eq!(report["diagnostics"][0]["suppressed"]["kind"], "baseline");
    // What nobody lowers is neither written nor covered.
    let broken = tree("invalid-json");
    let written = flux_apim(&["validate", &broken, "--write-baseline", &file]);
    assert_eq!(written.status.code(), Some(1));
    let covered = flux_apim(&["validate", &broken, "--baseline", &file]);
    assert_eq!(covered.status.code(), Some(1));
    for (content, told) in [
        (
            "{\"version\": 2, \"findings\": []}",
            "of version 2; this flux-apim reads version 1",
        ),
        ("{}", "no version"),
        ("version: 1", "not what --write-baseline writes"),
    ] {
        std::fs::write(&file, content).unwrap();
        let output = flux_apim(&["validate", &source, "--baseline", &file]);
        assert_eq!(output.status.code(), Some(2), "{content}");
        assert!(text(&output.stderr).contains(told), "{output:?}");
    }
}

/// What the service must have is in every format.
#[test]
fn prerequisites_are_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.xml");
    std::fs::write(
        &policy,
        "<policies><inbound><base /><include-fragment fragment-id=\"greets\" /><authentication-managed-identity resource=\"https://vault.azure.net\" client-id=\"client-7\" /></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>",
    )
    .unwrap();
    let policy = policy.display().to_string();
    for format in [
        "human", "json", "sarif", "github", "gitlab", "azure", "junit", "markdown",
    ] {
        let output = flux_apim(&["validate", &policy, "--format", format]);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        for needed in ["policy fragment", "greets", "managed identity", "client-7"] {
            assert!(said.contains(needed), "{format}: {said}");
        }
    }
}

/// What is named as a source and is none says what it is.
#[test]
fn sources_that_are_none_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(1);
    header.set_cksum();
    tar.append_data(&mut header, "a", &b"a"[..]).unwrap();
    std::fs::write(at("a.tar"), tar.into_inner().unwrap()).unwrap();
    std::fs::write(at("a.zip"), b"PK\x03\x04rest").unwrap();
    std::fs::write(at("a.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    for (name, what) in [
        ("a.tar", "not compressed"),
        ("a.zip", "a ZIP archive"),
        ("a.gz", "*.tar.gz"),
    ] {
        let output = flux_apim(&["validate", &at(name)]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn sizes_are_numbers_and_powers_of_two() {
    for (size, status, wanted) in [
        ("1048576", 0, ""),
        ("1MiB", 0, ""),
        ("1KiB", 2, "APIM8003"),
        ("1MB", 2, "as in `64MiB`"),
        ("9999999TiB", 2, "as in `64MiB`"),
    ] {
        let sample = sample();
        let output = flux_apim(&["validate", &sample, "-q", "--max-file-bytes", size]);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{size}: {said}");
        assert!(said.contains(wanted), "{size}: {said}");
    }
}

/// A limit of a target is said beside other errors, not when those are mended.
#[test]
fn limits_are_said_beside_other_errors() {
    let folder = tempfile::tempdir().unwrap();
    let api = folder.path().join("apis/a");
    std::fs::create_dir_all(&api).unwrap();
    let text_of = "x".repeat(2_000_000);
    std::fs::write(
        api.join("openapi.yaml"),
        format!(
            "openapi: 3.0.1\ninfo: {{title: a, version: '1', description: {text_of}}}\npaths:\n  b:\n    get: {{operationId: b, responses: {{'200': {{description: b}}}}}}\n"
        ),
    )
    .unwrap();
    let source = folder.path().display().to_string();
    let output = flux_apim(&["validate", &source, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = report["diagnostics"].as_array().unwrap().iter();
    let errors = found.filter(|finding| finding["severity"] == "error");
    let codes: Vec<&str> = errors
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert!(
        codes.contains(&"APIM2022") && codes.contains(&"APIM7001"),
        "{codes:?}"
    );
}
