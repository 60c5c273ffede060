//! What a body may have: the models of the SDK applied to JSON.

use crate::answer::Detail;
use crate::behaviours::{Behaviours, Row};
use crate::table::{Older, Property, Rules, Table};
use serde_json::{Map, Value};

/// Reads a body by a model: what is stored of it, or what is wrong with it.
#[derive(Debug)]
pub struct Shape<'a> {
    /// The models.
    pub table: &'a Table,
    /// What is checked.
    pub behaviours: &'a Behaviours,
    /// Whether required properties must be there.
    pub whole: bool,
    /// Properties that need not be there although the SDK requires them.
    pub not_needed: &'a [&'a str],
    /// What the api-version lacks.
    pub older: Option<&'a Older>,
}

impl Shape<'_> {
    /// Reads `value` by the model `name`.
    ///
    /// # Errors
    /// What is wrong with each property.
    pub fn read(
        &self,
        name: &str,
        value: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<Detail>> {
        let mut details = Vec::new();
        let read = self.model(name, value, &mut details);
        if details.is_empty() {
            Ok(read)
        } else {
            Err(details)
        }
    }

    fn model(
        &self,
        name: &str,
        value: &Map<String, Value>,
        details: &mut Vec<Detail>,
    ) -> Map<String, Value> {
        let Some(model) = self.table.model(name) else {
            return value.clone();
        };
        let mut out = Map::new();
        for (place, property) in &model.properties {
            let steps: Vec<&str> = place.split('.').collect();
            let found = dig(value, &steps).filter(|value| !value.is_null());
            let target = steps.last().copied().unwrap_or_default();
            if property.read_only && self.behaviours.on(Row::ReadOnlyIgnored) {
                continue;
            }
            if self
                .older
                .is_some_and(|older| older.lacks_property(name, place))
                && self.behaviours.on(Row::UnknownIgnored)
            {
                continue;
            }
            let Some(found) = found else {
                let needed = property.required && !self.not_needed.contains(&place.as_str());
                if needed && self.whole && self.behaviours.on(Row::RequiredProperties) {
                    details.push(Detail {
                        target: target.to_owned(),
                        message: format!("Required property '{target}' not found in JSON."),
                    });
                }
                continue;
            };
            let value = self.property(property, found, target, details);
            place_at(&mut out, &steps, value);
        }
        if !self.behaviours.on(Row::UnknownIgnored) {
            add_unknown(&mut out, value);
        }
        out
    }

    fn property(
        &self,
        property: &Property,
        value: &Value,
        target: &str,
        details: &mut Vec<Detail>,
    ) -> Value {
        let value = self.value(&property.kind, value, target, details);
        if let Some(name) = &property.values {
            self.enumeration(name, &value, target, details);
        }
        self.rules(&property.rules, &value, target, details);
        value
    }

    fn value(&self, kind: &str, value: &Value, target: &str, details: &mut Vec<Detail>) -> Value {
        let wrong = |details: &mut Vec<Detail>| {
            if self.behaviours.on(Row::TypesChecked) {
                details.push(Detail {
                    target: target.to_owned(),
                    message: format!("Error converting value of '{target}' to type '{kind}'."),
                });
            }
            value.clone()
        };
        if let Some(item) = kind.strip_prefix('[').and_then(|k| k.strip_suffix(']')) {
            let Value::Array(items) = value else {
                return wrong(details);
            };
            return items
                .iter()
                .map(|v| self.value(item, v, target, details))
                .collect();
        }
        if let Some(item) = kind.strip_prefix('{').and_then(|k| k.strip_suffix('}')) {
            let Value::Object(entries) = value else {
                return wrong(details);
            };
            let read = entries
                .iter()
                .map(|(k, v)| (k.clone(), self.value(item, v, target, details)));
            return Value::Object(read.collect());
        }
        match (kind, value) {
            // The service's binding makes texts of numbers and booleans.
            ("str", Value::Number(n)) => Value::String(n.to_string()),
            ("str", Value::Bool(b)) => Value::String(b.to_string()),
            ("bool", Value::String(text)) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            ("bool", Value::String(text)) if text.eq_ignore_ascii_case("false") => {
                Value::Bool(false)
            }
            ("int" | "long", Value::String(text)) if text.parse::<i64>().is_ok() => {
                Value::from(text.parse::<i64>().unwrap_or_default())
            }
            ("str" | "iso-8601" | "duration" | "rfc-1123" | "date", Value::String(_))
            | ("bool", Value::Bool(_))
            | ("float" | "int" | "long", Value::Number(_))
            | ("object", _) => value.clone(),
            (
                "str" | "iso-8601" | "duration" | "rfc-1123" | "date" | "bool" | "float" | "int"
                | "long",
                _,
            ) => wrong(details),
            (model, Value::Object(entries)) => Value::Object(self.model(model, entries, details)),
            _ => wrong(details),
        }
    }

    fn enumeration(&self, name: &str, value: &Value, target: &str, details: &mut Vec<Detail>) {
        let known = self.table.values(name);
        let texts: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for text in texts {
            let there = known.iter().any(|value| value.eq_ignore_ascii_case(text))
                && !self
                    .older
                    .is_some_and(|older| older.lacks_value(name, text));
            if !there && self.behaviours.on(Row::EnumsChecked) {
                details.push(Detail {
                    target: target.to_owned(),
                    message: format!(
                        "Error converting value \"{text}\" of '{target}': it takes {}.",
                        known.join(", ")
                    ),
                });
            }
        }
    }

    fn rules(&self, rules: &Rules, value: &Value, target: &str, details: &mut Vec<Detail>) {
        if !self.behaviours.on(Row::LengthsChecked) {
            return;
        }
        let problem = match value {
            Value::String(text) => text_problem(self.table, rules, text),
            Value::Number(number) => number.as_f64().and_then(|number| {
                let low = rules.at_least.is_some_and(|least| number < least);
                let high = rules.at_most.is_some_and(|most| number > most);
                (low || high).then(|| "is out of range".to_owned())
            }),
            Value::Array(items) => {
                let many = rules
                    .max_items
                    .is_some_and(|most| items.len() as u64 > most);
                let few = rules
                    .min_items
                    .is_some_and(|least| (items.len() as u64) < least);
                (many || few).then(|| "has another number of items than is allowed".to_owned())
            }
            _ => None,
        };
        if let Some(problem) = problem {
            details.push(Detail {
                target: target.to_owned(),
                message: format!("'{target}' {problem}."),
            });
        }
    }
}

/// What an api-version shows of a body: not what its model lacks.
pub fn shown(table: &Table, older: &Older, model: &str, body: &mut Map<String, Value>) {
    let Some(known) = table.model(model) else {
        return;
    };
    for (place, property) in &known.properties {
        let steps: Vec<&str> = place.split('.').collect();
        let Some((last, above)) = steps.split_last() else {
            continue;
        };
        let Some(holder) = holder(body, above) else {
            continue;
        };
        if older.lacks_property(model, place) {
            holder.remove(*last);
        } else if let Some(value) = holder.get_mut(*last) {
            let kind = property.kind.trim_matches(['[', ']', '{', '}']);
            match value {
                Value::Object(inner) => shown(table, older, kind, inner),
                Value::Array(items) => {
                    for item in items.iter_mut().filter_map(Value::as_object_mut) {
                        shown(table, older, kind, item);
                    }
                }
                _ => {}
            }
        }
    }
}

fn holder<'a>(
    body: &'a mut Map<String, Value>,
    steps: &[&str],
) -> Option<&'a mut Map<String, Value>> {
    let Some((first, rest)) = steps.split_first() else {
        return Some(body);
    };
    holder(body.get_mut(*first)?.as_object_mut()?, rest)
}

/// What is wrong with a text, as the end of a sentence about it.
pub fn text_problem(table: &Table, rules: &Rules, text: &str) -> Option<String> {
    let length = text.encode_utf16().count() as u64;
    if let Some(least) = rules.min.filter(|&least| length < least) {
        return Some(format!(
            "must have at least {least} characters, and has {length}"
        ));
    }
    if let Some(most) = rules.max.filter(|&most| length > most) {
        return Some(format!(
            "must have at most {most} characters, and has {length}"
        ));
    }
    let pattern = rules.pattern.as_deref()?;
    (!table.matches(pattern, text)).then(|| format!("does not match the pattern {pattern}"))
}

/// A key without case, as the service binds it.
fn entry<'a>(value: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    value.get(key).or_else(|| {
        let other = value
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        other.map(|(_, value)| value)
    })
}

fn dig<'a>(value: &'a Map<String, Value>, steps: &[&str]) -> Option<&'a Value> {
    let (first, rest) = steps.split_first()?;
    let found = entry(value, first)?;
    if rest.is_empty() {
        Some(found)
    } else {
        dig(found.as_object()?, rest)
    }
}

fn place_at(out: &mut Map<String, Value>, steps: &[&str], value: Value) {
    let Some((first, rest)) = steps.split_first() else {
        return;
    };
    if rest.is_empty() {
        out.insert((*first).to_owned(), value);
        return;
    }
    let next = out
        .entry(*first)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(next) = next {
        place_at(next, rest, value);
    }
}

/// What `from` has and `to` has not, one level below `properties` too.
fn add_unknown(to: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (to.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => add_unknown(inner, value),
            (Some(_), _) => {}
            (None, _) => {
                to.insert(key.clone(), value.clone());
            }
        }
    }
}
