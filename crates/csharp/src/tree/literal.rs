//! What literals stand for.

use super::{NodeId, NodeKind, Tree};
use crate::lexer::{Number, character_value, number_value, string_value};

/// The value of a literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number, and the type that its suffix asks for.
    Whole(u64, Number),
    /// Another number, and its type.
    Real(f64, Number),
    /// A character. Half a surrogate pair is the replacement character.
    Character(char),
    /// A string without its quotes, escapes resolved.
    Text(String),
}

impl Tree {
    /// The value of a literal; `None` for other nodes, and for numbers that no
    /// type holds.
    pub fn literal(&self, node: NodeId) -> Option<Literal> {
        let text = self.span(node).of(&self.text);
        Some(match *self.kind(node) {
            NodeKind::Null => Literal::Null,
            NodeKind::True => Literal::Bool(true),
            NodeKind::False => Literal::Bool(false),
            NodeKind::Number(kind @ (Number::Float | Number::Double | Number::Decimal)) => {
                Literal::Real(number_value(text).1, kind)
            }
            NodeKind::Number(kind) => Literal::Whole(number_value(text).0?, kind),
            NodeKind::Character => Literal::Character(character_value(text)?),
            NodeKind::Text => Literal::Text(string_value(text)),
            _ => return None,
        })
    }
}
