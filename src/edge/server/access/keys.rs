//! The keys of an OpenID provider.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::Value as Json;

/// Keys of a provider that are looked at.
const MOST: usize = 100;
/// Bits that an RSA key must have (RFC 7518, section 3.3).
const RSA_BITS: usize = 2048;

/// What a provider said.
pub(super) struct Keys {
    /// `iss` of its tokens; may hold `{tenantid}`.
    pub(super) issuer: String,
    keys: Vec<Key>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys of {}", self.keys.len(), self.issuer)
    }
}

struct Key {
    id: Option<String>,
    /// The one algorithm that it is for.
    algorithm: Algorithm,
    key: DecodingKey,
    /// Whether it is too short to be believed.
    weak: bool,
}

/// The keys that a token may be signed with.
pub(super) enum Found<'a> {
    /// These.
    Keys(Vec<&'a DecodingKey>),
    /// There are some, and all are too short.
    Weak,
    /// There is none by that name.
    Unknown,
    /// There are some, for other algorithms.
    OtherAlgorithm,
}

impl Keys {
    /// The keys of `set` that verify signatures; others are passed over.
    pub(super) fn new(issuer: String, set: Vec<Json>) -> Self {
        let keys = set.into_iter().take(MOST).filter_map(Key::read).collect();
        Self { issuer, keys }
    }

    /// Whether a token can be verified with one of them.
    pub(super) fn is_usable(&self) -> bool {
        self.keys.iter().any(|key| !key.weak)
    }

    /// Names of the keys that are too short.
    pub(super) fn weak(&self) -> Vec<&str> {
        let weak = self.keys.iter().filter(|key| key.weak);
        weak.map(|key| key.id.as_deref().unwrap_or("")).collect()
    }

    /// The keys named `id` (all when a token names none) for `algorithm`.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found<'_> {
        let mut named = self
            .keys
            .iter()
            .filter(|key| id.is_none() || key.id.as_deref() == id)
            .peekable();
        if named.peek().is_none() {
            return Found::Unknown;
        }
        let fitting: Vec<&Key> = named.filter(|key| key.algorithm == algorithm).collect();
        if fitting.is_empty() {
            return Found::OtherAlgorithm;
        }
        let strong = fitting.into_iter().filter(|key| !key.weak);
        let strong: Vec<&DecodingKey> = strong.map(|key| &key.key).collect();
        if strong.is_empty() {
            return Found::Weak;
        }
        Found::Keys(strong)
    }
}

impl Key {
    fn read(value: Json) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value).ok()?;
        let common = &jwk.common;
        let other_use = common
            .public_key_use
            .as_ref()
            .is_some_and(|purpose| *purpose != PublicKeyUse::Signature);
        let other_operations = common
            .key_operations
            .as_ref()
            .is_some_and(|operations| !operations.contains(&KeyOperations::Verify));
        if other_use || other_operations {
            return None;
        }
        // A key without `alg` is for what its kind is used for unless said otherwise:
        // one key is never good for several algorithms.
        let (usual, weak) = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => (Algorithm::RS256, bits(&rsa.n)? < RSA_BITS),
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => (Algorithm::ES256, false),
                EllipticCurve::P384 => (Algorithm::ES384, false),
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(pair) => match pair.curve {
                EllipticCurve::Ed25519 => (Algorithm::EdDSA, false),
                _ => return None,
            },
            _ => return None,
        };
        let algorithm = match common.key_algorithm {
            // A key of an algorithm that signs nothing is none of ours.
            Some(algorithm) => Algorithm::try_from(algorithm).ok()?,
            None => usual,
        };
        // Of RSA there are six; a curve has one.
        let fits = algorithm == usual
            || (algorithm.family() == AlgorithmFamily::Rsa && usual == Algorithm::RS256);
        if !fits {
            return None;
        }
        Some(Self {
            key: DecodingKey::from_jwk(&jwk).ok()?,
            id: jwk.common.key_id,
            algorithm,
            weak,
        })
    }
}

/// Bits of a number in base64url.
fn bits(number: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let start = bytes.iter().position(|byte| *byte != 0)?;
    let zeros = bytes[start].leading_zeros() as usize;
    Some((bytes.len() - start) * 8 - zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rsa(bytes: &[u8], more: &Json) -> Json {
        let mut key =
            json!({"kty": "RSA", "kid": "k", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode(bytes)});
        for (name, value) in more.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    #[test]
    fn short_rsa_keys_are_known_and_not_used() {
        let full = vec![0xff; 256];
        let mut padded = vec![0; 256];
        padded.extend([0xff; 128]);
        let mut almost = full.clone();
        almost[0] = 0x7f;
        for (number, weak) in [
            (full, false),
            (vec![0xff; 512], false),
            (vec![0xff; 128], true),
            (almost, true),
            (padded, true),
        ] {
            let keys = Keys::new(String::new(), vec![rsa(&number, &json!({}))]);
            let found = keys.find(Some("k"), Algorithm::RS256);
            assert_eq!(matches!(found, Found::Weak), weak, "{} bytes", number.len());
            assert_eq!(keys.is_usable(), !weak);
        }
    }

    #[test]
    fn a_key_is_for_one_algorithm() {
        let full = vec![0xff; 256];
        let x = URL_SAFE_NO_PAD.encode([1; 32]);
        let curve = |name: &str, kty: &str| json!({"kty": kty, "crv": name, "x": x, "y": x});
        let with = |mut key: Json, name: &str, value: Json| {
            key[name] = value;
            key
        };
        for (key, algorithm) in [
            (rsa(&full, &json!({})), Some(Algorithm::RS256)),
            (rsa(&full, &json!({"alg": "PS384"})), Some(Algorithm::PS384)),
            (rsa(&full, &json!({"alg": "ES256"})), None),
            (rsa(&full, &json!({"alg": "HS256"})), None),
            (rsa(&full, &json!({"alg": "RSA-OAEP"})), None),
            (rsa(&full, &json!({"use": "enc"})), None),
            (rsa(&full, &json!({"use": "other"})), None),
            (rsa(&full, &json!({"key_ops": ["encrypt"]})), None),
            (
                rsa(&full, &json!({"use": "sig", "key_ops": ["verify"]})),
                Some(Algorithm::RS256),
            ),
            (curve("P-256", "EC"), Some(Algorithm::ES256)),
            (curve("P-384", "EC"), Some(Algorithm::ES384)),
            (with(curve("P-384", "EC"), "alg", json!("ES256")), None),
            (with(curve("P-256", "EC"), "alg", json!("RS256")), None),
            (curve("Ed25519", "OKP"), Some(Algorithm::EdDSA)),
            (curve("X25519", "OKP"), None),
            (json!({"kty": "oct", "k": x, "alg": "HS256"}), None),
        ] {
            let keys = Keys::new(String::new(), vec![key.clone()]);
            let all = [
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
                Algorithm::ES256,
                Algorithm::ES384,
                Algorithm::EdDSA,
                Algorithm::HS256,
            ];
            let fitting = all
                .into_iter()
                .filter(|a| matches!(keys.find(None, *a), Found::Keys(_)));
            assert_eq!(
                fitting.collect::<Vec<_>>(),
                algorithm.into_iter().collect::<Vec<_>>(),
                "{key}"
            );
        }
    }
}
