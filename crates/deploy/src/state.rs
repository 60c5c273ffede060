//! What the service answered after we last wrote each resource.
//!
//! A service stores some things in another form than it was sent them, and lists show less
//! than single answers. Which, is not guessed but learnt: a form that the service showed
//! right after our write is the form of what we wrote.

use crate::body::masked;
use crate::compare::{Difference, between};
use crate::id::Id;
use flux_apim_diag::excerpt;
use flux_apim_diag::tree::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Version of the document.
const VERSION: u64 = 1;
/// Longer texts that were sent are kept as their digest.
const LONG: usize = 200;

/// Baselines of one owner's resources in one service. No secret is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u64,
    service: String,
    owner: String,
    resources: BTreeMap<String, Baseline>,
}

/// What is known of one resource since we wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// Digest of what was meant, as in the inventory.
    pub(crate) digest: String,
    /// What was sent; long texts as digests.
    pub(crate) sent: Json,
    /// What the service answered.
    pub(crate) answer: Json,
    /// What its list showed then, where that is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) listed: Option<Json>,
    /// Operations that the import of the definition made, with short digests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) operations: BTreeMap<String, String>,
}

/// Why a state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is no state.
    #[error("it is no state of deployments: {0}")]
    Damaged(String),
    /// A newer flux-apim wrote it.
    #[error("a newer flux-apim wrote it (version {0}): use that one, or name another --state")]
    Newer(u64),
    /// It is of another service or owner.
    #[error("it is the state of {owner} in {service}: name another --state")]
    Other {
        /// Whose.
        owner: String,
        /// Where.
        service: String,
    },
}

impl State {
    /// One that knows nothing.
    pub fn new(service: &str, owner: &str) -> Self {
        Self {
            version: VERSION,
            service: service.to_lowercase(),
            owner: owner.to_owned(),
            resources: BTreeMap::new(),
        }
    }

    /// Reads the state of `owner` in `service`.
    ///
    /// # Errors
    /// When it is none, a newer one, or of another owner or service.
    pub fn parse(bytes: &[u8], service: &str, owner: &str) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }
        let wrong = |e: serde_json::Error| StateError::Damaged(excerpt(&e.to_string(), 200));
        let head: Head = serde_json::from_slice(bytes).map_err(wrong)?;
        if head.version != VERSION {
            return Err(StateError::Newer(head.version));
        }
        let state: Self = serde_json::from_slice(bytes).map_err(wrong)?;
        match state.owner == owner && state.service.eq_ignore_ascii_case(service) {
            true => Ok(state),
            false => Err(StateError::Other {
                owner: excerpt(&state.owner, 200),
                service: excerpt(&state.service, 300),
            }),
        }
    }

    /// As it is kept: JSON with sorted keys.
    pub fn write(&self) -> String {
        let mut out = String::new();
        let json = serde_json::to_value(self).unwrap_or_default();
        crate::resources::canonical(&json, &mut out);
        out.push('\n');
        out
    }

    /// Whether it knows nothing.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    pub(crate) fn get(&self, id: &Id) -> Option<&Baseline> {
        self.resources.get(id.folded())
    }

    pub(crate) fn get_mut(&mut self, id: &Id) -> Option<&mut Baseline> {
        self.resources.get_mut(id.folded())
    }

    pub(crate) fn set(&mut self, id: &Id, baseline: Baseline) {
        self.resources.insert(id.folded().to_owned(), baseline);
    }

    /// Forgets a resource, and all that hung on it.
    pub(crate) fn forget(&mut self, id: &Id) {
        self.resources.remove(id.folded());
        let below = format!("{}/", id.folded());
        let from = self.resources.range(below.clone()..);
        let gone: Vec<String> = from
            .map(|(key, _)| key)
            .take_while(|key| key.starts_with(&below))
            .cloned()
            .collect();
        for key in gone {
            self.resources.remove(&key);
        }
    }
}

impl Baseline {
    /// The baseline of a resource that was sent `sent` and answered with `answer`.
    pub(crate) fn new(
        id: &Id,
        digest: &str,
        sent: &Json,
        answer: &Json,
        secrets: &BTreeSet<String>,
    ) -> Self {
        Self {
            digest: digest.to_owned(),
            sent: shortened(&masked(id, sent, secrets)),
            answer: masked(id, answer, secrets),
            listed: None,
            operations: BTreeMap::new(),
        }
    }

    /// Where `live`, which has no secrets, is another than it was left.
    pub(crate) fn drift(&self, id: &Id, live: &Json) -> Vec<Difference> {
        let found = between(id, &self.answer, live);
        match &self.listed {
            Some(listed) if !found.is_empty() => {
                let other = between(id, listed, live);
                if other.len() < found.len() {
                    other
                } else {
                    found
                }
            }
            _ => found,
        }
    }
}

/// Properties with long texts as their digests.
pub(crate) fn shortened(value: &Json) -> Json {
    match value {
        Json::String(text) if text.len() > LONG => Digest::of(text.as_bytes()).to_string().into(),
        Json::Array(items) => items.iter().map(shortened).collect(),
        Json::Object(map) => {
            let entries = map.iter();
            Json::Object(
                entries
                    .map(|(key, value)| (key.clone(), shortened(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_state_is_read_as_it_was_written_and_holds_no_secret() {
        let id = Id::parse("backends/b").unwrap();
        let sent = json!({"url": "x".repeat(300), "credentials": {"query": {"code": ["hunter2"]}}});
        let mut state = State::new("/subscriptions/S", "shop");
        state.set(&id, Baseline::new(&id, "d", &sent, &sent, &BTreeSet::new()));
        let text = state.write();
        assert!(!text.contains("hunter2"));
        let read = State::parse(text.as_bytes(), "/subscriptions/s", "shop").unwrap();
        assert_eq!(read, state);
        for (service, owner) in [("/subscriptions/t", "shop"), ("/subscriptions/s", "other")] {
            assert!(matches!(
                State::parse(text.as_bytes(), service, owner),
                Err(StateError::Other { .. })
            ));
        }
        let newer = text.replace("\"version\":1", "\"version\":9");
        assert!(matches!(
            State::parse(newer.as_bytes(), "/subscriptions/s", "shop"),
            Err(StateError::Newer(9))
        ));
        assert!(State::parse(b"[]", "s", "o").is_err());
    }

    #[test]
    fn what_a_list_leaves_out_is_no_drift_once_it_is_known() {
        let id = Id::parse("apis/a/operations/o").unwrap();
        let answer = json!({"method": "GET", "request": {"headers": [{"name": "x"}]}});
        let mut baseline = Baseline::new(&id, "d", &answer, &answer, &BTreeSet::new());
        let listed = json!({"method": "GET"});
        assert_eq!(baseline.drift(&id, &listed).len(), 1);
        baseline.listed = Some(listed.clone());
        assert!(baseline.drift(&id, &listed).is_empty());
        assert!(baseline.drift(&id, &answer).is_empty());
        let other = json!({"method": "POST"});
        assert_eq!(baseline.drift(&id, &other)[0].path, "method");
    }
}
