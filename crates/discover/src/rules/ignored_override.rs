use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1026),
    name: "ignored-override",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a key of an environment file has no effect",
    shows_source: true,
    page: include_str!("ignored_override.md"),
};

/// A key that no section has; `near` is what may have been meant.
pub fn section(place: Place, key: &str, near: Option<&str>, sections: &[&str]) -> Diagnostic {
    let message = format!(
        "`{}` is no section here; it has no effect",
        excerpt(key, 60)
    );
    let finding = Diagnostic::new(&RULE, place, message);
    match near {
        Some(near) => finding
            .help(format!("did you mean `{near}`?"))
            .renames(key, near),
        None if sections.is_empty() => finding.help("nothing can be nested here"),
        None => finding.help(format!("the sections are {}", sections.join(", "))),
    }
}

/// A property that stands beside `properties` instead of in it.
pub fn property(place: Place, key: &str) -> Diagnostic {
    let message = format!(
        "`{}` stands beside `properties`; it has no effect",
        excerpt(key, 60)
    );
    Diagnostic::new(&RULE, place, message).help(format!(
        "did you mean `properties: {{{}: ...}}`?",
        excerpt(key, 60)
    ))
}

/// A key of the extractor's filter.
pub fn filter(place: Place, key: &str) -> Diagnostic {
    let message = format!(
        "`{}` is a key of the extractor's filter; it has no effect here",
        excerpt(key, 60)
    );
    Diagnostic::new(&RULE, place, message).help("move it to configuration.extractor.yaml")
}

/// An entry without a name that is text.
pub fn nameless(place: Place) -> Diagnostic {
    Diagnostic::new(&RULE, place, "an override without a `name` has no effect")
        .help("write `- name: <resource>` with `properties:` below")
}

/// An entry whose name is a list or a mapping, as YAML reads `[x]` and `{x}`.
pub fn name_of_other_type(place: Place, is_list: bool) -> Diagnostic {
    let what = if is_list { "list" } else { "mapping" };
    let message = format!("the `name` of an override is a {what}, not text; it has no effect");
    Diagnostic::new(&RULE, place, message)
        .help("write the name of a resource, in quotes where it starts with `[` or `{`")
}
