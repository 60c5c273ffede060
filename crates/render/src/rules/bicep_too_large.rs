use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(7005),
    name: "bicep-too-large",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the compiled Bicep template would exceed a limit of Azure Resource Manager",
    shows_source: true,
    page: include_str!("bicep_too_large.md"),
};

/// `main.bicep` has too many resources.
pub fn resources(count: usize, max: usize) -> Diagnostic {
    let message =
        format!("`main.bicep` has {count} resources, but a compiled template may have {max}");
    Diagnostic::new(&RULE, Place::Source, message).help("deploy `arm/`, which is split into parts")
}

/// What the template embeds is too large.
pub fn bytes(size: usize, max: usize) -> Diagnostic {
    let message = format!(
        "definitions and policies have {size} bytes, but a compiled template may have {max}"
    );
    Diagnostic::new(&RULE, Place::Source, message)
        .help("deploy `arm/`, which is split into parts, or the Bicep modules one by one")
}
