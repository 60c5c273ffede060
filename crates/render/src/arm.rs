//! ARM templates (JSON).

use super::piece::{Text, Writer};
use super::{File, Options, Printer, Rendered, STEPS, writing};
use crate::rules::arm_resource_too_large;
use flux_apim_diag::{Budget, Findings, Place};
use flux_apim_link::{Expression, Linked, Node, Parameter};
use flux_apim_model::{Key, Role};
use flux_apim_syntax::write_string;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// "Template limits": a template file has at most 4 MB, a resource 1 MB, a
/// template 800 resources. Some room is left for what the service adds.
const MAX_TEMPLATE: usize = 4 * 1024 * 1024 - 64 * 1024;
/// See [`MAX_TEMPLATE`].
const MAX_RESOURCE: usize = 1024 * 1024;
/// See [`MAX_TEMPLATE`].
const MAX_RESOURCES: usize = 800;

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const PARAMETERS_SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#";
/// api-version of the deployments that a split template consists of.
const DEPLOYMENTS: &str = "2022-09-01";

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
            let mut writer = Writer::default();
            resource(graph, i, &|_| true, &mut writer);
            let size = writer.size();
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
    let groups = split(&sizes);
    if let [all] = groups.as_slice() {
        rendered.push(template(graph, "arm/main.json", all, budget));
        let path = "arm/main.json".into();
        for i in 0..graph.nodes().len() {
            rendered.carries(&path, i);
        }
    } else {
        for (number, group) in groups.iter().enumerate() {
            let path: Arc<str> = format!("arm/parts/{number:03}-resources.json").into();
            rendered.push(template(graph, &path, group, budget));
            for &i in group {
                rendered.carries(&path, i);
            }
            rendered.parts.push(path.to_string());
        }
        let main = main_of_parts(graph, &groups, &rendered.parts, budget);
        rendered.push(main);
    }
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

/// Nodes in deployment order, packed into templates.
fn split(sizes: &[usize]) -> Vec<Vec<usize>> {
    let total: usize = sizes.iter().sum();
    if total <= MAX_TEMPLATE && sizes.len() <= MAX_RESOURCES {
        return vec![(0..sizes.len()).collect()];
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new()];
    let mut filled = 0;
    for (i, size) in sizes.iter().enumerate() {
        let full = groups.last().is_some_and(|group| {
            !group.is_empty() && (filled + size > MAX_TEMPLATE || group.len() == MAX_RESOURCES)
        });
        if full {
            groups.push(Vec::new());
            filled = 0;
        }
        filled += size;
        if let Some(group) = groups.last_mut() {
            group.push(i);
        }
    }
    groups
}

fn template(graph: &Linked, path: &str, group: &[usize], budget: &Budget) -> File {
    let members: BTreeSet<usize> = group.iter().copied().collect();
    let mut used = BTreeSet::new();
    for &i in group {
        for (_, value) in &graph.nodes()[i].properties {
            parameters_in(value, &mut used);
        }
    }
    let mut writer = Writer::default();
    head(&mut writer);
    parameter_declarations(&mut writer, graph.parameters(), &used);
    writer.push("  \"resources\": [");
    for (n, &i) in group.iter().enumerate() {
        writer.push(if n == 0 { "\n" } else { ",\n" });
        let before = writer.written();
        resource(
            graph,
            i,
            &|dependency| members.contains(&dependency),
            &mut writer,
        );
        budget.spend(writing(writer.written() - before), Place::Source);
    }
    writer.push(if group.is_empty() {
        "]\n}\n"
    } else {
        "\n  ]\n}\n"
    });
    writer.file(path)
}

fn head(writer: &mut Writer) {
    writer.push("{\n  \"$schema\": ");
    write_string(writer.own(), SCHEMA);
    writer.push(",\n  \"contentVersion\": \"1.0.0.0\",\n");
}

/// The names of the parameters that `value` uses.
fn parameters_in<'v>(value: &'v Expression, used: &mut BTreeSet<&'v str>) {
    match value {
        Expression::Parameter(name) => {
            used.insert(name);
        }
        Expression::Array(items) => items.iter().for_each(|item| parameters_in(item, used)),
        Expression::Object(entries) => entries
            .iter()
            .for_each(|(_, value)| parameters_in(value, used)),
        _ => {}
    }
}

fn parameter_declarations(
    writer: &mut Writer,
    parameters: &BTreeMap<String, Parameter>,
    used: &BTreeSet<&str>,
) {
    writer.push("  \"parameters\": {\n    \"apimServiceName\": {\n      \"type\": \"string\",\n      \"metadata\": {\n        \"description\": \"Name of the API Management service.\"\n      }\n    }");
    for (name, parameter) in parameters
        .iter()
        .filter(|(name, _)| used.contains(name.as_str()))
    {
        writer.push(",\n    ");
        write_string(writer.own(), name);
        let kind = if parameter.is_secure() {
            "securestring"
        } else {
            "string"
        };
        writer.push(&format!(": {{\n      \"type\": \"{kind}\",\n      "));
        if !parameter.allowed.is_empty() {
            writer.push("\"allowedValues\": [");
            for (n, word) in parameter.allowed.iter().enumerate() {
                writer.push(if n > 0 { ", " } else { "" });
                write_literal(writer.own(), word);
            }
            writer.push("],\n      ");
        }
        writer.push("\"metadata\": {\n        \"description\": ");
        write_literal(writer.own(), &parameter.description);
        writer.push("\n      }\n    }");
    }
    writer.push("\n  },\n");
}

fn resource(
    graph: &Linked,
    index: usize,
    in_template: &dyn Fn(usize) -> bool,
    writer: &mut Writer,
) {
    let node = &graph.nodes()[index];
    writer.push("    {\n      \"type\": ");
    write_string(writer.own(), &node.key.arm_type());
    writer.push(",\n      \"apiVersion\": ");
    write_string(writer.own(), graph.api_version());
    writer.push(",\n      \"name\": ");
    write_string(writer.own(), &name_expression(&node.key));
    let depends_on: Vec<usize> = node
        .depends_on
        .iter()
        .copied()
        .filter(|d| in_template(*d))
        .collect();
    if !depends_on.is_empty() {
        writer.push(",\n      \"dependsOn\": [");
        for (n, dependency) in depends_on.into_iter().enumerate() {
            writer.push(if n == 0 { "\n        " } else { ",\n        " });
            write_string(writer.own(), &id_expression(&graph.nodes()[dependency].key));
        }
        writer.push("\n      ]");
    }
    if !node.properties.is_empty() || node.key.kind.row().has_properties {
        writer.push(",\n      \"properties\": ");
        object(graph, &node.properties, 6, writer);
    }
    writer.push("\n    }");
}

fn object(graph: &Linked, entries: &[(String, Expression)], indent: usize, writer: &mut Writer) {
    if entries.is_empty() {
        return writer.push("{}");
    }
    for (n, (key, entry)) in entries.iter().enumerate() {
        writer.push(if n == 0 { "{\n" } else { ",\n" });
        writer.push(&" ".repeat(indent + 2));
        // Names of properties are evaluated too.
        write_literal(writer.own(), key);
        writer.push(": ");
        value(graph, entry, indent + 2, writer);
    }
    writer.push("\n");
    writer.push(&" ".repeat(indent));
    writer.push("}");
}

fn value(graph: &Linked, value_: &Expression, indent: usize, writer: &mut Writer) {
    match value_ {
        Expression::Null => writer.push("null"),
        Expression::Bool(value) => writer.push(if *value { "true" } else { "false" }),
        Expression::Number(digits) => writer.push(digits),
        Expression::String(text) => write_literal(writer.own(), text),
        Expression::Id(key) => write_string(writer.own(), &id_expression(key)),
        Expression::ServiceId => write_string(writer.own(), &format!("[{}]", service_id())),
        Expression::Parameter(name) => {
            write_string(writer.own(), &format!("[parameters('{name}')]"));
        }
        Expression::Content(index) => {
            let evaluated = graph.contents()[*index].bracketed;
            writer.push(if evaluated { "\"[" } else { "\"" });
            writer.content(graph.contents(), *index, Text::Json);
            writer.push("\"");
        }
        Expression::Object(entries) => object(graph, entries, indent, writer),
        Expression::Array(items) if items.is_empty() => writer.push("[]"),
        Expression::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                writer.push(if n == 0 { "[\n" } else { ",\n" });
                writer.push(&" ".repeat(indent + 2));
                value(graph, item, indent + 2, writer);
            }
            writer.push("\n");
            writer.push(&" ".repeat(indent));
            writer.push("]");
        }
    }
}

/// Whether ARM would read an expression (or an escape) into `text`: it starts
/// with `[` and ends with `]`.
fn is_evaluated(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']')
}

/// Appends `text` as a literal: one more `[` where ARM would evaluate.
fn write_literal(out: &mut String, text: &str) {
    if is_evaluated(text) {
        write_string(out, &format!("[{text}"));
    } else {
        write_string(out, text);
    }
}

/// `'text'` inside an expression.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn service_id() -> String {
    format!("resourceId('Microsoft.ApiManagement/service', parameters('{SERVICE_PARAMETER}'))")
}

fn id_expression(key: &Key) -> String {
    let names: Vec<String> = key.arm_names().into_iter().map(quoted).collect();
    format!(
        "[resourceId('{}', parameters('{SERVICE_PARAMETER}'), {})]",
        key.arm_type(),
        names.join(", ")
    )
}

fn name_expression(key: &Key) -> String {
    let names = key.arm_names();
    let places: Vec<String> = (0..=names.len()).map(|n| format!("{{{n}}}")).collect();
    let quoted: Vec<String> = names.into_iter().map(quoted).collect();
    format!(
        "[format('{}', parameters('{SERVICE_PARAMETER}'), {})]",
        places.join("/"),
        quoted.join(", ")
    )
}

/// The template that deploys the parts one after the other.
fn main_of_parts(graph: &Linked, groups: &[Vec<usize>], parts: &[String], budget: &Budget) -> File {
    let all: BTreeSet<&str> = graph.parameters().keys().map(String::as_str).collect();
    let mut writer = Writer::default();
    head(&mut writer);
    parameter_declarations(&mut writer, graph.parameters(), &all);
    writer.push("  \"resources\": [");
    for (n, (group, path)) in groups.iter().zip(parts).enumerate() {
        writer.push(if n == 0 { "\n" } else { ",\n" });
        let relative = path.strip_prefix("arm/").unwrap_or(path);
        writer.push(&format!("    {{\n      \"type\": \"Microsoft.Resources/deployments\",\n      \"apiVersion\": \"{DEPLOYMENTS}\",\n      \"name\": \"flux-apim-{n:03}\",\n"));
        if n > 0 {
            let before = format!(
                "[resourceId('Microsoft.Resources/deployments', 'flux-apim-{:03}')]",
                n - 1
            );
            writer.push(&format!(
                "      \"dependsOn\": [\n        \"{before}\"\n      ],\n"
            ));
        }
        writer.push("      \"properties\": {\n        \"mode\": \"Incremental\",\n        \"templateLink\": {\n          \"relativePath\": ");
        write_string(writer.own(), relative);
        writer.push("\n        },\n        \"parameters\": {");
        let mut used = BTreeSet::from([SERVICE_PARAMETER]);
        for &i in group {
            budget.spend(STEPS, Place::Source);
            for (_, value) in &graph.nodes()[i].properties {
                parameters_in(value, &mut used);
            }
        }
        for (n, name) in used.into_iter().enumerate() {
            writer.push(if n == 0 { "\n" } else { ",\n" });
            writer.push(&format!("          \"{name}\": {{\n            \"value\": \"[parameters('{name}')]\"\n          }}"));
        }
        writer.push("\n        }\n      }\n    }");
    }
    writer.push("\n  ]\n}\n");
    writer.file("arm/main.json")
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
