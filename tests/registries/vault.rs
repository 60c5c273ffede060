//! Azure Key Vault as its REST reference has it: get a key, sign a digest, decrypt.
//!
//! - <https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key>
//! - <https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign>
//! - <https://learn.microsoft.com/rest/api/keyvault/keys/decrypt/decrypt>

use super::azure::{self, Deviations};
use super::real::Authority;
use super::server::{Asked, Server, json as answer};
use axum::body::Body;
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flux_apim::edge::oci::acr::{Assertion, Identity, Source};
use flux_apim::edge::oci::{Connection, Credentials};
use flux_apim::edge::secret::Secret;
use flux_apim::edge::sign::{KeyVault, VaultKey};
use futures_util::FutureExt;
use p256::SecretKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub const AUDIENCE: &str = "https://vault.azure.net";
pub const KEY: &str = "apim";
pub const VERSION: &str = "78deebed173b48e48f55abf87ed4cf71";

/// How a vault is.
#[derive(Clone)]
pub struct Vault {
    /// What it wants to see.
    pub token: &'static str,
    /// Kind and curve of its key.
    pub kind: (&'static str, &'static str),
    /// What it answers in place of a signature.
    pub signs: Option<Json>,
    /// What its RSA key decrypts, and what that is.
    pub decrypts: Option<(Vec<u8>, Vec<u8>)>,
    /// The status that it refuses everything with.
    pub refuses: Option<u16>,
}

impl Default for Vault {
    fn default() -> Self {
        Self {
            token: super::azure::ENTRA,
            kind: ("EC", "P-256"),
            signs: None,
            decrypts: None,
            refuses: None,
        }
    }
}

impl Vault {
    pub async fn start(self, tls: Arc<rustls::ServerConfig>, deviations: &Deviations) -> Server {
        let deviations = deviations.clone();
        let count = Arc::new(AtomicUsize::new(0));
        let vault = Arc::new(self);
        let handler = move |mut asked: Asked| {
            let (deviations, count, vault) = (deviations.clone(), count.clone(), vault.clone());
            async move {
                let body = asked.bytes().await;
                let n = count.fetch_add(1, Ordering::SeqCst);
                Some(vault.answer(&deviations, &asked, &body, n))
            }
            .boxed()
        };
        Server::start_with(Some(tls), Arc::new(handler)).await
    }

    fn answer(
        &self,
        deviations: &Deviations,
        asked: &Asked,
        body: &[u8],
        n: usize,
    ) -> Response<Body> {
        let step = "vault";
        let error =
            |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
        if asked.header("authorization") != Some(&format!("Bearer {}", self.token)) {
            deviations.refuse(step, "another token");
            return answer(
                401,
                &error(
                    "Unauthorized",
                    "AKV10000: Request is missing a Bearer token.",
                ),
            );
        }
        if let Some(status) = self.refuses {
            let message = "Caller is not authorized to perform action on resource.";
            return answer(status, &error("Forbidden", message));
        }
        if asked.uri.query() != Some("api-version=7.4") {
            return deviations.refuse(step, "another api-version");
        }
        let host = asked.header("host").unwrap_or("");
        let kid = format!("https://{host}/keys/{KEY}/{VERSION}");
        let secret = SecretKey::from_slice(&[7; 32]).unwrap();
        let key = format!("/keys/{KEY}");
        let version = format!("{key}/{VERSION}");
        let sign = format!("{version}/sign");
        match (asked.method.as_str(), asked.uri.path()) {
            ("GET", path) if path == key || path == version => {
                let point = secret.public_key().to_sec1_point(false);
                let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
                answer(
                    200,
                    &json!({
                        "key": {
                            "kid": kid, "kty": self.kind.0, "crv": self.kind.1,
                            "key_ops": ["sign", "verify"],
                            "x": encoded(point.x().unwrap()), "y": encoded(point.y().unwrap()),
                        },
                        "attributes": {"enabled": true, "created": 1_493_942_451, "updated": 1_493_942_451},
                    }),
                )
            }
            ("POST", path) if path == sign => {
                if asked.header("content-type") != Some("application/json") {
                    return deviations.refuse(step, "no JSON");
                }
                if let Some(instead) = &self.signs {
                    return answer(200, instead);
                }
                let asked: Json = serde_json::from_slice(body).unwrap_or_default();
                let digest = asked["value"]
                    .as_str()
                    .and_then(|v| URL_SAFE_NO_PAD.decode(v).ok());
                let digest = digest.unwrap_or_default();
                if asked["alg"] != "ES256" || digest.len() != 32 {
                    return deviations.refuse(step, &asked.to_string());
                }
                let signature: Signature = SigningKey::from(&secret).sign_prehash(&digest).unwrap();
                // Another one each time, as vaults give: of two that are both right.
                let signature = match n % 2 {
                    0 => signature,
                    _ => Signature::from_scalars(signature.r(), -*signature.s()).unwrap(),
                };
                let value = URL_SAFE_NO_PAD.encode(signature.to_bytes());
                answer(200, &json!({"kid": kid, "value": value}))
            }
            ("POST", path) if path == format!("{version}/decrypt") => {
                let asked: Json = serde_json::from_slice(body).unwrap_or_default();
                let sent = asked["value"]
                    .as_str()
                    .and_then(|v| URL_SAFE_NO_PAD.decode(v).ok());
                match &self.decrypts {
                    Some((encrypted, value))
                        if asked["alg"] == "RSA-OAEP-256" && sent.as_ref() == Some(encrypted) =>
                    {
                        let value = URL_SAFE_NO_PAD.encode(value);
                        answer(200, &json!({"kid": kid, "value": value}))
                    }
                    _ => answer(400, &error("BadParameter", "The parameter is incorrect.")),
                }
            }
            _ => answer(
                404,
                &error("KeyNotFound", "A key with that name was not found."),
            ),
        }
    }
}

/// A tenant of Entra, and the authority that certifies its vaults.
pub struct Azure {
    pub deviations: Deviations,
    authority: Authority,
    pub entra: Server,
}

impl Azure {
    pub async fn start() -> Self {
        let deviations = Deviations::default();
        Self {
            entra: azure::entra_for(AUDIENCE, &deviations, None).await,
            authority: Authority::new("own"),
            deviations,
        }
    }

    pub async fn vault(&self, vault: Vault) -> Server {
        vault.start(self.authority.server(), &self.deviations).await
    }

    /// A connection as the identity that Entra knows, for the vault at `host`.
    pub fn connection(&self, host: &str) -> Connection {
        let source = Source::Workload {
            authority: format!("http://{}/", self.entra.address),
            tenant: azure::TENANT.to_owned(),
            client: azure::CLIENT.to_owned(),
            assertion: Assertion::Text(Secret::new(azure::FEDERATED.to_owned())),
        };
        let identity = Identity {
            source,
            hosts: vec![host.to_owned()],
        };
        Connection {
            insecure: true,
            ca: Some(self.authority.certificate()),
            credentials: Credentials::Azure(identity),
            ..super::connection()
        }
    }

    pub async fn open(&self, vault: Vault, name: &str) -> (Server, Result<KeyVault, String>) {
        let server = self.vault(vault).await;
        let name = name.replace("VAULT", &server.address);
        let name = VaultKey::parse(&name).unwrap().unwrap();
        let opened = KeyVault::open(&name, &self.connection(&server.address)).await;
        (server, opened.map_err(|error| error.to_string()))
    }
}
