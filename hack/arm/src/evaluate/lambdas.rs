//! Functions that take functions:
//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-lambda>.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Bound, Environment, Evaluator, MAX_DEPTH};
use crate::error::{FUNCTIONS, Fault};
use crate::functions::{self, Arity, Item};
use crate::syntax::{Call, Expr};
use crate::value::{deeper_than, type_name, weight};

impl Evaluator<'_> {
    pub(super) fn lambda_variable<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let name = self.one_name(call, bound)?;
        let mut next = bound;
        while let Some(variable) = next {
            self.meter.charge(1)?;
            if crate::value::same(variable.name, &name) {
                return Ok(Cow::Borrowed(variable.value));
            }
            next = variable.outer;
        }
        Err(Fault::Value(format!(
            "The template lambda variable '{name}' is not found. {FUNCTIONS}"
        )))
    }

    /// Names and body of `lambda('a', 'b', body)`.
    fn lambda<'e>(
        &self,
        of: &str,
        argument: Option<&'e Expr>,
    ) -> Result<(Vec<&'e str>, &'e Expr), Fault> {
        let wrong = || {
            Fault::Value(format!(
                "The template language function '{of}' expects a lambda function as its parameter. Please see https://aka.ms/arm-functions#{of} for usage details."
            ))
        };
        match argument {
            Some(Expr::Call(call))
                if call.namespace.is_none() && call.name.eq_ignore_ascii_case("lambda") =>
            {
                let (body, names) = call.arguments.split_last().ok_or_else(wrong)?;
                let names = names
                    .iter()
                    .map(|name| match name {
                        Expr::Text(name) => Ok(name.as_str()),
                        _ => Err(wrong()),
                    })
                    .collect::<Result<_, _>>()?;
                Ok((names, body))
            }
            _ => Err(wrong()),
        }
    }

    /// The body with its variables bound; it may have fewer than there are values.
    fn apply<'e>(
        &'e self,
        (names, body): &(Vec<&'e str>, &'e Expr),
        values: &[&Value],
        outer: Environment<'_>,
    ) -> Result<Value, Fault> {
        match (names.split_first(), values.split_first()) {
            (Some((name, names)), Some((value, values))) => self.apply(
                &(names.to_vec(), body),
                values,
                Some(&Bound { name, value, outer }),
            ),
            _ => {
                let item = self.expr(body, outer)?;
                self.own(item)
            }
        }
    }

    pub(super) fn lambdas<'e>(
        &'e self,
        call: &'e Call,
        name: &str,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let arity = match name {
            "reduce" => Arity::Exactly(3),
            "toobject" | "groupby" => Arity::Between(2, 3),
            _ => Arity::Exactly(2),
        };
        let given = call.arguments.len();
        functions::check_arity(&call.name, arity, given)?;
        let Some((input, rest)) = call.arguments.split_first() else {
            return Err(functions::wrong_arity(&call.name, arity, given));
        };
        let input = self.expr(input, bound)?;
        let wrong = |value: &Value, what: &str| {
            Fault::Value(format!(
                "The template language function '{name}' expects its first parameter to be an {what}. The provided value is of type '{}'. Please see https://aka.ms/arm-functions#{name} for usage details.",
                type_name(value),
                name = call.name
            ))
        };
        if name == "mapvalues" {
            let Value::Object(object) = input.as_ref() else {
                return Err(wrong(&input, "object"));
            };
            let lambda = self.lambda(&call.name, rest.first())?;
            let mut out = Map::new();
            for (key, value) in object {
                out.insert(key.clone(), self.apply(&lambda, &[value], bound)?);
            }
            return Ok(Cow::Owned(Value::Object(out)));
        }
        let Value::Array(items) = input.as_ref() else {
            return Err(wrong(&input, "array"));
        };
        let value = match name {
            "map" | "filter" => self.map_or_filter(call, items, rest, bound, name == "filter"),
            "reduce" => self.reduce(call, items, rest, bound),
            "sort" => self.sort(call, items, rest, bound),
            _ => self.to_object(call, items, rest, bound, name == "groupby"),
        }?;
        Ok(Cow::Owned(value))
    }

    fn map_or_filter<'e>(
        &'e self,
        call: &'e Call,
        items: &[Value],
        rest: &'e [Expr],
        bound: Environment<'_>,
        filter: bool,
    ) -> Result<Value, Fault> {
        let lambda = self.lambda(&call.name, rest.first())?;
        let mut out = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let result = self.apply(&lambda, &[item, &Value::from(index)], bound)?;
            if !filter {
                out.push(result);
            } else if self.truth(&call.name, &result)? {
                self.meter.charge(weight(item))?;
                out.push(item.clone());
            }
        }
        Ok(Value::Array(out))
    }

    fn truth(&self, name: &str, value: &Value) -> Result<bool, Fault> {
        value.as_bool().ok_or_else(|| {
            Fault::Value(format!(
                "The template language function '{name}' expects its lambda function to return a value of type 'Boolean'. The returned value is of type '{}'. Please see https://aka.ms/arm-functions#{name} for usage details.",
                type_name(value)
            ))
        })
    }

    fn reduce<'e>(
        &'e self,
        call: &'e Call,
        items: &[Value],
        rest: &'e [Expr],
        bound: Environment<'_>,
    ) -> Result<Value, Fault> {
        let [start, lambda] = rest else {
            let given = call.arguments.len();
            return Err(functions::wrong_arity(&call.name, Arity::Exactly(3), given));
        };
        let start = self.expr(start, bound)?;
        let mut current = self.own(start)?;
        let lambda = self.lambda(&call.name, Some(lambda))?;
        for (index, item) in items.iter().enumerate() {
            current = self.apply(&lambda, &[&current, item, &Value::from(index)], bound)?;
            self.shallow(&current)?;
        }
        Ok(current)
    }

    /// Refuses values that nest deeper than the stack is made for.
    pub(crate) fn shallow(&self, value: &Value) -> Result<(), Fault> {
        if deeper_than(value, MAX_DEPTH) {
            return Err(Fault::Value(format!(
                "The result of the template language expression nests deeper than '{MAX_DEPTH}' levels."
            )));
        }
        self.meter.charge(weight(value))
    }

    /// A merge sort, so that a predicate that contradicts itself still ends; equal elements
    /// keep their order.
    fn sort<'e>(
        &'e self,
        call: &'e Call,
        items: &[Value],
        rest: &'e [Expr],
        bound: Environment<'_>,
    ) -> Result<Value, Fault> {
        let lambda = self.lambda(&call.name, rest.first())?;
        let mut runs: Vec<Vec<Value>> = items.iter().map(|item| vec![item.clone()]).collect();
        while runs.len() > 1 {
            let mut next = Vec::with_capacity(runs.len().div_ceil(2));
            let mut pairs = runs.into_iter();
            while let Some(left) = pairs.next() {
                let right = pairs.next().unwrap_or_default();
                let mut merged = Vec::with_capacity(left.len() + right.len());
                let (mut left, mut right) =
                    (left.into_iter().peekable(), right.into_iter().peekable());
                while let (Some(first), Some(second)) = (left.peek(), right.peek()) {
                    let swapped = self.apply(&lambda, &[second, first], bound)?;
                    let side = if self.truth(&call.name, &swapped)? {
                        &mut right
                    } else {
                        &mut left
                    };
                    merged.extend(side.next());
                }
                merged.extend(left);
                merged.extend(right);
                next.push(merged);
            }
            runs = next;
        }
        Ok(Value::Array(runs.pop().unwrap_or_default()))
    }

    fn to_object<'e>(
        &'e self,
        call: &'e Call,
        items: &[Value],
        rest: &'e [Expr],
        bound: Environment<'_>,
        group: bool,
    ) -> Result<Value, Fault> {
        let key_of = self.lambda(&call.name, rest.first())?;
        let value_of = match rest.get(1) {
            Some(lambda) => Some(self.lambda(&call.name, Some(lambda))?),
            None => None,
        };
        let mut out = Map::new();
        for item in items {
            let key = match self.apply(&key_of, &[item], bound)? {
                Value::String(key) => key,
                other => {
                    return Err(Fault::Value(format!(
                        "The template language function '{name}' expects its lambda function to return a value of type 'String'. The returned value is of type '{}'. Please see https://aka.ms/arm-functions#{name} for usage details.",
                        type_name(&other),
                        name = call.name,
                    )));
                }
            };
            let value = match &value_of {
                Some(lambda) => self.apply(lambda, &[item], bound)?,
                None => {
                    self.meter.charge(weight(item))?;
                    item.clone()
                }
            };
            if !group {
                out.insert(key, value);
            } else if let Value::Array(all) = out.entry(key).or_insert_with(|| json!([])) {
                all.push(value);
            }
        }
        Ok(Value::Object(out))
    }
}
