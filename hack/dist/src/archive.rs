//! Archives with the same bytes for the same files.

use crate::Release;
use anyhow::Context;
use libdeflater::{CompressionLvl, Compressor};

/// A file of an archive.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the archive.
    pub path: String,
    /// Permissions.
    pub mode: u32,
    /// Its bytes; `None` is a folder.
    pub bytes: Option<Vec<u8>>,
}

impl Entry {
    pub fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            mode: 0o644,
            bytes: Some(bytes.into()),
        }
    }

    pub fn program(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            mode: 0o755,
            ..Self::file(path, bytes)
        }
    }

    pub fn folder(path: impl Into<String>, mode: u32) -> Self {
        Self {
            path: path.into(),
            mode,
            bytes: None,
        }
    }
}

/// `flux-apim-VERSION-TARGET.tar.gz`: the program with what lies beside it.
pub fn pack(
    release: &Release,
    target: &str,
    program: &[u8],
    shared: &[Entry],
) -> anyhow::Result<(String, Vec<u8>)> {
    let name = match target.contains("windows") {
        true => "flux-apim.exe",
        false => "flux-apim",
    };
    // The program is at the top, where plugins of Flux are looked for.
    let mut entries = vec![Entry::program(name, program)];
    entries.extend(shared.iter().cloned());
    let bytes = gzip(&tar(entries, release.epoch)?)?;
    Ok((file_name(&release.version, target), bytes))
}

/// What the archive of a target is called.
pub fn file_name(version: &str, target: &str) -> String {
    format!("flux-apim-{version}-{target}.tar.gz")
}

/// A tar of `entries` in the order of their paths, of nobody, dated `epoch`.
pub fn tar(mut entries: Vec<Entry>, epoch: u64) -> anyhow::Result<Vec<u8>> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut tar = tar::Builder::new(Vec::new());
    for entry in &entries {
        let bytes = entry.bytes.as_deref().unwrap_or_default();
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(match entry.bytes {
            Some(_) => tar::EntryType::Regular,
            None => tar::EntryType::Directory,
        });
        header.set_size(bytes.len() as u64);
        header.set_mode(entry.mode);
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, &entry.path, bytes)
            .with_context(|| format!("pack {}", entry.path))?;
    }
    Ok(tar.into_inner()?)
}

/// `bytes` in one gzip member without name and date.
pub fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let level = CompressionLvl::new(9).map_err(|_| anyhow::anyhow!("there is a level 9"))?;
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let len = compressor.gzip_compress(bytes, &mut out)?;
    out.truncate(len);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_files_says_nothing() {
        let entries = [
            Entry::file("b", "b"),
            Entry::program("a/x", "x"),
            Entry::folder("a", 0o755),
        ];
        let one = tar(entries.to_vec(), 5).unwrap();
        let two = tar(entries.iter().rev().cloned().collect(), 5).unwrap();
        assert_eq!(gzip(&one).unwrap(), gzip(&two).unwrap());
        let mut read = tar::Archive::new(one.as_slice());
        let read: Vec<_> = read
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                let path = entry.path().unwrap().display().to_string();
                (path, header.mode().unwrap(), header.mtime().unwrap())
            })
            .collect();
        let expected = [("a", 0o755, 5), ("a/x", 0o755, 5), ("b", 0o644, 5)];
        let expected = expected.map(|(path, mode, at)| (path.to_owned(), mode, at));
        assert_eq!(read, expected);
    }
}
