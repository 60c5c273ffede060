//! Conversions that need no cast.

use super::Checker;
use super::hierarchy::Numeric;
use super::known::KNOWN;
use super::types::{Ty, Type};
use super::value::{Const, Value, What};
use crate::table::{TABLE, TypeKind, Variance};

impl Checker<'_> {
    /// Whether the two are one type. What is unknown may be any.
    pub(super) fn same(&self, a: Ty, b: Ty) -> bool {
        if a == b || a == Ty::UNKNOWN || b == Ty::UNKNOWN {
            return true;
        }
        match (self.types.get(a), self.types.get(b)) {
            (Type::Dynamic, _) => b == Ty::OBJECT,
            (_, Type::Dynamic) => a == Ty::OBJECT,
            (Type::Named(d, l), Type::Named(e, m)) => {
                d == e
                    && l.len() == m.len()
                    && l.iter().zip(m.iter()).all(|(x, y)| self.same(*x, *y))
            }
            (Type::Array(x, r), Type::Array(y, s)) => r == s && self.same(*x, *y),
            (Type::Tuple(l, _), Type::Tuple(m, _)) => {
                l.len() == m.len() && l.iter().zip(m.iter()).all(|(x, y)| self.same(*x, *y))
            }
            (Type::Anonymous(l), Type::Anonymous(m)) => {
                l.len() == m.len()
                    && l.iter()
                        .zip(m.iter())
                        .all(|(x, y)| x.0 == y.0 && self.same(x.1, y.1))
            }
            _ => false,
        }
    }

    /// Whether `value` becomes a `to` without a cast.
    pub(super) fn converts(&mut self, value: &Value, to: Ty) -> bool {
        if to == Ty::UNKNOWN || self.types.get(to) == &Type::Later {
            return true;
        }
        match &value.what {
            What::Null => {
                return !self.types.is_value_type(to) || self.types.nullable_of(to).is_some();
            }
            What::Default => return to != Ty::VOID,
            What::Throw | What::OutVar => return true,
            What::Nothing => return false,
            What::Type | What::Space(_) => return false,
            What::Lambda => return self.lambda_converts(value.node, to),
            What::Group(group) => {
                let group = group.clone();
                return self.group_converts(&group, to);
            }
            What::Tuple(elements) => {
                let elements = elements.clone();
                if let Type::Tuple(types, _) = self.types.get(self.types.bare(to)).clone() {
                    return types.len() == elements.len()
                        && elements
                            .iter()
                            .zip(types.iter())
                            .all(|(e, t)| self.converts(e, *t));
                }
                if value.ty == Ty::UNKNOWN {
                    // An element has no type of its own.
                    return false;
                }
            }
            What::Interpolated => {
                let def = self.types.def(to);
                if def == Some(KNOWN.formattable) || def == Some(KNOWN.formattable_string) {
                    return true;
                }
            }
            What::Value | What::Variable | What::ReadOnly(_) => {}
        }
        if value.ty == Ty::UNKNOWN {
            return true;
        }
        if let Some(constant) = &value.constant
            && self.constant_fits(value.ty, constant, to)
        {
            return true;
        }
        self.type_converts(value.ty, to)
    }

    /// A constant that becomes a smaller type because it fits.
    pub(super) fn constant_fits(&self, from: Ty, constant: &Const, to: Ty) -> bool {
        let bare = self.types.bare(to);
        match constant {
            Const::Int(n) if from == Ty::INT || from == Ty::LONG => {
                if self.types.is_enum(bare) {
                    return *n == 0 && from == Ty::INT;
                }
                let range = Numeric::of(bare)
                    .filter(|_| bare != Ty::CHAR)
                    .and_then(Numeric::range);
                let fits = range.is_some_and(|(low, high)| (low..=high).contains(n));
                fits && (from == Ty::INT || bare == Ty::ULONG || bare == Ty::LONG)
            }
            Const::Int(0) | Const::Real(0.0) => {
                Numeric::of(from).is_some() && self.types.is_enum(bare) && from != Ty::CHAR
            }
            Const::Null => self.types.is_reference_type(to) && from == Ty::NULL,
            _ => false,
        }
    }

    /// Whether every value of `from` becomes a `to` without a cast.
    pub(super) fn type_converts(&mut self, from: Ty, to: Ty) -> bool {
        self.standard(from, to) || self.user_conversion(from, to, false).is_some()
    }

    /// The same without conversions that types define themselves.
    pub(super) fn standard(&mut self, from: Ty, to: Ty) -> bool {
        if self.same(from, to) {
            return true;
        }
        if from == Ty::VOID || to == Ty::VOID {
            return false;
        }
        if from == Ty::DYNAMIC
            || self.types.is_opaque(from)
            || self.types.is_opaque(to) && !self.types.is_value_type(from)
        {
            return true;
        }
        if from == Ty::NULL {
            return !self.types.is_value_type(to) || self.types.nullable_of(to).is_some();
        }
        let target = self.types.nullable_of(to);
        if let (Some(a), Some(b)) = (Numeric::of(from), Numeric::of(target.unwrap_or(to))) {
            return a.widens_to(b);
        }
        if let Some(inner) = target {
            let source = self.types.bare(from);
            if self.types.is_value_type(source) {
                return self.same(source, inner)
                    || Numeric::of(source)
                        .zip(Numeric::of(inner))
                        .is_some_and(|(a, b)| a.widens_to(b))
                    || self.tuple_converts(source, inner);
            }
            return false;
        }
        if self.tuple_converts(from, to) {
            return true;
        }
        self.reference(from, to)
    }

    fn tuple_converts(&mut self, from: Ty, to: Ty) -> bool {
        match (self.types.get(from).clone(), self.types.get(to).clone()) {
            (Type::Tuple(a, _), Type::Tuple(b, _)) => {
                a.len() == b.len()
                    && a.iter()
                        .zip(b.iter())
                        .all(|(x, y)| self.type_converts(*x, *y))
            }
            _ => false,
        }
    }

    /// Conversions up the hierarchy, boxing included.
    pub(super) fn reference(&mut self, from: Ty, to: Ty) -> bool {
        if self.same(from, to) {
            return true;
        }
        if to == Ty::OBJECT || to == Ty::DYNAMIC {
            return from != Ty::VOID && !matches!(self.types.get(from), Type::Pointer(_));
        }
        if let (Type::Array(a, r), Type::Array(b, s)) =
            (self.types.get(from).clone(), self.types.get(to).clone())
        {
            let references = !self.types.is_value_type(a) && !self.types.is_value_type(b);
            return r == s && references && self.reference(a, b);
        }
        let Some(def) = self.types.def(to) else {
            return matches!(self.types.get(to), Type::Parameter(_)) && from == to;
        };
        // A nullable type boxes to what its inner type boxes to.
        if self.types.nullable_of(from).is_some() && self.types.is_value_type(to) {
            return false;
        }
        let from = self.types.bare(from);
        match TABLE.def(def).kind {
            TypeKind::Interface => {
                if self.types.def(from) == Some(def) && self.varies(from, to) {
                    return true;
                }
                let interfaces = self.types.interfaces(from);
                interfaces
                    .iter()
                    .any(|i| self.types.def(*i) == Some(def) && self.varies(*i, to))
            }
            TypeKind::Delegate => self.types.def(from) == Some(def) && self.varies(from, to),
            _ => {
                let bases = self.types.bases(from);
                // An unknown base of a class may be the one that is asked for.
                bases.iter().any(|base| self.same(*base, to))
            }
        }
    }

    /// Whether two types of one definition convert by `in` and `out`.
    fn varies(&mut self, from: Ty, to: Ty) -> bool {
        let (Type::Named(def, a), Type::Named(_, b)) =
            (self.types.get(from).clone(), self.types.get(to).clone())
        else {
            return false;
        };
        let parameters = &TABLE.def(def).parameters;
        a.len() == b.len()
            && a.iter().zip(b.iter()).enumerate().all(|(n, (x, y))| {
                if self.same(*x, *y) {
                    return true;
                }
                if self.types.is_value_type(*x) || self.types.is_value_type(*y) {
                    return false;
                }
                match parameters.get(n).map(|p| p.variance) {
                    Some(Variance::Out) => self.reference(*x, *y),
                    Some(Variance::In) => self.reference(*y, *x),
                    _ => false,
                }
            })
    }

    /// The conversion that `from` or `to` defines itself: what it takes and gives.
    pub(super) fn user_conversion(&mut self, from: Ty, to: Ty, explicit: bool) -> Option<(Ty, Ty)> {
        if self.types.is_interface(from) || self.types.is_interface(to) || from == Ty::NULL {
            return None;
        }
        let key = (from, to, explicit);
        if let Some(found) = self.conversions.get(&key) {
            return *found;
        }
        let found = self.find_conversion(from, to, explicit);
        self.conversions.insert(key, found);
        found
    }

    fn find_conversion(&mut self, from: Ty, to: Ty, explicit: bool) -> Option<(Ty, Ty)> {
        let mut operators: Vec<(Ty, Ty)> = Vec::new();
        let (source, target) = (self.types.bare(from), self.types.bare(to));
        let mut owners = self.types.bases(source).to_vec();
        for base in self.types.bases(target).iter() {
            if !owners.contains(base) {
                owners.push(*base);
            }
        }
        for owner in owners {
            let Some(def) = self.types.def(owner) else {
                continue;
            };
            if def == KNOWN.nullable {
                continue;
            }
            let arguments = self.types.arguments(owner);
            let names: &[&str] = if explicit {
                &["Implicit", "Explicit"]
            } else {
                &["Implicit"]
            };
            for name in names {
                for (_, member) in TABLE.def(def).named(name) {
                    let (Some(parameter), Some(result)) =
                        (member.parameters.first(), &member.result)
                    else {
                        continue;
                    };
                    let s = self.types.resolve(&parameter.ty, &arguments);
                    let t = self.types.resolve(result, &arguments);
                    self.applicable_conversion(&mut operators, (s, t), (from, to), explicit);
                }
            }
        }
        if operators.is_empty() {
            return None;
        }
        let sources: Vec<Ty> = operators.iter().map(|(s, _)| *s).collect();
        let targets: Vec<Ty> = operators.iter().map(|(_, t)| *t).collect();
        let sx = if sources.contains(&from) {
            from
        } else {
            let above: Vec<Ty> = sources
                .iter()
                .copied()
                .filter(|s| self.standard(from, *s))
                .collect();
            if above.is_empty() {
                self.widest(&sources)?
            } else {
                self.narrowest(&above)?
            }
        };
        let tx = if targets.contains(&to) {
            to
        } else {
            let below: Vec<Ty> = targets
                .iter()
                .copied()
                .filter(|t| self.standard(*t, to))
                .collect();
            if below.is_empty() {
                self.narrowest(&targets)?
            } else {
                self.widest(&below)?
            }
        };
        operators.contains(&(sx, tx)).then_some((sx, tx))
    }

    /// Adds a conversion, and its form for nullable types, when it applies.
    fn applicable_conversion(
        &mut self,
        into: &mut Vec<(Ty, Ty)>,
        (s, t): (Ty, Ty),
        (from, to): (Ty, Ty),
        explicit: bool,
    ) {
        let mut forms = vec![(s, t)];
        let values = self.types.is_value_type(s) && self.types.is_value_type(t);
        if values
            && self.types.nullable_of(s).is_none()
            && self.types.nullable_of(t).is_none()
            && self.types.nullable_of(from).is_some()
        {
            forms.push((self.types.nullable(s), self.types.nullable(t)));
        }
        for (s, t) in forms {
            let takes = self.standard(from, s) || explicit && self.standard(s, from);
            let gives = self.standard(t, to) || explicit && self.standard(to, t);
            if takes && gives && !into.contains(&(s, t)) {
                into.push((s, t));
            }
        }
    }

    /// The type that converts to all others.
    fn narrowest(&mut self, types: &[Ty]) -> Option<Ty> {
        types
            .iter()
            .copied()
            .find(|a| types.iter().all(|b| self.standard(*a, *b)))
    }

    /// The type that all others convert to.
    fn widest(&mut self, types: &[Ty]) -> Option<Ty> {
        types
            .iter()
            .copied()
            .find(|a| types.iter().all(|b| self.standard(*b, *a)))
    }
}
