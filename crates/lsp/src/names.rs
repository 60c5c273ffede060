//! What a project has that policies refer to, and where.

use flux_apim_compile as compile;
use flux_apim_diag::tree::{ReadError, SourceTree};
use flux_apim_diag::{Findings, Registry, Span, excerpt};
use flux_apim_discover as discover;
use flux_apim_levels::Said;
use flux_apim_model::{Key, Kind, Resource};
use flux_apim_policy::{Reference, ReferenceKind, Setting};
use flux_apim_syntax::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was learned of a project when it was checked last.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// The files, as they were then.
    pub(crate) tree: SourceTree,
    /// What the project says of levels.
    pub(crate) said: Said,
    /// Policies by their paths.
    pub(crate) policies: BTreeMap<String, Policy>,
    /// Which products have which APIs.
    pub(crate) offers: BTreeSet<Key>,
    /// What policies name, by workspace, kind and name in lower case.
    named: BTreeMap<(Option<String>, Kind, String), Named>,
    /// Everything that is declared, by the names in its id, in lower case.
    by_id: BTreeMap<(Option<String>, Kind, String), Named>,
}

/// Where a policy is used.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) setting: Setting,
    pub(crate) key: Key,
}

/// A resource that others name.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) label: &'static str,
    pub(crate) name: String,
    pub(crate) path: String,
    /// Where it is declared; its file from the start where that is not known.
    pub(crate) span: Option<Span>,
    pub(crate) description: Option<String>,
}

impl Named {
    /// What hover shows. Values are not shown: they may be secret.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("{} `{}`\n\n`{}`\n", self.label, self.name, self.path);
        if let Some(description) = &self.description {
            text.push_str(&format!("\n{}\n", excerpt(description, 1000)));
        }
        text
    }
}

/// The names in an id, as one key.
fn id(names: &[String]) -> String {
    names.join("/").to_lowercase()
}

impl Names {
    /// Of the project in `tree`; `None` where there is none.
    pub(crate) fn of(
        tree: &SourceTree,
        options: &discover::Options,
        registry: Registry,
        findings: &mut Findings,
    ) -> Result<Option<Self>, ReadError> {
        let Some(project) = discover::discover(tree, options, registry, findings)? else {
            return Ok(None);
        };
        let mut names = Self {
            tree: tree.clone(),
            said: project.config.levels.clone(),
            policies: BTreeMap::new(),
            offers: BTreeSet::new(),
            named: BTreeMap::new(),
            by_id: BTreeMap::new(),
        };
        for resource in project.resources.values() {
            names.add(resource);
        }
        Ok(Some(names))
    }

    fn add(&mut self, resource: &Resource) {
        let key = &resource.key;
        if key.kind == Kind::ProductApi {
            self.offers.insert(key.clone());
        }
        if let Some(file) = resource.policy {
            let policy = Policy {
                setting: compile::setting(key),
                key: key.clone(),
            };
            let path = self.tree.path(file).as_str().to_owned();
            self.policies.insert(path, policy);
        }
        let text = |name: &str| resource.properties.get(name).and_then(Value::as_str);
        let name = match key.kind {
            Kind::NamedValue => text("displayName").unwrap_or(key.name()),
            _ => key.name(),
        };
        let is_fragment = key.kind == Kind::PolicyFragment;
        // A fragment is what its policy says; the others are what their information says.
        let place = match resource
            .policy
            .filter(|_| is_fragment || key.kind.is_policy())
        {
            Some(file) => Some((file, None)),
            None => resource.place().map(|span| (span.file, Some(span))),
        };
        let Some((file, span)) = place else {
            return;
        };
        let named = Named {
            label: key.kind.label(),
            name: name.to_owned(),
            path: self.tree.path(file).as_str().to_owned(),
            span,
            description: text("description").map(str::to_owned),
        };
        let workspace = key.workspace.as_deref().map(str::to_lowercase);
        let slot = (workspace, key.kind, id(&key.names));
        self.by_id.insert(slot, named.clone());
        if matches!(
            key.kind,
            Kind::NamedValue | Kind::PolicyFragment | Kind::Backend | Kind::Logger
        ) {
            let slot = (key.workspace.clone(), key.kind, name.to_lowercase());
            self.named.insert(slot, named);
        }
    }

    /// The resource with these names, in `workspace` or else in the service.
    pub(crate) fn with_id(
        &self,
        workspace: Option<&str>,
        kind: Kind,
        names: &[String],
    ) -> Option<&Named> {
        let slot = |workspace: Option<&str>| (workspace.map(str::to_lowercase), kind, id(names));
        let own = self.by_id.get(&slot(workspace));
        own.or_else(|| self.by_id.get(&slot(None)))
    }

    /// The named value that `{{name}}` means.
    pub(crate) fn named_value(&self, workspace: Option<&str>, name: &str) -> Option<&Named> {
        self.slot(workspace, Kind::NamedValue, name)
    }

    fn slot(&self, workspace: Option<&str>, kind: Kind, name: &str) -> Option<&Named> {
        let name = name.to_lowercase();
        let slot = |workspace: Option<&str>| (workspace.map(str::to_owned), kind, name.clone());
        let own = self.named.get(&slot(workspace));
        own.or_else(|| self.named.get(&slot(None)))
    }

    /// What `reference` names, in `workspace` or in the service.
    pub(crate) fn find(&self, reference: &Reference, workspace: Option<&str>) -> Option<&Named> {
        let kind = match reference.kind {
            ReferenceKind::NamedValue | ReferenceKind::BackendOfNamedValue => Kind::NamedValue,
            ReferenceKind::Fragment => Kind::PolicyFragment,
            ReferenceKind::Backend => Kind::Backend,
            ReferenceKind::Logger => Kind::Logger,
            // No layout has files of these.
            ReferenceKind::Certificate
            | ReferenceKind::Thumbprint
            | ReferenceKind::Identity
            | ReferenceKind::AuthorizationProvider => return None,
        };
        self.slot(workspace, kind, &reference.name)
    }
}
