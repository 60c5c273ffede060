use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(2007),
    name: "policy-as-definition",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy stands where an API definition is expected",
    shows_source: true,
    page: include_str!("policy_as_definition.md"),
};

pub fn found(file: FileId) -> Diagnostic {
    let message = "this is a policy document, not an API definition";
    Diagnostic::new(&RULE, file, message)
        .help("call it `policy.xml` beside the definition of its API; `flux-apim validate` checks it alone")
}
