//! What there is: the artifact, what is said about it, what is in it.

use super::signatures::{payload_tag, predicate_type};
use super::{Error, Found, read};
use crate::edge::oci::{Descriptor, Manifest, Target};
use crate::tree::Limits;
use serde_json::{Value as Json, json};

/// An artifact with everything around it.
#[derive(Debug)]
pub struct Inspected {
    /// As it was asked for.
    pub reference: String,
    /// The bundle that the reference names.
    pub found: Found,
    /// Manifests that say something about it.
    pub referrers: Vec<Descriptor>,
    /// The manifest under the tag of signed payloads, and how many it has.
    pub payloads: Option<(Descriptor, usize)>,
}

/// Reads the bundle, its referrers and its signatures. Nothing is said about
/// who signed: that is for `verify`.
///
/// # Errors
/// When there is no whole bundle.
pub async fn inspect(
    from: &dyn Target,
    reference: &str,
    limits: &Limits,
) -> Result<Inspected, Error> {
    let found = read(from, reference, limits).await?;
    let referrers = from.referrers(&found.descriptor).await?;
    let tag = payload_tag(&found.descriptor.digest);
    let payloads = match from.resolve(&tag).await? {
        Some(there) => {
            let attempted = format!("read {tag} of {}", from.name());
            let manifest = Manifest::parse(&from.fetch(&there).await?, &attempted)?;
            Some((there, manifest.layers.len()))
        }
        None => None,
    };
    Ok(Inspected {
        reference: reference.to_owned(),
        found,
        referrers,
        payloads,
    })
}

impl Inspected {
    /// The answer of `inspect --format json`, version 1.
    pub fn to_json(&self) -> Json {
        let Found {
            descriptor,
            manifest,
            inventory,
            ..
        } = &self.found;
        let named = |what: &Descriptor| {
            json!({
                "media_type": what.media_type, "digest": what.digest.to_string(), "size": what.size,
            })
        };
        let mut referrers: Vec<&Descriptor> = self.referrers.iter().collect();
        referrers.sort_by_key(|referrer| (predicate_type(&referrer.annotations), referrer.digest));
        let referrers: Vec<Json> = referrers
            .into_iter()
            .map(|referrer| {
                json!({
                    "digest": referrer.digest.to_string(),
                    "size": referrer.size,
                    "artifact_type": referrer.artifact_type,
                    "predicate_type": predicate_type(&referrer.annotations),
                })
            })
            .collect();
        json!({
            "version": 1,
            "reference": self.reference,
            "media_type": descriptor.media_type,
            "digest": descriptor.digest.to_string(),
            "size": descriptor.size,
            "annotations": manifest.annotations,
            "config": manifest.config.as_ref().map(named),
            "layers": manifest.layers.iter().map(named).collect::<Vec<_>>(),
            "payloads": self.payloads.as_ref().map(|(there, count)| {
                json!({"digest": there.digest.to_string(), "signatures": count})
            }),
            "referrers": referrers,
            "inventory": inventory,
        })
    }
}
