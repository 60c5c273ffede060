//! What is known of the thing at a place in a policy, for people who point at it.

mod code;
mod element;

use crate::document::{Document, Element, NodeKind, PieceKind};
use flux_apim_diag::{Meter, Span};

/// What is known of a part of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The part.
    pub span: Span,
    /// What is known of it, in Markdown.
    pub text: String,
}

/// What is known of the element, the attribute or the part of an expression that holds
/// the byte at `at`. `None` where there is none, or nothing is known of it.
pub fn describe(document: &Document<'_>, at: u32, meter: &Meter) -> Option<Described> {
    let holds = |span: Span| span.start <= at && at < span.end;
    meter.spend(document.nodes.len() as u64, document.file);
    for node in &document.nodes {
        let span = document.place(node.extent);
        if let NodeKind::Expression(expression) = node.kind
            && holds(span)
        {
            return code::describe(document, expression, node.extent, at, meter);
        }
    }
    let element = document.elements.iter().find(|e| holds(e.opening))?;
    if holds(element.span) {
        return element::element(document, element);
    }
    let mut attributes = document.attributes(element).iter();
    let attribute = attributes.find(|attribute| holds(attribute.full_span))?;
    if holds(attribute.name_span) {
        return element::attribute(document, element, attribute);
    }
    let mut pieces = document.pieces(attribute).iter();
    let piece = pieces.find(|piece| holds(document.place(piece.extent)))?;
    match piece.kind {
        PieceKind::Expression(expression) => {
            code::describe(document, expression, piece.extent, at, meter)
        }
        PieceKind::Text | PieceKind::NamedValue => element::attribute(document, element, attribute),
    }
}

/// The elements around `element` and itself, the outermost first.
fn around<'d, 't>(document: &'d Document<'t>, element: &'d Element<'t>) -> Vec<&'d Element<'t>> {
    let outer = |inner: &&'d Element<'t>| document.around(inner.node);
    let mut way: Vec<_> = std::iter::successors(Some(element), outer).collect();
    way.reverse();
    way
}
