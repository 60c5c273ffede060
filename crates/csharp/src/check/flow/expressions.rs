//! Expressions, in the order in which they are computed.

use super::{Flow, State};
use crate::problem::{Code, Problem};
use crate::tree::{BinaryOp, Mode, NodeId, NodeKind, UnaryOp};

impl Flow<'_, '_> {
    pub(super) fn expression(&mut self, node: NodeId) {
        if !self.pay() {
            return;
        }
        let tree = self.tree;
        match tree.kind(node) {
            NodeKind::Name { .. } => self.read(node),
            NodeKind::Binary {
                op: BinaryOp::ConditionalAnd | BinaryOp::ConditionalOr,
                ..
            }
            | NodeKind::Is { .. }
            | NodeKind::Unary {
                op: UnaryOp::Not, ..
            } => {
                let (yes, no) = self.condition(node);
                self.state = yes;
                self.state.join(&no);
            }
            NodeKind::Binary { .. } => self.chain(node),
            NodeKind::Assign {
                op, target, value, ..
            } => {
                if op.is_none() {
                    self.target(*target);
                    self.expression(*value);
                    self.assign_target(*target);
                } else {
                    self.expression(*target);
                    self.expression(*value);
                }
            }
            NodeKind::Choice { condition, yes, no } => {
                let (on_yes, on_no) = self.condition(*condition);
                let after_yes = self.from(on_yes, |f| f.expression(*yes));
                let after_no = self.from(on_no, |f| f.expression(*no));
                self.state = after_yes;
                self.state.join(&after_no);
            }
            NodeKind::Conditional { target, rest } => {
                self.expression(*target);
                let state = self.state.clone();
                self.from(state, |f| f.expression(*rest));
            }
            NodeKind::Call {
                target, arguments, ..
            } => {
                if self.checker.is_nameof(*target) {
                    return;
                }
                self.expression(*target);
                self.arguments(arguments);
            }
            NodeKind::Element { target, arguments } => {
                self.expression(*target);
                self.arguments(arguments);
            }
            NodeKind::ElementOf { arguments } => self.arguments(arguments),
            NodeKind::New {
                arguments,
                initializer,
                ..
            } => {
                self.arguments(arguments.as_deref().unwrap_or(&[]));
                if let Some(initializer) = initializer {
                    self.expression(*initializer);
                }
            }
            NodeKind::InitializerMember { target, value } => {
                if let NodeKind::ElementOf { .. } = tree.kind(*target) {
                    self.expression(*target);
                }
                self.expression(*value);
            }
            NodeKind::Declaration { name, .. } => self.declare(*name),
            NodeKind::Lambda { body, .. } | NodeKind::Delegate { body, .. } => {
                self.lambda(node, *body);
            }
            NodeKind::Throw(value) => {
                if let Some(value) = value {
                    self.expression(*value);
                }
                self.state.end();
            }
            NodeKind::TypeOf(_) | NodeKind::SizeOf(_) | NodeKind::Default(_) => {}
            NodeKind::Query(clauses) => {
                for (n, clause) in clauses.iter().enumerate() {
                    if n == 0 {
                        self.children(*clause);
                        continue;
                    }
                    let state = self.state.clone();
                    self.from(state, |f| f.children(*clause));
                }
            }
            NodeKind::Missing | NodeKind::NamedValue => {}
            _ => self.children(node),
        }
    }

    fn children(&mut self, node: NodeId) {
        let mut list = Vec::new();
        self.tree
            .kind(node)
            .each_child(&mut |child| list.push(child));
        for child in list {
            self.expression(child);
        }
    }

    /// A chain of operators, which may be long.
    fn chain(&mut self, node: NodeId) {
        let mut rights = Vec::new();
        let mut at = node;
        while let NodeKind::Binary {
            op, left, right, ..
        } = *self.tree.kind(at)
        {
            if matches!(op, BinaryOp::ConditionalAnd | BinaryOp::ConditionalOr) {
                break;
            }
            rights.push((op, right));
            at = left;
        }
        self.expression(at);
        for (op, right) in rights.into_iter().rev() {
            if op == BinaryOp::Coalesce {
                let state = self.state.clone();
                self.from(state, |f| f.expression(right));
            } else {
                self.expression(right);
            }
        }
    }

    /// The states in which a condition holds, and in which it does not.
    pub(super) fn condition(&mut self, node: NodeId) -> (State, State) {
        if !self.pay() {
            return (self.state.clone(), self.state.clone());
        }
        if let Some(value) = self.checker.conditions.get(&node).copied() {
            self.constant_condition(node);
            let never = self.nowhere();
            return if value {
                (self.state.clone(), never)
            } else {
                (never, self.state.clone())
            };
        }
        match *self.tree.kind(node) {
            NodeKind::Parenthesized(inner) => self.condition(inner),
            NodeKind::Unary {
                op: UnaryOp::Not,
                operand,
            } => {
                let (yes, no) = self.condition(operand);
                (no, yes)
            }
            NodeKind::Binary {
                op: op @ (BinaryOp::ConditionalAnd | BinaryOp::ConditionalOr),
                ..
            } => self.logic(node, op),
            NodeKind::Is { value, pattern } => {
                self.expression(value);
                let no = self.state.clone();
                self.pattern(pattern);
                (self.state.clone(), no)
            }
            _ => {
                self.expression(node);
                (self.state.clone(), self.state.clone())
            }
        }
    }

    /// `a && b && c`: a chain of one operator.
    fn logic(&mut self, node: NodeId, op: BinaryOp) -> (State, State) {
        let mut rights = Vec::new();
        let mut at = node;
        while let NodeKind::Binary {
            op: other,
            left,
            right,
            ..
        } = *self.tree.kind(at)
        {
            if other != op {
                break;
            }
            rights.push(right);
            at = left;
        }
        let (mut yes, mut no) = self.condition(at);
        for right in rights.into_iter().rev() {
            if op == BinaryOp::ConditionalAnd {
                self.state = yes;
                let (right_yes, right_no) = self.condition(right);
                yes = right_yes;
                no.join(&right_no);
            } else {
                self.state = no;
                let (right_yes, right_no) = self.condition(right);
                no = right_no;
                yes.join(&right_yes);
            }
        }
        (yes, no)
    }

    /// What is read in a condition whose value is known.
    fn constant_condition(&mut self, node: NodeId) {
        match *self.tree.kind(node) {
            NodeKind::True | NodeKind::False => {}
            NodeKind::Binary {
                op: op @ (BinaryOp::ConditionalAnd | BinaryOp::ConditionalOr),
                ..
            } => {
                self.logic(node, op);
            }
            NodeKind::Binary { .. } => self.chain(node),
            _ => self.children(node),
        }
    }

    pub(super) fn pattern(&mut self, node: NodeId) {
        match *self.tree.kind(node) {
            NodeKind::DeclarationPattern { name, .. } | NodeKind::VarPattern(name) => {
                self.declare(name);
            }
            NodeKind::ConstantPattern(value)
                if !matches!(self.tree.kind(value), NodeKind::Name { .. }) =>
            {
                self.expression(value);
            }
            _ => {}
        }
    }

    /// A variable that is declared with a value.
    pub(super) fn declare(&mut self, name: NodeId) {
        match self.tree.kind(name) {
            NodeKind::Local(_) => {
                if let Some(variable) = self.variables.get(&name).copied() {
                    self.state.set(variable, true);
                }
            }
            NodeKind::Names(list) => {
                for name in list {
                    self.declare(*name);
                }
            }
            _ => {}
        }
    }

    fn arguments(&mut self, arguments: &[NodeId]) {
        let mut outs = Vec::new();
        for argument in arguments {
            match *self.tree.kind(*argument) {
                NodeKind::Argument {
                    mode: Mode::Out,
                    value,
                    ..
                } => outs.push(value),
                NodeKind::Argument { value, .. } => self.expression(value),
                _ => self.expression(*argument),
            }
        }
        for out in outs {
            match *self.tree.kind(out) {
                NodeKind::Declaration { name, .. } => self.declare(name),
                NodeKind::Name { .. } => self.assign_target(out),
                _ => self.expression(out),
            }
        }
    }

    /// What is computed before something is assigned.
    fn target(&mut self, node: NodeId) {
        match self.tree.kind(node) {
            NodeKind::Name { .. } | NodeKind::Declaration { .. } => {}
            NodeKind::Parenthesized(inner) => self.target(*inner),
            NodeKind::Tuple(list) => {
                for element in list {
                    match *self.tree.kind(*element) {
                        NodeKind::Argument { value, .. } => self.target(value),
                        _ => self.target(*element),
                    }
                }
            }
            _ => self.expression(node),
        }
    }

    fn assign_target(&mut self, node: NodeId) {
        match self.tree.kind(node) {
            NodeKind::Name { .. } => {
                if let Some(variable) = self.variable(node) {
                    self.state.set(variable, true);
                }
            }
            NodeKind::Parenthesized(inner) => self.assign_target(*inner),
            NodeKind::Declaration { name, .. } => self.declare(*name),
            NodeKind::Tuple(list) => {
                for element in list {
                    match *self.tree.kind(*element) {
                        NodeKind::Argument { value, .. } => self.assign_target(value),
                        _ => self.assign_target(*element),
                    }
                }
            }
            _ => {}
        }
    }

    fn read(&mut self, node: NodeId) {
        let Some(declared) = self
            .checker
            .declarations
            .get(node.index())
            .copied()
            .flatten()
        else {
            return;
        };
        if let Some(assigned) = self.assigns.get(&declared) {
            // A call of a local function may assign what it captures.
            for variable in assigned.clone() {
                self.state.set(variable, true);
            }
            return;
        }
        let Some(variable) = self.variables.get(&declared).copied() else {
            return;
        };
        if self.told && !self.state.has(variable) && !self.reported.contains(&declared) {
            if self.reported.len() < 100 {
                self.reported.push(declared);
            }
            let span = self.tree.span(node);
            let name = self.tree.name(span).into_owned();
            self.tell(
                Problem::new(
                    Code::Unassigned,
                    span,
                    format!("`{name}` may have no value here"),
                )
                .help("give it one where it is declared, or on every way that leads here"),
            );
        }
    }

    fn lambda(&mut self, node: NodeId, body: NodeId) {
        let mut state = self.state.clone();
        if !state.reached {
            // Its body is judged all the same, with all that is around it assigned.
            state.reached = true;
            state.assigned.fill(u64::MAX);
        }
        let finals = std::mem::take(&mut self.finals);
        let targets = std::mem::take(&mut self.targets);
        let labels = std::mem::take(&mut self.labels);
        let is_block = matches!(self.tree.kind(body), NodeKind::Block(_));
        let mut reached = false;
        self.from(state, |f| {
            if is_block {
                f.statement(body);
                reached = f.state.reached;
            } else {
                f.expression(body);
            }
        });
        self.finals = finals;
        self.targets = targets;
        self.labels = labels;
        if is_block && reached && self.returns_value(body) {
            let span = match self.tree.kind(node) {
                NodeKind::Lambda { arrow, .. } => *arrow,
                _ => self.tree.span(node),
            };
            let message = "this lambda returns a value on some ways and ends without one on others";
            self.tell_error(Code::MissingReturn, span, message);
        }
    }

    /// Whether a body returns values; functions inside it do not count.
    pub(super) fn returns_value(&self, body: NodeId) -> bool {
        let mut todo = vec![body];
        while let Some(next) = todo.pop() {
            match self.tree.kind(next) {
                NodeKind::Return(Some(_)) => return true,
                NodeKind::LocalFunction { .. }
                | NodeKind::Lambda { .. }
                | NodeKind::Delegate { .. } => {}
                kind => kind.each_child(&mut |child| todo.push(child)),
            }
        }
        false
    }
}
