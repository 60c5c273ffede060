//! What a policy refers to.

use super::document::{Document, Element};
use crate::diag::Span;

/// Kinds of resource that policies name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceKind {
    /// `{{displayName}}`
    NamedValue,
    /// A policy fragment.
    Fragment,
    /// A backend.
    Backend,
    /// A logger.
    Logger,
    /// A client certificate.
    Certificate,
    /// An authorization provider of the credential manager.
    AuthorizationProvider,
}

/// A place in a policy that names a resource.
#[derive(Debug)]
pub struct Reference {
    /// What is named.
    pub kind: ReferenceKind,
    /// Its name; for named values the display name.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// Attributes that name a resource, from the policy reference.
const TABLE: &[(&str, &str, ReferenceKind)] = &[
    ("include-fragment", "fragment-id", ReferenceKind::Fragment),
    ("set-backend-service", "backend-id", ReferenceKind::Backend),
    ("invoke-request", "backend-id", ReferenceKind::Backend),
    ("llm-content-safety", "backend-id", ReferenceKind::Backend),
    (
        "azure-openai-semantic-cache-lookup",
        "embeddings-backend-id",
        ReferenceKind::Backend,
    ),
    (
        "llm-semantic-cache-lookup",
        "embeddings-backend-id",
        ReferenceKind::Backend,
    ),
    ("log-to-eventhub", "logger-id", ReferenceKind::Logger),
    (
        "authentication-certificate",
        "certificate-id",
        ReferenceKind::Certificate,
    ),
    (
        "get-authorization-context",
        "provider-id",
        ReferenceKind::AuthorizationProvider,
    ),
];

/// Every resource that `document` names. Values that are computed (an
/// expression, a named value) name nothing that can be known.
pub fn references(document: &Document) -> Vec<Reference> {
    let mut references = Vec::new();
    for element in document.elements() {
        for (name, attribute, kind) in TABLE {
            if element.name != *name {
                continue;
            }
            if let Some(attribute) = element.attribute(attribute)
                && !attribute.value.contains("{{")
                && !attribute.value.contains('@')
                && !attribute.value.trim().is_empty()
            {
                references.push(Reference {
                    kind: *kind,
                    name: attribute.value.trim().to_owned(),
                    span: attribute.span,
                });
            }
        }
        for attribute in &element.attributes {
            named_values(&attribute.value, attribute.span, &mut references);
        }
        if !in_liquid(document, element) {
            for text in &element.texts {
                named_values(&text.text, text.span, &mut references);
            }
        }
    }
    references
}

/// Liquid templates have `{{ }}` of their own.
fn in_liquid(document: &Document, element: &Element) -> bool {
    let mut element = element;
    loop {
        let liquid = element
            .attribute("template")
            .is_some_and(|template| template.value == "liquid");
        if liquid && element.name == "set-body" {
            return true;
        }
        match element.parent {
            Some(parent) => element = &document.elements()[parent],
            None => return false,
        }
    }
}

/// `{{name}}` with the characters that display names have. APIM replaces them
/// before C# is compiled, so those in expressions count too.
fn named_values(text: &str, span: Span, references: &mut Vec<Reference>) {
    let mut from = 0;
    while let Some(at) = text[from..].find("{{") {
        let start = from + at;
        let inside = &text[start + 2..];
        let Some(end) = inside.find("}}") else { return };
        let name = inside[..end].trim();
        let valid = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if valid {
            let at = span.start as usize + start;
            references.push(Reference {
                kind: ReferenceKind::NamedValue,
                name: name.to_owned(),
                span: Span::new(span.file, at, at + 2 + end + 2),
            });
            from = start + 2 + end + 2;
        } else {
            from = start + 1;
        }
    }
}
