//! `break`, `continue`, `goto` and `throw;`: whether there is somewhere to go.

use super::Checker;
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{NodeId, NodeKind};
use std::collections::BTreeSet;

/// What is around a statement.
#[derive(Debug, Clone, Copy, Default)]
struct Around {
    in_loop: bool,
    in_switch: bool,
    in_catch: bool,
    in_finally: bool,
    /// A loop or switch inside the finally block.
    safe_break: bool,
}

impl Checker<'_> {
    pub(super) fn jumps(&mut self, root: NodeId) {
        let mut labels: BTreeSet<String> = BTreeSet::new();
        for (_, node) in self.tree.nodes() {
            if let NodeKind::Labeled { name, .. } = node.kind {
                labels.insert(self.tree.name(name).into_owned());
            }
        }
        let mut todo = vec![(root, Around::default())];
        while let Some((node, around)) = todo.pop() {
            let mut inside = around;
            let mut each: Option<Vec<(NodeId, Around)>> = None;
            let span = self.tree.span(node);
            match self.tree.kind(node) {
                NodeKind::While { .. }
                | NodeKind::Do { .. }
                | NodeKind::For { .. }
                | NodeKind::ForEach { .. } => {
                    inside.in_loop = true;
                    inside.safe_break = true;
                }
                NodeKind::Switch { .. } => {
                    inside.in_switch = true;
                    inside.safe_break = true;
                }
                NodeKind::Lambda { .. }
                | NodeKind::Delegate { .. }
                | NodeKind::LocalFunction { .. } => {
                    inside = Around::default();
                }
                NodeKind::Catch { .. } => inside.in_catch = true,
                NodeKind::Try {
                    body,
                    catches,
                    finally,
                } => {
                    let mut list = vec![(*body, around)];
                    list.extend(catches.iter().map(|c| (*c, around)));
                    if let Some(finally) = finally {
                        let mut inner = around;
                        inner.in_finally = true;
                        inner.safe_break = false;
                        list.push((*finally, inner));
                    }
                    each = Some(list);
                }
                NodeKind::Break => {
                    let good = around.in_loop || around.in_switch;
                    self.jump(good, around, span, "break");
                }
                NodeKind::Continue => self.jump(around.in_loop, around, span, "continue"),
                NodeKind::Return(_) if around.in_finally => {
                    let at = Span::new(span.start, span.start + 6);
                    self.error(
                        Code::LeavesFinally,
                        at,
                        "a finally block cannot be left by `return`",
                    );
                }
                NodeKind::Throw(None) if !around.in_catch => {
                    let at = Span::new(span.start, span.start + 5);
                    self.error(
                        Code::RethrowOutside,
                        at,
                        "`throw;` throws again what a catch block caught, and none is around",
                    );
                }
                NodeKind::Goto(name) => {
                    let text = self.tree.name(*name).into_owned();
                    if !labels.contains(&text) && !self.tree_is_named_value(*name) {
                        self.error(Code::NoLabel, *name, format!("there is no label `{text}`"));
                    }
                }
                _ => {}
            }
            match each {
                Some(list) => todo.extend(list),
                None => self
                    .tree
                    .kind(node)
                    .each_child(&mut |child| todo.push((child, inside))),
            }
        }
    }

    fn jump(&mut self, good: bool, around: Around, span: Span, word: &str) {
        let at = Span::new(
            span.start,
            span.start + u32::try_from(word.len()).unwrap_or(0),
        );
        if !good {
            let message = format!("`{word}` has no loop around it");
            let help = "to end the expression, write `return`";
            self.report(Problem::new(Code::NoLoop, at, message).help(help));
        } else if around.in_finally && !around.safe_break {
            let message = format!("a finally block cannot be left by `{word}`");
            self.error(Code::LeavesFinally, at, message);
        }
    }
}
