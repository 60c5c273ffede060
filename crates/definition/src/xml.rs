//! WSDL, WADL and OData: told apart by their root element, passed through.

use super::{Compiled, Kind};
use crate::rules::{invalid_wsdl, malformed_definition, policy_as_definition, unknown_definition};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Diagnostic, Findings, Meter, excerpt};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use std::rc::Rc;

/// Namespaces of SOAP 1.1 and 1.2 extensions of WSDL.
const SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap";

/// Which service and port of a WSDL document APIM imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsdlSelector {
    /// `wsdlServiceName`.
    pub service: String,
    /// `wsdlEndpointName`.
    pub endpoint: String,
}

/// What was seen of a document.
#[derive(Default)]
struct Seen {
    root: Option<String>,
    /// The service around the cursor.
    service: Option<Rc<str>>,
    /// The last port with its service.
    port: Option<(Rc<str>, String)>,
    /// The first of them with a SOAP address.
    soap: Option<(Rc<str>, String)>,
}

pub(super) fn compile(
    file: FileId,
    text: String,
    meter: &Meter,
    findings: &mut Findings,
) -> Option<Compiled> {
    let seen = match read(file, &text, meter) {
        Ok(seen) => seen,
        Err(finding) => {
            findings.push(*finding);
            return None;
        }
    };
    let kind = match seen.root.as_deref() {
        Some("definitions") => Kind::Wsdl,
        Some("application") => Kind::Wadl,
        Some("Edmx") => Kind::OData,
        Some("policies" | "fragment") => {
            findings.push(policy_as_definition::found(file));
            return None;
        }
        other => {
            findings.push(unknown_definition::root(file, other.unwrap_or("")));
            return None;
        }
    };
    let mut selector = None;
    if kind == Kind::Wsdl {
        let Some((service, endpoint)) = &seen.soap else {
            findings.push(invalid_wsdl::found(file));
            return None;
        };
        selector = Some(WsdlSelector {
            service: service.to_string(),
            endpoint: endpoint.clone(),
        });
    }
    let mut compiled = Compiled::passed(kind, text);
    compiled.selector = selector;
    Some(compiled)
}

fn read(file: FileId, text: &str, meter: &Meter) -> Result<Seen, Box<Diagnostic>> {
    let malformed = |at: u64, message: String| {
        let at = usize::try_from(at).unwrap_or(0).min(text.len());
        Box::new(malformed_definition::xml(file, at, message))
    };
    let mut reader = NsReader::from_str(text);
    let mut seen = Seen::default();
    let mut depth = 0usize;
    // The text, and the names of open elements that the reader keeps.
    let _held = meter.budget().hold(2 * text.len(), file);
    let mut at = 0;
    loop {
        // A policy is not always XML: its root says enough.
        if matches!(seen.root.as_deref(), Some("policies" | "fragment")) {
            return Ok(seen);
        }
        // What the last event was.
        meter.spend(1 + (reader.buffer_position() - at) / 64, file);
        at = reader.buffer_position();
        match reader.read_resolved_event() {
            Ok((namespace, Event::Start(element))) => {
                depth += 1;
                seen.element(&namespace, &element);
            }
            Ok((namespace, Event::Empty(element))) => seen.element(&namespace, &element),
            Ok((_, Event::End(element))) => {
                depth = depth.saturating_sub(1);
                if element.local_name().as_ref() == "service" {
                    seen.service = None;
                }
            }
            Ok((_, Event::DocType(_))) => {
                let at = reader.buffer_position();
                return Err(malformed(at, "a document type is not read".to_owned()));
            }
            Ok((_, Event::Eof)) if depth > 0 => {
                let at = reader.buffer_position();
                return Err(malformed(
                    at,
                    "the document ends inside an element".to_owned(),
                ));
            }
            Ok((_, Event::Eof)) => return Ok(seen),
            Ok(_) => {}
            Err(error) => {
                let message = excerpt(&error.to_string(), 200);
                return Err(malformed(
                    reader.error_position(),
                    format!("malformed XML: {message}"),
                ));
            }
        }
    }
}

impl Seen {
    fn element(&mut self, namespace: &ResolveResult<'_>, element: &BytesStart<'_>) {
        let local = element.local_name();
        let local: &str = local.as_ref();
        if self.root.is_none() {
            self.root = Some(local.to_owned());
            return;
        }
        let name = || {
            let attribute = element.try_get_attribute("name").ok().flatten()?;
            Some(attribute.value.into_owned())
        };
        match local {
            "service" => self.service = name().map(Rc::from),
            "port" => {
                if let (Some(service), Some(port)) = (&self.service, name()) {
                    self.port = Some((Rc::clone(service), port));
                }
            }
            // http:address is no SOAP port.
            "address" => {
                let soap =
                    matches!(namespace, ResolveResult::Bound(ns) if ns.as_ref().starts_with(SOAP));
                if soap && self.soap.is_none() {
                    self.soap.clone_from(&self.port);
                }
            }
            _ => {}
        }
    }
}
