use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(2008),
    name: "invalid-wsdl",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a WSDL document has no service and port that APIM can import",
    shows_source: true,
    page: include_str!("invalid_wsdl.md"),
};

pub fn found(file: FileId) -> Diagnostic {
    let message = "the document has no service with a SOAP port";
    Diagnostic::new(&RULE, file, message)
        .help("add `<service><port><soap:address .../></port></service>`")
}
