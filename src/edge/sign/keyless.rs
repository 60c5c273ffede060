//! Signing as an identity: a key that lives for one run, a certificate for it by Fulcio, an
//! entry for each signature in Rekor's log. The APIs are those that Sigstore publishes:
//! `POST /api/v2/signingCert` and `POST /api/v1/log/entries`.

use super::key::{self, SigningKey};
use super::{Error, IdToken, Identity, Signer, TrustRoot, Trusted, Wanted, pem};
use crate::diag::excerpt;
use crate::edge::oci::{Connection, JsonService};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{BoxFuture, FutureExt as _};
use serde_json::{Value as Json, json};
use sigstore_verify::crypto::parse_certificate_info;
use sigstore_verify::types::DerCertificate;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Sigstore's public certificate authority.
pub const FULCIO: &str = "https://fulcio.sigstore.dev";
/// Sigstore's public log.
pub const REKOR: &str = "https://rekor.sigstore.dev";
const CERTIFICATE: &str = "CERTIFICATE";
/// What logs call an entry for a DSSE envelope.
const KIND: (&str, &str) = ("dsse", "0.0.1");

/// An instance of Sigstore: who certifies, who logs, and what vouches for both.
#[derive(Debug)]
pub struct Instance {
    fulcio: JsonService,
    rekor: JsonService,
    root: TrustRoot,
}

impl Instance {
    /// The instance at these URLs.
    ///
    /// # Errors
    /// When they are none.
    pub fn new(
        fulcio: &str,
        rekor: &str,
        root: TrustRoot,
        connection: &Connection,
    ) -> Result<Self, Error> {
        let service = |url: &str| {
            JsonService::new(url, connection).map_err(|error| Error::Keyless(error.to_string()))
        };
        Ok(Self {
            fulcio: service(fulcio)?,
            rekor: service(rekor)?,
            root,
        })
    }
}

/// An identity that signs. Nobody is asked before something is to be signed: what is
/// certified and logged is public for ever.
#[derive(Debug)]
pub struct Keyless {
    instance: Instance,
    token: IdToken,
    certified: OnceCell<Certified>,
}

/// A key and its certificate.
#[derive(Debug)]
struct Certified {
    key: SigningKey,
    /// The certificate, in DER.
    certificate: Vec<u8>,
    trusted: Trusted,
}

impl Keyless {
    /// Whoever `token` is of, at `instance`.
    pub fn new(token: IdToken, instance: Instance) -> Self {
        Self {
            instance,
            token,
            certified: OnceCell::new(),
        }
    }

    async fn certified(&self) -> Result<&Certified, Error> {
        self.certified.get_or_try_init(|| self.certify()).await
    }

    /// Has a new key certified.
    async fn certify(&self) -> Result<Certified, Error> {
        let attempted = format!("have a key certified for {}", self.token.shown());
        let key = SigningKey::new(&key::generate()?);
        let proof = key.sign_now(self.token.subject.as_bytes());
        let body = json!({
            "credentials": {"oidcIdentityToken": self.token.token.expose()},
            "publicKeyRequest": {
                "publicKey": {"algorithm": "ECDSA", "content": key.verifying_key().to_pem()},
                "proofOfPossession": STANDARD.encode(proof),
            },
        });
        let fulcio = &self.instance.fulcio;
        let asked = fulcio.ask(&attempted, "/api/v2/signingCert", &[], None, Some(&body));
        let answer = asked.await.map_err(|error| {
            let help = match error.status() {
                Some(400 | 401 | 403) => {
                    "; the token must be fresh, for the audience `sigstore`, and of an issuer that \
                     this Fulcio knows"
                }
                _ => "",
            };
            Error::Keyless(format!("{error}{help}"))
        })?;
        let odd = |why: &str| Error::Keyless(format!("{attempted}: {why}"));
        let with = [
            "signedCertificateEmbeddedSct",
            "signedCertificateDetachedSct",
        ];
        let chain = with.iter().find_map(|with| {
            let chain = &answer[with]["chain"]["certificates"];
            chain.as_array()
        });
        let first = chain.and_then(|chain| chain.first()?.as_str());
        let first = first.ok_or_else(|| odd("the answer holds no certificate"))?;
        let read = pem::read(first.as_bytes(), &[CERTIFICATE], "certificate");
        let (_, certificate) = read.map_err(|_| odd("the answer holds no certificate in PEM"))?;
        let info = parse_certificate_info(&DerCertificate::new(certificate.to_vec()));
        let info = info.map_err(|error| odd(&excerpt(&error.to_string(), 200)))?;
        let (Some(subject), Some(issuer)) = (info.identity, info.issuer) else {
            return Err(odd("the certificate names no identity"));
        };
        let identity = Identity {
            subject: Wanted::Exactly(subject.as_str().to_owned()),
            issuer: Wanted::Exactly(issuer),
            root: self.instance.root.clone(),
        };
        Ok(Certified {
            key,
            certificate: certificate.to_vec(),
            trusted: Trusted::Identity(Arc::new(identity)),
        })
    }

    /// Has the signed `envelope` logged; the material that verifies it.
    async fn log(&self, envelope: &Json) -> Result<Json, Error> {
        let attempted = "put the signature into the transparency log";
        let certificate = &self.certified().await?.certificate;
        let verifier = STANDARD.encode(pem::write(CERTIFICATE, certificate).as_bytes());
        let body = json!({
            "apiVersion": KIND.1,
            "kind": KIND.0,
            "spec": {"proposedContent": {
                "envelope": envelope.to_string(),
                "verifiers": [verifier],
            }},
        });
        let rekor = &self.instance.rekor;
        let asked = rekor.ask(attempted, "/api/v1/log/entries", &[], None, Some(&body));
        let answer = asked
            .await
            .map_err(|error| Error::Keyless(error.to_string()))?;
        let entry = answer.as_object().and_then(|all| all.values().next());
        let entry = entry.and_then(logged).ok_or_else(|| {
            Error::Keyless(format!("{attempted}: the answer holds no entry of a log"))
        })?;
        Ok(json!({
            "certificate": {"rawBytes": STANDARD.encode(certificate)},
            "tlogEntries": [entry],
        }))
    }
}

/// An entry as bundles have it, of one as Rekor answers it.
fn logged(entry: &Json) -> Option<Json> {
    let verification = &entry["verification"];
    let proof = &verification["inclusionProof"];
    let number = |value: &Json| Some(value.as_u64()?.to_string());
    let bytes = |value: &Json| Some(STANDARD.encode(unhex(value.as_str()?)?));
    let hashes: Option<Vec<String>> = proof["hashes"].as_array()?.iter().map(bytes).collect();
    Some(json!({
        "logIndex": number(&entry["logIndex"])?,
        "logId": {"keyId": bytes(&entry["logID"])?},
        "kindVersion": {"kind": KIND.0, "version": KIND.1},
        "integratedTime": number(&entry["integratedTime"])?,
        "inclusionPromise": {
            "signedEntryTimestamp": verification["signedEntryTimestamp"].as_str()?,
        },
        "inclusionProof": {
            "logIndex": number(&proof["logIndex"])?,
            "rootHash": bytes(&proof["rootHash"])?,
            "treeSize": number(&proof["treeSize"])?,
            "hashes": hashes?,
            "checkpoint": {"envelope": proof["checkpoint"].as_str()?},
        },
        "canonicalizedBody": entry["body"].as_str()?,
    }))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

impl Signer for Keyless {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        async { Ok(self.certified().await?.key.sign_now(message)) }.boxed()
    }

    fn material<'a>(&'a self, envelope: &'a Json) -> BoxFuture<'a, Result<Json, Error>> {
        self.log(envelope).boxed()
    }

    fn identity(&self) -> String {
        self.token.shown()
    }

    fn recognises(&self) -> BoxFuture<'_, Result<Option<Trusted>, Error>> {
        async { Ok(Some(self.certified().await?.trusted.clone())) }.boxed()
    }

    fn signs_payloads(&self) -> bool {
        false
    }
}
