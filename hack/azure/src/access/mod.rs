//! Who may do what: a local Entra ID that gives tokens, and role assignments that each
//! request is held against.

mod roles;

pub use roles::{ROLES, Role, action, wildcard};

use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::request::Request;
use crate::store::Store;
use crate::world::World;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use roles::{built_in, custom, permits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// What `--access FILE` holds.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Access {
    /// Who can ask for tokens. Without any, every token is taken and may do everything.
    #[serde(default)]
    pub applications: Vec<Application>,
    /// Roles that are assigned from the start.
    #[serde(default)]
    pub assignments: Vec<Assignment>,
    /// How long tokens last, in seconds; 3600 when it is not said.
    pub token_lifetime: Option<i64>,
}

/// An application or managed identity.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Application {
    /// The client id.
    pub client_id: String,
    /// The object id of its service principal.
    pub object_id: String,
    /// Client secrets.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Whose assertions are taken in place of a secret.
    #[serde(default)]
    pub federated: Vec<Federated>,
    /// Whether the managed identity endpoint gives its tokens.
    #[serde(default)]
    pub managed_identity: bool,
}

/// A federated credential.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Federated {
    /// `iss` of the assertion.
    pub issuer: String,
    /// `sub` of the assertion.
    pub subject: String,
    /// `aud` of the assertion; `api://AzureADTokenExchange` when it is not said.
    pub audience: Option<String>,
    /// The issuer's RSA public key, PEM.
    pub public_key: String,
}

/// A role assignment.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignment {
    /// Object id of who has it.
    pub principal: String,
    /// The role: a name of the built-in ones, or an id.
    pub role: String,
    /// The scope.
    pub scope: String,
}

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// No applications are configured: whoever has a token.
    Anyone,
    /// An application of the local Entra ID.
    Known {
        /// Its client id.
        client: String,
        /// Its object id.
        object: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    appid: String,
    oid: String,
    tid: String,
}

/// Signs tokens of this process alone: nothing outside trusts them.
const KEY: &[u8] = b"tokens of a simulation that listens on loopback";

/// Resources whose tokens Resource Manager takes, in every cloud.
const AUDIENCES: [&str; 6] = [
    "management.azure.com",
    "management.core.windows.net",
    "management.usgovcloudapi.net",
    "management.core.usgovcloudapi.net",
    "management.chinacloudapi.cn",
    "management.core.chinacloudapi.cn",
];

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// An error of the token endpoint.
fn denied(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(
        status,
        json!({"error": error, "error_description": description}),
    )
}

impl World {
    fn issue(&self, client: &str, object: &str, resource: &str) -> Result<(String, i64), Answer> {
        let lifetime = self.access.token_lifetime.unwrap_or(3600);
        let claims = Claims {
            aud: resource.trim_end_matches("/.default").to_owned(),
            iss: format!("https://sts.windows.net/{}/", self.settings.tenant),
            iat: now(),
            nbf: now(),
            exp: now() + lifetime,
            appid: client.to_owned(),
            oid: object.to_owned(),
            tid: self.settings.tenant.clone(),
        };
        encode(
            &Header::new(Algorithm::HS256),
            &claims,
            &EncodingKey::from_secret(KEY),
        )
        .map(|token| (token, lifetime))
        .map_err(|error| denied(500, "server_error", &error.to_string()))
    }

    /// `POST /{tenant}/oauth2/v2.0/token`, and v1.
    pub fn token(&self, request: &Request) -> Answer {
        let (_, form) = Request::target(&format!("?{}", String::from_utf8_lossy(&request.bytes)));
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let tenant = request.path.first().map(String::as_str).unwrap_or_default();
        if tenant != self.settings.tenant && !["common", "organizations"].contains(&tenant) {
            return denied(
                400,
                "invalid_request",
                &format!("AADSTS90002: Tenant '{tenant}' not found."),
            );
        }
        if field("grant_type") != "client_credentials" {
            return denied(
                400,
                "unsupported_grant_type",
                "AADSTS70003: The app requested an unsupported grant type.",
            );
        }
        let client = field("client_id");
        let resource = if field("scope").is_empty() {
            field("resource")
        } else {
            field("scope")
        };
        let object = if self.access.applications.is_empty() {
            client.to_owned()
        } else {
            let Some(application) = self
                .access
                .applications
                .iter()
                .find(|a| a.client_id == client)
            else {
                return denied(
                    400,
                    "unauthorized_client",
                    &format!(
                        "AADSTS700016: Application with identifier '{client}' was not found in the directory."
                    ),
                );
            };
            let assertion = field("client_assertion");
            if !assertion.is_empty() {
                if let Err(why) = federated(application, assertion) {
                    return denied(401, "invalid_client", &why);
                }
            } else if !application
                .secrets
                .iter()
                .any(|secret| secret == field("client_secret"))
            {
                return denied(
                    401,
                    "invalid_client",
                    "AADSTS7000215: Invalid client secret provided.",
                );
            }
            application.object_id.clone()
        };
        match self.issue(client, &object, resource) {
            Ok((token, lifetime)) => Answer::json(
                200,
                json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}),
            ),
            Err(answer) => answer,
        }
    }

    /// The managed identity endpoint of a virtual machine.
    pub fn managed_identity(&self, request: &Request) -> Answer {
        if request.header("metadata") != Some("true") {
            return denied(
                400,
                "invalid_request",
                "Required metadata header not specified",
            );
        }
        let asked = request.asks("client_id");
        let application = self
            .access
            .applications
            .iter()
            .find(|a| a.managed_identity && asked.is_none_or(|id| id == a.client_id));
        let (client, object) = match application {
            Some(application) => (
                application.client_id.as_str(),
                application.object_id.as_str(),
            ),
            None if self.access.applications.is_empty() => ("managed", "managed"),
            None => return denied(400, "invalid_request", "Identity not found"),
        };
        let resource = request.asks("resource").unwrap_or_default().to_owned();
        match self.issue(client, object, &resource) {
            Ok((token, lifetime)) => Answer::json(
                200,
                json!({"access_token": token, "client_id": client, "expires_in": lifetime.to_string(),
                "expires_on": (now() + lifetime).to_string(), "resource": resource, "token_type": "Bearer"}),
            ),
            Err(answer) => answer,
        }
    }

    /// Who sent a request.
    ///
    /// # Errors
    /// 401 with Azure's words.
    pub fn authenticate(&self, request: &Request) -> Result<Principal, Refusal> {
        let refused = |code: &str, message: &str| {
            let challenge = format!(
                "Bearer authorization_uri=\"{}/{}\", error=\"invalid_token\", error_description=\"{message}\"",
                request.origin, self.settings.tenant
            );
            Err(Refusal::new(401, code, message).with("www-authenticate", challenge))
        };
        let header = request.header("authorization").unwrap_or_default();
        let scheme = header.get(..7).unwrap_or_default();
        let token = header
            .get(7..)
            .map(str::trim)
            .filter(|token| scheme.eq_ignore_ascii_case("bearer ") && !token.is_empty());
        let Some(token) = token else {
            return match self.on(Row::TokenRequired) {
                true => refused(
                    "AuthenticationFailed",
                    "Authentication failed. The 'Authorization' header is missing.",
                ),
                false => Ok(Principal::Anyone),
            };
        };
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        rules.validate_aud = false;
        let Ok(claims) = decode::<Claims>(token, &DecodingKey::from_secret(KEY), &rules)
            .map(|token| token.claims)
        else {
            return match self.access.applications.is_empty() {
                true => Ok(Principal::Anyone),
                false => refused("InvalidAuthenticationToken", "The access token is invalid."),
            };
        };
        if claims.exp <= now() && self.on(Row::TokenExpires) {
            return refused(
                "ExpiredAuthenticationToken",
                "The access token expiry UTC time is earlier than current UTC time.",
            );
        }
        let host = claims
            .aud
            .split("://")
            .last()
            .unwrap_or_default()
            .trim_end_matches('/');
        let own = request.origin.split("://").last().unwrap_or_default();
        if !AUDIENCES.contains(&host) && host != own && self.on(Row::TokenAudience) {
            return refused(
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource.",
            );
        }
        match self.access.applications.is_empty() {
            true => Ok(Principal::Anyone),
            false => Ok(Principal::Known {
                client: claims.appid,
                object: claims.oid,
            }),
        }
    }

    /// Whether the principal may do this.
    ///
    /// # Errors
    /// 403 AuthorizationFailed.
    pub fn authorise(
        &self,
        store: &Store,
        principal: &Principal,
        request: &Request,
    ) -> Result<(), Refusal> {
        let (action, scope) = action(&request.method, &request.path);
        self.permitted(store, principal, &action, &scope)
    }

    /// Whether the principal has a role with an action on a scope.
    ///
    /// # Errors
    /// 403 AuthorizationFailed.
    pub fn permitted(
        &self,
        store: &Store,
        principal: &Principal,
        action: &str,
        scope: &str,
    ) -> Result<(), Refusal> {
        let Principal::Known { client, object } = principal else {
            return Ok(());
        };
        if !self.on(Row::RolesEnforced) || self.allows(store, object, action, scope) {
            return Ok(());
        }
        Err(Refusal::new(
            403,
            "AuthorizationFailed",
            format!(
                "The client '{client}' with object id '{object}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
            ),
        ))
    }

    /// What a principal may do on a scope.
    pub fn permissions(&self, store: &Store, principal: &Principal, scope: &str) -> Answer {
        let value: Vec<Value> = match principal {
            Principal::Anyone => vec![
                json!({"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}),
            ],
            Principal::Known { object, .. } => {
                let roles = self.roles(store, object, scope);
                let known = roles.iter().filter_map(|role| built_in(role));
                let known = known.map(|role| json!({"actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": []}));
                let custom = roles
                    .iter()
                    .filter_map(|role| custom(store, role))
                    .flat_map(|role| role.property("permissions").and_then(Value::as_array))
                    .flatten();
                known.chain(custom.cloned()).collect()
            }
        };
        Answer::json(200, json!({ "value": value }))
    }

    /// The roles of a principal on a scope.
    fn roles(&self, store: &Store, object: &str, scope: &str) -> Vec<String> {
        let below = |of: &str| {
            let (scope, of) = (
                scope.to_lowercase(),
                of.trim_end_matches('/').to_lowercase(),
            );
            scope == of || scope.starts_with(&format!("{of}/"))
        };
        let configured = self
            .access
            .assignments
            .iter()
            .filter(|a| a.principal == object && below(&a.scope));
        let configured = configured.map(|a| a.role.clone());
        let stored = store.all().filter(|entity| {
            entity
                .arm_type
                .eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
        });
        let stored = stored.filter(|entity| {
            let at = entity
                .id
                .to_lowercase()
                .find("/providers/microsoft.authorization/")
                .unwrap_or(0);
            entity.text("principalId") == Some(object) && below(&entity.id[..at])
        });
        let stored = stored.filter_map(|entity| entity.text("roleDefinitionId").map(str::to_owned));
        configured.chain(stored).collect()
    }

    fn allows(&self, store: &Store, object: &str, action: &str, scope: &str) -> bool {
        self.roles(store, object, scope)
            .iter()
            .any(|role| permits(store, role, action))
    }
}

/// Holds an assertion against the federated credentials of an application.
fn federated(application: &Application, assertion: &str) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Subject {
        iss: String,
        sub: String,
    }
    for credential in &application.federated {
        let Ok(key) = DecodingKey::from_rsa_pem(credential.public_key.as_bytes()) else {
            continue;
        };
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&[credential
            .audience
            .as_deref()
            .unwrap_or("api://AzureADTokenExchange")]);
        let read = decode::<Subject>(assertion, &key, &rules);
        if read.is_ok_and(|token| {
            token.claims.iss == credential.issuer && token.claims.sub == credential.subject
        }) {
            return Ok(());
        }
    }
    Err(
        "AADSTS70021: No matching federated identity record found for presented assertion."
            .to_owned(),
    )
}
