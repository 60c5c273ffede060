//! `POST /hooks/flux`: notification-controller's `generic` and `generic-hmac`
//! alerts. The answer comes at once; what the event names is rendered behind a
//! bounded queue, and the log and the metrics say what came of it.

mod event;
mod queue;
mod signature;

pub(super) use queue::{QUEUE, Queue};

use super::Service;
use super::access::Permission;
use super::api::Shared;
use super::job::Held;
use super::limits::{Client, Network};
use super::problem::Problem;
use super::schemas::{ProblemDocument, Refusals};
use crate::diag::excerpt;
use crate::edge::work::Task;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use event::{Event, Source};
use futures_util::StreamExt;
use queue::Pushed;
use signature::Signed;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of an event. Those of sources, which are all that is followed, have one or two
/// thousand; one of a Kustomization that names six hundred changed objects still fits.
const MAX_EVENT: usize = 64 << 10;
/// How long an event may take to arrive: it is one small message.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Take an event of Flux.
#[utoipa::path(
    post, path = "/hooks/flux", operation_id = "hook", tag = "operations",
    request_body(content = serde_json::Value, content_type = "application/json", description = "An event, as notification-controller sends it."),
    params(("X-Signature" = Option<String>, Header, description = "`sha256=` and the HMAC-SHA256 of the body in hexadecimal, when the service has a secret.")),
    responses(
        (status = 202, description = "It will be looked at."),
        (status = 400, description = "It is no event.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "It is too large.", body = ProblemDocument, content_type = "application/problem+json"),
        Refusals
    ),
)]
pub(super) async fn receive(
    State(service): Shared,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if service.options.hook_secret.is_none() {
        let access = &service.access;
        access
            .check(&headers, peer.ip(), Permission::Publish)
            .await?;
    }
    let client = Client::Events(Network::of(peer.ip()));
    let _turn = service.limiter.turn(client)?;
    let refused = |problem| {
        service.metrics.hook("refused");
        problem
    };
    // Nothing of the body is read before the head says that it may be an event.
    let signed = match &service.options.hook_secret {
        Some(secret) => Some(Signed::new(&headers, secret).map_err(refused)?),
        None => None,
    };
    announced(&headers).map_err(refused)?;
    let limit = service.options.body_timeout.min(ARRIVAL);
    let task = service.task(client.tenant());
    let reading = read(&task, body, signed);
    let (event, held) = tokio::time::timeout(limit, reading)
        .await
        .unwrap_or_else(|_| Err(Problem::too_slow("the event was not complete in time")))
        .map_err(refused)?;
    let source = event.source().map_err(|wrong| {
        refused(Problem::bad_request(format!(
            "`involvedObject.{}` is `{}`, and no object of a cluster is called so: names are of lower-case letters, digits and `-` (and `.` between the parts of a name), and begin and end with a letter or a digit",
            wrong.member, wrong.text
        )))
    })?;
    drop(held);
    let Some(source) = source else {
        service.metrics.hook("ignored");
        return Ok(StatusCode::ACCEPTED.into_response());
    };
    match service.events.push(source) {
        Pushed::Waits => service.metrics.hook("accepted"),
        Pushed::Merged => service.metrics.hook("merged"),
        Pushed::Full => {
            service.metrics.hook("dropped");
            let detail = format!("{QUEUE} objects wait to be rendered already");
            return Err(Problem::busy(detail).retry_after(10));
        }
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

fn over() -> Problem {
    Problem::too_large(format!(
        "an event has at most {MAX_EVENT} bytes; this is fixed, those of Flux's sources have a few thousand"
    ))
}

/// Whether the body may be as long as the head says.
fn announced(headers: &HeaderMap) -> Result<(), Problem> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > MAX_EVENT as u64 => Err(over()),
        _ => Ok(()),
    }
}

/// The event in `body`, and the memory set aside for it.
async fn read(
    task: &Task,
    body: Body,
    mut signed: Option<Signed>,
) -> Result<(Event, Held), Problem> {
    let mut held = Held::none(&task.budget);
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::bad_request("the body ended early"))?;
        let len = bytes.len() + chunk.len();
        if len > MAX_EVENT {
            return Err(over());
        }
        held.grow(len)?;
        if let Some(signed) = &mut signed {
            signed.add(&chunk);
        }
        bytes.extend_from_slice(&chunk);
    }
    if let Some(signed) = signed {
        signed.verify()?;
    }
    let event = serde_json::from_slice(&bytes).map_err(|e| {
        Problem::bad_request(format!(
            "this is no event of Flux: {}",
            excerpt(&e.to_string(), 200)
        ))
    })?;
    Ok((event, held))
}

/// Renders what events name, one after the other.
pub(super) async fn work(service: Arc<Service>) {
    let mut cluster = Cluster::default();
    loop {
        let source = service.events.pop().await;
        let Source {
            kind,
            namespace,
            name,
            reason,
        } = &source;
        let rendering = cluster.render(&service, &source);
        let outcome = tokio::time::timeout(Duration::from_secs(300), rendering).await;
        match outcome {
            Ok(Ok(text)) => {
                service.metrics.hook("rendered");
                tracing::info!(kind, namespace, name, reason, "rendered: {text}");
            }
            Ok(Err(why)) => {
                service.metrics.hook("failed");
                tracing::warn!(kind, namespace, name, reason = %why, "an event cannot be followed");
            }
            Err(_) => {
                service.metrics.hook("failed");
                tracing::warn!(
                    kind,
                    namespace,
                    name,
                    "an event took more than five minutes"
                );
            }
        }
    }
}

/// The API server, once it was needed.
#[derive(Default)]
struct Cluster {
    #[cfg(feature = "controller")]
    client: Option<kube::Client>,
}

#[cfg(feature = "controller")]
impl Cluster {
    async fn client(&mut self) -> Result<kube::Client, String> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        crate::edge::tls::install_provider();
        let client = kube::Client::try_default().await;
        let client = client.map_err(|e| format!("reach the API server: {e}"))?;
        Ok(self.client.insert(client).clone())
    }

    async fn render(&mut self, service: &Arc<Service>, source: &Source) -> Result<String, String> {
        use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
        let kind = GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", source.kind);
        let plural = match source.kind {
            "GitRepository" => "gitrepositories",
            "OCIRepository" => "ocirepositories",
            "Bucket" => "buckets",
            _ => "externalartifacts",
        };
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        let client = self.client().await?;
        let api: Api<DynamicObject> = Api::namespaced_with(client, &source.namespace, &resource);
        let found = api.get(&source.name).await;
        let found = found.map_err(|e| format!("read it: {e}"))?;
        let artifact = &found.data["status"]["artifact"];
        let (Some(url), Some(digest)) = (artifact["url"].as_str(), artifact["digest"].as_str())
        else {
            return Err("it has no artifact yet".to_owned());
        };
        let rendered = super::api::render_artifact(service, url, digest).await;
        rendered.map_err(|problem| problem.detail().to_owned())
    }
}

#[cfg(not(feature = "controller"))]
impl Cluster {
    async fn render(&mut self, _: &Arc<Service>, _: &Source) -> Result<String, String> {
        Err("this build has no Kubernetes client; build with the feature `controller`".to_owned())
    }
}
