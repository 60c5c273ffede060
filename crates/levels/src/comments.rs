//! Comments that speak to this program, and the lines that they cover.

use flux_apim_diag::Findings;
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_policy::{self as policy, MARK};
use flux_apim_syntax::{self as syntax, Allow, Document, Format};
use memchr::memmem;
use std::ops::Range;

/// How comments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `<!-- -->`
    Xml,
    /// `#`
    Yaml,
    /// `//` and `/* */`
    Proto,
    /// `#`, with `"""` around long texts.
    Graphql,
    /// None: a key says it.
    Json,
}

impl Style {
    /// By the extension of the file; none where nothing is looked for.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        Some(match extension.as_str() {
            "xml" | "wsdl" | "wadl" | "edmx" | "xsd" => Self::Xml,
            "yaml" | "yml" => Self::Yaml,
            "proto" => Self::Proto,
            "graphql" | "graphqls" | "gql" => Self::Graphql,
            "json" => Self::Json,
            _ => return None,
        })
    }
}

/// A comment: all of it, and what it says behind the mark.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) whole: Range<usize>,
    pub(crate) said: String,
    /// Its own lines and the next one that is no comment.
    pub(crate) covers: Range<usize>,
    /// Whether it is the first thing in the file.
    pub(crate) is_first: bool,
}

/// What a file says to this program.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) comments: Vec<Note>,
    pub(crate) keys: Vec<Allow>,
}

/// Reads them from a text that has the mark somewhere. Grammar errors are told by whoever
/// reads the document for its content.
pub(crate) fn notes(
    file: FileId,
    name: &str,
    text: &str,
    style: Style,
    limits: &Limits,
    findings: &Findings,
) -> Notes {
    let mut notes = Notes::default();
    let lines = Lines::of(text);
    let found = match style {
        Style::Xml => xml(file, text, limits, findings),
        Style::Proto => lexed(text, &lines, &["//"], &["\"", "'"], Some(("/*", "*/"))),
        Style::Graphql => lexed(text, &lines, &["#"], &["\"\"\"", "\""], None),
        Style::Json | Style::Yaml => {
            let format = match style {
                Style::Yaml => Format::Yaml,
                _ => Format::of(name, text),
            };
            let options = syntax::Options {
                malformed: &flux_apim_syntax::rules::MALFORMED_DOCUMENT,
                limits,
            };
            let mut unheard = findings.part();
            let document = syntax::parse(file, text.to_owned(), format, options, &mut unheard);
            let Some(document) = document else {
                return notes;
            };
            notes.keys = document.allows().to_vec();
            match format {
                Format::Yaml => yaml(text, &lines, &document),
                Format::Json => Vec::new(),
            }
        }
    };
    notes.comments = covered(text, &lines, found, style);
    notes
}

fn xml(file: FileId, text: &str, limits: &Limits, findings: &Findings) -> Vec<Range<usize>> {
    if let Some(root) = policy::sniff(text) {
        let mut unheard = findings.part();
        let document = policy::parse(file, text, root, limits.max_depth, &mut unheard);
        let spans = document.notes().iter();
        return spans
            .map(|span| span.start as usize..span.end as usize)
            .collect();
    }
    // Plain XML has no `<` in its attributes and texts.
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find("<!") {
        at += next;
        let rest = &text[at..];
        let (open, close) = if rest.starts_with("<!--") {
            ("<!--", "-->")
        } else if rest.starts_with("<![CDATA[") {
            ("<![CDATA[", "]]>")
        } else {
            ("<!", "")
        };
        let Some(end) = rest[open.len()..].find(close) else {
            break;
        };
        let whole = at..at + open.len() + end + close.len();
        let is_comment = open == "<!--";
        if is_comment && said(&text[whole.clone()], "<!--", "-->").is_some() {
            found.push(whole.clone());
        }
        at = whole.end;
    }
    found
}

/// What a comment says behind the mark, if it has one.
fn said<'t>(whole: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let inside = whole.strip_prefix(open)?;
    let inside = inside.strip_suffix(close).unwrap_or(inside);
    inside.trim_start().strip_prefix(MARK)
}

/// `#` behind space or at the begin of a line, outside of every key, text and number.
fn yaml(text: &str, lines: &Lines, document: &Document) -> Vec<Range<usize>> {
    let mut scalars: Vec<Range<usize>> = Vec::new();
    for index in 0..document.root().end_index() {
        let node = document.node(index);
        if !matches!(
            node.kind(),
            syntax::NodeKind::Array | syntax::NodeKind::Object
        ) {
            scalars.push(node.span().start as usize..node.span().end as usize);
        }
    }
    let taken = document.allows().iter();
    scalars.extend(taken.map(|allow| allow.key.start as usize..allow.value.end as usize));
    scalars.sort_unstable_by_key(|range| (range.start, range.end));
    // Where the text of any scalar that begins up to here ends.
    let mut ends = Vec::with_capacity(scalars.len());
    let mut last = 0;
    for range in &scalars {
        last = last.max(range.end);
        ends.push(last);
    }
    let mut found = Vec::new();
    for mark in memmem::find_iter(text.as_bytes(), MARK) {
        let before = text[..mark].trim_end_matches([' ', '\t']);
        let Some(hash) = before.strip_suffix('#').map(str::len) else {
            continue;
        };
        // What follows in the same comment is a part of it.
        if found
            .last()
            .is_some_and(|last: &Range<usize>| hash < last.end)
        {
            continue;
        }
        let behind_space = hash == 0 || text[..hash].ends_with([' ', '\t', '\n']);
        let earlier = scalars.partition_point(|range| range.start <= hash);
        let in_scalar = earlier > 0 && ends[earlier - 1] > hash;
        if behind_space && !in_scalar {
            found.push(hash..lines.end(hash));
        }
    }
    found
}

/// Comments of a language with quoted texts.
fn lexed(
    text: &str,
    lines: &Lines,
    line_comments: &[&str],
    quotes: &[&str],
    block: Option<(&str, &str)>,
) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    let at_any = |at: usize, words: &[&'static str]| -> Option<&'static str> {
        let here = |word: &&&'static str| bytes[at..].starts_with(word.as_bytes());
        words.iter().find(here).copied()
    };
    let known: Vec<&'static str> = ["//", "#", "\"\"\"", "\"", "'"]
        .into_iter()
        .filter(|word| line_comments.contains(word) || quotes.contains(word))
        .collect();
    while at < bytes.len() {
        if let Some((open, close)) = block
            && bytes[at..].starts_with(open.as_bytes())
        {
            let inside = &bytes[at + open.len()..];
            let Some(end) = memmem::find(inside, close.as_bytes()) else {
                break;
            };
            let whole = at..at + open.len() + end + close.len();
            at = whole.end;
            found.push(whole);
            continue;
        }
        match at_any(at, &known) {
            Some(word) if line_comments.contains(&word) => {
                let end = lines.end(at);
                found.push(at..end);
                at = end;
            }
            Some(quote) => at = quoted(bytes, at + quote.len(), quote.as_bytes()),
            None => at += 1,
        }
    }
    let speaks = |range: &Range<usize>| {
        let whole = &text[range.clone()];
        let opens = line_comments
            .iter()
            .copied()
            .chain(block.map(|(open, _)| open));
        let close = block.map_or("", |(_, close)| close);
        opens
            .into_iter()
            .any(|open| said(whole, open, close).is_some())
    };
    found.retain(speaks);
    found
}

/// Behind the quote that closes the text that begins at `at`. A short text ends with its
/// line.
fn quoted(bytes: &[u8], mut at: usize, quote: &[u8]) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' if quote.len() == 1 => return at,
            _ if bytes[at..].starts_with(quote) => return at + quote.len(),
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Where lines begin and end.
struct Lines {
    /// The place of each line break.
    breaks: Vec<usize>,
    len: usize,
}

impl Lines {
    fn of(text: &str) -> Self {
        Self {
            breaks: memchr::memchr_iter(b'\n', text.as_bytes()).collect(),
            len: text.len(),
        }
    }

    fn start(&self, at: usize) -> usize {
        let before = self.breaks.partition_point(|&end| end < at);
        before
            .checked_sub(1)
            .map_or(0, |line| self.breaks[line] + 1)
    }

    fn end(&self, at: usize) -> usize {
        let before = self.breaks.partition_point(|&end| end < at);
        self.breaks.get(before).copied().unwrap_or(self.len)
    }
}

/// What each comment covers, from the last to the first: comments that follow each other
/// cover the same line.
fn covered(text: &str, lines: &Lines, found: Vec<Range<usize>>, style: Style) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let leading = text.trim_start_matches('\u{feff}').trim_start();
    let leading = text.len() - leading.len();
    for whole in found.into_iter().rev() {
        let start = lines.start(whole.start);
        let before = notes.last().map(|note| (note.whole.start, note.covers.end));
        let end = next_line(text, lines, whole.end, style, before);
        let opens = ["<!--", "/*", "//", "#"];
        let mark = opens.into_iter().find_map(|open| {
            let close = match open {
                "<!--" => "-->",
                "/*" => "*/",
                _ => "",
            };
            said(&text[whole.clone()], open, close)
        });
        let first = text.get(leading..whole.start).unwrap_or("").trim_end();
        let is_first = first.is_empty() || first == "---" || is_declaration(first);
        notes.push(Note {
            said: mark.unwrap_or("").trim().to_owned(),
            covers: start..end,
            whole,
            is_first,
        });
    }
    notes.reverse();
    notes
}

/// `<?xml version="1.0"?>`
fn is_declaration(text: &str) -> bool {
    let inside = text
        .strip_prefix("<?")
        .and_then(|rest| rest.strip_suffix("?>"));
    inside.is_some_and(|inside| !inside.contains("?>"))
}

/// The end of the next line behind `from` that holds more than comments. `known` is the
/// next comment that speaks to us, and where what it covers ends.
fn next_line(
    text: &str,
    lines: &Lines,
    from: usize,
    style: Style,
    known: Option<(usize, usize)>,
) -> usize {
    let known_from = |at: usize| known.filter(|(start, _)| at >= *start).map(|(_, end)| end);
    // What stands behind the comment on its own line does not count as the next line.
    let mut at = lines.end(from);
    while at < text.len() {
        if let Some(end) = known_from(at) {
            return end;
        }
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        if at >= text.len() {
            break;
        }
        if let Some(end) = known_from(at) {
            return end;
        }
        let rest = &text[at..];
        let block = match style {
            Style::Xml => Some(("<!--", "-->")),
            Style::Proto => Some(("/*", "*/")),
            Style::Yaml | Style::Graphql | Style::Json => None,
        };
        let line = match style {
            Style::Yaml | Style::Graphql => Some("#"),
            Style::Proto => Some("//"),
            Style::Xml | Style::Json => None,
        };
        if let Some((open, close)) = block
            && let Some(inside) = rest.strip_prefix(open)
        {
            match inside.find(close) {
                Some(end) => at += open.len() + end + close.len(),
                None => return text.len(),
            }
        } else if line.is_some_and(|open| rest.starts_with(open)) {
            at = lines.end(at);
        } else {
            return lines.end(at);
        }
    }
    text.len()
}
