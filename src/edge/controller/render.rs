//! Step 3, on a bounded pool of threads, without any client: the pipeline.

use super::answer::{Retry, reason};
use super::api::{
    ApimBundleSpec, Counts, DiagnosticSummary, Diagnostics, FailOn, Publish, Target, Validation,
};
use super::context::Context;
use super::fetch::Fetched;
use super::source::origin;
use crate::bundle::Source;
use crate::diag::{self, Budget, Diagnostic, Held, Located, Place, Report, Stop};
use crate::edge::policies::today;
use crate::edge::publish::{self, Artifact};
use crate::edge::source::{self, OpenOptions};
use crate::edge::work::{Ended, Task};
use crate::levels::{Asked, Policy, settings_of_json};
use crate::pipeline;
use crate::render;
use crate::rules::REGISTRY;
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
    /// What the artifact takes of the memory.
    _held: Held,
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
    #[error("other reconciliations hold the memory that rendering needs; trying again")]
    Busy,
    /// Its time was over.
    #[error("rendering was not done in time")]
    Late,
}

impl Error {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Findings { .. } => reason::VALIDATION_FAILED,
            Self::Pipeline(_) | Self::Internal(_) | Self::Busy => reason::BUILD_FAILED,
            Self::Late => reason::TIMEOUT,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Findings { .. } | Self::Pipeline(_) | Self::Internal(_) => Retry::OnChange,
            Self::Busy | Self::Late => Retry::Backoff,
        }
    }

    /// Why a run ended early, which what it may spend is to blame for.
    fn stopped(stop: &Stop) -> Self {
        let Some(finding) = stop.finding() else {
            return match stop {
                Stop::Cancelled => Self::Late,
                _ => Self::Busy,
            };
        };
        // The tree that the place is in is gone.
        Self::refused_source(Diagnostic {
            place: Place::Source,
            ..finding
        })
    }

    /// A source that is not even opened.
    fn refused_source(finding: Diagnostic) -> Self {
        let empty = SourceTree::in_memory(BTreeMap::new());
        let report = Report::resolve(&vec![finding].into(), &empty, &BTreeMap::new());
        match report {
            Ok(report) => refused(&report),
            Err(error) => Self::Pipeline(error.into()),
        }
    }
}

/// What rendering, and publishing, depend on beside the source's bytes.
pub(super) fn input_digest(
    source_digest: &str,
    spec: &ApimBundleSpec,
    policies: &[Arc<Policy>],
) -> Digest {
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
    let mut input = json!({
        "source": [source_digest, source_ref],
        "options": [path, environment, targets, service, validation],
        "publish": publish,
        "renderer": env!("CARGO_PKG_VERSION"),
    });
    if !policies.is_empty() {
        let digests = policies.iter().map(|policy| policy.digest().to_string());
        input["policies"] = digests.collect();
    }
    Digest::of(input.to_string().as_bytes())
}

/// What a refusal depends on: the input, the caps, and the revision, which tags
/// may be made of.
pub(super) fn refusal_digest(input: &str, revision: &str, limits: &Limits) -> Digest {
    let caps: Vec<u64> = Limits::TABLE.iter().map(|l| limits.get(l.flag)).collect();
    Digest::of(json!([input, revision, caps]).to_string().as_bytes())
}

impl From<Ended> for Error {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Stopped(stop) => Self::stopped(&stop),
            Ended::Full => Self::Busy,
            Ended::Panicked => Self::Internal("a panic, which the log has more of".to_owned()),
        }
    }
}

/// Renders what was fetched. At most as many run at once as the settings say; one that
/// nobody waits for any more ends where it is.
pub(super) async fn render(
    context: &Context,
    fetched: Fetched,
    spec: &ApimBundleSpec,
    policies: &[Arc<Policy>],
    task: &Task,
) -> Result<Rendered, Error> {
    context.metrics.renders.inc();
    let mut options = options(&fetched, spec, policies, context)?;
    options.budget = task.budget.clone();
    let to = spec.publish.clone();
    let job = move |_: &Budget| run(&fetched, &options, &to);
    context.pool.run(task.clone(), job).await?
}

fn options(
    fetched: &Fetched,
    spec: &ApimBundleSpec,
    policies: &[Arc<Policy>],
    context: &Context,
) -> Result<pipeline::Options, Error> {
    let source = &fetched.source;
    let service = spec.service.clone().unwrap_or_default();
    let validation = spec.validation.clone().unwrap_or_default();
    let levels = levels(&validation, policies)?;
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
    Ok(options)
}

/// Levels of the spec, under the policies of the operator.
fn levels(validation: &Validation, policies: &[Arc<Policy>]) -> Result<Asked, Error> {
    let rules = validation.rules.iter();
    let rules: Json = rules
        .map(|(rule, level)| (rule.clone(), level.0.clone()))
        .collect();
    let settings = settings_of_json(REGISTRY, &rules, "spec.validation.rules");
    Ok(Asked {
        settings: settings.map_err(|message| Error::Findings {
            message,
            diagnostics: Box::default(),
        })?,
        policies: policies.to_vec(),
        today: today(),
    })
}

fn targets(targets: &[Target]) -> Option<Vec<render::Target>> {
    let mut targets: Vec<_> = targets
        .iter()
        .map(|target| match target {
            Target::Arm => render::Target::ARM,
            Target::Bicep => render::Target::BICEP,
            Target::Aso => render::Target::ASO,
        })
        .collect();
    targets.sort();
    targets.dedup();
    (!targets.is_empty()).then_some(targets)
}

/// Spends from the budget of `options`, inside of [`Budget::bound`].
fn run(fetched: &Fetched, options: &pipeline::Options, to: &Publish) -> Result<Rendered, Error> {
    let open = OpenOptions {
        limits: options.discover.limits.clone(),
        budget: options.budget.clone(),
        ..OpenOptions::default()
    };
    let (tree, notes) = match source::unpack(&fetched.bytes, "flux", &open) {
        Ok(opened) => (opened.tree, opened.notes),
        Err(source::Error::Refused(finding)) => return Err(Error::refused_source(*finding)),
        Err(source::Error::Ended(stop)) => return Err(Error::stopped(&stop)),
        Err(error) => return Err(Error::Internal(error.to_string())),
    };
    if publish::is_bundle(&tree) {
        return again(fetched, tree, options, to);
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
    let outcome = pipeline::run(&tree, options, notes).map_err(|error| match error {
        pipeline::Error::Cancelled => Error::Late,
        pipeline::Error::Busy => Error::Busy,
        error => Error::Pipeline(error),
    })?;
    let Some(bundle) = outcome.bundle else {
        return Err(refused(&outcome.report));
    };
    let (artifact, held) = Artifact::within(&bundle, &options.budget);
    Ok(Rendered {
        content_digest: content_digest(artifact.inventory(), to),
        diagnostics: diagnostics(&outcome.report),
        artifact,
        _held: held,
    })
}

/// A bundle that was rendered before goes on as it is, byte for byte.
fn again(
    fetched: &Fetched,
    tree: SourceTree,
    options: &pipeline::Options,
    to: &Publish,
) -> Result<Rendered, Error> {
    // It is unpacked once more, and every file is hashed.
    let unpacked: u64 = tree.files().map(|(file, _)| tree.size(file)).sum();
    drop(tree);
    options.budget.spend(unpacked / 16, Place::Source);
    let bytes = usize::try_from(unpacked).unwrap_or(usize::MAX);
    let bytes = bytes.saturating_add(2 * fetched.bytes.len());
    let held = options.budget.hold(bytes, Place::Source);
    let what = fetched.source.name.to_string();
    let limits = &options.discover.limits;
    let artifact = Artifact::of_layer(&fetched.bytes, &what, limits);
    let artifact = artifact.map_err(|error| Error::Findings {
        message: error.to_string(),
        diagnostics: Box::default(),
    })?;
    for policy in &options.levels.policies {
        let held = publish::held_to(artifact.inventory(), &what, &policy.digest());
        held.map_err(|error| Error::Findings {
            message: error.to_string(),
            diagnostics: Box::default(),
        })?;
    }
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
        _held: held,
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
    let mut content: Vec<&Json> = parts.iter().map(|part| &inventory[part]).collect();
    // What a bundle was held to belongs to it, where there is such a thing.
    let more = ["policies", "exceptions"];
    content.extend(more.iter().filter_map(|part| inventory.get(part)));
    Digest::of(json!([content, publish]).to_string().as_bytes())
}

/// The first error decides what people read first.
fn refused(report: &Report) -> Error {
    let summary = report.summary();
    let mut gravest: Vec<&Located> = report.in_force().collect();
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
    let mut gravest: Vec<&Located> = report.in_force().collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::controller::api::{self, SourceKind};
    use crate::edge::controller::dereference::Dereferenced;
    use crate::edge::controller::source_name::SourceName;
    use crate::edge::work::{Account, Tenant};
    use std::io::Write;

    /// A source with one API of many operations.
    fn fetched(budget: &Budget) -> Fetched {
        let mut tar = tar::Builder::new(Vec::new());
        let mut add = |path: &str, text: String| {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            let bytes = text.as_bytes();
            tar.append_data(&mut header, path, bytes).unwrap();
        };
        let information = json!({"properties": {"displayName": "x", "path": "x"}});
        add("apis/x/apiInformation.json", information.to_string());
        let path = |n: usize| {
            let get = json!({"responses": {"200": {"description": "ok"}}});
            (format!("/things{n}"), json!({"get": get}))
        };
        let paths: serde_json::Map<_, _> = (0..2000).map(path).collect();
        let info = json!({"title": "x", "version": "1"});
        let definition = json!({"openapi": "3.0.1", "info": info, "paths": paths});
        add("apis/x/specification.json", definition.to_string());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar.into_inner().unwrap()).unwrap();
        Fetched {
            source: Dereferenced {
                name: SourceName {
                    kind: SourceKind::GitRepository,
                    namespace: "apis".to_owned(),
                    name: "x".to_owned(),
                },
                artifact: api::Artifact {
                    digest: String::new(),
                    last_update_time: String::new(),
                    path: String::new(),
                    revision: "main@sha1:0".to_owned(),
                    size: None,
                    url: String::new(),
                    metadata: BTreeMap::new(),
                },
                url: None,
            },
            bytes: gzip.finish().unwrap().into(),
            _held: budget.hold(0, Place::Source),
        }
    }

    fn rendered(task: &Task) -> Result<Rendered, Error> {
        let publish: Publish = serde_json::from_value(json!({"externalArtifact": true})).unwrap();
        let options = pipeline::Options {
            budget: task.budget.clone(),
            ..pipeline::Options::default()
        };
        let fetched = fetched(&task.budget);
        let run = || run(&fetched, &options, &publish);
        task.budget
            .bound(run)
            .unwrap_or_else(|stop| Err(Ended::Stopped(stop).into()))
    }

    /// What comes of a source of which `rules` are said in the spec.
    fn under(rules: &Json, policies: &[Arc<Policy>]) -> Result<Rendered, Error> {
        let validation = serde_json::from_value(json!({"rules": rules})).unwrap();
        let publish: Publish = serde_json::from_value(json!({"externalArtifact": true})).unwrap();
        let options = pipeline::Options {
            levels: levels(&validation, policies)?,
            ..pipeline::Options::default()
        };
        run(&fetched(&options.budget), &options, &publish)
    }

    #[test]
    fn an_apim_bundle_does_not_lower_what_nobody_lowers() {
        let integrity = REGISTRY.all().iter();
        let integrity = integrity.filter(|rule| rule.class == diag::Class::Integrity);
        let mut all: Vec<(Json, &str)> = Vec::new();
        for rule in integrity {
            let long = json!({"level": "info", "reason": "x"});
            all.push((json!({rule.name: "off"}), "APIM1030"));
            all.push((json!({rule.code.to_string(): long}), "APIM1030"));
        }
        all.push((json!({"invalid-value": "warning"}), "APIM1031"));
        all.push((json!({"APIM9876": "off"}), "`APIM9876` is no rule"));
        all.push((
            json!({"no-apis": {"level": "none"}}),
            "`level` of `no-apis`",
        ));
        for (rules, told) in all {
            match under(&rules, &[]) {
                Err(error) => {
                    assert_eq!(error.reason(), reason::VALIDATION_FAILED);
                    assert!(error.to_string().contains(told), "{rules}: {error}");
                }
                Ok(_) => panic!("{rules}"),
            }
        }
        let long = json!({"level": "off", "reason": "x", "until": "2099-01-01", "paths": ["a/**"]});
        for rules in [
            json!({}),
            json!({"no-apis": "off"}),
            json!({"invalid-value": long}),
        ] {
            assert!(under(&rules, &[]).is_ok(), "{rules}");
        }
    }

    #[test]
    fn an_apim_bundle_does_not_lower_what_the_operator_holds() {
        let text = "version: 1\nlevels: {no-apis: error}\n".to_owned();
        let mut findings = Vec::new().into();
        let policy = Policy::read(
            REGISTRY,
            crate::tree::FileId(0),
            text,
            &Limits::default(),
            &mut findings,
        );
        let policies = [Arc::new(policy.unwrap())];
        let rules = json!({"no-apis": "warning"});
        let Err(error) = under(&rules, &policies) else {
            panic!("it is rendered");
        };
        assert!(error.to_string().contains("APIM1030"), "{error}");
        let rendered = under(&json!({}), &policies).unwrap();
        let digest = policies[0].digest().to_string();
        assert_eq!(rendered.artifact.inventory()["policies"], json!([digest]));
        // A change of the policy is a change of the input.
        let spec = json!({
            "interval": "1m", "publish": {"externalArtifact": true},
            "sourceRef": {"kind": "GitRepository", "name": "x"},
        });
        let spec: ApimBundleSpec = serde_json::from_value(spec).unwrap();
        assert_ne!(
            input_digest("a", &spec, &policies),
            input_digest("a", &spec, &[])
        );
    }

    fn task(limits: &Limits, account: &Account) -> Task {
        Task::new(Tenant::new("apis"), limits, account, None)
    }

    fn limits(max_steps: u64, max_memory_bytes: u64) -> Limits {
        Limits {
            max_steps,
            max_memory_bytes,
            ..Limits::default()
        }
    }

    #[test]
    fn a_source_that_takes_too_much_is_refused_until_it_changes() {
        let account = Account::new(1 << 30, 100);
        for (limits, what) in [
            (limits(20_000, 1 << 30), "steps"),
            (limits(1 << 40, 400_000), "bytes of memory"),
        ] {
            let task = task(&limits, &account);
            let Err(error) = rendered(&task) else {
                panic!("it is rendered");
            };
            assert_eq!(error.reason(), reason::VALIDATION_FAILED);
            assert_eq!(error.retry(), Retry::OnChange);
            let Error::Findings {
                message,
                diagnostics,
            } = error
            else {
                panic!("{error}");
            };
            assert!(message.starts_with("APIM1017"), "{message}");
            assert!(message.contains(what), "{message}");
            assert_eq!(diagnostics.first[0].code, "APIM1017");
            assert_eq!(account.held(), 0);
        }
    }

    #[test]
    fn what_others_hold_is_no_fault_of_the_source() {
        let account = Account::new(1 << 20, 100);
        let others = account.share(&Tenant::new("others"));
        assert!(others.take(900_000));
        let task = task(&limits(1 << 40, 1 << 30), &account);
        let Err(error) = rendered(&task) else {
            panic!("it is rendered");
        };
        assert!(matches!(error, Error::Busy), "{error}");
        assert_eq!(error.retry(), Retry::Backoff);
        others.give(900_000);
        assert_eq!(account.held(), 0);
    }

    #[test]
    fn a_rendering_that_is_late_ends_and_what_is_done_is_held_until_it_is_published() {
        let account = Account::new(1 << 30, 100);
        let limits = limits(1 << 40, 1 << 30);
        let late = task(&limits, &account);
        late.budget.cancel();
        assert!(matches!(rendered(&late), Err(Error::Late)));
        drop(late);
        assert_eq!(account.held(), 0);
        let task = task(&limits, &account);
        let Ok(rendered) = rendered(&task) else {
            panic!("it is not rendered");
        };
        assert!(account.held() > 0);
        drop(rendered);
        assert_eq!(account.held(), 0);
    }
}
