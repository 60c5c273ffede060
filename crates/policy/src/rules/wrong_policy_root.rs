use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt, nearest};

pub static RULE: Rule = Rule {
    code: Code(3002),
    name: "wrong-policy-root",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a policy document has the wrong root element",
    shows_source: true,
    page: include_str!("wrong_policy_root.md"),
};

/// The root at `span` is `name`.
pub fn found(span: Span, name: &str, expected: &str) -> Diagnostic {
    let message = format!(
        "the root is `<{}>`, but `<{expected}>` is expected here",
        excerpt(name, 60)
    );
    let finding = Diagnostic::new(&RULE, span, message);
    let is_singular = name == "policy" && expected == "policies";
    if is_singular || nearest(name, [expected]).is_some() {
        return finding.help(format!("did you mean `<{expected}>`?"));
    }
    finding.help(match name {
        "fragment" => "a fragment belongs below `policyFragments/`",
        "policies" => "a whole policy cannot be a fragment; keep what is inside a section",
        _ => "wrap the policy in the expected root",
    })
}
