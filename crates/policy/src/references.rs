//! What a policy refers to.

use super::document::{Document, Element, NodeId, NodeKind};
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
    /// A backend that the named value of this display name names.
    BackendOfNamedValue,
    /// A logger.
    Logger,
    /// A client certificate.
    Certificate,
    /// A client certificate, by its thumbprint.
    Thumbprint,
    /// A managed identity of the service, by its client id; the system-assigned one has no
    /// name.
    Identity,
    /// A provider of the credential manager.
    AuthorizationProvider,
}

impl ReferenceKind {
    /// What messages call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NamedValue | Self::BackendOfNamedValue => "named value",
            Self::Fragment => "policy fragment",
            Self::Backend => "backend",
            Self::Logger => "logger",
            Self::Certificate => "certificate",
            Self::Thumbprint => "certificate with the thumbprint",
            Self::Identity => "managed identity",
            Self::AuthorizationProvider => "credential provider",
        }
    }
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

impl Reference {
    /// What is named, as people call it.
    pub fn shown(&self) -> &str {
        match self.kind {
            ReferenceKind::Identity => identity(&self.name),
            _ => &self.name,
        }
    }
}

/// What a managed identity is called: its client id, or that it is the service's own.
pub fn identity(client: &str) -> &str {
    let is_own = client.is_empty() || client.eq_ignore_ascii_case("SystemAssigned");
    if is_own { "system-assigned" } else { client }
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
        "authentication-certificate",
        "thumbprint",
        ReferenceKind::Thumbprint,
    ),
    // Keys of `validate-jwt` and `validate-azure-ad-token`.
    ("key", "certificate-id", ReferenceKind::Certificate),
    // Of `validate-client-certificate`.
    (
        "identity",
        "issuer-certificate-id",
        ReferenceKind::Certificate,
    ),
    (
        "authentication-managed-identity",
        "client-id",
        ReferenceKind::Identity,
    ),
    (
        "send-service-bus-message",
        "client-id",
        ReferenceKind::Identity,
    ),
    // Of the data sources of GraphQL resolvers.
    ("connection-string", "client-id", ReferenceKind::Identity),
    (
        "get-authorization-context",
        "provider-id",
        ReferenceKind::AuthorizationProvider,
    ),
];

/// Elements that ask for a token of a managed identity: of the system-assigned one where
/// they name none.
const OF_IDENTITY: [&str; 2] = [
    "authentication-managed-identity",
    "send-service-bus-message",
];

/// Every resource that `document` names. Values that are computed (an
/// expression, a named value) name nothing that can be known.
pub fn references(document: &Document<'_>, meter: &Meter) -> Vec<Reference> {
    let mut references = Vec::new();
    for (index, node) in document.nodes.iter().enumerate() {
        meter.spend(1, document.place(node.extent));
        match node.kind {
            NodeKind::Element(element) => {
                if let Some(element) = document.elements.get(element.0 as usize) {
                    of_element(document, element, meter, &mut references);
                }
            }
            NodeKind::NamedValue | NodeKind::Expression(_) | NodeKind::Data => {
                // What is in a CDATA section is read as its children are, and they are not.
                let id = NodeId(u32::try_from(index).unwrap_or(u32::MAX));
                let data = node
                    .parent
                    .is_some_and(|parent| matches!(document.node(parent).kind, NodeKind::Data));
                let liquid = document.around(id).is_some_and(|element| element.liquid);
                if !data && !liquid {
                    let span = document.place(node.extent);
                    named_values(document.source(id), span, meter, &mut references);
                }
            }
            _ => {}
        }
    }
    references
}

fn of_element(
    document: &Document<'_>,
    element: &Element<'_>,
    meter: &Meter,
    references: &mut Vec<Reference>,
) {
    let attributes = document.attributes(element);
    meter.spend(attributes.len() as u64, element.span);
    for (name, attribute, kind) in TABLE {
        if element.name != *name {
            continue;
        }
        let Some(attribute) = document.attribute(element, attribute) else {
            continue;
        };
        let value = attribute.value.trim();
        if *kind == ReferenceKind::Backend
            && let Some((name, end)) = named_value(value, 0)
            && end == value.len()
        {
            references.push(Reference {
                kind: ReferenceKind::BackendOfNamedValue,
                name: name.to_owned(),
                span: attribute.span,
            });
        }
        if !attribute.value.contains("{{")
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
    let asks = OF_IDENTITY.contains(&element.name)
        || (element.name == "connection-string"
            && document
                .attribute(element, "use-managed-identity")
                .is_some_and(|used| used.value.trim() == "true"));
    if asks && document.attribute(element, "client-id").is_none() {
        references.push(Reference {
            kind: ReferenceKind::Identity,
            name: String::new(),
            // No word names it: where the element begins.
            span: Span {
                end: element.span.start,
                ..element.span
            },
        });
    }
    for attribute in attributes {
        named_values(attribute.value, attribute.span, meter, references);
    }
}

/// The `{{name}}` at `at`: its name and the offset behind it. Display names have few
/// characters.
pub(crate) fn named_value(text: &str, at: usize) -> Option<(&str, usize)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let inside = text[at..].strip_prefix("{{")?.trim_start();
    // Not further than the name goes: what closes may be far away.
    let behind = inside.trim_start_matches(is_name);
    let name = &inside[..inside.len() - behind.len()];
    let rest = behind.trim_start().strip_prefix("}}")?;
    (!name.is_empty()).then_some((name, text.len() - rest.len()))
}

/// APIM replaces named values before C# is compiled, so those in expressions count too.
fn named_values(text: &str, span: Span, meter: &Meter, references: &mut Vec<Reference>) {
    meter.spend(1 + text.len() as u64 / 64, span);
    let mut from = 0;
    while let Some(found) = memchr::memmem::find(&text.as_bytes()[from..], b"{{") {
        let start = from + found;
        let Some((name, end)) = named_value(text, start) else {
            from = start + 1;
            continue;
        };
        meter.spend(1 + (end - start) as u64 / 16, span);
        from = end;
        let at = span.start as usize;
        references.push(Reference {
            kind: ReferenceKind::NamedValue,
            name: name.to_owned(),
            span: Span::new(span.file, at + start, at + end),
        });
    }
}
