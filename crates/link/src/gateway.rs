//! Which APIs are taken off the gateway that is built into the service.

use flux_apim_diag::{Findings, Place};
use flux_apim_discover::Project;
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use std::collections::BTreeSet;

/// The gateway that every service has.
const BUILT_IN: &str = "managed";

/// APIs that the list of the built-in gateway does not name; none without such a list. Azure
/// puts each API that is made on that gateway, and no template takes it off again.
///
/// Source: the REST operation "Gateway Api - Delete", with `managed` as gateway.
pub(super) fn off(project: &Project, findings: &Findings) -> BTreeSet<Key> {
    if !project.lists_built_in_gateway {
        return BTreeSet::new();
    }
    let meter = findings.budget().meter();
    let listed: BTreeSet<String> = project
        .resources
        .keys()
        .filter(|key| key.workspace.is_none() && key.kind == Kind::GatewayApi)
        .filter(|key| {
            key.names
                .first()
                .is_some_and(|name| name.eq_ignore_ascii_case(BUILT_IN))
        })
        .map(|key| key.name().to_lowercase())
        .collect();
    let roots = project.resources.keys().filter(|key| {
        meter.spend(5, Place::Source);
        key.workspace.is_none() && key.kind == Kind::Api && !key.name().contains(";rev=")
    });
    roots
        .filter(|key| !listed.contains(&key.name().to_lowercase()))
        .cloned()
        .collect()
}
