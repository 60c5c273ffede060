//! API definitions: what kind they are, what they declare, and the one
//! document that APIM imports.

mod bundle;
mod check;
mod circles;
mod documents;
mod graphql;
mod ids;
mod links;
mod names;
mod operations;
mod ports;
mod proto;
mod reference;
pub mod rules;
mod shape;
mod tokens;
mod xml;

pub use documents::{Documents, Done};
pub use operations::{Operation, normalise};
pub use ports::{Ports, WsdlSelector};
pub use reference::{ReferenceTarget, parse as parse_reference};

use flux_apim_diag::tree::{FileId, Limits, ReadError, SourceTree};
use flux_apim_diag::{Findings, Meter};
use flux_apim_syntax::{self as syntax, Document, NodeRef};
use rules::{definition_without_operations, malformed_definition, unknown_definition};
use std::collections::BTreeSet;

/// Kinds of API definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionKind {
    /// OpenAPI (Swagger) 2.0.
    Swagger2,
    /// OpenAPI 3.0.
    OpenApi30,
    /// OpenAPI 3.1.
    OpenApi31,
    /// GraphQL schema definition language.
    GraphQl,
    /// WSDL 1.1.
    Wsdl,
    /// WADL.
    Wadl,
    /// OData metadata (EDMX).
    OData,
    /// gRPC `.proto`.
    Grpc,
}

impl DefinitionKind {
    /// ARM's `format` of the inline text. GraphQL has none: its SDL is a
    /// schema resource of the API.
    pub fn format(self) -> Option<&'static str> {
        match self {
            Self::Swagger2 => Some("swagger-json"),
            Self::OpenApi30 | Self::OpenApi31 => Some("openapi+json"),
            Self::GraphQl => None,
            Self::Wsdl => Some("wsdl"),
            Self::Wadl => Some("wadl-xml"),
            Self::OData => Some("odata"),
            Self::Grpc => Some("grpc"),
        }
    }

    /// ARM's `type` of the API, when it is not a plain HTTP API.
    pub fn api_type(self) -> Option<&'static str> {
        match self {
            Self::GraphQl => Some("graphql"),
            Self::Wsdl => Some("soap"),
            Self::OData => Some("odata"),
            Self::Grpc => Some("grpc"),
            _ => None,
        }
    }

    /// Extension of the file that holds the inline text.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Swagger2 | Self::OpenApi30 | Self::OpenApi31 => "json",
            Self::GraphQl => "graphql",
            Self::Wsdl => "wsdl",
            Self::Wadl => "wadl",
            Self::OData => "edmx",
            Self::Grpc => "proto",
        }
    }

    /// Whether operations are named after `operationId` or method and path.
    pub fn is_openapi(self) -> bool {
        matches!(self, Self::Swagger2 | Self::OpenApi30 | Self::OpenApi31)
    }
}

/// A definition as APIM imports it.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Which language, in which version.
    pub kind: DefinitionKind,
    /// The inline text: minified and bundled for OpenAPI, else as it stands.
    pub text: String,
    /// Its operations, in document order; empty when the kind has no rule for
    /// their names.
    pub operations: Vec<Operation>,
    /// How many operations it has, also where `operations` were dropped.
    pub operation_count: usize,
    /// `info.title`.
    pub title: Option<String>,
    /// All of them.
    pub ports: Option<Ports>,
    /// Other files that it refers to.
    pub used: BTreeSet<FileId>,
    /// Paths that it names where there is no file: it is another definition once there
    /// is one.
    pub absent: BTreeSet<String>,
}

/// Reads, checks and bundles the definition in `file` alone.
///
/// # Errors
/// When the world does not give a file that the tree lists.
pub fn compile(
    tree: &SourceTree,
    file: FileId,
    limits: &Limits,
    findings: &mut Findings,
) -> Result<Option<Compiled>, ReadError> {
    let documents = Documents::new(tree, limits);
    let meter = findings.budget().meter();
    let compiled = compile_with(&documents, file, &meter, findings)?;
    documents.into_findings(findings);
    Ok(compiled)
}

/// Reads, checks and bundles the definition in `file`. It shares the `documents` that
/// it refers to with others of the run; `meter` counts the steps that are its own.
///
/// # Errors
/// When the world does not give a file that the tree lists.
pub fn compile_with(
    documents: &Documents<'_>,
    file: FileId,
    meter: &Meter,
    findings: &mut Findings,
) -> Result<Option<Compiled>, ReadError> {
    let tree = documents.tree();
    let text = match syntax::utf8(file, tree.read(file)?.into_owned()) {
        Ok(text) => text,
        Err(finding) => {
            findings.push(*finding);
            return Ok(None);
        }
    };
    let path = tree.path(file);
    let Some(first) = syntax::first_byte(&text) else {
        findings.push(malformed_definition::empty(file, path));
        return Ok(None);
    };
    if first == b'<' {
        return Ok(xml::compile(
            file,
            text,
            documents.limits(),
            meter,
            findings,
        ));
    }
    let extension = path
        .name()
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    let passed = match extension.to_ascii_lowercase().as_str() {
        "graphql" | "gql" | "graphqls" => Some(DefinitionKind::GraphQl),
        "proto" => Some(DefinitionKind::Grpc),
        _ => None,
    };
    if let Some(kind) = passed {
        match kind {
            DefinitionKind::GraphQl => graphql::check(file, &text, meter, findings),
            _ => proto::check(file, &text, meter, findings),
        }
        return Ok(Some(Compiled::passed(kind, text)));
    }
    let parsed = documents.get_of(file, text, findings)?;
    let sound = parsed.document.filter(|_| parsed.sound);
    let known = sound.and_then(|document| Some((version(&document, findings)?, document)));
    let Some((kind, document)) = known else {
        documents.release(file, std::iter::empty());
        return Ok(None);
    };
    // Of a document without paths the check has said so.
    let has_paths = document.root().get("paths").is_some();
    let bundled = bundle::bundle(documents, document, kind, meter, findings)?;
    if let Some(compiled) = &bundled
        && compiled.operations.is_empty()
        && has_paths
    {
        findings.push(definition_without_operations::found(file, path));
    }
    Ok(bundled)
}

impl Compiled {
    /// A definition that passes through as it stands.
    fn passed(kind: DefinitionKind, text: String) -> Self {
        Self {
            kind,
            text,
            operations: Vec::new(),
            operation_count: 0,
            title: None,
            ports: None,
            used: BTreeSet::new(),
            absent: BTreeSet::new(),
        }
    }
}

/// The OpenAPI version that a document declares.
fn version(document: &Document, findings: &mut Findings) -> Option<DefinitionKind> {
    let root = document.root();
    let declared = ["openapi", "swagger"]
        .iter()
        .find_map(|key| Some((*key, root.get(key)?)));
    let Some((key, value)) = declared else {
        findings.push(unknown_definition::no_version(document.file()));
        return None;
    };
    let text = value.as_scalar().unwrap_or("");
    let minor = |version: &str| text == version || text.starts_with(&format!("{version}."));
    let kind = match key {
        "swagger" if minor("2.0") || text == "2" => Some(DefinitionKind::Swagger2),
        "openapi" if minor("3.0") => Some(DefinitionKind::OpenApi30),
        "openapi" if minor("3.1") => Some(DefinitionKind::OpenApi31),
        _ => None,
    };
    if kind.is_none() {
        findings.push(unknown_definition::version(value.span(), key, text));
    }
    kind
}

/// `info.title` of a document.
fn title(root: NodeRef<'_>) -> Option<String> {
    root.get("info")?
        .get("title")?
        .as_scalar()
        .map(str::to_owned)
}
