//! YAML 1.2 (core schema) by the events of `saphyr-parser`.

mod input;
mod offsets;
mod padding;
mod scalar;

use super::builder::{Builder, Text};
use super::document::Document;
use super::node::NodeKind;
use super::rules::malformed_document;
use super::{Caps, Options};
use flux_apim_diag::rules::document_limit;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Diagnostic, Findings, Held, Meter, Span, excerpt};
use input::{Count, Counted, padded};
use offsets::Offsets;
use padding::Padding;
use saphyr_parser::{Event, Input, Parser, ScalarStyle, Tag};
use scalar::{Resolved, quoted_end, resolve};
use std::cell::Cell;
use std::collections::HashMap;

/// How often a text is parsed: as it is, with the lines indented that a search
/// finds, and a few times more for what the search did not see.
const TRIES: usize = 6;

pub(super) fn parse(
    file: FileId,
    text: String,
    options: Options<'_>,
    meter: &Meter,
    all: &mut Findings,
) -> Option<Document> {
    let mut lines: Vec<(usize, usize)> = Vec::new();
    let mut held = meter.budget().hold(0, file);
    let mut first = None;
    for attempt in 1..=TRIES {
        let padding = Padding::new(&text, &lines);
        // What a parse found that is done again does not count.
        let mut findings = all.part();
        let mut loader = Loader::new(file, &text, &padding, meter, options);
        let outcome = loader.parse(&mut findings);
        let meaningless = padding.covers(&loader.spaces_mean_nothing);
        let built = loader.builder.finish();
        match (outcome, first.take()) {
            (Ok(()), None) => {
                all.append(findings);
                return Some(built.into_document(file, text));
            }
            (Ok(()), Some(_)) if meaningless => {
                all.append(findings);
                return Some(built.into_document(file, text));
            }
            (Ok(()), Some(finding)) => all.push(finding),
            (Err(Stop::Finding(finding)), _) => {
                all.append(findings);
                all.push(*finding);
            }
            (Err(Stop::Indentation(line, finding)), before) => {
                if before.is_none() {
                    lines = padding::find(&text, meter, file);
                }
                match lines.binary_search_by_key(&line, |(line, _)| *line) {
                    Ok(_) if attempt == 1 => {}
                    Ok(at) if attempt < TRIES && lines[at].1 < padding::MAX_WIDTH => {
                        lines[at].1 = padding::MAX_WIDTH;
                    }
                    Err(at) if attempt < TRIES => {
                        lines.insert(at, (line, padding::MAX_WIDTH));
                    }
                    _ => {
                        all.push(*finding);
                        return None;
                    }
                }
                held.grow(lines.len() * padding::LINE, file);
                first = before.or(Some(*finding));
                continue;
            }
        }
        return None;
    }
    None
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

struct Loader<'s, 'o> {
    file: FileId,
    builder: Builder<'s>,
    meter: &'s Meter,
    offsets: Offsets<'s>,
    text: &'s str,
    padding: &'s Padding,
    caps: Caps,
    options: Options<'o>,
    /// Anchor id to node. A node that is still open has no size yet.
    anchors: HashMap<usize, u32>,
    held_anchors: Held,
    /// For each open mapping, where its `<<` key is.
    merges: Vec<Option<u32>>,
    alias_values: u64,
    documents: usize,
    /// Where the outermost open flow collection starts, and how many are open.
    flow: (usize, usize),
    /// Flow collections and quoted scalars, when there is a padding to be held
    /// against them.
    spaces_mean_nothing: Vec<(usize, usize)>,
}

type Step = Result<(), Box<Diagnostic>>;

impl<'s, 'o> Loader<'s, 'o> {
    /// What an anchor takes here and in the parser.
    const ANCHOR: usize = 160;

    fn new(
        file: FileId,
        text: &'s str,
        padding: &'s Padding,
        meter: &'s Meter,
        options: Options<'o>,
    ) -> Self {
        Self {
            file,
            builder: Builder::new(file, text, meter),
            meter,
            offsets: Offsets::new(text),
            text,
            padding,
            caps: Caps::new(options.limits),
            options,
            anchors: HashMap::new(),
            held_anchors: meter.budget().hold(0, file),
            merges: Vec::new(),
            alias_values: 0,
            documents: 0,
            flow: (0, 0),
            spaces_mean_nothing: Vec::new(),
        }
    }

    fn parse(&mut self, findings: &mut Findings) -> Result<(), Stop> {
        let waiting = Cell::new(0);
        let count = Count::new(self.meter, self.file, &waiting);
        if !self.has_padding() {
            let input = Counted::new(self.text, count);
            self.load(Parser::new(input), &waiting, findings)
        } else {
            let input = padded(self.text, self.padding, count);
            self.load(Parser::new(input), &waiting, findings)
        }
    }

    fn load<'i, I: Input>(
        &mut self,
        parser: Parser<'i, I>,
        waiting: &Cell<u32>,
        findings: &mut Findings,
    ) -> Result<(), Stop> {
        for event in parser {
            waiting.set(0);
            let (event, place) = event.map_err(|error| self.scan_error(&error))?;
            let start = self.byte(place.start.index());
            let end = self.byte(place.end.index()).max(start);
            let quoted = matches!(event, Event::Scalar(..))
                .then(|| quoted_end(self.text.get(start..end)?))
                .flatten();
            let end = quoted.map_or(end, |len| start + len);
            self.meter.spend(1, self.builder.span(start, end));
            self.event(event, start, end, findings)?;
        }
        if self.builder.len() == 0 {
            self.builder.leaf(NodeKind::Null, 0, 0, Text::Bare);
        }
        Ok(())
    }

    /// The byte of the text that character `index` of the padded text is.
    fn byte(&self, index: usize) -> usize {
        self.offsets.byte(self.padding.original(index))
    }

    fn scan_error(&self, error: &saphyr_parser::ScanError) -> Stop {
        let at = self.byte(error.marker().index());
        let finding = self.malformed(at, at, error.info());
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
                    if !self.padding.has(next) {
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
            Event::SequenceStart(anchor, _) => self.open(NodeKind::Array, anchor, start, end)?,
            Event::MappingStart(anchor, _) => self.open(NodeKind::Object, anchor, start, end)?,
            Event::SequenceEnd => self.close(end, findings),
            Event::MappingEnd => {
                if let Some(Some(merge)) = self.merges.pop() {
                    self.merge(merge)?;
                }
                self.close(end, findings);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn anchor(&mut self, anchor: usize) {
        if anchor > 0 {
            let next = u32::try_from(self.builder.len()).unwrap_or(u32::MAX);
            self.anchors.insert(anchor, next);
            let bytes = self.anchors.len() * Self::ANCHOR;
            self.held_anchors.grow(bytes, self.file);
        }
    }

    fn open(&mut self, kind: NodeKind, anchor: usize, start: usize, end: usize) -> Step {
        if self.expects_key() {
            return Err(self.malformed(start, end, "a mapping key must be a scalar"));
        }
        self.anchor(anchor);
        if self.flow.1 > 0 {
            self.flow.1 += 1;
        } else if self.has_padding() && matches!(self.behind_properties(start), Some(b'[' | b'{')) {
            self.flow = (start, 1);
        }
        self.builder.open(kind, start);
        if kind == NodeKind::Object {
            self.merges.push(None);
        }
        let span = self.builder.span(start, start + 1);
        self.caps
            .check(self.builder.depth(), self.builder.len(), span)
    }

    fn close(&mut self, end: usize, findings: &mut Findings) {
        if self.flow.1 > 0 {
            self.flow.1 -= 1;
            if self.flow.1 == 0 {
                let closed = self.bracket_behind(end);
                self.spaces_mean_nothing.push((self.flow.0, closed));
            }
        }
        self.builder.close(end, findings);
    }

    /// The end of the flow collection whose last event ends at `end`: the parser
    /// lets one end at its last comma.
    fn bracket_behind(&self, end: usize) -> usize {
        let mut rest = self.text.get(end..).unwrap_or("");
        if !self.text[..end].ends_with(',') {
            return end;
        }
        loop {
            rest = rest.trim_start();
            if !rest.starts_with('#') {
                break;
            }
            rest = rest.find('\n').map_or("", |newline| &rest[newline..]);
        }
        self.text.len() - rest.len() + 1
    }

    fn has_padding(&self) -> bool {
        !self.padding.lines().is_empty()
    }

    /// The first byte of the node at `start` that is no anchor or tag.
    fn behind_properties(&self, start: usize) -> Option<u8> {
        let mut rest = self.text.get(start..)?;
        while rest.starts_with(['&', '!']) {
            let end = rest.find(char::is_whitespace)?;
            rest = rest[end..].trim_start();
            while rest.starts_with('#') {
                rest = rest[rest.find('\n')?..].trim_start();
            }
        }
        rest.bytes().next()
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
            NodeKind::String
        } else {
            match resolve(value, plain, tag) {
                Resolved::NodeKind(kind) => kind,
                Resolved::Spelled(number) => {
                    spelled = Some(number);
                    NodeKind::Number
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
        if self.has_padding()
            && self.flow.1 == 0
            && matches!(self.behind_properties(start), Some(b'"' | b'\''))
        {
            self.spaces_mean_nothing.push((start, end));
        }
        let text = match &spelled {
            Some(number) => Text::Other(number),
            None => self.where_it_stands(value, start, end),
        };
        // Block scalars start at their `|`; quoted ones end behind the quote.
        self.builder.leaf(kind, start, end, text);
        let span = self.builder.span(start, end);
        self.caps.check(0, self.builder.len(), span)
    }

    /// Most scalars stand in the source as they are meant.
    fn where_it_stands<'v>(&self, value: &'v str, start: usize, end: usize) -> Text<'v> {
        if self.text.get(start..end) == Some(value) {
            Text::Bare
        } else if end - start == value.len() + 2 && self.text.get(start + 1..end - 1) == Some(value)
        {
            Text::Quoted
        } else {
            Text::Other(value)
        }
    }

    fn alias(&mut self, anchor: usize, start: usize, end: usize) -> Step {
        let Some(&target) = self.anchors.get(&anchor) else {
            return Err(self.malformed(start, end, "the alias names no anchor"));
        };
        if self.builder.is_open(target) {
            return Err(self.malformed(start, end, "the alias stands inside its own anchor"));
        }
        let key = self.expects_key();
        if key
            && matches!(
                self.builder.kind(target),
                NodeKind::Array | NodeKind::Object
            )
        {
            return Err(self.malformed(start, end, "a mapping key must be a scalar"));
        }
        self.spend_alias(target, start, end)?;
        self.builder.copy(target);
        if key {
            self.builder.make_last_a_key();
        }
        let span = self.builder.span(start, end);
        self.caps.check(0, self.builder.len(), span)
    }

    /// A long text is written out wherever its alias stands: it counts as several
    /// values.
    fn spend_alias(&mut self, target: u32, start: usize, end: usize) -> Step {
        const TEXT: usize = 64;
        self.alias_values += u64::from(self.builder.size(target));
        self.alias_values += (self.builder.text_bytes(target) / TEXT) as u64;
        let cap = self.options.limits.max_alias_nodes;
        if self.alias_values > cap {
            let span = self.builder.span(start, end);
            let what = format!("YAML aliases expand to more than {cap} values");
            return Err(Box::new(document_limit::over(
                span,
                &what,
                cap,
                "max-alias-nodes",
            )));
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
            NodeKind::Object => vec![value],
            NodeKind::Array => self.builder.items(value),
            _ => Vec::new(),
        };
        if sources.is_empty()
            || sources
                .iter()
                .any(|&source| self.builder.kind(source) != NodeKind::Object)
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
            return Box::new(document_limit::flow_nesting(span));
        }
        let rule = self.options.malformed;
        Box::new(malformed_document::yaml(rule, span, &excerpt(message, 200)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, Format, Options, parse, write_node};
    use crate::rules;
    use flux_apim_diag::tree::{FileId, Limits};
    use flux_apim_diag::{Budget, Diagnostic, Findings};

    /// A name, and what makes the text of a size.
    type Shape = (&'static str, fn(usize) -> String);

    fn read(text: &str) -> (Option<Document>, Vec<Diagnostic>, Budget) {
        let limits = Limits::default();
        let options = Options {
            malformed: &rules::MALFORMED_DOCUMENT,
            limits: &limits,
        };
        let budget = Budget::default();
        let mut findings = Findings::new(&budget, &limits);
        let text = text.to_owned();
        let document = parse(FileId(0), text, Format::Yaml, options, &mut findings);
        (document, findings.listed().to_vec(), budget)
    }

    fn json(text: &str) -> String {
        let (document, findings, _) = read(text);
        let document = document.unwrap_or_else(|| panic!("{text}: {findings:#?}"));
        let mut out = String::new();
        write_node(&mut out, document.root());
        out
    }

    /// What libyaml lets pass means what it means when it is indented.
    #[test]
    fn lines_inside_brackets_and_quotes_need_no_indentation() {
        let inner = [
            "[\n1, 2,\n\n3\n]",
            "{\na: 1, # it's [a\nb: [x,\ny z\nw],\n}",
            "{ \"a\":\n\"b\", 'c':\n'it''s {' }",
            "[ it's,\n\"a ] \\\" b\",\n'#' , a#b, # c\nd ]",
            "\"one\ntwo \\\n  three\\\"\nfour\"",
            "'one\n\ntwo''\nthree'",
            "[ &a\nx, !!str\n1, *a ]",
        ];
        let around = [
            "k:\n  a: @\n  b: 1\n",
            "k:\n  - @\n  - - @\n    - 2\n",
            "# it's\nk:\n  t: it's a \"text\"\n    [that goes on\n\n    \"and on\n  l: |\n    [block\n    'text\n  f: >-\n\n      \"x\n  a: @\n",
            "k:\n  - n: x\n    é: @ # comment\n  - ? a\n    : @\n",
            "---\nk:\n    'q\"': @\n    z: >2\n        [x\n",
            "k: &x\n  a: @\n  b: {c: 1}\n  \"d\" : !t\n    @\n",
            "k:\r\n  a: @\r\n  b: 1\r\n",
        ];
        for inner in inner {
            for around in around {
                if inner.contains('&') && around.matches('@').count() > 1 {
                    continue;
                }
                let indented = inner.replace('\n', "\n          ");
                let given = around.replace('@', inner);
                assert_eq!(
                    json(&given),
                    json(&around.replace('@', &indented)),
                    "{given}"
                );
                // The spans are those of the text that was given.
                let (document, ..) = read(&given);
                let document = document.unwrap();
                let node = document.node(document.root().end_index() - 1);
                assert!(given.get(node.span().start as usize..).is_some());
            }
        }
    }

    /// Elsewhere leading spaces have a meaning, and are left alone.
    #[test]
    fn other_lines_are_refused_as_before() {
        for text in [
            "k:\n  a: [\n1\n  b: 2\n",
            "k:\n  a: \"x\n--- y\"\n",
            "k:\n  a: [1,\n...\n]\n",
        ] {
            let (document, findings, _) = read(text);
            assert!(document.is_none(), "{text}");
            assert_eq!(findings.len(), 1, "{findings:#?}");
        }
        let deep = format!("{}k:\n{}a: [\n1]\n", "", " ".repeat(100));
        assert!(read(&deep).0.is_none());
    }

    #[test]
    fn a_text_that_aliases_repeat_counts_by_its_length() {
        let text = format!(
            "a: &a {}\nb: [{}x]\n",
            "t".repeat(64_000),
            "*a, ".repeat(99)
        );
        assert!(read(&text).0.is_some());
        let (document, findings, _) = read(&text.replace("[", "[*a, "));
        assert!(document.is_none());
        assert!(findings[0].message.contains("aliases"), "{findings:#?}");
    }

    /// Twice the text takes at most 2.3 times the steps, whatever it is.
    #[test]
    fn every_shape_is_linear() {
        let shapes: [Shape; 12] = [
            ("lines of one collection", |n| {
                format!("k:\n  a: [\n{}  1]", "1,\n".repeat(n))
            }),
            ("collections of one line", |n| {
                format!("k:\n{}", "  - [\n1]\n".repeat(n))
            }),
            ("quoted scalars", |n| {
                format!("k:\n{}", "  - \"a\nb\"\n".repeat(n))
            }),
            ("lines of a quoted scalar", |n| {
                format!("k:\n  a: '{}x'", "b\n".repeat(n))
            }),
            ("short lines below deep blocks", |n| {
                format!("k:\n {}a: [\n{}]", " ".repeat(60), "1,\n".repeat(n))
            }),
            ("a flow collection", |n| format!("[{}]", "1,".repeat(n))),
            ("pairs", |n| {
                format!(
                    "{{{}}}",
                    (0..n).map(|n| format!("k{n}: v,")).collect::<String>()
                )
            }),
            ("anchors", |n| {
                (0..n).map(|n| format!("- &a{n} x\n")).collect()
            }),
            ("merges", |n| {
                format!(
                    "a: &a {{x: 1}}\n{}",
                    (0..n / 4)
                        .map(|n| format!("k{n}: {{<<: *a, y: 2}}\n"))
                        .collect::<String>()
                )
            }),
            ("blocks", |n| {
                (0..n)
                    .map(|n| format!("k{n}:\n  - a: |\n      x\n"))
                    .collect()
            }),
            ("comments", |n| "# x\n".repeat(n)),
            ("keys twice", |n| "a: 1\n".repeat(n)),
        ];
        for (name, shape) in shapes {
            let spent = |n: usize| {
                let text = shape(n);
                let (_, _, budget) = read(&text);
                assert_eq!(budget.held(), 0, "{name}");
                budget.spent() as f64
            };
            let (once, twice) = (spent(4000), spent(8000));
            assert!(twice < once * 2.3, "{name}: {once} then {twice}");
        }
    }

    /// A flow collection waits in the parser as a whole: that counts too.
    #[test]
    fn tokens_that_wait_are_held() {
        let (document, _, budget) = read(&format!("[{}]", "1,".repeat(100_000)));
        let held = document.unwrap().held();
        assert!(budget.peak() > 2 * held, "{} {held}", budget.peak());
    }
}
