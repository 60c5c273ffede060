//! What Azure says that a template would do, told without secrets.

use crate::body::{MASKED, secret_places};
use crate::caller::Failure;
use crate::compare::Difference;
use crate::engine::Engine;
use crate::id::Id;
use crate::print::difference_lines;
use crate::service::Service;
use crate::template::hide;
use flux_apim_diag::excerpt;
use flux_apim_model::below_service;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How deep changes of properties are nested.
const DEPTH: usize = 32;
/// Places of one resource that are told at most.
const MAX: usize = 200;

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is made.
    Create,
    /// It is written, and differs.
    Modify,
    /// It goes.
    Delete,
    /// The stack lets go of it, and it stays.
    Detach,
    /// It is written, and whether it differs is not known.
    Deploy,
    /// What happens to it cannot be said before.
    Unsupported,
    /// It is written as it is.
    NoChange,
    /// The template says nothing of it.
    Ignore,
}

impl Change {
    fn parse(text: &str) -> Self {
        match text.to_lowercase().as_str() {
            "create" => Self::Create,
            "modify" => Self::Modify,
            "delete" => Self::Delete,
            "detach" => Self::Detach,
            "deploy" => Self::Deploy,
            "nochange" => Self::NoChange,
            "ignore" => Self::Ignore,
            _ => Self::Unsupported,
        }
    }

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Modify => "modify",
            Self::Delete => "delete",
            Self::Detach => "detach",
            Self::Deploy => "deploy",
            Self::Unsupported => "unsupported",
            Self::NoChange => "noChange",
            Self::Ignore => "ignore",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Modify | Self::Deploy => "~",
            Self::Delete => "-",
            Self::Detach => "!",
            Self::Unsupported => "?",
            Self::NoChange | Self::Ignore => "=",
        }
    }
}

/// What would happen to one resource.
#[derive(Debug, Clone)]
pub struct Predicted {
    /// Full id.
    pub id: String,
    /// What happens.
    pub change: Change,
    /// Where it differs.
    pub differences: Vec<Difference>,
    /// Why Azure cannot say more.
    pub note: Option<String>,
}

/// What Azure says that it would do.
#[derive(Debug, Default)]
pub struct Prediction {
    /// Resources that change, in Azure's order.
    pub changes: Vec<Predicted>,
    /// How many stay as they are.
    pub same: usize,
    /// Why nothing may be deployed.
    pub problems: Vec<String>,
    /// What Azure remarks.
    pub remarks: Vec<String>,
    /// Whether the stack itself is made, or changes in what it denies.
    pub settings: bool,
    /// Whether there is no stack yet.
    pub is_new: bool,
    /// Why it is not known what would happen: the cloud does not have the question.
    pub unpredicted: Option<Failure>,
}

impl Predicted {
    pub(crate) fn of_id(id: &str, change: Change) -> Self {
        Self {
            id: id.to_owned(),
            change,
            differences: Vec::new(),
            note: None,
        }
    }

    /// One of the changes that a what-if of a deployment answers with.
    pub(crate) fn of_deployment<S: Service>(engine: &Engine<'_, S>, change: &Json) -> Self {
        let id = change["resourceId"].as_str().unwrap_or("");
        let mut predicted = Self::of_id(
            id,
            Change::parse(change["changeType"].as_str().unwrap_or("")),
        );
        predicted.note = note(&change["unsupportedReason"]);
        predicted.read(engine, &change["delta"], &change["after"]);
        predicted
    }

    /// One of the changes that a what-if of a stack answers with.
    pub(crate) fn of_stack<S: Service>(engine: &Engine<'_, S>, change: &Json) -> Self {
        let id = change["id"].as_str().unwrap_or("");
        let mut predicted = Self::of_id(
            id,
            Change::parse(change["changeType"].as_str().unwrap_or("")),
        );
        predicted.note = note(&change["unsupportedReason"]);
        let of = &change["resourceConfigurationChanges"];
        predicted.read(engine, &of["delta"], &of["after"]);
        predicted
    }

    /// Reads what changes, and hides what is secret: by kind and bundle, and by value.
    fn read<S: Service>(&mut self, engine: &Engine<'_, S>, delta: &Json, after: &Json) {
        if matches!(self.change, Change::NoChange | Change::Ignore) {
            return;
        }
        let mut found = Vec::new();
        walk(delta, "", DEPTH, &mut found);
        let id = below_service(&self.id).and_then(|id| Id::parse(id.trim_matches('/')));
        let mut secrets = BTreeSet::new();
        if let Some(id) = &id {
            secret_places(id, &after["properties"], &mut secrets);
            let own = engine.resources.find(id);
            let own = own.map(|resource| resource.secrets.iter().map(|(at, _)| at.clone()));
            secrets.extend(own.into_iter().flatten());
        }
        let secrets: Vec<String> = secrets
            .iter()
            .map(|at| format!("properties{}", at.replace('/', ".")))
            .collect();
        let names: Vec<&str> = engine
            .resources
            .secrets
            .keys()
            .map(String::as_str)
            .collect();
        for difference in &mut found {
            let holds = |secret: &String| {
                secret.starts_with(&difference.path) || difference.path.starts_with(secret)
            };
            let is_secret = secrets.iter().any(holds);
            for side in [&mut difference.live, &mut difference.wanted] {
                match side {
                    Some(value) if is_secret => *value = MASKED.into(),
                    Some(value) => hide_all(value, &|text| hide(text, engine.secrets, &names)),
                    None => {}
                }
            }
            if let Some(rest) = difference.path.strip_prefix("properties.") {
                difference.path = rest.to_owned();
            }
        }
        self.differences = found;
    }
}

fn note(reason: &Json) -> Option<String> {
    reason.as_str().map(|reason| excerpt(reason, 300))
}

/// Replaces each text within a value.
fn hide_all(value: &mut Json, hidden: &dyn Fn(&str) -> String) {
    match value {
        Json::String(text) => *text = hidden(text),
        Json::Array(items) => items.iter_mut().for_each(|item| hide_all(item, hidden)),
        Json::Object(map) => map.values_mut().for_each(|item| hide_all(item, hidden)),
        _ => {}
    }
}

/// Changes of properties, flat.
fn walk(delta: &Json, above: &str, depth: usize, found: &mut Vec<Difference>) {
    for change in delta.as_array().into_iter().flatten() {
        if found.len() >= MAX {
            return;
        }
        let own = change["path"].as_str().unwrap_or("");
        let path = match (above.is_empty(), own.parse::<usize>()) {
            (true, _) => own.to_owned(),
            (false, Ok(at)) => format!("{above}[{at}]"),
            (false, Err(_)) => format!("{above}.{own}"),
        };
        let kind = change["propertyChangeType"].as_str();
        let kind = kind.or_else(|| change["changeType"].as_str()).unwrap_or("");
        let children = change["children"].as_array();
        if kind.eq_ignore_ascii_case("noEffect") {
            continue;
        }
        if children.is_some_and(|children| !children.is_empty()) && depth > 0 {
            walk(&change["children"], &path, depth - 1, found);
            continue;
        }
        let side = |key: &str| Some(change[key].clone()).filter(|value| !value.is_null());
        found.push(Difference {
            path,
            live: side("before"),
            wanted: side("after"),
            uncertain: false,
        });
    }
}

impl Prediction {
    pub(crate) fn add<S: Service>(&mut self, engine: &Engine<'_, S>, predicted: Predicted) {
        match predicted.change {
            // What-if names all that is in the group.
            Change::Ignore => {}
            Change::NoChange => {
                let own = predicted.id.to_lowercase();
                let below = own.starts_with(&engine.service_id.to_lowercase());
                self.same += usize::from(below);
            }
            _ => self.changes.push(predicted),
        }
    }

    /// Whether deploying would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && !self.settings && !self.is_new && self.unpredicted.is_none()
    }

    fn counts(&self) -> BTreeMap<Change, usize> {
        let mut counts = BTreeMap::new();
        for predicted in &self.changes {
            *counts.entry(predicted.change).or_insert(0) += 1;
        }
        counts
    }

    /// For a terminal.
    pub fn to_human(&self) -> String {
        let mut out = String::new();
        for predicted in &self.changes {
            let id = below_service(&predicted.id);
            let id = id
                .as_deref()
                .map_or(predicted.id.as_str(), |id| id.trim_matches('/'));
            let _ = writeln!(out, "{} {}", predicted.change.sign(), excerpt(id, 400));
            for difference in &predicted.differences {
                for line in difference_lines(difference) {
                    let _ = writeln!(out, "    {line}");
                }
            }
            if let Some(note) = &predicted.note {
                let _ = writeln!(out, "    note: {note}");
            }
        }
        self.rest(&mut out);
        out
    }

    /// For a pull request.
    pub fn to_markdown(&self) -> String {
        let mut out = String::from("### What Azure would do\n\n```diff\n");
        let mut lines = String::new();
        for predicted in &self.changes {
            let _ = writeln!(
                lines,
                "{} {}",
                predicted.change.sign(),
                excerpt(&predicted.id, 400)
            );
        }
        out.push_str(&lines.replace("```", "'''"));
        out.push_str("```\n\n");
        self.rest(&mut out);
        out
    }

    fn rest(&self, out: &mut String) {
        for problem in &self.problems {
            let _ = writeln!(out, "problem: {problem}");
        }
        for remark in &self.remarks {
            let _ = writeln!(out, "note: {remark}");
        }
        if let Some(failure) = &self.unpredicted {
            let _ = writeln!(
                out,
                "note: what the stack would do cannot be asked here, and only what it would let go \
                 of or delete is known: {failure}"
            );
        }
        if self.is_new {
            out.push_str("note: the stack is made, or made anew\n");
        }
        if self.settings {
            out.push_str("note: the settings of the stack change\n");
        }
        if self.is_empty() {
            let _ = writeln!(
                out,
                "nothing to do: Azure sees no difference in {} resources",
                self.same
            );
            return;
        }
        let counts = self.counts().into_iter();
        let counts: Vec<String> = counts.map(|(c, n)| format!("{n} {}", c.as_str())).collect();
        let _ = writeln!(
            out,
            "what-if: {}, {} noChange",
            counts.join(", "),
            self.same
        );
    }

    /// As JSON, version 1. It holds no secrets.
    pub fn to_json(&self) -> Json {
        let changes = self.changes.iter().map(|predicted| {
            let differences = predicted
                .differences
                .iter()
                .map(|d| json!({"path": d.path, "live": d.live, "wanted": d.wanted}));
            json!({
                "id": predicted.id, "change": predicted.change.as_str(), "note": predicted.note,
                "differences": differences.collect::<Vec<_>>(),
            })
        });
        json!({
            "version": 1,
            "changes": changes.collect::<Vec<_>>(),
            "noChange": self.same,
            "problems": self.problems,
            "remarks": self.remarks,
            "isNew": self.is_new,
            "settingsChange": self.settings,
            "unpredicted": self.unpredicted.as_ref().map(ToString::to_string),
        })
    }
}
