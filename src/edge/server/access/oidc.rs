//! Tokens of an OpenID provider: discovery, keys and their rotation, claims.

use super::{Claims, Error, Oidc, invalid};
use crate::diag::excerpt;
use crate::edge::server::problem::Problem;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, RwLock};
use url::{Host, Url};

/// Keys are asked for again after this long, whatever happens.
const MAX_AGE: Duration = Duration::from_secs(600);
/// Tokens with unknown keys make us ask no more often than this many times...
const BURST: f64 = 5.0;
/// ... and once more each so many seconds.
const REFILL: f64 = 10.0;
/// Bytes of a discovery document or key set.
const MAX_DOCUMENT: usize = 1 << 20;

/// Checks tokens.
#[derive(Debug)]
pub(super) struct Verifier {
    options: Oidc,
    client: reqwest::Client,
    keys: RwLock<Option<Keys>>,
    asking: Mutex<Asking>,
}

/// How often the provider may still be asked because of tokens.
#[derive(Debug)]
struct Asking {
    left: f64,
    since: Instant,
}

/// What the provider said.
struct Keys {
    /// `iss` of its tokens; may hold `{tenantid}`.
    issuer: String,
    keys: Vec<Key>,
    fetched: Instant,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys of {}", self.keys.len(), self.issuer)
    }
}

struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Json>,
}

/// A claim that is one string or several.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Several {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

#[derive(Deserialize)]
struct TokenClaims {
    iss: String,
    #[serde(default)]
    sub: Option<String>,
    /// Entra: the object of the user or application, the same for all audiences.
    #[serde(default)]
    oid: Option<String>,
    /// Entra: the tenant.
    #[serde(default)]
    tid: Option<String>,
    /// RFC 9068: scopes in one string.
    #[serde(default)]
    scope: Several,
    /// Entra: delegated scopes in one string.
    #[serde(default)]
    scp: Several,
    /// Entra: application roles.
    #[serde(default)]
    roles: Several,
}

impl Several {
    fn add_to(self, names: &mut BTreeSet<String>) {
        match self {
            Self::One(text) => names.extend(text.split_whitespace().map(str::to_owned)),
            Self::Many(list) => names.extend(list),
            Self::None => {}
        }
    }
}

impl Verifier {
    pub(super) fn new(options: Oidc) -> Result<Self, Error> {
        let failed = |reason: String| Error::Oidc(reason);
        secure(&options.issuer).map_err(failed)?;
        if options.audiences.is_empty() {
            return Err(failed(
                "--oidc-audience is needed: without it, tokens for anyone would do".to_owned(),
            ));
        }
        crate::edge::tls::install_provider();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("flux-apim/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &options.ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem);
            for certificate in certificates.map_err(|e| failed(e.to_string()))? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        Ok(Self {
            options,
            client: builder.build().map_err(|e| failed(e.to_string()))?,
            keys: RwLock::default(),
            asking: Mutex::new(Asking {
                left: BURST,
                since: Instant::now(),
            }),
        })
    }

    /// Whether the keys are known; asks for them when not.
    pub(super) async fn is_ready(&self) -> bool {
        if self.keys.read().await.is_some() {
            return true;
        }
        self.refresh(None).await;
        self.keys.read().await.is_some()
    }

    /// Who `token` says somebody is.
    pub(super) async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        // `none` and what else is no algorithm does not even parse.
        let header = decode_header(token).map_err(|_| invalid("it is no signed JWT"))?;
        let symmetric = matches!(
            header.alg,
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
        );
        if symmetric {
            return Err(invalid("its algorithm is symmetric"));
        }
        let id = header.kid.as_deref();
        let old = {
            let keys = self.keys.read().await;
            keys.as_ref()
                .is_none_or(|keys| keys.fetched.elapsed() > MAX_AGE)
        };
        if old {
            self.refresh(None).await;
        }
        let known = {
            let keys = self.keys.read().await;
            keys.as_ref()
                .is_some_and(|keys| keys.find(id, header.alg).next().is_some())
        };
        if !known {
            self.refresh(id).await;
        }
        let keys = self.keys.read().await;
        let Some(keys) = keys.as_ref() else {
            return Err(Problem::busy(
                "the keys of the OpenID provider cannot be had; the log says why",
            )
            .retry_after(5));
        };
        let mut refusal = invalid("its key is unknown");
        for key in keys.find(id, header.alg) {
            match self.with(token, header.alg, key, &keys.issuer) {
                Ok(claims) => return Ok(claims),
                Err(problem) => refusal = problem,
            }
        }
        Err(refusal)
    }

    fn with(
        &self,
        token: &str,
        algorithm: Algorithm,
        key: &Key,
        issuer: &str,
    ) -> Result<Claims, Problem> {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.options.skew.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&self.options.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let claims = decode::<TokenClaims>(token, &key.key, &validation)
            .map_err(|e| {
                use jsonwebtoken::errors::ErrorKind;
                invalid(match e.kind() {
                    ErrorKind::ExpiredSignature => "it is expired",
                    ErrorKind::ImmatureSignature => "it is not valid yet",
                    ErrorKind::InvalidAudience => "it is for another audience",
                    ErrorKind::InvalidSignature => "its signature is wrong",
                    ErrorKind::MissingRequiredClaim(_) => "it lacks `exp`, `iss` or `aud`",
                    _ => "it cannot be verified",
                })
            })?
            .claims;
        let expected = if issuer.contains("{tenantid}") {
            let tenant = claims.tid.as_deref().unwrap_or("");
            if !self.options.tenants.iter().any(|known| known == tenant) {
                return Err(invalid(
                    "it is from a tenant that is not named with --oidc-tenant",
                ));
            }
            issuer.replace("{tenantid}", tenant)
        } else {
            issuer.to_owned()
        };
        if claims.iss != expected {
            return Err(invalid("it is from another issuer"));
        }
        let mut names = BTreeSet::new();
        claims.scope.add_to(&mut names);
        claims.scp.add_to(&mut names);
        claims.roles.add_to(&mut names);
        if let Some(subject) = &claims.sub {
            names.insert(format!("sub:{subject}"));
        }
        let subject = claims.oid.or(claims.sub).unwrap_or_default();
        Ok(Claims {
            subject: format!("{} {subject}", claims.iss),
            names,
        })
    }

    /// Asks the provider, unless somebody just did, or tokens with keys that
    /// nobody knows made us ask too often.
    async fn refresh(&self, wanted: Option<&str>) {
        let mut asking = self.asking.lock().await;
        let refill = asking.since.elapsed().as_secs_f64() / REFILL;
        asking.left = (asking.left + refill).min(BURST);
        asking.since = Instant::now();
        let done = {
            let keys = self.keys.read().await;
            keys.as_ref().is_some_and(|keys| {
                let has =
                    wanted.is_some() && keys.keys.iter().any(|key| key.id.as_deref() == wanted);
                has || keys.fetched.elapsed() < Duration::from_millis(50)
            })
        };
        if done || asking.left < 1.0 {
            return;
        }
        asking.left -= 1.0;
        match self.ask().await {
            Ok(keys) => *self.keys.write().await = Some(keys),
            // What is known stays: a provider that is down is no reason to
            // turn its tokens away.
            Err(reason) => {
                tracing::warn!(issuer = %self.options.issuer, %reason, "the OpenID provider cannot be asked");
            }
        }
    }

    async fn ask(&self) -> Result<Keys, String> {
        let issuer = self.options.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let discovery: Discovery = self.json(&url).await?;
        let same = discovery.issuer.trim_end_matches('/') == issuer;
        // Entra's issuer for many tenants names none of them.
        let template = discovery.issuer.contains("{tenantid}") && !self.options.tenants.is_empty();
        if !same && !template {
            return Err(format!(
                "{url} says that the issuer is `{}`; name that with --oidc-issuer (and the tenants with --oidc-tenant when it holds {{tenantid}})",
                excerpt(&discovery.issuer, 200)
            ));
        }
        secure(&discovery.jwks_uri)?;
        let set: KeySet = self.json(&discovery.jwks_uri).await?;
        let keys: Vec<Key> = set.keys.into_iter().take(100).filter_map(key).collect();
        if keys.is_empty() {
            return Err(format!(
                "{} has no key that can be used",
                discovery.jwks_uri
            ));
        }
        Ok(Keys {
            issuer: discovery.issuer,
            keys,
            fetched: Instant::now(),
        })
    }

    async fn json<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let failed = |e: reqwest::Error| format!("fetch {url}: {}", e.without_url());
        let mut response = self.client.get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(format!(
                "fetch {url}: the server answered {}",
                response.status()
            ));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_DOCUMENT {
                return Err(format!("fetch {url}: more than {MAX_DOCUMENT} bytes"));
            }
        }
        serde_json::from_slice(&bytes).map_err(|e| format!("read {url}: {e}"))
    }
}

impl Keys {
    fn find<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| {
            let id_fits = id.is_none() || key.id.as_deref() == id;
            let family = key.key.family().algorithms().contains(&algorithm);
            id_fits && family && key.algorithm.is_none_or(|only| only == algorithm)
        })
    }
}

/// A key that verifies signatures; keys of other kinds are passed over.
fn key(value: Json) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    if jwk.common.public_key_use == Some(PublicKeyUse::Encryption) {
        return None;
    }
    let algorithm = match jwk.common.key_algorithm {
        // A key of an algorithm that signs nothing is none of ours.
        Some(algorithm) => Some(Algorithm::try_from(algorithm).ok()?),
        None => None,
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let asymmetric = key.family() != jsonwebtoken::AlgorithmFamily::Hmac;
    asymmetric.then_some(Key {
        id: jwk.common.key_id,
        algorithm,
        key,
    })
}

/// HTTPS, or this machine.
fn secure(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|e| format!("`{}` is no URL: {e}", excerpt(url, 200)))?;
    let local = match parsed.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        _ => Err(format!("`{}` must be https", excerpt(url, 200))),
    }
}
