//! Documents of scopes and fragments, put together.

use super::{Effective, Fragment, Inclusion, Layer, Node, Origin, Part, PartId, Source, SourceId};
use crate::Section;
use crate::catalogue::CATALOGUE;
use crate::document::{Document, Element, NodeId, NodeKind};
use flux_apim_diag::Meter;
use std::collections::HashMap;

/// Fragments that may be in each other.
const DEEPEST: u32 = 32;

/// What runs where `layers` are set, the outermost first. `fragments` finds a fragment by
/// its name.
pub fn expand<'d>(
    layers: &[Layer<'d>],
    fragments: &dyn Fn(&str) -> Option<Fragment<'d>>,
    meter: &Meter,
) -> Effective<'d> {
    let mut expander = Expander {
        sources: Vec::new(),
        nodes: Vec::new(),
        layers: layers.len(),
        fragments,
        known: HashMap::new(),
        frames: Vec::new(),
        left: Vec::new(),
        meter,
        held: None,
    };
    for layer in layers {
        let origin = Origin::Scope(layer.scope);
        expander.source(origin, layer.name, layer.path, layer.document);
    }
    for section in Section::ALL {
        expander.add(None, Part::Section(section), None, false);
    }
    for section in Section::ALL {
        expander.section(section);
    }
    Effective {
        sources: expander.sources,
        nodes: expander.nodes,
        _held: expander
            .held
            .unwrap_or_else(|| meter.budget().hold(0, flux_apim_diag::Place::Source)),
    }
}

/// A document that is being put in its place.
#[derive(Clone, Copy)]
struct Frame {
    source: SourceId,
    /// The layer whose section a `<base />` stands in, by its number.
    layer: usize,
    section: Section,
    /// The document around a fragment, and how many there are.
    around: Option<usize>,
    depth: u32,
}

struct Expander<'d, 'a> {
    sources: Vec<Source<'d>>,
    nodes: Vec<Node>,
    layers: usize,
    fragments: &'a dyn Fn(&str) -> Option<Fragment<'d>>,
    /// Fragments that were looked for.
    known: HashMap<&'d str, Option<SourceId>>,
    frames: Vec<Frame>,
    /// What is left to do, the next one last: where it goes, and what it is.
    left: Vec<(PartId, usize, NodeId)>,
    meter: &'a Meter,
    held: Option<flux_apim_diag::Held>,
}

impl<'d> Expander<'d, '_> {
    fn source(
        &mut self,
        origin: Origin,
        name: &'d str,
        path: &'d str,
        document: &'d Document<'d>,
    ) -> SourceId {
        let text = document.text().as_bytes();
        self.meter
            .spend(1 + text.len() as u64 / 64, document.file());
        let ends = memchr::memchr_iter(b'\n', text).map(|at| at + 1);
        let starts = std::iter::once(0).chain(ends);
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source {
            origin,
            name,
            path,
            document,
            lines: starts
                .map(|at| u32::try_from(at).unwrap_or(u32::MAX))
                .collect(),
        });
        id
    }

    fn add(
        &mut self,
        parent: Option<PartId>,
        part: Part,
        at: Option<(SourceId, NodeId)>,
        foreign: bool,
    ) -> PartId {
        let id = PartId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node {
            part,
            at,
            foreign,
            parent,
            first: None,
            last: None,
            next: None,
        });
        if let Some(parent) = parent {
            let around = &mut self.nodes[parent.index()];
            let before = around.last.replace(id);
            if around.first.is_none() {
                around.first = Some(id);
            }
            if let Some(before) = before {
                self.nodes[before.index()].next = Some(id);
            }
        }
        let place = self.place(at);
        self.meter.spend(1, place.clone());
        if self.nodes.len().is_multiple_of(64) {
            // A vector has room for up to twice what is in it.
            let bytes = 2 * self.nodes.len() * size_of::<Node>();
            match &mut self.held {
                Some(held) => held.grow(bytes, place),
                None => self.held = Some(self.meter.budget().hold(bytes, place)),
            }
        }
        id
    }

    fn place(&self, at: Option<(SourceId, NodeId)>) -> flux_apim_diag::Place {
        match at {
            Some((source, _)) => self.document(source).file().into(),
            None => flux_apim_diag::Place::Source,
        }
    }

    fn document(&self, source: SourceId) -> &'d Document<'d> {
        self.sources[source.0 as usize].document
    }

    /// The section of the innermost document, with everything in it.
    fn section(&mut self, section: Section) {
        let top = PartId(section as u32);
        let Some(layer) = self.layers.checked_sub(1) else {
            return;
        };
        if let Some(at) = self.section_of(layer, section) {
            self.nodes[top.index()].at = Some(at);
            self.enter_layer(top, layer, section);
        }
        while let Some((parent, frame, node)) = self.left.pop() {
            self.node(parent, frame, node);
        }
        self.frames.clear();
    }

    /// The element of a section in the document of a layer.
    fn section_of(&self, layer: usize, section: Section) -> Option<(SourceId, NodeId)> {
        let source = SourceId(u32::try_from(layer).ok()?);
        let document = self.document(source);
        let root = document.elements().first()?;
        let mut own = document.children(root.node);
        let node = own.find(|id| {
            let element = document.element(*id);
            element.is_some_and(|element| element.name == section.name())
        })?;
        Some((source, node))
    }

    fn enter_layer(&mut self, parent: PartId, layer: usize, section: Section) {
        let Some((source, node)) = self.section_of(layer, section) else {
            return;
        };
        let frame = Frame {
            source,
            layer,
            section,
            around: None,
            depth: 0,
        };
        self.enter(parent, frame, node);
    }

    /// What is in `node` goes into `parent`.
    fn enter(&mut self, parent: PartId, frame: Frame, node: NodeId) {
        let index = self.frames.len();
        self.frames.push(frame);
        self.push(parent, index, node);
    }

    fn push(&mut self, parent: PartId, frame: usize, node: NodeId) {
        let document = self.document(self.frames[frame].source);
        let from = self.left.len();
        let children = document.children(node);
        self.left
            .extend(children.map(|child| (parent, frame, child)));
        self.left[from..].reverse();
    }

    fn node(&mut self, parent: PartId, index: usize, node: NodeId) {
        let frame = self.frames[index];
        let document = self.document(frame.source);
        let at = Some((frame.source, node));
        let foreign = self.nodes[parent.index()].foreign;
        let NodeKind::Element(_) = document.node(node).kind else {
            self.add(Some(parent), Part::Written, at, foreign);
            return;
        };
        let Some(element) = document.element(node) else {
            return;
        };
        let is_fragment = frame.around.is_some();
        match element.name {
            "base" if !foreign && !is_fragment => {
                let enclosing = frame.layer.checked_sub(1);
                let scope = enclosing.and_then(|layer| match self.sources[layer].origin {
                    Origin::Scope(scope) => Some(scope),
                    Origin::Fragment => None,
                });
                let id = self.add(Some(parent), Part::Base(scope), at, false);
                if let Some(layer) = enclosing {
                    self.enter_layer(id, layer, frame.section);
                }
            }
            "include-fragment" if !foreign => self.fragment(parent, index, element),
            name => {
                let foreign = foreign || element.liquid || has_foreign_content(name);
                let id = self.add(Some(parent), Part::Written, at, foreign);
                self.push(id, index, node);
            }
        }
    }

    fn fragment(&mut self, parent: PartId, index: usize, element: &'d Element<'d>) {
        let frame = self.frames[index];
        let document = self.document(frame.source);
        let name = document.attribute(element, "fragment-id");
        let found = name.and_then(|name| self.find(name.value.trim()));
        let inclusion = match found {
            None => Inclusion::Missing,
            Some(source) if self.is_open(index, source) => Inclusion::Cycle,
            Some(_) if frame.depth >= DEEPEST => Inclusion::TooDeep,
            Some(_) => Inclusion::Included,
        };
        let at = Some((frame.source, element.node));
        let id = self.add(Some(parent), Part::Fragment(inclusion), at, false);
        if let (Inclusion::Included, Some(source)) = (inclusion, found)
            && let Some(root) = self.document(source).elements().first()
        {
            let inner = Frame {
                source,
                around: Some(index),
                depth: frame.depth + 1,
                ..frame
            };
            self.enter(id, inner, root.node);
        }
    }

    fn find(&mut self, name: &'d str) -> Option<SourceId> {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let found = (self.fragments)(name);
        let found =
            found.map(|found| self.source(Origin::Fragment, name, found.path, found.document));
        self.known.insert(name, found);
        found
    }

    /// Whether a fragment is being put in its place.
    fn is_open(&self, index: usize, source: SourceId) -> bool {
        let mut at = Some(index);
        while let Some(index) = at {
            let frame = self.frames[index];
            if frame.source == source {
                return true;
            }
            at = frame.around;
        }
        false
    }
}

/// Whether elements in this one are of another vocabulary.
fn has_foreign_content(name: &str) -> bool {
    let rows = CATALOGUE.named(name).iter();
    rows.copied().any(|row| CATALOGUE.rows[row].foreign_content)
}
