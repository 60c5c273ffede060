//! What is in force of a finding: its severity, and who lowered it.

use super::{Code, Diagnostic, Rule, Severity};
use crate::tree::SourceTree;
use std::collections::BTreeMap;

/// Where the lowering of a finding was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exemption {
    /// Beside the finding, in the source.
    Allowance,
    /// As the level of its rule.
    Level,
    /// In a list of findings that were there before.
    Baseline,
}

impl Exemption {
    /// The word used in output formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowance => "allowance",
            Self::Level => "level",
            Self::Baseline => "baseline",
        }
    }
}

/// What lowered a finding below the severity of its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lowered {
    /// Where that was written.
    pub by: Exemption,
    /// The severity that is left; none when the finding counts no longer.
    pub to: Option<Severity>,
    /// Why.
    pub reason: Option<String>,
    /// The last day on which it holds, as `2027-01-31`.
    pub until: Option<String>,
}

/// What is in force of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Its severity; that of a suppressed finding is the one that it would have.
    pub severity: Severity,
    /// What lowered it.
    pub lowered: Option<Lowered>,
}

impl Verdict {
    /// A finding that nobody lowered.
    pub fn of(severity: Severity) -> Self {
        Self {
            severity,
            lowered: None,
        }
    }

    /// Whether it counts no longer and is shown as that.
    pub fn is_suppressed(&self) -> bool {
        matches!(&self.lowered, Some(lowered) if lowered.to.is_none())
    }

    /// The severity that counts; none of a suppressed finding.
    pub fn counts_as(&self) -> Option<Severity> {
        (!self.is_suppressed()).then_some(self.severity)
    }
}

/// Who decides about findings. `None` is a finding that is not even shown.
pub trait Judge {
    /// Decides about one that is listed.
    fn judge(&self, finding: &Diagnostic, tree: &SourceTree) -> Option<Verdict>;

    /// Decides about those of `rule` that are only counted: of the file at `path`, or
    /// of files that are not known.
    fn judge_counted(&self, rule: &'static Rule, path: Option<&str>) -> Option<Verdict>;
}

/// Levels by code: `None` silences a rule; of the others their own severity holds.
impl Judge for BTreeMap<Code, Option<Severity>> {
    fn judge(&self, finding: &Diagnostic, _: &SourceTree) -> Option<Verdict> {
        self.judge_counted(finding.rule, None)
    }

    fn judge_counted(&self, rule: &'static Rule, _: Option<&str>) -> Option<Verdict> {
        let level = self.get(&rule.code).copied();
        level.unwrap_or(Some(rule.severity)).map(Verdict::of)
    }
}
