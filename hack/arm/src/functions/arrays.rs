//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array>

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use super::{Call, Fault, Item, at, own};
use crate::value::{equal, get, text, type_name, weight};

pub(super) fn array<'e>(_: &Call<'_>, mut arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    match arguments.pop() {
        Some(value) if value.is_array() => Ok(value),
        Some(value) => own(vec![value.into_owned()]),
        None => own(Vec::<Value>::new()),
    }
}

pub(super) fn concat<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    if arguments.iter().all(|value| value.is_array()) {
        let mut all = Vec::new();
        for value in arguments {
            call.meter.charge(weight(&value))?;
            if let Value::Array(items) = value.into_owned() {
                all.extend(items);
            }
        }
        return own(all);
    }
    let mut all = String::new();
    for value in &arguments {
        match value.as_ref() {
            Value::Array(_) | Value::Object(_) => {
                return Err(call.expects(
                    "its parameters to be of the same type, strings or arrays",
                    &[value],
                ));
            }
            scalar => all.push_str(&text(scalar)),
        }
    }
    call.text(all)
}

/// A string is searched with case, the keys of an object without.
pub(super) fn contains<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (container, item) = (at(&arguments, 0), at(&arguments, 1));
    call.meter.charge(weight(container))?;
    own(match (container, item) {
        (Value::String(all), Value::String(part)) => all.contains(part.as_str()),
        (Value::Array(items), item) => items.iter().any(|one| equal(one, item)),
        (Value::Object(object), Value::String(key)) => get(object, key).is_some(),
        (Value::Null, _) => false,
        (container, item) => {
            return Err(call.expects(
                "an array, object or string as its first parameter and a value to find as its second",
                &[container, item],
            ));
        }
    })
}

pub(super) fn create_array<'e>(_: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(arguments
        .into_iter()
        .map(Cow::into_owned)
        .collect::<Vec<Value>>())
}

pub(super) fn distinct<'e>(
    call: &Call<'_>,
    mut arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    match arguments.pop().map(Cow::into_owned) {
        Some(Value::Array(items)) => {
            let mut seen = HashSet::new();
            own(items
                .into_iter()
                .filter(|item| seen.insert(item.to_string()))
                .collect::<Vec<Value>>())
        }
        other => Err(call.expects(
            "its parameter to be an array",
            &[&other.unwrap_or_default()],
        )),
    }
}

pub(super) fn empty<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(match at(&arguments, 0) {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        other => {
            return Err(call.expects(
                "its parameter to be an object, an array, or a string",
                &[other],
            ));
        }
    })
}

pub(super) fn first<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    end(call, arguments, false)
}

pub(super) fn last<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    end(call, arguments, true)
}

/// A character is a UTF-16 unit in .NET. Half of a pair cannot stand in JSON, so that a
/// whole one is given here.
fn end<'e>(call: &Call<'_>, mut arguments: Vec<Item<'e>>, last: bool) -> Result<Item<'e>, Fault> {
    match arguments.pop().unwrap_or_default() {
        Cow::Borrowed(Value::Array(items)) => {
            let item = if last { items.last() } else { items.first() };
            Ok(item.map_or(Cow::Owned(Value::Null), Cow::Borrowed))
        }
        Cow::Owned(Value::Array(items)) => {
            let mut items = items.into_iter();
            own(if last {
                items.next_back()
            } else {
                items.next()
            }
            .unwrap_or_default())
        }
        value => match value.as_ref() {
            Value::String(text) => {
                let mut chars = text.chars();
                own(if last {
                    chars.next_back()
                } else {
                    chars.next()
                }
                .map(String::from)
                .unwrap_or_default())
            }
            other => Err(call.expects("its parameter be an array or a string", &[other])),
        },
    }
}

pub(super) fn flatten<'e>(
    call: &Call<'_>,
    mut arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    match arguments.pop().map(Cow::into_owned) {
        Some(Value::Array(items)) => {
            let mut all = Vec::new();
            for item in items {
                match item {
                    Value::Array(inner) => all.extend(inner),
                    other => {
                        return Err(
                            call.expects("its parameter to be an array of arrays", &[&other])
                        );
                    }
                }
            }
            own(all)
        }
        other => Err(call.expects(
            "its parameter to be an array",
            &[&other.unwrap_or_default()],
        )),
    }
}

/// Counted from the end, beginning with 1.
pub(super) fn index_from_end<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let index = at(&arguments, 1).clone();
    match from_end(call, arguments)? {
        Some(value) => Ok(value),
        None => Err(Fault::Value(format!(
            "The language expression property array index '{index}' is out of bounds."
        ))),
    }
}

pub(super) fn try_index_from_end<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    Ok(from_end(call, arguments)?.unwrap_or(Cow::Owned(Value::Null)))
}

fn from_end<'e>(call: &Call<'_>, mut arguments: Vec<Item<'e>>) -> Result<Option<Item<'e>>, Fault> {
    let (index, items) = (arguments.pop(), arguments.pop());
    let (Some(index), Some(items)) = (index, items) else {
        return Err(call.refuses("expects two parameters."));
    };
    let (Some(back), Value::Array(list)) = (index.as_i64(), items.as_ref()) else {
        return Err(call.expects(
            "its parameters to be of type array and integer",
            &[&items, &index],
        ));
    };
    let place = usize::try_from(back)
        .ok()
        .filter(|back| *back > 0)
        .and_then(|back| list.len().checked_sub(back));
    Ok(match (place, items) {
        (None, _) => None,
        (Some(place), Cow::Borrowed(value)) => value.get(place).map(Cow::Borrowed),
        (Some(place), Cow::Owned(value)) => value.get(place).cloned().map(Cow::Owned),
    })
}

/// In a string the search ignores case, in an array it does not.
pub(super) fn index_of<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    search(call, &arguments, false)
}

pub(super) fn last_index_of<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    search(call, &arguments, true)
}

fn search<'e>(call: &Call<'_>, arguments: &[Item<'_>], last: bool) -> Result<Item<'e>, Fault> {
    call.meter.charge(weight(at(arguments, 0)))?;
    let place = match (at(arguments, 0), at(arguments, 1)) {
        (Value::Array(items), item) if last => items.iter().rposition(|one| equal(one, item)),
        (Value::Array(items), item) => items.iter().position(|one| equal(one, item)),
        _ => {
            let (all, part) = call.two_strings(arguments)?;
            let (all, part) = (crate::value::upper(all), crate::value::upper(part));
            let found = if last {
                all.rfind(&part)
            } else {
                all.find(&part)
            };
            found.map(|bytes| crate::syntax::utf16(all.get(..bytes).unwrap_or_default()))
        }
    };
    own(place
        .and_then(|place| i64::try_from(place).ok())
        .unwrap_or(-1))
}

pub(super) fn length<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(match at(&arguments, 0) {
        Value::String(text) => crate::syntax::utf16(text),
        Value::Array(items) => items.len(),
        Value::Object(object) => object.len(),
        other => {
            return Err(Fault::Value(format!(
                "The template language function 'length' expects its parameter to be an array, object, or a string. The provided value is of type '{}'. Please see https://aka.ms/arm-functions#{} for usage details.",
                type_name(other),
                call.name
            )));
        }
    })
}

pub(super) fn skip<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    cut(call, arguments, |all, n| (n, all))
}

pub(super) fn take<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    cut(call, arguments, |_, n| (0, n))
}

/// The part of an array or string that `range` gives for its length and a number inside of it.
fn cut<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
    range: fn(usize, usize) -> (usize, usize),
) -> Result<Item<'e>, Fault> {
    let (value, count) = (at(&arguments, 0), at(&arguments, 1));
    let Some(count) = count.as_i64() else {
        return Err(call.expects(
            "an array or string as its first parameter and an integer as its second",
            &[value, count],
        ));
    };
    call.meter.charge(weight(value))?;
    let within = |length: usize| {
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        range(length, count.min(length))
    };
    match value {
        Value::Array(items) => {
            let (from, to) = within(items.len());
            own(items.get(from..to).unwrap_or_default().to_vec())
        }
        Value::String(text) => {
            let units: Vec<u16> = text.encode_utf16().collect();
            let (from, to) = within(units.len());
            own(String::from_utf16_lossy(
                units.get(from..to).unwrap_or_default(),
            ))
        }
        other => Err(call.expects(
            "an array or string as its first parameter and an integer as its second",
            &[other],
        )),
    }
}
