use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};
use flux_apim_model::Key;

pub static RULE: Rule = Rule {
    code: Code(7005),
    name: "bicep-too-large",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the Bicep files exceed a limit of the compiler or of Azure Resource Manager",
    shows_source: true,
    page: include_str!("bicep_too_large.md"),
};

const HELP: &str = "render without `bicep`: `--target arm,aso`";

/// `key` has `size` bytes in the compiled template.
pub fn resource(place: Place, key: &Key, size: usize, max: usize) -> Diagnostic {
    let message = format!(
        "the {} `{}` has {size} bytes in the compiled template, but a resource may have {max}",
        key.kind.label(),
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help("split the API, or render for `--target aso` only")
}

/// `key` refers to more resources than a file may name.
pub fn references(place: Place, key: &Key, max: usize) -> Diagnostic {
    let message = format!(
        "the {} `{}` refers to more resources than the {max} that a file may name",
        key.kind.label(),
        key.name()
    );
    Diagnostic::new(&RULE, place, message).help(HELP)
}

/// The value of a parameter is longer than the compiler takes.
pub fn parameter(name: &str, max: usize) -> Diagnostic {
    let message = format!(
        "the value of the parameter `{}` has more than {max} characters, which the compiler does not take",
        excerpt(name, 200)
    );
    Diagnostic::new(&RULE, Place::Source, message).help(HELP)
}

/// There are more resources than files with all that they may hold.
pub fn resources(count: usize, max: usize) -> Diagnostic {
    let message = format!(
        "{count} resources need more than {max} files of {max} resources, which a template may have"
    );
    Diagnostic::new(&RULE, Place::Source, message).help(HELP)
}

/// What the template embeds is too large.
pub fn bytes(size: usize, max: usize) -> Diagnostic {
    let message =
        format!("the compiled template would have {size} bytes, but a template may have {max}");
    Diagnostic::new(&RULE, Place::Source, message).help(format!("{HELP}, or split the project"))
}
