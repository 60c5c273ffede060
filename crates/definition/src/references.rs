//! Which places of a document refer to others.

use super::bundle::{holds_names, is_data};
use flux_apim_diag::{Meter, Span};
use flux_apim_syntax::{Document, Entries, Items, Kind, NodeRef};

/// An object or array that is looked through.
enum Open<'d> {
    Object(Object<'d>),
    Array(Items<'d>),
}

struct Object<'d> {
    entries: Entries<'d>,
    /// Whether its keys are names that the author chose.
    names: bool,
    examples: Option<NodeRef<'d>>,
    has_type: bool,
    mapping: Option<NodeRef<'d>>,
}

impl<'d> Open<'d> {
    fn new(node: NodeRef<'d>, names: bool) -> Option<Self> {
        match node.kind() {
            Kind::Array => Some(Self::Array(node.items())),
            Kind::Object => Some(Self::Object(Object {
                entries: node.entries(),
                names,
                examples: None,
                has_type: false,
                mapping: None,
            })),
            _ => None,
        }
    }
}

/// A text that names another place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<'d> {
    pub(super) text: &'d str,
    pub(super) span: Span,
    /// Whether it is a value of a discriminator's mapping.
    pub(super) mapping: bool,
}

impl<'d> Reference<'d> {
    fn new(text: &'d str, span: Span, mapping: bool) -> Self {
        Self {
            text,
            span,
            mapping,
        }
    }
}

/// Every `$ref` and discriminator mapping of a document. Does not recurse.
pub(super) fn references_of<'d>(document: &'d Document, meter: &Meter) -> Vec<Reference<'d>> {
    let mut references = Vec::new();
    let mut open: Vec<_> = Open::new(document.root(), false).into_iter().collect();
    while let Some(innermost) = open.last_mut() {
        meter.spend(1, document.file());
        let inside = match innermost {
            Open::Array(items) => items.next().map(|item| Open::new(item, false)),
            Open::Object(object) => object.next(&mut references),
        };
        match inside {
            Some(inside) => open.extend(inside),
            None => drop(open.pop()),
        }
    }
    references
}

impl<'d> Object<'d> {
    /// What to look through next; none at the end.
    fn next(&mut self, references: &mut Vec<Reference<'d>>) -> Option<Option<Open<'d>>> {
        let Some((key, value)) = self.entries.next() else {
            return self.finish(references);
        };
        let key = key.as_str().unwrap_or("");
        match key {
            "type" => self.has_type = true,
            "discriminator" => self.mapping = value.get("mapping"),
            _ => {}
        }
        if key == "$ref"
            && let Some(reference) = value.as_str()
        {
            references.push(Reference::new(reference, value.span(), false));
            return Some(None);
        }
        if !self.names && key == "examples" {
            self.examples = Some(value);
            return Some(None);
        }
        let looked_through = self.names || !is_data(key);
        let names = !self.names && holds_names(key);
        Some(looked_through.then(|| Open::new(value, names)).flatten())
    }

    /// What could not be told before all keys were seen.
    fn finish(&mut self, references: &mut Vec<Reference<'d>>) -> Option<Option<Open<'d>>> {
        let text =
            |node: NodeRef<'d>, mapping| Some(Reference::new(node.as_str()?, node.span(), mapping));
        let entries = self.mapping.take().into_iter().flat_map(NodeRef::entries);
        let mapped = entries.filter_map(|(_, value)| text(value, true));
        references.extend(mapped.filter(|mapped| is_mapping_reference(mapped.text)));
        let examples = self.examples.take()?;
        if self.has_type {
            return Some(Open::new(examples, false));
        }
        // `examples` of a media type: only `$ref`s of the entries themselves are
        // references.
        let entries = examples.entries();
        references.extend(entries.filter_map(|(_, example)| text(example.get("$ref")?, false)));
        None
    }
}

/// A discriminator mapping is a schema name or a reference.
pub(super) fn is_mapping_reference(text: &str) -> bool {
    text.starts_with('#') || text.contains('/') && text.contains('.')
}
