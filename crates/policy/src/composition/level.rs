//! The document of a scope, with what encloses it.

use super::Thing;
use super::asked::Asked;
use super::base;
use super::caches;
use super::fragments::Fragments;
use super::state::{State, Summary};
use super::variables::Wanted;
use super::walk::Walker;
use crate::facts::Facts;
use crate::{Scope, Section};
use flux_apim_diag::{Findings, Meter, Span};
use std::collections::BTreeSet;
use std::rc::Rc;

/// What is effective at a scope, by section.
#[derive(Debug, Default)]
pub(super) struct Level<'f> {
    pub(super) sections: [Summary<'f>; 4],
    /// Whether a document encloses what stands here.
    pub(super) is_known: bool,
}

impl<'f> Level<'f> {
    /// Of a service whose policy is not known.
    pub(super) fn unknown() -> Self {
        let mut level = Self::default();
        for summary in &mut level.sections {
            summary.unknown = true;
        }
        level
    }

    /// One of `levels`, which one is not known.
    pub(super) fn any_of<'l>(levels: impl Iterator<Item = &'l Self>, meter: &Meter) -> Self
    where
        'f: 'l,
    {
        let levels: Vec<_> = levels.collect();
        let of = |section: Section| {
            let branches = levels.iter();
            let branches = branches.map(|level| level.sections[section as usize].clone());
            Summary::any_of(branches.collect(), meter)
        };
        Self {
            sections: Section::ALL.map(of),
            is_known: levels.iter().any(|level| level.is_known),
        }
    }

    pub(super) fn section(&self, section: Section) -> &Summary<'f> {
        &self.sections[section as usize]
    }

    /// What guards requests here.
    pub(super) fn guard(&self) -> Option<(&'static str, Span)> {
        self.section(Section::Inbound).guards.first().copied()
    }
}

/// A document that was walked.
pub(super) struct Reached<'f> {
    pub(super) level: Rc<Level<'f>>,
    facts: &'f Facts,
    /// What it wants and what is around it does not bring.
    wanted: Vec<Wanted<'f>>,
    /// Whether its inbound section has a `<base />`.
    inherits: bool,
    /// Things of fragments that it includes.
    included: BTreeSet<Thing<'f>>,
}

impl<'f> Reached<'f> {
    /// Reports what nothing brings: neither what is around, nor `inner` documents.
    pub(super) fn report(&self, inner: &BTreeSet<Thing<'f>>, findings: &mut Findings) {
        for wanted in &self.wanted {
            if !inner.contains(&wanted.thing) {
                wanted.report(findings);
            }
        }
    }

    /// What the document itself brings, and the fragments that it includes.
    pub(super) fn own_things(&self, meter: &Meter) -> Vec<Thing<'f>> {
        meter.spend(self.facts.steps.len() as u64, flux_apim_diag::Place::Source);
        let mut things: Vec<_> = base::things(self.facts).collect();
        things.extend(&self.included);
        things
    }

    /// The name of the inbound section, when it has no `<base />` and nothing in the place
    /// of the guards that enclose it.
    pub(super) fn drops_guards(&self, around: &Level<'f>) -> Option<Span> {
        let block = self.facts.section(Section::Inbound)?;
        let own = self.level.section(Section::Inbound);
        let drops = !self.inherits
            && own.guards.is_empty()
            && !own.unknown
            && own.ends.is_none()
            && around.guard().is_some();
        drops.then_some(block.name)
    }
}

/// Walks the sections of a document in the order in which they run. The scope comes with
/// whether it is known what may stand there. `asked` hears of the reads.
pub(super) fn walk<'f>(
    facts: &'f Facts,
    (scope, is_known): (Scope, bool),
    around: &Level<'f>,
    fragments: &Fragments<'f>,
    meter: &Meter,
    findings: &mut Findings,
    mut asked: Option<&mut Asked>,
) -> Reached<'f> {
    let mut level = Level {
        is_known: true,
        ..Level::default()
    };
    let mut before = State {
        own: Summary::default(),
        before: None,
    };
    let mut wanted = Vec::new();
    let mut included = BTreeSet::new();
    let mut inherits = false;
    for section in Section::ALL {
        let Some(block) = facts.section(section) else {
            // Whether anything is inherited then is not known.
            let summary = &mut level.sections[section as usize];
            summary.unknown = true;
            inherits |= section == Section::Inbound;
            before.own.forget();
            continue;
        };
        if section == Section::OnError {
            // It runs at any place of the others.
            before.own = std::mem::take(&mut before.own).may_be();
        }
        let mut walker = Walker {
            fragments,
            scope: is_known.then_some(scope),
            section,
            around: around.section(section),
            is_outermost: scope == Scope::Global,
            open: Vec::new(),
            include: None,
            misplaced: None,
            bases: Vec::new(),
            choices: 0,
            wanted: &mut wanted,
            asked: asked.as_deref_mut(),
            included: &mut included,
            meter,
            findings,
        };
        let mut state = State::behind(&before);
        walker.steps(facts, block.first..block.end, &mut state);
        let bases = std::mem::take(&mut walker.bases);
        let summary = state.own;
        base::check(block, section, &bases, &summary, around, scope, findings);
        inherits |= section == Section::Inbound && !bases.is_empty();
        before.own.then(&summary, meter);
        level.sections[section as usize] = summary;
    }
    base::forwards(facts, &level, around, findings);
    caches::check(&level, &mut wanted);
    for summary in &mut level.sections {
        summary.enclose();
    }
    Reached {
        level: Rc::new(level),
        facts,
        wanted,
        inherits,
        included,
    }
}

impl Summary<'_> {
    /// For what it encloses nothing in it is its own.
    fn enclose(&mut self) {
        let mets = self.halves.iter_mut().map(|(_, met)| met);
        let mets = mets.chain(self.limits.top_mut().values_mut());
        let cors = self.cors.iter_mut().map(|(met, _)| met);
        for met in mets.chain(cors).chain(&mut self.backend) {
            met.own = false;
        }
        // It is shared by all that it encloses.
        self.variables.freeze();
        self.limits.freeze();
    }
}
