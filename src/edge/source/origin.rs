//! What an inventory says of a source.

use crate::bundle::Source;

/// What an inventory says of a source without Git.
pub(super) fn plain(kind: &str) -> Source {
    Source {
        kind: kind.to_owned(),
        ..Source::default()
    }
}
