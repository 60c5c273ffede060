//! What some teams ask for and Azure does not: checked where a level or a preset asks.

use super::{is_nothing, place_of, text};
use crate::rules::{
    http_backend, http_endpoint, missing_description, open_product, sample_product,
};
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
            }
            Kind::Backend => say(&http_backend::RULE, backend(resource, "url")),
            Kind::Product => {
                say(&missing_description::RULE, undescribed(resource));
                say(&open_product::RULE, open(resource));
                say(&sample_product::RULE, sample(resource));
            }
            _ => {}
        }
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
