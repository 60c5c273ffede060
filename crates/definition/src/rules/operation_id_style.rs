use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(2068),
    name: "operation-id-style",
    former_names: &[],
    class: Class::Convention,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an operationId is not in kebab case, or long",
    shows_source: true,
    page: include_str!("operation_id_style.md"),
};

/// So many operationIds are not as `MAX` and the case want it; the first is at `at`.
pub fn found(at: Span, places: usize) -> Diagnostic {
    let message = match places {
        1 => format!("an `operationId` is not in kebab case, or longer than {MAX}"),
        places => format!(
            "{places} times an `operationId` is not in kebab case, or longer than {MAX}; this is the first"
        ),
    };
    Diagnostic::new(&RULE, at, message)
        .help("use small letters, digits and single hyphens: it is the name of the operation")
}

/// Characters that an operationId should have at most.
pub const MAX: usize = 76;
