//! How many tokens that are refused a network may send.

use super::recent::Recent;
use crate::edge::server::limits::{Client, Network, Rates};
use crate::edge::server::problem::Problem;
use crate::tree::Digest;
use std::num::NonZeroU32;
use std::time::Duration;

/// Refused tokens are this part of the requests that a client may send.
const PART: u32 = 10;
/// So many a minute are always looked at.
const LEAST: u32 = 10;
/// How long tokens of a network are not looked at after too many.
const CLOSED: Duration = Duration::from_secs(10);
/// How long a token is known that was taken, and how many are: who holds one does not
/// suffer for what others behind the same address send.
const KNOWN: (Duration, usize) = (Duration::from_secs(600), 10_000);
/// Networks that are closed at once; a network more opens the first one early.
const NETWORKS: usize = 10_000;

/// Tokens that were refused, by network, and those that were taken.
#[derive(Debug)]
pub(super) struct Refusals {
    rates: Rates,
    per_minute: u32,
    closed: Recent<Network, ()>,
    known: Recent<Digest, ()>,
}

impl Refusals {
    /// For clients of which each may send `rate` requests a minute.
    pub(super) fn new(rate: NonZeroU32) -> Self {
        let per_minute = (rate.get() / PART).max(LEAST);
        Self {
            rates: Rates::new(NonZeroU32::new(per_minute).unwrap_or(rate)),
            per_minute,
            closed: Recent::new(CLOSED, NETWORKS),
            known: Recent::new(KNOWN.0, KNOWN.1),
        }
    }

    /// Whether `token` was taken a while ago.
    pub(super) fn is_known(&self, token: Digest) -> bool {
        self.known.get(&token).is_some()
    }

    /// Refuses to look at a token nobody knows from a network that sent too many.
    pub(super) fn admit(&self, network: Network) -> Result<(), Problem> {
        match self.closed.get(&network) {
            None => Ok(()),
            Some(((), left)) => Err(Problem::too_many(format!(
                "more than {} tokens a minute from {network} were refused; the operator raises this with --rate, of which it is a tenth",
                self.per_minute
            ))
            .retry_after(left.as_secs() + 1)),
        }
    }

    /// A token from `network` was refused.
    pub(super) fn refused(&self, network: Network, token: Digest) {
        self.known.forget(&token);
        if self.rates.count(Client::Network(network)).is_err() {
            self.closed.keep(network, ());
        }
    }

    /// A token was taken.
    pub(super) fn taken(&self, token: Digest) {
        self.known.keep(token, ());
    }
}
