//! Security: which API Management does not read, though the readers do.

use super::{Check, place};
use crate::rules::{incomplete_object, missing_field, undefined_security_scheme, unknown_field};
use crate::shape::Version;
use flux_apim_syntax::{NodeKind, NodeRef};

/// The names in a requirement are those of declared schemes.
pub(super) fn requirement<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let declared = match check.version {
        Version::V2 => check.root.get("securityDefinitions"),
        _ => check
            .root
            .get("components")
            .and_then(|node| node.get("securitySchemes")),
    };
    for (key, _) in node.entries() {
        let name = key.as_str().unwrap_or("");
        let there = declared.is_some_and(|declared| declared.get(name).is_some());
        if !there && check.first("security", name) {
            check.say(undefined_security_scheme::found(key.span(), name));
        }
    }
}

/// What a scheme of 3.x should have beside its type.
pub(super) fn scheme<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, key: Option<NodeRef<'c>>) {
    let wanted: &[&str] = match node.get("type").and_then(NodeRef::as_str) {
        Some("apiKey") => &["name", "in"],
        Some("http") => &["scheme"],
        Some("oauth2") => &["flows"],
        Some("openIdConnect") => &["openIdConnectUrl"],
        _ => &[],
    };
    for field in wanted {
        if node.get(field).is_none() {
            check.say(incomplete_object::field(
                place(key, node),
                "securityScheme",
                field,
            ));
        }
    }
    let flows = node.get("flows").into_iter().flat_map(NodeRef::entries);
    for (key, flow) in flows {
        let wanted: &[&str] = match key.as_str() {
            Some("implicit") => &["authorizationUrl", "scopes"],
            Some("password" | "clientCredentials") => &["tokenUrl", "scopes"],
            Some("authorizationCode") => &["authorizationUrl", "tokenUrl", "scopes"],
            _ => &[],
        };
        // What is no object is said as such.
        let is_object = flow.kind() == NodeKind::Object;
        for field in wanted
            .iter()
            .filter(|field| is_object && flow.get(field).is_none())
        {
            check.say(incomplete_object::field(key.span(), "OAuthFlow", field));
        }
    }
}

/// What the official schema of 2.0 allows for each type of scheme.
pub(super) fn definition<'c>(
    check: &mut Check<'_, 'c>,
    node: NodeRef<'c>,
    key: Option<NodeRef<'c>>,
) {
    let text = |name: &str| node.get(name).and_then(NodeRef::as_str);
    let (wanted, allowed): (&[&str], &[&str]) = match (text("type"), text("flow")) {
        (Some("basic"), _) => (&[], &[]),
        (Some("apiKey"), _) => (&["name", "in"], &[]),
        (Some("oauth2"), Some("implicit")) => (&["flow", "authorizationUrl"], &["scopes"]),
        (Some("oauth2"), Some("password" | "application")) => (&["flow", "tokenUrl"], &["scopes"]),
        (Some("oauth2"), Some("accessCode")) => {
            (&["flow", "authorizationUrl", "tokenUrl"], &["scopes"])
        }
        (Some("oauth2"), None) => {
            return check.say(missing_field::found(
                place(key, node),
                "securityScheme",
                "flow",
            ));
        }
        _ => return,
    };
    for field in wanted {
        if node.get(field).is_none() {
            check.say(missing_field::found(
                place(key, node),
                "securityScheme",
                field,
            ));
        }
    }
    for (key, _) in node.entries() {
        let name = key.as_str().unwrap_or("");
        let known = matches!(
            name,
            "name" | "in" | "flow" | "authorizationUrl" | "tokenUrl" | "scopes"
        );
        if known && !wanted.contains(&name) && !allowed.contains(&name) {
            check.say(unknown_field::not_of_this(
                key.span(),
                name,
                "a security scheme of this type",
            ));
        }
    }
}
