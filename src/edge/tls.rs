//! One TLS provider for every client and server of this process.

use std::sync::Once;

/// Makes *ring* the provider of `rustls`. Called before a client or server is
/// built; several crates bring a provider of their own, and `rustls` refuses to
/// choose.
pub fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Whoever embeds the library may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
