//! How a registry is reached, and with which key is signed: secrets and service
//! accounts, read one by one when they are needed.

use super::answer::{answered, is_not_found};
use super::api::{ApimBundle, Oci, Provider};
use super::context::Context;
use crate::edge::oci::acr::{Assertion, Identity, Source};
use crate::edge::oci::{self, Connection, Credentials, Reference};
use crate::edge::secret::Secret as Hidden;
use crate::edge::sign::SigningKey;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::Api;
use kube::api::PostParams;

const DOCKER_CONFIG: &str = ".dockerconfigjson";
/// Who Entra expects a service account's token to be for.
const ENTRA_AUDIENCE: &str = "api://AzureADTokenExchange";
const AUTHORITY: &str = "https://login.microsoftonline.com/";

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{what} {namespace}/{name}, named in {field}: {reason}")]
    Object {
        what: &'static str,
        namespace: String,
        name: String,
        field: &'static str,
        reason: String,
    },
    #[error("Secret {namespace}/{name}, named in {field}, has no key `{key}`")]
    Key {
        namespace: String,
        name: String,
        field: &'static str,
        key: &'static str,
    },
    #[error(transparent)]
    Credentials(#[from] oci::Error),
    #[error("the signing key in Secret {namespace}/{name}: {reason}")]
    SigningKey {
        namespace: String,
        name: String,
        reason: String,
    },
}

/// A secret and where it was named.
struct Named<'a> {
    secret: Secret,
    namespace: &'a str,
    name: &'a str,
    field: &'static str,
}

impl Named<'_> {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let data = self.secret.data.as_ref()?;
        data.get(key).map(|bytes| bytes.0.clone())
    }

    fn need(&self, key: &'static str) -> Result<Vec<u8>, Error> {
        self.get(key).ok_or_else(|| Error::Key {
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
            field: self.field,
            key,
        })
    }
}

async fn secret<'a>(
    context: &Context,
    bundle: &'a ApimBundle,
    name: &'a str,
    field: &'static str,
) -> Result<Named<'a>, Error> {
    let namespace = bundle.namespace();
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let secret = api
        .get(name)
        .await
        .map_err(|e| unread("Secret", bundle, name, field, &e))?;
    Ok(Named {
        secret,
        namespace,
        name,
        field,
    })
}

fn unread(
    what: &'static str,
    bundle: &ApimBundle,
    name: &str,
    field: &'static str,
    error: &kube::Error,
) -> Error {
    Error::Object {
        what,
        namespace: bundle.namespace().to_owned(),
        name: name.to_owned(),
        field,
        reason: if is_not_found(error) {
            "it does not exist".to_owned()
        } else {
            answered(error)
        },
    }
}

/// How the registry of `oci` is reached.
pub(super) async fn connection(
    context: &Context,
    bundle: &ApimBundle,
    oci: &Oci,
) -> Result<Connection, Error> {
    let mut connection = Connection {
        insecure: oci.insecure,
        credentials: credentials(context, bundle, oci).await?,
        ..Connection::default()
    };
    if let Some(reference) = &oci.cert_secret_ref {
        let named = secret(
            context,
            bundle,
            &reference.name,
            "publish.oci.certSecretRef",
        )
        .await?;
        connection.ca = named.get("ca.crt");
        let certificate = named.get("tls.crt");
        if let Some(certificate) = certificate {
            connection.client_cert = Some((certificate, text(&named.need("tls.key")?)));
        } else if connection.ca.is_none() {
            named.need("ca.crt")?;
        }
    }
    Ok(connection)
}

async fn credentials(
    context: &Context,
    bundle: &ApimBundle,
    oci: &Oci,
) -> Result<Credentials, Error> {
    if oci.provider == Provider::Azure {
        return azure(context, bundle, oci).await;
    }
    if let Some(reference) = &oci.secret_ref {
        let named = secret(context, bundle, &reference.name, "publish.oci.secretRef").await?;
        return Ok(Credentials::kubernetes(&named.need(DOCKER_CONFIG)?)?);
    }
    match &oci.service_account_name {
        Some(name) => pull_secret(context, bundle, oci, name).await,
        None => Ok(Credentials::Anonymous),
    }
}

/// The first of the service account's image pull secrets that knows the
/// registry.
async fn pull_secret(
    context: &Context,
    bundle: &ApimBundle,
    oci: &Oci,
    name: &str,
) -> Result<Credentials, Error> {
    let reference: Reference = oci.url.parse()?;
    let field = "publish.oci.serviceAccountName";
    let api: Api<ServiceAccount> = Api::namespaced(context.client.clone(), bundle.namespace());
    let account = api
        .get(name)
        .await
        .map_err(|e| unread("ServiceAccount", bundle, name, field, &e))?;
    for pull in account.image_pull_secrets.iter().flatten() {
        let named = secret(context, bundle, &pull.name, field).await?;
        // Those of the legacy type `kubernetes.io/dockercfg` have another key.
        let Some(config) = named.get(DOCKER_CONFIG) else {
            continue;
        };
        let credentials = Credentials::kubernetes(&config)?;
        if credentials.know(&reference)? {
            return Ok(credentials);
        }
    }
    Ok(Credentials::Anonymous)
}

/// The identity of a service account, or the controller's own.
async fn azure(context: &Context, bundle: &ApimBundle, oci: &Oci) -> Result<Credentials, Error> {
    let Some(name) = &oci.service_account_name else {
        return Ok(Credentials::Azure(Identity::from_environment()?));
    };
    let field = "publish.oci.serviceAccountName";
    let failed = |e: kube::Error| unread("ServiceAccount", bundle, name, field, &e);
    let api: Api<ServiceAccount> = Api::namespaced(context.client.clone(), bundle.namespace());
    let account = api.get(name).await.map_err(failed)?;
    let annotation = |key: &str, variable: &str| {
        let key = format!("azure.workload.identity/{key}");
        let annotations = account.metadata.annotations.as_ref();
        let stated = annotations.and_then(|all| all.get(&key).cloned());
        stated
            .or_else(|| std::env::var(variable).ok())
            .ok_or_else(|| Error::Object {
                what: "ServiceAccount",
                namespace: bundle.namespace().to_owned(),
                name: name.clone(),
                field,
                reason: format!("it has no annotation {key}"),
            })
    };
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            audiences: Some(vec![ENTRA_AUDIENCE.to_owned()]),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let source = Source::Workload {
        authority: std::env::var("AZURE_AUTHORITY_HOST").unwrap_or_else(|_| AUTHORITY.to_owned()),
        tenant: annotation("tenant-id", "AZURE_TENANT_ID")?,
        client: annotation("client-id", "AZURE_CLIENT_ID")?,
        assertion: {
            let params = PostParams::default();
            let granted = api.create_token_request(name, &params, &request).await;
            let granted = granted.map_err(failed)?;
            Assertion::Text(Hidden::new(
                granted.status.and_then(|s| s.token).unwrap_or_default(),
            ))
        },
    };
    Ok(Credentials::Azure(Identity {
        source,
        hosts: Vec::new(),
    }))
}

/// PEM is text.
fn text(bytes: &[u8]) -> Hidden {
    Hidden::new(String::from_utf8_lossy(bytes).into_owned())
}

/// The key that bundles are signed with.
pub(super) async fn signing_key(
    context: &Context,
    bundle: &ApimBundle,
    oci: &Oci,
) -> Result<Option<SigningKey>, Error> {
    let Some(sign) = &oci.sign else {
        return Ok(None);
    };
    let name = &sign.secret_ref.name;
    let named = secret(context, bundle, name, "publish.oci.sign.secretRef").await?;
    let pem = named.need("cosign.key")?;
    let password = named.get("cosign.password").unwrap_or_default();
    // The key is derived from the password with some effort.
    let opened = tokio::task::spawn_blocking(move || SigningKey::from_pem(&pem, &password)).await;
    let reason = match opened {
        Ok(Ok(key)) => return Ok(Some(key)),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(Error::SigningKey {
        namespace: bundle.namespace().to_owned(),
        name: name.clone(),
        reason,
    })
}
