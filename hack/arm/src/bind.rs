//! Parameters, variables and user-defined functions: from a template and what comes with it
//! to [`Names`].

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::{ArmError, FUNCTIONS, Fault};
use crate::evaluate::{Evaluator, Site};
use crate::limits::Meter;
use crate::names::{Names, UserFunction};
use crate::template::{Template, calls_forbidden_in_functions};
use crate::types::{Types, Violation};
use crate::value::{get, key_of, weight};

/// Evaluates what a template's expressions may name.
pub(crate) fn bind(
    template: &Template<'_>,
    provided: &Value,
    context: &Context<'_>,
    meter: &Meter,
) -> Result<Names, ArmError> {
    let provided = values(provided);
    let whole = Value::Object(template.root.clone());
    // The template is copied and hashed, and the constants of a deployment are made.
    meter
        .charge(4096 + 4 * weight(&whole))
        .map_err(|fault| fault.at(&template.path, |words| ArmError::template(words)))?;
    let mut names = Names::new(context, &whole, &Value::Object(provided.clone()));
    functions(template, &mut names, context)?;
    parameters(template, provided, &mut names, context, meter)?;
    variables(template, &mut names, context, meter)?;
    Ok(names)
}

/// The values themselves: of a parameters file its member `parameters`.
fn values(provided: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let Some(object) = provided.as_object() else {
        return &NONE;
    };
    match get(object, "parameters").and_then(Value::as_object) {
        Some(inner) if object.contains_key("$schema") || object.contains_key("contentVersion") => {
            inner
        }
        _ => object,
    }
}

fn functions(
    template: &Template<'_>,
    names: &mut Names,
    context: &Context<'_>,
) -> Result<(), ArmError> {
    let namespaces = get(template.root, "functions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for namespace in namespaces.filter_map(Value::as_object) {
        let prefix = get(namespace, "namespace")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let members = get(namespace, "members").and_then(Value::as_object);
        for (name, member) in members.into_iter().flatten() {
            let path = format!("{}.functions.{prefix}.{name}", template.path);
            let member = member.as_object();
            let output = member
                .and_then(|member| get(member, "output"))
                .and_then(Value::as_object)
                .and_then(|output| get(output, "value"));
            let value = output.cloned().unwrap_or_default();
            let forbidden =
                calls_forbidden_in_functions(&value, template.symbolic, &context.limits)
                    .map_err(|fault| fault.at(&path, |words| ArmError::template(words)))?;
            if !forbidden.is_empty() {
                // The sentence of microsoft/vscode-azurearmtools' tests.
                return Err(ArmError::template(format!(
                    "The template function '{name}' at line '0' and column '0' is not valid. These function calls are not supported in a function definition: '{}'. Please see https://aka.ms/arm-syntax-functions for usage details.",
                    forbidden.join(", ")
                ))
                .at(path));
            }
            let parameters = member
                .and_then(|member| get(member, "parameters"))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|parameter| parameter.get("name")?.as_str())
                .map(str::to_owned)
                .collect();
            names.functions.insert(
                format!("{prefix}.{name}").to_lowercase(),
                UserFunction { parameters, value },
            );
        }
    }
    Ok(())
}

fn parameters(
    template: &Template<'_>,
    provided: &Map<String, Value>,
    names: &mut Names,
    context: &Context<'_>,
    meter: &Meter,
) -> Result<(), ArmError> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let declared = template.map("parameters").unwrap_or(&NONE);
    let path = |name: &str| format!("{}.parameters.{name}", template.path);
    let unknown: Vec<&str> = provided
        .keys()
        .map(String::as_str)
        .filter(|name| key_of(declared, name).is_none())
        .collect();
    if !unknown.is_empty() {
        let all: Vec<&str> = declared.keys().map(String::as_str).collect();
        return Err(ArmError::template(format!(
            "The following parameters were supplied, but do not correspond to any parameters defined in the template: '{}'. The parameters defined in the template are: '{}'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
            unknown.join(", "),
            all.join(", ")
        )));
    }
    let types = Types {
        definitions: template.map("definitions"),
        meter,
    };
    let mut jobs = Vec::new();
    for (name, declaration) in declared {
        let Some(declaration) = declaration.as_object() else {
            return Err(ArmError::content(format!(
                "Error converting value {declaration} to type 'TemplateInputParameter'. Path '{}', line 0, position 0.",
                path(name)
            )));
        };
        let given = match get(provided, name) {
            Some(given) => given_value(name, given, context)?,
            None => None,
        };
        let lower = name.to_lowercase();
        match (given, get(declaration, "defaultValue")) {
            (Some(value), _) => {
                names.parameters.insert(lower, value);
            }
            (None, Some(default)) => jobs.push((format!("p:{lower}"), name.as_str(), default)),
            (None, None) if types.nullable(declaration) => {
                names.parameters.insert(lower, Value::Null);
            }
            (None, None) => {
                return Err(ArmError::template(format!(
                    "The value for the template parameter '{name}' at line '0' and column '0' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details."
                ))
                .at(path(name)));
            }
        }
    }
    let done = |names: &mut Names, _: &str, name: &str, value| {
        names.parameters.insert(name.to_lowercase(), value);
    };
    settle(
        names,
        &jobs,
        Site::Default,
        context,
        meter,
        done,
        |name, words| {
            ArmError::template(format!(
                "The template parameter '{name}' is not valid: {words}. {FUNCTIONS}"
            ))
            .at(path(name))
        },
    )?;
    for (name, declaration) in declared {
        let value = names.parameters.get(&name.to_lowercase());
        if let (Some(declaration), Some(value)) = (declaration.as_object(), value) {
            types.check(declaration, value).map_err(|violation| {
                refused(name, types.secure(declaration), violation).at(path(name))
            })?;
        }
    }
    Ok(())
}

/// `{ "value": … }` or a reference to a secret; null is as if nothing was given.
fn given_value(
    name: &str,
    given: &Value,
    context: &Context<'_>,
) -> Result<Option<Value>, ArmError> {
    let object = given.as_object();
    if let Some(value) = object.and_then(|object| get(object, "value")) {
        return Ok((!value.is_null()).then(|| value.clone()));
    }
    let Some(Value::Object(reference)) = object.and_then(|object| get(object, "reference")) else {
        if object.is_some_and(Map::is_empty) {
            return Ok(None);
        }
        return Err(ArmError::content(format!(
            "Error converting value {given} to type 'DeploymentParameterDefinition'. Path 'properties.parameters.{name}', line 0, position 0."
        )));
    };
    let vault = get(reference, "keyVault")
        .and_then(|vault| vault.get("id"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let secret = get(reference, "secretName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match context.secrets.and_then(|secrets| secrets(vault, secret)) {
        Some(value) => Ok(Some(Value::String(value))),
        // https://learn.microsoft.com/azure/azure-resource-manager/templates/key-vault-parameter
        None => Err(ArmError::new(
            "KeyVaultParameterReferenceNotFound",
            format!(
                "The specified KeyVault '{vault}' could not be found. Please see https://aka.ms/arm-keyvault for usage details."
            ),
        )
        .about(name)),
    }
}

fn refused(name: &str, secure: bool, violation: Violation) -> ArmError {
    let of = format!("the template parameter '{name}' at line '0' and column '0'");
    ArmError::template(match violation {
        Violation::Type { expected, actual } => format!(
            "The provided value for the template parameter '{name}' is not valid. Expected a value of type '{expected}', but received a value of type '{actual}'. Please see https://aka.ms/arm-create-parameter-file for usage details."
        ),
        Violation::NotAllowed { value, allowed } => {
            let value = if secure {
                String::new()
            } else {
                format!(" '{value}'")
            };
            format!(
                "The provided value{value} for {of} is not valid. The parameter value is not part of the allowed value(s): '{allowed}'."
            )
        }
        Violation::Other(words) => format!("The provided value for {of} is not valid. {words}")
            .trim_end()
            .to_owned(),
        Violation::Declaration(words) => {
            format!("The template parameter '{name}' is not valid: {words}. {FUNCTIONS}")
        }
        Violation::Work => "The template takes more work than this expansion allows.".to_owned(),
    })
}

fn variables(
    template: &Template<'_>,
    names: &mut Names,
    context: &Context<'_>,
    meter: &Meter,
) -> Result<(), ArmError> {
    let Some(declared) = template.map("variables") else {
        return Ok(());
    };
    // A loop makes a variable of its own; it is evaluated as an object of that one property.
    let loops: Vec<(&str, Value)> = declared
        .get("copy")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| {
            let name = get(one.as_object()?, "name")?.as_str()?;
            Some((name, serde_json::json!({ "copy": [one] })))
        })
        .collect();
    let mut jobs = Vec::new();
    let job = |name: &'_ str| format!("v:{}", name.to_lowercase());
    for (name, value) in declared {
        if name == "copy" && !loops.is_empty() {
            for (name, value) in &loops {
                jobs.push((job(name), *name, value));
            }
        } else {
            jobs.push((job(name), name.as_str(), value));
        }
    }
    let of_loops: HashSet<String> = loops.iter().map(|(name, _)| job(name)).collect();
    let done = |names: &mut Names, key: &str, name: &str, value: Value| {
        let value = match value {
            Value::Object(object) if of_loops.contains(key) => object
                .into_iter()
                .next()
                .map(|(_, items)| items)
                .unwrap_or_default(),
            other => other,
        };
        names.variables.insert(name.to_lowercase(), value);
    };
    settle(
        names,
        &jobs,
        Site::Early,
        context,
        meter,
        done,
        |name, words| {
            ArmError::template(format!(
                "The template variable '{name}' is not valid: {words}. {FUNCTIONS}"
            ))
            .at(format!("{}.variables.{name}", template.path))
        },
    )
}

/// A JSON value to evaluate: its key in [`Names::waiting`], its name, itself.
type Job<'j> = (String, &'j str, &'j Value);

/// Evaluates each job; one that needs another waits until that is done.
fn settle(
    names: &mut Names,
    jobs: &[Job<'_>],
    site: Site,
    context: &Context<'_>,
    meter: &Meter,
    done: impl Fn(&mut Names, &str, &str, Value),
    wrap: impl Fn(&str, &str) -> ArmError,
) -> Result<(), ArmError> {
    let by_key: HashMap<&str, (&str, &Value)> = jobs
        .iter()
        .map(|(key, name, value)| (key.as_str(), (*name, *value)))
        .collect();
    names.waiting = jobs.iter().map(|(key, ..)| key.clone()).collect();
    for (key, ..) in jobs {
        let mut stack = vec![key.clone()];
        while let Some(key) = stack.last().cloned() {
            let waiting = names.waiting.contains(&key);
            let (Some((name, value)), true) = (by_key.get(key.as_str()), waiting) else {
                stack.pop();
                continue;
            };
            let evaluator = Evaluator::new(names, &context.limits, meter, site);
            let result = evaluator.value(value).and_then(|value| {
                evaluator.shallow(&value)?;
                Ok(value)
            });
            match result {
                Ok(value) => {
                    names.waiting.remove(&key);
                    done(names, &key, name, value);
                    stack.pop();
                }
                Err(Fault::Pending(other)) if !stack.contains(&other) => stack.push(other),
                Err(fault) => return Err(fault.at("", |words| wrap(name, words))),
            }
        }
    }
    Ok(())
}
