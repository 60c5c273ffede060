//! The archive: a tar in path order, as a sequence of gzip members.
//!
//! A member ends where a unit ends (the content of one API, or a single file),
//! around every large text, and after [`MEMBER`] bytes. Members are made in
//! parallel and depend on nothing but their own bytes, so that a change in one
//! API leaves the others' members as they were.

use super::Bundle;
use crate::render::{File, Piece, Text};
use crate::tree::Digest;
use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Part of every digest: level 6 of a pinned libdeflate (docs/adr/0004).
const LEVEL: i32 = 6;
/// Two empty blocks end a tar.
const END: usize = 1024;
const BLOCK: usize = 512;
/// Texts of this size and more are members of their own.
const LARGE: usize = 64 << 10;
/// A member of small pieces ends when it has this many bytes.
const MEMBER: usize = 256 << 10;

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
    /// Its members, in order. A definition that several targets carry in the
    /// same spelling is one member, used more than once.
    pub members: Vec<Arc<Member>>,
}

impl Archive {
    /// All members, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.members.iter().map(|m| m.bytes.len()).sum());
        for member in &self.members {
            bytes.extend_from_slice(&member.bytes);
        }
        bytes
    }

    /// Digest of the whole archive: the layer digest.
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        for member in &self.members {
            hasher.update(&member.bytes);
        }
        Digest::from_hash(hasher.finalize().into())
    }
}

/// What goes into a member, in order.
enum Part<'b> {
    Own(Vec<u8>),
    Piece(&'b Piece),
}

pub(super) fn archive(bundle: &Bundle) -> Archive {
    let members = members(bundle);
    // The first member of each text; later ones are the same.
    let mut first: HashMap<(usize, Range<usize>, Text), usize> = HashMap::new();
    let same: Vec<usize> = members
        .iter()
        .enumerate()
        .map(|(i, parts)| match text_of(bundle, parts) {
            Some(text) => *first.entry(text).or_insert(i),
            None => i,
        })
        .collect();
    let made: Vec<Option<Arc<Member>>> = members
        .par_iter()
        .enumerate()
        .map(|(i, parts)| (same[i] == i).then(|| Arc::new(member(bundle, parts))))
        .collect();
    let members = same.into_iter().filter_map(|i| made[i].clone()).collect();
    Archive { members }
}

/// The text that a member consists of, when it is nothing else. Inside the
/// quotes of YAML most texts are spelled as in JSON.
fn text_of(bundle: &Bundle, parts: &[Part<'_>]) -> Option<(usize, Range<usize>, Text)> {
    let [Part::Piece(Piece::Content { index, range, text })] = parts else {
        return None;
    };
    let content = &bundle.graph.contents[*index];
    let text = match text {
        Text::Yaml if content.yaml_len == content.json_len => Text::Json,
        text => *text,
    };
    Some((*index, range.clone(), text))
}

fn member(bundle: &Bundle, parts: &[Part<'_>]) -> Member {
    let mut tar = Vec::new();
    for part in parts {
        match part {
            Part::Own(bytes) => tar.extend_from_slice(bytes),
            Part::Piece(piece) => piece.each_text(&bundle.graph.contents, &mut |text| {
                tar.extend_from_slice(text.as_bytes());
            }),
        }
    }
    Member {
        bytes: gzip(&tar),
        size: tar.len(),
    }
}

/// Cuts the tar into members.
fn members(bundle: &Bundle) -> Vec<Vec<Part<'_>>> {
    let mut cutter = Cutter::default();
    let mut before = None;
    for file in &bundle.files {
        if before.replace(unit(&file.path)) != Some(unit(&file.path)) {
            cutter.cut();
        }
        let size = file.len(&bundle.graph.contents);
        cutter.add(Part::Own(header(file, size)), BLOCK);
        for piece in &file.pieces {
            let len = piece.len(&bundle.graph.contents);
            if len == 0 {
                continue;
            }
            if len >= LARGE {
                cutter.cut();
                cutter.add(Part::Piece(piece), len);
                cutter.cut();
            } else {
                cutter.add(Part::Piece(piece), len);
            }
        }
        let padding = size.next_multiple_of(BLOCK) - size;
        if padding > 0 {
            cutter.add(Part::Own(vec![0; padding]), padding);
        }
    }
    cutter.cut();
    cutter.add(Part::Own(vec![0; END]), END);
    cutter.cut();
    cutter.members
}

#[derive(Default)]
struct Cutter<'b> {
    members: Vec<Vec<Part<'b>>>,
    open: Vec<Part<'b>>,
    len: usize,
}

impl<'b> Cutter<'b> {
    fn add(&mut self, part: Part<'b>, len: usize) {
        self.open.push(part);
        self.len += len;
        if self.len >= MEMBER {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if !self.open.is_empty() {
            self.members.push(std::mem::take(&mut self.open));
            self.len = 0;
        }
    }
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

/// The header blocks of `file`.
fn header(file: &File, size: usize) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(tar::EntryType::Regular);
    let mut builder = tar::Builder::new(Vec::new());
    // The data follows by itself. Writing to memory fails for paths that no
    // bundle has.
    let _ = builder.append_data(&mut header, &file.path, std::io::empty());
    let mut blocks = builder.into_inner().unwrap_or_default();
    blocks.truncate(blocks.len().saturating_sub(END));
    blocks
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let level = CompressionLvl::new(LEVEL).unwrap_or_default();
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    // The buffer is as large as the bound asks for.
    let len = compressor.gzip_compress(bytes, &mut out).unwrap_or(0);
    out.truncate(len);
    out.shrink_to_fit();
    out
}
