//! A file that is signed beside itself, as those of a release are.

use super::verify::from_where;
use super::{Error, PROVENANCE, Policy};
use crate::edge::sign::Statement;
use crate::tree::Digest;
use serde_json::{Value as Json, json};

/// What the name of a file's Sigstore bundle ends with.
pub const BUNDLE_ENDING: &str = ".sigstore.json";

/// A file that is what its maker signed.
#[derive(Debug)]
pub struct VerifiedFile {
    /// Its name, as it was given.
    pub name: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// What was signed about it.
    pub statement: Statement,
}

/// Holds a file, whose Sigstore bundle is `signed`, against `policy`.
///
/// # Errors
/// When nobody whom the policy names signed a statement about these bytes, or when it
/// names another source than is expected.
pub fn verify_file(
    name: &str,
    bytes: &[u8],
    signed: &[u8],
    policy: &Policy,
) -> Result<VerifiedFile, Error> {
    let Some(trusted) = &policy.signed_by else {
        return Err(Error::Usage(format!(
            "{name}: say whose signature counts, with --key or --certificate-identity"
        )));
    };
    if !policy.policies.is_empty() {
        return Err(Error::Usage(format!(
            "{name}: --require-policy is about bundles; a file has no inventory"
        )));
    }
    let digest = Digest::of(bytes);
    let statement = trusted
        .statement(signed, &digest)
        .map_err(|error| Error::Unsigned {
            what: name.to_owned(),
            signer: trusted.to_string(),
            problem: error.to_string(),
        })?;
    if let Some(expected) = &policy.expect_source {
        let provenance = (statement.predicate_type == PROVENANCE).then_some(&statement);
        from_where(name, provenance, expected)?;
    }
    Ok(VerifiedFile {
        name: name.to_owned(),
        digest,
        statement,
    })
}

impl VerifiedFile {
    /// Source and revision by the provenance; null where something else was signed.
    fn provenance(&self) -> Option<Json> {
        (self.statement.predicate_type == PROVENANCE)
            .then(|| super::verify::origin(&self.statement))
    }

    /// The answer of `verify --format json`, version 1.
    pub fn to_json(&self) -> Json {
        json!({
            "version": 1,
            "reference": self.name,
            "digest": self.digest.to_string(),
            "verified": true,
            "predicate_type": self.statement.predicate_type,
            "provenance": self.provenance(),
        })
    }

    /// The same for people.
    pub fn to_human(&self) -> String {
        let mut text = format!(
            "file      {}\nsigned    {}\n",
            self.digest, self.statement.predicate_type
        );
        if let Some(provenance) = self.provenance() {
            for (title, key) in [("source", "source"), ("revision", "revision")] {
                if let Some(value) = provenance[key].as_str() {
                    let value = crate::diag::excerpt(value, 300);
                    text.push_str(&format!("{title:<9} {value}\n"));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::sign::{SigningKey, bundle, keygen};

    fn key() -> SigningKey {
        let pair = keygen(b"").unwrap();
        SigningKey::from_pem(pair.private.as_bytes(), b"").unwrap()
    }

    fn trusting(key: &SigningKey, source: Option<&str>) -> Policy {
        Policy {
            signed_by: Some(key.verifying_key().clone().into()),
            expect_source: source.map(str::to_owned),
            policies: Vec::new(),
        }
    }

    #[test]
    fn a_file_is_what_its_maker_signed() {
        let (own, other) = (key(), key());
        let source = json!({"uri": "https://example.com/a.git", "revision": "main"});
        let predicate = json!({"buildDefinition": {"externalParameters": {"source": source}}});
        let digest = Digest::of(b"file");
        let made = bundle(&own, &digest, PROVENANCE, &predicate);
        let signed = futures_util::FutureExt::now_or_never(made)
            .unwrap()
            .unwrap();
        let verify =
            |bytes: &[u8], policy: &Policy| verify_file("a.tar.gz", bytes, &signed, policy);

        let file = verify(b"file", &trusting(&own, Some("https://example.com/a"))).unwrap();
        assert_eq!(file.to_json()["provenance"]["revision"], "main");
        assert!(
            file.to_human()
                .contains("source    https://example.com/a.git")
        );
        for (bytes, policy, said) in [
            (
                &b"other"[..],
                trusting(&own, None),
                "a.tar.gz is not signed by",
            ),
            (b"file", trusting(&other, None), "a.tar.gz is not signed by"),
            (
                b"file",
                trusting(&own, Some("https://example.com/b")),
                "expected `https://example.com/b`",
            ),
            (b"file", Policy::default(), "--key"),
        ] {
            let error = verify(bytes, &policy).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
