use crate::elsewhere;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(4001),
    name: "dangling-reference",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a property names a resource that the project does not have",
    shows_source: true,
    page: include_str!("dangling_reference.md"),
};

/// `subject` has no `key`; `near` is what may have been meant.
pub fn found(place: Place, subject: &str, key: &Key, near: Option<&str>) -> Diagnostic {
    missing(&RULE, place, subject, key, near)
}

/// No named value is called `name`.
pub fn named_value(place: Place, name: &str, near: Option<&str>) -> Diagnostic {
    missing_named_value(&RULE, place, name, near)
}

pub(super) fn missing(
    rule: &'static Rule,
    place: Place,
    subject: &str,
    key: &Key,
    near: Option<&str>,
) -> Diagnostic {
    let finding = Diagnostic::new(rule, place, said(subject, key));
    match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .proposes(key.name(), near),
        None => finding.help(elsewhere::help(&excerpt(&key.to_string(), 200))),
    }
}

pub(super) fn missing_named_value(
    rule: &'static Rule,
    place: Place,
    name: &str,
    near: Option<&str>,
) -> Diagnostic {
    let shown = excerpt(name, 80);
    let message = format!("no named value has the display name `{shown}`");
    let finding = Diagnostic::new(rule, place, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{{{{{near}}}}}`?"))
            .proposes(name, near),
        None => finding.help(elsewhere::help(&format!("namedValues/{shown}"))),
    }
}

/// What `missing_reference` says of a `key` that `subject` does not have.
pub(crate) fn said(subject: &str, key: &Key) -> String {
    format!(
        "{subject} has no {} `{}`",
        key.kind.label(),
        excerpt(key.name(), 80)
    )
}

/// The property `path` holds `text`, which is no id of any of `kinds`.
pub fn no_id(place: Place, path: &str, text: &str, kinds: &[&str]) -> Diagnostic {
    let (path, text) = (excerpt(path, 80), excerpt(text, 80));
    let message = format!(
        "`{path}` is `{text}`, which is no id of {}",
        kinds.join(" or ")
    );
    Diagnostic::new(&RULE, place, message)
        .help("write the id as Azure has it, for example `/products/starter`")
}
