//! Findings in JSON, version 1 (contract section 3): as a report serialises, and as it is
//! read back from another program.

use super::fix::{LocatedFix, Replacement};
use super::lines::{LineIndex, Position, Range, apart};
use super::{Exemption, Located, Lowered, Registry, Report, Severity};
use crate::tree::SourceTree;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

impl Report {
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
        hidden.values_mut().for_each(apart);
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
                fix: fix(&entry["fix"], range),
                range: range_in,
                snippet,
                related: related.collect::<Result<_, String>>()?,
                path,
                count: 1,
                source: None,
            });
        }
        // Older versions do not say them.
        let prerequisites = match document.get("prerequisites") {
            None => Vec::new(),
            Some(list) => serde_json::from_value(list.clone()).map_err(|e| e.to_string())?,
        };
        let looked_at = document.get("checked").cloned();
        Ok(Self {
            diagnostics,
            prerequisites,
            looked_at: looked_at.and_then(|counts| serde_json::from_value(counts).ok()),
        })
    }
}

/// `fix` of a finding in JSON; none of one that a newer version may have written.
fn fix(value: &Value, range: impl Fn(&Value) -> Option<Range>) -> Option<LocatedFix> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let edits = value["edits"].as_array()?.iter().map(|edit| {
        Some(Replacement {
            path: text(&edit["path"])?,
            range: range(&edit["range"])?,
            text: text(&edit["text"])?,
        })
    });
    Some(LocatedFix {
        title: text(&value["title"])?,
        is_safe: value["safe"].as_bool()?,
        edits: edits.collect::<Option<_>>()?,
    })
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

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Report", 5)?;
        document.serialize_field("version", &1)?;
        match &self.looked_at {
            Some(counts) => document.serialize_field("checked", counts)?,
            None => document.skip_field("checked")?,
        }
        document.serialize_field("diagnostics", &self.diagnostics)?;
        match self.prerequisites.is_empty() {
            true => document.skip_field("prerequisites")?,
            false => document.serialize_field("prerequisites", &self.prerequisites)?,
        }
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
        #[derive(serde::Serialize)]
        struct Edit<'a> {
            path: &'a str,
            range: Range,
            text: &'a str,
        }
        #[derive(serde::Serialize)]
        struct Fix<'a> {
            title: &'a str,
            safe: bool,
            edits: Vec<Edit<'a>>,
        }
        let fix = self.fix.as_ref().map(|fix| Fix {
            title: &fix.title,
            safe: fix.is_safe,
            edits: Vec::from_iter(fix.edits.iter().map(|edit| Edit {
                path: &edit.path,
                range: edit.range,
                text: &edit.text,
            })),
        });
        let mut finding = serializer.serialize_struct("Located", 12)?;
        finding.serialize_field("code", &self.rule.code.to_string())?;
        finding.serialize_field("name", self.rule.name)?;
        finding.serialize_field("severity", self.severity.as_str())?;
        finding.serialize_field("message", &self.message)?;
        finding.serialize_field("help", &self.help)?;
        match &fix {
            Some(fix) => finding.serialize_field("fix", fix)?,
            None => finding.skip_field("fix")?,
        }
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
