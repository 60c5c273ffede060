//! What conditions have in common, whoever writes them.

use k8s_openapi::jiff::Timestamp;

/// The condition that says whether an object is what its spec asks for.
pub(super) const READY: &str = "Ready";
/// Characters that the message of a condition may have.
pub(super) const MAX_MESSAGE: usize = 8_000;

/// The time now, to the second, as Kubernetes writes times.
pub(super) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
