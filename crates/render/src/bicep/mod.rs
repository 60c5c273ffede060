//! Bicep: one module for each API with its revisions, shared resources in
//! `main.bicep`, policies and definitions in `content/`.

mod content;
mod literal;
mod plan;
mod scope;

use super::arm::SERVICE_PARAMETER;
use super::piece::Writer;
use super::symbol::{Names, camel, dns, short_hash};
use super::{File, Options, Printer, Rendered, writing};
use crate::rules::bicep_too_large;
use content::Load;
use flux_apim_diag::{Budget, Findings, Place};
use flux_apim_link::{Content, Linked};
use flux_apim_model::Key;
use literal::string;
use plan::Plan;
use scope::Scope;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// The compiled template may have 4 MB.
const MAX_TEMPLATE: usize = 4 * 1024 * 1024;
/// A template may have 800 resources, modules counted as one each.
const MAX_RESOURCES: usize = 800;

/// The row of this target.
pub(super) static PRINTER: Printer = Printer {
    name: "bicep",
    is_default: true,
    print: render,
};

fn render(graph: &Linked, options: &Options, rendered: &mut Rendered, findings: &mut Findings) {
    let budget = &findings.budget().clone();
    let plan = Plan::new(graph, budget);
    check_limits(graph, &plan, findings);
    if options.check {
        return;
    }
    let loads = content::contents(graph, rendered, budget);
    let mut main = Scope::new(graph, &loads, "", None);
    let main_path: Arc<str> = "bicep/main.bicep".into();
    for i in plan.shared() {
        main.declare(i);
        rendered.carries(&main_path, i);
    }
    let calls = modules(graph, &loads, &plan, &mut main, rendered, budget);
    let mut body = Writer::default();
    for i in 0..graph.nodes().len() {
        let before = body.written();
        match plan.module_of(i) {
            None => {
                let (nodes, modules) = plan.waits_for(plan.entity_of(i));
                body.push(&main.resource(i, &nodes, &symbols(&modules, &calls)));
            }
            // A module is called where the last of its resources stands, so
            // that the file reads in deployment order.
            Some(module) if plan.nodes_of(module).last() == Some(&i) => {
                body.push(&call(graph, &plan, module, &calls, &mut main));
            }
            Some(_) => {}
        }
        budget.spend(writing(body.written() - before), Place::Source);
    }
    let used = calls.values().flat_map(|call| &call.parameters);
    let used: BTreeSet<&String> = used.collect();
    let names = graph.parameters().keys();
    main.parameters
        .extend(names.filter(|name| used.contains(name)).map(String::as_str));
    main.finish(&mut body, "API Management configuration");
    rendered.push(body.file(&*main_path));
    rendered.push(parameter_file(graph, options, &main.parameters));
}

/// A module as `main.bicep` calls it.
struct Call {
    symbol: String,
    file: String,
    parameters: Vec<String>,
}

/// Writes the module of each API.
fn modules(
    graph: &Linked,
    loads: &[Load],
    plan: &Plan<'_>,
    main: &mut Scope<'_>,
    rendered: &mut Rendered,
    budget: &Budget,
) -> BTreeMap<usize, Call> {
    let mut file_names = Names::default();
    let mut calls = BTreeMap::new();
    for module in plan.modules() {
        let api = plan.api_of(module);
        let label = api_label(api);
        let file = file_names.numbered(&dns(&label, 80));
        let path: Arc<str> = format!("bicep/modules/{file}.bicep").into();
        budget.spend(20 * graph.parameters().len() as u64, Place::Source);
        let mut scope = Scope::new(graph, loads, "../", Some(api));
        let nodes = plan.nodes_of(module);
        for &i in nodes {
            scope.declare(i);
            rendered.carries(&path, i);
        }
        let mut body = Writer::default();
        for &i in nodes {
            let text = scope.resource(i, &graph.nodes()[i].depends_on, &[]);
            budget.spend(writing(text.len()), Place::Source);
            body.push(&text);
        }
        scope.finish(&mut body, &format!("API {}", api.name()));
        rendered.push(body.file(&*path));
        let call = Call {
            symbol: main.symbols.numbered(&camel(&["api", &label])),
            file,
            parameters: scope
                .parameters
                .iter()
                .map(|&name| name.to_owned())
                .collect(),
        };
        calls.insert(module, call);
    }
    calls
}

fn api_label(api: &Key) -> String {
    match &api.workspace {
        Some(workspace) => format!("{workspace}-{}", api.name()),
        None => api.name().to_owned(),
    }
}

fn symbols(modules: &[usize], calls: &BTreeMap<usize, Call>) -> Vec<String> {
    modules
        .iter()
        .map(|module| calls[module].symbol.clone())
        .collect()
}

fn call(
    graph: &Linked,
    plan: &Plan<'_>,
    module: usize,
    calls: &BTreeMap<usize, Call>,
    main: &mut Scope<'_>,
) -> String {
    let call = &calls[&module];
    let (nodes, modules) = plan.waits_for(module);
    let mut depends_on: Vec<String> = nodes
        .iter()
        .map(|&i| main.symbol_of(&graph.nodes()[i].key))
        .chain(symbols(&modules, calls))
        .collect();
    depends_on.sort();
    let mut name = format!("apim-api-{}", call.file);
    if name.len() > 64 {
        name = format!("apim-api-{}", short_hash(&name));
    }
    let mut text = format!(
        "\nmodule {} 'modules/{}.bicep' = {{\n  name: {}\n  params: {{\n    {SERVICE_PARAMETER}: {SERVICE_PARAMETER}\n",
        call.symbol,
        call.file,
        string(&name)
    );
    for parameter in &call.parameters {
        let _ = writeln!(text, "    {parameter}: {parameter}");
    }
    text.push_str("  }\n");
    depends_on_block(&mut text, &depends_on);
    text.push_str("}\n");
    text
}

fn depends_on_block(text: &mut String, symbols: &[String]) {
    if !symbols.is_empty() {
        text.push_str("  dependsOn: [\n");
        for symbol in symbols {
            let _ = writeln!(text, "    {symbol}");
        }
        text.push_str("  ]\n");
    }
}

fn check_limits(graph: &Linked, plan: &Plan<'_>, findings: &mut Findings) {
    let resources = plan.shared().count() + plan.modules().count();
    if resources > MAX_RESOURCES {
        findings.push(bicep_too_large::resources(resources, MAX_RESOURCES));
    }
    let size: usize = graph.contents().iter().map(Content::len).sum();
    if size > MAX_TEMPLATE {
        findings.push(bicep_too_large::bytes(size, MAX_TEMPLATE));
    }
}

/// `main.bicepparam`: values of the environment; secrets from the
/// environment of the deployment, so that no file holds them.
fn parameter_file(graph: &Linked, options: &Options, used: &BTreeSet<&str>) -> File {
    let from_environment = |name: &str| {
        let mut variable = String::new();
        for (i, c) in name.chars().enumerate() {
            if c.is_ascii_uppercase() && i > 0 {
                variable.push('_');
            }
            variable.push(c.to_ascii_uppercase());
        }
        format!("readEnvironmentVariable({})", string(&variable))
    };
    let service = options.service.as_deref().or(graph.service());
    let mut text = format!(
        "using './main.bicep'\n\nparam {SERVICE_PARAMETER} = {}\n",
        service.map_or_else(|| from_environment(SERVICE_PARAMETER), string)
    );
    for name in used {
        let Some(parameter) = graph.parameters().get(*name) else {
            continue;
        };
        let value = match &parameter.value {
            Some(value) => string(value),
            None => from_environment(name),
        };
        let _ = writeln!(text, "param {name} = {value}");
    }
    File::text("bicep/main.bicepparam", text)
}
