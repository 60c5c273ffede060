//! Files that nothing reads, although they are called as a resource is or hold the text of
//! one: nothing of them would be deployed.

use crate::rules::unread_resource;
use flux_apim_diag::tree::{FileId, ReadError, SourceTree, relative_to};
use flux_apim_diag::{Diagnostic, Findings};
use flux_apim_discover::{self as discover, Project};
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use flux_apim_policy as policy;
use std::collections::{BTreeMap, BTreeSet};

/// Steps of holding a name against those that are read.
const STEPS: u64 = 5;
/// A policy says what it is at its beginning, behind comments perhaps.
const BEGINNING: usize = 16 << 10;

/// Says so of the unclaimed files of `project` that no definition of those in `used` refers
/// to, and takes them out of the list of unclaimed files.
pub(super) fn find(
    tree: &SourceTree,
    project: &mut Project,
    used: &BTreeSet<FileId>,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let names = Names::new();
    let meter = findings.budget().meter();
    let mut said = Vec::new();
    for &file in project.unclaimed.difference(used) {
        meter.spend(STEPS, file);
        let path = tree.path(file);
        let name = path.name();
        let finding = match names.meant(name) {
            Some(meant) if meant != name => Some(unread_resource::cased(file, path, &meant)),
            Some(_) => Some(unread_resource::misplaced(file, path)),
            None => by_content(tree, project, file, findings)?,
        };
        said.extend(finding.map(|finding| (file, finding)));
    }
    for (file, finding) in said {
        project.unclaimed.remove(&file);
        findings.push(finding);
    }
    Ok(())
}

fn by_content(
    tree: &SourceTree,
    project: &Project,
    file: FileId,
    findings: &Findings,
) -> Result<Option<Diagnostic>, ReadError> {
    let path = tree.path(file);
    let meter = findings.budget().meter();
    let is_xml = path.name().to_ascii_lowercase().ends_with(".xml");
    if is_xml {
        meter.spend(1 + tree.size(file) / 1024, file);
        let bytes = tree.read(file)?;
        let start = &bytes[..bytes.len().min(BEGINNING)];
        let root = policy::sniff(&String::from_utf8_lossy(start));
        return Ok(root.map(|root| unread_resource::policy(file, path, root)));
    }
    if !discover::is_candidate(path.name()) {
        return Ok(None);
    }
    let folder = relative_to(path.parent(), &project.root).unwrap_or("");
    let Some(api) = folder
        .strip_prefix("apis/")
        .filter(|api| !api.contains('/'))
    else {
        return Ok(None);
    };
    let api = project.resources.get(&Key::new(None, Kind::Api, &[api]));
    let Some(api) = api.filter(|api| api.definition.is_none()) else {
        return Ok(None);
    };
    meter.spend(1 + tree.size(file) / 64, file);
    let is_definition = discover::mentions_version(&tree.read(file)?);
    Ok(is_definition.then(|| unread_resource::definition(file, path, &api.key)))
}

/// Names of files that layouts read wherever the resource stands, in lower case and without
/// the ending: `apiinformation`.
struct Names(BTreeMap<String, &'static str>);

impl Names {
    fn new() -> Self {
        let files = Kind::files().iter();
        let all = files.flat_map(|file| file.pattern.file_names());
        let information = all.filter_map(|name| {
            let stem = name.strip_suffix(".json")?;
            stem.ends_with("Information")
                .then(|| (stem.to_ascii_lowercase(), *name))
        });
        Self(information.collect())
    }

    /// The name that `name` is meant to be: the same but for case and ending, or itself.
    fn meant(&self, name: &str) -> Option<String> {
        let folded = name.to_ascii_lowercase();
        let (stem, ending) = folded.rsplit_once('.')?;
        if !matches!(ending, "json" | "yaml" | "yml") {
            return None;
        }
        if let Some(known) = self.0.get(stem) {
            return Some((*known).to_owned());
        }
        let is_config = stem.replace('_', "-") == "flux-apim";
        if is_config && ending != "json" {
            return Some("flux-apim.yaml".to_owned());
        }
        // Of what is called so in lower case, the place decides.
        let is_environment = stem.starts_with("configuration.") && ending != "json";
        (is_environment && folded != name).then_some(folded)
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn a_name_is_known_in_another_case_or_with_another_ending() {
        let names = Names::new();
        for (name, meant) in [
            ("apiInformation.json", Some("apiInformation.json")),
            ("apiinformation.json", Some("apiInformation.json")),
            ("productInformation.yml", Some("productInformation.json")),
            ("Configuration.prod.yaml", Some("configuration.prod.yaml")),
            ("configuration.prod.yaml", None),
            ("flux_apim.yml", Some("flux-apim.yaml")),
            ("apiInformation.json.bak", None),
            ("information.json", None),
            ("README.md", None),
        ] {
            assert_eq!(names.meant(name).as_deref(), meant, "{name}");
        }
    }
}
