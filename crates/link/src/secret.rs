//! What is secret: the one place that decides it. A secret is a secure parameter in every
//! target, and its value is in none.

use flux_apim_diag::{Findings, is_masked, is_url_with_credential};
use flux_apim_model::Resource;
use flux_apim_model::kinds::Kind;
use flux_apim_syntax::{Data, Value};

/// Whether a named value is secret and not kept in a Key Vault.
pub(super) fn is_secret(properties: &Value) -> bool {
    properties.get("secret").and_then(Value::as_bool) == Some(true)
        && properties.get("keyVault").is_none()
}

/// Whether `text` is a word of Azure that lets nobody in: what the credentials of a logger
/// say for the managed identity of the service.
pub(super) fn is_word(text: &str) -> bool {
    text.eq_ignore_ascii_case("SystemAssigned")
}

/// Whether `text`, at `path` of `resource`, is a secret.
pub(super) fn holds(resource: &Resource, path: &str, text: &str) -> bool {
    let is_value = resource.key.kind == Kind::NamedValue && path == "value";
    let is_marked = is_value && is_secret(&resource.properties);
    let is_of_kind = resource.key.kind.row().is_secret(path) && !text.contains("{{");
    is_masked() && (is_marked || is_of_kind || is_url_with_credential(text))
}

/// How many secrets `resource` has: each is a parameter.
pub(super) fn count(resource: &Resource) -> usize {
    let properties = &resource.properties;
    let is_left = resource.key.kind == Kind::NamedValue
        && is_secret(properties)
        && properties.get("value").is_none();
    let mut count = usize::from(is_left);
    each(resource, &mut |_| count += 1);
    count
}

/// Keeps the secrets of `resource` out of the lines that reports show.
pub(super) fn hide(resource: &Resource, findings: &mut Findings) {
    each(resource, &mut |secret| {
        if let Some(span) = secret.span {
            findings.hide(span);
        }
    });
}

/// Calls `take` with each secret of `resource`.
fn each<'r>(resource: &'r Resource, take: &mut impl FnMut(&'r Value)) {
    fn walk<'r>(
        resource: &'r Resource,
        path: &mut String,
        value: &'r Value,
        take: &mut impl FnMut(&'r Value),
    ) {
        let above = path.len();
        match &value.data {
            Data::String(text) if holds(resource, path, text) => take(value),
            Data::Array(items) => {
                path.push_str("[]");
                for item in items {
                    walk(resource, path, item, take);
                }
            }
            Data::Object(entries) => {
                for entry in entries {
                    let before = path.len();
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&entry.key);
                    walk(resource, path, &entry.value, take);
                    path.truncate(before);
                }
            }
            _ => {}
        }
        path.truncate(above);
    }
    walk(resource, &mut String::new(), &resource.properties, take);
}
