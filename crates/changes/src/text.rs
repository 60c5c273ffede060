//! Texts as unified differences.

use flux_apim_diag::tree::Digest;
use flux_apim_diag::{Budget, Place, without_credentials};
use similar::TextDiff;

/// Texts with more bytes are told apart by their digests alone.
const MAX_BYTES: usize = 512 << 10;
/// So are those where more lines than these differ: finding the shortest
/// difference takes their square.
const MAX_LINES: usize = 6000;

/// A text that differs.
#[derive(Debug, PartialEq, Eq)]
pub struct TextChange {
    /// Path below `properties`.
    pub path: String,
    /// Unified difference without file names and credentials; none when the texts are too
    /// large for one.
    pub diff: Option<String>,
    /// Digest of the old text.
    pub old: Digest,
    /// Digest of the new one.
    pub new: Digest,
}

/// The difference of two texts. Finding it spends from `budget`, and ends as it does.
pub fn compare(path: &str, old: &str, new: &str, budget: &Budget) -> TextChange {
    let lines = differing(old, new);
    let fits = old.len().max(new.len()) <= MAX_BYTES && lines <= MAX_LINES;
    if fits {
        // What finding the shortest difference takes at most.
        budget.spend((lines * lines / 8) as u64, Place::Source);
    }
    let diff = fits.then(|| {
        let diff = TextDiff::from_lines(old, new);
        let diff = diff.unified_diff().context_radius(3).to_string();
        without_credentials(&diff).into_owned()
    });
    TextChange {
        path: path.to_owned(),
        diff,
        old: Digest::of(old.as_bytes()),
        new: Digest::of(new.as_bytes()),
    }
}

/// Lines between the common start and the common end.
fn differing(old: &str, new: &str) -> usize {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
        pairs.take_while(|(old, new)| old == new).count()
    };
    let start = same(&mut old.iter().zip(&new));
    let (old, new) = (&old[start..], &new[start..]);
    let end = same(&mut old.iter().rev().zip(new.iter().rev()));
    old.len() + new.len() - 2 * end
}
