//! Sets of rules by version: a project that names one is not held to rules that came
//! later.

use flux_apim_diag::{Class, Rule};

/// Versions that brought rules.
pub const KNOWN: [&str; 1] = ["0.1"];

/// The rules of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ruleset(u32, u32);

impl Ruleset {
    /// A version that brought rules, such as `0.1`.
    pub fn named(version: &str) -> Option<Self> {
        KNOWN.contains(&version).then(|| Self::read(version))?
    }

    fn read(version: &str) -> Option<Self> {
        let (major, minor) = version.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }

    /// Whether findings of `rule` count. Those without which a bundle would lie always
    /// do.
    pub fn has(self, rule: &Rule) -> bool {
        self.has_since(rule.class, rule.since)
    }

    fn has_since(self, class: Class, since: &str) -> bool {
        let came = Self::read(since);
        class == Class::Integrity || came.is_none_or(|came| came <= self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "test code")]
mod tests {
    use super::*;

    #[test]
    fn rules_that_came_later_do_not_count() {
        let set = Ruleset::named("0.1").unwrap();
        for (class, since, has) in [
            (Class::Lint, "0.1", true),
            (Class::Lint, "0.2", false),
            (Class::Refusal, "0.10", false),
            (Class::Refusal, "1.0", false),
            (Class::Integrity, "1.0", true),
        ] {
            assert_eq!(set.has_since(class, since), has, "{class:?} {since}");
        }
        assert!(Ruleset(0, 9).has_since(Class::Lint, "0.9"));
        assert!(!Ruleset(0, 9).has_since(Class::Lint, "0.10"));
        for version in ["", "0", "0.2", "0.1.0", "v0.1", "latest"] {
            assert_eq!(Ruleset::named(version), None, "{version}");
        }
    }
}
