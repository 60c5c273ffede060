//! `POST /hooks/flux`: notification-controller's `generic` and `generic-hmac`
//! alerts. The answer comes at once; what the event names is rendered behind a
//! bounded queue, and the log and the metrics say what came of it.

use super::Service;
use super::access::Permission;
use super::api::Shared;
use super::openapi::{ProblemDocument, Refusals};
use super::problem::Problem;
use crate::diag::excerpt;
#[cfg(feature = "controller")]
use crate::edge::fetch;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Bytes of an event; notification-controller itself takes 3 MiB.
const MAX_EVENT: usize = 3 << 20;
/// Events that wait.
pub(super) const QUEUE: usize = 64;

/// What of an event matters here.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) involved_object: Object,
    #[serde(default)]
    pub(super) reason: String,
}

/// The object that an event is about.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    #[serde(default)]
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Object {
    /// Whether it is a source whose artifact may be rendered.
    fn is_source(&self) -> bool {
        let kind = matches!(
            self.kind.as_str(),
            "GitRepository" | "OCIRepository" | "Bucket" | "ExternalArtifact"
        );
        let name = |text: &str| {
            let fits =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
            (1..=253).contains(&text.len()) && text.bytes().all(fits)
        };
        kind && name(&self.namespace) && name(&self.name)
    }
}

/// Take an event of Flux.
#[utoipa::path(
    post, path = "/hooks/flux", operation_id = "hook", tag = "operations",
    request_body(content = serde_json::Value, content_type = "application/json", description = "An event, as notification-controller sends it."),
    params(("X-Signature" = Option<String>, Header, description = "`sha256=` and the HMAC of the body, when the service has a secret.")),
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
    let _turn = service
        .limiter
        .turn(&format!("hook {}", peer.ip().to_canonical()))?;
    let reading = axum::body::to_bytes(body, MAX_EVENT);
    let bytes = tokio::time::timeout(service.options.body_timeout, reading)
        .await
        .map_err(|_| Problem::too_slow("the event was not complete in time"))?
        .map_err(|error| {
            if error.to_string().contains("length limit") {
                Problem::too_large(format!(
                    "an event has at most {MAX_EVENT} bytes; this is fixed, Flux's are far smaller"
                ))
            } else {
                Problem::bad_request("the body ended early")
            }
        })?;
    if let Some(secret) = &service.options.hook_secret {
        let signature = headers
            .get("x-signature")
            .and_then(|value| value.to_str().ok());
        if !is_signed(secret.expose().as_bytes(), &bytes, signature.unwrap_or("")) {
            service.metrics.hook("refused");
            return Err(Problem::unauthorized(
                "X-Signature is missing or wrong: the provider's secret and --hook-secret-file must hold the same token",
            ));
        }
    }
    let event: Event = serde_json::from_slice(&bytes).map_err(|e| {
        Problem::bad_request(format!(
            "this is no event of Flux: {}",
            excerpt(&e.to_string(), 200)
        ))
    })?;
    if !event.involved_object.is_source() {
        service.metrics.hook("ignored");
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    match service.events.try_send(event) {
        Ok(()) => {
            service.metrics.hook("accepted");
            Ok(StatusCode::ACCEPTED.into_response())
        }
        Err(_) => {
            service.metrics.hook("dropped");
            Err(Problem::busy(format!("{QUEUE} events wait already")).retry_after(10))
        }
    }
}

/// Whether `signature` is `sha256=` and the HMAC of `body`, in constant time.
fn is_signed(secret: &[u8], body: &[u8], signature: &str) -> bool {
    let Some(hex) = signature.strip_prefix("sha256=") else {
        return false;
    };
    let bytes = hex.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let (Some(given), Ok(mut mac)) = (
        bytes.collect::<Option<Vec<u8>>>(),
        Hmac::<Sha256>::new_from_slice(secret),
    ) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

/// Renders what events name, one after the other.
pub(super) async fn work(service: Arc<Service>, mut events: mpsc::Receiver<Event>) {
    let mut cluster = Cluster::default();
    while let Some(event) = events.recv().await {
        let object = event.involved_object;
        let (kind, namespace, name) = (&object.kind, &object.namespace, &object.name);
        let outcome =
            tokio::time::timeout(Duration::from_secs(300), cluster.render(&service, &object)).await;
        match outcome {
            Ok(Ok(text)) => {
                service.metrics.hook("rendered");
                tracing::info!(kind, namespace, name, reason = %event.reason, "rendered: {text}");
            }
            Ok(Err(reason)) => {
                service.metrics.hook("failed");
                tracing::warn!(kind, namespace, name, %reason, "an event cannot be followed");
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

    async fn render(&mut self, service: &Arc<Service>, object: &Object) -> Result<String, String> {
        use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
        let kind = GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", &object.kind);
        let plural = match object.kind.as_str() {
            "GitRepository" => "gitrepositories",
            "OCIRepository" => "ocirepositories",
            "Bucket" => "buckets",
            _ => "externalartifacts",
        };
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        let client = self.client().await?;
        let api: Api<DynamicObject> = Api::namespaced_with(client, &object.namespace, &resource);
        let found = api.get(&object.name).await;
        let found = found.map_err(|e| format!("read it: {e}"))?;
        let artifact = &found.data["status"]["artifact"];
        let (Some(url), Some(digest)) = (artifact["url"].as_str(), artifact["digest"].as_str())
        else {
            return Err("it has no artifact yet".to_owned());
        };
        let policy = fetch::Policy::cluster();
        let bytes = fetch::artifact(url, digest, &policy, &service.limits).await;
        let bytes = bytes.map_err(|e| e.to_string())?;
        let rendered = super::api::render_artifact(service, url, digest, bytes).await;
        rendered.map_err(|problem| problem.detail().to_owned())
    }
}

#[cfg(not(feature = "controller"))]
impl Cluster {
    async fn render(&mut self, _: &Arc<Service>, _: &Object) -> Result<String, String> {
        Err("this build has no Kubernetes client; build with the feature `controller`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_signature_will_do() {
        let zeros = format!("sha256={}", "0".repeat(64));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(b"{\"a\":1}");
        let hex: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert!(is_signed(b"secret", b"{\"a\":1}", &format!("sha256={hex}")));
        for wrong in [
            "",
            "sha256=",
            "sha256=zz",
            &hex,
            &format!("sha1={hex}"),
            &format!("sha256={}", &hex[2..]),
            &zeros,
        ] {
            assert!(!is_signed(b"secret", b"{\"a\":1}", wrong), "{wrong}");
        }
        assert!(!is_signed(
            b"secret",
            b"{\"a\":2}",
            &format!("sha256={hex}")
        ));
        assert!(!is_signed(b"other", b"{\"a\":1}", &format!("sha256={hex}")));
    }
}
