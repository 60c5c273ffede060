//! Who may do what: a local Entra ID that gives tokens, and role assignments that each
//! request is held against.

use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::request::Request;
use crate::store::Store;
use crate::world::World;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
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

/// A role.
#[derive(Debug)]
pub struct Role {
    /// Name.
    pub name: &'static str,
    /// The GUID at the end of its id.
    pub id: &'static str,
    /// Actions that it allows.
    pub actions: &'static [&'static str],
    /// Actions that it takes away again.
    pub not_actions: &'static [&'static str],
}

/// Built-in roles. Source: "Azure built-in roles" of the documentation.
pub static ROLES: [Role; 7] = [
    Role {
        name: "Owner",
        id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        actions: &["*"],
        not_actions: &[],
    },
    Role {
        name: "Contributor",
        id: "b24988ac-6180-42a0-ab88-20f7382dd24c",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
    },
    Role {
        name: "Reader",
        id: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        actions: &["*/read"],
        not_actions: &[],
    },
    Role {
        name: "User Access Administrator",
        id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        actions: &["*/read", "Microsoft.Authorization/*"],
        not_actions: &[],
    },
    Role {
        name: "API Management Service Contributor",
        id: "312a565d-c81f-4fd8-895a-4e21e48d571c",
        actions: &[
            "Microsoft.ApiManagement/service/*",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &[],
    },
    Role {
        name: "API Management Service Operator Role",
        id: "e022efe7-f5ba-4159-bbe4-b44f577e9b61",
        actions: &[
            "Microsoft.ApiManagement/service/*/read",
            "Microsoft.ApiManagement/service/backup/action",
            "Microsoft.ApiManagement/service/delete",
            "Microsoft.ApiManagement/service/managedeployments/action",
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/restore/action",
            "Microsoft.ApiManagement/service/write",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &["Microsoft.ApiManagement/service/users/keys/read"],
    },
    Role {
        name: "API Management Service Reader Role",
        id: "71522526-b88f-4d52-b57f-d31fc3546d0d",
        actions: &[
            "Microsoft.ApiManagement/service/*/read",
            "Microsoft.ApiManagement/service/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &["Microsoft.ApiManagement/service/users/keys/read"],
    },
];

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
        let Principal::Known { client, object } = principal else {
            return Ok(());
        };
        let (action, scope) = action(&request.method, &request.path);
        if !self.on(Row::RolesEnforced) || self.allows(store, object, &action, &scope) {
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

/// A built-in role by id or name.
fn built_in(role: &str) -> Option<&'static Role> {
    let last = role.rsplit('/').next().unwrap_or_default();
    ROLES
        .iter()
        .find(|known| known.id.eq_ignore_ascii_case(last) || known.name.eq_ignore_ascii_case(role))
}

/// A role definition that was put.
fn custom<'a>(store: &'a Store, role: &str) -> Option<&'a crate::store::Entity> {
    let last = role.rsplit('/').next().unwrap_or_default();
    store.all().find(|entity| {
        entity.name.eq_ignore_ascii_case(last)
            && entity
                .arm_type
                .eq_ignore_ascii_case("Microsoft.Authorization/roleDefinitions")
    })
}

fn permits(store: &Store, role: &str, action: &str) -> bool {
    if let Some(role) = built_in(role) {
        return role.actions.iter().any(|p| wildcard(p, action))
            && !role.not_actions.iter().any(|p| wildcard(p, action));
    }
    let permissions = custom(store, role)
        .and_then(|role| role.property("permissions"))
        .and_then(Value::as_array);
    permissions.into_iter().flatten().any(|permission| {
        let lists = |name: &str| {
            permission[name]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|p| wildcard(p, action))
        };
        lists("actions") && !lists("notActions")
    })
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

/// Whether `pattern` with `*` covers a text, without case.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => end.is_empty() || text.ends_with(end),
    }
}

/// The action of a request and the scope that it needs it on.
pub fn action(method: &str, path: &[String]) -> (String, String) {
    let verb = match method {
        "GET" | "HEAD" => "read",
        "DELETE" => "delete",
        "POST" => "action",
        _ => "write",
    };
    let id = format!("/{}", path.join("/"));
    let provider = path
        .iter()
        .rposition(|segment| segment.eq_ignore_ascii_case("providers"));
    let Some(at) = provider.filter(|at| at + 1 < path.len()) else {
        let kind = if path.len() > 3 {
            "Microsoft.Resources/subscriptions/resourceGroups"
        } else {
            "Microsoft.Resources/subscriptions"
        };
        return (format!("{kind}/{verb}"), id);
    };
    let types: Vec<&str> = path[at + 2..]
        .iter()
        .step_by(2)
        .map(String::as_str)
        .collect();
    let mut kind = format!("{}/{}", path[at + 1], types.join("/"));
    let odd = (path.len() - at) % 2 == 1;
    if types.is_empty() {
        kind.clone_from(&path[at + 1]);
    }
    // A collection is read on what it is in.
    let scope = match odd && !types.is_empty() {
        true => format!("/{}", path[..path.len() - 1].join("/")),
        false => id,
    };
    (format!("{kind}/{verb}"), scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_what_they_say() {
        assert!(wildcard("*", "a/b/read"));
        assert!(wildcard("*/read", "a/b/read"));
        assert!(!wildcard("*/read", "a/b/write"));
        assert!(wildcard(
            "Microsoft.ApiManagement/service/*/read",
            "microsoft.apimanagement/service/apis/read"
        ));
        assert!(!wildcard(
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/apis/read"
        ));
    }

    #[test]
    fn actions_are_types_and_methods() {
        let of = |method: &str, path: &str| {
            let path: Vec<String> = crate::table::segments(path).map(str::to_owned).collect();
            action(method, &path)
        };
        let service =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x";
        assert_eq!(
            of("PUT", &format!("{service}/apis/a")),
            (
                "Microsoft.ApiManagement/service/apis/write".into(),
                format!("{service}/apis/a")
            )
        );
        assert_eq!(
            of("GET", &format!("{service}/apis")),
            (
                "Microsoft.ApiManagement/service/apis/read".into(),
                service.into()
            )
        );
        assert_eq!(
            of("POST", &format!("{service}/namedValues/n/listValue")).0,
            "Microsoft.ApiManagement/service/namedValues/listValue/action"
        );
        assert_eq!(
            of("PUT", "/subscriptions/s/resourcegroups/g").0,
            "Microsoft.Resources/subscriptions/resourceGroups/write"
        );
    }
}
