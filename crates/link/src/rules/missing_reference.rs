use crate::elsewhere;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(4006),
    name: "missing-reference",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "something is named that must exist on the service already",
    shows_source: true,
    page: include_str!("missing_reference.md"),
};

/// `what` is named, and the tree does not have it; `id` as `external` would name it.
pub fn found(place: Place, what: &str, id: &str) -> Diagnostic {
    let message = format!("{what}: it must exist on the service before this is deployed");
    Diagnostic::new(&RULE, place, message).help(elsewhere::help(id))
}

/// `name` is the name of a named value; what uses it must say the display name `shown`.
pub fn resource_name(place: Place, name: &str, shown: &str) -> Diagnostic {
    let message = format!(
        "`{{{{{}}}}}` is the name of a named value, but Azure looks for display names",
        excerpt(name, 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help(format!("did you mean `{{{{{}}}}}`?", excerpt(shown, 80)))
        .proposes(name, shown)
}

/// As [`found`], of what trees do not hold; an error in a project that is strict.
pub fn required(place: Place, what: &str, id: &str, strict: bool) -> Diagnostic {
    let finding = found(place, what, id);
    match strict {
        true => Diagnostic {
            rule: &super::dangling_reference::RULE,
            ..finding
        },
        false => finding,
    }
}
