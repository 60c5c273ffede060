use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2046),
    name: "wsdl-port-chosen",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a WSDL document has several ports, and one of them was chosen",
    shows_source: true,
    page: include_str!("wsdl_port_chosen.md"),
};

/// `port` of the service at `at` was taken, and `others` were not.
pub fn found(at: Span, port: &str, secure: bool, others: &[&str]) -> Diagnostic {
    const MANY: usize = 5;
    let shown: Vec<_> = others
        .iter()
        .take(MANY)
        .map(|name| format!("`{}`", excerpt(name, 60)))
        .collect();
    let more = match others.len().saturating_sub(MANY) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let address = match secure {
        true => "its address is https",
        false => "no port has an https address: this one is http",
    };
    let message = format!(
        "the port `{}` is imported ({address}); not imported: {}{more}",
        excerpt(port, 60),
        shown.join(", ")
    );
    Diagnostic::new(&RULE, at, message)
        .help("`wsdlSelector` with `wsdlServiceName` and `wsdlEndpointName` in apiInformation.json chooses another")
}
