//! What every reconciliation has at hand.

use super::api::ApimBundle;
use super::events::Events;
use super::lease::Leadership;
use super::metrics::Metrics;
use crate::edge::storage::Storage;
use crate::edge::work::{Account, Gate, Pool, Task, Tenant};
use crate::reuse::Reuse;
use crate::tree::Limits;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How reconciliations behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Sources in other namespaces are refused.
    pub no_cross_namespace_refs: bool,
    /// Files with policies of the operator.
    pub policies: Vec<PathBuf>,
    /// First delay after a failure.
    pub min_retry_delay: Duration,
    /// Longest delay after failures.
    pub max_retry_delay: Duration,
    /// Delay when a source is not ready.
    pub requeue_dependency: Duration,
    /// How far intervals are spread, in percent.
    pub interval_jitter_percentage: u8,
    /// For one fetch.
    pub fetch_timeout: Duration,
    /// Reconciliations at once.
    pub concurrent: u16,
    /// Renderings at once.
    pub concurrent_renders: usize,
    /// Threads of each.
    pub threads: usize,
    /// Bytes of everything that reconciliations hold: artifacts, trees, documents,
    /// findings, bundles until they are published, and what is kept.
    pub memory: u64,
    /// Percent of it that one namespace may hold.
    pub namespace_memory: u8,
    /// Bytes of it that are kept of what renderings made, for the next ones.
    pub cache_bytes: usize,
    /// Caps on sources.
    pub limits: Limits,
}

/// What every reconciliation has at hand.
pub(super) struct Context {
    pub(super) client: kube::Client,
    pub(super) settings: Settings,
    pub(super) storage: Storage,
    pub(super) leadership: Leadership,
    pub(super) metrics: Metrics,
    pub(super) events: Events,
    /// Whose reconciliation begins.
    pub(super) gate: Gate,
    /// Where renderings are made.
    pub(super) pool: Arc<Pool>,
    /// What reconciliations hold.
    pub(super) memory: Account,
    /// What earlier renderings made.
    pub(super) reuse: Arc<Reuse>,
    pub(super) failures: Failures,
}

/// Failures in a row, by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<(String, String), u32>>);

impl Failures {
    fn key(bundle: &ApimBundle) -> (String, String) {
        (bundle.namespace().to_owned(), bundle.name().to_owned())
    }

    /// How many there were before this one.
    pub(super) fn add(&self, bundle: &ApimBundle) -> u32 {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(Self::key(bundle)).or_default();
        let before = *count;
        *count = count.saturating_add(1);
        before
    }

    pub(super) fn forget(&self, bundle: &ApimBundle) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&Self::key(bundle));
    }
}

impl Context {
    /// The work of one reconciliation in `namespace`.
    pub(super) fn task(&self, namespace: &str) -> Task {
        let tenant = Tenant::new(namespace);
        Task::new(tenant, &self.settings.limits, &self.memory, None)
    }
}

impl Settings {
    /// Caps of a controller: lower than those of a command, which has a machine for itself.
    pub fn default_limits() -> Limits {
        Limits {
            max_steps: 2_000_000_000,
            max_memory_bytes: 256 << 20,
            ..Limits::default()
        }
    }

    /// The delay after `before` failures and one more.
    pub(super) fn backoff(&self, before: u32) -> Duration {
        let factor = 2_u32.saturating_pow(before.min(30));
        let delay = self.min_retry_delay.saturating_mul(factor);
        delay.min(self.max_retry_delay)
    }

    /// `interval`, spread so that objects of one age do not stay in step.
    pub(super) fn jittered(&self, interval: Duration) -> Duration {
        let percentage = f64::from(self.interval_jitter_percentage.min(100)) / 100.0;
        // Without randomness intervals are as they are.
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        let spread = f64::from(random) / f64::from(u32::MAX) * 2.0 - 1.0;
        interval.mul_f64(1.0 + spread * percentage)
    }
}

#[cfg(test)]
pub(super) fn settings() -> Settings {
    Settings {
        no_cross_namespace_refs: true,
        policies: Vec::new(),
        min_retry_delay: Duration::from_millis(750),
        max_retry_delay: Duration::from_secs(900),
        requeue_dependency: Duration::from_secs(30),
        interval_jitter_percentage: 5,
        fetch_timeout: Duration::from_secs(60),
        concurrent: 4,
        concurrent_renders: 1,
        threads: 1,
        memory: 1 << 30,
        namespace_memory: 50,
        cache_bytes: 1 << 20,
        limits: Limits::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let settings = settings();
        let delays: Vec<_> = [0, 1, 2, 10, 11, 4_000_000_000]
            .map(|n| settings.backoff(n).as_millis())
            .into();
        assert_eq!(delays, [750, 1500, 3000, 768_000, 900_000, 900_000]);
    }

    #[test]
    fn intervals_are_spread_by_the_percentage() {
        let settings = settings();
        for _ in 0..100 {
            let spread = settings.jittered(Duration::from_secs(100)).as_secs_f64();
            assert!((95.0..=105.0).contains(&spread), "{spread}");
        }
    }
}
