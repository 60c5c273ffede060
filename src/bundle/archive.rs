//! The archive: a tar in path order, one gzip member for each unit.

use super::{Bundle, digest};
use crate::render::File;
use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;

/// Part of every digest: level 6 of a pinned libdeflate (docs/adr/0004).
const LEVEL: i32 = 6;
/// Two empty blocks end a tar.
const END: usize = 1024;

/// A gzip member and the size of what it holds.
#[derive(Debug)]
pub struct Member {
    /// The member.
    pub bytes: Vec<u8>,
    /// Unpacked size in bytes.
    pub size: usize,
}

/// A bundle as `.tar.gz`.
#[derive(Debug)]
pub struct Archive {
    /// Its members, in order.
    pub members: Vec<Member>,
}

impl Archive {
    /// All members, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.members
            .iter()
            .flat_map(|member| member.bytes.iter().copied())
            .collect()
    }
}

pub(super) fn archive(bundle: &Bundle) -> Archive {
    let mut units: Vec<&[File]> = bundle
        .files
        .chunk_by(|a, b| unit(&a.path) == unit(&b.path))
        .collect();
    // The end of the tar is a member of its own, so that a unit's member does
    // not depend on whether it is the last.
    units.push(&[]);
    let members = units
        .par_iter()
        .map(|files| {
            let tar = if files.is_empty() {
                vec![0; END]
            } else {
                tar(bundle, files)
            };
            Member {
                bytes: gzip(&tar),
                size: tar.len(),
            }
        })
        .collect();
    Archive { members }
}

/// What changes together: the content of one API, or a single file.
fn unit(path: &str) -> &str {
    match path.strip_prefix("bicep/content/apis/") {
        Some(rest) => {
            let name = rest.find('/').unwrap_or(rest.len());
            &path[..path.len() - rest.len() + name]
        }
        None => path,
    }
}

fn tar(bundle: &Bundle, files: &[File]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let bytes = bundle.bytes(file);
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(tar::EntryType::Regular);
        // Writing to memory fails for paths that no bundle has.
        let _ = builder.append_data(&mut header, &file.path, bytes.as_slice());
    }
    let mut tar = builder.into_inner().unwrap_or_default();
    tar.truncate(tar.len().saturating_sub(END));
    tar
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let level = CompressionLvl::new(LEVEL).unwrap_or_default();
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    // The buffer is as large as the bound asks for.
    let len = compressor.gzip_compress(bytes, &mut out).unwrap_or(0);
    out.truncate(len);
    out
}

impl Archive {
    /// Digest of the whole archive: the layer digest.
    pub fn digest(&self) -> String {
        digest(&self.bytes())
    }
}
