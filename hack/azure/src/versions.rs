//! Which api-versions there are, and which of them has an operation.

use crate::answer::Refusal;
use crate::behaviours::Row;
use crate::request::Request;
use crate::table::Operation;
use crate::world::World;

/// Versions of API Management's types. Source: folders of the published ARM schemas.
pub const API_VERSIONS: [&str; 13] = [
    "2025-09-01-preview",
    "2025-03-01-preview",
    "2024-10-01-preview",
    "2024-06-01-preview",
    "2024-05-01",
    "2023-09-01-preview",
    "2023-05-01-preview",
    "2023-03-01-preview",
    "2022-09-01-preview",
    "2022-08-01",
    "2022-04-01-preview",
    "2021-12-01-preview",
    "2021-08-01",
];

/// Whether a request says an api-version that its type has.
///
/// # Errors
/// 400 with Azure's code.
pub fn check(world: &World, request: &Request) -> Result<(), Refusal> {
    let version = request.asks("api-version").unwrap_or_default();
    if version.is_empty() {
        return match world.on(Row::ApiVersionRequired) {
            true => Err(Refusal::new(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )),
            false => Ok(()),
        };
    }
    if !world.on(Row::ApiVersionKnown) {
        return Ok(());
    }
    let apim = request
        .path
        .iter()
        .any(|segment| segment.eq_ignore_ascii_case("Microsoft.ApiManagement"))
        && request.path.len() > 6;
    if apim
        && !request
            .path
            .iter()
            .any(|s| s.eq_ignore_ascii_case("Microsoft.Authorization"))
    {
        let known = API_VERSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(version));
        return match known {
            true => Ok(()),
            false => Err(unregistered(version, "service", &API_VERSIONS)),
        };
    }
    let date = version.get(..10).unwrap_or_default();
    let digits = date.split('-').map(str::len).collect::<Vec<_>>() == [4, 2, 2]
        && date.chars().all(|c| c == '-' || c.is_ascii_digit());
    match digits {
        true => Ok(()),
        false => Err(Refusal::new(
            400,
            "InvalidApiVersionParameter",
            format!("The api-version '{version}' is invalid. The supported versions are dates."),
        )),
    }
}

/// Whether the api-version of a request has the operation.
///
/// # Errors
/// 400 NoRegisteredProviderFound with the api-versions that have it.
pub fn has(world: &World, request: &Request, operation: &Operation) -> Result<(), Refusal> {
    let version = request.asks("api-version").unwrap_or_default();
    let lacks = |version: &str| {
        world
            .table
            .older(version)
            .is_some_and(|older| older.lacks(operation))
    };
    if !lacks(version) || !world.on(Row::ApiVersionKnown) {
        return Ok(());
    }
    let has: Vec<&str> = API_VERSIONS
        .iter()
        .copied()
        .filter(|version| !lacks(version))
        .collect();
    let types: Vec<&str> = request
        .path
        .iter()
        .skip(6)
        .step_by(2)
        .map(String::as_str)
        .collect();
    Err(unregistered(version, &types.join("/"), &has))
}

/// The sentence of Azure/deployment-stacks#159.
fn unregistered(version: &str, kind: &str, known: &[&str]) -> Refusal {
    Refusal::new(
        400,
        "NoRegisteredProviderFound",
        format!(
            "No registered resource provider found for location 'westeurope' and API version '{version}' for type '{kind}'. The supported api-versions are '{}'. The supported locations are 'westeurope'.",
            known.join(", ")
        ),
    )
}
