//! JSON as `json()` and `base64ToJson()` read it: the documentation's examples have single
//! quotes, and those of Azure/bicep's baselines comments.

use serde_json::{Map, Value};

/// How deep a text may nest.
const MAX_DEPTH: usize = 120;

/// Reads JSON, also with single quotes and with bare names of properties.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.space();
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(reader.unexpected())
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Space, and comments, which the service's reader skips.
    fn space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let end = if self.rest.starts_with("//") {
                self.rest.find('\n')
            } else if self.rest.starts_with("/*") {
                self.rest.find("*/").map(|end| end + 2)
            } else {
                return;
            };
            let end = end.unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
        }
    }

    fn unexpected(&self) -> String {
        match self.rest.chars().next() {
            Some(c) => format!("unexpected character '{c}'"),
            None => "unexpected end".to_owned(),
        }
    }

    fn take(&mut self, c: char) -> bool {
        self.space();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH} levels"));
        }
        self.space();
        match self.rest.chars().next() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('\'' | '"') => self.string().map(Value::String),
            _ => {
                let word = self.word();
                serde_json::from_str(word).map_err(|_| self.unexpected())
            }
        }
    }

    fn word(&mut self) -> &str {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || "+-._$".contains(c)))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.take('[');
        let mut items = Vec::new();
        while !self.take(']') {
            items.push(self.value(depth + 1)?);
            if !self.take(',') && !self.rest.starts_with(']') {
                return Err(self.unexpected());
            }
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.take('{');
        let mut object = Map::new();
        while !self.take('}') {
            self.space();
            let key = if self.rest.starts_with(['\'', '"']) {
                self.string()?
            } else {
                let word = self.word().to_owned();
                if word.is_empty() {
                    return Err(self.unexpected());
                }
                word
            };
            if !self.take(':') {
                return Err(self.unexpected());
            }
            object.insert(key, self.value(depth + 1)?);
            if !self.take(',') && !self.rest.starts_with('}') {
                return Err(self.unexpected());
            }
        }
        Ok(Value::Object(object))
    }

    fn string(&mut self) -> Result<String, String> {
        let quote = if self.rest.starts_with('"') {
            '"'
        } else {
            '\''
        };
        let mut inner = String::from("\"");
        let mut chars = self.rest.char_indices();
        chars.next();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                inner.push('"');
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return serde_json::from_str(&inner).map_err(|why| why.to_string());
            }
            match c {
                '\\' => match chars.next() {
                    Some((_, '\'')) => inner.push('\''),
                    Some((_, c)) => {
                        inner.push('\\');
                        inner.push(c);
                    }
                    None => break,
                },
                '"' => inner.push_str("\\\""),
                c if c < ' ' => inner.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => inner.push(c),
            }
        }
        Err("unexpected end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn single_quotes_and_bare_names_are_read() {
        for (text, want) in [
            (
                "{'one': 'a', 'two': 'b'}",
                json!({ "one": "a", "two": "b" }),
            ),
            (
                "{a: 1, b: [true, null, 'x\"y\\'z',],}",
                json!({ "a": 1, "b": [true, null, "x\"y'z"] }),
            ),
            ("null", json!(null)),
            ("// what\n{ /* it */ 'a': 1 } // is", json!({ "a": 1 })),
            (" 3 ", json!(3)),
        ] {
            assert_eq!(parse(text).unwrap(), want, "{text}");
        }
        for text in ["", "{", "{'a' 1}", "[1 2]", "nul", "'x", "{}x", "\\"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"['".repeat(1000)).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
