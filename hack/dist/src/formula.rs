//! What fetches a release: the script, the formula of Homebrew, the plugin of Flux.

use crate::Release;
use crate::archive::file_name;
use crate::seal::{HOME, digest, hex};
use anyhow::{Context, ensure};
use flux_apim::edge::sign::SigningKey;
use std::fmt::Write;

/// `install.sh` of this version, with the key that its release is signed with.
pub fn script(release: &Release, key: Option<&SigningKey>) -> anyhow::Result<String> {
    let template = String::from_utf8(release.read("hack/dist/install.sh")?)?;
    let pem = key.map_or(String::new(), |key| key.verifying_key().to_pem());
    let filled = template
        .replace("@VERSION@", &release.version)
        .replace("@KEY@", pem.trim());
    ensure!(
        !filled.contains("@VERSION@"),
        "hack/dist/install.sh was not filled in"
    );
    Ok(filled)
}

/// Targets that Homebrew runs on, with what its formulas call them.
const BREWED: [(&str, &str, &str); 4] = [
    ("aarch64-apple-darwin", "on_macos", "on_arm"),
    ("x86_64-apple-darwin", "on_macos", "on_intel"),
    ("aarch64-unknown-linux-gnu", "on_linux", "on_arm"),
    ("x86_64-unknown-linux-gnu", "on_linux", "on_intel"),
];

/// The formula over the archives that are there.
pub fn homebrew(release: &Release) -> anyhow::Result<String> {
    let version = &release.version;
    let mut out = format!(
        "# Checks and renders Azure API Management configuration.\nclass FluxApim < Formula\n  \
         desc \"Compiler between Git and Azure API Management\"\n  homepage \"{HOME}\"\n  \
         version \"{version}\"\n  license \"Apache-2.0\"\n"
    );
    let mut any = false;
    for (target, system, machine) in BREWED {
        let name = file_name(version, target);
        if !release.made.contains(&name) {
            continue;
        }
        any = true;
        let sum = hex(&digest(release, &name)?);
        let _ = write!(
            out,
            "\n  {system} do\n    {machine} do\n      \
             url \"{HOME}/releases/download/v{version}/{name}\"\n      sha256 \"{sum}\"\n    \
             end\n  end\n"
        );
    }
    any.then_some(())
        .context("no archive is for a system of Homebrew")?;
    out.push_str(
        "\n  def install\n    bin.install \"flux-apim\"\n    man1.install Dir[\"man/*.1\"]\n    \
         bash_completion.install \"completions/flux-apim.bash\" => \"flux-apim\"\n    \
         zsh_completion.install \"completions/_flux-apim\"\n    \
         fish_completion.install \"completions/flux-apim.fish\"\n  end\n\n  \
         test do\n    assert_match version.to_s, shell_output(\"#{bin}/flux-apim --version\")\n  \
         end\nend\n",
    );
    Ok(out)
}

/// Targets that the CLI of Flux runs on, with its names of system and machine.
const PLUGGED: [(&str, &str, &str); 5] = [
    ("aarch64-apple-darwin", "darwin", "arm64"),
    ("x86_64-apple-darwin", "darwin", "amd64"),
    ("aarch64-unknown-linux-gnu", "linux", "arm64"),
    ("x86_64-unknown-linux-gnu", "linux", "amd64"),
    ("x86_64-pc-windows-msvc", "windows", "amd64"),
];

/// The manifest by which `flux plugin install apim` finds the archives that are there: with it
/// the program is `flux apim`.
pub fn flux_plugin(release: &Release) -> anyhow::Result<String> {
    let version = &release.version;
    let mut out = format!(
        "apiVersion: cli.fluxcd.io/v1beta1\nkind: Plugin\nname: apim\n\
         description: Compiler between Git and Azure API Management\nhomepage: {HOME}\n\
         source: {HOME}\nbin: flux-apim\nversions:\n  - version: {version}\n    platforms:\n"
    );
    for (target, system, machine) in PLUGGED {
        let name = file_name(version, target);
        if !release.made.contains(&name) {
            continue;
        }
        let sum = hex(&digest(release, &name)?);
        let _ = write!(
            out,
            "      - os: {system}\n        arch: {machine}\n        \
             url: {HOME}/releases/download/v{version}/{name}\n        checksum: sha256:{sum}\n"
        );
    }
    Ok(out)
}
