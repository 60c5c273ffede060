use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity, excerpt};

pub static RULE: Rule = Rule {
    code: Code(5005),
    name: "sops-encrypted",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "a value is encrypted by SOPS",
    shows_source: true,
    page: include_str!("sops_encrypted.md"),
};

/// How a value that SOPS encrypted starts.
pub const MARKER: &str = "ENC[AES256_GCM,";

/// The file with the path `path` has such a value at `place`.
pub fn found(place: Place, path: &str) -> Diagnostic {
    let path = excerpt(path, 200);
    let message =
        format!("`{path}` is encrypted by SOPS; the ciphertext would be deployed as the value");
    Diagnostic::new(&RULE, place, message).help(format!(
        "run `sops decrypt {path}` before rendering, or write a Key Vault reference in its place"
    ))
}
