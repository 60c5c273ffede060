//! Keeps the keys of an OpenID provider: a task of its own asks for them, before they
//! are old and when a token names one that is not among them. Nobody else talks to the
//! provider, and nothing is locked while it is asked: a provider that hangs delays
//! whoever needs a key that is not here, and nobody else.

use super::keys::Keys;
use backon::{BackoffBuilder, ExponentialBuilder};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

/// Tokens with unknown keys make us ask no more often than this many times at once...
const BURST: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// ... and once more each time this is over.
const REFILL: Duration = Duration::from_secs(10);
/// How long the provider may take for its answers.
const ASKED: Duration = Duration::from_secs(15);
/// How long a request waits for a key that is not here.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long is waited after a failure, and after many.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The keys, and the task that asks for them.
#[derive(Debug)]
pub(super) struct Keeper {
    state: Arc<watch::Sender<State>>,
    wishes: DefaultDirectRateLimiter,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<Keys>>,
    /// Whether the provider is being asked, or about to be.
    asking: bool,
    /// How often it was asked to the end.
    asked: u64,
    /// Whether the last time was in vain.
    failed: bool,
}

/// What came of wanting newer keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// The provider was asked.
    Granted,
    /// It was asked too often already.
    TooOften,
    /// It did not answer as it should, or not in time.
    Failed,
}

impl Keeper {
    /// Asks with `ask` now, and then each time that `every` is over.
    pub(super) fn new<F>(ask: impl Fn() -> F + Send + Sync + 'static, every: Duration) -> Self
    where
        F: Future<Output = Result<Keys, String>> + Send + 'static,
    {
        let state = Arc::new(watch::Sender::new(State {
            asking: true,
            ..State::default()
        }));
        let task = tokio::spawn(keep(ask, Arc::clone(&state), every));
        // One that replenishes in no time would be none, and this one takes 10 s.
        let quota = Quota::with_period(REFILL).unwrap_or(Quota::per_minute(BURST));
        Self {
            state,
            wishes: RateLimiter::direct(quota.allow_burst(BURST)),
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The keys that are here.
    pub(super) fn keys(&self) -> Option<Arc<Keys>> {
        self.state.borrow().keys.clone()
    }

    /// Wants newer keys, with all others who do, and waits for them for a while.
    pub(super) async fn wish(&self) -> Wish {
        let mut seen = self.state.subscribe();
        let mut before = 0;
        let mut granted = true;
        self.state.send_if_modified(|state| {
            before = state.asked;
            if state.asking {
                return false;
            }
            granted = self.wishes.check().is_ok();
            state.asking = granted;
            granted
        });
        if !granted {
            return Wish::TooOften;
        }
        match timeout(PATIENCE, seen.wait_for(|state| state.asked > before)).await {
            Ok(Ok(state)) if !state.failed => Wish::Granted,
            _ => Wish::Failed,
        }
    }

    /// Waits until the provider was asked once, if not for long.
    pub(super) async fn first(&self) {
        let mut seen = self.state.subscribe();
        let _ = timeout(PATIENCE / 2, seen.wait_for(|state| state.asked > 0)).await;
    }
}

async fn keep<F>(ask: impl Fn() -> F, state: Arc<watch::Sender<State>>, every: Duration)
where
    F: Future<Output = Result<Keys, String>> + Send,
{
    let backoff = ExponentialBuilder::new()
        .with_min_delay(RETRY.0)
        .with_max_delay(RETRY.1)
        .without_max_times()
        .with_jitter();
    let mut delays = backoff.build();
    let mut wishes = state.subscribe();
    let mut due = Instant::now();
    loop {
        tokio::select! {
            () = sleep_until(due) => state.send_modify(|state| state.asking = true),
            _ = wishes.wait_for(|state| state.asking) => {}
        }
        let outcome = timeout(ASKED, ask()).await.unwrap_or_else(|_| {
            let seconds = ASKED.as_secs();
            Err(format!("there was no answer within {seconds} s"))
        });
        let keys = match outcome {
            Ok(keys) => {
                let weak = keys.weak();
                if !weak.is_empty() {
                    tracing::warn!(issuer = %keys.issuer, ?weak, "RSA keys of fewer than 2048 bits are not used");
                }
                delays = backoff.build();
                due = Instant::now() + every;
                Some(Arc::new(keys))
            }
            // What is known stays: a provider that is down is no reason to
            // turn its tokens away.
            Err(reason) => {
                let wait = delays.next().unwrap_or(RETRY.1).min(every);
                tracing::warn!(%reason, retry_seconds = wait.as_secs(), "the OpenID provider cannot be asked for its keys");
                due = Instant::now() + wait;
                None
            }
        };
        state.send_modify(|state| {
            state.asking = false;
            state.asked += 1;
            state.failed = keys.is_none();
            if keys.is_some() {
                state.keys = keys;
            }
        });
    }
}
