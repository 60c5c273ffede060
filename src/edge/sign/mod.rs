//! Keys and signatures in cosign's formats: bytes in, bytes out. Nothing here
//! reads a file or speaks to a registry; [`KeyVault`] asks the vault that keeps the key,
//! [`Keyless`] the instance of Sigstore that certifies an identity.
//!
//! An artifact is signed twice with one key: the payload that every version of
//! cosign and Flux reads ([`payload`]), and the Sigstore bundle v0.3 that new
//! ones read ([`bundle`]). Signatures of our own keys are deterministic (RFC 6979), so
//! that the same artifact and key give the same bytes; a vault's are not.

mod bundle;
mod key;
mod keyless;
mod payload;
mod pem;
mod provider;
mod random;
mod sealed;
mod token;
mod trust;
mod vault;

pub use bundle::{BUNDLE_MEDIA_TYPE, PREDICATE_SIGNATURE, Statement, bundle, verify_bundle};
pub use key::{KeyPair, SigningKey, VerifyingKey, keygen};
pub use keyless::{FULCIO, Instance, Keyless, REKOR};
pub use payload::{PAYLOAD_MEDIA_TYPE, SIGNATURE_ANNOTATION, payload, verify_payload};
pub use token::{IdToken, Requested};
pub use trust::{Identity, TrustRoot, Trusted, Wanted};
pub use vault::{KeyVault, VaultKey, decrypt};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use serde_json::Value as Json;
use std::fmt;

/// What signs: a key, a vault that keeps one, an identity. Signing may wait for the network.
pub trait Signer: Send + Sync + fmt::Debug {
    /// Signs `message`: ECDSA over SHA-256, DER.
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>>;

    /// The `verificationMaterial` of a Sigstore bundle around the signed DSSE `envelope`.
    fn material<'a>(&'a self, envelope: &'a Json) -> BoxFuture<'a, Result<Json, Error>>;

    /// Who signs, in a form that may be shown and is part of no secret.
    fn identity(&self) -> String;

    /// What tells whether something is signed already, of a signer that signs the same with
    /// other bytes each time. `None` when the bytes are the same.
    fn recognises(&self) -> BoxFuture<'_, Result<Option<Trusted>, Error>> {
        ready(Ok(None)).boxed()
    }

    /// Whether signatures in cosign's first format can be made.
    fn signs_payloads(&self) -> bool {
        true
    }
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
    /// An instance of Sigstore, or the token that it is shown.
    #[error("{0}")]
    Keyless(String),
    /// A trust root, or what is asked of identities.
    #[error("{0}")]
    TrustRoot(String),
    /// There is no randomness.
    #[error("the operating system gives no random numbers: {0}")]
    Random(String),
    /// No signature, or none that can be read.
    #[error("the signature cannot be read: {0}")]
    Malformed(String),
    /// A signature by something else.
    #[error("the signature is not by this key ({0})")]
    NotByKey(String),
    /// A signature by a key, where one by an identity is wanted.
    #[error(
        "it names no identity: it was signed with a key, or in cosign's first format; identities \
         are verified in Sigstore bundles, as cosign 3 and `publish --keyless` write them"
    )]
    NoIdentity,
    /// A signature by another identity.
    #[error("the signature is by `{found}` of `{issuer}`, not by {expected}")]
    NotByIdentity {
        /// Who should have signed.
        expected: String,
        /// The subject of the certificate.
        found: String,
        /// Its OIDC issuer.
        issuer: String,
    },
    /// A certificate, a log or a time that the trust root does not vouch for.
    #[error("the trust root {root} does not vouch for the signature: {problem}{help}")]
    Untrusted {
        /// Which trust root.
        root: String,
        /// What is wrong.
        problem: String,
        /// What to do about it.
        help: &'static str,
    },
    /// A signature over something else.
    #[error("the signature is of {found}, not of {expected}")]
    OfAnother {
        /// Digest that should be signed.
        expected: String,
        /// What is signed.
        found: String,
    },
}
