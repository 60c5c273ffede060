//! Which method a call means.

use super::Checker;
use super::arguments::Arg;
use super::types::Ty;
use super::value::{Method, Signature, What};
use crate::span::Span;
use crate::tree::Mode;
use std::rc::Rc;

/// A call whose method is known.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// For each argument the type that it becomes.
    pub(super) parameters: Vec<Ty>,
    pub(super) result: Ty,
    /// The type arguments of a generic method.
    pub(super) types: Vec<Ty>,
}

/// A method that fits.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) call: Call,
    pub(super) signature: Rc<Signature>,
    /// For each argument, the parameter.
    pub(super) map: Vec<usize>,
    /// `params` takes several arguments.
    pub(super) expanded: bool,
    pub(super) defaults: usize,
}

/// Why a method does not fit, the nearest miss last.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Miss {
    /// Another number of type arguments.
    TypeCount(usize),
    /// Too many arguments.
    Count(usize),
    /// A parameter without argument.
    Missing(Rc<str>),
    /// A name that no parameter has.
    Name(usize),
    NameTwice(usize),
    /// Type arguments do not follow; two types that one parameter would need.
    Inference(Option<(Ty, Ty)>),
    /// `ref` or `out` is missing, or has no place: argument, what is wanted.
    Mode(usize, Wanted),
    /// An argument of the wrong type: argument, wanted type, arguments that fit.
    Type(usize, Ty, usize),
    Constraint(usize, Ty, bool),
}

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Wanted {
    Value,
    Ref,
    Out,
}

/// What looking for a method came to.
pub(super) enum Choice {
    One(Box<Call>),
    Ambiguous(Method, Method),
    None(Vec<(Method, Miss)>),
}

impl Checker<'_> {
    /// The method that fits best. What is wrong is reported.
    pub(super) fn resolve(
        &mut self,
        methods: &[Method],
        args: &[Arg],
        types: Option<&[Ty]>,
        name: &str,
        at: Span,
        whole: Span,
    ) -> Option<Call> {
        match self.choose(methods, args, types) {
            Choice::One(call) => Some(*call),
            Choice::Ambiguous(a, b) => {
                if !args.iter().any(|arg| arg.value.is_unknown()) {
                    self.ambiguous(name, at, a, b);
                }
                self.abandon_arguments(args);
                None
            }
            Choice::None(misses) => {
                self.missed(&misses, args, name, at, whole, false);
                self.abandon_arguments(args);
                None
            }
        }
    }

    pub(super) fn choose(
        &mut self,
        methods: &[Method],
        args: &[Arg],
        types: Option<&[Ty]>,
    ) -> Choice {
        let mut fits: Vec<Fit> = Vec::new();
        let mut misses = Vec::new();
        for method in methods {
            if !self.step(1 + args.len() as u64) {
                break;
            }
            let signature = self.signature(*method);
            match self.fit(*method, &signature, args, types, false) {
                Ok(fit) => fits.push(fit),
                Err(miss) => {
                    let expands = signature.params.last().is_some_and(|p| p.is_params);
                    match expands.then(|| self.fit(*method, &signature, args, types, true)) {
                        Some(Ok(fit)) => fits.push(fit),
                        Some(Err(other)) => misses.push((*method, nearer(miss, other))),
                        None => misses.push((*method, miss)),
                    }
                }
            }
        }
        self.drop_inherited(&mut fits);
        match fits.len() {
            0 => Choice::None(misses),
            1 => Choice::One(Box::new(fits.swap_remove(0).call)),
            _ => self.best(&fits, args),
        }
    }

    /// A method of a derived type that fits hides those of its bases.
    fn drop_inherited(&mut self, fits: &mut Vec<Fit>) {
        let owner = |fit: &Fit| match fit.call.method {
            Method::Member { owner, .. } if !fit.signature.is_extension => Some(owner),
            _ => None,
        };
        let owners: Vec<Ty> = fits.iter().filter_map(owner).collect();
        if owners.iter().all(|o| Some(o) == owners.first()) {
            return;
        }
        let mut kept: Vec<Fit> = Vec::new();
        for fit in fits.drain(..) {
            let hidden = owner(&fit).is_some_and(|base| {
                owners
                    .iter()
                    .any(|derived| *derived != base && self.reference(*derived, base))
            });
            if !hidden {
                kept.push(fit);
            }
        }
        *fits = kept;
    }

    fn best(&mut self, fits: &[Fit], args: &[Arg]) -> Choice {
        // Unknown arguments fit everything; nothing can be said then.
        let unknown = args.iter().any(|arg| {
            arg.value.is_unknown() || matches!(arg.value.what, What::OutVar) && fits.len() > 8
        });
        if fits.len() > 64 {
            return Choice::Ambiguous(fits[0].call.method, fits[1].call.method);
        }
        let mut best: Option<usize> = None;
        for n in 0..fits.len() {
            let wins = (0..fits.len()).all(|m| m == n || self.is_better(&fits[n], &fits[m], args));
            if wins {
                best = Some(n);
                break;
            }
        }
        match best {
            Some(n) => {
                let mut call = fits[n].call.clone();
                if unknown && fits.iter().any(|fit| fit.call.result != call.result) {
                    call.result = Ty::UNKNOWN;
                }
                Choice::One(Box::new(call))
            }
            None if unknown => {
                let mut call = fits[0].call.clone();
                if fits.iter().any(|fit| fit.call.result != call.result) {
                    call.result = Ty::UNKNOWN;
                }
                for (n, ty) in call.parameters.iter_mut().enumerate() {
                    if fits
                        .iter()
                        .any(|fit| fit.call.parameters.get(n) != Some(ty))
                    {
                        *ty = Ty::UNKNOWN;
                    }
                }
                Choice::One(Box::new(call))
            }
            None => Choice::Ambiguous(fits[0].call.method, fits[1].call.method),
        }
    }

    /// Whether the arguments fit this method.
    fn fit(
        &mut self,
        method: Method,
        signature: &Rc<Signature>,
        args: &[Arg],
        types: Option<&[Ty]>,
        expanded: bool,
    ) -> Result<Fit, Miss> {
        if let Some(types) = types
            && types.len() != signature.type_parameters.len()
        {
            return Err(Miss::TypeCount(signature.type_parameters.len()));
        }
        let (map, defaults) = map_arguments(signature, args, expanded)?;
        let mut parameters: Vec<Ty> = Vec::with_capacity(args.len());
        for param in &map {
            let ty = signature.params[*param].ty;
            let element = if expanded && *param + 1 == signature.params.len() {
                self.is_open_array(ty)
            } else {
                None
            };
            parameters.push(element.unwrap_or(ty));
        }
        for (n, (arg, param)) in args.iter().zip(&map).enumerate() {
            let param = &signature.params[*param];
            let wanted = match (param.by_ref, param.is_out) {
                (true, true) => Wanted::Out,
                (true, false) => Wanted::Ref,
                _ => Wanted::Value,
            };
            let good = match arg.mode {
                Mode::Value => wanted == Wanted::Value,
                // No method of the class library has an `in` parameter.
                Mode::In => wanted == Wanted::Value && matches!(method, Method::Local(_)),
                Mode::Ref => wanted == Wanted::Ref,
                Mode::Out => wanted == Wanted::Out,
            };
            if !good {
                return Err(Miss::Mode(n, wanted));
            }
        }
        let arguments: Vec<Ty> = if signature.type_parameters.is_empty() {
            Vec::new()
        } else if let Some(types) = types {
            types.to_vec()
        } else {
            match self.infer(signature, &parameters, args) {
                Ok(types) => types,
                Err((partial, conflict)) => {
                    // An argument that cannot fit whatever is inferred is the better reason.
                    for (n, (arg, param)) in args.iter().zip(&parameters).enumerate() {
                        let ty = self.types.close(*param, &partial);
                        let lambda = matches!(arg.value.what, What::Lambda | What::Group(_));
                        if !self.types.is_open(ty) && !lambda && !self.converts(&arg.value, ty)
                            || self.types.is_open(ty) && !lambda && !self.shape_fits(&arg.value, ty)
                        {
                            return Err(Miss::Type(n, ty, n));
                        }
                    }
                    return Err(Miss::Inference(conflict));
                }
            }
        };
        if !arguments.is_empty() {
            for ty in &mut parameters {
                *ty = self.types.close(*ty, &arguments);
            }
        }
        let mut fitting = 0;
        let mut miss = None;
        for (n, (arg, ty)) in args.iter().zip(&parameters).enumerate() {
            let by_ref = signature.params[map[n]].by_ref;
            let good = if by_ref && !matches!(arg.value.what, What::OutVar) {
                self.same(arg.value.ty, *ty) || self.types.is_opaque(*ty)
            } else {
                self.converts(&arg.value, *ty)
            };
            if good {
                fitting += 1;
            } else if miss.is_none() {
                miss = Some((n, *ty));
            }
        }
        if let Some((n, ty)) = miss {
            return Err(Miss::Type(n, ty, fitting));
        }
        self.satisfy(signature, &arguments)?;
        let result = self.types.close(signature.result, &arguments);
        let call = Call {
            method,
            parameters,
            result,
            types: arguments,
        };
        Ok(Fit {
            call,
            signature: Rc::clone(signature),
            map,
            expanded,
            defaults,
        })
    }

    /// Whether type arguments satisfy the constraints.
    fn satisfy(&mut self, signature: &Signature, arguments: &[Ty]) -> Result<(), Miss> {
        for (n, (parameter, ty)) in signature.type_parameters.iter().zip(arguments).enumerate() {
            if *ty == Ty::UNKNOWN || self.types.is_opaque(*ty) {
                continue;
            }
            if parameter.is_class && self.types.is_value_type(*ty) {
                return Err(Miss::Constraint(n, *ty, true));
            }
            if parameter.is_struct
                && (!self.types.is_value_type(*ty) || self.types.nullable_of(*ty).is_some())
            {
                return Err(Miss::Constraint(n, *ty, false));
            }
            for bound in &parameter.bounds {
                let bound = self.types.close(*bound, arguments);
                if !self.reference(*ty, bound) {
                    return Err(Miss::Constraint(n, *ty, self.types.is_value_type(*ty)));
                }
            }
        }
        Ok(())
    }
}

/// Of two reasons, the one that is nearer to a fit.
fn nearer(a: Miss, b: Miss) -> Miss {
    if b > a { b } else { a }
}

/// Which parameter each argument belongs to, and how many are left to their defaults.
fn map_arguments(
    signature: &Signature,
    args: &[Arg],
    expanded: bool,
) -> Result<(Vec<usize>, usize), Miss> {
    let params = &signature.params;
    let mut taken = vec![false; params.len()];
    let mut map = Vec::with_capacity(args.len());
    let mut named = false;
    for (n, arg) in args.iter().enumerate() {
        let index = match &arg.name {
            None => {
                let last = params.len().saturating_sub(1);
                let index = if expanded && n >= last { last } else { n };
                if index >= params.len() || named && !expanded && taken[index] {
                    return Err(Miss::Count(args.len()));
                }
                index
            }
            Some((name, _)) => {
                named = true;
                let found = params.iter().position(|param| param.name == *name);
                let Some(index) = found else {
                    return Err(Miss::Name(n));
                };
                if taken[index] {
                    return Err(Miss::NameTwice(n));
                }
                index
            }
        };
        taken[index] = true;
        map.push(index);
    }
    let mut defaults = 0;
    for (n, param) in params.iter().enumerate() {
        if taken[n] {
            continue;
        }
        if param.optional {
            defaults += 1;
        } else if !(expanded && n + 1 == params.len()) {
            return Err(Miss::Missing(Rc::clone(&param.name)));
        }
    }
    Ok((map, defaults))
}
