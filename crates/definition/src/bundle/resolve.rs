//! What references point at: each is followed once.

use super::super::reference::{self, Target};
use super::files::Files;
use flux_apim_diag::Held;
use flux_apim_diag::tree::FileId;
use flux_apim_syntax::NodeRef;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A `$ref` value in a file.
type Reference<'f> = (FileId, &'f str);

/// Follows references of a definition whose files are loaded.
pub(super) struct Resolver<'f> {
    files: &'f Files<'f>,
    /// What each leads to: nothing, while it is followed and when it leads nowhere
    /// or back to itself.
    known: HashMap<Reference<'f>, Option<NodeRef<'f>>>,
    held: Held,
}

/// A reference that is being followed: its way goes through another one.
struct Follow<'f> {
    reference: Reference<'f>,
    node: NodeRef<'f>,
    pointer: Cow<'f, str>,
    /// Where in `pointer` the token after `node` starts; none at its end.
    next: Option<usize>,
}

impl<'f> Resolver<'f> {
    /// Bytes of a reference that is known.
    const ENTRY: usize = 96;

    pub(super) fn new(files: &'f Files<'f>) -> Self {
        Self {
            files,
            known: HashMap::new(),
            held: files.meter.budget().hold(0, files.root),
        }
    }

    pub(super) fn files(&self) -> &'f Files<'f> {
        self.files
    }

    /// What the `$ref` of `node` leads to, if it has one that leads somewhere.
    pub(super) fn of(&mut self, node: NodeRef<'f>) -> Option<NodeRef<'f>> {
        let reference = node.get("$ref")?.as_str()?;
        self.target(node.span().file, reference)
    }

    /// What `reference` of `file` points at, following references on the way. Does
    /// not recurse: the way may go through as many references as there are.
    pub(super) fn target(&mut self, file: FileId, reference: &'f str) -> Option<NodeRef<'f>> {
        self.files.meter.spend(1, file);
        if let Some(known) = self.known.get(&(file, reference)) {
            return *known;
        }
        let mut follows = vec![self.follow((file, reference))?];
        let mut found = None;
        while let Some(top) = follows.last_mut() {
            if top.next.is_none() {
                // The way is at its end.
                found = Some(top.node);
                self.known.insert(top.reference, found);
                follows.pop();
                if let Some(waiting) = follows.last_mut() {
                    found = found.and_then(|node| waiting.token(|token| node.token(token)));
                    found?;
                }
                continue;
            }
            self.files.meter.spend(1, file);
            let node = top.node;
            if top.token(|token| node.token(token)).is_some() {
                continue;
            }
            // What waits for a reference that leads nowhere leads nowhere, too.
            let reference = node.get("$ref")?.as_str()?;
            let next = (node.span().file, reference);
            match self.known.get(&next) {
                Some(known) => {
                    let known = (*known)?;
                    top.token(|token| known.token(token))?;
                }
                None => {
                    let follow = self.follow(next)?;
                    follows.push(follow);
                }
            }
        }
        found
    }

    /// Starts to follow `reference`, which leads nowhere until it is known better.
    fn follow(&mut self, reference: Reference<'f>) -> Option<Follow<'f>> {
        let (file, text) = reference;
        let tree = self.files.shared.tree();
        let path = tree.path(file);
        let steps = 1 + (path.as_str().len() + text.len()) / 32;
        self.files.meter.spend(steps as u64, file);
        if let Entry::Vacant(vacant) = self.known.entry(reference) {
            vacant.insert(None);
            self.held.grow(self.known.len() * Self::ENTRY, file);
        }
        let (file, pointer) = match reference::parse(text, path) {
            Target::Local(pointer) => (file, pointer),
            Target::File { path, pointer } => (tree.find(&path)?, pointer),
            _ => return None,
        };
        let node = self.files.root_of(file)?;
        let next = match pointer.as_bytes().first() {
            None => None,
            Some(b'/') => Some(1),
            Some(_) => return None,
        };
        Some(Follow {
            reference,
            node,
            pointer,
            next,
        })
    }
}

impl<'f> Follow<'f> {
    /// Goes to what `step` gives for the next token.
    fn token(&mut self, step: impl FnOnce(&str) -> Option<NodeRef<'f>>) -> Option<NodeRef<'f>> {
        let rest = &self.pointer[self.next?..];
        let end = memchr::memchr(b'/', rest.as_bytes());
        self.node = step(&rest[..end.unwrap_or(rest.len())])?;
        self.next = end.and_then(|end| Some(self.next? + end + 1));
        Some(self.node)
    }
}
