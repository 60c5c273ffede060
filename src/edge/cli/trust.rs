//! Flags that say whose signatures count, and who signs without a key.

use super::registry::{RegistryArgs, file};
use crate::edge::oci::Connection;
use crate::edge::publish::Policy;
use crate::edge::secret::Secret;
use crate::edge::sign::{
    FULCIO, IdToken, Identity, Instance, Keyless, REKOR, Requested, Signer, TrustRoot, Trusted,
    Wanted,
};
use crate::tree::Digest;
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where GitLab and others put the token that they make for a job.
const TOKEN: &str = "SIGSTORE_ID_TOKEN";
/// Where a job of GitHub Actions asks for one, and with what.
const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// What vouches for identities.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RootArgs {
    /// The trusted_root.json of another instance of Sigstore, or a newer one of the public
    /// instance; nothing else is asked.
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_TRUSTED_ROOT")]
    trusted_root: Option<PathBuf>,
}

impl RootArgs {
    fn root(&self) -> anyhow::Result<TrustRoot> {
        let Some(path) = &self.trusted_root else {
            return Ok(TrustRoot::public()?);
        };
        let text = file(path, "trust root")?;
        let text = std::str::from_utf8(&text)
            .with_context(|| format!("read the trust root {}: it is no text", path.display()))?;
        Ok(TrustRoot::from_json(text, &path.display().to_string())?)
    }
}

/// What a bundle must be, beside whole.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Trust")]
pub(super) struct TrustArgs {
    /// It must be signed by this identity, as a certificate names it:
    /// https://github.com/TEAM/REPO/.github/workflows/FILE@refs/heads/main.
    #[arg(long, value_name = "TEXT", env = "FLUX_APIM_CERTIFICATE_IDENTITY")]
    certificate_identity: Option<String>,
    /// The same by a pattern that is found in the identity; ^ and $ anchor it.
    #[arg(
        long,
        value_name = "PATTERN",
        env = "FLUX_APIM_CERTIFICATE_IDENTITY_REGEXP",
        conflicts_with = "certificate_identity"
    )]
    certificate_identity_regexp: Option<String>,
    /// The OIDC issuer that says who it is: https://token.actions.githubusercontent.com.
    #[arg(long, value_name = "URL", env = "FLUX_APIM_CERTIFICATE_OIDC_ISSUER")]
    certificate_oidc_issuer: Option<String>,
    /// The same by a pattern that is found in the issuer.
    #[arg(
        long,
        value_name = "PATTERN",
        env = "FLUX_APIM_CERTIFICATE_OIDC_ISSUER_REGEXP",
        conflicts_with = "certificate_oidc_issuer"
    )]
    certificate_oidc_issuer_regexp: Option<String>,
    #[command(flatten)]
    root: RootArgs,
    /// The signed provenance must name this source.
    #[arg(long, value_name = "URL")]
    expect_source: Option<String>,
}

impl TrustArgs {
    /// Whether somebody must have signed.
    pub(super) fn is_given(&self) -> bool {
        self.certificate_identity.is_some() || self.certificate_identity_regexp.is_some()
    }

    /// What is asked of a bundle that must be signed by `key`, where there is one, and held
    /// to `policies`.
    pub(super) fn policy(
        &self,
        key: Option<&Path>,
        policies: &[Digest],
        registry: &RegistryArgs,
    ) -> anyhow::Result<Policy> {
        let subject = wanted(
            self.certificate_identity.as_ref(),
            self.certificate_identity_regexp.as_ref(),
        )?;
        let issuer = wanted(
            self.certificate_oidc_issuer.as_ref(),
            self.certificate_oidc_issuer_regexp.as_ref(),
        )?;
        let signed_by = match (key, subject, issuer) {
            (None, None, None) => None,
            (Some(key), None, None) => Some(registry.verifying_key(key)?.into()),
            (None, Some(subject), Some(issuer)) => {
                let root = self.root.root()?;
                let identity = Identity {
                    subject,
                    issuer,
                    root,
                };
                Some(Trusted::Identity(Arc::new(identity)))
            }
            (Some(_), ..) => anyhow::bail!(
                "a key and an identity are given; a bundle is verified with one of them"
            ),
            (None, ..) => anyhow::bail!(
                "an identity is one of an issuer: --certificate-identity (or \
                 --certificate-identity-regexp) and --certificate-oidc-issuer (or \
                 --certificate-oidc-issuer-regexp) go together"
            ),
        };
        Ok(Policy {
            signed_by,
            expect_source: self.expect_source.clone(),
            policies: policies.to_vec(),
        })
    }
}

fn wanted(exactly: Option<&String>, like: Option<&String>) -> anyhow::Result<Option<Wanted>> {
    Ok(match (exactly, like) {
        (Some(text), _) => Some(Wanted::Exactly(text.clone())),
        (None, Some(pattern)) => Some(Wanted::like(pattern)?),
        (None, None) => None,
    })
}

/// Signing as an identity.
#[derive(Debug, Args)]
#[command(next_help_heading = "Keyless signing")]
pub(super) struct KeylessArgs {
    /// Sign as the identity of this CI job, without a key: GitHub Actions (with `permissions:
    /// id-token: write`), or whatever sets SIGSTORE_ID_TOKEN. Who signed what is then public
    /// for ever, in Sigstore's logs.
    #[arg(long, conflicts_with = "sign_key")]
    pub(super) keyless: bool,
    /// The identity token, from a file.
    #[arg(long, value_name = "FILE", requires = "keyless")]
    identity_token: Option<PathBuf>,
    /// The certificate authority.
    #[arg(
        long,
        value_name = "URL",
        env = "FLUX_APIM_FULCIO_URL",
        default_value = FULCIO
    )]
    fulcio_url: String,
    /// The transparency log.
    #[arg(
        long,
        value_name = "URL",
        env = "FLUX_APIM_REKOR_URL",
        default_value = REKOR
    )]
    rekor_url: String,
    #[command(flatten)]
    root: RootArgs,
}

impl KeylessArgs {
    /// Who signs; nobody without --keyless.
    pub(super) fn signer(
        &self,
        connection: &Connection,
    ) -> anyhow::Result<Option<Arc<dyn Signer>>> {
        if !self.keyless {
            return Ok(None);
        }
        let root = self.root.root()?;
        let instance = Instance::new(&self.fulcio_url, &self.rekor_url, root, connection)?;
        let token = self.token(connection)?;
        Ok(Some(Arc::new(Keyless::new(token, instance))))
    }

    fn token(&self, connection: &Connection) -> anyhow::Result<IdToken> {
        if let Some(path) = &self.identity_token {
            let text = file(path, "identity token")?;
            let text = std::str::from_utf8(&text).unwrap_or_default();
            return Ok(IdToken::parse(text)?);
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        if let Some(text) = variable(TOKEN) {
            return Ok(IdToken::parse(Secret::new(text).expose())?);
        }
        match (variable(REQUEST_URL), variable(REQUEST_TOKEN)) {
            (Some(url), Some(token)) => {
                let from = Requested {
                    url,
                    token: Secret::new(token),
                };
                let requesting = IdToken::request(&from, connection);
                Ok(crate::edge::runtime()?.block_on(requesting)?)
            }
            _ => anyhow::bail!(
                "--keyless: there is no identity to sign as: neither {TOKEN} nor {REQUEST_URL} is \
                 set; GitHub Actions wants `permissions: id-token: write`, GitLab `id_tokens:` with \
                 {TOKEN} for the audience `sigstore`, and --identity-token takes a file"
            ),
        }
    }
}
