//! Docker's `config.json`, which Kubernetes secrets and most registry tools
//! share.

use super::super::{Error, Reference};
use super::config::{self, Config, Entry};
use super::places::{self, Place};
use super::{Login, helper};
use crate::edge::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use std::io;
use std::path::Path;
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

const MAX_CONFIG: u64 = 1 << 20;
/// What Docker Hub is called in configurations.
const HUB: &str = "https://index.docker.io/v1/";

/// From the places where Docker, podman and the runners of CI systems keep them, in
/// turn, until one knows the registry. Without any there is nobody.
pub(super) async fn usual(at: &Reference) -> Result<Login, Error> {
    for place in places::all(|name| std::env::var_os(name)) {
        let (text, name) = match place {
            Place::Text { variable, text } => (Zeroizing::new(text.into_encoded_bytes()), variable),
            Place::File(path) => match read(&path).await? {
                Some(text) => (text, path.display().to_string()),
                None => continue,
            },
        };
        let login = from_config(&parse(&text, &name)?, at).await?;
        if !matches!(login, Login::Anonymous) {
            return Ok(login);
        }
    }
    Ok(Login::Anonymous)
}

/// The names of those places.
pub(super) fn looked_in() -> Vec<String> {
    let places = places::all(|name| std::env::var_os(name));
    places.map(|place| place.to_string()).collect()
}

/// From the file that was named, which is there.
pub(super) async fn from_file(path: &Path, at: &Reference) -> Result<Login, Error> {
    let missing = || {
        Error::io(
            format!("read {}", path.display()),
            io::ErrorKind::NotFound.into(),
        )
    };
    let text = read(path).await?.ok_or_else(missing)?;
    from_config(&parse(&text, &path.display().to_string())?, at).await
}

/// From a Kubernetes secret.
pub(super) fn from_secret(json: &Secret, at: &Reference) -> Result<Login, Error> {
    let config = parse(json.expose().as_bytes(), "the secret's .dockerconfigjson")?;
    entry(&config, at)
}

/// Whether a Kubernetes secret has an entry for the registry.
pub(super) fn names(json: &Secret, at: &Reference) -> Result<bool, Error> {
    let config = parse(json.expose().as_bytes(), "the secret's .dockerconfigjson")?;
    let keys = config.auths.keys().map(|key| (key.as_str(), ()));
    Ok(best(keys, at).is_some())
}

async fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let attempted = || format!("read {}", path.display());
    let file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(attempted(), e)),
    };
    let mut text = Zeroizing::new(Vec::new());
    let read = file.take(MAX_CONFIG + 1).read_to_end(&mut text).await;
    read.map_err(|e| Error::io(attempted(), e))?;
    if text.len() as u64 > MAX_CONFIG {
        return Err(Error::Over {
            attempted: attempted(),
            limit: MAX_CONFIG,
        });
    }
    Ok(Some(text))
}

fn parse(text: &[u8], name: &str) -> Result<Config, Error> {
    config::read(text).map_err(|e| Error::Credentials {
        attempted: format!("read {name}"),
        // The parser's words may quote a password: only the place is told.
        problem: format!(
            "line {}, column {} is not as expected",
            e.line(),
            e.column()
        ),
        help: "it is JSON with `auths`, as `docker login` and `podman login` write it".to_owned(),
    })
}

async fn from_config(config: &Config, at: &Reference) -> Result<Login, Error> {
    let server = server(at);
    let helpers = config.cred_helpers.iter();
    let helper = best(helpers.map(|(key, name)| (key.as_str(), name)), at);
    if let Some(name) = helper
        .or(config.creds_store.as_ref())
        .filter(|n| !n.is_empty())
        && let Some(login) = helper::get(name, &server).await?
    {
        return Ok(login);
    }
    entry(config, at)
}

/// The registry as helpers know it.
fn server(at: &Reference) -> String {
    match at.registry.as_str() {
        "docker.io" | "index.docker.io" => HUB.to_owned(),
        registry => registry.to_owned(),
    }
}

fn entry(config: &Config, at: &Reference) -> Result<Login, Error> {
    let entries = config
        .auths
        .iter()
        .map(|(key, entry)| (key.as_str(), entry));
    match best(entries, at) {
        Some(entry) => login(entry, at),
        None => Ok(Login::Anonymous),
    }
}

/// The entry whose key names most of the repository's path.
fn best<'a, T>(entries: impl Iterator<Item = (&'a str, T)>, at: &Reference) -> Option<T> {
    let matching = entries.filter_map(|(key, entry)| Some((matches(key, at)?, entry)));
    matching.max_by_key(|(length, _)| *length).map(|(_, e)| e)
}

/// How much of the repository's path `key` names; `None` when it is of another
/// registry. Keys have schemes, API versions, paths and, in Kubernetes,
/// wildcards for parts of the host.
fn matches(key: &str, at: &Reference) -> Option<usize> {
    let key = key.trim();
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    let bare = bare.trim_end_matches('/');
    let bare = bare
        .strip_suffix("/v1")
        .or(bare.strip_suffix("/v2"))
        .unwrap_or(bare);
    let (host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let same = |registry: &str| {
        let (key, have): (Vec<_>, Vec<_>) =
            (host.split('.').collect(), registry.split('.').collect());
        let part = |(k, h): (&&str, &&str)| glob(k, h);
        key.len() == have.len() && key.iter().zip(&have).all(part)
    };
    let hub = ["docker.io", "index.docker.io", "registry-1.docker.io"];
    let aliases = match hub.contains(&at.registry.as_str()) {
        true => &hub[..],
        false => &[],
    };
    if !same(&at.registry) && !aliases.iter().any(|alias| same(alias)) {
        return None;
    }
    let rest = at.repository.strip_prefix(path)?;
    let whole = path.is_empty() || rest.is_empty() || rest.starts_with('/');
    whole.then_some(path.len() + 1)
}

/// Whether `text` is `pattern`, in which one `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern.eq_ignore_ascii_case(text),
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

fn login(entry: &Entry, at: &Reference) -> Result<Login, Error> {
    if !entry.registrytoken.is_empty() {
        return Ok(Login::Bearer(entry.registrytoken.clone()));
    }
    if !entry.identitytoken.is_empty() {
        return Ok(Login::Refresh {
            token: entry.identitytoken.clone(),
            confined: false,
        });
    }
    // As Docker reads it: the pair in `auth` stands over the two fields.
    if entry.auth.expose().trim().is_empty() {
        return Ok(match entry.username.is_empty() {
            true => Login::Anonymous,
            false => Login::Basic {
                username: entry.username.clone(),
                password: entry.password.clone(),
            },
        });
    }
    let wrong = || Error::Credentials {
        attempted: format!("read the credentials for {}", at.registry),
        problem: "`auth` is not USER:PASSWORD in Base64".to_owned(),
        help: format!("`docker login {}` writes it anew", at.registry),
    };
    let lines = entry.auth.expose().split_ascii_whitespace();
    let text: Zeroizing<String> = Zeroizing::new(lines.collect());
    let decoded = STANDARD
        .decode(text.as_bytes())
        .or_else(|_| STANDARD_NO_PAD.decode(text.as_bytes()));
    let decoded = Zeroizing::new(decoded.map_err(|_| wrong())?);
    let pair = std::str::from_utf8(&decoded).map_err(|_| wrong())?;
    let (username, password) = pair.split_once(':').ok_or_else(wrong)?;
    if username.is_empty() && password.is_empty() {
        return Ok(Login::Anonymous);
    }
    Ok(Login::Basic {
        username: username.to_owned(),
        // Docker has been seen to pad it.
        password: Secret::new(password.trim_end_matches('\0').to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Reference {
        text.parse().unwrap()
    }

    fn shown(json: &str, reference: &str) -> String {
        match from_secret(&Secret::new(json.into()), &at(reference)) {
            Ok(Login::Anonymous) => "nobody".into(),
            Ok(Login::Basic { username, password }) => format!("{username}:{}", password.expose()),
            Ok(Login::Refresh { token, confined }) => {
                format!("refresh {} {confined}", token.expose())
            }
            Ok(Login::Bearer(token)) => format!("bearer {}", token.expose()),
            Err(error) => format!("{error}"),
        }
    }

    #[test]
    fn a_secret_names_the_registries_it_has_entries_for() {
        let secret = Secret::new(auth("ghcr.io/team"));
        for (reference, expected) in [
            ("ghcr.io/team/apim", true),
            ("ghcr.io/other/apim", false),
            ("registry.example.com/team/apim", false),
        ] {
            let named = names(&secret, &at(reference)).unwrap();
            assert_eq!(named, expected, "{reference}");
        }
    }

    fn auth(key: &str) -> String {
        format!(
            r#"{{"auths":{{"{key}":{{"auth":"{}"}}}}}}"#,
            STANDARD.encode("me:hunter2")
        )
    }

    #[test]
    fn keys_are_understood_as_docker_and_kubernetes_write_them() {
        for key in [
            "ghcr.io",
            "https://ghcr.io",
            "https://ghcr.io/v2/",
            "http://ghcr.io/v1",
            "ghcr.io/team",
            "ghcr.io/team/orders",
            "GHCR.io",
            "*.io",
            "gh*.io",
        ] {
            assert_eq!(
                shown(&auth(key), "ghcr.io/team/orders"),
                "me:hunter2",
                "{key}"
            );
        }
        for key in [
            "ghcr.io/tea",
            "ghcr.io/team/orders/x",
            "r.ghcr.io",
            "ghcr.io.evil",
            "*",
            "ghcr.io:443",
            "",
        ] {
            assert_eq!(shown(&auth(key), "ghcr.io/team/orders"), "nobody", "{key}");
        }
        assert_eq!(shown(&auth(HUB), "docker.io/library/x"), "me:hunter2");
        assert_eq!(
            shown(&auth("docker.io"), "index.docker.io/library/x"),
            "me:hunter2"
        );
        assert_eq!(
            shown(&auth("127.0.0.1:5000"), "127.0.0.1:5000/x"),
            "me:hunter2"
        );
        assert_eq!(shown(&auth("127.0.0.1:5000"), "127.0.0.1:5001/x"), "nobody");
    }

    #[test]
    fn the_key_that_names_most_of_the_path_is_taken() {
        let json = r#"{"auths":{"r.io":{"username":"a","password":"1"},"r.io/team":{"username":"b","password":"2"},"r.io/other":{"username":"c","password":"3"}}}"#;
        assert_eq!(shown(json, "r.io/team/x"), "b:2");
        assert_eq!(shown(json, "r.io/x"), "a:1");
    }

    #[test]
    fn tokens_stand_over_passwords() {
        let of = |entry: &str| shown(&format!(r#"{{"auths":{{"r.io":{entry}}}}}"#), "r.io/x");
        assert_eq!(
            of(r#"{"identitytoken":"t","auth":"bWU6"}"#),
            "refresh t false"
        );
        assert_eq!(of(r#"{"registrytoken":"t"}"#), "bearer t");
        assert_eq!(of("{}"), "nobody");
        assert!(of(r#"{"auth":"!!"}"#).contains("USER:PASSWORD in Base64"));
        assert!(of(r#"{"auth":"bWU="}"#).contains("USER:PASSWORD in Base64"));
    }

    #[test]
    fn a_secret_runs_no_program_and_shows_nothing_of_itself() {
        assert_eq!(
            shown(
                r#"{"credsStore":"evil","credHelpers":{"r.io":"evil"}}"#,
                "r.io/x"
            ),
            "nobody"
        );
        let error = shown(r#"{"auths":{"r.io":{"password":["hunter2"]}}}"#, "r.io/x");
        assert!(
            error.contains("line 1, column") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
