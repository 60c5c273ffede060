//! What needs the state of resources: `reference`, `references`, `list…`; and
//! `resourceInfo`, which does not.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Environment, Evaluator, Site};
use crate::error::Fault;
use crate::functions::{self, Arity, Item};
use crate::state::State;
use crate::symbols::Target;
use crate::syntax::Call;
use crate::value::{key_of, weight};

impl Evaluator<'_> {
    /// The first argument of `reference` and its like: a resource.
    fn target<'e>(
        &'e self,
        call: &'e Call,
        arguments: &[Item<'_>],
    ) -> Result<(Target<'e>, Option<String>), Fault> {
        let text = |index: usize| match arguments.get(index).map(AsRef::as_ref) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Fault::Value(format!(
                "Unable to evaluate template language function '{name}'. All function arguments should be string literals. Please see https://aka.ms/arm-resource-functions/#{anchor} for usage details.",
                name = call.name,
                anchor = call.name.to_ascii_lowercase(),
            ))),
        };
        let name = text(0)?.unwrap_or_default();
        let version = text(1)?;
        let target = self
            .symbols
            .map_or(Target::Unknown, |symbols| symbols.find(&name));
        let target = match target {
            Target::Unknown if name.starts_with('/') => Target::Outside(name),
            Target::Unknown if name.matches('/').count() > 1 && version.is_some() => {
                // A relative id: type and name below this deployment's scope.
                Target::Outside(crate::id::under(&self.names.place().id(), &name))
            }
            Target::Unknown => {
                return Err(Fault::Value(format!(
                    "The template reference '{name}' is not valid: could not find template resource or resource copy with this name. Please see https://aka.ms/arm-function-reference for usage details."
                )));
            }
            Target::Outside(id) if version.is_none() => {
                return Err(Fault::Value(format!(
                    "The resource '{}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.",
                    crate::id::provider_part(&id)
                )));
            }
            known => known,
        };
        Ok((target, version))
    }

    /// Notes what was asked for while there is no state.
    fn ask(&self, call: &Call, arguments: &[Item<'_>]) -> Result<Fault, Fault> {
        self.target(call, arguments)?;
        if let Some(Value::String(name)) = arguments.first().map(AsRef::as_ref) {
            self.asked.borrow_mut().push(name.clone());
        }
        Ok(Fault::Deferred)
    }

    fn late<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
        arity: Arity,
    ) -> Result<Vec<Item<'e>>, Fault> {
        if self.site != Site::Late {
            return Err(self.not_here(&call.name));
        }
        functions::check_arity(&call.name, arity, call.arguments.len())?;
        self.evaluated(&call.arguments, bound)
    }

    /// `reference(resource, [apiVersion], ['Full'])`.
    pub(super) fn reference<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let arguments = self.late(call, bound, Arity::Between(1, 3))?;
        let Some(state) = self.state else {
            return Err(self.ask(call, &arguments)?);
        };
        let full = arguments.get(2).is_some_and(is_full);
        let (target, version) = self.target(call, &arguments)?;
        let (id, declared) = match target {
            Target::One(one) => (one.id.clone(), Some(one.api_version.clone())),
            Target::Outside(id) => (id, None),
            Target::Many(_) | Target::Unknown => return Err(self.not_here(&call.name)),
        };
        self.read(state, &id, &version.or(declared).unwrap_or_default(), full)
            .map(Cow::Owned)
    }

    /// `references(symbol, ['Full'])`, of all of a collection.
    pub(super) fn references<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let arguments = self.late(call, bound, Arity::Between(1, 2))?;
        let Some(state) = self.state else {
            return Err(self.ask(call, arguments.get(..1).unwrap_or_default())?);
        };
        let full = arguments.get(1).is_some_and(is_full);
        let (target, _) = self.target(call, arguments.get(..1).unwrap_or_default())?;
        match target {
            Target::Many(all) => all
                .iter()
                .map(|one| self.read(state, &one.id, &one.api_version, full))
                .collect::<Result<Value, _>>()
                .map(Cow::Owned),
            _ => Err(self.not_here(&call.name)),
        }
    }

    /// `resourceInfo(symbol)`: what is known before anything is deployed.
    pub(super) fn resource_info<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        functions::check_arity(&call.name, Arity::Exactly(1), call.arguments.len())?;
        let arguments = self.evaluated(&call.arguments, bound)?;
        match self.target(call, &arguments)? {
            (Target::One(one), _) => Ok(Cow::Owned(json!({
                "id": one.id,
                "name": one.name,
                "type": one.kind,
                "apiVersion": one.api_version,
            }))),
            _ => Err(self.not_here(&call.name)),
        }
    }

    /// The sentence for what is not there:
    /// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found>.
    fn read(&self, state: &dyn State, id: &str, version: &str, full: bool) -> Result<Value, Fault> {
        let Some(mut found) = state.resource(id, version) else {
            return Err(missing(id));
        };
        self.meter.charge(weight(&found))?;
        if !full {
            return Ok(found
                .as_object_mut()
                .and_then(|body| {
                    key_of(body, "properties")
                        .map(str::to_owned)
                        .and_then(|key| body.remove(&key))
                })
                .unwrap_or_default());
        }
        if let Some(body) = found.as_object_mut() {
            let segment = |name: &str| {
                let mut parts = id.split('/');
                parts.find(|part| part.eq_ignore_ascii_case(name))?;
                parts.next()
            };
            for (key, value) in [
                ("subscriptionId", segment("subscriptions")),
                ("resourceGroupName", segment("resourceGroups")),
                ("resourceId", Some(crate::id::provider_part(id))),
                ("apiVersion", Some(version)),
                ("referenceApiVersion", Some(version)),
            ] {
                if let Some(value) = value {
                    body.entry(key).or_insert_with(|| Value::from(value));
                }
            }
        }
        Ok(found)
    }

    /// `list…(resource, apiVersion, [input])`.
    pub(super) fn list<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let arguments = self.late(call, bound, Arity::Between(2, 3))?;
        let Some(state) = self.state else {
            return Err(self.ask(call, &arguments)?);
        };
        let (target, version) = self.target(call, &arguments)?;
        let id = match target {
            Target::One(one) => one.id.clone(),
            Target::Outside(id) => id,
            Target::Many(_) | Target::Unknown => return Err(self.not_here(&call.name)),
        };
        let input = arguments.get(2).map(AsRef::as_ref);
        let answer = state
            .list(&call.name, &id, &version.unwrap_or_default(), input)
            .ok_or_else(|| missing(&id))?;
        self.meter.charge(weight(&answer))?;
        Ok(Cow::Owned(answer))
    }
}

fn is_full(item: &Item<'_>) -> bool {
    item.as_str()
        .is_some_and(|text| text.eq_ignore_ascii_case("full"))
}

fn missing(id: &str) -> Fault {
    let group = id
        .split('/')
        .skip_while(|part| !part.eq_ignore_ascii_case("resourceGroups"))
        .nth(1)
        .unwrap_or("<null>");
    Fault::State(Box::new(
        crate::ArmError::new(
            "ResourceNotFound",
            format!(
                "The Resource '{}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
                crate::id::provider_part(id)
            ),
        )
        .about(id),
    ))
}
