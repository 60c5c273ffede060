//! How often and how much at once each client may ask.

use super::problem::Problem;
use crate::tree::Digest;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Clients that are remembered before those at rest are forgotten.
const REMEMBERED: usize = 10_000;
/// Clients that are told apart; beyond them, networks count as one with those around them.
const TOLD_APART: usize = 200_000;

/// Addresses that count as one client. Of IPv6 that is a /64: whoever has one address
/// has them all. Of IPv4 it is the address: the /24 around it is often that of all
/// pods of a node, or of one provider's customers, who know nothing of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Network {
    first: IpAddr,
    bits: u32,
}

impl Network {
    /// The network that `peer` is in.
    pub(super) fn of(peer: IpAddr) -> Self {
        let first = peer.to_canonical();
        let bits = if first.is_ipv4() { 32 } else { 64 };
        Self { first, bits: 128 }.within(bits)
    }

    /// The one around it, as providers get them: /16 of IPv4, /32 of IPv6.
    fn around(self) -> Self {
        self.within(if self.first.is_ipv4() { 16 } else { 32 })
    }

    fn within(self, bits: u32) -> Self {
        let first = match self.first {
            IpAddr::V4(ip) => {
                let mask = u32::MAX << (32 - bits);
                Ipv4Addr::from_bits(ip.to_bits() & mask).into()
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX << (128 - bits);
                Ipv6Addr::from_bits(ip.to_bits() & mask).into()
            }
        };
        Self { first, bits }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Who a limit is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Client {
    /// The subject of a token, by digest: names of people have no place in memory or
    /// logs for longer than needed.
    Subject(Digest),
    /// Whoever asks without a token.
    Network(Network),
    /// Whoever sends events.
    Events(Network),
}

impl Client {
    fn around(self) -> Self {
        match self {
            Self::Subject(_) => self,
            Self::Network(network) => Self::Network(network.around()),
            Self::Events(network) => Self::Events(network.around()),
        }
    }
}

/// A rate for each of many clients.
#[derive(Debug)]
pub(super) struct Rates {
    rates: DefaultKeyedRateLimiter<Client>,
    /// So many clients before those at rest are forgotten. It follows what is left, so
    /// that a request pays for one client however many there are.
    clean_at: AtomicUsize,
}

impl Rates {
    /// `per_minute` for each client, as many in a burst.
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self {
            rates: RateLimiter::keyed(Quota::per_minute(per_minute)),
            clean_at: AtomicUsize::new(REMEMBERED),
        }
    }

    /// Counts one; how long to wait when it is one too many.
    pub(super) fn count(&self, client: Client) -> Result<(), Duration> {
        let mut remembered = self.rates.len();
        let due = self.clean_at.load(Ordering::Relaxed);
        let one = |due| {
            let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            self.clean_at
                .compare_exchange(due, usize::MAX, success, failure)
        };
        if remembered > due && one(due).is_ok() {
            self.rates.retain_recent();
            remembered = self.rates.len();
            let next = (remembered * 2).max(REMEMBERED);
            self.clean_at.store(next, Ordering::Relaxed);
        }
        let key = if remembered < TOLD_APART {
            client
        } else {
            client.around()
        };
        self.rates
            .check_key(&key)
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

/// The limits of all clients.
#[derive(Debug)]
pub(super) struct Limiter {
    rates: Rates,
    per_minute: NonZeroU32,
    at_once: usize,
    running: Arc<Mutex<HashMap<Client, usize>>>,
}

/// One request of a client, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    client: Client,
    running: Arc<Mutex<HashMap<Client, usize>>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.client);
            }
        }
    }
}

impl Limiter {
    /// `per_minute` requests of each client, as many in a burst, and
    /// `at_once` at the same time.
    pub(super) fn new(per_minute: NonZeroU32, at_once: usize) -> Self {
        Self {
            rates: Rates::new(per_minute),
            per_minute,
            at_once,
            running: Arc::default(),
        }
    }

    /// A turn for `client`.
    pub(super) fn turn(&self, client: Client) -> Result<Turn, Problem> {
        self.rates.count(client).map_err(|wait| {
            Problem::too_many(format!(
                "more than {} requests a minute; the operator raises this with --rate",
                self.per_minute
            ))
            .retry_after(wait.as_secs() + 1)
        })?;
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(client).or_default();
        if *count >= self.at_once {
            return Err(Problem::too_many(format!(
                "more than {} requests at once; the operator raises this with --concurrency",
                self.at_once
            )));
        }
        *count += 1;
        drop(running);
        Ok(Turn {
            client,
            running: Arc::clone(&self.running),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> Client {
        Client::Network(Network::of(address.parse().unwrap()))
    }

    #[test]
    fn a_network_is_one_client() {
        for (one, other, same) in [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::1", "127.0.0.1", false),
        ] {
            assert_eq!(client(one) == client(other), same, "{one} {other}");
        }
        let network = Network::of("2001:db8:1:2:3::".parse().unwrap());
        assert_eq!(network.to_string(), "2001:db8:1:2::/64");
        assert_eq!(network.around().to_string(), "2001:db8::/32");
        let network = Network::of("192.0.2.1".parse().unwrap());
        assert_eq!(network.to_string(), "192.0.2.1/32");
        assert_eq!(network.around().to_string(), "192.0.0.0/16");
    }

    /// Networks `n` of one provider.
    fn many(n: u32) -> Client {
        let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) | (u128::from(n) << 64));
        Client::Network(Network::of(address.into()))
    }

    #[test]
    fn those_at_rest_are_forgotten_once_for_as_many_new_ones() {
        // One a minute: nobody is at rest for as long as the test takes.
        let rates = Rates::new(NonZeroU32::MIN);
        let mut cleaned = 0;
        let mut due = rates.clean_at.load(Ordering::Relaxed);
        for n in 0..100_000 {
            assert!(rates.count(many(n)).is_ok());
            let now = rates.clean_at.load(Ordering::Relaxed);
            cleaned += usize::from(now != due);
            due = now;
        }
        assert!(cleaned <= 4, "cleaned {cleaned} times");
    }

    #[test]
    fn memory_has_an_end() {
        let rates = Rates::new(NonZeroU32::MIN);
        for n in 0..300_000 {
            let _ = rates.count(many(n));
        }
        assert!(rates.rates.len() <= TOLD_APART + 1);
        // Who asks from elsewhere is not held to what they did.
        assert!(rates.count(client("192.0.2.1")).is_ok());
    }
}
