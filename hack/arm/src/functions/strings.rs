//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string>

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use uuid::Uuid;

use super::{Call, Fault, Item, at, composite, own};
use crate::value::{text, upper};

pub(super) fn base64<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    match at(&arguments, 0) {
        Value::String(text) => call.text(STANDARD.encode(text)),
        other => Err(call.expects("its parameter to be of type 'String'", &[other])),
    }
}

pub(super) fn base64_to_string<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let text = decoded(call, &call.one_string(&arguments)?)?;
    call.text(text)
}

pub(super) fn base64_to_json<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let text = decoded(call, &call.one_string(&arguments)?)?;
    call.meter.charge(text.len())?;
    super::json::parse(&text).map(Cow::Owned).map_err(|why| {
        call.refuses(&format!(
            "parameter is not valid. The provided value cannot be parsed as JSON: {why}."
        ))
    })
}

fn decoded(call: &Call<'_>, text: &str) -> Result<String, Fault> {
    STANDARD
        .decode(text)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|_| {
            call.refuses(&format!(
                "expects its parameter to be a valid base64 string. The provided value '{text}' was not formatted correctly."
            ))
        })
}

pub(super) fn starts_with<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let (all, part) = call.two_strings(&arguments)?;
    call.meter.charge(all.len())?;
    own(upper(all).starts_with(&upper(part)))
}

pub(super) fn ends_with<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (all, part) = call.two_strings(&arguments)?;
    call.meter.charge(all.len())?;
    own(upper(all).ends_with(&upper(part)))
}

/// .NET's composite format.
pub(super) fn format<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let Value::String(pattern) = at(&arguments, 0) else {
        return Err(call.expects("its first parameter to be a string", &[at(&arguments, 0)]));
    };
    let text = composite::format(
        pattern,
        arguments.get(1..).unwrap_or_default(),
        call.limits.result.saturating_mul(4),
    )
    .map_err(|why| call.refuses(&why))?;
    call.text(text)
}

/// The arguments joined by `-`, which is what both hashes are made of
/// (<https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions-string#guid>).
fn seed(call: &Call<'_>, arguments: &[Item<'_>]) -> Result<String, Fault> {
    let mut all = String::new();
    for (index, argument) in arguments.iter().enumerate() {
        let Value::String(text) = argument.as_ref() else {
            return Err(Fault::Value(format!(
                "Unable to evaluate template language function '{name}'. All function arguments should be string literals. Please see https://aka.ms/arm-functions#{name} for usage details.",
                name = call.name
            )));
        };
        call.meter.charge(text.len())?;
        if index > 0 {
            all.push('-');
        }
        all.push_str(text);
    }
    Ok(all)
}

pub(super) fn guid<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(name_based_guid(&seed(call, &arguments)?))
}

/// A name-based GUID (RFC 9562, version 5) in the namespace that the documentation of
/// `guid` names.
pub(crate) fn name_based_guid(name: &str) -> String {
    const NAMESPACE: Uuid = Uuid::from_u128(0x11fb06fb_712d_4ddd_98c7_e71bbd588830);
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

/// The `count`th new GUID of a deployment: of the form of a random one, but made of the
/// context's seed, so that an expansion can be repeated.
pub(crate) fn seeded_guid(seed: &str, count: usize) -> String {
    let name = format!("{seed}/{count}");
    let bytes = *Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_bytes();
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

pub(super) fn new_guid<'e>(call: &Call<'_>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(call.names.new_guid())
}

pub(super) fn unique_string<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hash = murmur(seed(call, &arguments)?.as_bytes());
    let mut text = String::with_capacity(13);
    for _ in 0..13 {
        let digit = usize::try_from(hash >> 59).unwrap_or_default();
        text.push(char::from(*DIGITS.get(digit).unwrap_or(&b'a')));
        hash <<= 5;
    }
    own(text)
}

/// The 64-bit hash below `uniqueString`: MurmurHash 3 with two 32-bit lanes. Its constants
/// are public in Azure/terraform-provider-azapi (`unique_string`); the tests hold it against
/// values of Azure/bicep's tests, which were made by Azure's own library.
fn murmur(bytes: &[u8]) -> u64 {
    const C1: u32 = 597_399_067;
    const C2: u32 = 2_869_860_233;
    let word = |part: &[u8]| {
        part.iter()
            .rev()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte))
    };
    let mix = |word: u32, first: u32, turn: u32, second: u32| {
        word.wrapping_mul(first)
            .rotate_left(turn)
            .wrapping_mul(second)
    };
    let (mut low, mut high) = (0u32, 0u32);
    let blocks = bytes.chunks_exact(8);
    let tail = blocks.remainder();
    for block in blocks {
        let (left, right) = block.split_at(4);
        low ^= mix(word(left), C1, 15, C2);
        low = low.rotate_left(19).wrapping_add(high);
        low = low.wrapping_mul(5).wrapping_add(1_444_728_091);
        high ^= mix(word(right), C2, 17, C1);
        high = high.rotate_left(13).wrapping_add(low);
        high = high.wrapping_mul(5).wrapping_add(197_830_471);
    }
    if !tail.is_empty() {
        let (left, right) = tail.split_at(tail.len().min(4));
        low ^= mix(word(left), C1, 15, C2);
        if !right.is_empty() {
            high ^= mix(word(right), C2, 17, C1);
        }
    }
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    low ^= length;
    high ^= length;
    low = low.wrapping_add(high);
    high = high.wrapping_add(low);
    let finish = |mut word: u32| {
        word ^= word >> 16;
        word = word.wrapping_mul(2_246_822_507);
        word ^= word >> 13;
        word = word.wrapping_mul(3_266_489_909);
        word ^ word >> 16
    };
    low = finish(low);
    high = finish(high);
    low = low.wrapping_add(high);
    high = high.wrapping_add(low);
    u64::from(high) << 32 | u64::from(low)
}

pub(super) fn join<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (Value::Array(items), Value::String(separator)) = (at(&arguments, 0), at(&arguments, 1))
    else {
        return Err(call.expects(
            "its parameters to be an array and a string",
            &[at(&arguments, 0), at(&arguments, 1)],
        ));
    };
    let mut all = String::new();
    for (index, item) in items.iter().enumerate() {
        if item.is_array() || item.is_object() {
            return Err(call.expects("the elements of its first parameter to be scalars", &[item]));
        }
        if index > 0 {
            all.push_str(separator);
        }
        all.push_str(&text(item));
        call.meter.charge(separator.len() + 1)?;
    }
    call.text(all)
}

/// `*` stands for any characters; case does not matter.
pub(super) fn like<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (all, pattern) = call.two_strings(&arguments)?;
    call.meter.charge(all.len() + pattern.len())?;
    let (all, pattern) = (upper(all), upper(pattern));
    let Some((start, rest)) = pattern.split_once('*') else {
        return own(all == pattern);
    };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut left) = all
        .strip_prefix(start)
        .and_then(|all| all.strip_suffix(end))
    else {
        return own(false);
    };
    for part in middle.split('*') {
        match left.find(part) {
            Some(place) => left = left.get(place + part.len()..).unwrap_or_default(),
            None => return own(false),
        }
    }
    own(true)
}

pub(super) fn pad_left<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (value, width, fill) = (at(&arguments, 0), at(&arguments, 1), arguments.get(2));
    let (Value::String(_) | Value::Number(_), Some(width)) = (value, width.as_i64()) else {
        return Err(call.expects(
            "a string or integer as its first parameter and an integer as its second",
            &[value, width],
        ));
    };
    let fill = match fill.map(AsRef::as_ref) {
        None => ' ',
        Some(Value::String(text)) if text.chars().count() == 1 => {
            text.chars().next().unwrap_or(' ')
        }
        Some(other) => {
            return Err(call.expects("its third parameter to be a single character", &[other]));
        }
    };
    let value = text(value);
    let missing = usize::try_from(width)
        .unwrap_or_default()
        .saturating_sub(crate::syntax::utf16(&value));
    if missing > call.limits.result {
        return call.text("x".repeat(call.limits.result + 1));
    }
    call.text(format!("{}{value}", String::from(fill).repeat(missing)))
}

pub(super) fn replace<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (Value::String(all), Value::String(old), Value::String(new)) =
        (at(&arguments, 0), at(&arguments, 1), at(&arguments, 2))
    else {
        return Err(call.expects(
            "its parameters to be of type string, string and string",
            &[at(&arguments, 0), at(&arguments, 1), at(&arguments, 2)],
        ));
    };
    if old.is_empty() {
        return Err(call.refuses("expects its second parameter not to be an empty string."));
    }
    call.meter.charge(all.len())?;
    // What it would become is counted before it is made.
    let growth = all.matches(old.as_str()).count().saturating_mul(new.len());
    call.meter.charge(growth)?;
    call.text(all.replace(old.as_str(), new))
}

pub(super) fn split<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let wrong = || {
        call.expects(
            "its parameters to be a string and a string or an array of strings",
            &[at(&arguments, 0), at(&arguments, 1)],
        )
    };
    let Value::String(all) = at(&arguments, 0) else {
        return Err(wrong());
    };
    let separators: Vec<&str> = match at(&arguments, 1) {
        Value::String(one) => vec![one],
        Value::Array(several) => several
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let separators: Vec<&str> = separators.into_iter().filter(|s| !s.is_empty()).collect();
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(rest) = all.get(at..)
        && let Some(c) = rest.chars().next()
    {
        call.meter.charge(1 + separators.len())?;
        match separators.iter().find(|s| rest.starts_with(**s)) {
            Some(separator) => {
                parts.push(Value::from(all.get(start..at).unwrap_or_default()));
                at += separator.len();
                start = at;
            }
            None => at += c.len_utf8(),
        }
    }
    parts.push(Value::from(all.get(start..).unwrap_or_default()));
    call.meter.charge(parts.len() * 16)?;
    own(parts)
}

pub(super) fn string<'e>(call: &Call<'_>, mut arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    match arguments.pop() {
        Some(value) if value.is_string() => Ok(value),
        value => {
            let text = text(&value.unwrap_or_default()).into_owned();
            call.meter.charge(text.len())?;
            own(text)
        }
    }
}

/// Positions are UTF-16 units. The sentence is the documentation's.
pub(super) fn substring<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (Value::String(all), Some(start)) = (at(&arguments, 0), at(&arguments, 1).as_i64()) else {
        return Err(call.expects(
            "a string as its first parameter and an integer as its second",
            &[at(&arguments, 0), at(&arguments, 1)],
        ));
    };
    call.meter.charge(all.len())?;
    let units: Vec<u16> = all.encode_utf16().collect();
    let total = i64::try_from(units.len()).unwrap_or(i64::MAX);
    let length = match arguments.get(2).map(AsRef::as_ref) {
        None | Some(Value::Null) => total.saturating_sub(start),
        Some(length) => length
            .as_i64()
            .ok_or_else(|| call.expects("its third parameter to be an integer", &[length]))?,
    };
    let range = usize::try_from(start)
        .ok()
        .zip(usize::try_from(length).ok())
        .and_then(|(start, length)| Some(start..start.checked_add(length)?));
    match range.and_then(|range| units.get(range)) {
        Some(part) => own(String::from_utf16_lossy(part)),
        None => Err(Fault::Value(format!(
            "Unable to evaluate template language function '{name}': The index and length parameters must refer to a location within the string. The index parameter: '{start}', the length parameter: '{length}', the length of the string parameter: '{total}'. Please see https://aka.ms/arm-functions#{name} for usage details.",
            name = call.name
        ))),
    }
}

pub(super) fn to_lower<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    call.meter.charge(text.len())?;
    own(text.to_lowercase())
}

pub(super) fn to_upper<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    call.meter.charge(text.len())?;
    own(upper(&text))
}

pub(super) fn trim<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    call.meter.charge(text.len())?;
    own(text.trim())
}
