//! Which layer of an artifact is the source.

use super::Error;
use super::layout::no_artifact;
use crate::diag::{Diagnostic, excerpt};
use crate::rules::first_layer_read;

/// The layer that Flux writes.
const FLUX: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";

/// A layer, and what is to be said about the choice.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) place: usize,
    pub(super) note: Option<Diagnostic>,
}

/// Of layers with the media types `types`: the one of the type `wanted`, as Flux's
/// `layerSelector` has it; else the one that Flux writes; else the first.
pub(super) fn choose(types: &[&str], wanted: Option<&str>) -> Result<Chosen, Error> {
    if let Some(wanted) = wanted {
        return match types.iter().position(|kind| *kind == wanted) {
            Some(place) => Ok(Chosen { place, note: None }),
            None => Err(no_artifact(&format!(
                "no layer is `{}`; there are {}",
                excerpt(wanted, 100),
                listed(types)
            ))),
        };
    }
    if let Some(place) = types.iter().position(|kind| *kind == FLUX) {
        return Ok(Chosen { place, note: None });
    }
    let Some(first) = types.first() else {
        return Err(no_artifact("the manifest has no layer"));
    };
    if !(first.ends_with("tar+gzip") || first.ends_with("tar.gzip")) {
        let among = match types.len() {
            1 => String::new(),
            _ => format!(
                "; there are {}, --layer-type takes one of them",
                listed(types)
            ),
        };
        return Err(no_artifact(&format!(
            "the first layer has the media type `{}`{among}",
            excerpt(first, 100)
        )));
    }
    let several = types.len() > 1;
    Ok(Chosen {
        place: 0,
        note: several.then(|| first_layer_read::found(types.len())),
    })
}

fn listed(types: &[&str]) -> String {
    let shown = types
        .iter()
        .take(5)
        .map(|kind| format!("`{}`", excerpt(kind, 100)));
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAR: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

    #[test]
    fn the_layer_is_that_of_flux_or_the_first_or_the_one_that_is_wanted() {
        for (types, wanted, place, noted) in [
            (&[TAR][..], None, 0, false),
            (&[TAR, FLUX], None, 1, false),
            (&[TAR, TAR], None, 0, true),
            (&["a/b", TAR], Some(TAR), 1, false),
            (
                &["application/vnd.docker.image.rootfs.diff.tar.gzip"],
                None,
                0,
                false,
            ),
        ] {
            let chosen = choose(types, wanted).unwrap();
            assert_eq!(
                (chosen.place, chosen.note.is_some()),
                (place, noted),
                "{types:?}"
            );
        }
        for (types, wanted, said) in [
            (&[][..], None, "no layer"),
            (&["a/b", TAR], None, "--layer-type"),
            (&[TAR], Some("c/d"), "no layer is `c/d`"),
        ] {
            let error = choose(types, wanted).unwrap_err().to_string();
            assert!(error.contains(said), "{types:?}: {error}");
        }
    }
}
