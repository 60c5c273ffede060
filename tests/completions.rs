//! What bash completes, by the function that `flux-apim completions bash` defines. The other
//! shells are driven by `hack/dist/completions`.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::process::{Command, Stdio};

const BIN: &str = env!("CARGO_BIN_EXE_flux-apim");

/// What bash offers for the last of `words`.
fn offered(words: &[&str]) -> Vec<String> {
    let script = r#"
        source <("$0" completions bash)
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        [[ $(complete -p flux-apim) =~ -F\ ([^ ]+) ]]
        "${BASH_REMATCH[1]}" flux-apim "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, BIN])
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    for (words, expected) in [
        (&["flux-apim", "vali"][..], "validate"),
        (&["flux-apim", "validate", "--write-b"], "--write-baseline"),
        (&["flux-apim", "policy", "eff"], "effective"),
        (&["flux-apim", "policy", "effective", "--ap"], "--api"),
        (&["flux-apim", "validate", "--format", "sar"], "sarif"),
        (&["flux-apim", "completions", "nu"], "nushell"),
        (&["flux-apim", "init", "--ci", "gitl"], "gitlab"),
    ] {
        let found = offered(words);
        assert!(
            found.iter().any(|word| word == expected),
            "{words:?}: {found:?}"
        );
    }
}

/// Whoever reads a pipe may stop early; that is no failure of the tool.
#[test]
fn a_closed_pipe_changes_no_status() {
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/projects/contoso");
    let broken = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/broken/dangling-policy/tree"
    );
    for (arguments, status) in [
        (&["completions", "bash"][..], 0),
        (&["explain"], 0),
        (&["validate", project, "--env", "prod", "--all"], 0),
        (&["validate", broken], 1),
        (&["validate", broken, "--format", "json"], 1),
    ] {
        // Its standard output is a pipe that nobody reads.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(BIN)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(writer)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// `-q` shows what fails, and nothing else.
#[test]
fn a_quiet_failure_says_why() {
    let tree = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/testdata/broken/override-unmatched/tree"
    );
    let run = |arguments: &[&str]| {
        let output = Command::new(BIN)
            .args(["validate", tree, "--env", "prod", "-q"])
            .args(arguments)
            .env_remove("FLUX_APIM_ENV")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said)
    };
    let (status, said) = run(&[]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let (status, said) = run(&["--deny", "warnings"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("warning[APIM1020]"), "{said}");
}
