//! Brings properties to what Azure takes: what only it sets goes, what it answers in two
//! forms is written in one, what stands for a secret elsewhere is not written at all.

use crate::rules::{
    read_only_property, two_authentication_settings, value_beside_key_vault,
    value_replaced_by_key_vault,
};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Place, Span, excerpt};
use flux_apim_model::kinds::Kind;
use flux_apim_model::rules::invalid_value;
use flux_apim_model::{Key, Resource};
use flux_apim_syntax::{Data, Value};

pub(super) fn bring(resource: &mut Resource, environment: Option<FileId>, findings: &mut Findings) {
    let place = resource.place().map_or(Place::Source, Place::from);
    read_only(resource, &place, findings);
    match resource.key.kind {
        Kind::NamedValue => key_vault(resource, environment, &place, findings),
        Kind::Api => {
            api_type(&mut resource.properties);
            let Resource {
                key, properties, ..
            } = resource;
            if let Some(settings) = properties.get_mut("authenticationSettings") {
                let pairs = [
                    ("oAuth2", "oAuth2AuthenticationSettings"),
                    ("openid", "openidAuthenticationSettings"),
                ];
                for (one, list) in pairs {
                    authentication(key, settings, one, list, &place, findings);
                }
            }
        }
        Kind::Diagnostic | Kind::ApiDiagnostic
            if resource.key.name().eq_ignore_ascii_case("local") =>
        {
            // Azure refuses one, target `loggerId` (hashicorp/terraform-provider-azurerm#29068).
            let logger = resource.properties.entry("loggerId");
            if let Some(entry) = logger.filter(|entry| entry.value.data != Data::Null) {
                let at = entry.value.place().or(entry.key_span);
                let subject = format!("{} `local`", resource.key.kind.label());
                let place = at.map_or(place, Place::from);
                findings.push(invalid_value::logger_of_local(place, &subject));
            }
        }
        _ => {}
    }
}

/// Removes what a GET shows and a PUT does not take.
fn read_only(resource: &mut Resource, place: &Place, findings: &mut Findings) {
    let (mut removed, mut first) = (Vec::new(), None);
    for &path in resource.key.kind.row().read_only {
        let (holder, name) = match path.split_once('.') {
            None => (Some(&mut resource.properties), path),
            Some((holder, name)) => (resource.properties.get_mut(holder), name),
        };
        let Some(holder) = holder else { continue };
        let span = holder.entry(name).and_then(|entry| entry.key_span);
        if let Some(value) = holder.remove(name) {
            // Trees that were extracted keep them as null.
            if value.data != Data::Null {
                removed.push(path);
                first = first.or(span);
            }
        }
    }
    if !removed.is_empty() {
        let place = first.map_or(place.clone(), Place::from);
        findings.push(read_only_property::found(place, &resource.key, &removed));
    }
}

/// "Both together cause indefinite provisioning or rejection" (Azure/apiops-cli).
fn key_vault(
    resource: &mut Resource,
    environment: Option<FileId>,
    place: &Place,
    findings: &mut Findings,
) {
    let key = &resource.key;
    let properties = &mut resource.properties;
    let vault = properties.get("keyVault").map(Value::place);
    let Some(vault) = vault else { return };
    let Some(entry) = properties.entry("value") else {
        return;
    };
    let value = entry.value.place().or(entry.key_span);
    let is_empty = match &entry.value.data {
        Data::Null => true,
        Data::String(text) => text.is_empty(),
        _ => false,
    };
    properties.remove("value");
    if is_empty {
        return;
    }
    let file = |span: Option<Span>| span.map(|span| span.file);
    let at = value.map_or(place.clone(), Place::from);
    // The environment decides for a reference.
    let is_replaced =
        file(vault).is_some() && file(vault) == environment && file(value) != environment;
    findings.push(match is_replaced {
        true => value_replaced_by_key_vault::found(vault.map_or(at, Place::from), key),
        false => value_beside_key_vault::found(at, key),
    });
}

/// A PUT takes `apiType`; an answer shows `type`. For APIs that are not HTTP both are
/// written, as the official examples have one or the other.
fn api_type(properties: &mut Value) {
    for name in ["type", "apiType"] {
        let is_empty = |value: &Value| value.as_str() == Some("");
        if properties.get(name).is_some_and(is_empty) {
            properties.remove(name);
        }
    }
    let text = |name: &str| {
        properties
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let (given, other) = match (text("type"), text("apiType")) {
        (Some(kind), None) => (kind, "apiType"),
        (None, Some(kind)) => (kind, "type"),
        _ => return,
    };
    if !given.eq_ignore_ascii_case("http") {
        let span = properties.get(match other {
            "type" => "apiType",
            _ => "type",
        });
        let mut value = Value::from(given.as_str());
        value.span = span.and_then(|value| value.span);
        properties.set(other, value);
    }
}

/// Keeps one form of the settings that Azure answers in two.
fn authentication(
    key: &Key,
    settings: &mut Value,
    one: &str,
    list: &str,
    place: &Place,
    findings: &mut Findings,
) {
    let is_nothing = |value: &Value| match &value.data {
        Data::Null => true,
        Data::Array(items) => items.is_empty(),
        Data::Object(entries) => entries.iter().all(|entry| entry.value.data == Data::Null),
        _ => false,
    };
    let others = |value: &Value| !is_nothing(value);
    let single = settings.get(one).filter(|value| others(value)).cloned();
    let many = settings.get(list).filter(|value| others(value)).cloned();
    let (Some(single), Some(many)) = (&single, &many) else {
        // An empty form says nothing.
        for (name, found) in [(one, &single), (list, &many)] {
            if found.is_none() && (single.is_some() || many.is_some()) {
                settings.remove(name);
            }
        }
        return;
    };
    let text = |value: &Value| {
        let mut value = value.clone();
        if let Data::Object(entries) = &mut value.data {
            entries.retain(|entry| !is_nothing(&entry.value));
        }
        let mut text = String::new();
        value.write_canonical(&mut text);
        text
    };
    let items: Vec<String> = many.items().iter().map(text).collect();
    let wanted = text(single);
    if items == [wanted.clone()] {
        settings.remove(list);
        return;
    }
    let difference = format!(
        "{} against {}",
        excerpt(&wanted, 120),
        excerpt(&items.join(", "), 120)
    );
    let place = many.place().map_or(place.clone(), Place::from);
    let finding = two_authentication_settings::found(place, key.name(), one, list, &difference);
    findings.push(finding);
}
