//! Changes as JSON, for people, and for pull requests.

use super::{Action, Change, Changes};
use flux_apim_diag::excerpt;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// Values are cut after this many characters where people read them.
const SHOWN: usize = 120;
/// Bytes of differences in Markdown; a comment on GitHub holds 65,536.
const MARKDOWN: usize = 40_000;

/// Changes as JSON, version 1. A classification of breaking changes will be a field
/// `breaking` of each resource; it is not there yet.
impl Serialize for Changes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.counts();
        let mut document = serializer.serialize_struct("Changes", 3)?;
        document.serialize_field("version", &1)?;
        document.serialize_field("resources", &Resources(&self.resources))?;
        let summary = json!({
            "added": counts.added, "removed": counts.removed,
            "changed": counts.changed, "unchanged": self.unchanged,
        });
        document.serialize_field("summary", &summary)?;
        document.end()
    }
}

/// Written one by one: as JSON values they would take several times their text.
struct Resources<'c>(&'c [Change]);

impl Serialize for Resources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(entry))
    }
}

impl Changes {
    /// Changes as JSON.
    pub fn to_json(&self) -> Json {
        // Nothing in it has keys that are no strings.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// For a terminal.
    pub fn to_human(&self) -> String {
        let mut out = String::new();
        for change in &self.resources {
            let sign = match change.action {
                Action::Added => '+',
                Action::Removed => '-',
                Action::Changed => '~',
            };
            let _ = writeln!(out, "{sign} {}", excerpt(&change.id, 400));
            for property in &change.properties {
                let path = excerpt(&property.path, 200);
                let _ = match (&property.old, &property.new) {
                    (None, Some(new)) => writeln!(out, "    {path}: {}", shown(new)),
                    (Some(_), None) => writeln!(out, "    {path}: removed"),
                    (old, new) => {
                        let [old, new] =
                            [old, new].map(|v| v.as_ref().map_or_else(String::new, shown));
                        writeln!(out, "    {path}: {old} -> {new}")
                    }
                };
            }
            for (sign, name) in operations(change) {
                let _ = writeln!(out, "    {sign} {}", excerpt(&name, 300));
            }
            if change.definition.as_ref().is_some_and(|d| d.elsewhere) {
                out.push_str("    definition: changes outside of operations\n");
            }
            for text in &change.texts {
                let path = excerpt(&text.path, 200);
                match &text.diff {
                    None => {
                        let _ = writeln!(out, "    {path}: another text, too large to compare");
                    }
                    Some(diff) => {
                        let _ = writeln!(out, "    {path}:");
                        for line in diff.lines() {
                            let _ = writeln!(out, "      {}", excerpt(line, 400));
                        }
                    }
                }
            }
        }
        let _ = writeln!(out, "{}", self.sentence());
        out
    }

    /// For a comment on a pull request.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("**flux-apim**: {}\n", self.sentence());
        if self.resources.is_empty() {
            return out;
        }
        out.push_str("\n| | Resource | What |\n|---|---|---|\n");
        for change in &self.resources {
            let what = match change.action {
                Action::Changed => summary(change),
                Action::Added | Action::Removed => {
                    change.path.as_deref().map_or_else(String::new, cell)
                }
            };
            let _ = writeln!(
                out,
                "| {} | {} | {what} |",
                change.action.as_str(),
                cell(&excerpt(&change.id, 400))
            );
            if out.len() > MARKDOWN {
                out.push_str("\nThe list goes on; `flux-apim diff` shows all of it.\n");
                return out;
            }
        }
        for change in &self.resources {
            for text in &change.texts {
                let Some(diff) = &text.diff else { continue };
                if out.len() + diff.len() > MARKDOWN {
                    out.push_str("\nMore texts differ; `flux-apim diff` shows them.\n");
                    return out;
                }
                // No run of backticks in the text may end the block.
                let fence = "`".repeat(longest_run(diff).max(2) + 1);
                let _ = write!(
                    out,
                    "\n<details><summary>{}: {}</summary>\n\n{fence}diff\n{diff}",
                    cell(&excerpt(&change.id, 400)),
                    cell(&excerpt(&text.path, 200)),
                );
                if !diff.ends_with('\n') {
                    out.push('\n');
                }
                let _ = write!(out, "{fence}\n\n</details>\n");
            }
        }
        out
    }

    fn sentence(&self) -> String {
        let counts = self.counts();
        format!(
            "{} added, {} removed, {} changed, {} unchanged",
            counts.added, counts.removed, counts.changed, self.unchanged
        )
    }
}

/// A change as JSON has it, read where it stands.
#[derive(Serialize)]
struct Entry<'c> {
    action: &'static str,
    #[serde(rename = "type")]
    arm_type: &'c str,
    name: &'c str,
    id: &'c str,
    path: Option<&'c str>,
    properties: Vec<PropertyEntry<'c>>,
    texts: Vec<TextEntry<'c>>,
    definition: Option<DefinitionEntry<'c>>,
}

/// A missing key is not null: what is new has no `old`.
#[derive(Serialize)]
struct PropertyEntry<'c> {
    path: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'c Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<&'c Json>,
}

#[derive(Serialize)]
struct TextEntry<'c> {
    path: &'c str,
    diff: Option<&'c str>,
    old: String,
    new: String,
}

#[derive(Serialize)]
struct DefinitionEntry<'c> {
    added: &'c [String],
    removed: &'c [String],
    changed: &'c [String],
    elsewhere: bool,
}

fn entry(change: &Change) -> Entry<'_> {
    let properties = change.properties.iter().map(|property| PropertyEntry {
        path: &property.path,
        old: property.old.as_ref(),
        new: property.new.as_ref(),
    });
    let texts = change.texts.iter().map(|text| TextEntry {
        path: &text.path,
        diff: text.diff.as_deref(),
        old: text.old.to_string(),
        new: text.new.to_string(),
    });
    let definition = change
        .definition
        .as_ref()
        .map(|operations| DefinitionEntry {
            added: &operations.added,
            removed: &operations.removed,
            changed: &operations.changed,
            elsewhere: operations.elsewhere,
        });
    Entry {
        action: change.action.as_str(),
        arm_type: &change.arm_type,
        name: &change.name,
        id: &change.id,
        path: change.path.as_deref(),
        properties: properties.collect(),
        texts: texts.collect(),
        definition,
    }
}

fn operations(change: &Change) -> impl Iterator<Item = (char, String)> + '_ {
    change.definition.iter().flat_map(|operations| {
        let signed = |sign: char, names: &'_ [String]| -> Vec<(char, String)> {
            names.iter().map(|name| (sign, name.clone())).collect()
        };
        let mut all = signed('+', &operations.added);
        all.extend(signed('-', &operations.removed));
        all.extend(signed('~', &operations.changed));
        all
    })
}

/// What differs in a resource, in one cell.
fn summary(change: &Change) -> String {
    let mut parts = Vec::new();
    for property in change.properties.iter().take(5) {
        let path = cell(&excerpt(&property.path, 200));
        parts.push(match (&property.old, &property.new) {
            (Some(old), Some(new)) => {
                format!("{path}: {} → {}", cell(&shown(old)), cell(&shown(new)))
            }
            (None, Some(new)) => format!("{path}: {}", cell(&shown(new))),
            _ => format!("{path}: removed"),
        });
    }
    if change.properties.len() > 5 {
        parts.push(format!("{} more properties", change.properties.len() - 5));
    }
    let names: Vec<(char, String)> = operations(change).collect();
    parts.extend(
        names
            .iter()
            .take(10)
            .map(|(sign, name)| format!("{sign} {}", cell(&excerpt(name, 200)))),
    );
    if names.len() > 10 {
        parts.push(format!("{} more operations", names.len() - 10));
    }
    if change.definition.as_ref().is_some_and(|d| d.elsewhere) {
        parts.push("definition outside of operations".to_owned());
    }
    parts.extend(
        change
            .texts
            .iter()
            .map(|text| format!("text of {}", cell(&excerpt(&text.path, 200)))),
    );
    parts.join("<br>")
}

fn shown(value: &Json) -> String {
    excerpt(&value.to_string(), SHOWN)
}

/// Text inside a Markdown table or summary, where nothing of it is markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '@' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '\r' | '\n' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
