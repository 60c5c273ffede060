//! The operations of an OpenAPI document and the names that APIM gives them.

use crate::diag::Span;
use crate::syntax::NodeRef;
use std::collections::{HashMap, HashSet};

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

/// Adds the operations of the path item `item` at `path`. `resolve` follows a
/// `$ref` that stands in the place of an operation.
pub(super) fn of_path_item<'a>(
    path: &str,
    item: NodeRef<'a>,
    resolve: &dyn Fn(NodeRef<'a>) -> NodeRef<'a>,
    operations: &mut Vec<Operation>,
) {
    for (key, operation) in item.entries() {
        let method = key.as_str().unwrap_or("");
        if !METHODS.contains(&method) {
            continue;
        }
        let id = resolve(operation)
            .get("operationId")
            .and_then(NodeRef::as_scalar)
            .filter(|id| !id.trim().is_empty());
        operations.push(Operation {
            name: String::new(),
            id: id.map(str::to_owned),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            span: key.span(),
        });
    }
}

/// Gives every operation its name, unique in the API.
pub(super) fn name_all(operations: &mut [Operation]) {
    let mut taken = HashSet::new();
    // The last number that a name was made of, by what it was added to.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for operation in operations {
        let base = match &operation.id {
            Some(id) => normalise(id),
            None => normalise(&format!("{}-{}", operation.method, operation.path)),
        };
        let mut name = base.clone();
        while !taken.insert(name.clone()) {
            let number = numbers.entry(base.clone()).or_default();
            *number += 1;
            name = format!("{base}-{number}");
        }
        operation.name = name;
    }
}

/// APIM's name for an `operationId`: lower case, each run of other characters
/// one `-`, none at the ends, at most 76 characters (Azure's import
/// restrictions, "Normalization rules for operationId").
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
}
