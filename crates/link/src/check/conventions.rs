//! What some teams ask for and Azure does not: checked where a level or a preset asks.

use super::{is_nothing, place_of, text};
use crate::rules::{
    api_without_policy, http_backend, http_endpoint, missing_description, name_style, open_product,
    path_style, plain_named_value, product_without_terms, sample_product,
};
use crate::secret::is_secret;
use flux_apim_diag::{Diagnostic, Findings, Place, Rule};
use flux_apim_discover::Project;
use flux_apim_model::Resource;
use flux_apim_model::kinds::Kind;
use flux_apim_syntax::Value;

/// Products that a new service has.
const SAMPLES: [&str; 2] = ["starter", "unlimited"];

pub(super) fn check(project: &Project, findings: &mut Findings) {
    let asked = &project.config.levels_asked;
    if asked.is_empty() {
        return;
    }
    let meter = findings.budget().meter();
    for resource in project.resources.values().filter(|r| !r.unreadable) {
        meter.spend(super::STEPS, place_of(resource, None));
        let mut say = |rule: &'static Rule, found: Option<Diagnostic>| {
            findings.extend(found.filter(|_| asked.contains(&rule.code)));
        };
        match resource.key.kind {
            Kind::Api => {
                say(&http_endpoint::RULE, endpoint(resource));
                say(&http_backend::RULE, backend(resource, "serviceUrl"));
                say(&missing_description::RULE, undescribed(resource));
                say(&path_style::RULE, path(resource));
                say(&api_without_policy::RULE, without_policy(project, resource));
            }
            Kind::NamedValue => say(&plain_named_value::RULE, plain(resource)),
            Kind::Backend => say(&http_backend::RULE, backend(resource, "url")),
            Kind::Product => {
                say(&missing_description::RULE, undescribed(resource));
                say(&open_product::RULE, open(resource));
                say(&sample_product::RULE, sample(resource));
                say(&product_without_terms::RULE, without_terms(resource));
            }
            _ => {}
        }
        say(&name_style::RULE, named(resource));
    }
}

fn endpoint(api: &Resource) -> Option<Diagnostic> {
    let protocols = api.properties.get("protocols")?.items().iter();
    let is_http = |protocol: &&Value| {
        let word = protocol.as_str();
        word.is_some_and(|word| word.eq_ignore_ascii_case("http"))
    };
    let http = protocols.into_iter().find(is_http)?;
    Some(http_endpoint::found(place_of(api, Some(http)), &api.key))
}

fn backend(resource: &Resource, property: &str) -> Option<Diagnostic> {
    let url = text(&resource.properties, property)?;
    let is_http = url
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("http://"));
    let place = || place_of(resource, resource.properties.get(property));
    is_http.then(|| http_backend::found(place(), &resource.key, property, url))
}

fn undescribed(resource: &Resource) -> Option<Diagnostic> {
    // A definition may bring that of an API.
    let is_brought = resource.key.kind == Kind::Api && resource.definition.is_some();
    let description = resource.properties.get("description");
    (is_nothing(description) && !is_brought)
        .then(|| missing_description::found(place_of(resource, description), &resource.key))
}

fn open(product: &Resource) -> Option<Diagnostic> {
    let said = |name: &str| product.properties.get(name).and_then(Value::as_bool);
    let place = |name: &str| -> Place { place_of(product, product.properties.get(name)) };
    if said("subscriptionRequired") == Some(false) {
        let name = "subscriptionRequired";
        return Some(open_product::found(place(name), &product.key, name));
    }
    (said("approvalRequired") != Some(true)).then(|| {
        let name = "approvalRequired";
        open_product::found(place(name), &product.key, name)
    })
}

fn sample(product: &Resource) -> Option<Diagnostic> {
    let name = product.key.name();
    let is_sample = SAMPLES.iter().any(|known| known.eq_ignore_ascii_case(name));
    is_sample.then(|| sample_product::found(place_of(product, None), &product.key))
}

fn without_terms(product: &Resource) -> Option<Diagnostic> {
    let terms = product.properties.get("terms");
    is_nothing(terms).then(|| product_without_terms::found(place_of(product, terms), &product.key))
}

fn plain(named_value: &Resource) -> Option<Diagnostic> {
    let properties = &named_value.properties;
    let is_kept = is_secret(properties) || !is_nothing(properties.get("keyVault"));
    let place = || place_of(named_value, properties.get("value"));
    (!is_kept).then(|| plain_named_value::found(place(), &named_value.key))
}

fn without_policy(project: &Project, api: &Resource) -> Option<Diagnostic> {
    let policy = api.key.sibling(Kind::ApiPolicy, &[api.key.name()]);
    (!project.resources.contains_key(&policy))
        .then(|| api_without_policy::found(place_of(api, None), &api.key))
}

fn path(api: &Resource) -> Option<Diagnostic> {
    let path = api.properties.get("path");
    let text = path.and_then(Value::as_str)?;
    let mut segments = text.split('/').filter(|segment| !segment.is_empty());
    let is_open = |segment: &str| segment.starts_with('{');
    segments
        .any(|segment| !is_open(segment) && !is_kebab(segment))
        .then(|| path_style::found(place_of(api, path), &api.key, text))
}

/// Kinds whose names people choose.
const NAMED: [Kind; 9] = [
    Kind::Api,
    Kind::Product,
    Kind::Backend,
    Kind::Logger,
    Kind::Tag,
    Kind::Group,
    Kind::PolicyFragment,
    Kind::NamedValue,
    Kind::VersionSet,
];

fn named(resource: &Resource) -> Option<Diagnostic> {
    let key = &resource.key;
    let name = key.name().split(";rev=").next().unwrap_or("");
    (NAMED.contains(&key.kind) && !is_kebab(name))
        .then(|| name_style::found(place_of(resource, None), key))
}

/// Whether `text` is small letters and digits, with single hyphens between.
fn is_kebab(text: &str) -> bool {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.split('-').all(is_word)
}
