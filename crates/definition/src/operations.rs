//! The operations of an OpenAPI document and the names that APIM gives them.

use super::names::Names;
use flux_apim_diag::{Meter, Span};
use flux_apim_syntax::NodeRef;

/// An operation of a definition.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The name of APIM's operation resource.
    pub name: String,
    /// `operationId`, when there is one.
    pub id: Option<String>,
    /// HTTP method, upper case.
    pub method: String,
    /// Path template.
    pub path: String,
    /// Where it is declared.
    pub span: Span,
}

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// The methods among the entries of a path item.
pub(super) fn methods<'a>(
    entries: impl Iterator<Item = (NodeRef<'a>, NodeRef<'a>)>,
) -> impl Iterator<Item = (NodeRef<'a>, NodeRef<'a>)> {
    let is_method = |(key, _): &(NodeRef<'_>, NodeRef<'_>)| {
        key.as_str().is_some_and(|key| METHODS.contains(&key))
    };
    entries.filter(is_method)
}

impl Operation {
    /// What `method` of `path` declares; `declared` is what its `$ref` leads to, if it has
    /// one. Its name is given later.
    pub(super) fn new(path: &str, method: NodeRef<'_>, declared: NodeRef<'_>) -> Self {
        let id = declared
            .get("operationId")
            .and_then(NodeRef::as_scalar)
            .filter(|id| !id.trim().is_empty());
        Self {
            name: String::new(),
            id: id.map(str::to_owned),
            method: method.as_str().unwrap_or("").to_ascii_uppercase(),
            path: path.to_owned(),
            span: method.span(),
        }
    }

    /// About what it takes in memory.
    pub fn bytes(&self) -> usize {
        let id = self.id.as_ref().map_or(0, String::len);
        size_of::<Self>() + 64 + id + self.path.len() + 2 * self.name.len()
    }
}

/// Gives every operation its name, unique in the API whatever the case of letters: the
/// `operationId` as it stands, else one that Azure makes.
pub(super) fn name_all(operations: &mut [Operation], meter: &Meter) {
    let mut names = Names::default();
    let Some(file) = operations.first().map(|operation| operation.span.file) else {
        return;
    };
    let mut held = meter.budget().hold(0, file);
    // Names that are given come first, wherever they stand.
    for given in [true, false] {
        for operation in operations.iter_mut() {
            if operation.id.is_some() != given {
                continue;
            }
            let id = operation.id.as_ref().unwrap_or(&operation.path);
            meter.spend(2 + (id.len() / 16) as u64, operation.span);
            let base = match &operation.id {
                Some(id) if is_name(id) => id.clone(),
                Some(id) => normalise(id),
                None => normalise(&format!("{}-{}", operation.method, operation.path)),
            };
            operation.name = unique(&mut names, base);
            held.grow(names.bytes(), operation.span);
        }
    }
}

fn unique(names: &mut Names, base: String) -> String {
    let folded = base.to_lowercase();
    let unique = names.unique(&folded, '-', 1);
    match unique.strip_prefix(&folded) {
        Some(number) => base + number,
        None => unique,
    }
}

/// Whether Azure takes `id` for the name of a resource: it has at most 80 characters, and
/// none that an address of ARM cannot have.
fn is_name(id: &str) -> bool {
    let refused = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(
                c,
                '/' | '\\' | '?' | '#' | '%' | '&' | '*' | '+' | ':' | '<' | '>'
            )
    };
    id.chars().count() <= 80 && !id.contains(refused) && !id.ends_with('.')
}

/// The name that APIM makes of a method and path, or of an `operationId` that is no name:
/// lower case, each run of other characters one `-`, none at the ends, at most 76
/// characters (Azure's import restrictions, "Normalization rules for operationId").
pub fn normalise(id: &str) -> String {
    let mut name = String::new();
    for c in id.to_lowercase().chars() {
        if c.is_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(name.char_indices().nth(76).map_or(name.len(), |(at, _)| at));
    name.truncate(name.trim_end_matches('-').len());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_documented() {
        assert_eq!(
            normalise("GET-/foo/{bar}?buzz={quix}"),
            "get-foo-bar-buzz-quix"
        );
        assert_eq!(normalise("Get_Order"), "get-order");
        assert_eq!(normalise(&"x".repeat(90)).len(), 76);
    }

    #[test]
    fn given_names_stay_as_they_are() {
        let budget = flux_apim_diag::Budget::default();
        let long = "x".repeat(81);
        let operation = |id: Option<&str>, path: &str| Operation {
            name: String::new(),
            id: id.map(str::to_owned),
            method: "GET".to_owned(),
            path: path.to_owned(),
            span: Span::new(flux_apim_diag::tree::FileId(0), 0, 0),
        };
        let mut operations = [
            operation(None, "/foo"),
            operation(Some("Get_Foo.1"), "/b"),
            operation(Some("GET-FOO"), "/c"),
            operation(Some("get-foo"), "/d"),
            operation(Some("a/b c"), "/e"),
            operation(Some(&long), "/f"),
        ];
        name_all(&mut operations, &budget.meter());
        let names: Vec<_> = operations.iter().map(|all| all.name.as_str()).collect();
        let cut = "x".repeat(76);
        let expected = [
            "get-foo-2",
            "Get_Foo.1",
            "GET-FOO",
            "get-foo-1",
            "a-b-c",
            &cut,
        ];
        assert_eq!(names, expected);
    }
}
