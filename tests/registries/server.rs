//! An HTTP server whose handler may also hang up.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, Uri, header};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What came in.
pub struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Option<Incoming>,
}

/// What was seen of a request: without its body.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
}

/// `None` hangs up.
pub type Handler = Arc<dyn Fn(Asked) -> BoxFuture<'static, Option<Response<Body>>> + Send + Sync>;

pub struct Server {
    /// `127.0.0.1:PORT`.
    pub address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Asked {
    /// The whole body.
    pub async fn bytes(&mut self) -> Bytes {
        match self.body.take() {
            Some(body) => axum::body::to_bytes(Body::new(body), 1 << 30)
                .await
                .unwrap_or_default(),
            None => Bytes::new(),
        }
    }

    /// One parameter of the query.
    pub fn query(&self, name: &str) -> Option<String> {
        pairs(self.uri.query().unwrap_or(""))
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Seen {
    pub fn authorization(&self) -> Option<&str> {
        self.headers.get(header::AUTHORIZATION)?.to_str().ok()
    }

    /// `METHOD /path`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The fields of a form or query.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

pub fn json(status: u16, body: &serde_json::Value) -> Response<Body> {
    answer(
        status,
        &[("content-type", "application/json")],
        body.to_string(),
    )
}

/// States `stated` bytes, sends `sent`, hangs up.
pub fn broken_off(
    status: u16,
    headers: &[(&str, &str)],
    stated: usize,
    sent: Bytes,
) -> Response<Body> {
    let parts = vec![Ok(sent), Err(io::Error::other("cut"))];
    let mut response = answer(status, headers, Body::from_stream(stream::iter(parts)));
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, stated.into());
    response
}

/// Bytes until nobody listens any more.
pub fn endless(status: u16, headers: &[(&str, &str)]) -> Response<Body> {
    let block = Bytes::from(vec![b' '; 64 << 10]);
    let blocks = stream::repeat_with(move || Ok::<_, io::Error>(block.clone()));
    answer(status, headers, Body::from_stream(blocks))
}

impl Server {
    pub async fn start(
        handler: impl Fn(Asked) -> BoxFuture<'static, Option<Response<Body>>> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(None, Arc::new(handler)).await
    }

    pub async fn start_with(tls: Option<Arc<rustls::ServerConfig>>, handler: Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (handler, log, tls) = (handler.clone(), log.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => talk(TokioIo::new(socket), handler, log).await,
                        Some(tls) => {
                            let acceptor = tokio_rustls::TlsAcceptor::from(tls);
                            if let Ok(socket) = acceptor.accept(socket).await {
                                talk(TokioIo::new(socket), handler, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            task,
        }
    }

    /// Everything that was asked.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `METHOD /path` of everything that was asked.
    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk<I>(io: TokioIo<I>, handler: Handler, log: Arc<Mutex<Vec<Seen>>>)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (parts, body) = request.into_parts();
        log.lock().unwrap().push(Seen {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or("").to_owned(),
            headers: parts.headers.clone(),
        });
        let answered = handler(Asked {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: Some(body),
        });
        async move { answered.await.ok_or_else(|| io::Error::other("hang up")) }
    });
    // Ends with the connection, in whatever way.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(io, service)
        .await;
}
