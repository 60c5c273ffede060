//! ECDSA keys on P-256.

use super::random::random;
use super::{Error, Signer, pem, sealed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{BoxFuture, FutureExt as _};
use p256::SecretKey;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{self, DerSignature};
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const SIGSTORE: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const COSIGN: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const PKCS8: &str = "PRIVATE KEY";
const SEC1: &str = "EC PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// A private key. Its bytes are overwritten when it goes, and never shown.
pub struct SigningKey {
    key: ecdsa::SigningKey,
    public: VerifyingKey,
}

impl SigningKey {
    /// Reads cosign's encrypted keys (both labels), PKCS#8 and SEC1.
    /// `password` is asked for only when the key is encrypted: see
    /// [`SigningKey::is_sealed`].
    ///
    /// # Errors
    /// When there is no key in it, of another kind, or under another password.
    pub fn from_pem(text: &[u8], password: &[u8]) -> Result<Self, Error> {
        let (label, bytes) = private(text)?;
        let secret = match label {
            SEC1 => SecretKey::from_sec1_der(&bytes).map_err(|_| Error::Kind)?,
            PKCS8 => pkcs8(&bytes)?,
            _ => pkcs8(&sealed::open(&bytes, password)?)?,
        };
        Ok(Self::new(&secret))
    }

    /// Whether the key in `text` is under a password.
    ///
    /// # Errors
    /// When there is no key in it.
    pub fn is_sealed(text: &[u8]) -> Result<bool, Error> {
        private(text).map(|(label, _)| matches!(label, SIGSTORE | COSIGN))
    }

    pub(super) fn new(secret: &SecretKey) -> Self {
        let key = ecdsa::SigningKey::from(secret);
        let public = VerifyingKey::new(*key.verifying_key());
        Self { key, public }
    }

    /// The public key that belongs to it.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// Signs `message`: deterministic (RFC 6979), DER.
    pub(super) fn sign_now(&self, message: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.key.sign(message);
        signature.as_bytes().to_vec()
    }
}

impl Signer for SigningKey {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        futures_util::future::ready(Ok(self.sign_now(message))).boxed()
    }

    fn material<'a>(&'a self, _: &'a Json) -> BoxFuture<'a, Result<Json, Error>> {
        futures_util::future::ready(Ok(self.public.material())).boxed()
    }

    fn identity(&self) -> String {
        self.public.to_string()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}

fn private(text: &[u8]) -> Result<(&'static str, Zeroizing<Vec<u8>>), Error> {
    pem::read(
        text,
        &[SIGSTORE, COSIGN, PKCS8, SEC1],
        "private key (cosign.key, PKCS#8 or SEC1)",
    )
}

fn pkcs8(der: &[u8]) -> Result<SecretKey, Error> {
    SecretKey::from_pkcs8_der(der).map_err(|_| Error::Kind)
}

/// A public key for ECDSA over P-256, as in `cosign.pub`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    key: ecdsa::VerifyingKey,
    /// Base64 of the SHA-256 of the key: how bundles name it.
    hint: String,
}

impl VerifyingKey {
    /// Reads `cosign.pub`.
    ///
    /// # Errors
    /// When there is no key in it, or of another kind.
    pub fn from_pem(text: &[u8]) -> Result<Self, Error> {
        let (_, der) = pem::read(text, &[PUBLIC], "public key (cosign.pub)")?;
        ecdsa::VerifyingKey::from_public_key_der(&der)
            .map(Self::new)
            .map_err(|_| Error::Kind)
    }

    /// The key whose point has these coordinates, as a JSON Web Key has them.
    pub(super) fn from_point(x: &[u8], y: &[u8]) -> Result<Self, Error> {
        let point = [&[4], x, y].concat();
        let key = ecdsa::VerifyingKey::from_sec1_bytes(&point);
        key.map(Self::new).map_err(|_| Error::Kind)
    }

    /// How bundles name it.
    pub(super) fn material(&self) -> Json {
        json!({"publicKey": {"hint": self.hint}})
    }

    fn new(key: ecdsa::VerifyingKey) -> Self {
        let hint = STANDARD.encode(Sha256::digest(der(&key)));
        Self { key, hint }
    }

    /// The key as `cosign.pub` holds it.
    pub fn to_pem(&self) -> String {
        pem::write(PUBLIC, &der(&self.key))
    }

    /// Whether `signature` (DER) is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        DerSignature::from_bytes(signature)
            .is_ok_and(|signature| self.key.verify(message, &signature).is_ok())
    }
}

/// A signature of two numbers side by side, as JSON Web Signatures have it, in DER.
pub(super) fn der_signature(raw: &[u8]) -> Option<Vec<u8>> {
    let signature = ecdsa::Signature::from_slice(raw).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}

/// The key's fingerprint.
impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", self.hint.trim_end_matches('='))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

fn der(key: &ecdsa::VerifyingKey) -> Vec<u8> {
    // A point of the curve always has a DER form.
    key.to_public_key_der()
        .map(|der| der.as_bytes().to_vec())
        .unwrap_or_default()
}

/// The two files of a new key.
pub struct KeyPair {
    /// `cosign.key`: under the password.
    pub private: Zeroizing<String>,
    /// `cosign.pub`.
    pub public: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// A new private key.
///
/// # Errors
/// When the operating system gives no random numbers.
pub(super) fn generate() -> Result<SecretKey, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    // Nearly every 32 bytes are a key; zero and those beyond the order are not.
    loop {
        random(&mut bytes[..])?;
        if let Ok(secret) = SecretKey::from_slice(&bytes[..]) {
            return Ok(secret);
        }
    }
}

/// Makes a key pair as `cosign generate-key-pair` does.
///
/// # Errors
/// When the operating system gives no random numbers.
pub fn keygen(password: &[u8]) -> Result<KeyPair, Error> {
    let secret = generate()?;
    let der = secret
        .to_pkcs8_der()
        .map_err(|e| Error::Damaged(e.to_string()))?;
    let sealed = sealed::seal(der.as_bytes(), password)?;
    Ok(KeyPair {
        private: Zeroizing::new(pem::write(SIGSTORE, &sealed)),
        public: SigningKey::new(&secret).public.to_pem(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::pkcs8::LineEnding;

    const PASSWORD: &[u8] = b"open sesame";

    fn secret(seed: u8) -> SecretKey {
        SecretKey::from_slice(&[seed; 32]).unwrap()
    }

    /// What is refused, in words; it must not show the key or the password.
    fn refused(text: &str, password: &[u8]) -> String {
        let said = SigningKey::from_pem(text.as_bytes(), password)
            .unwrap_err()
            .to_string();
        assert!(!said.contains("sesame"), "{said}");
        said
    }

    #[test]
    fn a_new_pair_opens_with_its_password_alone() {
        let pair = keygen(PASSWORD).unwrap();
        assert!(
            pair.private
                .starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
        );
        let key = SigningKey::from_pem(pair.private.as_bytes(), PASSWORD).unwrap();
        assert_eq!(key.verifying_key().to_pem(), pair.public);
        let public = VerifyingKey::from_pem(pair.public.as_bytes()).unwrap();
        let signature = key.sign_now(b"message");
        assert_eq!(signature, key.sign_now(b"message"), "RFC 6979");
        assert!(public.verifies(b"message", &signature));
        assert!(!public.verifies(b"messagf", &signature));
        assert!(!public.verifies(b"message", &signature[1..]));
        assert!(refused(&pair.private, b"").contains("password"));
        let other = keygen(PASSWORD).unwrap();
        let other = VerifyingKey::from_pem(other.public.as_bytes()).unwrap();
        assert!(!other.verifies(b"message", &signature));
    }

    #[test]
    fn plain_keys_and_the_old_label_are_read() {
        let secret = secret(7);
        let expected = SigningKey::new(&secret).public;
        let sec1 = secret.to_sec1_pem(LineEnding::CRLF).unwrap();
        let parameters =
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let old = keygen(PASSWORD).unwrap();
        let opened = SigningKey::from_pem(old.private.as_bytes(), PASSWORD).unwrap();
        let old = old.private.replace("SIGSTORE", "COSIGN");
        for (text, expected) in [
            (
                secret.to_pkcs8_pem(LineEnding::LF).unwrap().to_string(),
                &expected,
            ),
            (sec1.to_string(), &expected),
            (
                format!("a comment\n{parameters}{}", sec1.as_str()),
                &expected,
            ),
            (old, &opened.public),
        ] {
            let key = SigningKey::from_pem(text.as_bytes(), PASSWORD).unwrap();
            assert_eq!(key.verifying_key(), expected);
        }
    }

    #[test]
    fn hostile_keys_are_refused_by_what_they_are() {
        let sealed = |json: &str| pem::write(SIGSTORE, json.as_bytes());
        let bomb = r#"{"kdf":{"name":"scrypt","params":{"N":1099511627776,"r":8,"p":1},"salt":""},"cipher":{"name":"nacl/secretbox","nonce":""},"ciphertext":""}"#;
        let nonce = bomb.replace("1099511627776", "32768");
        let ed25519 = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        for (text, word) in [
            (sealed(bomb), "scrypt"),
            (sealed(&nonce), "24 bytes"),
            (sealed("{}"), "JSON"),
            (sealed("["), "JSON"),
            (ed25519.to_owned(), "P-256"),
            (pem::write(SEC1, b"x"), "P-256"),
            (
                "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----".to_owned(),
                "base64",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA".to_owned(),
                "does not end",
            ),
            ("-----BEGIN ".to_owned(), "no PEM block"),
            (String::new(), "no PEM block"),
            ("x".repeat(100_000), "100000 bytes"),
        ] {
            let said = refused(&text, PASSWORD);
            assert!(said.contains(word), "{word}: {said}");
        }
        let said = VerifyingKey::from_pem(pem::write(PKCS8, b"x").as_bytes()).unwrap_err();
        assert!(said.to_string().contains("public key"), "{said}");
    }
}
