use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span};

pub static RULE: Rule = Rule {
    code: Code(1007),
    name: "not-utf8",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a file is not UTF-8 text",
    shows_source: true,
    page: include_str!("not_utf8.md"),
};

/// The byte `at` of `bytes` is none of UTF-8.
pub fn found(file: FileId, bytes: &[u8], at: usize) -> Diagnostic {
    let message = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "the file is UTF-16, not UTF-8".to_owned()
    } else {
        format!("the byte 0x{:02x} is not UTF-8", bytes[at])
    };
    Diagnostic::new(&RULE, Span::new(file, at, at + 1), message).help("save the file as UTF-8")
}
