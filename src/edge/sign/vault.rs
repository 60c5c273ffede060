//! A key in an Azure Key Vault, which signs there and never leaves: `keys/get` and
//! `keys/sign` of its REST API.

use super::key::der_signature;
use super::{Error, Signer, Trusted, VerifyingKey};
use crate::diag::excerpt;
use crate::edge::oci::{self, Connection, Credentials, Service};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

const SCHEME: &str = "azurekms://";
const API: (&str, &str) = ("api-version", "7.4");
/// ECDSA on P-256 over SHA-256, as the vault calls it.
const ALGORITHM: &str = "ES256";
/// Vaults and managed HSMs of Azure by the end of their name, and what tokens for them
/// are for. A token opens every vault that the identity may use: it goes nowhere else.
const CLOUDS: [(&str, &str); 6] = [
    (".vault.azure.net", "https://vault.azure.net"),
    (
        ".vault.usgovcloudapi.net",
        "https://vault.usgovcloudapi.net",
    ),
    (".vault.azure.cn", "https://vault.azure.cn"),
    (".managedhsm.azure.net", "https://managedhsm.azure.net"),
    (
        ".managedhsm.usgovcloudapi.net",
        "https://managedhsm.usgovcloudapi.net",
    ),
    (".managedhsm.azure.cn", "https://managedhsm.azure.cn"),
];

/// The name of a key: `azurekms://VAULT/KEY[/VERSION]`, as cosign has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultKey {
    /// The vault's host.
    pub host: String,
    /// Name of the key in the vault.
    pub name: String,
    /// Its version; the newest one without.
    pub version: Option<String>,
}

/// A key in a vault, whose public half is known.
#[derive(Debug)]
pub struct KeyVault {
    service: Service,
    /// Name and version.
    path: String,
    shown: String,
    public: VerifyingKey,
}

impl VaultKey {
    /// Reads a name; `None` when it is none of a key in a vault of Azure.
    pub fn parse(text: &str) -> Option<Result<Self, Error>> {
        let rest = text.strip_prefix(SCHEME)?;
        let wrong = || {
            Err(Error::Vault(format!(
                "`{}` names no key; expected azurekms://VAULT/KEY or azurekms://VAULT/KEY/VERSION, \
                 where VAULT is a name or NAME.vault.azure.net",
                excerpt(text, 200)
            )))
        };
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let host = |part: &str| {
            let odd = |b: u8| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':'));
            !part.is_empty() && !part.bytes().any(odd)
        };
        let parts: Vec<&str> = rest.split('/').collect();
        let (vault, name, version) = match parts.as_slice() {
            [vault, name] => (*vault, *name, None),
            [vault, name, version] => (*vault, *name, Some(*version)),
            _ => return Some(wrong()),
        };
        if !host(vault) || !word(name) || !version.is_none_or(word) {
            return Some(wrong());
        }
        Some(Ok(Self {
            host: match vault.contains(['.', ':']) {
                true => vault.to_ascii_lowercase(),
                false => format!("{}.vault.azure.net", vault.to_ascii_lowercase()),
            },
            name: name.to_owned(),
            version: version.map(str::to_owned),
        }))
    }
}

impl KeyVault {
    /// Asks the vault for the public half of `name`.
    ///
    /// # Errors
    /// When the vault does not answer or refuses, or the key is of another kind.
    pub async fn open(name: &VaultKey, connection: &Connection) -> Result<Self, Error> {
        let VaultKey {
            host,
            name: key,
            version,
        } = name;
        let attempted = format!("read the key {key} of {host}");
        let service = Service::new(host, audience(host, connection)?, connection);
        let service = service.map_err(|error| Error::Vault(error.to_string()))?;
        let mut path = format!("keys/{key}");
        if let Some(version) = version {
            path = format!("{path}/{version}");
        }
        let asked = service.ask(&attempted, &path, &[API], None).await;
        let answer = asked.map_err(|error| refused(&error, "get"))?;
        let jwk = &answer["key"];
        let text = |key: &str| jwk[key].as_str().unwrap_or("");
        if !matches!(text("kty"), "EC" | "EC-HSM") || text("crv") != "P-256" {
            return Err(Error::Vault(format!(
                "{attempted}: it is of the kind {} {}; a bundle is signed by EC keys on P-256",
                excerpt(text("kty"), 20),
                excerpt(text("crv"), 20)
            )));
        }
        let odd = || {
            Error::Vault(format!(
                "{attempted}: the answer holds no point of the curve"
            ))
        };
        let number = |key: &str| number(&jwk[key]).ok_or_else(odd);
        let public = VerifyingKey::from_point(&number("x")?, &number("y")?).map_err(|_| odd())?;
        // The version that was read is the one that signs, also when there is a newer one.
        if version.is_none()
            && let Some(version) = text("kid").rsplit('/').next()
            && version != key
            && !version.is_empty()
            && version.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            path = format!("{path}/{version}");
        }
        Ok(Self {
            shown: format!("{host}/{path} ({public})"),
            service,
            path,
            public,
        })
    }

    /// The public key that belongs to it.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    async fn sign_there(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let attempted = format!("sign with {}", self.shown);
        let body = json!({
            "alg": ALGORITHM,
            "value": URL_SAFE_NO_PAD.encode(Sha256::digest(message)),
        });
        let path = format!("{}/sign", self.path);
        let asked = self.service.ask(&attempted, &path, &[API], Some(&body));
        let answer = asked.await.map_err(|error| refused(&error, "sign"))?;
        let raw = answer["value"].as_str().unwrap_or("");
        let raw = URL_SAFE_NO_PAD.decode(raw.trim_end_matches('=')).ok();
        let signature = raw.as_deref().and_then(der_signature);
        match signature.filter(|signature| self.public.verifies(message, signature)) {
            Some(signature) => Ok(signature),
            None => Err(Error::Vault(format!(
                "{attempted}: what came is no signature by the key"
            ))),
        }
    }
}

impl Signer for KeyVault {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        self.sign_there(message).boxed()
    }

    fn identity(&self) -> String {
        self.shown.clone()
    }

    fn material<'a>(&'a self, _: &'a Json) -> BoxFuture<'a, Result<Json, Error>> {
        ready(Ok(self.public.material())).boxed()
    }

    fn recognises(&self) -> BoxFuture<'_, Result<Option<Trusted>, Error>> {
        ready(Ok(Some(self.public.clone().into()))).boxed()
    }
}

/// What the key `name` decrypts, in its vault: the key of data that SOPS encrypted.
///
/// # Errors
/// When the vault does not answer or refuses.
pub async fn decrypt(
    name: &VaultKey,
    encrypted: &[u8],
    connection: &Connection,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let VaultKey {
        host,
        name: key,
        version,
    } = name;
    let attempted = format!("decrypt with the key {key} of {host}");
    let service = Service::new(host, audience(host, connection)?, connection);
    let service = service.map_err(|error| Error::Vault(error.to_string()))?;
    let version = version.as_deref().unwrap_or("");
    let path = format!("keys/{key}/{version}");
    let path = format!("{}/decrypt", path.trim_end_matches('/'));
    let body = json!({"alg": "RSA-OAEP-256", "value": URL_SAFE_NO_PAD.encode(encrypted)});
    let asked = service.ask(&attempted, &path, &[API], Some(&body)).await;
    let answer = asked.map_err(|error| refused(&error, "decrypt"))?;
    let value = answer["value"].as_str().unwrap_or("");
    let value = URL_SAFE_NO_PAD.decode(value.trim_end_matches('='));
    let odd = |_| Error::Vault(format!("{attempted}: the answer holds no value"));
    value.map(Zeroizing::new).map_err(odd)
}

/// What tokens for the vault at `host` are for.
fn audience(host: &str, connection: &Connection) -> Result<&'static str, Error> {
    let known = CLOUDS.iter().find(|(end, _)| host.ends_with(end));
    let named = matches!(
        &connection.credentials,
        Credentials::Azure(identity) if identity.hosts.iter().any(|known| known == host)
    );
    match (known, named) {
        (Some((_, audience)), _) => Ok(audience),
        (None, true) => Ok(CLOUDS[0].1),
        (None, false) => Err(Error::Vault(format!(
            "{host} is no Azure Key Vault: its name does not end in .vault.azure.net; name the vault \
             as azurekms://VAULT/KEY"
        ))),
    }
}

/// A coordinate of a JSON Web Key: 32 bytes, of which some leave leading zeros out.
fn number(value: &Json) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD
        .decode(value.as_str()?.trim_end_matches('='))
        .ok()?;
    let missing = 32_usize.checked_sub(bytes.len())?;
    Some([vec![0; missing], bytes].concat())
}

fn refused(error: &oci::Error, may: &str) -> Error {
    let help = match error.status() {
        Some(401 | 403) => format!(
            "; give the identity the role Key Vault Crypto User, or an access policy with `{may}` \
             for keys; the vault's firewall may answer the same"
        ),
        Some(404) => "; check the names of vault, key and version".to_owned(),
        _ => String::new(),
    };
    Error::Vault(format!("{error}{help}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_cosign_reads_them() {
        let read = |text: &str| VaultKey::parse(text).map(|read| read.map_err(|e| e.to_string()));
        let key = |host: &str, version: Option<&str>| {
            Some(Ok(VaultKey {
                host: host.to_owned(),
                name: "apim".to_owned(),
                version: version.map(str::to_owned),
            }))
        };
        assert_eq!(
            read("azurekms://contoso/apim"),
            key("contoso.vault.azure.net", None)
        );
        assert_eq!(
            read("azurekms://Contoso.vault.azure.net/apim/0a1b"),
            key("contoso.vault.azure.net", Some("0a1b"))
        );
        assert_eq!(read("cosign.key"), None);
        for text in [
            "azurekms://",
            "azurekms://v",
            "azurekms://v/",
            "azurekms://v/k/1/2",
            "azurekms://v/../k",
            "azurekms://v@x/k",
            "azurekms://v/k?x=1",
        ] {
            assert!(read(text).unwrap().is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_are_for_vaults_of_azure() {
        let connection = Connection::default();
        assert!(audience("contoso.vault.azure.net", &connection).is_ok());
        for host in ["vault.azure.net.evil.example", "evil.example", "contoso"] {
            assert!(audience(host, &connection).is_err(), "{host}");
        }
    }
}
