//! Which resources the declarations of a template make: conditions, loops, children, names.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Copy;
use crate::context::{Context, Place};
use crate::error::{ArmError, FUNCTIONS};
use crate::evaluate::{Evaluator, Iteration, Site};
use crate::id;
use crate::limits::Meter;
use crate::names::Names;
use crate::symbols::{Declared, Symbols};
use crate::template::{RawResource, check_name, children};
use crate::value::get;

/// A declared resource whose names are evaluated.
pub(super) struct Draft {
    pub(super) raw: Arc<Map<String, Value>>,
    pub(super) declared: Declared,
    pub(super) existing: bool,
    pub(super) included: bool,
    pub(super) symbol: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) place: Place,
    pub(super) iterations: Vec<Iteration>,
    pub(super) copy: Option<Copy>,
    pub(super) path: String,
}

pub(super) struct Expansion<'x> {
    pub(super) names: &'x Arc<Names>,
    pub(super) context: &'x Context<'x>,
    pub(super) meter: &'x Meter,
    pub(super) drafts: Vec<Draft>,
    pub(super) symbols: Symbols,
    /// Those of the resource around a nested template of outer scope.
    pub(super) iterations: Vec<Iteration>,
}

impl Expansion<'_> {
    /// Evaluates what says which resources a declaration makes.
    pub(super) fn declare(
        &mut self,
        raw: &RawResource<'_>,
        parent: Option<(&str, &str)>,
    ) -> Result<(), ArmError> {
        if let Some(extension) = ["import", "extension"]
            .iter()
            .find_map(|member| get(raw.body, member))
        {
            return Err(ArmError::template(format!(
                "The resource at '{}' is of the extension '{}', which this expansion does not have.",
                raw.path,
                crate::value::text(extension)
            ))
            .at(&raw.path));
        }
        let body = Arc::new(raw.body.clone());
        self.meter
            .charge(
                body.iter()
                    .map(|(_, value)| crate::value::weight(value))
                    .sum(),
            )
            .map_err(|fault| fault.at(&raw.path, |words| ArmError::template(words)))?;
        let Some(copy) = get(raw.body, "copy").filter(|copy| copy.is_object()) else {
            let iterations = self.iterations.clone();
            return self.declare_one(&body, raw, parent, iterations, None);
        };
        let evaluator = self.evaluator(self.iterations.clone());
        let named = |words: &str| ArmError::template(words);
        let name = copy.get("name").and_then(Value::as_str).unwrap_or_default();
        // With symbolic names a loop has that of its resource.
        let name = if name.is_empty() {
            raw.symbol.unwrap_or_default().to_owned()
        } else {
            evaluator
                .string(name)
                .map_err(|fault| fault.at(&raw.path, named))?
        };
        let count = evaluator
            .count(copy.get("count"))
            .map_err(|fault| fault.at(&format!("{}.copy", raw.path), named))?;
        let serial = copy
            .get("mode")
            .and_then(Value::as_str)
            .is_some_and(|mode| mode.eq_ignore_ascii_case("serial"));
        let batch_size = match copy.get("batchSize") {
            Some(Value::String(text)) => evaluator
                .text(text)
                .map_err(|fault| fault.at(&raw.path, named))?
                .as_u64(),
            other => other.and_then(Value::as_u64),
        };
        let batch_size = serial.then(|| {
            usize::try_from(batch_size.unwrap_or(1))
                .unwrap_or(usize::MAX)
                .max(1)
        });
        if count == 0 {
            self.symbols.add_empty(
                raw.symbol
                    .map(str::to_owned)
                    .into_iter()
                    .chain([name.clone()]),
            );
        }
        let lower: Arc<str> = name.to_lowercase().into();
        for index in 0..count {
            let mut iterations = self.iterations.clone();
            iterations.push(Iteration {
                name: Arc::clone(&lower),
                index,
                unnamed: true,
            });
            let copy = Copy {
                name: name.clone(),
                index: usize::try_from(index).unwrap_or_default(),
                batch_size,
            };
            self.declare_one(&body, raw, parent, iterations, Some(copy))?;
        }
        Ok(())
    }

    fn evaluator(&self, iterations: Vec<Iteration>) -> Evaluator<'_> {
        let mut evaluator =
            Evaluator::new(self.names, &self.context.limits, self.meter, Site::Early);
        evaluator.iterations = iterations;
        evaluator
    }

    fn declare_one(
        &mut self,
        body: &Arc<Map<String, Value>>,
        raw: &RawResource<'_>,
        parent: Option<(&str, &str)>,
        iterations: Vec<Iteration>,
        copy: Option<Copy>,
    ) -> Result<(), ArmError> {
        // Path and symbol are kept for each iteration.
        let kept = raw.path.len() + raw.symbol.map_or(0, str::len);
        self.meter
            .charge(4 * kept)
            .map_err(|fault| fault.at("", |words| ArmError::template(words)))?;
        let evaluator = self.evaluator(iterations.clone());
        let literal = get(body, "name")
            .map(crate::value::text)
            .unwrap_or_default();
        let invalid = |words: &str| invalid_resource(&literal, words);
        let text = |name: &str| match get(body, name) {
            Some(Value::String(text)) => evaluator
                .string(text)
                .map(Some)
                .map_err(|fault| fault.at(&raw.path, invalid)),
            None | Some(Value::Null) => Ok(None),
            Some(other) => Err(ArmError::content(format!(
                "Error converting value {other} to type 'System.String'. Path '{}.{name}', line 0, position 0.",
                raw.path
            ))),
        };
        let mut kind = text("type")?.unwrap_or_default();
        let mut name = text("name")?.unwrap_or_default();
        if let Some((parent_kind, parent_name)) = parent {
            kind = format!("{parent_kind}/{kind}");
            name = format!("{parent_name}/{name}");
        }
        let api_version = text("apiVersion")?.unwrap_or_default();
        let existing = get(body, "existing").and_then(Value::as_bool) == Some(true);
        let included = match get(body, "condition") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(value)) => *value,
            Some(Value::String(text)) => {
                match evaluator
                    .text(text)
                    .map_err(|fault| fault.at(&raw.path, invalid))?
                {
                    Value::Bool(value) => value,
                    Value::String(word) if word.eq_ignore_ascii_case("true") => true,
                    Value::String(word) if word.eq_ignore_ascii_case("false") => false,
                    other => {
                        return Err(invalid(&format!(
                            "Evaluation result of language expression '{text}' is type '{}', expected type is 'Boolean'.",
                            crate::value::type_name(&other)
                        ))
                        .at(&raw.path));
                    }
                }
            }
            Some(other) => {
                return Err(ArmError::content(format!(
                    "Error converting value {other} to type 'System.Boolean'. Path '{}.condition', line 0, position 0.",
                    raw.path
                )));
            }
        };
        // Azure's verified modules refer to what is not there under a false condition, by a
        // name that lacks a segment.
        if included || !existing {
            check_name(&kind, &name, &raw.path, &self.context.limits)?;
        }
        let scope = text("scope")?;
        let own = self.context.place.clone();
        let place = match (text("subscriptionId")?, text("resourceGroup")?) {
            (None, None) => own,
            (subscription, group) => {
                let subscription_id = subscription
                    .or_else(|| own.subscription().map(str::to_owned))
                    .unwrap_or_default();
                match group {
                    Some(name) => Place::ResourceGroup {
                        subscription_id,
                        name,
                    },
                    None => Place::Subscription { subscription_id },
                }
            }
        };
        let scope = scope.map(|scope| absolute(&scope, &place));
        let base = scope.clone().unwrap_or_else(|| place.id());
        let id = id::under(&base, &id::interleave(&kind, name.split('/')));
        let declared = Declared {
            id,
            kind: kind.clone(),
            name: name.clone(),
            api_version,
            deployed: included && !existing,
        };
        self.symbols.add(
            declared.clone(),
            raw.symbol,
            copy.as_ref().map(|copy| {
                (
                    copy.name.as_str(),
                    i64::try_from(copy.index).unwrap_or_default(),
                )
            }),
        );
        let within = scope.as_deref().and_then(place_of).unwrap_or(place);
        self.drafts.push(Draft {
            raw: Arc::clone(body),
            declared,
            existing,
            included,
            symbol: raw.symbol.map(str::to_owned),
            scope,
            place: within,
            iterations: iterations.clone(),
            copy,
            path: raw.path.clone(),
        });
        let outer = std::mem::replace(&mut self.iterations, iterations);
        let result = children(raw.body)
            .enumerate()
            .try_for_each(|(index, child)| {
                let Some(child) = child.as_object() else {
                    return Ok(());
                };
                self.declare(
                    &RawResource {
                        body: child,
                        symbol: None,
                        path: format!("{}.resources[{index}]", raw.path),
                    },
                    Some((&kind, &name)),
                )
            });
        self.iterations = outer;
        result
    }
}

/// `scope` may be an id, type and name of a resource of the group, or `/` for the tenant.
fn absolute(scope: &str, place: &Place) -> String {
    if scope == "/" {
        String::new()
    } else if scope.starts_with('/') {
        scope.trim_end_matches('/').to_owned()
    } else {
        let top = scope
            .to_ascii_lowercase()
            .starts_with("microsoft.management/managementgroups/");
        let base = if top { String::new() } else { place.id() };
        format!("{base}/providers/{}", relative(scope))
    }
}

/// A relative scope has pairs of type and name already.
fn relative(scope: &str) -> &str {
    scope.trim_matches('/')
}

/// What a scope means for a nested deployment.
fn place_of(scope: &str) -> Option<Place> {
    let parts: Vec<&str> = scope.split('/').collect();
    let is = |at: usize, word: &str| {
        parts
            .get(at)
            .is_some_and(|part| part.eq_ignore_ascii_case(word))
    };
    let part = |at: usize| parts.get(at).map(|part| (*part).to_owned());
    match parts.len() {
        1 => Some(Place::Tenant),
        3 if is(1, "subscriptions") => Some(Place::Subscription {
            subscription_id: part(2)?,
        }),
        5 if is(1, "subscriptions") && is(3, "resourceGroups") => Some(Place::ResourceGroup {
            subscription_id: part(2)?,
            name: part(4)?,
        }),
        5 if is(1, "providers") && is(3, "managementGroups") => {
            Some(Place::ManagementGroup { name: part(4)? })
        }
        _ => None,
    }
}

/// Azure/Azure-Landing-Zones#1391.
pub(super) fn invalid_resource(name: &str, words: &str) -> ArmError {
    ArmError::template(format!(
        "The template resource '{name}' at line '0' and column '0' is not valid: {words}. {FUNCTIONS}"
    ))
}
