//! The ARM template expression language, as far as templates here use it.

use serde_json::Value;

use super::{Res, shared_function};

/// ARM's limit for one expression.
const MAX_EXPRESSION: usize = 24_576;

/// What `parameters()` and `variables()` mean where an expression stands.
pub(crate) trait Scope {
    /// The value of a parameter.
    fn parameter(&self, name: &str) -> Res<Value>;
    /// The value of a variable.
    fn variable(&self, name: &str) -> Res<Value>;
}

/// A string of a template: an expression iff it begins with `[` and ends with
/// `]` and does not begin with `[[`; `[[...]` is the literal `[...]`.
pub(crate) fn string(text: &str, scope: &dyn Scope) -> Res<Value> {
    if !(text.starts_with('[') && text.ends_with(']')) {
        return Ok(text.into());
    }
    if text.starts_with("[[") {
        return Ok(text[1..].into());
    }
    if text.chars().count() > MAX_EXPRESSION {
        return Err(format!(
            "expression of more than {MAX_EXPRESSION} characters"
        ));
    }
    let tokens = tokenize(&text[1..text.len() - 1]).map_err(|e| format!("{e} in {text}"))?;
    let mut parser = Parser {
        tokens: &tokens,
        scope,
    };
    let value = parser.expression().map_err(|e| format!("{e} in {text}"))?;
    match parser.tokens {
        [] => Ok(value),
        [extra, ..] => Err(format!(
            "unexpected {extra:?} after the expression in {text}"
        )),
    }
}

/// Every string in a value, property names included.
pub(crate) fn value(value: &Value, scope: &dyn Scope) -> Res<Value> {
    Ok(match value {
        Value::String(text) => string(text, scope)?,
        Value::Array(items) => items
            .iter()
            .map(|i| self::value(i, scope))
            .collect::<Res<Vec<_>>>()?
            .into(),
        Value::Object(map) => {
            let mut out = serde_json::Map::new();
            for (key, item) in map {
                let Value::String(key) = string(key, scope)? else {
                    return Err(format!("property name {key} is not text"));
                };
                if out.insert(key.clone(), self::value(item, scope)?).is_some() {
                    return Err(format!("property name {key} stands twice"));
                }
            }
            out.into()
        }
        other => other.clone(),
    })
}

#[derive(Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Int(i64),
    Open,
    Close,
    Comma,
}

fn tokenize(source: &str) -> Res<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            ' ' | '\t' | '\r' | '\n' => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('\'') if chars.next_if_eq(&'\'').is_some() => text.push('\''),
                        Some('\'') => break Token::Text(text),
                        Some(c) => text.push(c),
                        None => return Err("string without its closing quote".into()),
                    }
                }
            }
            '-' | '0'..='9' => {
                let mut digits = String::from(c);
                while let Some(d) = chars.next_if(char::is_ascii_digit) {
                    digits.push(d);
                }
                Token::Int(
                    digits
                        .parse()
                        .map_err(|e| format!("number {digits}: {e}"))?,
                )
            }
            c if c.is_ascii_alphabetic() => {
                let mut name = String::from(c);
                while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                    name.push(c);
                }
                Token::Name(name)
            }
            c => return Err(format!("unexpected character {c:?}")),
        });
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    scope: &'a dyn Scope,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn expression(&mut self) -> Res<Value> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text.as_str().into()),
            Some(Token::Int(number)) => Ok((*number).into()),
            Some(Token::Name(name)) => {
                if self.next() != Some(&Token::Open) {
                    return Err(format!("{name} without ("));
                }
                let args = self.arguments()?;
                self.call(name, &args)
            }
            other => Err(format!("expected a value, found {other:?}")),
        }
    }

    fn arguments(&mut self) -> Res<Vec<Value>> {
        let mut args = Vec::new();
        if self.tokens.first() == Some(&Token::Close) {
            self.next();
            return Ok(args);
        }
        loop {
            args.push(self.expression()?);
            match self.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(args),
                other => return Err(format!("expected , or ), found {other:?}")),
            }
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Res<Value> {
        match (name, args) {
            ("parameters", [Value::String(name)]) => self.scope.parameter(name),
            ("variables", [Value::String(name)]) => self.scope.variable(name),
            ("true", []) => Ok(true.into()),
            ("false", []) => Ok(false.into()),
            ("null", []) => Ok(Value::Null),
            ("createArray", items) => Ok(items.to_vec().into()),
            _ => shared_function(name, args).unwrap_or_else(|| {
                Err(format!(
                    "function {name} with {} arguments is not known",
                    args.len()
                ))
            }),
        }
    }
}
