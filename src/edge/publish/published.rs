//! When a bundle was published: by the log that its signature stands in, or by others who
//! saw it. A bundle itself has no such time, since the same source makes the same bytes.

use super::Error;
use super::signatures::bundles_of;
use crate::edge::oci::{Descriptor, Target};
use crate::tree::Digest;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Times that somebody else knows, of RFC 3339 in UTC, by digest of a manifest or layer.
#[derive(Debug, Clone, Default)]
pub struct Times(BTreeMap<Digest, String>);

impl Times {
    /// Adds the `time` at which somebody published the bundle whose manifest or layer has this
    /// digest. The first counts.
    pub fn add(&mut self, digest: Digest, time: &str) {
        if !time.ends_with('Z') {
            return;
        }
        let known = self.0.entry(digest).or_insert_with(|| time.to_owned());
        // Both are in UTC and of one form: they sort as text.
        if time < known.as_str() {
            time.clone_into(known);
        }
    }

    /// The first time at which one of `digests` was published.
    pub(super) fn of(&self, digests: &[Digest]) -> Option<&String> {
        digests.iter().filter_map(|digest| self.0.get(digest)).min()
    }
}

/// The time that a transparency log says of the first signature of `subject`, by the word of
/// the signature: nothing is verified.
pub(super) async fn logged(
    from: &dyn Target,
    subject: &Descriptor,
) -> Result<Option<String>, Error> {
    let mut first: Option<u64> = None;
    for (_, _, bundle) in bundles_of(from, subject).await? {
        let bundle: Json = serde_json::from_slice(&bundle).unwrap_or_default();
        let entries = bundle["verificationMaterial"]["tlogEntries"].as_array();
        for entry in entries.into_iter().flatten() {
            let time = &entry["integratedTime"];
            let text = time.as_str().and_then(|text| text.parse().ok());
            let seconds = text.or_else(|| time.as_u64()).filter(|time| *time > 0);
            // The promise is what is signed of the time.
            if entry["inclusionPromise"].is_object() {
                first = first.into_iter().chain(seconds).min();
            }
        }
    }
    Ok(first.and_then(of_unix))
}

/// RFC 3339, in UTC.
fn of_unix(seconds: u64) -> Option<String> {
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).ok()?);
    Some(time.ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(of_unix(1_700_000_000).unwrap(), "2023-11-14T22:13:20Z");
        let digest = Digest::of(b"x");
        let mut times = Times::default();
        for time in ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "yesterday"] {
            times.add(digest, time);
        }
        let of = |digests: &[Digest]| times.of(digests).cloned();
        assert_eq!(of(&[digest]).unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(of(&[Digest::of(b"y")]), None);
    }
}
