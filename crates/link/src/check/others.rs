//! Named values, products, loggers, groups, subscriptions, diagnostics, and what must be
//! on the service already.

use super::{is_nothing, is_open, is_url, place_of, subject, text};
use crate::rules::{
    contradicting_product, external_group_without_id, missing_reference, nested_named_value,
    owner_of_another_service,
};
use crate::secret::is_secret;
use flux_apim_compile::Texts;
use flux_apim_diag::{Findings, Place, excerpt};
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::rules::{invalid_name, invalid_value, missing_property};
use flux_apim_model::{Key, Resource, below_service};
use flux_apim_policy::ReferenceKind;
use flux_apim_syntax::Value;
use std::collections::BTreeSet;

pub(super) fn named_value(resource: &Resource, findings: &mut Findings) {
    let properties = &resource.properties;
    let subject = subject(resource);
    if let Some(vault) = properties.get("keyVault") {
        let id = vault.get("secretIdentifier");
        let given = id.and_then(Value::as_str).unwrap_or("");
        if !given.is_empty() && !is_open(given) && !is_url(given, &["https"]) {
            let path = "properties.keyVault.secretIdentifier";
            let problem = "is no URL of a Key Vault secret";
            let place = place_of(resource, id);
            let finding = invalid_value::text(place, path, &subject, given, problem, None);
            findings.push(finding.help("write it as https://VAULT.vault.azure.net/secrets/NAME"));
        }
        return;
    }
    let value = properties.get("value");
    if let Some(asked) = value.and_then(Value::as_str).and_then(asked) {
        let place = place_of(resource, value);
        findings.push(nested_named_value::found(place, &resource.key, asked));
    }
    match value.and_then(Value::as_str) {
        Some(given) if !given.is_empty() && given.trim().is_empty() => {
            let problem = "is blank";
            let place = place_of(resource, value);
            findings.push(invalid_value::text(
                place,
                "properties.value",
                &subject,
                given,
                problem,
                None,
            ));
        }
        // A secret without a value is on the service already.
        None | Some("") if !is_secret(properties) => {
            let finding =
                missing_property::found(place_of(resource, value), "properties", &subject, "value");
            findings.push(finding.help("give it a value, or a Key Vault reference"));
        }
        _ => {}
    }
}

/// The first named value that `text` asks for.
fn asked(text: &str) -> Option<&str> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let mut parts = text.split("{{").skip(1);
    parts.find_map(|part| {
        let (name, _) = part.split_once("}}")?;
        (!name.is_empty() && name.chars().all(of_name)).then_some(name)
    })
}

pub(super) fn product(product: &Resource, findings: &mut Findings) {
    let properties = &product.properties;
    if properties
        .get("subscriptionRequired")
        .and_then(Value::as_bool)
        != Some(false)
    {
        return;
    }
    let approval = properties.get("approvalRequired");
    let limit = properties.get("subscriptionsLimit");
    let asked = [
        (
            "approvalRequired",
            approval.filter(|value| value.as_bool() == Some(true)),
        ),
        (
            "subscriptionsLimit",
            limit.filter(|value| !is_nothing(Some(value))),
        ),
    ];
    for (name, value) in asked {
        if let Some(value) = value {
            let place = place_of(product, Some(value));
            findings.push(contradicting_product::found(place, &product.key, name));
        }
    }
}

pub(super) fn logger(logger: &Resource, findings: &mut Findings) {
    let properties = &logger.properties;
    let kind = text(properties, "loggerType").unwrap_or("");
    let credentials = properties.get("credentials");
    if kind.eq_ignore_ascii_case("azureEventHub") && is_nothing(credentials) {
        let at = credentials.or(properties.get("loggerType"));
        let finding = missing_property::found(
            place_of(logger, at),
            "properties",
            &subject(logger),
            "credentials",
        );
        findings.push(finding.help(
            "an event hub needs its `name` and a connection string or an endpoint with an identity",
        ));
    }
}

pub(super) fn group(group: &Resource, findings: &mut Findings) {
    let properties = &group.properties;
    let is_external =
        text(properties, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("external"));
    let id = properties.get("externalId");
    if is_external && is_nothing(id) {
        let at = id.or(properties.get("type"));
        findings.push(external_group_without_id::found(
            place_of(group, at),
            &group.key,
        ));
    }
}

pub(super) fn subscription(project: &Project, subscription: &Resource, findings: &mut Findings) {
    let owner = subscription.properties.get("ownerId");
    let Some(given) = owner
        .and_then(Value::as_str)
        .filter(|given| !given.is_empty())
    else {
        return;
    };
    let short = below_service(given).unwrap_or_else(|| given.to_owned());
    let user = short.rsplit('/').next().unwrap_or("");
    if user != "1" && !is_open(given) {
        let place = place_of(subscription, owner);
        let id = format!("users/{user}");
        findings.need_external("user", user, &id, &place);
        let config = &project.config;
        let mut listed = config.external.iter();
        if listed.any(|listed| listed.trim_start_matches('/').eq_ignore_ascii_case(&id)) {
            return;
        }
        findings.push(owner_of_another_service::found(
            place,
            &subscription.key,
            user,
            config.strict,
        ));
    }
}

/// The diagnostics that API Management has.
const DIAGNOSTICS: [&str; 3] = ["applicationinsights", "azuremonitor", "local"];

pub(super) fn diagnostic(diagnostic: &Resource, findings: &mut Findings) {
    let name = diagnostic.key.name();
    if !DIAGNOSTICS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        let problem = format!("is none of {}", DIAGNOSTICS.join(", "));
        let place = place_of(diagnostic, None);
        findings.push(invalid_name::found(place, &diagnostic.key, &problem));
    }
}

/// Authorization servers, OpenID providers, certificates and credential providers: trees do
/// not hold them, so that they must be on the service.
pub(super) fn prerequisites(project: &Project, texts: &Texts, findings: &mut Findings) {
    let external = project.config.external.iter();
    let mut said: BTreeSet<String> = external
        .map(|id| id.trim_start_matches('/').to_ascii_lowercase())
        .collect();
    let mut say = |findings: &mut Findings, id: String, what: &str, name: &str, place: Place| {
        findings.need_external(what, name, &id, &place);
        if !said.insert(id.to_ascii_lowercase()) {
            return;
        }
        let what = format!("the {what} `{}` is not in the tree", excerpt(name, 80));
        findings.push(missing_reference::required(
            place,
            &what,
            &excerpt(&id, 200),
            project.config.strict,
        ));
    };
    for resource in project.resources.values() {
        // An extraction may leave out the file of a workspace; what lies in it is published.
        if let Some(name) = &resource.key.workspace
            && !project
                .resources
                .contains_key(&Key::new(None, Kind::Workspace, &[name]))
        {
            let place = place_of(resource, None);
            let id = format!("workspaces/{name}");
            say(findings, id, "workspace", name, place);
        }
        if resource.key.kind == Kind::Api {
            let settings = resource.properties.get("authenticationSettings");
            for (one, list, id, collection, what) in [
                (
                    "oAuth2",
                    "oAuth2AuthenticationSettings",
                    "authorizationServerId",
                    "authorizationServers",
                    "authorization server",
                ),
                (
                    "openid",
                    "openidAuthenticationSettings",
                    "openidProviderId",
                    "openidConnectProviders",
                    "OpenID Connect provider",
                ),
            ] {
                let single = settings.and_then(|settings| settings.get(one));
                let many = settings.and_then(|settings| settings.get(list));
                for used in single
                    .into_iter()
                    .chain(many.iter().flat_map(|many| many.items()))
                {
                    let named = used.get(id);
                    if let Some(name) = named
                        .and_then(Value::as_str)
                        .filter(|name| !name.is_empty())
                    {
                        let short = name.rsplit('/').next().unwrap_or(name);
                        let id = format!("{collection}/{short}");
                        say(findings, id, what, short, place_of(resource, named));
                    }
                }
            }
        }
        let policy = texts.policies.get(&resource.key);
        for reference in policy.iter().flat_map(|policy| &policy.references) {
            let (what, place) = (reference.kind.label(), Place::from(reference.span));
            let collection = match reference.kind {
                ReferenceKind::Certificate => "certificates",
                ReferenceKind::AuthorizationProvider => "authorizationProviders",
                ReferenceKind::Thumbprint | ReferenceKind::Identity => {
                    findings.need(what, reference.shown(), &place);
                    continue;
                }
                _ => continue,
            };
            let id = format!("{collection}/{}", reference.name);
            say(findings, id, what, &reference.name, place);
        }
    }
}
