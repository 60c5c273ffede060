//! Parameters: their declarations, and the values of the environment.

use super::super::arm::SERVICE_PARAMETER;
use super::super::{File, Options};
use super::literal::string;
use flux_apim_link::Linked;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Appends the declaration of the parameter `name`.
pub(super) fn declare(text: &mut String, graph: &Linked, optional: &BTreeSet<&str>, name: &str) {
    let Some(parameter) = graph.parameters().get(name) else {
        return;
    };
    let _ = write!(text, "\n@description({})\n", string(&parameter.description));
    if parameter.is_secure() {
        text.push_str("@secure()\n");
    }
    if !parameter.allowed.is_empty() {
        text.push_str("@allowed([\n");
        for word in &parameter.allowed {
            let _ = writeln!(text, "  {}", string(word));
        }
        text.push_str("])\n");
    }
    let default = if optional.contains(name) { " = ''" } else { "" };
    let _ = writeln!(text, "param {name} string{default}");
}

/// `main.bicepparam`: values of the environment; secrets from the environment of the
/// deployment, so that no file holds them. A variable that is not set is empty: the file
/// can be built without.
pub(super) fn file(graph: &Linked, options: &Options, used: &BTreeSet<&str>) -> File {
    let from_environment = |name: &str| {
        let mut variable = String::new();
        for (i, c) in name.chars().enumerate() {
            if c.is_ascii_uppercase() && i > 0 {
                variable.push('_');
            }
            variable.push(c.to_ascii_uppercase());
        }
        format!("readEnvironmentVariable({}, '')", string(&variable))
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
