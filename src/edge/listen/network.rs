//! Whom an address belongs to, and how much each of them may have at once.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Addresses that one client can choose among: an address of IPv4, a /64 of IPv6.
/// Loopback is a network like others: what reaches a pod through a port-forward or a
/// sidecar is one client, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }
}

/// Places, of which each network has at most `each` at once, and everybody
/// together `all`. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Shares {
    each: usize,
    all: usize,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_network: HashMap<Network, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// This network has its share.
    Network,
    /// Others have taken all.
    All,
}

/// One place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    network: Network,
    of: Shares,
}

impl Shares {
    pub(crate) fn new(each: usize, all: usize) -> Self {
        Self {
            each: each.max(1),
            all: all.max(1),
            held: Arc::default(),
        }
    }

    /// How many places each network has.
    pub(crate) fn each(&self) -> usize {
        self.each
    }

    /// A place for `network`.
    pub(crate) fn take(&self, network: Network) -> Result<Share, Full> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.all >= self.all {
            return Err(Full::All);
        }
        let count = held.by_network.entry(network).or_default();
        if *count >= self.each {
            return Err(Full::Network);
        }
        *count += 1;
        held.all += 1;
        Ok(Share {
            network,
            of: self.clone(),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let held = &self.of.held;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all -= 1;
        if let Some(count) = held.by_network.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                held.by_network.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn neighbours_of_one_64_are_one_client() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn a_network_has_its_share_and_leaves_the_rest() {
        let shares = Shares::new(2, 3);
        let (one, other) = (network("192.0.2.1"), network("192.0.2.2"));
        let first = shares.take(one).unwrap();
        let second = shares.take(one).unwrap();
        assert_eq!(shares.take(one).unwrap_err(), Full::Network);
        let third = shares.take(other).unwrap();
        assert_eq!(shares.take(other).unwrap_err(), Full::All);
        drop((first, second, third));
        assert!(shares.take(one).is_ok());
        assert!(shares.held.lock().unwrap().by_network.is_empty());
    }
}
