//! Readers that turn every rendered target back into one common model.
//!
//! They are written from the language specifications, not from the printers,
//! so that a printer and its oracle cannot share a mistake.
#![allow(
    dead_code,
    reason = "each test binary uses its own part of the support code"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

pub(crate) mod arm;
pub(crate) mod arm_expr;
pub(crate) mod arm_schema;
pub(crate) mod aso;
pub(crate) mod aso_fields;
pub(crate) mod bicep;
pub(crate) mod bicep_eval;
pub(crate) mod bicep_syntax;
pub(crate) mod compare;
pub(crate) mod crd;
pub(crate) mod yaml;

/// Bundle files: path relative to the bundle root, and text.
pub(crate) type Files = BTreeMap<String, String>;
/// A reader's answer: what was read, or a sentence that says what is wrong.
pub(crate) type Res<T> = Result<T, String>;
/// ARM type and name without the service segment.
pub(crate) type Key = (String, String);

/// The resource provider's root type.
pub(crate) const SERVICE_TYPE: &str = "Microsoft.ApiManagement/service";
/// The parameter that names the service.
pub(crate) const SERVICE_PARAM: &str = "apimServiceName";
/// What `apimServiceName` evaluates to; no rendered text holds it by chance.
pub(crate) const SERVICE: &str = "~the-service~";

/// One resource, whatever language it was written in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReadResource {
    /// Full ARM type.
    pub(crate) type_: String,
    /// Segments after the service, joined by `/`.
    pub(crate) name: String,
    /// Normalised `properties`; an absent one is `{}`.
    pub(crate) properties: Value,
    /// Direct dependencies as `type|name`.
    pub(crate) depends_on: BTreeSet<String>,
    /// The parameter that must not be empty for it to be deployed.
    pub(crate) condition: Option<String>,
}

/// A template parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParamInfo {
    /// Declared as secure.
    pub(crate) secure: bool,
    /// The value for the environment, or the default.
    pub(crate) value: Option<Value>,
}

/// Everything one target holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReadBundle {
    /// Resources by type and name.
    pub(crate) resources: BTreeMap<Key, ReadResource>,
    /// Parameters by name.
    pub(crate) parameters: BTreeMap<String, ParamInfo>,
}

impl ReadBundle {
    /// Adds a resource; a second one of the same type and name is an error.
    pub(crate) fn insert(&mut self, resource: ReadResource) -> Res<()> {
        let key = (resource.type_.clone(), resource.name.clone());
        match self.resources.insert(key, resource) {
            Some(old) => Err(format!(
                "resource {}|{} is declared twice",
                old.type_, old.name
            )),
            None => Ok(()),
        }
    }

    /// Everything each resource waits for, directly or not. Fails on cycles
    /// and on dependencies that are not resources of the bundle.
    pub(crate) fn closures(&self) -> Res<BTreeMap<String, BTreeSet<String>>> {
        let direct: BTreeMap<String, &BTreeSet<String>> = self
            .resources
            .values()
            .map(|r| (id(&r.type_, &r.name), &r.depends_on))
            .collect();
        let mut closures = BTreeMap::new();
        for start in direct.keys() {
            let mut seen = BTreeSet::new();
            let mut todo = vec![start];
            while let Some(at) = todo.pop() {
                for dep in direct.get(at).into_iter().copied().flatten() {
                    if !direct.contains_key(dep) {
                        return Err(format!(
                            "{at} depends on {dep}, which is not a resource here"
                        ));
                    }
                    if dep == start {
                        return Err(format!("{start} depends on itself through {at}"));
                    }
                    if seen.insert(dep.clone()) {
                        todo.push(dep);
                    }
                }
            }
            closures.insert(start.clone(), seen);
        }
        Ok(closures)
    }
}

/// `type|name`.
pub(crate) fn id(type_: &str, name: &str) -> String {
    format!("{type_}|{name}")
}

/// A normalised reference; `name` is the full name, service included.
pub(crate) fn reference(type_: &str, name: &str) -> Res<String> {
    let types = type_.split('/').count();
    if types < 2 || types - 1 != name.split('/').count() || name.split('/').any(str::is_empty) {
        return Err(format!(
            "type '{type_}' and name '{name}' do not have the same number of segments"
        ));
    }
    Ok(format!("ref:{}", id(type_, &local_name(type_, name)?)))
}

/// A resource's name without the service. Names of other providers stay whole.
pub(crate) fn local_name(type_: &str, name: &str) -> Res<String> {
    if type_ == SERVICE_TYPE && name == SERVICE {
        return Ok(String::new());
    }
    if !type_.starts_with(&format!("{SERVICE_TYPE}/")) {
        return Ok(name.to_owned());
    }
    name.strip_prefix(SERVICE)
        .and_then(|rest| rest.strip_prefix('/'))
        .map(str::to_owned)
        .ok_or_else(|| format!("the name '{name}' of a {type_} does not begin with the service's"))
}

/// An id built by appending `/type/name` pairs to another id, such as
/// `'${service.id}/apis/orders'`, is the id of the child.
pub(crate) fn fold_reference(text: String) -> String {
    let Some((type_, rest)) = text.strip_prefix("ref:").and_then(|t| t.split_once('|')) else {
        return text;
    };
    if type_ != SERVICE_TYPE && !type_.starts_with(&format!("{SERVICE_TYPE}/")) {
        return text;
    }
    // `rest` is: own names, then pairs. The service itself has the empty name.
    let names = type_.split('/').count() - 2;
    let segments: Vec<&str> = if names == 0 {
        match rest.strip_prefix('/') {
            Some(rest) => rest.split('/').collect(),
            None => return text,
        }
    } else {
        rest.split('/').collect()
    };
    if segments.len() <= names || !(segments.len() - names).is_multiple_of(2) {
        return text;
    }
    let (own, pairs) = segments.split_at(names);
    let mut type_ = type_.to_owned();
    let mut name = own.to_vec();
    for pair in pairs.chunks(2) {
        type_ = format!("{type_}/{}", pair[0]);
        name.push(pair[1]);
    }
    format!("ref:{}", id(&type_, &name.join("/")))
}

/// `format` of .NET with plain `{n}` items, as ARM and Bicep have it.
pub(crate) fn dotnet_format(template: &str, items: &[String]) -> Res<String> {
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.next_if_eq(&'{').is_some() => out.push('{'),
            '}' if chars.next_if_eq(&'}').is_some() => out.push('}'),
            '{' => {
                let mut digits = String::new();
                while let Some(d) = chars.next_if(char::is_ascii_digit) {
                    digits.push(d);
                }
                if chars.next() != Some('}') {
                    return Err(format!(
                        "format item that is not a plain {{n}} in '{template}'"
                    ));
                }
                let item = digits.parse::<usize>().ok().and_then(|n| items.get(n));
                out.push_str(item.ok_or_else(|| {
                    format!("format item {{{digits}}} has no argument in '{template}'")
                })?);
            }
            '}' => return Err(format!("single '}}' in the format string '{template}'")),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// What `string()` makes of a value, and what interpolation inserts.
pub(crate) fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        other => other.to_string(),
    }
}

/// The functions that ARM and Bicep share; `None` for any other.
pub(crate) fn shared_function(name: &str, args: &[Value]) -> Option<Res<Value>> {
    let texts = || args.iter().map(to_text).collect::<Vec<_>>();
    Some(match (name, args) {
        ("concat", [Value::Array(_), ..]) => args
            .iter()
            .map(|a| {
                a.as_array()
                    .cloned()
                    .ok_or_else(|| "concat of an array and something else".to_owned())
            })
            .collect::<Res<Vec<_>>>()
            .map(|parts| Value::Array(parts.concat())),
        ("concat", [_, ..])
            if args
                .iter()
                .any(|a| a.is_array() || a.is_object() || a.is_null()) =>
        {
            Err("concat of something that is not text".into())
        }
        ("concat", [_, ..]) => Ok(fold_reference(texts().concat()).into()),
        ("format", [Value::String(template), ..]) => {
            dotnet_format(template, &texts()[1..]).map(|t| fold_reference(t).into())
        }
        ("join", [Value::Array(items), Value::String(delimiter)]) => Ok(items
            .iter()
            .map(to_text)
            .collect::<Vec<_>>()
            .join(delimiter)
            .into()),
        ("string", [value]) => Ok(to_text(value).into()),
        ("json", [Value::String(text)]) => {
            serde_json::from_str(text).map_err(|e| format!("json(): {e}"))
        }
        ("resourceId", [_, _, ..]) => {
            let texts = texts();
            // Leading subscription and resource group are allowed before the type.
            match texts.iter().position(|t| t.contains('/')) {
                Some(at) => reference(&texts[at], &texts[at + 1..].join("/")).map(Value::from),
                None => Err("resourceId without a type".into()),
            }
        }
        ("concat" | "format" | "join" | "string" | "json" | "resourceId", _) => {
            Err(format!("{name}() does not take these arguments: {args:?}"))
        }
        _ => return None,
    })
}

/// Text files below a folder, by path relative to it.
pub(crate) fn files_from_dir(root: &Path) -> Res<Files> {
    let mut files = Files::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))? {
            let path = entry.map_err(|e| e.to_string())?.path();
            if path.is_dir() {
                todo.push(path);
                continue;
            }
            let text =
                std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path.strip_prefix(root).map_err(|e| e.to_string())?;
            files.insert(name.to_string_lossy().replace('\\', "/"), text);
        }
    }
    Ok(files)
}
