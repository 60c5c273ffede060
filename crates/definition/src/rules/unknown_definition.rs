use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2002),
    name: "unknown-definition",
    former_names: &[],
    class: Class::Integrity,
    severity: Severity::Error,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "the kind or version of an API definition is not supported",
    shows_source: true,
    page: include_str!("unknown_definition.md"),
};

/// An XML document with another root than those of definitions.
pub fn root(file: FileId, name: &str) -> Diagnostic {
    let message = format!(
        "an XML document with the root `<{}>` is no API definition",
        excerpt(name, 60)
    );
    Diagnostic::new(&RULE, file, message)
        .help("WSDL 1.1, WADL and OData metadata (EDMX) are supported")
}

/// A JSON or YAML document that does not say what it is.
pub fn no_version(file: FileId) -> Diagnostic {
    let message = "the document declares neither `openapi: 3.x` nor `swagger: \"2.0\"`";
    Diagnostic::new(&RULE, file, message).help("an API definition names its version at the top")
}

/// A version of OpenAPI at `span` that APIM does not have.
pub fn version(span: Span, key: &str, version: &str) -> Diagnostic {
    let message = format!(
        "`{key}: {}` is no version that APIM imports",
        excerpt(version, 40)
    );
    let help = match version.starts_with("3.2") {
        true => {
            "APIM imports OpenAPI 2.0, 3.0 and 3.1; declare `openapi: 3.1.0`, and leave out what came with 3.2"
        }
        false => "APIM imports OpenAPI 2.0, 3.0 and 3.1",
    };
    Diagnostic::new(&RULE, span, message).help(help)
}
