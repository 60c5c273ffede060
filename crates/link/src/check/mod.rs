//! What Azure refuses of resources beyond their types: a value that asks for another one,
//! and names, paths and versions that may be there once.

mod apis;
mod backends;
mod conventions;
mod others;
mod tier;
mod unique;

use flux_apim_compile::Texts;
use flux_apim_diag::{Findings, Place, excerpt};
use flux_apim_discover::Project;
use flux_apim_model::Resource;
use flux_apim_model::kinds::Kind;
use flux_apim_syntax::{Data, Value};

/// Steps of looking at one resource.
const STEPS: u64 = 20;

/// Checks the resources of `project`, whose properties were brought to what Azure takes.
pub(super) fn check(project: &Project, texts: &Texts, findings: &mut Findings) {
    let meter = findings.budget().meter();
    for resource in project.resources.values().filter(|r| !r.unreadable) {
        meter.spend(STEPS, place_of(resource, None));
        match resource.key.kind {
            Kind::Api => apis::check(resource, findings),
            Kind::ApiRelease => apis::release(resource, findings),
            Kind::ApiPolicy => apis::policy(project, resource, findings),
            Kind::VersionSet => apis::version_set(resource, findings),
            Kind::Backend => backends::check(resource, findings),
            Kind::NamedValue => others::named_value(resource, findings),
            Kind::Product => others::product(resource, findings),
            Kind::Logger => others::logger(resource, findings),
            Kind::Group => others::group(resource, findings),
            Kind::Subscription => others::subscription(project, resource, findings),
            Kind::Diagnostic | Kind::ApiDiagnostic => others::diagnostic(resource, findings),
            _ => {}
        }
    }
    unique::paths(project, findings);
    unique::versions(project, findings);
    unique::display_names(project, findings);
    others::prerequisites(project, texts, findings);
    tier::check(project, texts, findings);
    conventions::check(project, findings);
}

/// Where a finding about `value` is shown, else about the whole resource.
fn place_of(resource: &Resource, value: Option<&Value>) -> Place {
    let span = value.and_then(Value::place).or(resource.place());
    span.map_or(Place::Source, Place::from)
}

/// What messages call a resource.
fn subject(resource: &Resource) -> String {
    let key = &resource.key;
    format!("{} `{}`", key.kind.label(), excerpt(key.name(), 80))
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// Whether `text` is for somebody else to fill in.
fn is_open(text: &str) -> bool {
    text.contains("{{") || text.contains("{#") || text.contains("$(") || text.contains("${")
}

/// Whether `text` is an absolute URL of one of `schemes`; of any where there is none.
fn is_url(text: &str, schemes: &[&str]) -> bool {
    let Some((scheme, rest)) = text.trim().split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let is_known = schemes.is_empty()
        || schemes
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme));
    let authority = rest
        .strip_prefix("//")
        .map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    let is_place = match authority {
        Some(authority) => !authority.is_empty(),
        None => schemes.is_empty() && rest.starts_with('/'),
    };
    is_scheme && is_known && is_place && !text.trim().contains(char::is_whitespace)
}

/// Whether nothing is said.
fn is_nothing(value: Option<&Value>) -> bool {
    match value.map(|value| &value.data) {
        None | Some(Data::Null) => true,
        Some(Data::String(text)) => text.trim().is_empty(),
        Some(Data::Object(entries)) => entries.is_empty(),
        Some(Data::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_url;

    #[test]
    fn urls() {
        for (text, schemes, wanted) in [
            ("https://a.example/x", &["http", "https"][..], true),
            ("not a url", &["http", "https"], false),
            ("ftp://a.example", &["http", "https"], false),
            ("https://", &["https"], false),
            ("https:/a", &["https"], false),
            ("fabric:/app/service", &[], true),
            ("orders.contoso.example", &[], false),
            ("https://a b", &["https"], false),
        ] {
            assert_eq!(is_url(text, schemes), wanted, "{text}");
        }
    }
}
