//! YAML 1.2 (core schema) by the events of `saphyr-parser`.

use super::document::{Builder, Document, Kind, Text};
use super::number::{self, Number};
use super::{Caps, Options, over_limit};
use crate::diag::{Diagnostic, Findings, Span, excerpt, rules};
use crate::tree::FileId;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use std::collections::HashMap;

pub(super) fn parse(
    file: FileId,
    mut text: String,
    options: Options<'_>,
    all: &mut Findings,
) -> Option<Document> {
    let mut padding = Padding::default();
    loop {
        // What a parse found that is done again does not count.
        let mut findings = all.part();
        let mut loader = Loader {
            builder: Builder::new(file, &text),
            offsets: Offsets::new(&text),
            text: &text,
            padding: &padding,
            caps: Caps::new(options.limits),
            options,
            anchors: HashMap::new(),
            merges: Vec::new(),
            alias_nodes: 0,
            documents: 0,
        };
        let outcome = loader.load(&mut findings);
        let built = loader.builder.finish();
        match outcome {
            Ok(()) => {
                all.append(findings);
                return Some(built.into_document(file, text));
            }
            Err(Stop::Finding(finding)) => {
                findings.push(*finding);
                all.append(findings);
                return None;
            }
            Err(Stop::Indentation(line, finding)) => {
                if !padding.insert(&mut text, line) {
                    findings.push(*finding);
                    all.append(findings);
                    return None;
                }
            }
        }
    }
}

/// Why loading stopped.
enum Stop {
    /// The document is not usable.
    Finding(Box<Diagnostic>),
    /// The line that starts at this byte is indented less than the block
    /// around it, inside a flow collection or a quoted scalar.
    Indentation(usize, Box<Diagnostic>),
}

impl From<Box<Diagnostic>> for Stop {
    fn from(finding: Box<Diagnostic>) -> Self {
        Self::Finding(finding)
    }
}

/// Spaces put in front of lines that YAML 1.2 wants indented. libyaml and what
/// descends from it (among them what APIM imports with) let such lines pass,
/// and real definitions have them; inside flow collections and quoted scalars
/// leading spaces mean nothing.
#[derive(Default)]
struct Padding {
    /// Where, as bytes of the padded text, ascending.
    at: Vec<usize>,
}

impl Padding {
    const WIDTH: usize = 64;
    /// Bytes that may be parsed again in all.
    const BUDGET: usize = 256 << 20;

    /// Pads the line that starts at byte `line`; `false` when enough is
    /// enough.
    fn insert(&mut self, text: &mut String, line: usize) -> bool {
        let known = self.at.binary_search(&line);
        let (Err(place), true) = (known, (self.at.len() + 1) * text.len() < Self::BUDGET) else {
            return false;
        };
        text.insert_str(line, &" ".repeat(Self::WIDTH));
        for later in &mut self.at[place..] {
            *later += Self::WIDTH;
        }
        self.at.insert(place, line);
        true
    }

    /// The byte of the file that byte `offset` of the padded text is.
    fn original(&self, offset: usize) -> usize {
        let before = self.at.partition_point(|at| at + Self::WIDTH <= offset);
        let inside = self
            .at
            .get(before)
            .map_or(0, |at| offset.saturating_sub(*at));
        offset - before * Self::WIDTH - inside
    }
}

struct Loader<'s, 'o> {
    builder: Builder<'s>,
    offsets: Offsets<'s>,
    text: &'s str,
    padding: &'o Padding,
    caps: Caps,
    options: Options<'o>,
    /// Anchor id to node. A node that is still open has no size yet.
    anchors: HashMap<usize, u32>,
    /// For each open mapping, where its `<<` key is.
    merges: Vec<Option<u32>>,
    alias_nodes: u64,
    documents: usize,
}

type Step = Result<(), Box<Diagnostic>>;

impl Loader<'_, '_> {
    fn load(&mut self, findings: &mut Findings) -> Result<(), Stop> {
        for event in Parser::new_from_str(self.text) {
            let (event, place) = event.map_err(|error| self.scan_error(&error))?;
            let start = self.offsets.byte(place.start.index());
            let end = self.offsets.byte(place.end.index()).max(start);
            let quoted = matches!(event, Event::Scalar(..))
                .then(|| quoted_end(self.text.get(start..end)?))
                .flatten();
            let end = quoted.map_or(end, |len| start + len);
            let (start, end) = (self.padding.original(start), self.padding.original(end));
            self.event(event, start, end, findings)?;
        }
        if self.builder.len() == 0 {
            self.builder.leaf(Kind::Null, 0, 0, &Text::Source(0, 0));
        }
        Ok(())
    }

    fn scan_error(&self, error: &saphyr_parser::ScanError) -> Stop {
        let at = self.offsets.byte(error.marker().index());
        let shown = self.padding.original(at);
        let finding = self.malformed(shown, shown, error.info());
        let line = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        match error.info() {
            "invalid indentation" | "invalid indentation in flow construct" => {
                Stop::Indentation(line, finding)
            }
            // The scalar's start is named, not the line: take the next one
            // that is not padded yet.
            "invalid indentation in quoted scalar" => {
                let mut next = at;
                while let Some(newline) = self.text[next..].find('\n') {
                    next += newline + 1;
                    if self.padding.at.binary_search(&next).is_err() {
                        return Stop::Indentation(next, finding);
                    }
                }
                Stop::Finding(finding)
            }
            _ => Stop::Finding(finding),
        }
    }

    fn event(
        &mut self,
        event: Event<'_>,
        start: usize,
        end: usize,
        findings: &mut Findings,
    ) -> Step {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.malformed(start, end, "one file holds several documents"));
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                self.anchor(anchor);
                self.scalar(&value, style, tag.as_deref(), start, end)?;
            }
            Event::Alias(anchor) => self.alias(anchor, start, end)?,
            Event::SequenceStart(anchor, _) => self.open(Kind::Array, anchor, start, end)?,
            Event::MappingStart(anchor, _) => self.open(Kind::Object, anchor, start, end)?,
            Event::SequenceEnd => self.builder.close(end, findings),
            Event::MappingEnd => {
                if let Some(Some(merge)) = self.merges.pop() {
                    self.merge(merge)?;
                }
                self.builder.close(end, findings);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn anchor(&mut self, anchor: usize) {
        if anchor > 0 {
            let next = u32::try_from(self.builder.len()).unwrap_or(u32::MAX);
            self.anchors.insert(anchor, next);
        }
    }

    fn open(&mut self, kind: Kind, anchor: usize, start: usize, end: usize) -> Step {
        if self.expects_key() {
            return Err(self.malformed(start, end, "a mapping key must be a scalar"));
        }
        self.anchor(anchor);
        self.builder.open(kind, start);
        if kind == Kind::Object {
            self.merges.push(None);
        }
        let span = self.builder.span(start, start + 1);
        self.caps
            .check(self.builder.depth(), self.builder.len(), span)
    }

    fn expects_key(&self) -> bool {
        self.builder.expects_key()
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        start: usize,
        end: usize,
    ) -> Step {
        let key = self.expects_key();
        let plain = style == ScalarStyle::Plain;
        let mut spelled = None;
        let kind = if key || !(plain || tag.is_some()) {
            Kind::String
        } else {
            match resolve(value, plain, tag) {
                Resolved::Kind(kind) => kind,
                Resolved::Spelled(number) => {
                    spelled = Some(number);
                    Kind::Number
                }
                Resolved::NotJson => {
                    let message = format!("`{value}` has no form in JSON, which Azure takes");
                    return Err(self.malformed(start, end, &message));
                }
            }
        };
        if key && plain && value == "<<" {
            let next = u32::try_from(self.builder.len()).unwrap_or(u32::MAX);
            if let Some(merge) = self.merges.last_mut() {
                *merge = Some(next);
            }
        }
        let (from, shown) = match &spelled {
            Some(number) => (None, number.as_str()),
            None => (self.offset_in_source(value), value),
        };
        let text = match from {
            Some(from) => Text::Source(from, from + value.len()),
            None => Text::Other(shown),
        };
        // Block scalars start at their `|`; quoted ones end behind the quote.
        self.builder.leaf(kind, start, end, &text);
        let span = self.builder.span(start, end);
        self.caps.check(0, self.builder.len(), span)
    }

    /// Where `value` lies in the source, when the parser borrowed it.
    fn offset_in_source(&self, value: &str) -> Option<usize> {
        let from = (value.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let inside = from + value.len() <= self.text.len();
        (inside && self.text.get(from..from + value.len()) == Some(value)).then_some(from)
    }

    fn alias(&mut self, anchor: usize, start: usize, end: usize) -> Step {
        let Some(&target) = self.anchors.get(&anchor) else {
            return Err(self.malformed(start, end, "the alias names no anchor"));
        };
        if self.builder.is_open(target) {
            return Err(self.malformed(start, end, "the alias stands inside its own anchor"));
        }
        if self.expects_key() {
            if self.builder.size(target) > 1 {
                return Err(self.malformed(start, end, "a mapping key must be a scalar"));
            }
            self.builder.copy(target);
            self.builder.make_last_a_key();
        } else {
            self.spend_alias(target, start, end)?;
            self.builder.copy(target);
        }
        let span = self.builder.span(start, end);
        self.caps.check(0, self.builder.len(), span)
    }

    fn spend_alias(&mut self, target: u32, start: usize, end: usize) -> Step {
        self.alias_nodes += u64::from(self.builder.size(target));
        let cap = self.options.limits.max_alias_nodes;
        if self.alias_nodes > cap {
            let span = self.builder.span(start, end);
            let what = format!("YAML aliases expand to more than {cap} values");
            return Err(Box::new(over_limit(span, &what, cap, "max-alias-nodes")));
        }
        Ok(())
    }

    /// Expands the merge key at `merge` of the innermost mapping: its entries
    /// stand in the place of `<<`, except those that the mapping has itself.
    fn merge(&mut self, merge: u32) -> Step {
        let Some((mapping, _)) = self.builder.innermost() else {
            return Ok(());
        };
        let own = self.builder.entries(mapping);
        let value = merge + 1;
        let sources = match self.builder.kind(value) {
            Kind::Object => vec![value],
            Kind::Array => self.builder.items(value),
            _ => Vec::new(),
        };
        if sources.is_empty()
            || sources
                .iter()
                .any(|&source| self.builder.kind(source) != Kind::Object)
        {
            let span = self.builder.node_span(value);
            let message = "the merge key `<<` takes a mapping or a list of mappings";
            return Err(self.malformed_at(span, message));
        }
        let mut taken: std::collections::HashSet<&str> = own
            .iter()
            .filter(|&&(key, _)| key != merge)
            .map(|&(key, _)| self.builder.text(key))
            .collect();
        let mut entries = Vec::new();
        for &(key, value) in &own {
            if key != merge {
                entries.push((key, value));
                continue;
            }
            for &source in &sources {
                for entry in self.builder.entries(source) {
                    if taken.insert(self.builder.text(entry.0)) {
                        entries.push(entry);
                    }
                }
            }
        }
        self.builder.replace_entries(&entries);
        Ok(())
    }

    fn malformed(&self, start: usize, end: usize, message: &str) -> Box<Diagnostic> {
        self.malformed_at(self.builder.span(start, end), message)
    }

    fn malformed_at(&self, span: Span, message: &str) -> Box<Diagnostic> {
        if message.contains("recursion limit") {
            let message = "flow collections are nested more deeply than is read";
            return Box::new(
                Diagnostic::new(&rules::DOCUMENT_LIMIT, span, message)
                    .help("write nested lists and mappings in block style"),
            );
        }
        Box::new(Diagnostic::new(
            self.options.malformed,
            span,
            format!("malformed YAML: {}", excerpt(message, 200)),
        ))
    }
}

/// Where the quoted scalar that `text` starts with ends. The parser counts the
/// comment behind it as part of it.
fn quoted_end(text: &str) -> Option<usize> {
    let quote = text
        .bytes()
        .next()
        .filter(|byte| matches!(byte, b'"' | b'\''))?;
    let mut bytes = text.bytes().enumerate().skip(1).peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' && quote == b'"' {
            bytes.next();
        } else if byte == quote {
            // Two single quotes are one, inside.
            if quote == b'"' || bytes.next_if(|(_, next)| *next == quote).is_none() {
                return Some(at + 1);
            }
        }
    }
    None
}

enum Resolved {
    Kind(Kind),
    Spelled(String),
    NotJson,
}

/// The kind of a scalar by the core schema. A core tag other than `!!str`
/// resolves a quoted scalar too; any other tag leaves a string.
fn resolve(value: &str, plain: bool, tag: Option<&Tag>) -> Resolved {
    let by_value = match tag {
        None => plain,
        Some(tag) if tag.is_yaml_core_schema() => {
            matches!(&*tag.suffix, "null" | "bool" | "int" | "float")
        }
        Some(_) => false,
    };
    if !by_value {
        return Resolved::Kind(Kind::String);
    }
    match value {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Kind(Kind::Null),
        "true" | "True" | "TRUE" => Resolved::Kind(Kind::True),
        "false" | "False" | "FALSE" => Resolved::Kind(Kind::False),
        _ => match number::parse(value) {
            None => Resolved::Kind(Kind::String),
            Some(Number::AsIs) => Resolved::Kind(Kind::Number),
            Some(Number::Spelled(number)) => Resolved::Spelled(number),
            Some(Number::NotJson) => Resolved::NotJson,
        },
    }
}

/// Byte offsets of character indices, which the parser counts in.
struct Offsets<'s> {
    text: &'s str,
    /// Byte offset of every 256th character; empty when all are ASCII.
    marks: Vec<usize>,
}

impl<'s> Offsets<'s> {
    const STRIDE: usize = 256;

    fn new(text: &'s str) -> Self {
        let marks = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices()
                .step_by(Self::STRIDE)
                .map(|(at, _)| at)
                .collect()
        };
        Self { text, marks }
    }

    fn byte(&self, character: usize) -> usize {
        if self.marks.is_empty() {
            return character.min(self.text.len());
        }
        let Some(&mark) = self.marks.get(character / Self::STRIDE) else {
            return self.text.len();
        };
        self.text[mark..]
            .char_indices()
            .nth(character % Self::STRIDE)
            .map_or(self.text.len(), |(at, _)| mark + at)
    }
}
