//! From a template to resources in their order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::bind::bind;
use crate::context::{Context, Place};
use crate::error::{ArmError, FUNCTIONS, Fault, INVALID_TEMPLATE};
use crate::evaluate::{Evaluator, Iteration, Site};
use crate::id;
use crate::limits::{Limits, Meter};
use crate::names::Names;
use crate::nested::Nested;
use crate::order;
use crate::outputs::Outputs;
use crate::state::State;
use crate::symbols::{Declared, Symbols, Target};
use crate::template::{RawResource, Template, check_name, check_size, children, too_many};
use crate::value::get;

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

/// A declared resource whose names are evaluated.
struct Draft {
    raw: Arc<Map<String, Value>>,
    declared: Declared,
    existing: bool,
    included: bool,
    symbol: Option<String>,
    scope: Option<String>,
    place: Place,
    iterations: Vec<Iteration>,
    copy: Option<Copy>,
    path: String,
}

struct Expansion<'x> {
    names: &'x Arc<Names>,
    context: &'x Context<'x>,
    meter: &'x Meter,
    drafts: Vec<Draft>,
    symbols: Symbols,
    /// Those of the resource around a nested template of outer scope.
    iterations: Vec<Iteration>,
}

impl Expansion<'_> {
    /// Evaluates what says which resources a declaration makes.
    fn declare(
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
fn invalid_resource(name: &str, words: &str) -> ArmError {
    ArmError::template(format!(
        "The template resource '{name}' at line '0' and column '0' is not valid: {words}. {FUNCTIONS}"
    ))
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

/// `dependsOn`: ids of what it names and what is deployed.
fn explicit(draft: &Draft, later: &Later, meter: &Meter) -> Result<Vec<String>, ArmError> {
    let path = format!("{}.dependsOn", draft.path);
    let list = match get(&draft.raw, "dependsOn") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => {
            return Err(ArmError::content(format!(
                "Error converting value {other} to type 'System.String[]'. Path '{path}', line 0, position 0."
            )));
        }
    };
    let mut evaluator = later.evaluator(meter, None);
    evaluator.site = Site::Early;
    let mut waited = Vec::new();
    for (index, item) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::String(text) = item else {
            return Err(ArmError::content(format!(
                "Error converting value {item} to type 'System.String'. Path '{path}', line 0, position 0."
            )));
        };
        let name = evaluator.string(text).map_err(|fault| {
            fault.at(&path, |words| invalid_resource(&draft.declared.name, words))
        })?;
        match later.symbols.find(&name) {
            Target::Outside(id) => return Err(not_defined(&id).at(path)),
            Target::Unknown if name.contains('/') => return Err(not_defined(&name).at(path)),
            Target::Unknown => {
                // MicrosoftDocs/azure-docs#112757.
                return Err(ArmError::template(format!(
                    "The template reference '{name}' is not valid: could not find template resource or resource copy with this name. Please see https://aka.ms/arm-function-reference for usage details."
                ))
                .at(path));
            }
            found => extend(&mut waited, &found, meter)
                .map_err(|fault| fault.at(&path, |words| ArmError::template(words)))?,
        }
    }
    Ok(waited)
}

/// microsoft/vscode-azurearmtools#493.
fn not_defined(id: &str) -> ArmError {
    ArmError::template(format!(
        "The resource '{}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.",
        id::provider_part(id)
    ))
}

/// `existing` ones stay, for what they wait for themselves; those that a condition leaves out
/// go.
fn extend(waited: &mut Vec<String>, target: &Target<'_>, meter: &Meter) -> Result<(), Fault> {
    let all = match target {
        Target::One(one) => std::slice::from_ref(one),
        Target::Many(all) => all.as_slice(),
        Target::Outside(_) | Target::Unknown => return Ok(()),
    };
    for one in all {
        meter.charge(one.id.len())?;
        waited.push(one.id.clone());
    }
    Ok(())
}

/// A loop: where it is declared, its name, the iterations around it.
type Loop<'d> = (&'d str, &'d str, &'d [Iteration]);

/// What a loop made: its place, its batch, its id.
type Member<'d> = (usize, usize, &'d str);

/// In a serial loop each batch waits for the one before.
fn batches(drafts: &[Draft], waits: &mut [Vec<String>], meter: &Meter) -> Result<(), Fault> {
    let mut loops: BTreeMap<Loop<'_>, Vec<Member<'_>>> = BTreeMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if let Some(copy) = &draft.copy
            && let Some(size) = copy.batch_size
            && draft.declared.deployed
        {
            let outer = draft
                .iterations
                .get(..draft.iterations.len().saturating_sub(1))
                .unwrap_or_default();
            loops
                .entry((&draft.path, &copy.name, outer))
                .or_default()
                .push((at, copy.index / size, &draft.declared.id));
        }
    }
    let mut added: Vec<(usize, String)> = Vec::new();
    for members in loops.values() {
        let mut start = 0;
        let mut before: &[Member<'_>] = &[];
        while let Some(&(_, batch, _)) = members.get(start) {
            let rest = members.get(start..).unwrap_or_default();
            let size = rest.iter().take_while(|(_, of, _)| *of == batch).count();
            let current = rest.get(..size).unwrap_or_default();
            for (at, ..) in current {
                for (_, _, id) in before {
                    meter.charge(id.len())?;
                    added.push((*at, (*id).to_owned()));
                }
            }
            before = current;
            start += size;
        }
    }
    added.sort();
    for (at, id) in added {
        if let Some(waited) = waits.get_mut(at) {
            waited.push(id);
        }
    }
    Ok(())
}

/// Replaces `existing` resources by what they wait for, drops what is not deployed, and what
/// is named twice.
fn through_existing(
    drafts: &[Draft],
    waits: &[Vec<String>],
    meter: &Meter,
) -> Result<Vec<Vec<String>>, Fault> {
    let places: HashMap<String, usize> = drafts
        .iter()
        .enumerate()
        .rev()
        .map(|(at, draft)| (id::key(&draft.declared.id), at))
        .collect();
    let mut all = Vec::with_capacity(waits.len());
    for (draft, waited) in drafts.iter().zip(waits) {
        let mut out = Vec::new();
        let mut seen = HashSet::new();
        let mut queue: Vec<&String> = Vec::new();
        if draft.declared.deployed {
            queue.extend(waited.iter().rev());
        }
        while let Some(next) = queue.pop() {
            meter.charge(next.len())?;
            let Some(at) = places.get(&id::key(next)).copied() else {
                continue;
            };
            let Some(draft) = drafts.get(at).filter(|_| seen.insert(at)) else {
                continue;
            };
            if draft.declared.deployed {
                out.push(draft.declared.id.clone());
            } else if draft.existing {
                queue.extend(waits.get(at).into_iter().flatten().rev());
            }
        }
        all.push(out);
    }
    Ok(all)
}

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
fn body(
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
fn check_resource_size(
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

fn check_total(resources: &[Resource], limits: &Limits) -> Result<(), ArmError> {
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
