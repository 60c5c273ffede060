//! An instance of Sigstore after its public APIs: a CI system that gives tokens, a
//! certificate authority with its certificate log, a transparency log with its tree in both
//! versions of its API, a timestamp authority.
//!
//! - <https://github.com/sigstore/fulcio/blob/main/fulcio.proto>, `POST /api/v2/signingCert`
//! - <https://github.com/sigstore/rekor/blob/main/openapi.yaml>, `POST /api/v1/log/entries`
//! - <https://github.com/sigstore/rekor-tiles/blob/main/api/proto/rekor/v2/rekor_service.proto>,
//!   `POST /api/v2/log/entries`
//! - <https://github.com/sigstore/timestamp-authority/blob/main/openapi.yaml>,
//!   `POST /api/v1/timestamp`
//! - <https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md>
//! - RFC 6962, sections 2.1 and 3.2, for the tree and the certificate's timestamp

use super::server::{Asked, Server, answer, json as respond};
use super::timestamps::{Timestamps, parts};
use axum::body::Body;
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
    SigningKey,
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Who the tokens are of.
pub const SUBJECT: &str = "repo:contoso/apim:ref:refs/heads/main";
/// The workflow that certificates name for it.
pub const WORKFLOW: &str =
    "https://ci.example/contoso/apim/.github/workflows/publish.yml@refs/heads/main";
/// Who says so.
pub const ISSUER: &str = "https://token.ci.example";
/// What a job shows to get its token.
pub const REQUEST_TOKEN: &str = "canary-request-token";
/// What the log calls itself: its host, as readers expect of it.
const NAME: &str = "127.0.0.1";
/// What version 2 of the log calls keys of ours.
const DETAILS: &str = "PKIX_ECDSA_P256_SHA_256";
/// A request for a timestamp, up to the hash by SHA-256.
const REQUEST: &[u8] = &[
    0x30, 0x36, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
    0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
];
/// A day, in the seconds of [`Habits::ahead`].
pub const DAY: i64 = 86_400;

/// How an instance is.
#[derive(Clone, Default)]
pub struct Habits {
    /// Seconds that its clock is ahead.
    pub ahead: i64,
    /// The certificates have no timestamp of the certificate log.
    pub unlogged: bool,
    /// The transparency log signs for another entry than the one it was given.
    pub confuses: bool,
    /// What `signingCert` answers in place of a certificate: status and body.
    pub fulcio: Option<(u16, &'static str)>,
    /// What the log answers in place of an entry.
    pub rekor: Option<(u16, &'static str)>,
}

/// An instance, and what it did.
pub struct Sigstore {
    pub server: Server,
    state: Arc<State>,
}

struct State {
    habits: Habits,
    authority: CertifiedIssuer<'static, KeyPair>,
    certificate_log: KeyPair,
    log: KeyPair,
    timestamps: Timestamps,
    leaves: Mutex<Vec<[u8; 32]>>,
    refused: Mutex<Vec<String>>,
}

impl Sigstore {
    pub async fn start(habits: Habits) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let names = &mut params.distinguished_name;
        names.push(rcgen::DnType::CommonName, "sigstore of the test");
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let state = Arc::new(State {
            habits,
            timestamps: Timestamps::certified_by(&authority),
            authority,
            certificate_log: KeyPair::generate().unwrap(),
            log: KeyPair::generate().unwrap(),
            leaves: Mutex::default(),
            refused: Mutex::default(),
        });
        let at = state.clone();
        let server = Server::start(move |mut asked: Asked| {
            let state = at.clone();
            async move {
                let body = asked.bytes().await;
                Some(state.answer(&asked, &body))
            }
            .boxed()
        })
        .await;
        Self { server, state }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// What it refused, and why.
    pub fn refused(&self) -> Vec<String> {
        self.state.refused.lock().unwrap().clone()
    }

    /// How many entries its log has.
    pub fn logged(&self) -> usize {
        self.state.leaves.lock().unwrap().len()
    }

    /// Its `trusted_root.json`.
    pub fn trusted_root(&self) -> Json {
        let log = |key: &KeyPair| {
            let spki = key.subject_public_key_info();
            json!({
                "baseUrl": self.url(),
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(&spki),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": "2020-01-01T00:00:00Z"},
                },
                "logId": {"keyId": STANDARD.encode(Sha256::digest(&spki))},
            })
        };
        let authority = STANDARD.encode(self.state.authority.der());
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.state.log)],
            "certificateAuthorities": [{
                "subject": {"organization": "contoso", "commonName": "sigstore of the test"},
                "uri": self.url(),
                "certChain": {"certificates": [{"rawBytes": authority}]},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }],
            "ctlogs": [log(&self.state.certificate_log)],
            "timestampAuthorities": [{
                "subject": {"organization": "contoso", "commonName": "timestamps of the test"},
                "uri": self.timestamps(),
                "certChain": {"certificates": [
                    {"rawBytes": STANDARD.encode(self.state.timestamps.certificate())},
                    {"rawBytes": authority},
                ]},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }],
        })
    }

    /// Where it gives timestamps.
    pub fn timestamps(&self) -> String {
        format!("{}/api/v1/timestamp", self.url())
    }

    /// A bundle that version 1 of the log took, as version 2 and the timestamp authority have
    /// it: certificate, envelope and signature are the same.
    pub fn in_version_2(&self, bundle: &Json) -> Json {
        let signature = bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str();
        let signature = signature.unwrap();
        let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
        let payload = STANDARD.decode(payload).unwrap();
        let kind = bundle["dsseEnvelope"]["payloadType"].as_str().unwrap();
        let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
        let digest = Sha256::digest([head.as_bytes(), &payload].concat());
        let mut material = bundle["verificationMaterial"].clone();
        let entry = self.state.enter_2(&json!({"hashedRekordRequestV002": {
            "digest": STANDARD.encode(digest),
            "signature": {"content": signature, "verifier": {
                "keyDetails": DETAILS, "x509Certificate": material["certificate"],
            }},
        }}));
        let hash = Sha256::digest(STANDARD.decode(signature).unwrap());
        // TimeStampReq with a version and the imprint, RFC 3161, section 2.4.1.
        let request = [REQUEST, hash.as_slice()].concat();
        let time = self.state.timestamps.answer(&request, self.state.now());
        material["tlogEntries"] = json!([entry.unwrap()]);
        material["timestampVerificationData"] = json!({
            "rfc3161Timestamps": [{"signedTimestamp": STANDARD.encode(time.unwrap())}],
        });
        let mut bundle = bundle.clone();
        bundle["verificationMaterial"] = material;
        bundle
    }
}

/// A token of the CI system; nobody here verifies who signed it.
pub fn token() -> String {
    token_for("sigstore")
}

/// A token for another audience.
pub fn token_for(audience: &str) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let claims = json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": audience, "workflow": WORKFLOW,
        "iat": 1_700_000_000, "exp": 4_000_000_000_u64,
    });
    let signature = URL_SAFE_NO_PAD.encode("canary-signature");
    format!(
        "{}.{}.{signature}",
        part(&json!({"alg": "RS256", "typ": "JWT"})),
        part(&claims)
    )
}

impl State {
    fn answer(&self, asked: &Asked, body: &[u8]) -> Response<Body> {
        let (method, path) = (asked.method.as_str(), asked.uri.path());
        let answered = match (method, path) {
            ("GET", "/token") => self.give_token(asked),
            ("POST", "/api/v2/signingCert") => self.certify(asked, body),
            ("POST", "/api/v1/log/entries") => self.enter(body),
            ("POST", "/api/v2/log/entries") => serde_json::from_slice(body)
                .map_err(|_| (400, "no JSON".to_owned()))
                .and_then(|asked| self.enter_2(&asked))
                .map(|entry| respond(201, &entry)),
            ("POST", "/api/v1/timestamp") => {
                let kind = [("content-type", "application/timestamp-reply")];
                let given = self.timestamps.answer(body, self.now());
                given
                    .map(|given| answer(201, &kind, given))
                    .map_err(|why| (400, why))
            }
            _ => Err((404, format!("{method} {path}"))),
        };
        answered.unwrap_or_else(|(status, why)| {
            self.refused.lock().unwrap().push(why.clone());
            respond(status, &json!({"code": status, "message": why}))
        })
    }

    /// Now, by the clock of the instance.
    fn now(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_secs()).unwrap() + self.habits.ahead
    }

    fn give_token(&self, asked: &Asked) -> Result<Response<Body>, (u16, String)> {
        let bearer = format!("Bearer {REQUEST_TOKEN}");
        if asked.header("authorization") != Some(&bearer) || asked.query("run").is_none() {
            return Err((401, "no such run".to_owned()));
        }
        let audience = asked.query("audience").unwrap_or_default();
        Ok(respond(
            200,
            &json!({"count": 1, "value": token_for(&audience)}),
        ))
    }

    /// The token comes in the request, or in a header as from clients in Go.
    fn certify(&self, from: &Asked, body: &[u8]) -> Result<Response<Body>, (u16, String)> {
        if let Some((status, body)) = self.habits.fulcio {
            return Ok(answer(status, &[("content-type", "text/html")], body));
        }
        let wrong = |why: &str| (400, why.to_owned());
        let asked: Json = serde_json::from_slice(body).map_err(|_| wrong("no JSON"))?;
        let token = asked["credentials"]["oidcIdentityToken"]
            .as_str()
            .or_else(|| from.header("authorization")?.strip_prefix("Bearer "))
            .unwrap_or("");
        let claims = token.split('.').nth(1).unwrap_or("");
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
        let claims: Json = serde_json::from_slice(&claims).unwrap_or_default();
        if claims["aud"] != "sigstore" || claims["iss"] != ISSUER {
            return Err((401, "the token is for somebody else".to_owned()));
        }
        let request = &asked["publicKeyRequest"];
        let pem = request["publicKey"]["content"].as_str().unwrap_or("");
        let key = VerifyingKey::from_public_key_pem(pem).map_err(|_| wrong("no key"))?;
        let proof = request["proofOfPossession"].as_str().unwrap_or("");
        let proof = STANDARD.decode(proof).unwrap_or_default();
        let proof = DerSignature::from_bytes(&proof).map_err(|_| wrong("no proof"))?;
        let subject = claims["sub"].as_str().unwrap_or("");
        key.verify(subject.as_bytes(), &proof)
            .map_err(|_| wrong("the proof is of another key"))?;
        let workflow = claims["workflow"].as_str().unwrap_or("");
        let leaf = self.certificate(&key, workflow);
        let chain = json!({"chain": {"certificates": [leaf, self.authority.pem()]}});
        Ok(respond(
            200,
            &json!({"signedCertificateEmbeddedSct": chain}),
        ))
    }

    /// A certificate of ten minutes, in PEM.
    fn certificate(&self, key: &VerifyingKey, workflow: &str) -> String {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let now = u64::try_from(self.now()).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from_slice(&now.to_be_bytes()));
        params.not_before = epoch + Duration::from_secs(now - 1);
        params.not_after = epoch + Duration::from_secs(now + 600);
        params.subject_alt_names = vec![SanType::URI(workflow.try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let utf8 = [
            &[0x0c, u8::try_from(ISSUER.len()).unwrap()],
            ISSUER.as_bytes(),
        ]
        .concat();
        let arc = |last: u64| vec![1, 3, 6, 1, 4, 1, 57264, 1, last];
        params.custom_extensions = vec![
            CustomExtension::from_oid_content(&arc(1), ISSUER.as_bytes().to_vec()),
            CustomExtension::from_oid_content(&arc(8), utf8),
        ];
        let key = Public(key.to_sec1_point(false).as_bytes().to_vec());
        if !self.habits.unlogged {
            let before = params.signed_by(&key, &self.authority).unwrap();
            let list = self.timestamp(parts(before.der())[0], now);
            let list = [&[0x04, u8::try_from(list.len()).unwrap()], list.as_slice()].concat();
            params
                .custom_extensions
                .push(CustomExtension::from_oid_content(
                    &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2],
                    list,
                ));
        }
        params.signed_by(&key, &self.authority).unwrap().pem()
    }

    /// The list of one signed timestamp for the certificate whose body is `tbs`.
    fn timestamp(&self, tbs: &[u8], now: u64) -> Vec<u8> {
        let issuer = Sha256::digest(self.authority.key().subject_public_key_info());
        let id = Sha256::digest(self.certificate_log.subject_public_key_info());
        let time = (now * 1000).to_be_bytes();
        let size = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let parts: [&[u8]; 7] = [&[0, 0], &time, &[0, 1], &issuer, &size[1..], tbs, &[0, 0]];
        let signature = self.certificate_log.sign(&parts.concat()).unwrap();
        let size = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_be_bytes();
        let parts: [&[u8]; 7] = [
            &[0],
            &id,
            &time,
            &[0, 0],
            &[4, 3],
            &size(&signature),
            &signature,
        ];
        let one = parts.concat();
        let one = [&size(&one), one.as_slice()].concat();
        [&size(&one), one.as_slice()].concat()
    }

    /// Puts an entry into the tree; `origin` is what the checkpoint calls the log.
    fn place(&self, body: &str, origin: &str) -> Placed {
        let mut leaves = self.leaves.lock().unwrap();
        leaves.push(leaf(body.as_bytes()));
        let (index, size, root) = (leaves.len() - 1, leaves.len(), root(&leaves));
        let path = path(index, &leaves);
        drop(leaves);
        let id = Sha256::digest(self.log.subject_public_key_info());
        let note = format!("{origin}\n{size}\n{}\n", STANDARD.encode(root));
        let signature = self.log.sign(note.as_bytes()).unwrap();
        let signature = STANDARD.encode([&id[..4], &signature].concat());
        Placed {
            index,
            size,
            root,
            path,
            checkpoint: format!("{note}\n\u{2014} {NAME} {signature}\n"),
        }
    }

    /// Version 2: a hash and its signature, proven by the checkpoint alone.
    fn enter_2(&self, asked: &Json) -> Result<Json, (u16, String)> {
        let asked = &asked["hashedRekordRequestV002"];
        let (digest, signature) = (&asked["digest"], &asked["signature"]);
        let verifier = &signature["verifier"];
        let certificate = verifier["x509Certificate"]["rawBytes"].as_str();
        if digest.as_str().is_none() || verifier["keyDetails"] != DETAILS || certificate.is_none() {
            return Err((400, "another kind of entry".to_owned()));
        }
        let body = json!({
            "apiVersion": "0.0.2",
            "kind": "hashedrekord",
            "spec": {"hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": digest},
                "signature": {"content": signature["content"], "verifier": {
                    "keyDetails": DETAILS, "x509Certificate": {"rawBytes": certificate},
                }},
            }},
        })
        .to_string();
        let placed = self.place(&body, NAME);
        let id = Sha256::digest(self.log.subject_public_key_info());
        Ok(json!({
            "logIndex": placed.index.to_string(),
            "logId": {"keyId": STANDARD.encode(id)},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "inclusionProof": {
                "logIndex": placed.index.to_string(),
                "rootHash": STANDARD.encode(placed.root),
                "treeSize": placed.size.to_string(),
                "hashes": placed.path.iter().map(|hash| STANDARD.encode(hash)).collect::<Vec<_>>(),
                "checkpoint": {"envelope": placed.checkpoint},
            },
            "canonicalizedBody": STANDARD.encode(&body),
        }))
    }

    fn enter(&self, body: &[u8]) -> Result<Response<Body>, (u16, String)> {
        if let Some((status, body)) = self.habits.rekor {
            return Ok(answer(status, &[("content-type", "text/html")], body));
        }
        let wrong = |why: &str| (400, why.to_owned());
        let asked: Json = serde_json::from_slice(body).map_err(|_| wrong("no JSON"))?;
        if asked["kind"] != "dsse" || asked["apiVersion"] != "0.0.1" {
            return Err(wrong("another kind of entry"));
        }
        let proposed = &asked["spec"]["proposedContent"];
        let text = proposed["envelope"].as_str().unwrap_or("");
        let envelope: Json = serde_json::from_str(text).map_err(|_| wrong("no envelope"))?;
        let payload = envelope["payload"].as_str().unwrap_or("");
        let payload = STANDARD.decode(payload).map_err(|_| wrong("no payload"))?;
        let hash =
            |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex(&Sha256::digest(bytes))});
        let signature = match self.habits.confuses {
            true => json!(STANDARD.encode("another")),
            false => envelope["signatures"][0]["sig"].clone(),
        };
        // The keys of canonical JSON are sorted.
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": hash(text.as_bytes()),
                "payloadHash": hash(&payload),
                "signatures": [{"signature": signature, "verifier": proposed["verifiers"][0]}],
            },
        })
        .to_string();
        let placed = self.place(&body, &format!("{NAME} - 1"));
        let id = Sha256::digest(self.log.subject_public_key_info());
        let body = STANDARD.encode(&body);
        let promised = json!({
            "body": body, "integratedTime": self.now(), "logID": hex(&id),
            "logIndex": placed.index,
        });
        let promise = self.log.sign(promised.to_string().as_bytes()).unwrap();
        let mut entry = promised;
        entry["verification"] = json!({
            "signedEntryTimestamp": STANDARD.encode(promise),
            "inclusionProof": {
                "checkpoint": placed.checkpoint,
                "hashes": placed.path.iter().map(|hash| hex(hash)).collect::<Vec<_>>(),
                "logIndex": placed.index, "rootHash": hex(&placed.root), "treeSize": placed.size,
            },
        });
        let name = hex(&[&[0; 8][..], &placed.root].concat());
        // Clients in Go look the entry up under the ETag.
        let headers = [("content-type", "application/json"), ("etag", &*name)];
        let body = json!({&*name: entry}).to_string();
        Ok(answer(201, &headers, body))
    }
}

/// An entry in the tree of the log, with what proves it.
struct Placed {
    index: usize,
    size: usize,
    root: [u8; 32],
    path: Vec<[u8; 32]>,
    checkpoint: String,
}

/// A public key that is certified.
struct Public(Vec<u8>);

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn leaf(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest([&[0], bytes].concat()).into()
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::digest([&[1], &left[..], &right[..]].concat()).into()
}

/// Where a tree of `size` leaves divides: at the largest power of two below.
fn half(size: usize) -> usize {
    size.next_power_of_two() / 2
}

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(half(many.len()));
            node(&root(left), &root(right))
        }
    }
}

fn path(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let at = half(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut below, other) = match index < at {
        true => (path(index, left), root(right)),
        false => (path(index - at, right), root(left)),
    };
    below.push(other);
    below
}
