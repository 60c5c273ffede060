//! Tokens to a tree. Total: what cannot be read is a finding and a
//! [`NodeKind::Missing`](crate::NodeKind::Missing), and the rest is read on.

mod arguments;
mod blocks;
mod creation;
mod declarations;
mod expressions;
mod interpolation;
mod loops;
mod patterns;
mod primary;
mod queries;
mod scan;
mod statements;
mod types;

use crate::lexer::{self, Kind, Token};
use crate::meter::{Meter, Unmetered};
use crate::problem::{Code, MOST_PROBLEMS, Problem, tidy};
use crate::span::{Span, offset};
use crate::tree::{Form, List, Node, NodeId, NodeKind, Tree};

/// Levels of recursion, and of a tree. The deepest published expression has 30.
const MAX_DEPTH: u16 = 100;
/// The same for chains such as `a.b().c()`.
const MAX_HEIGHT: u16 = 200;
/// The longest text that is read.
const MAX_TEXT: usize = 1 << 30;

/// Reads `text`. There is a tree for any text; what is wrong with it is listed
/// in the order of the text.
pub fn parse(text: &str, form: Form) -> (Tree, Vec<Problem>) {
    parse_metered(text, form, &Unmetered)
}

/// The same, charging the work to `meter`.
pub fn parse_metered(text: &str, form: Form, meter: &dyn Meter) -> (Tree, Vec<Problem>) {
    let mut text = text;
    let mut cut = None;
    if text.len() > MAX_TEXT {
        let at = (0..=MAX_TEXT)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text = &text[..at];
        cut = Some(Problem::new(
            Code::TooComplex,
            Span::at(offset(at)),
            "the text is longer than 1 GiB; the rest is not read",
        ));
    }
    let (tokens, mut problems, whole) = lexer::lex(text, meter);
    problems.extend(cut);
    let mut parser = Parser {
        text,
        pairs: pairs(&tokens),
        tokens: &tokens,
        at: 0,
        nodes: Vec::with_capacity(tokens.len()),
        problems,
        depth: 0,
        reported_at: usize::MAX,
        stopped: !whole,
        in_array: false,
        meter,
    };
    if parser.stopped {
        parser.stop(Code::Stopped, "the check was stopped before its end");
    }
    let root = match form {
        Form::Expression => parser.single(),
        Form::Body => parser.body(),
    };
    let (nodes, mut problems) = (parser.nodes, parser.problems);
    tidy(&mut problems);
    let has_named_values = tokens.iter().any(|token| token.kind == Kind::NamedValue);
    let sound = problems.is_empty();
    let text = text.into();
    let tree = Tree {
        text,
        tokens,
        nodes,
        root,
        form,
        sound,
        has_named_values,
    };
    (tree, problems)
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// For each token that opens a bracket: the one that closes it.
    pairs: Vec<u32>,
    at: usize,
    nodes: Vec<Node>,
    problems: Vec<Problem>,
    depth: u16,
    /// The token at which something was reported last; once is enough.
    reported_at: usize,
    stopped: bool,
    /// Braces hold elements of an array.
    in_array: bool,
    meter: &'a dyn Meter,
}

/// The token that closes the bracket at each token, or 0.
fn pairs(tokens: &[Token]) -> Vec<u32> {
    let mut pairs = vec![0; tokens.len()];
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let Kind::Punct(punct) = token.kind else {
            continue;
        };
        match punct {
            "(" => open.push((n, ")")),
            "[" => open.push((n, "]")),
            "{" => open.push((n, "}")),
            ")" | "]" | "}" => {
                // A bracket of another kind in between has no partner.
                while let Some((at, close)) = open.pop() {
                    if close == punct {
                        pairs[at] = offset(n);
                        break;
                    }
                    if punct == ")" && close == "}" {
                        open.push((at, close));
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    pairs
}

impl<'a> Parser<'a> {
    fn token(&self) -> Token {
        self.peek(0)
    }

    fn peek(&self, ahead: usize) -> Token {
        self.token_at(self.at + ahead)
    }

    fn token_at(&self, at: usize) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[at.min(last)]
    }

    fn word_at(&self, at: usize) -> &'a str {
        self.token_at(at).span.of(self.text)
    }

    /// Whether the token at `at` is this operator or reserved word.
    fn is_at(&self, at: usize, word: &str) -> bool {
        match self.token_at(at).kind {
            Kind::Punct(text) | Kind::Keyword(text) => text == word,
            _ => false,
        }
    }

    fn is(&self, word: &str) -> bool {
        self.is_at(self.at, word)
    }

    fn is_name_at(&self, at: usize) -> bool {
        matches!(self.token_at(at).kind, Kind::Name)
    }

    /// Whether the next token is this word of C#'s that is no reserved one.
    fn is_word(&self, word: &str) -> bool {
        self.is_name_at(self.at) && self.word_at(self.at) == word
    }

    fn at_end(&self) -> bool {
        self.token().kind == Kind::End
    }

    fn next(&mut self) -> Token {
        let token = self.token();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.next();
        }
        found
    }

    fn previous_end(&self) -> u32 {
        match self.at.checked_sub(1) {
            Some(at) => self.token_at(at).span.end,
            None => 0,
        }
    }

    /// Where something is missing: behind what stands before it when a new line
    /// begins, else where something else stands.
    fn gap(&self) -> Span {
        let token = self.token();
        if token.on_new_line && self.at > 0 || token.kind == Kind::End {
            Span::at(self.previous_end())
        } else {
            token.span
        }
    }

    fn report(&mut self, code: Code, span: Span, message: impl Into<String>) {
        if self.reported_at != self.at && !self.stopped && self.problems.len() < MOST_PROBLEMS {
            self.reported_at = self.at;
            self.problems.push(Problem::new(code, span, message));
        }
    }

    fn report_help(&mut self, code: Code, span: Span, message: impl Into<String>, help: &str) {
        let before = self.problems.len();
        self.report(code, span, message);
        if self.problems.len() > before
            && let Some(problem) = self.problems.last_mut()
        {
            help.clone_into(&mut problem.help);
        }
    }

    /// A feature of a later version, reported wherever it stands.
    fn later(&mut self, span: Span, what: &str, version: u8, help: &str) {
        if !self.stopped && self.problems.len() < MOST_PROBLEMS {
            let message = format!("{what} needs C# {version}; policy expressions are C# 7");
            self.problems
                .push(Problem::new(Code::LanguageVersion, span, message).help(help));
            self.reported_at = self.at;
        }
    }

    fn expect(&mut self, word: &str) -> bool {
        if self.eat(word) {
            return true;
        }
        let code = match word {
            ";" => Code::SemicolonExpected,
            ")" => Code::CloseParenExpected,
            "}" => Code::CloseBraceExpected,
            "{" => Code::OpenBraceExpected,
            _ => Code::TokenExpected,
        };
        let message = format!("`{word}` is missing {}", self.seen());
        self.report(code, self.gap(), message);
        false
    }

    /// What stands at the next token, for messages.
    fn seen(&self) -> String {
        let token = self.token();
        match token.kind {
            Kind::End => "at the end".to_owned(),
            _ => {
                let text: String = token.span.of(self.text).chars().take(40).collect();
                format!("before `{text}`")
            }
        }
    }

    fn identifier(&mut self) -> Option<Span> {
        if matches!(self.token().kind, Kind::Name | Kind::NamedValue) {
            return Some(self.next().span);
        }
        let message = format!("a name is missing {}", self.seen());
        self.report(Code::IdentifierExpected, self.gap(), message);
        None
    }

    fn add(&mut self, kind: NodeKind, span: Span) -> NodeId {
        let mut height = 0;
        let mut span = span;
        let spine = match &kind {
            NodeKind::Binary { left, .. } => Some(*left),
            _ => None,
        };
        kind.each_child(&mut |child| {
            let node = &self.nodes[child.index()];
            let flat = spine == Some(child) && matches!(node.kind, NodeKind::Binary { .. });
            height = height.max(node.height + u16::from(!flat));
            // What is missing may stand before or behind the tokens of its parent.
            span = Span::new(span.start.min(node.span.start), span.end.max(node.span.end));
        });
        self.nodes.push(Node { kind, span, height });
        if !self.meter.charge(1) {
            self.stop(Code::Stopped, "the check was stopped before its end");
        } else if height > MAX_HEIGHT {
            self.too_deep(span);
        }
        NodeId(offset(self.nodes.len() - 1))
    }

    /// A node from `start` to the last token that was read.
    fn finish(&mut self, kind: NodeKind, start: u32) -> NodeId {
        let span = Span::new(start, self.previous_end().max(start));
        self.add(kind, span)
    }

    fn missing(&mut self) -> NodeId {
        let span = Span::at(self.previous_end());
        self.add(NodeKind::Missing, span)
    }

    fn span(&self, id: NodeId) -> Span {
        self.nodes[id.index()].span
    }

    fn too_deep(&mut self, span: Span) {
        let message = format!(
            "this is nested deeper than {MAX_DEPTH} levels, or a chain longer than {MAX_HEIGHT}; the rest is not read"
        );
        if !self.stopped {
            self.problems
                .push(Problem::new(Code::TooComplex, span, message));
        }
        self.stop(Code::TooComplex, "");
    }

    /// Reads nothing more.
    fn stop(&mut self, code: Code, message: &str) {
        if !message.is_empty() && !self.problems.iter().any(|problem| problem.code == code) {
            let span = self.token().span;
            self.problems.push(Problem::new(code, span, message));
        }
        self.stopped = true;
        self.at = self.tokens.len() - 1;
    }

    /// One level deeper, or `None` when that is too deep.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            let span = self.token().span;
            self.too_deep(span);
            return None;
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        Some(value)
    }

    /// `@( ... )`: one expression and nothing behind it.
    fn single(&mut self) -> NodeId {
        let value = self.expression();
        if !self.at_end() {
            let token = self.token();
            let shown: String = token.span.of(self.text).chars().take(40).collect();
            let help = if shown == ";" {
                "an expression in `@(...)` has no semicolon; statements go into `@{...}`"
            } else if matches!(shown.as_str(), "and" | "or" | "not") {
                "C# writes `&&`, `||` and `!`"
            } else {
                "remove it, or put the operator or bracket that is missing before it"
            };
            let message = format!("the expression ends before `{shown}`");
            self.report_help(Code::StrayText, token.span, message, help);
        }
        value
    }

    /// `@{ ... }`: statements.
    fn body(&mut self) -> NodeId {
        let mut statements = Vec::new();
        while !self.at_end() {
            if self.is("}") {
                let span = self.token().span;
                let message = "this `}` closes nothing";
                self.report(Code::StrayText, span, message);
                self.next();
                continue;
            }
            self.statement_into(&mut statements);
        }
        let list: List = statements.into();
        let span = Span::new(0, offset(self.text.len()));
        self.add(NodeKind::Block(list), span)
    }
}
