//! Properties as expressions: references, parameters, secrets, contents.

use super::super::content;
use super::super::expression::{Expression, Parameter, is_secret};
use super::{MAX_PARAMETERS, Resolver, Walk};
use crate::diag::{Diagnostic, Place, Span, excerpt, rules};
use crate::model::kinds::Kind;
use crate::model::{Key, below_service};
use crate::syntax::{Data, Value};

impl Resolver<'_, '_> {
    pub(super) fn properties(&mut self, walk: &mut Walk<'_>) -> Vec<(String, Expression)> {
        let resource = walk.resource;
        let mut properties: Vec<(String, Expression)> = resource
            .properties
            .entries()
            .iter()
            .filter_map(|entry| {
                let value = self.value(walk, &entry.key, &entry.value)?;
                Some((entry.key.clone(), value))
            })
            .collect();
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

    /// `path` is the place in `properties`, items as `[]`.
    fn value(&mut self, walk: &mut Walk<'_>, path: &str, value: &Value) -> Option<Expression> {
        Some(match &value.data {
            Data::Null => Expression::Null,
            Data::Bool(value) => Expression::Bool(*value),
            Data::Number(digits) => Expression::Number(digits.clone()),
            Data::Array(items) => Expression::Array(
                items
                    .iter()
                    .filter_map(|item| self.value(walk, &format!("{path}[]"), item))
                    .collect(),
            ),
            Data::Object(entries) => Expression::Object(
                entries
                    .iter()
                    .filter_map(|entry| {
                        let inner = format!("{path}.{}", entry.key);
                        Some((entry.key.clone(), self.value(walk, &inner, &entry.value)?))
                    })
                    .collect(),
            ),
            Data::String(text) => self.string(walk, path, text, value.span),
        })
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
            return self.reference(walk, reference.targets, text, place);
        }
        if path == "ownerId" {
            return Expression::String(below_service(text).unwrap_or_else(|| text.to_owned()));
        }
        let is_value = key.kind == Kind::NamedValue && path == "value";
        if row.named_values {
            self.named_values_in(walk, text, &place);
        }
        let secret = (is_value && is_secret(&resource.properties))
            || (row.is_secret(path) && !text.contains("{{"));
        if secret {
            // A token stands for a value that the pipeline knows.
            if content::token(text).is_none() && !text.is_empty() {
                self.findings.push(
                    Diagnostic::new(
                        &rules::SECRET_IN_TREE,
                        place,
                        format!(
                            "`{path}` of {} `{}` is a secret in clear text",
                            key.kind.label(),
                            excerpt(key.name(), 80)
                        ),
                    )
                    .help("use a Key Vault reference and rotate the secret; it is not rendered"),
                );
            }
            return self.secret(key, path, span);
        }
        let environment = self.project.environment_file;
        if environment.is_some()
            && span.map(|span| span.file) == environment
            && !matches!(path, "format" | "value") | is_value
            && self.parameters.len() < MAX_PARAMETERS
        {
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
        let mut path = wanted.clone();
        let mut n = 1;
        while !self.content_paths.insert(path.to_lowercase()) {
            n += 1;
            path = match wanted.rsplit_once('.') {
                Some((stem, extension)) => format!("{stem}-{n}.{extension}"),
                None => format!("{wanted}-{n}"),
            };
        }
        content.path = path;
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
        for word in key
            .workspace
            .iter()
            .chain(&key.names)
            .map(String::as_str)
            .chain([path])
        {
            pascal(&mut base, word);
        }
        base.truncate(200);
        let mut name = base.clone();
        let mut n = 1;
        while self
            .parameters
            .keys()
            .any(|known| known.eq_ignore_ascii_case(&name))
        {
            n += 1;
            name = format!("{base}{n}");
        }
        let parameter = Parameter {
            value,
            description: format!("{path} of {} {}", key.kind.label(), key.name()),
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
