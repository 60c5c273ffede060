//! What an expression turned out to be.

use super::types::Ty;
use crate::problem::Code;
use crate::table::DefId;
use crate::tree::NodeId;
use std::rc::Rc;

/// A value known while compiling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Const {
    Bool(bool),
    /// Whole numbers, characters, values of enums.
    Int(i128),
    Real(f64),
    Text(Rc<str>),
    Null,
    /// Constant, of a value that does not matter.
    Some,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// Something that can be read.
    Value,
    /// Something that can be written, too.
    Variable,
    /// Something that can be read, and whose assignment is this error.
    ReadOnly(Code),
    /// The name of a type.
    Type,
    /// The name of a namespace.
    Space(Rc<str>),
    /// The name of methods.
    Group(Rc<Group>),
    /// A lambda or anonymous method.
    Lambda,
    Null,
    /// `default` without a type.
    Default,
    /// `throw` in place of a value.
    Throw,
    /// `out var x`
    OutVar,
    Tuple(Rc<[Value]>),
    /// An interpolated string.
    Interpolated,
    /// A call of something that returns nothing.
    Nothing,
}

#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) ty: Ty,
    pub(crate) what: What,
    pub(crate) constant: Option<Const>,
    pub(crate) node: NodeId,
}

impl Value {
    pub(crate) fn new(ty: Ty, node: NodeId) -> Self {
        Self {
            ty,
            what: What::Value,
            constant: None,
            node,
        }
    }

    pub(crate) fn of(ty: Ty, what: What, node: NodeId) -> Self {
        Self {
            ty,
            what,
            constant: None,
            node,
        }
    }

    pub(crate) fn constant(ty: Ty, constant: Const, node: NodeId) -> Self {
        Self {
            ty,
            what: What::Value,
            constant: Some(constant),
            node,
        }
    }

    /// A value of which nothing is known; no error follows from it.
    pub(crate) fn unknown(node: NodeId) -> Self {
        Self::of(Ty::UNKNOWN, What::Variable, node)
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.ty == Ty::UNKNOWN && matches!(self.what, What::Value | What::Variable)
    }

    /// Whether it stands for a value at all: no type, namespace or method.
    pub(crate) fn is_value(&self) -> bool {
        !matches!(self.what, What::Type | What::Space(_) | What::Group(_))
    }

    /// Whether it is a tuple with an element that has no type.
    pub(crate) fn is_untyped_tuple(&self) -> bool {
        match &self.what {
            What::Tuple(elements) => elements.iter().any(|element| {
                matches!(element.what, What::Null | What::Default | What::Lambda)
                    || element.is_untyped_tuple()
            }),
            _ => false,
        }
    }

    pub(crate) fn has_type(&self) -> bool {
        matches!(
            self.what,
            What::Value | What::Variable | What::ReadOnly(_) | What::Interpolated
        )
    }
}

/// A method that a name may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    /// A member of the table, and the type that it was found in.
    Member { owner: Ty, def: DefId, index: u16 },
    /// A local function, by its number.
    Local(u32),
    /// The call of a delegate of this type.
    Invoke(Ty),
}

/// Methods of one name.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: Rc<str>,
    /// Where the name stands.
    pub(crate) name_node: NodeId,
    /// What stands before the dot; `None` for local functions.
    pub(crate) target: Option<Rc<Value>>,
    pub(crate) methods: Vec<Method>,
    /// Extension methods, tried when none of the others fits.
    pub(crate) extensions: Vec<Method>,
    pub(crate) types: Option<Rc<[Ty]>>,
}

/// A parameter, as a call sees it.
#[derive(Debug, Clone)]
pub(crate) struct Param {
    pub(crate) name: Rc<str>,
    pub(crate) ty: Ty,
    pub(crate) by_ref: bool,
    pub(crate) is_out: bool,
    pub(crate) is_params: bool,
    pub(crate) optional: bool,
}

/// A method's signature, its own type parameters open.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) params: Vec<Param>,
    pub(crate) result: Ty,
    pub(crate) type_parameters: Vec<SignatureType>,
    pub(crate) is_extension: bool,
}

#[derive(Debug)]
pub(crate) struct SignatureType {
    pub(crate) is_class: bool,
    pub(crate) is_struct: bool,
    pub(crate) bounds: Vec<Ty>,
}
