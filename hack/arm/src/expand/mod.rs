//! From a template to resources in their order.

mod body;
mod declare;
mod depend;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::bind::bind;
use crate::context::{Context, Place};
use crate::error::{ArmError, Fault, INVALID_TEMPLATE};
use crate::evaluate::{Evaluator, Iteration, Site};
use crate::limits::{Limits, Meter};
use crate::names::Names;
use crate::nested::Nested;
use crate::order;
use crate::outputs::Outputs;
use crate::state::State;
use crate::symbols::Symbols;
use crate::template::{Template, check_size, too_many};
use body::{body, check_resource_size, check_total};
use declare::{Draft, Expansion, invalid_resource};
use depend::{batches, explicit, extend, through_existing};

/// A template, expanded.
#[derive(Debug)]
pub struct Expanded {
    /// What is deployed, in the order of the template. What a false condition leaves out, and
    /// what is only referred to as `existing`, is not here.
    pub resources: Vec<Resource>,
    /// The outputs, to be evaluated when all resources are there.
    pub outputs: Outputs,
    /// Nested deployments that could be expanded at once, by the id of their resource. One
    /// whose parameters need the state of a resource is not here; see [`Nested::expand`].
    pub deployments: Vec<(String, Expanded)>,
}

/// A resource to deploy.
#[derive(Debug)]
pub struct Resource {
    /// Full resource id.
    pub id: String,
    /// Fully qualified type: `Microsoft.ApiManagement/service/apis`.
    pub kind: String,
    /// Full name, one segment for each of the type: `service/api`.
    pub name: String,
    /// As the template says.
    pub api_version: String,
    /// `location`, where the resource has one.
    pub location: Option<String>,
    /// What is sent: `properties`, `tags`, `sku` and so on, with `location`, without what is
    /// the template language's. Where [`Self::is_deferred`], expressions that need the state
    /// of another resource still stand in it; [`Self::resolve`] evaluates them.
    pub body: Value,
    /// Ids of resources of this template that must be there before: `dependsOn`, resources
    /// that `reference` and `list…` name without an id, and the batch before in a serial
    /// loop.
    pub depends_on: Vec<String>,
    /// Id of what an extension resource extends.
    pub scope: Option<String>,
    /// Symbolic name, with `languageVersion` 2.0.
    pub symbol: Option<String>,
    /// The copy loop that made it.
    pub copy: Option<Copy>,
    /// The template of a nested deployment.
    pub nested: Option<Nested>,
    deferred: Option<Deferred>,
}

/// The iteration of a copy loop that made a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Name of the loop.
    pub name: String,
    /// From 0.
    pub index: usize,
    /// How many run at once, for `mode` `serial`.
    pub batch_size: Option<usize>,
}

/// What is needed to evaluate something later.
#[derive(Debug, Clone)]
pub(crate) struct Later {
    pub(crate) names: Arc<Names>,
    pub(crate) symbols: Arc<Symbols>,
    pub(crate) limits: Limits,
    pub(crate) iterations: Vec<Iteration>,
}

impl Later {
    pub(crate) fn evaluator<'s>(
        &'s self,
        meter: &'s Meter,
        state: Option<&'s dyn State>,
    ) -> Evaluator<'s> {
        let mut evaluator = Evaluator::new(&self.names, &self.limits, meter, Site::Late);
        evaluator.symbols = Some(&self.symbols);
        evaluator.state = state;
        evaluator.iterations.clone_from(&self.iterations);
        evaluator
    }
}

#[derive(Debug, Clone)]
struct Deferred {
    raw: Arc<Map<String, Value>>,
    later: Later,
}

impl Resource {
    /// Whether the body has expressions that need the state of another resource.
    pub fn is_deferred(&self) -> bool {
        self.deferred.is_some()
    }

    /// The body with all expressions evaluated.
    ///
    /// # Errors
    /// `InvalidTemplate` with the resource's id, where an expression cannot be evaluated;
    /// `ResourceNotFound`, where it needs a resource that the state does not have.
    pub fn resolve(&self, state: &dyn State) -> Result<Value, ArmError> {
        let Some(deferred) = &self.deferred else {
            return Ok(self.body.clone());
        };
        let meter = Meter::new(&deferred.later.limits);
        let evaluator = deferred.later.evaluator(&meter, Some(state));
        let (body, _) = body(&deferred.raw, &self.kind, &evaluator)
            .map_err(|fault| while_deploying(&self.id, fault))?;
        check_resource_size(&self.id, &self.kind, &body, &deferred.later.limits)?;
        Ok(body)
    }
}

/// The sentence of F5Networks/f5-azure-arm-templates#238.
pub(crate) fn while_deploying(id: &str, fault: Fault) -> ArmError {
    fault
        .at("", |words| {
            ArmError::new(
                INVALID_TEMPLATE,
                format!(
                    "Unable to process template language expressions for resource '{id}' at line '0' and column '0'. '{words}'"
                ),
            )
        })
        .about(id)
}

/// Expands a template for a deployment.
///
/// `parameters` is a parameters file, or what is in its member `parameters`.
///
/// # Errors
/// What Azure refuses before it deploys anything, in its words.
pub fn expand(
    template: &Value,
    parameters: &Value,
    context: &Context<'_>,
) -> Result<Expanded, ArmError> {
    context.check()?;
    check_size(template, &context.limits)?;
    let meter = Meter::new(&context.limits);
    expand_inner(template, parameters, context, "properties.template", &meter)
}

/// As [`expand`], of a template that has names of its own.
pub(crate) fn expand_inner(
    template: &Value,
    parameters: &Value,
    context: &Context<'_>,
    path: &str,
    meter: &Meter,
) -> Result<Expanded, ArmError> {
    let template = Template::read(template, path, context, meter)?;
    let names = bind(&template, parameters, context, meter)?;
    expand_with(&template, &Arc::new(names), Vec::new(), context, meter)
}

/// The resources of a template, with names that may be those of another one around it.
pub(crate) fn expand_with(
    template: &Template<'_>,
    names: &Arc<Names>,
    iterations: Vec<Iteration>,
    context: &Context<'_>,
    meter: &Meter,
) -> Result<Expanded, ArmError> {
    let mut expansion = Expansion {
        names,
        context,
        meter,
        drafts: Vec::new(),
        symbols: Symbols::default(),
        iterations,
    };
    for raw in template.resources()? {
        expansion.declare(&raw, None)?;
    }
    let deployed = expansion
        .drafts
        .iter()
        .filter(|draft| !draft.existing)
        .count();
    if deployed > context.limits.resources {
        return Err(too_many("resources", context.limits.resources, deployed).at(&template.path));
    }
    let Expansion {
        drafts,
        symbols,
        iterations,
        ..
    } = expansion;
    let later = Later {
        names: Arc::clone(names),
        symbols: Arc::new(symbols),
        limits: context.limits.clone(),
        iterations,
    };
    let mut resources = finish(drafts, &later, meter)?;
    order::check(&resources, &template.path)?;
    check_total(&resources, &context.limits)?;
    let mut deployments = Vec::new();
    for resource in &mut resources {
        if let Some(nested) = &resource.nested
            && let Some(expanded) = nested.preview(context, meter)?
        {
            deployments.push((resource.id.clone(), expanded));
        }
    }
    Ok(Expanded {
        resources,
        outputs: Outputs::new(template, later),
        deployments,
    })
}

/// Bodies and dependencies of what is deployed.
fn finish(drafts: Vec<Draft>, later: &Later, meter: &Meter) -> Result<Vec<Resource>, ArmError> {
    let mut waits: Vec<Vec<String>> = Vec::with_capacity(drafts.len());
    let mut bodies = Vec::with_capacity(drafts.len());
    for draft in &drafts {
        if !draft.included {
            waits.push(Vec::new());
            bodies.push(None);
            continue;
        }
        let later = Later {
            iterations: draft.iterations.clone(),
            ..later.clone()
        };
        let mut waited = explicit(draft, &later, meter)?;
        if draft.existing {
            waits.push(waited);
            bodies.push(None);
            continue;
        }
        let name = &draft.declared.name;
        let fail = |fault: Fault| fault.at(&draft.path, |words| invalid_resource(name, words));
        let evaluator = later.evaluator(meter, None);
        let (body, location) = body(&draft.raw, &draft.declared.kind, &evaluator).map_err(fail)?;
        let nested = Nested::of(&draft_view(draft), &later, &evaluator)
            .map_err(|error| error.at(&draft.path))?;
        for asked in evaluator.asked.borrow().iter() {
            // "To enforce an implicit dependency, refer to the resource by name and not
            // resource ID": define-resource-dependency.
            if !asked.starts_with('/') {
                extend(&mut waited, &later.symbols.find(asked), meter).map_err(fail)?;
            }
        }
        let deferred = evaluator.deferred.get().then(|| Deferred {
            raw: Arc::clone(&draft.raw),
            later: later.clone(),
        });
        drop(evaluator);
        check_resource_size(
            &draft.declared.id,
            &draft.declared.kind,
            &body,
            &later.limits,
        )?;
        waits.push(waited);
        bodies.push(Some((body, location, nested, deferred)));
    }
    let waits = batches(&drafts, &mut waits, meter)
        .and_then(|()| through_existing(&drafts, &waits, meter))
        .map_err(|fault| fault.at("", |words| ArmError::template(words)))?;
    let mut resources = Vec::new();
    for ((draft, body), depends_on) in drafts.into_iter().zip(bodies).zip(waits) {
        let Some((body, location, nested, deferred)) = body else {
            continue;
        };
        resources.push(Resource {
            id: draft.declared.id,
            kind: draft.declared.kind,
            name: draft.declared.name,
            api_version: draft.declared.api_version,
            location,
            body,
            depends_on,
            scope: draft.scope,
            symbol: draft.symbol,
            copy: draft.copy,
            nested,
            deferred,
        });
    }
    Ok(resources)
}

/// What [`Nested`] needs of a draft.
pub(crate) struct DraftView<'d> {
    pub(crate) raw: &'d Map<String, Value>,
    pub(crate) kind: &'d str,
    pub(crate) name: &'d str,
    pub(crate) id: &'d str,
    pub(crate) place: &'d Place,
}

fn draft_view(draft: &Draft) -> DraftView<'_> {
    DraftView {
        raw: &draft.raw,
        kind: &draft.declared.kind,
        name: &draft.declared.name,
        id: &draft.declared.id,
        place: &draft.place,
    }
}
