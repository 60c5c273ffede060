//! What is measured of work. Every label is from a closed set.

use super::Account;
use super::shared::Load;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::Ordering;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Counters of the work of this process. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    jobs: Family<State, Gauge>,
    ended: Family<Outcome, Counter>,
    steps: Counter,
    held: Gauge,
    memory: Gauge,
    put_off: Counter,
    abandoned: Counter,
    stuck: Gauge,
}

impl Metrics {
    /// Registers all of them, under the prefix that `registry` has.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("jobs", "Jobs by state", self.jobs.clone());
        registry.register("jobs_ended", "Jobs by how they ended", self.ended.clone());
        registry.register(
            "jobs_put_off",
            "Times that a job took more than a turn and was to start over later",
            self.put_off.clone(),
        );
        registry.register("steps", "Steps that jobs spent", self.steps.clone());
        registry.register(
            "memory_held_bytes",
            "Bytes that jobs and answers hold",
            self.held.clone(),
        );
        registry.register(
            "memory_limit_bytes",
            "Bytes that they may hold",
            self.memory.clone(),
        );
        registry.register(
            "workers_abandoned",
            "Workers given up because their job did not end when it was cancelled",
            self.abandoned.clone(),
        );
        registry.register(
            "workers_stuck",
            "Those of them that still run",
            self.stuck.clone(),
        );
    }

    /// A job ended so.
    pub(super) fn ended(&self, outcome: &'static str) {
        self.ended.get_or_create(&Outcome { outcome }).inc();
    }

    /// A job was put off.
    pub(super) fn put_off(&self) {
        self.put_off.inc();
    }

    pub(super) fn abandoned(&self) {
        self.abandoned.inc();
    }

    /// Takes down what is there now.
    pub(crate) fn observe(&self, load: Load, account: &Account) {
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let Load {
            waiting,
            put_off,
            running,
            long,
            stuck,
            steps,
        } = load;
        for (state, count) in [
            ("waiting", waiting - put_off),
            ("put_off", put_off),
            ("running", running - long),
            ("long", long),
        ] {
            let jobs = self.jobs.get_or_create(&State { state });
            jobs.set(gauge(count as u64));
        }
        self.stuck.set(gauge(stuck as u64));
        self.steps.inner().store(steps, Ordering::Relaxed);
        self.held.set(gauge(account.held()));
        self.memory.set(gauge(account.total()));
    }
}
