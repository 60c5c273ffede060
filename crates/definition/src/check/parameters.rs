//! Parameters: each by itself, in its list, and against the path.

use super::changes::Change;
use super::{Check, place};
use crate::operations::methods;
use crate::rules::{
    array_without_items, duplicate_parameter, incomplete_object, invalid_field_value,
    missing_field, optional_path_parameter, parameter_name_clash, superfluous_path_parameter,
    undeclared_path_parameter, unknown_field,
};
use crate::shape::Version;
use flux_apim_syntax::{NodeKind, NodeRef};
use std::collections::{HashMap, HashSet};

fn text<'c>(node: NodeRef<'c>, name: &str) -> Option<&'c str> {
    node.get(name).and_then(NodeRef::as_scalar)
}

/// Whether a path parameter says that it is required.
fn required<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, at: flux_apim_diag::Span) {
    let value = node.get("required");
    let is_true = value.is_some_and(|value| {
        value.kind() == NodeKind::True
            || value
                .as_str()
                .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    });
    // A value that is no boolean is said as such.
    let is_bool = value.is_none_or(|value| {
        value.kind() == NodeKind::False
            || value
                .as_str()
                .is_some_and(|text| text.eq_ignore_ascii_case("false"))
    });
    if !is_true && is_bool {
        let name = text(node, "name").unwrap_or("");
        let at = value.map_or(at, NodeRef::span);
        check.say(optional_path_parameter::found(at, name));
    }
}

fn required_query<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, word: &str) {
    if word == "query"
        && let Some((key, value)) = node.entry("required")
        && value.kind() == NodeKind::True
    {
        check.changes(Change::RequiredQuery, key.span());
    }
}

/// How a parameter is written, where that is not how API Management has it.
fn serialized<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let is = |name: &str, usual: &[&str]| {
        let text = node.get(name).and_then(NodeRef::as_str);
        text.is_some_and(|text| !usual.contains(&text))
    };
    let has = |name: &str, kind: NodeKind| node.get(name).is_some_and(|value| value.kind() == kind);
    let query = text(node, "in") == Some("query");
    let changed = [
        ("style", is("style", &["form", "simple"])),
        ("explode", query && has("explode", NodeKind::False)),
        ("allowReserved", has("allowReserved", NodeKind::True)),
        ("allowEmptyValue", has("allowEmptyValue", NodeKind::True)),
    ];
    for (name, _) in changed.iter().filter(|(_, is_changed)| *is_changed) {
        check.changes_fields(node, &[(name, Change::Serialization)]);
    }
}

/// A parameter of 3.x.
pub(super) fn three<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, key: Option<NodeRef<'c>>) {
    const PLACES: &[&str] = &["path", "query", "header", "cookie"];
    let at = place(key, node);
    if let Some(place) = node.get("in") {
        let word = place.as_scalar().unwrap_or("");
        if !PLACES.contains(&word) {
            check.say(invalid_field_value::place(place.span(), word, PLACES));
        } else if word == "path" {
            required(check, node, at);
        } else if word == "cookie" {
            check.changes(Change::Cookie, place.span());
        }
        required_query(check, node, word);
    }
    serialized(check, node);
    match (node.get("schema"), node.entry("content")) {
        (None, None) => check.say(incomplete_object::no_schema(at)),
        (Some(_), Some((content, _))) => {
            check.say(incomplete_object::schema_and_content(content.span()));
        }
        _ => {}
    }
}

/// A parameter of 2.0: what it may have depends on where it is.
pub(super) fn two<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, key: Option<NodeRef<'c>>) {
    const PLACES: &[&str] = &["path", "query", "header", "formData", "body"];
    let at = place(key, node);
    let Some(place) = node.get("in") else {
        return;
    };
    let word = place.as_str().unwrap_or("");
    if !PLACES.contains(&word) {
        return check.say(invalid_field_value::place(place.span(), word, PLACES));
    }
    if word == "formData" {
        check.changes(Change::Form, place.span());
    }
    required_query(check, node, word);
    let (wanted, what) = match word {
        "body" => ("schema", "a body parameter"),
        _ => ("type", "a parameter that is no body"),
    };
    if node.get(wanted).is_none() {
        check.say(missing_field::found(at, "parameter", wanted));
    }
    for (key, value) in node.entries() {
        let name = key.as_str().unwrap_or("");
        let fits = match name {
            "name" | "in" | "description" | "required" => true,
            "schema" => word == "body",
            "allowEmptyValue" => matches!(word, "query" | "formData"),
            _ => word != "body" || name.starts_with("x-"),
        };
        let own = match (name, value.as_str()) {
            ("type", Some("file")) => word == "formData",
            ("collectionFormat", Some("multi")) => matches!(word, "query" | "formData"),
            _ => true,
        };
        // What no parameter has was said already.
        let known = matches!(
            name,
            "schema"
                | "allowEmptyValue"
                | "type"
                | "format"
                | "items"
                | "collectionFormat"
                | "default"
                | "enum"
                | "pattern"
        ) || name.starts_with("max")
            || name.starts_with("min")
            || name == "multipleOf"
            || name == "uniqueItems"
            || name.starts_with("exclusive");
        if !fits && known && (wanted != "type" || name != "type") {
            check.say(unknown_field::not_of_this(key.span(), name, what));
        } else if !own {
            let shown = value.as_str().unwrap_or("");
            check.say(invalid_field_value::not_here(
                value.span(),
                name,
                shown,
                word,
            ));
        }
    }
    if word == "path" {
        required(check, node, at);
    }
    if text(node, "type") == Some("array") && node.get("items").is_none() {
        check.say(array_without_items::found(at));
    }
}

/// The parameters of an operation or a path item: each once.
pub(super) fn listed<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let Some(list) = node
        .get("parameters")
        .filter(|list| list.kind() == NodeKind::Array)
    else {
        return;
    };
    if check.version == Version::V2 {
        super::values::unique(check, list, "parameters");
    }
    let mut seen: HashMap<(&str, &str), NodeRef<'c>> = HashMap::new();
    let mut whole: HashSet<String> = HashSet::new();
    for item in list.items() {
        let Some(parameter) = check.resolve(item) else {
            continue;
        };
        let (Some(name), Some(place)) = (text(parameter, "name"), text(parameter, "in")) else {
            continue;
        };
        // Two bodies are a matter of their own, and 2.0 says what is wholly the same.
        let mut copy = String::new();
        if check.version == Version::V2 {
            flux_apim_syntax::write_node(&mut copy, item);
        }
        let repeated = check.version == Version::V2 && !whole.insert(copy);
        match seen.get(&(name, place)) {
            Some(_) if repeated || place == "body" => {}
            Some(first) => {
                let finding = duplicate_parameter::found(
                    super::place(None, item),
                    name,
                    place,
                    super::place(None, *first),
                );
                check.say(finding);
            }
            None => {
                seen.insert((name, place), item);
            }
        }
    }
}

/// A parameter that stands in a path or a query.
struct Declared<'c> {
    name: &'c str,
    /// Whether it is part of the path.
    path: bool,
    required: bool,
    node: NodeRef<'c>,
}

/// The path and query parameters in `list`; nothing when one of them is not known.
fn declared<'c>(check: &mut Check<'_, 'c>, list: Option<NodeRef<'c>>) -> Option<Vec<Declared<'c>>> {
    let mut out = Vec::new();
    if list.is_some_and(|list| list.kind() != NodeKind::Array) {
        return None;
    }
    for item in list.into_iter().flat_map(NodeRef::items) {
        check.spend(4, item);
        let node = check.resolve(item)?;
        let (name, place) = (text(node, "name")?, text(node, "in")?);
        if matches!(place, "path" | "query") {
            let required = node
                .get("required")
                .is_some_and(|value| value.kind() == NodeKind::True);
            let node =
                if node.document().file() == item.document().file() && item.get("$ref").is_none() {
                    node
                } else {
                    item
                };
            out.push(Declared {
                name,
                path: place == "path",
                required,
                node,
            });
        }
    }
    Some(out)
}

/// The path `key` has the parameters `names`; those of its `item` are the same.
pub(super) fn of_path<'c>(
    check: &mut Check<'_, 'c>,
    key: NodeRef<'c>,
    item: NodeRef<'c>,
    sorted: &[&'c str],
) {
    let Some(shared) = declared(check, item.get("parameters")) else {
        return;
    };
    let mut operations = Vec::new();
    for (method, operation) in methods(item.entries()) {
        if operation.kind() != NodeKind::Object {
            continue;
        }
        let Some(own) = declared(check, operation.get("parameters")) else {
            return;
        };
        operations.push((method, own));
    }
    let names: HashSet<&str> = sorted.iter().copied().collect();
    let lower: HashMap<String, &str> = names
        .iter()
        .map(|name| (name.to_lowercase(), *name))
        .collect();
    let everywhere: HashSet<&str> = shared.iter().filter(|p| p.path).map(|p| p.name).collect();
    // Names that are declared as something near to them.
    let mut misspelt: HashSet<&str> = HashSet::new();
    let all = shared
        .iter()
        .chain(operations.iter().flat_map(|(_, own)| own));
    for parameter in all {
        let same = lower.get(&parameter.name.to_lowercase()).copied();
        if parameter.path && !names.contains(parameter.name) {
            let meant = same.or_else(|| {
                let open = sorted
                    .iter()
                    .filter(|name| !everywhere.contains(**name))
                    .copied();
                check
                    .findings
                    .hint(|| flux_apim_diag::nearest(parameter.name, open))
            });
            misspelt.extend(meant);
            let at = parameter
                .node
                .get("in")
                .map_or_else(|| super::place(None, parameter.node), NodeRef::span);
            let path = key.as_str().unwrap_or("");
            check.say(superfluous_path_parameter::found(
                at,
                parameter.name,
                path,
                meant,
            ));
        } else if !parameter.path && parameter.required && same.is_some() {
            let at = parameter
                .node
                .get("name")
                .map_or_else(|| super::place(None, parameter.node), NodeRef::span);
            check.say(parameter_name_clash::found(at, parameter.name));
        }
    }
    let open: Vec<_> = sorted
        .iter()
        .filter(|name| !misspelt.contains(**name) && !everywhere.contains(**name))
        .collect();
    let mut without: HashMap<&str, Vec<NodeRef<'c>>> = HashMap::new();
    for (method, own) in &operations {
        let own: HashSet<&str> = own.iter().filter(|p| p.path).map(|p| p.name).collect();
        check.spend(open.len(), *method);
        for name in open.iter().filter(|name| !own.contains(**name)) {
            without.entry(name).or_default().push(*method);
        }
    }
    for name in open {
        let Some(methods) = without.get(name) else {
            continue;
        };
        let all = methods.len() == operations.len();
        let places = if all {
            std::slice::from_ref(&key)
        } else {
            methods
        };
        for at in places {
            check.say(undeclared_path_parameter::found(at.span(), name));
        }
    }
}
