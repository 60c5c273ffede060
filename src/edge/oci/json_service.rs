//! A service that is asked in JSON and answers in JSON, over the connection of registries:
//! its proxies, certificates, waits and words.

use super::remote::{Request, Wire};
use super::{Connection, Error};
use crate::edge::secret::Secret;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value as Json;

/// The service at one URL.
#[derive(Debug)]
pub struct JsonService {
    wire: Wire,
}

impl JsonService {
    /// The service at `url`.
    ///
    /// # Errors
    /// When `url` is none, or is plain HTTP where the connection wants TLS.
    pub fn new(url: &str, connection: &Connection) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Connection {
            attempted: format!("reach {}", crate::diag::excerpt(url, 200)),
            problem,
        };
        let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        match parsed.scheme() {
            "https" => {}
            "http" if connection.insecure => {}
            "http" => {
                let problem = "plain HTTP, and a token would be read on the way; give its https \
                               URL, or --insecure";
                return Err(wrong(problem.to_owned()));
            }
            other => return Err(wrong(format!("`{other}:` is no http: or https: URL"))),
        }
        let mut connection = connection.clone();
        // Both are the registry's.
        connection.client_cert = None;
        connection.insecure = parsed.scheme() == "http";
        Ok(Self {
            wire: Wire::new(&connection, parsed)?,
        })
    }

    /// The exchanges under it.
    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The answer to `GET path`, or to a `POST` of `body`; `path` takes the place of what
    /// the service's URL has, unless it is empty.
    ///
    /// # Errors
    /// When the service does not answer, refuses, or answers something else.
    pub async fn ask(
        &self,
        attempted: &str,
        path: &str,
        query: &[(&str, &str)],
        token: Option<&Secret>,
        body: Option<&Json>,
    ) -> Result<Json, Error> {
        let mut url = self.wire.registry().clone();
        if !path.is_empty() {
            url.set_path(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let method = match body {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let mut request = Request::new(attempted.to_owned(), method, url);
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(ACCEPT, json.clone());
        if let Some(token) = token {
            let header = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut header =
                header.map_err(|_| Error::malformed(attempted, "the token is no text"))?;
            header.set_sensitive(true);
            request.headers.insert(AUTHORIZATION, header);
        }
        if let Some(body) = body {
            request.body = body.to_string().into();
            request.headers.insert(CONTENT_TYPE, json);
        }
        let sending = self
            .wire
            .connection()
            .retried(|| self.wire.send(&request, &[200, 201]));
        let answer = sending.await?;
        serde_json::from_slice(&answer.body)
            .map_err(|_| Error::malformed(attempted, "the answer is no JSON"))
    }
}
