//! Plans and what came of them, for people, for pull requests and for programs.

use crate::apply::{Done, Outcome};
use crate::compare::Difference;
use crate::id::Id;
use crate::plan::{Action, Ownership, Plan, Step};
use flux_apim_changes::TextChange;
use flux_apim_diag::{Budget, excerpt};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

/// Characters of a value that are shown.
const SHOWN: usize = 120;
/// Texts of this many bytes and more are shown as a difference of lines.
const LONG: usize = 200;
/// Bytes of differences in Markdown; a comment on GitHub holds 65,536.
const MARKDOWN: usize = 40_000;

impl Plan {
    /// As a document that `deploy --plan` takes, version 1. It holds no secrets.
    pub fn to_json(&self) -> Json {
        let counts = self.counts();
        let asked = &self.asked;
        let allowed: Vec<&str> = asked.allow_delete.iter().map(Id::as_str).collect();
        let steps = self
            .steps
            .iter()
            .filter(|step| step.action != Action::None || !step.notes.is_empty());
        json!({
            "version": 1,
            "service": self.service,
            "owner": asked.owner,
            "bundle": asked.bundle,
            "asked": {
                "destroy": asked.destroy, "refresh": asked.refresh, "adopt": asked.adopt,
                "allowDelete": allowed, "protect": asked.protect,
            },
            "inventory": {
                "state": match &self.ownership {
                    Ownership::First => "none",
                    Ownership::Known => "known",
                    Ownership::Unknown(_) => "unknown",
                },
                "generation": self.generation,
            },
            "problems": self.problems,
            "steps": steps.map(step_json).collect::<Vec<_>>(),
            "uncomparedSecrets": self.uncompared,
            "summary": {
                "create": counts.create, "change": counts.change, "delete": counts.delete,
                "uncertain": counts.uncertain, "kept": counts.kept, "none": counts.none,
            },
        })
    }

    /// For a terminal.
    pub fn to_human(&self) -> String {
        let mut out = String::new();
        for step in self.shown() {
            let _ = writeln!(
                out,
                "{} {}{}",
                sign(step.action),
                excerpt(step.id.as_str(), 400),
                renamed(step)
            );
            for difference in &step.differences {
                for line in difference_lines(difference) {
                    let _ = writeln!(out, "    {line}");
                }
            }
            for note in &step.notes {
                let _ = writeln!(
                    out,
                    "    {} {note}",
                    if step.action == Action::Kept {
                        "kept:"
                    } else {
                        "note:"
                    }
                );
            }
        }
        self.remarks(&mut out, "");
        out
    }

    /// For a pull request.
    pub fn to_markdown(&self) -> String {
        let mut out = format!(
            "### Plan for `{}`\n\n",
            self.service.rsplit('/').next().unwrap_or("")
        );
        let mut details = String::new();
        if self.shown().next().is_some() {
            out.push_str("| | resource | |\n|---|---|---|\n");
        }
        for step in self.shown() {
            let notes: Vec<String> = step.notes.iter().map(|note| cell(note)).collect();
            let paths: Vec<String> = step
                .differences
                .iter()
                .map(|d| format!("`{}`", cell(&d.path)))
                .collect();
            let mut said = paths;
            said.extend(notes);
            let _ = writeln!(
                out,
                "| {} | `{}`{} | {} |",
                step.action.as_str(),
                cell(step.id.as_str()),
                cell(&renamed(step)),
                excerpt(&said.join("; "), 500)
            );
            for difference in &step.differences {
                let lines = difference_lines(difference).join("\n");
                if details.len() + lines.len() < MARKDOWN {
                    let _ = writeln!(details, "{}: {}\n", step.id, lines.replace("```", "'''"));
                }
            }
        }
        if !details.is_empty() {
            let _ = write!(
                out,
                "\n<details><summary>What differs</summary>\n\n```diff\n{details}```\n\n</details>\n"
            );
        }
        out.push('\n');
        self.remarks(&mut out, "- ");
        out
    }

    fn shown(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| step.action != Action::None || !step.notes.is_empty())
    }

    fn remarks(&self, out: &mut String, bullet: &str) {
        let counts = self.counts();
        for problem in &self.problems {
            let _ = writeln!(out, "{bullet}problem: {problem}");
        }
        if let Ownership::Unknown(why) = &self.ownership
            && self.asked.adopt
        {
            let _ = writeln!(
                out,
                "{bullet}note: {why}; what is there counts as somebody else's, and nothing is deleted"
            );
        }
        if self.uncompared > 0 && !self.asked.refresh {
            let _ = writeln!(
                out,
                "{bullet}note: {} that the service does not give back {} not compared; --refresh sends them again",
                number(self.uncompared, "secret"),
                if self.uncompared == 1 { "was" } else { "were" }
            );
        }
        if counts.uncertain > 0 {
            let _ = writeln!(
                out,
                "{bullet}note: {} may differ only in the way the service stores it (?); --refresh writes it, and \
                 --state keeps what the service answers, so that it is known next time",
                number(counts.uncertain, "resource")
            );
        }
        if self.unsettled {
            let _ = writeln!(
                out,
                "{bullet}note: the last deployment was cut: the inventory in the service is brought up to date"
            );
        }
        let sentence = match self.is_empty() {
            true => format!(
                "nothing to do: {} as {} should be",
                number(counts.none, "resource"),
                if counts.none == 1 { "it" } else { "they" }
            ),
            false => format!(
                "{} to create, {} to change, {} to delete, {} as they should be",
                counts.create, counts.change, counts.delete, counts.none
            ),
        };
        let _ = write!(out, "{bullet}{sentence}");
        for (count, word) in [
            (counts.uncertain, "uncertain"),
            (counts.kept, "kept as they are"),
        ] {
            if count > 0 {
                let _ = write!(out, ", {count} {word}");
            }
        }
        out.push('\n');
    }
}

impl Outcome {
    /// As JSON, version 1.
    pub fn to_json(&self) -> Json {
        let results = self.results.iter().map(|result| {
            let (done, why) = match &result.done {
                Done::Well => ("done", None),
                Done::Refused(failure) => ("refused", Some(failure.to_string())),
                Done::Behind(first) => ("not tried", Some(format!("{first} was refused"))),
                Done::HeldBack => ("not tried", Some(HELD_BACK.to_owned())),
            };
            json!({
                "id": result.id.as_str(), "action": result.action.as_str(), "result": done,
                "reason": why, "notes": result.notes,
            })
        });
        json!({
            "version": 1,
            "whole": self.is_whole(),
            "results": results.collect::<Vec<_>>(),
            "unrecorded": self.unrecorded.as_ref().map(ToString::to_string),
            "unlearnt": self.unlearnt.as_ref().map(ToString::to_string),
        })
    }

    /// For a terminal: what was refused and why, what was not tried, and how much was done.
    pub fn to_human(&self) -> String {
        let mut out = String::new();
        let mut counts = [0_usize; 3];
        for result in &self.results {
            let id = excerpt(result.id.as_str(), 400);
            for note in &result.notes {
                let _ = writeln!(out, "note: {id}: {note}");
            }
            let verb = result.action.as_str();
            match &result.done {
                Done::Well => counts[0] += 1,
                Done::Refused(failure) => {
                    counts[1] += 1;
                    let _ = writeln!(out, "refused: {verb} {id}: {failure}");
                }
                Done::Behind(first) => {
                    counts[2] += 1;
                    let _ = writeln!(
                        out,
                        "not tried: {verb} {id}: {first}, which it needs, was not written"
                    );
                }
                Done::HeldBack => {
                    counts[2] += 1;
                    let _ = writeln!(out, "not tried: {verb} {id}: {HELD_BACK}");
                }
            }
        }
        if let Some(failure) = &self.unrecorded {
            let _ = writeln!(
                out,
                "the inventory in the service could not be brought up to date: {failure}. Run the same again: what was \
                 made counts as begun until then, and is not deleted"
            );
        }
        if let Some(failure) = &self.unlearnt {
            let _ = writeln!(
                out,
                "note: what the service made of it could not be read back: {failure}"
            );
        }
        let [done, refused, left] = counts;
        let _ = write!(out, "{done} done");
        for (count, word) in [(refused, "refused"), (left, "not tried")] {
            if count > 0 {
                let _ = write!(out, ", {count} {word}");
            }
        }
        if refused + left > 0 {
            out.push_str("; the same command goes on from here");
        }
        out.push('\n');
        out
    }
}

const HELD_BACK: &str = "nothing is deleted before everything else went well";

fn number(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn sign(action: Action) -> char {
    match action {
        Action::Create => '+',
        Action::Change => '~',
        Action::Delete => '-',
        Action::Uncertain => '?',
        Action::Kept => '!',
        Action::None => ' ',
    }
}

fn renamed(step: &Step) -> String {
    match (&step.renamed, step.action) {
        (Some(other), Action::Delete) => format!(" (renamed to {})", other.name()),
        (Some(other), _) => format!(" (renamed from {})", other.name()),
        (None, _) => String::new(),
    }
}

fn step_json(step: &Step) -> Json {
    let differences = step.differences.iter().map(|difference| {
        let mut entry = json!({"path": difference.path, "uncertain": difference.uncertain});
        match text_change(difference) {
            Some(change) => {
                entry["diff"] = json!(change.diff);
                entry["live"] = json!({"digest": change.old.to_string()});
                entry["wanted"] = json!({"digest": change.new.to_string()});
            }
            None => {
                entry["live"] = json!(difference.live);
                entry["wanted"] = json!(difference.wanted);
            }
        }
        entry
    });
    json!({
        "id": step.id.as_str(),
        "type": step.id.arm_type(),
        "action": step.action.as_str(),
        "differences": differences.collect::<Vec<_>>(),
        "notes": step.notes,
        "renamed": step.renamed.as_ref().map(Id::as_str),
        "live": step.live,
    })
}

/// Two long texts as a difference of lines.
fn text_change(difference: &Difference) -> Option<TextChange> {
    let (live, wanted) = (
        difference.live.as_ref()?.as_str()?,
        difference.wanted.as_ref()?.as_str()?,
    );
    let long = |text: &str| text.len() >= LONG || text.contains('\n');
    if !(long(live) || long(wanted)) {
        return None;
    }
    let budget = Budget::default();
    budget
        .bound(|| flux_apim_changes::compare_texts(&difference.path, live, wanted, &budget))
        .ok()
}

pub(crate) fn difference_lines(difference: &Difference) -> Vec<String> {
    let mark = if difference.uncertain { "? " } else { "" };
    let path = excerpt(&difference.path, 200);
    if let Some(change) = text_change(difference) {
        let mut lines = vec![format!("{mark}{path}:")];
        match &change.diff {
            Some(diff) => {
                lines.extend(diff.lines().map(|line| format!("  {}", excerpt(line, 400))));
            }
            None => lines.push("  another text, too large to compare".to_owned()),
        }
        return lines;
    }
    let shown = |value: &Json| excerpt(&value.to_string(), SHOWN);
    vec![match (&difference.live, &difference.wanted) {
        (None, Some(wanted)) => format!("{mark}{path}: {}", shown(wanted)),
        (Some(live), None) => format!("{mark}{path}: {} goes", shown(live)),
        (Some(live), Some(wanted)) => format!("{mark}{path}: {} -> {}", shown(live), shown(wanted)),
        (None, None) => format!("{mark}{path}"),
    }]
}

/// Text that fits into a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r', '`'], " ")
}
