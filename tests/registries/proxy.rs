//! A proxy before a real registry that writes down what passes, and breaks what
//! it is told to break.

use super::server::{Asked, Server, answer};
use axum::body::Body;
use axum::http::Response;
use futures_util::FutureExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What happens to a request instead of passing.
pub enum Fault {
    /// It is answered with this status.
    Status(u16),
    /// The connection ends before the registry sees it.
    Before,
    /// The registry does it, and the connection ends before the answer.
    After,
}

pub struct Proxy {
    pub server: Server,
}

impl Proxy {
    /// Before `upstream` (`127.0.0.1:PORT`, plain HTTP); only writes down.
    pub async fn start(upstream: &str) -> Self {
        Self::breaking(upstream, |_, _| None).await
    }

    /// The same, and breaks whatever `fault` says: given the request, and how
    /// many came before it.
    pub async fn breaking(
        upstream: &str,
        fault: impl Fn(&Asked, usize) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        flux_apim::edge::tls::install_provider();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let upstream = upstream.to_owned();
        let (fault, count) = (Arc::new(fault), Arc::new(AtomicUsize::new(0)));
        let handler = move |mut asked: Asked| {
            let (client, upstream) = (client.clone(), upstream.clone());
            let fault = fault(&asked, count.fetch_add(1, Ordering::SeqCst));
            async move {
                match fault {
                    Some(Fault::Status(status)) => {
                        asked.bytes().await;
                        return Some(answer(status, &[], ""));
                    }
                    Some(Fault::Before) => return None,
                    _ => {}
                }
                let passed = pass(&client, &upstream, asked).await?;
                (!matches!(fault, Some(Fault::After))).then_some(passed)
            }
            .boxed()
        };
        Self {
            server: Server::start(handler).await,
        }
    }
}

async fn pass(
    client: &reqwest::Client,
    upstream: &str,
    mut asked: Asked,
) -> Option<Response<Body>> {
    let body = asked.bytes().await;
    let mut headers = asked.headers.clone();
    // `Host` stays: registries build locations from it.
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let url = format!("http://{upstream}{}", asked.uri.path_and_query()?);
    let mut request = client.request(asked.method.clone(), url).headers(headers);
    if !matches!(asked.method.as_str(), "GET" | "HEAD") {
        request = request.body(body);
    }
    let answered = request.send().await.ok()?;
    let mut response = Response::builder().status(answered.status());
    for (name, value) in answered.headers() {
        if name != "transfer-encoding" && name != "connection" {
            response = response.header(name, value);
        }
    }
    let body = answered.bytes().await.ok()?;
    response.body(Body::from(body)).ok()
}
