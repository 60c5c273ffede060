//! What became of comparing two sources, here or by a service.

use super::Done;
use crate::changes::Changes;
use crate::diag::Report;

/// What came of a comparison.
pub(super) enum Compared {
    /// Both sides were rendered: what differs between them.
    Changes(Changes),
    /// A side (`OLD` or `NEW`, and its source) that cannot be compared.
    Not {
        side: &'static str,
        source: String,
        report: Report,
        done: Done,
    },
}
