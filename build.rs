//! What `flux-apim version` says of the build: the commit and its date, from the environment
//! (`FLUX_APIM_COMMIT`, `FLUX_APIM_COMMIT_DATE`), else from Git. Git is asked for optimised
//! builds only: others would be built anew after each commit.

use std::process::Command;

fn main() {
    let variables = ["FLUX_APIM_COMMIT", "FLUX_APIM_COMMIT_DATE"];
    for variable in variables {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let is_optimised = variable("PROFILE").as_deref() == Some("release");
    let [commit, date] = variables.map(variable);
    let ask = commit.is_none() && is_optimised;
    let (commit, date) = match ask {
        true => (git(&["rev-parse", "HEAD"]), commit_date()),
        false => (commit, date),
    };
    // The log of HEAD grows with each commit and checkout.
    if ask && let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    let word = |text: Option<String>| text.filter(|text| !text.contains(['\n', '\r']));
    if let Some(commit) = word(commit) {
        println!("cargo:rustc-env=FLUX_APIM_BUILD_COMMIT={commit}");
    }
    if let Some(date) = word(date) {
        println!("cargo:rustc-env=FLUX_APIM_BUILD_DATE={date}");
    }
    let target = variable("TARGET").unwrap_or_default();
    println!("cargo:rustc-env=FLUX_APIM_BUILD_TARGET={target}");
}

/// The date of the commit, in UTC.
fn commit_date() -> Option<String> {
    let format = ["--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd"];
    git(&["show", "--no-patch", format[0], format[1], "HEAD"])
}

/// What Git answers about the folder of this package, when that is a checkout of it: a
/// package that lies unpacked in another repository is none.
fn git(arguments: &[&str]) -> Option<String> {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR")?;
    let ask = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(&folder).args(arguments).env("TZ", "UTC");
        let output = git.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    ask(&["ls-files", "--error-unmatch", "build.rs"])?;
    ask(arguments)
}
