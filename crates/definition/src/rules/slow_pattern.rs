use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2065),
    name: "slow-pattern",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a pattern can take very long to match",
    shows_source: true,
    page: include_str!("slow_pattern.md"),
};

/// `pattern` at `at` repeats what repeats.
pub fn found(at: Span, pattern: &str) -> Diagnostic {
    let message = format!(
        "the pattern `{}` repeats a group that is itself a repetition: a text that does not match can take exponential time",
        excerpt(pattern, 80)
    );
    Diagnostic::new(&RULE, at, message).help("repeat once: `(a+)+` means what `a+` means")
}
