//! Properties as expressions: references, parameters, secrets, contents.

use super::super::expression::{Expression, Parameter};
use super::{Resolver, STEPS, Walk};
use crate::owned::is_generated;
use crate::rules::secret_in_tree;
use crate::secret::{self, is_secret};
use flux_apim_compile as compile;
use flux_apim_diag::{Place, Span};
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Key, below_service};
use flux_apim_syntax::{Data, Entry, Value};

/// Bytes that a value takes beside its text.
const VALUE: usize = 80;

impl Resolver<'_, '_> {
    pub(super) fn properties(&mut self, walk: &mut Walk<'_>) -> Vec<(String, Expression)> {
        let resource = walk.resource;
        let mut path = String::new();
        let mut properties = self.entries(walk, &mut path, resource.properties.entries());
        match resource.key.kind {
            Kind::NamedValue
                if is_secret(&resource.properties)
                    && resource.properties.get("value").is_none() =>
            {
                let value = self.secret(&resource.key, "value", None);
                properties.push(("value".to_owned(), value));
            }
            Kind::ApiRelease if resource.properties.get("apiId").is_none() => {
                if let Some(api) = resource.key.api() {
                    properties.push(("apiId".to_owned(), Expression::Id(self.known(&api))));
                }
            }
            _ => {}
        }
        properties
    }

    fn entries(
        &mut self,
        walk: &mut Walk<'_>,
        path: &mut String,
        entries: &[Entry],
    ) -> Vec<(String, Expression)> {
        let above = path.len();
        let mut properties = Vec::with_capacity(entries.len());
        for entry in entries {
            if above > 0 {
                path.push('.');
            }
            path.push_str(&entry.key);
            let value = self.value(walk, path, &entry.value);
            path.truncate(above);
            self.bytes += entry.key.len();
            properties.push((entry.key.clone(), value));
        }
        properties
    }

    /// `path` is the place in `properties`, items as `[]`. It is one text for the whole
    /// walk: a long key is not copied for all that lies below it.
    fn value(&mut self, walk: &mut Walk<'_>, path: &mut String, value: &Value) -> Expression {
        self.meter.spend(STEPS, Place::Source);
        self.bytes += VALUE;
        match &value.data {
            Data::Null => Expression::Null,
            Data::Bool(value) => Expression::Bool(*value),
            Data::Number(digits) => Expression::Number(digits.clone()),
            Data::Array(items) => {
                let above = path.len();
                path.push_str("[]");
                let items = items.iter().map(|item| self.value(walk, path, item));
                let items = items.collect();
                path.truncate(above);
                Expression::Array(items)
            }
            Data::Object(entries) => Expression::Object(self.entries(walk, path, entries)),
            Data::String(text) => {
                self.meter.spend(text.len() as u64 / 64, Place::Source);
                self.bytes += text.len();
                self.string(walk, path, text, value.span)
            }
        }
    }

    fn string(
        &mut self,
        walk: &mut Walk<'_>,
        path: &str,
        text: &str,
        span: Option<Span>,
    ) -> Expression {
        let resource = walk.resource;
        let key = &resource.key;
        let place = span.or(resource.place()).map_or(Place::Source, Place::from);
        if let Some(content) = self.content(key, path, text) {
            return content;
        }
        if path == "documents[].documentationId" {
            let page = key.sibling(Kind::Documentation, &[text]);
            walk.depends_on.extend(self.index.get(&page));
        }
        let row = key.kind.row();
        if let Some((_, kind)) = row.names.iter().find(|(named, _)| *named == path) {
            self.name(walk, *kind, text, place);
            return Expression::String(text.to_owned());
        }
        if let Some(reference) = row.references.iter().find(|r| r.path == path) {
            return self.reference(walk, path, reference.targets, text, place);
        }
        if path == "ownerId" {
            return Expression::String(below_service(text).unwrap_or_else(|| text.to_owned()));
        }
        let is_value = key.kind == Kind::NamedValue && path == "value";
        if row.named_values {
            self.named_values_in(walk, text, &place);
        }
        if secret::holds(resource, path, text) {
            // A token stands for a value that the pipeline knows.
            if compile::token(text).is_none() && !text.is_empty() && !secret::is_word(text) {
                self.findings.push(secret_in_tree::found(place, path, key));
            }
            return self.secret(key, path, span);
        }
        let environment = self.project.environment_file;
        if environment.is_some()
            && span.map(|span| span.file) == environment
            && !matches!(path, "format" | "value") | is_value
            // Policies use it as it stands.
            && !(key.kind == Kind::NamedValue && path == "displayName")
        {
            if self.room == 0 {
                self.literals.push(format!("`{path}` of `{key}`"));
                return Expression::String(text.to_owned());
            }
            self.room -= 1;
            return self.parameter(key, path, Some(text.to_owned()));
        }
        Expression::String(text.to_owned())
    }

    /// The text of a policy or definition, when `path` is where it goes.
    fn content(&mut self, key: &Key, path: &str, text: &str) -> Option<Expression> {
        if !text.is_empty() {
            return None;
        }
        let name = match path {
            "value" if key.kind.is_policy() => "policy.xml".to_owned(),
            "value" | "document.value" => {
                let compiled = self.texts.definitions.get(key)?;
                format!("definition.{}", compiled.kind.extension())
            }
            _ => return None,
        };
        let mut content = self.texts.contents.remove(key)?;
        let mut folder: Vec<String> = Vec::new();
        let arm = key.arm_type();
        for (word, name) in arm.split('/').skip(2).zip(key.arm_names()) {
            if Some(name) == key.kind.row().singleton {
                continue;
            }
            folder.push(word.to_owned());
            folder.push(file_name(name));
        }
        folder.push(name);
        let wanted = folder.join("/");
        content.path = self
            .content_paths
            .take(&wanted, |n| match wanted.rsplit_once('.') {
                Some((stem, extension)) => format!("{stem}-{n}.{extension}"),
                None => format!("{wanted}-{n}"),
            });
        self.contents.push(content);
        Some(Expression::Content(self.contents.len() - 1))
    }

    fn secret(&mut self, key: &Key, path: &str, _span: Option<Span>) -> Expression {
        self.secure += 1;
        self.parameter(key, path, None)
    }

    fn parameter(&mut self, key: &Key, path: &str, value: Option<String>) -> Expression {
        let mut base = String::new();
        let kind = key.kind.name();
        base.push_str(&kind[..1].to_lowercase());
        base.push_str(&kind[1..]);
        let resource = self.project.resources.get(key);
        let shown = resource.and_then(|resource| resource.properties.get("displayName")?.as_str());
        // A name that Azure gave says nothing to a reader.
        let name = match shown {
            Some(shown) if is_generated(key.name()) => shown,
            _ => key.name(),
        };
        let above = key.names.len().saturating_sub(1);
        let above = key.workspace.iter().chain(&key.names[..above]);
        for word in above.map(String::as_str).chain([name, path]) {
            pascal(&mut base, word);
        }
        base.truncate(200);
        let description = format!("{path} of {} {name}", key.kind.label());
        let name = self.parameter_names.take(&base, |n| format!("{base}{n}"));
        self.bytes += VALUE + 2 * path.len();
        let parameter = Parameter {
            value,
            description,
            allowed: self.schema.allowed(key, path).to_vec(),
        };
        self.parameters.insert(name.clone(), parameter);
        Expression::Parameter(name)
    }
}

/// Appends the letters and digits of `word`, each run with a capital.
fn pascal(out: &mut String, word: &str) {
    let mut start = true;
    for c in word.chars() {
        if !c.is_ascii_alphanumeric() {
            start = true;
        } else if start {
            out.push(c.to_ascii_uppercase());
            start = false;
        } else {
            out.push(c);
        }
    }
}

/// A resource name as a file name that every system takes.
fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .collect();
    match safe.trim_start_matches('.') {
        "" => "x".to_owned(),
        safe => safe.to_owned(),
    }
}
