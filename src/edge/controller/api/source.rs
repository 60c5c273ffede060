//! The little of Flux's source API that a consumer needs.

#![expect(unreachable_pub, reason = "the derive makes types of its own that are")]

use super::Condition;
use kube::KubeSchema;
use kube::api::{ApiResource, ObjectMeta};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

const GROUP: &str = "source.toolkit.fluxcd.io";
const VERSION: &str = "v1";

/// A kind of Flux source.
#[derive(
    JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[expect(missing_docs, reason = "text here would end in the schema")]
pub enum SourceKind {
    GitRepository,
    OCIRepository,
    Bucket,
    ExternalArtifact,
}

impl SourceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::GitRepository,
        Self::OCIRepository,
        Self::Bucket,
        Self::ExternalArtifact,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitRepository => "GitRepository",
            Self::OCIRepository => "OCIRepository",
            Self::Bucket => "Bucket",
            Self::ExternalArtifact => "ExternalArtifact",
        }
    }

    /// The kind that `word` names, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }

    /// Where the API server has objects of this kind.
    pub fn resource(self) -> ApiResource {
        let plural = match self {
            Self::GitRepository => "gitrepositories",
            Self::OCIRepository => "ocirepositories",
            Self::Bucket => "buckets",
            Self::ExternalArtifact => "externalartifacts",
        };
        ApiResource {
            group: GROUP.to_owned(),
            version: VERSION.to_owned(),
            api_version: format!("{GROUP}/{VERSION}"),
            kind: self.as_str().to_owned(),
            plural: plural.to_owned(),
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An archive that a source controller serves.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Digest of the archive.
    pub digest: String,
    /// When it was last written.
    #[schemars(extend("format" = "date-time"))]
    pub last_update_time: String,
    /// Place in the storage.
    pub path: String,
    /// Revision, for people and for change detection.
    pub revision: String,
    /// Bytes of the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Where it is served.
    pub url: String,
    /// Such as the revision that it comes from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Artifact {
    /// The revision that the content comes from.
    pub fn origin_revision(&self) -> &str {
        self.metadata
            .get("org.opencontainers.image.revision")
            .unwrap_or(&self.revision)
    }
}

/// A Flux source of any kind: what a consumer reads of it.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct FluxSource {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    api_version: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    kind: String,
    /// Name, namespace, labels.
    pub metadata: ObjectMeta,
    /// What is read of the spec.
    #[serde(default)]
    pub spec: FluxSourceSpec,
    /// What is read of the status.
    #[serde(default)]
    pub status: FluxSourceStatus,
}

/// What is read of a source's spec.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct FluxSourceSpec {
    /// Where the source itself comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What is read of a source's status.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct FluxSourceStatus {
    /// The archive; none until the source was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// How it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

impl kube::Resource for FluxSource {
    type DynamicType = ApiResource;
    type Scope = kube::core::DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }

    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Where the API server has ExternalArtifacts.
pub fn external_artifact() -> ApiResource {
    SourceKind::ExternalArtifact.resource()
}
