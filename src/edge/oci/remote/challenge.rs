//! `WWW-Authenticate`: what a registry wants to see.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use std::collections::BTreeMap;

/// What a registry wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token from `realm`.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
    /// Something that we do not know, by name; empty when nothing was said.
    Unknown(String),
}

/// The challenge that we can meet best; `Bearer` before `Basic`.
pub(super) fn parse(headers: &HeaderMap) -> Challenge {
    let mut found = Challenge::Unknown(String::new());
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        for (scheme, fields) in challenges(&text) {
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = fields.get("realm")
            {
                return Challenge::Bearer {
                    realm: realm.clone(),
                    service: fields.get("service").cloned(),
                    scope: fields.get("scope").cloned().filter(|s| !s.is_empty()),
                };
            }
            if scheme.eq_ignore_ascii_case("basic") {
                found = Challenge::Basic;
            } else if matches!(found, Challenge::Unknown(_)) {
                found = Challenge::Unknown(crate::diag::excerpt(scheme, 20));
            }
        }
    }
    found
}

/// Schemes and their parameters. Never fails: what cannot be read ends it.
fn challenges(text: &str) -> Vec<(&str, BTreeMap<String, String>)> {
    let mut found: Vec<(&str, BTreeMap<String, String>)> = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            break;
        }
        let value = after.trim_start().strip_prefix('=');
        match (value, found.last_mut()) {
            (Some(value), Some((_, fields))) => {
                let (value, left) = quoted(value.trim_start());
                fields.insert(word.to_ascii_lowercase(), value);
                rest = left;
            }
            (Some(_), None) => break,
            (None, _) => {
                found.push((word, BTreeMap::new()));
                rest = after;
            }
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    found
}

/// A token or a quoted string at the start of `text`, and what follows.
fn quoted(text: &str) -> (String, &str) {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &inner[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn read(texts: &[&str]) -> Challenge {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap());
        }
        parse(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.into(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        }
    }

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let scope = "repository:a/b:pull,push";
        let text = format!(r#"Bearer realm="https://r/token",service="r",scope="{scope}""#);
        assert_eq!(
            read(&[&text]),
            bearer("https://r/token", Some("r"), Some(scope))
        );
        assert_eq!(read(&["Basic realm=\"x\""]), Challenge::Basic);
        assert_eq!(
            read(&["Basic realm=\"x\", Bearer realm=\"https://r\""]),
            bearer("https://r", None, None)
        );
        assert_eq!(
            read(&["Basic realm=\"x\"", "bearer REALM=https://r"]),
            bearer("https://r", None, None)
        );
        assert_eq!(
            read(&[r#"Bearer realm="a\"b\\c""#]),
            bearer("a\"b\\c", None, None)
        );
        assert_eq!(read(&["Negotiate"]), Challenge::Unknown("Negotiate".into()));
        assert_eq!(read(&["Negotiate", "Basic"]), Challenge::Basic);
        assert_eq!(read(&[]), Challenge::Unknown(String::new()));
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_read(text in "(Bearer |Basic |realm=|scope=|[\"\\\\, =a-z]){0,12}") {
            let _ = challenges(&text);
        }
    }

    #[test]
    fn nonsense_is_no_challenge() {
        for text in [
            "=",
            "\"",
            "Bearer",
            "Bearer realm",
            "Bearer realm=",
            ",,,",
            "Bearer scope=\"",
            "\u{e9}",
        ] {
            let found = read(&[text]);
            assert!(
                !matches!(&found, Challenge::Bearer { realm, .. } if !realm.is_empty()),
                "{text}: {found:?}"
            );
        }
    }
}
