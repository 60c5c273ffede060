//! What is secret: the one place that decides it. A secret is a secure parameter in every
//! target, and its value is in none.

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
    is_marked || is_of_kind || in_url(text)
}

/// How many secrets `resource` has: each is a parameter.
pub(super) fn count(resource: &Resource) -> usize {
    fn walk(resource: &Resource, path: &mut String, value: &Value) -> usize {
        let above = path.len();
        let counted = match &value.data {
            Data::String(text) => usize::from(holds(resource, path, text)),
            Data::Array(items) => {
                path.push_str("[]");
                items.iter().map(|item| walk(resource, path, item)).sum()
            }
            Data::Object(entries) => {
                let mut sum = 0;
                for entry in entries {
                    let before = path.len();
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&entry.key);
                    sum += walk(resource, path, &entry.value);
                    path.truncate(before);
                }
                sum
            }
            _ => 0,
        };
        path.truncate(above);
        counted
    }
    let properties = &resource.properties;
    let is_left = resource.key.kind == Kind::NamedValue
        && is_secret(properties)
        && properties.get("value").is_none();
    usize::from(is_left) + walk(resource, &mut String::new(), properties)
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
