//! Findings that were there before: a list to begin with where a tree has many.

use flux_apim_diag::{Class, Code, Exemption, Located, Lowered, Registry, Report};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the format.
const VERSION: u64 = 1;

/// Findings by fingerprint, with how many there were. Lines are no part of it, and
/// neither are numbers: a finding stays the same when its file grows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<Fingerprint, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fingerprint {
    path: String,
    code: String,
    message: String,
}

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum NotABaseline {
    /// It is of a format that this version does not know.
    #[error(
        "it is of version {found}; this flux-apim reads version {VERSION}: write it anew with --write-baseline"
    )]
    Version {
        /// The version that it says.
        found: String,
    },
    /// It is something else.
    #[error("it is not what --write-baseline writes: {0}")]
    Malformed(String),
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u64,
    findings: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: String,
    path: String,
    message: String,
    count: u64,
}

/// What a baseline did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// Findings that it covered.
    pub covered: u64,
    /// Findings that it lists and that are no more.
    pub gone: u64,
    /// Rules of findings that it lists and may not cover.
    pub refused: BTreeSet<Code>,
}

impl Baseline {
    /// Reads what [`Baseline::to_json`] wrote.
    ///
    /// # Errors
    /// When it is of another version, or none at all.
    pub fn read(text: &str) -> Result<Self, NotABaseline> {
        let malformed = |error: serde_json::Error| NotABaseline::Malformed(error.to_string());
        let document: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        match &document["version"] {
            serde_json::Value::Number(version) if version.as_u64() == Some(VERSION) => {}
            serde_json::Value::Null => {
                return Err(NotABaseline::Malformed("it has no version".to_owned()));
            }
            other => {
                return Err(NotABaseline::Version {
                    found: flux_apim_diag::excerpt(&other.to_string(), 40),
                });
            }
        }
        let file: File = serde_json::from_value(document).map_err(malformed)?;
        let mut baseline = Self::default();
        for entry in file.findings {
            let fingerprint = Fingerprint {
                path: entry.path,
                code: entry.code,
                message: entry.message,
            };
            let count: &mut u64 = baseline.entries.entry(fingerprint).or_default();
            *count = count.saturating_add(entry.count);
        }
        Ok(baseline)
    }

    /// The findings of `report` that `may` be covered.
    pub fn of(report: &Report, may: impl Fn(&Located) -> bool) -> Self {
        let mut baseline = Self::default();
        let findings = report.in_force();
        for finding in findings.filter(|finding| is_free(finding) && may(finding)) {
            *baseline.entries.entry(fingerprint(finding)).or_default() += finding.count;
        }
        baseline
    }

    /// JSON, sorted, so that changes of it are read line by line.
    pub fn to_json(&self) -> String {
        let findings = self.entries.iter().map(|(fingerprint, &count)| Entry {
            code: fingerprint.code.clone(),
            path: fingerprint.path.clone(),
            message: fingerprint.message.clone(),
            count,
        });
        let file = File {
            version: VERSION,
            findings: findings.collect(),
        };
        // A struct of texts and numbers is always JSON.
        let text = serde_json::to_string_pretty(&file).unwrap_or_default();
        format!("{text}\n")
    }

    /// How many findings it lists.
    pub fn len(&self) -> u64 {
        self.entries.values().sum()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Suppresses the findings of `report` that it lists, and that `may` be.
    pub fn apply(
        &self,
        registry: Registry,
        report: &mut Report,
        may: impl Fn(&Located) -> bool,
    ) -> Covered {
        let mut left = self.entries.clone();
        let mut result = Covered::default();
        for finding in &mut report.diagnostics {
            if finding.is_suppressed() {
                continue;
            }
            let Some(count) = left.get_mut(&fingerprint(finding)) else {
                continue;
            };
            if *count < finding.count {
                continue;
            }
            *count -= finding.count;
            if !is_free(finding) || !may(finding) {
                result.refused.insert(finding.rule.code);
                continue;
            }
            result.covered += finding.count;
            finding.lowered = Some(Lowered {
                by: Exemption::Baseline,
                to: None,
                reason: None,
                until: None,
            });
        }
        for (fingerprint, count) in left {
            // Whoever lists what nobody may cover is told, found or not.
            match registry
                .get(&fingerprint.code)
                .filter(|rule| rule.class == Class::Integrity)
            {
                Some(rule) => {
                    result.refused.insert(rule.code);
                }
                None => result.gone = result.gone.saturating_add(count),
            }
        }
        result
    }
}

fn is_free(finding: &Located) -> bool {
    finding.rule.class != Class::Integrity
}

fn fingerprint(finding: &Located) -> Fingerprint {
    Fingerprint {
        path: finding.path.clone(),
        code: finding.rule.code.to_string(),
        message: without_numbers(&finding.message),
    }
}

/// `text` with one `#` for each number.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_number = false;
    for c in text.chars() {
        let is_digit = c.is_ascii_digit();
        if !is_digit {
            out.push(c);
        } else if !in_number {
            out.push('#');
        }
        in_number = is_digit;
    }
    out
}

#[cfg(test)]
#[path = "baseline_tests.rs"]
mod tests;
