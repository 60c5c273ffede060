use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2035),
    name: "reference-of-other-kind",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a reference leads to a component of another kind",
    shows_source: true,
    page: include_str!("reference_of_other_kind.md"),
};

/// The reference at `at` stands for one of `wanted`, and names one of `kind`.
pub fn found(at: Span, reference: &str, wanted: &str, kind: &str) -> Diagnostic {
    let shown = excerpt(reference, 120);
    let message = format!(
        "`{shown}` is one of `{}` where one of `{wanted}` belongs: Invalid Reference Type",
        excerpt(kind, 40)
    );
    Diagnostic::new(&RULE, at, message).help(format!("refer to a component in `{wanted}`"))
}
