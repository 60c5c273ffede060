use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7003),
    name: "policy-too-large",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy is larger than APIM takes",
    shows_source: true,
    page: include_str!("policy_too_large.md"),
};

/// The policy or fragment `key` has `size` bytes.
pub fn found(file: FileId, key: &Key, size: usize, max: usize) -> Diagnostic {
    let message = format!(
        "the {} `{}` has {size} bytes, but APIM takes at most {max}",
        key.kind.label(),
        excerpt(&key.to_string(), 200)
    );
    Diagnostic::new(&RULE, file, message).help("move parts into fragments")
}
