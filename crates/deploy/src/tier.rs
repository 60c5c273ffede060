//! Whether a tier of API Management has what a bundle deploys.

use crate::resources::Resources;
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Counted, Most, Tier};
use std::collections::BTreeMap;

/// What a service of this tier does not take of a bundle, in words. Operations of definitions
/// are not counted: rendering with `tier:` does that.
pub fn beyond(resources: &Resources, tier: &Tier) -> Vec<String> {
    let mut found: BTreeMap<Counted, usize> = BTreeMap::new();
    for resource in &resources.list {
        let counted = match resource.id.kind() {
            Some(Kind::Tag) => Counted::Tags,
            Some(Kind::NamedValue) => Counted::NamedValues,
            Some(Kind::Logger) => Counted::Loggers,
            Some(Kind::Product) => Counted::Products,
            Some(Kind::Subscription) => Counted::Subscriptions,
            Some(Kind::Gateway) => Counted::Gateways,
            Some(Kind::Workspace) => Counted::Workspaces,
            _ => continue,
        };
        *found.entry(counted).or_default() += 1;
    }
    let problems = found.into_iter().filter_map(|(counted, count)| {
        let (name, label) = (tier.name, counted.label());
        match tier.most(counted) {
            Most::Of(most) if count > most => Some(format!(
                "the bundle has {count} {label}, and a service of the tier {name} takes {most}"
            )),
            Most::None => {
                let having: Vec<&str> = Tier::with(counted).collect();
                Some(format!(
                    "the bundle has {label}, and the tier {name} has none; {} have",
                    having.join(", ")
                ))
            }
            _ => None,
        }
    });
    problems.collect()
}
