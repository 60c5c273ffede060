//! Whether a bundle is whole, signed, and from where it should be.

use super::{Claim, Error, Found, PROVENANCE, read, signatures};
use crate::diag::excerpt;
use crate::edge::oci::{Descriptor, Target};
use crate::edge::sign::{Statement, Trusted};
use crate::tree::{Digest, Limits};
use serde_json::{Value as Json, json};

/// What is asked of a bundle beside being whole.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// It must be signed by this key, or by such an identity.
    pub signed_by: Option<Trusted>,
    /// The provenance must name this source.
    pub expect_source: Option<String>,
    /// The inventory must name these policies of operators.
    pub policies: Vec<Digest>,
}

/// A bundle that is what it should be.
#[derive(Debug)]
pub struct Verified {
    /// As it was asked for.
    pub reference: String,
    /// The bundle whose signatures were checked.
    pub found: Found,
    /// Signatures and attestations, held against the key; none without one.
    pub claims: Vec<Claim>,
    /// Source and revision by the provenance.
    pub provenance: Option<Json>,
}

/// Reads the bundle and holds it against `policy`.
///
/// # Errors
/// When it is not whole, not signed, or from elsewhere.
pub async fn verify(
    from: &dyn Target,
    reference: &str,
    policy: &Policy,
    limits: &Limits,
) -> Result<Verified, Error> {
    if policy.expect_source.is_some() && policy.signed_by.is_none() {
        return Err(Error::Usage(
            "--expect-source needs --key or --certificate-identity: provenance that nobody signed \
             says nothing"
                .to_owned(),
        ));
    }
    let found = read(from, reference, limits).await?;
    let mut claims = Vec::new();
    if let Some(trusted) = &policy.signed_by {
        claims = signatures::claims(from, &found.descriptor, trusted).await?;
        signed(&found, &claims, trusted)?;
    }
    for digest in &policy.policies {
        held_to(&found.inventory, &found.what, digest)?;
    }
    let provenance = claims.iter().find_map(|claim| match &claim.verified {
        Ok(Some(statement)) if statement.predicate_type == PROVENANCE => Some(statement),
        _ => None,
    });
    if let Some(expected) = &policy.expect_source {
        from_where(&found.what, provenance, expected)?;
    }
    let provenance = provenance.map(origin);
    Ok(Verified {
        reference: reference.to_owned(),
        found,
        claims,
        provenance,
    })
}

/// Holds the inventory of a bundle against the digest of a policy: the bundle was
/// rendered under it, if the inventory says so.
///
/// # Errors
/// When it does not.
pub fn held_to(inventory: &Json, what: &str, policy: &Digest) -> Result<(), Error> {
    let named = inventory["policies"].as_array().into_iter().flatten();
    let mut named = named.filter_map(Json::as_str);
    let wanted = policy.to_string();
    if named.clone().any(|digest| digest == wanted) {
        return Ok(());
    }
    let named = match named.next() {
        None => "names none".to_owned(),
        Some(first) => format!("names {}", excerpt(first, 80)),
    };
    Err(Error::Policy {
        what: excerpt(what, 300),
        problem: format!(
            "it was not held to the policy {wanted}: its inventory {named}; render it with --policy"
        ),
    })
}

/// Whether `trusted` signed `subject`, in either form. The bundle itself is not read.
///
/// # Errors
/// When the registry refuses, or what is there is damaged.
pub async fn is_signed(
    from: &dyn Target,
    subject: &Descriptor,
    trusted: &Trusted,
) -> Result<bool, Error> {
    let claims = signatures::claims(from, subject, trusted).await?;
    Ok(claims.iter().any(Claim::signs))
}

/// Whether they signed it, in either form.
pub(super) fn signed(found: &Found, claims: &[Claim], trusted: &Trusted) -> Result<(), Error> {
    if claims.iter().any(Claim::signs) {
        return Ok(());
    }
    let mut problems: Vec<String> = claims
        .iter()
        .map(|claim| match &claim.verified {
            Err(error) => format!("{}: {error}", claim.form.as_str()),
            Ok(_) => "an attestation, which is no signature".to_owned(),
        })
        .collect();
    problems.dedup();
    Err(Error::Unsigned {
        what: found.what.clone(),
        signer: trusted.to_string(),
        problem: match problems.is_empty() {
            true => "it has no signature at all".to_owned(),
            false => problems.join("; "),
        },
    })
}

/// Source, revision and builder by a provenance.
pub(super) fn origin(statement: &Statement) -> Json {
    let parameters = &statement.predicate["buildDefinition"]["externalParameters"];
    json!({
        "source": parameters["source"]["uri"],
        "revision": parameters["source"]["revision"],
        "builder": statement.predicate["runDetails"]["builder"]["id"],
    })
}

pub(super) fn from_where(
    what: &str,
    provenance: Option<&Statement>,
    expected: &str,
) -> Result<(), Error> {
    let refused = |problem: String| Error::Provenance {
        what: what.to_owned(),
        problem,
    };
    let Some(statement) = provenance else {
        return Err(refused(format!(
            "there is no provenance that they signed; expected the source {expected}; publish with --attest"
        )));
    };
    let parameters = &statement.predicate["buildDefinition"]["externalParameters"];
    let source = parameters["source"]["uri"].as_str().unwrap_or("");
    if plain(source) == plain(expected) {
        return Ok(());
    }
    let shown = match source {
        "" => "none".to_owned(),
        source => format!("`{}`", excerpt(source, 300)),
    };
    Err(refused(format!(
        "the provenance names the source {shown}; expected `{expected}`"
    )))
}

/// A URL without what means nothing.
fn plain(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url)
}

impl Verified {
    /// The answer of `verify --format json`, version 1.
    pub fn to_json(&self) -> Json {
        let files = self.found.inventory["files"].as_array().map_or(0, Vec::len);
        let resources = self.found.inventory["resources"].as_array();
        let (mut attestations, signatures): (Vec<&Claim>, Vec<&Claim>) = self
            .claims
            .iter()
            .partition(|claim| !claim.signs() && claim.predicate().is_some());
        attestations.sort_by_key(|claim| (claim.predicate(), claim.digest));
        json!({
            "version": 1,
            "reference": self.reference,
            "digest": self.found.descriptor.digest.to_string(),
            "layer_digest": self.found.layer_digest().to_string(),
            "verified": true,
            "files": files + 1,
            "resources": resources.map_or(0, Vec::len),
            "source": self.found.inventory["source"]["url"],
            "revision": self.found.inventory["source"]["revision"],
            "signatures": signatures.iter().map(|c| c.to_json()).collect::<Vec<_>>(),
            "attestations": attestations.iter().map(|c| c.to_json()).collect::<Vec<_>>(),
            "provenance": self.provenance,
        })
    }
}

impl Claim {
    /// What an attestation attests; nothing for a signature.
    pub fn predicate(&self) -> Option<&str> {
        let kind = match &self.verified {
            Ok(Some(statement)) => Some(statement.predicate_type.as_str()),
            _ => self.predicate_type.as_deref(),
        };
        kind.filter(|kind| *kind != crate::edge::sign::PREDICATE_SIGNATURE)
    }

    fn to_json(&self) -> Json {
        let problem = self.verified.as_ref().err().map(ToString::to_string);
        json!({
            "form": self.form.as_str(),
            "digest": self.digest.to_string(),
            "predicate_type": self.predicate(),
            "verified": self.verified.is_ok(),
            "problem": problem,
        })
    }
}
