//! Which service and port of a WSDL document APIM imports: it takes one.

use crate::rules::{unknown_wsdl_port, wsdl_port_chosen};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Place, Span, nearest};

/// Which service and port of a WSDL document APIM imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsdlSelector {
    /// `wsdlServiceName`.
    pub service: String,
    /// `wsdlEndpointName`.
    pub endpoint: String,
}

/// A port with a SOAP address.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) selector: WsdlSelector,
    pub(super) address: String,
    /// The name of its service.
    pub(super) at: Span,
}

impl Port {
    fn is_secure(&self) -> bool {
        let scheme = self.address.trim().get(..8).unwrap_or("");
        scheme.eq_ignore_ascii_case("https://")
    }
}

/// The ports of a WSDL document that APIM can import: one at least.
#[derive(Debug, Clone)]
pub struct Ports {
    pub(super) first: Port,
    pub(super) others: Vec<Port>,
}

impl Ports {
    fn all(&self) -> impl Iterator<Item = &Port> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn chosen(&self) -> &Port {
        let secure = self.all().find(|port| port.is_secure());
        secure.unwrap_or(&self.first)
    }

    /// The first port with an https address, else the first.
    pub fn preferred(&self) -> WsdlSelector {
        self.chosen().selector.clone()
    }

    /// Takes the preferred port, where no selector is given, and says so when there are
    /// others.
    pub fn choose(&self, findings: &mut Findings) -> WsdlSelector {
        let chosen = self.chosen();
        if !self.others.is_empty() {
            let others = self.all().filter(|port| port.selector != chosen.selector);
            let others: Vec<_> = others.map(|port| port.selector.endpoint.as_str()).collect();
            findings.push(wsdl_port_chosen::found(
                chosen.at,
                &chosen.selector.endpoint,
                chosen.is_secure(),
                &others,
            ));
        }
        chosen.selector.clone()
    }

    /// Says so when the `given` selector, which stands at `place`, names no port of the
    /// document.
    pub fn check(&self, given: &WsdlSelector, place: impl Into<Place>, findings: &mut Findings) {
        if self.all().any(|port| port.selector == *given) {
            return;
        }
        let names: Vec<_> = self.all().map(|port| port.selector.clone()).collect();
        let near = findings.hint(|| {
            let endpoints = names.iter().map(|name| name.endpoint.as_str());
            nearest(&given.endpoint, endpoints)
        });
        let service = names.iter().any(|name| name.service == given.service);
        findings.push(unknown_wsdl_port::found(
            place, given, service, near, &names,
        ));
    }

    /// The same ports in another tree, where `file` is the document.
    pub fn move_to(&mut self, file: FileId) {
        self.first.at.file = file;
        for port in &mut self.others {
            port.at.file = file;
        }
    }

    /// About what they take in memory.
    pub fn bytes(&self) -> usize {
        let texts = |port: &Port| {
            let names = port.selector.service.len() + port.selector.endpoint.len();
            size_of::<Port>() + names + port.address.len()
        };
        self.all().map(texts).sum()
    }
}
