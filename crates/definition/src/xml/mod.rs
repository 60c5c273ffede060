//! WSDL, WADL and OData: told apart by their root element, passed through, and read for
//! what makes an import fail.

mod odata;
mod reader;
mod schema;
mod wadl;
mod wsdl;

use super::{Compiled, DefinitionKind};
use crate::rules::{policy_as_definition, unknown_definition};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Findings, Meter};
use reader::{Tag, Visit};
use std::ops::ControlFlow;

/// A document of the kind that its root element says.
enum Seen {
    Nothing,
    Wsdl(Box<wsdl::Wsdl>),
    Wadl(wadl::Wadl),
    OData(Box<odata::OData>),
    Policy,
    Other(String),
}

impl Visit for Seen {
    fn start(&mut self, tag: &Tag<'_>) -> ControlFlow<()> {
        match self {
            Self::Wsdl(wsdl) => return wsdl.start(tag),
            Self::Wadl(wadl) => return wadl.start(tag),
            Self::OData(odata) => return odata.start(tag),
            _ => {}
        }
        *self = match tag.local() {
            "definitions" => Self::Wsdl(Box::new(wsdl::Wsdl::of(tag))),
            "application" => Self::Wadl(wadl::Wadl::default()),
            "Edmx" => Self::OData(Box::default()),
            // A policy is not always XML: its root says enough.
            "policies" | "fragment" => Self::Policy,
            other => Self::Other(other.to_owned()),
        };
        match self {
            Self::Policy => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn end(&mut self) {
        if let Self::Wsdl(wsdl) = self {
            wsdl.end();
        }
    }
}

pub(super) fn compile(
    file: FileId,
    text: String,
    limits: &Limits,
    meter: &Meter,
    findings: &mut Findings,
) -> Option<Compiled> {
    let mut seen = Seen::Nothing;
    if let Err(finding) = reader::read(file, &text, limits, meter, &mut seen) {
        findings.push(*finding);
        return None;
    }
    let kind = match seen {
        Seen::Wsdl(wsdl) => {
            let ports = wsdl.check(file, meter, findings)?;
            let mut compiled = Compiled::passed(DefinitionKind::Wsdl, text);
            compiled.ports = Some(ports);
            return Some(compiled);
        }
        Seen::Wadl(wadl) => {
            wadl.check(file, findings);
            DefinitionKind::Wadl
        }
        Seen::OData(odata) => {
            odata.check(file, meter, findings);
            DefinitionKind::OData
        }
        Seen::Policy => {
            findings.push(policy_as_definition::found(file));
            return None;
        }
        Seen::Nothing => {
            findings.push(unknown_definition::root(file, ""));
            return None;
        }
        Seen::Other(name) => {
            findings.push(unknown_definition::root(file, &name));
            return None;
        }
    };
    Some(Compiled::passed(kind, text))
}
