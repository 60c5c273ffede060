//! Flux artifacts in registries.

use super::archive::check_digest;
use super::layer::{self, Chosen};
use super::layout::no_artifact;
use super::{Error, OpenOptions, Opened, over, unpack};
use crate::diag::excerpt;
use crate::edge::oci::{
    Connection, DOCKER_MANIFEST, Descriptor, MANIFEST, Manifest, Place, Remote, Target,
};
use bytes::Bytes;

/// Manifest, its descriptor, and the layer that was chosen.
type Fetched = (Descriptor, Manifest, Bytes, Chosen);

pub(super) fn open(
    reference: &str,
    options: &OpenOptions,
    connection: &Connection,
) -> Result<Opened, Error> {
    let place: Place = reference
        .parse()
        .map_err(|e| Error::Usage(format!("{e}")))?;
    let attempted = format!("read {place}");
    // Whoever calls may have a runtime of its own on this thread.
    let fetched = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let runtime = crate::edge::runtime().map_err(|e| Error::io(&attempted, &e))?;
            runtime.block_on(fetch(&place, options, connection))
        });
        fetching.join()
    });
    let Ok(fetched) = fetched else {
        return Err(Error::io(&attempted, &"reading stopped half-way"));
    };
    let (descriptor, manifest, layer, chosen) = fetched?;
    let trusted = OpenOptions {
        digest: None,
        ..options.clone()
    };
    let mut opened = unpack(&layer, "oci", &trusted)?;
    opened.notes.extend(chosen.note);
    let annotation = |name: &str| manifest.annotations.get(name).cloned();
    opened.origin.digest = Some(descriptor.digest.to_string());
    opened.origin.url = annotation("org.opencontainers.image.source");
    opened.origin.revision = annotation("org.opencontainers.image.revision");
    opened.origin.created = annotation("org.opencontainers.image.created");
    Ok(opened)
}

async fn fetch(
    place: &Place,
    options: &OpenOptions,
    connection: &Connection,
) -> Result<Fetched, Error> {
    let attempted = format!("read {place}");
    let Place::Registry { reference } = place else {
        return Err(Error::Usage(format!("{place} is no registry")));
    };
    let io = |error: crate::edge::oci::Error| Error::io(&attempted, &error);
    let from = Remote::new(reference, connection).map_err(io)?;
    let found = from.resolve(&place.reference()).await.map_err(io)?;
    let descriptor = found.ok_or_else(|| {
        Error::io(
            &attempted,
            &format!("{} has no `{}`", from.name(), place.reference()),
        )
    })?;
    check_digest(descriptor.digest, options.digest)?;
    // Flux reads Docker's manifests, too: its own command wrote them until version 0.39.
    if ![MANIFEST, DOCKER_MANIFEST].contains(&descriptor.media_type.as_str()) {
        return Err(no_artifact(&format!(
            "{place} is `{}`",
            excerpt(&descriptor.media_type, 100)
        )));
    }
    let bytes = from.fetch(&descriptor).await.map_err(io)?;
    let manifest = Manifest::parse(&bytes, &attempted).map_err(io)?;
    let types = manifest
        .layers
        .iter()
        .map(|layer| layer.media_type.as_str());
    let chosen = layer::choose(&types.collect::<Vec<_>>(), options.layer.as_deref())?;
    let Some(layer) = manifest.layers.get(chosen.place) else {
        return Err(no_artifact("the manifest has no layer"));
    };
    let cap = options.limits.max_archive_bytes;
    if layer.size > cap {
        return Err(over(
            "",
            "bytes of the archive",
            layer.size,
            cap,
            "max-archive-bytes",
        ));
    }
    let layer = from.fetch(layer).await.map_err(io)?;
    Ok((descriptor, manifest, layer, chosen))
}
