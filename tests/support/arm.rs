//! Reads `arm/main.json`, its parameters file, and linked parts.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::arm_expr::{self, Scope};
use super::{
    Files, Key, ParamInfo, ReadBundle, ReadResource, Res, SERVICE, SERVICE_PARAM, id, local_name,
};

const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";
const MAX_TEMPLATE: usize = 4 * 1024 * 1024;
const MAX_RESOURCE: usize = 1024 * 1024;
const MAX_RESOURCES: usize = 800;
const MAX_PARAMETERS: usize = 256;

/// Reads the ARM files of a bundle.
pub(crate) fn read(files: &Files) -> Res<ReadBundle> {
    let values = parameter_values(files)?;
    let mut reader = Reader {
        files,
        bundle: ReadBundle::default(),
        used: BTreeSet::new(),
    };
    let main = reader.template("arm/main.json")?;
    for (name, declared) in &main.declared {
        let value = values
            .get(name)
            .cloned()
            .or_else(|| declared.default.clone());
        let secret = declared.secure && value.as_ref().is_some_and(|v| v.as_str() != Some(""));
        if secret && values.get(name) != Some(&Value::Null) {
            return Err(format!("secure parameter {name} has its value in clear"));
        }
        let value = value.filter(|v| !declared.secure && !v.is_null());
        reader.bundle.parameters.insert(
            name.clone(),
            ParamInfo {
                secure: declared.secure,
                value,
            },
        );
    }
    if let Some(unknown) = values
        .keys()
        .find(|name| !main.declared.contains_key(*name))
    {
        return Err(format!(
            "arm/parameters.json: {unknown} is not a parameter of the template"
        ));
    }
    let bound = reader.bundle.parameters.iter().map(|(name, info)| {
        let value = info
            .value
            .clone()
            .unwrap_or_else(|| format!("param:{name}").into());
        (
            name.clone(),
            if name == SERVICE_PARAM {
                SERVICE.into()
            } else {
                value
            },
        )
    });
    let main = Template {
        bound: bound.collect(),
        ..main
    };
    reader.resources(&main, &BTreeSet::new())?;
    if let Some(part) = files
        .keys()
        .find(|f| f.starts_with("arm/parts/") && !reader.used.contains(*f))
    {
        return Err(format!("{part} is linked from nowhere"));
    }
    reader.bundle.closures()?;
    Ok(reader.bundle)
}

/// Reads a template that a Bicep file calls as a module: its resources, and its outputs.
pub(crate) fn module(
    files: &Files,
    path: &str,
    bound: BTreeMap<String, Value>,
    is_secure: &dyn Fn(&str) -> bool,
) -> Res<(Vec<ReadResource>, BTreeMap<String, Value>)> {
    let mut reader = Reader {
        files,
        bundle: ReadBundle::default(),
        used: BTreeSet::new(),
    };
    let mut template = reader.template(path)?;
    for (name, value) in bound {
        let declared = template.declared.get(&name);
        let declared = declared.ok_or_else(|| format!("{path}: no parameter {name}"))?;
        let secret = value.as_str().and_then(|v| v.strip_prefix("param:"));
        if secret.is_some_and(is_secure) && !declared.secure {
            return Err(format!(
                "{path}: secret handed to {name}, which is not secure"
            ));
        }
        template.bound.insert(name, value);
    }
    let missing = template.declared.iter();
    let mut missing = missing.filter(|(name, _)| !template.bound.contains_key(*name));
    if let Some((name, _)) = missing.find(|(_, declared)| declared.default.is_none()) {
        return Err(format!("{path}: parameter {name} gets no value"));
    }
    reader.resources(&template, &BTreeSet::new())?;
    let mut outputs = BTreeMap::new();
    for (name, output) in template.document["outputs"]
        .as_object()
        .into_iter()
        .flatten()
    {
        outputs.insert(name.clone(), arm_expr::value(&output["value"], &template)?);
    }
    Ok((reader.bundle.resources.into_values().collect(), outputs))
}

fn parse(files: &Files, path: &str) -> Res<Value> {
    let text = files
        .get(path)
        .ok_or_else(|| format!("{path} is missing"))?;
    if text.len() > MAX_TEMPLATE {
        return Err(format!("{path} has more than 4 MB"));
    }
    serde_json::from_str(text).map_err(|e| format!("{path}: {e}"))
}

/// Values by name; a Key Vault reference is `null`, which no value can be.
fn parameter_values(files: &Files) -> Res<BTreeMap<String, Value>> {
    let path = "arm/parameters.json";
    let document = parse(files, path)?;
    check_header(path, &document, "deploymentParameters.json#")?;
    let mut values = BTreeMap::new();
    for (name, entry) in object(path, &document["parameters"])? {
        let value = match (entry.get("value"), entry.get("reference")) {
            (Some(value), None) if !value.is_null() => value.clone(),
            (None, Some(_)) => Value::Null,
            _ => return Err(format!("{path}: {name} has neither value nor reference")),
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn check_header(path: &str, document: &Value, schema: &str) -> Res<()> {
    if !document["$schema"]
        .as_str()
        .is_some_and(|s| s.ends_with(schema))
    {
        return Err(format!("{path}: $schema does not end with {schema}"));
    }
    document["contentVersion"]
        .as_str()
        .map(|_| ())
        .ok_or_else(|| format!("{path}: no contentVersion"))
}

fn object<'a>(path: &str, value: &'a Value) -> Res<&'a Map<String, Value>> {
    value
        .as_object()
        .ok_or_else(|| format!("{path}: expected an object, found {value}"))
}

#[derive(Clone)]
struct Declared {
    secure: bool,
    default: Option<Value>,
}

struct Template {
    path: String,
    document: Value,
    declared: BTreeMap<String, Declared>,
    bound: BTreeMap<String, Value>,
    depth: Cell<u32>,
}

impl Scope for Template {
    fn parameter(&self, name: &str) -> Res<Value> {
        self.bound
            .get(name)
            .cloned()
            .ok_or_else(|| format!("{}: parameter '{name}' is not there", self.path))
    }

    fn variable(&self, name: &str) -> Res<Value> {
        let value = self.document["variables"]
            .get(name)
            .ok_or_else(|| format!("variable '{name}' is not there"))?;
        if self.depth.get() > 32 {
            return Err(format!("variable '{name}' uses itself"));
        }
        self.depth.set(self.depth.get() + 1);
        let value = arm_expr::value(value, self);
        self.depth.set(self.depth.get() - 1);
        value
    }
}

struct Reader<'a> {
    files: &'a Files,
    bundle: ReadBundle,
    used: BTreeSet<String>,
}

impl Reader<'_> {
    fn template(&mut self, path: &str) -> Res<Template> {
        if !self.used.insert(path.to_owned()) {
            return Err(format!("{path} is linked twice"));
        }
        let document = parse(self.files, path)?;
        Self::opened(path, document)
    }

    fn opened(path: &str, document: Value) -> Res<Template> {
        check_header(path, &document, "deploymentTemplate.json#")?;
        let known = [
            "$schema",
            "contentVersion",
            "metadata",
            "parameters",
            "variables",
            "resources",
            "outputs",
        ];
        if let Some(key) = object(path, &document)?
            .keys()
            .find(|k| !known.contains(&k.as_str()))
        {
            return Err(format!("{path}: unknown template section {key}"));
        }
        let mut template = Template {
            path: path.into(),
            document,
            declared: BTreeMap::new(),
            bound: BTreeMap::new(),
            depth: Cell::new(0),
        };
        if let Some(parameters) = template.document.get("parameters") {
            let parameters = object(path, parameters)?;
            if parameters.len() > MAX_PARAMETERS {
                return Err(format!("{path}: more than {MAX_PARAMETERS} parameters"));
            }
            for (name, entry) in parameters {
                let secure = match entry["type"].as_str() {
                    Some("secureString" | "securestring" | "secureObject") => true,
                    Some("string" | "int" | "bool" | "object" | "array") => false,
                    _ => return Err(format!("{path}: parameter {name} has no known type")),
                };
                let default = entry
                    .get("defaultValue")
                    .map(|v| arm_expr::value(v, &template))
                    .transpose()?;
                template
                    .declared
                    .insert(name.clone(), Declared { secure, default });
            }
        }
        Ok(template)
    }

    /// Adds a template's resources, all of which also wait for `outer`.
    fn resources(&mut self, template: &Template, outer: &BTreeSet<String>) -> Res<BTreeSet<Key>> {
        let path = &template.path;
        let list = template.document["resources"]
            .as_array()
            .ok_or_else(|| format!("{path}: no resources"))?;
        if list.len() > MAX_RESOURCES {
            return Err(format!("{path}: more than {MAX_RESOURCES} resources"));
        }
        let mut members: BTreeMap<Key, (BTreeSet<Key>, &Value)> = BTreeMap::new();
        for item in list {
            let (key, wait) = header(template, item).map_err(|e| format!("{path}: {e}"))?;
            if members.insert(key.clone(), (wait, item)).is_some() {
                return Err(format!("{path}: {}|{} is declared twice", key.0, key.1));
            }
        }
        for (key, (wait, _)) in &members {
            if let Some(dep) = wait.iter().find(|dep| !members.contains_key(*dep)) {
                return Err(format!(
                    "{path}: {} depends on {}, which is not in the template",
                    key.1, dep.1
                ));
            }
        }
        // Linked parts first opened in dependency order, so that what a part
        // holds is known to what waits for it.
        let mut holds: BTreeMap<Key, BTreeSet<Key>> = BTreeMap::new();
        while holds.len() < members.len() {
            let ready = members.iter().find(|(key, (wait, _))| {
                !holds.contains_key(*key) && wait.iter().all(|d| holds.contains_key(d))
            });
            let Some((key, (wait, item))) = ready else {
                return Err(format!("{path}: dependsOn has a cycle"));
            };
            let direct = wait.iter().flat_map(|d| &holds[d]).map(|(t, n)| id(t, n));
            let depends_on: BTreeSet<String> = direct.chain(outer.iter().cloned()).collect();
            let own = if key.0 == DEPLOYMENTS {
                let part = self.part(template, item)?;
                self.resources(&part, &depends_on)?
            } else {
                let properties = item
                    .get("properties")
                    .map(|p| arm_expr::value(p, template))
                    .transpose();
                let properties =
                    properties.map_err(|e| format!("{path}: {}|{}: {e}", key.0, key.1))?;
                let properties = properties.unwrap_or_else(|| Map::new().into());
                self.bundle.insert(ReadResource {
                    type_: key.0.clone(),
                    name: key.1.clone(),
                    properties,
                    depends_on,
                    condition: condition(template, item)?,
                })?;
                BTreeSet::from([key.clone()])
            };
            holds.insert(key.clone(), own);
        }
        Ok(holds.into_values().flatten().collect())
    }

    fn part(&mut self, outer: &Template, item: &Value) -> Res<Template> {
        let properties = &item["properties"];
        if properties["mode"] != "Incremental" {
            return Err(format!("{}: a deployment is not incremental", outer.path));
        }
        if let Some(template) = properties.get("template") {
            if properties["expressionEvaluationOptions"]["scope"] != "inner" {
                return Err(format!("{}: a template evaluated outside", outer.path));
            }
            let part = Self::opened(&format!("{}, inside", outer.path), template.clone())?;
            return bind(outer, part, properties);
        }
        let link = properties["templateLink"]["relativePath"].as_str();
        let link = link.ok_or_else(|| {
            format!(
                "{}: deployment without templateLink.relativePath",
                outer.path
            )
        })?;
        if link.starts_with('/') || link.contains("..") {
            return Err(format!(
                "{}: deployment of {link} is not below the template",
                outer.path
            ));
        }
        let part = self.template(&format!("arm/{link}"))?;
        bind(outer, part, properties)
    }
}

/// The template of a deployment with the parameters that it is given.
fn bind(outer: &Template, mut part: Template, properties: &Value) -> Res<Template> {
    let link = part.path.clone();
    for (name, entry) in properties["parameters"].as_object().into_iter().flatten() {
        let value = arm_expr::value(&entry["value"], outer)?;
        let declared = part
            .declared
            .get(name)
            .ok_or_else(|| format!("{link}: parameter {name} is not declared"))?;
        let secret = value.as_str().and_then(|v| v.strip_prefix("param:"));
        if secret.is_some_and(|s| outer.declared.get(s).is_some_and(|d| d.secure))
            && !declared.secure
        {
            return Err(format!(
                "{link}: secret handed to parameter {name}, which is not secure"
            ));
        }
        part.bound.insert(name.clone(), value);
    }
    for (name, declared) in &part.declared {
        if !part.bound.contains_key(name) {
            let default = declared.default.clone();
            part.bound.insert(
                name.clone(),
                default.ok_or_else(|| format!("{link}: parameter {name} gets no value"))?,
            );
        }
    }
    Ok(part)
}

/// The parameter that must not be empty for a resource to be deployed.
fn condition(template: &Template, item: &Value) -> Res<Option<String>> {
    let Some(condition) = item.get("condition") else {
        return Ok(None);
    };
    let name = condition.as_str().and_then(|text| {
        let text = text.strip_prefix("[not(empty(parameters('")?;
        text.strip_suffix("')))]")
    });
    let name = name.ok_or_else(|| format!("condition {condition}"))?;
    let value = template.parameter(name)?;
    Ok(value.as_str().map(str::to_owned))
}

/// A resource's identity and what it waits for.
fn header(template: &Template, item: &Value) -> Res<(Key, BTreeSet<Key>)> {
    let text = |key: &str| {
        item[key]
            .as_str()
            .ok_or_else(|| format!("resource without {key}: {item}"))
    };
    let type_ = text("type")?;
    let known = [
        "condition",
        "type",
        "apiVersion",
        "name",
        "dependsOn",
        "properties",
        "comments",
        "metadata",
    ];
    if let Some(key) = object("resource", item)?
        .keys()
        .find(|k| !known.contains(&k.as_str()))
    {
        return Err(format!("{type_}: unknown resource element {key}"));
    }
    if text("apiVersion")?.starts_with('[') || type_.starts_with('[') {
        return Err(format!("{type_}: type and apiVersion have to be literal"));
    }
    if item.to_string().len() > MAX_RESOURCE {
        return Err(format!("a {type_} has more than 1 MB"));
    }
    let name = arm_expr::string(text("name")?, template)?;
    let name = name
        .as_str()
        .ok_or_else(|| format!("{type_}: name is not text"))?;
    let name = match super::reference(type_, name)? {
        _ if type_ == DEPLOYMENTS => name.to_owned(),
        _ => local_name(type_, name)?,
    };
    let mut wait = BTreeSet::new();
    for entry in item
        .get("dependsOn")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let value = arm_expr::value(entry, template)?;
        let target = value
            .as_str()
            .and_then(|v| v.strip_prefix("ref:"))
            .and_then(|v| v.split_once('|'));
        let (t, n) = target.ok_or_else(|| {
            format!("{type_} {name}: dependsOn entry {entry} is not a resourceId")
        })?;
        if !wait.insert((t.to_owned(), n.to_owned())) {
            return Err(format!("{type_} {name}: dependsOn names {n} twice"));
        }
    }
    Ok(((type_.to_owned(), name), wait))
}
