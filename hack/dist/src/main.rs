//! Packs what is released, of binaries that are built: `make dist`. Everything is a function
//! of the binaries, the commit, its date, the sources of the dependencies and the key.
//!
//! A release is a folder: an archive for each target, Debian packages, `image/` (an OCI layout
//! with the image for all platforms), the manifests pinned to its digest, licences, SBOM,
//! `SHA256SUMS`; beside each file its signature and provenance, when there is a key.

mod archive;
mod crates;
mod debian;
mod files;
mod formula;
mod image;
mod licences;
mod manifests;
mod sbom;
mod seal;

use anyhow::{Context, bail};
use clap::Parser;
use flux_apim::edge::oci::Layout;
use flux_apim::edge::sign::SigningKey;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Packs what is released.
#[derive(Debug, Parser)]
struct Arguments {
    /// A binary, as TARGET=FILE with Rust's name of the target; the image takes those for
    /// Linux.
    #[arg(long = "binary", value_name = "TARGET=FILE", required = true, value_parser = binary)]
    binaries: Vec<Binary>,
    /// Where the release goes: a folder that is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The private key of cosign that signs it; its password is COSIGN_PASSWORD. Nothing is
    /// signed without.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The commit, in full.
    #[arg(long, env = "FLUX_APIM_COMMIT")]
    commit: String,
    /// Seconds since 1970 that files are dated with.
    #[arg(long, env = "SOURCE_DATE_EPOCH")]
    epoch: u64,
    /// Make the image, and nothing else.
    #[arg(long)]
    only_image: bool,
    /// Where the image will be.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "ghcr.io/flux-apim/flux-apim"
    )]
    image: String,
}

/// A binary and what it runs on.
#[derive(Debug, Clone)]
struct Binary {
    /// Rust's name of the target.
    target: String,
    file: PathBuf,
}

fn binary(text: &str) -> Result<Binary, String> {
    let (target, file) = text.split_once('=').ok_or("TARGET=FILE")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if target.is_empty() || !target.chars().all(plain) {
        return Err(format!("`{target}` is no target"));
    }
    Ok(Binary {
        target: target.to_owned(),
        file: file.into(),
    })
}

/// What every part of a release needs to know.
struct Release {
    root: PathBuf,
    out: PathBuf,
    version: String,
    commit: String,
    epoch: u64,
    image: String,
    /// Names of finished files in `out`.
    made: Vec<String>,
}

impl Release {
    /// Writes a file of the release.
    fn add(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.out.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
        self.made.push(name.to_owned());
        Ok(())
    }

    fn read(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.root.join(path);
        std::fs::read(&path).with_context(|| format!("read {}", path.display()))
    }

    /// `epoch` as RFC 3339.
    fn date(&self) -> anyhow::Result<String> {
        let seconds = self.epoch.to_string();
        let out = Command::new("date")
            .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
            .output()
            .context("run `date` of GNU")?;
        if !out.status.success() {
            bail!("`date` does not know the second {seconds}");
        }
        Ok(String::from_utf8(out.stdout)?.trim().to_owned())
    }
}

fn main() -> anyhow::Result<()> {
    // The help of a flag shows what its variable holds: neither pages nor completions may.
    if let Some((name, _)) = std::env::vars()
        .find(|(name, _)| name.starts_with("FLUX_APIM_") && name != "FLUX_APIM_COMMIT")
    {
        bail!("{name} is set, and would show in the man pages: unset it");
    }
    let arguments = Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let key = arguments.key.as_deref().map(key).transpose()?;
    std::fs::create_dir(&arguments.out)
        .with_context(|| format!("make {}, which must not be there", arguments.out.display()))?;
    let mut release = Release {
        root: root.canonicalize()?,
        out: arguments.out,
        version: flux_apim::edge::cli::command()
            .get_version()
            .context("the program has no version")?
            .to_owned(),
        commit: arguments.commit,
        epoch: arguments.epoch,
        image: arguments.image,
        made: Vec::new(),
    };
    let all = crates::all(&release.root, &arguments.binaries)?;
    let licences = licences::text(&all)?;
    let contents = sbom::of(&release, &all)?;
    let layout = Layout::new(release.out.join("image"));
    let image = image::write(
        &release,
        &layout,
        &arguments.binaries,
        &contents,
        key.as_ref(),
    )?;
    if arguments.only_image {
        println!(
            "{}  {}@{image}",
            release.out.join("image").display(),
            release.image
        );
        return Ok(());
    }
    let install = manifests::install(&release, &image)?;
    release.add("install.yaml", install.as_bytes())?;
    release.add("THIRD-PARTY-LICENSES.txt", licences.as_bytes())?;
    release.add("flux-apim.cdx.json", &contents)?;
    let script = formula::script(&release, key.as_ref())?;
    release.add("install.sh", script.as_bytes())?;
    let shared = files::shared(&release, &licences, &install)?;
    for binary in &arguments.binaries {
        let bytes = std::fs::read(&binary.file)
            .with_context(|| format!("read {}", binary.file.display()))?;
        let (name, archive) = archive::pack(&release, &binary.target, &bytes, &shared)?;
        release.add(&name, &archive)?;
        if let Some(architecture) = debian::architecture(&binary.target) {
            debian::package(&mut release, architecture, &bytes, &licences)?;
        }
    }
    let formula = formula::homebrew(&release)?;
    release.add("flux-apim.rb", formula.as_bytes())?;
    let plugin = formula::flux_plugin(&release)?;
    release.add("apim.yaml", plugin.as_bytes())?;
    seal::sums(&mut release)?;
    if let Some(key) = &key {
        seal::sign(&mut release, key, &all)?;
    }
    println!("{}  {}@{image}", release.out.display(), release.image);
    Ok(())
}

fn key(file: &Path) -> anyhow::Result<SigningKey> {
    let attempted = || format!("read the key {}", file.display());
    let pem = std::fs::read(file).with_context(attempted)?;
    let password = std::env::var("COSIGN_PASSWORD").unwrap_or_default();
    SigningKey::from_pem(&pem, password.as_bytes()).with_context(attempted)
}
