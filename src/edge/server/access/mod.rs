//! Who asks, and what they may do.

mod grants;
mod keeper;
mod keys;
#[cfg(feature = "controller")]
mod kubernetes;
mod oidc;
mod recent;
mod refusals;

pub use grants::{Grant, NameKind, Permission};

use super::limits::{Client, Network};
use super::problem::Problem;
use crate::diag::excerpt;
use crate::tree::Digest;
use axum::http::{HeaderMap, StatusCode, header};
use grants::{Grants, Name};
use refusals::Refusals;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

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
    /// How often the provider is asked for its keys.
    pub refresh: Duration,
    /// Certificates of the provider beside those of the system, in PEM.
    pub ca: Option<Vec<u8>>,
}

/// A client that may do what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    /// What limits are kept by.
    pub(super) client: Client,
}

/// Decides who may do what.
#[derive(Debug)]
pub(super) struct Access {
    verifier: Verifier,
    grants: Grants,
    refusals: Refusals,
}

#[derive(Debug)]
enum Verifier {
    Everyone,
    Oidc(Box<oidc::Verifier>),
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
    /// A grant is for nobody, or for more than one.
    #[error("--grant {grant}: {why}")]
    Grant {
        /// The value of `--grant`, as it was given.
        grant: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Who a token says somebody is.
#[derive(Debug, Clone)]
struct Claims {
    subject: String,
    names: BTreeSet<Name>,
}

impl Access {
    /// `rate` is how many requests a minute a client may send.
    pub(super) async fn new(
        auth: &Auth,
        grants: &[Grant],
        rate: NonZeroU32,
    ) -> Result<Self, Error> {
        let grants = Grants::new(auth, grants)?;
        let verifier = match auth {
            Auth::None => Verifier::Everyone,
            Auth::Oidc(options) => Verifier::Oidc(Box::new(oidc::Verifier::new(options.clone())?)),
            #[cfg(feature = "controller")]
            Auth::Kubernetes { audiences } => {
                Verifier::Kubernetes(kubernetes::Verifier::new(audiences.clone()).await?)
            }
            #[cfg(not(feature = "controller"))]
            Auth::Kubernetes { .. } => {
                return Err(Error::Kubernetes(
                    "this build has no Kubernetes client; build with the feature `controller`"
                        .to_owned(),
                ));
            }
        };
        Ok(Self {
            verifier,
            grants,
            refusals: Refusals::new(rate),
        })
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
        let network = Network::of(peer);
        if let Verifier::Everyone = self.verifier {
            return Ok(Identity {
                client: Client::Network(network),
            });
        }
        let token = bearer(headers)?;
        let digest = Digest::of(token.as_bytes());
        let known = self.refusals.is_known(digest);
        if !known {
            self.refusals.admit(network)?;
        }
        let claims = match self.verify(token, digest, known).await {
            Ok(claims) => claims,
            Err(problem) => {
                if problem.status() == StatusCode::UNAUTHORIZED {
                    self.refusals.refused(network, digest);
                }
                return Err(problem);
            }
        };
        self.refusals.taken(digest);
        let allowed = self.grants.allowed(&claims.names);
        if allowed.is_none_or(|allowed| allowed < needed) {
            let needed = needed.as_str();
            let has = match allowed {
                Some(allowed) => format!("this token has `{}`", allowed.as_str()),
                None => "this token has no permission".to_owned(),
            };
            return Err(Problem::forbidden(format!(
                "this needs the permission `{needed}`, and {has}; the operator grants it with --grant {needed}=NAME"
            )));
        }
        Ok(Identity {
            client: Client::Subject(Digest::of(claims.subject.as_bytes())),
        })
    }

    async fn verify(&self, token: &str, digest: Digest, known: bool) -> Result<Claims, Problem> {
        #[cfg(not(feature = "controller"))]
        let _ = (digest, known);
        match &self.verifier {
            // Nobody needs one.
            Verifier::Everyone => Err(invalid("this service asks for none")),
            Verifier::Oidc(verifier) => verifier.verify(token).await,
            #[cfg(feature = "controller")]
            Verifier::Kubernetes(verifier) => verifier.verify(token, digest, known).await,
        }
    }
}

/// Whether a name can be that of an audience or a tenant, which are compared to the letter.
fn is_exact(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '*' || c.is_whitespace())
}

fn not_exact(flag: &str, name: &str) -> String {
    format!(
        "{flag} `{}`: it is compared to the letter; write it out, without spaces and `*`",
        excerpt(name, 100)
    )
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
