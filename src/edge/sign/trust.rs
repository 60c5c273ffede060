//! Whose signatures count: a key's, or those of identities that a trust root vouches for.

use super::{Error, Statement, VerifyingKey, bundle, payload, provider};
use crate::diag::excerpt;
use crate::tree::Digest;
use regex::Regex;
use sigstore_verify::trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_verify::types::{Bundle, Sha256Hash};
use sigstore_verify::{
    CertificateError, TimestampError, TransparencyLogError, VerificationPolicy, VerificationResult,
    Verifier,
};
use std::fmt;
use std::sync::Arc;

/// Who must have signed.
#[derive(Debug, Clone)]
pub enum Trusted {
    /// Whoever holds the private half of this key.
    Key(VerifyingKey),
    /// Whoever had a certificate for such an identity when it was signed.
    Identity(Arc<Identity>),
}

/// Identities, and what vouches for them.
#[derive(Debug)]
pub struct Identity {
    /// The certificate's subject: the workflow of a CI system as a URI, or an address.
    pub subject: Wanted,
    /// The OIDC issuer that says so.
    pub issuer: Wanted,
    /// Certificate authorities, transparency logs and timestamp authorities.
    pub root: TrustRoot,
}

/// What a claim of a certificate must be.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// This text.
    Exactly(String),
    /// A text in which this is found: not anchored, as with cosign.
    Like(Regex),
}

/// A `trusted_root.json`, as Sigstore has it: the only keys and certificates that count. It
/// is a file, so that nothing is asked of anybody to verify.
#[derive(Clone)]
pub struct TrustRoot {
    verifier: Arc<Verifier>,
    name: String,
}

impl TrustRoot {
    /// Sigstore's public one, as this version of the program has it.
    ///
    /// # Errors
    /// Never, unless that one is damaged.
    pub fn public() -> Result<Self, Error> {
        Self::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT, "of Sigstore")
    }

    /// Reads one; `name` says which in messages.
    ///
    /// # Errors
    /// When it is none, or a certificate or key in it is of a kind that nothing verifies.
    pub fn from_json(text: &str, name: &str) -> Result<Self, Error> {
        provider::install();
        let wrong = |why: String| {
            Error::TrustRoot(format!(
                "the trust root {name} cannot be used: {}; it is the `trusted_root.json` of a \
                 Sigstore instance, as `cosign trusted-root create` writes it",
                excerpt(&why, 300)
            ))
        };
        let root = TrustedRoot::from_json(text).map_err(|error| wrong(error.to_string()))?;
        if root.certificate_authorities.is_empty() || root.tlogs.is_empty() {
            let missing = "it names no certificate authority, or no transparency log";
            return Err(wrong(missing.to_owned()));
        }
        let verifier = Verifier::new(&root).map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            verifier: Arc::new(verifier),
            name: name.to_owned(),
        })
    }

    /// What the bundle's certificate says, after the certificate, its place in the logs, the
    /// signature and the subject were held against each other and this root.
    fn verify(&self, bytes: &[u8], subject: &Digest) -> Result<VerificationResult, Error> {
        let malformed = |why: &dyn fmt::Display| Error::Malformed(excerpt(&why.to_string(), 300));
        let text = std::str::from_utf8(bytes).map_err(|error| malformed(&error))?;
        let bundle = Bundle::from_json(text).map_err(|error| malformed(&error))?;
        if bundle.signing_certificate().is_none() {
            return Err(Error::NoIdentity);
        }
        let digest = Sha256Hash::from_hex(&bundle::hex(subject)).map_err(|e| malformed(&e))?;
        let policy = VerificationPolicy::any_identity();
        let verified = self.verifier.verify(digest, &bundle, &policy);
        verified.map_err(|error| Error::Untrusted {
            root: self.name.clone(),
            help: help(&error),
            problem: excerpt(&error.to_string(), 300),
        })
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustRoot({})", self.name)
    }
}

/// What to do about what a trust root does not vouch for.
fn help(error: &sigstore_verify::Error) -> &'static str {
    match error {
        sigstore_verify::Error::Certificate(CertificateError::NoValidAuthority { .. })
        | sigstore_verify::Error::Timestamp(TimestampError::OutsideAuthorityValidity { .. }) => {
            "; the trust root had expired by then, or was not valid yet: get the present \
             trusted_root.json of whoever runs the instance and give it as --trusted-root"
        }
        sigstore_verify::Error::Timestamp(TimestampError::Invalid(_)) => {
            "; the trust root must have the timestamp authority that stamped the signature: \
             --trusted-root names the trusted_root.json of the instance"
        }
        sigstore_verify::Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => {
            "; it has no time that somebody vouches for: version 2 of Rekor's log gives none, and \
             a timestamp authority must be in the signing configuration of whoever signs"
        }
        sigstore_verify::Error::TransparencyLog(TransparencyLogError::IntegratedTime(_)) => {
            "; either this machine's clock is wrong, which `date -u` shows, or the log's was"
        }
        sigstore_verify::Error::Certificate(CertificateError::ChainInvalid(_))
        | sigstore_verify::Error::TransparencyLog(
            TransparencyLogError::UnknownLog { .. }
            | TransparencyLogError::InclusionPromise(_)
            | TransparencyLogError::Checkpoint(_),
        ) => {
            "; it was signed with another instance of Sigstore, or with keys that this trust root \
             does not have for that time: --trusted-root names the trusted_root.json of the instance"
        }
        _ => "",
    }
}

impl Wanted {
    /// A pattern, as `--certificate-identity-regexp` has it.
    ///
    /// # Errors
    /// When it is no regular expression, or a huge one.
    pub fn like(pattern: &str) -> Result<Self, Error> {
        Regex::new(pattern).map(Self::Like).map_err(|error| {
            let pattern = excerpt(pattern, 100);
            Error::TrustRoot(format!("`{pattern}` is no regular expression: {error}"))
        })
    }

    fn takes(&self, found: &str) -> bool {
        match self {
            Self::Exactly(text) => text == found,
            Self::Like(pattern) => pattern.is_match(found),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(text) => f.write_str(text),
            Self::Like(pattern) => write!(f, "/{pattern}/"),
        }
    }
}

impl Identity {
    /// Holds the bundle against the trust root, and its certificate against what is wanted.
    fn verify(&self, bytes: &[u8], subject: &Digest) -> Result<(), Error> {
        let verified = self.root.verify(bytes, subject)?;
        let found = verified.identity().map(|found| found.as_str().to_owned());
        let found = (
            found.unwrap_or_default(),
            verified.issuer().unwrap_or_default(),
        );
        if self.subject.takes(&found.0) && self.issuer.takes(found.1) {
            return Ok(());
        }
        Err(Error::NotByIdentity {
            expected: self.to_string(),
            found: excerpt(&found.0, 200),
            issuer: excerpt(found.1, 200),
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.subject, self.issuer)
    }
}

impl From<VerifyingKey> for Trusted {
    fn from(key: VerifyingKey) -> Self {
        Self::Key(key)
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "the key {key}"),
            Self::Identity(identity) => write!(f, "{identity}"),
        }
    }
}

impl Trusted {
    /// The statement of a Sigstore bundle, after everything about it was verified.
    ///
    /// # Errors
    /// Why it is no statement of theirs about `subject`.
    pub fn statement(&self, bytes: &[u8], subject: &Digest) -> Result<Statement, Error> {
        match self {
            Self::Key(key) => bundle::verify_bundle(bytes, key, subject),
            Self::Identity(identity) => {
                identity.verify(bytes, subject)?;
                bundle::read(bytes)?.statement(subject)
            }
        }
    }

    /// Verifies a signature in cosign's first format.
    ///
    /// # Errors
    /// Why it is none of theirs over `digest`.
    pub fn payload(&self, bytes: &[u8], signature: &str, digest: &Digest) -> Result<(), Error> {
        match self {
            Self::Key(key) => payload::verify_payload(bytes, signature, key, digest),
            Self::Identity(_) => Err(Error::NoIdentity),
        }
    }
}
