use crate::tree::FileId;
use crate::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(1006),
    name: "document-limit",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a document is nested too deeply or has too many values",
    shows_source: true,
    page: include_str!("document_limit.md"),
};

/// `what` is more than the cap of `flag`.
pub fn over(place: impl Into<Place>, what: &str, cap: u64, flag: &str) -> Diagnostic {
    Diagnostic::new(&RULE, place, format!("{what} (the cap is {cap})")).help(format!(
        "simplify the document, or raise the cap with --{flag}"
    ))
}

/// The parser of YAML does not go deeper into `[` and `{`.
pub fn flow_nesting(span: Span) -> Diagnostic {
    let message = "flow collections are nested more deeply than is read";
    Diagnostic::new(&RULE, span, message).help("write nested lists and mappings in block style")
}

/// The element of a policy at `span` lies too deep.
pub fn policy_depth(span: Span, max: u64) -> Diagnostic {
    let message = format!("the policy is nested more than {max} levels deep");
    Diagnostic::new(&RULE, span, message).help("simplify it, or raise the cap with --max-depth")
}

/// A definition outgrows the cap while what it refers to is put into it, at `span`.
pub fn bundled_size(span: Span) -> Diagnostic {
    let message = "the bundled definition grows beyond the cap of --max-bundled-bytes";
    Diagnostic::new(&RULE, span, message)
}

/// What a definition refers to nests too deep, at `span`.
pub fn bundled_depth(span: Span, max: u32) -> Diagnostic {
    let message = format!("the bundled definition is nested more than {max} levels deep");
    Diagnostic::new(&RULE, span, message)
}

/// The definition in `file` is too large as it stands.
pub fn bundled_file(file: FileId, max: u64) -> Diagnostic {
    let message = format!("the bundled definition is larger than {max} bytes");
    Diagnostic::new(&RULE, file, message).help("raise the cap with --max-bundled-bytes")
}
