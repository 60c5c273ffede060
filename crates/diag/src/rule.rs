//! What a rule is: its code and name, who may lower it, what it is founded on.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::fmt;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong; something worth knowing.
    Info,
    /// Rendered, but probably not what was meant.
    Warning,
    /// No bundle is written.
    Error,
}

impl Severity {
    /// The word used in every output format and in `flux-apim.yaml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The number of a rule, shown as `APIM1003`. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "APIM{:04}", self.0)
    }
}

/// Who may lower the findings of a rule, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Without it the bundle would not be what the source says. Nobody lowers it.
    Integrity,
    /// Azure refuses what it finds. Lowered with a reason only, and the bundle
    /// says so.
    Refusal,
    /// Advice. Everybody sets its level freely.
    Lint,
    /// Advice that some teams ask for: off until a level or a preset asks.
    Convention,
}

impl Class {
    /// The word used in output formats and in the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::Refusal => "refusal",
            Self::Lint => "lint",
            Self::Convention => "convention",
        }
    }
}

/// What a rule is founded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// Public documentation or a published schema says so.
    Documented,
    /// People have met it; no documentation says so.
    Reported,
    /// It is likely. A rule on such ground is never an error.
    Guess,
}

impl Evidence {
    /// The word used in output formats and in the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Reported => "reported",
            Self::Guess => "guess",
        }
    }
}

/// Home page of the project.
pub const HOME: &str = "https://github.com/flux-apim/flux-apim";

/// What produces diagnostics of one code. A [`Registry`](super::Registry) has those of
/// a program.
pub struct Rule {
    /// Number, unique and append-only.
    pub code: Code,
    /// Kebab-case name of the defect.
    pub name: &'static str,
    /// Names that it had before. They are followed, and the new name is said.
    pub former_names: &'static [&'static str],
    /// Who may lower it.
    pub class: Class,
    /// Severity unless somebody changed its level.
    pub severity: Severity,
    /// What it is founded on.
    pub evidence: Evidence,
    /// The version that has it first.
    pub since: &'static str,
    /// One line: what is wrong.
    pub summary: &'static str,
    /// Whether a finding may show the line of the source: not where the line is a secret.
    pub shows_source: bool,
    /// Its page: why, examples that fail and pass, the source of the fact.
    pub page: &'static str,
}

impl Rule {
    /// Why it matters and what to do, in Markdown: the page up to its first heading.
    pub fn explanation(&self) -> &'static str {
        let end = self.page.find("\n## ").unwrap_or(self.page.len());
        self.page[..end].trim()
    }

    /// Its place in the documentation.
    pub fn url(&self) -> String {
        let anchor = self.code.to_string().to_lowercase();
        format!("{HOME}/blob/main/docs/rules.md#{anchor}")
    }

    /// Whether `wanted` is its code (`APIM1003`, `apim1003`, `1003`).
    pub(super) fn has_code(&self, wanted: &str) -> bool {
        let number = wanted
            .strip_prefix("APIM")
            .or_else(|| wanted.strip_prefix("apim"))
            .unwrap_or(wanted);
        number.parse() == Ok(self.code.0)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.name)
    }
}

/// The rule in JSON, as `explain --format json` and the service give it.
impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rule = serializer.serialize_struct("Rule", 9)?;
        rule.serialize_field("code", &self.code.to_string())?;
        rule.serialize_field("name", self.name)?;
        rule.serialize_field("severity", self.severity.as_str())?;
        rule.serialize_field("summary", self.summary)?;
        rule.serialize_field("explanation", self.explanation())?;
        rule.serialize_field("url", &self.url())?;
        rule.serialize_field("class", self.class.as_str())?;
        rule.serialize_field("evidence", self.evidence.as_str())?;
        rule.serialize_field("since", self.since)?;
        rule.end()
    }
}
