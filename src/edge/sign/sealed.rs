//! Keys under a password, as cosign keeps them: JSON with scrypt and NaCl's
//! secretbox inside a PEM block.

use super::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead;
use crypto_secretbox::{KeyInit, Nonce, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What cosign writes today; it reads 2^15 and 2^17 as well, and nothing else.
const LOG_N: u8 = 16;
const KNOWN_N: [u64; 3] = [1 << 15, 1 << 16, 1 << 17];
const R: u32 = 8;
const P: u32 = 1;
const SALT: usize = 32;
const NONCE: usize = 24;

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Opens what [`seal`] or cosign made.
pub(super) fn open(json: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let sealed: Sealed = serde_json::from_slice(json)
        .map_err(|e| Error::Damaged(format!("the JSON inside is not cosign's: {e}")))?;
    let Params { n, r, p } = sealed.kdf.params;
    // Parameters decide memory and time: only those in use are taken.
    if sealed.kdf.name != "scrypt" || !KNOWN_N.contains(&n) || (r, p) != (R, P) {
        return Err(Error::Damaged(
            "the key derivation is not scrypt with N 2^15 to 2^17, r 8, p 1".to_owned(),
        ));
    }
    if sealed.cipher.name != "nacl/secretbox" {
        return Err(Error::Damaged(
            "the cipher is not nacl/secretbox".to_owned(),
        ));
    }
    let decode = |what: &str, text: &str| {
        STANDARD
            .decode(text)
            .map_err(|_| Error::Damaged(format!("its {what} is no base64")))
    };
    let salt = decode("salt", &sealed.kdf.salt)?;
    let nonce: [u8; NONCE] = decode("nonce", &sealed.cipher.nonce)?
        .try_into()
        .map_err(|_| Error::Damaged("its nonce is not 24 bytes".to_owned()))?;
    let ciphertext = decode("ciphertext", &sealed.ciphertext)?;
    let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(LOG_N);
    cipher(password, &salt, log_n)?
        .decrypt(&Nonce::from(nonce), ciphertext.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| Error::Password)
}

/// Puts `secret` under `password`.
pub(super) fn seal(secret: &[u8], password: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    super::random::random(&mut salt)?;
    super::random::random(&mut nonce)?;
    let ciphertext = cipher(password, &salt, LOG_N)?
        .encrypt(&Nonce::from(nonce), secret)
        .map_err(|_| Error::Damaged("it cannot be encrypted".to_owned()))?;
    let sealed = Sealed {
        kdf: Kdf {
            name: "scrypt".to_owned(),
            params: Params {
                n: 1 << LOG_N,
                r: R,
                p: P,
            },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher {
            name: "nacl/secretbox".to_owned(),
            nonce: STANDARD.encode(nonce),
        },
        ciphertext: STANDARD.encode(ciphertext),
    };
    serde_json::to_vec(&sealed).map_err(|e| Error::Damaged(e.to_string()))
}

fn cipher(password: &[u8], salt: &[u8], log_n: u8) -> Result<XSalsa20Poly1305, Error> {
    let damaged = |_| Error::Damaged("its scrypt parameters are refused".to_owned());
    let params = scrypt::Params::new(log_n, R, P).map_err(damaged)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &params, &mut key[..])
        .map_err(|_| Error::Damaged("its scrypt parameters are refused".to_owned()))?;
    Ok(XSalsa20Poly1305::new((&*key).into()))
}
