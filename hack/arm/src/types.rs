//! Types of parameters and outputs, those of `languageVersion` 2.0 included:
//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters>,
//! `-data-types`, `-definitions`.

use serde_json::{Map, Value};

use crate::error::Fault;
use crate::limits::Meter;
use crate::syntax::utf16;
use crate::value::{equal, get, same, text, type_name, weight};

/// How deep references to definitions may go.
const MAX_REFERENCES: usize = 64;

/// The types that a template may declare: its word, and what Azure's sentences call it.
const TYPES: &[(&str, &str)] = &[
    ("array", "Array"),
    ("bool", "Boolean"),
    ("int", "Integer"),
    ("object", "Object"),
    ("secureobject", "Object"),
    ("securestring", "String, Uri"),
    ("string", "String, Uri"),
];

/// What is wrong with a value.
#[derive(Debug, PartialEq)]
pub(crate) enum Violation {
    /// It has another type.
    Type {
        expected: &'static str,
        actual: &'static str,
    },
    /// It is none of the values that are allowed.
    NotAllowed { value: String, allowed: String },
    /// Anything else, as a sentence.
    Other(String),
    /// The declared type is none, or cannot be resolved.
    Declaration(String),
    /// Counting stopped.
    Work,
}

impl From<Fault> for Violation {
    fn from(_: Fault) -> Self {
        Self::Work
    }
}

/// Definitions that `$ref` can name.
#[derive(Clone, Copy)]
pub(crate) struct Types<'t> {
    pub(crate) definitions: Option<&'t Map<String, Value>>,
    pub(crate) meter: &'t Meter,
}

impl<'t> Types<'t> {
    /// The definition behind `$ref`, with what the declaration adds.
    fn resolved(
        &self,
        declared: &'t Map<String, Value>,
    ) -> Result<&'t Map<String, Value>, Violation> {
        let mut found = declared;
        for _ in 0..MAX_REFERENCES {
            self.meter.charge(16)?;
            let Some(reference) = get(found, "$ref").and_then(Value::as_str) else {
                return Ok(found);
            };
            found = reference
                .strip_prefix("#/definitions/")
                .and_then(|name| get(self.definitions?, name))
                .and_then(Value::as_object)
                .ok_or_else(|| {
                    Violation::Declaration(format!(
                        "the reference '{reference}' cannot be resolved"
                    ))
                })?;
        }
        Err(Violation::Declaration(
            "its references to definitions do not end".to_owned(),
        ))
    }

    /// Whether null is a value of the type.
    pub(crate) fn nullable(&self, declared: &'t Map<String, Value>) -> bool {
        let own = |object: &Map<String, Value>| {
            get(object, "nullable").and_then(Value::as_bool) == Some(true)
        };
        own(declared) || self.resolved(declared).is_ok_and(own)
    }

    /// Whether a value of the type is kept secret.
    pub(crate) fn secure(&self, declared: &'t Map<String, Value>) -> bool {
        self.resolved(declared)
            .ok()
            .and_then(|declared| get(declared, "type"))
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("secure"))
    }

    /// Holds a value against its declaration.
    pub(crate) fn check(
        &self,
        declared: &'t Map<String, Value>,
        value: &Value,
    ) -> Result<(), Violation> {
        self.meter.charge(16)?;
        if value.is_null() && self.nullable(declared) {
            return Ok(());
        }
        let base = self.resolved(declared)?;
        self.kind(base, value)?;
        // A reference may be narrowed where it stands.
        for level in [
            Some(base),
            (!std::ptr::eq(base, declared)).then_some(declared),
        ]
        .into_iter()
        .flatten()
        {
            self.allowed(level, value)?;
            bounds(level, value)?;
        }
        match value {
            Value::Object(object) => self.object(base, object),
            Value::Array(items) => self.array(base, items),
            _ => Ok(()),
        }
    }

    fn kind(&self, declared: &Map<String, Value>, value: &Value) -> Result<(), Violation> {
        let Some(kind) = get(declared, "type").and_then(Value::as_str) else {
            return Err(Violation::Declaration("it has no type".to_owned()));
        };
        let Some((word, expected)) = TYPES
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(kind))
        else {
            return Err(Violation::Declaration(format!("'{kind}' is no type")));
        };
        let fits = match *word {
            "array" => value.is_array(),
            "bool" => value.is_boolean(),
            "int" => value.is_i64() || value.is_u64(),
            "object" | "secureobject" => value.is_object(),
            _ => value.is_string(),
        };
        if fits {
            Ok(())
        } else {
            Err(Violation::Type {
                expected,
                actual: type_name(value),
            })
        }
    }

    /// Of an array each element is looked up, unless the array itself is in the list.
    fn allowed(&self, declared: &Map<String, Value>, value: &Value) -> Result<(), Violation> {
        let Some(Value::Array(allowed)) = get(declared, "allowedValues") else {
            return Ok(());
        };
        let among = |value: &Value| allowed.iter().any(|one| equal(one, value));
        self.meter.charge(allowed.len() * 16 + weight(value))?;
        let fits = among(value)
            || value
                .as_array()
                .is_some_and(|items| items.iter().all(among));
        if fits {
            return Ok(());
        }
        let allowed: Vec<_> = allowed.iter().map(text).collect();
        Err(Violation::NotAllowed {
            value: text(value).into_owned(),
            allowed: allowed.join(","),
        })
    }

    fn object(
        &self,
        declared: &'t Map<String, Value>,
        object: &Map<String, Value>,
    ) -> Result<(), Violation> {
        if let Some(chosen) = self.variant(declared, object)? {
            self.meter.charge(
                object
                    .iter()
                    .map(|(key, one)| key.len() + weight(one))
                    .sum(),
            )?;
            return self.check(chosen, &Value::Object(object.clone()));
        }
        let properties = get(declared, "properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let Some(schema) = schema.as_object() else {
                continue;
            };
            match get(object, name) {
                Some(value) => self.check(schema, value)?,
                None if self.nullable(schema) => {}
                None => {
                    return Err(Violation::Other(format!(
                        "The required property '{name}' is missing."
                    )));
                }
            }
        }
        let additional = get(declared, "additionalProperties");
        let sealed = get(declared, "sealed").and_then(Value::as_bool) == Some(true);
        for (name, value) in object {
            let known = properties.is_some_and(|properties| {
                properties.contains_key(name) || properties.keys().any(|key| same(key, name))
            });
            if known {
                continue;
            }
            match additional {
                Some(Value::Object(schema)) => self.check(schema, value)?,
                Some(Value::Bool(false)) => {
                    return Err(Violation::Other(format!(
                        "The property '{name}' is not permitted."
                    )));
                }
                _ if sealed => {
                    return Err(Violation::Other(format!(
                        "The property '{name}' is not permitted."
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `discriminator`: one of several types, chosen by a property.
    fn variant(
        &self,
        declared: &'t Map<String, Value>,
        object: &Map<String, Value>,
    ) -> Result<Option<&'t Map<String, Value>>, Violation> {
        let Some(Value::Object(discriminator)) = get(declared, "discriminator") else {
            return Ok(None);
        };
        let property = get(discriminator, "propertyName")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let tag = get(object, property).and_then(Value::as_str);
        let mapping = get(discriminator, "mapping").and_then(Value::as_object);
        let found = tag
            .and_then(|tag| mapping?.get(tag))
            .and_then(Value::as_object);
        found.map(Some).ok_or_else(|| {
            let all: Vec<&str> = mapping
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_str())
                .collect();
            Violation::Other(format!(
                "The property '{property}' must be one of '{}'.",
                all.join(",")
            ))
        })
    }

    fn array(&self, declared: &'t Map<String, Value>, items: &[Value]) -> Result<(), Violation> {
        let prefix = get(declared, "prefixItems")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for (index, item) in items.iter().enumerate() {
            match (prefix.get(index), get(declared, "items")) {
                (Some(Value::Object(schema)), _) | (None, Some(Value::Object(schema))) => {
                    self.check(schema, item)?;
                }
                (None, Some(Value::Bool(false))) => {
                    return Err(Violation::Other(format!(
                        "It may not have more than '{}' elements.",
                        prefix.len()
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// `minLength` and its like. The sentence on lengths is mspnp/serverless-reference-implementation#29's;
/// on numbers Azure says no more than that the value is not valid
/// (Azure/azure-quickstart-templates#4252).
fn bounds(declared: &Map<String, Value>, value: &Value) -> Result<(), Violation> {
    let bound = |name: &str| get(declared, name).and_then(Value::as_i64);
    let length = match value {
        Value::String(text) => Some(utf16(text)),
        Value::Array(items) => Some(items.len()),
        _ => None,
    };
    if let Some(length) = length.and_then(|length| i64::try_from(length).ok()) {
        for (bound, wrong, words) in [
            (bound("minLength"), -1, "greater"),
            (bound("maxLength"), 1, "less"),
        ] {
            if let Some(bound) = bound
                && (length - bound).signum() == wrong
            {
                return Err(Violation::Other(format!(
                    "Length of the value should be {words} than or equal to '{bound}'. Please see https://aka.ms/arm-syntax-parameters for usage details."
                )));
            }
        }
    }
    if let Some(number) = value.as_i64()
        && (bound("minValue").is_some_and(|least| number < least)
            || bound("maxValue").is_some_and(|most| number > most))
    {
        return Err(Violation::Other(String::new()));
    }
    Ok(())
}
