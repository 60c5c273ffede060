//! Draws findings to be read by hand. Nobody can choose what is drawn: the order is that of
//! the digest of the seed with the finding, and the seed is a commit.

use crate::run::{Finding, Run};
use crate::table::distinct;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

type Drawn<'a> = (Vec<u8>, &'a str, &'a Finding);

/// `count` findings as rows of a table. One of each rule is taken in turn, since a few
/// rules have most of the findings.
pub fn rows(runs: &[Run], seed: &str, count: usize) -> Vec<String> {
    let mut rules: BTreeMap<&str, Vec<Drawn>> = BTreeMap::new();
    for ((_, source), findings) in distinct(runs) {
        for found in findings {
            let drawn = (digest(seed, source, found), source, found);
            rules.entry(&found.code).or_default().push(drawn);
        }
    }
    for found in rules.values_mut() {
        found.sort();
    }
    let turns = rules.values().map(Vec::len).max().unwrap_or(0);
    let in_turn =
        (0..turns).flat_map(|turn| rules.values().filter_map(move |found| found.get(turn)));
    let mut drawn: Vec<&Drawn> = in_turn.take(count).collect();
    drawn.sort_by_key(|(_, source, found)| (&found.code, *source, found.line, found.column));
    let rows = drawn.into_iter().enumerate();
    rows.map(|(at, (_, source, found))| row(at + 1, source, found))
        .collect()
}

fn row(number: usize, source: &str, found: &Finding) -> String {
    let path = match source.ends_with(&found.path) {
        true => String::new(),
        false => format!("/{}", found.path),
    };
    let (code, line, column) = (&found.code, found.line, found.column);
    let message = found.message.replace('|', "\\|");
    format!("| {number} | {code} | {source}{path}:{line}:{column} | {message} |")
}

fn digest(seed: &str, source: &str, found: &Finding) -> Vec<u8> {
    let Finding {
        code,
        path,
        line,
        column,
        message,
        ..
    } = found;
    let text = format!("{seed}\n{source}\n{code}\n{path}\n{line}:{column}\n{message}");
    Sha256::digest(text).to_vec()
}
