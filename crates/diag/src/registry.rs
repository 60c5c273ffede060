//! The rules of a program, found by code or name.

use super::Rule;

/// The rules of a program, by code. Libraries are given it where they look rules up, since
/// each knows only those of its own.
#[derive(Debug, Clone, Copy)]
pub struct Registry {
    rules: &'static [&'static Rule],
}

/// A rule, and how it was found.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The rule that the code or name stands for.
    pub rule: &'static Rule,
    /// Whether it was found by a name that it had before.
    pub by_former_name: bool,
}

impl Registry {
    /// Of `rules`, sorted by code.
    pub const fn new(rules: &'static [&'static Rule]) -> Self {
        Self { rules }
    }

    /// Every rule, by code.
    pub fn all(self) -> &'static [&'static Rule] {
        self.rules
    }

    /// The rule with the code (`APIM1003`, `1003`), name or former name `wanted`.
    pub fn get(self, wanted: &str) -> Option<&'static Rule> {
        self.find(wanted).map(|found| found.rule)
    }

    /// As [`Registry::get`], saying whether the name is one of before.
    pub fn find(self, wanted: &str) -> Option<Found> {
        let mut rules = self.rules.iter().copied();
        let now = |rule: &&'static Rule| rule.name == wanted || rule.has_code(wanted);
        if let Some(rule) = rules.clone().find(now) {
            return Some(Found {
                rule,
                by_former_name: false,
            });
        }
        let rule = rules.find(|rule| rule.former_names.contains(&wanted))?;
        Some(Found {
            rule,
            by_former_name: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, Code, Evidence, Severity};

    static LOST: Rule = Rule {
        code: Code(42),
        name: "lost",
        former_names: &["mislaid"],
        class: Class::Lint,
        severity: Severity::Info,
        evidence: Evidence::Guess,
        since: "0.1",
        summary: "something is not where it was",
        shows_source: true,
        page: "Look again.\n\nThen ask.\n\n## Fails\n\nNot here.\n",
    };

    #[test]
    fn a_rule_is_found_by_code_name_and_former_name() {
        static ALL: &[&Rule] = &[&LOST];
        let registry = Registry::new(ALL);
        for (wanted, former) in [
            ("APIM0042", Some(false)),
            ("apim42", Some(false)),
            ("42", Some(false)),
            ("lost", Some(false)),
            ("mislaid", Some(true)),
            ("Lost", None),
            ("APIM0043", None),
            ("", None),
        ] {
            let found = registry.find(wanted);
            assert_eq!(found.map(|found| found.by_former_name), former, "{wanted}");
        }
    }

    #[test]
    fn the_explanation_is_the_page_up_to_its_first_heading() {
        assert_eq!(LOST.explanation(), "Look again.\n\nThen ask.");
    }
}
