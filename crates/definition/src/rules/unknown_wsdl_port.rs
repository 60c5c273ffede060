use crate::WsdlSelector;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2047),
    name: "unknown-wsdl-port",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a WSDL selector names no port of the document",
    shows_source: true,
    page: include_str!("unknown_wsdl_port.md"),
};

/// `given`, at `place`, is none of `ports`; whether its `service` is there.
pub fn found(
    place: impl Into<Place>,
    given: &WsdlSelector,
    service: bool,
    near: Option<&str>,
    ports: &[WsdlSelector],
) -> Diagnostic {
    let message = match service {
        true => format!(
            "the service `{}` has no SOAP port `{}`",
            excerpt(&given.service, 60),
            excerpt(&given.endpoint, 60)
        ),
        false => format!(
            "the document has no service `{}`",
            excerpt(&given.service, 60)
        ),
    };
    let help = match (near, ports.first()) {
        (Some(near), _) if service => format!("did you mean `{}`?", excerpt(near, 60)),
        (_, Some(port)) => format!(
            "it has the service `{}` with the port `{}`, for example",
            excerpt(&port.service, 60),
            excerpt(&port.endpoint, 60)
        ),
        _ => "the document has none".to_owned(),
    };
    let finding = Diagnostic::new(&RULE, place, message).help(help);
    match near {
        Some(near) if service => finding.proposes(&given.endpoint, near),
        _ => finding,
    }
}
