//! Bicep: one module for each API with its revisions, shared resources in `main.bicep`,
//! policies and definitions in `content/`. What the compiler does not take is an ARM
//! template that is called like any other module.

mod content;
mod declare;
mod files;
mod json;
mod labels;
mod limits;
mod literal;
mod measure;
mod parameters;
mod plan;
mod scope;

use super::{File, Options, Printer, Rendered, optional, writing};
use crate::rules::bicep_too_large;
use content::Load;
use flux_apim_diag::{Budget, Findings, Place};
use flux_apim_link::{Linked, Node};
use flux_apim_model::Role;
use labels::Labels;
use limits::{MAX_RESOURCE, MAX_RESOURCES, MAX_TEMPLATE, MAX_TEXT, Weight, exceeds};
use measure::Measure;
use plan::{Entity, Plan};
use std::collections::BTreeSet;

/// The row of this target.
pub(super) static PRINTER: Printer = Printer {
    name: "bicep",
    is_default: true,
    print: render,
};

/// What is rendered, and how Bicep takes it.
struct Project<'g> {
    graph: &'g Linked,
    loads: Vec<Load>,
    measures: Vec<Measure>,
    labels: Labels,
    optional: BTreeSet<&'g str>,
}

impl<'g> Project<'g> {
    fn new(graph: &'g Linked, budget: &Budget) -> Self {
        let project = Self::with(graph, true, budget);
        if project.compiled() <= MAX_TEMPLATE {
            return project;
        }
        // JSON that is read is indented in the compiled template. As text of an ARM
        // template it takes half of that.
        Self::with(graph, false, budget)
    }

    fn with(graph: &'g Linked, json: bool, budget: &Budget) -> Self {
        let loads = content::loads(graph, json, budget);
        Self {
            measures: measure::all(graph, &loads, budget),
            labels: Labels::new(graph),
            optional: optional::optional(graph),
            graph,
            loads,
        }
    }

    /// Bytes of the compiled template, at most.
    fn compiled(&self) -> usize {
        self.measures.iter().map(|measure| measure.compiled).sum()
    }
}

fn render(graph: &Linked, options: &Options, rendered: &mut Rendered, findings: &mut Findings) {
    let budget = &findings.budget().clone();
    let project = Project::new(graph, budget);
    let plan = Plan::new(graph, &project.measures, budget);
    let is_taken = check_limits(&project, &plan, findings);
    if options.check || !is_taken {
        return;
    }
    content::write(graph, &project.loads, rendered);
    let used = files::write(&project, &plan, rendered, budget);
    rendered.push(parameters::file(graph, options, &used));
    rendered.push(File::text("bicep/bicepconfig.json", CONFIG.to_owned()));
}

/// Ids of Key Vault secrets and of Azure's own hosts stand in the tree as they are, and a
/// parameter for such an id is no secret.
const CONFIG: &str = r#"{
  "analyzers": {
    "core": {
      "rules": {
        "no-hardcoded-env-urls": {
          "level": "off"
        },
        "secure-secrets-in-params": {
          "level": "off"
        }
      }
    }
  }
}
"#;

/// Whether the compiler and Azure take what would be written.
fn check_limits(project: &Project<'_>, plan: &Plan<'_>, findings: &mut Findings) -> bool {
    let before = findings.len();
    for (node, measure) in project.graph.nodes().iter().zip(&project.measures) {
        if measure.resource > MAX_RESOURCE {
            let size = measure.resource;
            let finding = bicep_too_large::resource(place(node), &node.key, size, MAX_RESOURCE);
            findings.push(finding);
        } else if !measure.is_template && !Weight::FILE.plus(measure.weight).fits() {
            let finding = bicep_too_large::references(place(node), &node.key, MAX_RESOURCES);
            findings.push(finding);
        }
    }
    for (name, parameter) in project.graph.parameters() {
        let value = parameter.value.as_deref().unwrap_or("");
        if exceeds(value, MAX_TEXT) {
            findings.push(bicep_too_large::parameter(name, MAX_TEXT));
        }
    }
    let files = plan.parts.len().max(1);
    if files > MAX_RESOURCES {
        let count = plan.entities.len();
        findings.push(bicep_too_large::resources(count, MAX_RESOURCES));
    }
    let modules = plan
        .entities
        .iter()
        .filter(|e| matches!(e, Entity::Api(..)));
    let modules = modules.count() + files;
    let size = project.compiled() + MODULE * modules;
    if size > MAX_TEMPLATE {
        findings.push(bicep_too_large::bytes(size, MAX_TEMPLATE));
    }
    findings.len() == before
}

/// Bytes that a module takes in the compiled template beside its resources.
const MODULE: usize = 1500;

/// Where findings about the size of `node` stand: at what is large.
fn place(node: &Node) -> Place {
    let large = node.origins.iter();
    let mut large = large.filter(|origin| matches!(origin.role, Role::Definition | Role::Policy));
    let origin = large.next().or(node.origins.first());
    origin.map_or(Place::Source, |origin| origin.span.file.into())
}
