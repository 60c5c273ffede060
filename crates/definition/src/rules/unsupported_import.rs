use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2050),
    name: "unsupported-import",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a WSDL document takes parts of it from other files",
    shows_source: true,
    page: include_str!("unsupported_import.md"),
};

/// `wsdl:import` of `location`.
pub fn wsdl(at: Span, location: &str) -> Diagnostic {
    new(at, "wsdl:import", location)
}

/// `xsd:import` or `xsd:include` of `location`.
pub fn schema(at: Span, location: &str) -> Diagnostic {
    new(at, "a schema", location)
}

fn new(at: Span, what: &str, location: &str) -> Diagnostic {
    let message = format!(
        "{what} is taken from `{}`, which Azure does not read",
        excerpt(location, 100)
    );
    Diagnostic::new(&RULE, at, message).help("put its content into this document")
}
