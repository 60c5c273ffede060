//! Leader election with a Lease, and what keeps a former leader from writing.
//!
//! A leader believes in its lease only for `renew_deadline` after the start of
//! the last renewal that succeeded. Others wait for `duration` after they saw
//! that renewal. The difference is for what was already on its way.

use super::answer::{answered, is_conflict, is_not_found};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The lease is not ours any more: nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the leader lease is lost; another replica goes on")]
pub struct Lost;

/// How a leader is elected.
#[derive(Debug, Clone)]
pub struct Election {
    /// Name of the Lease.
    pub name: String,
    /// Who we are.
    pub identity: String,
    /// After this time without renewal another takes over.
    pub duration: Duration,
    /// After this time without renewal the leader stops.
    pub renew_deadline: Duration,
    /// Time between attempts.
    pub retry_period: Duration,
}

/// Proof of leadership, asked before each write. Clones share it.
#[derive(Debug, Clone)]
pub struct Leadership {
    until: Option<Arc<Mutex<Instant>>>,
}

impl Leadership {
    /// Of who needs no election.
    pub fn always() -> Self {
        Self { until: None }
    }

    fn until(deadline: Instant) -> Self {
        Self {
            until: Some(Arc::new(Mutex::new(deadline))),
        }
    }

    /// Whether we may write now.
    ///
    /// # Errors
    /// When the lease was not renewed in time.
    pub fn check(&self) -> Result<(), Lost> {
        if self.left().is_zero() {
            Err(Lost)
        } else {
            Ok(())
        }
    }

    fn left(&self) -> Duration {
        let Some(until) = &self.until else {
            return Duration::MAX;
        };
        let until = *until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_duration_since(Instant::now())
    }

    fn extend(&self, deadline: Instant) {
        if let Some(until) = &self.until {
            *until.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
        }
    }
}

impl Election {
    /// Waits until we lead.
    pub async fn acquire(&self, api: &Api<Lease>) -> Leadership {
        // What we saw of another's lease, and when.
        let mut seen: Option<(Option<String>, Instant)> = None;
        loop {
            let start = Instant::now();
            match timeout(self.renew_deadline, self.attempt(api, &mut seen)).await {
                Ok(Ok(true)) => return Leadership::until(start + self.renew_deadline),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::warn!(
                    error = %answered(&error), lease = %self.name, "cannot acquire the leader lease"
                ),
                Err(_) => tracing::warn!(lease = %self.name, "the API server does not answer"),
            }
            sleep(self.retry_period).await;
        }
    }

    /// Renews until it cannot; then the lease is lost.
    pub async fn keep(&self, api: &Api<Lease>, leadership: &Leadership) -> Lost {
        loop {
            sleep(self.retry_period.min(leadership.left())).await;
            let left = leadership.left();
            if left.is_zero() {
                return Lost;
            }
            let start = Instant::now();
            match timeout(left, self.renew(api)).await {
                Ok(Ok(true)) => leadership.extend(start + self.renew_deadline),
                Ok(Ok(false)) => {
                    leadership.extend(start);
                    return Lost;
                }
                Ok(Err(error)) => tracing::warn!(
                    error = %answered(&error), lease = %self.name, "cannot renew the leader lease"
                ),
                Err(_) => return Lost,
            }
        }
    }

    /// Gives the lease back, so that another need not wait.
    pub async fn release(&self, api: &Api<Lease>, leadership: &Leadership) {
        leadership.extend(Instant::now());
        let Ok(mut lease) = api.get(&self.name).await else {
            return;
        };
        if !self.is_ours(&lease) {
            return;
        }
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            spec.lease_duration_seconds = Some(1);
        }
        if let Err(error) = api
            .replace(&self.name, &PostParams::default(), &lease)
            .await
        {
            tracing::warn!(error = %answered(&error), "cannot release the leader lease");
        }
    }

    async fn attempt(
        &self,
        api: &Api<Lease>,
        seen: &mut Option<(Option<String>, Instant)>,
    ) -> Result<bool, kube::Error> {
        let mut lease = match api.get(&self.name).await {
            Ok(lease) => lease,
            Err(error) if is_not_found(&error) => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(self.name.clone()),
                        ..ObjectMeta::default()
                    },
                    spec: Some(self.spec(0, true, &LeaseSpec::default())),
                };
                return won(api.create(&PostParams::default(), &lease).await);
            }
            Err(error) => return Err(error),
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let held = spec.holder_identity.as_deref().unwrap_or_default();
        if !held.is_empty() && !self.is_ours(&lease) {
            // Clocks of two machines are not compared: what counts is how long
            // we saw no change.
            let version = lease.metadata.resource_version.clone();
            match seen {
                Some((known, since)) if *known == version => {
                    let stated = spec
                        .lease_duration_seconds
                        .and_then(|s| u64::try_from(s).ok());
                    let stated = Duration::from_secs(stated.unwrap_or_default());
                    if since.elapsed() < stated.max(self.duration) {
                        return Ok(false);
                    }
                }
                _ => {
                    *seen = Some((version, Instant::now()));
                    return Ok(false);
                }
            }
        }
        let transitions = spec.lease_transitions.unwrap_or_default() + 1;
        lease.spec = Some(self.spec(transitions, true, &spec));
        won(api
            .replace(&self.name, &PostParams::default(), &lease)
            .await)
    }

    async fn renew(&self, api: &Api<Lease>) -> Result<bool, kube::Error> {
        let mut lease = match api.get(&self.name).await {
            Ok(lease) => lease,
            Err(error) if is_not_found(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        if !self.is_ours(&lease) {
            return Ok(false);
        }
        let spec = lease.spec.clone().unwrap_or_default();
        lease.spec = Some(self.spec(spec.lease_transitions.unwrap_or_default(), false, &spec));
        match api
            .replace(&self.name, &PostParams::default(), &lease)
            .await
        {
            // Looked at again at the next attempt.
            Err(error) if is_conflict(&error) => Err(error),
            other => won(other),
        }
    }

    fn spec(&self, transitions: i32, acquired: bool, before: &LeaseSpec) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs().max(1)).ok(),
            acquire_time: if acquired {
                Some(now.clone())
            } else {
                before.acquire_time.clone()
            },
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }

    fn is_ours(&self, lease: &Lease) -> bool {
        let spec = lease.spec.as_ref();
        spec.and_then(|s| s.holder_identity.as_deref()) == Some(self.identity.as_str())
    }
}

/// A conflict is another who was faster.
fn won(outcome: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leadership_ends_by_itself() {
        let leadership = Leadership::until(Instant::now());
        assert_eq!(leadership.check(), Err(Lost));
        leadership.extend(Instant::now() + Duration::from_secs(60));
        assert_eq!(leadership.check(), Ok(()));
        assert_eq!(leadership.clone().check(), Ok(()));
        leadership.extend(Instant::now());
        assert_eq!(leadership.clone().check(), Err(Lost));
    }
}
