//! What is assigned and what is reached: definite assignment and return paths.

mod expressions;
mod statements;

use super::Checker;
use crate::hash::QuickMap;
use crate::problem::{Code, Problem};
use crate::span::Span;
use crate::tree::{NodeId, NodeKind, Tree};
use std::collections::BTreeMap;

/// What holds at a point of the program.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// Whether the point can be reached. Where it cannot, everything holds.
    reached: bool,
    /// Variables that surely have a value, by number.
    assigned: Vec<u64>,
}

impl State {
    fn has(&self, variable: usize) -> bool {
        !self.reached
            || self
                .assigned
                .get(variable / 64)
                .is_none_or(|word| word >> (variable % 64) & 1 == 1)
    }

    fn set(&mut self, variable: usize, value: bool) {
        if let Some(word) = self.assigned.get_mut(variable / 64) {
            let bit = 1 << (variable % 64);
            if value {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        }
    }

    /// What holds whichever of the two ways was taken.
    fn join(&mut self, other: &Self) {
        if !other.reached {
            return;
        }
        if !self.reached {
            self.clone_from(other);
            return;
        }
        for (a, b) in self.assigned.iter_mut().zip(&other.assigned) {
            *a &= b;
        }
    }

    fn end(&mut self) {
        self.reached = false;
    }
}

/// Where `break` and `continue` lead.
#[derive(Debug)]
struct Target {
    leave: State,
    again: State,
    is_loop: bool,
}

pub(super) struct Flow<'c, 't> {
    checker: &'c mut Checker<'t>,
    tree: &'t Tree,
    variables: QuickMap<NodeId, usize>,
    state: State,
    targets: Vec<Target>,
    /// The finally blocks around: how many targets are outside of each, and
    /// what it assigns.
    finals: Vec<(usize, Vec<u64>)>,
    final_assigns: QuickMap<NodeId, Vec<u64>>,
    /// Whether findings are told.
    told: bool,
    labels: BTreeMap<String, State>,
    /// Whether unreached statements are worth a word: none around is unreached.
    alive: bool,
    /// Variables that were reported; once is enough.
    reported: Vec<NodeId>,
    /// Variables that each local function assigns.
    assigns: QuickMap<NodeId, Vec<usize>>,
}

impl<'t> Checker<'t> {
    pub(super) fn flow(&mut self, root: NodeId, is_value: bool) {
        if self.stopped {
            return;
        }
        let tree = self.tree;
        let mut variables = QuickMap::default();
        for (id, node) in tree.nodes() {
            if matches!(node.kind, NodeKind::Variable { .. } | NodeKind::Local(_)) {
                let number = variables.len();
                variables.insert(id, number);
            }
        }
        let words = variables.len().div_ceil(64);
        let mut flow = Flow {
            checker: self,
            tree,
            variables,
            state: State {
                reached: true,
                assigned: vec![0; words],
            },
            targets: Vec::new(),
            finals: Vec::new(),
            final_assigns: QuickMap::default(),
            told: true,
            labels: BTreeMap::new(),
            alive: true,
            reported: Vec::new(),
            assigns: QuickMap::default(),
        };
        flow.functions();
        if is_value {
            flow.expression(root);
        } else {
            flow.statement(root);
            if flow.state.reached {
                let last = tree
                    .tokens()
                    .iter()
                    .rev()
                    .nth(1)
                    .map_or(Span::at(0), |token| token.span);
                flow.checker.report(
                    Problem::new(
                        Code::MissingReturn,
                        last,
                        "the statements end without `return`: every way through `@{...}` returns a value",
                    )
                    .help("add a `return` at the end, or an `else` that returns"),
                );
            }
        }
    }
}

impl Flow<'_, '_> {
    /// Finds what local functions assign.
    fn functions(&mut self) {
        let tree = self.tree;
        for (id, node) in tree.nodes() {
            let NodeKind::LocalFunction {
                body: Some(body), ..
            } = &node.kind
            else {
                continue;
            };
            let mut assigned = Vec::new();
            let mut todo = vec![*body];
            while let Some(next) = todo.pop() {
                match tree.kind(next) {
                    NodeKind::Assign { target, .. } => assigned.extend(self.variable(*target)),
                    NodeKind::Argument { value, .. } => assigned.extend(self.variable(*value)),
                    _ => {}
                }
                tree.kind(next).each_child(&mut |child| todo.push(child));
            }
            self.assigns.insert(id, assigned);
        }
    }

    /// The variable that a name means, by number.
    fn variable(&self, node: NodeId) -> Option<usize> {
        let node = match self.tree.kind(node) {
            NodeKind::Parenthesized(inner) => *inner,
            _ => node,
        };
        if !matches!(self.tree.kind(node), NodeKind::Name { .. }) {
            return None;
        }
        let declared = self
            .checker
            .declarations
            .get(node.index())
            .copied()
            .flatten()?;
        self.variables.get(&declared).copied()
    }

    /// Does something from another state, and gives the state it ends in.
    fn from(&mut self, state: State, act: impl FnOnce(&mut Self)) -> State {
        let around = std::mem::replace(&mut self.state, state);
        act(self);
        std::mem::replace(&mut self.state, around)
    }

    /// What holds behind a jump to the target of this number: the finally
    /// blocks on the way have run.
    fn leaving(&self, target: usize) -> State {
        let mut state = self.state.clone();
        for (outside, assigned) in &self.finals {
            if *outside > target {
                for (a, b) in state.assigned.iter_mut().zip(assigned) {
                    *a |= b;
                }
            }
        }
        state
    }

    fn tell(&mut self, problem: Problem) {
        if self.told {
            self.checker.report(problem);
        }
    }

    fn tell_error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        if self.told {
            self.checker.error(code, span, message);
        }
    }

    fn nowhere(&self) -> State {
        State {
            reached: false,
            assigned: self.state.assigned.clone(),
        }
    }

    fn pay(&mut self) -> bool {
        let words = self.state.assigned.len() as u64;
        self.checker.step(1 + words / 8)
    }
}
