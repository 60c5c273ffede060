//! The facts of a document that was checked.

use super::{Block, Detail, Facts, Read, Set, Step, What};
use crate::Section;
use crate::catalogue::{CATALOGUE, Role, Row};
use crate::document::{Attribute, Document, Element, PieceKind};
use crate::references::named_value;
use flux_apim_csharp::VariableRead;
use flux_apim_diag::{Meter, Span};
use std::collections::HashSet;

/// What is known of an expression.
pub(crate) struct Evaluated<'t> {
    /// The element that it is in, by its place in the document.
    pub(crate) element: usize,
    /// The attribute whose whole value it is.
    pub(crate) attribute: Option<&'t str>,
    /// The type of its result.
    pub(crate) result: Option<String>,
    /// The variables that it reads, with their places in the document.
    pub(crate) reads: Vec<(VariableRead, Span)>,
}

/// Collects the facts of `document`. `row` says what an element is in the table, by its
/// place in the document; `evaluated` are in the order of the document.
pub(crate) fn collect<'t>(
    document: &Document<'t>,
    row: &dyn Fn(usize) -> Option<Row>,
    evaluated: &[Evaluated<'t>],
    meter: &Meter,
) -> Facts {
    let optional = evaluated.iter().flat_map(|one| &one.reads);
    let optional = optional.filter(|(read, _)| read.optional);
    let mut collector = Collector {
        document,
        evaluated,
        optional: optional
            .filter_map(|(read, _)| read.name.as_deref())
            .collect(),
        facts: Facts {
            root: document.elements().first().map(|root| root.span),
            ..Facts::default()
        },
        open: Vec::new(),
    };
    for (index, element) in document.elements().iter().enumerate() {
        meter.spend(1, element.span);
        collector.element(index, element, row(index));
    }
    collector.close(u32::MAX);
    collector.facts
}

/// An element that is open.
struct Open<'t> {
    name: &'t str,
    end: u32,
    step: Option<usize>,
    section: Option<Section>,
    /// Whether policies stand in it.
    mixed: bool,
    /// The element whose own expressions are read at its end, by its place.
    reads: Option<usize>,
    /// What its end sets.
    sets: Vec<(Set, Span)>,
}

struct Collector<'d, 't> {
    document: &'d Document<'t>,
    evaluated: &'d [Evaluated<'t>],
    /// Names that something reads in a way that copes with their absence.
    optional: HashSet<&'d str>,
    facts: Facts,
    open: Vec<Open<'t>>,
}

impl<'t> Collector<'_, 't> {
    fn element(&mut self, index: usize, element: &Element<'t>, row: Option<Row>) {
        let extent = self.document.span(element.node);
        self.close(extent.start);
        let entry = row.map(|row| &CATALOGUE.rows[row]);
        let around = self.open.last();
        let depth = self.open.len();
        let in_policies = around.is_some_and(|around| around.mixed);
        let mut open = Open {
            name: element.name,
            end: extent.end,
            step: None,
            section: None,
            mixed: entry.is_some_and(|entry| entry.mixed) || element.name == "wait",
            reads: None,
            sets: Vec::new(),
        };
        let top = depth == 1 && around.is_some_and(|root| root.name == "policies");
        if top && let Some(section) = Section::named(element.name) {
            let first = self.next();
            let block = &mut self.facts.sections[section as usize];
            if block.is_none() {
                let name = element.span;
                *block = Some(Block {
                    name,
                    first,
                    end: first,
                });
                open.section = Some(section);
            }
        }
        let is_statement = in_policies && around.is_some_and(|around| around.name != "choose");
        let what = match (element.name, entry) {
            ("base", _) if in_policies => Some(What::Base),
            ("include-fragment", _) if depth > 0 => Some(What::Include(self.fragment(element))),
            ("when" | "otherwise", _) => Some(What::Branch),
            ("value", _) if around.is_some_and(|around| around.name == "cache-value") => {
                Some(What::Maybe)
            }
            ("choose", _) if is_statement => {
                let exhaustive = self.has_child(element, "otherwise");
                Some(What::Choose { exhaustive })
            }
            (_, Some(entry)) if is_statement && entry.role == Role::Policy => {
                Some(What::Policy(row.unwrap_or(0), self.detail(element)))
            }
            _ => None,
        };
        let is_choose = matches!(what, Some(What::Choose { .. }));
        if let Some(What::Policy(..)) = what {
            if element.name == "retry" {
                // What it asks it asks when its policies ran.
                open.reads = Some(index);
            } else {
                self.reads(index, element);
            }
            open.sets = self.sets(index, element);
            if element.name == "wait" {
                self.step(What::Policy(row.unwrap_or(0), Detail::None), element.span);
                open.step = Some(self.step(What::Maybe, element.span));
                self.open.push(open);
                return;
            }
        }
        open.step = what.map(|what| self.step(what, element.span));
        if is_choose {
            open.mixed = true;
        }
        if !matches!(
            open.step.map(|step| &self.facts.steps[step].what),
            Some(What::Policy(..))
        ) {
            self.reads(index, element);
        }
        self.open.push(open);
    }

    fn next(&self) -> u32 {
        u32::try_from(self.facts.steps.len()).unwrap_or(u32::MAX)
    }

    fn step(&mut self, what: What, span: Span) -> usize {
        let end = self.next() + 1;
        self.facts.steps.push(Step { what, span, end });
        self.facts.steps.len() - 1
    }

    /// Ends what ends before `start`.
    fn close(&mut self, start: u32) {
        while self.open.last().is_some_and(|open| open.end <= start) {
            let Some(open) = self.open.pop() else {
                return;
            };
            let end = self.next();
            if let Some(step) = open.step {
                self.facts.steps[step].end = end;
            }
            if let Some(section) = open.section
                && let Some(block) = &mut self.facts.sections[section as usize]
            {
                block.end = end;
            }
            if let Some(index) = open.reads
                && let Some(element) = self.document.elements().get(index)
            {
                self.reads(index, element);
            }
            for (set, span) in open.sets {
                self.step(What::Set(Box::new(set)), span);
            }
        }
    }

    fn has_child(&self, element: &Element<'t>, name: &str) -> bool {
        let mut children = self.document.children(element.node);
        children.any(|id| {
            let child = self.document.element(id);
            child.is_some_and(|child| child.name == name)
        })
    }

    fn fragment(&self, element: &Element<'t>) -> Option<Box<str>> {
        let name = self.document.attribute(element, "fragment-id")?;
        literal(name.value)
    }

    fn detail(&self, element: &Element<'t>) -> Detail {
        let value = |name| self.document.attribute(element, name);
        match element.name {
            "cors" => match value("terminate-unmatched-request") {
                Some(value) if !value.value.trim().eq_ignore_ascii_case("true") => Detail::PassesOn,
                _ => Detail::None,
            },
            "quota-by-key"
            | "rate-limit-by-key"
            | "azure-openai-token-limit"
            | "llm-token-limit" => match value("counter-key") {
                Some(key) => Detail::Key(key.value.split_whitespace().collect::<String>().into()),
                None => Detail::None,
            },
            _ => Detail::None,
        }
    }

    /// The variables that an element's own expressions read.
    fn reads(&mut self, index: usize, element: &Element<'_>) {
        let evaluated = self.evaluated;
        let first = evaluated.partition_point(|one| one.element < index);
        let own = evaluated[first..].iter();
        for one in own.take_while(|one| one.element == index) {
            for (read, span) in &one.reads {
                let Some(name) = &read.name else {
                    continue;
                };
                let optional = read.optional || self.optional.contains(name.as_str());
                let read = Read {
                    name: name.as_str().into(),
                    ty: read.ty.as_deref().map(Into::into),
                    optional,
                };
                self.step(What::Read(Box::new(read)), *span);
            }
        }
        if element.name == "return-response"
            && let Some(name) = self.document.attribute(element, "response-variable-name")
            && let Some(text) = literal(name.value)
        {
            // Published policies that work name one that nothing sets.
            let read = Read {
                name: text,
                ty: Some("IResponse".into()),
                optional: true,
            };
            self.step(What::Read(Box::new(read)), name.span);
        }
    }

    /// The variables that a policy sets.
    fn sets(&self, index: usize, element: &Element<'t>) -> Vec<(Set, Span)> {
        let attributes = self.document.attributes(element);
        let mut sets = Vec::new();
        for attribute in attributes {
            let set = match (element.name, attribute.name) {
                ("set-variable", "name") => Set {
                    name: literal(attribute.value),
                    ty: self.value_type(index, element),
                    always: true,
                },
                ("return-response", _) => continue,
                (element_name, name) if name.ends_with("variable-name") => {
                    let (ty, always) = match element_name {
                        "send-request" => (Some("IResponse"), true),
                        "validate-jwt" | "validate-azure-ad-token" => (Some("Jwt"), true),
                        "authentication-managed-identity" => (Some("string"), true),
                        "get-authorization-context" => (None, true),
                        "cache-lookup-value" => {
                            let default = self.document.attribute(element, "default-value");
                            (None, default.is_some())
                        }
                        _ => (None, false),
                    };
                    Set {
                        name: literal(attribute.value),
                        ty: ty.map(Into::into),
                        always,
                    }
                }
                _ => continue,
            };
            sets.push((set, attribute.span));
        }
        sets
    }

    /// The type of what a `<set-variable>` sets.
    fn value_type(&self, index: usize, element: &Element<'t>) -> Option<Box<str>> {
        let value = self.document.attribute(element, "value")?;
        if is_text(self.document, value) {
            return Some("string".into());
        }
        let first = self.evaluated.partition_point(|one| one.element < index);
        let own = self.evaluated[first..].iter();
        let mut own = own.take_while(|one| one.element == index);
        let value = own.find(|one| one.attribute == Some("value"))?;
        value.result.as_deref().map(Into::into)
    }
}

/// A value that is known: neither computed nor brought by a named value.
fn literal(value: &str) -> Option<Box<str>> {
    let value = value.trim();
    let mut at = 0;
    while let Some(found) = value[at..].find("{{") {
        if named_value(value, at + found).is_some() {
            return None;
        }
        at += found + 2;
    }
    let known = !value.is_empty() && !value.starts_with("@(") && !value.starts_with("@{");
    known.then(|| value.into())
}

/// Whether there is nothing but text in the value.
fn is_text(document: &Document<'_>, attribute: &Attribute<'_>) -> bool {
    let pieces = document.pieces(attribute);
    pieces.iter().all(|piece| piece.kind == PieceKind::Text)
}
