//! Statements.

use super::types::Ty;
use super::value::{Value, What};
use super::{Checker, Frame, FrameKind};
use crate::problem::{Code, Evidence, Problem};
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};

impl Checker<'_> {
    pub(super) fn statement(&mut self, node: NodeId) {
        if !self.step(1) {
            return;
        }
        let tree = self.tree;
        match tree.kind(node) {
            NodeKind::Block(list) => self.scoped(|c| c.statements(list)),
            NodeKind::LocalDeclaration {
                is_const,
                ty,
                variables,
            } => self.local_declaration(*is_const, *ty, variables, None),
            NodeKind::LocalFunction { .. } => self.function_body(node),
            NodeKind::Expression(value) => self.expression_statement(*value),
            NodeKind::If {
                condition,
                then,
                otherwise,
            } => {
                self.condition_value(*condition);
                if let (NodeKind::Empty, None) = (tree.kind(*then), otherwise) {
                    let message =
                        "this `;` is all that the `if` decides on; what follows runs in any case";
                    let problem = Problem::new(Code::EmptyBody, tree.span(*then), message);
                    self.report(problem.evidence(Evidence::Practice).warning());
                }
                self.scoped(|c| c.statement(*then));
                if let Some(otherwise) = otherwise {
                    self.scoped(|c| c.statement(*otherwise));
                }
            }
            NodeKind::While { condition, body } => self.scoped(|c| {
                c.condition_value(*condition);
                c.scoped(|c| c.statement(*body));
            }),
            NodeKind::Do { body, condition } => {
                self.scoped(|c| c.statement(*body));
                self.scoped(|c| c.condition_value(*condition));
            }
            NodeKind::For {
                start,
                condition,
                step,
                body,
            } => self.scoped(|c| {
                for first in start {
                    match tree.kind(*first) {
                        NodeKind::LocalDeclaration { .. } => c.statement(*first),
                        _ => c.expression_statement(*first),
                    }
                }
                if let Some(condition) = condition {
                    c.condition_value(*condition);
                }
                for expression in step {
                    c.expression_statement(*expression);
                }
                c.scoped(|c| c.statement(*body));
            }),
            NodeKind::ForEach {
                ty,
                name,
                source,
                body,
            } => self.foreach(*ty, *name, *source, *body),
            NodeKind::Return(value) => self.return_statement(node, *value),
            NodeKind::Throw(Some(value)) => self.thrown(*value),
            NodeKind::GotoCase(Some(value)) => {
                self.value(*value);
            }
            NodeKind::Labeled { statement, .. } => self.statement(*statement),
            NodeKind::Switch { value, sections } => self.switch(*value, sections),
            NodeKind::Try {
                body,
                catches,
                finally,
            } => {
                self.statement(*body);
                self.catches(catches);
                if let Some(finally) = finally {
                    self.statement(*finally);
                }
            }
            NodeKind::Using { resource, body } => self.using(*resource, *body),
            NodeKind::Lock { value, body } => {
                let value = self.value(*value);
                self.typed(value);
                self.scoped(|c| c.statement(*body));
            }
            NodeKind::CheckedBlock { body, checked } => {
                let around = std::mem::replace(&mut self.unchecked, u32::from(!checked));
                self.statement(*body);
                self.unchecked = around;
            }
            NodeKind::Unsafe(body) => self.statement(*body),
            NodeKind::Yield(value) => self.yield_statement(node, *value),
            _ => {}
        }
    }

    /// Statements of one block; its local functions are known from its start.
    pub(super) fn statements(&mut self, list: &[NodeId]) {
        for statement in list {
            if let NodeKind::LocalFunction { .. } = self.tree.kind(*statement) {
                self.declare_function(*statement);
            }
        }
        for statement in list {
            self.statement(*statement);
        }
    }

    fn expression_statement(&mut self, node: NodeId) {
        if let NodeKind::Assign { .. } = self.tree.kind(node) {
            self.value(node);
            return;
        }
        let value = self.value(node);
        if self.is_statement_expression(node) {
            if let What::Lambda = value.what {
                self.abandon_lambda(node);
            }
            return;
        }
        if let What::Lambda = value.what {
            self.abandon_lambda(node);
        }
        let message =
            "this does nothing: a statement is an assignment, a call, `++`, `--` or `new`";
        let help = match self.tree.kind(node) {
            NodeKind::Binary {
                op: crate::tree::BinaryOp::Equal,
                ..
            } => "`==` compares; write `=` to assign",
            _ => "write `return` in front, if it is the result",
        };
        self.report(Problem::new(Code::NotAStatement, self.tree.span(node), message).help(help));
    }

    fn return_statement(&mut self, node: NodeId, value: Option<NodeId>) {
        let Some((result, kind)) = self.frames.last().map(|f| (f.result, f.kind)) else {
            return;
        };
        let span = self.tree.span(node);
        let Some(value) = value else {
            match (result, kind) {
                (None, FrameKind::Lambda) => {
                    let value = Value::of(Ty::VOID, What::Nothing, node);
                    if let Some(frame) = self.frames.last_mut() {
                        frame.returns.push(value);
                    }
                }
                (Some(Ty::VOID), _) => {}
                _ => {
                    let message = "`return` needs a value here";
                    let at = Span::new(span.start, span.start + 6);
                    self.error(Code::ReturnsNothing, at, message);
                }
            }
            return;
        };
        let bound = self.value(value);
        match (result, kind) {
            (Some(Ty::VOID), _) => {
                if !bound.is_unknown() {
                    let message = "nothing can be returned here";
                    self.error(Code::ReturnsValue, span, message);
                }
            }
            (Some(result), _) => {
                if !bound.is_unknown() {
                    self.convert(&bound, result);
                }
                if kind == FrameKind::Lambda
                    && let Some(frame) = self.frames.last_mut()
                {
                    frame.returns.push(bound);
                }
            }
            (None, kind) => {
                let bound = match (&bound.what, kind) {
                    (What::Null | What::Default, _) => bound,
                    (What::Tuple(_), _) => bound,
                    (_, FrameKind::Body) => self.typed(bound),
                    _ => match bound.what {
                        What::Lambda | What::Group(_) => bound,
                        _ => self.typed(bound),
                    },
                };
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns.push(bound);
                }
            }
        }
    }

    fn yield_statement(&mut self, node: NodeId, value: Option<NodeId>) {
        let element = match self.frames.last() {
            Some(Frame {
                kind: FrameKind::Iterator,
                result,
                ..
            }) => result.unwrap_or(Ty::UNKNOWN),
            _ => {
                let message = "`yield` stands in a local function that returns a sequence";
                self.error(Code::BadIterator, self.tree.span(node), message);
                Ty::UNKNOWN
            }
        };
        if let Some(value) = value {
            let value = self.value(value);
            if element != Ty::UNKNOWN && !value.is_unknown() {
                self.convert(&value, element);
            }
        }
    }
}
