//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-cidr>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::{Call, Fault, Item, at, own};

/// A range of addresses: the first one as a number, the length of its prefix, and how many
/// bits an address has.
struct Network {
    base: u128,
    prefix: u32,
    bits: u32,
}

impl Network {
    fn read(call: &Call<'_>, value: &Value) -> Result<Self, Fault> {
        let text = value
            .as_str()
            .ok_or_else(|| call.expects("a string as its first parameter", &[value]))?;
        Self::parse(text).ok_or_else(|| {
            call.refuses(&format!(
                "expects its parameter to be an address range in CIDR notation. The provided value is '{text}'."
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (address, bits) = match address.parse().ok()? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= bits)?;
        Some(Self {
            base: address & mask(bits, prefix),
            prefix,
            bits,
        })
    }

    fn address(&self, value: u128) -> String {
        if self.bits == 32 {
            Ipv4Addr::from(u32::try_from(value).unwrap_or(u32::MAX)).to_string()
        } else {
            Ipv6Addr::from(value).to_string()
        }
    }

    fn last(&self) -> u128 {
        self.base | (full(self.bits) ^ mask(self.bits, self.prefix))
    }
}

fn full(bits: u32) -> u128 {
    u128::MAX >> (128 - bits)
}

fn mask(bits: u32, prefix: u32) -> u128 {
    full(bits) ^ full(bits).checked_shr(prefix).unwrap_or(0)
}

pub(super) fn parse<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let network = Network::read(call, at(&arguments, 0))?;
    let (first, last) = (network.base, network.last());
    let netmask = network.address(mask(network.bits, network.prefix));
    own(if network.bits == 32 {
        // Of one or two addresses none is reserved.
        let (usable, until) = if last - first < 2 {
            (first, last)
        } else {
            (first + 1, last - 1)
        };
        json!({
            "network": network.address(first),
            "netmask": netmask,
            "broadcast": network.address(last),
            "firstUsable": network.address(usable),
            "lastUsable": network.address(until),
            "cidr": network.prefix,
        })
    } else {
        json!({
            "network": network.address(first),
            "netmask": netmask,
            "firstUsable": network.address(first),
            "lastUsable": network.address(last),
            "cidr": network.prefix,
        })
    })
}

pub(super) fn subnet<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let network = Network::read(call, at(&arguments, 0))?;
    let (prefix, index) = (at(&arguments, 1), at(&arguments, 2));
    let outside = || {
        call.refuses(&format!(
            "has no subnet '{index}' of length '{prefix}' in the range '{}/{}'.",
            network.address(network.base),
            network.prefix
        ))
    };
    let prefix = prefix
        .as_u64()
        .and_then(|prefix| u32::try_from(prefix).ok())
        .filter(|prefix| (network.prefix..=network.bits).contains(prefix))
        .ok_or_else(outside)?;
    let index = u128::from(index.as_u64().ok_or_else(outside)?);
    let more = prefix - network.prefix;
    if more < 64 && index >> more != 0 {
        return Err(outside());
    }
    let base = network.base | index.checked_shl(network.bits - prefix).unwrap_or(0);
    own(format!("{}/{prefix}", network.address(base)))
}

/// The address with that index of those a host may have, from 0.
pub(super) fn host<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let network = Network::read(call, at(&arguments, 0))?;
    let index = at(&arguments, 1);
    let size = network.last() - network.base;
    let address = index
        .as_u64()
        .map(u128::from)
        .map(|index| if size < 2 { index } else { index + 1 })
        .filter(|offset| *offset <= size && (network.bits == 128 || size < 2 || *offset < size))
        .ok_or_else(|| {
            call.refuses(&format!(
                "has no host '{index}' in the range '{}/{}'.",
                network.address(network.base),
                network.prefix
            ))
        })?;
    own(network.address(network.base + address))
}
