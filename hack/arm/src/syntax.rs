//! The expression language: text between `[` and `]` to a tree.
//!
//! Source: <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions>.
//! The sentences are those of reports: Azure/azure-cli#14373 (`Identifier`, `EndOfData`),
//! mspnp/microservices-reference-implementation#217 (`RightParenthesis`),
//! Azure/azure-api-management-devops-resource-kit#561 (`the string character`).

use crate::error::Fault;
use crate::limits::Limits;

/// How deep calls and indexers may nest. Azure has no documented limit; this one keeps
/// the stack bounded.
pub(crate) const MAX_NESTING: usize = 96;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// `'text'`, without its quotes and with `''` as one.
    Text(String),
    /// `12`, `-3`.
    Integer(i64),
    /// `1.5`; Azure reads it, though its documentation has no such literal.
    Float(f64),
    /// `name(…)` or `namespace.name(…)`.
    Call(Call),
    /// `call.property[index]`.
    Access(Call, Vec<Step>),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// `contoso` of `contoso.name()`.
    pub(crate) namespace: Option<String>,
    /// As it is written.
    pub(crate) name: String,
    pub(crate) arguments: Vec<Expr>,
}

/// What follows a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Property(String),
    Index(Expr),
}

/// What a JSON string of a template is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    /// As it stands, less the bracket that escapes.
    Literal(&'a str),
    /// Between the brackets.
    Expression(&'a str),
}

/// A string is an expression if it begins with `[` and ends with `]`; `[[…]` loses one
/// bracket, and `[[…` without an end keeps both (measured with Microsoft's engine).
pub(crate) fn classify(text: &str) -> Text<'_> {
    match text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(_) if text.starts_with("[[") => Text::Literal(&text[1..]),
        Some(inner) => Text::Expression(inner),
        None => Text::Literal(text),
    }
}

/// Parses what is between the brackets.
pub(crate) fn parse(source: &str, limits: &Limits) -> Result<Expr, Fault> {
    let length = utf16(source) + 2;
    if length > limits.expression {
        return Err(Fault::Syntax(format!(
            "The language expression length limit exceeded. Limit: '{}' and actual: '{length}'.",
            limits.expression
        )));
    }
    let tokens = lex(source, limits)?;
    let mut parser = Parser {
        source,
        tokens,
        at: 0,
    };
    let expr = parser.expression(0)?;
    parser.expect(&Token::EndOfData)?;
    Ok(expr)
}

/// Length in UTF-16 units, which is how .NET counts characters.
pub(crate) fn utf16(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Identifier(String),
    Text(String),
    Integer(i64),
    Float(f64),
    LeftParenthesis,
    RightParenthesis,
    LeftSquareBracket,
    RightSquareBracket,
    Comma,
    Dot,
    EndOfData,
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Self::Identifier(_) => "Identifier",
            Self::Text(_) => "StringLiteral",
            Self::Integer(_) => "Integer",
            Self::Float(_) => "Float",
            Self::LeftParenthesis => "LeftParenthesis",
            Self::RightParenthesis => "RightParenthesis",
            Self::LeftSquareBracket => "LeftSquareBracket",
            Self::RightSquareBracket => "RightSquareBracket",
            Self::Comma => "Comma",
            Self::Dot => "Dot",
            Self::EndOfData => "EndOfData",
        }
    }
}

fn lex(source: &str, limits: &Limits) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut chars = source.chars().enumerate().peekable();
    while let Some(&(at, c)) = chars.peek() {
        let simple = match c {
            '(' => Some(Token::LeftParenthesis),
            ')' => Some(Token::RightParenthesis),
            '[' => Some(Token::LeftSquareBracket),
            ']' => Some(Token::RightSquareBracket),
            ',' => Some(Token::Comma),
            '.' => Some(Token::Dot),
            _ => None,
        };
        if let Some(token) = simple {
            tokens.push(token);
            chars.next();
        } else if c.is_whitespace() {
            chars.next();
        } else if c == '\'' {
            chars.next();
            tokens.push(Token::Text(quoted(source, at, &mut chars, limits)?));
        } else if c.is_ascii_digit() || c == '-' || c == '+' {
            let mut text = String::new();
            while let Some(&(at, c)) = chars.peek() {
                let sign =
                    (c == '-' || c == '+') && (text.is_empty() || text.ends_with(['e', 'E']));
                if c.is_ascii_digit() || sign || c == '.' || c == 'e' || c == 'E' {
                    text.push(c);
                    chars.next();
                } else if is_name(c) {
                    return Err(unexpected(source, c, at));
                } else {
                    break;
                }
            }
            tokens.push(number(source, at, c, &text)?);
        } else if is_name(c) {
            let mut name = String::new();
            while let Some(&(_, c)) = chars.peek()
                && (is_name(c) || c.is_ascii_digit())
            {
                name.push(c);
                chars.next();
            }
            tokens.push(Token::Identifier(name));
        } else {
            return Err(unexpected(source, c, at));
        }
    }
    tokens.push(Token::EndOfData);
    Ok(tokens)
}

/// The rest of a literal whose opening quote was at `start`.
fn quoted(
    source: &str,
    start: usize,
    chars: &mut std::iter::Peekable<impl Iterator<Item = (usize, char)>>,
    limits: &Limits,
) -> Result<String, Fault> {
    let mut text = String::new();
    loop {
        match chars.next() {
            Some((_, '\'')) => {
                if chars.next_if(|(_, c)| *c == '\'').is_some() {
                    text.push('\'');
                } else {
                    break;
                }
            }
            Some((_, c)) => text.push(c),
            None => {
                return Err(Fault::Syntax(format!(
                    "The language expression '{source}' is not valid: the string literal at position '{start}' is not terminated."
                )));
            }
        }
    }
    if utf16(&text) > limits.literal {
        return Err(Fault::Syntax(format!(
            "language expression literal limit exceeded. Limit: '{}' and actual: '{}'.",
            limits.literal,
            utf16(&text)
        )));
    }
    Ok(text)
}

fn number(source: &str, at: usize, first: char, text: &str) -> Result<Token, Fault> {
    if let Ok(integer) = text.parse() {
        return Ok(Token::Integer(integer));
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() && text.contains(['.', 'e', 'E']) => Ok(Token::Float(float)),
        _ => Err(unexpected(source, first, at)),
    }
}

fn is_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}

fn unexpected(source: &str, c: char, at: usize) -> Fault {
    Fault::Syntax(format!(
        "The language expression '{source}' is not valid: the string character '{c}' at position '{at}' is not expected."
    ))
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::EndOfData)
    }

    fn next(&mut self) -> Token {
        let token = self
            .tokens
            .get_mut(self.at)
            .map_or(Token::EndOfData, |token| {
                std::mem::replace(token, Token::EndOfData)
            });
        self.at += 1;
        token
    }

    fn wrong(&self, expected: &str) -> Fault {
        Fault::Syntax(format!(
            "Unable to parse language expression '{}': expected token '{expected}' and actual '{}'.",
            self.source,
            self.peek().name()
        ))
    }

    fn expect(&mut self, token: &Token) -> Result<(), Fault> {
        if self.peek() == token {
            self.at += 1;
            Ok(())
        } else {
            Err(self.wrong(token.name()))
        }
    }

    fn identifier(&mut self) -> Result<String, Fault> {
        match self.next() {
            Token::Identifier(name) => Ok(name),
            other => {
                self.at -= 1;
                if let Some(place) = self.tokens.get_mut(self.at) {
                    *place = other;
                }
                Err(self.wrong("Identifier"))
            }
        }
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, Fault> {
        if depth > MAX_NESTING {
            return Err(Fault::Syntax(format!(
                "Unable to parse language expression: it nests deeper than '{MAX_NESTING}' levels."
            )));
        }
        match self.peek() {
            Token::Text(_) | Token::Integer(_) | Token::Float(_) => {}
            _ => {
                let call = self.call(depth)?;
                let steps = self.steps(depth)?;
                return Ok(if steps.is_empty() {
                    Expr::Call(call)
                } else {
                    Expr::Access(call, steps)
                });
            }
        }
        Ok(match self.next() {
            Token::Text(text) => Expr::Text(text),
            Token::Float(float) => Expr::Float(float),
            Token::Integer(integer) => Expr::Integer(integer),
            _ => return Err(self.wrong("Identifier")),
        })
    }

    fn call(&mut self, depth: usize) -> Result<Call, Fault> {
        let mut name = self.identifier()?;
        let mut namespace = None;
        if *self.peek() == Token::Dot {
            self.at += 1;
            namespace = Some(std::mem::replace(&mut name, self.identifier()?));
        }
        self.expect(&Token::LeftParenthesis)?;
        let mut arguments = Vec::new();
        if *self.peek() != Token::RightParenthesis {
            loop {
                arguments.push(self.expression(depth + 1)?);
                if *self.peek() != Token::Comma {
                    break;
                }
                self.at += 1;
            }
        }
        self.expect(&Token::RightParenthesis)?;
        Ok(Call {
            namespace,
            name,
            arguments,
        })
    }

    fn steps(&mut self, depth: usize) -> Result<Vec<Step>, Fault> {
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                Token::Dot => {
                    self.at += 1;
                    steps.push(Step::Property(self.identifier()?));
                }
                Token::LeftSquareBracket => {
                    self.at += 1;
                    steps.push(Step::Index(self.expression(depth + 1)?));
                    self.expect(&Token::RightSquareBracket)?;
                }
                _ => return Ok(steps),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> String {
        match parse(source, &Limits::default()) {
            Err(Fault::Syntax(words)) => words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn brackets_decide_what_is_an_expression() {
        for (text, want) in [
            ("[x]", Text::Expression("x")),
            ("[x", Text::Literal("[x")),
            ("[[x]", Text::Literal("[x]")),
            ("[[x", Text::Literal("[[x")),
            ("[x] y", Text::Literal("[x] y")),
            ("[x]\n", Text::Literal("[x]\n")),
            ("[]", Text::Expression("")),
            ("[", Text::Literal("[")),
            ("", Text::Literal("")),
        ] {
            assert_eq!(classify(text), want, "{text:?}");
        }
    }

    #[test]
    fn what_does_not_parse_is_refused_in_the_words_of_reports() {
        for (source, want) in [
            (
                "concat('ai-', uniqueString(resourceGroup().id)",
                "Unable to parse language expression 'concat('ai-', uniqueString(resourceGroup().id)': expected token 'RightParenthesis' and actual 'EndOfData'.",
            ),
            (
                " ",
                "Unable to parse language expression ' ': expected token 'Identifier' and actual 'EndOfData'.",
            ),
            (
                "concat('a'))",
                "Unable to parse language expression 'concat('a'))': expected token 'EndOfData' and actual 'RightParenthesis'.",
            ),
            (
                "bad-expression",
                "The language expression 'bad-expression' is not valid: the string character 'x' at position '5' is not expected.",
            ),
            (
                "{\"a\":1}",
                "The language expression '{\"a\":1}' is not valid: the string character '{' at position '0' is not expected.",
            ),
            (
                "x",
                "Unable to parse language expression 'x': expected token 'LeftParenthesis' and actual 'EndOfData'.",
            ),
        ] {
            assert_eq!(words(source), want);
        }
    }

    #[test]
    fn quotes_are_doubled_and_space_is_free() {
        assert_eq!(
            parse(" concat ( 'it''s' , -1 ) [ 0 ] . b ", &Limits::default()).unwrap(),
            Expr::Access(
                Call {
                    namespace: None,
                    name: "concat".to_owned(),
                    arguments: vec![Expr::Text("it's".to_owned()), Expr::Integer(-1)],
                },
                vec![
                    Step::Index(Expr::Integer(0)),
                    Step::Property("b".to_owned())
                ]
            )
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |n: usize| format!("{}{}", "f(".repeat(n), ")".repeat(n));
        assert!(parse(&deep(MAX_NESTING), &Limits::default()).is_ok());
        assert!(words(&deep(MAX_NESTING + 2)).contains("nests deeper"));
    }

    #[test]
    fn an_expression_of_the_limit_is_taken_and_one_more_is_not() {
        let limits = Limits::default();
        let of = |n: usize| format!("toLower('{}')", "a".repeat(n - "[toLower('')]".len()));
        assert!(parse(&of(limits.expression), &limits).is_ok());
        assert!(
            words(&of(limits.expression + 1))
                .starts_with("The language expression length limit exceeded. Limit: '24576'")
        );
    }

    #[test]
    fn a_literal_has_its_own_limit() {
        let limits = Limits {
            expression: usize::MAX,
            ..Limits::default()
        };
        let of = |n: usize| format!("toLower('{}')", "a".repeat(n));
        assert!(parse(&of(131_072), &limits).is_ok());
        let Err(Fault::Syntax(words)) = parse(&of(131_073), &limits) else {
            panic!("taken");
        };
        assert!(words.starts_with("language expression literal limit exceeded. Limit: '131072'"));
    }
}
