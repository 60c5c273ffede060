//! Name and property constraints of each ARM api-version, from tables
//! generated from the official resource schemas (`tables/*.json`).

use super::rules::{
    invalid_name, invalid_value, missing_property, number_as_text, unknown_property,
};
use super::{Key, Kind};
use flux_apim_diag::{Findings, Meter, Place, excerpt, nearest};
use flux_apim_syntax::{Data, Entry, Value};
use regex::Regex;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::LazyLock;

/// Steps of holding one value against its definition.
const STEPS: u64 = 2;

/// The api-version that is rendered unless another is asked for.
pub const DEFAULT_API_VERSION: &str = "2024-05-01";

#[expect(
    clippy::expect_used,
    reason = "without its table an api-version would check nothing"
)]
static TABLES: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    [
        include_str!("tables/2022-08-01.json"),
        include_str!("tables/2024-05-01.json"),
        include_str!("tables/2025-09-01-preview.json"),
    ]
    .into_iter()
    .map(|table| serde_json::from_str(table).expect("a table of constraints"))
    .collect()
});

/// The constraints of one api-version.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    /// The api-version.
    pub api_version: String,
    types: BTreeMap<String, Definition>,
    definitions: BTreeMap<String, Definition>,
}

#[derive(Debug, Default, Deserialize)]
struct Definition {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(rename = "enum", default)]
    allowed: Vec<String>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    /// Of an object. Of a resource: one definition, of its `properties`.
    #[serde(default)]
    properties: Option<Properties>,
    #[serde(default)]
    required: Vec<String>,
    items: Option<Box<Definition>>,
    additional: Option<Box<Definition>>,
    name: Option<Box<Definition>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Properties {
    /// `{"ref": "Name"}`: the properties of a resource.
    Reference {
        #[serde(rename = "ref")]
        reference: String,
    },
    Object(BTreeMap<String, Definition>),
    /// The definition itself, in the place of a reference.
    Inline(Box<Definition>),
}

impl Schema {
    /// The table of `api_version`.
    pub fn of(api_version: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.api_version == api_version)
    }

    /// The api-versions there are tables of.
    pub fn api_versions() -> impl Iterator<Item = &'static str> {
        TABLES.iter().map(|table| table.api_version.as_str())
    }

    /// Whether the api-version has resources of the type of `key`.
    pub fn has(&self, key: &Key) -> bool {
        self.resource(key).is_some()
    }

    fn resource(&self, key: &Key) -> Option<&Definition> {
        let arm = key.arm_type();
        self.types
            .get(arm.strip_prefix("Microsoft.ApiManagement/service/")?)
    }

    /// The words that the property at `path` of `key` takes; none when it takes
    /// any. `[]` steps into items.
    pub fn allowed(&self, key: &Key, path: &str) -> &[String] {
        let found = self.resource(key).and_then(|resource| {
            let mut definition = self.properties(resource)?;
            for step in path.split('.') {
                let name = step.trim_end_matches("[]");
                definition = match &self.resolved(definition).properties {
                    Some(Properties::Object(known)) => known.get(name)?,
                    _ => return None,
                };
                for _ in 0..(step.len() - name.len()) / 2 {
                    definition = self.resolved(definition).items.as_deref()?;
                }
            }
            Some(self.resolved(definition).allowed.as_slice())
        });
        found.unwrap_or_default()
    }

    /// The definition of the `properties` of a resource.
    fn properties<'s>(&'s self, resource: &'s Definition) -> Option<&'s Definition> {
        match &resource.properties {
            Some(Properties::Reference { reference }) => self.definitions.get(reference),
            Some(Properties::Inline(definition)) => Some(definition),
            _ => None,
        }
    }

    fn resolved<'s>(&'s self, definition: &'s Definition) -> &'s Definition {
        let reference = definition.reference.as_ref();
        let named = reference.and_then(|reference| self.definitions.get(reference));
        named.unwrap_or(definition)
    }

    /// Checks the name and properties of a resource. Values are brought to
    /// the spelling that Azure documents: enumerated words in their case,
    /// numbers where a string is asked for as strings, `null` (which Azure
    /// reads as absent) left out.
    pub fn check(&self, key: &Key, properties: &mut Value, place: &Place, findings: &mut Findings) {
        let Some(resource) = self.resource(key) else {
            return;
        };
        let mut check = Check {
            schema: self,
            key,
            place,
            meter: findings.budget().meter(),
            findings,
            newer: Vec::new(),
        };
        check.name(resource);
        if let Some(definition) = self.properties(resource) {
            check.value(definition, properties, &mut "properties".to_owned());
        }
        check.report_newer();
    }

    /// The first api-version after this one for which `holds`.
    fn first_newer(&self, holds: impl Fn(&Self) -> bool) -> Option<&'static str> {
        let mut tables = TABLES
            .iter()
            .filter(|table| table.api_version > self.api_version);
        let found = tables.find(|table| holds(table));
        found.map(|table| table.api_version.as_str())
    }

    /// The definition at `path` of `key`, from `properties` on, items as `[0]`.
    fn at(&self, key: &Key, path: &str) -> Option<&Definition> {
        let mut definition = self.properties(self.resource(key)?)?;
        for step in path.split('.').skip(1) {
            let name = step.split('[').next().unwrap_or(step);
            definition = match &self.resolved(definition).properties {
                Some(Properties::Object(known)) => known.get(name)?,
                _ => return None,
            };
            for _ in 0..step.matches('[').count() {
                definition = self.resolved(definition).items.as_deref()?;
            }
        }
        Some(self.resolved(definition))
    }

    /// Whether the api-version takes a property that the schemas lack.
    fn also(&self, key: &Key, path: &str) -> bool {
        let name = path.strip_prefix("properties.");
        let mut also = key.kind.row().also.iter();
        also.any(|(known, since)| name == Some(*known) && *since <= self.api_version.as_str())
    }
}

/// What a newer api-version takes.
struct Newer {
    place: Place,
    path: String,
    /// The word that this one refuses; none for a property that it does not have.
    word: Option<String>,
    version: &'static str,
}

struct Check<'a> {
    schema: &'a Schema,
    key: &'a Key,
    place: &'a Place,
    findings: &'a mut Findings,
    meter: Meter,
    newer: Vec<Newer>,
}

impl<'a> Check<'a> {
    /// What the api-version lacks: one finding where it would be refused, else one for each
    /// property.
    fn report_newer(&mut self) {
        let mut newer = std::mem::take(&mut self.newer);
        let (subject, current) = (self.subject(), &self.schema.api_version);
        if let Some(at) = newer.iter().position(|newer| newer.word.is_some()) {
            let first = newer.remove(at);
            let word = first.word.unwrap_or_default();
            let mut finding = invalid_value::newer(
                first.place,
                &first.path,
                &subject,
                &word,
                current,
                first.version,
            );
            newer.retain(|other| other.place != finding.place);
            for other in newer {
                let said = format!(
                    "`{}` needs {} too",
                    excerpt(&other.path, 200),
                    other.version
                );
                finding = finding.related(other.place, said);
            }
            self.findings.push(finding);
            return;
        }
        for Newer {
            place,
            path,
            version,
            ..
        } in newer
        {
            let finding = unknown_property::newer(place, &path, &subject, current, version);
            self.findings.push(finding);
        }
    }

    fn name(&mut self, resource: &Definition) {
        let (Some(rule), None) = (&resource.name, self.key.kind.row().singleton) else {
            return;
        };
        // `;rev=N` is part of the id of a non-current revision, not of the name.
        let name = self.key.name();
        let bare = name.split_once(";rev=").map_or(name, |(bare, _)| bare);
        if let Some(problem) = text_problem(rule, bare) {
            let place = self.place.clone();
            self.findings
                .push(invalid_name::found(place, self.key, &problem));
        }
    }

    /// `path` is one text for the whole walk: a long key is not copied for all
    /// that lies below it.
    fn value(&mut self, definition: &'a Definition, value: &mut Value, path: &mut String) {
        self.meter
            .spend(STEPS, value.span.map_or(Place::Source, Place::from));
        let definition = match &definition.reference {
            Some(reference) => match self.schema.definitions.get(reference) {
                Some(definition) => definition,
                None => return,
            },
            None => definition,
        };
        match definition.kind.as_deref() {
            Some("object") => self.object(definition, value, path),
            Some("array") => match &mut value.data {
                Data::Array(items) => {
                    if let Some(definition) = &definition.items {
                        for (i, item) in items.iter_mut().enumerate() {
                            let above = path.len();
                            let _ = write!(path, "[{i}]");
                            self.value(definition, item, path);
                            path.truncate(above);
                        }
                    }
                }
                _ => self.wrong_type(value, path, "an array"),
            },
            Some("string") => self.string(definition, value, path),
            Some(kind @ ("integer" | "number")) => self.number(definition, kind, value, path),
            Some("boolean") if value.as_bool().is_none() => {
                self.wrong_type(value, path, "true or false");
            }
            _ => {}
        }
    }

    fn object(&mut self, definition: &'a Definition, value: &mut Value, path: &mut String) {
        let place = value.place().map_or(self.place.clone(), Place::from);
        let Data::Object(entries) = &mut value.data else {
            return self.wrong_type(value, path, "an object");
        };
        entries.retain(|entry| entry.value.data != Data::Null);
        let known = match &definition.properties {
            Some(Properties::Object(known)) => Some(known),
            _ => None,
        };
        for required in &definition.required {
            if path == "properties" && is_without(self.key, required) {
                continue;
            }
            if !entries.iter().any(|entry| entry.key == *required) {
                let subject = self.subject();
                let finding = missing_property::found(place.clone(), path, &subject, required);
                self.findings.push(finding);
            }
        }
        for at in 0..entries.len() {
            let entry = &mut entries[at];
            let above = path.len();
            path.push('.');
            path.push_str(&entry.key);
            match known.and_then(|known| known.get(&entry.key)) {
                Some(definition) => self.value(definition, &mut entry.value, path),
                None => match (&definition.additional, known) {
                    (Some(definition), _) => self.value(definition, &mut entry.value, path),
                    (None, Some(known)) if !known.is_empty() => {
                        self.unknown((entries, at), path, known.keys().map(String::as_str));
                    }
                    _ => {}
                },
            }
            path.truncate(above);
        }
    }

    /// Of `entries` that at `at` is not among the `known`.
    fn unknown<'k>(
        &mut self,
        (entries, at): (&[Entry], usize),
        path: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let entry = &entries[at];
        let place = entry.key_span.map_or(self.place.clone(), Place::from);
        if self.schema.also(self.key, path) {
            return;
        }
        let key = self.key;
        let newer = self
            .schema
            .first_newer(|table| table.also(key, path) || table.at(key, path).is_some());
        if let Some(version) = newer {
            let path = path.to_owned();
            self.newer.push(Newer {
                place,
                path,
                word: None,
                version,
            });
            return;
        }
        // What is there already was not meant.
        let near = self.findings.hint(|| {
            let free = known.filter(|known| entries.iter().all(|entry| entry.key != *known));
            nearest(&entry.key, free)
        });
        let (subject, version) = (self.subject(), &self.schema.api_version);
        self.findings.push(unknown_property::found(
            place, path, &subject, version, near,
        ));
    }

    fn string(&mut self, definition: &Definition, value: &mut Value, path: &str) {
        if let Data::Number(digits) = &value.data {
            let digits = digits.clone();
            // YAML reads `007` and `0x7` as the number 7.
            if let Some(span) = value.span
                && (span.end - span.start) as usize != digits.len()
            {
                let subject = self.subject();
                let finding = number_as_text::found(span, path, &subject, &digits);
                self.findings.push(finding);
            }
            value.data = Data::String(digits);
        }
        let Data::String(text) = &mut value.data else {
            return self.wrong_type(value, path, "a string");
        };
        if !definition.allowed.is_empty()
            && let Some(spelled) = definition
                .allowed
                .iter()
                .find(|allowed| allowed.eq_ignore_ascii_case(text))
        {
            text.clone_from(spelled);
            return;
        }
        if !definition.allowed.is_empty() {
            let (key, word) = (self.key, text.clone());
            let newer = self.schema.first_newer(|table| {
                let allowed = table.at(key, path).map(|d| d.allowed.as_slice());
                allowed.is_some_and(|all| all.iter().any(|known| known.eq_ignore_ascii_case(&word)))
            });
            if let Some(version) = newer {
                let (place, path) = (self.place_of(value), path.to_owned());
                self.newer.push(Newer {
                    place,
                    path,
                    word: Some(word),
                    version,
                });
                return;
            }
        }
        let Data::String(text) = &value.data else {
            return;
        };
        if let Some(problem) = text_problem(definition, text) {
            let near = self.findings.hint(|| {
                let allowed = definition.allowed.iter().map(String::as_str);
                nearest(text, allowed)
            });
            let text = text.clone();
            let (place, subject) = (self.place_of(value), self.subject());
            self.findings.push(invalid_value::text(
                place, path, &subject, &text, &problem, near,
            ));
        }
    }

    fn number(&mut self, definition: &Definition, kind: &str, value: &Value, path: &str) {
        let Data::Number(digits) = &value.data else {
            let wanted = if kind == "integer" {
                "an integer"
            } else {
                "a number"
            };
            return self.wrong_type(value, path, wanted);
        };
        let number: f64 = digits.parse().unwrap_or(f64::NAN);
        let problem = if kind == "integer" && number.fract() != 0.0 {
            Some("is no integer".to_owned())
        } else if let Some(min) = definition.min.filter(|min| number < *min) {
            Some(format!("is less than {min}"))
        } else {
            definition
                .max
                .filter(|max| number > *max)
                .map(|max| format!("is more than {max}"))
        };
        if let Some(problem) = problem {
            let (place, subject) = (self.place_of(value), self.subject());
            self.findings.push(invalid_value::number(
                place, path, &subject, digits, &problem,
            ));
        }
    }

    fn wrong_type(&mut self, value: &Value, path: &str, wanted: &str) {
        let (place, subject) = (self.place_of(value), self.subject());
        let found = value.kind_name();
        let finding = invalid_value::kind(place, path, &subject, found, wanted);
        let is_word = matches!(value.data, Data::Bool(_)) && wanted == "a string";
        self.findings.push(match is_word {
            true => finding.quotes(),
            false => finding,
        });
    }

    fn place_of(&self, value: &Value) -> Place {
        value.place().map_or(self.place.clone(), Place::from)
    }

    fn subject(&self) -> String {
        format!(
            "{} `{}`",
            self.key.kind.label(),
            excerpt(self.key.name(), 80)
        )
    }
}

/// Whether Azure takes `key` without a property that the schemas require: what `local`
/// configures is the gateway's own log, which has no logger (Azure/bicep-types-az#2573).
fn is_without(key: &Key, property: &str) -> bool {
    matches!(key.kind, Kind::Diagnostic | Kind::ApiDiagnostic)
        && key.name().eq_ignore_ascii_case("local")
        && property == "loggerId"
}

/// What is wrong with `text`, as the end of a sentence.
fn text_problem(definition: &Definition, text: &str) -> Option<String> {
    if !definition.allowed.is_empty() && !definition.allowed.iter().any(|a| a == text) {
        return Some(format!("is none of {}", definition.allowed.join(", ")));
    }
    let length = text.chars().count();
    if let Some(min) = definition.min_length.filter(|min| length < *min) {
        return Some(format!(
            "has {length} characters; at least {min} are needed"
        ));
    }
    if let Some(max) = definition.max_length.filter(|max| length > *max) {
        return Some(format!("has {length} characters; at most {max} are taken"));
    }
    let pattern = definition.pattern.as_deref()?;
    (!matches(pattern, text)).then(|| format!("does not match `{pattern}`"))
}

static PATTERNS: LazyLock<HashMap<String, Regex>> = LazyLock::new(|| {
    fn collect(definition: &Definition, patterns: &mut HashMap<String, Regex>) {
        if let Some(pattern) = &definition.pattern
            && let Ok(regex) = Regex::new(pattern)
        {
            patterns.insert(pattern.clone(), regex);
        }
        if let Some(Properties::Object(properties)) = &definition.properties {
            properties.values().for_each(|d| collect(d, patterns));
        }
        for inner in [&definition.items, &definition.additional, &definition.name] {
            inner.iter().for_each(|d| collect(d, patterns));
        }
    }
    let mut patterns = HashMap::new();
    for schema in TABLES.iter() {
        for definition in schema.types.values().chain(schema.definitions.values()) {
            collect(definition, &mut patterns);
        }
    }
    patterns
});

fn matches(pattern: &str, text: &str) -> bool {
    PATTERNS
        .get(pattern)
        .is_none_or(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_can_be_read() {
        assert_eq!(TABLES.len(), 3);
    }

    #[test]
    fn every_kind_has_constraints() {
        let schema = Schema::of(DEFAULT_API_VERSION).unwrap();
        for &kind in Kind::ALL {
            assert!(
                schema.resource(&Key::new(None, kind, &["x"])).is_some(),
                "{kind:?}"
            );
        }
    }
}
