//! How often and how much at once each client may ask.

use super::problem::Problem;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

/// Clients that are remembered before those at rest are forgotten.
const REMEMBERED: usize = 10_000;

/// The limits of all clients.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: DefaultKeyedRateLimiter<String>,
    per_minute: u32,
    at_once: usize,
    running: Arc<Mutex<HashMap<String, usize>>>,
}

/// One request of a client, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    key: String,
    running: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.key);
            }
        }
    }
}

impl Limiter {
    /// `per_minute` requests of each client, as many in a burst, and
    /// `at_once` at the same time.
    pub(super) fn new(per_minute: NonZeroU32, at_once: usize) -> Self {
        Self {
            rate: RateLimiter::keyed(Quota::per_minute(per_minute)),
            per_minute: per_minute.get(),
            at_once,
            running: Arc::default(),
        }
    }

    /// A turn for `client`.
    pub(super) fn turn(&self, client: &str) -> Result<Turn, Problem> {
        if self.rate.len() > REMEMBERED {
            self.rate.retain_recent();
        }
        let key = client.to_owned();
        self.rate.check_key(&key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Problem::too_many(format!(
                "more than {} requests a minute; the operator raises this with --rate",
                self.per_minute
            ))
            .retry_after(wait.as_secs() + 1)
        })?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(key.clone()).or_default();
        if *count >= self.at_once {
            return Err(Problem::too_many(format!(
                "more than {} requests at once; the operator raises this with --concurrency",
                self.at_once
            )));
        }
        *count += 1;
        drop(running);
        Ok(Turn {
            key,
            running: Arc::clone(&self.running),
        })
    }
}
