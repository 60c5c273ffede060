use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(1025),
    name: "extractor-filter",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "this file filters the extractor and is no override",
    shows_source: true,
    page: include_str!("extractor_filter.md"),
};

pub fn found(file: FileId) -> Diagnostic {
    let message = "this file filters what APIOps extracts; it is not merged";
    Diagnostic::new(&RULE, file, message)
}
