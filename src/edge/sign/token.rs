//! The OIDC token by which a CI job shows who it is.

use super::Error;
use crate::diag::excerpt;
use crate::edge::oci::{Connection, JsonService};
use crate::edge::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

/// What tokens for Sigstore are for.
const AUDIENCE: &str = "sigstore";

/// A token, and what it says without anybody having verified it: whoever certifies does.
#[derive(Debug)]
pub struct IdToken {
    pub(super) token: Secret,
    /// What the holder of a key signs to show that it is the holder's.
    pub(super) subject: String,
    issuer: String,
}

/// Where a job of GitHub Actions gets a token: `ACTIONS_ID_TOKEN_REQUEST_URL`, and what is
/// shown there, `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
#[derive(Debug)]
pub struct Requested {
    /// The URL; it names the run.
    pub url: String,
    /// What is shown there.
    pub token: Secret,
}

impl IdToken {
    /// Reads a token.
    ///
    /// # Errors
    /// When it is no JSON Web Token with a subject and an issuer.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let token = text.trim();
        let wrong = |why: &str| {
            Error::Keyless(format!(
                "the identity token cannot be used: {why}; it is the OIDC token of the CI system \
                 for the audience `{AUDIENCE}`, a JSON Web Token"
            ))
        };
        let mut parts = token.split('.');
        let (Some(_), Some(claims), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("it has not three parts"));
        };
        let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('='));
        let claims: Json = claims
            .ok()
            .and_then(|claims| serde_json::from_slice(&claims).ok())
            .ok_or_else(|| wrong("its second part is no JSON in base64"))?;
        let claim = |name: &str| claims[name].as_str().filter(|text| !text.is_empty());
        let subject = claim("email").or(claim("sub"));
        let (Some(subject), Some(issuer)) = (subject, claim("iss")) else {
            return Err(wrong("it names no subject, or no issuer"));
        };
        Ok(Self {
            token: Secret::new(token.to_owned()),
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
        })
    }

    /// Asks GitHub Actions for one.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn request(from: &Requested, connection: &Connection) -> Result<Self, Error> {
        let attempted = "get the identity token of this job from GitHub Actions";
        let asked = async {
            let service = JsonService::new(&from.url, connection)?;
            let audience = [("audience", AUDIENCE)];
            let token = Some(&from.token);
            service.ask(attempted, "", &audience, token, None).await
        };
        let answer = asked.await.map_err(|error| {
            Error::Keyless(format!(
                "{error}; the job needs `permissions: id-token: write`"
            ))
        })?;
        match answer["value"].as_str() {
            Some(token) => Self::parse(token),
            None => Err(Error::Keyless(format!(
                "{attempted}: the answer holds no token"
            ))),
        }
    }

    /// Who it is of, for people.
    pub(super) fn shown(&self) -> String {
        let (subject, issuer) = (excerpt(&self.subject, 200), excerpt(&self.issuer, 200));
        format!("{subject} of {issuer}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(claims: &Json) -> String {
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(claims))
    }

    #[test]
    fn a_token_names_who_signs() {
        let issuer = "https://token.actions.githubusercontent.com";
        let job = json!({"iss": issuer, "sub": "repo:team/apim:ref:refs/heads/main"});
        let read = IdToken::parse(&format!("{}\n", token(&job))).unwrap();
        assert_eq!(read.subject, "repo:team/apim:ref:refs/heads/main");
        assert_eq!(
            read.shown(),
            format!("repo:team/apim:ref:refs/heads/main of {issuer}")
        );
        let person = json!({"iss": "https://id.example", "sub": "CgQ", "email": "a@example.com"});
        let read = IdToken::parse(&token(&person)).unwrap();
        assert_eq!(read.subject, "a@example.com");
        assert!(!format!("{read:?}").contains(&token(&person)));
    }

    #[test]
    fn what_is_no_token_is_told_without_showing_it() {
        for (text, why) in [
            ("", "three parts"),
            ("canary", "three parts"),
            ("canary.canary.canary.canary", "three parts"),
            ("canary.!canary.canary", "no JSON"),
            (&token(&json!([])), "no subject"),
            (&token(&json!({"sub": "x"})), "no issuer"),
            (&token(&json!({"iss": "x", "email": ""})), "no subject"),
        ] {
            let error = IdToken::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
