//! Who we are to a registry: the challenge it gave, tokens by scope, and when
//! they end. What was learnt is kept, so that a run of requests pays for it
//! once.

use super::super::credentials::{Login, Till};
use super::super::{Error, Reference};
use super::challenge::{self, Challenge};
use super::wire::{Request, Wire};
use crate::edge::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const CLIENT_ID: &str = "flux-apim";
/// How long a token lasts whose end nobody states.
const UNSTATED: Duration = Duration::from_secs(60);
/// No token is kept longer.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a request is about to do, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) repository: String,
    pub(super) does: Does,
    /// A repository that a blob is taken over from.
    pub(super) from: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Does {
    Read,
    Write,
    Delete,
}

/// The credentials of one request.
#[derive(Clone)]
pub(super) struct Authorization {
    header: HeaderValue,
    /// Whether it is a token that anybody gets.
    pub(super) anonymous: bool,
    /// Which of the credentials that we had this was, so that a refused one is
    /// not replaced twice.
    serial: u64,
}

/// What was learnt, and what is being asked for. Nothing is locked while anybody is
/// asked, but what is asked for itself: a token that does not come keeps those waiting
/// who need it, and nobody else.
#[derive(Default)]
pub(super) struct Auth(Mutex<State>);

/// What is asked for once, however many need it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Login { repository: String },
    Token(Scope),
}

#[derive(Default)]
struct State {
    wanted: BTreeMap<Wanted, Arc<tokio::sync::Mutex<()>>>,
    challenge: Option<Known>,
    tokens: BTreeMap<Scope, (Authorization, Instant)>,
    logins: BTreeMap<String, (Login, Option<Instant>)>,
    serial: u64,
    /// Everything that was sent and must not come back to anyone's eyes.
    secrets: Vec<Secret>,
}

#[derive(Clone)]
enum Known {
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: Secret,
    #[serde(default)]
    access_token: Secret,
    #[serde(default)]
    refresh_token: Option<Secret>,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth")
    }
}

impl Scope {
    pub(super) fn new(repository: &str, does: Does) -> Self {
        Self {
            repository: repository.to_owned(),
            does,
            from: None,
        }
    }

    /// As token services spell it.
    fn spelled(&self) -> String {
        let does = match self.does {
            Does::Read => "pull",
            Does::Write => "pull,push",
            Does::Delete => "pull,push,delete",
        };
        let own = format!("repository:{}:{does}", self.repository);
        match &self.from {
            Some(from) => format!("{own} repository:{from}:pull"),
            None => own,
        }
    }

    /// What we are about to do and what the registry asks for: some ask for
    /// less than is needed, none knows where a blob is taken over from.
    fn with(&self, asked: Option<&str>) -> String {
        let mut all = self.spelled();
        for part in asked.unwrap_or("").split_ascii_whitespace() {
            if !all.split(' ').any(|have| have == part) {
                all = format!("{all} {part}");
            }
        }
        all
    }

    /// Whether a token for `self` does for `other`.
    fn covers(&self, other: &Self) -> bool {
        let enough = self.does >= other.does && self.repository == other.repository;
        enough && (other.from.is_none() || self.from == other.from)
    }
}

impl Authorization {
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.header.clone());
    }
}

impl Auth {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of whoever asks for `what`.
    async fn turn(&self, what: Wanted) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(self.state().wanted.entry(what).or_default());
        turn.lock_owned().await
    }

    /// The credentials for a request, as far as we know that any are wanted.
    pub(super) async fn known(
        &self,
        wire: &Wire,
        at: &Reference,
        scope: &Scope,
    ) -> Result<Option<Authorization>, Error> {
        let known = self.state().challenge.clone();
        match known {
            None => Ok(None),
            Some(known) => self
                .authorize(wire, at, scope, &known, None)
                .await
                .map(Some),
        }
    }

    /// The credentials that the challenge in `headers` asks for, after `used`
    /// were not enough.
    pub(super) async fn challenged(
        &self,
        wire: &Wire,
        at: &Reference,
        scope: &Scope,
        used: Option<&Authorization>,
        headers: &HeaderMap,
    ) -> Result<Authorization, Error> {
        let attempted = format!("log in to {}", at.registry);
        let (known, asked) = match challenge::parse(headers) {
            Challenge::Basic => (Known::Basic, None),
            Challenge::Bearer {
                realm,
                service,
                scope,
            } => (
                Known::Bearer {
                    realm: realm_of(wire, &realm, &attempted)?,
                    service,
                },
                scope,
            ),
            Challenge::Unknown(name) => {
                return Err(Error::Credentials {
                    attempted,
                    problem: match name.as_str() {
                        "" => "the registry answered 401 and did not say what it wants".to_owned(),
                        name => format!("the registry wants {name}"),
                    },
                    help: "Basic and Bearer are what we know".to_owned(),
                });
            }
        };
        if let Some(newer) = self.state().challenged(&known, scope, used) {
            return Ok(newer);
        }
        self.authorize(wire, at, scope, &known, asked).await
    }

    /// `text` without any secret that we sent: a registry may repeat them.
    pub(super) fn redact(&self, text: &str) -> String {
        let state = self.state();
        let mut text = text.to_owned();
        for secret in &state.secrets {
            text = text.replace(secret.expose(), "[secret]");
        }
        text
    }

    async fn authorize(
        &self,
        wire: &Wire,
        at: &Reference,
        scope: &Scope,
        known: &Known,
        asked: Option<String>,
    ) -> Result<Authorization, Error> {
        if let Some(token) = self.state().token_for(scope) {
            return Ok(token);
        }
        let _turn = self.turn(Wanted::Token(scope.clone())).await;
        // Others may have got it while we waited.
        if let Some(token) = self.state().token_for(scope) {
            return Ok(token);
        }
        let now = Instant::now();
        let login = self.login(wire, at, scope).await?;
        let (header, till) = match (known, &login) {
            (Known::Basic, Login::Basic { username, password }) => {
                (self.state().basic(username, password), LONGEST)
            }
            (Known::Basic, Login::Anonymous) => return Err(nobody(wire, at)),
            (Known::Basic, Login::Refresh { .. } | Login::Bearer(_)) => {
                return Err(Error::Credentials {
                    attempted: format!("log in to {}", at.registry),
                    problem: "the registry wants user and password, the credentials are a token"
                        .to_owned(),
                    help: "give --creds USER:PASSWORD".to_owned(),
                });
            }
            (Known::Bearer { .. }, Login::Bearer(token)) => (self.state().bearer(token), LONGEST),
            (Known::Bearer { realm, service }, login) => {
                let asked = scope.with(asked.as_deref());
                let service = service.as_deref();
                let (token, till) = self.token(wire, at, realm, service, &asked, login).await?;
                (self.state().bearer(&token), till)
            }
        };
        let header = header.ok_or_else(|| Error::Credentials {
            attempted: format!("log in to {}", at.registry),
            problem: "the credentials hold what no HTTP header can carry".to_owned(),
            help: "check them for line breaks".to_owned(),
        })?;
        let mut state = self.state();
        state.serial += 1;
        let made = Authorization {
            header,
            anonymous: matches!(login, Login::Anonymous),
            serial: state.serial,
        };
        let kept = (made.clone(), now + till);
        state.tokens.insert(scope.clone(), kept);
        Ok(made)
    }

    /// The login for a repository, fetched once.
    async fn login(&self, wire: &Wire, at: &Reference, scope: &Scope) -> Result<Login, Error> {
        let repository = &scope.repository;
        if let Some(login) = self.state().login_for(repository) {
            return Ok(login);
        }
        let wanted = Wanted::Login {
            repository: repository.clone(),
        };
        let _turn = self.turn(wanted).await;
        if let Some(login) = self.state().login_for(repository) {
            return Ok(login);
        }
        let now = Instant::now();
        let at = Reference {
            repository: repository.clone(),
            ..at.clone()
        };
        let (login, till) = wire.connection().credentials.login(wire, &at).await?;
        let till = match till {
            Till::Open => None,
            Till::In(life) => Some(now + life),
        };
        let mut state = self.state();
        for secret in login.secrets() {
            state.keep_quiet(secret.clone());
        }
        state
            .logins
            .insert(repository.clone(), (login.clone(), till));
        Ok(login)
    }

    async fn token(
        &self,
        wire: &Wire,
        at: &Reference,
        realm: &Url,
        service: Option<&str>,
        scope: &str,
        login: &Login,
    ) -> Result<(Secret, Duration), Error> {
        let host = realm.host_str().unwrap_or("");
        let attempted = format!("get a token for {} from {host} ({scope})", at.registry);
        let request = match login {
            Login::Refresh { token, confined } => {
                if *confined && !wire.is_own(realm) {
                    return Err(Error::Refused {
                        attempted,
                        problem: format!("{} names a token service elsewhere", at.registry),
                        help: "an Azure registry gives tokens itself; check the registry's name",
                    });
                }
                let mut fields = vec![
                    ("grant_type", "refresh_token"),
                    ("client_id", CLIENT_ID),
                    ("scope", scope),
                    ("refresh_token", token.expose()),
                ];
                fields.extend(service.map(|service| ("service", service)));
                Request::form(attempted.clone(), realm.clone(), &fields)
            }
            login => {
                let mut url = realm.clone();
                {
                    let mut query = url.query_pairs_mut();
                    if let Some(service) = service {
                        query.append_pair("service", service);
                    }
                    for part in scope.split(' ').filter(|part| !part.is_empty()) {
                        query.append_pair("scope", part);
                    }
                }
                let mut request = Request::new(attempted.clone(), Method::GET, url);
                if let Login::Basic { username, password } = login
                    && let Some(header) = self.state().basic(username, password)
                {
                    request.headers.insert(AUTHORIZATION, header);
                }
                request
            }
        };
        let asked = Instant::now();
        let asking = wire.connection().retried(|| wire.send(&request, &[200]));
        let answer = asking.await;
        let answer = answer.map_err(|error| match error {
            Error::Status {
                status: status @ (400 | 401 | 403),
                ..
            } => refused_login(&attempted, wire, at, login, status),
            Error::Status {
                status: 300..=399, ..
            } => Error::malformed(
                attempted.clone(),
                "the token service redirects; that is not followed",
            ),
            error => error,
        })?;
        let parsed: Token = serde_json::from_slice(&answer.body).map_err(|_| {
            // The body may hold a token: not a word of it.
            Error::malformed(attempted.clone(), "the answer is no JSON with a token")
        })?;
        if let (Some(fresh), Login::Refresh { confined, .. }) = (parsed.refresh_token, login)
            && !fresh.is_empty()
        {
            // A token service may replace what we came with.
            let mut state = self.state();
            state.keep_quiet(fresh.clone());
            let confined = *confined;
            if let Some((kept, _)) = state.logins.get_mut(&at.repository) {
                *kept = Login::Refresh {
                    token: fresh,
                    confined,
                };
            }
        }
        let token = match parsed.token.is_empty() {
            true => parsed.access_token,
            false => parsed.token,
        };
        if token.is_empty() {
            return Err(Error::malformed(attempted, "the answer holds no token"));
        }
        let stated = parsed.expires_in.map(Duration::from_secs);
        let life = stated
            .or_else(|| super::super::credentials::life_of(&token))
            .unwrap_or(UNSTATED);
        let spent = asked.elapsed();
        Ok((token, usable(life.min(LONGEST)).saturating_sub(spent)))
    }
}

/// A realm that may be asked.
fn realm_of(wire: &Wire, realm: &str, attempted: &str) -> Result<Url, Error> {
    let url = Url::parse(realm).map_err(|_| {
        let realm = crate::diag::excerpt(realm, 100);
        Error::malformed(attempted, format!("the token service `{realm}` is no URL"))
    })?;
    wire.check(&url, attempted)?;
    Ok(url)
}

impl State {
    /// A token that does for `scope` and has not ended.
    fn token_for(&mut self, scope: &Scope) -> Option<Authorization> {
        let now = Instant::now();
        self.tokens.retain(|_, (_, till)| *till > now);
        let mut tokens = self.tokens.iter();
        let found = tokens.find(|(have, _)| have.covers(scope));
        found.map(|(_, (token, _))| token.clone())
    }

    /// A login for `repository` that has not ended.
    fn login_for(&self, repository: &str) -> Option<Login> {
        let now = Instant::now();
        let (login, till) = self.logins.get(repository)?;
        till.is_none_or(|till| till > now).then(|| login.clone())
    }

    /// Takes a challenge: what others got in place of `used` while we waited, or
    /// nothing, and `used` is forgotten.
    fn challenged(
        &mut self,
        known: &Known,
        scope: &Scope,
        used: Option<&Authorization>,
    ) -> Option<Authorization> {
        if let Some(used) = used {
            let newer = |a: &Authorization| a.serial > used.serial;
            let mut tokens = self.tokens.iter();
            if let Some((_, (newer, _))) =
                tokens.find(|(have, (a, _))| have.covers(scope) && newer(a))
            {
                return Some(newer.clone());
            }
            // What was refused is not offered again; a login with an end may
            // have ended early.
            self.tokens.retain(|_, (a, _)| a.serial != used.serial);
            self.logins.retain(|_, (_, till)| till.is_none());
        }
        self.challenge = Some(known.clone());
        None
    }

    fn basic(&mut self, username: &str, password: &Secret) -> Option<HeaderValue> {
        let pair = Secret::new(format!("{username}:{}", password.expose()));
        let encoded = Secret::new(STANDARD.encode(pair.expose()));
        let header = secret_header(&format!("Basic {}", encoded.expose()));
        self.keep_quiet(encoded);
        header
    }

    fn bearer(&mut self, token: &Secret) -> Option<HeaderValue> {
        self.keep_quiet(token.clone());
        secret_header(&format!("Bearer {}", token.expose()))
    }

    fn keep_quiet(&mut self, secret: Secret) {
        let known = self.secrets.iter().any(|s| s.expose() == secret.expose());
        // Of very short ones every text is full.
        if !known && secret.expose().len() >= 4 {
            self.secrets.push(secret);
        }
    }
}

/// Some of a token's life is kept back for clocks and for the way.
pub(in crate::edge) fn usable(life: Duration) -> Duration {
    life.saturating_sub((life / 10).clamp(Duration::from_secs(2), Duration::from_secs(60)))
}

fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

fn nobody(wire: &Wire, at: &Reference) -> Error {
    Error::Credentials {
        attempted: format!("log in to {}", at.registry),
        problem: "the registry wants user and password, and there are none for it".to_owned(),
        help: log_in(wire, at),
    }
}

/// What somebody does who is not logged in.
fn log_in(wire: &Wire, at: &Reference) -> String {
    let looked = wire.connection().credentials.looked_in();
    let looked = match looked.is_empty() {
        true => String::new(),
        false => format!(" (looked for them in {})", looked.join(", ")),
    };
    format!("`docker login {}`, or give --creds{looked}", at.registry)
}

fn refused_login(
    attempted: &str,
    wire: &Wire,
    at: &Reference,
    login: &Login,
    status: u16,
) -> Error {
    let (problem, help) = match login {
        Login::Anonymous => (
            format!("it gives none to strangers ({status})"),
            format!(
                "{}, for an account that may use {}",
                log_in(wire, at),
                at.repository
            ),
        ),
        _ => (
            format!(
                "it does not accept the credentials for {} ({status})",
                at.registry
            ),
            format!(
                "`docker login {}`, or give --creds, for an account that may use {}",
                at.registry, at.repository
            ),
        ),
    };
    Error::Credentials {
        attempted: attempted.to_owned(),
        problem,
        help,
    }
}
