//! Whether the CRDs take an object. One that they refuse stops all that is applied with it.

use super::object::Printer;
use super::{FIELDS, LIMITS};
use flux_apim_link::{Expression, Node, Parameter};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// What is wrong with the object of `node`, of the operator's kind `kind`.
pub(super) fn refusal(printer: &Printer<'_, '_>, node: &Node, kind: &str) -> Option<String> {
    let walk = Walk {
        printer,
        node,
        limits: &LIMITS[kind],
    };
    let fields = &FIELDS[kind];
    if fields.get("azureName").is_some()
        && let Err(wrong) = walk.text("azureName", node.key.name())
    {
        return Some(wrong);
    }
    walk.object("", fields, &node.properties).err()
}

struct Walk<'a, 'g, 'f> {
    printer: &'a Printer<'g, 'f>,
    node: &'a Node,
    limits: &'a Json,
}

impl Walk<'_, '_, '_> {
    fn object(
        &self,
        path: &str,
        fields: &Json,
        entries: &[(String, Expression)],
    ) -> Result<(), String> {
        let mut present = BTreeSet::new();
        for (key, value) in entries {
            let below = match fields.get(key) {
                Some(_) => key.as_str(),
                None => "*",
            };
            let own = join(path, key);
            if let Some((field, reference)) = self.printer.reference(self.node, &own, key, value) {
                if reference.is_some() && fields.get(&field).is_some() {
                    present.insert(field);
                }
                continue;
            }
            let Some(field) = fields.get(key).or_else(|| fields.get("*")) else {
                continue;
            };
            if self.node.key.kind == flux_apim_model::kinds::Kind::Logger && own == "credentials" {
                continue;
            }
            if self.value(&join(path, below), field, value)? {
                present.insert(key.clone());
            }
        }
        let required = self.limits[path]["required"].as_array();
        let mut required = required.into_iter().flatten().filter_map(Json::as_str);
        match required.find(|name| !present.contains(*name)) {
            Some(name) => Err(format!("`{}` is missing", join(path, name))),
            None => Ok(()),
        }
    }

    /// Whether the value is there at all.
    fn value(&self, path: &str, field: &Json, value: &Expression) -> Result<bool, String> {
        let is = |leaf: &str| field.as_str() == Some(leaf);
        let wrong = || Err(format!("`{path}` has another type"));
        match value {
            Expression::Null => return Ok(false),
            Expression::Parameter(name) => {
                let parameter = self.printer.graph.parameters().get(name);
                if parameter.is_none_or(Parameter::is_secure) {
                    return Ok(false);
                }
                let text = parameter.and_then(|parameter| parameter.value.as_deref());
                if !is("string") {
                    return wrong();
                }
                self.text(path, text.unwrap_or(""))?;
            }
            Expression::String(text) if is("string") => self.text(path, text)?,
            Expression::Id(_) | Expression::ServiceId | Expression::Content(_) if is("string") => {}
            Expression::Bool(_) if is("boolean") => {}
            Expression::Number(digits) if is("integer") => {
                let Ok(number) = digits.parse::<i64>() else {
                    return Err(format!("`{path}` is {digits}, and no whole number"));
                };
                let limit = |name: &str| self.limits[path][name].as_i64();
                if limit("min").is_some_and(|min| number < min)
                    || limit("max").is_some_and(|max| number > max)
                {
                    return Err(format!("`{path}` is {digits}, which is out of its range"));
                }
            }
            Expression::Object(entries) if field.is_object() => {
                self.object(path, field, entries)?;
            }
            Expression::Array(items) if field.is_array() => {
                let limit = |name: &str| self.limits[path][name].as_u64();
                let count = items.len() as u64;
                if limit("minItems").is_some_and(|min| count < min)
                    || limit("maxItems").is_some_and(|max| count > max)
                {
                    return Err(format!("`{path}` has {count} items"));
                }
                for item in items {
                    self.value(&format!("{path}[]"), &field[0], item)?;
                }
            }
            _ => return wrong(),
        }
        Ok(true)
    }

    fn text(&self, path: &str, text: &str) -> Result<(), String> {
        let limits = &self.limits[path];
        let words = limits["enum"].as_array();
        if words.is_some_and(|words| !words.iter().any(|word| word == text)) {
            return Err(format!(
                "`{path}` is `{}`",
                flux_apim_diag::excerpt(text, 60)
            ));
        }
        let count = text.chars().count() as u64;
        let limit = |name: &str| limits[name].as_u64();
        if limit("minLength").is_some_and(|min| count < min)
            || limit("maxLength").is_some_and(|max| count > max)
        {
            return Err(format!("`{path}` has {count} characters"));
        }
        let none_of = limits["noneOf"].as_str().unwrap_or("");
        let only_of = limits["onlyOf"].as_str();
        let taken = |c: char| {
            !none_of.contains(c)
                && only_of.is_none_or(|only| c.is_ascii_alphanumeric() || only.contains(c))
        };
        match text.chars().find(|&c| !taken(c)) {
            Some(c) => Err(format!(
                "`{path}` has the character `{}`",
                c.escape_default()
            )),
            None => Ok(()),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}
