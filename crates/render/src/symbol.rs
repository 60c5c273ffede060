//! Names that are made: unique, stable, and readable.

use flux_apim_model::Numbered;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Gives each thing a name that no other has.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: Numbered,
}

impl Names {
    /// `wanted`, or `wanted` with a number; compared without case.
    pub(super) fn numbered(&mut self, wanted: &str) -> String {
        self.taken.take(wanted, |n| format!("{wanted}{n}"))
    }

    /// Whether something has the name already.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.taken.is_taken(name)
    }
}

/// Eight hexadecimal digits of the SHA-256 of `text`.
pub(super) fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Letters without their accents, so that `öffentlich` can still be read.
fn plain(text: &str) -> impl Iterator<Item = char> {
    text.nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
}

/// `words` as one camelCase identifier.
pub(super) fn camel(words: &[&str]) -> String {
    let mut out = String::new();
    for word in words {
        let mut start = true;
        for c in plain(word) {
            if !c.is_ascii_alphanumeric() {
                start = true;
            } else if out.is_empty() {
                out.push(c.to_ascii_lowercase());
                start = false;
            } else if start {
                out.push(c.to_ascii_uppercase());
                start = false;
            } else {
                out.push(c);
            }
        }
    }
    if out.is_empty() || out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out.truncate(200);
    out
}

/// `text` as a DNS-1123 label of at most `max` characters: lower case, other
/// characters as dashes, and a hash when it had to be cut.
pub(super) fn dns(text: &str, max: usize) -> String {
    let mut out = String::new();
    for c in plain(&text.to_lowercase()) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let mut out = out.trim_end_matches('-').to_owned();
    if out.is_empty() {
        out = format!("x-{}", short_hash(text));
    }
    if out.len() > max {
        out.truncate(max - 9);
        out = format!("{}-{}", out.trim_end_matches('-'), short_hash(text));
    }
    out
}
