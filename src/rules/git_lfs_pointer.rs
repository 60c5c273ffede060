use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};
use crate::tree::FileId;

pub static RULE: Rule = Rule {
    code: Code(8008),
    name: "git-lfs-pointer",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a file is a Git LFS pointer and not the content",
    shows_source: true,
    page: include_str!("git_lfs_pointer.md"),
};

/// How every pointer begins.
const BEGINS: &[u8] = b"version https://git-lfs";
/// Pointers are shorter than this, by the specification.
const MAX_BYTES: u64 = 1024;

pub fn found(file: FileId) -> Diagnostic {
    Diagnostic::new(
        &RULE,
        Place::File(file),
        "this is a Git LFS pointer: the content itself is not in the source",
    )
    .help(
        "run `git lfs pull` before rendering here; Flux and archives of a repository never have \
         the content, so keep this file in Git itself (`git lfs untrack`)",
    )
}

/// Whether `size` may be that of a pointer.
pub fn may_be(size: u64) -> bool {
    size > BEGINS.len() as u64 && size < MAX_BYTES
}

/// Whether `bytes` are a pointer.
pub fn is_pointer(bytes: &[u8]) -> bool {
    may_be(bytes.len() as u64) && bytes.starts_with(BEGINS)
}
