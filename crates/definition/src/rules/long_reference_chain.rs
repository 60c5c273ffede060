use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2067),
    name: "long-reference-chain",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Guess,
    since: "0.1",
    summary: "references lead to references many times",
    shows_source: true,
    page: include_str!("long_reference_chain.md"),
};

/// The chain that starts at `at` has `length` links.
pub fn found(at: Span, length: usize) -> Diagnostic {
    let message = format!(
        "a chain of {length} references starts here: each leads to nothing but another one"
    );
    Diagnostic::new(&RULE, at, message).help("refer to the end of the chain")
}
