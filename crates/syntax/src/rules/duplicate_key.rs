use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1005),
    name: "duplicate-key",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a mapping has the same key twice",
    shows_source: true,
    page: include_str!("duplicate_key.md"),
};

/// `key` at `second` stands at `first` already.
pub fn found(key: &str, second: Span, first: Span) -> Diagnostic {
    let message = format!("the key `{}` is there twice", excerpt(key, 60));
    Diagnostic::new(&RULE, second, message)
        .related(first, "first here")
        .help("remove one of the two")
}
