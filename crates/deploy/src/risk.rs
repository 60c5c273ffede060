//! Changes that are riskier than they look.

use crate::compare::Difference;
use crate::id::Id;
use crate::plan::{Action, Step};
use flux_apim_model::kinds::Kind;
use serde_json::Value as Json;

/// Policies that let a request in only with a credential, or from somewhere.
const GUARDS: [&str; 8] = [
    "validate-jwt",
    "validate-azure-ad-token",
    "validate-client-certificate",
    "check-header",
    "ip-filter",
    "get-authorization-context",
    "rate-limit",
    "quota",
];

/// What a change of `id` means beyond its words.
pub(crate) fn of_change(
    id: &Id,
    live: &Json,
    wanted: &Json,
    differences: &[Difference],
) -> Vec<String> {
    let mut notes = Vec::new();
    let text = |value: &Json, key: &str| value[key].as_str().unwrap_or("").to_owned();
    let touched = |path: &str| {
        differences
            .iter()
            .any(|d| d.path == path || d.path.starts_with(&format!("{path}.")))
    };
    match id.kind() {
        Some(Kind::Api) => {
            if touched("path") {
                notes.push(format!(
                    "callers use another URL from now on: its path was `{}`",
                    text(live, "path")
                ));
            }
            if touched("subscriptionRequired") && wanted["subscriptionRequired"] == false {
                notes.push("it can be called without a subscription key from now on".to_owned());
            }
            if touched("authenticationSettings") && is_gone(&wanted["authenticationSettings"]) {
                notes.push("its authentication settings disappear".to_owned());
            }
            if touched("serviceUrl") {
                notes.push("its calls go to another backend from now on".to_owned());
            }
        }
        Some(Kind::Product) => {
            if touched("subscriptionRequired") && wanted["subscriptionRequired"] == false {
                notes.push("its APIs can be called without a subscription from now on".to_owned());
            }
            if touched("approvalRequired")
                && wanted["approvalRequired"] != true
                && live["approvalRequired"] == true
            {
                notes.push("subscriptions are no longer approved by hand".to_owned());
            }
            if touched("state") && text(wanted, "state").eq_ignore_ascii_case("notPublished") {
                notes.push("it is no longer published: developers do not see it".to_owned());
            }
        }
        Some(Kind::ApiOperation) if touched("method") || touched("urlTemplate") => {
            notes.push(format!(
                "callers use another request from now on: it was {} {}",
                text(live, "method"),
                text(live, "urlTemplate")
            ));
        }
        Some(kind) if kind.is_policy() || kind == Kind::PolicyFragment => {
            notes.extend(guards(&text(live, "value"), &text(wanted, "value")));
        }
        _ => {}
    }
    notes
}

/// What writing a resource of an older bundle does not bring back.
pub(crate) fn of_return(step: &Step) -> Option<String> {
    let id = &step.id;
    let said = match (id.kind()?, step.action) {
        (Kind::Subscription, Action::Create) => {
            "it is made with new keys, unless they are among the secrets that are given"
        }
        (Kind::Product, Action::Create) => {
            "subscriptions that consumers had to it, and what was added to it beside the bundle"
        }
        (Kind::Api, Action::Create) => {
            "subscriptions to it, its change log, and what was added to it beside the bundle"
        }
        (Kind::Workspace, Action::Create) => "what others made in the workspace",
        (Kind::Group, Action::Create) => "users that were members of the group",
        (Kind::Gateway, Action::Create) => {
            "the keys of its self-hosted gateways: they register anew"
        }
        (Kind::ApiRelease, _) => {
            "the time of the release: the revision becomes current now, and consumers see a new entry"
        }
        (_, _) if step.has_secrets => {
            "the secrets that it had then: it is written with those that are given now"
        }
        _ => return None,
    };
    Some(format!("{id}: {said}"))
}

/// What goes when a resource is deleted, beyond itself.
pub(crate) fn of_deletion(id: &Id, live: &Json) -> Vec<String> {
    match id.kind() {
        Some(kind) if kind.is_policy() => {
            let mut notes = guards(live["value"].as_str().unwrap_or(""), "");
            if kind == Kind::ServicePolicy {
                notes.push("the service goes back to the policy of a new one".to_owned());
            }
            notes
        }
        Some(Kind::Api) => {
            vec!["its operations, policies and links to products go with it".to_owned()]
        }
        Some(Kind::Gateway) => {
            vec!["self-hosted gateways that run for it lose their configuration".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn is_gone(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Object(map) => map.values().all(is_gone),
        Json::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Guards that the old policy has more often than the new one.
fn guards(old: &str, new: &str) -> Vec<String> {
    let count = |text: &str, name: &str| {
        let tag = format!("<{name}");
        let starts = text.match_indices(&tag);
        let after = |at: usize| text[at + name.len() + 1..].chars().next();
        starts
            .filter(|(at, _)| after(*at).is_none_or(|c| !(c.is_alphanumeric() || c == '-')))
            .count()
    };
    let gone = GUARDS
        .iter()
        .filter(|name| count(old, name) > count(new, name));
    gone.map(|name| format!("`{name}` disappears from the policy"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_that_disappear_are_named() {
        let old = "<inbound><validate-jwt a=\"1\"/><rate-limit-by-key/></inbound>";
        assert_eq!(
            guards(old, "<inbound/>"),
            ["`validate-jwt` disappears from the policy"]
        );
        assert!(guards(old, old).is_empty());
        assert!(guards("", old).is_empty());
    }
}
