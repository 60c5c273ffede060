//! A Debian package, by `dpkg-deb`.

use crate::Release;
use crate::archive::gzip;
use crate::files;
use anyhow::{Context, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What Debian calls the machine of a target; none but Linux has packages.
pub fn architecture(target: &str) -> Option<&'static str> {
    let (machine, system) = target.split_once('-')?;
    match machine {
        _ if !system.contains("linux") => None,
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        _ => None,
    }
}

/// `flux-apim_VERSION_ARCHITECTURE.deb`: the program, its pages and completions.
pub fn package(
    release: &mut Release,
    architecture: &str,
    program: &[u8],
    licences: &str,
) -> anyhow::Result<()> {
    let name = format!("flux-apim_{}_{architecture}.deb", release.version);
    let folder = release.out.join(format!(".{name}"));
    let put = |path: &str, bytes: &[u8], mode: u32| -> anyhow::Result<()> {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Ok(())
    };
    put("usr/bin/flux-apim", program, 0o755)?;
    for (page, text) in files::pages()? {
        put(
            &format!("usr/share/man/man1/{page}.gz"),
            &gzip(&text)?,
            0o644,
        )?;
    }
    for (file, text) in files::completions() {
        let place = match file {
            "flux-apim.bash" => "usr/share/bash-completion/completions/flux-apim",
            "_flux-apim" => "usr/share/zsh/vendor-completions/_flux-apim",
            "flux-apim.fish" => "usr/share/fish/vendor_completions.d/flux-apim.fish",
            _ => continue,
        };
        put(place, text.as_bytes(), 0o644)?;
    }
    let own = String::from_utf8(release.read("LICENSE")?)?;
    let copyright = format!("{own}\n\n{licences}");
    put(
        "usr/share/doc/flux-apim/copyright",
        copyright.as_bytes(),
        0o644,
    )?;
    let kilobytes = program.len().div_ceil(1024);
    let control = format!(
        "Package: flux-apim\nVersion: {}\nArchitecture: {architecture}\nSection: utils\n\
         Priority: optional\nInstalled-Size: {kilobytes}\nRecommends: ca-certificates, git\n\
         Maintainer: flux-apim <https://github.com/flux-apim/flux-apim>\n\
         Homepage: https://github.com/flux-apim/flux-apim\n\
         Description: compiler between Git and Azure API Management\n \
         Checks API Management configuration as Azure would, and renders it into bundles of ARM,\n \
         Bicep and Azure Service Operator files that Flux delivers.\n",
        release.version
    );
    put("DEBIAN/control", control.as_bytes(), 0o644)?;
    modes(&folder)?;
    build(&folder, &release.out.join(&name), release.epoch)?;
    fs::remove_dir_all(&folder)?;
    release.made.push(name);
    Ok(())
}

/// Folders are open to all, whatever the mask of whoever packs.
fn modes(folder: &Path) -> anyhow::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            modes(&path)?;
        }
    }
    Ok(())
}

fn build(folder: &Path, to: &Path, epoch: u64) -> anyhow::Result<()> {
    let out = Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"])
        .arg(folder)
        .arg(to)
        .env("SOURCE_DATE_EPOCH", epoch.to_string())
        .output()
        .context("run dpkg-deb, which packs the Debian package")?;
    if !out.status.success() {
        bail!("dpkg-deb: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(())
}
