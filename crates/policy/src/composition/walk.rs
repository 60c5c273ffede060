//! The steps of a section, one after the other.

use super::Thing;
use super::asked::Asked;
use super::base::{guards, thing};
use super::caches::is_half;
use super::fragments::Fragments;
use super::limits;
use super::stack::Stack;
use super::state::{Met, State, Summary};
use super::variables::{self, Wanted};
use crate::catalogue::{CATALOGUE, Entry, Row};
use crate::facts::{Detail, Facts, Step, What};
use crate::rules::{lost_backend, misplaced_fragment, shadowed_cors, unreachable_policy};
use crate::{Scope, Section};
use flux_apim_diag::{Findings, Meter, Span};
use std::collections::BTreeSet;
use std::ops::Range;

/// Fragments in each other that are looked into, and choices.
const DEEPEST_FRAGMENT: usize = 8;
const DEEPEST_CHOICE: usize = 100;

pub(super) struct Walker<'f, 'w> {
    pub(super) fragments: &'w Fragments<'f>,
    /// Where the document is set, when it is known what that allows.
    pub(super) scope: Option<Scope>,
    pub(super) section: Section,
    /// What `<base />` stands for.
    pub(super) around: &'w Summary<'f>,
    pub(super) is_outermost: bool,
    /// Fragments that are being walked.
    pub(super) open: Vec<&'f Facts>,
    /// Where the outermost of them is included.
    pub(super) include: Option<Span>,
    /// The include that was found to bring what may not stand there.
    pub(super) misplaced: Option<Span>,
    /// Each `<base />`, and whether it runs in any case.
    pub(super) bases: Vec<(Span, bool)>,
    /// Choices around.
    pub(super) choices: usize,
    pub(super) wanted: &'w mut Vec<Wanted<'f>>,
    /// A read that somebody asks about.
    pub(super) asked: Option<&'w mut Asked>,
    /// What fragments bring.
    pub(super) included: &'w mut BTreeSet<Thing<'f>>,
    pub(super) meter: &'w Meter,
    pub(super) findings: &'w mut Findings,
}

impl<'f> Walker<'f, '_> {
    pub(super) fn steps(&mut self, facts: &'f Facts, range: Range<u32>, state: &mut State<'f, '_>) {
        let mut at = range.start;
        while at < range.end {
            let Some(step) = facts.steps.get(at as usize) else {
                return;
            };
            self.meter.spend(1, step.span);
            if let Some(end) = state.own.ends
                && self.is_dead(step, end)
            {
                return;
            }
            at = self.step(facts, step, at, state);
        }
    }

    /// Whether `step` stands behind an end. What its policy reads and sets does too.
    fn is_dead(&mut self, step: &'f Step, end: Span) -> bool {
        if matches!(step.what, What::Read(_) | What::Set(_)) {
            return false;
        }
        if matches!(step.what, What::Base) && !self.around.anything {
            return false;
        }
        if self.include.is_none() {
            self.findings
                .push(unreachable_policy::found(step.span, end));
        }
        true
    }

    /// Does a step, and says which is next.
    fn step(
        &mut self,
        facts: &'f Facts,
        step: &'f Step,
        at: u32,
        state: &mut State<'f, '_>,
    ) -> u32 {
        match &step.what {
            What::Base => self.base(step.span, state),
            What::Include(name) => self.include(name.as_deref(), step.span, state),
            What::Choose { exhaustive } => {
                state.own.anything = true;
                self.branches(facts, at + 1..step.end, *exhaustive, state);
                return step.end;
            }
            // What stands in the place of a branch stands nowhere.
            What::Branch => return step.end,
            What::Maybe => {
                let inside = self.branch(facts, at + 1..step.end, state);
                let all = Summary::any_of(vec![inside, Summary::default()], self.meter);
                state.own.then(&all, self.meter);
                return step.end;
            }
            What::Policy(row, detail) => self.policy(*row, detail, step.span, state),
            What::Set(set) => match &set.name {
                Some(name) => state.own.set(name, set.always, set.ty.as_deref()),
                None => state.own.forget(),
            },
            What::Read(read) => {
                let place = self.include.unwrap_or(step.span);
                if let Some(asked) = self.asked.as_deref_mut() {
                    asked.hear(read, step.span, state, self.meter);
                }
                let wanted =
                    variables::read(read, step.span, place, state, self.meter, self.findings);
                self.wanted.extend(wanted);
            }
        }
        at + 1
    }

    fn base(&mut self, span: Span, state: &mut State<'f, '_>) {
        if self.include.is_some() {
            return;
        }
        self.bases.push((span, self.choices == 0));
        if self.is_outermost {
            return;
        }
        if let (Some((own, passes)), Some((other, _))) = (state.own.cors, self.around.cors)
            && own.own
            && !passes
            && self.choices == 0
        {
            self.findings
                .push(shadowed_cors::hides(own.span, other.span));
        }
        if let (Some(own), Some(other)) = (state.own.backend, self.around.backend)
            && own.own
            && self.choices == 0
        {
            self.findings
                .push(lost_backend::found(own.span, other.span));
        }
        limits::enclosing(&state.own, self.around, self.meter, self.findings);
        if self.bases.len() > 1 {
            // What it sets it sets again: of what was set since nothing is known any more.
            let mut again = self.around.clone();
            (again.variables, again.limits) = (Stack::default(), Stack::default());
            again.forget();
            state.own.then(&again, self.meter);
        } else {
            state.own.then(self.around, self.meter);
        }
    }

    fn include(&mut self, name: Option<&str>, span: Span, state: &mut State<'f, '_>) {
        let found = name.and_then(|name| self.fragments.find(name));
        let Some(found) = found else {
            state.own.forget();
            return;
        };
        let is_open = self.open.iter().any(|open| std::ptr::eq(*open, found));
        if is_open || self.open.len() >= DEEPEST_FRAGMENT {
            state.own.forget();
            return;
        }
        let outer = self.include;
        self.include = outer.or(Some(span));
        self.open.push(found);
        let end = u32::try_from(found.steps.len()).unwrap_or(u32::MAX);
        self.steps(found, 0..end, state);
        self.open.pop();
        self.include = outer;
    }

    fn branches(
        &mut self,
        facts: &'f Facts,
        range: Range<u32>,
        exhaustive: bool,
        state: &mut State<'f, '_>,
    ) {
        let mut branches = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let Some(step) = facts.steps.get(at as usize) else {
                break;
            };
            if matches!(step.what, What::Branch) {
                branches.push(self.branch(facts, at + 1..step.end, state));
            }
            at = step.end.max(at + 1);
        }
        if !exhaustive {
            branches.push(Summary::default());
        }
        let all = Summary::any_of(branches, self.meter);
        state.own.then(&all, self.meter);
    }

    fn branch(
        &mut self,
        facts: &'f Facts,
        range: Range<u32>,
        state: &State<'f, '_>,
    ) -> Summary<'f> {
        let mut branch = State::behind(state);
        if self.choices >= DEEPEST_CHOICE {
            branch.own.forget();
            return branch.own;
        }
        self.choices += 1;
        self.steps(facts, range, &mut branch);
        self.choices -= 1;
        // What a branch does is no more than a possibility.
        branch.own.cors = None;
        branch.own.backend = None;
        branch.own.limits = Stack::default();
        branch.own
    }

    fn policy(&mut self, row: Row, detail: &'f Detail, span: Span, state: &mut State<'f, '_>) {
        let Some(entry) = CATALOGUE.rows.get(row) else {
            return;
        };
        let own = &mut state.own;
        own.anything = true;
        let place = self.include.unwrap_or(span);
        let met = Met {
            span: place,
            own: true,
        };
        let name = entry.name();
        if self.include.is_some() {
            self.misplaced(entry, span);
            self.included.extend(thing(name));
        }
        own.answers |= match name {
            "return-response" | "mock-response" => true,
            "set-body" => self.section == Section::Outbound,
            _ => false,
        };
        match name {
            "return-response" => own.ends = Some(place),
            "forward-request" => own.forwards = true,
            "cors" if self.choices == 0 => {
                let passes = *detail == Detail::PassesOn;
                match own.cors {
                    Some((before, false)) if !before.own => {
                        self.findings
                            .push(shadowed_cors::hidden(place, before.span));
                    }
                    Some(_) => {}
                    None => own.cors = Some((met, passes)),
                }
            }
            "set-backend-service" if self.choices == 0 => {
                if let Some(before) = own.backend.filter(|before| before.own)
                    && before.span != place
                {
                    self.findings.push(lost_backend::found(before.span, place));
                }
                own.backend = Some(met);
            }
            _ => {}
        }
        if guards(name) {
            own.guard(name, place);
        }
        if is_half(name) {
            own.half(name, met);
        }
        if let Detail::Key(key) = detail
            && self.choices == 0
        {
            limits::own(own, (name, key), met, self.findings);
        }
    }

    /// A policy of a fragment that may not stand where the fragment is included.
    fn misplaced(&mut self, entry: &Entry, span: Span) {
        let Some(include) = self.include.filter(|_| self.misplaced != self.include) else {
            return;
        };
        let section = self.section.name();
        if entry
            .sections
            .is_some_and(|sections| !sections.has(section))
        {
            let finding = misplaced_fragment::section(include, entry.name(), span, section);
            self.findings.push(finding);
            self.misplaced = self.include;
        } else if let (Some(scope), Some(scopes)) = (self.scope, entry.scopes)
            && !scopes.has(scope.name())
        {
            let finding = misplaced_fragment::scope(include, entry.name(), span, scope.name());
            self.findings.push(finding);
            self.misplaced = self.include;
        }
    }
}
