//! Tokens of the cluster, by TokenReview.

use super::{Claims, Error, invalid};
use crate::edge::server::problem::Problem;
use crate::tree::Digest;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::{Api, PostParams};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long an answer of the API server is believed.
const BELIEVED: Duration = Duration::from_secs(30);
/// Reviews at once: tokens that nobody knows must not reach the API server
/// faster than this.
const AT_ONCE: usize = 16;
/// Answers that are kept.
const KEPT: usize = 4096;

/// Checks tokens.
pub(super) struct Verifier {
    reviews: Api<TokenReview>,
    audiences: Vec<String>,
    places: Semaphore,
    /// By digest of the token; none for tokens that were turned away.
    known: Mutex<HashMap<Digest, (Instant, Option<Claims>)>>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenReview for {:?}", self.audiences)
    }
}

impl Verifier {
    pub(super) async fn new(audiences: Vec<String>) -> Result<Self, Error> {
        crate::edge::tls::install_provider();
        let client = kube::Client::try_default()
            .await
            .map_err(|e| Error::Kubernetes(format!("reach the API server: {e}")))?;
        Ok(Self {
            reviews: Api::all(client),
            audiences,
            places: Semaphore::new(AT_ONCE),
            known: Mutex::default(),
        })
    }

    /// Who `token` says somebody is.
    pub(super) async fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let refused = || invalid("the API server does not know it, or not for this audience");
        let key = Digest::of(token.as_bytes());
        let known = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known
                .get(&key)
                .filter(|(at, _)| at.elapsed() < BELIEVED)
                .cloned()
        };
        if let Some((_, claims)) = known {
            return claims.ok_or_else(refused);
        }
        let claims = self.review(token).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, (at, _)| at.elapsed() < BELIEVED);
        }
        if known.len() < KEPT {
            known.insert(key, (Instant::now(), claims.clone()));
        }
        claims.ok_or_else(refused)
    }

    async fn review(&self, token: &str) -> Result<Option<Claims>, Problem> {
        let busy = || Problem::busy("the API server reviews many tokens already").retry_after(2);
        let waiting = tokio::time::timeout(Duration::from_secs(5), self.places.acquire());
        let _place = waiting.await.map_err(|_| busy())?.map_err(|_| busy())?;
        let audiences = (!self.audiences.is_empty()).then(|| self.audiences.clone());
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: token.to_owned(),
                audiences: audiences.clone(),
            },
            ..TokenReview::default()
        };
        let parameters = PostParams::default();
        let answer = self.reviews.create(&parameters, &review);
        let answer = answer.await.map_err(|error| {
            tracing::warn!(%error, "the API server cannot review a token");
            Problem::busy("the API server cannot review tokens; the log says why").retry_after(5)
        })?;
        let Some(status) = answer.status else {
            return Ok(None);
        };
        let fits = match (&audiences, &status.audiences) {
            (None, _) => true,
            (Some(ours), Some(theirs)) => theirs.iter().any(|a| ours.contains(a)),
            // An API server that ignores audiences checks none.
            (Some(_), None) => false,
        };
        let user = status.user.unwrap_or_default();
        let name = user.username.unwrap_or_default();
        if status.authenticated != Some(true) || !fits || name.is_empty() {
            return Ok(None);
        }
        let mut names: std::collections::BTreeSet<String> =
            user.groups.unwrap_or_default().into_iter().collect();
        names.insert(name.clone());
        Ok(Some(Claims {
            subject: name,
            names,
        }))
    }
}
