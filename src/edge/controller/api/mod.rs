//! The Kubernetes API `flux-apim.dev/v1alpha1`. What can be checked without
//! looking at other objects is checked by the API server: patterns, bounds and
//! CEL rules stand beside the fields.

#![expect(unreachable_pub, reason = "the derive makes types of its own that are")]

mod duration;
mod source;
mod status;

pub use duration::Duration;
pub use source::{Artifact, FluxSource, SourceKind, external_artifact};
pub use status::{
    ApimBundleStatus, Condition, ConditionStatus, Counts, DiagnosticSummary, Diagnostics,
    Published, Snapshot,
};

use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Group of the API.
pub const GROUP: &str = "flux-apim.dev";
/// `kind` of the custom resource.
pub const KIND: &str = "ApimBundle";
/// Our finalizer.
pub const FINALIZER: &str = "finalizers.flux-apim.dev";
/// A token: reconcile now, whatever the interval says.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// Which controller an object is for.
pub const SHARD: &str = "sharding.fluxcd.io/key";

/// ApimBundleSpec says which Flux source holds Azure API Management
/// configuration, how it is rendered and where the bundle is published.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "flux-apim.dev",
    version = "v1alpha1",
    kind = "ApimBundle",
    namespaced,
    status = "ApimBundleStatus",
    derive = "PartialEq",
    shortname = "apimb",
    category = "all",
    category = "fluxcd",
    doc = "ApimBundle renders the Azure API Management configuration of a Flux source and publishes the bundle.",
    annotation("kustomize.toolkit.fluxcd.io/substitute", "disabled"),
    label("app.kubernetes.io/part-of", "flux-apim"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(
        name = "Revision",
        type_ = "string",
        json_path = ".status.published.originRevision",
        priority = 1
    ),
    printcolumn(
        name = "URL",
        type_ = "string",
        json_path = ".status.published.url",
        priority = 1
    ),
    validation = Rule::new("!(has(self.spec.publish.externalArtifact) && self.spec.publish.externalArtifact && self.spec.sourceRef.kind == 'ExternalArtifact' && self.spec.sourceRef.name == self.metadata.name && !has(self.spec.sourceRef.namespace))")
        .message("the bundle would be its own source: an ExternalArtifact is published under the name of its ApimBundle")
)]
#[serde(rename_all = "camelCase")]
pub struct ApimBundleSpec {
    /// Interval at which the source and what was published are looked at.
    /// A new revision of the source is rendered at once.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("interval must be at least 1s"))]
    pub interval: Duration,

    /// Tells the controller to stop; what was published stays.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,

    /// Time for fetching, rendering and publishing once. Defaults to 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("timeout must be at least 1s"))]
    pub timeout: Option<Duration>,

    /// The Flux source that holds the configuration.
    pub source_ref: SourceReference,

    /// Folder of the source that holds the project. The root is found by
    /// itself when there is one candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new("!self.startsWith('/') && !self.contains('\\\\') && !self.split('/').exists(p, p == '..')")
        .message("path must be relative and stay inside the source"))]
    pub path: Option<String>,

    /// Environment whose overrides (`configuration.ENV.yaml`) are merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 63),
        regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    )]
    pub environment: Option<String>,

    /// Output languages; all unless given here or in `flux-apim.yaml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3), extend("x-kubernetes-list-type" = "set"))]
    pub targets: Vec<Target>,

    /// The API Management service that the bundle is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,

    /// Which findings keep a bundle from being published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,

    /// Where the bundle goes.
    pub publish: Publish,

    /// How many published bundles `status.history` remembers.
    #[serde(default = "history", skip_serializing_if = "is_default_history")]
    #[schemars(range(min = 0, max = 50))]
    pub history: u8,
}

/// A Flux source object.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SourceReference {
    /// Kind of the source.
    pub kind: SourceKind,
    /// Name of the source.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
    /// Namespace of the source; that of the ApimBundle unless given. Another
    /// namespace is refused unless the controller runs with
    /// `--no-cross-namespace-refs=false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub namespace: Option<String>,
}

/// A target that a bundle is rendered for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "names of languages; text here would end in the schema"
)]
pub enum Target {
    Arm,
    Bicep,
    Aso,
}

/// The API Management service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Name of the service in Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z]([A-Za-z0-9-]{0,48}[A-Za-z0-9])?$"))]
    pub name: Option<String>,
    /// Owner of the ASO objects: the name of a `Service` object, or an ARM id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub aso_owner: Option<String>,
    /// api-version of the rendered resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$"))]
    pub arm_api_version: Option<String>,
}

/// Which findings count.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// The severity from which on findings keep the bundle from being
    /// published.
    #[serde(default)]
    pub fail_on: FailOn,
    /// Levels of rules, by code or name: `error`, `warning`, `info`, `off`, or an object
    /// with `level`, `reason`, `until` (a date) and `paths` (globs). They stand over those in
    /// `flux-apim.yaml`. The controller reads them: what is no level fails the bundle.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 200))]
    pub rules: BTreeMap<String, Level>,
}

/// The lowest severity of a finding that keeps a bundle from being published.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "text here would end in the schema")]
pub enum FailOn {
    #[default]
    Error,
    Warning,
}

/// The level of a rule: a word or an object, which no structural schema can say.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(transparent)]
pub struct Level(pub Json);

impl JsonSchema for Level {
    fn schema_name() -> Cow<'static, str> {
        "Level".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-preserve-unknown-fields": true})
    }
}

/// Where a bundle goes: to a registry, into an ExternalArtifact, or both.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.oci) || (has(self.externalArtifact) && self.externalArtifact)")
    .message("nothing would be published: set publish.oci, publish.externalArtifact, or both"))]
pub struct Publish {
    /// Push the bundle to an OCI registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oci: Option<Oci>,
    /// Serve the bundle as an ExternalArtifact of the same name and namespace.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external_artifact: bool,
}

/// A repository of an OCI registry, and how to reach it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.secretRef) || self.provider == 'generic'")
    .message("secretRef cannot be used with a cloud provider; the provider's identity is the credential"))]
#[x_kube(validation = Rule::new("!has(self.certSecretRef) || !has(self.insecure) || !self.insecure")
    .message("certSecretRef cannot be used with insecure: there is no TLS to check"))]
pub struct Oci {
    /// The repository, without tag or digest.
    #[schemars(
        length(max = 512),
        regex(pattern = r"^oci://[a-zA-Z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$")
    )]
    pub url: String,
    /// Tags that are moved to each new bundle; `latest` unless given.
    /// `{{revision}}`, `{{short}}`, `{{branch}}`, `{{env}}` and `{{semver}}` are
    /// filled in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), extend("x-kubernetes-list-type" = "set"), inner(length(max = 128), regex(pattern = r"^([A-Za-z0-9_]|\{\{(revision|short|branch|env|semver)\}\})([A-Za-z0-9_.-]|\{\{(revision|short|branch|env|semver)\}\})*$")))]
    pub tags: Vec<String>,
    /// Secret of the type `kubernetes.io/dockerconfigjson`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalReference>,
    /// Service account: its image pull secrets, or with a cloud provider its
    /// identity, are the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub service_account_name: Option<String>,
    /// Where credentials come from: secrets, or a cloud provider's identity.
    #[serde(default)]
    pub provider: Provider,
    /// Allow plain HTTP.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Secret with `ca.crt`, and `tls.crt` and `tls.key` for a client
    /// certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalReference>,
    /// Sign what is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
}

/// Where registry credentials come from.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "text here would end in the schema")]
pub enum Provider {
    #[default]
    Generic,
    Azure,
}

/// How a bundle is signed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Sign {
    /// Secret with `cosign.key` and `cosign.password`.
    pub secret_ref: LocalReference,
}

/// An object in the namespace of the ApimBundle.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LocalReference {
    /// Name of the object.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
}

const fn history() -> u8 {
    10
}

fn is_default_history(history: &u8) -> bool {
    *history == self::history()
}

impl ApimBundle {
    /// The namespace; empty for an object that was never in a cluster.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// `metadata.name` of the object.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The token of the last request to reconcile at once.
    pub fn requested_at(&self) -> Option<&str> {
        let annotations = self.metadata.annotations.as_ref()?;
        annotations.get(REQUESTED_AT).map(String::as_str)
    }
}

/// The definition of the API as the API server takes it.
pub fn crd() -> Json {
    let mut crd = serde_json::to_value(ApimBundle::crd()).unwrap_or_default();
    tidy(&mut crd);
    // An object says that nothing was observed yet before the first look.
    let schema = "/spec/versions/0/schema/openAPIV3Schema/properties/status";
    if let Some(status) = crd.pointer_mut(schema) {
        status["default"] = json!({"observedGeneration": -1});
    }
    crd
}

/// What Rust's types say beyond what the API means: absent fields are absent,
/// never null, and numbers are whole.
fn tidy(value: &mut Json) {
    match value {
        Json::Object(map) => {
            if map.get("nullable") == Some(&Json::Bool(true)) {
                map.remove("nullable");
            }
            if map
                .get("format")
                .and_then(Json::as_str)
                .is_some_and(|f| f.starts_with("uint"))
            {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Json::Array(items) => items.iter_mut().for_each(tidy),
        Json::Number(number) => {
            if let Some(whole) = number
                .as_f64()
                .filter(|n| n.fract() == 0.0 && n.abs() < 1e9)
            {
                *value = json!(whole as i64);
            }
        }
        Json::Null | Json::Bool(_) | Json::String(_) => {}
    }
}
