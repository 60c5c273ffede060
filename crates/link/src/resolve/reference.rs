//! What properties and policies name: nodes of the graph, resources that are
//! managed elsewhere, or nothing.

use super::super::expression::Expression;
use super::{Resolver, STEPS, Walk};
use crate::rules::{dangling_policy_reference, dangling_reference};
use flux_apim_diag::{Diagnostic, Place, excerpt, nearest};
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Key, Target, below_service, parse_id};
use flux_apim_policy::ReferenceKind;

/// Groups that every service has.
const BUILT_IN_GROUPS: [&str; 3] = ["administrators", "developers", "guests"];

impl<'p> Resolver<'p, '_> {
    pub(super) fn link_target(&mut self, target: &Key, walk: &mut Walk<'_>) {
        match self.find(target) {
            Some(node) => walk.depends_on.push(node),
            None if self.is_elsewhere(target) => {}
            None => {
                let place = walk.resource.place().map_or(Place::Source, Place::from);
                self.dangling(target, place, "the project");
            }
        }
    }

    /// The node of `key`: also the current revision under its revision's id.
    pub(super) fn find(&self, key: &Key) -> Option<usize> {
        if let Some(&node) = self.index.get(key) {
            return Some(node);
        }
        let (root, number) = key.names.first()?.split_once(";rev=")?;
        let root = self
            .project
            .resources
            .get(&key.sibling(key.kind, &[root]))?;
        (key.kind == Kind::Api && root.revision() == number)
            .then(|| self.index.get(&root.key).copied())
            .flatten()
    }

    /// `key` as the project spells it.
    pub(super) fn known(&self, key: &Key) -> Key {
        match self.index.get_key_value(key) {
            Some((known, _)) => (*known).clone(),
            None => key.clone(),
        }
    }

    pub(super) fn is_elsewhere(&self, key: &Key) -> bool {
        if key.kind == Kind::Group
            && BUILT_IN_GROUPS
                .iter()
                .any(|group| group.eq_ignore_ascii_case(key.name()))
        {
            return true;
        }
        let shown = key.to_string().to_ascii_lowercase();
        self.external.contains(&shown)
    }

    fn dangling(&mut self, key: &Key, place: Place, subject: &str) {
        let near = self.near(key);
        self.findings
            .push(dangling_reference::found(place, subject, key, near));
    }

    /// What may have been meant by the name of `key`.
    fn near(&mut self, key: &Key) -> Option<&'p str> {
        self.findings.hint(|| {
            // In the order of keys they stand together.
            let first = key.sibling(key.kind, &[]);
            let known = self.index.range::<Key, _>(&first..);
            let known = known.map(|(known, _)| *known);
            let alike = known
                .take_while(|known| known.kind == key.kind && known.workspace == key.workspace);
            nearest(key.name(), alike.map(Key::name))
        })
    }

    pub(super) fn reference(
        &mut self,
        walk: &mut Walk<'_>,
        targets: &[Kind],
        text: &str,
        place: Place,
    ) -> Expression {
        match parse_id(text) {
            Target::Resource(target) if targets.contains(&target.kind) => {
                let own = Key {
                    workspace: walk.resource.key.workspace.clone(),
                    ..target.clone()
                };
                let target = if self.find(&own).is_some() {
                    own
                } else {
                    target
                };
                match self.find(&target) {
                    Some(node) => walk.depends_on.push(node),
                    None if self.is_elsewhere(&target) => {}
                    None => {
                        self.dangling(&target, place, "the project");
                    }
                }
                Expression::Id(self.known(&target))
            }
            Target::Service
                if text.contains("Microsoft.ApiManagement") && !text.ends_with("apis") =>
            {
                Expression::ServiceId
            }
            _ => Expression::String(below_service(text).unwrap_or_else(|| text.to_owned())),
        }
    }

    /// Waits for the sibling of `kind` with this name. What a definition makes is
    /// not in the project: only an API without one must have it.
    pub(super) fn name(&mut self, walk: &mut Walk<'_>, kind: Kind, text: &str, place: Place) {
        let Some(api) = walk.resource.key.api().filter(|_| !text.is_empty()) else {
            return;
        };
        let target = api.sibling(kind, &[&api.names[0], text]);
        match self.find(&target) {
            Some(node) => walk.depends_on.push(node),
            None if self.texts.definitions.contains_key(&api) || self.is_elsewhere(&target) => {}
            None => {
                let subject = format!("the API `{}`", excerpt(&api.names[0], 80));
                self.dangling(&target, place, &subject);
            }
        }
    }

    /// Dependencies on the named values that `text` uses.
    pub(super) fn named_values_in(&mut self, walk: &mut Walk<'_>, text: &str, place: &Place) {
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            self.meter.spend(STEPS, place.clone());
            let inside = &rest[at + 2..];
            let Some(end) = inside.find("}}") else { return };
            self.named_value(
                walk,
                inside[..end].trim(),
                place.clone(),
                dangling_reference::named_value,
            );
            rest = &inside[end + 2..];
        }
    }

    fn named_value(
        &mut self,
        walk: &mut Walk<'_>,
        name: &str,
        place: Place,
        finding: fn(Place, &str, Option<&str>) -> Diagnostic,
    ) {
        let folded = name.to_lowercase();
        let workspace = &walk.resource.key.workspace;
        let found = [workspace.clone(), None]
            .into_iter()
            .find_map(|workspace| self.named_values.get(&(workspace, folded.clone())));
        if let Some((_, key)) = found {
            walk.depends_on.extend(self.index.get(*key));
            return;
        }
        // Exported loggers name the resource instead of its display name.
        let own = walk.resource.key.sibling(Kind::NamedValue, &[name]);
        if let Some(&node) = self.index.get(&own) {
            walk.depends_on.push(node);
            return;
        }
        let key = Key::new(None, Kind::NamedValue, &[name]);
        if self.is_elsewhere(&key) {
            return;
        }
        let near = self.findings.hint(|| {
            let names = self.named_values.values();
            nearest(name, names.map(|(shown, _)| *shown))
        });
        self.findings.push(finding(place, name, near));
    }

    pub(super) fn policy_references(&mut self, walk: &mut Walk<'_>) {
        let Some(policy) = self.texts.policies.get(&walk.resource.key) else {
            return;
        };
        let references: Vec<_> = policy
            .references
            .iter()
            .map(|r| (r.kind, r.name.clone(), r.span))
            .collect();
        for (kind, name, span) in references {
            self.meter.spend(STEPS, span);
            let kind = match kind {
                ReferenceKind::NamedValue => {
                    let finding = dangling_policy_reference::named_value;
                    self.named_value(walk, &name, span.into(), finding);
                    continue;
                }
                ReferenceKind::Fragment => Kind::PolicyFragment,
                ReferenceKind::Backend => Kind::Backend,
                ReferenceKind::Logger => Kind::Logger,
                // Kinds that trees do not hold: nothing to check against.
                ReferenceKind::Certificate | ReferenceKind::AuthorizationProvider => continue,
            };
            let own = walk.resource.key.sibling(kind, &[&name]);
            let shared = Key::new(None, kind, &[&name]);
            match self.find(&own).or_else(|| self.find(&shared)) {
                Some(node) => walk.depends_on.push(node),
                None if self.is_elsewhere(&own) || self.is_elsewhere(&shared) => {}
                None => {
                    let near = self.near(&own);
                    let finding = dangling_policy_reference::found(span.into(), &own, near);
                    self.findings.push(finding);
                }
            }
        }
    }
}
