//! The endpoints of `/v1`.

use super::Service;
use super::answer::{Answer, Form};
use super::openapi::{
    self, Diagnostics, Difference, ProblemDocument, RenderedBundle, Rules, Tree, TreePair,
};
use super::pool::Wanted;
use super::preview::{Preview, Query};
use super::problem::Problem;
use super::sources::{Named, Sources};
use super::upload::Upload;
use crate::diag::{RULES, Rule, excerpt, rule, rules};
use crate::tree::Digest;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as FromQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
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
        .route("/openapi.json", routing::get(openapi::document))
}

/// Render a tree into a bundle.
#[utoipa::path(
    post, path = "/v1/render", operation_id = "render", tag = "previews",
    params(Query),
    request_body(content(
        (Tree = "application/json"), (String = "application/gzip"), (openapi::Form = "multipart/form-data"),
    ), description = "The tree."),
    responses(
        (status = 200, description = "The bundle. As `application/gzip` its digest is the `ETag`.", content(
            (RenderedBundle = "application/json"), (String = "application/gzip"),
            (Value = "application/sarif+json"), (String = "text/markdown"),
        )),
        (status = 422, description = "Findings at error level, or a source that is refused.", content(
            (ProblemDocument = "application/problem+json"), (Value = "application/sarif+json"), (String = "text/markdown"),
        )),
        openapi::Problems
    ),
)]
pub(super) async fn render(
    State(service): Shared,
    headers: HeaderMap,
    query: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let forms = [Form::Json, Form::Gzip, Form::Sarif, Form::Markdown];
    answer(
        &service,
        "render",
        &forms,
        headers,
        query,
        body,
        Verb::Render,
    )
    .await
}

/// Check a tree.
#[utoipa::path(
    post, path = "/v1/validate", operation_id = "validate", tag = "previews",
    params(Query),
    request_body(content(
        (Tree = "application/json"), (String = "application/gzip"), (openapi::Form = "multipart/form-data"),
    ), description = "The tree."),
    responses(
        (status = 200, description = "The findings, also when there are errors among them.", content(
            (Diagnostics = "application/json"), (Value = "application/sarif+json"), (String = "text/markdown"),
        )),
        (status = 422, description = "The source is refused.", body = ProblemDocument, content_type = "application/problem+json"),
        openapi::Problems
    ),
)]
pub(super) async fn validate(
    State(service): Shared,
    headers: HeaderMap,
    query: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let forms = [Form::Json, Form::Sarif, Form::Markdown];
    answer(
        &service,
        "validate",
        &forms,
        headers,
        query,
        body,
        Verb::Validate,
    )
    .await
}

/// What changes between two trees.
#[utoipa::path(
    post, path = "/v1/diff", operation_id = "diff", tag = "previews",
    params(Query),
    request_body(content(
        (TreePair = "application/json"), (openapi::FormPair = "multipart/form-data"),
    ), description = "The old and the new tree."),
    responses(
        (status = 200, description = "The changes.", content(
            (Difference = "application/json"), (String = "text/markdown"),
        )),
        (status = 422, description = "One side has findings at error level, or is refused; `side` says which.", content(
            (ProblemDocument = "application/problem+json"), (String = "text/markdown"),
        )),
        openapi::Problems
    ),
)]
pub(super) async fn diff(
    State(service): Shared,
    headers: HeaderMap,
    query: Asked,
    body: Body,
) -> Result<Response, Problem> {
    let forms = [Form::Json, Form::Markdown];
    answer(&service, "diff", &forms, headers, query, body, Verb::Diff).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Render,
    Validate,
    Diff,
}

/// One source, or two.
enum Work {
    Render(Named),
    Validate(Named),
    Diff(Named, Named),
}

impl Work {
    async fn of(verb: Verb, sources: Sources, service: &Service) -> Result<Self, Problem> {
        Ok(match verb {
            Verb::Render => Self::Render(sources.single()?.fetch(service).await?),
            Verb::Validate => Self::Validate(sources.single()?.fetch(service).await?),
            Verb::Diff => {
                let (old, new) = sources.pair()?;
                Self::Diff(old.fetch(service).await?, new.fetch(service).await?)
            }
        })
    }

    fn run(self, preview: &Preview, wanted: &Wanted) -> Result<Answer, Problem> {
        match self {
            Self::Render(source) => preview.render(source, wanted),
            Self::Validate(source) => preview.validate(source, wanted),
            Self::Diff(old, new) => preview.diff((old, new), wanted),
        }
    }
}

async fn answer(
    service: &Arc<Service>,
    name: &'static str,
    forms: &[Form],
    headers: HeaderMap,
    query: Asked,
    body: Body,
    verb: Verb,
) -> Result<Response, Problem> {
    let form = Form::negotiate(&headers, forms)?;
    let FromQuery(mut query) = query.map_err(|e| {
        Problem::bad_request(format!(
            "the query cannot be read: {}",
            excerpt(&e.body_text(), 300)
        ))
    })?;
    let start = Instant::now();
    let upload = Upload::take(service, &headers, body).await?;
    service.metrics.stage("upload", start.elapsed());
    let key = format!("{name}\n{form:?}\n{query:?}\n{}", upload.digest);
    let key = Digest::of(key.as_bytes());
    if let Some(answer) = service.answers.get::<Answer>(&key) {
        return Ok(answer.respond());
    }
    let limits = Arc::clone(&service.limits);
    let (sources, held) = service.pool.run(move |_| upload.read(&limits)).await??;
    let mut sources = sources;
    query.fill(std::mem::take(&mut sources.fields))?;
    let work = Work::of(verb, sources, service).await?;
    let preview = Preview {
        query,
        form,
        limits: Arc::clone(&service.limits),
        whole: service.answers.largest(),
        parts: Arc::clone(&service.parts),
        metrics: service.metrics.clone(),
    };
    let answer = service
        .pool
        .run(move |wanted| {
            // The bytes are gone when the work is done.
            let _held = held;
            work.run(&preview, wanted)
        })
        .await??;
    let answer = Arc::new(answer);
    keep(service, key, &answer);
    Ok(answer.respond())
}

/// Keeps an answer that is there as a whole.
fn keep(service: &Service, key: Digest, answer: &Arc<Answer>) {
    if let Some(len) = answer.len() {
        service.answers.put(key, answer, len);
    }
}

/// Renders an artifact that an event named, for the findings in the log.
#[cfg(feature = "controller")]
pub(super) async fn render_artifact(
    service: &Arc<Service>,
    url: &str,
    digest: &str,
    bytes: bytes::Bytes,
) -> Result<String, Problem> {
    let key = Digest::of(format!("artifact\n{url}\n{digest}").as_bytes());
    if service.answers.get::<Answer>(&key).is_some() {
        return Ok("as before".to_owned());
    }
    let preview = Preview {
        query: Query::default(),
        form: Form::Markdown,
        limits: Arc::clone(&service.limits),
        whole: service.answers.largest(),
        parts: Arc::clone(&service.parts),
        metrics: service.metrics.clone(),
    };
    let source = Named::fetched(url, bytes);
    let work = move |wanted: &Wanted| preview.render(source, wanted);
    let answer = Arc::new(service.pool.run(work).await??);
    keep(service, key, &answer);
    Ok(answer.first_line())
}

/// Every rule.
#[utoipa::path(
    get, path = "/v1/rules", operation_id = "rules", tag = "rules",
    responses((status = 200, description = "The rules.", body = Rules), openapi::Refusals),
)]
pub(super) async fn all_rules() -> Json<Value> {
    let all: Vec<Value> = RULES.iter().map(|rule| describe(rule)).collect();
    Json(json!({"version": 1, "rules": all}))
}

/// One rule, by code or name.
#[utoipa::path(
    get, path = "/v1/rules/{code}", operation_id = "rule", tag = "rules",
    params(("code" = String, Path, description = "Code (`APIM1003`) or name.", min_length = 1)),
    responses(
        (status = 200, description = "The rule.", body = openapi::RuleDescription),
        (status = 404, description = "There is no such rule.", body = ProblemDocument, content_type = "application/problem+json"),
        openapi::Refusals
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
    let rule = rule(&code).ok_or_else(|| {
        Problem::not_found(format!(
            "there is no rule `{}`; /v1/rules lists them",
            excerpt(&code, 100)
        ))
    })?;
    Ok(Json(describe(rule)).into_response())
}

fn describe(rule: &Rule) -> Value {
    json!({
        "code": rule.code.to_string(), "name": rule.name,
        "severity": rule.severity.as_str(), "summary": rule.summary,
        "explanation": rule.explanation, "url": rules::url(rule),
    })
}
