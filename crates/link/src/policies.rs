//! The policies of a project put together, as a service runs them.

use flux_apim_compile::Texts;
use flux_apim_diag::Findings;
use flux_apim_discover::Project;
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use flux_apim_policy::{self as policy, Api, Area, Facts, Service, Workspace};
use std::collections::BTreeMap;

/// Finds what only shows when policies are put together.
pub(super) fn compose(project: &Project, texts: &Texts, findings: &mut Findings) {
    let meter = findings.budget().meter();
    meter.spend(
        project.resources.len() as u64,
        flux_apim_diag::Place::Source,
    );
    let mut areas: BTreeMap<Option<&str>, Parts<'_>> = BTreeMap::new();
    for key in project.resources.keys() {
        let parts = areas.entry(key.workspace.as_deref()).or_default();
        parts.add(key, texts);
    }
    let own = areas.remove(&None).unwrap_or_default();
    let workspaces = areas.into_values().map(|parts| Workspace {
        policy: parts.policy,
        area: parts.area(),
    });
    let service = Service {
        workspaces: workspaces.collect(),
        policy: own.policy,
        area: own.area(),
    };
    policy::compose(&service, findings);
}

/// What a service or a workspace has, as it is found.
#[derive(Default)]
struct Parts<'p> {
    policy: Option<&'p Facts>,
    fragments: Vec<(&'p str, &'p Facts)>,
    products: BTreeMap<&'p str, Option<&'p Facts>>,
    apis: BTreeMap<&'p str, Api<'p>>,
    /// Products and the APIs that they have.
    links: Vec<(&'p str, &'p str)>,
    others: Vec<&'p Facts>,
}

impl<'p> Parts<'p> {
    fn add(&mut self, key: &'p Key, texts: &'p Texts) {
        let facts = texts.policies.get(key).map(|policy| &policy.facts);
        let name = |n: usize| key.names.get(n).map_or("", String::as_str);
        match key.kind {
            Kind::ServicePolicy => self.policy = facts,
            Kind::PolicyFragment => self.fragments.extend(facts.map(|facts| (name(0), facts))),
            Kind::Product => drop(self.products.entry(name(0)).or_default()),
            Kind::ProductPolicy => drop(self.products.insert(name(0), facts)),
            Kind::Api => {
                let declared = texts.definitions.get(key);
                let count = declared.map_or(0, |compiled| compiled.operations.len());
                // Operations are kept where something asks for them: else none has a policy.
                self.apis.entry(name(0)).or_default().others = count.max(1);
            }
            Kind::ApiPolicy => self.apis.entry(name(0)).or_default().policy = facts,
            Kind::OperationPolicy => {
                let api = self.apis.entry(name(0)).or_default();
                api.operations.extend(facts);
                api.others = api.others.saturating_sub(1);
            }
            Kind::ProductApi => self.links.push((name(0), name(1))),
            Kind::ResolverPolicy => self.others.extend(facts),
            _ => {}
        }
    }

    fn area(mut self) -> Area<'p> {
        let places: BTreeMap<&str, usize> = self
            .products
            .keys()
            .enumerate()
            .map(|(i, name)| (*name, i))
            .collect();
        for (product, api) in self.links {
            if let (Some(place), Some(api)) = (places.get(product), self.apis.get_mut(api)) {
                api.products.push(*place);
            }
        }
        Area {
            fragments: self.fragments,
            products: self.products.into_values().collect(),
            apis: self.apis.into_values().collect(),
            others: self.others,
        }
    }
}
