//! Properties, one by one.

use super::{Change, definition, text};
use flux_apim_diag::{Budget, Place, without_credentials};
use flux_apim_link::{Expression, Linked, Node};
use flux_apim_model::kinds::Kind;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Texts of this many bytes and more are compared line by line.
const LONG: usize = 200;

/// Steps of comparing one value.
const STEPS: u64 = 5;

/// A property that differs.
#[derive(Debug, PartialEq)]
pub struct Property {
    /// Path below `properties`: `circuitBreaker.rules[0].name`.
    pub path: String,
    /// What it was; none when it is new.
    pub old: Option<Json>,
    /// What it is; none when it is gone.
    pub new: Option<Json>,
}

/// A side of the comparison.
type Side<'a> = (&'a Linked, &'a Node);

/// Notes in `change` what differs between two nodes of one key.
pub(super) fn compare(old: Side<'_>, new: Side<'_>, budget: &Budget, change: &mut Change) {
    let mut comparison = Comparison {
        old: old.0,
        new: new.0,
        is_api: new.1.key.kind == Kind::Api,
        budget,
        change,
    };
    comparison.entries("", &old.1.properties, &new.1.properties);
}

struct Comparison<'a> {
    old: &'a Linked,
    new: &'a Linked,
    is_api: bool,
    budget: &'a Budget,
    change: &'a mut Change,
}

impl Comparison<'_> {
    fn entries(&mut self, path: &str, old: &[(String, Expression)], new: &[(String, Expression)]) {
        // Of a key that stands there twice, the first counts.
        let mut keys: BTreeMap<&String, (Option<&Expression>, Option<&Expression>)> =
            BTreeMap::new();
        for (key, value) in old {
            keys.entry(key).or_default().0.get_or_insert(value);
        }
        for (key, value) in new {
            keys.entry(key).or_default().1.get_or_insert(value);
        }
        for (key, (old, new)) in keys {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            self.values(&path, old, new);
        }
    }

    fn values(&mut self, path: &str, old: Option<&Expression>, new: Option<&Expression>) {
        self.budget
            .spend(STEPS + path.len() as u64 / 16, Place::Source);
        match (old, new) {
            (Some(Expression::Object(old)), Some(Expression::Object(new))) => {
                return self.entries(path, old, new);
            }
            (Some(Expression::Array(old)), Some(Expression::Array(new))) => {
                for at in 0..old.len().max(new.len()) {
                    self.values(&format!("{path}[{at}]"), old.get(at), new.get(at));
                }
                return;
            }
            _ => {}
        }
        if let (Some(Expression::Content(a)), Some(Expression::Content(b))) = (old, new)
            && self.old.contents()[*a].digest == self.new.contents()[*b].digest
        {
            return;
        }
        let texts = old
            .and_then(|old| text_of(old, self.old))
            .zip(new.and_then(|new| text_of(new, self.new)));
        if let Some((a, b)) = texts {
            self.budget
                .spend((a.len() + b.len()) as u64 / 64, Place::Source);
            if a == b {
                return;
            }
            if self.is_api
                && path == "value"
                && let Some(operations) = definition::compare(&a, &b, self.budget)
            {
                self.change.definition = Some(operations);
                return;
            }
            if a.len().max(b.len()) >= LONG || a.contains('\n') || b.contains('\n') {
                self.change
                    .texts
                    .push(text::compare(path, &a, &b, self.budget));
                return;
            }
        }
        let old = old.map(|value| to_json(value, self.old));
        let new = new.map(|value| to_json(value, self.new));
        if old != new {
            let path = path.to_owned();
            let [old, new] = [old, new].map(|value| value.map(without_secrets));
            self.change.properties.push(Property { path, old, new });
        }
    }
}

/// The text of a value, if it is one and may be shown.
fn text_of(value: &Expression, graph: &Linked) -> Option<String> {
    match value {
        Expression::String(text) => Some(text.clone()),
        Expression::Content(index) => Some(graph.contents()[*index].text().into_owned()),
        Expression::Parameter(name) => graph.parameters().get(name)?.value.clone(),
        _ => None,
    }
}

/// A value without what has the shape of a credential.
fn without_secrets(value: Json) -> Json {
    match value {
        Json::String(text) => json!(without_credentials(&text)),
        Json::Array(items) => items.into_iter().map(without_secrets).collect(),
        Json::Object(entries) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(key, value)| (key, without_secrets(value)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// A value as people write it; long texts by digest, secrets by name.
fn to_json(value: &Expression, graph: &Linked) -> Json {
    match value {
        Expression::Null => Json::Null,
        Expression::Bool(value) => json!(value),
        // As exact as the source; JSON readers that round do so by themselves.
        Expression::Number(digits) => {
            serde_json::from_str(digits).unwrap_or_else(|_| json!(digits))
        }
        Expression::String(text) => json!(text),
        Expression::Array(items) => items.iter().map(|item| to_json(item, graph)).collect(),
        Expression::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| (key.clone(), to_json(value, graph)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Expression::Id(key) => json!(format!("/{key}")),
        Expression::ServiceId => json!("/"),
        Expression::Parameter(name) => match graph.parameters().get(name) {
            Some(parameter) => match &parameter.value {
                Some(value) => json!(value),
                None => json!({"secret": name}),
            },
            None => json!({"parameter": name}),
        },
        Expression::Content(index) => {
            let content = &graph.contents()[*index];
            if content.len() < LONG && !content.multiline {
                json!(content.text())
            } else {
                json!({"digest": content.digest.to_string(), "size": content.len()})
            }
        }
    }
}
