use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(1020),
    name: "unmatched-override",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "an override matches no resource",
    shows_source: true,
    page: include_str!("unmatched_override.md"),
};

/// There is no `key`; `near` is what may have been meant.
pub fn found(place: Place, key: &Key, near: Option<&str>) -> Diagnostic {
    let message = format!(
        "the override of {} `{}` matches nothing",
        key.kind.label(),
        excerpt(key.name(), 80)
    );
    let finding = Diagnostic::new(&RULE, place, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .proposes(key.name(), near),
        None => finding.help("remove it, or correct the name"),
    }
}

/// An entry of `apis` in `flux-apim.yaml` that no API of the plain layout is in.
pub fn plain(place: Place, api: &str) -> Diagnostic {
    let message = format!("`{}` is no API in the plain layout", excerpt(api, 80));
    Diagnostic::new(&RULE, place, message)
        .help("name the folder or document from the project root; an API with an apiInformation.json has its properties there")
}
