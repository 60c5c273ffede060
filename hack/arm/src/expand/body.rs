//! What is sent of a resource, and how large it may be.

use serde_json::{Map, Value};

use super::Resource;
use crate::error::{ArmError, Fault};
use crate::evaluate::Evaluator;
use crate::limits::Limits;

/// Members of a resource that are the template language's and are not sent.
const NOT_SENT: [&str; 16] = [
    "@options",
    "apiVersion",
    "asserts",
    "comments",
    "condition",
    "copy",
    "dependsOn",
    "existing",
    "metadata",
    "name",
    "resourceGroup",
    "resources",
    "scope",
    "subscriptionId",
    "type",
    "import",
];

/// What is sent, and the location.
pub(super) fn body(
    raw: &Map<String, Value>,
    kind: &str,
    evaluator: &Evaluator<'_>,
) -> Result<(Value, Option<String>), Fault> {
    let mut body = Map::new();
    let mut location = None;
    for (key, value) in raw {
        if NOT_SENT.iter().any(|name| name.eq_ignore_ascii_case(key)) {
            continue;
        }
        let value = match key.to_ascii_lowercase().as_str() {
            "location" => {
                let Value::String(text) = value else {
                    continue;
                };
                let text = evaluator.early().string(text)?;
                location = Some(text.clone());
                Value::String(text)
            }
            "properties" if crate::nested::is_deployment(kind) => {
                crate::nested::properties(value, evaluator)?
            }
            "properties" => without_nulls(evaluator.value(value)?),
            // "It cannot be used for resource properties such as type, name, location and
            // other top level properties": template-functions-resource.
            _ => without_nulls(evaluator.early().value(value)?),
        };
        if !value.is_null() {
            body.insert(key.clone(), value);
        }
    }
    Ok((Value::Object(body), location))
}

/// A null property is as if it were not there:
/// <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions#null-values>.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => object
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// A nested deployment is as large as its template may be.
pub(super) fn check_resource_size(
    id: &str,
    kind: &str,
    body: &Value,
    limits: &Limits,
) -> Result<(), ArmError> {
    let most = if crate::nested::is_deployment(kind) {
        limits.template
    } else {
        limits.resource
    };
    if crate::value::weight(body).saturating_mul(6) > most {
        let size = body.to_string().len();
        if size > most {
            return Err(too_large(
                &format!("The definition of resource '{id}' has '{size}' bytes"),
                most,
            )
            .about(id));
        }
    }
    Ok(())
}

pub(super) fn check_total(resources: &[Resource], limits: &Limits) -> Result<(), ArmError> {
    let weight: usize = resources
        .iter()
        .map(|resource| crate::value::weight(&resource.body))
        .sum();
    if weight.saturating_mul(6) > limits.template {
        let size: usize = resources
            .iter()
            .map(|resource| resource.body.to_string().len())
            .sum();
        if size > limits.template {
            return Err(too_large(
                &format!("The expanded template has '{size}' bytes"),
                limits.template,
            ));
        }
    }
    Ok(())
}

/// The code is documented (`troubleshooting/error-job-size-exceeded`), the sentence is not.
fn too_large(what: &str, most: usize) -> ArmError {
    ArmError::new(
        "JobSizeExceeded",
        format!("{what}, which exceeds the limit of '{most}' bytes."),
    )
}
