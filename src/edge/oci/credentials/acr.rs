//! Azure Container Registry: an identity's Entra token is exchanged for the
//! registry's refresh token, and that, by the registry's token service, for
//! access tokens by scope.
//!
//! Steps, as Microsoft documents them: (1) an Entra token for the registry's
//! audience, by a federated token or from the managed identity endpoint; (2)
//! `POST /oauth2/exchange`, `grant_type=access_token`; (3) `POST
//! /oauth2/token`, `grant_type=refresh_token`, which is the ordinary way with a
//! refresh token. An Entra token opens every registry that the identity may
//! use, so it goes to registries of Azure alone.

use super::super::remote::{Request, Wire, exchange, local};
use super::super::{Error, Reference};
use super::{Login, Till, certificate, claims_of, cli, life_of};
use crate::diag::excerpt;
use crate::edge::secret::Secret;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncReadExt;

const IMDS: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
const AUTHORITY: &str = "https://login.microsoftonline.com/";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const MAX_TOKEN: u64 = 64 << 10;
/// A refresh token lasts three hours; of one that does not say, this much is
/// believed.
const UNSTATED: Duration = Duration::from_secs(3600);

/// Registries of Azure by the end of their name, and the audience of tokens for
/// them.
const CLOUDS: [(&str, &str); 3] = [
    (".azurecr.io", "https://containerregistry.azure.net"),
    (".azurecr.us", "https://management.usgovcloudapi.net"),
    (".azurecr.cn", "https://management.chinacloudapi.cn"),
];

/// An identity in Azure.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Where its tokens come from.
    pub source: Source,
    /// Registries of Azure under names of their own.
    pub hosts: Vec<String>,
}

/// Where an identity's tokens come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Workload identity: a federated token is shown to Entra.
    Workload {
        /// The authority's URL.
        authority: String,
        /// The tenant's id.
        tenant: String,
        /// The application's id.
        client: String,
        /// The token of the cluster or the CI, which Entra ID takes in place of a secret.
        assertion: Assertion,
    },
    /// An application with a secret.
    Password {
        /// The authority's URL.
        authority: String,
        /// The tenant's id.
        tenant: String,
        /// The application's id.
        client: String,
        /// The secret of the application.
        secret: Secret,
    },
    /// An application with a certificate.
    Certificate {
        /// The authority's URL.
        authority: String,
        /// The tenant's id.
        tenant: String,
        /// The application's id.
        client: String,
        /// Certificate and key in PEM.
        file: PathBuf,
    },
    /// Whoever is logged in to the Azure CLI on this machine.
    Cli,
    /// The managed identity of the machine or the app.
    Managed {
        /// The endpoint's URL.
        endpoint: String,
        /// What App Service wants to see; the metadata service wants nothing.
        header: Option<Secret>,
        /// The application's id, where a machine has several identities.
        client: Option<String>,
    },
}

/// Where the token comes from that Entra ID takes in place of a secret.
#[derive(Debug, Clone)]
pub enum Assertion {
    /// In a file, which whoever projects it replaces in time.
    File(PathBuf),
    /// Itself.
    Text(Secret),
}

#[derive(Deserialize)]
struct EntraToken {
    access_token: Secret,
    // Numbers from Entra, text from the endpoints of managed identities.
    #[serde(default)]
    expires_in: serde_json::Value,
    #[serde(default)]
    expires_on: serde_json::Value,
}

#[derive(Deserialize)]
struct Exchanged {
    refresh_token: Secret,
}

impl Identity {
    /// The identity that the environment gives: workload identity
    /// (`AZURE_FEDERATED_TOKEN_FILE`, `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`,
    /// `AZURE_AUTHORITY_HOST`), else an application with a secret (`AZURE_CLIENT_SECRET`) or
    /// a certificate (`AZURE_CLIENT_CERTIFICATE_PATH`), else the managed identity of an app
    /// (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`), else that of the machine.
    ///
    /// # Errors
    /// When only some of these are set.
    pub fn from_environment() -> Result<Self, Error> {
        Self::from(|name| std::env::var(name).ok())
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        let missing = |name: &'static str, help: &str| {
            get(name).ok_or_else(|| Error::Credentials {
                attempted: "find the Azure identity".to_owned(),
                problem: format!("{name} is not set"),
                help: help.to_owned(),
            })
        };
        let need = |name| {
            missing(
                name,
                "the workload identity webhook sets it for service accounts that are annotated \
                 azure.workload.identity/client-id, in pods labelled \
                 azure.workload.identity/use=true",
            )
        };
        let beside = |name| missing(name, "an application is named by its tenant and its id");
        let authority = get("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned());
        let application =
            get("AZURE_CLIENT_SECRET").is_some() || get("AZURE_CLIENT_CERTIFICATE_PATH").is_some();
        let source = match get("AZURE_FEDERATED_TOKEN_FILE") {
            Some(file) => Source::Workload {
                authority,
                tenant: need("AZURE_TENANT_ID")?,
                client: need("AZURE_CLIENT_ID")?,
                assertion: Assertion::File(file.into()),
            },
            None if application => {
                let tenant = beside("AZURE_TENANT_ID")?;
                let client = beside("AZURE_CLIENT_ID")?;
                match get("AZURE_CLIENT_SECRET") {
                    Some(secret) => Source::Password {
                        authority,
                        tenant,
                        client,
                        secret: Secret::new(secret),
                    },
                    None => Source::Certificate {
                        authority,
                        tenant,
                        client,
                        file: beside("AZURE_CLIENT_CERTIFICATE_PATH")?.into(),
                    },
                }
            }
            None => Source::Managed {
                header: match get("IDENTITY_ENDPOINT") {
                    Some(_) => Some(Secret::new(need("IDENTITY_HEADER")?)),
                    None => None,
                },
                endpoint: get("IDENTITY_ENDPOINT").unwrap_or_else(|| IMDS.to_owned()),
                client: get("AZURE_CLIENT_ID"),
            },
        };
        Ok(Self {
            source,
            hosts: Vec::new(),
        })
    }

    /// The same identity in the Entra ID at `other`.
    pub fn at(&mut self, other: &str) {
        match &mut self.source {
            Source::Workload { authority, .. }
            | Source::Password { authority, .. }
            | Source::Certificate { authority, .. } => other.clone_into(authority),
            Source::Cli | Source::Managed { .. } => {}
        }
    }

    /// The registry's refresh token for this identity.
    pub(in crate::edge::oci) async fn login(
        &self,
        wire: &Wire,
        at: &Reference,
    ) -> Result<(Login, Till), Error> {
        let audience = self.audience(at)?;
        let entra = self.entra(wire, audience).await?;
        let refresh = self.exchange(wire, at, &entra).await?;
        let life = life_of(&refresh).unwrap_or(UNSTATED);
        let login = Login::Refresh {
            token: refresh,
            confined: true,
        };
        Ok((login, Till::In(super::super::remote::usable(life))))
    }

    /// Step 1: a token of this identity for `audience`.
    pub(in crate::edge::oci) async fn entra(
        &self,
        wire: &Wire,
        audience: &str,
    ) -> Result<Secret, Error> {
        Ok(self.token(wire, audience).await?.secret)
    }

    /// A token of this identity for `audience`, and how long it is of use.
    pub(in crate::edge) async fn token(&self, wire: &Wire, audience: &str) -> Result<Token, Error> {
        match &self.source {
            Source::Workload {
                authority,
                tenant,
                client,
                assertion,
            } => {
                let assertion = match assertion {
                    Assertion::Text(text) => text.clone(),
                    Assertion::File(path) => read_token(path).await?,
                };
                let proof = Proof::Federated(assertion);
                application(wire, authority, tenant, client, &proof, audience).await
            }
            Source::Password {
                authority,
                tenant,
                client,
                secret,
            } => {
                let proof = Proof::Password(secret.clone());
                application(wire, authority, tenant, client, &proof, audience).await
            }
            Source::Certificate {
                authority,
                tenant,
                client,
                file,
            } => {
                let url = token_url(authority, tenant, client)?;
                let proof = Proof::Certificate(certificate::assertion(file, url.as_str(), client)?);
                application(wire, authority, tenant, client, &proof, audience).await
            }
            Source::Cli => cli::token(audience).await,
            Source::Managed {
                endpoint,
                header,
                client,
            } => managed(wire, endpoint, header.as_ref(), client.as_deref(), audience).await,
        }
    }

    fn audience(&self, at: &Reference) -> Result<&'static str, Error> {
        let of = |(end, _): &&(&str, &str)| at.registry.ends_with(end);
        if let Some((_, audience)) = CLOUDS.iter().find(of) {
            return Ok(audience);
        }
        if self.hosts.contains(&at.registry) {
            return Ok(CLOUDS[0].1);
        }
        Err(Error::Credentials {
            attempted: format!("log in to {} as an Azure identity", at.registry),
            problem: "it is no registry of Azure: its name does not end in .azurecr.io".to_owned(),
            help: "use the registry's login server, or other credentials".to_owned(),
        })
    }

    /// Step 2.
    async fn exchange(&self, wire: &Wire, at: &Reference, entra: &Secret) -> Result<Secret, Error> {
        let attempted = format!("exchange the Entra token for one of {}", at.registry);
        let mut url = wire.registry().clone();
        url.set_path("/oauth2/exchange");
        let mut fields = vec![
            ("grant_type", "access_token"),
            ("service", wire.registry().authority()),
            ("access_token", entra.expose()),
        ];
        let tenant = self.tenant(entra);
        fields.extend(tenant.as_deref().map(|tenant| ("tenant", tenant)));
        let request = Request::form(attempted.clone(), url, &fields);
        let answer = wire
            .connection()
            .retried(|| wire.send(&request, &[200]))
            .await;
        let answer = answer.map_err(|error| match error.status() {
            Some(status @ (400..=404)) => Error::Credentials {
                attempted: attempted.clone(),
                problem: format!("the registry answered {status}"),
                help: "give the identity the role AcrPull (to read) or AcrPush (to publish) on \
                       this registry; a new role takes minutes to show"
                    .to_owned(),
            },
            _ => error,
        })?;
        let exchanged: Exchanged = parse(&answer.body, &attempted)?;
        Ok(exchanged.refresh_token)
    }

    /// The tenant, as far as it is known; the registry finds it out otherwise.
    fn tenant(&self, entra: &Secret) -> Option<String> {
        match &self.source {
            Source::Workload { tenant, .. }
            | Source::Password { tenant, .. }
            | Source::Certificate { tenant, .. } => Some(tenant.clone()),
            Source::Cli | Source::Managed { .. } => {
                claims_of(entra)?["tid"].as_str().map(str::to_owned)
            }
        }
    }
}

/// A token, and how long it is of use; `None` when nobody says.
#[derive(Debug)]
pub(in crate::edge) struct Token {
    pub(in crate::edge) secret: Secret,
    pub(in crate::edge) life: Option<Duration>,
}

/// By what an application shows that it is the one.
enum Proof {
    /// A token of somebody whom it trusts.
    Federated(Secret),
    /// What its certificate's key signed.
    Certificate(Secret),
    /// A client secret.
    Password(Secret),
}

impl Proof {
    fn secret(&self) -> &Secret {
        let (Self::Federated(secret) | Self::Certificate(secret) | Self::Password(secret)) = self;
        secret
    }

    fn help(&self) -> &'static str {
        match self {
            Self::Federated(_) => {
                "check that the application trusts this issuer, service account and audience (its \
                 federated credentials), and that the token in AZURE_FEDERATED_TOKEN_FILE has not \
                 ended"
            }
            Self::Certificate(_) => {
                "check that the application has the certificate in AZURE_CLIENT_CERTIFICATE_PATH, \
                 that it has not ended, and this machine's clock"
            }
            Self::Password(_) => {
                "check AZURE_TENANT_ID and AZURE_CLIENT_ID, and that the secret in \
                 AZURE_CLIENT_SECRET is the application's and has not ended"
            }
        }
    }
}

/// Where an application gets its tokens.
fn token_url(authority: &str, tenant: &str, client: &str) -> Result<Url, Error> {
    let attempted = format!("get an Entra token for the application {client}");
    let authority = authority.trim_end_matches('/');
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if tenant.is_empty() || !tenant.chars().all(word) {
        return Err(Error::Credentials {
            attempted,
            problem: format!("`{}` is no tenant", excerpt(tenant, 60)),
            help: "set AZURE_TENANT_ID to the tenant's id".to_owned(),
        });
    }
    let url = format!("{authority}/{tenant}/oauth2/v2.0/token");
    endpoint(&url, &attempted)
}

/// Step 1 for an application.
async fn application(
    wire: &Wire,
    authority: &str,
    tenant: &str,
    client: &str,
    proof: &Proof,
    audience: &str,
) -> Result<Token, Error> {
    let attempted = format!("get an Entra token for the application {client}");
    let url = token_url(authority, tenant, client)?;
    let scope = format!("{audience}/.default");
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("scope", &scope),
    ];
    let shown = proof.secret().expose();
    match proof {
        Proof::Password(_) => fields.push(("client_secret", shown)),
        Proof::Federated(_) | Proof::Certificate(_) => {
            fields.push(("client_assertion_type", JWT_BEARER));
            fields.push(("client_assertion", shown));
        }
    }
    let request = Request::form(attempted.clone(), url, &fields);
    let answer = wire
        .connection()
        .retried(|| wire.send(&request, &[200]))
        .await;
    let answer = answer.map_err(|error| match error {
        Error::Status {
            status: status @ (400 | 401 | 403),
            said,
            ..
        } => Error::Credentials {
            attempted: attempted.clone(),
            problem: format!("Entra answered {status}{}", said.replace(shown, "")),
            help: proof.help().to_owned(),
        },
        error => error,
    })?;
    entra_token(&answer.body, &attempted)
}

/// Step 1 from the endpoint of managed identities.
async fn managed(
    wire: &Wire,
    place: &str,
    header: Option<&Secret>,
    client: Option<&str>,
    audience: &str,
) -> Result<Token, Error> {
    let attempted = "get an Entra token from the managed identity endpoint".to_owned();
    let mut url = endpoint(place, &attempted)?;
    let version = match header {
        Some(_) => "2019-08-01",
        None => "2018-02-01",
    };
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("api-version", version);
        query.append_pair("resource", audience);
        if let Some(client) = client {
            query.append_pair("client_id", client);
        }
    }
    let mut request = Request::new(attempted.clone(), Method::GET, url);
    let (name, value) = match header {
        Some(secret) => (
            HeaderName::from_static("x-identity-header"),
            HeaderValue::from_str(secret.expose()).map_err(|_| Error::Credentials {
                attempted: attempted.clone(),
                problem: "IDENTITY_HEADER holds what no HTTP header can carry".to_owned(),
                help: "the platform sets it; do not set it by hand".to_owned(),
            })?,
        ),
        None => (
            HeaderName::from_static("metadata"),
            HeaderValue::from_static("true"),
        ),
    };
    request.headers.insert(name, value);
    let client = local()?;
    let answer = wire
        .connection()
        .retried(|| exchange(&client, &request, &[200]))
        .await;
    let answer = answer.map_err(|error| match error {
        Error::Status {
            status: status @ 400..=404,
            said,
            ..
        } => Error::Credentials {
            attempted: attempted.clone(),
            problem: format!("it answered {status}{said}"),
            help: "assign an identity to the machine or app; with several, name one in \
                   AZURE_CLIENT_ID"
                .to_owned(),
        },
        Error::Network { problem, .. } => Error::Credentials {
            attempted: attempted.clone(),
            problem,
            help: "this works only inside Azure; elsewhere use workload identity (set \
                   AZURE_FEDERATED_TOKEN_FILE) or --creds"
                .to_owned(),
        },
        error => error,
    })?;
    entra_token(&answer.body, &attempted)
}

pub(super) fn entra_token(body: &[u8], attempted: &str) -> Result<Token, Error> {
    let token: EntraToken = parse(body, attempted)?;
    let number = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    };
    // One that has ended is of no use; an end that nobody states is no end.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (ended, life) = match (number(&token.expires_in), number(&token.expires_on)) {
        (Some(left), _) => (left == 0, Some(left)),
        // Clocks differ by minutes, not by hours.
        (None, Some(on)) => (
            on.saturating_add(300) < now.as_secs(),
            Some(on.saturating_sub(now.as_secs())),
        ),
        (None, None) => (false, None),
    };
    if ended {
        return Err(Error::Credentials {
            attempted: attempted.to_owned(),
            problem: "the token that came has ended already".to_owned(),
            help: "check this machine's clock".to_owned(),
        });
    }
    match token.access_token.is_empty() {
        true => Err(Error::malformed(attempted, "the answer holds no token")),
        false => Ok(Token {
            secret: token.access_token,
            life: life.map(Duration::from_secs),
        }),
    }
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8], attempted: &str) -> Result<T, Error> {
    // Not a word of what may be a token.
    serde_json::from_slice(body)
        .map_err(|_| Error::malformed(attempted, "the answer is no JSON with a token"))
}

/// A URL that a secret may be sent to: TLS, or this machine and its link.
fn endpoint(text: &str, attempted: &str) -> Result<Url, Error> {
    let near = |host: &str| match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => v6.is_loopback(),
        Err(_) => host == "localhost",
    };
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" => Ok(url),
        Ok(url) if url.scheme() == "http" && url.host_str().is_some_and(near) => Ok(url),
        _ => Err(Error::Credentials {
            attempted: attempted.to_owned(),
            problem: format!("`{}` is no https URL", excerpt(text, 100)),
            help: "tokens are not sent in clear; check AZURE_AUTHORITY_HOST or IDENTITY_ENDPOINT"
                .to_owned(),
        }),
    }
}

async fn read_token(path: &std::path::Path) -> Result<Secret, Error> {
    let attempted = || format!("read the federated token in {}", path.display());
    let file = tokio::fs::File::open(path).await;
    let file = file.map_err(|e| Error::io(attempted(), e))?;
    let mut text = String::new();
    let read = file.take(MAX_TOKEN).read_to_string(&mut text).await;
    read.map_err(|e| Error::io(attempted(), e))?;
    let token = Secret::new(text.trim().to_owned());
    zeroize::Zeroize::zeroize(&mut text);
    if token.is_empty() {
        return Err(Error::Credentials {
            attempted: attempted(),
            problem: "it is empty".to_owned(),
            help: "whoever projects it has not written it yet".to_owned(),
        });
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(set: &[(&str, &str)]) -> Result<Identity, Error> {
        Identity::from(|name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_which_identity_it_is() {
        let file = ("AZURE_FEDERATED_TOKEN_FILE", "/t");
        let workload = [file, ("AZURE_CLIENT_ID", "c"), ("AZURE_TENANT_ID", "t")];
        let Source::Workload { authority, .. } = from(&workload).unwrap().source else {
            panic!("not a workload")
        };
        assert_eq!(authority, AUTHORITY);
        let error = from(&[file, ("AZURE_CLIENT_ID", "c")]).unwrap_err();
        assert!(
            error.to_string().contains("AZURE_TENANT_ID is not set"),
            "{error}"
        );
        let Source::Managed {
            endpoint, header, ..
        } = from(&[]).unwrap().source
        else {
            panic!("not managed")
        };
        assert!(endpoint == IMDS && header.is_none());
        let error = from(&[("IDENTITY_ENDPOINT", "http://127.0.0.1/t")]).unwrap_err();
        assert!(error.to_string().contains("IDENTITY_HEADER"), "{error}");
    }

    #[test]
    fn an_entra_token_goes_to_registries_of_azure_alone() {
        let identity = from(&[]).unwrap();
        let audience = |text: &str| identity.audience(&text.parse().unwrap());
        assert_eq!(audience("contoso.azurecr.io/a").unwrap(), CLOUDS[0].1);
        assert_eq!(audience("contoso.azurecr.cn/a").unwrap(), CLOUDS[2].1);
        for other in [
            "ghcr.io/a",
            "azurecr.io.evil.example/a",
            "contoso.azurecr.io:8443/a",
        ] {
            assert!(audience(other).is_err(), "{other}");
        }
    }

    #[test]
    fn tokens_are_not_sent_in_clear() {
        for good in [
            "https://login.example/",
            "http://127.0.0.1:1/",
            IMDS,
            "http://localhost/",
        ] {
            assert!(endpoint(good, "x").is_ok(), "{good}");
        }
        for bad in [
            "http://login.example/",
            "ftp://127.0.0.1/",
            "http://169.255.1.1/",
            "x",
        ] {
            assert!(endpoint(bad, "x").is_err(), "{bad}");
        }
    }
}
