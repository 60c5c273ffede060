//! Metrics under the names that dashboards for Flux ask for, and a few of ours.

use super::api::{ApimBundle, KIND};
use crate::edge::work::{self, Account, Pool};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets_range};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Object {
    kind: &'static str,
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    controller: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Counters of this process. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    registry: Arc<Registry>,
    durations: Family<Object, Histogram, fn() -> Histogram>,
    outcomes: Family<Outcome, Counter>,
    failures: Family<Reason, Counter>,
    /// Renderings that were started.
    pub(super) renders: Counter,
    /// Bundles that were published anew.
    pub(super) publications: Counter,
    /// Artifacts that were found damaged.
    pub(super) artifacts_damaged: Counter,
    /// 1 while this replica leads.
    pub(super) leader: Gauge,
    /// Of the work.
    pub(super) work: work::Metrics,
}

/// The metrics, with what they are taken of.
#[derive(Debug, Clone)]
pub(super) struct Observed {
    pub(super) metrics: Metrics,
    pub(super) pool: Arc<Pool>,
    pub(super) memory: Account,
}

impl Observed {
    /// As Prometheus reads it.
    pub(super) fn text(&self) -> String {
        self.metrics.work.observe(self.pool.load(), &self.memory);
        self.metrics.text()
    }
}

fn buckets() -> Histogram {
    Histogram::new(exponential_buckets_range(0.01, 1800.0, 10))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let durations = Family::new_with_constructor(buckets as fn() -> Histogram);
        let outcomes = Family::default();
        let failures = Family::default();
        let renders = Counter::default();
        let publications = Counter::default();
        let artifacts_damaged = Counter::default();
        let leader = Gauge::default();
        registry.register(
            "gotk_reconcile_duration_seconds",
            "Seconds of a reconciliation",
            durations.clone(),
        );
        registry.register(
            "controller_runtime_reconcile",
            "Reconciliations by result",
            outcomes.clone(),
        );
        registry.register(
            "flux_apim_reconcile_failures",
            "Failed reconciliations by reason",
            failures.clone(),
        );
        registry.register("flux_apim_renders", "Renderings", renders.clone());
        registry.register(
            "flux_apim_publications",
            "Bundles published anew",
            publications.clone(),
        );
        registry.register(
            "flux_apim_artifacts_damaged",
            "Artifacts whose content is not what their name says",
            artifacts_damaged.clone(),
        );
        registry.register(
            "flux_apim_leader",
            "1 while this replica leads",
            leader.clone(),
        );
        let work = work::Metrics::default();
        work.register(registry.sub_registry_with_prefix("flux_apim"));
        Self {
            registry: Arc::new(registry),
            work,
            durations,
            outcomes,
            failures,
            renders,
            publications,
            artifacts_damaged,
            leader,
        }
    }
}

impl Metrics {
    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    pub(super) fn reconciled(
        &self,
        bundle: &ApimBundle,
        took: Duration,
        failed: Option<&'static str>,
    ) {
        self.durations
            .get_or_create(&object(bundle))
            .observe(took.as_secs_f64());
        let result = if failed.is_some() { "error" } else { "success" };
        let outcome = Outcome {
            controller: "apimbundle",
            result,
        };
        self.outcomes.get_or_create(&outcome).inc();
        if let Some(reason) = failed {
            self.failures.get_or_create(&Reason { reason }).inc();
        }
    }

    /// Objects that are gone leave no series behind.
    pub(super) fn forget(&self, bundle: &ApimBundle) {
        self.durations.remove(&object(bundle));
    }
}

fn object(bundle: &ApimBundle) -> Object {
    Object {
        kind: KIND,
        name: bundle.name().to_owned(),
        namespace: bundle.namespace().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_have_the_names_of_flux_and_end_with_their_object() {
        let metrics = Metrics::default();
        let mut bundle: ApimBundle = serde_json::from_value(serde_json::json!({
            "apiVersion": "flux-apim.dev/v1alpha1", "kind": "ApimBundle",
            "metadata": {"name": "contoso", "namespace": "apis"},
            "spec": {
                "interval": "1m", "sourceRef": {"kind": "GitRepository", "name": "x"},
                "publish": {"externalArtifact": true},
            },
        }))
        .unwrap();
        bundle.status = None;
        metrics.reconciled(&bundle, Duration::from_millis(20), Some("PublishFailed"));
        let text = metrics.text();
        for line in [
            r#"gotk_reconcile_duration_seconds_count{kind="ApimBundle",name="contoso",namespace="apis"} 1"#,
            r#"controller_runtime_reconcile_total{controller="apimbundle",result="error"} 1"#,
            r#"flux_apim_reconcile_failures_total{reason="PublishFailed"} 1"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        metrics.forget(&bundle);
        assert!(!metrics.text().contains("contoso"));
    }
}
