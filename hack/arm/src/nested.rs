//! Nested deployments:
//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/linked-templates>.

use serde_json::{Map, Value};

use crate::context::{Context, Mode, Place};
use crate::error::{ArmError, Fault};
use crate::evaluate::Evaluator;
use crate::expand::{DraftView, Expanded, Later, expand_inner, expand_with, while_deploying};
use crate::limits::Meter;
use crate::state::State;
use crate::template::{Template, check_size};
use crate::value::get;

/// A deployment inside of a template.
#[derive(Debug)]
pub struct Nested {
    /// Id of the deployment.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it goes to.
    pub place: Place,
    /// Incremental or complete.
    pub mode: Mode,
    source: Source,
    /// `properties.parameters`, not evaluated.
    parameters: Value,
    /// Whether its expressions have names of their own.
    inner: bool,
    later: Later,
}

#[derive(Debug)]
enum Source {
    Template(Value),
    /// A URI, or the id of a template spec.
    Link(String),
}

/// Whether a resource of that type is a deployment.
pub(crate) fn is_deployment(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("Microsoft.Resources/deployments")
}

/// `properties` of a deployment: evaluated, but for the template.
pub(crate) fn properties(raw: &Value, evaluator: &Evaluator<'_>) -> Result<Value, Fault> {
    let Some(object) = raw.as_object() else {
        return evaluator.value(raw);
    };
    let mut out = Map::new();
    for (key, value) in object {
        let value = if key.eq_ignore_ascii_case("template") && value.is_object() {
            evaluator.meter.charge(crate::value::weight(value))?;
            value.clone()
        } else {
            evaluator.value(value)?
        };
        out.insert(key.clone(), value);
    }
    Ok(Value::Object(out))
}

impl Nested {
    /// The deployment that a resource is; none, if it is no deployment.
    pub(crate) fn of(
        draft: &DraftView<'_>,
        later: &Later,
        evaluator: &Evaluator<'_>,
    ) -> Result<Option<Self>, ArmError> {
        if !is_deployment(draft.kind) {
            return Ok(None);
        }
        let name = draft.name;
        let wrong = |words: &str| {
            ArmError::template(format!(
                "The template resource '{name}' at line '0' and column '0' is not valid: {words} Please see https://aka.ms/arm-deploy for usage details."
            ))
        };
        let Some(properties) = get(draft.raw, "properties").and_then(Value::as_object) else {
            return Err(wrong("The deployment must have Properties property set."));
        };
        let template = get(properties, "template").filter(|template| !template.is_null());
        let link = get(properties, "templateLink").and_then(Value::as_object);
        let source = match (template, link) {
            (Some(template), None) => Source::Template(template.clone()),
            (None, Some(link)) => {
                let part = |name: &str| get(link, name).and_then(Value::as_str);
                // The words of Microsoft's engine.
                let address = part("uri").or_else(|| part("id")).ok_or_else(|| {
                    wrong("The template link must specify either the TemplateLink Uri or TemplateLink Id.")
                })?;
                Source::Link(
                    evaluator
                        .string(address)
                        .map_err(|fault| fault.at("", wrong))?,
                )
            }
            _ => {
                return Err(wrong(
                    "The deployment must specify either the Template or the TemplateLink property.",
                ));
            }
        };
        let mode = match get(properties, "mode").and_then(Value::as_str) {
            Some(mode) if mode.eq_ignore_ascii_case("Complete") => Mode::Complete,
            _ => Mode::Incremental,
        };
        let inner = get(properties, "expressionEvaluationOptions")
            .and_then(|options| get(options.as_object()?, "scope")?.as_str())
            .is_some_and(|scope| scope.eq_ignore_ascii_case("inner"));
        // What is linked always has names of its own.
        let inner = inner || matches!(source, Source::Link(_));
        if let (Source::Template(template), false) = (&source, inner) {
            // Resources of this template that expressions of the nested one name.
            look_at(template, evaluator).map_err(|fault| fault.at("", wrong))?;
        }
        Ok(Some(Self {
            id: draft.id.to_owned(),
            name: name.to_owned(),
            place: draft.place.clone(),
            mode,
            source,
            parameters: get(properties, "parameters").cloned().unwrap_or_default(),
            inner,
            later: later.clone(),
        }))
    }

    /// Expands the nested template, when the resources that its parameters need are there.
    ///
    /// # Errors
    /// As [`crate::expand`], with the id of the deployment as target.
    pub fn expand(&self, context: &Context<'_>, state: &dyn State) -> Result<Expanded, ArmError> {
        let meter = Meter::new(&context.limits);
        let evaluator = self.later.evaluator(&meter, Some(state));
        let parameters = evaluator
            .value(&self.parameters)
            .map_err(|fault| while_deploying(&self.id, fault))?;
        self.with(&parameters, context, &meter)
    }

    /// The same before anything is deployed; none, where that is too early.
    pub(crate) fn preview(
        &self,
        context: &Context<'_>,
        meter: &Meter,
    ) -> Result<Option<Expanded>, ArmError> {
        if let Source::Link(address) = &self.source
            && context
                .linked
                .is_none_or(|linked| linked(address).is_none())
        {
            // Azure fetches it when it is deployed.
            return Ok(None);
        }
        let evaluator = self.later.evaluator(meter, None);
        let parameters = evaluator
            .value(&self.parameters)
            .map_err(|fault| while_deploying(&self.id, fault))?;
        if evaluator.deferred.get() {
            return Ok(None);
        }
        self.with(&parameters, context, meter).map(Some)
    }

    fn with(
        &self,
        parameters: &Value,
        context: &Context<'_>,
        meter: &Meter,
    ) -> Result<Expanded, ArmError> {
        let context = Context {
            place: self.place.clone(),
            deployment_name: self.name.clone(),
            mode: self.mode,
            ..context.clone()
        };
        let about = |error: ArmError| ArmError {
            target: error.target.or_else(|| Some(self.id.clone())),
            ..error
        };
        context.check().map_err(about)?;
        let linked;
        let template = match &self.source {
            Source::Template(template) => template,
            Source::Link(address) => {
                linked = context
                    .linked
                    .and_then(|linked| linked(address))
                    .ok_or_else(|| {
                        // troubleshooting/common-deployment-errors: InvalidContentLink.
                        about(ArmError::new(
                            "InvalidContentLink",
                            format!("Unable to download deployment content from '{address}'. Please see https://aka.ms/arm-deploy for usage details."),
                        ))
                    })?;
                &linked
            }
        };
        check_size(template, &context.limits).map_err(about)?;
        let path = "properties.template";
        if self.inner {
            return expand_inner(template, parameters, &context, path, meter).map_err(about);
        }
        let template = Template::read(template, path, &context, meter).map_err(about)?;
        expand_with(
            &template,
            &self.later.names,
            self.later.iterations.clone(),
            &context,
            meter,
        )
        .map_err(about)
    }
}

/// Evaluates all texts for the resources that they name; what cannot be evaluated here may
/// still be inside.
fn look_at(value: &Value, evaluator: &Evaluator<'_>) -> Result<(), Fault> {
    match value {
        Value::String(text) => match evaluator.text(text) {
            Err(fault @ Fault::Work) => Err(fault),
            _ => Ok(()),
        },
        Value::Array(items) => items.iter().try_for_each(|item| look_at(item, evaluator)),
        Value::Object(object) => object
            .values()
            .try_for_each(|item| look_at(item, evaluator)),
        _ => Ok(()),
    }
}
