//! What a policy refers to.

use super::document::Document;
use flux_apim_diag::{Meter, Span};

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
pub fn references(document: &Document<'_>, meter: &Meter) -> Vec<Reference> {
    let mut references = Vec::new();
    // Liquid templates have `{{ }}` of their own: whether an element is in one.
    let mut liquid: Vec<bool> = Vec::with_capacity(document.elements().len());
    for element in document.elements() {
        meter.spend(1 + element.attributes.len() as u64, element.span);
        let around = element.parent.is_some_and(|parent| liquid[parent]);
        let template = element.name == "set-body"
            && element
                .attribute("template")
                .is_some_and(|template| template.value == "liquid");
        liquid.push(around || template);
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
            named_values(attribute.value, attribute.span, meter, &mut references);
        }
        if !(around || template) {
            for text in &element.texts {
                named_values(text.text, text.span, meter, &mut references);
            }
        }
    }
    references
}

/// `{{name}}` with the characters that display names have. APIM replaces them
/// before C# is compiled, so those in expressions count too.
fn named_values(text: &str, span: Span, meter: &Meter, references: &mut Vec<Reference>) {
    meter.spend(1 + text.len() as u64 / 64, span);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&text.as_bytes()[from..], b"{{") {
        let start = from + at;
        // Not further than the name goes: what closes may be far away.
        let inside = text[start + 2..].trim_start();
        let behind = inside.trim_start_matches(is_name);
        let name = &inside[..inside.len() - behind.len()];
        let end = behind.trim_start();
        meter.spend(1 + (text.len() - start - end.len()) as u64 / 16, span);
        let closed = end.strip_prefix("}}");
        if let (Some(rest), false) = (closed, name.is_empty()) {
            from = text.len() - rest.len();
            let at = span.start as usize;
            references.push(Reference {
                kind: ReferenceKind::NamedValue,
                name: name.to_owned(),
                span: Span::new(span.file, at + start, at + from),
            });
        } else {
            from = start + 1;
        }
    }
}
