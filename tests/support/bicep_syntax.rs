//! The Bicep language, as far as rendered files use it: a strict parser that
//! takes no escape, separator or line break the language does not have.

use super::Res;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A string of text and interpolations.
    Str(Vec<Part>),
    /// `[...]`.
    Array(Vec<Expr>),
    /// `{...}` in the order written.
    Object(Vec<(Vec<Part>, Expr)>),
    /// A symbol.
    Name(String),
    /// `a.b` and `a['b']`.
    Member(Box<Expr>, String),
    /// `f(...)`.
    Call(String, Vec<Expr>),
    /// `!a`.
    Not(Box<Expr>),
}

/// `for name in list`, and how many are written at once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loop {
    /// What an item is called.
    pub(crate) item: String,
    /// The items.
    pub(crate) list: Expr,
    /// `@batchSize`.
    pub(crate) batch: Option<i64>,
}

/// A piece of a string.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// Characters.
    Text(String),
    /// `${...}`.
    Hole(Expr),
}

/// What a statement declares.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// `param name type = default`; in a parameters file without type.
    Param {
        type_: Option<String>,
        default: Option<Expr>,
        secure: bool,
    },
    /// `var name = value`.
    Var(Expr),
    /// `resource name 'type@version' [existing] = [if (condition)] body`, or one for
    /// each item.
    Resource {
        type_: String,
        existing: bool,
        condition: Option<Expr>,
        each: Option<Loop>,
        body: Expr,
    },
    /// `module name 'path' = body`.
    Module { path: String, body: Expr },
    /// `output name type = value`.
    Output(Expr),
    /// `using 'path'`.
    Using(String),
}

/// A statement that names something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Declaration {
    /// The symbol.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: Kind,
}

/// Parses a file. Also gives the text with the inside of its strings masked,
/// for parsers that cannot cope with every string.
pub(crate) fn parse(source: &str) -> Res<(Vec<Declaration>, String)> {
    let mut parser = Parser {
        source,
        at: 0,
        strings: Vec::new(),
        nesting: 0,
    };
    let declarations = parser.file().map_err(|e| {
        let line = source[..parser.at.min(source.len())].matches('\n').count() + 1;
        format!("line {line}: {e}")
    })?;
    let mut masked = source.as_bytes().to_vec();
    for &(start, end) in &parser.strings {
        masked[start..end].fill(b'x');
    }
    Ok((
        declarations,
        String::from_utf8(masked).map_err(|e| e.to_string())?,
    ))
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    /// Byte ranges of literal text inside strings.
    strings: Vec<(usize, usize)>,
    nesting: u32,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn expect(&mut self, text: &str) -> Res<()> {
        self.blanks()?;
        if self.eat(text) {
            Ok(())
        } else {
            Err(format!("expected {text:?}, found {:?}", self.peek()))
        }
    }

    /// Skips blanks and comments, not line ends.
    fn blanks(&mut self) -> Res<()> {
        loop {
            self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
            if self.rest().starts_with("//") {
                self.at += self.rest().find(['\r', '\n']).unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                self.at += self.rest().find("*/").ok_or("comment without end")? + 2;
            } else {
                return Ok(());
            }
        }
    }

    /// Skips blanks, comments, line ends and `#disable` lines; true when at
    /// least one line end was among them.
    fn lines(&mut self) -> Res<bool> {
        let mut any = false;
        loop {
            self.blanks()?;
            if self.eat("\r\n") || self.eat("\n") {
                any = true;
            } else if any && self.rest().starts_with("#disable-") {
                self.at += self.rest().find(['\r', '\n']).unwrap_or(self.rest().len());
            } else {
                return Ok(any);
            }
        }
    }

    fn word(&mut self) -> Res<&'a str> {
        self.blanks()?;
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if end == 0 || end > 255 || word.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "expected an identifier, found {:?}",
                rest.chars().next()
            ));
        }
        self.at += end;
        Ok(word)
    }

    fn plain_string(&mut self) -> Res<String> {
        self.blanks()?;
        match self.string()?.as_slice() {
            [] => Ok(String::new()),
            [Part::Text(text)] => Ok(text.clone()),
            _ => Err("interpolation is not allowed here".into()),
        }
    }

    fn file(&mut self) -> Res<Vec<Declaration>> {
        let mut declarations = Vec::new();
        self.lines()?;
        while !self.rest().is_empty() {
            let decorators = self.decorators()?;
            if let Some(declaration) = self.statement(decorators)? {
                declarations.push(declaration);
            }
            if !self.lines()? && !self.rest().is_empty() {
                return Err(format!(
                    "expected the end of the line, found {:?}",
                    self.peek()
                ));
            }
        }
        Ok(declarations)
    }

    /// Whether `@secure()` is among the decorators, and what `@batchSize` says.
    fn decorators(&mut self) -> Res<(bool, Option<i64>)> {
        let (mut secure, mut batch) = (false, None);
        while self.eat("@") {
            self.eat("sys.");
            match self.expression()? {
                Expr::Call(name, args) if name == "secure" && args.is_empty() => secure = true,
                Expr::Call(name, args) if name == "batchSize" => match args.as_slice() {
                    [Expr::Int(size)] if *size > 0 => batch = Some(*size),
                    other => return Err(format!("batchSize of {other:?}")),
                },
                Expr::Call(name, args)
                    if args.len() == 1
                        && ["description", "minLength", "maxLength", "allowed"]
                            .contains(&name.as_str()) => {}
                other => return Err(format!("unknown decorator {other:?}")),
            }
            if !self.lines()? {
                return Err("a decorator stands on a line of its own".into());
            }
        }
        Ok((secure, batch))
    }

    fn statement(&mut self, (secure, batch): (bool, Option<i64>)) -> Res<Option<Declaration>> {
        let keyword = self.word()?;
        if batch.is_some() && keyword != "resource" {
            return Err(format!("@batchSize on a {keyword}"));
        }
        if secure && keyword != "param" {
            return Err(format!("@secure() on a {keyword}"));
        }
        if keyword == "targetScope" {
            self.expect("=")?;
            let scope = self.plain_string()?;
            return if scope == "resourceGroup" {
                Ok(None)
            } else {
                Err(format!("target scope {scope}"))
            };
        }
        if keyword == "using" {
            let kind = Kind::Using(self.plain_string()?);
            return Ok(Some(Declaration {
                name: "using".into(),
                kind,
            }));
        }
        let name = self.word()?.to_owned();
        let kind = match keyword {
            "metadata" => {
                self.expect("=")?;
                self.expression()?;
                return Ok(None);
            }
            "param" => {
                self.blanks()?;
                let type_ = if self.rest().starts_with('=') {
                    None
                } else {
                    Some(self.type_()?)
                };
                self.blanks()?;
                let default = if self.eat("=") {
                    Some(self.expression()?)
                } else {
                    None
                };
                Kind::Param {
                    type_,
                    default,
                    secure,
                }
            }
            "var" => {
                self.expect("=")?;
                Kind::Var(self.expression()?)
            }
            "output" => {
                self.type_()?;
                self.expect("=")?;
                Kind::Output(self.expression()?)
            }
            "resource" => {
                let type_ = self.plain_string()?;
                self.blanks()?;
                let existing = self.eat("existing");
                self.expect("=")?;
                self.blanks()?;
                let mut condition = None;
                let mut each = None;
                let body = if self.rest().starts_with("if ") {
                    self.word()?;
                    self.expect("(")?;
                    condition = Some(self.expression()?);
                    self.expect(")")?;
                    self.body()?
                } else if self.eat("[") {
                    self.lines()?;
                    let (item, list, body) = self.each()?;
                    self.lines()?;
                    self.expect("]")?;
                    each = Some(Loop { item, list, batch });
                    body
                } else {
                    self.body()?
                };
                if batch.is_some() && each.is_none() {
                    return Err("@batchSize on a resource that is no loop".into());
                }
                Kind::Resource {
                    type_,
                    existing,
                    condition,
                    each,
                    body,
                }
            }
            "module" => {
                let path = self.plain_string()?;
                self.expect("=")?;
                Kind::Module {
                    path,
                    body: self.body()?,
                }
            }
            other => return Err(format!("unknown statement {other}")),
        };
        Ok(Some(Declaration { name, kind }))
    }

    fn type_(&mut self) -> Res<String> {
        let word = self.word()?;
        if ["string", "int", "bool", "object", "array"].contains(&word) {
            Ok(word.to_owned())
        } else {
            Err(format!("unknown type {word}"))
        }
    }

    /// `for item in list: body`.
    fn each(&mut self) -> Res<(String, Expr, Expr)> {
        if self.word()? != "for" {
            return Err("a list of declarations without for".into());
        }
        let item = self.word()?.to_owned();
        if self.word()? != "in" {
            return Err("for without in".into());
        }
        let list = self.expression()?;
        self.expect(":")?;
        Ok((item, list, self.body()?))
    }

    fn body(&mut self) -> Res<Expr> {
        match self.expression()? {
            body @ Expr::Object(_) => Ok(body),
            other => Err(format!("a body has to be an object, found {other:?}")),
        }
    }

    fn expression(&mut self) -> Res<Expr> {
        self.nesting += 1;
        if self.nesting > 100 {
            return Err("nested too deeply".into());
        }
        self.blanks()?;
        let mut expr = match self.peek() {
            Some('\'') => Expr::Str(self.string()?),
            Some('[') => self.array()?,
            Some('{') => self.object()?,
            Some('(') => {
                self.at += 1;
                let inner = self.expression()?;
                self.expect(")")?;
                inner
            }
            Some('-') => {
                self.at += 1;
                self.number(true)?
            }
            Some('!') => {
                self.at += 1;
                let inner = self.expression()?;
                self.nesting -= 1;
                return Ok(Expr::Not(inner.into()));
            }
            Some('0'..='9') => self.number(false)?,
            _ => match self.word()? {
                "null" => Expr::Null,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                name if self.rest().starts_with('(') => Expr::Call(name.into(), self.arguments()?),
                name => Expr::Name(name.into()),
            },
        };
        loop {
            if self.eat(".") {
                let name = self.word()?.to_owned();
                let namespace = matches!(&expr, Expr::Name(n) if n == "az" || n == "sys");
                expr = if namespace && self.rest().starts_with('(') {
                    Expr::Call(name, self.arguments()?)
                } else {
                    Expr::Member(expr.into(), name)
                };
            } else if self.rest().starts_with("['") {
                self.at += 1;
                expr = Expr::Member(expr.into(), self.plain_string()?);
                self.expect("]")?;
            } else {
                self.nesting -= 1;
                return Ok(expr);
            }
        }
    }

    fn number(&mut self, negative: bool) -> Res<Expr> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += end;
        let sign = if negative { "-" } else { "" };
        format!("{sign}{}", &rest[..end])
            .parse()
            .map(Expr::Int)
            .map_err(|e| format!("number {:?}: {e}", &rest[..end]))
    }

    fn arguments(&mut self) -> Res<Vec<Expr>> {
        self.expect("(")?;
        let mut args = Vec::new();
        self.lines()?;
        if self.eat(")") {
            return Ok(args);
        }
        loop {
            args.push(self.expression()?);
            self.lines()?;
            if self.eat(")") {
                return Ok(args);
            }
            self.expect(",")?;
            self.lines()?;
        }
    }

    /// Between two elements: a line end or a comma. True at the closing
    /// bracket; a comma before it is not taken.
    fn separator(&mut self, close: &str) -> Res<bool> {
        let lines = self.lines()?;
        if self.eat(close) {
            return Ok(true);
        }
        let comma = self.eat(",");
        self.lines()?;
        match (lines || comma, comma && self.rest().starts_with(close)) {
            (true, false) => Ok(false),
            (_, true) => Err(format!("comma before {close}")),
            _ => Err(format!(
                "expected a line end, a comma or {close}, found {:?}",
                self.peek()
            )),
        }
    }

    fn array(&mut self) -> Res<Expr> {
        self.expect("[")?;
        let mut items = Vec::new();
        self.lines()?;
        if self.eat("]") {
            return Ok(Expr::Array(items));
        }
        loop {
            items.push(self.expression()?);
            if self.separator("]")? {
                return Ok(Expr::Array(items));
            }
        }
    }

    fn object(&mut self) -> Res<Expr> {
        self.expect("{")?;
        let mut members: Vec<(Vec<Part>, Expr)> = Vec::new();
        self.lines()?;
        if self.eat("}") {
            return Ok(Expr::Object(members));
        }
        loop {
            let key = match self.peek() {
                Some('\'') if self.rest().starts_with("'''") => {
                    return Err("multi-line string as a key".into());
                }
                Some('\'') => self.string()?,
                _ => match self.word()? {
                    value @ ("null" | "true" | "false") => {
                        return Err(format!("the key {value} needs quotes"));
                    }
                    word => vec![Part::Text(word.into())],
                },
            };
            if members.iter().any(|(k, _)| *k == key) {
                return Err(format!("the key {key:?} stands twice"));
            }
            self.expect(":")?;
            members.push((key, self.expression()?));
            if self.separator("}")? {
                return Ok(Expr::Object(members));
            }
        }
    }

    fn string(&mut self) -> Res<Vec<Part>> {
        if self.eat("'''") {
            return self.multi_line();
        }
        if !self.eat("'") {
            return Err(format!("expected a string, found {:?}", self.peek()));
        }
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut start = self.at;
        loop {
            let c = self.peek().ok_or("string without its closing quote")?;
            if self.rest().starts_with("${") {
                self.strings.push((start, self.at));
                self.at += 2;
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Hole(self.expression()?));
                self.expect("}")?;
                start = self.at;
                continue;
            }
            self.at += c.len_utf8();
            match c {
                '\'' => break,
                '\\' => text.push(self.escape()?),
                '\r' | '\n' => return Err("line end in a string".into()),
                c => text.push(c),
            }
        }
        self.strings.push((start, self.at - 1));
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(parts)
    }

    fn escape(&mut self) -> Res<char> {
        let c = self.peek().ok_or("string without its closing quote")?;
        self.at += c.len_utf8();
        Ok(match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' | '\'' | '$' => c,
            'u' => {
                let digits = self
                    .rest()
                    .strip_prefix('{')
                    .and_then(|r| r.split_once('}'))
                    .map(|(d, _)| d);
                let digits = digits.filter(|d| {
                    (1..=6).contains(&d.len()) && d.chars().all(|c| c.is_ascii_hexdigit())
                });
                let digits = digits.ok_or("\\u without {hex digits}")?;
                self.at += digits.len() + 2;
                let code = u32::from_str_radix(digits, 16)
                    .ok()
                    .and_then(char::from_u32);
                code.ok_or_else(|| format!("\\u{{{digits}}} is not a character"))?
            }
            other => return Err(format!("there is no escape \\{other}")),
        })
    }

    /// After `'''`: raw text up to the last quote of a run of three or more;
    /// one line end right after the opening does not count.
    fn multi_line(&mut self) -> Res<Vec<Part>> {
        let rest = self.rest();
        let close = rest.find("'''").ok_or("multi-line string without end")?;
        let after = &rest[close + 3..];
        let extra = after.len() - after.trim_start_matches('\'').len();
        let raw = &rest[..close + extra];
        self.strings.push((self.at - 2, self.at + raw.len() + 2));
        self.at += raw.len() + 3;
        let text = raw
            .strip_prefix("\r\n")
            .or_else(|| raw.strip_prefix('\n'))
            .unwrap_or(raw);
        if text.starts_with('\r') && text.len() == raw.len() {
            return Err("multi-line string that begins with a lone carriage return".into());
        }
        Ok(if text.is_empty() {
            Vec::new()
        } else {
            vec![Part::Text(text.into())]
        })
    }
}
