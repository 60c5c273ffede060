//! The grammar of SDL. Does not recurse: what nests is counted.

use crate::tokens::{Fault, Language, Token, TokenKind, Tokens};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Meter, Span};
use std::collections::BTreeMap;

/// What a schema declares.
#[derive(Default)]
pub(super) struct Schema<'t> {
    /// Where the name of each type stands.
    pub(super) types: BTreeMap<&'t str, Span>,
    /// Names that are declared again, and where they are first.
    pub(super) twice: Vec<(&'t str, Span, Span)>,
    /// Types that something is of.
    pub(super) named: Vec<(&'t str, Span)>,
    /// The word `schema`, and whether it has a query.
    pub(super) roots: Option<Span>,
    pub(super) has_query: bool,
    /// The inputs that each input needs.
    pub(super) inputs: BTreeMap<&'t str, Vec<(&'t str, Span)>>,
}

struct Parser<'t> {
    tokens: Tokens<'t>,
    schema: Schema<'t>,
}

type Step = Result<(), Fault>;

pub(super) fn parse<'t>(
    file: FileId,
    text: &'t str,
    meter: &'t Meter,
) -> Result<Schema<'t>, Fault> {
    let mut parser = Parser {
        tokens: Tokens::new(file, text, Language::GraphQl, meter)?,
        schema: Schema::default(),
    };
    while parser.tokens.peek().kind != TokenKind::End {
        parser.definition()?;
    }
    Ok(parser.schema)
}

impl<'t> Parser<'t> {
    fn description(&mut self) -> Step {
        if self.tokens.peek().kind == TokenKind::Text {
            self.tokens.advance()?;
        }
        Ok(())
    }

    fn definition(&mut self) -> Step {
        self.description()?;
        let extends = self.tokens.eat_word("extend")?;
        let word = self.tokens.peek();
        match word.text {
            "schema" if word.kind == TokenKind::Name => self.roots(extends),
            "directive" if !extends => self.directive(),
            "scalar" | "type" | "interface" | "union" | "enum" | "input" => {
                self.tokens.advance()?;
                let name = self.tokens.name("the name of a type")?;
                self.declare(name, extends);
                match word.text {
                    "scalar" => self.directives(),
                    "union" => self.union(),
                    "enum" => self.values(),
                    "input" => self.input(name.text),
                    _ => self.fields(),
                }
            }
            _ => Err(self.tokens.unexpected("a definition of a type")),
        }
    }

    fn declare(&mut self, name: Token<'t>, extends: bool) {
        let span = self.tokens.span(name);
        match self.schema.types.get(name.text) {
            Some(first) if !extends => self.schema.twice.push((name.text, span, *first)),
            Some(_) => {}
            None => {
                self.schema.types.insert(name.text, span);
            }
        }
    }

    fn roots(&mut self, extends: bool) -> Step {
        let word = self.tokens.advance()?;
        if !extends {
            self.schema.roots = Some(self.tokens.span(word));
        }
        self.directives()?;
        if extends && self.tokens.peek().kind != TokenKind::Sign('{') {
            return Ok(());
        }
        self.tokens.expect('{')?;
        loop {
            self.description()?;
            let root = self.tokens.name("`query`, `mutation` or `subscription`")?;
            self.schema.has_query |= root.text == "query";
            self.tokens.expect(':')?;
            self.named("the type of a root")?;
            if self.tokens.eat('}')? {
                return Ok(());
            }
        }
    }

    fn named(&mut self, expected: &str) -> Result<Token<'t>, Fault> {
        let name = self.tokens.name(expected)?;
        self.schema.named.push((name.text, self.tokens.span(name)));
        Ok(name)
    }

    /// A type, and whether a value must be there.
    fn of_type(&mut self) -> Result<(Token<'t>, bool), Fault> {
        let mut lists = 0_u32;
        while self.tokens.eat('[')? {
            lists += 1;
        }
        let name = self.named("a type")?;
        let mut needed = self.tokens.eat('!')?;
        let is_list = lists > 0;
        for _ in 0..lists {
            self.tokens.expect(']')?;
            self.tokens.eat('!')?;
        }
        needed &= !is_list;
        Ok((name, needed))
    }

    fn directives(&mut self) -> Step {
        while self.tokens.eat('@')? {
            self.tokens.name("the name of a directive")?;
            if self.tokens.eat('(')? {
                loop {
                    self.tokens.name("the name of an argument")?;
                    self.tokens.expect(':')?;
                    self.value()?;
                    if self.tokens.eat(')')? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn value(&mut self) -> Step {
        let mut open = Vec::new();
        loop {
            self.tokens.eat('-')?;
            match self.tokens.peek().kind {
                TokenKind::Sign(sign @ ('[' | '{')) => {
                    self.tokens.advance()?;
                    open.push(sign);
                }
                TokenKind::Name | TokenKind::Number | TokenKind::Text => {
                    self.tokens.advance()?;
                }
                _ => return Err(self.tokens.unexpected("a value")),
            }
            loop {
                let closes = match open.last() {
                    None => return Ok(()),
                    Some('[') => self.tokens.eat(']')?,
                    Some(_) => self.tokens.eat('}')?,
                };
                if !closes {
                    break;
                }
                open.pop();
            }
            if open.last() == Some(&'{') {
                self.tokens.name("the name of a field")?;
                self.tokens.expect(':')?;
            }
        }
    }

    /// Arguments of a field or directive, or fields of an input, up to `end`. Those that
    /// need a value.
    fn inputs(&mut self, end: char) -> Result<Vec<(&'t str, Span)>, Fault> {
        let mut needed = Vec::new();
        loop {
            self.description()?;
            self.tokens.name("the name of an argument or field")?;
            self.tokens.expect(':')?;
            let (name, is_needed) = self.of_type()?;
            let has_default = self.tokens.eat('=')?;
            if has_default {
                self.value()?;
            }
            if is_needed && !has_default {
                needed.push((name.text, self.tokens.span(name)));
            }
            self.directives()?;
            if self.tokens.eat(end)? {
                return Ok(needed);
            }
        }
    }

    fn arguments(&mut self) -> Step {
        if self.tokens.eat('(')? {
            self.inputs(')')?;
        }
        Ok(())
    }

    fn directive(&mut self) -> Step {
        self.tokens.advance()?;
        self.tokens.expect('@')?;
        self.tokens.name("the name of a directive")?;
        self.arguments()?;
        self.tokens.eat_word("repeatable")?;
        if !self.tokens.eat_word("on")? {
            return Err(self.tokens.unexpected("`on`"));
        }
        self.tokens.eat('|')?;
        self.tokens.name("a place of the directive")?;
        while self.tokens.eat('|')? {
            self.tokens.name("a place of the directive")?;
        }
        Ok(())
    }

    fn union(&mut self) -> Step {
        self.directives()?;
        if self.tokens.eat('=')? {
            self.tokens.eat('|')?;
            self.named("a type of the union")?;
            while self.tokens.eat('|')? {
                self.named("a type of the union")?;
            }
        }
        Ok(())
    }

    fn values(&mut self) -> Step {
        self.directives()?;
        if !self.tokens.eat('{')? {
            return Ok(());
        }
        loop {
            self.description()?;
            self.tokens.name("a value of the enum")?;
            self.directives()?;
            if self.tokens.eat('}')? {
                return Ok(());
            }
        }
    }

    fn input(&mut self, name: &'t str) -> Step {
        self.directives()?;
        let needed = match self.tokens.eat('{')? {
            true => self.inputs('}')?,
            false => Vec::new(),
        };
        self.schema.inputs.entry(name).or_default().extend(needed);
        Ok(())
    }

    /// An object or an interface.
    fn fields(&mut self) -> Step {
        if self.tokens.eat_word("implements")? {
            self.tokens.eat('&')?;
            self.named("the name of an interface")?;
            // Older schemas have no sign between the names.
            while self.tokens.eat('&')? || self.tokens.peek().kind == TokenKind::Name {
                if self.is_definition()? {
                    break;
                }
                self.named("the name of an interface")?;
            }
        }
        self.directives()?;
        if !self.tokens.eat('{')? {
            return Ok(());
        }
        loop {
            self.description()?;
            self.tokens.name("the name of a field")?;
            self.arguments()?;
            self.tokens.expect(':')?;
            self.of_type()?;
            self.directives()?;
            if self.tokens.eat('}')? {
                return Ok(());
            }
        }
    }

    /// Whether the next word begins a definition: `type A implements B` may have no
    /// fields.
    fn is_definition(&mut self) -> Result<bool, Fault> {
        let words = [
            "schema",
            "directive",
            "scalar",
            "type",
            "interface",
            "union",
            "enum",
            "input",
            "extend",
        ];
        let is_word = words.contains(&self.tokens.peek().text);
        let followed = matches!(
            self.tokens.second()?.kind,
            TokenKind::Name | TokenKind::Sign('{' | '@')
        );
        Ok(is_word && followed)
    }
}
