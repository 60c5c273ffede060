//! `ENC[AES256_GCM,data:...,iv:...,tag:...,type:...]`: one encrypted value.

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// AES-256 in Galois/Counter Mode with the nonces of SOPS.
type Cipher = aes_gcm::AesGcm<Aes256, U32>;

/// A value as it stands in a file.
pub(super) struct Encrypted {
    /// Ciphertext, and the tag behind it.
    data: Vec<u8>,
    nonce: Vec<u8>,
    /// Whether it was a boolean, which is encrypted as `True` or `False`.
    pub(super) is_boolean: bool,
}

impl Encrypted {
    /// Reads one; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("ENC[AES256_GCM,")?.strip_suffix(']')?;
        let mut fields: [Option<Vec<u8>>; 3] = [None, None, None];
        for field in inner.split(',') {
            let (name, value) = field.split_once(':')?;
            let at = ["data", "iv", "tag"]
                .iter()
                .position(|known| *known == name);
            if let Some(at) = at {
                fields[at] = Some(STANDARD.decode(value).ok()?);
            }
        }
        let is_boolean = inner.ends_with(",type:bool");
        let [data, nonce, tag] = fields;
        let mut data = data?;
        data.extend(tag?);
        Some(Self {
            data,
            nonce: nonce?,
            is_boolean,
        })
    }

    /// What it says; `None` when it was changed, or stands elsewhere than it was encrypted
    /// for. `place` is its path with a colon behind each key.
    pub(super) fn open(&self, key: &[u8], place: &str) -> Option<Zeroizing<Vec<u8>>> {
        if self.nonce.len() != 32 {
            return None;
        }
        let cipher = Cipher::new_from_slice(key).ok()?;
        let payload = Payload {
            msg: &self.data,
            aad: place.as_bytes(),
        };
        let opened = cipher.decrypt(GenericArray::from_slice(&self.nonce), payload);
        opened.ok().map(Zeroizing::new)
    }
}
