use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use crate::tree::Digest;

pub static RULE: Rule = Rule {
    code: Code(8004),
    name: "digest-mismatch",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a source does not have the digest it was asked for",
    shows_source: true,
    page: include_str!("digest_mismatch.md"),
};

pub fn found(actual: Digest, expected: Digest) -> Diagnostic {
    let message = format!("the source has the digest {actual}, but {expected} was asked for");
    Diagnostic::new(&RULE, Place::Source, message)
        .help("take the digest from where you trust it; nothing of the source was parsed")
}

/// What was fetched is something else; `message` has both digests.
pub fn fetched(message: String) -> Diagnostic {
    Diagnostic::new(&RULE, Place::Source, message)
}
