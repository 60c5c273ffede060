//! `$filter`: comparisons and functions joined by `and`, `or` and `not`.

use serde_json::Value;
use std::cmp::Ordering;

/// A filter that was read.
#[derive(Debug)]
pub enum Filter {
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// Either.
    Or(Box<Filter>, Box<Filter>),
    /// Not.
    Not(Box<Filter>),
    /// `field op value`.
    Compare(String, Operator, Value),
    /// `contains(field, 'text')` and its like.
    Function(String, String, String),
    /// `isCurrent`: a field that is true.
    Field(String),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    Unequal,
    /// `gt`
    Greater,
    /// `ge`
    AtLeast,
    /// `lt`
    Less,
    /// `le`
    AtMost,
}

/// How many words a filter may have.
const WORDS: usize = 200;

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Open,
    Close,
    Comma,
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if words.len() == WORDS {
            return Err("the filter is too long".to_owned());
        }
        let (word, length) = match first {
            '(' => (Word::Open, 1),
            ')' => (Word::Close, 1),
            ',' => (Word::Comma, 1),
            '\'' => {
                let mut value = String::new();
                let mut at = 1;
                loop {
                    let end = rest[at..].find('\'').ok_or("a text is not closed")?;
                    value.push_str(&rest[at..at + end]);
                    at += end + 1;
                    if !rest[at..].starts_with('\'') {
                        break;
                    }
                    value.push('\'');
                    at += 1;
                }
                (Word::Text(value), at)
            }
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || "(),'".contains(c))
                    .unwrap_or(rest.len());
                (Word::Name(rest[..end].to_owned()), end)
            }
        };
        words.push(word);
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

struct Reader {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
}

impl Reader {
    fn is_name(&mut self, name: &str) -> bool {
        matches!(self.words.peek(), Some(Word::Name(word)) if word.eq_ignore_ascii_case(name))
    }

    fn either(&mut self) -> Result<Filter, String> {
        let mut left = self.both()?;
        while self.is_name("or") {
            self.words.next();
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, String> {
        let mut left = self.one()?;
        while self.is_name("and") {
            self.words.next();
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn expect(&mut self, word: &Word) -> Result<(), String> {
        match self.words.next() {
            Some(found) if found == *word => Ok(()),
            found => Err(format!("unexpected {found:?}")),
        }
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.is_name("not") {
            self.words.next();
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        match self.words.next() {
            Some(Word::Open) => {
                let inner = self.either()?;
                self.expect(&Word::Close)?;
                Ok(inner)
            }
            Some(Word::Name(name)) => self.named(name),
            found => Err(format!("unexpected {found:?}")),
        }
    }

    fn named(&mut self, name: String) -> Result<Filter, String> {
        if self.words.peek() == Some(&Word::Open) {
            self.words.next();
            let first = self.words.next();
            self.expect(&Word::Comma)?;
            let second = self.words.next();
            self.expect(&Word::Close)?;
            let known = ["contains", "substringof", "startswith", "endswith"];
            let function = name.to_lowercase();
            if !known.contains(&function.as_str()) {
                return Err(format!("there is no function {name}"));
            }
            // substringof has its text first, the others have it second.
            return match (first, second) {
                (Some(Word::Name(field)), Some(Word::Text(text)))
                | (Some(Word::Text(text)), Some(Word::Name(field))) => {
                    Ok(Filter::Function(function, field, text))
                }
                _ => Err(format!("{name} takes a field and a text")),
            };
        }
        let operators = [
            ("eq", Operator::Equal),
            ("ne", Operator::Unequal),
            ("gt", Operator::Greater),
            ("ge", Operator::AtLeast),
            ("lt", Operator::Less),
            ("le", Operator::AtMost),
        ];
        let found = operators
            .iter()
            .find(|(word, _)| self.is_name(word))
            .map(|(_, operator)| *operator);
        let Some(operator) = found else {
            return Ok(Filter::Field(name));
        };
        self.words.next();
        let value = match self.words.next() {
            Some(Word::Text(text)) => Value::String(text),
            Some(Word::Name(word)) => {
                serde_json::from_str(&word).map_err(|_| format!("'{word}' is no value"))?
            }
            found => return Err(format!("unexpected {found:?}")),
        };
        Ok(Filter::Compare(name, operator, value))
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(text: &str) -> Result<Self, String> {
        let words = words(text)?;
        let mut reader = Reader {
            words: words.into_iter().peekable(),
        };
        let filter = reader.either()?;
        match reader.words.next() {
            None => Ok(filter),
            Some(word) => Err(format!("unexpected {word:?}")),
        }
    }

    /// Whether an item passes.
    pub fn takes(&self, item: &Value) -> bool {
        match self {
            Self::And(left, right) => left.takes(item) && right.takes(item),
            Self::Or(left, right) => left.takes(item) || right.takes(item),
            Self::Not(inner) => !inner.takes(item),
            Self::Field(name) => field(item, name) == Some(&Value::Bool(true)),
            Self::Function(function, name, text) => {
                let value = field(item, name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_lowercase();
                let text = text.to_lowercase();
                match function.as_str() {
                    "startswith" => value.starts_with(&text),
                    "endswith" => value.ends_with(&text),
                    _ => value.contains(&text),
                }
            }
            Self::Compare(name, operator, value) => {
                let order = compare(field(item, name).unwrap_or(&Value::Null), value);
                match operator {
                    Operator::Equal => order == Some(Ordering::Equal),
                    Operator::Unequal => order != Some(Ordering::Equal),
                    Operator::Greater => order == Some(Ordering::Greater),
                    Operator::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                    Operator::Less => order == Some(Ordering::Less),
                    Operator::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                }
            }
        }
    }
}

/// A field of an item: its own, or one of `properties`.
fn field<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    let name = name.strip_prefix("properties/").unwrap_or(name);
    let find = |entries: &'a Value| {
        let entries = entries.as_object()?;
        entries
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    item.get("properties").and_then(find).or_else(|| find(item))
}

fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            Some(left.to_lowercase().cmp(&right.to_lowercase()))
        }
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (left, right) => (left == right).then_some(Ordering::Equal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn filters_take_what_they_say() {
        let item = json!({"name": "a", "properties": {"displayName": "It's A", "isCurrent": true, "limit": 3}});
        for (text, takes) in [
            ("name eq 'A'", true),
            ("name ne 'a'", false),
            ("isCurrent", true),
            ("isCurrent eq false", false),
            ("limit gt 2 and limit le 3", true),
            ("not (limit lt 3) or name eq 'b'", true),
            ("displayName eq 'It''s a'", true),
            (
                "startswith(displayName, 'it') and endswith(name, 'b')",
                false,
            ),
            ("substringof('s a', properties/displayName)", true),
            ("none eq 'x'", false),
        ] {
            assert_eq!(
                Filter::read(text).map(|filter| filter.takes(&item)),
                Ok(takes),
                "{text}"
            );
        }
        assert!(Filter::read(&"(".repeat(100_000)).is_err());
    }
}
