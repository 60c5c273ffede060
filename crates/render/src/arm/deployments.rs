//! One template where Azure takes it, else several: inside of each other where one file
//! takes them, else files of their own that are deployed one after the other.

use super::super::piece::Writer;
use super::super::{File, Options, Rendered, STEPS};
use super::{
    MAX_RESOURCE, MAX_RESOURCES, MAX_TEMPLATE, SERVICE_PARAMETER, all_parameters, template,
};
use flux_apim_diag::{Budget, Place};
use flux_apim_link::Linked;
use flux_apim_syntax::write_string;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// api-version of the deployments that a split template consists of.
const DEPLOYMENTS: &str = "2022-09-01";
const MAIN: &str = "arm/main.json";
/// Bytes of a deployment beside its resources, at most, but for its parameters.
const DEPLOYMENT: usize = 2000;
/// Bytes of a parameter that is declared, and handed on, at most; but for its texts.
const PARAMETER: usize = 500;

pub(super) fn write(
    graph: &Linked,
    sizes: &[usize],
    options: &Options,
    rendered: &mut Rendered,
    budget: &Budget,
) {
    let main: Arc<str> = MAIN.into();
    let all: Vec<usize> = (0..sizes.len()).collect();
    let total: usize = sizes.iter().sum();
    if total <= MAX_TEMPLATE && sizes.len() <= MAX_RESOURCES {
        let used = template::used(graph, &all);
        rendered.push(template::file(graph, MAIN, &all, &used, budget));
        return all.iter().for_each(|&i| rendered.carries(&main, i));
    }
    // A deployment inside of a template is one of its resources.
    let texts = graph.parameters().iter();
    let texts = texts.map(|(name, p)| 4 * name.len() + p.description.len() + PARAMETER);
    let around = DEPLOYMENT + texts.sum::<usize>();
    let groups = split(sizes, MAX_RESOURCE.saturating_sub(around));
    let nested = total + (groups.len() + 1) * around <= MAX_TEMPLATE
        && groups.iter().all(|group| {
            let size: usize = group.iter().map(|&i| sizes[i]).sum();
            size + around <= MAX_RESOURCE
        });
    if nested {
        all.iter().for_each(|&i| rendered.carries(&main, i));
        let version = version(graph, budget);
        return rendered.push(deployments(graph, &groups, None, &version, budget));
    }
    let groups = split(sizes, MAX_TEMPLATE);
    let parameters = all_parameters(graph);
    for (number, group) in groups.iter().enumerate() {
        let path: Arc<str> = format!("arm/parts/{number:03}-resources.json").into();
        // One file of parameters serves all of them.
        rendered.push(template::file(graph, &path, group, &parameters, budget));
        for &i in group {
            rendered.carries(&path, i);
        }
        rendered.parts.push(path.to_string());
    }
    let parts = rendered.parts.clone();
    let version = version(graph, budget);
    rendered.push(deployments(graph, &groups, Some(&parts), &version, budget));
    rendered.push(script(graph, options, &parts, &version));
}

/// Nodes in deployment order, packed into templates of at most `max` bytes.
fn split(sizes: &[usize], max: usize) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut filled = 0;
    for (i, size) in sizes.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if filled + size <= max && group.len() < MAX_RESOURCES => group.push(i),
            _ => {
                groups.push(vec![i]);
                filled = 0;
            }
        }
        filled += size;
    }
    groups
}

/// The template that deploys the groups one after the other: those in `parts`, or inside
/// of it.
fn deployments(
    graph: &Linked,
    groups: &[Vec<usize>],
    parts: Option<&[String]>,
    version: &str,
    budget: &Budget,
) -> File {
    let name = |n: usize| {
        // Names of deployments have 64 characters, those of services 50.
        format!("format('{{0}}-{version}-{n:03}', parameters('{SERVICE_PARAMETER}'))")
    };
    let mut writer = Writer::default();
    template::head(graph, &all_parameters(graph), &mut writer);
    writer.push("  \"resources\": [");
    for (n, group) in groups.iter().enumerate() {
        writer.push(if n == 0 { "\n" } else { ",\n" });
        let own = name(n);
        writer.push(&format!("    {{\n      \"type\": \"Microsoft.Resources/deployments\",\n      \"apiVersion\": \"{DEPLOYMENTS}\",\n      \"name\": \"[{own}]\",\n"));
        if n > 0 {
            let before = name(n - 1);
            writer.push(&format!(
                "      \"dependsOn\": [\n        \"[resourceId('Microsoft.Resources/deployments', {before})]\"\n      ],\n"
            ));
        }
        writer.push("      \"properties\": {\n        \"mode\": \"Incremental\",\n");
        let used = match parts {
            Some(parts) => {
                let relative = parts[n].strip_prefix("arm/").unwrap_or(&parts[n]);
                writer.push("        \"templateLink\": {\n          \"relativePath\": ");
                write_string(writer.own(), relative);
                writer.push("\n        },\n");
                all_parameters(graph)
            }
            None => {
                let used = template::used(graph, group);
                // Names and parameters are those of the inner template.
                writer.push("        \"expressionEvaluationOptions\": {\n          \"scope\": \"inner\"\n        },\n        \"template\": ");
                template::write(graph, group, &used, "", &mut writer, budget);
                writer.push(",\n");
                used
            }
        };
        writer.push("        \"parameters\": {");
        let handed = BTreeSet::from([SERVICE_PARAMETER]);
        for (n, name) in handed.union(&used).enumerate() {
            budget.spend(STEPS, Place::Source);
            writer.push(if n == 0 { "\n" } else { ",\n" });
            writer.push(&format!("          \"{name}\": {{\n            \"value\": \"[parameters('{name}')]\"\n          }}"));
        }
        writer.push("\n        }\n      }\n    }");
    }
    writer.push("\n  ]\n}\n");
    writer.file(MAIN)
}

/// Eight digits of what is deployed, so that deployments of two versions have two names.
fn version(graph: &Linked, budget: &Budget) -> String {
    let mut hasher = Sha256::new();
    hasher.update(graph.api_version());
    for node in graph.nodes() {
        let text = format!("{}{:?}{:?}", node.key, node.properties, node.depends_on);
        budget.spend(super::writing(text.len()), Place::Source);
        hasher.update(text);
    }
    for content in graph.contents() {
        hasher.update(content.digest.as_bytes());
    }
    let digest = hasher.finalize();
    digest.iter().take(4).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `arm/deploy.sh`: the parts from this folder, one after the other.
fn script(graph: &Linked, options: &Options, parts: &[String], version: &str) -> File {
    let service = options.service.as_deref().or(graph.service());
    // Only names that the rule for services takes are written into a script.
    let known = service.filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    let known = known.unwrap_or("");
    let mut text = format!(
        "#!/bin/sh
# Deploys the parts of this folder, one after the other, with the Azure CLI.
#
#   sh deploy.sh RESOURCE_GROUP [NAME=VALUE]...
#
# NAME=VALUE gives a parameter, such as a secret. APIM_SERVICE_NAME names the service.
set -eu
group=${{1:?usage: sh deploy.sh RESOURCE_GROUP [NAME=VALUE]...}}
shift
service=${{APIM_SERVICE_NAME:-{known}}}
: \"${{service:?set APIM_SERVICE_NAME to the name of the service}}\"
cd \"$(dirname \"$0\")\"
deploy() {{
  part=$1
  shift
  name=$(basename \"$part\" .json)
  echo \"deploying $part\" >&2
  az deployment group create --resource-group \"$group\" --name \"$service-{version}-${{name%%-*}}\" \\
    --template-file \"$part\" --parameters @parameters.json \\
    --parameters apimServiceName=\"$service\" \"$@\" --output none
}}
"
    );
    for part in parts {
        let relative = part.strip_prefix("arm/").unwrap_or(part);
        let _ = writeln!(text, "deploy {relative} \"$@\"");
    }
    File::text("arm/deploy.sh", text)
}
