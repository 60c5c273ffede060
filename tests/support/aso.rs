//! Reads `aso/*.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::aso_fields::{FIELDS, Form, KINDS, Kind};
use super::{
    Files, ReadBundle, ReadResource, Res, SERVICE, SERVICE_TYPE, id, local_name, reference, yaml,
};

const GROUP: &str = "apimanagement.azure.com";
const VERSION: &str = "v20240501";
const KUSTOMIZATION: &str = "aso/kustomization.yaml";
const README: &str = "aso/README.md";

/// One Kubernetes object and the file it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// Bundle path.
    pub(crate) path: String,
    /// The whole object.
    pub(crate) value: Value,
}

/// The objects that the kustomizations list. Fails when a file is not listed, or a listed
/// one is not there.
pub(crate) fn objects(files: &Files) -> Res<Vec<Object>> {
    let mut paths = BTreeSet::new();
    let mut read = BTreeSet::from([KUSTOMIZATION.to_owned(), README.to_owned()]);
    let mut folders = Vec::new();
    for entry in listed(files, "aso")? {
        if !entry.ends_with(".yaml") {
            folders.push(entry);
        } else if !files.contains_key(&entry) || !paths.insert(entry.clone()) {
            return Err(format!("{entry} is not there, or listed twice"));
        }
    }
    for folder in folders {
        let kustomization = format!("{folder}/kustomization.yaml");
        if !read.insert(kustomization.clone()) || !files.contains_key(&kustomization) {
            return Err(format!("{folder} has no kustomization, or is listed twice"));
        }
        for path in listed(files, &folder)? {
            if !files.contains_key(&path) || !paths.insert(path.clone()) {
                return Err(format!("{path} is not there, or listed twice"));
            }
        }
    }
    let unlisted = |p: &&String| p.starts_with("aso/") && !paths.contains(*p) && !read.contains(*p);
    if let Some(path) = files.keys().find(unlisted) {
        return Err(format!("{path} is not listed in a kustomization"));
    }
    let mut objects = Vec::new();
    for path in paths {
        for value in yaml::documents(&files[&path]).map_err(|e| format!("{path}: {e}"))? {
            if value.is_null() {
                return Err(format!("{path}: empty document"));
            }
            objects.push(Object {
                path: path.clone(),
                value,
            });
        }
    }
    Ok(objects)
}

/// What the kustomization of a folder lists, as paths of the bundle.
pub(crate) fn listed(files: &Files, folder: &str) -> Res<Vec<String>> {
    let path = format!("{folder}/kustomization.yaml");
    let text = files
        .get(&path)
        .ok_or_else(|| format!("{path} is missing"))?;
    let documents = yaml::documents(text).map_err(|e| format!("{path}: {e}"))?;
    let [kustomization] = documents.as_slice() else {
        return Err(format!("{path}: not one document"));
    };
    if kustomization["apiVersion"] != "kustomize.config.k8s.io/v1beta1"
        || kustomization["kind"] != "Kustomization"
    {
        return Err(format!("{path}: wrong apiVersion or kind"));
    }
    let known = ["apiVersion", "kind", "metadata", "resources"];
    let mut keys = kustomization.as_object().into_iter().flatten();
    if let Some((key, _)) = keys.find(|(key, _)| !known.contains(&key.as_str())) {
        return Err(format!("{path}: {key} would change the objects"));
    }
    let listed = kustomization["resources"].as_array();
    let listed = listed.ok_or_else(|| format!("{path}: no resources"))?;
    let entries = listed.iter().map(|entry| {
        let entry = entry.as_str().ok_or("resource entry is not text")?;
        Ok(format!("{folder}/{}", entry.trim_start_matches("./")))
    });
    entries.collect()
}

/// Reads the ASO files of a bundle.
pub(crate) fn read(files: &Files) -> Res<ReadBundle> {
    let objects = objects(files)?;
    let mut reader = Reader::default();
    for object in &objects {
        reader
            .add(object)
            .map_err(|e| format!("{}: {e}", object.path))?;
    }
    let mut bundle = ReadBundle::default();
    for (key, entry) in &reader.entries {
        let context = |e: String| format!("{} {}: {e}", key.0, key.1);
        bundle.insert(reader.resource(key, entry).map_err(context)?)?;
    }
    bundle.closures()?;
    let services: BTreeSet<&str> = reader
        .entries
        .values()
        .filter_map(|e| reader.service(e))
        .collect();
    match services.len() {
        0 | 1 => Ok(bundle),
        _ => Err(format!("more than one service: {services:?}")),
    }
}

struct Entry<'a> {
    kind: &'static Kind,
    spec: &'a Map<String, Value>,
}

#[derive(Default)]
struct Reader<'a> {
    entries: BTreeMap<(&'a str, &'a str), Entry<'a>>,
}

impl<'a> Reader<'a> {
    fn add(&mut self, object: &'a Object) -> Res<()> {
        let value = &object.value;
        let name = value["kind"].as_str().ok_or("object without kind")?;
        if name == "Secret" && value["apiVersion"] == "v1" {
            // What a `secretmap` field takes its values from.
            return Ok(());
        }
        let kind = KINDS
            .iter()
            .find(|k| k.kind == name)
            .ok_or_else(|| format!("unknown kind {name}"))?;
        if value["apiVersion"] != format!("{GROUP}/{VERSION}").as_str() {
            return Err(format!("apiVersion {}", value["apiVersion"]));
        }
        let metadata = &value["metadata"];
        let name = metadata["name"]
            .as_str()
            .ok_or("object without metadata.name")?;
        if !is_dns_1123(name) {
            return Err(format!(
                "{name} is not a DNS-1123 subdomain of at most 253 characters"
            ));
        }
        if metadata["annotations"]["kustomize.toolkit.fluxcd.io/substitute"] != "disabled" {
            return Err(format!("{name} leaves Flux's substitution on"));
        }
        let annotations = metadata["annotations"]
            .as_object()
            .into_iter()
            .chain(metadata["labels"].as_object());
        if let Some((key, _)) = annotations.flatten().find(|(_, v)| !v.is_string()) {
            return Err(format!("{name}: the value of {key} is not text"));
        }
        let spec = value["spec"].as_object().ok_or("object without spec")?;
        match self.entries.insert((kind.kind, name), Entry { kind, spec }) {
            Some(_) => Err(format!("two objects {} {name}", kind.kind)),
            None => Ok(()),
        }
    }

    /// ARM type and name, service included.
    fn full_name(&self, key: (&str, &str), entry: &Entry<'a>) -> Res<(String, String)> {
        let type_ = format!("{SERVICE_TYPE}/{}", entry.kind.type_);
        let own = match entry.spec.get("azureName") {
            _ if !entry.kind.named => "policy",
            None => key.1,
            Some(name) => name.as_str().ok_or("azureName is not text")?,
        };
        let owner = entry
            .spec
            .get("owner")
            .and_then(Value::as_object)
            .ok_or("no owner")?;
        let parent = match (
            owner.get("name").and_then(Value::as_str),
            owner.get("armId").and_then(Value::as_str),
        ) {
            (Some(_), None) if entry.kind.owner == "Service" => SERVICE.to_owned(),
            (Some(name), None) => {
                let key = (entry.kind.owner, name);
                let owner = self
                    .entries
                    .get(&key)
                    .ok_or_else(|| format!("no {} named {name}", key.0))?;
                self.full_name(key, owner)?.1
            }
            (None, Some(arm_id)) => {
                let (owner_type, name) =
                    parse_arm_id(arm_id).ok_or_else(|| format!("owner {arm_id}"))?;
                if type_.rsplit_once('/').map(|(t, _)| t) != Some(&owner_type) {
                    return Err(format!("a {owner_type} cannot own a {type_}"));
                }
                name
            }
            _ => return Err("owner has to have either name or armId".into()),
        };
        let name = format!("{parent}/{own}");
        reference(&type_, &name)?;
        Ok((type_, name))
    }

    /// What names the service: the owner's name or ARM id.
    fn service(&self, entry: &Entry<'a>) -> Option<&'a str> {
        let owner = entry.spec.get("owner")?;
        match (
            owner.get("armId").and_then(Value::as_str),
            owner.get("name").and_then(Value::as_str),
        ) {
            (Some(arm_id), _) => Some(service_of(arm_id)),
            (None, name) if entry.kind.owner == "Service" => name,
            _ => None,
        }
    }

    fn resource(&self, key: &(&str, &str), entry: &Entry<'a>) -> Res<ReadResource> {
        let (type_, name) = self.full_name(*key, entry)?;
        let mut deps = BTreeSet::new();
        if entry.kind.owner != "Service"
            && let Some(owner) = entry.spec["owner"]["name"].as_str()
        {
            let key = (entry.kind.owner, owner);
            let owner = self.full_name(key, &self.entries[&key])?;
            deps.insert(id(&owner.0, &local_name(&owner.0, &owner.1)?));
        }
        let mut spec = entry.spec.clone();
        spec.shift_remove("owner");
        spec.shift_remove("operatorSpec");
        if spec.shift_remove("azureName").is_some() && !entry.kind.named {
            return Err("this kind has no azureName".into());
        }
        let properties = self.properties(entry.kind.kind, "", &spec.into(), &mut deps)?;
        let name = local_name(&type_, &name)?;
        Ok(ReadResource {
            type_,
            name,
            properties,
            depends_on: deps,
            condition: None,
        })
    }

    /// Spec fields under their ARM names.
    fn properties(
        &self,
        kind: &str,
        path: &str,
        value: &Value,
        deps: &mut BTreeSet<String>,
    ) -> Res<Value> {
        match value {
            Value::Object(map) => {
                let mut out = Map::new();
                for (key, value) in map {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    let field = FIELDS.iter().find(|f| f.0 == kind && f.1 == path);
                    let (key, value) = match field {
                        Some((_, _, arm, form)) => (
                            (*arm).to_owned(),
                            self.field(*form, value, deps)
                                .map_err(|e| format!("{path}: {e}"))?,
                        ),
                        None => (key.clone(), self.properties(kind, &path, value, deps)?),
                    };
                    if out.insert(key.clone(), value).is_some() {
                        return Err(format!("{path} and another field are both {key}"));
                    }
                }
                Ok(out.into())
            }
            Value::Array(items) => {
                let path = format!("{path}[]");
                items
                    .iter()
                    .map(|i| self.properties(kind, &path, i, deps))
                    .collect::<Res<Vec<_>>>()
                    .map(Value::Array)
            }
            other => Ok(other.clone()),
        }
    }

    fn field(&self, form: Form, value: &Value, deps: &mut BTreeSet<String>) -> Res<Value> {
        let map = value.as_object().ok_or("not an object")?;
        let text = |key: &str| {
            map.get(key)
                .and_then(Value::as_str)
                .ok_or_else(|| format!("no {key}"))
        };
        let count = |n: usize| {
            if map.len() == n {
                Ok(())
            } else {
                Err(format!("unexpected fields in {value}"))
            }
        };
        Ok(match form {
            Form::Secret => {
                count(2)?;
                format!("secret:{}/{}", text("name")?, text("key")?).into()
            }
            Form::ConfigMap => {
                count(2)?;
                format!("configmap:{}/{}", text("name")?, text("key")?).into()
            }
            Form::SecretMap => {
                count(1)?;
                format!("secretmap:{}", text("name")?).into()
            }
            Form::Reference if map.contains_key("armId") => {
                count(1)?;
                self.arm_id(text("armId")?)?.into()
            }
            Form::Reference => {
                count(3)?;
                let (group, kind, name) = (text("group")?, text("kind")?, text("name")?);
                if group != GROUP {
                    return Ok(format!("ref:{group}/{kind}|{name}").into());
                }
                let entry = self
                    .entries
                    .get(&(kind, name))
                    .ok_or_else(|| format!("there is no {kind} {name}"))?;
                let (type_, name) = self.full_name((kind, name), entry)?;
                deps.insert(id(&type_, &local_name(&type_, &name)?));
                reference(&type_, &name)?.into()
            }
        })
    }

    /// The ARM id of something in the service is a reference, any other a literal.
    fn arm_id(&self, arm_id: &str) -> Res<String> {
        let own = self
            .entries
            .values()
            .filter_map(|e| e.spec.get("owner")?.get("armId")?.as_str())
            .any(|o| service_of(o).eq_ignore_ascii_case(service_of(arm_id)));
        match parse_arm_id(arm_id) {
            Some((type_, name)) if own => reference(&type_, &name),
            _ => Ok(arm_id.to_owned()),
        }
    }
}

/// The part of an ARM id that names the service, or all of it.
fn service_of(arm_id: &str) -> &str {
    let end = arm_id.find(SERVICE_TYPE).and_then(|at| {
        let name = at + SERVICE_TYPE.len() + 1;
        arm_id.get(name..)?.find('/').map(|length| name + length)
    });
    &arm_id[..end.unwrap_or(arm_id.len())]
}

/// Type and name of something in an API Management service, whatever the name
/// of the service is.
fn parse_arm_id(arm_id: &str) -> Option<(String, String)> {
    let (scope, rest) = arm_id.split_once("/providers/Microsoft.ApiManagement/service/")?;
    if !scope.starts_with("/subscriptions/") {
        return None;
    }
    let mut segments = rest.split('/');
    segments.next().filter(|s| !s.is_empty())?;
    let mut type_ = SERVICE_TYPE.to_owned();
    let mut name = SERVICE.to_owned();
    while let Some(segment) = segments.next() {
        type_ = format!("{type_}/{segment}");
        name = format!("{name}/{}", segments.next().filter(|s| !s.is_empty())?);
    }
    Some((type_, name))
}

fn is_dns_1123(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.split('.').all(|label| {
            let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let bytes = label.as_bytes();
            bytes.first().is_some_and(alnum)
                && bytes.last().is_some_and(alnum)
                && bytes.iter().all(|b| alnum(b) || *b == b'-')
        })
}
