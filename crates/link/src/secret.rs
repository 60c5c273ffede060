//! What is secret: the one place that decides it. A secret is a secure parameter in every
//! target, and its value is in none.

use flux_apim_diag::Findings;
use flux_apim_model::Resource;
use flux_apim_model::kinds::Kind;
use flux_apim_syntax::{Data, Value};
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicBool, Ordering};

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
    is_masked() && (is_marked || is_of_kind || in_url(text))
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

/// Whether secrets are kept back. Always, but for a test of whether a test of that finds
/// what is not: builds without debug assertions, which are those that anybody gets, have
/// no other way, and no build has a flag, file or variable for it.
#[cfg(debug_assertions)]
fn is_masked() -> bool {
    !UNMASKED.load(Ordering::Relaxed)
}

#[cfg(not(debug_assertions))]
fn is_masked() -> bool {
    true
}

#[cfg(debug_assertions)]
static UNMASKED: AtomicBool = AtomicBool::new(false);

/// Takes no text for a secret from now on, in this process: for tests alone.
#[cfg(debug_assertions)]
pub fn unmask_for_a_test() {
    UNMASKED.store(true, Ordering::Relaxed);
}

/// Parts of a query that let whoever has them in, by the names that Azure gives them:
/// shared access signatures, and keys of functions and of API Management.
const KEYS: [&str; 4] = ["sig", "code", "subscription-key", "api-key"];

/// Whether `text` is a URL with a password or a key in it.
fn in_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    if scheme.is_empty()
        || !scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+')
    {
        return false;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let password = rest[..end]
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'));
    if password.is_some_and(|(_, password)| is_literal(password)) {
        return true;
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    query.split(['&', '#']).any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or_default();
        KEYS.iter().any(|key| key.eq_ignore_ascii_case(name)) && is_literal(value)
    })
}

/// Not empty, and no reference to a named value or token of a pipeline.
fn is_literal(text: &str) -> bool {
    !text.is_empty()
        && !["{", "$(", "#{"]
            .iter()
            .any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::in_url;

    #[test]
    fn urls_with_keys() {
        for url in [
            "https://user:pass@host.example/x",
            "https://host.example/blob?sv=1&SIG=abc%3D",
            "https://host.example/api/f?code=abc",
        ] {
            assert!(in_url(url), "{url}");
        }
        for url in [
            "https://host.example/x?sig={{signature}}",
            "https://host.example/x?a=sig",
            "https://user@host.example/",
            "https://host.example/a:b@c",
            "sig=abc",
        ] {
            assert!(!in_url(url), "{url}");
        }
    }
}
