//! Evaluates expressions and JSON with expressions in it.

mod forms;
mod lambdas;
mod references;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{FUNCTIONS, Fault};
use crate::functions::{self, Arity, Item};
use crate::limits::{Limits, Meter};
use crate::names::Names;
use crate::state::State;
use crate::symbols::Symbols;
use crate::syntax::{Call, Expr, Step, Text, classify, parse};
use crate::value::{get, key_of, type_name, weight};

/// How deep a value may nest, and how deep JSON of a template may. Microsoft's engine takes
/// 200 levels; this one keeps the stack bounded.
pub(crate) const MAX_DEPTH: usize = 256;

/// Functions that [`Evaluator`] has itself, as the documentation writes them; `list…` stands
/// for all that begin so.
const OWN: [&str; 18] = [
    "and",
    "coalesce",
    "copyIndex",
    "filter",
    "groupBy",
    "if",
    "lambda",
    "lambdaVariables",
    "listKeys",
    "map",
    "mapValues",
    "or",
    "parameters",
    "reduce",
    "reference",
    "references",
    "sort",
    "toObject",
];

/// Names of all functions that a template may call, user-defined ones apart.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    let built_in = functions::FUNCTION_TABLE.iter().map(|row| row.name);
    built_in.chain(OWN).chain(["resourceInfo", "variables"])
}

/// How deep user-defined functions may call each other.
const MAX_CALLS: usize = 24;

/// Where an expression stands decides what it may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// The default value of a parameter: `newGuid` and `utcNow` too.
    Default,
    /// A variable, or what decides that and where a resource is: nothing of the run.
    Early,
    /// Properties of a resource and outputs: `reference` and `list…` too.
    Late,
    /// The output of a user-defined function.
    Function,
}

/// An iteration of a copy loop.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Iteration {
    /// Name of the loop, lower case.
    pub(crate) name: Arc<str>,
    pub(crate) index: i64,
    /// Whether `copyIndex()` without a name means it: loops of resources and outputs.
    pub(crate) unnamed: bool,
}

/// A variable of a lambda, bound.
struct Bound<'e> {
    name: &'e str,
    value: &'e Value,
    outer: Option<&'e Bound<'e>>,
}

type Environment<'e> = Option<&'e Bound<'e>>;

/// Evaluates what stands at one place.
pub(crate) struct Evaluator<'s> {
    pub(crate) names: &'s Names,
    pub(crate) symbols: Option<&'s Symbols>,
    pub(crate) site: Site,
    pub(crate) iterations: Vec<Iteration>,
    pub(crate) state: Option<&'s dyn State>,
    pub(crate) limits: &'s Limits,
    pub(crate) meter: &'s Meter,
    /// What `reference` and `list…` named while there was no state.
    pub(crate) asked: RefCell<Vec<String>>,
    /// Whether an expression had to stay as it is.
    pub(crate) deferred: Cell<bool>,
    /// Arguments of the user-defined function that is evaluated.
    arguments: Option<Arc<HashMap<String, Value>>>,
    calls: usize,
}

impl<'s> Evaluator<'s> {
    pub(crate) fn new(names: &'s Names, limits: &'s Limits, meter: &'s Meter, site: Site) -> Self {
        Self {
            names,
            symbols: None,
            site,
            iterations: Vec::new(),
            state: None,
            limits,
            meter,
            asked: RefCell::default(),
            deferred: Cell::new(false),
            arguments: None,
            calls: 0,
        }
    }

    /// JSON with its expressions evaluated and its copy loops expanded. Without a state, what
    /// needs one stays as it is and is noted in `deferred`.
    pub(crate) fn value(&self, raw: &Value) -> Result<Value, Fault> {
        let _level = self.meter.enter()?;
        match raw {
            Value::String(text) => match self.text(text) {
                Err(Fault::Deferred) => {
                    self.deferred.set(true);
                    Ok(raw.clone())
                }
                other => other,
            },
            Value::Array(items) => {
                self.meter.charge(16)?;
                items.iter().map(|item| self.value(item)).collect()
            }
            Value::Object(object) => self.object(object).map(Value::Object),
            scalar => {
                self.meter.charge(16)?;
                Ok(scalar.clone())
            }
        }
    }

    fn object(&self, object: &Map<String, Value>) -> Result<Map<String, Value>, Fault> {
        self.meter.charge(16)?;
        let mut out = Map::new();
        for (key, value) in object {
            if key == "copy"
                && let Some(loops) = property_loops(value)
            {
                for property in loops {
                    self.property_loop(property, &mut out)?;
                }
                continue;
            }
            let key = match classify(key) {
                Text::Literal(text) => text.to_owned(),
                Text::Expression(_) => match self.text(key) {
                    Ok(Value::String(text)) => text,
                    Ok(other) => {
                        return Err(Fault::Value(format!(
                            "The language expression '{key}' of a property name must evaluate to a string. The result is of type '{}'.",
                            type_name(&other)
                        )));
                    }
                    Err(Fault::Deferred) => {
                        self.deferred.set(true);
                        key.clone()
                    }
                    Err(other) => return Err(other),
                },
            };
            out.insert(key, self.value(value)?);
        }
        Ok(out)
    }

    /// `{ "name", "count", "input" }` inside of an object makes an array of that name.
    fn property_loop(
        &self,
        property: &Map<String, Value>,
        out: &mut Map<String, Value>,
    ) -> Result<(), Fault> {
        let name = match get(property, "name") {
            Some(Value::String(name)) => self.string(name)?,
            _ => {
                return Err(Fault::Value(
                    "The property 'name' of a copy definition must be a string.".to_owned(),
                ));
            }
        };
        let input = get(property, "input").unwrap_or(&Value::Null);
        let items = self.repeat(&name, get(property, "count"), input, false)?;
        out.insert(name, items);
        Ok(())
    }

    /// An array of `count` evaluations of `input`.
    pub(crate) fn repeat(
        &self,
        name: &str,
        count: Option<&Value>,
        input: &Value,
        unnamed: bool,
    ) -> Result<Value, Fault> {
        let count = self.count(count)?;
        let lower: Arc<str> = name.to_lowercase().into();
        let mut items = Vec::new();
        let mut inner = self.nested();
        for index in 0..count {
            inner.iterations.truncate(self.iterations.len());
            inner.iterations.push(Iteration {
                name: Arc::clone(&lower),
                index,
                unnamed,
            });
            items.push(inner.value(input)?);
        }
        self.asked
            .borrow_mut()
            .append(&mut inner.asked.borrow_mut());
        if inner.deferred.get() {
            self.deferred.set(true);
        }
        Ok(Value::Array(items))
    }

    /// The count of a copy loop. The sentence is that of a deployment of 2025, quoted in
    /// public templates.
    pub(crate) fn count(&self, raw: Option<&Value>) -> Result<i64, Fault> {
        let raw = raw.unwrap_or(&Value::Null);
        let value = match raw {
            Value::String(text) => self.early().text(text)?,
            other => other.clone(),
        };
        let most = i64::try_from(self.limits.copies).unwrap_or(i64::MAX);
        match value.as_i64() {
            Some(count) if (0..=most).contains(&count) => Ok(count),
            _ => Err(Fault::Value(format!(
                "The template 'copy' definition at line '0' and column '0' has an invalid copy count of: '{}'. The copy count must be a non-negative integer value and cannot exceed '{most}'. Please see https://aka.ms/arm-resource-loops for usage details.",
                crate::value::text(if value.is_number() { &value } else { raw })
            ))),
        }
    }

    /// The same place, but for what may not use anything of the run.
    pub(crate) fn early(&self) -> Self {
        Self {
            site: Site::Early,
            ..self.nested()
        }
    }

    /// The same place, with nothing noted.
    fn nested(&self) -> Self {
        Self {
            iterations: self.iterations.clone(),
            symbols: self.symbols,
            state: self.state,
            arguments: self.arguments.clone(),
            calls: self.calls,
            ..Evaluator::new(self.names, self.limits, self.meter, self.site)
        }
    }

    /// A string of the template: its text, or what its expression gives.
    pub(crate) fn text(&self, text: &str) -> Result<Value, Fault> {
        self.meter.charge(16 + text.len())?;
        match classify(text) {
            Text::Literal(text) => Ok(Value::String(text.to_owned())),
            Text::Expression(source) => {
                let expr = parse(source, self.limits)?;
                let item = self.expr(&expr, None)?;
                self.own(item)
            }
        }
    }

    /// As [`Self::text`], where only a string is right.
    pub(crate) fn string(&self, text: &str) -> Result<String, Fault> {
        match self.text(text)? {
            Value::String(text) => Ok(text),
            other => Err(Fault::Value(format!(
                "Evaluation result of language expression '{text}' is type '{}', expected type is 'String'.",
                type_name(&other)
            ))),
        }
    }

    /// Makes a copy, and pays for it.
    fn own(&self, item: Item<'_>) -> Result<Value, Fault> {
        match item {
            Cow::Owned(value) => Ok(value),
            Cow::Borrowed(value) => {
                self.meter.charge(weight(value))?;
                Ok(value.clone())
            }
        }
    }

    fn expr<'e>(&'e self, expr: &'e Expr, bound: Environment<'e>) -> Result<Item<'e>, Fault> {
        let _level = self.meter.enter()?;
        self.meter.charge(16)?;
        match expr {
            Expr::Text(text) => {
                self.meter.charge(text.len())?;
                Ok(Cow::Owned(Value::from(text.as_str())))
            }
            Expr::Integer(value) => Ok(Cow::Owned(Value::from(*value))),
            Expr::Float(value) => Ok(Cow::Owned(Value::from(*value))),
            Expr::Call(call) => self.call(call, bound),
            Expr::Access(call, steps) => self.access(call, steps, bound),
        }
    }

    fn access<'e>(
        &'e self,
        call: &'e Call,
        steps: &'e [Step],
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        let mut item = match self.call(call, bound) {
            Err(Fault::Deferred) => {
                for step in steps {
                    if let Step::Index(index) = step {
                        self.look_at(index, bound)?;
                    }
                }
                return Err(Fault::Deferred);
            }
            other => other?,
        };
        for step in steps {
            self.meter.charge(16)?;
            item = match step {
                Step::Property(name) => self.property(item, name)?,
                Step::Index(index) => {
                    let index = self.expr(index, bound)?;
                    self.index(item, &index)?
                }
            };
        }
        Ok(item)
    }

    /// Evaluates for the references that are in it; what it gives does not matter.
    fn look_at<'e>(&'e self, expr: &'e Expr, bound: Environment<'e>) -> Result<(), Fault> {
        match self.expr(expr, bound) {
            Err(fault @ Fault::Work) => Err(fault),
            _ => Ok(()),
        }
    }

    /// The sentences are those of reports (F5Networks/f5-azure-arm-templates#238,
    /// MicrosoftDocs/azure-docs#115708, Azure/data-management-zone#286).
    fn property<'e>(&self, item: Item<'e>, name: &str) -> Result<Item<'e>, Fault> {
        let (found, object) = match item {
            Cow::Borrowed(Value::Object(object)) => {
                (get(object, name).map(Cow::Borrowed), Cow::Borrowed(object))
            }
            Cow::Owned(Value::Object(mut object)) => {
                let key = key_of(&object, name).map(str::to_owned);
                let found = key.and_then(|key| object.remove(&key));
                (found.map(Cow::Owned), Cow::Owned(object))
            }
            _ => {
                return Err(Fault::Value(format!(
                    "The language expression property '{name}' can't be evaluated."
                )));
            }
        };
        found.ok_or_else(|| {
            let all: Vec<&str> = object.keys().map(String::as_str).take(100).collect();
            Fault::Value(if all.is_empty() {
                format!("The language expression property '{name}' doesn't exist.")
            } else {
                format!(
                    "The language expression property '{name}' doesn't exist, available properties are '{}'.",
                    all.join(", ")
                )
            })
        })
    }

    fn index<'e>(&self, item: Item<'e>, index: &Value) -> Result<Item<'e>, Fault> {
        match (item.as_ref(), index) {
            (Value::Object(_), Value::String(name)) => self.property(item, name),
            (Value::Array(_), Value::Number(number)) => {
                let place = number.as_i64().and_then(|n| usize::try_from(n).ok());
                let found = match (item, place) {
                    (Cow::Borrowed(items), Some(place)) => items.get(place).map(Cow::Borrowed),
                    (Cow::Owned(Value::Array(items)), Some(place)) => {
                        items.into_iter().nth(place).map(Cow::Owned)
                    }
                    _ => None,
                };
                found.ok_or_else(|| {
                    Fault::Value(format!(
                        "The language expression property array index '{number}' is out of bounds."
                    ))
                })
            }
            (Value::Object(_), other) => Err(Fault::Value(format!(
                "The language expression property '{}' can't be evaluated, property name must be a string.",
                crate::value::text(other)
            ))),
            (_, other) => Err(Fault::Value(format!(
                "The language expression property '{}' can't be evaluated.",
                crate::value::text(other)
            ))),
        }
    }

    fn call<'e>(&'e self, call: &'e Call, bound: Environment<'e>) -> Result<Item<'e>, Fault> {
        self.meter.charge(16)?;
        if call.namespace.is_some() {
            return self.user_function(call, bound);
        }
        let lower = call.name.to_ascii_lowercase();
        match lower.as_str() {
            "parameters" => self.named(call, bound, true),
            "variables" => self.named(call, bound, false),
            "if" => self.condition(call, bound),
            "and" => self.all_or_any(call, bound, false),
            "or" => self.all_or_any(call, bound, true),
            "coalesce" => self.coalesce(call, bound),
            "copyindex" => self.copy_index(call, bound),
            "lambdavariables" => self.lambda_variable(call, bound),
            "filter" | "map" | "mapvalues" | "reduce" | "sort" | "toobject" | "groupby" => {
                self.lambdas(call, &lower, bound)
            }
            "reference" => self.reference(call, bound),
            "references" => self.references(call, bound),
            "resourceinfo" => self.resource_info(call, bound),
            _ => match functions::find(&lower) {
                Some(row) => self.built_in(row, call, bound),
                None if lower.starts_with("list") => self.list(call, bound),
                None => Err(Fault::Value(format!(
                    "The template function '{}' is not valid. {FUNCTIONS}",
                    call.name
                ))),
            },
        }
    }

    fn built_in<'e>(
        &'e self,
        row: &'static functions::Function,
        call: &'e Call,
        bound: Environment<'e>,
    ) -> Result<Item<'e>, Fault> {
        if row.defaults_only && self.site != Site::Default {
            return Err(self.not_here(&call.name));
        }
        functions::check_arity(&call.name, row.arity, call.arguments.len())?;
        let arguments = self.evaluated(&call.arguments, bound)?;
        (row.apply)(
            &functions::Call {
                name: &call.name,
                names: self.names,
                limits: self.limits,
                meter: self.meter,
            },
            arguments,
        )
    }

    /// Azure/bicep#1697, microsoft/vscode-azurearmtools' tests.
    fn not_here(&self, name: &str) -> Fault {
        Fault::Value(format!(
            "The template function '{name}' is not expected at this location. {FUNCTIONS}"
        ))
    }

    /// All of the arguments; one that needs a state does not keep the others from being
    /// looked at.
    fn evaluated<'e>(
        &'e self,
        arguments: &'e [Expr],
        bound: Environment<'e>,
    ) -> Result<Vec<Item<'e>>, Fault> {
        let mut all = Vec::with_capacity(arguments.len());
        let mut deferred = false;
        for argument in arguments {
            match self.expr(argument, bound) {
                Ok(item) => all.push(item),
                Err(Fault::Deferred) => deferred = true,
                Err(other) => return Err(other),
            }
        }
        if deferred {
            Err(Fault::Deferred)
        } else {
            Ok(all)
        }
    }

    fn one_name<'e>(&'e self, call: &'e Call, bound: Environment<'e>) -> Result<String, Fault> {
        functions::check_arity(&call.name, Arity::Exactly(1), call.arguments.len())?;
        match self.evaluated(&call.arguments, bound)?.pop().as_deref() {
            Some(Value::String(name)) => Ok(name.clone()),
            other => Err(Fault::Value(format!(
                "The template language function '{name}' expects its parameter to be a string. The provided value is of type '{}'. Please see https://aka.ms/arm-functions#{name} for usage details.",
                type_name(other.unwrap_or(&Value::Null)),
                name = call.name,
            ))),
        }
    }

    /// `parameters('…')` and `variables('…')`.
    fn named<'e>(
        &'e self,
        call: &'e Call,
        bound: Environment<'e>,
        parameter: bool,
    ) -> Result<Item<'e>, Fault> {
        let name = self.one_name(call, bound)?;
        let lower = name.to_lowercase();
        let (found, waiting, what) = match (&self.arguments, parameter) {
            (Some(arguments), true) => (arguments.get(&lower), None, "parameter"),
            (Some(_), false) => return Err(self.not_here(&call.name)),
            (None, true) => (
                self.names.parameters.get(&lower),
                Some(format!("p:{lower}")),
                "parameter",
            ),
            (None, false) if self.site == Site::Default => {
                return Err(self.not_here(&call.name));
            }
            (None, false) => (
                self.names.variables.get(&lower),
                Some(format!("v:{lower}")),
                "variable",
            ),
        };
        match (found, waiting) {
            (Some(value), _) => Ok(Cow::Borrowed(value)),
            (None, Some(key)) if self.names.waiting.contains(&key) => Err(Fault::Pending(key)),
            _ => Err(Fault::Value(format!(
                "The template {what} '{name}' is not found. Please see https://aka.ms/arm-syntax-{what}s for usage details."
            ))),
        }
    }
}

/// `copy` inside of an object is a list of loops; a property that only has that name is not.
fn property_loops(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let loops: Option<Vec<_>> = value
        .as_array()?
        .iter()
        .map(|item| {
            item.as_object().filter(|object| {
                ["name", "count", "input"]
                    .iter()
                    .all(|key| get(object, key).is_some())
            })
        })
        .collect();
    loops.filter(|loops| !loops.is_empty())
}
