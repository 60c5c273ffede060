//! Objects, comparisons, logic:
//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-object>,
//! `-comparison`, `-logical`.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{Call, Fault, Item, at, own};
use crate::value::{equal, get, type_name, upper, weight};

pub(super) fn create_object<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    if !arguments.len().is_multiple_of(2) {
        return Err(Fault::Value(format!(
            "Unable to evaluate template language function '{name}'. The function requires an even number of parameters. Please see https://aka.ms/arm-functions#{name} for usage details.",
            name = call.name
        )));
    }
    let mut object = Map::new();
    let mut arguments = arguments.into_iter();
    while let (Some(key), Some(value)) = (arguments.next(), arguments.next()) {
        let Value::String(key) = key.as_ref() else {
            return Err(call.expects("the names of properties to be strings", &[&key]));
        };
        object.insert(key.clone(), value.into_owned());
    }
    own(object)
}

pub(super) fn null<'e>(_: &Call<'_>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(Value::Null)
}

pub(super) fn r#true<'e>(_: &Call<'_>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(true)
}

pub(super) fn r#false<'e>(_: &Call<'_>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(false)
}

pub(super) fn not<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    match at(&arguments, 0) {
        Value::Bool(value) => own(!value),
        other => Err(call.expects("its parameter to be a boolean", &[other])),
    }
}

/// Ends the evaluation with the text that it is given.
pub(super) fn fail<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    Err(Fault::Value(call.one_string(&arguments)?))
}

pub(super) fn equals<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    call.meter.charge(weight(at(&arguments, 0)))?;
    own(equal(at(&arguments, 0), at(&arguments, 1)))
}

pub(super) fn less<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(compare(call, &arguments)?.is_lt())
}

pub(super) fn less_or_equals<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    own(compare(call, &arguments)?.is_le())
}

pub(super) fn greater<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(compare(call, &arguments)?.is_gt())
}

pub(super) fn greater_or_equals<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    own(compare(call, &arguments)?.is_ge())
}

/// Numbers with numbers, strings with strings.
fn compare(call: &Call<'_>, arguments: &[Item<'_>]) -> Result<Ordering, Fault> {
    let (left, right) = (at(arguments, 0), at(arguments, 1));
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => Ok(match (l.as_i64(), r.as_i64()) {
            (Some(l), Some(r)) => l.cmp(&r),
            _ => l
                .as_f64()
                .partial_cmp(&r.as_f64())
                .unwrap_or(Ordering::Equal),
        }),
        (Value::String(l), Value::String(r)) => Ok(l.encode_utf16().cmp(r.encode_utf16())),
        _ => Err(call.expects(
            "its parameters to be integers or strings, both of the same type",
            &[left, right],
        )),
    }
}

/// What all arguments have: elements in the order of the first, or properties with the same
/// value.
pub(super) fn intersection<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let mut arguments = arguments.into_iter();
    let Some(mut common) = arguments.next().map(Cow::into_owned) else {
        return Err(call.refuses("expects at least one parameter."));
    };
    for other in arguments {
        call.meter.charge(weight(&other))?;
        match (&mut common, other.as_ref()) {
            (Value::Array(items), Value::Array(others)) => {
                let others: std::collections::HashSet<String> =
                    others.iter().map(ToString::to_string).collect();
                let mut seen = std::collections::HashSet::new();
                items.retain(|item| {
                    let text = item.to_string();
                    others.contains(&text) && seen.insert(text)
                });
            }
            (Value::Object(object), Value::Object(others)) => {
                object.retain(|key, value| others.get(key).is_some_and(|o| equal(o, value)));
            }
            (common, other) => {
                return Err(call.expects(
                    "its parameters to be of the same type, arrays or objects",
                    &[common, other],
                ));
            }
        }
    }
    own(common)
}

/// The properties of an object as `{key, value}`, sorted by key without case.
pub(super) fn items<'e>(call: &Call<'_>, mut arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let object = one_object(call, arguments.pop())?;
    let mut pairs: Vec<(String, Value)> = object.into_iter().collect();
    pairs.sort_by_cached_key(|(key, _)| upper(key));
    own(pairs
        .into_iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect::<Vec<Value>>())
}

pub(super) fn object_keys<'e>(
    call: &Call<'_>,
    mut arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let mut keys: Vec<String> = one_object(call, arguments.pop())?
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    keys.sort_by_cached_key(|key| upper(key));
    own(keys)
}

fn one_object(call: &Call<'_>, argument: Option<Item<'_>>) -> Result<Map<String, Value>, Fault> {
    let argument = argument.unwrap_or_default();
    call.meter.charge(weight(&argument))?;
    match argument.into_owned() {
        Value::Object(object) => Ok(object),
        other => Err(call.expects("its parameter to be an object", &[&other])),
    }
}

pub(super) fn json<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    match at(&arguments, 0) {
        Value::Null => own(Value::Null),
        Value::String(text) => {
            call.meter.charge(text.len())?;
            super::json::parse(text).map(Cow::Owned).map_err(|why| {
                call.refuses(&format!(
                    "parameter is not valid. The provided value cannot be parsed as JSON: {why}."
                ))
            })
        }
        other => Err(call.expects("its parameter to be a string", &[other])),
    }
}

/// The later argument wins; objects are merged to any depth, arrays inside of them are not.
pub(super) fn union<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let mut all: Option<Value> = None;
    for argument in arguments {
        call.meter.charge(weight(&argument))?;
        let argument = argument.into_owned();
        match (&mut all, argument) {
            (None, value @ (Value::Array(_) | Value::Object(_))) => all = Some(value),
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (Some(Value::Object(object)), Value::Object(more)) => merge(object, more),
            (_, other) => {
                return Err(call.expects(
                    "its parameters to be of the same type, arrays or objects",
                    &[&other],
                ));
            }
        }
    }
    let mut all = all.unwrap_or_default();
    if let Value::Array(items) = &mut all {
        let mut seen = std::collections::HashSet::new();
        items.retain(|item| seen.insert(item.to_string()));
    }
    own(all)
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (Some(old), new) => *old = new,
            (None, new) => {
                into.insert(key, new);
            }
        }
    }
}

pub(super) fn shallow_merge<'e>(
    call: &Call<'_>,
    mut arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let argument = arguments.pop().unwrap_or_default();
    call.meter.charge(weight(&argument))?;
    let Value::Array(items) = argument.into_owned() else {
        return Err(call.refuses("expects its parameter to be an array of objects."));
    };
    let mut all = Map::new();
    for item in items {
        match item {
            Value::Object(object) => all.extend(object),
            other => return Err(call.expects("its parameter to be an array of objects", &[&other])),
        }
    }
    own(all)
}

/// A property or element, or null where there is none; each further argument goes one level
/// down.
pub(super) fn try_get<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let mut arguments = arguments.into_iter();
    let mut value = arguments.next().unwrap_or_default();
    for key in arguments {
        call.meter.charge(16)?;
        if value.is_null() {
            return Ok(value);
        }
        value = match (value, key.as_ref()) {
            (Cow::Borrowed(Value::Object(object)), Value::String(name)) => {
                get(object, name).map_or(Cow::Owned(Value::Null), Cow::Borrowed)
            }
            (Cow::Owned(Value::Object(object)), Value::String(name)) => {
                Cow::Owned(get(&object, name).cloned().unwrap_or_default())
            }
            (Cow::Borrowed(Value::Array(items)), Value::Number(index)) => {
                place(index.as_i64(), items).map_or(Cow::Owned(Value::Null), Cow::Borrowed)
            }
            (Cow::Owned(Value::Array(items)), Value::Number(index)) => {
                Cow::Owned(place(index.as_i64(), &items).cloned().unwrap_or_default())
            }
            (value, key) => {
                return Err(Fault::Value(format!(
                    "The language expression property '{}' can't be evaluated, property name must be a {} for a value of type '{}'.",
                    crate::value::text(key),
                    if value.is_array() { "number" } else { "string" },
                    type_name(&value)
                )));
            }
        };
    }
    Ok(value)
}

fn place(index: Option<i64>, items: &[Value]) -> Option<&Value> {
    items.get(usize::try_from(index?).ok()?)
}
