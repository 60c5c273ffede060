//! Ids and scopes: <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource>,
//! `-scope`, `-deployment`.
//!
//! `providers`, `roleDefinitions` and the zone functions that need a subscription's data are
//! not here: a template that uses them fails as with any unknown function, and the README
//! says so.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Call, Fault, Item, at, own};
use crate::id::{interleave, under};

/// `[subscriptionId], [resourceGroupName], resourceType, names…`: what stands before the
/// type, the type, the names.
fn parts<'a>(
    call: &Call<'_>,
    arguments: &'a [Item<'_>],
    most_before: usize,
) -> Result<(Vec<&'a str>, &'a str, Vec<&'a str>), Fault> {
    let texts: Vec<&str> = arguments
        .iter()
        .map(|argument| argument.as_str())
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Fault::Value(format!(
                "Unable to evaluate template language function '{name}'. All function arguments should be string literals. Please see https://aka.ms/arm-resource-functions/#{anchor} for usage details.",
                name = call.name,
                anchor = call.name.to_ascii_lowercase(),
            ))
        })?;
    let place = texts
        .iter()
        .take(most_before + 1)
        .position(|text| text.contains('/'))
        .ok_or_else(|| {
            Fault::Value(format!(
                "Unable to evaluate template language function '{name}': the first {} argument(s) must contain a fully qualified resource type such as 'Microsoft.Compute/virtualMachines'. Please see https://aka.ms/arm-resource-functions/#{anchor} for usage details.",
                most_before + 1,
                name = call.name,
                anchor = call.name.to_ascii_lowercase(),
            ))
        })?;
    let (before, rest) = texts.split_at(place);
    let (kind, names) = rest
        .split_first()
        .map_or(("", &[][..]), |(kind, names)| (*kind, names));
    Ok((before.to_vec(), kind, names.to_vec()))
}

/// `type/name` pairs below `scope`. The sentence is that of microsoft/vscode-azurearmtools'
/// tests and of reports.
fn joined<'e>(call: &Call<'_>, scope: &str, kind: &str, names: &[&str]) -> Result<Item<'e>, Fault> {
    let wanted = kind.trim_matches('/').split('/').count() - 1;
    if names.len() != wanted {
        return Err(Fault::Value(format!(
            "Unable to evaluate template language function '{name}': the type '{kind}' requires '{wanted}' resource name argument(s). Please see https://aka.ms/arm-resource-functions/#{anchor} for usage details.",
            name = call.name,
            anchor = call.name.to_ascii_lowercase(),
        )));
    }
    call.text(under(
        scope,
        &interleave(kind.trim_matches('/'), names.iter().copied()),
    ))
}

pub(super) fn resource_id<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let (before, kind, names) = parts(call, &arguments, 2)?;
    let place = call.names.place();
    let scope = match (before.as_slice(), place.subscription()) {
        ([], _) => place.id(),
        (&[group], Some(subscription)) | (&[subscription, group], _) => {
            format!("/subscriptions/{subscription}/resourceGroups/{group}")
        }
        _ => return Err(call.refuses("cannot be evaluated at the scope of this deployment.")),
    };
    joined(call, &scope, kind, &names)
}

pub(super) fn subscription_resource_id<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let (before, kind, names) = parts(call, &arguments, 1)?;
    let subscription = match (before.first(), call.names.place().subscription()) {
        (Some(given), _) => (*given).to_owned(),
        (None, Some(own)) => own.to_owned(),
        (None, None) => {
            return Err(call.refuses("cannot be evaluated at the scope of this deployment."));
        }
    };
    joined(
        call,
        &format!("/subscriptions/{subscription}"),
        kind,
        &names,
    )
}

pub(super) fn tenant_resource_id<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let (_, kind, names) = parts(call, &arguments, 0)?;
    joined(call, "", kind, &names)
}

pub(super) fn management_group_resource_id<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let (before, kind, names) = parts(call, &arguments, 1)?;
    let group = before
        .first()
        .map(|group| (*group).to_owned())
        .or_else(|| call.names.place().management_group().map(str::to_owned))
        .ok_or_else(|| call.refuses("cannot be evaluated at the scope of this deployment."))?;
    joined(
        call,
        &format!("/providers/Microsoft.Management/managementGroups/{group}"),
        kind,
        &names,
    )
}

pub(super) fn extension_resource_id<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let base = at(&arguments, 0);
    let Value::String(base) = base else {
        return Err(call.expects("its first parameter to be a string", &[base]));
    };
    let (_, kind, names) = parts(call, arguments.get(1..).unwrap_or_default(), 0)?;
    joined(call, base.trim_end_matches('/'), kind, &names)
}

/// A constant of the deployment, where it has one at its scope.
fn constant<'e>(call: &Call<'e>, value: Option<&'e Value>) -> Result<Item<'e>, Fault> {
    value.map(Cow::Borrowed).ok_or_else(|| {
        Fault::Value(format!(
            "The template function '{}' is not expected at this location. {}",
            call.name,
            crate::error::FUNCTIONS
        ))
    })
}

pub(super) fn resource_group<'e>(call: &Call<'e>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    constant(call, call.names.resource_group())
}

pub(super) fn subscription<'e>(call: &Call<'e>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    constant(call, call.names.subscription())
}

pub(super) fn management_group<'e>(call: &Call<'e>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    match call.names.place().management_group() {
        Some(name) => own(json!({
            "id": format!("/providers/Microsoft.Management/managementGroups/{name}"),
            "name": name,
            "type": "/providers/Microsoft.Management/managementGroups",
        })),
        None => constant(call, None),
    }
}

pub(super) fn tenant<'e>(call: &Call<'e>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    constant(call, Some(call.names.tenant()))
}

pub(super) fn deployment<'e>(call: &Call<'e>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    constant(call, Some(call.names.deployment()))
}

pub(super) fn deployer<'e>(call: &Call<'e>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    constant(call, Some(call.names.deployer()))
}

pub(super) fn environment<'e>(call: &Call<'e>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    constant(call, Some(call.names.environment()))
}

/// Zones are data of regions, which nothing here has: the documented answer for a type or
/// region without zones.
pub(super) fn pick_zones<'e>(_: &Call<'_>, _: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    own(Vec::<Value>::new())
}
