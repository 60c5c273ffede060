//! The services of Azure that an identity talks to on its way to a registry, as
//! Microsoft documents them: each step is refused unless it is exactly that
//! step, and what was wrong with it is written down.
//!
//! - Entra: <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
//! - managed identity: <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>,
//!   <https://learn.microsoft.com/azure/app-service/overview-managed-identity>
//! - registry: <https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md>

use super::liar::{Auth, Habits, Liar};
use super::server::{Asked, Server, json as answer, pairs};
use axum::body::Body;
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub const TENANT: &str = "409520d4-8100-4d1d-ad47-72432ddcc120";
pub const CLIENT: &str = "0b9a4d0a-4f6a-4f4c-9e3e-1a5b5a3c7d21";
pub const AUDIENCE: &str = "https://containerregistry.azure.net";
/// The federated token, the Entra token, what App Service wants to see: all
/// that must never be seen.
pub const FEDERATED: &str = "canary-federated-token";
pub const ENTRA: &str = "canary-entra-token";
pub const IDENTITY_HEADER: &str = "canary-identity-header";

/// What was wrong with what came.
#[derive(Clone, Default)]
pub struct Deviations(Arc<Mutex<Vec<String>>>);

impl Deviations {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn refuse(&self, step: &str, wrong: &str) -> Response<Body> {
        self.0.lock().unwrap().push(format!("{step}: {wrong}"));
        answer(
            400,
            &json!({"error": "invalid_request", "error_description": wrong}),
        )
    }

    /// Holds the fields of a form or query against those that are documented.
    fn check(&self, step: &str, have: &str, want: &[(&str, &str)]) -> Result<(), Response<Body>> {
        let have: BTreeMap<String, String> = pairs(have).into_iter().collect();
        let want: BTreeMap<String, String> = want
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        match have == want {
            true => Ok(()),
            false => Err(self.refuse(step, &format!("{have:?}, not {want:?}"))),
        }
    }

    fn check_form(&self, step: &str, asked: &Asked) -> Result<(), Response<Body>> {
        let kind = asked.header("content-type").unwrap_or("");
        if asked.method != "POST" || kind != "application/x-www-form-urlencoded" {
            return Err(self.refuse(step, &format!("{} of {kind}", asked.method)));
        }
        if asked.headers.contains_key("authorization") {
            return Err(self.refuse(step, "it has an Authorization"));
        }
        Ok(())
    }
}

/// A token that lasts `life` seconds by a clock that is `skew` seconds off.
pub fn token(id: &str, life: u64, skew: i64) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let from = now.saturating_add_signed(skew);
    let claims = json!({"jti": id, "iat": from, "nbf": from, "exp": from + life, "tid": TENANT});
    format!("h.{}.{id}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Entra's token endpoint. `refusal` is what it answers instead of a token.
pub async fn entra(deviations: &Deviations, refusal: Option<(u16, Json)>) -> Server {
    entra_for(AUDIENCE, deviations, refusal).await
}

/// The same, which gives tokens for `audience`.
pub async fn entra_for(
    audience: &'static str,
    deviations: &Deviations,
    refusal: Option<(u16, Json)>,
) -> Server {
    let deviations = deviations.clone();
    Server::start(move |mut asked| {
        let (deviations, refusal) = (deviations.clone(), refusal.clone());
        async move {
            let body = asked.bytes().await;
            let text = String::from_utf8_lossy(&body).into_owned();
            let step = "entra";
            if asked.uri.path() != format!("/{TENANT}/oauth2/v2.0/token") {
                return Some(deviations.refuse(step, asked.uri.path()));
            }
            let scope = format!("{audience}/.default");
            let checked = deviations.check_form(step, &asked).and_then(|()| {
                deviations.check(
                    step,
                    &text,
                    &[
                        ("grant_type", "client_credentials"),
                        ("client_id", CLIENT),
                        ("scope", &scope),
                        (
                            "client_assertion_type",
                            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                        ),
                        ("client_assertion", FEDERATED),
                    ],
                )
            });
            if let Err(refused) = checked {
                return Some(refused);
            }
            if let Some((status, body)) = refusal {
                return Some(answer(status, &body));
            }
            let given = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": ENTRA});
            Some(answer(200, &given))
        }
        .boxed()
    })
    .await
}

/// The endpoint of managed identities: the machine's, or an app's when `app`.
pub async fn managed(deviations: &Deviations, app: bool, refusals: usize) -> Server {
    let deviations = deviations.clone();
    let left = Arc::new(Mutex::new(refusals));
    Server::start(move |asked| {
        let (deviations, left) = (deviations.clone(), left.clone());
        async move {
            let step = "managed identity";
            if asked.method != "GET" {
                return Some(deviations.refuse(step, asked.method.as_str()));
            }
            let (version, header, value) = match app {
                true => ("2019-08-01", "x-identity-header", IDENTITY_HEADER),
                false => ("2018-02-01", "metadata", "true"),
            };
            if asked.header(header) != Some(value) {
                return Some(deviations.refuse(step, &format!("no {header}")));
            }
            let want = [
                ("api-version", version),
                ("resource", AUDIENCE),
                ("client_id", CLIENT),
            ];
            if let Err(refused) = deviations.check(step, asked.uri.query().unwrap_or(""), &want) {
                return Some(refused);
            }
            {
                let mut left = left.lock().unwrap();
                if *left > 0 {
                    *left -= 1;
                    return Some(answer(429, &json!({"error": "too_many"})));
                }
            }
            // Numbers are text here.
            let given = json!({
                "access_token": token("canary-managed", 86400, 0), "expires_in": "86399",
                "expires_on": "99999999999", "resource": AUDIENCE, "token_type": "Bearer",
            });
            Some(answer(200, &given))
        }
        .boxed()
    })
    .await
}

/// How a registry of Azure gives tokens.
#[derive(Clone, Copy)]
pub struct Tokens {
    /// How long a refresh token and an access token last, in seconds.
    pub refresh: u64,
    pub access: u64,
    /// How far off its clock is.
    pub skew: i64,
    /// It does not know the identity.
    pub stranger: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            refresh: 10800,
            access: 4500,
            skew: 0,
            stranger: false,
        }
    }
}

pub struct Acr {
    pub liar: Liar,
    given: Arc<Mutex<Given>>,
}

#[derive(Default)]
struct Given {
    refresh: usize,
    access: Vec<(String, String)>,
}

impl Acr {
    /// How many refresh and access tokens it gave.
    pub fn given(&self) -> (usize, usize) {
        let given = self.given.lock().unwrap();
        (given.refresh, given.access.len())
    }

    /// No access token that it gave is good any more.
    pub fn revoke(&self) {
        for (token, _) in &mut self.given.lock().unwrap().access {
            token.clear();
        }
    }

    pub async fn start(deviations: &Deviations, entra: &'static str, tokens: Tokens) -> Self {
        let given = Arc::new(Mutex::new(Given::default()));
        let deviations = deviations.clone();
        let own = given.clone();
        // Its own address is known only once it listens; requests tell it.
        let beside = move |asked: &Asked, body: &Bytes| {
            let host = asked.header("host").unwrap_or("").to_owned();
            let text = String::from_utf8_lossy(body).into_owned();
            match asked.uri.path() {
                "/oauth2/exchange" => Some(exchange(
                    &deviations,
                    asked,
                    &text,
                    &host,
                    entra,
                    tokens,
                    &own,
                )),
                "/oauth2/token" => Some(scoped(&deviations, asked, &text, &host, tokens, &own)),
                _ => None,
            }
        };
        let good = {
            let given = given.clone();
            move |shown: &str, wanted: &str| {
                let given = given.lock().unwrap();
                let does = wanted.rsplit(':').next().unwrap();
                let of = &wanted[..wanted.len() - does.len()];
                given.access.iter().any(|(token, scope)| {
                    let actions = scope.strip_prefix(of).unwrap_or("");
                    token == shown && actions.split(',').any(|action| action == does)
                })
            }
        };
        let habits = Habits {
            auth: Auth::Bearer {
                realm: "/oauth2/token".to_owned(),
                good: Arc::new(good),
            },
            beside: Some(Arc::new(beside)),
            ..Habits::default()
        };
        Self {
            liar: Liar::honest(habits).await,
            given,
        }
    }
}

fn exchange(
    deviations: &Deviations,
    asked: &Asked,
    text: &str,
    host: &str,
    entra: &str,
    tokens: Tokens,
    given: &Mutex<Given>,
) -> Response<Body> {
    let step = "exchange";
    if tokens.stranger {
        return answer(
            401,
            &json!({"errors": [{"code": "UNAUTHORIZED", "message": "no role"}]}),
        );
    }
    let have: BTreeMap<String, String> = pairs(text).into_iter().collect();
    let shown = have.get("access_token").cloned().unwrap_or_default();
    // The managed identity's token is a new one each time.
    let entra = if entra.is_empty() { &shown } else { entra };
    let want = [
        ("grant_type", "access_token"),
        ("service", host),
        ("tenant", TENANT),
        ("access_token", entra),
    ];
    let checked = deviations
        .check_form(step, asked)
        .and_then(|()| deviations.check(step, text, &want));
    if let Err(refused) = checked {
        return refused;
    }
    let mut given = given.lock().unwrap();
    given.refresh += 1;
    let id = format!("canary-refresh-{}", given.refresh);
    answer(
        200,
        &json!({"refresh_token": token(&id, tokens.refresh, tokens.skew)}),
    )
}

fn scoped(
    deviations: &Deviations,
    asked: &Asked,
    text: &str,
    host: &str,
    tokens: Tokens,
    given: &Mutex<Given>,
) -> Response<Body> {
    let step = "token";
    let _ = host;
    let have: BTreeMap<String, String> = pairs(text).into_iter().collect();
    let field = |name: &str| have.get(name).map_or("", String::as_str);
    let mut given = given.lock().unwrap();
    let newest = format!(".canary-refresh-{}", given.refresh);
    if !field("refresh_token").ends_with(&newest) {
        return deviations.refuse(step, "another refresh token than the newest");
    }
    let scope = field("scope").to_owned();
    let want = [
        ("grant_type", "refresh_token"),
        ("service", "liar"),
        ("client_id", "flux-apim"),
        ("scope", &scope),
        ("refresh_token", field("refresh_token")),
    ];
    let checked = deviations
        .check_form(step, asked)
        .and_then(|()| deviations.check(step, text, &want));
    if let Err(refused) = checked {
        return refused;
    }
    let id = format!("canary-access-{}", given.access.len() + 1);
    let access = token(&id, tokens.access, tokens.skew);
    given.access.push((access.clone(), scope));
    answer(200, &json!({"access_token": access}))
}
