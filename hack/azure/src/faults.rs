//! Faults on purpose: a plan of what goes wrong with which requests.

use crate::answer::Refusal;
use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The method; any without it.
    pub method: Option<String>,
    /// A regular expression that the path matches somewhere; any without it.
    pub path: Option<String>,
    /// How many matching requests pass before the first fault.
    #[serde(default)]
    pub skip: u64,
    /// How many requests it hits; 1 when it is not said.
    #[serde(default = "one")]
    pub times: u64,
    /// What happens.
    #[serde(flatten)]
    pub what: What,
}

fn one() -> u64 {
    1
}

/// What happens to a request.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// It is answered with this status and not done. `retryAfter` and `code` belong to it.
    Status(Status),
    /// The connection is cut in the answer; the request was not done.
    CutBefore(bool),
    /// The request is done, and the connection is cut in the answer.
    CutAfter(bool),
    /// It waits, with its locks, until `POST /simulator/release/NAME`.
    Hold(String),
}

/// A status in place of an answer.
#[derive(Debug, Clone, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Status {
    /// The status code.
    pub status: u16,
    /// `Retry-After`, as it is sent.
    pub retry_after: Option<String>,
    /// `error.code`.
    pub code: Option<String>,
}

impl Status {
    /// The refusal that it makes.
    pub fn refusal(&self) -> Refusal {
        let code = match (&self.code, self.status) {
            (Some(code), _) => code.as_str(),
            (None, 429) => "TooManyRequests",
            (None, 503) => "ServiceUnavailable",
            (None, _) => "InternalServerError",
        };
        let refusal = Refusal::new(self.status, code, "A fault that was planned.");
        match &self.retry_after {
            Some(after) => refusal.with("retry-after", after.clone()),
            None => refusal,
        }
    }
}

/// The plan.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Vec<(Fault, Option<regex::Regex>)>,
    /// Names that were released.
    pub released: std::collections::BTreeSet<String>,
}

impl Faults {
    /// Adds a fault.
    ///
    /// # Errors
    /// Its path is no regular expression.
    pub fn plan(&mut self, fault: Fault) -> Result<(), regex::Error> {
        let path = fault.path.as_deref().map(regex::Regex::new).transpose()?;
        self.planned.push((fault, path));
        Ok(())
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.planned.clear();
    }

    /// What is still planned.
    pub fn list(&self) -> Vec<&Fault> {
        self.planned.iter().map(|(fault, _)| fault).collect()
    }

    /// What happens to a request; counts it.
    pub fn strike(&mut self, method: &str, path: &str) -> Option<What> {
        let at = self.planned.iter_mut().position(|(fault, pattern)| {
            let hit = fault
                .method
                .as_deref()
                .is_none_or(|m| m.eq_ignore_ascii_case(method))
                && pattern.as_ref().is_none_or(|p| p.is_match(path));
            if hit && fault.skip > 0 {
                fault.skip -= 1;
                return false;
            }
            hit && fault.times > 0
        })?;
        let fault = &mut self.planned[at].0;
        fault.times -= 1;
        let what = fault.what.clone();
        if fault.times == 0 {
            self.planned.remove(at);
        }
        Some(what)
    }
}
