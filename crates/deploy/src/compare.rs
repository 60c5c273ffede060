//! Where what is live differs from what is meant, and whether that may be nothing but
//! another way of storing it.

use crate::body::{MASKED, escaped};
use crate::id::Id;
use flux_apim_model::below_service;
use flux_apim_model::kinds::Kind;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Places of one resource that are noted at most.
const MAX: usize = 200;

/// A place where two forms of a resource differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Below `properties`: `circuitBreaker.rules[0].name`.
    pub path: String,
    /// What is live; none when nothing is.
    pub live: Option<Json>,
    /// What it is to become; none when it goes.
    pub wanted: Option<Json>,
    /// Whether it may be only the service's way of storing what was sent.
    pub uncertain: bool,
}

/// Properties that the service takes and does not give back, or gives back in a form that
/// was asked for. Source: the GET operations of the REST specification; for `apiType` the
/// examples of the same, which answer with `type`.
const NOT_RETURNED: &[(Kind, &[&str])] = &[
    (
        Kind::Api,
        &[
            "/value",
            "/format",
            "/wsdlSelector",
            "/apiType",
            "/sourceApiId",
        ],
    ),
    (Kind::ServicePolicy, &["/format"]),
    (Kind::ProductPolicy, &["/format"]),
    (Kind::ApiPolicy, &["/format"]),
    (Kind::OperationPolicy, &["/format"]),
    (Kind::ResolverPolicy, &["/format"]),
    (Kind::PolicyFragment, &["/format"]),
    (Kind::ApiRelease, &["/apiId"]),
    (Kind::Subscription, &["/primaryKey", "/secondaryKey"]),
];

/// Whether the service never gives back what is at `pointer`.
pub(crate) fn is_not_returned(id: &Id, pointer: &str) -> bool {
    let kind = id.kind();
    let mut rows = NOT_RETURNED.iter();
    rows.any(|(of, places)| {
        kind == Some(*of)
            && places.iter().any(|place| {
                pointer
                    .strip_prefix(place)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    })
}

/// What `wanted` says and `live` does not. What only `live` has may be the service's own.
///
/// `secrets` are pointers whose values are compared and not shown; those that `live` lacks
/// are not compared, since the service does not give them back.
pub(crate) fn against(
    id: &Id,
    wanted: &Json,
    live: &Json,
    secrets: &BTreeSet<String>,
) -> Vec<Difference> {
    let mut walk = Walk {
        id,
        secrets,
        both: false,
        found: Vec::new(),
    };
    walk.values("", Some(wanted), Some(live));
    walk.found
}

/// Where two answers of the service differ, either way; but for what changes by itself.
/// `wanted` of each difference is what `before` had.
pub(crate) fn between(id: &Id, before: &Json, live: &Json) -> Vec<Difference> {
    let none = BTreeSet::new();
    let mut walk = Walk {
        id,
        secrets: &none,
        both: true,
        found: Vec::new(),
    };
    walk.values("", Some(before), Some(live));
    walk.found
}

impl Difference {
    /// Whether it is a secret that differs, of which nothing else is known.
    pub(crate) fn is_secret(&self) -> bool {
        let masked = |side: &Option<Json>| side.as_ref().and_then(Json::as_str) == Some(MASKED);
        masked(&self.live) && masked(&self.wanted)
    }
}

struct Walk<'a> {
    id: &'a Id,
    secrets: &'a BTreeSet<String>,
    /// Whether what only the live side has counts.
    both: bool,
    found: Vec<Difference>,
}

impl Walk<'_> {
    fn values(&mut self, pointer: &str, wanted: Option<&Json>, live: Option<&Json>) {
        if is_not_returned(self.id, pointer) || self.is_read_only(pointer) {
            return;
        }
        if self.secrets.contains(pointer) {
            let wanted = wanted.filter(|wanted| !wanted.is_null());
            if let (Some(wanted), Some(live)) = (wanted, live.filter(|live| is_returned(live)))
                && wanted != live
            {
                self.note(pointer, Some(&MASKED.into()), Some(&MASKED.into()), false);
            }
            return;
        }
        match (wanted, live) {
            (Some(Json::Object(wanted)), Some(Json::Object(live))) => {
                let mut keys: BTreeSet<&String> = wanted.keys().collect();
                if self.both {
                    keys.extend(live.keys());
                }
                for key in keys {
                    let below = format!("{pointer}/{}", escaped(key));
                    self.values(&below, wanted.get(key), live.get(key));
                }
            }
            (Some(Json::Array(a)), Some(Json::Array(b))) if a.len() == b.len() => {
                if is_reordered(a, b) {
                    self.note(pointer, wanted, live, true);
                    return;
                }
                for (n, (wanted, live)) in a.iter().zip(b).enumerate() {
                    self.values(&format!("{pointer}/{n}"), Some(wanted), Some(live));
                }
            }
            (wanted, live) => {
                let nothing = |value: Option<&Json>| value.is_none_or(is_nothing);
                if nothing(wanted) && nothing(live) {
                    return;
                }
                let (Some(a), Some(b)) = (wanted, live) else {
                    // What the service leaves out of an answer it may still have.
                    self.note(pointer, wanted, live, live.is_none());
                    return;
                };
                if !is_equal(a, b) {
                    self.note(pointer, wanted, live, is_other_form(a, b) || b.is_null());
                }
            }
        }
    }

    fn note(&mut self, pointer: &str, wanted: Option<&Json>, live: Option<&Json>, uncertain: bool) {
        if self.found.len() < MAX {
            self.found.push(Difference {
                path: spelled(pointer),
                live: live.cloned(),
                wanted: wanted.cloned(),
                uncertain,
            });
        }
    }

    /// What only the service sets: no two answers need to agree on it.
    fn is_read_only(&self, pointer: &str) -> bool {
        let Some(kind) = self.id.kind() else {
            return false;
        };
        let path = spelled(pointer);
        kind.row().read_only.contains(&path.as_str())
    }
}

/// Whether a live secret is itself, and not left out or moved into a named value, as the
/// service does with the credentials of loggers.
pub(crate) fn is_returned(live: &Json) -> bool {
    match live {
        Json::Null => false,
        Json::String(text) => !(text.starts_with("{{") && text.ends_with("}}")),
        _ => true,
    }
}

/// Nothing, as the service writes it in one answer or another.
fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.values().all(is_nothing),
        Json::String(text) => text.is_empty(),
        _ => false,
    }
}

fn is_equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::String(a), Json::String(b)) => a == b || is_same_id(a, b),
        _ => a == b,
    }
}

/// Whether two texts name one resource of the service, whichever way.
fn is_same_id(a: &str, b: &str) -> bool {
    let below =
        |text: &str| below_service(text).or_else(|| text.starts_with('/').then(|| text.to_owned()));
    match (below(a), below(b)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(&b),
        _ => false,
    }
}

/// Whether two values may be one, stored in different ways.
fn is_other_form(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::String(a), Json::String(b)) => a.eq_ignore_ascii_case(b) || essence(a) == essence(b),
        (Json::String(text), other) | (other, Json::String(text)) => {
            text.eq_ignore_ascii_case(&other.to_string())
        }
        _ => false,
    }
}

/// A text without white space, and with the five entities of XML resolved: policies are
/// stored indented anew.
fn essence(text: &str) -> String {
    let plain = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&");
    plain
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{feff}')
        .collect()
}

/// The policy of a new service. It has a comment beside this.
pub(crate) const DEFAULT_POLICY: &str = "<policies>\r\n\t<inbound />\r\n\t<backend>\r\n\t\t\
    <forward-request />\r\n\t</backend>\r\n\t<outbound />\r\n\t<on-error />\r\n</policies>";

/// Whether a policy is the one that a new service has.
pub(crate) fn is_default_policy(text: &str) -> bool {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        plain.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    essence(&plain) == essence(DEFAULT_POLICY)
}

/// Whether two lists of plain values hold the same in another order.
fn is_reordered(a: &[Json], b: &[Json]) -> bool {
    if a == b || a.iter().chain(b).any(|v| v.is_object() || v.is_array()) {
        return false;
    }
    let sorted = |list: &[Json]| {
        let mut list: Vec<String> = list.iter().map(ToString::to_string).collect();
        list.sort();
        list
    };
    sorted(a) == sorted(b)
}

/// A pointer as people write a path: `a.b[0].c`.
pub(crate) fn spelled(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        match part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() {
            true => out.push_str(&format!("[{part}]")),
            false => {
                out.push_str(if out.is_empty() { "" } else { "." });
                out.push_str(&part.replace("~1", "/").replace("~0", "~"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(id: &str, wanted: &Json, live: &Json) -> Vec<(String, bool)> {
        let found = against(&Id::parse(id).unwrap(), wanted, live, &BTreeSet::new());
        found.into_iter().map(|d| (d.path, d.uncertain)).collect()
    }

    #[test]
    fn what_is_stored_in_another_way_is_uncertain() {
        for (wanted, live, uncertain) in [
            (json!("a\r\n"), json!("a"), true),
            (json!("Fixed"), json!("fixed"), true),
            (
                json!("<a b=\"1\" />"),
                json!("<a\n  b=&quot;1&quot;/>"),
                true,
            ),
            (json!("<a/>"), json!("<b/>"), false),
            (json!(1), json!(2), false),
            (json!("12"), json!(12), true),
            (json!(["http", "https"]), json!(["https", "http"]), true),
            (json!(["http"]), json!(["https"]), false),
            (json!("x"), json!(null), true),
        ] {
            let found = found("tags/t", &json!({"a": wanted}), &json!({"a": live}));
            assert_eq!(found.len(), 1, "{wanted} {live}");
            assert_eq!(found[0].1, uncertain, "{wanted} {live}");
        }
    }

    #[test]
    fn what_says_the_same_is_no_difference() {
        let service =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x";
        for (wanted, live) in [
            (json!(1.0), json!(1)),
            (json!([]), json!(null)),
            (json!({"b": []}), json!(null)),
            (json!(""), json!(null)),
            (json!("/loggers/l"), json!(format!("{service}/loggers/L"))),
        ] {
            let found = found(
                "tags/t",
                &json!({"a": wanted}),
                &json!({"a": live, "more": 1}),
            );
            assert!(found.is_empty(), "{wanted} {live}: {found:?}");
        }
        assert!(
            found(
                "apis/a",
                &json!({"value": "{}", "format": "openapi"}),
                &json!({})
            )
            .is_empty()
        );
        assert!(
            found(
                "namedValues/n",
                &json!({"provisioningState": "a"}),
                &json!({})
            )
            .is_empty()
        );
    }

    #[test]
    fn the_policy_of_a_new_service_is_known() {
        let text = "<!-- of\r\n a new one -->\r\n<policies>\r\n\t<inbound />\r\n\t<backend>\r\n\t\t\
                    <forward-request />\r\n\t</backend>\r\n\t<outbound />\r\n\t<on-error />\r\n</policies>";
        assert!(is_default_policy(text));
        assert!(
            !is_default_policy("")
                && !is_default_policy("<!-- x")
                && !is_default_policy("<policies/>")
        );
    }

    #[test]
    fn between_two_answers_both_sides_count() {
        let id = Id::parse("products/p").unwrap();
        let found = between(&id, &json!({"a": 1, "b": 2}), &json!({"a": 1, "c": 3}));
        let paths: Vec<_> = found
            .iter()
            .map(|d| (d.path.as_str(), d.live.is_some()))
            .collect();
        assert_eq!(paths, [("b", false), ("c", true)]);
    }

    #[test]
    fn secrets_are_compared_and_not_shown() {
        let id = Id::parse("backends/b").unwrap();
        let secrets = BTreeSet::from(["/k".to_owned()]);
        let found = against(&id, &json!({"k": "new"}), &json!({"k": "old"}), &secrets);
        assert_eq!(found.len(), 1);
        assert!(!format!("{found:?}").contains("new"));
        assert!(against(&id, &json!({"k": "new"}), &json!({}), &secrets).is_empty());
        assert!(against(&id, &json!({"k": null}), &json!({"k": "old"}), &secrets).is_empty());
    }
}
