//! Which attributes an element has.

use super::Checker;
use crate::catalogue::{Count, Entry, Group, near};
use crate::document::{Attribute, Element};
use crate::rules::{
    exclusive_policy_attributes, missing_policy_attribute, unknown_policy_attribute,
};

impl<'t> Checker<'_, 't, '_, '_> {
    pub(super) fn attributes(&mut self, element: &Element<'t>, entry: &'static Entry) {
        let document = self.document;
        let own = document.attributes(element);
        let mut unknown = Vec::new();
        for attribute in own {
            self.meter.spend(2, attribute.span);
            match entry.attribute(attribute.name) {
                Some(known) => self.value(attribute, known),
                None if !entry.foreign_attributes && !of_xml(attribute.name) => {
                    let meant = self.near_attribute(own, attribute.name, entry);
                    unknown.extend(meant);
                    let finding = unknown_policy_attribute::found(
                        attribute.name_span,
                        attribute.name,
                        entry.name(),
                        meant,
                    );
                    self.findings.push(finding);
                }
                None => {}
            }
        }
        let has = |name: &str| {
            // What is misspelt is there, and has its finding.
            unknown.contains(&name) || document.attribute(element, name).is_some()
        };
        for known in entry.attributes.iter().filter(|known| known.required) {
            if !has(known.name) {
                let finding =
                    missing_policy_attribute::found(element.span, entry.name(), known.name);
                self.findings.push(finding);
            }
        }
        for group in &entry.groups {
            let (there, missing): (Vec<_>, Vec<_>) = group.names.iter().partition(|name| has(name));
            self.group(element, entry, group, &there, &missing);
        }
    }

    fn group(
        &mut self,
        element: &Element<'t>,
        entry: &'static Entry,
        group: &Group,
        there: &[&str],
        missing: &[&str],
    ) {
        let name = entry.name();
        let wants_one = matches!(group.count, Count::ExactlyOne | Count::AtLeastOne);
        if wants_one && there.is_empty() {
            let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
            let finding = missing_policy_attribute::one_of(element.span, name, &names.join(", "));
            self.findings.push(finding);
        }
        if matches!(group.count, Count::ExactlyOne | Count::AtMostOne) && there.len() > 1 {
            let mut own = self.document.attributes(element).iter();
            let mut own = own.by_ref().filter(|own| there.contains(&own.name));
            if let (Some(first), Some(second)) = (own.next(), own.next()) {
                let finding = exclusive_policy_attributes::found(
                    second.name_span,
                    name,
                    second.name,
                    first.name,
                    first.name_span,
                );
                self.findings.push(finding);
            }
        }
        if group.count == Count::AllOrNone
            && let (Some(with), Some(other)) = (there.first(), missing.first())
        {
            let finding = missing_policy_attribute::together(element.span, name, other, with);
            self.findings.push(finding);
        }
    }

    /// An attribute of the element that is not there and may be meant by `name`.
    fn near_attribute(
        &mut self,
        own: &[Attribute<'t>],
        name: &str,
        entry: &'static Entry,
    ) -> Option<&'static str> {
        let free = entry.attributes.iter().map(|known| known.name);
        let free = free.filter(|known| own.iter().all(|own| own.name != *known));
        self.findings
            .hint(|| near(name, free.collect::<Vec<_>>().into_iter()))
    }
}

/// Attributes that XML itself has.
fn of_xml(name: &str) -> bool {
    name == "xmlns" || name.starts_with("xmlns:") || name.starts_with("xml:")
}
