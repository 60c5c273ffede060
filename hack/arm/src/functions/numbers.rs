//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric>

use serde_json::Value;

use super::{Call, Fault, Item, at, own};
use crate::error::FUNCTIONS;

/// `range` makes no more than this many numbers (documented).
const MOST_OF_A_RANGE: i64 = 10_000;

fn computed<'e>(
    call: &Call<'_>,
    arguments: &[Item<'_>],
    compute: fn(i64, i64) -> Option<i64>,
) -> Result<Item<'e>, Fault> {
    let (left, right) = call.two_integers(arguments)?;
    match compute(left, right) {
        Some(value) => own(value),
        // The words, `operants` included, are in Azure/bicep's `OperatorTests`.
        None => Err(Fault::Value(format!(
            "The template language function '{}' overflowed with the operants '{left}' and '{right}'. {FUNCTIONS}",
            call.name
        ))),
    }
}

pub(super) fn add<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    computed(call, &arguments, i64::checked_add)
}

pub(super) fn sub<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    computed(call, &arguments, i64::checked_sub)
}

pub(super) fn mul<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    computed(call, &arguments, i64::checked_mul)
}

pub(super) fn div<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    not_by_zero(call, &arguments)?;
    computed(call, &arguments, i64::checked_div)
}

pub(super) fn modulo<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    not_by_zero(call, &arguments)?;
    computed(call, &arguments, i64::checked_rem)
}

fn not_by_zero(call: &Call<'_>, arguments: &[Item<'_>]) -> Result<(), Fault> {
    match call.two_integers(arguments)? {
        (_, 0) => Err(call.refuses("expects its second parameter not to be zero.")),
        _ => Ok(()),
    }
}

pub(super) fn max<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    extreme(call, &arguments, i64::max)
}

pub(super) fn min<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    extreme(call, &arguments, i64::min)
}

/// Of an array of integers, or of integers.
fn extreme<'e>(
    call: &Call<'_>,
    arguments: &[Item<'_>],
    choose: fn(i64, i64) -> i64,
) -> Result<Item<'e>, Fault> {
    let values: Vec<&Value> = match arguments {
        [one] if one.is_array() => one.as_array().into_iter().flatten().collect(),
        several => several.iter().map(AsRef::as_ref).collect(),
    };
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        all.push(value.as_i64().ok_or_else(|| {
            call.expects(
                "an array of integers or integers as its parameters",
                &[value],
            )
        })?);
    }
    match all.into_iter().reduce(choose) {
        Some(value) => own(value),
        None => Err(call.refuses("expects at least one integer.")),
    }
}

pub(super) fn range<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (start, count) = call.two_integers(&arguments)?;
    let within = (0..=MOST_OF_A_RANGE).contains(&count)
        && start
            .checked_add(count)
            .is_some_and(|end| end <= i64::from(i32::MAX))
        && start >= i64::from(i32::MIN);
    if !within {
        return Err(call.refuses(&format!(
            "expects its second parameter 'count' to be a non-negative integer of at most '{MOST_OF_A_RANGE}', and the sum of both not to exceed '{}'. The provided values are '{start}' and '{count}'.",
            i32::MAX
        )));
    }
    call.meter
        .charge(usize::try_from(count).unwrap_or_default() * 16)?;
    own((start..start + count).map(Value::from).collect::<Vec<_>>())
}

pub(super) fn int<'e>(call: &Call<'_>, mut arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let argument = arguments.pop().unwrap_or_default();
    match argument.as_ref() {
        Value::Number(number) if number.is_i64() => Ok(argument),
        Value::Number(number) => own(rounded(number.as_f64())),
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(value) => own(value),
            Err(_) => Err(call.refuses(&format!(
                "was invoked with a parameter that is not valid. The value cannot be converted to the target type: '{text}'."
            ))),
        },
        other => Err(call.expects("its parameter to be a string or an integer", &[other])),
    }
}

/// As .NET converts: to the even neighbour at a half.
fn rounded(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| {
        Value::from(value.round_ties_even() as i64)
    })
}

pub(super) fn float<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let value = match at(&arguments, 0) {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        other => {
            return Err(call.expects("its parameter to be a string or an integer", &[other]));
        }
    };
    match value.and_then(serde_json::Number::from_f64) {
        Some(number) => own(Value::Number(number)),
        None => Err(call.refuses(&format!(
            "was invoked with a parameter that is not valid. The value cannot be converted to the target type: '{}'.",
            crate::value::text(at(&arguments, 0))
        ))),
    }
}

pub(super) fn bool<'e>(call: &Call<'_>, mut arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let argument = arguments.pop().unwrap_or_default();
    own(match argument.as_ref() {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") || text == "1" => true,
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") || text == "0" => false,
        other => {
            return Err(call.expects(
                "its parameter to be a boolean, an integer, or a string of 'true' or 'false'",
                &[other],
            ));
        }
    })
}
