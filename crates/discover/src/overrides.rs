//! `configuration.<env>.yaml`: properties merged over those of the tree.

use super::collect::is_extractor_filter;
use super::config::{malformed, read_yaml};
use super::rules::{
    ignored_override, no_environment, protected_override, service_token, unmatched_override,
};
use super::{Options, Project, environment, environment_file, environments};
use flux_apim_diag::tree::{FileId, ReadError, SourceTree, join};
use flux_apim_diag::{Diagnostic, Findings, Meter, Place, nearest};
use flux_apim_model::kinds::{Kind, Role};
use flux_apim_model::{InWorkspace, Key, Origin};
use flux_apim_syntax::{Data, Entry, Value};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Steps of an override beside its values.
const STEPS: u64 = 50;

/// Merges the environment that `options` asks for.
pub(super) fn apply(
    tree: &SourceTree,
    options: &Options,
    project: &mut Project,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let file = match (&options.config, &options.environment) {
        (Some(path), _) => tree.find(path),
        (None, Some(environment)) => environment_file(tree, &project.root, environment),
        (None, None) => return Ok(()),
    };
    let Some(file) = file else {
        findings.push(environment_missing(tree, options, project));
        return Ok(());
    };
    if is_extractor_filter(tree.path(file).name()) {
        findings.push(no_environment::extractor(file));
        return Ok(());
    }
    let Some(value) = read_yaml(tree, file, options, findings)? else {
        return Ok(());
    };
    project.environment_file = Some(file);
    let mut merge = Merge {
        project,
        parents: None,
        meter: findings.budget().meter(),
        file,
        findings,
    };
    match &value.data {
        Data::Object(_) => merge.level(None, None, &value),
        Data::Null => {}
        _ => merge
            .findings
            .push(malformed(file, &value, "an environment file is a mapping")),
    }
    Ok(())
}

fn environment_missing(tree: &SourceTree, options: &Options, project: &Project) -> Diagnostic {
    let asked = options.environment.as_deref().unwrap_or("");
    let expected = match &options.config {
        Some(path) => path.clone(),
        None => join(&project.root, &format!("configuration.{asked}.yaml")),
    };
    let known = environments(tree, &project.root);
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    no_environment::found(&expected, asked, &known)
}

struct Merge<'a> {
    project: &'a mut Project,
    /// What has children.
    parents: Option<BTreeSet<Key>>,
    meter: Meter,
    file: FileId,
    findings: &'a mut Findings,
}

/// Keys of an entry that are no section.
const OWN_KEYS: [&str; 2] = ["name", "properties"];

impl Merge<'_> {
    /// The sections of one mapping: the whole file (`parent` none), a
    /// workspace, or an entry with children.
    fn level(&mut self, workspace: Option<&str>, parent: Option<&Key>, value: &Value) {
        for entry in value.entries() {
            if parent.is_none() && workspace.is_none() && entry.key == "apimServiceName" {
                self.service(&entry.value);
                continue;
            }
            let nested = parent.is_some() || workspace.is_some();
            if !nested && entry.key == "environment" {
                self.project.affix = environment::read(self.file, &entry.value, self.findings);
                continue;
            }
            if nested && OWN_KEYS.contains(&entry.key.as_str()) {
                continue;
            }
            let section = Kind::sections(parent.map(|key| key.kind)).find(|(kind, section)| {
                *section == entry.key
                    && (workspace.is_none() || kind.row().workspace != InWorkspace::Absent)
            });
            let Some((kind, _)) = section else {
                let place = entry.key_span.map_or(self.file.into(), Into::into);
                self.ignored(parent, nested, place, entry);
                continue;
            };
            match &entry.value.data {
                Data::Array(items) => {
                    for item in items {
                        self.item(workspace, parent, kind, item);
                    }
                }
                Data::Null => {}
                _ => self.findings.push(
                    malformed(
                        self.file,
                        &entry.value,
                        &format!("`{}` must be a list", entry.key),
                    )
                    .help("write `- name: ...` items"),
                ),
            }
        }
    }

    /// `apimServiceName`, unless a step of some pipeline was to write it.
    fn service(&mut self, value: &Value) {
        let Some(name) = value.as_str() else { return };
        let is_token = ["$(", "${", "{#", "{{", "#{"]
            .iter()
            .any(|start| name.contains(start));
        if is_token {
            let place = value.span.map_or(self.file.into(), Place::from);
            self.findings.push(service_token::found(place, name));
        } else {
            self.project.service = Some(name.to_owned());
        }
    }

    /// A key that is no section: the publishers ignore it.
    fn ignored(&mut self, parent: Option<&Key>, nested: bool, place: Place, entry: &Entry) {
        let key = entry.key.as_str();
        let known: Vec<&str> = Kind::sections(parent.map(|key| key.kind))
            .map(|(_, section)| section)
            .collect();
        let near = self.findings.hint(|| nearest(key, known.iter().copied()));
        let is_filter = ["Names", "names"].iter().any(|end| key.ends_with(end));
        self.findings.push(match near {
            None if nested && parent.is_some() => ignored_override::property(place, key),
            None if is_filter => ignored_override::filter(place, key),
            near => ignored_override::section(place, key, near, &known),
        });
    }

    fn item(&mut self, workspace: Option<&str>, parent: Option<&Key>, kind: Kind, item: &Value) {
        self.meter
            .spend(STEPS, item.span.map_or(self.file.into(), Place::from));
        let name = match item.get("name") {
            Some(Value {
                data: Data::String(name) | Data::Number(name),
                ..
            }) => name.as_str(),
            name => {
                let span = name.and_then(|name| name.span).or(item.span);
                let place = span.map_or(self.file.into(), Place::from);
                self.findings.push(match name.map(|name| &name.data) {
                    Some(Data::Array(_)) => ignored_override::name_of_other_type(place, true),
                    Some(Data::Object(_)) => ignored_override::name_of_other_type(place, false),
                    _ => ignored_override::nameless(place),
                });
                return;
            }
        };
        let mut names: Vec<&str> = parent
            .map(|parent| parent.names.iter().map(String::as_str).collect())
            .unwrap_or_default();
        if kind.row().singleton.is_none() {
            names.push(name);
        }
        let key = Key::new(workspace, kind, &names);
        if let Some(properties) = item.get("properties") {
            self.properties(&key, item, properties);
        } else if !self.exists(&key) {
            self.unmatched(&key, item);
            return;
        }
        if kind == Kind::Workspace {
            self.level(Some(name), None, item);
        } else {
            self.level(workspace, Some(&key), item);
        }
    }

    fn exists(&mut self, key: &Key) -> bool {
        // Overrides add no resource: who has children is asked for once.
        let parents = self.parents.get_or_insert_with(|| {
            let keys = self.project.resources.keys();
            keys.filter_map(Key::parent).collect()
        });
        self.project.resources.contains_key(key) || parents.contains(key)
    }

    fn properties(&mut self, key: &Key, item: &Value, properties: &Value) {
        if !properties.is_object() {
            if properties.data != Data::Null {
                let finding = malformed(self.file, properties, "`properties` must be a mapping");
                self.findings.push(finding);
            }
            return;
        }
        let Some(resource) = self.project.resources.get_mut(key) else {
            self.unmatched(key, item);
            return;
        };
        let protected = protect(key, properties, self.findings);
        merge(&mut resource.properties, &protected, &self.meter);
        if let Some(span) = item.span {
            resource.origins.push(Origin {
                span,
                role: Role::Override,
            });
        }
    }

    fn unmatched(&mut self, key: &Key, item: &Value) {
        let place = item.get("name").and_then(|name| name.span);
        let near = self.findings.hint(|| {
            let parent = key.parent();
            // In the order of keys they stand together, the shortest first.
            let mut first = key.clone();
            first.names.pop();
            let known = self.project.resources.range(first..).map(|(key, _)| key);
            let siblings =
                known.take_while(|other| other.kind == key.kind && other.parent() == parent);
            nearest(key.name(), siblings.map(Key::name))
        });
        let place = place.map_or(self.file.into(), Place::from);
        self.findings
            .push(unmatched_override::found(place, key, near));
    }
}

/// `properties` without what belongs to the tree: which revision is current.
fn protect(key: &Key, properties: &Value, findings: &mut Findings) -> Value {
    let mut kept = properties.clone();
    if key.kind != Kind::Api {
        return kept;
    }
    for word in ["apiRevision", "isCurrent"] {
        let place = properties.entry(word).and_then(|entry| entry.key_span);
        if kept.remove(word).is_some() {
            let place = place.map_or(Place::Source, Place::from);
            findings.push(protected_override::found(place, word, key.name()));
        }
    }
    kept
}

/// More entries than these are found by their keys, not one by one.
const FEW: usize = 8;

/// Objects are merged, everything else is replaced.
fn merge(base: &mut Value, over: &Value, meter: &Meter) {
    meter.spend(1, over.span.map_or(Place::Source, Place::from));
    let (Data::Object(entries), Data::Object(over)) = (&mut base.data, &over.data) else {
        *base = over.clone();
        return;
    };
    let first = |entries: &[Entry], key: &str| entries.iter().position(|entry| entry.key == key);
    let mut index: Option<HashMap<&str, usize>> = (over.len() > FEW).then(HashMap::new);
    if let Some(index) = &mut index {
        let wanted: HashSet<&str> = over.iter().map(|entry| entry.key.as_str()).collect();
        for (at, entry) in entries.iter().enumerate() {
            if let Some(key) = wanted.get(entry.key.as_str()) {
                index.entry(key).or_insert(at);
            }
        }
    }
    meter.spend(entries.len() as u64, Place::Source);
    for entry in over {
        let at = match &index {
            Some(index) => index.get(entry.key.as_str()).copied(),
            None => first(entries, &entry.key),
        };
        match at {
            Some(at) => merge(&mut entries[at].value, &entry.value, meter),
            None => {
                if let Some(index) = &mut index {
                    index.insert(&entry.key, entries.len());
                }
                entries.push(entry.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flux_apim_diag::Budget;

    #[test]
    fn merging_takes_what_both_sides_have() {
        let spent = |n: usize| {
            let mut base = Value::empty_object();
            let entries = (0..n).map(|i| Entry {
                key: format!("k{i}"),
                key_span: None,
                value: "base".into(),
            });
            base.data = Data::Object(entries.collect());
            let mut over = base.clone();
            if let Data::Object(entries) = &mut over.data {
                entries.reverse();
                entries
                    .iter_mut()
                    .for_each(|entry| entry.value = "over".into());
                entries.push(Entry {
                    key: "new".to_owned(),
                    key_span: None,
                    value: "over".into(),
                });
            }
            let budget = Budget::default();
            merge(&mut base, &over, &budget.meter());
            assert_eq!(base.entries().len(), n + 1);
            assert!(
                base.entries()
                    .iter()
                    .all(|e| e.value.as_str() == Some("over"))
            );
            assert_eq!(base.entries()[0].key, "k0");
            budget.spent()
        };
        assert!(spent(20_000) <= spent(10_000) * 23 / 10);
    }
}
