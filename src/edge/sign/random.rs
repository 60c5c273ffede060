//! Random bytes of the operating system.

use super::Error;

/// Fills `bytes`.
///
/// # Errors
/// When the operating system gives no random numbers.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|e| Error::Random(e.to_string()))
}
