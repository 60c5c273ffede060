//! `inspect`: the artifact, what is said about it, what is in it.

use super::options::{LimitFlags, ResultFormat};
use super::registry::{Named, RegistryArgs, named};
use super::{Done, print};
use crate::edge::publish::{self, Destination, Inspected};
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Flags of `inspect`.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// oci://REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST] or oci-layout:DIR[:TAG].
    #[arg(value_name = "REF", value_parser = named)]
    from: Named,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

pub(super) fn inspect(arguments: &Inspect) -> anyhow::Result<Done> {
    let place = arguments.from.place()?;
    let from = Destination::target(place, &arguments.registry.connection()?)?;
    let limits = arguments.limits.limits()?;
    let reference = place.reference();
    let reading = publish::inspect(&*from, &reference, &limits);
    let mut found = crate::edge::runtime()?.block_on(reading)?;
    found.reference = place.to_string();
    if found.found.is_dirty() {
        tracing::warn!("{place} was made of a tree with changes that no commit has");
    }
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", found.to_json()))?,
        ResultFormat::Human => print(&shown(&found))?,
    }
    Ok(Done::Well)
}

fn shown(inspected: &Inspected) -> String {
    let found = &inspected.found;
    let mut text = format!("{}\n", inspected.reference);
    let mut line = |depth: usize, what: &str, value: &str| {
        let _ = writeln!(text, "{}{what:<12}{value}", "  ".repeat(depth));
    };
    line(0, "manifest", &found.descriptor.digest.to_string());
    for (key, value) in &found.manifest.annotations {
        let value = crate::diag::excerpt(value, 200);
        line(1, &format!("{} ", crate::diag::excerpt(key, 100)), &value);
    }
    for layer in &found.manifest.layers {
        line(
            1,
            "layer",
            &format!("{}, {} bytes", layer.digest, layer.size),
        );
    }
    if let Some((there, count)) = &inspected.payloads {
        line(
            1,
            "payloads",
            &format!("{}, {count} signatures", there.digest),
        );
    }
    let predicates = inspected.to_json();
    for referrer in predicates["referrers"].as_array().into_iter().flatten() {
        let kind = referrer["predicate_type"].as_str();
        let kind = kind.or(referrer["artifact_type"].as_str()).unwrap_or("");
        let kind = crate::diag::excerpt(kind, 100);
        line(
            1,
            "referrer",
            &format!("{}, {kind}", referrer["digest"].as_str().unwrap_or("")),
        );
    }
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let resources = found.inventory["resources"].as_array();
    for resource in resources.into_iter().flatten() {
        let kind = resource["type"].as_str().unwrap_or("");
        let short = kind.strip_prefix("Microsoft.ApiManagement/service/");
        *kinds.entry(short.unwrap_or(kind)).or_default() += 1;
    }
    line(0, "inventory", &format!("{} files", found.tree.len()));
    for (kind, count) in kinds {
        line(1, &count.to_string(), &crate::diag::excerpt(kind, 100));
    }
    text
}
