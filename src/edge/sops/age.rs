//! Data keys that age encrypted for X25519 recipients.
//!
//! Source: "The age file encryption format" (age-encryption.org/v1): header, X25519 recipient
//! stanza, payload. A data key of SOPS has 32 bytes: the payload is one chunk.

use crate::edge::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use std::path::{Path, PathBuf};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const VERSION: &str = "age-encryption.org/v1";
const X25519: &str = "age-encryption.org/v1/X25519";
/// How the text of an identity begins.
const IDENTITY: &str = "age-secret-key-";
/// Files of identities are small.
const MAX: u64 = 1 << 20;

/// A key that opens what was encrypted for its recipient.
pub struct Identity(StaticSecret);

/// The keys of this machine, and where they were looked for.
#[derive(Debug, Default)]
pub struct Identities {
    list: Vec<Identity>,
    /// Where there are none, or they could not be read.
    looked: Vec<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl Identity {
    /// Reads `AGE-SECRET-KEY-1...`; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, bytes) = bech32::decode(text.trim()).ok()?;
        let bytes = Zeroizing::new(bytes);
        let key: [u8; 32] = bytes.as_slice().try_into().ok()?;
        let is_own = prefix.as_str().eq_ignore_ascii_case(IDENTITY);
        is_own.then(|| Self(StaticSecret::from(key)))
    }
}

impl Identities {
    /// Where SOPS looks for them: `SOPS_AGE_KEY`, the file that `SOPS_AGE_KEY_FILE` names, and
    /// `sops/age/keys.txt` of the user's configuration.
    pub fn of_this_machine() -> Self {
        let mut found = Self::default();
        match std::env::var("SOPS_AGE_KEY") {
            Ok(text) => found.add(&Secret::new(text), "SOPS_AGE_KEY"),
            Err(_) => found.looked.push("SOPS_AGE_KEY is not set".to_owned()),
        }
        match std::env::var_os("SOPS_AGE_KEY_FILE") {
            Some(path) => found.read(Path::new(&path), true),
            None => found.looked.push("SOPS_AGE_KEY_FILE is not set".to_owned()),
        }
        let own = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        if let Some(folder) = own.or(home) {
            found.read(&folder.join("sops/age/keys.txt"), false);
        }
        found
    }

    fn read(&mut self, path: &Path, is_named: bool) {
        let shown = path.display().to_string();
        let size = std::fs::metadata(path).map(|metadata| metadata.len());
        let text = match size {
            Ok(size) if size > MAX => {
                self.looked
                    .push(format!("{shown} is too large to be a file of keys"));
                return;
            }
            Ok(_) => std::fs::read_to_string(path),
            Err(error) => Err(error),
        };
        match text {
            Ok(text) => self.add(&Secret::new(text), &shown),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => {
                self.looked.push(format!("there is no {shown}"));
            }
            Err(error) => self.looked.push(format!("read {shown}: {error}")),
        }
    }

    /// Adds each identity of a text; lines that begin with `#` are comments.
    pub fn add(&mut self, text: &Secret, from: &str) {
        let before = self.list.len();
        let lines = text.expose().lines().map(str::trim);
        let words = lines
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::split_whitespace);
        self.list.extend(words.filter_map(Identity::parse));
        if self.list.len() == before {
            let none = format!("{from} has no key that begins with AGE-SECRET-KEY-1");
            self.looked.push(none);
        }
    }

    /// What one of the identities opens, of an armored file of age.
    ///
    /// # Errors
    /// In words, when none does.
    pub(super) fn open(&self, armored: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let file = unarmored(armored).ok_or("what age encrypted is damaged")?;
        if self.list.is_empty() {
            return Err(format!("no age key is there ({})", self.looked.join(", ")));
        }
        let opened = self.list.iter().find_map(|identity| open(&file, identity));
        opened.ok_or_else(|| {
            format!(
                "none of the {} age keys that are there is one that it was encrypted for",
                self.list.len()
            )
        })
    }
}

/// The bytes of an armored file.
fn unarmored(text: &str) -> Option<Vec<u8>> {
    let inner = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let packed: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

/// Takes a line of a header.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, behind) = rest.split_at(end);
    *rest = behind.get(1..)?;
    std::str::from_utf8(line).ok()
}

/// What a file holds, when it is for this identity and whole.
fn open(file: &[u8], identity: &Identity) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = file;
    if line(&mut rest)? != VERSION {
        return None;
    }
    let mut file_key = None;
    // A stanza is a line of arguments, and lines of a body: the last is shorter than 64.
    let mac = loop {
        let head = line(&mut rest)?;
        if let Some(mac) = head.strip_prefix("--- ") {
            break mac;
        }
        let arguments: Vec<&str> = head.strip_prefix("-> ")?.split(' ').collect();
        let mut body = String::new();
        loop {
            let part = line(&mut rest)?;
            body.push_str(part);
            if part.len() < 64 {
                break;
            }
        }
        if let (["X25519", share], None) = (arguments.as_slice(), &file_key) {
            file_key = unwrap(share, &body, identity);
        }
    };
    let file_key = file_key?;
    let header = file.len() - rest.len() - mac.len() - 2;
    let signed = hmac::Key::new(hmac::HMAC_SHA256, &*derived(&file_key, &[], b"header")?);
    let mac = STANDARD_NO_PAD.decode(mac).ok()?;
    hmac::verify(&signed, &file[..header], &mac).ok()?;
    let (nonce, payload) = rest.split_at_checked(16)?;
    let key = derived(&file_key, nonce, b"payload")?;
    // The first chunk, which is the last one.
    let mut counter = [0; 12];
    counter[11] = 1;
    decrypted(key.as_slice(), counter, payload)
}

/// The key of a file, from the stanza for a recipient.
fn unwrap(share: &str, body: &str, identity: &Identity) -> Option<Zeroizing<Vec<u8>>> {
    let share: [u8; 32] = STANDARD_NO_PAD.decode(share).ok()?.try_into().ok()?;
    let share = PublicKey::from(share);
    let shared = identity.0.diffie_hellman(&share);
    if !shared.was_contributory() {
        return None;
    }
    let recipient = PublicKey::from(&identity.0);
    let salt = [share.as_bytes().as_slice(), recipient.as_bytes()].concat();
    let key = derived(shared.as_bytes(), &salt, X25519.as_bytes())?;
    let body = STANDARD_NO_PAD.decode(body).ok()?;
    // 16 bytes and their tag: whoever sends more may want to learn something.
    (body.len() == 32).then(|| decrypted(key.as_slice(), [0; 12], &body))?
}

/// A length for ring.
struct Bytes(usize);

impl hkdf::KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF with SHA-256, 32 bytes.
fn derived(secret: &[u8], salt: &[u8], info: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let mut out = Zeroizing::new([0; 32]);
    let info = [info];
    key.expand(&info, Bytes(32)).ok()?.fill(&mut *out).ok()?;
    Some(out)
}

fn decrypted(key: &[u8], nonce: [u8; 12], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).ok()?);
    let mut bytes = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key
        .open_in_place(nonce, Aad::empty(), &mut bytes)
        .ok()?
        .len();
    bytes.truncate(length);
    Some(bytes)
}
