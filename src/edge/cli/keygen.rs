//! `keygen`: a key pair as cosign makes them.

use super::registry::new_password;
use super::{Done, print};
use crate::edge::sign;
use anyhow::Context;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Flags of `keygen`.
#[derive(Debug, Args)]
pub(super) struct Keygen {
    /// Folder that cosign.key and cosign.pub are written to.
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
}

pub(super) fn keygen(arguments: &Keygen) -> anyhow::Result<Done> {
    let private = arguments.output.join("cosign.key");
    let public = arguments.output.join("cosign.pub");
    for path in [&private, &public] {
        anyhow::ensure!(
            path.symlink_metadata().is_err(),
            "{} exists; a key is never overwritten. Choose another --output",
            path.display()
        );
    }
    let password = new_password()?;
    let pair = sign::keygen(password.as_bytes()).context("make a key")?;
    write(&private, pair.private.as_bytes(), 0o600)?;
    if let Err(error) = write(&public, pair.public.as_bytes(), 0o644) {
        // Half a pair is of no use, and would be in the way.
        let _ = std::fs::remove_file(&private);
        return Err(error);
    }
    print(&format!(
        "wrote   {}\nwrote   {}\n",
        private.display(),
        public.display()
    ))?;
    Ok(Done::Well)
}

/// A new file; never one that is there.
fn write(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    let write = || {
        let mut file = options.open(path)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // A disk that is full: half a key would be in the way, and never overwritten.
            let _ = std::fs::remove_file(path);
        }
        written
    };
    write().with_context(|| format!("write {}", path.display()))
}
