//! What a tree allows beside the line.

use crate::comments::{Style, notes};
use crate::setting::reason;
use crate::{Date, rules};
use flux_apim_diag::tree::{FileId, Limits, ReadError, SourceTree};
use flux_apim_diag::{Diagnostic, Findings, Place, Registry, Rule, Span, excerpt, nearest};
use flux_apim_policy::MARK;
use flux_apim_syntax::ALLOW;
use memchr::memmem;
use rayon::prelude::*;
use std::ops::Range;

/// What both forms hold, which most files do not have.
const PROJECT: &str = "flux-apim";
const _: () = assert!(MARK.len() > PROJECT.len() && ALLOW.len() > PROJECT.len());

/// Findings of a rule that a tree allows in some lines of a file.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// The rule whose findings it allows.
    pub rule: &'static Rule,
    /// Why.
    pub reason: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Where the rule is named.
    pub place: Span,
    /// Bytes in which findings begin that are allowed.
    covers: Range<u32>,
    /// Whether it covers findings about the file as a whole.
    whole_file: bool,
}

impl Allowance {
    /// Whether it covers findings at `place`, which is in its file.
    pub(crate) fn covers(&self, place: &Place) -> bool {
        match place {
            Place::Span(span) => self.covers.contains(&span.start),
            Place::File(_) => self.whole_file,
            Place::Path(_) | Place::Source => false,
        }
    }
}

/// Finds what `files` allow. What is not written as it should be is a finding.
///
/// # Errors
/// A file that the tree lists cannot be read.
pub fn allowances(
    registry: Registry,
    tree: &SourceTree,
    files: &[FileId],
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Vec<Allowance>, ReadError> {
    let parts = findings.part();
    let found: Vec<_> = files
        .par_iter()
        .filter_map(|&file| Some((file, Style::of(tree.path(file).name())?)))
        .map(|(file, style)| {
            let mut findings = parts.part();
            let found = of_file(registry, tree, file, style, limits, &mut findings)?;
            Ok((found, findings))
        })
        .collect::<Result<_, ReadError>>()?;
    let mut all = Vec::new();
    for (found, part) in found {
        findings.append(part);
        all.extend(found);
    }
    Ok(all)
}

fn of_file(
    registry: Registry,
    tree: &SourceTree,
    file: FileId,
    style: Style,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Vec<Allowance>, ReadError> {
    let bytes = tree.read(file)?;
    findings.budget().spend(1 + bytes.len() as u64 / 1024, file);
    if memmem::find(&bytes, PROJECT.as_bytes()).is_none() {
        return Ok(Vec::new());
    }
    let has = |needle: &str| memmem::find(&bytes, needle.as_bytes()).is_some();
    let comments = has(MARK) && style != Style::Json;
    let keys = has(ALLOW) && matches!(style, Style::Json | Style::Yaml);
    let (true, Ok(text)) = (comments || keys, std::str::from_utf8(&bytes)) else {
        return Ok(Vec::new());
    };
    findings.budget().spend(1 + bytes.len() as u64 / 64, file);
    let notes = notes(file, tree.path(file).name(), text, style, limits, findings);
    let mut found = Vec::new();
    for note in notes.comments {
        findings.budget().spend(20, file);
        let span = Span::new(file, note.whole.start, note.whole.end);
        let Some(said) = behind_allow(&note.said) else {
            continue;
        };
        let (names, reason, until) = match read(said) {
            Ok(read) => read,
            Err(why) => {
                findings.push(malformed(span, why));
                continue;
            }
        };
        let covers = Span::new(file, note.covers.start, note.covers.end);
        for name in names {
            match registry.get(name) {
                Some(rule) => found.push(Allowance {
                    rule,
                    reason: reason.clone(),
                    until,
                    place: span,
                    covers: covers.start..covers.end.saturating_add(1),
                    whole_file: note.is_first,
                }),
                None => no_rule(registry, span, name, findings),
            }
        }
    }
    let mut keys = notes.keys;
    // An object that is there under several names was written once.
    keys.sort_by_key(|allow| allow.key);
    keys.dedup_by_key(|allow| allow.key);
    for allow in keys {
        let Some(names) = allow.names else {
            findings.push(malformed(allow.key, "its value is no object of reasons"));
            continue;
        };
        for name in names {
            findings.budget().spend(20, file);
            let (reason, until) = match dated(&name.text) {
                Ok(dated) => dated,
                Err(why) => {
                    findings.push(malformed(name.span, why));
                    continue;
                }
            };
            match registry.get(&name.name) {
                Some(rule) => found.push(Allowance {
                    rule,
                    reason,
                    until,
                    place: name.span,
                    covers: match allow.is_root {
                        true => 0..u32::MAX,
                        false => allow.object.start..allow.object.end,
                    },
                    whole_file: allow.is_root,
                }),
                None => no_rule(registry, name.span, &name.name, findings),
            }
        }
    }
    Ok(found)
}

/// What follows the word `allow`. Other words are of no concern here.
fn behind_allow(said: &str) -> Option<&str> {
    let rest = said.strip_prefix("allow")?;
    (rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace())).then_some(rest)
}

type Read<'t> = (Vec<&'t str>, Option<String>, Option<Date>);

/// `NAME, NAME -- reason (until 2027-01-31)`
fn read(said: &str) -> Result<Read<'_>, &'static str> {
    let (names, why) = match said.split_once("--") {
        Some((names, why)) => (names, why),
        None => (said, ""),
    };
    let names = names.split([',', ' ', '\t', '\r', '\n']);
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err("it names no rule");
    }
    let (reason, until) = dated(why)?;
    Ok((names, reason, until))
}

/// `reason (until 2027-01-31)`
fn dated(text: &str) -> Result<(Option<String>, Option<Date>), &'static str> {
    let text = text.trim();
    let Some((before, date)) = text.rsplit_once("(until ") else {
        return Ok((reason(text), None));
    };
    let Some(date) = date.strip_suffix(')') else {
        return Ok((reason(text), None));
    };
    let date = date.trim().parse();
    let date = date.map_err(|_| "the date behind `until` is none; write it as 2027-01-31")?;
    Ok((reason(before), Some(date)))
}

fn malformed(span: Span, why: &str) -> Diagnostic {
    let message = format!("this allowance is not written as it should be: {why}");
    Diagnostic::new(&rules::MALFORMED_ALLOWANCE, span, message).help(format!(
        "write `{MARK} allow NAME -- reason` in a comment, or `\"{ALLOW}\": {{\"NAME\": \"reason\"}}`; an end is written as `reason (until 2027-01-31)`"
    ))
}

fn no_rule(registry: Registry, span: Span, name: &str, findings: &mut Findings) {
    let message = format!(
        "this allowance names `{}`, which is no rule",
        excerpt(name, 60)
    );
    let names = registry.all().iter().map(|rule| rule.name);
    let near = findings.hint(|| nearest(name, names));
    let finding = Diagnostic::new(&rules::MALFORMED_ALLOWANCE, span, message);
    findings.push(match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .proposes(name, near),
        None => finding.help("`flux-apim explain` lists the rules"),
    });
}

/// `text` of a policy without the comments at `notes`, which are for this program.
pub fn without_notes(text: &str, notes: &[Span]) -> String {
    let mut left = String::with_capacity(text.len());
    let mut at = 0;
    for note in notes {
        left.push_str(text.get(at..note.start as usize).unwrap_or(""));
        at = note.end as usize;
    }
    left.push_str(text.get(at..).unwrap_or(""));
    left
}

#[cfg(test)]
#[path = "allowance_tests.rs"]
mod tests;
