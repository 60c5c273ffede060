use crate::diag::{Class, Code, Diagnostic, Evidence, Place, Rule, Severity};

pub static RULE: Rule = Rule {
    code: Code(8010),
    name: "first-layer-read",
    former_names: &[],
    class: Class::Lint,
    severity: Severity::Info,
    evidence: Evidence::Documented,
    since: "0.1",
    summary: "of several layers of an artifact the first one is read",
    shows_source: true,
    page: include_str!("first_layer_read.md"),
};

pub fn found(layers: usize) -> Diagnostic {
    let message = format!("the artifact has {layers} layers, and the first one was read");
    Diagnostic::new(&RULE, Place::Source, message)
        .help("--layer-type MEDIATYPE takes another one, as layerSelector of an OCIRepository does")
}
