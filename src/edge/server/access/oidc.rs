//! Tokens of an OpenID provider: discovery, keys, claims.

use super::grants::{Name, NameKind};
use super::keeper::{Keeper, Wish};
use super::keys::{Found, Keys};
use super::{Claims, Error, Oidc, invalid};
use crate::diag::excerpt;
use crate::edge::server::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Bytes of a discovery document or key set.
const MAX_DOCUMENT: usize = 1 << 20;

/// Checks tokens.
#[derive(Debug)]
pub(super) struct Verifier {
    options: Oidc,
    keeper: Keeper,
}

/// Whoever gives the tokens.
#[derive(Debug)]
struct Provider {
    issuer: String,
    /// Whether it may be one for many tenants.
    for_many: bool,
    client: reqwest::Client,
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
    fn add_to(self, names: &mut BTreeSet<Name>, kind: NameKind) {
        let list = match self {
            // Scopes have no spaces; roles may.
            Self::One(text) if kind == NameKind::Scope => {
                text.split_whitespace().map(str::to_owned).collect()
            }
            Self::One(text) => vec![text],
            Self::Many(list) => list,
            Self::None => Vec::new(),
        };
        names.extend(list.into_iter().map(|text| Name { kind, text }));
    }
}

impl Verifier {
    pub(super) fn new(options: Oidc) -> Result<Self, Error> {
        let failed = |reason: String| Error::Oidc(reason);
        check(&options).map_err(failed)?;
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
        let provider = Arc::new(Provider {
            issuer: options.issuer.trim_end_matches('/').to_owned(),
            for_many: !options.tenants.is_empty(),
            client: builder.build().map_err(|e| failed(e.to_string()))?,
        });
        let ask = move || {
            let provider = Arc::clone(&provider);
            async move { provider.keys().await }
        };
        Ok(Self {
            keeper: Keeper::new(ask, options.refresh),
            options,
        })
    }

    /// Whether the keys are here. Waits only for the first answer of the provider.
    pub(super) async fn is_ready(&self) -> bool {
        if self.keeper.keys().is_none() {
            self.keeper.first().await;
        }
        self.keeper.keys().is_some()
    }

    /// Who `token` says somebody is.
    pub(super) async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let (algorithm, id) = head(token)?;
        let id = id.as_deref();
        let unavailable = || {
            Problem::busy("the keys of the OpenID provider cannot be had; the log says why")
                .retry_after(5)
        };
        let keys = match self.keeper.keys() {
            Some(keys) => keys,
            None => {
                self.keeper.wish().await;
                self.keeper.keys().ok_or_else(unavailable)?
            }
        };
        if let Found::Unknown = keys.find(id, algorithm) {
            // It may be a new one.
            if self.keeper.wish().await == Wish::Failed {
                return Err(unavailable());
            }
        }
        let keys = self.keeper.keys().ok_or_else(unavailable)?;
        let candidates = match keys.find(id, algorithm) {
            Found::Keys(candidates) => candidates,
            Found::Weak => return Err(invalid("its key is of RSA and has fewer than 2048 bits")),
            Found::OtherAlgorithm => return Err(invalid("its key is for another algorithm")),
            Found::Unknown => return Err(invalid("its key is unknown")),
        };
        let mut refusal = invalid("its key is unknown");
        for key in candidates {
            match self.with(token, algorithm, key, &keys.issuer) {
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
        key: &DecodingKey,
        issuer: &str,
    ) -> Result<Claims, Problem> {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.options.skew.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&self.options.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let claims = decode::<TokenClaims>(token, key, &validation)
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
        // Tenants that are named are the only ones, also when the issuer is that of one.
        let tenant = claims.tid.as_deref().filter(|tenant| !tenant.is_empty());
        let for_many = issuer.contains("{tenantid}");
        if for_many || !self.options.tenants.is_empty() {
            let known = |tenant| self.options.tenants.iter().any(|known| known == tenant);
            if !tenant.is_some_and(known) {
                return Err(invalid(
                    "it is from a tenant that is not named with --oidc-tenant",
                ));
            }
        }
        let expected = match tenant {
            Some(tenant) if for_many => issuer.replace("{tenantid}", tenant),
            _ => issuer.to_owned(),
        };
        if claims.iss != expected {
            return Err(invalid("it is from another issuer"));
        }
        let mut names = BTreeSet::new();
        claims.scope.add_to(&mut names, NameKind::Scope);
        claims.scp.add_to(&mut names, NameKind::Scope);
        claims.roles.add_to(&mut names, NameKind::Role);
        if let Some(subject) = &claims.sub {
            names.insert(Name {
                kind: NameKind::Subject,
                text: subject.clone(),
            });
        }
        let subject = match (&claims.oid, &claims.sub) {
            (Some(oid), _) => format!("oid {oid}"),
            (None, Some(sub)) => format!("sub {sub}"),
            (None, None) => "nobody".to_owned(),
        };
        Ok(Claims {
            subject: format!("{} {subject}", claims.iss),
            names,
        })
    }
}

/// What the options say that cannot be meant.
fn check(options: &Oidc) -> Result<(), String> {
    secure(&options.issuer)?;
    let url = Url::parse(&options.issuer).map_err(|e| e.to_string())?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !plain || url.query().is_some() || url.fragment().is_some() {
        return Err(
            "--oidc-issuer takes the issuer as its tokens have it, as in https://login.example.com/tenant: without user, query and fragment"
                .to_owned(),
        );
    }
    if options.audiences.is_empty() {
        return Err("--oidc-audience is needed: without it, tokens for anyone would do".to_owned());
    }
    for (flag, list) in [
        ("--oidc-audience", &options.audiences),
        ("--oidc-tenant", &options.tenants),
    ] {
        if let Some(wrong) = list.iter().find(|name| !super::is_exact(name)) {
            return Err(super::not_exact(flag, wrong));
        }
    }
    Ok(())
}

/// The algorithm of a token, and the name of its key.
fn head(token: &str) -> Result<(Algorithm, Option<String>), Problem> {
    // `none` and what else is no algorithm does not even parse.
    let no_token = || invalid("it is no signed JWT");
    let header = decode_header(token).map_err(|_| no_token())?;
    let symmetric = matches!(
        header.alg,
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512
    );
    if symmetric {
        return Err(invalid("its algorithm is symmetric"));
    }
    // What is there and null counts, so the text is looked at.
    let encoded = token.split('.').next().unwrap_or("");
    let decoded = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| no_token())?;
    let members: Map<String, Json> = serde_json::from_slice(&decoded).map_err(|_| no_token())?;
    if members.contains_key("crit") {
        // RFC 7515, section 4.1.11: what is critical and not understood is refused.
        return Err(invalid(
            "its header has `crit`, of which nothing is understood",
        ));
    }
    if let Some(kind) = members.get("typ") {
        let kind = kind.as_str().unwrap_or("").to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        // RFC 8725, section 3.11: tokens of one kind are not taken for those of another.
        if !matches!(kind, "jwt" | "at+jwt") {
            return Err(invalid("its `typ` is not JWT or at+jwt"));
        }
    }
    Ok((header.alg, header.kid))
}

impl Provider {
    async fn keys(&self) -> Result<Keys, String> {
        let issuer = &self.issuer;
        let url = format!("{issuer}/.well-known/openid-configuration");
        let discovery: Discovery = self.json(&url).await?;
        let same = discovery.issuer.trim_end_matches('/') == issuer;
        // Entra's issuer for many tenants names none of them.
        let template = discovery.issuer.contains("{tenantid}") && self.for_many;
        if !same && !template {
            return Err(format!(
                "{url} says that the issuer is `{}`; name that with --oidc-issuer (and the tenants with --oidc-tenant when it holds {{tenantid}})",
                excerpt(&discovery.issuer, 200)
            ));
        }
        secure(&discovery.jwks_uri)?;
        let set: KeySet = self.json(&discovery.jwks_uri).await?;
        let keys = Keys::new(discovery.issuer, set.keys);
        if !keys.is_usable() {
            return Err(format!(
                "{} has no key that can be used",
                excerpt(&discovery.jwks_uri, 200)
            ));
        }
        Ok(keys)
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
