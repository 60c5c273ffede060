//! Functions that see their arguments before they are evaluated, and those of users.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Environment, Evaluator, MAX_CALLS, Site};
use crate::error::{FUNCTIONS, Fault};
use crate::functions::{self, Arity, Item};
use crate::syntax::Call;
use crate::value::type_name;

impl Evaluator<'_> {
    /// Only the branch that is taken is evaluated.
    pub(super) fn condition<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let [condition, yes, no] = call.arguments.as_slice() else {
            let given = call.arguments.len();
            return Err(functions::wrong_arity(&call.name, Arity::Exactly(3), given));
        };
        match self.expr(condition, bound) {
            Err(Fault::Deferred) => {
                self.look_at(yes, bound)?;
                self.look_at(no, bound)?;
                Err(Fault::Deferred)
            }
            other => match other?.as_ref() {
                Value::Bool(true) => self.expr(yes, bound),
                Value::Bool(false) => self.expr(no, bound),
                other => Err(Fault::Value(format!(
                    "The template language function 'if' expects its first parameter to be of type 'Boolean'. The provided value is of type '{}'. Please see https://aka.ms/arm-functions#if for usage details.",
                    type_name(other)
                ))),
            },
        }
    }

    /// `and` ends with the first false value, `or` with the first true one.
    pub(super) fn all_or_any<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
        any: bool,
    ) -> Result<Item<'e>, Fault> {
        functions::check_arity(&call.name, Arity::AtLeast(2), call.arguments.len())?;
        let mut deferred = false;
        for argument in &call.arguments {
            match self.expr(argument, bound) {
                Err(Fault::Deferred) => deferred = true,
                other => match other?.as_ref() {
                    Value::Bool(value) if *value == any && !deferred => {
                        return Ok(Cow::Owned(Value::Bool(any)));
                    }
                    Value::Bool(_) => {}
                    other => {
                        return Err(Fault::Value(format!(
                            "The template language function '{name}' expects its parameters to be of type 'Boolean'. The provided value is of type '{}'. Please see https://aka.ms/arm-functions#{name} for usage details.",
                            type_name(other),
                            name = call.name,
                        )));
                    }
                },
            }
        }
        if deferred {
            Err(Fault::Deferred)
        } else {
            Ok(Cow::Owned(Value::Bool(!any)))
        }
    }

    /// The first value that is not null.
    pub(super) fn coalesce<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        functions::check_arity(&call.name, Arity::AtLeast(1), call.arguments.len())?;
        let mut deferred = false;
        for argument in &call.arguments {
            match self.expr(argument, bound) {
                Err(Fault::Deferred) => deferred = true,
                other => {
                    let item = other?;
                    if !item.is_null() && !deferred {
                        return Ok(item);
                    }
                }
            }
        }
        if deferred {
            Err(Fault::Deferred)
        } else {
            Ok(Cow::Owned(Value::Null))
        }
    }

    /// `copyIndex([name], [offset])`.
    pub(super) fn copy_index<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        functions::check_arity(&call.name, Arity::Between(0, 2), call.arguments.len())?;
        let (mut name, mut offset) = (None, 0);
        for argument in self.evaluated(&call.arguments, bound)? {
            match argument.as_ref() {
                Value::String(text) if name.is_none() => name = Some(text.to_lowercase()),
                Value::Number(number) => offset = number.as_i64().unwrap_or_default(),
                other => {
                    return Err(Fault::Value(format!(
                        "The template language function 'copyIndex' expects the name of a loop and an integer as its parameters. The provided value is of type '{}'. Please see https://aka.ms/arm-resource-loops for usage details.",
                        type_name(other)
                    )));
                }
            }
        }
        let found = self.iterations.iter().rev().find(|iteration| {
            name.as_ref()
                .map_or(iteration.unnamed, |name| *iteration.name == **name)
        });
        match found {
            Some(iteration) => Ok(Cow::Owned(Value::from(iteration.index.saturating_add(offset)))),
            // The first is reported in public; the one for a name that no loop has is a guess.
            None => Err(Fault::Value(match name {
                None => "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified. Please see https://aka.ms/arm-resource-loops for usage details.".to_owned(),
                Some(name) => format!(
                    "The template function 'copyIndex' has an invalid parameter. The provided copy name '{name}' doesn't exist in the resource. Please see https://aka.ms/arm-resource-loops for usage details."
                ),
            })),
        }
    }

    /// `namespace.name(…)`.
    pub(super) fn user_function<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let namespace = call.namespace.as_deref().unwrap_or_default();
        let full = format!("{namespace}.{}", call.name);
        let Some(function) = self.names.functions.get(&full.to_lowercase()) else {
            return Err(Fault::Value(format!(
                "The template function '{full}' is not valid. {FUNCTIONS}"
            )));
        };
        if self.calls >= MAX_CALLS {
            return Err(Fault::Value(format!(
                "The template function '{full}' is not valid: its calls nest deeper than '{MAX_CALLS}' levels. {FUNCTIONS}"
            )));
        }
        functions::check_arity(
            &full,
            Arity::Exactly(function.parameters.len()),
            call.arguments.len(),
        )?;
        let mut arguments = HashMap::new();
        for (name, item) in function
            .parameters
            .iter()
            .zip(self.evaluated(&call.arguments, bound)?)
        {
            arguments.insert(name.to_lowercase(), self.own(item)?);
        }
        let inner = Evaluator {
            arguments: Some(Arc::new(arguments)),
            calls: self.calls + 1,
            ..Evaluator::new(self.names, self.limits, self.meter, Site::Function)
        };
        inner.value(&function.value).map(Cow::Owned)
    }
}
