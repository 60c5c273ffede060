//! Files that SOPS encrypted, read: secrets that lie in Git, for whoever deploys. The key of
//! the data comes from an age identity of this machine or from an Azure Key Vault.
//!
//! Sources: `aes/cipher.go`, `sops.go` (walk, MAC) and `azkv/keysource.go` of
//! github.com/getsops/sops.

mod age;
mod value;

pub use age::{Identities, Identity};

use crate::diag::{Findings, excerpt};
use crate::edge::oci::Connection;
use crate::edge::secret::Secret;
use crate::edge::sign::{self, VaultKey};
use crate::syntax::{self, Data, Format, Value};
use crate::tree::{FileId, Limits};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha512};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use value::Encrypted;
use zeroize::Zeroizing;

/// What the digest of values begins with where only encrypted ones are in it: the SHA-256 of
/// `sops`.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
    0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Why a file was not decrypted. No value is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is none of SOPS, or not one that is understood.
    #[error("{0}")]
    Form(String),
    /// No key of the data could be had.
    #[error("none of its keys opens it: {}", .0.join("; "))]
    NoKey(Vec<String>),
    /// A value is not the one that was encrypted.
    #[error(
        "`{0}` cannot be decrypted: it, or its place in the file, was changed since it was encrypted"
    )]
    Value(String),
    /// Values were added, removed or put in another order.
    #[error("its message authentication code does not match: the file was changed without SOPS")]
    Mac,
}

/// A file of SOPS, not decrypted yet.
#[derive(Debug)]
pub struct Document {
    values: Value,
    /// Data keys that are encrypted for age recipients.
    age: Vec<String>,
    /// Data keys that are encrypted by keys in vaults.
    vaults: Vec<(VaultKey, String)>,
    mac: String,
    modified: String,
    only_encrypted: bool,
}

impl Document {
    /// Reads a file: YAML or JSON by its name.
    ///
    /// # Errors
    /// When it is none of SOPS.
    pub fn parse(name: &str, text: String) -> Result<Self, Error> {
        let form = |what: &str| Error::Form(what.to_owned());
        let limits = Limits::default();
        let options = syntax::Options {
            limits: &limits,
            malformed: &syntax::rules::MALFORMED_DOCUMENT,
        };
        let mut findings = Findings::from(Vec::new());
        let format = Format::of(name, &text);
        let document = syntax::parse(FileId(0), text, format, options, &mut findings);
        let document = document.ok_or_else(|| form("it is no YAML or JSON"))?;
        let mut values = Value::from(document.root());
        let metadata = values.remove("sops").filter(Value::is_object);
        let metadata = metadata.ok_or_else(|| {
            form("it is not encrypted by SOPS: it has no `sops:`; `sops encrypt --in-place` encrypts it")
        })?;
        let text = |value: &Value, key: &str| {
            let text = value.get(key).and_then(Value::as_str);
            text.unwrap_or("").to_owned()
        };
        let list = |key: &str| {
            let list = metadata.get(key).map(Value::items).unwrap_or_default();
            list.iter().filter(|item| item.is_object())
        };
        if list("key_groups").next().is_some() {
            return Err(form(
                "its key is shared over several groups of keys, which is not understood: encrypt it with one group",
            ));
        }
        let mut vaults = Vec::new();
        for key in list("azure_kv") {
            let url = text(key, "vault_url");
            let host = url
                .strip_prefix("https://")
                .unwrap_or("")
                .trim_end_matches('/');
            let name = format!(
                "azurekms://{host}/{}/{}",
                text(key, "name"),
                text(key, "version")
            );
            let named = VaultKey::parse(name.trim_end_matches('/')).and_then(Result::ok);
            let named = named
                .ok_or_else(|| Error::Form(format!("`{}` is no key vault", excerpt(&url, 200))))?;
            vaults.push((named, text(key, "enc")));
        }
        let only_encrypted = metadata.get("mac_only_encrypted").and_then(Value::as_bool);
        Ok(Self {
            age: list("age").map(|key| text(key, "enc")).collect(),
            vaults,
            mac: text(&metadata, "mac"),
            modified: text(&metadata, "lastmodified"),
            only_encrypted: only_encrypted == Some(true),
            values,
        })
    }

    /// Its encrypted values, by their keys at the top of the file.
    ///
    /// # Errors
    /// When no key opens it, or it was changed since it was encrypted.
    pub async fn decrypt(
        &self,
        identities: &Identities,
        connection: &Connection,
    ) -> Result<BTreeMap<String, Secret>, Error> {
        let key = self.key(identities, connection).await?;
        self.open(&key)
    }

    /// The key of the data.
    async fn key(
        &self,
        identities: &Identities,
        connection: &Connection,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut tried = Vec::new();
        for armored in &self.age {
            match identities.open(armored) {
                Ok(key) => return Ok(key),
                Err(why) => tried.push(why),
            }
        }
        for (vault, encrypted) in &self.vaults {
            let bytes = URL_SAFE_NO_PAD.decode(encrypted.trim_end_matches('='));
            let Ok(bytes) = bytes else {
                tried.push(format!("what {} encrypted is no base64", vault.host));
                continue;
            };
            match sign::decrypt(vault, &bytes, connection).await {
                Ok(key) => return Ok(key),
                Err(error) => tried.push(error.to_string()),
            }
        }
        if self.age.is_empty() && self.vaults.is_empty() {
            tried.push("it has none of age or of an Azure Key Vault".to_owned());
        }
        tried.dedup();
        Err(Error::NoKey(tried))
    }

    fn open(&self, key: &[u8]) -> Result<BTreeMap<String, Secret>, Error> {
        let mut walk = Walk {
            key,
            hash: Sha512::new(),
            only_encrypted: self.only_encrypted,
            path: Vec::new(),
            found: BTreeMap::new(),
        };
        if self.only_encrypted {
            walk.hash.update(ONLY_ENCRYPTED);
        }
        for entry in self.values.entries() {
            walk.path.push(entry.key.clone());
            walk.value(&entry.value)?;
            walk.path.pop();
        }
        let hash = walk.hash.finalize();
        let computed = hash.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02X}");
            text
        });
        let mac = Encrypted::parse(&self.mac).and_then(|mac| mac.open(key, &self.modified));
        match mac {
            Some(mac) if *mac == computed.as_bytes() => Ok(walk.found),
            _ => Err(Error::Mac),
        }
    }
}

/// Visits values in the order of the file.
struct Walk<'k> {
    key: &'k [u8],
    hash: Sha512,
    only_encrypted: bool,
    path: Vec<String>,
    found: BTreeMap<String, Secret>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value) -> Result<(), Error> {
        match &value.data {
            Data::Object(entries) => {
                for entry in entries {
                    self.path.push(entry.key.clone());
                    self.value(&entry.value)?;
                    self.path.pop();
                }
            }
            // Positions are no part of a path.
            Data::Array(items) => items.iter().try_for_each(|item| self.value(item))?,
            Data::String(text) => return self.text(text),
            _ if self.only_encrypted => {}
            Data::Bool(true) => self.hash.update("True"),
            Data::Bool(false) => self.hash.update("False"),
            Data::Number(digits) => match digits.parse::<f64>() {
                // As Go writes it: no exponent.
                Ok(number) if digits.contains(['.', 'e', 'E']) => {
                    self.hash.update(number.to_string());
                }
                _ => self.hash.update(digits),
            },
            Data::Null => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        let Some(encrypted) = Encrypted::parse(text) else {
            if !self.only_encrypted {
                self.hash.update(text);
            }
            return Ok(());
        };
        let place = format!("{}:", self.path.join(":"));
        let opened = encrypted.open(self.key, &place);
        let wrong = || Error::Value(excerpt(&self.path.join("."), 200));
        let opened = opened.ok_or_else(wrong)?;
        self.hash.update(&*opened);
        if let [name] = self.path.as_slice() {
            let mut opened = String::from_utf8(opened.to_vec()).map_err(|_| wrong())?;
            if encrypted.is_boolean {
                opened.make_ascii_lowercase();
            }
            self.found.insert(name.clone(), Secret::new(opened));
        }
        Ok(())
    }
}
