//! Type arguments that follow from the arguments of a call.

use super::Checker;
use super::arguments::Arg;
use super::known::KNOWN;
use super::types::{Ty, Type};
use super::value::{Signature, Value, What};
use crate::table::{TABLE, Variance};
use std::rc::Rc;

/// What is known of one type parameter.
#[derive(Debug, Clone, Default)]
struct Bounds {
    exact: Vec<Ty>,
    lower: Vec<Ty>,
    upper: Vec<Ty>,
    fixed: Option<Ty>,
}

impl Bounds {
    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.lower.is_empty() && self.upper.is_empty()
    }
}

type All = Vec<Bounds>;

/// What was found before it failed, and two types that one parameter would need.
pub(super) type Partial = (Vec<Ty>, Option<(Ty, Ty)>);

impl Checker<'_> {
    /// The type arguments, or those that could be found.
    pub(super) fn infer(
        &mut self,
        signature: &Rc<Signature>,
        parameters: &[Ty],
        args: &[Arg],
    ) -> Result<Vec<Ty>, Partial> {
        let mut all: All = vec![Bounds::default(); signature.type_parameters.len()];
        for (n, (arg, ty)) in args.iter().zip(parameters).enumerate() {
            let by_ref = signature
                .params
                .get(n)
                .is_some_and(|p| p.by_ref && parameters.len() == signature.params.len());
            self.first_phase(&arg.value, *ty, by_ref, &mut all);
        }
        for _ in 0..=all.len() * 2 + 2 {
            if all.iter().all(|b| b.fixed.is_some()) {
                break;
            }
            let before: Vec<bool> = all.iter().map(|b| b.fixed.is_some()).collect();
            for (arg, ty) in args.iter().zip(parameters) {
                self.output(&arg.value, *ty, &mut all);
            }
            let dependent = self.dependents(parameters, args, &all);
            let free: Vec<usize> = (0..all.len())
                .filter(|n| {
                    all[*n].fixed.is_none() && !dependent.contains(n) && !all[*n].is_empty()
                })
                .collect();
            let mut fixed_any = false;
            for n in free {
                fixed_any |= self.fix(&mut all, n);
            }
            if !fixed_any {
                let rest: Vec<usize> = (0..all.len())
                    .filter(|n| all[*n].fixed.is_none() && !all[*n].is_empty())
                    .collect();
                for n in rest {
                    self.fix(&mut all, n);
                }
            }
            if before
                .iter()
                .zip(&all)
                .all(|(was, now)| *was == now.fixed.is_some())
            {
                break;
            }
        }
        if all.iter().all(|b| b.fixed.is_some()) {
            return Ok(all.iter().map(|b| b.fixed.unwrap_or(Ty::UNKNOWN)).collect());
        }
        let unfixed = all.iter().find(|bounds| bounds.fixed.is_none());
        let conflict = unfixed.and_then(|bounds| {
            let mut given = bounds
                .exact
                .iter()
                .chain(&bounds.lower)
                .chain(&bounds.upper);
            let first = *given.next()?;
            given.find(|ty| **ty != first).map(|ty| (first, *ty))
        });
        let partial = (0..all.len()).map(|n| match all[n].fixed {
            Some(ty) => ty,
            None => self
                .types
                .make(Type::Open(u8::try_from(n).unwrap_or(u8::MAX))),
        });
        Err((partial.collect(), conflict))
    }

    fn first_phase(&mut self, value: &Value, ty: Ty, by_ref: bool, all: &mut All) {
        if !self.types.is_open(ty) {
            return;
        }
        match &value.what {
            What::Lambda => {
                if let (Some(explicit), Some(delegate)) =
                    (self.explicit_parameters(value.node), self.delegate(ty))
                {
                    for (given, wanted) in explicit.iter().zip(&delegate.params) {
                        self.exact(*given, wanted.ty, all);
                    }
                }
            }
            What::Tuple(elements) => {
                let elements = Rc::clone(elements);
                match self.types.get(ty).clone() {
                    Type::Tuple(types, _) if types.len() == elements.len() => {
                        for (element, ty) in elements.iter().zip(types.iter()) {
                            self.first_phase(element, *ty, false, all);
                        }
                    }
                    _ => self.lower(value.ty, ty, all),
                }
            }
            What::Value | What::Variable | What::ReadOnly(_) | What::Interpolated => {
                if by_ref {
                    self.exact(value.ty, ty, all);
                } else {
                    self.lower(value.ty, ty, all);
                }
            }
            _ => {}
        }
    }

    /// Type parameters that the result of a lambda decides, while its
    /// parameters are not known.
    fn dependents(&mut self, parameters: &[Ty], args: &[Arg], all: &All) -> Vec<usize> {
        let mut dependent = Vec::new();
        for (arg, ty) in args.iter().zip(parameters) {
            if !matches!(arg.value.what, What::Lambda | What::Group(_)) {
                continue;
            }
            let Some(delegate) = self.delegate(*ty) else {
                continue;
            };
            let mut inputs = Vec::new();
            if !matches!(arg.value.what, What::Lambda)
                || self.explicit_parameters(arg.value.node).is_none()
            {
                for param in &delegate.params {
                    self.collect(param.ty, &mut inputs);
                }
            }
            if inputs
                .iter()
                .any(|n| all.get(*n).is_some_and(|b| b.fixed.is_none()))
            {
                let mut outputs = Vec::new();
                self.collect(delegate.result, &mut outputs);
                dependent.extend(outputs.into_iter().filter(|n| !inputs.contains(n)));
            }
        }
        dependent
    }

    /// The open type parameters in a type.
    fn collect(&self, ty: Ty, into: &mut Vec<usize>) {
        if !self.types.is_open(ty) {
            return;
        }
        match self.types.get(ty) {
            Type::Open(n) => into.push(usize::from(*n)),
            Type::Named(_, list) | Type::Tuple(list, _) => {
                for ty in list.iter() {
                    self.collect(*ty, into);
                }
            }
            Type::Array(inner, _) => self.collect(*inner, into),
            _ => {}
        }
    }

    /// What a lambda gives, once its parameters are known.
    fn output(&mut self, value: &Value, ty: Ty, all: &mut All) {
        if !matches!(value.what, What::Lambda | What::Group(_)) {
            return;
        }
        let Some(delegate) = self.delegate(ty) else {
            return;
        };
        let mut outputs = Vec::new();
        self.collect(delegate.result, &mut outputs);
        if !outputs
            .iter()
            .any(|n| all.get(*n).is_some_and(|b| b.fixed.is_none()))
        {
            return;
        }
        let fixed: Vec<Ty> = (0..all.len())
            .map(|n| {
                all[n].fixed.unwrap_or_else(|| {
                    self.types
                        .make(Type::Open(u8::try_from(n).unwrap_or(u8::MAX)))
                })
            })
            .collect();
        let explicit = match value.what {
            What::Lambda => self.explicit_parameters(value.node),
            _ => None,
        };
        let mut parameters: Vec<Ty> = delegate
            .params
            .iter()
            .map(|p| self.types.close(p.ty, &fixed))
            .collect();
        if let Some(explicit) = explicit {
            parameters = explicit;
        }
        if parameters.iter().any(|ty| self.types.is_open(*ty)) {
            return;
        }
        match &value.what {
            What::Lambda => {
                if let Some(result) = self.lambda_result(value.node, &parameters)
                    && result != Ty::VOID
                    && result != Ty::NULL
                {
                    self.lower(result, delegate.result, all);
                }
            }
            What::Group(group) => {
                let group = Rc::clone(group);
                if let Some(result) = self.group_result(&group, &parameters) {
                    self.lower(result, delegate.result, all);
                }
            }
            _ => {}
        }
    }

    fn exact(&mut self, from: Ty, to: Ty, all: &mut All) {
        if !self.types.is_open(to) {
            return;
        }
        match (self.types.get(to).clone(), self.types.get(from).clone()) {
            (Type::Open(n), _) => {
                if let Some(bounds) = all.get_mut(usize::from(n)) {
                    bounds.exact.push(from);
                }
            }
            (_, Type::Unknown) => self.lower(from, to, all),
            (Type::Named(d, l), Type::Named(e, m)) if d == e => {
                for (a, b) in m.iter().zip(l.iter()) {
                    self.exact(*a, *b, all);
                }
            }
            (Type::Array(a, r), Type::Array(b, s)) if r == s => self.exact(b, a, all),
            (Type::Tuple(l, _), Type::Tuple(m, _)) if l.len() == m.len() => {
                for (a, b) in m.iter().zip(l.iter()) {
                    self.exact(*a, *b, all);
                }
            }
            _ => {}
        }
    }

    fn lower(&mut self, from: Ty, to: Ty, all: &mut All) {
        if !self.types.is_open(to) {
            return;
        }
        if from == Ty::UNKNOWN
            || self.types.is_opaque(from) && !matches!(self.types.get(to), Type::Open(_))
        {
            let mut inside = Vec::new();
            self.collect(to, &mut inside);
            for n in inside {
                if let Some(bounds) = all.get_mut(n) {
                    bounds.lower.push(Ty::UNKNOWN);
                }
            }
            return;
        }
        match self.types.get(to).clone() {
            Type::Open(n) => {
                if !matches!(from, Ty::NULL | Ty::VOID)
                    && let Some(bounds) = all.get_mut(usize::from(n))
                    && !bounds.lower.contains(&from)
                {
                    bounds.lower.push(from);
                }
            }
            Type::Array(inner, rank) => {
                if let Type::Array(element, r) = *self.types.get(from)
                    && r == rank
                {
                    if self.types.is_value_type(element) {
                        self.exact(element, inner, all);
                    } else {
                        self.lower(element, inner, all);
                    }
                }
            }
            Type::Tuple(list, _) => {
                if let Type::Tuple(given, _) = self.types.get(from).clone()
                    && given.len() == list.len()
                {
                    for (a, b) in given.iter().zip(list.iter()) {
                        self.lower(*a, *b, all);
                    }
                }
            }
            Type::Named(def, list) => {
                if def == KNOWN.nullable {
                    if let (Some(given), Some(wanted)) =
                        (self.types.nullable_of(from), list.first())
                    {
                        self.lower(given, *wanted, all);
                    }
                    return;
                }
                let Some(found) = self.types.as_def(from, def) else {
                    return;
                };
                let given = self.types.arguments(found);
                let parameters = &TABLE.def(def).parameters;
                for (n, (a, b)) in given.iter().zip(list.iter()).enumerate() {
                    let reference = !self.types.is_value_type(*a);
                    match parameters.get(n).map(|p| p.variance) {
                        Some(Variance::Out) if reference => self.lower(*a, *b, all),
                        Some(Variance::In) if reference => self.upper(*a, *b, all),
                        _ => self.exact(*a, *b, all),
                    }
                }
            }
            _ => {}
        }
    }

    fn upper(&mut self, from: Ty, to: Ty, all: &mut All) {
        if !self.types.is_open(to) {
            return;
        }
        match (self.types.get(to).clone(), self.types.get(from).clone()) {
            (Type::Open(n), _) => {
                if let Some(bounds) = all.get_mut(usize::from(n)) {
                    bounds.upper.push(from);
                }
            }
            (Type::Named(d, l), Type::Named(e, m)) if d == e => {
                let parameters = &TABLE.def(d).parameters;
                for (n, (a, b)) in m.iter().zip(l.iter()).enumerate() {
                    let reference = !self.types.is_value_type(*a);
                    match parameters.get(n).map(|p| p.variance) {
                        Some(Variance::Out) if reference => self.upper(*a, *b, all),
                        Some(Variance::In) if reference => self.lower(*a, *b, all),
                        _ => self.exact(*a, *b, all),
                    }
                }
            }
            (Type::Array(a, r), Type::Array(b, s)) if r == s => self.upper(b, a, all),
            _ => {}
        }
    }

    /// Decides on one type parameter.
    fn fix(&mut self, all: &mut All, n: usize) -> bool {
        let bounds = all[n].clone();
        let mut candidates: Vec<Ty> = Vec::new();
        for ty in bounds
            .exact
            .iter()
            .chain(&bounds.lower)
            .chain(&bounds.upper)
        {
            if *ty == Ty::UNKNOWN {
                all[n].fixed = Some(Ty::UNKNOWN);
                return true;
            }
            if !candidates.contains(ty) {
                candidates.push(*ty);
            }
        }
        for bound in &bounds.exact {
            candidates.retain(|c| self.same(*c, *bound));
        }
        for bound in &bounds.lower {
            let kept: Vec<Ty> = candidates
                .iter()
                .copied()
                .filter(|c| self.type_converts(*bound, *c))
                .collect();
            candidates = kept;
        }
        for bound in &bounds.upper {
            let kept: Vec<Ty> = candidates
                .iter()
                .copied()
                .filter(|c| self.type_converts(*c, *bound))
                .collect();
            candidates = kept;
        }
        let best = candidates
            .iter()
            .copied()
            .find(|c| candidates.iter().all(|d| self.type_converts(*d, *c)));
        all[n].fixed = best;
        best.is_some()
    }

    /// Whether a value could fit an open parameter at all.
    pub(super) fn shape_fits(&mut self, value: &Value, ty: Ty) -> bool {
        if !value.has_type() || value.ty == Ty::UNKNOWN {
            return true;
        }
        match self.types.get(ty).clone() {
            Type::Named(def, _) => {
                def == KNOWN.nullable
                    || self.types.is_opaque(value.ty)
                    || value.ty == Ty::DYNAMIC
                    || self.types.as_def(value.ty, def).is_some()
            }
            Type::Array(..) => matches!(self.types.get(value.ty), Type::Array(..)),
            _ => true,
        }
    }

    /// The type that all values convert to.
    pub(super) fn common_type(&mut self, values: &[Value]) -> Option<Ty> {
        let mut candidates: Vec<Ty> = Vec::new();
        for value in values {
            if value.is_unknown() {
                return Some(Ty::UNKNOWN);
            }
            let typed =
                value.has_type() || matches!(value.what, What::Tuple(_)) && value.ty != Ty::UNKNOWN;
            if typed
                && value.ty != Ty::VOID
                && !candidates.contains(&value.ty)
                && candidates.len() < 32
            {
                candidates.push(value.ty);
            }
        }
        candidates
            .into_iter()
            .find(|ty| values.iter().all(|value| self.converts(value, *ty)))
    }
}
