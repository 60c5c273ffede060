//! Flux source objects of the current kube context: resolved, fetched, checked.
//!
//! The URL of an artifact is one inside the cluster. From outside it is reached
//! through `SOURCE_CONTROLLER_LOCALHOST`, as with Flux's own tools, or through
//! the API server's proxy to the service.

use super::{Error, OpenOptions, Opened, unpack};
use crate::edge::controller::source::{Found, Named};
use crate::edge::fetch::{self, Policy};
use crate::tree::Limits;
use bytes::Bytes;
use kube::Client;
use url::Url;

pub(super) fn open(name: &str, options: &OpenOptions) -> Result<Opened, Error> {
    let named: Named = name.parse().map_err(Error::Usage)?;
    let attempted = format!("read {named} in the current kube context");
    // Whoever calls may have a runtime of its own on this thread.
    let fetched = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let runtime = crate::edge::runtime().map_err(|e| Error::io(&attempted, &e))?;
            runtime.block_on(find_and_fetch(&named, &options.limits, &attempted))
        });
        fetching.join()
    });
    let Ok(fetched) = fetched else {
        return Err(Error::io(&attempted, &"reading stopped half-way"));
    };
    let (found, bytes) = fetched?;
    let mut opened = unpack(&bytes, "flux", options)?;
    opened.origin = found.origin;
    Ok(opened)
}

async fn find_and_fetch(
    named: &Named,
    limits: &Limits,
    attempted: &str,
) -> Result<(Found, Bytes), Error> {
    crate::edge::tls::install_provider();
    let client = Client::try_default().await;
    let client = client.map_err(|e| Error::io(attempted, &e))?;
    let found = named.find(&client).await;
    let found = found.map_err(|e| Error::io(attempted, &e))?;
    let failed = |e: fetch::Error| Error::io(attempted, &e);
    let mut url = Url::parse(&found.url).map_err(|e| Error::io(attempted, &e))?;
    if let Ok(host) = std::env::var("SOURCE_CONTROLLER_LOCALHOST") {
        let (host, port) = host.rsplit_once(':').unwrap_or((&host, "80"));
        url.set_host(Some(host))
            .map_err(|e| Error::io(attempted, &e))?;
        // A port that is none leaves the URL's own.
        let _ = url.set_port(port.parse().ok());
    }
    let policy = Policy::cluster();
    let bytes = match fetch::artifact(url.as_str(), &found.digest, &policy, limits).await {
        Err(direct @ fetch::Error::Io { .. }) => match through(&client, &url, limits).await {
            Some(bytes) => {
                fetch::verify(&bytes, &found.digest, url.as_str()).map_err(failed)?;
                bytes
            }
            None => return Err(failed(direct)),
        },
        other => other.map_err(failed)?,
    };
    Ok((found, bytes))
}

/// Through the API server, when the host is that of a service.
async fn through(client: &Client, url: &Url, limits: &Limits) -> Option<Bytes> {
    let mut labels = url.host_str()?.split('.');
    let (service, namespace) = (labels.next()?, labels.next()?);
    (labels.next()? == "svc").then_some(())?;
    let port = url.port_or_known_default()?;
    let path = format!(
        "/api/v1/namespaces/{namespace}/services/{}:{service}:{port}/proxy{}",
        url.scheme(),
        url.path()
    );
    let request = axum::http::Request::get(path).body(kube::client::Body::empty());
    let response = client.send(request.ok()?).await.ok()?;
    response.status().is_success().then_some(())?;
    let cap = usize::try_from(limits.max_archive_bytes).ok()?;
    let body = axum::body::Body::new(response.into_body());
    axum::body::to_bytes(body, cap).await.ok()
}
