//! Shapes of requests and answers, as `/openapi.json` describes them: documents that are
//! read and written elsewhere; tests hold the two together.
#![expect(dead_code, reason = "the types are read by the OpenAPI generator only")]

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::openapi::schema::Ref;
use utoipa::openapi::{Content, HeaderBuilder, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// A file: its text, or its bytes.
#[derive(ToSchema, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum FileContent {
    Text(String),
    Bytes(FileBytes),
}

#[derive(ToSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileBytes {
    #[schema(format = Byte)]
    base64: String,
}

/// A tree: its files, a `.tar.gz` of them, or the name of an artifact.
#[derive(ToSchema, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Tree {
    Files(TreeFiles),
    Archive(TreeArchive),
    Reference(TreeReference),
}

#[derive(ToSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeFiles {
    /// Paths with their content.
    files: BTreeMap<String, FileContent>,
    /// The one document that is meant.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<String>,
}

#[derive(ToSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeArchive {
    /// A `.tar.gz` in base64.
    #[schema(format = Byte)]
    archive: String,
    /// The one document that is meant.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<String>,
}

#[derive(ToSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreeReference {
    source: ArtifactReference,
    /// The one document that is meant.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<String>,
}

/// A Flux artifact, fetched from a host that the operator allows.
#[derive(ToSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArtifactReference {
    #[schema(format = "uri")]
    url: String,
    /// `sha256:`, `sha384:` or `sha512:` and hexadecimal digits.
    #[schema(pattern = "^sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})$")]
    digest: String,
}

/// Two trees.
#[derive(ToSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TreePair {
    old: Tree,
    new: Tree,
}

/// A form: an archive, or files by their names; options as fields.
#[derive(ToSchema)]
pub(super) struct Form {
    /// A `.tar.gz`.
    #[schema(format = Binary, value_type = String)]
    archive: Vec<u8>,
}

/// A form with two archives.
#[derive(ToSchema)]
pub(super) struct FormPair {
    /// A `.tar.gz`.
    #[schema(format = Binary, value_type = String)]
    old: Vec<u8>,
    /// A `.tar.gz`.
    #[schema(format = Binary, value_type = String)]
    new: Vec<u8>,
}

/// A bundle in an answer.
#[derive(ToSchema)]
pub(super) struct RenderedBundle {
    /// `bundle.json`
    inventory: BTreeMap<String, Value>,
    /// Paths with their text.
    files: BTreeMap<String, String>,
    diagnostics: Diagnostics,
}

/// Findings, version 1.
#[derive(ToSchema)]
pub(super) struct Diagnostics {
    version: u8,
    /// How much was looked at, where that is known.
    checked: Option<LookedAt>,
    diagnostics: Vec<Finding>,
    /// What the target must have and the source does not bring; left out where there is
    /// none.
    prerequisites: Option<Vec<Prerequisite>>,
    summary: Summary,
}

#[derive(ToSchema)]
pub(super) struct LookedAt {
    resources: u64,
    definitions: u64,
    policies: u64,
}

#[derive(ToSchema)]
pub(super) struct Prerequisite {
    /// What it is: `authorization server`, `Key Vault`, `secret value`.
    kind: String,
    name: String,
    /// Files that ask for it, the first ten.
    by: Vec<String>,
    /// What `external` in `flux-apim.yaml` would call it; left out where that names none.
    external: Option<String>,
}

#[derive(ToSchema)]
pub(super) struct Finding {
    /// `APIM1003`
    code: String,
    name: String,
    #[schema(pattern = "^(error|warning|info)$")]
    severity: String,
    message: String,
    #[schema(required)]
    help: Option<String>,
    /// The same as a change of the source, where there is one.
    fix: Option<Fix>,
    path: String,
    #[schema(required)]
    range: Option<Range>,
    related: Vec<RelatedPlace>,
    url: String,
}

#[derive(ToSchema)]
pub(super) struct Fix {
    /// What it does.
    title: String,
    /// Whether it is what was meant beyond doubt.
    safe: bool,
    edits: Vec<Edit>,
}

#[derive(ToSchema)]
pub(super) struct Edit {
    path: String,
    /// What is taken out.
    range: Range,
    /// What is put there.
    text: String,
}

#[derive(ToSchema)]
pub(super) struct RelatedPlace {
    path: String,
    #[schema(required)]
    range: Option<Range>,
    message: String,
}

#[derive(ToSchema)]
pub(super) struct Range {
    start: Position,
    end: Position,
}

#[derive(ToSchema)]
pub(super) struct Position {
    line: u32,
    column: u32,
    offset: u32,
}

#[derive(ToSchema)]
pub(super) struct Summary {
    error: u32,
    warning: u32,
    info: u32,
    suppressed: u32,
}

/// Changes, version 1.
#[derive(ToSchema)]
pub(super) struct Difference {
    version: u8,
    resources: Vec<ResourceChange>,
    summary: DifferenceSummary,
}

#[derive(ToSchema)]
pub(super) struct DifferenceSummary {
    added: u32,
    removed: u32,
    changed: u32,
    unchanged: u32,
}

#[derive(ToSchema)]
pub(super) struct ResourceChange {
    #[schema(pattern = "^(added|removed|changed)$")]
    action: String,
    /// ARM type.
    r#type: String,
    /// ARM name below the service.
    name: String,
    /// `apis/orders/policies/policy`
    id: String,
    /// The file it comes from.
    #[schema(required)]
    path: Option<String>,
    properties: Vec<PropertyChange>,
    texts: Vec<TextDifference>,
    #[schema(required)]
    definition: Option<DefinitionChange>,
}

/// `old` is missing when the property is new, `new` when it is gone.
#[derive(ToSchema)]
pub(super) struct PropertyChange {
    path: String,
    old: Option<Value>,
    new: Option<Value>,
}

#[derive(ToSchema)]
pub(super) struct TextDifference {
    path: String,
    /// A unified difference; null when the texts are too large for one.
    #[schema(required)]
    diff: Option<String>,
    old: String,
    new: String,
}

/// Operations as `GET /orders/{id}`.
#[derive(ToSchema)]
pub(super) struct DefinitionChange {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
    elsewhere: bool,
}

#[derive(ToSchema)]
pub(super) struct Rules {
    version: u8,
    rules: Vec<RuleDescription>,
}

#[derive(ToSchema)]
pub(super) struct RuleDescription {
    code: String,
    name: String,
    severity: String,
    summary: String,
    explanation: String,
    url: String,
    /// Who may lower it: `integrity` nobody, `refusal` with a reason, `lint` and `convention` everybody.
    class: String,
    /// What it is founded on: `documented`, `reported` or `guess`.
    evidence: String,
    /// The version that has it first.
    since: String,
}

/// RFC 9457; with findings it has the members of `Diagnostics` as well.
#[derive(ToSchema)]
pub(super) struct ProblemDocument {
    #[schema(format = "uri")]
    r#type: String,
    title: String,
    status: u16,
    detail: String,
}

fn problem(description: &str) -> ResponseBuilder {
    let schema = Ref::from_schema_name("ProblemDocument");
    let content = Content::new(Some(RefOr::<utoipa::openapi::Schema>::Ref(schema)));
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
}

fn problems(table: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    table
        .iter()
        .map(|&(status, description)| {
            let mut response = problem(description);
            if matches!(status, "429" | "503") {
                let header = HeaderBuilder::new()
                    .description(Some("Seconds after which to come again."))
                    .build();
                response = response.header("Retry-After", header);
            }
            (status.to_owned(), RefOr::T(response.build()))
        })
        .collect()
}

/// What every preview may end in.
pub(super) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = Refusals::responses();
        all.extend(problems(&[
            ("400", "The request cannot be read."),
            ("406", "No answer of an accepted type."),
            ("408", "The body did not arrive in time."),
            (
                "413",
                "A cap is exceeded; `detail` says which, and how to raise it.",
            ),
            ("415", "A type or encoding that is not read."),
            ("502", "The host of a source by reference did not answer."),
        ]));
        all
    }
}

/// What everything behind authentication may end in.
pub(super) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("401", "There is no valid token."),
            ("403", "The token does not allow this."),
            ("429", "This client asks too often, or too much at once."),
            ("503", "The service is busy, or stops."),
        ])
    }
}
