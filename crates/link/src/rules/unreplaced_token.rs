use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1022),
    name: "unreplaced-token",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a `{#token#}` was left",
    shows_source: true,
    page: include_str!("unreplaced_token.md"),
};

pub fn found(place: Place, token: &str) -> Diagnostic {
    let message = format!("the token `{}` was not replaced", excerpt(token, 60));
    Diagnostic::new(&RULE, place, message)
        .help("replace tokens before rendering, or use `--env` with a value")
}
