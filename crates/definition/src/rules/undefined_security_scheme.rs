use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2040),
    name: "undefined-security-scheme",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a security requirement names a scheme that is not declared",
    shows_source: true,
    page: include_str!("undefined_security_scheme.md"),
};

/// `name` at `at` is none.
pub fn found(at: Span, name: &str) -> Diagnostic {
    let name = excerpt(name, 60);
    let message = format!(
        "the security scheme `{name}` is not declared: Invalid Reference identifier '{name}'"
    );
    Diagnostic::new(&RULE, at, message).help("declare it, or remove the requirement")
}
