use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(2058),
    name: "proto-without-service",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a `.proto` file declares no service",
    shows_source: true,
    page: include_str!("proto_without_service.md"),
};

/// The definition in `file` has none.
pub fn found(file: FileId) -> Diagnostic {
    Diagnostic::new(&RULE, file, "the file declares no service")
        .help("an API without methods answers no call; add a `service` with an `rpc`")
}
