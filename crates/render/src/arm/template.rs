//! One template: parameters, resources, expressions.

use super::super::piece::{Text, Writer};
use super::super::{File, optional, writing};
use super::SERVICE_PARAMETER;
use flux_apim_diag::{Budget, Place};
use flux_apim_link::{Expression, Linked};
use flux_apim_model::Key;
use flux_apim_syntax::write_string;
use std::collections::BTreeSet;

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

/// Writes the template of the resources `group`; `outputs` follow them.
pub(super) fn write(
    graph: &Linked,
    group: &[usize],
    parameters: &BTreeSet<&str>,
    outputs: &str,
    writer: &mut Writer,
    budget: &Budget,
) {
    let members: BTreeSet<usize> = group.iter().copied().collect();
    head(graph, parameters, writer);
    writer.push("  \"resources\": [");
    for (n, &i) in group.iter().enumerate() {
        writer.push(if n == 0 { "\n" } else { ",\n" });
        let before = writer.written();
        let in_template = |dependency| members.contains(&dependency);
        resource(graph, i, &in_template, writer);
        budget.spend(writing(writer.written() - before), Place::Source);
    }
    writer.push(if group.is_empty() { "]" } else { "\n  ]" });
    writer.push(outputs);
    writer.push("\n}");
}

/// The file of a template.
pub(super) fn file(
    graph: &Linked,
    path: &str,
    group: &[usize],
    parameters: &BTreeSet<&str>,
    budget: &Budget,
) -> File {
    let mut writer = Writer::default();
    write(graph, group, parameters, "", &mut writer, budget);
    writer.push("\n");
    writer.file(path)
}

/// Bytes of a resource in its template.
pub(super) fn size(graph: &Linked, i: usize) -> usize {
    let mut writer = Writer::default();
    resource(graph, i, &|_| true, &mut writer);
    writer.size()
}

/// The names of the parameters that the resources `group` use.
pub(super) fn used<'g>(graph: &'g Linked, group: &[usize]) -> BTreeSet<&'g str> {
    let mut used = BTreeSet::new();
    for &i in group {
        let node = &graph.nodes()[i];
        used.extend(node.only_with.as_deref());
        for (_, value) in &node.properties {
            parameters_in(value, &mut used);
        }
    }
    used
}

/// What stands before the resources.
pub(super) fn head(graph: &Linked, parameters: &BTreeSet<&str>, writer: &mut Writer) {
    writer.push("{\n  \"$schema\": ");
    write_string(writer.own(), SCHEMA);
    writer.push(",\n  \"contentVersion\": \"1.0.0.0\",\n  \"metadata\": {\n    \"description\": \"API Management configuration\"\n  },\n");
    parameter_declarations(graph, parameters, writer);
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

fn parameter_declarations(graph: &Linked, used: &BTreeSet<&str>, writer: &mut Writer) {
    let optional = optional::optional(graph);
    writer.push("  \"parameters\": {\n    \"apimServiceName\": {\n      \"type\": \"string\",\n      \"metadata\": {\n        \"description\": \"Name of the API Management service.\"\n      }\n    }");
    let parameters = graph.parameters().iter();
    for (name, parameter) in parameters.filter(|(name, _)| used.contains(name.as_str())) {
        writer.push(",\n    ");
        write_string(writer.own(), name);
        let kind = if parameter.is_secure() {
            "securestring"
        } else {
            "string"
        };
        writer.push(&format!(": {{\n      \"type\": \"{kind}\",\n      "));
        if optional.contains(name.as_str()) {
            writer.push("\"defaultValue\": \"\",\n      ");
        }
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
    writer.push("    {\n");
    if let Some(parameter) = &node.only_with {
        writer.push(&format!(
            "      \"condition\": \"[not(empty(parameters('{parameter}')))]\",\n"
        ));
    }
    writer.push("      \"type\": ");
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

pub(super) fn id_expression(key: &Key) -> String {
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
