//! Who pays for the work.

/// Counts the work and may stop it.
///
/// Lexing charges by text, parsing and checking by node. Whoever calls decides
/// what a step costs: a counter that stops at a limit, an account that several
/// documents share, a flag that another thread sets.
pub trait Meter {
    /// Takes `steps`. `false` ends the work: what was found so far is returned,
    /// and [`Code::Stopped`](crate::Code::Stopped) says so.
    fn charge(&self, steps: u64) -> bool;
}

/// Never stops. The work is bounded by the length of the text all the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unmetered;

impl Meter for Unmetered {
    fn charge(&self, _: u64) -> bool {
        true
    }
}

impl<F: Fn(u64) -> bool> Meter for F {
    fn charge(&self, steps: u64) -> bool {
        self(steps)
    }
}
