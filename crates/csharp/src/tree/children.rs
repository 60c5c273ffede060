//! The children of a node, in the order of the text.

use super::{NodeId, NodeKind};

impl NodeKind {
    /// Hands every child to `visit`.
    pub fn each_child(&self, visit: &mut dyn FnMut(NodeId)) {
        use NodeKind as K;
        let mut all = |lists: &[&[NodeId]]| {
            for child in lists.iter().copied().flatten() {
                visit(*child);
            }
        };
        fn one(child: &Option<NodeId>) -> &[NodeId] {
            child.as_slice()
        }
        fn some(list: &Option<super::List>) -> &[NodeId] {
            list.as_deref().unwrap_or(&[])
        }
        match self {
            K::Missing
            | K::Null
            | K::True
            | K::False
            | K::Number(_)
            | K::Character
            | K::Text
            | K::NamedValue
            | K::Piece
            | K::Predefined
            | K::This
            | K::Base
            | K::OmittedType
            | K::LaterPattern
            | K::Local(_)
            | K::Discard
            | K::TypeParameter(_)
            | K::Break
            | K::Continue
            | K::Goto(_)
            | K::DefaultCase
            | K::Empty
            | K::Into { .. } => {}
            K::Interpolated(list)
            | K::Tuple(list)
            | K::Initializer(list)
            | K::Query(list)
            | K::OrderBy(list)
            | K::TupleType(list)
            | K::Names(list)
            | K::Block(list) => all(&[list]),
            K::Hole {
                value, alignment, ..
            } => all(&[&[*value], one(alignment)]),
            K::Name { types, .. } | K::MemberOf { types, .. } => all(&[some(types)]),
            K::Member { target, types, .. } => all(&[&[*target], some(types)]),
            K::Alias { name, .. } => all(&[&[*name]]),
            K::Conditional { target, rest } => all(&[&[*target, *rest]]),
            K::ElementOf { arguments } => all(&[arguments]),
            K::Call {
                target, arguments, ..
            }
            | K::Element { target, arguments } => {
                all(&[&[*target], arguments]);
            }
            K::Argument { value, .. } => all(&[&[*value]]),
            K::Declaration { ty, name } => all(&[one(ty), &[*name]]),
            K::Parenthesized(child)
            | K::TypeOf(child)
            | K::SizeOf(child)
            | K::Await(child)
            | K::Ref(child)
            | K::Where(child)
            | K::Select(child)
            | K::NullableType(child)
            | K::PointerType(child)
            | K::RefType(child)
            | K::ConstantPattern(child)
            | K::VarPattern(child)
            | K::Expression(child)
            | K::Unsafe(child) => all(&[&[*child]]),
            K::Cast { ty, value } => all(&[&[*ty, *value]]),
            K::Unary { operand, .. } => all(&[&[*operand]]),
            K::Binary { left, right, .. } => all(&[&[*left, *right]]),
            K::Assign { target, value, .. } => all(&[&[*target, *value]]),
            K::Choice { condition, yes, no } => all(&[&[*condition, *yes, *no]]),
            K::Is { value, pattern } => all(&[&[*value, *pattern]]),
            K::As { value, ty } => all(&[&[*value, *ty]]),
            K::Lambda {
                parameters, body, ..
            } => all(&[parameters, &[*body]]),
            K::Delegate {
                parameters, body, ..
            } => all(&[some(parameters), &[*body]]),
            K::New {
                ty,
                arguments,
                initializer,
            } => {
                all(&[&[*ty], some(arguments), one(initializer)]);
            }
            K::NewArray {
                ty,
                sizes,
                initializer,
            } => all(&[&[*ty], sizes, one(initializer)]),
            K::NewImplicitArray { initializer, .. } => all(&[&[*initializer]]),
            K::NewAnonymous { members } => all(&[members]),
            K::AnonymousMember { value, .. } | K::Let { value, .. } => all(&[&[*value]]),
            K::InitializerMember { target, value } => all(&[&[*target, *value]]),
            K::Default(child)
            | K::Throw(child)
            | K::Return(child)
            | K::GotoCase(child)
            | K::Yield(child) => all(&[one(child)]),
            K::StackAlloc { ty } => all(&[one(ty)]),
            K::Checked { value, .. } => all(&[&[*value]]),
            K::From { ty, source, .. } => all(&[one(ty), &[*source]]),
            K::Join {
                ty,
                source,
                left,
                right,
                ..
            } => all(&[one(ty), &[*source, *left, *right]]),
            K::Group { value, by, .. } => all(&[&[*value, *by]]),
            K::ArrayType { element, .. } => all(&[&[*element]]),
            K::TupleElement { ty, .. } => all(&[&[*ty]]),
            K::DeclarationPattern { ty, name } => all(&[&[*ty, *name]]),
            K::LocalDeclaration { ty, variables, .. } => all(&[&[*ty], variables]),
            K::Variable { value, .. } => all(&[one(value)]),
            K::LocalFunction {
                result,
                type_parameters,
                parameters,
                constraints,
                body,
                ..
            } => {
                all(&[
                    &[*result],
                    type_parameters,
                    parameters,
                    constraints,
                    one(body),
                ]);
            }
            K::Constraint { types, .. } => all(&[types]),
            K::Parameter { ty, default, .. } => all(&[one(ty), one(default)]),
            K::If {
                condition,
                then,
                otherwise,
            } => all(&[&[*condition, *then], one(otherwise)]),
            K::While { condition, body } => all(&[&[*condition, *body]]),
            K::Do { body, condition } => all(&[&[*body, *condition]]),
            K::For {
                start,
                condition,
                step,
                body,
            } => {
                all(&[start, one(condition), step, &[*body]]);
            }
            K::ForEach {
                ty,
                name,
                source,
                body,
            } => all(&[one(ty), &[*name, *source, *body]]),
            K::Labeled { statement, .. } => all(&[&[*statement]]),
            K::Switch { value, sections } => all(&[&[*value], sections]),
            K::Section { labels, statements } => all(&[labels, statements]),
            K::Case { pattern, when } => all(&[&[*pattern], one(when)]),
            K::Try {
                body,
                catches,
                finally,
            } => all(&[&[*body], catches, one(finally)]),
            K::Catch {
                ty, filter, body, ..
            } => all(&[one(ty), one(filter), &[*body]]),
            K::Using { resource, body } => all(&[&[*resource, *body]]),
            K::Lock { value, body } => all(&[&[*value, *body]]),
            K::CheckedBlock { body, .. } => all(&[&[*body]]),
        }
    }
}
