//! Numbers of YAML 1.2's core schema, written as JSON writes them.

/// What a plain YAML scalar that looks numeric is.
pub(super) enum Number {
    /// Digits that are already JSON.
    AsIs,
    /// The same number in JSON's spelling.
    Spelled(String),
    /// `.inf` or `.nan`, which JSON cannot say.
    NotJson,
}

/// Reads `text` as a number of the core schema (YAML 1.2.2, 10.3.2).
pub(super) fn parse(text: &str) -> Option<Number> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let (sign, rest) = match first {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    if matches!(rest, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Number::NotJson);
    }
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !fraction.is_none_or(all_digits) {
        return None;
    }
    if whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || !all_digits(digits) {
            return None;
        }
    }
    let trimmed = whole.trim_start_matches('0');
    let mut spelled = String::with_capacity(text.len() + 2);
    spelled.push_str(sign);
    spelled.push_str(if trimmed.is_empty() { "0" } else { trimmed });
    if let Some(fraction) = fraction {
        spelled.push('.');
        spelled.push_str(if fraction.is_empty() { "0" } else { fraction });
    }
    if let Some(exponent) = exponent {
        spelled.push('e');
        spelled.push_str(exponent);
    }
    if spelled == text {
        Some(Number::AsIs)
    } else {
        Some(Number::Spelled(spelled))
    }
}

fn radix(digits: &str, radix: u32) -> Option<Number> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = u128::from_str_radix(digits, radix).ok()?;
    Some(Number::Spelled(number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> Option<String> {
        match parse(text)? {
            Number::AsIs => Some(text.to_owned()),
            Number::Spelled(spelled) => Some(spelled),
            Number::NotJson => Some("not JSON".into()),
        }
    }

    #[test]
    fn core_schema() {
        for (text, json) in [
            ("0", "0"),
            ("-9223372036854776000", "-9223372036854776000"),
            ("014", "14"),
            ("+1", "1"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("-.5e3", "-0.5e3"),
            ("1.0", "1.0"),
            ("0x1F", "31"),
            ("0o14", "12"),
            (".inf", "not JSON"),
            ("-.INF", "not JSON"),
        ] {
            assert_eq!(spelled(text).as_deref(), Some(json), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "1_000",
            "1.2.3",
            "1e",
            "0x",
            "12:30",
            "2024-01-01",
            "-.",
            "e5",
        ] {
            assert!(spelled(text).is_none(), "{text}");
        }
    }
}
