//! Fragments: found by name, whether they include each other, and whether anything uses
//! them.

use super::{Area, Service};
use crate::facts::{Facts, What};
use crate::rules::{fragment_cycle, unused_fragment};
use flux_apim_diag::{Findings, Meter, Span};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Fragments<'f> {
    by_name: BTreeMap<String, &'f Facts>,
}

impl<'f> Fragments<'f> {
    /// Those of `area`, and those of the service that it lies in.
    pub(super) fn of(
        area: &Area<'f>,
        service: Option<&Self>,
        meter: &Meter,
        findings: &mut Findings,
    ) -> Self {
        let named = area.fragments.iter();
        let named = named.map(|(name, facts)| (name.to_ascii_lowercase(), *facts));
        let mut fragments = Self {
            by_name: named.collect(),
        };
        fragments.cycles(meter, findings);
        for (name, facts) in service.iter().flat_map(|service| &service.by_name) {
            meter.spend(1, flux_apim_diag::Place::Source);
            let entry = fragments.by_name.entry(name.clone());
            entry.or_insert(facts);
        }
        fragments
    }

    pub(super) fn find(&self, name: &str) -> Option<&'f Facts> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// Fragments that include themselves, each found where the circle closes.
    fn cycles(&self, meter: &Meter, findings: &mut Findings) {
        let mut done = BTreeSet::new();
        for name in self.by_name.keys() {
            // Names that are open, each with what it includes and was not looked at yet.
            let mut open: Vec<(&str, Vec<(String, Span)>)> = Vec::new();
            let mut next = Some(name.as_str());
            loop {
                if let Some(name) = next.take()
                    && done.insert(name)
                {
                    let facts = self.by_name.get(name);
                    let mut left: Vec<_> = facts.into_iter().flat_map(|f| includes(f)).collect();
                    meter.spend(1 + left.len() as u64, flux_apim_diag::Place::Source);
                    left.reverse();
                    open.push((name, left));
                }
                let Some((_, left)) = open.last_mut() else {
                    break;
                };
                let Some((wanted, span)) = left.pop() else {
                    open.pop();
                    continue;
                };
                let Some((wanted, _)) = self.by_name.get_key_value(&wanted) else {
                    continue;
                };
                meter.spend(open.len() as u64, span);
                match open.iter().position(|(name, _)| name == wanted) {
                    Some(at) => {
                        let circle = open[at..].iter().map(|(name, _)| *name);
                        findings.push(fragment_cycle::found(span, wanted, circle));
                    }
                    None => next = Some(wanted.as_str()),
                }
            }
        }
    }
}

/// Fragments that nothing includes. What includes a name that is not known may use any.
pub(super) fn unused(service: &Service<'_>, meter: &Meter, findings: &mut Findings) {
    let mut used = BTreeSet::new();
    let mut is_known = note(service.policy.into_iter(), &mut used, meter);
    is_known &= note_area(&service.area, &mut used, meter);
    for workspace in &service.workspaces {
        let mut own = BTreeSet::new();
        let mut is_own_known = note(workspace.policy.into_iter(), &mut own, meter);
        is_own_known &= note_area(&workspace.area, &mut own, meter);
        if is_own_known {
            report(&workspace.area, &own, findings);
        }
        is_known &= is_own_known;
        used.append(&mut own);
    }
    if is_known {
        report(&service.area, &used, findings);
    }
}

fn report(area: &Area<'_>, used: &BTreeSet<String>, findings: &mut Findings) {
    for (name, facts) in &area.fragments {
        if let Some(root) = facts.root
            && !used.contains(&name.to_ascii_lowercase())
        {
            findings.push(unused_fragment::found(root, name));
        }
    }
}

fn note_area(area: &Area<'_>, used: &mut BTreeSet<String>, meter: &Meter) -> bool {
    let fragments = area.fragments.iter().map(|(_, facts)| *facts);
    note(area.documents().chain(fragments), used, meter)
}

/// Notes what documents include: whether all of it is known.
fn note<'f>(
    documents: impl Iterator<Item = &'f Facts>,
    used: &mut BTreeSet<String>,
    meter: &Meter,
) -> bool {
    let mut is_known = true;
    for facts in documents {
        meter.spend(facts.steps.len() as u64, flux_apim_diag::Place::Source);
        is_known &= facts
            .steps
            .iter()
            .all(|step| !matches!(step.what, What::Include(None)));
        used.extend(includes(facts).map(|(name, _)| name));
    }
    is_known
}

fn includes(facts: &Facts) -> impl Iterator<Item = (String, Span)> + '_ {
    facts.steps.iter().filter_map(|step| match &step.what {
        What::Include(Some(name)) => Some((name.to_ascii_lowercase(), step.span)),
        _ => None,
    })
}
