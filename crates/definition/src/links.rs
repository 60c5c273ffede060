//! The references of a definition, in every file of it: each leads somewhere.
//!
//! The document is walked by the tables of its version (`shape`), and so is what
//! references lead to, as what they stand for. Parts of other files that nothing refers
//! to are none of the definition.

use super::bundle::Resolver;
use super::reference::{self, ReferenceTarget, is_mapping_reference};
use super::shape::{Is, Version};
use crate::rules::{remote_reference, unknown_mapping, unresolved_reference};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Held, excerpt};
use flux_apim_syntax::{NodeKind, NodeRef};
use std::collections::{HashMap, HashSet};

/// What the walk says of a definition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links {
    /// Whether each reference leads somewhere.
    pub(super) sound: bool,
    /// Whether one names the definition's own file, or a schema of it by its `$id`: Azure
    /// knows neither.
    pub(super) own_name: bool,
}

/// Follows the references of the definition whose outermost value `root` is.
pub(super) fn follow<'f>(
    resolver: &mut Resolver<'f>,
    (version, is): (Version, Is),
    root: NodeRef<'f>,
    findings: &mut Findings,
) -> Links {
    let held = resolver
        .files()
        .meter
        .budget()
        .hold(0, root.document().file());
    let mut walk = Walk {
        resolver,
        version,
        findings,
        open: Vec::new(),
        met: Met::default(),
        said: HashSet::new(),
        links: Links {
            sound: true,
            own_name: false,
        },
        held,
    };
    walk.push(root, is, false);
    while let Some(place) = walk.open.pop() {
        walk.look(place);
    }
    walk.links
}

#[derive(Clone, Copy)]
struct Place<'f> {
    node: NodeRef<'f>,
    is: Is,
    /// Whether no reader may look here: a reference that leads nowhere does no harm.
    unread: bool,
}

struct Walk<'w, 'f> {
    resolver: &'w mut Resolver<'f>,
    version: Version,
    findings: &'w mut Findings,
    open: Vec<Place<'f>>,
    met: Met,
    /// References to places where nothing is, which are said once.
    said: HashSet<(FileId, &'f str)>,
    links: Links,
    held: Held,
}

impl<'f> Walk<'_, 'f> {
    fn push(&mut self, node: NodeRef<'f>, is: Is, unread: bool) {
        if matches!(node.kind(), NodeKind::Array | NodeKind::Object) && !matches!(is, Is::Any) {
            self.open.push(Place { node, is, unread });
        } else if matches!(is, Is::Mapping) && node.kind() == NodeKind::String {
            self.mapping(node);
        }
    }

    fn look(&mut self, place: Place<'f>) {
        let Place { node, is, unread } = place;
        let file = node.document().file();
        self.resolver.files().meter.spend(1, file);
        if !self.met.insert(node, is, unread) {
            return;
        }
        let start = self.open.len();
        if node.kind() == NodeKind::Array {
            let inside = is.item();
            for item in node.items() {
                self.push(item, inside, unread);
            }
        }
        let is_reference = |value: &NodeRef<'_>| value.kind() == NodeKind::String;
        if let Some(value) = node.get("$ref").filter(is_reference) {
            // A map of texts may have any key.
            let is_name = matches!(is, Is::Map(Is::Text | Is::Mapping));
            self.reference(value, is, unread || is_name);
        }
        for (key, value) in node.entries() {
            let inside = is.entry(key.as_str().unwrap_or(""), self.version);
            // Readers pass over keywords that they do not know, and over no other key.
            let passed_over = !inside.known && matches!(is, Is::Schema);
            self.push(value, inside.is, unread || passed_over);
        }
        self.open[start..].reverse();
        let open = self.open.capacity() * size_of::<Place<'_>>();
        self.held.grow(open + self.met.bytes, file);
    }

    /// `value` is the text of a `$ref` that stands for an `is`.
    fn reference(&mut self, value: NodeRef<'f>, is: Is, unread: bool) {
        let text = value.as_str().unwrap_or("");
        if let Some(target) = self.resolver.target(value) {
            let root = self.resolver.files().root;
            self.links.own_name |= !text.starts_with('#')
                && target.document().file() == root
                && value.document().file() == root;
            return self.push(target, is, unread);
        }
        if !unread {
            self.nowhere(value, text);
        }
    }

    /// A value of a mapping is text to Azure: it stays as it is written.
    fn mapping(&mut self, value: NodeRef<'f>) {
        let text = value.as_str().unwrap_or("");
        if !is_mapping_reference(text) {
            return;
        }
        match self.resolver.target(value) {
            Some(target) => self.push(target, Is::Schema, false),
            None => {
                let shown = excerpt(text, 120);
                self.findings
                    .push(unknown_mapping::found(value.span(), &shown));
            }
        }
    }

    /// Says why the reference `value` leads nowhere.
    fn nowhere(&mut self, value: NodeRef<'f>, text: &'f str) {
        self.links.sound = false;
        let (file, span) = (value.document().file(), value.span());
        let files = self.resolver.files();
        let tree = files.shared.tree();
        let shown = || excerpt(text, 120);
        let (target, fragment) = match reference::parse(text, tree.path(file)) {
            ReferenceTarget::Local(pointer) => (file, pointer),
            ReferenceTarget::Anchor if self.version == Version::V31 => (file, "/".into()),
            ReferenceTarget::Anchor => (file, "#".into()),
            ReferenceTarget::Remote => {
                return self.findings.push(remote_reference::found(span, &shown()));
            }
            ReferenceTarget::Outside => {
                let finding = unresolved_reference::leaves_source(span, &shown());
                return self.findings.push(finding);
            }
            ReferenceTarget::File { path, pointer } => match tree.find(&path) {
                Some(target) => (target, pointer),
                None => {
                    let path = excerpt(&path, 200);
                    let finding = unresolved_reference::no_file(span, &shown(), &path);
                    return self.findings.push(finding);
                }
            },
        };
        if files.root_of(target).is_none() {
            // The findings of the file say why it is no document.
            return files.shared.refers(target, span);
        }
        let is_pointer = fragment.is_empty() || fragment.starts_with('/');
        if !is_pointer && self.version != Version::V31 {
            let finding = unresolved_reference::no_pointer(span, &shown());
            return self.findings.push(finding);
        }
        // Said once, however often it is written.
        if self.said.insert((file, text)) {
            let path = tree.path(target);
            let finding = unresolved_reference::nothing_there(span, &shown(), path);
            self.findings.push(finding);
        }
    }
}

/// What was looked at, and as what.
#[derive(Default)]
struct Met {
    /// Most of it: schemas, by their number in the document.
    schemas: HashMap<(FileId, bool), Vec<u64>>,
    others: HashSet<(FileId, u32, usize, bool)>,
    bytes: usize,
}

impl Met {
    /// Whether `node` was not met as an `is` before.
    fn insert(&mut self, node: NodeRef<'_>, is: Is, unread: bool) -> bool {
        let document = node.document();
        let (file, index) = (document.file(), node.index());
        if !matches!(is, Is::Schema) {
            let new = self.others.insert((file, index, is.id(), unread));
            self.bytes += if new { 64 } else { 0 };
            return new;
        }
        let words = self.schemas.entry((file, unread)).or_insert_with(|| {
            let words = document.root().end_index() as usize / 64 + 1;
            self.bytes += 8 * words;
            vec![0; words]
        });
        let (word, bit) = (index as usize / 64, 1 << (index % 64));
        let new = words[word] & bit == 0;
        words[word] |= bit;
        new
    }
}
