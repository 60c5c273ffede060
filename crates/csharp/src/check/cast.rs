//! Conversions that need a cast: `(T)x`, `x as T`.

use super::Checker;
use super::hierarchy::Numeric;
use super::types::{Ty, Type};
use super::value::{Value, What};
use crate::table::{TABLE, TypeKind};

impl Checker<'_> {
    /// Whether `(to)value` can succeed.
    pub(super) fn casts(&mut self, value: &Value, to: Ty) -> bool {
        if self.converts(value, to) {
            return true;
        }
        match &value.what {
            What::Value | What::Variable | What::ReadOnly(_) | What::Interpolated => {
                self.type_casts(value.ty, to)
            }
            What::Tuple(elements) => {
                let elements = elements.clone();
                match self.types.get(to).clone() {
                    Type::Tuple(types, _) => {
                        types.len() == elements.len()
                            && elements
                                .iter()
                                .zip(types.iter())
                                .all(|(e, t)| self.casts(e, *t))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    pub(super) fn type_casts(&mut self, from: Ty, to: Ty) -> bool {
        self.standard_cast(from, to) || self.user_conversion(from, to, true).is_some()
    }

    /// The same without conversions that types define themselves.
    pub(super) fn standard_cast(&mut self, from: Ty, to: Ty) -> bool {
        if from == Ty::VOID || to == Ty::VOID {
            return false;
        }
        if self.standard(from, to)
            || from == Ty::DYNAMIC
            || self.types.is_opaque(from)
            || self.types.is_opaque(to)
        {
            return true;
        }
        let (a, b) = (self.types.bare(from), self.types.bare(to));
        let nullable = a != from || b != to;
        if self.is_number_like(a) && self.is_number_like(b) {
            return true;
        }
        if nullable && a == b {
            return true;
        }
        self.reference_cast(from, to)
    }

    fn is_number_like(&self, ty: Ty) -> bool {
        Numeric::of(ty).is_some() || self.types.is_enum(ty)
    }

    /// Down or across the hierarchy, unboxing included.
    pub(super) fn reference_cast(&mut self, from: Ty, to: Ty) -> bool {
        if self.reference(from, to) || self.reference(to, from) || from == Ty::DYNAMIC {
            return true;
        }
        if self.types.is_opaque(from) || self.types.is_opaque(to) {
            return true;
        }
        match (self.types.get(from).clone(), self.types.get(to).clone()) {
            (Type::Parameter(_), _) | (_, Type::Parameter(_)) => return true,
            (Type::Array(a, r), Type::Array(b, s)) => {
                return r == s
                    && !self.types.is_value_type(a)
                    && !self.types.is_value_type(b)
                    && self.reference_cast(a, b);
            }
            (Type::Array(a, 1), Type::Named(def, list))
                if TABLE.def(def).kind == TypeKind::Interface =>
            {
                return list.len() == 1 && self.reference_cast(a, list[0]);
            }
            (Type::Named(def, list), Type::Array(b, 1))
                if TABLE.def(def).kind == TypeKind::Interface =>
            {
                return list.len() == 1 && self.reference_cast(list[0], b);
            }
            _ => {}
        }
        let (i, j) = (self.types.is_interface(from), self.types.is_interface(to));
        if i && j {
            return true;
        }
        // A class that others may derive from may implement any interface.
        if i {
            return !self.is_sealed(to);
        }
        if j {
            return !self.is_sealed(from);
        }
        // Delegates and generic interfaces whose arguments convert.
        let same_def = self.types.def(from).is_some() && self.types.def(from) == self.types.def(to);
        same_def && self.types.is_delegate(from) && {
            let (a, b) = (self.types.arguments(from), self.types.arguments(to));
            a.iter()
                .zip(b.iter())
                .all(|(x, y)| self.same(*x, *y) || self.reference_cast(*x, *y))
        }
    }

    /// Whether no type can derive from it.
    fn is_sealed(&self, ty: Ty) -> bool {
        match self.types.get(ty) {
            Type::Array(..) | Type::Tuple(..) | Type::Anonymous(_) => true,
            Type::Named(def, _) => {
                let kind = TABLE.def(*def).kind;
                matches!(
                    kind,
                    TypeKind::Struct | TypeKind::Enum | TypeKind::Delegate | TypeKind::Static
                ) || matches!(
                    TABLE.full(*def),
                    "System.String"
                        | "System.Version"
                        | "System.Text.StringBuilder"
                        | "System.Xml.Linq.XName"
                        | "System.Xml.Linq.XNamespace"
                        | "ApimStub.Jwt"
                        | "ApimStub.BasicAuthCredentials"
                        | "ApimStub.Authorization"
                )
            }
            _ => false,
        }
    }

    /// Whether `value as to` can give something; conversions that types define
    /// do not count.
    pub(super) fn as_converts(&mut self, from: Ty, to: Ty) -> bool {
        if from == Ty::NULL || from == Ty::UNKNOWN || to == Ty::UNKNOWN {
            return true;
        }
        if self.same(from, to) || self.same(self.types.bare(from), self.types.bare(to)) {
            return true;
        }
        let (a, b) = (self.types.is_value_type(from), self.types.is_value_type(to));
        if a && b {
            return false;
        }
        self.reference_cast(from, to)
            || self.reference_cast(self.types.bare(from), self.types.bare(to))
    }
}
