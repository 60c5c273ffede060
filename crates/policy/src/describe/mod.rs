//! What is known of the thing at a place in a policy, for people who point at it.

mod code;
mod element;

use crate::check::{Setting, check};
use crate::composition::{Around, Held, held};
use crate::document::{Document, Element, NodeKind, PieceKind};
use flux_apim_diag::tree::Limits;
use flux_apim_diag::{Findings, Meter, Span, excerpt};

/// What is known of a part of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The part.
    pub span: Span,
    /// What is known of it, in Markdown.
    pub text: String,
    /// Whether it is a context variable: what is known of it depends on what is around.
    pub of_variable: bool,
}

impl Described {
    fn of(span: Span, text: String) -> Self {
        Self {
            span,
            text,
            of_variable: false,
        }
    }
}

/// What is known of the element, the attribute or the part of an expression that holds
/// the byte at `at`. `None` where there is none, or nothing is known of it. `around` are the
/// policies that set its variables.
pub fn describe(
    document: &Document<'_>,
    at: u32,
    around: &Around<'_>,
    meter: &Meter,
) -> Option<Described> {
    let holds = |span: Span| span.start <= at && at < span.end;
    meter.spend(document.nodes.len() as u64, document.file);
    for node in &document.nodes {
        let span = document.place(node.extent);
        if let NodeKind::Expression(expression) = node.kind
            && holds(span)
        {
            return code::describe(document, (expression, node.extent), at, around, meter);
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
            code::describe(document, (expression, piece.extent), at, around, meter)
        }
        PieceKind::Text | PieceKind::NamedValue => element::attribute(document, element, attribute),
    }
}

/// What is known of the context variable `name` that is read at `read`, by what runs before.
fn variable(
    document: &Document<'_>,
    name: &str,
    read: Span,
    around: &Around<'_>,
    meter: &Meter,
) -> Option<String> {
    let mut findings = Findings::new(meter.budget(), &Limits::default());
    let facts = check(document, Setting::default(), &mut findings);
    let known = match held(&facts, around, read, &mut findings)? {
        Held::Always(Some(ty)) => format!("holds a `{ty}` on every path"),
        Held::Always(None) => "is set on every path, to what type is not known".to_owned(),
        Held::Perhaps => "may be set before this".to_owned(),
        Held::Never => "is not set before this".to_owned(),
    };
    let name = excerpt(name, 60);
    Some(format!("context variable `{name}`, which {known}\n"))
}

/// The elements around `element` and itself, the outermost first.
fn around<'d, 't>(document: &'d Document<'t>, element: &'d Element<'t>) -> Vec<&'d Element<'t>> {
    let outer = |inner: &&'d Element<'t>| document.around(inner.node);
    let mut way: Vec<_> = std::iter::successors(Some(element), outer).collect();
    way.reverse();
    way
}
