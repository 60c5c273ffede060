use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt, nearest};

pub static RULE: Rule = Rule {
    code: Code(1023),
    name: "no-environment",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the environment has no configuration file",
    shows_source: true,
    page: include_str!("no_environment.md"),
};

/// There is no file `expected` of the environment `asked`; `known` are those that there
/// are.
pub fn found(expected: &str, asked: &str, known: &[&str]) -> Diagnostic {
    let message = format!("`{}` does not exist", excerpt(expected, 200));
    let finding = Diagnostic::new(&RULE, Place::Source, message);
    match nearest(asked, known.iter().copied()) {
        Some(near) => finding.help(format!("did you mean `--env {near}`?")),
        None if known.is_empty() => finding.help("the source has no environment file"),
        None => finding.help(format!("the environments are {}", known.join(", "))),
    }
}

/// The file that was named is the one of the extractor.
pub fn extractor(file: FileId) -> Diagnostic {
    let message = "this file filters what APIOps extracts; it is no environment";
    Diagnostic::new(&RULE, file, message).help("name the file of an environment")
}
