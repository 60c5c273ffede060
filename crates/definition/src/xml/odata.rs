//! OData metadata: whether its entity sets are of types that are there.

use super::reader::Tag;
use crate::rules::{definition_without_operations, unknown_metadata_type};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Meter, Span};
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

/// What was seen of a document.
#[derive(Default)]
pub(super) struct OData {
    /// The number of the schema that is read.
    schema: usize,
    /// The schemas of the document by namespace and by alias.
    schemas: HashMap<String, usize>,
    types: BTreeSet<(usize, String)>,
    named: Vec<(String, Span)>,
    /// Sets, singletons, functions and actions that are imported.
    containers: usize,
}

impl OData {
    pub(super) fn start(&mut self, tag: &Tag<'_>) -> ControlFlow<()> {
        let text = |name: &str| tag.attribute(name).map(|(text, _)| text);
        match tag.local() {
            "Schema" => {
                let number = self.schemas.len();
                let namespace = text("Namespace").unwrap_or_default();
                self.schema = *self.schemas.entry(namespace).or_insert(number);
                if let Some(alias) = text("Alias") {
                    self.schemas.insert(alias, self.schema);
                }
            }
            "EntityType" | "ComplexType" | "EnumType" | "TypeDefinition" => {
                if let Some(name) = text("Name") {
                    self.types.insert((self.schema, name));
                }
                self.named.extend(tag.attribute("BaseType"));
            }
            "EntitySet" => {
                self.containers += 1;
                self.named.extend(tag.attribute("EntityType"));
            }
            "Singleton" => {
                self.containers += 1;
                self.named.extend(tag.attribute("Type"));
            }
            "FunctionImport" | "ActionImport" => self.containers += 1,
            "Property" | "NavigationProperty" | "Parameter" | "ReturnType" => {
                self.named.extend(tag.attribute("Type"));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    pub(super) fn check(&self, file: FileId, meter: &Meter, findings: &mut Findings) {
        for (name, at) in &self.named {
            meter.spend(1, *at);
            let name = name.trim();
            let inside = name.strip_prefix("Collection(");
            let name = inside
                .and_then(|name| name.strip_suffix(')'))
                .unwrap_or(name);
            let Some((namespace, local)) = name.rsplit_once('.') else {
                continue;
            };
            // Other namespaces are those of `edmx:Reference`.
            let Some(schema) = self.schemas.get(namespace) else {
                continue;
            };
            if !self.types.contains(&(*schema, local.to_owned())) {
                let near = findings.hint(|| {
                    let types = self.types.iter().map(|(_, name)| name.as_str());
                    flux_apim_diag::nearest(local, types).map(str::to_owned)
                });
                findings.push(unknown_metadata_type::found(*at, name, near.as_deref()));
            }
        }
        if self.containers == 0 {
            findings.push(definition_without_operations::odata(file));
        }
    }
}
