//! Signatures of methods, as calls see them.

use super::Checker;
use super::types::{Ty, Type};
use super::value::{Method, Param, Signature, SignatureType};
use crate::table::{Member, MemberKind, Passing, TABLE};
use std::rc::Rc;

impl Checker<'_> {
    pub(super) fn signature(&mut self, method: Method) -> Rc<Signature> {
        if let Method::Local(n) = method {
            return match self.functions.get(n as usize) {
                Some(function) => Rc::clone(&function.signature),
                None => Rc::new(nothing()),
            };
        }
        if let Some(found) = self.signatures.get(&method) {
            return Rc::clone(found);
        }
        let made = Rc::new(match method {
            Method::Member { owner, def, index } => {
                match TABLE.def(def).members.get(usize::from(index)) {
                    Some(member) => self.member_signature(owner, member),
                    None => nothing(),
                }
            }
            Method::Invoke(delegate) => self.invoke_signature(delegate),
            Method::Local(_) => nothing(),
        });
        self.signatures.insert(method, Rc::clone(&made));
        made
    }

    fn invoke_signature(&mut self, delegate: Ty) -> Signature {
        let member = self
            .types
            .def(delegate)
            .and_then(|def| TABLE.def(def).invoke());
        match member {
            Some(member) => self.member_signature(delegate, member),
            None => nothing(),
        }
    }

    fn member_signature(&mut self, owner: Ty, member: &Member) -> Signature {
        let own = self.types.arguments(owner);
        let params = member.parameters.iter().map(|parameter| Param {
            name: parameter.name.into(),
            ty: self.types.resolve(&parameter.ty, &own),
            by_ref: matches!(parameter.passing, Passing::Ref | Passing::Out),
            is_out: parameter.passing == Passing::Out,
            is_params: parameter.passing == Passing::Params,
            optional: parameter.optional,
        });
        let params = params.collect();
        let result = match (&member.result, member.kind) {
            (_, MemberKind::Constructor) => owner,
            (Some(result), _) => self.types.resolve(result, &own),
            (None, _) => Ty::VOID,
        };
        let type_parameters = member
            .type_parameters
            .iter()
            .map(|parameter| SignatureType {
                is_class: parameter.is_class,
                is_struct: parameter.is_struct,
                bounds: parameter
                    .bounds
                    .iter()
                    .map(|bound| self.types.resolve(bound, &own))
                    .collect(),
            });
        Signature {
            type_parameters: type_parameters.collect(),
            params,
            result,
            is_extension: member.kind == MemberKind::Extension,
        }
    }

    /// The parameters and result of a delegate.
    pub(super) fn delegate(&mut self, ty: Ty) -> Option<Rc<Signature>> {
        self.types
            .is_delegate(ty)
            .then(|| self.signature(Method::Invoke(ty)))
    }

    pub(super) fn member(&self, method: Method) -> Option<&'static Member> {
        match method {
            Method::Member { def, index, .. } => TABLE.def(def).members.get(usize::from(index)),
            Method::Local(_) | Method::Invoke(_) => None,
        }
    }

    pub(super) fn is_open_array(&self, ty: Ty) -> Option<Ty> {
        match self.types.get(ty) {
            Type::Array(element, 1) => Some(*element),
            _ => None,
        }
    }
}

fn nothing() -> Signature {
    Signature {
        params: Vec::new(),
        result: Ty::UNKNOWN,
        type_parameters: Vec::new(),
        is_extension: false,
    }
}
