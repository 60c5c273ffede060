//! The payload that cosign signed from its first version on ("simple signing"),
//! kept in the layer of a manifest tagged `sha256-HEX.sig`.

use super::{Error, Signer, VerifyingKey};
use crate::tree::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

/// Media type of the payload.
pub const PAYLOAD_MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Annotation of the layer that holds the signature over it.
pub const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
const TYPE: &str = "cosign container image signature";

/// The payload over the manifest `digest` in `repository`, and the signature
/// in base64.
///
/// # Errors
/// When the signer does not sign.
pub async fn payload(
    signer: &dyn Signer,
    repository: &str,
    digest: &Digest,
) -> Result<(Vec<u8>, String), Error> {
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest.to_string()},
            "type": TYPE,
        },
        "optional": null,
    })
    .to_string()
    .into_bytes();
    let signature = signer.sign(&payload).await?;
    Ok((payload, STANDARD.encode(signature)))
}

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Checks that `payload` is about `digest` and that `signature` (base64) is by
/// `key`.
///
/// # Errors
/// Why it is no signature of that.
pub fn verify_payload(
    payload: &[u8],
    signature: &str,
    key: &VerifyingKey,
    digest: &Digest,
) -> Result<(), Error> {
    let bytes = STANDARD
        .decode(signature.trim())
        .map_err(|_| Error::Malformed("it is no base64".to_owned()))?;
    if !key.verifies(payload, &bytes) {
        return Err(Error::NotByKey(key.to_string()));
    }
    let read: Payload = serde_json::from_slice(payload)
        .map_err(|e| Error::Malformed(format!("its payload is no simple signing: {e}")))?;
    if read.critical.kind != TYPE {
        return Err(Error::Malformed(format!(
            "its payload is of the type `{}`",
            crate::diag::excerpt(&read.critical.kind, 100)
        )));
    }
    if read.critical.image.digest != digest.to_string() {
        return Err(Error::OfAnother {
            expected: digest.to_string(),
            found: crate::diag::excerpt(&read.critical.image.digest, 100),
        });
    }
    Ok(())
}
