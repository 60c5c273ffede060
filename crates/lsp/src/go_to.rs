//! Where a `$ref` of an API definition leads.

use crate::alone;
use crate::work::World;
use flux_apim_definition::{ReferenceTarget, parse_reference};
use flux_apim_diag::tree::{ArtifactPath, FileId};
use flux_apim_diag::{Budget, Findings};
use flux_apim_syntax::{self as syntax, Document, Format, NodeKind};

/// A place that a `$ref` leads to: a JSON pointer in a file, this one unless it is named.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Led {
    pub(crate) path: Option<String>,
    pub(crate) pointer: String,
}

/// Where the `$ref` at the byte `at` of a definition leads.
pub(crate) fn led(world: &dyn World, path: &str, text: &str, at: usize) -> Option<Led> {
    let from = ArtifactPath::parse(path).ok()?;
    with_document(world, path, text, |document| {
        let root = document.root();
        let all = (0..root.end_index()).map(|index| document.node(index));
        let objects = all.filter(|node| node.kind() == NodeKind::Object);
        let mut references = objects.filter_map(|object| object.get("$ref"));
        let holds =
            |span: flux_apim_diag::Span| span.start as usize <= at && at < span.end as usize;
        let reference = references.find(|value| holds(value.span()))?;
        Some(match parse_reference(reference.as_str()?, &from) {
            ReferenceTarget::Local(pointer) => Led {
                path: None,
                pointer: pointer.into_owned(),
            },
            ReferenceTarget::File { path, pointer } => Led {
                path: Some(path),
                pointer: pointer.into_owned(),
            },
            ReferenceTarget::Remote | ReferenceTarget::Outside | ReferenceTarget::Anchor => {
                return None;
            }
        })
    })
}

/// The bytes of the key, or else of the value, at `pointer` of a document.
pub(crate) fn place(
    world: &dyn World,
    path: &str,
    text: &str,
    pointer: &str,
) -> Option<(u32, u32)> {
    with_document(world, path, text, |document| {
        let value = document.root().pointer(pointer)?;
        let (parent, token) = pointer.rsplit_once('/').unwrap_or(("", ""));
        let token = token.replace("~1", "/").replace("~0", "~");
        let parent = document.root().pointer(parent);
        let key = parent.and_then(|parent| parent.entry(&token));
        let span = key.map_or(value.span(), |(key, _)| key.span());
        Some((span.start, span.end))
    })
}

/// Reads a document and does `work` with it, as far as that is done soon.
pub(crate) fn with_document<T>(
    world: &dyn World,
    path: &str,
    text: &str,
    work: impl FnOnce(&Document) -> Option<T>,
) -> Option<T> {
    let limits = alone::limits(world, alone::ASKING);
    let budget = Budget::new(&limits);
    let done = budget.bound(|| {
        let mut findings = Findings::new(&budget, &limits);
        let options = syntax::Options {
            malformed: &syntax::rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let format = Format::of(path, text);
        let document = syntax::parse(FileId(0), text.to_owned(), format, options, &mut findings)?;
        work(&document)
    });
    done.ok().flatten()
}
