//! What is known at a place of a section.

use super::stack::Stack;
use flux_apim_diag::{Meter, Place, Span};
use std::collections::BTreeMap;

/// A variable that something set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variable<'f> {
    /// On every path.
    pub(super) always: bool,
    /// Its type, when all paths agree.
    pub(super) ty: Option<&'f str>,
    /// How often something ran before of which nothing is known: see [`Summary::forget`].
    pub(super) since: u32,
}

impl Variable<'_> {
    /// Some path sets it.
    fn may_be(&mut self) {
        self.always = false;
    }
}

/// Sets a variable behind what was set before.
fn put<'f>(map: &mut BTreeMap<&'f str, Variable<'f>>, name: &'f str, variable: Variable<'f>) {
    let now = match map.get(name) {
        Some(before) if !variable.always => Variable {
            always: before.always,
            ty: before
                .ty
                .filter(|ty| variable.ty == Some(ty) && before.since == variable.since),
            since: variable.since,
        },
        _ => variable,
    };
    map.insert(name, now);
}

/// A policy that was met: where, and whether in the document that is walked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) span: Span,
    pub(super) own: bool,
}

/// What policies did.
#[derive(Debug, Clone, Default)]
pub(super) struct Summary<'f> {
    pub(super) variables: Stack<&'f str, Variable<'f>>,
    /// Something ran of which nothing is known.
    pub(super) unknown: bool,
    /// How often that was so: what was set before may be something else since.
    forgotten: u32,
    /// Something ran at all.
    pub(super) anything: bool,
    /// Where it ends in any case: nothing behind it runs.
    pub(super) ends: Option<Span>,
    /// The `<cors>` that answers, and whether others are looked at behind it.
    pub(super) cors: Option<(Met, bool)>,
    /// The backend that is in force.
    pub(super) backend: Option<Met>,
    /// Whether a request is forwarded somewhere.
    pub(super) forwards: bool,
    /// Whether policies answer by themselves, at least some requests.
    pub(super) answers: bool,
    /// What lets some requests pass only, or says who calls.
    pub(super) guards: Vec<(&'static str, Span)>,
    /// Policies that belong to another.
    pub(super) halves: Vec<(&'static str, Met)>,
    /// Limits by name and key.
    pub(super) limits: Stack<(&'static str, &'f str), Met>,
}

impl<'f> Summary<'f> {
    /// Entries that it has.
    pub(super) fn len(&self) -> u64 {
        let lists = self.guards.len() + self.halves.len();
        (self.variables.weight() + self.limits.weight() + lists) as u64
    }

    pub(super) fn set(&mut self, name: &'f str, always: bool, ty: Option<&'f str>) {
        let since = self.forgotten;
        let variable = Variable { always, ty, since };
        put(self.variables.top_mut(), name, variable);
    }

    /// Something runs of which nothing is known: it may set any variable.
    pub(super) fn forget(&mut self) {
        self.unknown = true;
        self.forgotten += 1;
    }

    /// The type of a variable that was set here last, if nothing may have set it since.
    fn type_of(&self, variable: Variable<'f>) -> Option<&'f str> {
        variable.ty.filter(|_| variable.since == self.forgotten)
    }

    pub(super) fn guard(&mut self, name: &'static str, span: Span) {
        if self.guards.iter().all(|(known, _)| *known != name) {
            self.guards.push((name, span));
        }
    }

    pub(super) fn half(&mut self, name: &'static str, met: Met) {
        if self.halves.iter().all(|(known, _)| *known != name) {
            self.halves.push((name, met));
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.halves.iter().any(|(known, _)| *known == name)
    }

    /// `other` runs behind this.
    pub(super) fn then(&mut self, other: &Self, meter: &Meter) {
        meter.spend(other.len(), Place::Source);
        if other.unknown {
            self.forget();
        }
        let since = self.forgotten;
        self.variables
            .then(&other.variables, |map, name, variable| {
                let ty = other.type_of(variable);
                put(
                    map,
                    name,
                    Variable {
                        ty,
                        since,
                        ..variable
                    },
                );
            });
        self.limits.then(&other.limits, |map, key, met| {
            map.entry(key).or_insert(met);
        });
        self.anything |= other.anything;
        self.forwards |= other.forwards;
        self.answers |= other.answers;
        self.ends = self.ends.or(other.ends);
        self.cors = self.cors.or(other.cors);
        self.backend = other.backend.or(self.backend);
        for (name, span) in &other.guards {
            self.guard(name, *span);
        }
        for (name, met) in &other.halves {
            self.half(name, *met);
        }
    }

    /// What is known when one of `branches` ran, which one is not known.
    pub(super) fn any_of(branches: Vec<Self>, meter: &Meter) -> Self {
        let mut all = Self::default();
        // Of a branch that ends nothing is behind it.
        let count = branches.iter().filter(|one| one.ends.is_none()).count();
        let mut seen: BTreeMap<&'f str, (usize, Variable<'f>)> = BTreeMap::new();
        all.ends = match count {
            0 => branches.last().and_then(|branch| branch.ends),
            _ => None,
        };
        let open = branches
            .iter()
            .filter(|one| count == 0 || one.ends.is_none());
        all.variables = Stack::join(open.map(|one| &one.variables), Variable::may_be);
        all.limits = Stack::join(branches.iter().map(|one| &one.limits), |_| {});
        for branch in branches {
            meter.spend(branch.len(), Place::Source);
            let forgotten = branch.forgotten;
            let branch_types =
                |variable: &Variable<'f>| variable.ty.filter(|_| variable.since == forgotten);
            all.unknown |= branch.unknown;
            all.anything |= branch.anything;
            all.forwards |= branch.forwards;
            all.answers |= branch.answers;
            all.cors = all.cors.or(branch.cors);
            for (name, span) in branch.guards {
                all.guard(name, span);
            }
            for (name, met) in branch.halves {
                all.half(name, met);
            }
            for (key, met) in branch.limits.top() {
                all.limits.top_mut().entry(*key).or_insert(*met);
            }
            if branch.ends.is_some() && count > 0 {
                continue;
            }
            for (name, variable) in branch.variables.top() {
                let ty = branch_types(variable);
                let known = Variable {
                    ty,
                    since: 0,
                    ..*variable
                };
                let (times, known) = seen.entry(name).or_insert((0, known));
                *times += usize::from(variable.always);
                known.ty = known.ty.filter(|known| ty == Some(known));
            }
        }
        for (name, (times, variable)) in seen {
            all.set(name, times == count, variable.ty);
        }
        all
    }

    /// What may have been done, all or a part of it.
    pub(super) fn may_be(mut self) -> Self {
        self.variables.may_be(Variable::may_be);
        self
    }
}

/// A summary that grows, with what was before it.
pub(super) struct State<'f, 'p> {
    pub(super) own: Summary<'f>,
    pub(super) before: Option<&'p State<'f, 'p>>,
}

/// What is known of a variable.
pub(super) enum Known<'f> {
    /// Every path set it.
    Set(Option<&'f str>),
    /// Some path may have.
    Perhaps,
    /// No path did.
    Unset,
}

impl<'f, 'p> State<'f, 'p> {
    pub(super) fn behind(before: &'p State<'f, 'p>) -> Self {
        Self {
            own: Summary::default(),
            before: Some(before),
        }
    }

    /// Itself, and what was before it.
    pub(super) fn all(&self) -> impl Iterator<Item = &Summary<'f>> {
        let states = std::iter::successors(Some(self), |state| state.before);
        states.map(|state| &state.own)
    }

    pub(super) fn variable(&self, name: &str, meter: &Meter) -> Known<'f> {
        let mut perhaps = false;
        let mut unknown = false;
        for summary in self.all() {
            meter.spend(1, Place::Source);
            let mut found = false;
            let here = summary.variables.top().get(name);
            for (variable, sure) in summary.variables.all(name) {
                meter.spend(1, Place::Source);
                if variable.always && sure && !perhaps {
                    let ty = match here {
                        Some(_) => summary.type_of(variable),
                        None => variable.ty.filter(|_| !summary.unknown),
                    };
                    return Known::Set(ty.filter(|_| !unknown));
                }
                (found, perhaps) = (true, true);
            }
            perhaps |= !found && summary.unknown;
            unknown |= summary.unknown;
        }
        if perhaps {
            Known::Perhaps
        } else {
            Known::Unset
        }
    }
}
