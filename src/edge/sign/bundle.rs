//! Sigstore bundles v0.3 around DSSE envelopes of in-toto statements: what
//! cosign 3 writes for signatures and attestations alike.

use super::{Error, Signer, VerifyingKey};
use crate::tree::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Media type of a bundle, and artifact type of the manifest that carries it.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Predicate of a statement that says no more than "signed".
pub const PREDICATE_SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// Older statements differ in nothing that is read here.
const STATEMENT_BEFORE: &str = "https://in-toto.io/Statement/v0.1";

/// A statement about artifacts, as [`verify_bundle`] found it signed.
#[derive(Debug, Clone, Deserialize)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What it is about.
    pub subject: Vec<Subject>,
    /// What it says, by type.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What it says.
    #[serde(default)]
    pub predicate: Json,
}

/// What a statement is about.
#[derive(Debug, Clone, Deserialize)]
pub struct Subject {
    /// Digests by algorithm, in hexadecimal.
    pub digest: BTreeMap<String, String>,
}

/// A signed statement of `predicate` about the manifest `subject`.
///
/// # Errors
/// When the signer does not sign.
pub async fn bundle(
    signer: &dyn Signer,
    subject: &Digest,
    predicate_type: &str,
    predicate: &Json,
) -> Result<Vec<u8>, Error> {
    let statement = json!({
        "_type": STATEMENT,
        "subject": [{"digest": {"sha256": hex(subject)}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
    .to_string();
    let signature = signer.sign(&pae(statement.as_bytes())).await?;
    let envelope = json!({
        "payload": STANDARD.encode(&statement),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": STANDARD.encode(&signature)}],
    });
    let bundle = json!({
        "mediaType": BUNDLE_MEDIA_TYPE,
        "verificationMaterial": signer.material(&envelope).await?,
        "dsseEnvelope": envelope,
    });
    Ok(bundle.to_string().into_bytes())
}

/// What DSSE signs in place of the payload.
fn pae(payload: &[u8]) -> Vec<u8> {
    let (kind, size) = (PAYLOAD_TYPE, payload.len());
    let mut out = format!("DSSEv1 {} {kind} {size} ", kind.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

/// The statement in a bundle, whoever signed it.
pub(super) struct Signed {
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Reads the envelope of a bundle.
pub(super) fn read(bytes: &[u8]) -> Result<Signed, Error> {
    let malformed = |why: String| Error::Malformed(why);
    let bundle: Bundle = serde_json::from_slice(bytes)
        .map_err(|e| malformed(format!("it is no Sigstore bundle: {e}")))?;
    if !bundle
        .media_type
        .starts_with("application/vnd.dev.sigstore.bundle")
    {
        let found = crate::diag::excerpt(&bundle.media_type, 100);
        return Err(malformed(format!("its media type is `{found}`")));
    }
    let Some(envelope) = bundle.dsse_envelope else {
        return Err(malformed("the bundle holds no DSSE envelope".to_owned()));
    };
    if envelope.payload_type != PAYLOAD_TYPE {
        let found = crate::diag::excerpt(&envelope.payload_type, 100);
        return Err(malformed(format!("its payload is `{found}`")));
    }
    let [signature] = envelope.signatures.as_slice() else {
        return Err(malformed(format!(
            "it has {} signatures, not one",
            envelope.signatures.len()
        )));
    };
    Ok(Signed {
        payload: decode(&envelope.payload)?,
        signature: decode(&signature.sig)?,
    })
}

impl Signed {
    /// The statement, when it is about `subject`. Whether anybody signed it is not looked at.
    pub(super) fn statement(&self, subject: &Digest) -> Result<Statement, Error> {
        let malformed = |why: String| Error::Malformed(why);
        let statement: Statement = serde_json::from_slice(&self.payload)
            .map_err(|e| malformed(format!("it holds no in-toto statement: {e}")))?;
        if ![STATEMENT, STATEMENT_BEFORE].contains(&statement.kind.as_str()) {
            let found = crate::diag::excerpt(&statement.kind, 100);
            return Err(malformed(format!("its statement is `{found}`")));
        }
        let expected = hex(subject);
        let about = statement
            .subject
            .iter()
            .any(|subject| subject.digest.get("sha256") == Some(&expected));
        if !about {
            let found: Vec<String> = statement
                .subject
                .iter()
                .filter_map(|subject| subject.digest.get("sha256"))
                .map(|found| crate::diag::excerpt(found, 64))
                .collect();
            return Err(Error::OfAnother {
                expected,
                found: found.join(", "),
            });
        }
        Ok(statement)
    }
}

/// Reads a bundle, checks that it is signed by `key` and about `subject`.
///
/// # Errors
/// Why it is no statement of that key about that.
pub fn verify_bundle(
    bytes: &[u8],
    key: &VerifyingKey,
    subject: &Digest,
) -> Result<Statement, Error> {
    let signed = read(bytes)?;
    if !key.verifies(&pae(&signed.payload), &signed.signature) {
        return Err(Error::NotByKey(key.to_string()));
    }
    signed.statement(subject)
}

fn decode(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|_| Error::Malformed("it is no base64".to_owned()))
}

pub(super) fn hex(digest: &Digest) -> String {
    let text = digest.to_string();
    text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::sign::{SigningKey, keygen};
    use proptest::prelude::*;

    fn key() -> SigningKey {
        let pair = keygen(b"").unwrap();
        SigningKey::from_pem(pair.private.as_bytes(), b"").unwrap()
    }

    fn signed(key: &SigningKey, subject: &Digest) -> Vec<u8> {
        let nothing = json!({});
        let made = bundle(key, subject, PREDICATE_SIGNATURE, &nothing);
        futures_util::FutureExt::now_or_never(made)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn the_envelope_is_signed_as_dsse_says() {
        assert_eq!(
            String::from_utf8(pae(b"{}")).unwrap(),
            "DSSEv1 28 application/vnd.in-toto+json 2 {}"
        );
    }

    #[test]
    fn a_statement_is_about_its_subject_by_its_key() {
        let (own, other) = (key(), key());
        let subject = Digest::of(b"artifact");
        let bytes = signed(&own, &subject);
        assert_eq!(bytes, signed(&own, &subject), "deterministic");
        let statement = verify_bundle(&bytes, own.verifying_key(), &subject).unwrap();
        assert_eq!(statement.predicate_type, PREDICATE_SIGNATURE);
        let wrong = verify_bundle(&bytes, other.verifying_key(), &subject).unwrap_err();
        assert!(matches!(wrong, Error::NotByKey(_)));
        let wrong = verify_bundle(&bytes, own.verifying_key(), &Digest::of(b"x")).unwrap_err();
        assert!(matches!(wrong, Error::OfAnother { .. }));
        let json: Json = serde_json::from_slice(&bytes).unwrap();
        for (pointer, value) in [
            ("/dsseEnvelope/payload", json!(STANDARD.encode("{}"))),
            ("/dsseEnvelope/payloadType", json!("text/plain")),
            ("/dsseEnvelope/signatures", json!([])),
            ("/dsseEnvelope/signatures/0/sig", json!("AAAA")),
            ("/dsseEnvelope", json!(null)),
            ("/mediaType", json!("text/plain")),
        ] {
            let mut changed = json.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let changed = changed.to_string();
            let outcome = verify_bundle(changed.as_bytes(), own.verifying_key(), &subject);
            assert!(outcome.is_err(), "{pointer}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_no_bundle(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
            // scrypt takes a while: one key for all cases.
            static KEY: std::sync::LazyLock<SigningKey> = std::sync::LazyLock::new(key);
            let key = &*KEY;
            let subject = Digest::of(b"artifact");
            prop_assert!(verify_bundle(&bytes, key.verifying_key(), &subject).is_err());
            let mut whole = signed(key, &subject);
            let at = at.index(whole.len());
            whole.truncate(at);
            prop_assert!(verify_bundle(&whole, key.verifying_key(), &subject).is_err());
        }
    }
}
