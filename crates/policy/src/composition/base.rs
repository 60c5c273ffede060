//! `<base />`, and what is lost without it.

use super::Thing;
use super::caches::is_half;
use super::level::Level;
use super::state::Summary;
use crate::catalogue::CATALOGUE;
use crate::facts::{Block, Facts, What};
use crate::rules::{base_without_effect, missing_base, nothing_forwards, repeated_base};
use crate::{Scope, Section};
use flux_apim_diag::{Findings, Span};

/// Policies that let some requests pass only, or say who calls.
const GUARDS: [&str; 8] = [
    "authentication-basic",
    "authentication-certificate",
    "authentication-managed-identity",
    "check-header",
    "ip-filter",
    "validate-azure-ad-token",
    "validate-client-certificate",
    "validate-jwt",
];

pub(super) fn guards(name: &str) -> bool {
    GUARDS.contains(&name)
}

/// The policy `name` as something that another document may want.
pub(super) fn thing<'f>(name: &'static str) -> Option<Thing<'f>> {
    is_half(name).then_some(Thing::Policy(name))
}

/// What a document brings.
pub(super) fn things(facts: &Facts) -> impl Iterator<Item = Thing<'_>> {
    facts.steps.iter().filter_map(|step| match &step.what {
        What::Set(set) => set.name.as_deref().map(Thing::Variable),
        What::Policy(row, _) => thing(CATALOGUE.rows.get(*row)?.name()),
        _ => None,
    })
}

/// What a section does with what encloses it.
pub(super) fn check(
    block: Block,
    section: Section,
    bases: &[(Span, bool)],
    summary: &Summary<'_>,
    around: &Level<'_>,
    scope: Scope,
    findings: &mut Findings,
) {
    if scope == Scope::Global {
        if let Some((span, _)) = bases.first() {
            findings.push(base_without_effect::found(*span));
        }
        return;
    }
    let mut plain = bases.iter().filter(|(_, always)| *always);
    if let (Some((first, _)), Some((second, _))) = (plain.next(), plain.next()) {
        findings.push(repeated_base::found(*second, *first));
    }
    let enclosing = around.section(section);
    if !bases.is_empty() || !around.is_known || summary.ends.is_some() {
        return;
    }
    if section != Section::Backend && enclosing.anything {
        findings.push(missing_base::found(block.name, section.name()));
    }
}

/// Whether requests go to the backend. A document that answers by itself may not want that.
pub(super) fn forwards(
    facts: &Facts,
    level: &Level<'_>,
    around: &Level<'_>,
    findings: &mut Findings,
) {
    let own = level.section(Section::Backend);
    let answers = level.sections.iter().any(|section| section.answers);
    let lost = around.section(Section::Backend).forwards && !own.forwards;
    if lost
        && !answers
        && !own.unknown
        && around.is_known
        && let Some(block) = facts.section(Section::Backend)
    {
        findings.push(nothing_forwards::found(block.name));
    }
}
