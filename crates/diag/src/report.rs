//! Diagnostics with lines and columns, sorted, counted, with levels applied.

use super::lines::{LineIndex, Position, Range, Snippet};
use super::{
    Exemption, Findings, Judge, Lowered, Place, Registry, Rule, Severity, Unlisted, Verdict,
};
use crate::tree::{FileId, ReadError, SourceTree};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A finding at lines and columns.
#[derive(Debug, Clone)]
pub struct Located {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The severity in force (`flux-apim.yaml` may change it).
    pub severity: Severity,
    /// What lowered it below the severity of its rule.
    pub lowered: Option<Lowered>,
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
    /// How many findings it stands for: one, unless it counts those that are not
    /// listed.
    pub count: u64,
    /// The source that `path` is relative to, where a report has several.
    pub source: Option<Arc<str>>,
}

impl Located {
    /// Whether it counts no longer: it is listed for machines only.
    pub fn is_suppressed(&self) -> bool {
        matches!(&self.lowered, Some(lowered) if lowered.to.is_none())
    }

    /// By path, place and code; equal findings are one.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |d: &'_ Self| (d.range, d.rule.code);
        self.source
            .cmp(&other.source)
            .then_with(|| self.path.cmp(&other.path))
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| self.message.cmp(&other.message))
    }
}

/// How many findings of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Errors.
    pub error: u64,
    /// Warnings.
    pub warning: u64,
    /// Infos.
    pub info: u64,
    /// Findings of any severity that count no longer.
    pub suppressed: u64,
}

/// All findings of one run, sorted by path, place and code. Serialises as diagnostics
/// in JSON, version 1 (contract section 3).
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The findings.
    pub diagnostics: Vec<Located>,
}

impl Report {
    /// Gives every finding its line and column. Each file with findings is
    /// read once. `judge` decides what is in force of each.
    ///
    /// # Errors
    /// A file with findings cannot be read again.
    pub fn resolve(
        findings: &Findings,
        tree: &SourceTree,
        judge: &impl Judge,
    ) -> Result<Self, ReadError> {
        let mut files: BTreeMap<FileId, Option<LineIndex>> = BTreeMap::new();
        for d in findings.listed() {
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
        let hidden = findings.hidden();
        let mut located: Vec<Located> = findings
            .listed()
            .iter()
            .filter_map(|d| {
                let Verdict { severity, lowered } = judge.judge(d, tree)?;
                let (path, range) = locate(&d.place);
                let snippet = match &d.place {
                    Place::Span(span) if d.rule.shows_source => files
                        .get(&span.file)
                        .and_then(Option::as_ref)
                        .and_then(|index| {
                            let hidden = hidden.get(&span.file).map_or(&[][..], Vec::as_slice);
                            index.snippet(span.start, span.end, hidden)
                        }),
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
                    lowered,
                    message: d.message.clone(),
                    help: d.help.clone(),
                    path,
                    range,
                    snippet,
                    related,
                    count: 1,
                    source: None,
                })
            })
            .collect();
        let rest = findings.unlisted();
        located.extend(rest.filter_map(|(file, rest)| {
            let path = file.map(|file| tree.path(file).as_str());
            let verdict = judge.judge_counted(rest.rule, path)?;
            Some(not_listed(path, rest, verdict))
        }));
        located.sort_by(Located::order);
        located.dedup_by(|a, b| a.order(b).is_eq());
        Ok(Self {
            diagnostics: located,
        })
    }

    /// Findings of rules of `registry` that another program found in `tree`, in the form
    /// in which a report serialises.
    ///
    /// # Errors
    /// What of the document cannot be understood.
    pub fn from_json(
        document: &Value,
        tree: &SourceTree,
        registry: Registry,
    ) -> Result<Self, String> {
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
        let mut hidden: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
        for entry in list {
            let rule = registry.get(entry["code"].as_str().unwrap_or(""));
            if let (Some(path), Some(range)) = (entry["path"].as_str(), range(&entry["range"]))
                && rule.is_some_and(|rule| !rule.shows_source)
            {
                let of_file = hidden.entry(path).or_default();
                of_file.push((range.start.offset, range.end.offset));
            }
        }
        hidden.values_mut().for_each(|spans| spans.sort_unstable());
        let mut indexes: BTreeMap<String, Option<LineIndex>> = BTreeMap::new();
        let mut diagnostics = Vec::new();
        for entry in list {
            let code = text(&entry["code"], "code")?;
            let rule = registry
                .get(&code)
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
                .filter(|_| rule.shows_source)
                .and_then(|(index, range)| {
                    let hidden = hidden.get(path.as_str()).map_or(&[][..], Vec::as_slice);
                    index.snippet(range.start.offset, range.end.offset, hidden)
                });
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
                lowered: suppressed(&entry["suppressed"])?,
                message: text(&entry["message"], "message")?,
                help: entry["help"].as_str().map(str::to_owned),
                range: range_in,
                snippet,
                related: related.collect::<Result<_, String>>()?,
                path,
                count: 1,
                source: None,
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

    /// The same findings, said to be of `source`.
    #[must_use]
    pub fn of_source(mut self, source: &str) -> Self {
        let source: Arc<str> = source.into();
        for finding in &mut self.diagnostics {
            finding.source = Some(Arc::clone(&source));
        }
        self
    }

    /// The same findings at other places: `moved` gives each path of the tree another one.
    #[must_use]
    pub fn moved(mut self, moved: impl Fn(&str) -> String) -> Self {
        for finding in &mut self.diagnostics {
            let related = finding.related.iter_mut().map(|(path, ..)| path);
            for path in std::iter::once(&mut finding.path).chain(related) {
                if !path.is_empty() {
                    *path = moved(path);
                }
            }
        }
        self
    }

    /// Counts by severity.
    pub fn summary(&self) -> Summary {
        let count = |severity| {
            let listed = self.diagnostics.iter();
            let same = listed.filter(|d| d.severity == severity && !d.is_suppressed());
            same.map(|d| d.count).sum()
        };
        let suppressed = self.diagnostics.iter().filter(|d| d.is_suppressed());
        Summary {
            error: count(Severity::Error),
            warning: count(Severity::Warning),
            info: count(Severity::Info),
            suppressed: suppressed.map(|d| d.count).sum(),
        }
    }

    /// Those that count, for people.
    pub fn in_force(&self) -> impl Iterator<Item = &Located> {
        self.diagnostics.iter().filter(|d| !d.is_suppressed())
    }
}

/// `suppressed` of a finding in JSON.
fn suppressed(value: &Value) -> Result<Option<Lowered>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let kinds = [Exemption::Allowance, Exemption::Level, Exemption::Baseline];
    let kind = value["kind"].as_str();
    let by = kinds.into_iter().find(|by| kind == Some(by.as_str()));
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Ok(Some(Lowered {
        by: by.ok_or("a suppressed finding has no kind; upgrade")?,
        to: None,
        reason: text("reason"),
        until: text("until"),
    }))
}

/// What stands for findings that are only counted.
fn not_listed(path: Option<&str>, rest: &Unlisted, verdict: Verdict) -> Located {
    let at = path.map_or(String::new(), |path| format!(" in `{path}`"));
    let (flag, cap) = rest.cap;
    Located {
        rule: rest.rule,
        severity: verdict.severity,
        lowered: verdict.lowered,
        message: format!(
            "{} more findings of this rule{at} are not listed",
            rest.count
        ),
        help: Some(format!("raise the cap of {cap} with --{flag} to see them")),
        path: path.unwrap_or("").to_owned(),
        range: None,
        snippet: None,
        related: Vec::new(),
        count: rest.count,
        source: None,
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Report", 3)?;
        document.serialize_field("version", &1)?;
        document.serialize_field("diagnostics", &self.diagnostics)?;
        document.serialize_field("summary", &self.summary())?;
        document.end()
    }
}

impl Serialize for Located {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Related<'a> {
            path: &'a str,
            range: Option<Range>,
            message: &'a str,
        }
        let related = self.related.iter().map(|(path, range, message)| Related {
            path,
            range: *range,
            message,
        });
        #[derive(serde::Serialize)]
        struct Suppressed<'a> {
            kind: &'static str,
            reason: Option<&'a str>,
            until: Option<&'a str>,
        }
        let lowered = self.lowered.as_ref().filter(|_| self.is_suppressed());
        let suppressed = lowered.map(|lowered| Suppressed {
            kind: lowered.by.as_str(),
            reason: lowered.reason.as_deref(),
            until: lowered.until.as_deref(),
        });
        let mut finding = serializer.serialize_struct("Located", 11)?;
        finding.serialize_field("code", &self.rule.code.to_string())?;
        finding.serialize_field("name", self.rule.name)?;
        finding.serialize_field("severity", self.severity.as_str())?;
        finding.serialize_field("message", &self.message)?;
        finding.serialize_field("help", &self.help)?;
        match &self.source {
            Some(source) => finding.serialize_field("source", &**source)?,
            None => finding.skip_field("source")?,
        }
        finding.serialize_field("path", &self.path)?;
        finding.serialize_field("range", &self.range)?;
        finding.serialize_field("related", &related.collect::<Vec<_>>())?;
        finding.serialize_field("suppressed", &suppressed)?;
        finding.serialize_field("url", &self.rule.url())?;
        finding.end()
    }
}
