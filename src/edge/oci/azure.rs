//! A service of Azure that is asked in JSON, as an identity.

use super::credentials::acr::Identity;
use super::remote::{Request, Wire};
use super::{Connection, Credentials, Error};
use crate::edge::secret::Secret;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value as Json;
use tokio::sync::OnceCell;

/// A service, and who asks it. Its token is got once; a run is shorter than a token's life.
#[derive(Debug)]
pub struct Service {
    wire: Wire,
    identity: Identity,
    audience: String,
    token: OnceCell<Secret>,
}

impl Service {
    /// The service at `https://HOST`, whose tokens are for `audience`. The connection has
    /// the identity that asks.
    ///
    /// # Errors
    /// When `host` is none, or the connection has no identity.
    pub fn new(host: &str, audience: &str, connection: &Connection) -> Result<Self, Error> {
        let attempted = || format!("reach {host}");
        let url = Url::parse(&format!("https://{host}/"));
        let url = url.map_err(|error| Error::Connection {
            attempted: attempted(),
            problem: error.to_string(),
        })?;
        let Credentials::Azure(identity) = &connection.credentials else {
            return Err(Error::Credentials {
                attempted: attempted(),
                problem: "a service of Azure wants an identity in Azure".to_owned(),
                help: "run where there is one, with workload identity for example".to_owned(),
            });
        };
        Ok(Self {
            wire: Wire::new(connection, url)?,
            identity: identity.clone(),
            audience: audience.to_owned(),
            token: OnceCell::new(),
        })
    }

    /// The answer to `GET path`, or to a `POST` of `body`.
    ///
    /// # Errors
    /// When there is no token, or the service refuses.
    pub async fn ask(
        &self,
        attempted: &str,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Json>,
    ) -> Result<Json, Error> {
        let getting = || self.identity.entra(&self.wire, &self.audience);
        let token = self.token.get_or_try_init(getting).await?;
        let mut url = self.wire.registry().clone();
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(query);
        let method = match body {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let mut request = Request::new(attempted.to_owned(), method, url);
        let header = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
        let mut header = header.map_err(|_| Error::malformed(attempted, "the token is no text"))?;
        header.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, header);
        if let Some(body) = body {
            request.body = body.to_string().into();
            let json = HeaderValue::from_static("application/json");
            request.headers.insert(CONTENT_TYPE, json);
        }
        let sending = self
            .wire
            .connection()
            .retried(|| self.wire.send(&request, &[200]));
        let answer = sending.await?;
        serde_json::from_slice(&answer.body)
            .map_err(|_| Error::malformed(attempted, "the answer is no JSON"))
    }
}
