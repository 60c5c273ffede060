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

/// The type at `at` is made of `names`, itself the first, and each leads to the next by
/// an element (if it has a name) at a place.
pub fn found(at: Span, names: &[&str], uses: &[(Option<&str>, Span)]) -> Diagnostic {
    const MANY: usize = 8;
    let first = excerpt(names.first().copied().unwrap_or(""), 60);
    let mut chain: Vec<_> = names
        .iter()
        .take(MANY)
        .map(|name| excerpt(name, 60))
        .collect();
    if names.len() > MANY {
        chain.push("...".to_owned());
    }
    chain.push(first.clone());
    let element = uses.last().and_then(|(element, _)| *element);
    let by = element.map_or_else(String::new, |element| {
        format!(" in the element `{}`", excerpt(element, 60))
    });
    let message = format!("`{first}` contains itself{by}: {}", chain.join(" > "));
    let mut finding = Diagnostic::new(&RULE, at, message);
    for (_, at) in uses.iter().take(MANY) {
        finding = finding.related(*at, "through this");
    }
    finding.help("Azure does not import recursive types: refer to the inner part by a key, or make it `xs:any`")
}
