use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(4004),
    name: "dependency-cycle",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "resources depend on each other in a circle",
    shows_source: true,
    page: include_str!("dependency_cycle.md"),
};

/// `circle` names the resources from `place` on, back to the first.
pub fn found(place: Place, circle: &[String]) -> Diagnostic {
    let message = format!(
        "resources depend on each other in a circle: {}",
        circle.join(" -> ")
    );
    Diagnostic::new(&RULE, place, message).help("remove one of the references")
}
