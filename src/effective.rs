//! The effective policy of an API, an operation, or either in a product: the documents of
//! all scopes put together.

use crate::diag::{Findings, nearest};
use crate::model::kinds::Kind;
use crate::model::{Key, Resource};
use crate::policy::effective::{self, Fragment, Layer};
use crate::policy::{self, Document, Root, Scope};
use crate::rules::REGISTRY;
use crate::tree::{FileId, ReadError, SourceTree};
use crate::{definition, discover, syntax};
use std::collections::BTreeMap;

/// Which effective policy is asked for, and how it is shown.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The workspace that the API lies in.
    pub workspace: Option<String>,
    /// The API.
    pub api: String,
    /// An operation of it.
    pub operation: Option<String>,
    /// A product that it is called through.
    pub product: Option<String>,
    /// How it is shown.
    pub format: Format,
}

/// Ways to show an effective policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A policy document, with comments that say where each part comes from.
    Xml,
    /// Parts with their sources and lines.
    Json,
    /// A flow chart in Mermaid's language.
    Mermaid,
    /// An HTML page.
    Html,
}

/// Why there is no effective policy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the tree cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The project does not have what is asked for.
    #[error("the project has no {what} `{name}`{near}")]
    Missing {
        /// What people call it.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// What may have been meant.
        near: String,
    },
    /// Nothing was found in the source.
    #[error("the source has no project that can be read; `flux-apim validate` says why")]
    NoProject,
}

/// A policy document of the project.
struct Text {
    path: String,
    text: String,
    file: FileId,
}

/// The effective policy of what is `asked` for in `tree`.
///
/// # Errors
/// When the project does not have it, or a file cannot be read.
pub fn effective(
    tree: &SourceTree,
    options: &discover::Options,
    asked: &Asked,
    findings: &mut Findings,
) -> Result<String, Error> {
    let project = discover::discover(tree, options, REGISTRY, findings)?;
    let project = project.ok_or(Error::NoProject)?;
    let workspace = asked.workspace.as_deref();
    let key = |kind, names: &[&str]| Key::new(workspace, kind, names);
    let api = key(Kind::Api, &[&asked.api]);
    let Some(of_api) = project.resources.get(&api) else {
        return Err(missing(&project, &api));
    };
    let mut scopes = vec![(
        Scope::Global,
        String::new(),
        Key::new(None, Kind::ServicePolicy, &[]),
    )];
    if let Some(name) = workspace {
        let own = key(Kind::ServicePolicy, &[]);
        scopes.push((Scope::Workspace, name.to_owned(), own));
    }
    if let Some(name) = &asked.product {
        let product = key(Kind::Product, &[name]);
        if !project.resources.contains_key(&product) {
            return Err(missing(&project, &product));
        }
        scopes.push((
            Scope::Product,
            name.clone(),
            key(Kind::ProductPolicy, &[name]),
        ));
    }
    scopes.push((
        Scope::Api,
        asked.api.clone(),
        key(Kind::ApiPolicy, &[&asked.api]),
    ));
    if let Some(name) = &asked.operation {
        let own = key(Kind::OperationPolicy, &[&asked.api, name]);
        let declared = key(Kind::ApiOperation, &[&asked.api, name]);
        let is_there =
            project.resources.contains_key(&own) || project.resources.contains_key(&declared);
        if !is_there {
            is_declared(tree, options, of_api, name, findings)?;
        }
        scopes.push((Scope::Operation, name.clone(), own));
    }
    let mut layers: Vec<(Scope, String, Text)> = Vec::new();
    for (scope, name, key) in scopes {
        let resource = project.resources.get(&key);
        if let Some(text) = resource
            .map(|resource| text(tree, resource))
            .transpose()?
            .flatten()
        {
            layers.push((scope, name, text));
        }
    }
    let mut fragments: BTreeMap<String, Text> = BTreeMap::new();
    let all = project
        .resources
        .values()
        .filter(|r| r.key.kind == Kind::PolicyFragment);
    let known =
        all.filter(|r| r.key.workspace.is_none() || r.key.workspace.as_deref() == workspace);
    for resource in known {
        if let Some(text) = text(tree, resource)? {
            fragments.insert(resource.key.name().to_lowercase(), text);
        }
    }
    let depth = options.limits.max_depth;
    let documents: Vec<Document<'_>> = layers
        .iter()
        .map(|(_, _, text)| policy::parse(text.file, &text.text, Root::Policies, depth, findings))
        .collect();
    let of_fragments: BTreeMap<&str, Document<'_>> = fragments
        .iter()
        .map(|(name, text)| {
            let read = policy::parse(text.file, &text.text, Root::Fragment, depth, findings);
            (name.as_str(), read)
        })
        .collect();
    let layers: Vec<Layer<'_>> = layers
        .iter()
        .zip(&documents)
        .map(|((scope, name, text), document)| Layer {
            scope: *scope,
            name,
            path: &text.path,
            document,
        })
        .collect();
    let find = |name: &str| {
        let name = name.to_lowercase();
        let document = of_fragments.get(name.as_str())?;
        let path = &fragments.get(&name)?.path;
        Some(Fragment { path, document })
    };
    let meter = findings.budget().meter();
    let whole = effective::expand(&layers, &find, &meter);
    Ok(match asked.format {
        Format::Xml => effective::xml(&whole, &meter),
        Format::Json => effective::json(&whole, &meter),
        Format::Mermaid => effective::mermaid(&whole, &meter),
        Format::Html => effective::html(&whole, &meter),
    })
}

/// The policy document of `resource`: a file of its own, or the value of a property.
fn text(tree: &SourceTree, resource: &Resource) -> Result<Option<Text>, ReadError> {
    if let Some(file) = resource.policy {
        let text = syntax::utf8(file, tree.read(file)?.into_owned());
        return Ok(text.ok().map(|text| Text {
            path: tree.path(file).to_string(),
            text,
            file,
        }));
    }
    let value = resource.properties.get("value");
    Ok(value.and_then(|value| {
        let file = value.span.or(resource.place())?.file;
        Some(Text {
            path: tree.path(file).to_string(),
            text: value.as_str()?.to_owned(),
            file,
        })
    }))
}

/// Whether the definition of `api` declares the operation.
fn is_declared(
    tree: &SourceTree,
    options: &discover::Options,
    api: &Resource,
    operation: &str,
    findings: &mut Findings,
) -> Result<(), Error> {
    let mut names: Vec<String> = Vec::new();
    if let Some(file) = api.definition {
        let compiled = definition::compile(tree, file, &options.limits, findings)?;
        for declared in compiled
            .into_iter()
            .flat_map(|compiled| compiled.operations)
        {
            let is_it = declared.name.eq_ignore_ascii_case(operation)
                || declared.id.as_deref() == Some(operation);
            if is_it {
                return Ok(());
            }
            names.push(declared.name);
        }
    }
    let near = nearest(operation, names.iter().map(String::as_str));
    Err(Error::Missing {
        what: "operation",
        name: operation.to_owned(),
        near: meant(near),
    })
}

fn missing(project: &discover::Project, key: &Key) -> Error {
    let keys = project.resources.keys();
    let alike = keys.filter(|known| known.kind == key.kind && known.workspace == key.workspace);
    Error::Missing {
        what: key.kind.label(),
        name: key.name().to_owned(),
        near: meant(nearest(key.name(), alike.map(Key::name))),
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}
