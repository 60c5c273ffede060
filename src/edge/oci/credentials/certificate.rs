//! What an application signs with the key of its certificate, as Entra wants to see it.

use super::super::Error;
use crate::edge::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long the assertion is good for; it is used at once.
const LIFE: u64 = 600;
/// Certificates with their keys are small.
const MAX: u64 = 1 << 20;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// An assertion for `client` at the token endpoint `url`, signed by the key in `file`.
///
/// # Errors
/// When the file cannot be read or does not hold a certificate and an RSA key.
pub(super) fn assertion(file: &Path, url: &str, client: &str) -> Result<Secret, Error> {
    let wrong = |problem: String| Error::Credentials {
        attempted: format!(
            "read the certificate {} of the application {client}",
            file.display()
        ),
        problem,
        help:
            "AZURE_CLIENT_CERTIFICATE_PATH names a file in PEM with the certificate and its RSA key"
                .to_owned(),
    };
    let size = std::fs::metadata(file)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if size > MAX {
        return Err(wrong(format!("it has {size} bytes")));
    }
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let pem = zeroize::Zeroizing::new(pem);
    let text = std::str::from_utf8(&pem).map_err(|_| wrong("it is no text".to_owned()))?;
    let body = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    let body = body
        .ok_or_else(|| wrong("it holds no certificate".to_owned()))?
        .0;
    let packed: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = STANDARD
        .decode(packed)
        .map_err(|_| wrong("the certificate is no base64".to_owned()))?;
    let key = key_of(text).ok_or_else(|| wrong("it holds no key".to_owned()))?;
    let key = EncodingKey::from_rsa_pem(key.as_bytes())
        .map_err(|_| wrong("its key is no RSA key".to_owned()))?;
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&der)));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| wrong(error.to_string()))?;
    let claims = json!({
        "aud": url, "iss": client, "sub": client, "jti": URL_SAFE_NO_PAD.encode(id),
        // Clocks differ.
        "nbf": now.saturating_sub(300), "exp": now + LIFE,
    });
    let signed = encode(&header, &claims, &key).map_err(|error| wrong(error.to_string()))?;
    Ok(Secret::new(signed))
}

/// The block of the private key.
fn key_of(text: &str) -> Option<&str> {
    ["PRIVATE KEY", "RSA PRIVATE KEY"]
        .into_iter()
        .find_map(|label| {
            let start = text.find(&format!("-----BEGIN {label}-----"))?;
            let end = format!("-----END {label}-----");
            let length = text[start..].find(&end)? + end.len();
            text.get(start..start + length)
        })
}
