use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1012),
    name: "invalid-value",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a property has a value that Azure refuses",
    shows_source: true,
    page: include_str!("invalid_value.md"),
};

/// `path` of `subject` is the text `value`; `problem` ends the sentence.
pub fn text(
    place: Place,
    path: &str,
    subject: &str,
    value: &str,
    problem: &str,
    near: Option<&str>,
) -> Diagnostic {
    let shown = excerpt(value, 60);
    let finding = new(
        place,
        path,
        subject,
        &format!("is `{shown}`, which {problem}"),
    );
    match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .renames(value, near),
        None => finding,
    }
}

/// As [`text`], of the number `digits`.
pub fn number(place: Place, path: &str, subject: &str, digits: &str, problem: &str) -> Diagnostic {
    new(
        place,
        path,
        subject,
        &format!("is {digits}, which {problem}"),
    )
}

/// `path` of `subject` is `found`, such as `a list`.
pub fn kind(place: Place, path: &str, subject: &str, found: &str, wanted: &str) -> Diagnostic {
    new(
        place,
        path,
        subject,
        &format!("is {found}, but Azure takes {wanted}"),
    )
}

fn new(place: Place, path: &str, subject: &str, what: &str) -> Diagnostic {
    let message = format!("`{}` of {subject} {what}", excerpt(path, 200));
    Diagnostic::new(&RULE, place, message)
}

/// The revision `name` of the API `root` has `isCurrent`.
pub fn second_current_revision(place: Place, name: &str, root: &str) -> Diagnostic {
    let message = format!(
        "`{}` says that it is current, as `{root}` does",
        excerpt(name, 80)
    );
    Diagnostic::new(&RULE, place, message)
        .help("the folder without a number holds the current revision; a release makes another one current")
}

/// `apiRevision` is `given`; the folder is named after `number`.
pub fn other_revision(place: Place, given: &str, number: &str) -> Diagnostic {
    let message = format!(
        "`apiRevision` is `{}`, but the folder says revision {number}",
        excerpt(given, 40)
    );
    Diagnostic::new(&RULE, place, message).help("make the two agree")
}

/// `path` of `subject` is `word`, which `newer` takes and `current` does not.
pub fn newer(
    place: Place,
    path: &str,
    subject: &str,
    word: &str,
    current: &str,
    newer: &str,
) -> Diagnostic {
    let problem = format!(
        "is `{}`, which api-version {current} does not take",
        excerpt(word, 60)
    );
    new(place, path, subject, &problem).help(takes(newer))
}

/// What to do when the api-version `version` takes it.
pub(crate) fn takes(version: &str) -> String {
    format!(
        "api-version {version} takes it: --arm-api-version {version}, or `armApiVersion: \"{version}\"` in flux-apim.yaml"
    )
}

/// The diagnostic `local` names a logger.
pub fn logger_of_local(place: Place, subject: &str) -> Diagnostic {
    new(
        place,
        "properties.loggerId",
        subject,
        "is given, but the gateway's own log has no logger",
    )
    .help("remove `loggerId`")
}
