//! APIs, their releases and version sets.

use super::{is_nothing, is_open, is_url, place_of, subject, text};
use crate::rules::{
    long_api_path, release_of_other_api, version_without_version_set, websocket_policy,
};
use flux_apim_diag::Findings;
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::rules::{invalid_value, missing_property};
use flux_apim_model::{Identified, Resource, parse_id};

fn is_websocket(api: &Resource) -> bool {
    let kind = text(&api.properties, "apiType").or(text(&api.properties, "type"));
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("websocket"))
}

/// Characters that end the path of a URL, or that Azure refuses in it.
const NOT_IN_PATHS: [char; 3] = ['?', '*', '#'];

pub(super) fn check(api: &Resource, findings: &mut Findings) {
    let properties = &api.properties;
    let subject = subject(api);
    if let Some(path) = text(properties, "path").filter(|path| path.contains(NOT_IN_PATHS)) {
        let place = place_of(api, properties.get("path"));
        let problem = "has a character that no path of an API takes: one of ? * #";
        findings.push(invalid_value::text(
            place,
            "properties.path",
            &subject,
            path,
            problem,
            None,
        ));
    }
    let length = text(properties, "path").map_or(0, |path| path.chars().count());
    if length >= long_api_path::BELOW {
        let place = place_of(api, properties.get("path"));
        findings.push(long_api_path::found(place, &api.key, length));
    }
    let version = text(properties, "apiVersion").filter(|version| !version.is_empty());
    if let (Some(version), true) = (version, is_nothing(properties.get("apiVersionSetId")))
        && is_nothing(properties.get("apiVersionSet"))
    {
        let place = place_of(api, properties.get("apiVersion"));
        findings.push(version_without_version_set::found(place, &api.key, version));
    }
    let url = properties.get("serviceUrl");
    if is_websocket(api) {
        websocket(api, &subject, findings);
    } else if let Some(given) = text(properties, "serviceUrl")
        && !given.is_empty()
        && !is_open(given)
        && !is_url(given, &["http", "https", "ws", "wss", "grpc", "grpcs"])
    {
        let problem = "is no absolute URL";
        let finding = invalid_value::text(
            place_of(api, url),
            "properties.serviceUrl",
            &subject,
            given,
            problem,
            None,
        );
        findings.push(
            finding.help("write it with its scheme, for example https://orders.contoso.example"),
        );
    }
}

/// What the API answers is quoted in hashicorp/terraform-provider-azurerm#29624.
fn websocket(api: &Resource, subject: &str, findings: &mut Findings) {
    let properties = &api.properties;
    let url = properties.get("serviceUrl");
    let given = text(properties, "serviceUrl").unwrap_or("");
    if given.trim().is_empty() {
        let at = url.or(properties.get("type")).or(properties.get("apiType"));
        let finding =
            missing_property::found(place_of(api, at), "properties", subject, "serviceUrl");
        findings.push(
            finding.help("a websocket API needs the address of its backend, ws:// or wss://"),
        );
    } else if !is_open(given) && !is_url(given, &["ws", "wss"]) {
        let problem = "is no address of a websocket";
        let finding = invalid_value::text(
            place_of(api, url),
            "properties.serviceUrl",
            subject,
            given,
            problem,
            None,
        );
        findings.push(finding.help("write ws:// or wss://"));
    }
    for (i, protocol) in properties
        .get("protocols")
        .iter()
        .flat_map(|p| p.items())
        .enumerate()
    {
        let Some(word) = protocol.as_str() else {
            continue;
        };
        if !matches!(word.to_ascii_lowercase().as_str(), "ws" | "wss") {
            let problem = "is no protocol of a websocket API";
            let path = format!("properties.protocols[{i}]");
            let finding = invalid_value::text(
                place_of(api, Some(protocol)),
                &path,
                subject,
                word,
                problem,
                None,
            );
            findings.push(finding.help("the protocols are ws and wss"));
        }
    }
}

pub(super) fn policy(project: &Project, policy: &Resource, findings: &mut Findings) {
    let api = policy.key.api().and_then(|key| project.resources.get(&key));
    if api.is_some_and(is_websocket) {
        findings.push(websocket_policy::found(place_of(policy, None), &policy.key));
    }
}

pub(super) fn release(release: &Resource, findings: &mut Findings) {
    let Some(given) = release.properties.get("apiId") else {
        return;
    };
    let Some(Identified::Resource(named)) = given.as_str().map(parse_id) else {
        return;
    };
    let own = release.key.current_revision();
    if named.kind == Kind::Api
        && named.current_revision().map(|api| api.names) != own.map(|api| api.names)
    {
        let place = place_of(release, Some(given));
        findings.push(release_of_other_api::found(
            place,
            &release.key,
            named.name(),
        ));
    }
}

/// "versionQueryName" and "versionHeaderName" are required by their scheme (REST, API
/// version set).
pub(super) fn version_set(set: &Resource, findings: &mut Findings) {
    let properties = &set.properties;
    let scheme = text(properties, "versioningScheme")
        .unwrap_or("")
        .to_ascii_lowercase();
    let needed = match scheme.as_str() {
        "header" => "versionHeaderName",
        "query" => "versionQueryName",
        _ => return,
    };
    if is_nothing(properties.get(needed)) {
        let at = properties
            .get(needed)
            .or(properties.get("versioningScheme"));
        let finding =
            missing_property::found(place_of(set, at), "properties", &subject(set), needed);
        findings.push(finding.help(format!("the scheme {scheme} needs `{needed}`")));
    }
}
