//! Which bundles of a repository are meant: by version, by the beginning of a tag, by age.

use super::Entry;
use semver::{Version, VersionReq};

/// Times of bundles whose source has none.
const NO_TIME: [&str; 2] = ["", "1970-01-01T00:00:00Z"];

/// What a bundle must have; nothing takes every one.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// A tag that is a version in this range.
    pub semver: Option<VersionReq>,
    /// A tag that begins so.
    pub prefix: Option<String>,
    /// A source that is not older than this day, as `2026-01-31`.
    pub since: Option<String>,
}

impl Choice {
    /// Whether it takes `entry`.
    pub fn takes(&self, entry: &Entry) -> bool {
        let versioned = |range: &VersionReq| entry.tags.iter().any(|tag| is_in(range, tag));
        let begins = |prefix: &String| entry.tags.iter().any(|tag| tag.starts_with(prefix));
        let young = |since: &String| is_since(&entry.created, since).unwrap_or(true);
        self.semver.as_ref().is_none_or(versioned)
            && self.prefix.as_ref().is_none_or(begins)
            && self.since.as_ref().is_none_or(young)
    }

    /// The highest version of `entry` in the range; none without a range.
    pub(super) fn version(&self, entry: &Entry) -> Option<Version> {
        let range = self.semver.as_ref()?;
        let versions = entry.tags.iter().filter_map(|tag| version(tag));
        versions.filter(|version| range.matches(version)).max()
    }
}

/// The version that a tag is. Tags have `_` where a version has `+`.
fn version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix('v').unwrap_or(tag).replace('_', "+");
    Version::parse(&text).ok()
}

/// Whether `tag` is a version in `range`.
pub(super) fn is_in(range: &VersionReq, tag: &str) -> bool {
    version(tag).is_some_and(|version| range.matches(&version))
}

/// Whether a time, of RFC 3339 in UTC, is not before the day `since`; `None` when it is not
/// known.
pub(super) fn is_since(time: &str, since: &str) -> Option<bool> {
    let known = time.ends_with('Z') && !NO_TIME.contains(&time);
    // Both are in UTC and of one form: they sort as text.
    known.then(|| time >= since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Digest;

    fn entry(tags: &[&str], created: &str) -> Entry {
        Entry {
            published: None,
            digest: Digest::of(b""),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            created: created.to_owned(),
            revision: None,
            environment: None,
            resources: 0,
            changes: None,
            renderer: None,
            rerendered: false,
        }
    }

    #[test]
    fn bundles_are_chosen_by_version_prefix_and_age() {
        let entry = entry(&["latest", "v1.4.2", "prod-1"], "2026-03-01T12:00:00Z");
        let semver = |range: &str| Choice {
            semver: Some(range.parse().unwrap()),
            ..Choice::default()
        };
        let prefix = |prefix: &str| Choice {
            prefix: Some(prefix.to_owned()),
            ..Choice::default()
        };
        let since = |day: &str| Choice {
            since: Some(day.to_owned()),
            ..Choice::default()
        };
        for choice in [
            Choice::default(),
            semver(">=1.2, <2"),
            semver("1.4"),
            prefix("prod-"),
            since("2026-03-01"),
        ] {
            assert!(choice.takes(&entry), "{choice:?}");
        }
        for choice in [semver(">=2"), prefix("test-"), since("2026-03-02")] {
            assert!(!choice.takes(&entry), "{choice:?}");
        }
        let unknown = self::entry(&[], "1970-01-01T00:00:00Z");
        assert!(since("2026-03-02").takes(&unknown));
        assert!(is_in(&VersionReq::STAR, "1.2.3_b5"));
    }
}
