//! The signature of an event: `X-Signature: sha256=` and the HMAC of the body.

use crate::edge::secret::Secret;
use crate::edge::server::problem::Problem;
use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of an HMAC-SHA256.
const LEN: usize = 32;

/// A body whose signature is known before it comes.
pub(super) struct Signed {
    given: [u8; LEN],
    mac: Hmac<Sha256>,
}

impl Signed {
    /// What the head says of the signature.
    pub(super) fn new(headers: &HeaderMap, secret: &Secret) -> Result<Self, Problem> {
        let mut values = headers.get_all("x-signature").iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        let given = value.and_then(read).filter(|_| values.next().is_none());
        let given = given.ok_or_else(|| {
            Problem::unauthorized(
                "there is no X-Signature with `sha256=` and 64 hexadecimal digits: send events with a provider of type generic-hmac",
            )
        })?;
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
        let mac = mac.map_err(|_| Problem::internal("the secret of the hook cannot be used"))?;
        Ok(Self { given, mac })
    }

    /// The next bytes of the body.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.mac.update(bytes);
    }

    /// Whether that was the body which was signed, in constant time.
    pub(super) fn verify(self) -> Result<(), Problem> {
        self.mac.verify_slice(&self.given).map_err(|_| {
            Problem::unauthorized(
                "X-Signature is wrong: the provider's secret and --hook-secret-file must hold the same token",
            )
        })
    }
}

/// The bytes of `sha256=` and hexadecimal digits.
fn read(text: &str) -> Option<[u8; LEN]> {
    let hex = text.strip_prefix("sha256=")?.as_bytes();
    if hex.len() != 2 * LEN {
        return None;
    }
    let mut bytes = [0; LEN];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_signed(secret: &str, body: &[u8], signature: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("x-signature", signature.parse().unwrap());
        let signed = Signed::new(&headers, &Secret::new(secret.to_owned()));
        signed.is_ok_and(|mut signed| {
            // However it comes.
            for chunk in body.chunks(3) {
                signed.add(chunk);
            }
            signed.verify().is_ok()
        })
    }

    #[test]
    fn only_the_right_signature_will_do() {
        let zeros = format!("sha256={}", "0".repeat(64));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(b"{\"a\":1}");
        let bytes = mac.finalize().into_bytes();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let right = format!("sha256={hex}");
        assert!(is_signed("secret", b"{\"a\":1}", &right));
        for wrong in [
            "",
            "sha256=",
            "sha256=zz",
            &hex,
            &format!("sha1={hex}"),
            &format!("SHA256={hex}"),
            &format!("sha256={}", &hex[2..]),
            &format!("sha256={hex}00"),
            &format!("sha256=+{}", &hex[1..]),
            &zeros,
        ] {
            assert!(!is_signed("secret", b"{\"a\":1}", wrong), "{wrong}");
        }
        assert!(!is_signed("secret", b"{\"a\":2}", &right));
        assert!(!is_signed("other", b"{\"a\":1}", &right));
    }
}
