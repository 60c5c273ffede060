//! What properties and policies name: nodes of the graph, resources that are
//! managed elsewhere, or nothing.

use super::super::expression::Expression;
use super::{MAX_SOUGHT, Resolver, STEPS, Walk};
use crate::owned::is_built_in;
use crate::rules::{
    dangling_policy_reference, dangling_reference, missing_reference, unknown_operation,
};
use crate::secret::is_secret;
use flux_apim_compile as compile;
use flux_apim_definition as definition;
use flux_apim_diag::{Diagnostic, Meter, Place, Span, excerpt, nearest};
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Identified, Key, below_service, parse_id};
use flux_apim_policy::ReferenceKind;

impl<'p> Resolver<'p, '_> {
    pub(super) fn link_target(&mut self, target: &Key, walk: &mut Walk<'_>) {
        match self.find(target) {
            Some(node) => walk.depends_on.push(node),
            None if self.is_elsewhere(target) => {}
            None => {
                let place = walk.resource.place().map_or(Place::Source, Place::from);
                self.dangling(target, place, "the project", dangling_reference::found);
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
        if is_built_in(key) {
            return true;
        }
        let shown = key.to_string().to_ascii_lowercase();
        self.owned.contains(key) || self.external.contains(&shown)
    }

    /// Says that the project does not have `key`: an error where another name is near it,
    /// or the project is strict, else a warning, since the service may have it.
    fn dangling(
        &mut self,
        key: &Key,
        place: Place,
        subject: &str,
        finding: fn(Place, &str, &Key, Option<&str>) -> Diagnostic,
    ) {
        let near = self.near(key);
        let id = key.to_string();
        if near.is_none() {
            let label = key.kind.label();
            self.findings.need_external(label, key.name(), &id, &place);
        }
        let found = if near.is_some() || self.project.config.strict {
            finding(place, subject, key, near)
        } else {
            let said = dangling_reference::said(subject, key);
            missing_reference::found(place, &said, &excerpt(&id, 200))
        };
        self.findings.push(found);
    }

    /// What may have been meant by the name of `key`.
    fn near(&mut self, key: &Key) -> Option<&'p str> {
        // In the order of keys they stand together.
        let mut first = key.clone();
        first.names.pop();
        let parent = key.parent();
        let known = self.index.range::<Key, _>(&first..);
        let known = known.map(|(known, _)| *known);
        let alike = known.take_while(|known| {
            known.kind == key.kind && known.workspace == key.workspace && known.parent() == parent
        });
        Self::sought(
            &mut self.sought,
            &self.meter,
            key.name(),
            alike.map(Key::name),
        )
    }

    /// The nearest of `names`. It decides how grave a finding is: whether it is sought
    /// depends on nothing but the tree. Beyond the cap, what is missing is taken as missing.
    fn sought<'n>(
        sought: &mut usize,
        meter: &Meter,
        name: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Option<&'n str> {
        *sought += 1;
        if *sought > MAX_SOUGHT {
            return None;
        }
        let mut looked_at = 0;
        let near = nearest(name, names.inspect(|_| looked_at += 1));
        meter.spend(looked_at, Place::Source);
        near
    }

    /// What the property at `path` names by `text`: an id of any service, a short id, or
    /// a bare name.
    pub(super) fn reference(
        &mut self,
        walk: &mut Walk<'_>,
        path: &str,
        targets: &[Kind],
        text: &str,
        place: Place,
    ) -> Expression {
        let target = match parse_id(text) {
            Identified::Resource(target) if targets.contains(&target.kind) => target,
            Identified::Service
                if text.contains("Microsoft.ApiManagement") && !text.ends_with("apis") =>
            {
                return Expression::ServiceId;
            }
            Identified::Service => {
                let below = below_service(text);
                return Expression::String(below.unwrap_or_else(|| text.to_owned()));
            }
            _ if text.is_empty() || text.contains("{{") || compile::token(text).is_some() => {
                return Expression::String(text.to_owned());
            }
            // An id of another provider.
            Identified::External
                if text.to_ascii_lowercase().contains("/providers/")
                    && below_service(text).is_none() =>
            {
                return Expression::String(text.to_owned());
            }
            _ if text.contains('/') => {
                let kinds: Vec<&str> = targets.iter().map(|kind| kind.label()).collect();
                self.findings
                    .push(dangling_reference::no_id(place, path, text, &kinds));
                return Expression::String(text.to_owned());
            }
            _ => self.bare_name(walk, targets, text),
        };
        let own = Key {
            workspace: walk.resource.key.workspace.clone(),
            ..target.clone()
        };
        let target = if self.find(&own).is_some() {
            own
        } else {
            target
        };
        let place = end_of(place, text, target.name());
        match self.find(&target) {
            Some(node) => walk.depends_on.push(node),
            None if self.is_elsewhere(&target) => {}
            None if target.kind == Kind::ApiOperation => {
                return self.operation(walk, target, place);
            }
            None => self.dangling(&target, place, "the project", dangling_reference::found),
        }
        Expression::Id(self.known(&target))
    }

    /// The resource of one of the kinds `targets` that is called `name`: the first that
    /// the project has, else one of the first kind.
    fn bare_name(&self, walk: &Walk<'_>, targets: &[Kind], name: &str) -> Key {
        let simple = targets.iter().filter(|kind| kind.row().parent.is_none());
        let mut keys = simple.map(|&kind| walk.resource.key.sibling(kind, &[name]));
        let first = keys.next();
        match first {
            Some(first) if self.find(&first).is_some() => first,
            Some(first) => keys.find(|key| self.find(key).is_some()).unwrap_or(first),
            None => walk.resource.key.sibling(targets[0], &[name]),
        }
    }

    /// An operation that another API names: what a definition declares exists with its API.
    fn operation(&mut self, walk: &mut Walk<'_>, mut target: Key, place: Place) -> Expression {
        let api = target
            .api()
            .and_then(|api| self.find(&api).map(|node| (api, node)));
        let Some((api, node)) = api else {
            self.dangling(&target, place, "the project", dangling_reference::found);
            return Expression::Id(target);
        };
        walk.depends_on.push(node);
        let compiled = self.texts.definitions.get(&api);
        let known = self.operations.get(&api).zip(compiled);
        if let (Some((operations, compiled)), Some(name)) = (known, target.names.get_mut(1)) {
            match operations.find(name, &definition::normalise(name)) {
                Some(found) => name.clone_from(&compiled.operations[found].name),
                None => {
                    let names = compiled.operations.iter().map(|o| o.name.as_str());
                    let near = self.findings.hint(|| nearest(name, names));
                    let finding = unknown_operation::found(place, &api.names[0], name, near);
                    self.findings.push(finding);
                }
            }
        }
        Expression::Id(target)
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
                self.dangling(&target, place, &subject, dangling_reference::found);
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
        let own = walk.resource.key.sibling(Kind::NamedValue, &[name]);
        let shared = Key::new(None, Kind::NamedValue, &[name]);
        if self.is_elsewhere(&own) || self.is_elsewhere(&shared) {
            return;
        }
        let named = [&own, &shared]
            .into_iter()
            .find_map(|key| self.index.get_key_value(key));
        if let Some((key, &node)) = named {
            walk.depends_on.push(node);
            let properties = self.project.resources.get(*key).map(|r| &r.properties);
            let shown = properties.and_then(|p| p.get("displayName")?.as_str());
            if let Some(shown) = shown.filter(|shown| !shown.eq_ignore_ascii_case(name)) {
                let finding = missing_reference::resource_name(place, name, shown);
                self.findings.push(finding);
            }
            return;
        }
        let names = self.named_values.values().map(|(shown, _)| *shown);
        // An environment file names what exists on its service alone: that another one has a
        // name like it is no mistake.
        let environment = self.project.environment_file;
        let is_of_environment = environment.is_some() && place.file() == environment;
        let near = match is_of_environment {
            true => None,
            false => Self::sought(&mut self.sought, &self.meter, name, names),
        };
        if near.is_none() {
            let id = format!("namedValues/{name}");
            self.findings
                .need_external("named value", name, &id, &place);
        }
        let found = if near.is_some() || self.project.config.strict {
            finding(place, name, near)
        } else {
            let shown = excerpt(name, 80);
            let what = format!("no named value has the display name `{shown}`");
            missing_reference::found(place, &what, &format!("namedValues/{shown}"))
        };
        self.findings.push(found);
    }

    /// The backend that a policy names by the value of a named value, where that is known.
    fn backend_of_named_value(&mut self, walk: &mut Walk<'_>, name: &str) {
        let folded = name.to_lowercase();
        let workspaces = [walk.resource.key.workspace.clone(), None];
        let mut workspaces = workspaces.into_iter();
        let found = workspaces.find_map(|own| self.named_values.get(&(own, folded.clone())));
        let Some(resource) = found.and_then(|(_, key)| self.project.resources.get(*key)) else {
            return;
        };
        let properties = &resource.properties;
        let hidden = is_secret(properties) || properties.get("keyVault").is_some();
        let value = properties.get("value").filter(|_| !hidden);
        let Some((value, text)) = value.and_then(|v| Some((v, v.as_str()?.trim()))) else {
            return;
        };
        // Not every value that stands there is an id: a URL is none.
        if text.is_empty() || text.contains(['/', '{', '(', ' ']) {
            return;
        }
        let place = value
            .span
            .or(resource.place())
            .map_or(Place::Source, Place::from);
        self.named_in_policy(walk, Kind::Backend, text, place);
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
                ReferenceKind::BackendOfNamedValue => {
                    self.backend_of_named_value(walk, &name);
                    continue;
                }
                ReferenceKind::Fragment => Kind::PolicyFragment,
                ReferenceKind::Backend => Kind::Backend,
                ReferenceKind::Logger => Kind::Logger,
                // Kinds that trees do not hold: nothing to check against.
                ReferenceKind::Certificate
                | ReferenceKind::Thumbprint
                | ReferenceKind::Identity
                | ReferenceKind::AuthorizationProvider => continue,
            };
            self.named_in_policy(walk, kind, &name, span.into());
        }
    }

    fn named_in_policy(&mut self, walk: &mut Walk<'_>, kind: Kind, name: &str, place: Place) {
        let own = walk.resource.key.sibling(kind, &[name]);
        let shared = Key::new(None, kind, &[name]);
        match self.find(&own).or_else(|| self.find(&shared)) {
            Some(node) => walk.depends_on.push(node),
            None if self.is_elsewhere(&own) || self.is_elsewhere(&shared) => {}
            None => {
                let finding = |place, _: &str, key: &Key, near: Option<&str>| {
                    dangling_policy_reference::found(place, key, near)
                };
                self.dangling(&own, place, "the project", finding);
            }
        }
    }
}

/// The end of `text` that is `name`, where `place` is the text as it was written.
fn end_of(place: Place, text: &str, name: &str) -> Place {
    let Place::Span(span) = place else {
        return place;
    };
    let quotes = match (span.end - span.start) as usize {
        length if length == text.len() => 0,
        // In quotes, without an escape.
        length if length == text.len() + 2 => 1,
        _ => return place,
    };
    if name.is_empty() || !text.ends_with(name) {
        return place;
    }
    let end = span.end as usize - quotes;
    Span::new(span.file, end - name.len(), end).into()
}
