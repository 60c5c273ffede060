//! Keys and signatures in cosign's formats: bytes in, bytes out. Nothing here
//! reads a file or speaks to a registry; [`KeyVault`] asks the vault that keeps the key.
//!
//! An artifact is signed twice with one key: the payload that every version of
//! cosign and Flux reads ([`payload`]), and the Sigstore bundle v0.3 that new
//! ones read ([`bundle`]). Signatures of our own keys are deterministic (RFC 6979), so
//! that the same artifact and key give the same bytes; a vault's are not.

mod bundle;
mod key;
mod payload;
mod pem;
mod random;
mod sealed;
mod vault;

pub use bundle::{BUNDLE_MEDIA_TYPE, PREDICATE_SIGNATURE, Statement, bundle, verify_bundle};
pub use key::{KeyPair, SigningKey, VerifyingKey, keygen};
pub use payload::{PAYLOAD_MEDIA_TYPE, SIGNATURE_ANNOTATION, payload, verify_payload};
pub use vault::{KeyVault, VaultKey};

use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use std::fmt;

/// What signs. Today a key; an identity (Fulcio, Rekor) would answer with its
/// certificate and log entry as [`Signed::material`], which is why signing may
/// wait for the network.
pub trait Signer: Send + Sync + fmt::Debug {
    /// Signs `message`.
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Signed, Error>>;

    /// Who signs, in a form that may be shown and is part of no secret.
    fn identity(&self) -> String;

    /// The key that tells whether something is signed already, of a signer that signs the
    /// same with other bytes each time. `None` when the bytes are the same.
    fn recognises(&self) -> Option<&VerifyingKey> {
        None
    }
}

/// A signature and what one needs beside it to verify it.
#[derive(Debug, Clone)]
pub struct Signed {
    /// ECDSA over SHA-256, DER.
    pub signature: Vec<u8>,
    /// `verificationMaterial` of a Sigstore bundle.
    pub material: Json,
}

/// Why there is no key, or no valid signature.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a key file.
    #[error("it holds no {expected}; found {found}")]
    NotAKey {
        /// What was looked for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The key is damaged.
    #[error("the key is damaged: {0}")]
    Damaged(String),
    /// Another kind of key.
    #[error(
        "the key is no ECDSA key on P-256, which is what cosign makes; other kinds are not supported"
    )]
    Kind,
    /// The password does not open the key.
    #[error(
        "the password does not open the key, or the key is damaged; COSIGN_PASSWORD holds the password, empty for none"
    )]
    Password,
    /// The vault that holds the key.
    #[error("{0}")]
    Vault(String),
    /// There is no randomness.
    #[error("the operating system gives no random numbers: {0}")]
    Random(String),
    /// No signature, or none that can be read.
    #[error("the signature cannot be read: {0}")]
    Malformed(String),
    /// A signature by something else.
    #[error("the signature is not by this key ({0})")]
    NotByKey(String),
    /// A signature over something else.
    #[error("the signature is of {found}, not of {expected}")]
    OfAnother {
        /// Digest that should be signed.
        expected: String,
        /// What is signed.
        found: String,
    },
}
