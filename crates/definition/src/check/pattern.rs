//! Regular expressions: whether they are any, in whatever dialect.
//!
//! Nothing is compiled: one pass over the text finds what no dialect takes. ECMA-262,
//! which OpenAPI names, and .NET differ in what is left.

/// # Errors
/// What is wrong with `pattern`.
pub(super) fn check(pattern: &str) -> Result<(), &'static str> {
    let mut chars = pattern.chars().peekable();
    let mut groups = 0_u32;
    // Whether there is something that a quantifier may repeat.
    let mut repeatable = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next().ok_or("it ends in a backslash")?;
                repeatable = true;
            }
            '[' => {
                class(&mut chars)?;
                repeatable = true;
            }
            '(' => {
                groups += 1;
                repeatable = false;
                if chars.next_if_eq(&'?').is_some() {
                    kind(&mut chars);
                }
            }
            ')' => {
                groups = groups.checked_sub(1).ok_or("a `)` closes nothing")?;
                repeatable = true;
            }
            '|' => repeatable = false,
            '^' => repeatable = false,
            '*' | '+' | '?' => {
                if !repeatable {
                    return Err("a quantifier has nothing to repeat");
                }
                // `*?` is lazy and `*+` possessive.
                chars.next_if(|c| matches!(c, '?' | '+'));
                repeatable = false;
            }
            '{' => {
                if let Some((low, high)) = bounds(&mut chars.clone()) {
                    if !repeatable {
                        return Err("a quantifier has nothing to repeat");
                    }
                    if high.is_some_and(|high| high < low) {
                        return Err("the bounds of a quantifier are the wrong way round");
                    }
                }
                repeatable = true;
            }
            _ => repeatable = true,
        }
    }
    match groups {
        0 => Ok(()),
        _ => Err("a `(` does not close"),
    }
}

/// What follows `(?`, up to the first thing that the group matches.
fn kind(chars: &mut Chars<'_>) {
    if chars
        .next_if(|c| matches!(c, ':' | '=' | '!' | '>' | '|'))
        .is_some()
    {
        return;
    }
    chars.next_if_eq(&'P');
    if chars.next_if_eq(&'<').is_some() {
        if chars.next_if(|c| matches!(c, '=' | '!')).is_none() {
            while chars.next_if(|c| *c != '>' && *c != ')').is_some() {}
            chars.next_if_eq(&'>');
        }
        return;
    }
    // Flags: `(?i)`, `(?i-s:`.
    while chars
        .next_if(|c| *c == '-' || c.is_ascii_alphabetic())
        .is_some()
    {}
    chars.next_if_eq(&':');
}

type Chars<'p> = std::iter::Peekable<std::str::Chars<'p>>;

/// The rest of a class, its `[` read.
fn class(chars: &mut Chars<'_>) -> Result<(), &'static str> {
    chars.next_if_eq(&'^');
    let mut last: Option<char> = None;
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            // ECMA closes it at once; others take the first one as it stands.
            ']' if !first || !chars.clone().any(|c| c == ']') => return Ok(()),
            '\\' => {
                chars.next().ok_or("it ends in a backslash")?;
                last = None;
            }
            // A set in a set: `[a-z&&[^b]]`, `[[:alpha:]]`.
            '-' if last.is_some() => {
                let low = last.take();
                let high = chars.peek().copied();
                if let (Some(low), Some(high)) = (low, high)
                    && !matches!(high, ']' | '\\' | '[')
                {
                    chars.next();
                    if high < low {
                        return Err("a range is the wrong way round");
                    }
                }
            }
            other => last = Some(other),
        }
        first = false;
    }
    Err("a `[` does not close")
}

/// The bounds of `{2}`, `{2,}`, `{2,3}`; none when the brace is a brace.
fn bounds(chars: &mut Chars<'_>) -> Option<(u32, Option<u32>)> {
    let mut number = |ends: [char; 2]| {
        let mut digits = String::new();
        while digits.len() < 8
            && let Some(digit) = chars.next_if(char::is_ascii_digit)
        {
            digits.push(digit);
        }
        let end = chars.next().filter(|c| ends.contains(c))?;
        Some((digits, end))
    };
    let (low, end) = number([',', '}'])?;
    let low = low.parse().ok()?;
    if end == '}' {
        return Some((low, Some(low)));
    }
    let (high, _) = number(['}', '}'])?;
    Some((low, high.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_no_dialect_takes() {
        for wrong in [
            "[a-z", "(a", "a)", "*a", "+", "a**b*+*", "\\", "[z-a]", "a{3,1}", "(?:a", "{2}",
        ] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        for right in [
            "",
            "^$",
            "(a+)+$",
            "^[a-z]{2,}$",
            "(?<year>\\d{4})",
            "(?i)abc",
            "(?!x)y",
            "a{b}",
            "[]a]",
            "[^]]",
            "[a-]",
            "[-a]",
            "\\p{L}+",
            "a*?",
            "a++",
            "[\\w-.]+",
            "^(?=.*\\d).{4,8}$",
            "[[:alpha:]]",
            "a|b|",
            "(?:-?a)",
            "(?i-s:a)",
            "(?P<n>a)",
            "(?<!a)b",
            "(?>a)",
            "${x}",
            "[\\[\\]]",
            "{",
            "^[^/]+/[^/]+$",
        ] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
    }
}
