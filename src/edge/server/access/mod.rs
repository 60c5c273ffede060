//! Who asks, and what they may do.

#[cfg(feature = "controller")]
mod kubernetes;
mod oidc;

use super::problem::Problem;
use crate::tree::Digest;
use axum::http::{HeaderMap, header};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// What a token may allow; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Previews and the rule catalogue.
    Render,
    /// Asking for objects of the cluster to be rendered again.
    Publish,
    /// Metrics.
    Admin,
}

impl Permission {
    const ALL: [Self; 3] = [Self::Render, Self::Publish, Self::Admin];

    /// The word in flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Publish => "publish",
            Self::Admin => "admin",
        }
    }
}

/// A permission, and the scope, role, group or user that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is granted.
    pub permission: Permission,
    /// To whom.
    pub to: String,
}

impl std::str::FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || "write render=NAME, publish=NAME or admin=NAME".to_owned();
        let (word, to) = text.split_once('=').ok_or_else(usage)?;
        let permission = Permission::ALL.into_iter().find(|p| p.as_str() == word);
        match (permission, to.trim()) {
            (Some(permission), to) if !to.is_empty() => Ok(Self {
                permission,
                to: to.to_owned(),
            }),
            _ => Err(usage()),
        }
    }
}

/// How clients are told apart.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Everyone may do everything.
    None,
    /// Tokens of an OpenID provider.
    Oidc(Oidc),
    /// Tokens of the cluster, by TokenReview.
    Kubernetes {
        /// Audiences that a token must have one of; the API server's own
        /// unless given.
        audiences: Vec<String>,
    },
}

/// Which tokens of an OpenID provider are taken.
#[derive(Debug, Clone)]
pub struct Oidc {
    /// Issuer, where its discovery document is.
    pub issuer: String,
    /// A token must have one of these.
    pub audiences: Vec<String>,
    /// Entra tenants whose tokens are taken, when the issuer is one for many.
    pub tenants: Vec<String>,
    /// How far clocks may be apart.
    pub skew: Duration,
    /// Certificates of the provider beside those of the system, in PEM.
    pub ca: Option<Vec<u8>>,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// What limits are kept by.
    pub(super) key: String,
    allowed: Option<Permission>,
}

/// Decides who may do what.
#[derive(Debug)]
pub(super) struct Access {
    verifier: Verifier,
    grants: Vec<Grant>,
}

#[derive(Debug)]
enum Verifier {
    Everyone,
    Oidc(oidc::Verifier),
    #[cfg(feature = "controller")]
    Kubernetes(kubernetes::Verifier),
}

/// Why access cannot be decided.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server cannot be asked.
    #[error("--auth kubernetes: {0}")]
    Kubernetes(String),
    /// The provider cannot be asked.
    #[error("--auth oidc: {0}")]
    Oidc(String),
}

/// Who a token says somebody is.
#[derive(Debug, Clone)]
struct Claims {
    subject: String,
    /// Scopes and roles, or groups and the user's name.
    names: BTreeSet<String>,
}

impl Access {
    pub(super) async fn new(auth: &Auth, grants: &[Grant]) -> Result<Self, Error> {
        let default = |pairs: &[(Permission, &str)]| -> Vec<Grant> {
            pairs
                .iter()
                .map(|&(permission, to)| Grant {
                    permission,
                    to: to.to_owned(),
                })
                .collect()
        };
        let (verifier, usual) = match auth {
            Auth::None => (Verifier::Everyone, Vec::new()),
            Auth::Oidc(options) => (
                Verifier::Oidc(oidc::Verifier::new(options.clone())?),
                default(&[
                    (Permission::Render, "flux-apim.render"),
                    (Permission::Publish, "flux-apim.publish"),
                    (Permission::Admin, "flux-apim.admin"),
                ]),
            ),
            #[cfg(feature = "controller")]
            Auth::Kubernetes { audiences } => (
                Verifier::Kubernetes(kubernetes::Verifier::new(audiences.clone()).await?),
                default(&[(Permission::Render, "system:authenticated")]),
            ),
            #[cfg(not(feature = "controller"))]
            Auth::Kubernetes { .. } => {
                return Err(Error::Kubernetes(
                    "this build has no Kubernetes client; build with the feature `controller`"
                        .to_owned(),
                ));
            }
        };
        let grants = if grants.is_empty() {
            usual
        } else {
            grants.to_vec()
        };
        Ok(Self { verifier, grants })
    }

    /// Whether tokens can be checked.
    pub(super) async fn is_ready(&self) -> bool {
        match &self.verifier {
            Verifier::Oidc(verifier) => verifier.is_ready().await,
            _ => true,
        }
    }

    /// Who asks, when they may do what `needed` says.
    pub(super) async fn check(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        needed: Permission,
    ) -> Result<Identity, Problem> {
        let claims = match &self.verifier {
            Verifier::Everyone => {
                return Ok(Identity {
                    key: neighbourhood(peer),
                    allowed: Some(Permission::Admin),
                });
            }
            Verifier::Oidc(verifier) => verifier.verify(bearer(headers)?).await?,
            #[cfg(feature = "controller")]
            Verifier::Kubernetes(verifier) => verifier.verify(bearer(headers)?).await?,
        };
        let granted = self
            .grants
            .iter()
            .filter(|grant| claims.names.contains(&grant.to));
        let identity = Identity {
            // Names of people have no place in memory or logs longer than needed.
            key: Digest::of(claims.subject.as_bytes()).to_string(),
            allowed: granted.map(|grant| grant.permission).max(),
        };
        if identity.allowed.is_none_or(|allowed| allowed < needed) {
            let names: Vec<&str> = self
                .grants
                .iter()
                .filter(|grant| grant.permission >= needed)
                .map(|grant| grant.to.as_str())
                .collect();
            return Err(Problem::forbidden(format!(
                "this needs the permission `{}`, which {} have; the operator grants it with --grant",
                needed.as_str(),
                names.join(", ")
            )));
        }
        Ok(identity)
    }
}

/// Addresses that count as one client: IPv6 networks are handed out whole.
fn neighbourhood(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The token of a request.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::unauthorized("there is no token: send `Authorization: Bearer TOKEN`");
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(missing)?;
    if values.next().is_some() {
        return Err(invalid("there is more than one Authorization"));
    }
    let value = value.to_str().map_err(|_| missing())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(missing());
    }
    if token.len() > 16 << 10 {
        return Err(invalid("the token has more than 16 KiB"));
    }
    Ok(token)
}

/// A token that is not taken.
fn invalid(why: &str) -> Problem {
    Problem::unauthorized(format!("the token is not taken: {why}"))
        .challenge("Bearer error=\"invalid_token\"")
}
