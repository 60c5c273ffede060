//! Caches that are looked into and never filled, and the reverse.

use super::Thing;
use super::level::Level;
use super::variables::Wanted;
use crate::Section;

/// Policies that belong together: what looks, what stores.
const PAIRS: [(&str, &str); 3] = [
    ("cache-lookup", "cache-store"),
    (
        "azure-openai-semantic-cache-lookup",
        "azure-openai-semantic-cache-store",
    ),
    ("llm-semantic-cache-lookup", "llm-semantic-cache-store"),
];

pub(super) fn is_half(name: &str) -> bool {
    PAIRS
        .iter()
        .any(|(lookup, store)| *lookup == name || *store == name)
}

/// What the document has a half of, and wants the other half of.
pub(super) fn check(level: &Level<'_>, wanted: &mut Vec<Wanted<'_>>) {
    let inbound = level.section(Section::Inbound);
    let outbound = level.section(Section::Outbound);
    if inbound.unknown || outbound.unknown {
        return;
    }
    for (lookup, store) in PAIRS {
        for (here, there, half, other) in [
            (inbound, outbound, lookup, store),
            (outbound, inbound, store, lookup),
        ] {
            let mut own = here.halves.iter();
            let own = own.find(|(name, met)| *name == half && met.own);
            if let Some((_, met)) = own
                && !there.has(other)
            {
                wanted.push(Wanted::half(met.span, half, other, Thing::Policy(other)));
            }
        }
    }
}
