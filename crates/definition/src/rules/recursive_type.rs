use flux_apim_diag::{Class, Code, Diagnostic, Evidence, Rule, Severity, Span, excerpt};

pub static RULE: Rule = Rule {
    code: Code(2048),
    name: "recursive-type",
    former_names: &[],
    class: Class::Refusal,
    severity: Severity::Error,
    evidence: Evidence::Reported,
    since: "0.1",
    summary: "a type of a WSDL document contains itself",
    shows_source: true,
    page: include_str!("recursive_type.md"),
};

/// Names and places of a chain that are shown.
pub const SHOWN: usize = 8;

/// The type at `at` is made of `names`, itself the first, the last of `length` having it
/// as an `element`; each leads to the next at one of `places`.
pub fn found(
    at: Span,
    names: &[&str],
    length: usize,
    element: Option<&str>,
    places: &[Span],
) -> Diagnostic {
    let first = excerpt(names.first().copied().unwrap_or(""), 60);
    let mut chain: Vec<_> = names.iter().map(|name| excerpt(name, 60)).collect();
    if length > names.len() {
        chain.push("...".to_owned());
    }
    chain.push(first.clone());
    let by = element.map_or_else(String::new, |element| {
        format!(" in the element `{}`", excerpt(element, 60))
    });
    let message = format!("`{first}` contains itself{by}: {}", chain.join(" > "));
    let finding = Diagnostic::new(&RULE, at, message);
    let finding = places
        .iter()
        .fold(finding, |finding, at| finding.related(*at, "through this"));
    finding.help(
        "Azure imports no recursive types: refer to the inner part by a key, or make it `xs:any`",
    )
}
