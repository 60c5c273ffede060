#![doc = include_str!("../README.md")]

mod check;
mod end;
mod hash;
mod lexer;
mod meter;
mod parser;
mod problem;
mod span;
mod table;
mod tree;

pub use check::{
    Analysis, Environment, Expected, Session, VariableRead, cast_fails, check, check_metered,
};
pub use end::{Unbalanced, end_of_expression};
pub use lexer::{Kind as TokenKind, Number, Token};
pub use meter::{Meter, Unmetered};
pub use parser::{parse, parse_metered};
pub use problem::{Code, Evidence, Problem, Severity};
pub use span::Span;
pub use tree::{
    AssignOp, BinaryOp, Form, List, Literal, Mode, Node, NodeId, NodeKind, Tree, UnaryOp,
};
