//! .NET's composite formatting, as far as values of JSON need it:
//! <https://learn.microsoft.com/dotnet/standard/base-types/composite-formatting>.

use serde_json::Value;

use super::Item;
use crate::value::text;

/// Formats `pattern`; what would be longer than `most` bytes is cut, for the caller to
/// refuse.
pub(super) fn format(pattern: &str, arguments: &[Item<'_>], most: usize) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            out.push_str(rest.get(..1).unwrap_or_default());
            rest = after;
            continue;
        }
        let (item, after) = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .ok_or("parameter is not valid. The format string was not in a correct format.")?;
        out.push_str(&placeholder(item, arguments, most)?);
        rest = after;
        if out.len() > most {
            return Ok(out);
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// `index[,width][:format]`.
fn placeholder(item: &str, arguments: &[Item<'_>], most: usize) -> Result<String, String> {
    let wrong =
        || "parameter is not valid. The format string was not in a correct format.".to_owned();
    let (place, code) = item
        .split_once(':')
        .map_or((item, ""), |(place, code)| (place, code));
    let (index, width) = place
        .split_once(',')
        .map_or((place, "0"), |(index, width)| (index, width));
    let index: usize = index.trim().parse().map_err(|_| wrong())?;
    let width: i64 = width.trim().parse().map_err(|_| wrong())?;
    let value = arguments.get(index).ok_or(
        "parameter is not valid. Index (zero based) must be greater than or equal to zero and less than the size of the argument list.",
    )?;
    let value = written(value, code)?;
    let size = usize::try_from(width.unsigned_abs())
        .unwrap_or(usize::MAX)
        .min(most.saturating_add(1));
    let missing = size.saturating_sub(crate::syntax::utf16(&value));
    let pad = " ".repeat(missing);
    Ok(if width < 0 {
        format!("{value}{pad}")
    } else {
        format!("{pad}{value}")
    })
}

fn written(value: &Value, code: &str) -> Result<String, String> {
    Ok(match value {
        Value::Number(number) if !code.is_empty() => match number.as_i64() {
            Some(integer) => whole(integer, code)?,
            None => real(number.as_f64().unwrap_or_default(), code)?,
        },
        Value::Array(_) | Value::Object(_) => single_quoted(value),
        other => text(other).into_owned(),
    })
}

/// Composite values inside of a text have single quotes (Azure/bicep, `EvaluationTests`).
fn single_quoted(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(single_quoted).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(object) => {
            let items: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{}:{}", quote(key), single_quoted(value)))
                .collect();
            format!("{{{}}}", items.join(","))
        }
        Value::String(text) => quote(text),
        other => other.to_string(),
    }
}

fn quote(text: &str) -> String {
    let json = Value::from(text).to_string();
    let inner = json
        .get(1..json.len().saturating_sub(1))
        .unwrap_or_default()
        .replace("\\\"", "\"")
        .replace('\'', "\\'");
    format!("'{inner}'")
}

/// Standard and custom numeric formats, invariant culture.
fn whole(value: i64, code: &str) -> Result<String, String> {
    let Some((kind, digits)) = standard(code) else {
        return Ok(custom(&value.unsigned_abs().to_string(), value < 0, code));
    };
    let sign = if value < 0 { "-" } else { "" };
    let all = value.unsigned_abs().to_string();
    let decimals = |n: usize| {
        if n == 0 {
            String::new()
        } else {
            format!(".{}", "0".repeat(n))
        }
    };
    Ok(match kind.to_ascii_uppercase() {
        'D' => format!("{sign}{all:0>width$}", width = digits.unwrap_or(0)),
        'N' => format!("{sign}{}{}", grouped(&all), decimals(digits.unwrap_or(2))),
        'F' => format!("{sign}{all}{}", decimals(digits.unwrap_or(2))),
        'G' | 'R' => format!("{sign}{all}"),
        'X' => {
            let hex = if kind == 'X' {
                format!("{value:X}")
            } else {
                format!("{value:x}")
            };
            format!("{hex:0>width$}", width = digits.unwrap_or(0))
        }
        'P' => format!(
            "{sign}{}{} %",
            grouped(&format!("{all}00")),
            decimals(digits.unwrap_or(2))
        ),
        _ => return Err("parameter is not valid. Format specifier was invalid.".to_owned()),
    })
}

fn real(value: f64, code: &str) -> Result<String, String> {
    let Some((kind, digits)) = standard(code) else {
        let text = value.abs().round().to_string();
        return Ok(custom(&text, value < 0.0, code));
    };
    let digits = digits.unwrap_or(2);
    Ok(match kind.to_ascii_uppercase() {
        'F' => format!("{value:.digits$}"),
        'N' => {
            let text = format!("{:.digits$}", value.abs());
            let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}{rest}", grouped(whole))
        }
        'G' | 'R' => value.to_string(),
        _ => return Err("parameter is not valid. Format specifier was invalid.".to_owned()),
    })
}

/// A letter and at most two digits.
fn standard(code: &str) -> Option<(char, Option<usize>)> {
    let kind = code.chars().next().filter(char::is_ascii_alphabetic)?;
    let digits = code.get(1..)?;
    if digits.is_empty() {
        return Some((kind, None));
    }
    (digits.len() <= 2)
        .then(|| digits.parse().ok())
        .flatten()
        .map(|digits| (kind, Some(digits)))
}

/// `0` is a digit at least, everything else that is no placeholder stands as it is.
fn custom(digits: &str, negative: bool, code: &str) -> String {
    let slots = code.matches(['0', '#']).count();
    let zeros = code.find('0').map_or(0, |first| {
        code.get(first..)
            .unwrap_or_default()
            .matches(['0', '#'])
            .count()
    });
    let mut digits = format!("{digits:0>zeros$}");
    if code.contains(',') {
        digits = grouped(&digits);
    }
    let mut out = if negative {
        "-".to_owned()
    } else {
        String::new()
    };
    let mut written = slots == 0;
    for c in code.chars() {
        match c {
            '0' | '#' if !written => {
                out.push_str(&digits);
                written = true;
            }
            '0' | '#' | ',' => {}
            other => out.push(other),
        }
    }
    out
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, c) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::borrow::Cow;

    fn of(pattern: &str, arguments: Value) -> Result<String, String> {
        let arguments: Vec<Item<'_>> = arguments
            .as_array()
            .unwrap()
            .iter()
            .map(Cow::Borrowed)
            .collect();
        format(pattern, &arguments, 1000)
    }

    #[test]
    fn formats_are_dot_nets() {
        for (pattern, arguments, want) in [
            (
                "{0}, {1}. Formatted number: {2:N0}",
                json!(["Hello", "User", 8_175_133]),
                "Hello, User. Formatted number: 8,175,133",
            ),
            ("{0}/{1}/{2}/{3}", json!([1, 2, 3, true]), "1/2/3/True"),
            (
                ">{0}<>{1}<",
                json!([{ "a": "b", "!c": 2 }, [true, 2893, "abc"]]),
                ">{'a':'b','!c':2}<>[true,2893,'abc']<",
            ),
            ("{{{0}}}", json!(["x"]), "{x}"),
            (
                "{0:D3}|{0:X}|{0:x4}|{0:F1}|{0:000}|{0:N}|{0:P0}",
                json!([31]),
                "031|1F|001f|31.0|031|31.00|3,100 %",
            ),
            ("{0,5}|{0,-5}|{0:D2}", json!([7]), "    7|7    |07"),
            ("{0}", json!([null]), ""),
            ("{0:N0}", json!([-1234]), "-1,234"),
            ("{0:F2}", json!([1.005]), "1.00"),
            ("{0:N1}", json!([-1234.56]), "-1,234.6"),
            ("{0:D5}", json!(["text"]), "text"),
        ] {
            assert_eq!(of(pattern, arguments).unwrap(), want, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_format_is_refused() {
        for pattern in ["{", "{0", "}", "{x}", "{0:}}", "{1}", "{0:Q9}"] {
            assert!(of(pattern, json!([1])).is_err(), "{pattern}");
        }
    }
}
