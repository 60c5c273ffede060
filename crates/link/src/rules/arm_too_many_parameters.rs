use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(7002),
    name: "arm-too-many-parameters",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the template would need more than 256 parameters",
    shows_source: true,
    page: include_str!("arm_too_many_parameters.md"),
};

/// There are `secrets`, each a parameter.
pub fn found(secrets: usize, max: usize) -> Diagnostic {
    let message = format!("{secrets} secrets need a parameter each, but a template takes {max}");
    Diagnostic::new(&RULE, Place::Source, message)
        .help("keep named values in a Key Vault (`keyVault.secretIdentifier`)")
}
