//! Names, types and overloads of a tree: what compiles, and what it gives.

mod access;
mod allow;
mod arguments;
mod better;
mod calls;
mod cast;
mod choice;
mod constants;
mod convert;
mod creation;
mod declarations;
mod deconstruct;
mod elements;
mod expressions;
mod flow;
mod functions;
mod hierarchy;
mod hints;
mod infer;
mod initializers;
mod jumps;
mod known;
mod lambda;
mod lookup;
mod loops;
mod mismatch;
mod misses;
mod names;
mod operators;
mod overload;
mod patterns;
mod practice;
mod query;
mod results;
mod scope;
mod sections;
mod session;
mod signatures;
mod statements;
#[cfg(test)]
mod tests;
mod type_names;
mod types;
mod unary;
mod value;
mod variables;

use crate::hash::QuickMap;
use crate::meter::{Meter, Unmetered};
use crate::problem::{Code, Evidence, MOST_PROBLEMS, Problem, tidy};
use crate::span::Span;
use crate::table::{DefId, TABLE, show_member};
use crate::tree::{BinaryOp, Form, NodeId, NodeKind, Tree};
use lambda::LambdaKey;
pub use practice::cast_fails;
use scope::Scopes;
use session::Known;
pub use session::Session;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
pub(crate) use types::keyword;
use types::{Ty, Types};
use value::{Const, Method, Signature, Value};

/// What a place takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expected {
    /// Any type that API Management takes as a result.
    #[default]
    Anything,
    /// A condition: `bool`, and nothing else.
    Condition,
    /// One of these types exactly, by their C# names (`string`, `int`). Another
    /// one is a warning: that places want one type rests on a single source.
    OneOf(&'static [&'static str]),
}

/// What is known around an expression.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// What the place of the expression takes.
    pub expected: Expected,
    /// The context variables that are set where the expression stands, with
    /// their types (`string`, `JObject`; `None` when it is not known). `None`:
    /// nothing is known about them.
    pub variables: Option<BTreeMap<String, Option<String>>>,
}

/// A use of `context.Variables`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableRead {
    /// The name, when it is a constant.
    pub name: Option<String>,
    /// Where the name stands.
    pub span: Span,
    /// The type that it is cast to or asked for as, if any.
    pub ty: Option<String>,
    /// Whether the expression copes with a variable that nothing set:
    /// `GetValueOrDefault`, `ContainsKey`, `TryGetValue`.
    pub optional: bool,
}

/// What was found about a tree.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
    /// The type of the result, as C# writes it; `None` when it is not known.
    pub result: Option<String>,
    /// Uses of context variables, in the order of the text. Expressions only
    /// read them.
    pub variables: Vec<VariableRead>,
    types: Vec<Option<Rc<str>>>,
    declarations: Vec<Option<NodeId>>,
    members: QuickMap<NodeId, (DefId, u16)>,
}

impl Analysis {
    /// The member of the class library that a node uses, as it is declared:
    /// `string.Join(string, object[])`. The nodes are calls, accesses, indices
    /// and `new`.
    pub fn member_of(&self, node: NodeId) -> Option<String> {
        let (def, index) = *self.members.get(&node)?;
        let member = TABLE.def(def).members.get(usize::from(index))?;
        Some(show_member(def, member))
    }

    /// The type of a node, as C# writes it; `None` for what has none, when it is not
    /// known, and in what a [`Session`] found: naming every type takes longer than
    /// finding it.
    pub fn type_of(&self, node: NodeId) -> Option<&str> {
        self.types.get(node.index())?.as_deref()
    }

    /// The node that declares the local variable or parameter that a name means.
    pub fn declaration_of(&self, node: NodeId) -> Option<NodeId> {
        self.declarations.get(node.index()).copied().flatten()
    }

    /// Whether something is an error.
    pub fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|p| p.severity == crate::problem::Severity::Error)
    }
}

/// Steps that one expression may take: some, and more for each node.
const STEPS: u64 = 200_000;
const STEPS_PER_NODE: u64 = 400;
/// Steps that the largest of them may take.
const MOST_STEPS: u64 = 30_000_000;

/// Checks a tree that was read without findings. Of one with findings the types
/// are found as far as that goes, and no problem is reported: the first thing
/// to repair is what the parser said.
pub fn check(tree: &Tree, environment: &Environment) -> Analysis {
    check_metered(tree, environment, &Unmetered)
}

/// The same, charging the work to `meter`.
pub fn check_metered(tree: &Tree, environment: &Environment, meter: &dyn Meter) -> Analysis {
    Session::new().analyse(tree, environment, meter, Names::OfAll)
}

/// Whose types an analysis names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// That of the result.
    OfResult,
    /// Those of all nodes too.
    OfAll,
}

fn analyse(
    known: Known,
    tree: &Tree,
    environment: &Environment,
    meter: &dyn Meter,
    names: Names,
) -> (Analysis, Known) {
    let Known {
        types,
        conversions,
        signatures,
        mut shown,
    } = known;
    let mut checker = Checker {
        tree,
        environment,
        meter,
        types,
        problems: Vec::new(),
        reported: HashSet::new(),
        quiet: 0,
        failures: 0,
        steps: (STEPS + STEPS_PER_NODE * tree.len() as u64).min(MOST_STEPS),
        stopped: false,
        node_types: vec![Ty::VOID; tree.len()],
        declarations: vec![None; tree.len()],
        members: QuickMap::default(),
        conditions: QuickMap::default(),
        conversions,
        signatures,
        scopes: Scopes::default(),
        functions: Vec::new(),
        lambdas: QuickMap::default(),
        lambda_environment: 0,
        environments: 0,
        frames: Vec::new(),
        bindings: Vec::new(),
        allowances: true,
        variables: BTreeMap::new(),
        throws: throws(tree),
        refs: refs(tree),
        unchecked: 0,
        hints: 20,
    };
    let result = checker.root();
    let Checker {
        mut problems,
        types,
        conversions,
        signatures,
        node_types,
        declarations,
        members,
        variables,
        ..
    } = checker;
    tidy(&mut problems);
    if !tree.sound {
        problems.clear();
    }
    let mut show = |ty: Ty| -> Option<Rc<str>> {
        if matches!(ty, Ty::UNKNOWN | Ty::VOID) {
            return None;
        }
        Some(Rc::clone(
            shown.entry(ty).or_insert_with(|| types.show(ty).into()),
        ))
    };
    let analysis = Analysis {
        problems,
        result: result.and_then(&mut show).map(|text| text.to_string()),
        variables: variables.into_values().collect(),
        types: match names {
            Names::OfResult => Vec::new(),
            Names::OfAll => node_types.into_iter().map(show).collect(),
        },
        declarations,
        members,
    };
    let known = Known {
        types,
        conversions,
        signatures,
        shown,
    };
    (analysis, known)
}

/// A function body that is being bound.
#[derive(Debug)]
pub(crate) struct Frame {
    /// What `return` must give; `None`: whatever it gives is collected.
    result: Option<Ty>,
    returns: Vec<Value>,
    kind: FrameKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// The expression itself.
    Body,
    Lambda,
    Function,
    Iterator,
}

/// A local function.
#[derive(Debug)]
pub(crate) struct Function {
    node: NodeId,
    signature: Rc<Signature>,
    first_variable: u32,
}

pub(crate) struct Checker<'t> {
    pub(crate) tree: &'t Tree,
    environment: &'t Environment,
    meter: &'t dyn Meter,
    pub(crate) types: Types,
    problems: Vec<Problem>,
    /// Problems that were reported, by place and rule.
    reported: HashSet<(Span, Code)>,
    /// Levels of trying: nothing is reported while it is not zero.
    quiet: u32,
    /// Problems met, reported or not.
    failures: u64,
    steps: u64,
    stopped: bool,
    node_types: Vec<Ty>,
    declarations: Vec<Option<NodeId>>,
    /// The members that nodes use.
    members: QuickMap<NodeId, (DefId, u16)>,
    /// Conditions whose value is known while compiling.
    conditions: QuickMap<NodeId, bool>,
    conversions: QuickMap<(Ty, Ty, bool), Option<(Ty, Ty)>>,
    signatures: QuickMap<Method, Rc<Signature>>,
    scopes: Scopes,
    functions: Vec<Function>,
    lambdas: QuickMap<LambdaKey, lambda::Bound>,
    /// Which types the parameters of the enclosing lambdas have, as a number.
    lambda_environment: u32,
    environments: u32,
    frames: Vec<Frame>,
    /// What stands before `?` in the conditional accesses around.
    bindings: Vec<Value>,
    /// Whether the list of allowed members applies.
    allowances: bool,
    variables: BTreeMap<(u32, u32), VariableRead>,
    /// Where `throw` may stand in place of a value.
    throws: HashSet<NodeId>,
    /// Where `ref` may stand in front of a value.
    refs: HashSet<NodeId>,
    /// Levels of `unchecked` around.
    unchecked: u32,
    /// Hints that may still be looked for.
    hints: u32,
}

impl Checker<'_> {
    fn root(&mut self) -> Option<Ty> {
        self.declare_context();
        let root = self.tree.root();
        match self.tree.form() {
            Form::Expression => {
                let value = self.value(root);
                let value = self.readable(value);
                self.flow(root, true);
                self.single_result(&value)
            }
            Form::Body => {
                self.frames.push(Frame {
                    result: None,
                    returns: Vec::new(),
                    kind: FrameKind::Body,
                });
                self.statement(root);
                let returns = self
                    .frames
                    .pop()
                    .map(|frame| frame.returns)
                    .unwrap_or_default();
                self.flow(root, false);
                self.jumps(root);
                self.body_result(&returns)
            }
        }
    }

    /// Takes a step; `false` when the work has to end.
    fn step(&mut self, steps: u64) -> bool {
        if self.stopped {
            return false;
        }
        if self.steps < steps {
            self.stopped = true;
            let span = self.tree.span(self.tree.root());
            self.problems.push(
                Problem::new(
                    Code::TooComplex,
                    Span::new(span.start, span.start),
                    "this takes more work to check than an expression may; it was not checked to its end",
                )
                .help("split it: store parts in variables with <set-variable>"),
            );
            return false;
        }
        self.steps -= steps;
        if !self.meter.charge(steps) {
            self.stopped = true;
            let span = Span::at(self.tree.span(self.tree.root()).start);
            self.problems.push(Problem::new(
                Code::Stopped,
                span,
                "the check was stopped before its end",
            ));
            return false;
        }
        true
    }

    fn report(&mut self, problem: Problem) {
        if problem.severity == crate::problem::Severity::Error {
            self.failures += 1;
        }
        if self.quiet == 0
            && !self.stopped
            && self.problems.len() < MOST_PROBLEMS
            && self.reported.insert((problem.span, problem.code))
        {
            self.problems.push(problem);
        }
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        if self.quiet > 0 {
            self.failures += 1;
        } else {
            self.report(Problem::new(code, span, message));
        }
    }

    /// Does something without reporting, and says whether something was wrong.
    fn quietly<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        let before = self.failures;
        self.quiet += 1;
        let value = act(self);
        self.quiet -= 1;
        let failed = self.failures > before;
        self.failures = before;
        (value, failed)
    }

    fn show(&self, ty: Ty) -> String {
        self.types.show(ty)
    }

    fn note_type(&mut self, node: NodeId, ty: Ty) {
        if self.quiet == 0
            && let Some(slot) = self.node_types.get_mut(node.index())
        {
            *slot = ty;
        }
    }

    fn note_member(&mut self, node: NodeId, method: Method) {
        if self.quiet == 0
            && let Method::Member { def, index, .. } = method
        {
            self.members.insert(node, (def, index));
        }
    }

    fn note_condition(&mut self, node: NodeId, constant: Option<&Const>) {
        if self.quiet == 0
            && let Some(Const::Bool(value)) = constant
        {
            self.conditions.insert(node, *value);
        }
    }
}

/// An error that rests on more than the language.
fn judged(code: Code, span: Span, message: String, evidence: Evidence) -> Problem {
    Problem::new(code, span, message).evidence(evidence)
}

/// The nodes in whose place `throw` may stand.
fn throws(tree: &Tree) -> HashSet<NodeId> {
    let mut places = HashSet::new();
    for (_, node) in tree.nodes() {
        match &node.kind {
            NodeKind::Choice { yes, no, .. } => places.extend([*yes, *no]),
            NodeKind::Binary {
                op: BinaryOp::Coalesce,
                right,
                ..
            } => places.extend([*right]),
            NodeKind::Lambda { body, .. } => places.extend([*body]),
            NodeKind::LocalFunction {
                body: Some(body),
                is_value: true,
                ..
            } => places.extend([*body]),
            _ => {}
        }
    }
    places.retain(|id| matches!(tree.kind(*id), NodeKind::Throw(_)));
    places
}

/// The nodes in whose place `ref` may stand in front of a value: what a variable that is a
/// reference is, and what a local function gives back.
fn refs(tree: &Tree) -> HashSet<NodeId> {
    let mut places = HashSet::new();
    let is_ref = |ty: NodeId| matches!(tree.kind(ty), NodeKind::RefType(_));
    let functions = tree.nodes().any(|(_, node)| match &node.kind {
        NodeKind::LocalFunction { result, .. } => is_ref(*result),
        _ => false,
    });
    for (_, node) in tree.nodes() {
        match &node.kind {
            NodeKind::LocalDeclaration { ty, variables, .. } if is_ref(*ty) => {
                for variable in variables.iter() {
                    if let NodeKind::Variable {
                        value: Some(value), ..
                    } = tree.kind(*variable)
                    {
                        places.insert(*value);
                    }
                }
            }
            NodeKind::Assign { value, .. } => {
                places.insert(*value);
            }
            NodeKind::Choice { yes, no, .. } => places.extend([*yes, *no]),
            NodeKind::Return(Some(value)) if functions => {
                places.insert(*value);
            }
            NodeKind::LocalFunction {
                body: Some(body), ..
            } if functions => {
                places.insert(*body);
            }
            _ => {}
        }
    }
    places.retain(|id| matches!(tree.kind(*id), NodeKind::Ref(_)));
    places
}
