//! Step 3, on a bounded pool of threads, without any client: the pipeline.

use super::api::{
    ApimBundleSpec, Counts, DiagnosticSummary, Diagnostics, FailOn, Level, Publish, Target,
};
use super::context::Context;
use super::error::{Retry, reason};
use super::fetch::Fetched;
use super::source::origin;
use crate::bundle::Source;
use crate::diag::{self, Budget, Located, Report, Severity};
use crate::edge::publish::{self, Artifact};
use crate::edge::source::{self, OpenOptions};
use crate::pipeline;
use crate::render;
use crate::tree::{Digest, Limits, SourceTree};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Findings that the status shows.
const FIRST: usize = 10;

/// A bundle, not yet published.
pub(super) struct Rendered {
    pub(super) artifact: Artifact,
    /// Digest of the rendered files, whatever revision they came from.
    pub(super) content_digest: Digest,
    pub(super) diagnostics: Diagnostics,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{message}")]
    Findings {
        message: String,
        diagnostics: Box<Diagnostics>,
    },
    #[error(transparent)]
    Pipeline(pipeline::Error),
    #[error("rendering failed inside: {0}; this is a defect, please report it")]
    Internal(String),
}

impl Error {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Findings { .. } => reason::VALIDATION_FAILED,
            Self::Pipeline(_) | Self::Internal(_) => reason::BUILD_FAILED,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        Retry::OnChange
    }
}

/// What rendering, and publishing, depend on beside the source's bytes.
pub(super) fn input_digest(source_digest: &str, spec: &ApimBundleSpec) -> Digest {
    let ApimBundleSpec {
        interval: _,
        suspend: _,
        timeout: _,
        history: _,
        source_ref,
        path,
        environment,
        targets,
        service,
        validation,
        publish,
    } = spec;
    let input = json!({
        "source": [source_digest, source_ref],
        "options": [path, environment, targets, service, validation],
        "publish": publish,
        "renderer": env!("CARGO_PKG_VERSION"),
    });
    Digest::of(input.to_string().as_bytes())
}

/// What a refusal depends on: the input, the caps, and the revision, which tags
/// may be made of.
pub(super) fn refusal_digest(input: &str, revision: &str, limits: &Limits) -> Digest {
    let caps: Vec<u64> = Limits::TABLE.iter().map(|l| limits.get(l.flag)).collect();
    Digest::of(json!([input, revision, caps]).to_string().as_bytes())
}

/// Renders what was fetched. At most as many run at once as the settings say.
pub(super) async fn render(
    context: &Context,
    fetched: Fetched,
    spec: &ApimBundleSpec,
) -> Result<Rendered, Error> {
    let internal = |error: &dyn std::fmt::Display| Error::Internal(error.to_string());
    let permit = Arc::clone(&context.renders).acquire_owned();
    let permit = permit.await.map_err(|e| internal(&e))?;
    context.metrics.renders.inc();
    let options = options(&fetched, spec, context)?;
    let to = spec.publish.clone();
    // Dropped when the caller gave up: the rendering ends where it is, and its permit is
    // free again.
    let _end = End(options.budget.clone());
    let rendering = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        run(&fetched, &options, &to)
    });
    rendering.await.map_err(|e| internal(&e))?
}

/// Ends a run when it is dropped; one that is done does not notice.
struct End(Budget);

impl Drop for End {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn options(
    fetched: &Fetched,
    spec: &ApimBundleSpec,
    context: &Context,
) -> Result<pipeline::Options, Error> {
    let source = &fetched.source;
    let service = spec.service.clone().unwrap_or_default();
    let validation = spec.validation.clone().unwrap_or_default();
    let mut levels = BTreeMap::new();
    for (code, level) in &validation.rules {
        let rule = diag::rule(code).ok_or_else(|| Error::Findings {
            message: format!(
                "spec.validation.rules: there is no rule {code}; `flux-apim explain` lists them"
            ),
            diagnostics: Box::default(),
        })?;
        levels.insert(rule.code, severity(*level));
    }
    let path = spec
        .path
        .as_deref()
        .map(|path| path.trim_start_matches("./"));
    let path = path.map(|path| path.trim_matches('/'));
    let path = path.filter(|path| !path.is_empty() && *path != ".");
    let mut options = pipeline::Options {
        targets: targets(&spec.targets),
        service: service.name,
        aso_owner: service.aso_owner,
        arm_api_version: service.arm_api_version,
        deny_warnings: validation.fail_on == FailOn::Warning,
        levels,
        source: Source {
            path: path.map(str::to_owned),
            ..origin(source)
        },
        ..pipeline::Options::default()
    };
    options.reuse = Some(Arc::clone(&context.reuse));
    options.discover.path = path.map(str::to_owned);
    options.discover.environment.clone_from(&spec.environment);
    options.discover.limits = context.settings.limits.clone();
    options.budget = Budget::new(&context.settings.limits);
    Ok(options)
}

fn targets(targets: &[Target]) -> Option<Vec<render::Target>> {
    let mut targets: Vec<_> = targets
        .iter()
        .map(|target| match target {
            Target::Arm => render::Target::Arm,
            Target::Bicep => render::Target::Bicep,
            Target::Aso => render::Target::Aso,
        })
        .collect();
    targets.sort();
    targets.dedup();
    (!targets.is_empty()).then_some(targets)
}

fn severity(level: Level) -> Option<Severity> {
    match level {
        Level::Error => Some(Severity::Error),
        Level::Warning => Some(Severity::Warning),
        Level::Info => Some(Severity::Info),
        Level::Off => None,
    }
}

fn run(fetched: &Fetched, options: &pipeline::Options, to: &Publish) -> Result<Rendered, Error> {
    let open = OpenOptions {
        digest: None,
        limits: options.discover.limits.clone(),
        budget: options.budget.clone(),
    };
    let tree = match source::unpack(&fetched.bytes, "flux", &open) {
        Ok(opened) => opened.tree,
        Err(source::Error::Refused(finding)) => {
            let empty = SourceTree::in_memory(BTreeMap::new());
            let report = Report::resolve(&vec![*finding].into(), &empty, &BTreeMap::new());
            return Err(match report {
                Ok(report) => refused(&report),
                Err(error) => Error::Pipeline(error.into()),
            });
        }
        Err(error) => return Err(Error::Internal(error.to_string())),
    };
    if publish::is_bundle(&tree) {
        return again(fetched, options, to);
    }
    if let Some(path) = &options.discover.path {
        let inside = format!("{path}/");
        if !tree
            .files()
            .any(|(_, file)| file.as_str().starts_with(&inside))
        {
            return Err(Error::Findings {
                message: format!("spec.path: the source has no folder `{path}`"),
                diagnostics: Box::default(),
            });
        }
    }
    let outcome = pipeline::run(&tree, options, Vec::new()).map_err(Error::Pipeline)?;
    let Some(bundle) = outcome.bundle else {
        return Err(refused(&outcome.report));
    };
    let artifact = Artifact::of(&bundle);
    Ok(Rendered {
        content_digest: content_digest(artifact.inventory(), to),
        diagnostics: diagnostics(&outcome.report),
        artifact,
    })
}

/// A bundle that was rendered before goes on as it is, byte for byte.
fn again(fetched: &Fetched, options: &pipeline::Options, to: &Publish) -> Result<Rendered, Error> {
    let what = fetched.source.name.to_string();
    let limits = &options.discover.limits;
    let artifact = Artifact::of_layer(&fetched.bytes, &what, limits);
    let artifact = artifact.map_err(|error| Error::Findings {
        message: error.to_string(),
        diagnostics: Box::default(),
    })?;
    let found = &artifact.inventory()["diagnostics"];
    let count = |severity: &str| {
        let count = found[severity].as_u64().unwrap_or_default();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    Ok(Rendered {
        content_digest: content_digest(artifact.inventory(), to),
        diagnostics: Diagnostics {
            counts: Counts {
                error: count("error"),
                warning: count("warning"),
                info: count("info"),
            },
            first: Vec::new(),
        },
        artifact,
    })
}

/// Digest of what was rendered, and of where it goes: everything in the
/// inventory but the source and where in it things come from.
fn content_digest(inventory: &Json, publish: &Publish) -> Digest {
    let parts = [
        "apiVersion",
        "renderer",
        "environment",
        "targets",
        "files",
        "parts",
    ];
    let content: Vec<&Json> = parts.iter().map(|part| &inventory[part]).collect();
    Digest::of(json!([content, publish]).to_string().as_bytes())
}

/// The first error decides what people read first.
fn refused(report: &Report) -> Error {
    let summary = report.summary();
    let mut gravest: Vec<&Located> = report.diagnostics.iter().collect();
    gravest.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut message = gravest.first().map_or_else(
        || "the source holds no API Management configuration".to_owned(),
        |finding| {
            let at = match (&finding.path, finding.range) {
                (path, Some(range)) => {
                    format!("{path}:{}:{}: ", range.start.line, range.start.column)
                }
                (path, None) if !path.is_empty() => format!("{path}: "),
                _ => String::new(),
            };
            format!("{} {at}{}", finding.rule.code, finding.message)
        },
    );
    let same = if summary.error > 0 {
        summary.error
    } else {
        summary.warning
    };
    let more = same.saturating_sub(1);
    if more > 0 {
        message.push_str(&format!(" (and {more} more)"));
    }
    Error::Findings {
        message,
        diagnostics: Box::new(diagnostics(report)),
    }
}

fn diagnostics(report: &Report) -> Diagnostics {
    let summary = report.summary();
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let mut gravest: Vec<&Located> = report.diagnostics.iter().collect();
    gravest.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Diagnostics {
        counts: Counts {
            error: count(summary.error),
            warning: count(summary.warning),
            info: count(summary.info),
        },
        first: gravest
            .into_iter()
            .take(FIRST)
            .map(|finding| DiagnosticSummary {
                code: finding.rule.code.to_string(),
                severity: finding.severity.as_str().to_owned(),
                path: finding.path.clone(),
                line: finding.range.map(|range| range.start.line),
                message: diag::excerpt(&finding.message, 500),
            })
            .collect(),
    }
}
