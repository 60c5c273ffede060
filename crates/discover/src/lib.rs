//! From files to resources: the layouts, the project root, environment
//! overrides.

mod collect;
mod config;
mod environment;
mod ignored;
mod overrides;
mod plain;
mod root;
pub mod rules;
mod schema;

pub use config::{PlainApi, PlainApis, ProjectConfig, elsewhere};
pub use ignored::without_ignored;
pub use plain::{is_candidate, mentions_version};
pub use schema::schema;

use flux_apim_diag::tree::{FileId, Limits, ReadError, SourceTree, join};
use flux_apim_diag::{Findings, Registry};
use flux_apim_model::{Affix, Key, Resource};
use rules::{no_project, several_projects};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of discovery.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folder that the search is narrowed to.
    pub path: Option<String>,
    /// Environment: `configuration.<env>.yaml`.
    pub environment: Option<String>,
    /// An environment file by its path in the tree, instead of by name.
    pub config: Option<String>,
    /// Only this API definition.
    pub only: Option<FileId>,
    /// Caps on the input.
    pub limits: Limits,
}

/// The APIM configuration of a tree.
#[derive(Debug, Default)]
pub struct Project {
    /// Folder of the project; empty for the top of the tree.
    pub root: String,
    /// Every resource.
    pub resources: BTreeMap<Key, Resource>,
    /// `flux-apim.yaml`.
    pub config: ProjectConfig,
    /// The environment file, when one was merged.
    pub environment_file: Option<FileId>,
    /// `apimServiceName` of the environment file.
    pub service: Option<String>,
    /// What names get in an environment that shares its service.
    pub affix: Option<Affix>,
    /// Display names of named values in lower case, as they were before that.
    pub named_values: BTreeSet<String>,
    /// Whether a list says which APIs are on the gateway that is built into the service.
    pub lists_built_in_gateway: bool,
    /// Files below the root that no layout knows. Definitions may still refer
    /// to them.
    pub unclaimed: BTreeSet<FileId>,
}

/// Finds the project in `tree`. Its configuration names rules of `registry`.
///
/// # Errors
/// When the world does not give a file that the tree lists.
pub fn discover(
    tree: &SourceTree,
    options: &Options,
    registry: Registry,
    findings: &mut Findings,
) -> Result<Option<Project>, ReadError> {
    let mut project = Project::default();
    if let Some(file) = options.only {
        tree.path(file).parent().clone_into(&mut project.root);
        plain::single(tree, file, &mut project, findings)?;
        return Ok(Some(project));
    }
    let within = options.path.as_deref().unwrap_or("");
    let roots = roots(tree, within);
    project.root = match roots.as_slice() {
        [] => within.to_owned(),
        [root] => root.clone(),
        several => {
            let (count, shown) = (several.len(), shown(several));
            findings.push(several_projects::found(count, &shown, &several[0]));
            return Ok(None);
        }
    };
    config::load(tree, options, registry, &mut project, findings)?;
    if let Some((file, folder)) = root::of_first_versions(tree, &project.root, findings) {
        findings.push(no_project::of_first_versions(file, folder));
        return Ok(None);
    }
    collect::collect(tree, options, &mut project, findings)?;
    plain::collect(tree, &mut project, findings)?;
    if project.resources.is_empty() {
        findings.push(no_project::found(&project.root));
        return Ok(None);
    }
    collect::report_incomplete(tree, &project, findings);
    overrides::apply(tree, options, &mut project, findings)?;
    collect::choose_definitions(tree, &mut project);
    if let Some(affix) = project.affix.clone() {
        environment::apply(&mut project, &affix);
    }
    Ok(Some(project))
}

/// The folders below `within` (empty for all) that hold files of APIOps: the roots of
/// projects. A project of plain definitions alone has none.
pub fn roots(tree: &SourceTree, within: &str) -> Vec<String> {
    root::candidates(tree, within)
}

/// Roots that are named where there are several.
const SHOWN: usize = 10;

fn shown(roots: &[String]) -> String {
    let mut names: Vec<String> = roots
        .iter()
        .take(SHOWN)
        .map(|root| {
            if root.is_empty() {
                "`.`".into()
            } else {
                format!("`{root}`")
            }
        })
        .collect();
    if let Some(more) = roots.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

/// The environments of the project in `root` by name, each with its file: what
/// [`Options::environment`] takes.
pub fn environments(tree: &SourceTree, root: &str) -> BTreeMap<String, FileId> {
    let parent = root.rsplit_once('/').map_or("", |(parent, _)| parent);
    let names = tree.files().filter_map(|(_, path)| {
        let here = path.parent() == root || path.parent() == parent;
        let name = path.name().strip_prefix("configuration.")?;
        let name = name
            .strip_suffix(".yaml")
            .or_else(|| name.strip_suffix(".yml"))?;
        (here && name != "extractor").then_some(name)
    });
    let names = names.filter_map(|name| {
        let file = environment_file(tree, root, name)?;
        Some((name.to_owned(), file))
    });
    names.collect()
}

/// The environment file `configuration.<env>.yaml`: in the root, then in its
/// parent folder.
fn environment_file(tree: &SourceTree, root: &str, environment: &str) -> Option<FileId> {
    let parent = root.rsplit_once('/').map_or("", |(parent, _)| parent);
    [root, parent].iter().find_map(|folder| {
        ["yaml", "yml"]
            .iter()
            .find_map(|ext| tree.find(&join(folder, &format!("configuration.{environment}.{ext}"))))
    })
}
