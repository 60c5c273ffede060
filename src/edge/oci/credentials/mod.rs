//! Who asks: nobody, a user, what Docker's configuration or a Kubernetes
//! secret knows, an Azure identity.

pub mod acr;
mod certificate;
mod cli;
mod config;
mod docker;
mod helper;
mod places;

use super::remote::Wire;
use super::{Error, Reference};
use crate::edge::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Who asks a registry.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// Nobody.
    #[default]
    Anonymous,
    /// Name and password, for Basic authentication or for a token.
    Basic {
        /// Name of the user.
        username: String,
        /// Password, or a token in its place.
        password: Secret,
    },
    /// Whoever Docker's configuration, or podman's, names for the registry, with its
    /// credential helpers: in `DOCKER_AUTH_CONFIG`, `DOCKER_CONFIG` or `~/.docker`,
    /// `REGISTRY_AUTH_FILE`, and podman's own places.
    DockerConfig,
    /// The same from a file that is named.
    DockerFile(PathBuf),
    /// A Kubernetes secret's `.dockerconfigjson`. It names no programs to run.
    Kubernetes(Secret),
    /// An identity in Azure, for Azure Container Registry.
    Azure(acr::Identity),
}

/// What a registry, or its token service, is shown.
#[derive(Debug, Clone)]
pub(super) enum Login {
    Anonymous,
    Basic {
        username: String,
        password: Secret,
    },
    /// A token that gives tokens. When `confined`, only the registry itself
    /// gets to see it.
    Refresh {
        token: Secret,
        confined: bool,
    },
    /// A token as it is.
    Bearer(Secret),
}

/// How long a login is good for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Till {
    /// Nobody says.
    Open,
    /// That long from now.
    In(Duration),
}

impl Login {
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let secret = match self {
            Self::Anonymous => None,
            Self::Basic { password, .. } => Some(password),
            Self::Refresh { token, .. } | Self::Bearer(token) => Some(token),
        };
        secret.into_iter()
    }
}

impl Credentials {
    /// Reads `USER:PASSWORD`, as `--creds` has it.
    ///
    /// # Errors
    /// When there is no colon, or no user.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some((username, password)) if !username.is_empty() => Ok(Self::Basic {
                username: username.to_owned(),
                password: Secret::new(password.to_owned()),
            }),
            _ => Err(Error::Credentials {
                attempted: "read --creds".to_owned(),
                problem: "it is not USER:PASSWORD".to_owned(),
                help: "put a colon between user and password or token".to_owned(),
            }),
        }
    }

    /// Takes a Kubernetes secret's `.dockerconfigjson`.
    ///
    /// # Errors
    /// When it is no text.
    pub fn kubernetes(json: &[u8]) -> Result<Self, Error> {
        match std::str::from_utf8(json) {
            Ok(text) => Ok(Self::Kubernetes(Secret::new(text.to_owned()))),
            Err(_) => Err(Error::Credentials {
                attempted: "read the secret's .dockerconfigjson".to_owned(),
                problem: "it is no UTF-8".to_owned(),
                help: "`kubectl create secret docker-registry` makes one".to_owned(),
            }),
        }
    }

    /// Whether they are for this repository, as far as that can be told without
    /// asking anyone.
    ///
    /// # Errors
    /// When they are a secret whose content is no configuration.
    pub fn know(&self, at: &Reference) -> Result<bool, Error> {
        match self {
            Self::Kubernetes(json) => docker::names(json, at),
            _ => Ok(true),
        }
    }

    /// Where they were looked for, for whoever finds that there are none.
    pub(super) fn looked_in(&self) -> Vec<String> {
        match self {
            Self::DockerConfig => docker::looked_in(),
            Self::DockerFile(path) => vec![path.display().to_string()],
            Self::Kubernetes(_) => vec!["the secret's .dockerconfigjson".to_owned()],
            Self::Anonymous | Self::Basic { .. } | Self::Azure(_) => Vec::new(),
        }
    }

    /// What to show for a repository.
    pub(super) async fn login(&self, wire: &Wire, at: &Reference) -> Result<(Login, Till), Error> {
        let login = match self {
            Self::Anonymous => Login::Anonymous,
            Self::Basic { username, password } => Login::Basic {
                username: username.clone(),
                password: password.clone(),
            },
            Self::DockerConfig => docker::usual(at).await?,
            Self::DockerFile(path) => docker::from_file(path, at).await?,
            Self::Kubernetes(json) => docker::from_secret(json, at)?,
            Self::Azure(identity) => return identity.login(wire, at).await,
        };
        Ok((login, Till::Open))
    }
}

/// How long a JSON Web Token lasts by its own account: from `iat` to `exp`, so
/// that a wrong clock here does not matter, else from now. The signature is for
/// others to check.
pub(super) fn life_of(token: &Secret) -> Option<Duration> {
    let claims = claims_of(token)?;
    let until = claims["exp"].as_u64()?;
    let from = match claims["iat"].as_u64() {
        Some(issued) => issued,
        None => SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs(),
    };
    Some(Duration::from_secs(until.saturating_sub(from)))
}

pub(in crate::edge) fn claims_of(token: &Secret) -> Option<serde_json::Value> {
    let mut parts = token.expose().split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice(&claims).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> Secret {
        Secret::new(format!("x.{}.y", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn a_token_lasts_as_long_as_it_says_whatever_our_clock_says() {
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(life_of(&jwt(r#"{"iat":100,"exp":3700}"#)), hour);
        assert_eq!(
            life_of(&jwt(r#"{"iat":3700,"exp":100}"#)),
            Some(Duration::ZERO)
        );
        assert_eq!(life_of(&jwt(r#"{"exp":100}"#)), Some(Duration::ZERO));
        assert_eq!(life_of(&jwt("{}")), None);
        assert_eq!(life_of(&Secret::new("opaque".into())), None);
    }

    #[test]
    fn creds_are_user_and_password() {
        let Ok(Credentials::Basic { username, password }) = Credentials::parse("me:a:b") else {
            panic!("not read")
        };
        assert_eq!((username.as_str(), password.expose()), ("me", "a:b"));
        for text in ["", "hunter2", ":hunter2"] {
            let error = Credentials::parse(text).unwrap_err();
            assert!(!format!("{error}{error:?}").contains("hunter2"));
        }
    }
}
