//! ARM templates (JSON).

mod deployments;
mod template;

use super::piece::Writer;
use super::{File, Options, Printer, Rendered, writing};
use crate::rules::arm_resource_too_large;
use flux_apim_diag::{Budget, Findings, Place};
use flux_apim_link::{Linked, Node};
use flux_apim_model::Role;
use flux_apim_syntax::write_string;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// "Template limits": a template file has at most 4 MB, a resource 1 MB, a
/// template 800 resources. Some room is left for what the service adds.
const MAX_TEMPLATE: usize = 4 * 1024 * 1024 - 64 * 1024;
/// See [`MAX_TEMPLATE`].
const MAX_RESOURCE: usize = 1024 * 1024;
/// See [`MAX_TEMPLATE`].
const MAX_RESOURCES: usize = 800;

const PARAMETERS_SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#";

/// The parameter that names the service.
pub const SERVICE_PARAMETER: &str = "apimServiceName";

/// The row of this target.
pub(super) static PRINTER: Printer = Printer {
    name: "arm",
    is_default: true,
    print: render,
};

fn render(graph: &Linked, options: &Options, rendered: &mut Rendered, findings: &mut Findings) {
    let budget = &findings.budget().clone();
    let sizes: Vec<usize> = (0..graph.nodes().len())
        .into_par_iter()
        .map(|i| {
            let size = template::size(graph, i);
            budget.spend(writing(size), Place::Source);
            size
        })
        .collect();
    for (node, size) in graph.nodes().iter().zip(&sizes) {
        check_size(node, *size, findings);
    }
    if options.check {
        return;
    }
    deployments::write(graph, &sizes, options, rendered, budget);
    rendered.push(parameters(graph, options));
}

fn check_size(node: &Node, size: usize, findings: &mut Findings) {
    if size <= MAX_RESOURCE {
        return;
    }
    let large = node
        .origins
        .iter()
        .find(|origin| matches!(origin.role, Role::Definition | Role::Policy))
        .or(node.origins.first());
    let place = large.map_or(Place::Source, |origin| origin.span.file.into());
    let finding = arm_resource_too_large::found(place, &node.key, size, MAX_RESOURCE);
    findings.push(finding);
}

/// Bytes of a resource as ARM writes it.
pub(super) fn size(graph: &Linked, i: usize) -> usize {
    template::size(graph, i)
}

/// The template of one resource, to be called as a module; and its parameters beside the
/// service.
pub(super) fn module<'g>(
    graph: &'g Linked,
    i: usize,
    path: &str,
    budget: &Budget,
) -> (File, Vec<&'g str>) {
    let used = template::used(graph, &[i]);
    let mut outputs = String::from(
        ",\n  \"outputs\": {\n    \"id\": {\n      \"type\": \"string\",\n      \"value\": ",
    );
    write_string(
        &mut outputs,
        &template::id_expression(&graph.nodes()[i].key),
    );
    outputs.push_str("\n    }\n  }");
    let mut writer = Writer::default();
    template::write(graph, &[i], &used, &outputs, &mut writer, budget);
    writer.push("\n");
    (writer.file(path), used.into_iter().collect())
}

/// `arm/parameters.json`: values of the environment, secrets without.
fn parameters(graph: &Linked, options: &Options) -> File {
    let mut values: BTreeMap<&str, &str> = graph
        .parameters()
        .iter()
        .filter_map(|(name, parameter)| Some((name.as_str(), parameter.value.as_deref()?)))
        .collect();
    if let Some(service) = options.service.as_deref().or(graph.service()) {
        values.insert(SERVICE_PARAMETER, service);
    }
    let mut text = String::from("{\n  \"$schema\": ");
    write_string(&mut text, PARAMETERS_SCHEMA);
    text.push_str(",\n  \"contentVersion\": \"1.0.0.0\",\n  \"parameters\": {");
    for (n, (name, value)) in values.iter().enumerate() {
        text.push_str(if n == 0 { "\n    " } else { ",\n    " });
        write_string(&mut text, name);
        text.push_str(": {\n      \"value\": ");
        write_string(&mut text, value);
        text.push_str("\n    }");
    }
    text.push_str(if values.is_empty() {
        "}\n}\n"
    } else {
        "\n  }\n}\n"
    });
    File::text("arm/parameters.json", text)
}

/// Every parameter of the graph.
fn all_parameters(graph: &Linked) -> BTreeSet<&str> {
    graph.parameters().keys().map(String::as_str).collect()
}
