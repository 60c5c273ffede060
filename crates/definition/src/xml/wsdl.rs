//! WSDL 1.1: its services and ports, and what APIM refuses of the rest.

use super::reader::{Name, Tag, namespace_of};
use super::schema::{Schemas, Space};
use crate::ports::{Port, Ports, WsdlSelector};
use crate::rules::{
    invalid_wsdl, several_parts, unresolved_name, unsupported_binding, unsupported_import,
};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Meter, Span};
use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
/// Namespaces of SOAP 1.1 and 1.2 extensions of WSDL.
const SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap";
const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// What one part of a document calls another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Declared {
    Message,
    PortType,
    Binding,
}

impl Declared {
    fn word(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::PortType => "portType",
            Self::Binding => "binding",
        }
    }
}

/// What was seen of a document.
#[derive(Default)]
pub(super) struct Wsdl {
    target: String,
    /// Elements around the place that is read.
    open: Vec<String>,
    declared: BTreeSet<(Declared, Name)>,
    named: Vec<(Declared, Name, Span)>,
    /// The parts of each message: how many, and where its name stands.
    messages: Vec<(String, Span, usize)>,
    schemas: Schemas,
    /// The service around the place, with its name's place.
    service: Option<(String, Span)>,
    port: Option<String>,
    ports: Vec<Port>,
    /// Where a binding, or an operation of it, is of a style that APIM does not take.
    styles: Vec<(Span, &'static str)>,
    imports: Vec<(Span, String)>,
    /// Namespaces of WSDL documents that are imported.
    imported: HashSet<String>,
}

impl Wsdl {
    pub(super) fn of(root: &Tag<'_>) -> Self {
        let target = root.attribute("targetNamespace");
        Self {
            target: target.map_or_else(String::new, |(text, _)| namespace_of(&text)),
            open: vec![root.local().to_owned()],
            ..Self::default()
        }
    }

    pub(super) fn start(&mut self, tag: &Tag<'_>) -> ControlFlow<()> {
        let namespace = tag.namespace();
        if namespace == XSD {
            self.schemas.start(tag, self.open.len());
        } else if namespace == WSDL {
            self.element(tag);
        } else if namespace.starts_with(SOAP) {
            self.soap(tag);
        }
        self.open.push(tag.local().to_owned());
        ControlFlow::Continue(())
    }

    pub(super) fn end(&mut self) {
        match self.open.pop().as_deref() {
            Some("service") => self.service = None,
            Some("port") => self.port = None,
            _ => {}
        }
        self.schemas.end(self.open.len());
    }

    /// A name that the document itself gives.
    fn own(&self, local: &str) -> Name {
        Name {
            namespace: self.target.clone(),
            local: local.to_owned(),
        }
    }

    fn declare(&mut self, kind: Declared, tag: &Tag<'_>) {
        if let Some((name, _)) = tag.attribute("name") {
            self.declared.insert((kind, self.own(&name)));
        }
    }

    fn name(&mut self, kind: Declared, tag: &Tag<'_>, attribute: &str) {
        if let Some((name, span)) = tag.qualified(attribute) {
            self.named.push((kind, name, span));
        }
    }

    fn element(&mut self, tag: &Tag<'_>) {
        let around = self.open.last().map_or("", String::as_str);
        match (around, tag.local()) {
            ("definitions", "import") => {
                if let Some((namespace, _)) = tag.attribute("namespace") {
                    self.imported.insert(namespace_of(&namespace));
                }
                let (location, span) = tag
                    .attribute("location")
                    .unwrap_or_else(|| (String::new(), tag.span()));
                self.imports.push((span, location));
            }
            ("definitions", "message") => {
                self.declare(Declared::Message, tag);
                let (name, span) = tag
                    .attribute("name")
                    .unwrap_or_else(|| (String::new(), tag.span()));
                self.messages.push((name, span, 0));
            }
            ("message", "part") => {
                if let Some((_, _, parts)) = self.messages.last_mut() {
                    *parts += 1;
                }
                for (attribute, space) in [("element", Space::Element), ("type", Space::Type)] {
                    if let Some((name, span)) = tag.qualified(attribute) {
                        self.schemas.name(space, name, span);
                    }
                }
            }
            ("definitions", "portType") => self.declare(Declared::PortType, tag),
            ("operation", "input" | "output" | "fault") => {
                self.name(Declared::Message, tag, "message");
            }
            ("definitions", "binding") => {
                self.declare(Declared::Binding, tag);
                self.name(Declared::PortType, tag, "type");
            }
            ("definitions", "service") => self.service = tag.attribute("name"),
            ("service", "port") => {
                self.port = tag.attribute("name").map(|(name, _)| name);
                self.name(Declared::Binding, tag, "binding");
            }
            _ => {}
        }
    }

    fn soap(&mut self, tag: &Tag<'_>) {
        match tag.local() {
            // http:address is no SOAP port.
            "address" => {
                if let (Some((service, at)), Some(port)) = (&self.service, self.port.take()) {
                    let (address, _) = tag
                        .attribute("location")
                        .unwrap_or_else(|| (String::new(), tag.span()));
                    self.ports.push(Port {
                        selector: WsdlSelector {
                            service: service.clone(),
                            endpoint: port,
                        },
                        address,
                        at: *at,
                    });
                }
            }
            "binding" | "operation" => {
                let style = tag.attribute("style");
                if let Some((_, span)) = style.filter(|(style, _)| style == "rpc") {
                    self.styles.push((span, "the style `rpc`"));
                }
            }
            "body" | "header" | "fault" => {
                let style = tag.attribute("use");
                if let Some((_, span)) = style.filter(|(style, _)| style == "encoded") {
                    self.styles.push((span, "the use `encoded`"));
                }
            }
            _ => {}
        }
    }

    /// Says what makes the import of the document fail. Its ports, if it has any.
    pub(super) fn check(
        mut self,
        file: FileId,
        meter: &Meter,
        findings: &mut Findings,
    ) -> Option<Ports> {
        for (span, location) in self.imports.drain(..) {
            findings.push(unsupported_import::wsdl(span, &location));
        }
        for (kind, name, span) in &self.named {
            meter.spend(1, *span);
            let known = self.declared.contains(&(*kind, name.clone()));
            // What another document has is said where it is imported.
            if !known && !self.imported.contains(&name.namespace) {
                let names = self.declared.iter().filter(|(other, _)| other == kind);
                let near = findings.hint(|| {
                    let names = names.map(|(_, name)| name.local.as_str());
                    flux_apim_diag::nearest(&name.local, names).map(str::to_owned)
                });
                let near = near.as_deref();
                findings.push(unresolved_name::found(
                    *span,
                    kind.word(),
                    &name.local,
                    near,
                ));
            }
        }
        // Every operation of a binding says the same.
        if let Some((span, what)) = self.styles.first() {
            findings.push(unsupported_binding::found(*span, what));
        }
        for (name, span, parts) in &self.messages {
            if *parts > 1 {
                findings.push(several_parts::found(*span, name, *parts));
            }
        }
        self.schemas.check(file, meter, findings);
        let mut ports = self.ports.into_iter();
        let Some(first) = ports.next() else {
            findings.push(invalid_wsdl::found(file));
            return None;
        };
        Some(Ports {
            first,
            others: ports.collect(),
        })
    }
}
