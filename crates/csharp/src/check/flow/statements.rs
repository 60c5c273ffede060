//! Statements, in the order in which they run.

use super::{Flow, State, Target};
use crate::problem::{Code, Evidence, Problem};
use crate::tree::{NodeId, NodeKind};

impl Flow<'_, '_> {
    pub(super) fn statement(&mut self, node: NodeId) {
        if !self.pay() {
            return;
        }
        let tree = self.tree;
        match tree.kind(node) {
            NodeKind::Block(list) => self.statements(list),
            NodeKind::LocalDeclaration { variables, .. } => {
                for variable in variables {
                    self.declaration(*variable);
                }
            }
            NodeKind::LocalFunction {
                name,
                body,
                result,
                is_value,
                ..
            } => self.function(*name, *body, *result, *is_value),
            NodeKind::Expression(value) => {
                self.expression(*value);
                if let NodeKind::NamedValue = tree.kind(*value) {
                    // It may hold statements, and they may return.
                    self.state.end();
                    self.alive = false;
                }
            }
            NodeKind::If {
                condition,
                then,
                otherwise,
            } => {
                let (yes, no) = self.condition(*condition);
                let after = self.from(yes, |f| f.statement(*then));
                self.state = no;
                if let Some(otherwise) = otherwise {
                    self.statement(*otherwise);
                }
                self.state.join(&after);
            }
            NodeKind::While { condition, body } => {
                let (yes, no) = self.condition(*condition);
                let (_, target) = self.repeated(yes, |f| f.statement(*body));
                self.state = no;
                self.state.join(&target.leave);
            }
            NodeKind::Do { body, condition } => {
                let state = self.state.clone();
                let (end, target) = self.repeated(state, |f| f.statement(*body));
                self.state = end;
                self.state.join(&target.again);
                let (_, no) = self.condition(*condition);
                self.state = no;
                self.state.join(&target.leave);
            }
            NodeKind::For {
                start,
                condition,
                step,
                body,
            } => {
                for first in start {
                    match tree.kind(*first) {
                        NodeKind::LocalDeclaration { .. } => self.statement(*first),
                        _ => self.expression(*first),
                    }
                }
                let (yes, no) = match condition {
                    Some(condition) => self.condition(*condition),
                    None => (self.state.clone(), self.nowhere()),
                };
                let (end, target) = self.repeated(yes, |f| f.statement(*body));
                self.state = end;
                self.state.join(&target.again);
                for expression in step {
                    self.expression(*expression);
                }
                self.state = no;
                self.state.join(&target.leave);
            }
            NodeKind::ForEach {
                name, source, body, ..
            } => {
                self.expression(*source);
                let before = self.state.clone();
                let (_, target) = self.repeated(before.clone(), |f| {
                    f.loop_variable(*name);
                    f.statement(*body);
                });
                self.state = before;
                self.state.join(&target.leave);
            }
            NodeKind::Return(value) | NodeKind::Throw(value) => {
                if let Some(value) = value {
                    self.expression(*value);
                }
                self.state.end();
            }
            NodeKind::Break => {
                let last = self.targets.len().saturating_sub(1);
                let state = self.leaving(last);
                if let Some(target) = self.targets.last_mut() {
                    target.leave.join(&state);
                }
                self.state.end();
            }
            NodeKind::Continue => {
                let found = self.targets.iter().rposition(|target| target.is_loop);
                let state = self.leaving(found.unwrap_or(0));
                if let Some(target) = found.and_then(|n| self.targets.get_mut(n)) {
                    target.again.join(&state);
                }
                self.state.end();
            }
            NodeKind::Goto(name) => {
                let name = tree.name(*name).into_owned();
                // Where the label stands is not known; all blocks may be left.
                let state = self.leaving(0);
                match self.labels.get_mut(&name) {
                    Some(pending) => pending.join(&state),
                    None => {
                        self.labels.insert(name, state);
                    }
                }
                self.state.end();
            }
            NodeKind::GotoCase(value) => {
                if let Some(value) = value {
                    self.expression(*value);
                }
                self.state.end();
            }
            NodeKind::Labeled { name, statement } => {
                let name = tree.name(*name).into_owned();
                if let Some(pending) = self.labels.get(&name).cloned() {
                    self.state.join(&pending);
                } else if !self.state.reached {
                    // Only a later `goto` leads here; what holds then is not known.
                    self.state.reached = true;
                    self.state.assigned.fill(u64::MAX);
                }
                self.statement(*statement);
            }
            NodeKind::Switch { value, sections } => self.switch(*value, sections),
            NodeKind::Try {
                body,
                catches,
                finally,
            } => self.try_statement(*body, catches, *finally),
            NodeKind::Using { resource, body } => {
                match tree.kind(*resource) {
                    NodeKind::LocalDeclaration { .. } => self.statement(*resource),
                    _ => self.expression(*resource),
                }
                self.statement(*body);
            }
            NodeKind::Lock { value, body } => {
                self.expression(*value);
                self.statement(*body);
            }
            NodeKind::CheckedBlock { body, .. } | NodeKind::Unsafe(body) => self.statement(*body),
            NodeKind::Yield(value) => match value {
                Some(value) => self.expression(*value),
                None => self.state.end(),
            },
            _ => {}
        }
    }

    fn statements(&mut self, list: &[NodeId]) {
        let mut told = false;
        for statement in list {
            let silent = matches!(
                self.tree.kind(*statement),
                NodeKind::Empty | NodeKind::LocalFunction { .. } | NodeKind::Labeled { .. }
            );
            if !self.state.reached && !silent && !told && self.alive {
                told = true;
                // What is inside is not reached either, and said once.
                self.alive = false;
                let span = self.tree.span(*statement);
                let problem = Problem::new(Code::Unreachable, span, "this is never reached");
                self.checker
                    .report(problem.evidence(Evidence::Practice).warning());
            }
            self.statement(*statement);
        }
        self.alive |= told;
    }

    fn declaration(&mut self, node: NodeId) {
        let NodeKind::Variable { value, .. } = *self.tree.kind(node) else {
            return;
        };
        if let Some(value) = value {
            self.expression(value);
        }
        if let Some(variable) = self.variables.get(&node).copied() {
            self.state.set(variable, value.is_some());
        }
    }

    fn loop_variable(&mut self, name: NodeId) {
        match self.tree.kind(name) {
            NodeKind::Tuple(_) => self.expression(name),
            _ => self.declare(name),
        }
    }

    /// The body of a loop: the state at its end, and where its jumps lead.
    fn repeated(&mut self, state: State, act: impl FnOnce(&mut Self)) -> (State, Target) {
        let nowhere = self.nowhere();
        self.targets.push(Target {
            leave: nowhere.clone(),
            again: nowhere.clone(),
            is_loop: true,
        });
        let end = self.from(state, act);
        let target = self.targets.pop();
        (
            end,
            target.unwrap_or(Target {
                leave: nowhere.clone(),
                again: nowhere,
                is_loop: true,
            }),
        )
    }

    fn switch(&mut self, value: NodeId, sections: &[NodeId]) {
        self.expression(value);
        let before = self.state.clone();
        let nowhere = self.nowhere();
        self.targets.push(Target {
            leave: nowhere,
            again: self.nowhere(),
            is_loop: false,
        });
        let mut has_default = false;
        for section in sections {
            let NodeKind::Section { labels, statements } = self.tree.kind(*section) else {
                continue;
            };
            let mut start = before.clone();
            for label in labels {
                match *self.tree.kind(*label) {
                    NodeKind::Case { pattern, when } => {
                        let state = start.clone();
                        let after = self.from(state, |f| {
                            f.pattern(pattern);
                            if let Some(when) = when {
                                let (yes, _) = f.condition(when);
                                f.state = yes;
                            }
                        });
                        if labels.len() == 1 && after.reached {
                            start = after;
                        }
                    }
                    _ => has_default = true,
                }
            }
            let end = self.from(start, |f| f.statements(statements));
            if end.reached && !statements.is_empty() {
                let span = labels
                    .last()
                    .map_or(self.tree.span(*section), |label| self.tree.span(*label));
                self.tell(
                    Problem::new(
                        Code::FallsThrough,
                        span,
                        "this case runs into the next one, which C# does not allow",
                    )
                    .help("end it with `break;`, `return` or `goto case`"),
                );
            }
        }
        let target = self.targets.pop();
        self.state = before;
        if has_default {
            self.state.end();
        }
        if let Some(target) = target {
            self.state.join(&target.leave);
        }
    }

    fn try_statement(&mut self, body: NodeId, catches: &[NodeId], finally: Option<NodeId>) {
        let before = self.state.clone();
        if let Some(finally) = finally {
            // What it assigns holds behind each jump out of the blocks before it.
            let assigned = self.assigned_by(finally);
            self.finals.push((self.targets.len(), assigned));
        }
        self.statement(body);
        let mut end = self.state.clone();
        for node in catches {
            let NodeKind::Catch { filter, body, .. } = *self.tree.kind(*node) else {
                continue;
            };
            let after = self.from(before.clone(), |f| {
                if let Some(filter) = filter {
                    let (yes, _) = f.condition(filter);
                    f.state = yes;
                }
                f.statement(body);
            });
            end.join(&after);
        }
        self.state = end;
        if let Some(finally) = finally {
            self.finals.pop();
            let after = self.from(before, |f| f.statement(finally));
            if after.reached {
                for (a, b) in self.state.assigned.iter_mut().zip(&after.assigned) {
                    *a |= b;
                }
            } else {
                self.state.end();
            }
        }
    }

    /// What a finally block assigns whatever was before. Found once, as blocks
    /// may stand in each other.
    fn assigned_by(&mut self, finally: NodeId) -> Vec<u64> {
        if let Some(found) = self.final_assigns.get(&finally) {
            return found.clone();
        }
        let mut nothing = self.state.clone();
        nothing.reached = true;
        nothing.assigned.fill(0);
        // Nothing is said about variables that only seem to be without value.
        let around = std::mem::replace(&mut self.told, false);
        let after = self.from(nothing, |f| f.statement(finally));
        self.told = around;
        let assigned = if after.reached {
            after.assigned
        } else {
            vec![0; after.assigned.len()]
        };
        self.final_assigns.insert(finally, assigned.clone());
        assigned
    }

    /// The body of a local function, with all that is around it assigned.
    fn function(
        &mut self,
        name: crate::span::Span,
        body: Option<NodeId>,
        result: NodeId,
        is_value: bool,
    ) {
        let Some(body) = body else {
            return;
        };
        let mut state = self.state.clone();
        state.reached = true;
        state.assigned.fill(u64::MAX);
        let finals = std::mem::take(&mut self.finals);
        let targets = std::mem::take(&mut self.targets);
        let labels = std::mem::take(&mut self.labels);
        let end = self.from(state, |f| {
            if is_value {
                f.expression(body);
            } else {
                f.statement(body);
            }
        });
        self.finals = finals;
        self.targets = targets;
        self.labels = labels;
        let text = self.tree.span(result).of(self.tree.text());
        let yields = self.contains_yield(body);
        let task = text.trim() == "Task";
        if !is_value && end.reached && text != "void" && !yields && !task {
            let text = self.tree.name(name).into_owned();
            let message = format!("`{text}` ends without `return` on some way");
            self.tell_error(Code::MissingReturn, name, message);
        }
    }

    fn contains_yield(&self, body: NodeId) -> bool {
        let mut todo = vec![body];
        while let Some(next) = todo.pop() {
            if let NodeKind::Yield(_) = self.tree.kind(next) {
                return true;
            }
            self.tree
                .kind(next)
                .each_child(&mut |child| todo.push(child));
        }
        false
    }
}
