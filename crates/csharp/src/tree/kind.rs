//! What nodes there are.

use super::NodeId;
use crate::lexer::Number;
use crate::span::Span;

/// Children.
pub type List = Box<[NodeId]>;

/// How an argument or parameter is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// By value.
    #[default]
    Value,
    /// `ref`
    Ref,
    /// `out`
    Out,
    /// `in`
    In,
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the operators")]
pub enum UnaryOp {
    Plus,
    Minus,
    Not,
    Complement,
    PreIncrement,
    PreDecrement,
    PostIncrement,
    PostDecrement,
    AddressOf,
    Dereference,
}

impl UnaryOp {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Not => "!",
            Self::Complement => "~",
            Self::PreIncrement | Self::PostIncrement => "++",
            Self::PreDecrement | Self::PostDecrement => "--",
            Self::AddressOf => "&",
            Self::Dereference => "*",
        }
    }
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the operators")]
pub enum BinaryOp {
    Multiply,
    Divide,
    Remainder,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Equal,
    NotEqual,
    And,
    Xor,
    Or,
    ConditionalAnd,
    ConditionalOr,
    Coalesce,
}

impl BinaryOp {
    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::And => "&",
            Self::Xor => "^",
            Self::Or => "|",
            Self::ConditionalAnd => "&&",
            Self::ConditionalOr => "||",
            Self::Coalesce => "??",
        }
    }
}

/// `=`, or an operator with `=`.
pub type AssignOp = Option<BinaryOp>;

/// A node's kind and children. Spans are those of names and operators.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of the grammar")]
pub enum NodeKind {
    /// Something that should stand here and does not.
    Missing,

    // Values
    Null,
    True,
    False,
    Number(Number),
    Character,
    Text,
    /// `{{name}}`
    NamedValue,
    /// `$"..."`: [`NodeKind::Piece`] and [`NodeKind::Hole`].
    Interpolated(List),
    /// Text between the holes.
    Piece,
    Hole {
        value: NodeId,
        alignment: Option<NodeId>,
        format: Option<Span>,
    },
    /// `name` or `name<T>`, of a value or a type.
    Name {
        name: Span,
        types: Option<List>,
    },
    /// `int`, `string` ... of a type, or in front of a static member.
    Predefined,
    /// `target.name` or `target.name<T>`
    Member {
        target: NodeId,
        name: Span,
        types: Option<List>,
    },
    /// `alias::name`
    Alias {
        alias: Span,
        name: NodeId,
    },
    /// `target?.rest`: `rest` holds a [`NodeKind::MemberOf`] or [`NodeKind::ElementOf`].
    Conditional {
        target: NodeId,
        rest: NodeId,
    },
    /// `.name` behind the `?`
    MemberOf {
        name: Span,
        types: Option<List>,
    },
    /// `[...]` behind the `?`
    ElementOf {
        arguments: List,
    },
    Call {
        target: NodeId,
        arguments: List,
        open: Span,
    },
    Element {
        target: NodeId,
        arguments: List,
    },
    Argument {
        name: Option<Span>,
        mode: Mode,
        value: NodeId,
    },
    /// `var x`, `T x`, `(var x, var y)` where a value is declared in place.
    Declaration {
        ty: Option<NodeId>,
        name: NodeId,
    },
    This,
    Base,
    Parenthesized(NodeId),
    Tuple(List),
    Cast {
        ty: NodeId,
        value: NodeId,
    },
    Unary {
        op: UnaryOp,
        operand: NodeId,
    },
    Binary {
        op: BinaryOp,
        at: Span,
        left: NodeId,
        right: NodeId,
    },
    Assign {
        op: AssignOp,
        at: Span,
        target: NodeId,
        value: NodeId,
    },
    Choice {
        condition: NodeId,
        yes: NodeId,
        no: NodeId,
    },
    Is {
        value: NodeId,
        pattern: NodeId,
    },
    As {
        value: NodeId,
        ty: NodeId,
    },
    Lambda {
        is_async: bool,
        parameters: List,
        body: NodeId,
        arrow: Span,
    },
    /// `delegate (...) { }`; no parentheses: parameters are taken as they come.
    Delegate {
        is_async: bool,
        parameters: Option<List>,
        body: NodeId,
    },
    New {
        ty: NodeId,
        arguments: Option<List>,
        initializer: Option<NodeId>,
    },
    NewArray {
        ty: NodeId,
        sizes: List,
        initializer: Option<NodeId>,
    },
    /// `new[] { ... }`
    NewImplicitArray {
        rank: u8,
        initializer: NodeId,
    },
    NewAnonymous {
        members: List,
    },
    AnonymousMember {
        name: Option<Span>,
        value: NodeId,
    },
    /// `{ a, b }`, `{ A = a }`, `{ [k] = v }`
    Initializer(List),
    /// `A = value` or `[k] = value` in an initializer.
    InitializerMember {
        target: NodeId,
        value: NodeId,
    },
    TypeOf(NodeId),
    SizeOf(NodeId),
    Default(Option<NodeId>),
    Checked {
        value: NodeId,
        checked: bool,
    },
    Throw(Option<NodeId>),
    Await(NodeId),
    Ref(NodeId),
    StackAlloc {
        ty: Option<NodeId>,
    },
    /// Clauses, the first one a [`NodeKind::From`].
    Query(List),
    From {
        ty: Option<NodeId>,
        name: Span,
        source: NodeId,
    },
    Let {
        name: Span,
        value: NodeId,
    },
    Where(NodeId),
    Join {
        ty: Option<NodeId>,
        name: Span,
        source: NodeId,
        left: NodeId,
        right: NodeId,
        into: Option<Span>,
    },
    OrderBy(List),
    Select(NodeId),
    Group {
        value: NodeId,
        by: NodeId,
        into: Option<Span>,
    },
    /// `into name`: the rest queries the result.
    Into {
        name: Span,
    },

    // Types
    ArrayType {
        element: NodeId,
        rank: u8,
    },
    NullableType(NodeId),
    PointerType(NodeId),
    TupleType(List),
    TupleElement {
        ty: NodeId,
        name: Option<Span>,
    },
    RefType(NodeId),
    /// What is left out in `List<>`.
    OmittedType,

    // Patterns and names that patterns declare
    ConstantPattern(NodeId),
    DeclarationPattern {
        ty: NodeId,
        name: NodeId,
    },
    VarPattern(NodeId),
    /// A pattern of a later version.
    LaterPattern,
    Local(Span),
    Discard,
    Names(List),

    // Statements
    Block(List),
    LocalDeclaration {
        is_const: bool,
        ty: NodeId,
        variables: List,
    },
    Variable {
        name: Span,
        value: Option<NodeId>,
    },
    LocalFunction {
        is_async: bool,
        result: NodeId,
        name: Span,
        type_parameters: List,
        parameters: List,
        constraints: List,
        body: Option<NodeId>,
        is_value: bool,
    },
    TypeParameter(Span),
    Constraint {
        name: Span,
        types: List,
        is_class: bool,
        is_struct: bool,
    },
    Parameter {
        mode: Mode,
        is_params: bool,
        ty: Option<NodeId>,
        name: Span,
        default: Option<NodeId>,
    },
    Expression(NodeId),
    If {
        condition: NodeId,
        then: NodeId,
        otherwise: Option<NodeId>,
    },
    While {
        condition: NodeId,
        body: NodeId,
    },
    Do {
        body: NodeId,
        condition: NodeId,
    },
    For {
        start: List,
        condition: Option<NodeId>,
        step: List,
        body: NodeId,
    },
    ForEach {
        ty: Option<NodeId>,
        name: NodeId,
        source: NodeId,
        body: NodeId,
    },
    Return(Option<NodeId>),
    Break,
    Continue,
    Goto(Span),
    GotoCase(Option<NodeId>),
    Labeled {
        name: Span,
        statement: NodeId,
    },
    Switch {
        value: NodeId,
        sections: List,
    },
    Section {
        labels: List,
        statements: List,
    },
    Case {
        pattern: NodeId,
        when: Option<NodeId>,
    },
    DefaultCase,
    Try {
        body: NodeId,
        catches: List,
        finally: Option<NodeId>,
    },
    Catch {
        ty: Option<NodeId>,
        name: Option<Span>,
        filter: Option<NodeId>,
        body: NodeId,
    },
    Using {
        resource: NodeId,
        body: NodeId,
    },
    Lock {
        value: NodeId,
        body: NodeId,
    },
    CheckedBlock {
        body: NodeId,
        checked: bool,
    },
    Unsafe(NodeId),
    Yield(Option<NodeId>),
    Empty,
}
