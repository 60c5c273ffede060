//! What is done with a source: render, validate, compare.

use super::answer::{Made, Style};
use super::job::stopped;
use super::problem::Problem;
use super::sources::Named;
use crate::bundle::Source;
use crate::changes;
use crate::diag::{Budget, Stop, excerpt};
use crate::edge::metrics::Metrics;
use crate::levels::{Date, Policy, Setting, settings_of_json};
use crate::pipeline::{self, Outcome};
use crate::render::Target;
use crate::reuse::Reuse;
use crate::rules::REGISTRY;
use crate::tree::{ArtifactPath, Limits};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use utoipa::IntoParams;

/// Options in the query, as the flags of `flux-apim render`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Query {
    /// Merge `configuration.ENV.yaml`.
    pub(super) env: Option<String>,
    /// Merge this environment file of the source, instead of one by name.
    pub(super) config: Option<String>,
    /// Targets, separated by commas: `arm`, `bicep`, `aso`.
    pub(super) target: Option<String>,
    /// Narrow the source to a subfolder.
    pub(super) path: Option<String>,
    /// Name of the API Management service.
    pub(super) service: Option<String>,
    /// Owner of ASO objects: the name of a Service object, or an ARM id.
    pub(super) aso_owner: Option<String>,
    /// The OCIRepository that Flux reads the bundle from, NAME or NAMESPACE/NAME.
    pub(super) flux_source: Option<String>,
    /// api-version of the rendered resources.
    pub(super) arm_api_version: Option<String>,
    /// The one document of the source that is meant.
    pub(super) only: Option<String>,
    /// `warnings`: treat these as errors.
    pub(super) deny: Option<String>,
    /// Levels of rules, over those of `flux-apim.yaml`: a JSON object of codes or names
    /// with `error`, `warning`, `info`, `off`, or `{"level", "reason", "until", "paths"}`.
    pub(super) rules: Option<String>,
    /// What the inventory says of the source instead of how it was sent: a JSON
    /// object with `kind`, `url`, `revision`, `digest`, `path`, `dirty`, `created`.
    pub(super) origin: Option<String>,
}

impl Query {
    /// Takes what a form says over.
    pub(super) fn fill(&mut self, fields: BTreeMap<String, String>) -> Result<(), Problem> {
        for (name, value) in fields {
            let place = match name.as_str() {
                "env" => &mut self.env,
                "config" => &mut self.config,
                "target" => &mut self.target,
                "path" => &mut self.path,
                "service" => &mut self.service,
                "aso_owner" => &mut self.aso_owner,
                "flux_source" => &mut self.flux_source,
                "arm_api_version" => &mut self.arm_api_version,
                "only" => &mut self.only,
                "deny" => &mut self.deny,
                "rules" => &mut self.rules,
                "origin" => &mut self.origin,
                _ => {
                    return Err(Problem::bad_request(format!(
                        "there is no option `{}`",
                        excerpt(&name, 100)
                    )));
                }
            };
            place.get_or_insert(value);
        }
        Ok(())
    }

    /// The options of the pipeline.
    fn options(&self, limits: &Limits) -> Result<pipeline::Options, Problem> {
        let mut options = pipeline::Options {
            service: self.service.clone(),
            aso_owner: self.aso_owner.clone(),
            flux_source: self.flux_source.clone(),
            arm_api_version: self.arm_api_version.clone(),
            ..pipeline::Options::default()
        };
        options.discover.limits = limits.clone();
        options.discover.config.clone_from(&self.config);
        options.discover.environment.clone_from(&self.env);
        if self.config.is_some() && self.env.is_some() {
            return Err(Problem::bad_request(
                "`env` and `config` exclude each other",
            ));
        }
        if let Some(path) = &self.path {
            let path = ArtifactPath::parse(path)
                .map_err(|why| Problem::bad_request(format!("`path`: {why}")))?;
            options.discover.path = Some(path.as_str().to_owned());
        }
        if let Some(words) = &self.target {
            let mut targets = Vec::new();
            for word in words.split(',') {
                let target = Target::parse(word.trim()).ok_or_else(|| {
                    Problem::bad_request(format!(
                        "`target` is `{}`; a target is one of {}",
                        excerpt(word, 40),
                        Target::words().join(", ")
                    ))
                })?;
                targets.push(target);
            }
            targets.sort();
            targets.dedup();
            options.targets = Some(targets);
        }
        if let Some(rules) = &self.rules {
            options.levels.settings = levels_of(rules).map_err(Problem::bad_request)?;
        }
        match self.deny.as_deref() {
            None => {}
            Some("warnings") => options.deny_warnings = true,
            Some(_) => return Err(Problem::bad_request("`deny` takes `warnings`")),
        }
        Ok(options)
    }
}

/// A preview to be made.
#[derive(Debug, Clone)]
pub(super) struct Preview {
    pub(super) query: Query,
    pub(super) style: Style,
    pub(super) limits: Arc<Limits>,
    /// What earlier previews were made of.
    pub(super) parts: Arc<Reuse>,
    pub(super) metrics: Metrics,
    /// Policies of the operator.
    pub(super) policies: Vec<Arc<Policy>>,
    pub(super) today: Option<Date>,
}

/// Each spends from `budget`, inside of [`Budget::bound`].
impl Preview {
    pub(super) fn render(&self, source: Named, budget: &Budget) -> Result<Made, Problem> {
        let outcome = self.run(source, budget, |_| {})?;
        let start = Instant::now();
        let made = match outcome.bundle {
            None => Made::findings(self.style, outcome.report, None, budget),
            Some(bundle) => Made::bundle(self.style, bundle, &outcome.report, budget),
        };
        self.metrics.stage("write", start.elapsed());
        made
    }

    pub(super) fn validate(&self, source: Named, budget: &Budget) -> Result<Made, Problem> {
        let outcome = self.run(source, budget, |options| options.check = true)?;
        Made::report(StatusCode::OK, self.style, &outcome.report, budget)
    }

    pub(super) fn diff(
        &self,
        (old, new): (Named, Named),
        budget: &Budget,
    ) -> Result<Made, Problem> {
        let mut bundles = Vec::new();
        for (side, source) in [("old", old), ("new", new)] {
            // The graph is compared; no target needs to be printed.
            let outcome = self.run(source, budget, |options| options.targets = Some(Vec::new()));
            let outcome = outcome.map_err(|problem| problem.with(json!({"side": side})))?;
            match outcome.bundle {
                Some(bundle) => bundles.push(bundle),
                None => return Made::findings(self.style, outcome.report, Some(side), budget),
            }
        }
        let [old, new] = &bundles[..] else {
            return Err(Problem::internal("there are not two sides"));
        };
        let start = Instant::now();
        let changes = changes::between(old, new, budget);
        self.metrics.stage("compare", start.elapsed());
        Made::changes(self.style, &changes, budget)
    }

    /// Opens a source and runs the pipeline.
    fn run(
        &self,
        source: Named,
        budget: &Budget,
        set: impl FnOnce(&mut pipeline::Options),
    ) -> Result<Outcome, Problem> {
        let mut options = self.query.options(&self.limits)?;
        options.levels.policies.clone_from(&self.policies);
        options.levels.today = self.today;
        set(&mut options);
        let start = Instant::now();
        let mut opened = source.open(&self.limits, budget)?;
        if self.query.only.is_some() {
            let narrowed = opened.narrow(self.query.only.as_deref());
            narrowed.map_err(|error| Problem::bad_request(error.to_string()))?;
        }
        self.metrics.stage("open", start.elapsed());
        if let Some(path) = &options.discover.path {
            let inside = format!("{path}/");
            let mut files = opened.tree.files();
            if !files.any(|(_, file)| file.as_str().starts_with(&inside)) {
                return Err(Problem::bad_request(format!(
                    "`path`: the source has no folder `{}`",
                    excerpt(path, 200)
                )));
            }
            opened.origin.path = Some(path.clone());
        }
        options.source = match &self.query.origin {
            Some(origin) => stated(origin)?,
            None => opened.origin,
        };
        options.reuse = Some(Arc::clone(&self.parts));
        options.budget = budget.clone();
        options.discover.only = opened.only;
        let start = Instant::now();
        let outcome = pipeline::run(&opened.tree, &options, opened.notes);
        self.metrics.stage("pipeline", start.elapsed());
        outcome.map_err(|error| match error {
            pipeline::Error::ApiVersion { .. } => Problem::bad_request(error.to_string()),
            pipeline::Error::Cancelled => stopped(&Stop::Cancelled),
            pipeline::Error::Busy => stopped(&Stop::Busy),
            error => Problem::internal(error.to_string()),
        })
    }
}

/// Bytes of levels in a query.
const MAX_RULES: usize = 64 << 10;

fn levels_of(rules: &str) -> Result<Vec<Setting>, String> {
    if rules.len() > MAX_RULES {
        return Err(format!("`rules` has more than {MAX_RULES} bytes"));
    }
    let json = serde_json::from_str(rules);
    let json = json.map_err(|e| format!("`rules` is no JSON: {}", excerpt(&e.to_string(), 100)))?;
    settings_of_json(REGISTRY, &json, "the option `rules`")
}

/// Bytes of a stated origin: URLs and revisions are short.
const MAX_ORIGIN: usize = 8 << 10;

/// What a client says of its source. It is shown, and decides about nothing.
fn stated(origin: &str) -> Result<Source, Problem> {
    if origin.len() > MAX_ORIGIN {
        return Err(Problem::bad_request(format!(
            "`origin` has more than {MAX_ORIGIN} bytes"
        )));
    }
    let object: Result<serde_json::Map<_, _>, _> = serde_json::from_str(origin);
    let source = object.and_then(|object| serde_json::from_value(object.into()));
    // Nothing of it is repeated: its URL may hold what only the client may know.
    source.map_err(|_| {
        Problem::bad_request(
            "`origin` is an object of JSON with `kind`, `url`, `revision`, `digest`, `path`, `created` (texts) and `dirty` (true or false)",
        )
    })
}
