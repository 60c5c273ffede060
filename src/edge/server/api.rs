//! The endpoints of `/v1`.

use super::Service;
use super::answer::{Answer, Form, Made, Style};
use super::job::Held;
use super::preview::{Preview, Query};
use super::problem::Problem;
use super::schemas::{
    self, Diagnostics, Difference, ProblemDocument, RenderedBundle, Rules, Tree, TreePair,
};
use super::sources::{Named, Sources};
use super::upload::Upload;
use crate::diag::{Budget, excerpt};
use crate::edge::policies;
use crate::edge::work::{Task, Tenant};
use crate::reuse::Reuse;
use crate::rules::REGISTRY;
use crate::tree::Digest;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as FromQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router, routing};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

pub(super) type Shared = State<Arc<Service>>;
type Asked = Result<FromQuery<Query>, QueryRejection>;

pub(super) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/v1/render", routing::post(render))
        .route("/v1/validate", routing::post(validate))
        .route("/v1/diff", routing::post(diff))
        .route("/v1/rules", routing::get(all_rules))
        .route("/v1/rules/{code}", routing::get(one_rule))
}

/// Render a tree into a bundle.
#[utoipa::path(
    post, path = "/v1/render", operation_id = "render", tag = "previews",
    params(Query),
    request_body(content(
        (Tree = "application/json"), (String = "application/gzip"), (schemas::Form = "multipart/form-data"),
    ), description = "The tree."),
    responses(
        (status = 200, description = "The bundle. As `application/gzip` its digest is the `ETag`.", content(
            (RenderedBundle = "application/json"), (String = "application/gzip"),
            (Value = "application/sarif+json"), (String = "text/markdown"),
        )),
        (status = 422, description = "Findings at error level, or a source that is refused.", content(
            (ProblemDocument = "application/problem+json"), (Value = "application/sarif+json"), (String = "text/markdown"),
        )),
        schemas::Problems
    ),
)]
pub(super) async fn render(
    State(service): Shared,
    Extension(tenant): Extension<Tenant>,
    headers: HeaderMap,
    query: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let forms = [Form::Json, Form::Gzip, Form::Sarif, Form::Markdown];
    let asked = Request {
        verb: Verb::Render,
        tenant,
        form: Form::negotiate(&headers, &forms)?,
        headers,
        query,
        body,
    };
    asked.answer(&service).await
}

/// Check a tree.
#[utoipa::path(
    post, path = "/v1/validate", operation_id = "validate", tag = "previews",
    params(Query),
    request_body(content(
        (Tree = "application/json"), (String = "application/gzip"), (schemas::Form = "multipart/form-data"),
    ), description = "The tree."),
    responses(
        (status = 200, description = "The findings, also when there are errors among them.", content(
            (Diagnostics = "application/json"), (Value = "application/sarif+json"), (String = "text/markdown"),
        )),
        (status = 422, description = "The source is refused.", body = ProblemDocument, content_type = "application/problem+json"),
        schemas::Problems
    ),
)]
pub(super) async fn validate(
    State(service): Shared,
    Extension(tenant): Extension<Tenant>,
    headers: HeaderMap,
    query: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let forms = [Form::Json, Form::Sarif, Form::Markdown];
    let asked = Request {
        verb: Verb::Validate,
        tenant,
        form: Form::negotiate(&headers, &forms)?,
        headers,
        query,
        body,
    };
    asked.answer(&service).await
}

/// What changes between two trees.
#[utoipa::path(
    post, path = "/v1/diff", operation_id = "diff", tag = "previews",
    params(Query),
    request_body(content(
        (TreePair = "application/json"), (schemas::FormPair = "multipart/form-data"),
    ), description = "The old and the new tree."),
    responses(
        (status = 200, description = "The changes.", content(
            (Difference = "application/json"), (String = "text/markdown"),
        )),
        (status = 422, description = "One side has findings at error level, or is refused; `side` says which.", content(
            (ProblemDocument = "application/problem+json"), (String = "text/markdown"),
        )),
        schemas::Problems
    ),
)]
pub(super) async fn diff(
    State(service): Shared,
    Extension(tenant): Extension<Tenant>,
    headers: HeaderMap,
    query: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let forms = [Form::Json, Form::Markdown];
    let asked = Request {
        verb: Verb::Diff,
        tenant,
        form: Form::negotiate(&headers, &forms)?,
        headers,
        query,
        body,
    };
    asked.answer(&service).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Render,
    Validate,
    Diff,
}

/// One source, or two.
#[derive(Clone)]
enum Work {
    Render(Named),
    Validate(Named),
    Diff(Named, Named),
}

impl Work {
    fn of(verb: Verb, sources: Sources) -> Result<Self, Problem> {
        Ok(match verb {
            Verb::Render => Self::Render(sources.single()?),
            Verb::Validate => Self::Validate(sources.single()?),
            Verb::Diff => {
                let (old, new) = sources.pair()?;
                Self::Diff(old, new)
            }
        })
    }

    /// Whether a part of it is only named.
    fn is_elsewhere(&self) -> bool {
        match self {
            Self::Render(source) | Self::Validate(source) => source.is_elsewhere(),
            Self::Diff(old, new) => old.is_elsewhere() || new.is_elsewhere(),
        }
    }

    async fn fetch(self, service: &Service, task: &Task) -> Result<Self, Problem> {
        let (policy, limits) = (&service.options.sources, &service.limits);
        let fetch = |source: Named| source.fetch(policy, limits, task);
        Ok(match self {
            Self::Render(source) => Self::Render(fetch(source).await?),
            Self::Validate(source) => Self::Validate(fetch(source).await?),
            Self::Diff(old, new) => Self::Diff(fetch(old).await?, fetch(new).await?),
        })
    }

    /// Bytes that a clone of it copies.
    fn copied(&self) -> usize {
        match self {
            Self::Render(source) | Self::Validate(source) => source.copied(),
            Self::Diff(old, new) => old.copied() + new.copied(),
        }
    }

    fn run(self, preview: &Preview, budget: &Budget) -> Result<Made, Problem> {
        match self {
            Self::Render(source) => preview.render(source, budget),
            Self::Validate(source) => preview.validate(source, budget),
            Self::Diff(old, new) => preview.diff((old, new), budget),
        }
    }
}

/// What the first job of a request comes to.
enum Step {
    Made(Made),
    /// Something is to be fetched before it goes on.
    Fetch(Box<(Work, Preview, Held)>),
}

/// A request for a preview.
struct Request {
    verb: Verb,
    tenant: Tenant,
    form: Form,
    headers: HeaderMap,
    query: Asked,
    body: Body,
}

impl Request {
    async fn answer(self, service: &Arc<Service>) -> Result<Response, Problem> {
        let FromQuery(query) = self.query.map_err(|e| {
            Problem::bad_request(format!(
                "the query cannot be read: {}",
                excerpt(&e.body_text(), 300)
            ))
        })?;
        let (tenant, form, verb) = (self.tenant, self.form, self.verb);
        let task = service.task(tenant.clone());
        let start = Instant::now();
        let upload = Upload::take(service, &task, &self.headers, self.body).await?;
        service.metrics.stage("upload", start.elapsed());
        // What others sent is not found: nobody can tell by the time that an answer takes
        // who asked for the same before.
        // Tomorrow an exception may be over.
        let today = policies::today();
        let key = format!(
            "{verb:?}\n{form:?}\n{query:?}\n{today:?}\n{}",
            upload.digest
        );
        let key = Digest::of(key.as_bytes());
        let answers = service.answers.of(tenant.as_str());
        if let Some(answer) = answers.get::<Answer>(&key) {
            let held = Held::of(&task.budget, answer.len().unwrap_or(0))?;
            return Ok(answer.respond(held));
        }
        let preview = service.preview(&tenant, query, form);
        let (max_body, limits) = (service.options.max_body_bytes, Arc::clone(&service.limits));
        // A job may start over: it leaves what it needs as it is.
        let reading = move |budget: &Budget| {
            let (mut sources, held) = upload.read(max_body, &limits, budget)?;
            let mut preview = preview.clone();
            preview.query.fill(std::mem::take(&mut sources.fields))?;
            let work = Work::of(verb, sources)?;
            if work.is_elsewhere() {
                return Ok(Step::Fetch(Box::new((work, preview, held))));
            }
            let made = work.run(&preview, budget);
            // The bytes are gone when the work is done.
            drop(held);
            made.map(Step::Made)
        };
        let step: Result<Step, Problem> = service.pool.run(task.clone(), reading).await?;
        let made = match step? {
            Step::Made(made) => made,
            Step::Fetch(fetch) => {
                let (work, preview, held) = *fetch;
                let work = work.fetch(service, &task).await?;
                let job = move |budget: &Budget| {
                    let _held = &held;
                    let _copies = Held::of(budget, work.copied())?;
                    work.clone().run(&preview, budget)
                };
                service.pool.run(task, job).await??
            }
        };
        Ok(keep(&answers, key, made.answer).respond(made.held))
    }
}

impl Service {
    /// A preview for `tenant`.
    fn preview(&self, tenant: &Tenant, query: Query, form: Form) -> Preview {
        Preview {
            query,
            style: Style {
                form,
                whole: self.answers.largest(),
                max: self.options.max_answer_bytes,
            },
            limits: Arc::clone(&self.limits),
            parts: Arc::new(self.parts.of(tenant.as_str())),
            metrics: self.metrics.clone(),
            policies: self.options.policies.clone(),
            today: policies::today(),
        }
    }
}

/// Keeps an answer that is there as a whole.
fn keep(answers: &Reuse, key: Digest, answer: Answer) -> Arc<Answer> {
    let answer = Arc::new(answer);
    if let Some(len) = answer.len() {
        answers.put(key, &answer, len);
    }
    answer
}

/// Renders an artifact that an event named, for the findings in the log.
#[cfg(feature = "controller")]
pub(super) async fn render_artifact(
    service: &Arc<Service>,
    url: &str,
    digest: &str,
) -> Result<String, Problem> {
    let tenant = Tenant::new("events");
    let answers = service.answers.of(tenant.as_str());
    let key = Digest::of(format!("artifact\n{url}\n{digest}").as_bytes());
    if answers.get::<Answer>(&key).is_some() {
        return Ok("as before".to_owned());
    }
    let task = service.task(tenant.clone());
    let policy = crate::edge::fetch::Policy::cluster();
    let source = Named::artifact(url, digest);
    let source = source.fetch(&policy, &service.limits, &task).await?;
    let preview = service.preview(&tenant, Query::default(), Form::Markdown);
    let job = move |budget: &Budget| preview.render(source.clone(), budget);
    let made = service.pool.run(task, job).await??;
    Ok(keep(&answers, key, made.answer).first_line())
}

/// Every rule.
#[utoipa::path(
    get, path = "/v1/rules", operation_id = "rules", tag = "rules",
    responses((status = 200, description = "The rules.", body = Rules), schemas::Refusals),
)]
pub(super) async fn all_rules() -> Json<Value> {
    Json(json!({"version": 1, "rules": REGISTRY.all()}))
}

/// One rule, by code or name.
#[utoipa::path(
    get, path = "/v1/rules/{code}", operation_id = "rule", tag = "rules",
    params(("code" = String, Path, description = "Code (`APIM1003`) or name.", min_length = 1)),
    responses(
        (status = 200, description = "The rule.", body = schemas::RuleDescription),
        (status = 404, description = "There is no such rule.", body = ProblemDocument, content_type = "application/problem+json"),
        schemas::Refusals
    ),
)]
pub(super) async fn one_rule(
    code: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Ok(Path(code)) = code else {
        return Err(Problem::not_found(
            "there is no such rule; /v1/rules lists them",
        ));
    };
    let rule = REGISTRY.get(&code).ok_or_else(|| {
        Problem::not_found(format!(
            "there is no rule `{}`; /v1/rules lists them",
            excerpt(&code, 100)
        ))
    })?;
    Ok(Json(rule).into_response())
}
