//! The shape of a template, before anything in it is evaluated.
//!
//! The service reads a template into types of its own and refuses members that they do not
//! have. The sentences are those of its JSON reader (microsoft/vscode-azurearmtools' tests);
//! line and position are 0 here.

use serde_json::{Map, Value};

use crate::context::{Context, Place};
use crate::error::{ArmError, FUNCTIONS, Fault};
use crate::evaluate::MAX_DEPTH;
use crate::limits::{Limits, Meter};
use crate::syntax::{Expr, Step, Text, classify, parse, utf16};
use crate::value::{deeper_than, get};

/// Members of a template:
/// <https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax>, and those
/// that the official Bicep compiler writes.
const TEMPLATE: &[&str] = &[
    "$schema",
    "apiProfile",
    "asserts",
    "contentVersion",
    "definitions",
    "extensions",
    "functions",
    "imports",
    "languageVersion",
    "metadata",
    "outputs",
    "parameters",
    "resources",
    "variables",
];

/// Members of a resource:
/// <https://learn.microsoft.com/azure/azure-resource-manager/templates/resource-declaration>,
/// the template schema's `resourceBase`, and those that the official Bicep compiler writes.
const RESOURCE: &[&str] = &[
    "@options",
    "apiVersion",
    "asserts",
    "comments",
    "condition",
    "copy",
    "dependsOn",
    "etag",
    "eTag",
    "existing",
    "extendedLocation",
    "extension",
    "identity",
    "import",
    "kind",
    "location",
    "managedBy",
    "managedByExtended",
    "metadata",
    "name",
    "placement",
    "plan",
    "properties",
    "resourceGroup",
    "resources",
    "scale",
    "scope",
    "sku",
    "subscriptionId",
    "tags",
    "type",
    "zones",
];

/// Versions of the schema that the service takes; the words are those of
/// microsoft/vscode-azurearmtools' tests.
const SCHEMAS: &str = "2014-04-01-preview,2015-01-01,2018-05-01,2019-04-01,2019-08-01";

/// A template whose shape is right.
pub(crate) struct Template<'t> {
    pub(crate) root: &'t Map<String, Value>,
    pub(crate) symbolic: bool,
    /// Where in the request it is: `properties.template`.
    pub(crate) path: String,
}

/// A declared resource, not evaluated.
pub(crate) struct RawResource<'t> {
    pub(crate) body: &'t Map<String, Value>,
    pub(crate) symbol: Option<&'t str>,
    pub(crate) path: String,
}

impl<'t> Template<'t> {
    /// Checks members, schema, limits and the syntax of all expressions.
    pub(crate) fn read(
        value: &'t Value,
        path: &str,
        context: &Context<'_>,
        meter: &Meter,
    ) -> Result<Self, ArmError> {
        let limits = &context.limits;
        let Some(root) = value.as_object() else {
            return Err(ArmError::content(format!(
                "Error converting value {value} to type 'Template'. Path '{path}', line 0, position 0."
            )));
        };
        if deeper_than(value, MAX_DEPTH) {
            return Err(ArmError::content(format!(
                "The reader's MaxDepth of {MAX_DEPTH} has been exceeded. Path '{path}', line 0, position 0."
            )));
        }
        members(root, TEMPLATE, "Template", path)?;
        for name in ["$schema", "contentVersion", "resources"] {
            if get(root, name).is_none_or(Value::is_null) {
                return Err(required(name, path));
            }
        }
        let symbolic = get(root, "languageVersion")
            .and_then(Value::as_str)
            .is_some_and(|version| version != "1.0");
        let template = Self {
            root,
            symbolic,
            path: path.to_owned(),
        };
        template.schema(&context.place)?;
        template.counts(limits)?;
        for resource in template.resources()? {
            resource.check()?;
        }
        check_expressions(value, path, limits, meter)?;
        Ok(template)
    }

    fn schema(&self, place: &Place) -> Result<(), ArmError> {
        let schema = get(self.root, "$schema")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let file = match place {
            Place::ResourceGroup { .. } => "deploymentTemplate.json",
            Place::Subscription { .. } => "subscriptionDeploymentTemplate.json",
            Place::ManagementGroup { .. } => "managementGroupDeploymentTemplate.json",
            Place::Tenant => "tenantDeploymentTemplate.json",
        };
        let known = SCHEMAS.split(',').any(|version| {
            let address = format!("schema.management.azure.com/schemas/{version}/{file}");
            schema
                .trim_end_matches('#')
                .trim_start_matches("https://")
                .trim_start_matches("http://")
                .eq_ignore_ascii_case(&address)
        });
        if known {
            return Ok(());
        }
        Err(ArmError::template(format!(
            "Template schema '{schema}' is not supported. Supported versions are '{SCHEMAS}'. Please see https://aka.ms/arm-syntax for usage details."
        ))
        .at(format!("{}.$schema", self.path)))
    }

    fn counts(&self, limits: &Limits) -> Result<(), ArmError> {
        let size = |name: &str| self.map(name).map_or(0, Map::len);
        let loops = |variables: &Map<String, Value>| {
            variables
                .get("copy")
                .and_then(Value::as_array)
                .map_or(0, |loops| loops.len().saturating_sub(1))
        };
        for (what, most, actual) in [
            ("input parameters", limits.parameters, size("parameters")),
            (
                "variables",
                limits.variables,
                size("variables") + self.map("variables").map_or(0, loops),
            ),
            ("outputs", limits.outputs, size("outputs")),
        ] {
            if actual > most {
                return Err(too_many(what, most, actual).at(&self.path));
            }
        }
        Ok(())
    }

    /// A member that is an object.
    pub(crate) fn map(&self, name: &str) -> Option<&'t Map<String, Value>> {
        get(self.root, name).and_then(Value::as_object)
    }

    /// Its resources in the order of the text; with symbolic names they are an object.
    pub(crate) fn resources(&self) -> Result<Vec<RawResource<'t>>, ArmError> {
        let path = format!("{}.resources", self.path);
        let body = |value: &'t Value, path: &str| {
            value.as_object().ok_or_else(|| {
                ArmError::content(format!(
                    "Error converting value {value} to type 'TemplateResource'. Path '{path}', line 0, position 0."
                ))
            })
        };
        match get(self.root, "resources") {
            Some(Value::Array(all)) if !self.symbolic || all.is_empty() => all
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let path = format!("{path}[{index}]");
                    Ok(RawResource {
                        body: body(value, &path)?,
                        symbol: None,
                        path,
                    })
                })
                .collect(),
            Some(Value::Object(all)) if self.symbolic => all
                .iter()
                .map(|(symbol, value)| {
                    let path = format!("{path}.{symbol}");
                    Ok(RawResource {
                        body: body(value, &path)?,
                        symbol: Some(symbol),
                        path,
                    })
                })
                .collect(),
            _ if self.symbolic => Err(ArmError::template(
                "Template resources must be an object when 'languageVersion' is 2.0. Please see https://aka.ms/arm-syntax-resources for usage details.",
            )
            .at(path)),
            _ => Err(ArmError::content(format!(
                "Cannot deserialize the current JSON value into type 'TemplateResource[]' because the type requires a JSON array. Path '{path}', line 0, position 0."
            ))),
        }
    }
}

impl RawResource<'_> {
    fn check(&self) -> Result<(), ArmError> {
        members(self.body, RESOURCE, "TemplateResource", &self.path)?;
        for name in ["type", "apiVersion", "name"] {
            // What an extension deploys has a form of its own.
            let extension = ["import", "extension"]
                .iter()
                .any(|member| get(self.body, member).is_some());
            if !extension && get(self.body, name).is_none_or(Value::is_null) {
                return Err(required(name, &self.path));
            }
        }
        for (index, child) in children(self.body).enumerate() {
            let path = format!("{}.resources[{index}]", self.path);
            let Some(body) = child.as_object() else {
                return Err(ArmError::content(format!(
                    "Error converting value {child} to type 'TemplateResource'. Path '{path}', line 0, position 0."
                )));
            };
            RawResource {
                body,
                symbol: None,
                path,
            }
            .check()?;
        }
        Ok(())
    }
}

/// Resources inside of a resource.
pub(crate) fn children(body: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    get(body, "resources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn members(
    object: &Map<String, Value>,
    known: &[&str],
    of: &str,
    path: &str,
) -> Result<(), ArmError> {
    for name in object.keys() {
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(ArmError::content(format!(
                "Could not find member '{name}' on object of type '{of}'. Path '{path}.{name}', line 0, position 0."
            ))
            .at(format!("{path}.{name}")));
        }
    }
    Ok(())
}

fn required(name: &str, path: &str) -> ArmError {
    ArmError::content(format!(
        "Required property '{name}' not found in JSON. Path '{path}', line 0, position 0."
    ))
    .at(path)
}

/// Azure/azure-api-management-devops-resource-kit#360.
pub(crate) fn too_many(what: &str, most: usize, actual: usize) -> ArmError {
    ArmError::template(format!(
        "The number of template {what} limit exceeded. Limit: '{most}' and actual: '{actual}'. Please see https://aka.ms/arm-syntax for usage details."
    ))
}

/// Parses all expressions of a template. Those of nested templates are among them, but
/// neither descriptions nor what is only compared with.
fn check_expressions(
    value: &Value,
    path: &str,
    limits: &Limits,
    meter: &Meter,
) -> Result<(), ArmError> {
    check_texts(value, limits, meter).map_err(|(fault, mut place)| {
        place.push(path.to_owned());
        place.reverse();
        fault.at(&place.concat(), |words| ArmError::template(words))
    })
}

/// The way back to a fault is only made when there is one.
fn check_texts(value: &Value, limits: &Limits, meter: &Meter) -> Result<(), (Fault, Vec<String>)> {
    const OPAQUE: [&str; 3] = ["metadata", "comments", "allowedValues"];
    let text = |text: &str| {
        let checked = meter
            .charge(text.len())
            .and_then(|()| match classify(text) {
                Text::Expression(source) => parse(source, limits).map(drop),
                Text::Literal(_) => Ok(()),
            });
        checked.map_err(|fault| (fault, Vec::new()))
    };
    let within = |place: String| {
        |(fault, mut way): (Fault, Vec<String>)| {
            way.push(place);
            (fault, way)
        }
    };
    match value {
        Value::String(string) => text(string),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_texts(item, limits, meter)
                    .map_err(|fault| within(format!("[{index}]"))(fault))?;
            }
            Ok(())
        }
        Value::Object(object) => {
            for (key, value) in object {
                if OPAQUE.contains(&key.as_str()) {
                    continue;
                }
                text(key)?;
                check_texts(value, limits, meter)
                    .map_err(|fault| within(format!(".{key}"))(fault))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a user-defined function may not call, as it is called in `value`:
/// <https://learn.microsoft.com/azure/azure-resource-manager/templates/user-defined-functions#limitations>.
pub(crate) fn calls_forbidden_in_functions(
    value: &Value,
    symbolic: bool,
    limits: &Limits,
) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    each_text(value, &mut |text| {
        if let Text::Expression(source) = classify(text) {
            each_call(&parse(source, limits)?, &mut |namespace, name| {
                let lower = name.to_ascii_lowercase();
                let forbidden = match namespace {
                    // With language version 2.0 functions may call each other.
                    Some(_) => !symbolic,
                    None => {
                        ["variables", "reference", "references", "copyindex"]
                            .contains(&lower.as_str())
                            || lower.starts_with("list")
                    }
                };
                if forbidden {
                    found.push(match namespace {
                        Some(namespace) => format!("{namespace}.{name}"),
                        None => name.to_owned(),
                    });
                }
            });
        }
        Ok(())
    })?;
    Ok(found)
}

fn each_text(
    value: &Value,
    visit: &mut impl FnMut(&str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().try_for_each(|item| each_text(item, visit)),
        Value::Object(object) => object.values().try_for_each(|item| each_text(item, visit)),
        _ => Ok(()),
    }
}

fn each_call(expr: &Expr, visit: &mut impl FnMut(Option<&str>, &str)) {
    let (call, steps) = match expr {
        Expr::Call(call) => (call, &[][..]),
        Expr::Access(call, steps) => (call, steps.as_slice()),
        Expr::Text(_) | Expr::Integer(_) | Expr::Float(_) => return,
    };
    visit(call.namespace.as_deref(), &call.name);
    for argument in &call.arguments {
        each_call(argument, visit);
    }
    for step in steps {
        if let Step::Index(index) = step {
            each_call(index, visit);
        }
    }
}

/// The whole request has a limit of its own, at the front door:
/// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-job-size-exceeded>.
pub(crate) fn check_size(value: &Value, limits: &Limits) -> Result<(), ArmError> {
    let size = crate::value::weight(value);
    // The text cannot be longer than six times what its values weigh, nor is it made twice
    // for a template that is far from the limit.
    if size.saturating_mul(6) > limits.template && value.to_string().len() > limits.template {
        return Err(ArmError::new(
            "RequestContentTooLarge",
            format!(
                "The request content size exceeds the maximum size of {} MB.",
                limits.template / 1024 / 1024
            ),
        ));
    }
    Ok(())
}

/// `name` of a resource, when it is evaluated:
/// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-invalid-name-segments>.
pub(crate) fn check_name(
    kind: &str,
    name: &str,
    path: &str,
    limits: &Limits,
) -> Result<(), ArmError> {
    if name.is_empty() {
        return Err(ArmError::template(
            "The template resource '' at line '0' and column '0' is not valid. The name property cannot be null or empty. Please see https://aka.ms/arm-syntax-resources for usage details.",
        )
        .at(path));
    }
    let (types, names) = (kind.split('/').count(), name.split('/').count());
    if types != names + 1 || name.split('/').chain(kind.split('/')).any(str::is_empty) {
        return Err(ArmError::template(format!(
            "The template resource '{name}' for type '{kind}' at line '0' and column '0' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details."
        ))
        .at(path));
    }
    if utf16(name) > limits.name {
        return Err(ArmError::template(format!(
            "The template resource '{name}' at line '0' and column '0' is not valid. The name property has more than '{}' characters. {FUNCTIONS}",
            limits.name
        ))
        .at(path));
    }
    Ok(())
}
