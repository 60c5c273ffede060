//! The grammar of `.proto` files, proto2, proto3 and editions. Does not recurse.

use crate::tokens::{Fault, Language, Token, TokenKind, Tokens};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Meter, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What a file declares.
#[derive(Default)]
pub(super) struct Proto<'t> {
    pub(super) package: String,
    /// Messages and enums: the number of the message around each (the file is 0), and
    /// its name.
    pub(super) types: BTreeSet<(usize, &'t str)>,
    /// The message around each message.
    around: Vec<usize>,
    /// Messages by the one around them and their name.
    messages: BTreeMap<(usize, &'t str), usize>,
    pub(super) named: Vec<Named>,
    pub(super) imports: Vec<(String, Span)>,
    pub(super) services: usize,
}

/// A type that something is of.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) at: Span,
    /// The message around it.
    pub(super) scope: usize,
}

/// Bytes of a package whose parts are looked at one by one.
const MAX_PACKAGE: usize = 1000;
/// Messages in messages.
const MAX_DEPTH: usize = 256;

#[derive(Clone, Copy, PartialEq)]
enum Block {
    File,
    Message,
    Oneof,
    Extend,
    Enum,
    Service,
    Method,
}

struct Parser<'t> {
    tokens: Tokens<'t>,
    proto: Proto<'t>,
    /// Blocks around the place, each with the message that it is in.
    open: Vec<(Block, usize)>,
}

type Step = Result<(), Fault>;

pub(super) fn parse<'t>(file: FileId, text: &'t str, meter: &'t Meter) -> Result<Proto<'t>, Fault> {
    let mut parser = Parser {
        tokens: Tokens::new(file, text, Language::Proto, meter)?,
        proto: Proto {
            around: vec![0],
            ..Proto::default()
        },
        open: vec![(Block::File, 0)],
    };
    while let Some((block, scope)) = parser.open.last().copied() {
        if block == Block::File && parser.tokens.peek().kind == TokenKind::End {
            break;
        }
        parser.statement(block, scope)?;
    }
    Ok(parser.proto)
}

impl Proto<'_> {
    /// How many messages are around `scope`.
    pub(super) fn depth(&self, scope: usize) -> usize {
        let mut scope = scope;
        let mut depth = 0;
        while scope > 0 {
            scope = self.around[scope];
            depth += 1;
        }
        depth
    }

    /// Whether `named` is a type, seen from where it stands.
    pub(super) fn has(&self, named: &Named) -> bool {
        let name = named.name.as_str();
        let (name, is_full) = match name.strip_prefix('.') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let package = name.strip_prefix(self.package.as_str());
        let local = package.and_then(|rest| rest.strip_prefix('.'));
        let outermost = local.is_some_and(|name| self.leads(0, name));
        if is_full {
            return outermost || self.package.is_empty() && self.leads(0, name);
        }
        let mut scope = named.scope;
        loop {
            if self.leads(scope, name) {
                return true;
            }
            if scope == 0 {
                break;
            }
            scope = self.around[scope];
        }
        if self.package.len() > MAX_PACKAGE {
            return true;
        }
        // The last words of the package may stand before a name.
        let tails = self
            .package
            .match_indices('.')
            .map(|(at, _)| &self.package[at + 1..]);
        let mut inside = tails.filter_map(|tail| name.strip_prefix(tail)?.strip_prefix('.'));
        outermost || inside.any(|name| self.leads(0, name))
    }

    /// Whether `name` leads from `scope` to a type.
    fn leads(&self, scope: usize, name: &str) -> bool {
        let mut scope = scope;
        let mut rest = name;
        while let Some((first, after)) = rest.split_once('.') {
            let Some(inner) = self.messages.get(&(scope, first)) else {
                return false;
            };
            (scope, rest) = (*inner, after);
        }
        self.types.contains(&(scope, rest))
    }
}

impl<'t> Parser<'t> {
    fn statement(&mut self, block: Block, scope: usize) -> Step {
        if self.tokens.eat(';')? {
            return Ok(());
        }
        if block != Block::File && self.tokens.eat('}')? {
            self.open.pop();
            return Ok(());
        }
        let word = self.tokens.peek().text;
        // A word may be the name of a type as well.
        let opens = self.tokens.second()?.kind == TokenKind::Name;
        match (block, word) {
            (_, "option") => self.rest(),
            (Block::File | Block::Message, "export" | "local") if opens => {
                self.tokens.advance()?;
                Ok(())
            }
            (Block::File | Block::Message, "message") if opens => {
                let name = self.block_name()?;
                self.message(name, scope)
            }
            (Block::File | Block::Message, "enum") if opens => {
                let name = self.block_name()?;
                self.proto.types.insert((scope, name.text));
                self.open.push((Block::Enum, scope));
                Ok(())
            }
            (Block::File | Block::Message, "extend") => {
                self.tokens.advance()?;
                self.named(scope)?;
                self.tokens.expect('{')?;
                self.open.push((Block::Extend, scope));
                Ok(())
            }
            (Block::File, _) => self.of_file(word),
            (Block::Message, "oneof") if opens => {
                self.block_name()?;
                self.open.push((Block::Oneof, scope));
                Ok(())
            }
            (Block::Message, "reserved" | "extensions") | (Block::Enum, "reserved") => self.rest(),
            (Block::Message | Block::Oneof | Block::Extend, _) => self.field(scope),
            (Block::Enum, _) => {
                self.tokens.name("a value of the enum")?;
                self.tokens.expect('=')?;
                self.rest()
            }
            (Block::Service, "rpc") => self.method(),
            (Block::Service, _) => Err(self.tokens.unexpected("`rpc`")),
            (Block::Method, _) => Err(self.tokens.unexpected("an option")),
        }
    }

    fn of_file(&mut self, word: &str) -> Step {
        match word {
            "syntax" | "edition" => self.rest(),
            "package" => {
                self.tokens.advance()?;
                self.proto.package = self.full_name()?.0;
                self.tokens.expect(';')
            }
            "import" => self.import(),
            "service" => {
                self.block_name()?;
                self.proto.services += 1;
                self.open.push((Block::Service, 0));
                Ok(())
            }
            _ => Err(self.tokens.unexpected("a message, an enum or a service")),
        }
    }

    /// The word of a block, its name and `{`.
    fn block_name(&mut self) -> Result<Token<'t>, Fault> {
        self.tokens.advance()?;
        let name = self.tokens.name("a name")?;
        self.tokens.expect('{')?;
        Ok(name)
    }

    fn message(&mut self, name: Token<'t>, scope: usize) -> Step {
        if self.open.len() > MAX_DEPTH {
            return Err(self.tokens.unexpected("less nesting"));
        }
        let number = self.proto.around.len();
        self.proto.types.insert((scope, name.text));
        self.proto.around.push(scope);
        self.proto
            .messages
            .entry((scope, name.text))
            .or_insert(number);
        self.open.push((Block::Message, number));
        Ok(())
    }

    fn import(&mut self) -> Step {
        self.tokens.advance()?;
        if self.tokens.peek().kind == TokenKind::Name {
            self.tokens.advance()?;
        }
        let path = self.tokens.peek();
        if path.kind != TokenKind::Text {
            return Err(self.tokens.unexpected("the path of a file in quotes"));
        }
        self.tokens.advance()?;
        let text = path.text.trim_matches(['"', '\'']).to_owned();
        self.proto.imports.push((text, self.tokens.span(path)));
        self.tokens.expect(';')
    }

    /// A name with dots, and its place.
    fn full_name(&mut self) -> Result<(String, Span), Fault> {
        let start = self.tokens.peek();
        let mut name = String::new();
        if self.tokens.eat('.')? {
            name.push('.');
        }
        loop {
            let word = self.tokens.name("a name")?;
            name.push_str(word.text);
            if !self.tokens.eat('.')? {
                let mut span = self.tokens.span(start);
                span.end = self.tokens.span(word).end;
                return Ok((name, span));
            }
            name.push('.');
        }
    }

    fn named(&mut self, scope: usize) -> Step {
        let (name, at) = self.full_name()?;
        self.proto.named.push(Named { name, at, scope });
        Ok(())
    }

    fn field(&mut self, scope: usize) -> Step {
        let word = self.tokens.peek();
        let is_label = matches!(word.text, "optional" | "required" | "repeated");
        if is_label && self.tokens.second()?.kind != TokenKind::Sign('=') {
            self.tokens.advance()?;
        }
        let word = self.tokens.peek();
        let second = self.tokens.second()?.kind;
        if word.text == "map" && second == TokenKind::Sign('<') {
            self.tokens.advance()?;
            self.tokens.expect('<')?;
            self.named(scope)?;
            self.tokens.expect(',')?;
            self.named(scope)?;
            self.tokens.expect('>')?;
        } else if word.text == "group" && second == TokenKind::Name {
            self.tokens.advance()?;
            let name = self.tokens.name("the name of a group")?;
            self.tokens.expect('=')?;
            self.tokens.advance()?;
            if self.tokens.peek().kind == TokenKind::Sign('[') {
                self.options()?;
            }
            self.tokens.expect('{')?;
            return self.message(name, scope);
        } else {
            self.named(scope)?;
        }
        self.tokens.name("the name of a field")?;
        self.tokens.expect('=')?;
        match self.tokens.peek().kind {
            TokenKind::Number => self.tokens.advance()?,
            _ => return Err(self.tokens.unexpected("the number of a field")),
        };
        if self.tokens.peek().kind == TokenKind::Sign('[') {
            self.options()?;
        }
        self.tokens.expect(';')
    }

    fn method(&mut self) -> Step {
        self.tokens.advance()?;
        self.tokens.name("the name of a method")?;
        self.message_of_method()?;
        if !self.tokens.eat_word("returns")? {
            return Err(self.tokens.unexpected("`returns`"));
        }
        self.message_of_method()?;
        if self.tokens.eat('{')? {
            self.open.push((Block::Method, 0));
            return Ok(());
        }
        self.tokens.expect(';')
    }

    fn message_of_method(&mut self) -> Step {
        self.tokens.expect('(')?;
        let is_stream = self.tokens.is_word("stream");
        if is_stream
            && matches!(
                self.tokens.second()?.kind,
                TokenKind::Name | TokenKind::Sign('.')
            )
        {
            self.tokens.advance()?;
        }
        self.named(0)?;
        self.tokens.expect(')')
    }

    /// What stands between brackets.
    fn options(&mut self) -> Step {
        let mut open = 0_u32;
        loop {
            match self.tokens.peek().kind {
                TokenKind::Sign('[' | '{') => open += 1,
                TokenKind::Sign(']' | '}') => open = open.saturating_sub(1),
                TokenKind::End => return Err(self.tokens.unexpected("`]`")),
                _ => {}
            }
            self.tokens.advance()?;
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// What a statement has left, up to its `;`.
    fn rest(&mut self) -> Step {
        let mut open = 0_u32;
        loop {
            match self.tokens.peek().kind {
                TokenKind::Sign('{' | '[') => open += 1,
                TokenKind::Sign('}' | ']') if open == 0 => {
                    return Err(self.tokens.unexpected("`;`"));
                }
                TokenKind::Sign('}' | ']') => open -= 1,
                TokenKind::Sign(';') if open == 0 => {
                    self.tokens.advance()?;
                    return Ok(());
                }
                TokenKind::End => return Err(self.tokens.unexpected("`;`")),
                _ => {}
            }
            self.tokens.advance()?;
        }
    }
}
