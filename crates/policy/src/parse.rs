//! A tolerant parser: one pass, no recursion, expressions skipped as a whole.

use super::document::{Attribute, Document, Element, MARK, Text};
use crate::rules::{malformed_policy, policy_doctype, wrong_policy_root};
use flux_apim_csharp::{Unbalanced, end_of_expression};
use flux_apim_diag::rules::document_limit;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Diagnostic, Findings, Meter, Span, excerpt};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// Which root a document must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `<policies>`
    Policies,
    /// `<fragment>`
    Fragment,
    /// A data source of a GraphQL resolver, or `<policies>`.
    Resolver,
}

impl Root {
    const ALL: [Self; 3] = [Self::Policies, Self::Fragment, Self::Resolver];

    /// Names that the root element may have; the usual one first.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Policies => &["policies"],
            Self::Fragment => &["fragment"],
            Self::Resolver => &[
                "http-data-source",
                "sql-data-source",
                "cosmosdb-data-source",
                "graphql-data-source",
                "policies",
            ],
        }
    }
}

/// Which policy document `text` is, by its first element.
pub fn sniff(text: &str) -> Option<Root> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        // What opens is not part of what closes: `<!-->` is an open comment.
        let end = if let Some(inner) = rest.strip_prefix("<!--") {
            4 + inner.find("-->")? + 3
        } else if let Some(inner) = rest.strip_prefix("<?") {
            2 + inner.find("?>")? + 2
        } else {
            break;
        };
        rest = rest[end..].trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    Root::ALL
        .into_iter()
        .find(|root| root.names().contains(&&name[..end]))
}

/// Parses the policy `text` of `file`. What follows the first grammar error is
/// not read.
pub fn parse<'t>(
    file: FileId,
    text: &'t str,
    root: Root,
    max_depth: u64,
    findings: &mut Findings,
) -> Document<'t> {
    let mut parser = Parser {
        file,
        text,
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
        document: Document {
            elements: Vec::new(),
            notes: Vec::new(),
            held: findings.budget().hold(text.len(), file),
            bytes: text.len(),
        },
        open: Vec::new(),
        max_depth,
        endless: 0,
        endless_brackets: HashSet::new(),
        meter: findings.budget().meter(),
    };
    match parser.document() {
        Ok(()) => findings.extend(parser.check_root(root)),
        Err(finding) => findings.push(*finding),
    }
    parser.document
}

struct Parser<'t> {
    file: FileId,
    text: &'t str,
    at: usize,
    document: Document<'t>,
    /// Indices of the elements that are open.
    open: Vec<usize>,
    max_depth: u64,
    /// Expressions in texts that did not end.
    endless: usize,
    /// Brackets inside of them that did not end either.
    endless_brackets: HashSet<usize>,
    meter: Meter,
}

/// Expressions in texts whose end is looked for up to the end of the document, though
/// others were found to have none.
const MAX_ENDLESS: usize = 16;
/// Bytes in which the end of an expression is looked for after that.
const NEAR: usize = 1024;

type Step<T = ()> = Result<T, Box<Diagnostic>>;

impl<'t> Parser<'t> {
    fn document(&mut self) -> Step {
        let mut counted = 0;
        while self.at < self.text.len() {
            let steps = 1 + (self.at - counted) / 64;
            self.meter.spend(steps as u64, self.span(self.at, self.at));
            counted = self.at;
            let rest = &self.text[self.at..];
            if let Some(inside) = rest.strip_prefix("<!--") {
                let start = self.at;
                self.skip_past("<!--", "-->", "the comment is not closed")?;
                if inside.trim_start().starts_with(MARK) {
                    let note = self.span(start, self.at);
                    self.document.notes.push(note);
                }
            } else if let Some(inner) = rest.strip_prefix("<![CDATA[") {
                let start = self.text.len() - inner.len();
                self.skip_past("<![CDATA[", "]]>", "the CDATA section is not closed")?;
                self.push_text(start, self.at - 3);
            } else if rest.starts_with("<!") {
                let span = self.span(self.at, self.at + 2);
                return Err(Box::new(policy_doctype::declaration(span)));
            } else if rest.starts_with("<?") {
                self.skip_past("<?", "?>", "the processing instruction is not closed")?;
            } else if rest.starts_with("</") {
                self.close()?;
            } else if rest.starts_with('<') {
                self.element()?;
            } else {
                self.text()?;
            }
        }
        match self.open.last() {
            Some(&index) => {
                let element = &self.document.elements[index];
                let end = self.span(self.text.len(), self.text.len());
                let finding = malformed_policy::not_closed(end, element.name, element.span);
                Err(Box::new(finding))
            }
            None => Ok(()),
        }
    }

    fn check_root(&self, root: Root) -> Option<Diagnostic> {
        let Some(element) = self.document.elements.first() else {
            return Some(malformed_policy::empty(self.span(0, 0), root.names()[0]));
        };
        if root.names().contains(&element.name) {
            return None;
        }
        let expected = root.names()[0];
        Some(wrong_policy_root::found(
            element.span,
            element.name,
            expected,
        ))
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn malformed(&self, start: usize, end: usize, message: String) -> Diagnostic {
        malformed_policy::found(self.span(start, end), message)
    }

    fn fail<T>(&self, start: usize, end: usize, message: impl Into<String>) -> Step<T> {
        Err(Box::new(self.malformed(start, end, message.into())))
    }

    /// Skips from `begin`, which is at the cursor, to behind `end`. The two
    /// share no character: `<!-->` opens a comment, and does not close it.
    fn skip_past(&mut self, begin: &str, end: &str, message: &str) -> Step {
        let inside = self.at + begin.len();
        match self.text[inside..].find(end) {
            Some(found) => {
                self.at = inside + found + end.len();
                Ok(())
            }
            None => self.fail(self.at, self.at + 2, message),
        }
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn name(&mut self) -> Option<&'t str> {
        let rest = &self.text[self.at..];
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let starts_well = rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'));
        if end == 0 || !starts_well {
            return None;
        }
        self.at += end;
        Some(&rest[..end])
    }

    fn element(&mut self) -> Step {
        let start = self.at;
        self.at += 1;
        let Some(name) = self.name() else {
            let span = self.span(start, start + 1);
            return Err(Box::new(malformed_policy::no_element(span)));
        };
        if self.open.is_empty() && !self.document.elements.is_empty() {
            return self.fail(start, self.at, "there is a second root element");
        }
        if self.open.len() as u64 >= self.max_depth {
            let span = self.span(start, self.at);
            let finding = document_limit::policy_depth(span, self.max_depth);
            return Err(Box::new(finding));
        }
        let mut seen = HashMap::new();
        let mut element = Element {
            name,
            span: self.span(start + 1, self.at),
            parent: self.open.last().copied(),
            attributes: Vec::new(),
            texts: Vec::new(),
        };
        loop {
            let before = self.at;
            self.skip_space();
            let rest = &self.text[self.at..];
            if rest.starts_with("/>") {
                self.at += 2;
                self.push(element);
                return Ok(());
            }
            if rest.starts_with('>') {
                self.at += 1;
                self.open.push(self.document.elements.len());
                self.push(element);
                return Ok(());
            }
            if rest.is_empty() {
                return self.fail(
                    start,
                    start + 1 + name.len(),
                    format!("the tag `<{}` is not closed with `>`", excerpt(name, 60)),
                );
            }
            if before == self.at {
                let end = self.at + rest.chars().next().map_or(1, char::len_utf8);
                return self.fail(
                    self.at,
                    end,
                    format!("unexpected text in the tag `<{}`", excerpt(name, 60)),
                );
            }
            let attribute = self.attribute(name)?;
            self.meter.spend(2, attribute.span);
            if let Some(first) = seen.insert(attribute.name, attribute.span) {
                let finding = self.malformed(
                    attribute.span.start as usize,
                    attribute.span.end as usize,
                    format!(
                        "`{}` of `<{}>` is there twice",
                        excerpt(attribute.name, 60),
                        excerpt(name, 60)
                    ),
                );
                return Err(Box::new(
                    finding.related(first, "first here").help("remove one"),
                ));
            }
            self.hold(size_of::<Attribute<'_>>());
            element.attributes.push(attribute);
        }
    }

    fn push(&mut self, element: Element<'t>) {
        self.hold(size_of::<Element<'_>>());
        self.document.elements.push(element);
    }

    /// Holds `bytes` more. A vector has room for up to twice what is in it.
    fn hold(&mut self, bytes: usize) {
        self.document.bytes += 2 * bytes;
        self.document.held.grow(self.document.bytes, self.file);
    }

    fn attribute(&mut self, element: &str) -> Step<Attribute<'t>> {
        let start = self.at;
        let Some(name) = self.name() else {
            let end = start + self.text[start..].chars().next().map_or(1, char::len_utf8);
            return self.fail(
                start,
                end,
                format!(
                    "an attribute name is expected in the tag `<{}`",
                    excerpt(element, 60)
                ),
            );
        };
        self.skip_space();
        if !self.text[self.at..].starts_with('=') {
            return self.fail(
                start,
                start + name.len(),
                format!("the attribute `{}` has no value", excerpt(name, 60)),
            );
        }
        self.at += 1;
        self.skip_space();
        let quote = match self.text.as_bytes().get(self.at) {
            Some(&quote @ (b'"' | b'\'')) => quote,
            _ => {
                return self.fail(
                    start,
                    self.at,
                    format!("the value of `{}` must be in quotes", excerpt(name, 60)),
                );
            }
        };
        self.at += 1;
        let from = self.at;
        self.skip_space();
        if is_expression(&self.text[self.at..]) {
            self.at = self.expression()?;
        } else {
            self.at = from;
        }
        let rest = &self.text.as_bytes()[self.at..];
        let Some(end) = memchr::memchr(quote, rest) else {
            return self.fail(
                from - 1,
                from,
                format!("the value of `{}` has no closing quote", excerpt(name, 60)),
            );
        };
        let to = self.at + end;
        self.at = to + 1;
        self.entities(from, to)?;
        Ok(Attribute {
            name,
            value: &self.text[from..to],
            span: self.span(from, to),
        })
    }

    /// Where the expression at the cursor ends in `text`.
    fn end_of_expression(&self, text: &str) -> Result<usize, Unbalanced> {
        /// A step is 16 bytes; each may open something, which takes 8.
        const OPEN: usize = 16 * 8;
        let place = self.span(self.at, self.at + 2);
        let held = RefCell::new((self.meter.budget().hold(0, place), 0));
        let charge = |steps: u64| {
            self.meter.spend(steps, place);
            let (held, bytes) = &mut *held.borrow_mut();
            *bytes += usize::try_from(steps).unwrap_or(usize::MAX / OPEN) * OPEN;
            held.grow(*bytes, place);
            true
        };
        end_of_expression(text, self.at, &charge)
    }

    /// The end of the expression at the cursor.
    fn expression(&self) -> Step<usize> {
        self.end_of_expression(self.text).map_err(|unbalanced| {
            Box::new(
                self.malformed(
                    self.at,
                    self.at + 2,
                    "the expression is not closed".to_owned(),
                )
                .related(
                    self.span(unbalanced.at, unbalanced.at + 1),
                    format!("{} opened here has no end", unbalanced.what),
                )
                .help("balance brackets and quotes"),
            )
        })
    }

    fn close(&mut self) -> Step {
        let start = self.at;
        self.at += 2;
        let name = self.name().unwrap_or("");
        self.skip_space();
        if !self.text[self.at..].starts_with('>') {
            return self.fail(
                start,
                self.at,
                format!("the tag `</{}` is not closed with `>`", excerpt(name, 60)),
            );
        }
        self.at += 1;
        let Some(index) = self.open.pop() else {
            return self.fail(
                start,
                self.at,
                format!("`</{}>` closes nothing", excerpt(name, 60)),
            );
        };
        let element = &self.document.elements[index];
        if element.name != name {
            let finding = self.malformed(
                start,
                self.at,
                format!(
                    "`</{}>` stands where `</{}>` is expected",
                    excerpt(name, 60),
                    excerpt(element.name, 60)
                ),
            );
            return Err(Box::new(
                finding
                    .related(
                        element.span,
                        format!("`<{}>` is opened here", excerpt(element.name, 60)),
                    )
                    .help("close elements in the order they were opened"),
            ));
        }
        Ok(())
    }

    fn text(&mut self) -> Step {
        let start = self.at;
        self.skip_space();
        if is_expression(&self.text[self.at..]) && !self.open.is_empty() {
            self.at = self.expression()?;
        }
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            match memchr::memchr2(b'<', b'@', rest) {
                None => {
                    self.at = self.text.len();
                    break;
                }
                Some(stop) => {
                    self.at += stop;
                    if rest[stop] == b'<' {
                        break;
                    }
                    // An `@(` inside text is an expression only when it ends.
                    self.at = if is_expression(&self.text[self.at..]) {
                        self.inner_expression()
                    } else {
                        self.at + 1
                    };
                }
            }
        }
        let text = &self.text[start..self.at];
        if self.open.is_empty() && !text.trim().is_empty() {
            let from = start + text.len() - text.trim_start().len();
            return self.fail(
                from,
                from + text.trim().len(),
                "there is text outside the root element",
            );
        }
        self.entities(start, self.at)?;
        self.push_text(start, self.at);
        Ok(())
    }

    /// The end of the expression at the cursor, inside a text; the next character when
    /// it does not end. That its bracket has no end may be known from an expression
    /// around it. Looking for an end that is not there goes to the end of the document,
    /// so that it is done a few times only; then it looks not so far.
    fn inner_expression(&mut self) -> usize {
        if self.endless_brackets.contains(&(self.at + 1)) {
            return self.at + 1;
        }
        let near = self.endless >= MAX_ENDLESS;
        let mut end = self.text.len();
        if near {
            end = end.min(self.at + NEAR);
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
        }
        let found = self.end_of_expression(&self.text[..end]);
        found.unwrap_or_else(|unbalanced| {
            self.endless += 1;
            if !near {
                self.hold(unbalanced.brackets.len() * size_of::<usize>());
                self.endless_brackets.extend(unbalanced.brackets);
            }
            self.at + 1
        })
    }

    fn push_text(&mut self, start: usize, end: usize) {
        let span = self.span(start, end);
        if let Some(&index) = self.open.last()
            && !self.text[start..end].trim().is_empty()
        {
            self.hold(size_of::<Text<'_>>());
            let text = &self.text[start..end];
            self.document.elements[index]
                .texts
                .push(Text { text, span });
        }
    }

    /// Only the five entities of XML and numeric ones exist. Text that merely
    /// holds an `&`, as expressions and query strings do, is let through.
    fn entities(&self, start: usize, end: usize) -> Step {
        let text = &self.text[start..end];
        if text.trim_start().starts_with(['@']) {
            return Ok(());
        }
        for (at, _) in text.match_indices('&') {
            let inside = &text[at + 1..];
            let Some(stop) = inside.find(|c: char| !c.is_ascii_alphanumeric()) else {
                continue;
            };
            let name = &inside[..stop];
            if inside[stop..].starts_with(';')
                && !name.is_empty()
                && !matches!(name, "lt" | "gt" | "amp" | "quot" | "apos")
            {
                let from = start + at;
                let span = self.span(from, from + stop + 2);
                return Err(Box::new(policy_doctype::entity(span, name)));
            }
        }
        Ok(())
    }
}

fn is_expression(text: &str) -> bool {
    text.starts_with("@(") || text.starts_with("@{")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReferenceKind, references};
    use flux_apim_diag::tree::Limits;
    use flux_apim_diag::{Budget, Place};
    use proptest::prelude::*;

    /// A name, and what makes the text of a size.
    type Shape = (&'static str, fn(usize) -> String);

    fn read(text: &str, max_depth: u64) -> (Document<'_>, Vec<Diagnostic>) {
        let mut findings = Findings::from(Vec::new());
        let document = parse(FileId(0), text, Root::Policies, max_depth, &mut findings);
        (document, findings.listed().to_vec())
    }

    fn found(text: &str) -> Vec<(u16, String)> {
        let (_, findings) = read(text, 256);
        findings
            .into_iter()
            .map(|finding| {
                let Place::Span(span) = finding.place else {
                    panic!("no span")
                };
                let at = text[span.start as usize..span.end as usize].to_owned();
                (finding.rule.code.0, at)
            })
            .collect()
    }

    #[test]
    fn what_apim_accepts() {
        for text in [
            "<policies/>",
            "\u{feff}<?xml version=\"1.0\"?><!-- a --><policies><inbound /></policies>\n",
            r#"<policies><when condition="@(x["a"] == "b" && 1 < 2)"><base /></when></policies>"#,
            r#"<policies><when condition="@(x[&quot;)&quot;] &lt; 2)"/></policies>"#,
            "<policies><set-body>@{ if (a < b) { return \"</x>\"; } return null; }</set-body></policies>",
            "<policies><set-url>https://a/?b=1&c=2</set-url></policies>",
            "<policies><value><![CDATA[a < b]]></value></policies>",
            "<policies><value>someone@(example</value></policies>",
            "<policies><!--><\"--><base /></policies>",
            "<policies><!-->--><!---></x>--><base /></policies>",
            "<policies><?><?><base /></policies>",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, code, at) in [
            ("", 3001, ""),
            ("<policies>", 3001, ""),
            ("<policies><a></policies>", 3001, "</policies>"),
            ("<policies></policies><x/>", 3001, "<x"),
            ("<policies a='1' a='2'/>", 3001, "2"),
            ("<policies a=1/>", 3001, "a="),
            ("<policies><a b=\"@(1\"/></policies>", 3001, "@("),
            ("<policies>&nbsp;</policies>", 3003, "&nbsp;"),
            ("<!DOCTYPE x><policies/>", 3003, "<!"),
            ("<fragment/>", 3002, "fragment"),
            ("<policies/> text", 3001, "text"),
            ("<policies><!--></policies>", 3001, "<!"),
            ("<policies><?></policies>", 3001, "<?"),
        ] {
            assert_eq!(found(text), [(code, at.to_owned())], "{text}");
        }
        let deep = "<a>".repeat(100_000);
        let (_, findings) = read(&deep, 256);
        assert_eq!(findings[0].rule.code.0, 1006);
    }

    #[test]
    fn a_document_is_known_by_its_first_element() {
        for (text, root) in [
            ("<!-->--><policies/>", Some(Root::Policies)),
            ("<!--><fragment>--><policies/>", Some(Root::Policies)),
            ("<?><fragment>?><policies/>", Some(Root::Policies)),
            (
                "\u{feff} <?xml version=\"1.0\"?> <fragment />",
                Some(Root::Fragment),
            ),
            ("<!--><policies/>", None),
        ] {
            assert_eq!(sniff(text), root, "{text}");
        }
    }

    #[test]
    fn what_is_named() {
        let text = r#"<policies>
            <!-- {{comment}} --><include-fragment fragment-id="f" />
            <set-backend-service backend-id="@(x)" /><set-backend-service backend-id="{{n}}" />
            <set-header name="x"><value>@("{{in-c}}" + 1)</value></set-header>
            <set-body template="liquid"><a>{{body.x}}</a></set-body><value>{{ not a name }}</value>
        </policies>"#;
        let (document, findings) = read(text, 256);
        assert!(findings.is_empty());
        let named: Vec<_> = references(&document, &Budget::default().meter())
            .into_iter()
            .map(|r| (r.kind, r.name))
            .collect();
        assert_eq!(
            named,
            [
                (ReferenceKind::Fragment, "f".to_owned()),
                (ReferenceKind::NamedValue, "n".to_owned()),
                (ReferenceKind::NamedValue, "in-c".to_owned()),
            ]
        );
    }

    /// What a text holds that is no expression is text, wherever it stands.
    #[test]
    fn expressions_among_those_that_do_not_end() {
        let inner = "a @( b @( c @(\"</x>\") d @{ e @( f";
        let text = format!("<policies><value>{inner}</value></policies>");
        let (document, findings) = read(&text, 256);
        assert!(findings.is_empty(), "{findings:#?}");
        assert_eq!(document.elements()[1].texts[0].text, inner);
    }

    /// Twice the text takes at most 2.3 times the steps and the memory.
    #[test]
    fn every_shape_is_linear() {
        let shapes: [Shape; 18] = [
            ("endless", |n| format!("<value>x {}", "@( ".repeat(n))),
            ("endless blocks", |n| {
                format!("<value>x {}", "@{ ".repeat(n))
            }),
            ("behind comments", |n| {
                format!("<value>x {}\n", "@(//".repeat(n))
            }),
            ("in strings", |n| format!("<value>x {}", "@(\"".repeat(n))),
            ("escaped quotes", |n| {
                format!("<value>x @(\"{}", "@(\\\"".repeat(n))
            }),
            ("open comments", |n| {
                format!("<value>x {}", "@(/*".repeat(n))
            }),
            ("holes", |n| format!("<value>x {}", "@($\"{".repeat(n))),
            ("expressions", |n| {
                format!("<value>x {}</value>", "@(1) ".repeat(n))
            }),
            ("attributes", |n| {
                let all: String = (0..n).map(|n| format!(" a{n}=\"@(1)\"")).collect();
                format!("<value{all}/>")
            }),
            ("elements", |n| "<a b='c'/>".repeat(n)),
            ("attributes of elements inside", |n| {
                let all: String = (0..n).map(|n| format!(" a{n}=''")).collect();
                format!("<set-body{all}>{}</set-body>", "<a/>".repeat(n))
            }),
            ("comments", |n| "<!-- -->".repeat(n)),
            ("data", |n| {
                format!("<value>{}</value>", "<![CDATA[x]]>".repeat(n))
            }),
            ("entities", |n| format!("<value>{}</value>", "&a".repeat(n))),
            ("open names", |n| {
                format!("<value>{}</value>", "{{".repeat(n))
            }),
            ("names that do not close", |n| {
                format!("<value>{}</value>", "{{a ".repeat(n))
            }),
            ("names far from what closes", |n| {
                format!("<value>{}{}}}}}</value>", "{{a".repeat(n), " ".repeat(n))
            }),
            ("names", |n| format!("<value>{}</value>", "{{a}}".repeat(n))),
        ];
        for (name, shape) in shapes {
            let cost = |n: usize| {
                let text = format!("<policies>{}</policies>", shape(n));
                let budget = Budget::default();
                let mut findings = Findings::new(&budget, &Limits::default());
                let document = parse(FileId(0), &text, Root::Policies, 256, &mut findings);
                let _ = references(&document, &budget.meter());
                drop(document);
                assert_eq!(budget.held(), 0, "{name}");
                (budget.spent() as f64, budget.peak() as f64)
            };
            let (once, twice) = (cost(5000), cost(10_000));
            assert!(
                twice.0 < once.0 * 2.3 + 100.0,
                "{name}: {once:?} then {twice:?}"
            );
            assert!(twice.1 < once.1 * 2.3, "{name}: {once:?} then {twice:?}");
        }
    }

    proptest! {
        #[test]
        fn is_total(text in "[\\PC\n<>/=\"'@(){}&;!?-]{0,80}") {
            let text = format!("<policies>{text}");
            let (document, findings) = read(&text, 8);
            let _ = references(&document, &Budget::default().meter());
            for finding in findings {
                let Place::Span(span) = finding.place else { continue };
                prop_assert!(text.get(span.start as usize..span.end as usize).is_some());
            }
        }
    }
}
