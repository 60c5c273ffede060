//! A service of Azure that is asked in JSON, as an identity.

use super::credentials::acr::Identity;
use super::{Connection, Credentials, Error, JsonService};
use crate::edge::secret::Secret;
use serde_json::Value as Json;
use tokio::sync::OnceCell;

/// A service, and who asks it. Its token is got once; a run is shorter than a token's life.
#[derive(Debug)]
pub struct Service {
    json: JsonService,
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
        let Credentials::Azure(identity) = &connection.credentials else {
            return Err(Error::Credentials {
                attempted: format!("reach {host}"),
                problem: "a service of Azure wants an identity in Azure".to_owned(),
                help: "run where there is one, with workload identity for example".to_owned(),
            });
        };
        Ok(Self {
            json: JsonService::new(&format!("https://{host}/"), connection)?,
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
        let getting = || self.identity.entra(self.json.wire(), &self.audience);
        let token = self.token.get_or_try_init(getting).await?;
        self.json
            .ask(attempted, path, query, Some(token), body)
            .await
    }
}
