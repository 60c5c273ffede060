//! What happens around every handler.

use super::access::Permission;
use super::problem::Problem;
use super::{Service, api, hook, openapi, operations};
use crate::edge::{listen, telemetry};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes of the service, in the layers that every request passes.
pub(super) fn router(service: &Arc<Service>, artifacts: Option<Router>) -> Router {
    let state = Arc::clone(service);
    let previews = api::router()
        .route("/openapi.json", get(openapi::document))
        .route("/", get(operations::page))
        .route_layer(from_fn_with_state(Arc::clone(service), render_only));
    let metrics = Router::new()
        .route("/metrics", get(operations::metrics))
        .route_layer(from_fn_with_state(Arc::clone(service), admin_only));
    let mut router = Router::new()
        .merge(previews)
        .merge(metrics)
        // It has a guard of its own: the signature.
        .route("/hooks/flux", post(hook::receive))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .method_not_allowed_fallback(operations::other_method)
        .fallback(operations::nothing)
        .with_state(state);
    if let Some(artifacts) = artifacts {
        router = router.merge(artifacts);
    }
    let compressed = SizeAbove::new(1024)
        .and(NotForContentType::new("application/gzip"))
        .and(NotForContentType::IMAGES);
    router = router.layer(
        CompressionLayer::new()
            .quality(CompressionLevel::Fastest)
            .compress_when(compressed),
    );
    if let Some(cors) = cors(service.front.pages()) {
        router = router.layer(cors);
    }
    router
        .layer(CatchPanicLayer::custom(Service::panicked))
        .layer(from_fn_with_state(Arc::clone(service), addressed))
        .layer(from_fn_with_state(Arc::clone(service), observe))
}

/// No page of another origin, unless the operator names it.
fn cors(pages: &[String]) -> Option<CorsLayer> {
    if pages.is_empty() {
        return None;
    }
    let origins = pages.iter();
    let origins = origins.filter_map(|origin| HeaderValue::from_str(origin).ok());
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([header::ACCEPT, header::AUTHORIZATION, header::CONTENT_TYPE])
            .expose_headers([header::ETAG, header::RETRY_AFTER, REQUEST_ID]),
    )
}

type Peer = ConnectInfo<SocketAddr>;

/// Lets in what is meant for this service, and not sent by a page of another.
async fn addressed(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    match service.front.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn render_only(
    state: State<Arc<Service>>,
    peer: Peer,
    request: Request,
    next: Next,
) -> Response {
    guarded(state, peer, request, next, Permission::Render).await
}

async fn admin_only(
    state: State<Arc<Service>>,
    peer: Peer,
    request: Request,
    next: Next,
) -> Response {
    guarded(state, peer, request, next, Permission::Admin).await
}

/// Lets those in who may ask, as often as they may.
async fn guarded(
    State(service): State<Arc<Service>>,
    ConnectInfo(peer): Peer,
    mut request: Request,
    next: Next,
    needed: Permission,
) -> Response {
    let checked = service
        .access
        .check(request.headers(), peer.ip(), needed)
        .await;
    let turn = checked.and_then(|identity| {
        request.extensions_mut().insert(identity.client.tenant());
        service.limiter.turn(identity.client)
    });
    match turn {
        Ok(turn) => {
            let response = next.run(request).await;
            // The turn ends when the answer was sent, not when it began.
            response.map(|body| Body::new(Kept { body, _kept: turn }))
        }
        Err(problem) => problem.into_response(),
    }
}

/// Ids, logs, metrics, the time limit, and headers that every answer has.
async fn observe(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let given = request.headers().get(&REQUEST_ID);
    let id = telemetry::request_id(given.and_then(|id| id.to_str().ok()));
    let method = request.method().clone();
    let version = request.version();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other", MatchedPath::as_str)
        .to_owned();
    let in_flight = InFlight::new(&service.metrics.in_flight);
    let span = tracing::info_span!("request", %id, %method, %route, otel.kind = "server");
    telemetry::continue_trace(&span, request.headers());
    let mut response = match listen::wrong_host(version, request.headers()) {
        Some(wrong) => Problem::bad_request(wrong).into_response(),
        None => {
            timely(&service, next.run(request))
                .instrument(span.clone())
                .await
        }
    };
    let status = response.status();
    let took = start.elapsed();
    service
        .metrics
        .answered(&route, &method, status.as_u16(), took);
    let level_is_debug = matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics");
    let (status_code, ms) = (status.as_u16(), took.as_millis());
    span.in_scope(|| {
        if level_is_debug {
            tracing::debug!(status = status_code, ms, "answered");
        } else {
            tracing::info!(status = status_code, ms, "answered");
        }
    });
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if service.options.tls.is_some() {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    if service.draining.load(Ordering::Relaxed) && version <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| Body::new(Kept::new(body, in_flight)))
}

/// The answer, or that there is none in time.
async fn timely(service: &Service, answering: impl Future<Output = Response>) -> Response {
    let limit = service.options.request_timeout;
    let answer = tokio::time::timeout(limit, answering).await;
    answer.unwrap_or_else(|_| {
        Problem::busy(format!(
            "there was no answer within {} s; the operator raises this with --request-timeout",
            limit.as_secs()
        ))
        .into_response()
    })
}

/// Counts a request until its answer was sent.
struct InFlight(prometheus_client::metrics::gauge::Gauge);

impl InFlight {
    fn new(gauge: &prometheus_client::metrics::gauge::Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A body, and what lives as long as it.
struct Kept<T> {
    body: Body,
    _kept: T,
}

impl<T> Kept<T> {
    fn new(body: Body, kept: T) -> Self {
        Self { body, _kept: kept }
    }
}

impl<T: Unpin> HttpBody for Kept<T> {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
