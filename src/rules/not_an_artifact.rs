use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(8005),
    name: "not-an-artifact",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an OCI layout does not hold a Flux artifact",
    shows_source: true,
    page: include_str!("not_an_artifact.md"),
};

pub fn found(why: &str) -> Diagnostic {
    let message = format!("there is no Flux artifact: {why}");
    Diagnostic::new(&RULE, Place::Source, message)
        .help("expected an image whose first layer is a gzip-compressed tar")
}
