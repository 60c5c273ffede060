//! JSON values as the template language sees them.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The name that Azure's sentences give a type.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// A property, whatever its case: names of parameters, variables and properties are not
/// sensitive to it.
pub(crate) fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object
            .iter()
            .find(|(key, _)| same(key, name))
            .map(|(_, value)| value)
    })
}

/// The key of a property, as [`get`] finds it.
pub(crate) fn key_of<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object
        .get_key_value(name)
        .or_else(|| object.iter().find(|(key, _)| same(key, name)))
        .map(|(key, _)| key.as_str())
}

/// Ordinal comparison without case.
pub(crate) fn same(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
        || !(left.is_ascii() && right.is_ascii()) && upper(left) == upper(right)
}

/// Upper case as .NET's ordinal comparison without case has it: one letter for one.
pub(crate) fn upper(text: &str) -> String {
    text.chars()
        .map(|c| {
            let mut all = c.to_uppercase();
            match (all.next(), all.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        })
        .collect()
}

/// Bytes of a value, about; what [`crate::limits::Meter`] counts.
pub(crate) fn weight(value: &Value) -> usize {
    16 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(object) => object.iter().map(|(key, v)| key.len() + weight(v)).sum(),
        _ => 0,
    }
}

/// Levels of a value; a scalar has 1. Stops counting behind `most`.
pub(crate) fn deeper_than(value: &Value, most: usize) -> bool {
    let below = |v: &Value| most == 0 || deeper_than(v, most - 1);
    match value {
        Value::Array(items) => items.iter().any(below),
        Value::Object(object) => object.values().any(below),
        _ => most == 0,
    }
}

/// A value as text: what `string()` gives, and `concat` of scalars.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        other => Cow::Owned(other.to_string()),
    }
}

/// Values are equal as JSON is; 1 and 1.0 are.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || (left.is_f64() != right.is_f64() && left.as_f64() == right.as_f64())
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| equal(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, l)| right.get(key).is_some_and(|r| equal(l, r)))
        }
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn properties_are_found_without_case() {
        let object = json!({ "Straße": 1, "Name": 2 });
        let object = object.as_object().unwrap();
        assert_eq!(get(object, "NAME"), Some(&json!(2)));
        assert_eq!(get(object, "STRAßE"), Some(&json!(1)));
        assert_eq!(get(object, "x"), None);
    }

    #[test]
    fn depth_is_counted_no_further_than_asked() {
        let value = json!([[[1]]]);
        assert!(deeper_than(&value, 3));
        assert!(!deeper_than(&value, 4));
    }
}
