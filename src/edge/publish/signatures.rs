//! Signatures and attestations beside an artifact: put there, and read back.
//!
//! Flux reads either bundles or, where there is none, the payloads under
//! `sha256-HEX.sig`; never both. So a bundle is only put beside an artifact
//! that has no bundle yet when nobody else's payload would be hidden by it, and
//! an attestation only where a signature bundle of the same key is.

use super::packed::{blob, push_all};
use super::{Error, Packed};
use crate::edge::oci::{Descriptor, Manifest, Target};
use crate::edge::sign::{
    self, BUNDLE_MEDIA_TYPE, PAYLOAD_MEDIA_TYPE, PREDICATE_SIGNATURE, SIGNATURE_ANNOTATION, Signer,
    Statement, Trusted,
};
use crate::tree::Digest;
use serde_json::{Map, Value as Json, json};
use std::time::{Duration, Instant};

/// Signatures and statements are small.
const MAX_CLAIM: u64 = 32 << 20;
/// How many are read of one artifact.
const MAX_CLAIMS: usize = 64;
/// How often a tag that others write too is written again.
const ATTEMPTS: u32 = 8;
/// How long it waits before it looks again.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(500);

/// What was added beside an artifact.
#[derive(Debug, Default)]
pub(super) struct Added {
    pub(super) something: bool,
    /// From reading a tag that others write too to having written it.
    window: Duration,
    pub(super) notes: Vec<String>,
}

/// A statement to sign: predicate type and predicate.
pub(super) type Predicate = (&'static str, Json);

/// In which formats something is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureFormat {
    /// The Sigstore bundle, as cosign writes it from version 3 on.
    Sigstore,
    /// The payload under the tag `sha256-HEX.sig`.
    Legacy,
    /// Both, so that old and new readers verify.
    #[default]
    Both,
}

/// Who signs what, and how.
#[derive(Clone, Copy)]
pub(super) struct Signing<'s> {
    /// What payloads name as the place.
    pub(super) repository: &'s str,
    pub(super) signer: &'s dyn Signer,
    /// Both formats without one; then what the signer's bundle is beside already is not asked
    /// for in the first format, too.
    pub(super) format: Option<SignatureFormat>,
    /// What is attested beside.
    pub(super) statements: &'s [Predicate],
}

/// Adds what is not there yet: the payload, then the signature bundle and the
/// statements, which are listed together.
pub(super) async fn add(
    to: &dyn Target,
    subject: &Descriptor,
    signing: &Signing<'_>,
) -> Result<Added, Error> {
    let mut added = Added::default();
    // What a signer with other bytes each time has signed is known by its key or identity.
    let recognises = signing.signer.recognises().await;
    let trusted = recognises.map_err(|e| failed("sign", subject, e))?;
    let signed = match &trusted {
        Some(trusted) => Some(claims(to, subject, trusted).await?),
        None => None,
    };
    let signed = signed.as_deref();
    let format = signing.format.unwrap_or_default();
    if format == SignatureFormat::Legacy {
        payload(to, subject, signing, signed, &mut added).await?;
        return Ok(added);
    }
    let listed = to.referrer_digests(subject).await?;
    let signature = [(PREDICATE_SIGNATURE, json!({}))];
    let mut missing = Vec::new();
    let mut is_signed = false;
    for (kind, predicate) in signature.iter().chain(signing.statements) {
        let is_signature = *kind == PREDICATE_SIGNATURE;
        if signed.is_some_and(|signed| signed.iter().any(|claim| claim.says(kind, predicate))) {
            is_signed |= is_signature;
            continue;
        }
        let referrer = referrer(subject, signing.signer, trusted.as_ref(), kind, predicate).await?;
        match listed.contains(&referrer.descriptor().digest) {
            true => is_signed |= is_signature,
            false => missing.push(referrer),
        }
    }
    // A payload is put there before the bundle: where that is, it was.
    let asked = signing.format.is_some() || !is_signed;
    if format == SignatureFormat::Both && asked && signing.signer.signs_payloads() {
        let others = payload(to, subject, signing, signed, &mut added).await?;
        if others && listed.is_empty() {
            added.notes.push(format!(
                "{} is signed by other keys in cosign's first format alone: no bundle was added, since Flux would then read bundles only",
                subject.digest
            ));
            return Ok(added);
        }
    }
    if !missing.is_empty() {
        push_all(to, &missing).await?;
        added.something = true;
    }
    Ok(added)
}

/// The bundle that says `predicate` of `subject`, as it is put beside it.
async fn referrer(
    subject: &Descriptor,
    signer: &dyn Signer,
    trusted: Option<&Trusted>,
    kind: &str,
    predicate: &Json,
) -> Result<Packed, Error> {
    let bundle = sign::bundle(signer, &subject.digest, kind, predicate).await;
    let bundle = bundle.map_err(|e| failed("sign", subject, e))?;
    // What others made of it is held against what we ask of them before it goes anywhere.
    if let Some(trusted) = trusted {
        let verified = trusted.statement(&bundle, &subject.digest);
        verified.map_err(|e| failed("sign", subject, e))?;
    }
    let mut annotations = Map::new();
    annotations.insert("dev.sigstore.bundle.content".into(), json!("dsse-envelope"));
    annotations.insert("dev.sigstore.bundle.predicateType".into(), json!(kind));
    Ok(Packed::referrer(
        BUNDLE_MEDIA_TYPE,
        bundle,
        subject,
        &annotations,
    ))
}

/// Looks again, and adds again what is gone: where a list is a tag, whoever
/// read it before we wrote takes ours off by writing. A while that is long
/// beside the time between reading and writing, and not the same for everyone,
/// lets the last one find everything.
pub(super) async fn settle(
    to: &dyn Target,
    subject: &Descriptor,
    signing: &Signing<'_>,
    first: Added,
) -> Result<Added, Error> {
    // Others may have taken the payload off and left the bundle.
    let thorough = Signing {
        format: Some(signing.format.unwrap_or_default()),
        ..*signing
    };
    let mut last = first;
    for round in 1..=ATTEMPTS {
        let mut byte = [0];
        // Without randomness all wait as long; then it takes more rounds.
        let _ = getrandom::fill(&mut byte);
        let base = last.window.clamp(SHORTEST, LONGEST) * round;
        tokio::time::sleep(base + base * u32::from(byte[0]) / 255).await;
        let again = add(to, subject, &thorough).await?;
        if !again.something {
            return Ok(Added {
                something: true,
                ..again
            });
        }
        last = again;
    }
    Err(Error::Damaged {
        what: format!("what is said about {} in {}", subject.digest, to.name()),
        problem: "others write it all the time: publish again".to_owned(),
    })
}

/// Adds the signed payload; whether there are payloads of others.
async fn payload(
    to: &dyn Target,
    subject: &Descriptor,
    signing: &Signing<'_>,
    signed: Option<&[Claim]>,
    added: &mut Added,
) -> Result<bool, Error> {
    if let Some(signed) = signed {
        let payloads = || signed.iter().filter(|claim| claim.form == Form::Payload);
        if payloads().any(Claim::signs) {
            return Ok(payloads().any(|claim| !claim.signs()));
        }
    }
    let (bytes, signature) = sign::payload(signing.signer, signing.repository, &subject.digest)
        .await
        .map_err(|e| failed("sign", subject, e))?;
    let (mut layer, bytes) = blob(PAYLOAD_MEDIA_TYPE, bytes);
    layer
        .annotations
        .insert(SIGNATURE_ANNOTATION.to_owned(), signature);
    let tag = payload_tag(&subject.digest);
    for attempt in 1..=ATTEMPTS {
        let began = Instant::now();
        let alone = Packed::signatures(
            std::slice::from_ref(&layer),
            vec![(layer.clone(), bytes.clone())],
        );
        let there = to.resolve(&tag).await?;
        if there.as_ref().map(|there| there.digest) == Some(alone.descriptor().digest) {
            return Ok(false);
        }
        let mut layers = match &there {
            Some(there) => layers_of(to, there).await?,
            None => Vec::new(),
        };
        let same = |other: &Descriptor| {
            other.digest == layer.digest
                && other.annotations.get(SIGNATURE_ANNOTATION)
                    == layer.annotations.get(SIGNATURE_ANNOTATION)
        };
        let others = layers.iter().any(|layer| !same(layer));
        if layers.iter().any(same) {
            return Ok(others);
        }
        if attempt == ATTEMPTS {
            break;
        }
        layers.push(layer.clone());
        let packed = Packed::signatures(&layers, vec![(layer.clone(), bytes.clone())]);
        packed.push(to).await?;
        to.tag(&packed.descriptor(), &tag).await?;
        added.something = true;
        added.window = began.elapsed();
    }
    Err(Error::Damaged {
        what: format!("the tag {tag} of {}", to.name()),
        problem: "others write it all the time: publish again".to_owned(),
    })
}

pub(super) async fn layers_of(
    from: &dyn Target,
    what: &Descriptor,
) -> Result<Vec<Descriptor>, Error> {
    let attempted = format!("read the signatures {} of {}", what.digest, from.name());
    let manifest = Manifest::parse(&from.fetch(what).await?, &attempted)?;
    Ok(manifest.layers)
}

/// The tag under which cosign keeps payloads.
pub(super) fn payload_tag(digest: &Digest) -> String {
    format!("{}.sig", digest.to_string().replace(':', "-"))
}

/// In which form something is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A payload under a tag.
    Payload,
    /// A Sigstore bundle.
    Bundle,
}

impl Form {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Bundle => "bundle",
        }
    }
}

/// A signature or attestation, as one key or identity sees it.
#[derive(Debug)]
pub struct Claim {
    /// Sigstore's bundle, or cosign's older tag.
    pub form: Form,
    /// Digest of the manifest that carries it.
    pub digest: Digest,
    /// What it is, by its own word.
    pub predicate_type: Option<String>,
    /// The statement, when they signed it; why not, otherwise. Payloads
    /// have no statement of their own.
    pub verified: Result<Option<Statement>, sign::Error>,
}

impl Claim {
    /// Whether this says `predicate`, of the type `kind`, by the key.
    fn says(&self, kind: &str, predicate: &Json) -> bool {
        match &self.verified {
            Ok(Some(said)) => said.predicate_type == kind && said.predicate == *predicate,
            Ok(None) | Err(_) => false,
        }
    }

    /// Whether this is the signature, and by the key.
    pub fn signs(&self) -> bool {
        match &self.verified {
            Ok(None) => true,
            Ok(Some(statement)) => statement.predicate_type == PREDICATE_SIGNATURE,
            Err(_) => false,
        }
    }
}

/// Everything that is said about `subject`, held against `trusted`.
pub(super) async fn claims(
    from: &dyn Target,
    subject: &Descriptor,
    trusted: &Trusted,
) -> Result<Vec<Claim>, Error> {
    let mut claims = Vec::new();
    if let Some(tagged) = from.resolve(&payload_tag(&subject.digest)).await? {
        let layers = layers_of(from, &tagged).await?;
        for layer in layers.iter().take(MAX_CLAIMS) {
            if layer.media_type != PAYLOAD_MEDIA_TYPE {
                continue;
            }
            let signature = layer.annotations.get(SIGNATURE_ANNOTATION);
            let payload = small(from, layer).await?;
            let signature = signature.map_or("", String::as_str);
            let verified = trusted.payload(&payload, signature, &subject.digest);
            claims.push(Claim {
                form: Form::Payload,
                digest: tagged.digest,
                predicate_type: None,
                verified: verified.map(|()| None),
            });
        }
    }
    for (referrer, manifest, bundle) in bundles_of(from, subject).await? {
        claims.push(Claim {
            form: Form::Bundle,
            digest: referrer,
            predicate_type: predicate_type(&manifest.annotations),
            verified: trusted.statement(&bundle, &subject.digest).map(Some),
        });
    }
    Ok(claims)
}

/// The Sigstore bundles about `subject`, each with the digest of the manifest that carries it
/// and that manifest.
pub(super) async fn bundles_of(
    from: &dyn Target,
    subject: &Descriptor,
) -> Result<Vec<(Digest, Manifest, bytes::Bytes)>, Error> {
    let mut bundles = Vec::new();
    for referrer in from.referrers(subject).await?.iter().take(MAX_CLAIMS) {
        let attempted = format!("read {} of {}", referrer.digest, from.name());
        let manifest = Manifest::parse(&from.fetch(referrer).await?, &attempted)?;
        let [layer] = manifest.layers.as_slice() else {
            continue;
        };
        if layer
            .media_type
            .starts_with("application/vnd.dev.sigstore.bundle")
        {
            let bundle = small(from, layer).await?;
            bundles.push((referrer.digest, manifest, bundle));
        }
    }
    Ok(bundles)
}

/// The predicate type by the word of a referrer's annotations.
pub(super) fn predicate_type(
    annotations: &std::collections::BTreeMap<String, String>,
) -> Option<String> {
    annotations
        .get("dev.sigstore.bundle.predicateType")
        .cloned()
}

async fn small(from: &dyn Target, what: &Descriptor) -> Result<bytes::Bytes, Error> {
    if what.size > MAX_CLAIM {
        return Err(Error::Damaged {
            what: format!("the signature {} of {}", what.digest, from.name()),
            problem: format!("it has {} bytes; at most {MAX_CLAIM} are read", what.size),
        });
    }
    Ok(from.fetch(what).await?)
}

fn failed(verb: &str, subject: &Descriptor, source: sign::Error) -> Error {
    Error::Sign {
        attempted: format!("{verb} {}", subject.digest),
        source,
    }
}
