//! Names that may have been meant.

use super::Checker;
use rapidfuzz::distance::osa;

/// Names looked at for one hint.
const MOST: usize = 4000;

/// Words of C# that are types.
pub(super) const WORDS: [&str; 14] = [
    "bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "short",
    "string", "uint", "ulong", "dynamic",
];

impl Checker<'_> {
    /// A name that may have been meant. Looked for a few times only: a text with
    /// very many unknown names is no text with typing errors.
    pub(super) fn near<'a>(
        &mut self,
        name: &str,
        names: impl Iterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.quiet > 0 || self.hints == 0 || !self.step(500) {
            return None;
        }
        self.hints -= 1;
        near(name, names)
    }
}

/// The name nearest to `name`: another case of it, or a few letters away.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = match name.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        6..=10 => 2,
        11..=64 => 3,
        _ => return None,
    };
    let mut best: Option<(usize, &str)> = None;
    for candidate in names.take(MOST) {
        if candidate == name {
            continue;
        }
        let distance = if candidate.eq_ignore_ascii_case(name) {
            0
        } else {
            if candidate.len().abs_diff(name.len()) > most {
                continue;
            }
            osa::distance(name.chars(), candidate.chars())
        };
        let better = best.is_none_or(|(d, n)| (distance, candidate) < (d, n));
        if (distance <= most || distance == 0) && better {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, name)| name)
}
