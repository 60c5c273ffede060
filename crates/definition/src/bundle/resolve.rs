//! What references point at: each is followed once.

use super::super::reference::{self, ReferenceTarget};
use super::files::Files;
use crate::ids::Ids;
use crate::shape::Version;
use flux_apim_diag::Held;
use flux_apim_diag::tree::FileId;
use flux_apim_syntax::NodeRef;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

/// A `$ref` value in a file.
type Reference<'f> = (FileId, &'f str);

/// Follows references of a definition, and reads the files that they lead to.
pub(crate) struct Resolver<'f> {
    files: &'f Files<'f>,
    version: Version,
    /// What each leads to: nothing, while it is followed and when it leads nowhere
    /// or back to itself.
    known: HashMap<Reference<'f>, Option<NodeRef<'f>>>,
    /// Names that schemas of 3.1 have beside their places.
    ids: HashMap<FileId, Rc<Ids<'f>>>,
    id_bytes: usize,
    held: Held,
}

/// A reference that is being followed: its way goes through another one.
struct Follow<'f> {
    reference: Reference<'f>,
    node: NodeRef<'f>,
    pointer: Cow<'f, str>,
    /// Where in `pointer` the token after `node` starts; none at its end.
    next: Option<usize>,
    /// References since the last token.
    hops: u32,
}

/// References that one token of a way may go through.
const MAX_HOPS: u32 = 32;

impl<'f> Resolver<'f> {
    /// Bytes of a reference that is known.
    const ENTRY: usize = 96;

    pub(super) fn new(files: &'f Files<'f>, version: Version) -> Self {
        Self {
            files,
            version,
            known: HashMap::new(),
            ids: HashMap::new(),
            id_bytes: 0,
            held: files.meter.budget().hold(0, files.root),
        }
    }

    pub(crate) fn files(&self) -> &'f Files<'f> {
        self.files
    }

    /// What the `$ref` of `node` leads to, if it has one that leads somewhere.
    pub(crate) fn of(&mut self, node: NodeRef<'f>) -> Option<NodeRef<'f>> {
        self.target(node.get("$ref")?)
    }

    /// What the text of `value` points at, following references on the way.
    pub(crate) fn target(&mut self, value: NodeRef<'f>) -> Option<NodeRef<'f>> {
        let by_place = self.by_place(value);
        by_place.or_else(|| self.by_id(value))
    }

    /// Whether `value` leads somewhere by a name alone.
    pub(crate) fn is_by_id(&mut self, value: NodeRef<'f>) -> bool {
        self.by_place(value).is_none() && self.by_id(value).is_some()
    }

    /// What is at the place that `value` names. Does not recurse: the way may go
    /// through as many references as there are.
    fn by_place(&mut self, value: NodeRef<'f>) -> Option<NodeRef<'f>> {
        let file = value.document().file();
        self.files.meter.spend(1, file);
        if let Some(known) = self.known.get(&(file, value.as_str()?)) {
            return *known;
        }
        let mut follows = vec![self.follow(value)?];
        let mut found = None;
        while let Some(top) = follows.last_mut() {
            if top.next.is_none() {
                // The way is at its end.
                found = Some(top.node);
                self.known.insert(top.reference, found);
                follows.pop();
                if let Some(waiting) = follows.last_mut() {
                    waiting.hop(found?)?;
                }
                continue;
            }
            self.files.meter.spend(1, file);
            let node = top.node;
            if top.token(|token| node.token(token)).is_some() {
                continue;
            }
            // What waits for a reference that leads nowhere leads nowhere, too.
            let value = node.get("$ref")?;
            let next = (value.document().file(), value.as_str()?);
            let target = match self.known.get(&next) {
                Some(known) => *known,
                None => match self.follow(value) {
                    Some(follow) => {
                        follows.push(follow);
                        continue;
                    }
                    None => None,
                },
            };
            let target = target.or_else(|| self.by_id(value))?;
            follows.last_mut()?.hop(target)?;
        }
        found
    }

    /// The schema of 3.1 that `value` names by `$id` or `$anchor`.
    fn by_id(&mut self, value: NodeRef<'f>) -> Option<NodeRef<'f>> {
        if self.version != Version::V31 {
            return None;
        }
        let text = value.as_str()?;
        let own = value.document().file();
        let path = self.files.shared.tree().path(own);
        self.files.meter.spend(1 + text.len() as u64 / 32, own);
        let of_file = match reference::parse(text, path) {
            ReferenceTarget::File { path, .. } => self.files.find(&path),
            _ => None,
        };
        if let Some(file) = of_file {
            let (_, fragment) = text.split_once('#')?;
            return self.ids(file)?.anchor(0, fragment);
        }
        self.ids(own)?.find(value, text)
    }

    fn ids(&mut self, file: FileId) -> Option<Rc<Ids<'f>>> {
        if let Some(ids) = self.ids.get(&file) {
            return Some(Rc::clone(ids));
        }
        let root = self.files.root_of(file)?;
        let ids = Rc::new(Ids::of(root.document(), self.files.meter));
        self.id_bytes += ids.bytes();
        self.ids.insert(file, Rc::clone(&ids));
        self.hold();
        Some(ids)
    }

    fn hold(&mut self) {
        let bytes = self.known.len() * Self::ENTRY + self.id_bytes;
        self.held.grow(bytes, self.files.root);
    }

    /// Starts to follow `value`, which leads nowhere until it is known better.
    fn follow(&mut self, value: NodeRef<'f>) -> Option<Follow<'f>> {
        let (file, text) = (value.document().file(), value.as_str()?);
        let path = self.files.shared.tree().path(file);
        let steps = 1 + (path.as_str().len() + text.len()) / 32;
        self.files.meter.spend(steps as u64, file);
        let reference = (file, text);
        if let Entry::Vacant(vacant) = self.known.entry(reference) {
            vacant.insert(None);
            if self.known.len().is_multiple_of(64) {
                self.hold();
            }
        }
        let (file, pointer) = match reference::parse(text, path) {
            ReferenceTarget::Local(pointer) => (file, pointer),
            ReferenceTarget::File { path, pointer } => (self.files.find(&path)?, pointer),
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
            hops: 0,
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
        self.hops = 0;
        Some(self.node)
    }

    /// Goes on at `target`, which a reference on the way leads to.
    fn hop(&mut self, target: NodeRef<'f>) -> Option<()> {
        self.node = target;
        self.hops += 1;
        (self.hops <= MAX_HOPS).then_some(())
    }
}
