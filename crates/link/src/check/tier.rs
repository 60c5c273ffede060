//! What a service takes by its tier, which `flux-apim.yaml` names.

use super::place_of;
use crate::rules::{not_in_tier, tier_limit};
use flux_apim_compile::Texts;
use flux_apim_diag::{Findings, Place};
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Counted, Most, Resource, Tier};
use std::collections::BTreeMap;

/// Steps of looking at one resource.
const STEPS: u64 = 2;

pub(super) fn check(project: &Project, texts: &Texts, findings: &mut Findings) {
    let Some(tier) = project.config.tier else {
        return;
    };
    let meter = findings.budget().meter();
    // How many there are, and the first.
    let mut found: BTreeMap<Counted, (usize, Place)> = BTreeMap::new();
    for resource in project.resources.values() {
        let place = place_of(resource, None);
        meter.spend(STEPS, place.clone());
        if let Some((what, count)) = counted(project, texts, resource) {
            found.entry(what).or_insert((0, place.clone())).0 += count;
        }
        let policy = texts.contents.get(&resource.key);
        let policy = policy.filter(|_| resource.key.kind.is_policy());
        if let (Some(content), Some(most)) = (policy, tier.policy)
            && content.len() > most
        {
            let finding = tier_limit::policy(place, &resource.key, content.len(), tier.name, most);
            findings.push(finding);
        }
    }
    let whole = |place: Place| match project.config.file {
        Some(file) => Place::from(file),
        None => place,
    };
    for (what, (count, first)) in found {
        match tier.most(what) {
            Most::Of(most) if count > most => {
                let finding = tier_limit::found(whole(first), what, count, tier.name, most);
                findings.push(finding);
            }
            Most::None if count > 0 => {
                let having: Vec<&str> = Tier::with(what).collect();
                findings.push(not_in_tier::found(first, what, tier.name, &having));
            }
            _ => {}
        }
    }
}

/// What `resource` counts as, and how often.
fn counted(project: &Project, texts: &Texts, resource: &Resource) -> Option<(Counted, usize)> {
    let key = &resource.key;
    Some(match key.kind {
        Kind::Api => {
            let compiled = texts.definitions.get(key)?;
            (Counted::Operations, compiled.operation_count)
        }
        // Those of a definition are counted with it.
        Kind::ApiOperation => {
            let api = key.api()?;
            let is_counted =
                texts.definitions.contains_key(&api) && project.resources.contains_key(&api);
            (Counted::Operations, usize::from(!is_counted))
        }
        Kind::Tag => (Counted::Tags, 1),
        Kind::NamedValue => (Counted::NamedValues, 1),
        Kind::Logger => (Counted::Loggers, 1),
        Kind::Product => (Counted::Products, 1),
        Kind::Subscription => (Counted::Subscriptions, 1),
        Kind::Gateway => (Counted::Gateways, 1),
        Kind::Workspace => (Counted::Workspaces, 1),
        _ => return None,
    })
}
