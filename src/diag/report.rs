//! Diagnostics with lines and columns, sorted, counted, with levels applied.

use super::{Code, Diagnostic, Place, Rule, Severity, rules};
use crate::tree::{FileId, ReadError, SourceTree};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A point in a file. Lines and columns are 1-based, columns count Unicode
/// scalar values, offsets are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// 1-based line.
    pub line: u32,
    /// 1-based column in Unicode scalar values.
    pub column: u32,
    /// Byte offset in the file.
    pub offset: u32,
}

/// From the first point to one past the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// First point.
    pub start: Position,
    /// One past the last point.
    pub end: Position,
}

impl Range {
    /// As the `range` object of contract section 3.
    pub fn to_json(&self) -> Value {
        let point = |p: &Position| json!({"line": p.line, "column": p.column, "offset": p.offset});
        json!({"start": point(&self.start), "end": point(&self.end)})
    }
}

/// The line on which a finding starts, shortened around it.
#[derive(Debug, Clone)]
pub struct Snippet {
    /// Text of the line, or a part of it.
    pub text: String,
    /// Bytes of `text` that the finding marks.
    pub mark: std::ops::Range<usize>,
}

/// A finding at lines and columns.
#[derive(Debug, Clone)]
pub struct Located {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The severity in force (`flux-apim.yaml` may change it).
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// File, folder or entry; empty for the source as a whole.
    pub path: String,
    /// Where in the file.
    pub range: Option<Range>,
    /// The line concerned.
    pub snippet: Option<Snippet>,
    /// Other places.
    pub related: Vec<(String, Option<Range>, String)>,
}

impl Located {
    /// By path, place and code; equal findings are one.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |d: &'_ Self| (d.range, d.rule.code);
        self.path
            .cmp(&other.path)
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| self.message.cmp(&other.message))
    }
}

/// How many findings of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Errors.
    pub error: usize,
    /// Warnings.
    pub warning: usize,
    /// Infos.
    pub info: usize,
}

/// All findings of one run, sorted by path, place and code.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The findings.
    pub diagnostics: Vec<Located>,
}

impl Report {
    /// Gives every finding its line and column. Each file with findings is
    /// read once. `levels` changes severities; `None` silences a rule.
    ///
    /// # Errors
    /// A file with findings cannot be read again.
    pub fn resolve(
        diagnostics: Vec<Diagnostic>,
        tree: &SourceTree,
        levels: &BTreeMap<Code, Option<Severity>>,
    ) -> Result<Self, ReadError> {
        let mut files: BTreeMap<FileId, Option<LineIndex>> = BTreeMap::new();
        for d in &diagnostics {
            for place in std::iter::once(&d.place).chain(d.related.iter().map(|(place, _)| place)) {
                if let Place::Span(span) = place {
                    files.insert(span.file, None);
                }
            }
        }
        for (file, index) in &mut files {
            *index = Some(LineIndex::new(tree.read(*file)?.into_owned()));
        }
        let locate = |place: &Place| match place {
            Place::Span(span) => {
                let index = files.get(&span.file).and_then(Option::as_ref);
                let range = index.map(|index| index.range(span.start, span.end));
                (tree.path(span.file).to_string(), range)
            }
            Place::File(file) => (tree.path(*file).to_string(), None),
            Place::Path(path) => (path.clone(), None),
            Place::Source => (String::new(), None),
        };
        let mut located: Vec<Located> = diagnostics
            .into_iter()
            .filter_map(|d| {
                let severity = levels
                    .get(&d.rule.code)
                    .copied()
                    .unwrap_or(Some(d.rule.severity))?;
                let (path, range) = locate(&d.place);
                let snippet = match &d.place {
                    Place::Span(span) => files
                        .get(&span.file)
                        .and_then(Option::as_ref)
                        .map(|index| index.snippet(span.start, span.end)),
                    _ => None,
                };
                let related = d
                    .related
                    .iter()
                    .map(|(place, text)| {
                        let (path, range) = locate(place);
                        (path, range, text.clone())
                    })
                    .collect();
                Some(Located {
                    rule: d.rule,
                    severity,
                    message: d.message,
                    help: d.help,
                    path,
                    range,
                    snippet,
                    related,
                })
            })
            .collect();
        located.sort_by(Located::order);
        located.dedup_by(|a, b| a.order(b).is_eq());
        Ok(Self {
            diagnostics: located,
        })
    }

    /// Findings that another program found in `tree` and wrote as
    /// [`Report::to_json`] does.
    ///
    /// # Errors
    /// What of the document cannot be understood.
    pub fn from_json(document: &Value, tree: &SourceTree) -> Result<Self, String> {
        let text = |value: &Value, what: &str| match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("a finding has no {what}")),
        };
        let range = |value: &Value| -> Option<Range> {
            let point = |value: &Value| {
                let number = |name: &str| u32::try_from(value[name].as_u64()?).ok();
                Some(Position {
                    line: number("line")?,
                    column: number("column")?,
                    offset: number("offset")?,
                })
            };
            Some(Range {
                start: point(&value["start"])?,
                end: point(&value["end"])?,
            })
        };
        let list = document["diagnostics"].as_array();
        let list = list.ok_or("there are no diagnostics")?;
        let mut indexes: BTreeMap<String, Option<LineIndex>> = BTreeMap::new();
        let mut diagnostics = Vec::new();
        for entry in list {
            let code = text(&entry["code"], "code")?;
            let rule = super::rule(&code)
                .ok_or_else(|| format!("there is no rule {code} in this version; upgrade"))?;
            let path = text(&entry["path"], "path")?;
            let range_in = range(&entry["range"]);
            let index = indexes.entry(path.clone()).or_insert_with(|| {
                let bytes = tree.read(tree.find(&path)?).ok()?;
                Some(LineIndex::new(bytes.into_owned()))
            });
            let snippet = index
                .as_ref()
                .zip(range_in)
                .map(|(index, range)| index.snippet(range.start.offset, range.end.offset));
            let related = entry["related"].as_array().into_iter().flatten();
            let related = related.map(|place| {
                let path = text(&place["path"], "related path")?;
                let message = text(&place["message"], "related message")?;
                Ok((path, range(&place["range"]), message))
            });
            let severity = match entry["severity"].as_str() {
                Some("error") => Severity::Error,
                Some("warning") => Severity::Warning,
                Some("info") => Severity::Info,
                _ => return Err("a finding has no severity".to_owned()),
            };
            diagnostics.push(Located {
                rule,
                severity,
                message: text(&entry["message"], "message")?,
                help: entry["help"].as_str().map(str::to_owned),
                range: range_in,
                snippet,
                related: related.collect::<Result<_, String>>()?,
                path,
            });
        }
        Ok(Self { diagnostics })
    }

    /// Adds the findings of `other`, in their places.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.diagnostics.extend(other.diagnostics);
        self.diagnostics.sort_by(Located::order);
        self.diagnostics.dedup_by(|a, b| a.order(b).is_eq());
        self
    }

    /// Counts by severity.
    pub fn summary(&self) -> Summary {
        let count = |severity| {
            self.diagnostics
                .iter()
                .filter(|d| d.severity == severity)
                .count()
        };
        Summary {
            error: count(Severity::Error),
            warning: count(Severity::Warning),
            info: count(Severity::Info),
        }
    }

    /// Diagnostics as JSON, version 1 (contract section 3).
    pub fn to_json(&self) -> Value {
        let diagnostics: Vec<Value> = self
            .diagnostics
            .iter()
            .map(|d| {
                let related: Vec<Value> = d
                    .related
                    .iter()
                    .map(|(path, range, message)| {
                        json!({"path": path, "range": range.map(|r| r.to_json()), "message": message})
                    })
                    .collect();
                json!({
                    "code": d.rule.code.to_string(),
                    "name": d.rule.name,
                    "severity": d.severity.as_str(),
                    "message": d.message,
                    "help": d.help,
                    "path": d.path,
                    "range": d.range.map(|r| r.to_json()),
                    "related": related,
                    "suppressed": null,
                    "url": rules::url(d.rule),
                })
            })
            .collect();
        let summary = self.summary();
        json!({
            "version": 1,
            "diagnostics": diagnostics,
            "summary": {
                "error": summary.error, "warning": summary.warning,
                "info": summary.info, "suppressed": 0,
            },
        })
    }
}

/// Where the lines of a file start.
pub(crate) struct LineIndex {
    text: Vec<u8>,
    starts: Vec<u32>,
}

impl LineIndex {
    pub(crate) fn new(text: Vec<u8>) -> Self {
        let newlines =
            memchr::memchr_iter(b'\n', &text).map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX));
        let starts = std::iter::once(0).chain(newlines).collect();
        Self { text, starts }
    }

    /// Index of the line that holds byte `offset`.
    fn line(&self, offset: u32) -> usize {
        self.starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    fn position(&self, offset: u32) -> Position {
        let offset = offset.min(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        let line = self.line(offset);
        let before = &self.text[self.starts[line] as usize..offset as usize];
        // Scalar values: every byte that does not continue a UTF-8 sequence.
        // A byte order mark is no column.
        let scalars = before.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        let mark = usize::from(line == 0 && before.starts_with(b"\xEF\xBB\xBF"));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position {
            line: number(line + 1),
            column: number(scalars - mark + 1),
            offset,
        }
    }

    pub(crate) fn range(&self, start: u32, end: u32) -> Range {
        Range {
            start: self.position(start),
            end: self.position(end.max(start)),
        }
    }

    /// The line of `start`, at most 160 bytes around the mark.
    fn snippet(&self, start: u32, end: u32) -> Snippet {
        let len = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let (start, end) = (start.min(len), end.min(len).max(start.min(len)));
        let line = self.line(start);
        let from = self.starts[line];
        let to = self.starts.get(line + 1).map_or(len, |next| next - 1);
        let mut window = from..to.max(from);
        if window.len() > 160 {
            window.start = start.saturating_sub(60).max(from);
            window.end = (window.start + 160).min(to);
        }
        let boundary = |mut at: u32| {
            while at > from && at < len && self.text[at as usize] & 0xC0 == 0x80 {
                at -= 1;
            }
            at as usize
        };
        let (a, b) = (boundary(window.start), boundary(window.end));
        let line_text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&self.text[range])
                .replace(['\r', '\n'], "")
                .replace('\t', " ")
        };
        let mark_start = boundary(start).clamp(a, b);
        let mark_end = boundary(end).clamp(mark_start, b);
        let (before, marked, after) = (
            line_text(a..mark_start),
            line_text(mark_start..mark_end),
            line_text(mark_end..b),
        );
        let mark = before.len()..before.len() + marked.len();
        Snippet {
            text: before + &marked + &after,
            mark,
        }
    }
}
