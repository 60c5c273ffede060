//! Outputs: evaluated when everything is deployed.

use serde_json::{Map, Value, json};

use crate::error::{ArmError, Fault};
use crate::expand::Later;
use crate::limits::Meter;
use crate::state::State;
use crate::template::Template;
use crate::types::{Types, Violation};
use crate::value::get;

const FAILED: &str = "DeploymentOutputEvaluationFailed";

/// The outputs of a template, not evaluated.
#[derive(Debug)]
pub struct Outputs {
    raw: Map<String, Value>,
    definitions: Option<Map<String, Value>>,
    later: Later,
}

impl Outputs {
    pub(crate) fn new(template: &Template<'_>, later: Later) -> Self {
        Self {
            raw: template.map("outputs").cloned().unwrap_or_default(),
            definitions: template.map("definitions").cloned(),
            later,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// As `properties.outputs` of a deployment has them: `{ name: { type, value } }`. A secure
    /// output has no value, one with a false condition is not there.
    ///
    /// # Errors
    /// `DeploymentOutputEvaluationFailed`, with a detail for each output that cannot be
    /// evaluated or has another type than it declares.
    pub fn resolve(&self, state: &dyn State) -> Result<Value, ArmError> {
        let meter = Meter::new(&self.later.limits);
        let mut out = Map::new();
        let mut wrong = Vec::new();
        for (name, declared) in &self.raw {
            match self.one(declared, state, &meter) {
                Ok(Some(value)) => {
                    out.insert(name.clone(), value);
                }
                Ok(None) => {}
                // The sentences are those of Azure/data-management-zone#286.
                Err(Fault::State(error)) => wrong.push(error.about(name)),
                Err(fault) => wrong.push(
                    fault
                        .at("", |words| {
                            ArmError::new(
                                FAILED,
                                format!("The template output '{name}' is not valid: {words}."),
                            )
                        })
                        .about(name),
                ),
            }
        }
        if wrong.is_empty() {
            return Ok(Value::Object(out));
        }
        let names: Vec<String> = wrong
            .iter()
            .filter_map(|error| error.target.clone())
            .collect();
        let mut error = ArmError::new(
            FAILED,
            format!(
                "Unable to evaluate template outputs: '{}'. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.",
                names.join(",")
            ),
        );
        error.details = wrong;
        Err(error)
    }

    fn one(
        &self,
        declared: &Value,
        state: &dyn State,
        meter: &Meter,
    ) -> Result<Option<Value>, Fault> {
        let Some(declared) = declared.as_object() else {
            return Ok(None);
        };
        let evaluator = self.later.evaluator(meter, Some(state));
        let condition = get(declared, "condition").map(|raw| evaluator.value(raw));
        if let Some(Value::Bool(false)) = condition.transpose()? {
            return Ok(None);
        }
        let value = match get(declared, "copy").and_then(Value::as_object) {
            Some(copy) => evaluator.repeat(
                "",
                get(copy, "count"),
                get(copy, "input").unwrap_or(&Value::Null),
                true,
            )?,
            None => evaluator.value(get(declared, "value").unwrap_or(&Value::Null))?,
        };
        let types = Types {
            definitions: self.definitions.as_ref(),
            meter,
        };
        if value.is_null() && types.nullable(declared) {
            return Ok(None);
        }
        types.check(declared, &value).map_err(|violation| match violation {
            // Azure/azure-rest-api-specs#14055.
            Violation::Type { expected, actual } => Fault::Value(format!(
                "Template output JToken type is not valid. Expected '{expected}'. Actual '{actual}'. Please see https://aka.ms/arm-syntax-outputs for usage details."
            )),
            Violation::NotAllowed { value, allowed } => Fault::Value(format!(
                "The value '{value}' is not part of the allowed value(s): '{allowed}'."
            )),
            Violation::Other(words) => Fault::Value(format!("The value is not valid. {words}")),
            Violation::Declaration(words) => Fault::Value(words),
            Violation::Work => Fault::Work,
        })?;
        let kind = get(declared, "type").and_then(Value::as_str);
        let kind = kind.unwrap_or_else(|| crate::value::type_name(&value));
        Ok(Some(if types.secure(declared) {
            json!({ "type": kind })
        } else {
            json!({ "type": kind, "value": value })
        }))
    }
}
