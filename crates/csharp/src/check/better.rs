//! Which of two methods that fit is the better one.

use super::Checker;
use super::arguments::Arg;
use super::hierarchy::Numeric;
use super::known::KNOWN;
use super::overload::Fit;
use super::types::{Ty, Type};
use super::value::{Value, What};
use std::cmp::Ordering;

impl Checker<'_> {
    pub(super) fn is_better(&mut self, a: &Fit, b: &Fit, args: &[Arg]) -> bool {
        let mut better = false;
        let mut same_types = true;
        for (n, arg) in args.iter().enumerate() {
            let (x, y) = (a.call.parameters[n], b.call.parameters[n]);
            same_types &= x == y;
            match self.better_conversion(&arg.value, x, y) {
                Ordering::Greater => better = true,
                Ordering::Less => return false,
                Ordering::Equal => {}
            }
        }
        if better {
            return true;
        }
        if !same_types {
            return false;
        }
        // Equal parameter types: the method's own form decides.
        let (generic_a, generic_b) = (
            !a.signature.type_parameters.is_empty(),
            !b.signature.type_parameters.is_empty(),
        );
        if generic_a != generic_b {
            return generic_b;
        }
        if a.expanded != b.expanded {
            return b.expanded;
        }
        if a.expanded && a.signature.params.len() != b.signature.params.len() {
            return a.signature.params.len() > b.signature.params.len();
        }
        if a.expanded
            && let (Some(x), Some(y)) = (rest_element(self, a), rest_element(self, b))
        {
            match self.better_target(x, y) {
                Ordering::Greater => return true,
                Ordering::Less => return false,
                Ordering::Equal => {}
            }
        }
        if (a.defaults == 0) != (b.defaults == 0) {
            return a.defaults == 0;
        }
        self.is_more_specific(a, b)
    }

    /// Compares the parameters as they are declared.
    fn is_more_specific(&mut self, a: &Fit, b: &Fit) -> bool {
        let mut more = false;
        for n in 0..a.map.len() {
            let x = a.signature.params[a.map[n]].ty;
            let y = b.signature.params[b.map[n]].ty;
            match self.specificity(x, y) {
                Ordering::Greater => more = true,
                Ordering::Less => return false,
                Ordering::Equal => {}
            }
        }
        more
    }

    fn specificity(&mut self, x: Ty, y: Ty) -> Ordering {
        match (self.types.get(x).clone(), self.types.get(y).clone()) {
            (Type::Open(_), Type::Open(_)) => Ordering::Equal,
            (Type::Open(_), _) => Ordering::Less,
            (_, Type::Open(_)) => Ordering::Greater,
            (Type::Named(d, l), Type::Named(e, m)) if d == e && l.len() == m.len() => {
                let mut order = Ordering::Equal;
                for (a, b) in l.iter().zip(m.iter()) {
                    match (self.specificity(*a, *b), order) {
                        (Ordering::Equal, _) => {}
                        (new, Ordering::Equal) => order = new,
                        (new, old) if new != old => return Ordering::Equal,
                        _ => {}
                    }
                }
                order
            }
            (Type::Array(a, r), Type::Array(b, s)) if r == s => self.specificity(a, b),
            _ => Ordering::Equal,
        }
    }

    /// Compares two conversions of one value: greater means to `x` is better.
    pub(super) fn better_conversion(&mut self, value: &Value, x: Ty, y: Ty) -> Ordering {
        if x == y {
            return Ordering::Equal;
        }
        if let What::Interpolated = value.what {
            // A string unless only a format is wanted.
            match (x == Ty::STRING, y == Ty::STRING) {
                (true, false) => return Ordering::Greater,
                (false, true) => return Ordering::Less,
                _ => {}
            }
        }
        match &value.what {
            What::Lambda => return self.better_lambda(value, x, y),
            What::OutVar => return Ordering::Equal,
            _ => {}
        }
        if value.has_type() {
            match (value.ty == x, value.ty == y) {
                (true, false) => return Ordering::Greater,
                (false, true) => return Ordering::Less,
                _ => {}
            }
        }
        self.better_target(x, y)
    }

    /// Compares two types that a value converts to.
    fn better_target(&mut self, x: Ty, y: Ty) -> Ordering {
        if x == y {
            return Ordering::Equal;
        }
        let (to_y, to_x) = (self.type_converts(x, y), self.type_converts(y, x));
        match (to_y, to_x) {
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            _ => {}
        }
        // Tasks compare by what they give.
        if self.types.def(x) == Some(KNOWN.task_of) && self.types.def(y) == Some(KNOWN.task_of) {
            let (a, b) = (self.types.arguments(x), self.types.arguments(y));
            if let (Some(a), Some(b)) = (a.first(), b.first()) {
                return self.better_target(*a, *b);
            }
        }
        // A signed type is better than an unsigned one.
        let signed = |ty: Ty| {
            matches!(
                Numeric::of(ty),
                Some(Numeric::SByte | Numeric::Short | Numeric::Int | Numeric::Long)
            )
        };
        let unsigned = |ty: Ty| {
            matches!(
                Numeric::of(ty),
                Some(Numeric::Byte | Numeric::UShort | Numeric::UInt | Numeric::ULong)
            )
        };
        let (a, b) = (self.types.bare(x), self.types.bare(y));
        if signed(a) && unsigned(b) {
            return Ordering::Greater;
        }
        if unsigned(a) && signed(b) {
            return Ordering::Less;
        }
        Ordering::Equal
    }

    fn better_lambda(&mut self, value: &Value, x: Ty, y: Ty) -> Ordering {
        let (Some(a), Some(b)) = (self.delegate(x), self.delegate(y)) else {
            return Ordering::Equal;
        };
        let same = a.params.len() == b.params.len()
            && a.params
                .iter()
                .zip(&b.params)
                .all(|(p, q)| self.same(p.ty, q.ty));
        if !same {
            return self.better_target(x, y);
        }
        let (r, s) = (a.result, b.result);
        if r == s {
            return Ordering::Equal;
        }
        if s == Ty::VOID {
            return Ordering::Greater;
        }
        if r == Ty::VOID {
            return Ordering::Less;
        }
        let parameters: Vec<Ty> = a.params.iter().map(|p| p.ty).collect();
        if let Some(inferred) = self.lambda_result(value.node, &parameters) {
            match (inferred == r, inferred == s) {
                (true, false) => return Ordering::Greater,
                (false, true) => return Ordering::Less,
                _ => {}
            }
        }
        self.better_target(r, s)
    }
}

/// What `params` would take, when a call leaves it empty.
fn rest_element(checker: &Checker<'_>, fit: &Fit) -> Option<Ty> {
    let last = fit.signature.params.len().checked_sub(1)?;
    let empty = !fit.map.contains(&last);
    let ty = fit.signature.params[last].ty;
    if empty {
        checker.is_open_array(ty)
    } else {
        None
    }
}
