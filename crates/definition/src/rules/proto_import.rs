use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2060),
    name: "proto-import",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a `.proto` file imports another one",
    shows_source: true,
    page: include_str!("proto_import.md"),
};

/// The file at `path` is imported.
pub fn found(at: Span, path: &str) -> Diagnostic {
    let message = format!(
        "`{}` is imported: Azure gets this file alone",
        excerpt(path, 100)
    );
    Diagnostic::new(&RULE, at, message).help("put the types that are used into this file")
}
