//! The block `environment:` of an environment file (apiops-cli): several environments in
//! one service, each with names and paths of its own.

use super::Project;
use super::config::malformed;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Place, excerpt};
use flux_apim_levels::rules::malformed_override;
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Affix, Identified, Resource, parse_id};
use flux_apim_syntax::{Data, Value};

/// Reads the block. `None` beside a finding: nothing of it is applied by half.
pub(super) fn read(file: FileId, block: &Value, findings: &mut Findings) -> Option<Affix> {
    if !block.is_object() {
        findings.push(malformed(file, block, "`environment` must be a mapping"));
        return None;
    }
    let before = findings.len();
    let mut affix = Affix::default();
    for entry in block.entries() {
        let field = match entry.key.as_str() {
            "namePrefix" => &mut affix.prefix,
            "nameSuffix" => &mut affix.suffix,
            "apiPathPrefix" => &mut affix.path,
            other => {
                let place = entry.key_span.map_or(Place::from(file), Place::from);
                let message = format!("`environment.{}` is not read yet", excerpt(other, 60));
                let help = "remove it: without it, names would not be what it says";
                findings.push(malformed_override::found(place, &message).help(help));
                continue;
            }
        };
        let is_path = entry.key == "apiPathPrefix";
        let allowed = |c: char| {
            c.is_ascii_alphanumeric() || c == '-' || (is_path && matches!(c, '/' | '_' | '.'))
        };
        match entry.value.as_str() {
            Some(text) if text.chars().all(allowed) => text.clone_into(field),
            _ => {
                let message = format!("`environment.{}` takes letters, digits and `-`", entry.key);
                findings.push(malformed(file, &entry.value, &message));
            }
        }
    }
    affix.path = affix.path.trim_matches('/').to_owned();
    if !affix.renames() && findings.len() == before {
        let message = "`environment` has neither `namePrefix` nor `nameSuffix`: environments that share a service would overwrite each other";
        let help = "write `namePrefix: \"qa-\"` in it, or remove the block";
        findings.push(malformed(file, block, message).help(help));
    }
    (findings.len() == before).then_some(affix)
}

/// Gives every resource, and whatever names it in a property, the name it has in the
/// environment. Policies follow when they are read.
pub(super) fn apply(project: &mut Project, affix: &Affix) {
    let values: Vec<String> = project
        .resources
        .values()
        .filter(|resource| {
            resource.key.kind == Kind::NamedValue && resource.key.workspace.is_none()
        })
        .filter_map(|resource| {
            Some(
                resource
                    .properties
                    .get("displayName")?
                    .as_str()?
                    .to_lowercase(),
            )
        })
        .collect();
    project.named_values = values.into_iter().collect();
    let known = &project.named_values;
    for (_, mut resource) in std::mem::take(&mut project.resources) {
        let key = affix.key(&resource.key);
        properties(&mut resource, affix, &|name| {
            known.contains(&name.to_lowercase())
        });
        resource.key = key.clone();
        project.resources.insert(key, resource);
    }
}

fn properties(resource: &mut Resource, affix: &Affix, is_known: &dyn Fn(&str) -> bool) {
    let kind = resource.key.kind;
    let row = kind.row();
    for reference in row.references {
        at(&mut resource.properties, reference.path, &mut |value| {
            let renamed = match value.as_str().map(|text| (text, parse_id(text))) {
                Some((_, Identified::Resource(target))) => format!("/{}", affix.key(&target)),
                Some((text, _)) if !text.is_empty() && !text.contains(['/', '{', '$']) => {
                    affix.name(reference.targets[0], text)
                }
                _ => return,
            };
            value.data = Data::String(renamed);
        });
    }
    let rename = |value: &mut Value| {
        if let Data::String(text) = &mut value.data {
            *text = affix.named_values(text, is_known);
        }
    };
    if row.named_values {
        strings(&mut resource.properties, &rename);
    }
    match kind {
        // Azure takes each of their display names once in a service; policies use those of
        // named values.
        Kind::NamedValue | Kind::Product | Kind::Tag => {
            let shown = resource
                .properties
                .get("displayName")
                .and_then(Value::as_str);
            if let Some(shown) = shown.map(|shown| affix.name(kind, shown)) {
                replace(&mut resource.properties, "displayName", shown);
            }
        }
        Kind::Api if !affix.path.is_empty() => {
            let path = resource.properties.get("path").and_then(Value::as_str);
            let path = path.map(|path| match path.trim_matches('/') {
                "" => affix.path.clone(),
                path => format!("{}/{path}", affix.path),
            });
            if let Some(path) = path {
                replace(&mut resource.properties, "path", path);
            }
        }
        _ => {}
    }
}

fn replace(properties: &mut Value, name: &str, text: String) {
    if let Some(value) = properties.get_mut(name) {
        value.data = Data::String(text);
    }
}

/// Calls `change` for the values at `path`; `[]` steps into items.
fn at(value: &mut Value, path: &str, change: &mut dyn FnMut(&mut Value)) {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let name = step.trim_end_matches("[]");
    let Some(found) = value.get_mut(name) else {
        return;
    };
    let mut each = |value: &mut Value| match rest {
        Some(rest) => at(value, rest, change),
        None => change(value),
    };
    match &mut found.data {
        Data::Array(items) if step.ends_with("[]") => items.iter_mut().for_each(each),
        _ => each(found),
    }
}

fn strings(value: &mut Value, change: &dyn Fn(&mut Value)) {
    match &mut value.data {
        Data::String(_) => change(value),
        Data::Array(items) => items.iter_mut().for_each(|item| strings(item, change)),
        Data::Object(entries) => {
            for entry in entries {
                strings(&mut entry.value, change);
            }
        }
        _ => {}
    }
}
