//! The archive: a tar in path order, as a sequence of gzip members.
//!
//! A member ends where a unit ends (the content of one API, or a single file),
//! around every large text, and after [`MEMBER`] bytes. Members are made in
//! parallel and depend on nothing but their own bytes, so that a change in one
//! API leaves the others' members as they were.

use super::Bundle;
use flux_apim_diag::tree::Digest;
use flux_apim_diag::{Budget, Held, Place};
use flux_apim_link::Content;
use flux_apim_render::{File, Piece, Text};
use libdeflater::{CompressionLvl, Compressor};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

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
    /// A gzip member, as it stands in the archive.
    pub bytes: Vec<u8>,
    /// Unpacked size in bytes.
    pub size: usize,
}

/// A file of a bundle that was written to a folder.
#[derive(Debug)]
pub struct Written {
    /// Path in the bundle.
    pub path: String,
    /// The whole `.tar.gz`.
    pub bytes: Vec<u8>,
    /// Where members end inside it: `cuts` of the inventory.
    pub cuts: Vec<usize>,
}

/// A bundle as `.tar.gz`.
#[derive(Debug)]
pub struct Archive {
    /// Its members, in order. A definition that several targets carry in the
    /// same spelling is one member, used more than once.
    pub members: Vec<Arc<Member>>,
    /// What they take of the run's memory.
    _held: Option<Held>,
}

impl Archive {
    /// The archive of `files`, which stand in path order: the same bytes as
    /// when they were rendered.
    pub fn of_files(files: &[Written]) -> Self {
        let mut members = vec![Vec::new()];
        let mut before = None;
        for file in files {
            if before.replace(unit(&file.path)) != Some(unit(&file.path)) {
                members.push(Vec::new());
            }
            let size = file.bytes.len();
            let mut padded = file.bytes.clone();
            padded.resize(size.next_multiple_of(BLOCK), 0);
            let mut start = 0;
            let mut add = |bytes: &[u8], cut: bool| {
                if let Some(open) = members.last_mut() {
                    open.extend_from_slice(bytes);
                }
                if cut {
                    members.push(Vec::new());
                }
            };
            add(&header(&file.path, size), file.cuts.contains(&0));
            for &end in file.cuts.iter().filter(|end| **end > 0) {
                let end = end.clamp(start, padded.len());
                add(&padded[start..end], true);
                start = end;
            }
            add(&padded[start..], false);
        }
        members.push(vec![0; END]);
        members.retain(|tar| !tar.is_empty());
        let members = members.par_iter().map(|tar| {
            Arc::new(Member {
                bytes: gzip(tar),
                size: tar.len(),
            })
        });
        Self {
            members: members.collect(),
            _held: None,
        }
    }

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
    /// These bytes of a piece.
    Piece(&'b Piece, Range<usize>),
}

pub(super) fn archive(bundle: &Bundle, budget: Option<&Budget>) -> Archive {
    let held = budget.map(|budget| Mutex::new(budget.hold(0, Place::Source)));
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
        .map(|(i, parts)| {
            (same[i] == i).then(|| {
                if let Some(budget) = budget {
                    // Compression takes about ten times as long as reading.
                    let bytes: usize = parts.iter().map(Part::len).sum();
                    budget.spend(10 + bytes as u64 / 16, Place::Source);
                }
                let member = member(bundle, parts);
                if let Some(held) = &held {
                    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                    let bytes = usize::try_from(held.bytes()).unwrap_or(usize::MAX);
                    held.grow(bytes.saturating_add(member.bytes.len()), Place::Source);
                }
                member
            })
        })
        .collect();
    let members = same.into_iter().filter_map(|i| made[i].clone()).collect();
    let held = held.map(|held| held.into_inner().unwrap_or_else(PoisonError::into_inner));
    Archive {
        members,
        _held: held,
    }
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.len(),
            Self::Piece(_, range) => range.len(),
        }
    }
}

/// The text that a member consists of, when it is nothing else. Inside the
/// quotes of YAML most texts are spelled as in JSON.
fn text_of(bundle: &Bundle, parts: &[Part<'_>]) -> Option<(usize, Range<usize>, Text)> {
    let [Part::Piece(Piece::Content { index, range, text }, _)] = parts else {
        return None;
    };
    let content = &bundle.graph.contents()[*index];
    let text = match text {
        Text::Yaml if content.yaml_len == content.json_len => Text::Json,
        text => *text,
    };
    Some((*index, range.clone(), text))
}

/// The member of these parts, unless an earlier run made it.
fn member(bundle: &Bundle, parts: &[Part<'_>]) -> Arc<Member> {
    let Some(reuse) = bundle.reuse.as_deref() else {
        return Arc::new(packed(&unpacked(bundle, parts)));
    };
    // What a text becomes is known before it is unpacked.
    let (key, tar) = match text_of(bundle, parts) {
        Some((index, range, text)) => {
            let digest = bundle.graph.contents()[index].digest;
            (format!("{:?}", ("text", digest, range, text)), None)
        }
        None => {
            let tar = unpacked(bundle, parts);
            (format!("{:?}", ("tar", Digest::of(&tar))), Some(tar))
        }
    };
    let key = Digest::of(key.as_bytes());
    if let Some(kept) = reuse.get(&key) {
        return kept;
    }
    let made = packed(&tar.unwrap_or_else(|| unpacked(bundle, parts)));
    let made = Arc::new(made);
    reuse.put(key, &made, made.bytes.len());
    made
}

fn unpacked(bundle: &Bundle, parts: &[Part<'_>]) -> Vec<u8> {
    let mut tar = Vec::new();
    let mut parts = parts.iter().peekable();
    while let Some(part) = parts.next() {
        match part {
            Part::Own(bytes) => tar.extend_from_slice(bytes),
            Part::Piece(piece, range) => {
                // What follows of the same piece is unpacked with it.
                let mut range = range.clone();
                while let Some(Part::Piece(_, next)) = parts.next_if(
                    |next| matches!(next, Part::Piece(other, _) if std::ptr::eq(*other, *piece)),
                ) {
                    range.end = next.end;
                }
                piece.each_text(bundle.graph.contents(), &mut |text| {
                    tar.extend_from_slice(&text.as_bytes()[range.clone()]);
                });
            }
        }
    }
    tar
}

fn packed(tar: &[u8]) -> Member {
    Member {
        bytes: gzip(tar),
        size: tar.len(),
    }
}

/// A part of the tar, and where it ends in the padded bytes of its file.
struct Step<'b> {
    file: usize,
    end: usize,
    part: StepPart<'b>,
}

enum StepPart<'b> {
    Header { path: &'b str, size: usize },
    Piece(&'b Piece, Range<usize>),
    Padding(usize),
}

fn members(bundle: &Bundle) -> Vec<Vec<Part<'_>>> {
    let mut members = cut(&bundle.files, bundle.graph.contents(), |step| {
        match step.part {
            StepPart::Header { path, size } => Part::Own(header(path, size)),
            StepPart::Piece(piece, range) => Part::Piece(piece, range),
            StepPart::Padding(len) => Part::Own(vec![0; len]),
        }
    });
    members.push(vec![Part::Own(vec![0; END])]);
    members
}

/// Where members end inside each of `files`, as offsets in its padded bytes;
/// those that the paths tell anyway are left out. With them, files that were
/// written to a folder make the same archive again.
pub(super) fn cuts(files: &[File], contents: &[Content]) -> Vec<Vec<usize>> {
    let mut cuts = vec![Vec::new(); files.len()];
    for member in cut(files, contents, |step| (step.file, step.end)) {
        let Some(&(file, end)) = member.last() else {
            continue;
        };
        let path = |n: usize| files.get(n).map(|file| unit(&file.path));
        let last = end == files[file].len(contents).next_multiple_of(BLOCK);
        if !(last && path(file) != path(file + 1)) {
            cuts[file].push(end);
        }
    }
    cuts
}

/// Cuts the tar of `files` into members of what `make` makes of each part.
fn cut<'b, P>(
    files: &'b [File],
    contents: &[Content],
    make: impl Fn(Step<'b>) -> P,
) -> Vec<Vec<P>> {
    let mut cutter = Cutter {
        members: Vec::new(),
        open: Vec::new(),
        len: 0,
    };
    let mut before = None;
    for (n, file) in files.iter().enumerate() {
        if before.replace(unit(&file.path)) != Some(unit(&file.path)) {
            cutter.cut();
        }
        let size = file.len(contents);
        let mut end = 0;
        let step = |end: usize, part: StepPart<'b>| make(Step { file: n, end, part });
        let path = file.path.as_str();
        cutter.add(step(0, StepPart::Header { path, size }), BLOCK);
        for piece in &file.pieces {
            let mut start = 0;
            for part_end in piece.ends(contents) {
                let len = part_end - start;
                if len == 0 {
                    continue;
                }
                end += len;
                let part = step(end, StepPart::Piece(piece, start..part_end));
                start = part_end;
                if len >= LARGE {
                    cutter.cut();
                    cutter.add(part, len);
                    cutter.cut();
                } else {
                    cutter.add(part, len);
                }
            }
        }
        let padding = size.next_multiple_of(BLOCK) - size;
        if padding > 0 {
            let part = step(size + padding, StepPart::Padding(padding));
            cutter.add(part, padding);
        }
    }
    cutter.cut();
    cutter.members
}

struct Cutter<P> {
    members: Vec<Vec<P>>,
    open: Vec<P>,
    len: usize,
}

impl<P> Cutter<P> {
    fn add(&mut self, part: P, len: usize) {
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

/// What changes together: the content of one API, of the service or of a workspace,
/// or a single file.
fn unit(path: &str) -> &str {
    let api = path.strip_prefix("bicep/content/").and_then(|rest| {
        let rest = match rest.strip_prefix("workspaces/") {
            Some(rest) => rest.split_once('/')?.1,
            None => rest,
        };
        rest.strip_prefix("apis/")
    });
    match api {
        Some(rest) => {
            let name = rest.find('/').unwrap_or(rest.len());
            &path[..path.len() - rest.len() + name]
        }
        None => path,
    }
}

/// The header blocks of the file at `path`.
fn header(path: &str, size: usize) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(tar::EntryType::Regular);
    let mut builder = tar::Builder::new(Vec::new());
    // The data follows by itself.
    #[expect(
        clippy::expect_used,
        reason = "paths of bundles are relative, and memory takes every byte"
    )]
    let mut blocks = builder
        .append_data(&mut header, path, std::io::empty())
        .and_then(|()| builder.into_inner())
        .expect("a tar header for the path of a bundle");
    blocks.truncate(blocks.len().saturating_sub(END));
    blocks
}

#[expect(
    clippy::expect_used,
    reason = "other bytes would stand under the digest"
)]
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let level = CompressionLvl::new(LEVEL).expect("a level of libdeflate");
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    // The buffer is as large as the bound asks for; a copy of its own size
    // leaves no hole behind each member.
    let len = compressor
        .gzip_compress(bytes, &mut out)
        .expect("a buffer of the size that libdeflate asks for");
    out[..len].to_vec()
}
