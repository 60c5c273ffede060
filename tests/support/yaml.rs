//! YAML as Kubernetes tools read it: only what YAML 1.1 and 1.2 parsers agree
//! on. Anything they would read differently is an error.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::Res;

/// The documents of a stream.
pub(crate) fn documents(text: &str) -> Res<Vec<Value>> {
    if let Some(c) = text.chars().find(|&c| is_unsafe(c)) {
        return Err(format!("raw U+{:04X}, which has to be escaped", c as u32));
    }
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        events.push(event.map_err(|e| e.to_string())?.0);
    }
    let mut events = events.into_iter();
    let mut documents = Vec::new();
    while let Some(event) = events.next() {
        match event {
            Event::DocumentStart(_) => {
                let first = events.next().ok_or("document without end")?;
                documents.push(node(first, &mut events, 0)?);
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Nothing => {}
            other => return Err(format!("unexpected {other:?}")),
        }
    }
    Ok(documents)
}

/// Line breaks of YAML 1.1 only, byte order marks, and what is not printable.
fn is_unsafe(c: char) -> bool {
    let allowed = matches!(c, '\t' | '\n');
    (c.is_control() && !allowed)
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn node<'a>(
    event: Event<'a>,
    events: &mut impl Iterator<Item = Event<'a>>,
    depth: u32,
) -> Res<Value> {
    if depth > 100 {
        return Err("nested too deeply".into());
    }
    match event {
        Event::Scalar(text, style, 0, None) => scalar(&text, style),
        Event::SequenceStart(0, None) => {
            let mut items = Vec::new();
            loop {
                match events.next().ok_or("sequence without end")? {
                    Event::SequenceEnd => return Ok(items.into()),
                    event => items.push(node(event, events, depth + 1)?),
                }
            }
        }
        Event::MappingStart(0, None) => {
            let mut map = Map::new();
            loop {
                let key = match events.next().ok_or("mapping without end")? {
                    Event::MappingEnd => return Ok(map.into()),
                    event => node(event, events, depth + 1)?,
                };
                let Value::String(key) = key else {
                    return Err(format!("the key {key} is not text"));
                };
                let value = events.next().ok_or("key without value")?;
                let value = node(value, events, depth + 1)?;
                if key == "<<" || map.insert(key.clone(), value).is_some() {
                    return Err(format!("the key {key} is a merge key or stands twice"));
                }
            }
        }
        other => Err(format!(
            "anchors, aliases and tags are not used here: {other:?}"
        )),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Res<Value> {
    if style != ScalarStyle::Plain {
        return Ok(text.into());
    }
    match text {
        "" | "~" | "null" => return Ok(Value::Null),
        "true" => return Ok(true.into()),
        "false" => return Ok(false.into()),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && !(digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0."));
    if plain_number && let Ok(number) = serde_json::from_str::<serde_json::Number>(text) {
        return Ok(Value::Number(number));
    }
    if is_ambiguous(text) {
        return Err(format!("{text} is not text to every parser: quote it"));
    }
    Ok(text.into())
}

/// Plain scalars that some parser takes for a boolean, number, date or null.
fn is_ambiguous(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "=", ".nan", ".inf", "-.inf",
        "+.inf",
    ];
    let number = lower.trim_start_matches(['+', '-']);
    let radix = ["0x", "0o", "0b"].iter().any(|p| {
        number
            .strip_prefix(p)
            .is_some_and(|d| d.chars().all(|c| c.is_ascii_hexdigit() || c == '_'))
    });
    let number_like = number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && number.contains(|c: char| c.is_ascii_digit())
        && number.matches('.').count() <= 1
        && number
            .chars()
            .all(|c| c.is_ascii_digit() || "+-.:_etz ".contains(c));
    words.contains(&lower.as_str()) || radix || number_like
}
