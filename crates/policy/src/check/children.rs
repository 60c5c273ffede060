//! What stands inside of an element: which children, how many, in which order, and text.

use super::{Checker, Place, State};
use crate::catalogue::{CATALOGUE, Count, Entry, Order, Role, Row, Text, Wanted, near};
use crate::document::{Element, NodeId, NodeKind};
use crate::rules::{
    exclusive_policy_attributes, misplaced_policy_element, missing_policy_element,
    policy_element_order, policy_text, repeated_policy_element, unknown_policy_element,
};
use flux_apim_diag::{Span, excerpt};

/// Unknown children of an element that may be what it lacks.
const MOST_MISSPELT: usize = 16;

impl<'t> Checker<'_, 't, '_, '_> {
    /// What the child `element` of an element `parent` is.
    pub(super) fn child(
        &mut self,
        element: &Element<'t>,
        parent: &'static Entry,
        fragment: bool,
    ) -> State {
        let name = element.name;
        if parent.forbidden.contains(&name) || (fragment && name == "base") {
            let finding = misplaced_policy_element::found(element.span, name, "fragment", None);
            self.findings.push(finding);
            return State::Unknown;
        }
        if let Some((_, child)) = parent.child(name) {
            return child.row.map_or(State::Foreign, State::Known);
        }
        if parent.mixed {
            if let Some(row) = CATALOGUE.policy(name) {
                return State::Known(row);
            }
            if name == "base" {
                // Not documented in a branch, and met there.
                return State::Unknown;
            }
        }
        if parent.foreign_content {
            return State::Foreign;
        }
        if name == "include-fragment" && !parent.children.is_empty() {
            // A fragment may bring any of the children.
            return State::Known(CATALOGUE.top(name).unwrap_or(0));
        }
        let near = self.near_child(name, parent);
        let row = near.and_then(|near| match parent.child(near) {
            Some((_, child)) => child.row,
            None => CATALOGUE.policy(near),
        });
        if CATALOGUE.named(name).is_empty() {
            let finding = unknown_policy_element::found(element.span, name, near);
            self.findings.push(finding.also_at(element.closing));
            return row.map_or(State::Unknown, State::Known);
        }
        let around = parent.name();
        let finding = misplaced_policy_element::found(element.span, name, around, near);
        self.findings.push(finding.also_at(element.closing));
        State::Unknown
    }

    fn near_child(&mut self, name: &str, parent: &'static Entry) -> Option<&'static str> {
        let own = parent.children.iter().map(|child| child.name);
        let meter = &self.meter;
        self.findings.hint(|| {
            meter.spend(200, flux_apim_diag::Place::Source);
            let in_place = if parent.mixed {
                near(
                    name,
                    own.chain(CATALOGUE.policies())
                        .collect::<Vec<_>>()
                        .into_iter(),
                )
            } else {
                near(name, own.collect::<Vec<_>>().into_iter())
            };
            let anywhere = || near(name, CATALOGUE.names().collect::<Vec<_>>().into_iter());
            in_place.or_else(anywhere).filter(|near| *near != name)
        })
    }

    pub(super) fn children(&mut self, element: &Element<'t>, entry: &'static Entry, place: Place) {
        let mut counts: Vec<(u32, Option<Span>)> = vec![(0, None); entry.children.len()];
        let mut rows: Vec<(Row, u32, Span)> = Vec::new();
        let mut latest: Option<(usize, Span)> = None;
        let mut fragment = false;
        let mut misspelt: Vec<&str> = Vec::new();
        let document = self.document;
        let direct = entry.role == Role::Frame && place.section.is_some();
        for id in document.children(element.node) {
            let Some(child) = document.element(id) else {
                if entry.text == Text::Never && !entry.foreign_content {
                    self.text(id, entry);
                }
                continue;
            };
            fragment |= child.name == "include-fragment";
            if direct && let Some(row) = CATALOGUE.policy(child.name) {
                self.limits(child, row, entry, &mut rows);
            }
            let Some((index, known)) = entry.child(child.name) else {
                if misspelt.len() < MOST_MISSPELT && CATALOGUE.named(child.name).is_empty() {
                    misspelt.push(child.name);
                }
                continue;
            };
            let (count, first) = &mut counts[index];
            *count += 1;
            let first = *first.get_or_insert(child.span);
            if let Some(max) = known.max
                && *count == max + 1
            {
                let around = entry.name();
                let finding =
                    repeated_policy_element::found(child.span, known.name, around, max, first);
                self.findings.push(finding);
            }
            if entry.order == Order::Sequence {
                match latest {
                    Some((before, span)) if index < before => {
                        let before = entry.children[before].name;
                        let finding =
                            policy_element_order::found(child.span, known.name, before, span);
                        self.findings.push(finding);
                    }
                    _ => latest = Some((index, child.span)),
                }
            }
        }
        if !fragment {
            self.missing(element, entry, &counts, &misspelt);
        }
    }

    /// Policies that a section or a document takes once.
    fn limits(
        &mut self,
        child: &Element<'t>,
        row: Row,
        section: &Entry,
        rows: &mut Vec<(Row, u32, Span)>,
    ) {
        let Some(entry) = CATALOGUE.rows.get(row) else {
            return;
        };
        if let Some(max) = entry.max_per_section {
            let found = rows.iter().position(|(known, ..)| *known == row);
            let index = found.unwrap_or(rows.len());
            if found.is_none() {
                rows.push((row, 0, child.span));
            }
            let (_, count, first) = &mut rows[index];
            *count += 1;
            if *count == max + 1 {
                let (name, around) = (entry.name(), section.name());
                let finding = repeated_policy_element::found(child.span, name, around, max, *first);
                self.findings.push(finding);
            }
        }
        if let Some(max) = entry.max_per_definition {
            let (count, first) = self.once.entry(row).or_insert((0, child.span));
            *count += 1;
            if *count == max + 1 {
                let finding = repeated_policy_element::found(
                    child.span,
                    entry.name(),
                    "policies",
                    max,
                    *first,
                );
                self.findings.push(finding);
            }
        }
    }

    fn missing(
        &mut self,
        element: &Element<'t>,
        entry: &'static Entry,
        counts: &[(u32, Option<Span>)],
        misspelt: &[&str],
    ) {
        let name = entry.name();
        // What is misspelt is there, and has its finding.
        self.meter.spend(10 * misspelt.len() as u64, element.span);
        let meant = |child: &str| {
            misspelt
                .iter()
                .any(|own| near(own, [child].into_iter()).is_some())
        };
        for (child, (count, _)) in entry.children.iter().zip(counts) {
            if *count < child.min && !meant(child.name) {
                let finding = missing_policy_element::found(element.span, name, child.name);
                self.findings.push(finding);
            }
        }
        for wanted in &entry.wanted {
            let absent = entry
                .child(wanted.child)
                .is_none_or(|(index, _)| counts[index].0 == 0);
            if absent && self.applies(element, wanted) && !meant(wanted.child) {
                let finding = missing_policy_element::found(element.span, name, wanted.child);
                self.findings.push(finding);
            }
        }
        for group in &entry.child_groups {
            let mut there = group.names.iter().filter_map(|name| {
                let (index, child) = entry.child(name)?;
                Some((child.name, counts[index].1?))
            });
            match (there.next(), there.next()) {
                (None, _) if group.count != Count::AtMostOne && !group.names.iter().any(meant) => {
                    let names: Vec<_> = group
                        .names
                        .iter()
                        .map(|name| format!("`<{name}>`"))
                        .collect();
                    let names = names.join(", ");
                    let finding = missing_policy_element::one_of(element.span, name, &names);
                    self.findings.push(finding);
                }
                (Some((other, first)), Some((second, span)))
                    if group.count != Count::AtLeastOne =>
                {
                    let (span, first) = (span.max(first), span.min(first));
                    let finding =
                        exclusive_policy_attributes::children(span, name, second, other, first);
                    self.findings.push(finding);
                }
                _ => {}
            }
        }
    }

    /// Whether the condition of a wanted child holds, as far as that is known.
    fn applies(&self, element: &Element<'t>, wanted: &Wanted) -> bool {
        let is = |(name, value): (&str, &str)| match self.document.attribute(element, name) {
            Some(attribute) if attribute.value.contains(['@', '{']) => None,
            Some(attribute) => Some(attribute.value.trim() == value),
            None => Some(false),
        };
        match (wanted.when, wanted.unless) {
            (Some(when), _) => is(when) == Some(true),
            (None, Some(unless)) => is(unless) == Some(false),
            (None, None) => false,
        }
    }

    /// Text where only elements are wanted; blanks may stand there.
    fn text(&mut self, id: NodeId, entry: &Entry) {
        let kind = self.document.node(id).kind;
        if !matches!(
            kind,
            NodeKind::Text | NodeKind::Expression(_) | NodeKind::NamedValue | NodeKind::Data
        ) {
            return;
        }
        let text = self.document.source(id);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return;
        }
        // A named value may hold elements, and what is around it then is what they are.
        if kind == NodeKind::NamedValue {
            return;
        }
        let start = self.document.span(id).start as usize + text.len() - text.trim_start().len();
        let span = Span::new(self.document.file, start, start + trimmed.len());
        let name = excerpt(entry.name(), 60);
        self.findings.push(policy_text::found(span, &name));
    }
}
