//! The C# of expressions, each with the type that its place takes.

use super::Checker;
use super::expressions::Found;
use super::source::Code as Source;
use crate::catalogue::{Entry, Known, Type};
use crate::document::{Document, Element, Expression, Extent, NodeId, NodeKind, Piece, PieceKind};
use crate::facts::Evaluated;
use crate::rules::{
    expression_doubt, expression_name, expression_not_allowed, expression_result,
    expression_syntax, expression_type, policy_expression_not_allowed,
};
use flux_apim_csharp::{Code, Expected, Problem, Severity};
use flux_apim_diag::{Diagnostic, Rule, Span};
use std::sync::Arc;

/// A finding in C#, with the number that the compiler has for it.
pub(crate) fn expression_finding(
    rule: &'static Rule,
    span: Span,
    id: &str,
    message: &str,
    help: &str,
) -> Diagnostic {
    let message = if id.starts_with("CS") {
        format!("{message} ({id})")
    } else {
        message.to_owned()
    };
    let finding = Diagnostic::new(rule, span, message);
    if help.is_empty() {
        finding
    } else {
        finding.help(help)
    }
}

/// The longest code that is checked: that of the largest document that APIM takes.
const MOST_CODE: usize = 512 * 1024;

/// Bytes that code takes while it is checked, for each of its own, and for each node of
/// its tree.
const HELD_PER_BYTE: usize = 16;
const HELD_PER_NODE: usize = 160;

/// Elements whose text may be a `Guid` too.
const WITH_GUID: [&str; 2] = ["item", "message-property"];

impl<'t> Checker<'_, 't, '_, '_> {
    /// The expressions in the attributes and the text of an element.
    pub(super) fn expressions(&mut self, element: &Element<'t>, entry: Option<&'static Entry>) {
        let document = self.document;
        for attribute in document.attributes(element) {
            let known = entry.and_then(|entry| entry.attribute(attribute.name));
            let pieces = document.pieces(attribute);
            for piece in pieces {
                let PieceKind::Expression(expression) = piece.kind else {
                    continue;
                };
                // Where text stands around it, it may be text itself.
                let alone = pieces.iter().all(|other| {
                    matches!(other.kind, PieceKind::Expression(_))
                        || other.extent.of(document.text).trim().is_empty()
                });
                if alone && known.is_none_or(|known| known.expression != Some(false)) {
                    let expected = known.map_or(Expected::Anything, expected);
                    let attribute = Some(attribute.name).filter(|_| is_whole(pieces, document));
                    self.expression(expression, piece.extent, expected, attribute);
                }
            }
        }
        if element.liquid
            || entry.is_some_and(|entry| entry.foreign_content && has_elements(self, element))
        {
            return;
        }
        let mut parts = Vec::new();
        let mut alone = true;
        for id in document.children(element.node) {
            match document.node(id).kind {
                NodeKind::Expression(expression) => parts.push((id, expression)),
                NodeKind::Data => alone &= self.data(id, &mut parts),
                NodeKind::Text => alone &= document.source(id).trim().is_empty(),
                NodeKind::NamedValue => alone = false,
                _ => {}
            }
        }
        alone &= parts.len() == 1;
        for (id, expression) in parts {
            let extent = document.node(id).extent;
            if alone && entry.is_some_and(|entry| entry.no_text_expression) {
                let finding = policy_expression_not_allowed::found(
                    document.place(extent),
                    entry.map_or("", Entry::name),
                );
                self.findings.push(finding);
                continue;
            }
            let expected = match entry {
                Some(entry) if alone && WITH_GUID.contains(&entry.name()) => {
                    Expected::OneOf(&["string", "Guid"])
                }
                Some(_) if alone => Expected::OneOf(&["string"]),
                _ => Expected::Anything,
            };
            self.expression(expression, extent, expected, None);
        }
    }

    /// Expressions in a CDATA section: whether there is nothing beside them.
    fn data(&self, id: NodeId, parts: &mut Vec<(NodeId, Expression)>) -> bool {
        let mut alone = true;
        for child in self.document.children(id) {
            match self.document.node(child).kind {
                NodeKind::Expression(expression) => parts.push((child, expression)),
                _ => alone &= self.document.source(child).trim().is_empty(),
            }
        }
        alone
    }

    /// Checks an expression: `attribute` is what has it as its whole value.
    fn expression(
        &mut self,
        expression: Expression,
        extent: Extent,
        expected: Expected,
        attribute: Option<&'t str>,
    ) {
        let len = (extent.end - extent.start) as usize;
        if !expression.closed || len > MOST_CODE {
            return;
        }
        let whole = extent.of(self.document.text);
        let Some(inside) = whole.get(2..whole.len().saturating_sub(1)) else {
            return;
        };
        let place = self.document.place(extent);
        let mut held = self.meter.budget().hold(len * HELD_PER_BYTE, place);
        let mut hold = |nodes: usize| {
            held.grow(len * HELD_PER_BYTE + nodes * HELD_PER_NODE, place);
        };
        let source = Source::new(inside);
        let form = expression.form;
        let known = self.worker.known.find(&source.text, form, expected);
        let found = if let Some(found) = known {
            hold(found.nodes);
            self.meter.spend(found.steps, place);
            found
        } else {
            let meter = &self.meter;
            let charge = |steps: u64| meter.spend(steps, place);
            let session = &mut self.worker.session;
            let found = Found::new(&source.text, form, expected, session, &charge, &mut hold);
            let found = Arc::new(found);
            self.worker.known.keep(&source.text, form, expected, &found);
            found
        };
        let start = extent.start as usize + 2;
        let span = |from: u32, to: u32| {
            let (from, to) = source.range(from, to);
            Span::new(place.file, start + from, start + to)
        };
        if let Some(at) = found.comment {
            let finding = expression_syntax::comment(span(at, at + 4));
            self.findings.push(finding);
            return;
        }
        for (problem, is_syntax) in &found.problems {
            let place = span(problem.span.start, problem.span.end);
            let found = finding(problem, *is_syntax, place);
            self.findings.push(match &problem.meant {
                // C# reads case: a word of other letters may be another one.
                Some((word, near)) if word.eq_ignore_ascii_case(near) => found.renames(word, near),
                Some((word, near)) => found.proposes(word, near),
                None => found,
            });
        }
        let reads = found.reads.iter();
        let reads = reads.map(|read| (read.clone(), span(read.span.start, read.span.end)));
        self.evaluated.push(Evaluated {
            element: self.places.len().saturating_sub(1),
            attribute,
            result: found.result.clone(),
            reads: reads.collect(),
        });
    }
}

/// Whether an expression is all that a value is.
fn is_whole(pieces: &[Piece], document: &Document<'_>) -> bool {
    let texts = pieces.iter().filter(|piece| piece.kind == PieceKind::Text);
    let blank = |piece: &Piece| piece.extent.of(document.text).trim().is_empty();
    let expressions = pieces.iter().filter(|piece| piece.kind != PieceKind::Text);
    expressions.count() == 1 && texts.into_iter().all(blank)
}

fn has_elements(checker: &Checker<'_, '_, '_, '_>, element: &Element<'_>) -> bool {
    let document = checker.document;
    let mut children = document.children(element.node);
    children.any(|id| matches!(document.node(id).kind, NodeKind::Element(_)))
}

/// The type that an attribute wants of an expression.
fn expected(known: &Known) -> Expected {
    match (known.expression_type, known.ty) {
        (Some("long"), _) => Expected::OneOf(&["long"]),
        (Some("double"), _) => Expected::OneOf(&["double"]),
        (Some("byte[]"), _) => Expected::OneOf(&["byte[]"]),
        (Some(_), _) => Expected::Anything,
        (None, Type::Bool) if known.name.ends_with("condition") => Expected::Condition,
        (None, Type::Bool) => Expected::OneOf(&["bool"]),
        (None, Type::Whole { .. }) => Expected::OneOf(&["int"]),
        (None, Type::Number { .. } | Type::Time) => Expected::Anything,
        (None, Type::Text | Type::OneOf(_)) => Expected::OneOf(&["string"]),
    }
}

fn finding(problem: &Problem, is_syntax: bool, span: Span) -> Diagnostic {
    let Problem { message, help, .. } = problem;
    let id = problem.code.id();
    if problem.severity == Severity::Warning {
        return expression_doubt::found(span, id, message, help);
    }
    match problem.code {
        Code::TooComplex | Code::Stopped => expression_doubt::found(span, id, message, help),
        _ if is_syntax => expression_syntax::found(span, id, message, help),
        Code::TypeNotAllowed | Code::MemberNotAllowed | Code::DynamicNotAllowed => {
            expression_not_allowed::found(span, id, message, help)
        }
        Code::ResultType | Code::MixedResults | Code::PlaceType => {
            expression_result::found(span, id, message, help)
        }
        Code::UnknownName
        | Code::UnknownType
        | Code::UnknownMember
        | Code::NoMember
        | Code::NoNamespaceMember
        | Code::NoNestedType
        | Code::AmbiguousName => expression_name::found(span, id, message, help),
        _ => expression_type::found(span, id, message, help),
    }
}
