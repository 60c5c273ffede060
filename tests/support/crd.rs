//! Validates ASO objects against their CRDs, as the API server would with
//! strict field validation.

use std::collections::BTreeMap;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::{Res, yaml};

const GROUP: &str = "apimanagement.azure.com";
const VERSION: &str = "v20240501";

/// One validator per kind.
pub(crate) struct Crds {
    validators: BTreeMap<String, Validator>,
}

impl Crds {
    /// Loads the CRDs of the group from a folder of YAML files.
    pub(crate) fn load(folder: &Path) -> Res<Self> {
        let mut validators = BTreeMap::new();
        let entries =
            std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|e| e.to_string())?.path();
            if !path.to_string_lossy().ends_with(&format!(".{GROUP}.yaml")) {
                continue;
            }
            let text =
                std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            for crd in yaml::documents(&text).map_err(|e| format!("{}: {e}", path.display()))? {
                let (kind, schema) =
                    schema(&crd).map_err(|e| format!("{}: {e}", path.display()))?;
                let validator = jsonschema::options()
                    .offline()
                    .build(&schema)
                    .map_err(|e| format!("{kind}: {e}"))?;
                validators.insert(kind, validator);
            }
        }
        Ok(Self { validators })
    }

    /// The kinds that are there.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.validators.keys().map(String::as_str)
    }

    /// Everything wrong with an object.
    pub(crate) fn check(&self, object: &Value) -> Vec<String> {
        let kind = object["kind"].as_str().unwrap_or_default();
        if object["apiVersion"] != format!("{GROUP}/{VERSION}").as_str() {
            return vec![format!("apiVersion {} of {kind}", object["apiVersion"])];
        }
        let Some(validator) = self.validators.get(kind) else {
            return vec![format!("no CRD for kind {kind:?}")];
        };
        let name = &object["metadata"]["name"];
        validator
            .iter_errors(object)
            .map(|e| format!("{kind} {name} {}: {e}", e.instance_path()))
            .collect()
    }
}

fn schema(crd: &Value) -> Res<(String, Value)> {
    let spec = &crd["spec"];
    let kind = spec["names"]["kind"].as_str().ok_or("no kind")?;
    let versions = spec["versions"].as_array().ok_or("no versions")?;
    let version = versions
        .iter()
        .find(|v| v["name"] == VERSION && v["served"] == true);
    let version = version.ok_or_else(|| format!("{kind} has no {VERSION}"))?;
    let mut schema = version["schema"]["openAPIV3Schema"].clone();
    let properties = schema["properties"]
        .as_object_mut()
        .ok_or("no properties")?;
    properties.shift_remove("status");
    // Objects that users write have all three, and nothing else beside the spec.
    properties.insert(
        "metadata".into(),
        json!({"type": "object", "required": ["name"]}),
    );
    schema["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
    close(&mut schema);
    Ok((kind.to_owned(), schema))
}

/// A structural schema as plain JSON Schema: `nullable` spelt out, extensions
/// gone, closed objects.
fn close(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    let preserve = map.get("x-kubernetes-preserve-unknown-fields") == Some(&true.into());
    let int_or_string = map.get("x-kubernetes-int-or-string") == Some(&true.into());
    map.retain(|key, _| {
        !key.starts_with("x-kubernetes-")
            && !["format", "description", "default", "example"].contains(&key.as_str())
    });
    if int_or_string {
        map.insert("type".into(), json!(["integer", "string"]));
    }
    if map.shift_remove("nullable") == Some(true.into())
        && let Some(Value::String(type_)) = map.get("type").cloned()
    {
        map.insert("type".into(), json!([type_, "null"]));
    }
    if map.contains_key("properties") && !map.contains_key("additionalProperties") && !preserve {
        map.insert("additionalProperties".into(), false.into());
    }
    for (key, value) in map.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(close),
            ("items" | "additionalProperties" | "not", value) => close(value),
            ("allOf" | "anyOf" | "oneOf", Value::Array(items)) => {
                // Branches only add conditions; the object they belong to is closed.
                items
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(open_branch);
            }
            _ => {}
        }
    }
}

fn open_branch(branch: &mut Map<String, Value>) {
    branch.retain(|key, _| !key.starts_with("x-kubernetes-"));
}
