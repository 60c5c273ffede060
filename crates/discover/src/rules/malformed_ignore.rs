use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(1046),
    name: "malformed-ignore",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Warning,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a pattern of files to be ignored cannot be read",
    shows_source: true,
    page: include_str!("malformed_ignore.md"),
};

/// `pattern` of `file` cannot be read, or is one `too_many`.
pub fn found(file: FileId, pattern: &str, too_many: bool) -> Diagnostic {
    let message = match too_many {
        true => {
            "there are more than 10,000 patterns of files to be ignored; none is used".to_owned()
        }
        false => format!(
            "the pattern `{}` cannot be read; it ignores nothing",
            excerpt(pattern, 80)
        ),
    };
    Diagnostic::new(&RULE, file, message)
}
