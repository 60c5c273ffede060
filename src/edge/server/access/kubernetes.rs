//! Tokens of the cluster, by TokenReview.

use super::grants::{Name, NameKind};
use super::recent::Recent;
use super::{Claims, Error, invalid};
use crate::edge::server::problem::Problem;
use crate::tree::Digest;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::{Api, PostParams};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// How long the API server is believed when it takes a token.
const TAKEN: Duration = Duration::from_secs(30);
/// How long it is believed when it does not: a token may be taken a moment later.
const REFUSED: Duration = Duration::from_secs(10);
/// Answers of each kind that are kept.
const KEPT: usize = 4096;
/// Reviews a second of tokens that nobody knows, and as many of those that were taken
/// a while ago: the API server has others to serve, and strangers do not use up what
/// friends need.
const A_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// How long a request waits for the turn of its token.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tokens that wait: as many as get their turn in that time.
const WAITING: usize = 2 * 20 * 5;
/// How long the API server may take.
const ASKED: Duration = Duration::from_secs(10);

/// Checks tokens.
pub(super) struct Verifier(Arc<Reviews>);

struct Reviews {
    api: Api<TokenReview>,
    audiences: Vec<String>,
    strangers: DefaultDirectRateLimiter,
    friends: DefaultDirectRateLimiter,
    taken: Recent<Digest, Claims>,
    refused: Recent<Digest, ()>,
    /// Tokens that are being reviewed: whoever brings the same waits for the same.
    running: Mutex<HashMap<Digest, Running>>,
}

type Running = Shared<BoxFuture<'static, Result<Option<Claims>, Unavailable>>>;

/// Why there is no answer.
#[derive(Debug, Clone, Copy)]
enum Unavailable {
    /// The API server is asked for too much already.
    Busy,
    /// It did not answer as it should.
    Failed,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenReview for {:?}", self.0.audiences)
    }
}

impl Verifier {
    pub(super) async fn new(audiences: Vec<String>) -> Result<Self, Error> {
        if let Some(wrong) = audiences.iter().find(|name| !super::is_exact(name)) {
            let why = super::not_exact("--kubernetes-audience", wrong);
            return Err(Error::Kubernetes(why));
        }
        crate::edge::tls::install_provider();
        let client = kube::Client::try_default()
            .await
            .map_err(|e| Error::Kubernetes(format!("reach the API server: {e}")))?;
        Ok(Self(Arc::new(Reviews {
            api: Api::all(client),
            audiences,
            strangers: RateLimiter::direct(Quota::per_second(A_SECOND)),
            friends: RateLimiter::direct(Quota::per_second(A_SECOND)),
            taken: Recent::new(TAKEN, KEPT),
            refused: Recent::new(REFUSED, KEPT),
            running: Mutex::default(),
        })))
    }

    /// Who `token` says somebody is. `known` tokens were taken a while ago.
    pub(super) async fn verify(
        &self,
        token: &str,
        digest: Digest,
        known: bool,
    ) -> Result<Claims, Problem> {
        let refused = || invalid("the API server does not know it, or not for this audience");
        match self.0.review(token, digest, known).await {
            Ok(claims) => claims.ok_or_else(refused),
            Err(Unavailable::Busy) => {
                Err(Problem::busy("the API server reviews many tokens already").retry_after(2))
            }
            Err(Unavailable::Failed) => Err(Problem::busy(
                "the API server cannot review tokens; the log says why",
            )
            .retry_after(5)),
        }
    }
}

impl Reviews {
    fn running(&self) -> MutexGuard<'_, HashMap<Digest, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the API server says; once, however many ask at the same time.
    async fn review(
        self: &Arc<Self>,
        token: &str,
        digest: Digest,
        known: bool,
    ) -> Result<Option<Claims>, Unavailable> {
        let review = {
            let mut running = self.running();
            if let Some(review) = running.get(&digest) {
                review.clone()
            } else if let Some((claims, _)) = self.taken.get(&digest) {
                return Ok(Some(claims));
            } else if self.refused.get(&digest).is_some() {
                return Ok(None);
            } else if running.len() >= WAITING {
                return Err(Unavailable::Busy);
            } else {
                let review = Arc::clone(self).start(token.to_owned(), digest, known);
                running.insert(digest, review.clone());
                review
            }
        };
        review.await
    }

    /// In a task of its own: that one client leaves is nothing to the others.
    fn start(self: Arc<Self>, token: String, digest: Digest, known: bool) -> Running {
        let task = tokio::spawn(async move {
            let landed = Landed(self, digest);
            let reviews = &landed.0;
            let outcome = reviews.ask(token, known).await;
            match &outcome {
                Ok(Some(claims)) => reviews.taken.keep(digest, claims.clone()),
                Ok(None) => reviews.refused.keep(digest, ()),
                Err(_) => {}
            }
            outcome
        });
        let review = async move { task.await.unwrap_or(Err(Unavailable::Failed)) };
        review.boxed().shared()
    }

    async fn ask(&self, token: String, known: bool) -> Result<Option<Claims>, Unavailable> {
        let turns = if known {
            &self.friends
        } else {
            &self.strangers
        };
        let turn = timeout(PATIENCE, turns.until_ready()).await;
        turn.map_err(|_| Unavailable::Busy)?;
        let audiences = (!self.audiences.is_empty()).then(|| self.audiences.clone());
        let review = TokenReview {
            spec: TokenReviewSpec {
                token,
                audiences: audiences.clone(),
            },
            ..TokenReview::default()
        };
        let failed = |error: &dyn std::fmt::Display| {
            tracing::warn!(%error, "the API server cannot review a token");
            Unavailable::Failed
        };
        let parameters = PostParams::default();
        let answer = timeout(ASKED, self.api.create(&parameters, &review)).await;
        let answer = answer.map_err(|_| failed(&"there was no answer within 10 s"))?;
        let answer = answer.map_err(|error| failed(&error))?;
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
        let groups = user.groups.unwrap_or_default().into_iter();
        let mut names: std::collections::BTreeSet<Name> = groups
            .map(|text| Name {
                kind: NameKind::Group,
                text,
            })
            .collect();
        names.insert(Name {
            kind: NameKind::User,
            text: name.clone(),
        });
        Ok(Some(Claims {
            subject: name,
            names,
        }))
    }
}

/// Takes a review that ended, however it did, out of those that run.
struct Landed(Arc<Reviews>, Digest);

impl Drop for Landed {
    fn drop(&mut self) {
        self.0.running().remove(&self.1);
    }
}
