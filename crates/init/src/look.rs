//! What a tree has, as discovery finds it.

use crate::Repository;
use crate::quote::remark;
use flux_apim_diag::tree::{ReadError, SourceTree, join};
use flux_apim_diag::{Findings, Registry, excerpt};
use flux_apim_discover as discover;
use flux_apim_model::kinds::{Kind, Role};
use std::collections::BTreeSet;

/// How many environments are looked at. Each costs a walk over the tree; more are named and
/// left to the reader.
pub const MAX_ENVIRONMENTS: usize = 20;

/// A way to lay out a project in folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layout {
    /// `named values/`, `policy fragments/`, `version sets/`.
    Toolkit,
    /// `namedValues/`, `policyFragments/`, `versionSets/`.
    Cli,
    /// What both have alike.
    Either,
    /// An API definition in a folder.
    Plain,
}

impl Layout {
    fn name(self) -> &'static str {
        match self {
            Self::Toolkit => "APIOps Toolkit",
            Self::Cli => "APIOps CLI",
            Self::Either => "APIOps",
            Self::Plain => "plain",
        }
    }
}

/// An environment of the project.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name, which `--env` takes.
    pub name: String,
    /// Its file, by its path in the tree.
    pub file: String,
    /// The service that it names.
    pub service: Option<String>,
}

/// What a tree has.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Folder of the project; empty for the top of the tree.
    pub root: String,
    /// How it is laid out.
    pub layouts: BTreeSet<Layout>,
    /// Its environments, by name.
    pub environments: Vec<Environment>,
    /// Names of environments that are no [`crate::word`], and of those past
    /// [`MAX_ENVIRONMENTS`].
    pub left_out: Vec<String>,
    /// APIs and resources in all.
    pub counted: (usize, usize),
    /// `flux-apim.yaml`, where there is one, by its path in the tree.
    pub config: Option<String>,
    /// The service that it names.
    pub service: Option<String>,
}

/// Looks at `tree`. `None` when discovery finds no project, or several; `findings` say which.
///
/// # Errors
/// When the world does not give a file that the tree lists.
pub fn look(
    tree: &SourceTree,
    options: &discover::Options,
    registry: Registry,
    findings: &mut Findings,
) -> Result<Option<Look>, ReadError> {
    let Some(project) = discover::discover(tree, options, registry, findings)? else {
        return Ok(None);
    };
    let mut look = Look {
        layouts: layouts(tree, &project),
        counted: (
            project
                .resources
                .keys()
                .filter(|key| key.kind == Kind::Api)
                .count(),
            project.resources.len(),
        ),
        config: project
            .config
            .file
            .map(|file| tree.path(file).as_str().to_owned()),
        service: project.config.service,
        root: project.root,
        ..Look::default()
    };
    for (name, file) in discover::environments(tree, &look.root) {
        let is_full = look.environments.len() == MAX_ENVIRONMENTS;
        if is_full || crate::word(&name).is_err() {
            look.left_out.push(name);
            continue;
        }
        let options = discover::Options {
            environment: Some(name.clone()),
            ..options.clone()
        };
        // What is wrong in an environment is for a check to say.
        let mut unheard = findings.part();
        let merged = discover::discover(tree, &options, registry, &mut unheard)?;
        look.environments.push(Environment {
            name,
            file: tree.path(file).as_str().to_owned(),
            service: merged.and_then(|project| project.service),
        });
    }
    Ok(Some(look))
}

/// By the folders and files that only one of the layouts has.
fn layouts(tree: &SourceTree, project: &discover::Project) -> BTreeSet<Layout> {
    let mut found = BTreeSet::new();
    let mut is_apiops = false;
    for resource in project.resources.values() {
        if resource.plain {
            found.insert(Layout::Plain);
        }
        for origin in &resource.origins {
            let path = tree.path(origin.span.file).as_str();
            let mut segments = path.split('/');
            let of = segments.find_map(|segment| match segment {
                "named values" | "policy fragments" | "version sets" => Some(Layout::Toolkit),
                "namedValues" | "policyFragments" | "versionSets" => Some(Layout::Cli),
                _ => None,
            });
            found.extend(of);
            is_apiops |= origin.role == Role::Information;
        }
    }
    if is_apiops && !found.iter().any(|layout| *layout != Layout::Plain) {
        found.insert(Layout::Either);
    }
    found
}

impl Look {
    /// The project in words: `apimartifacts`, or the top of the repository.
    pub(crate) fn place(&self, repository: &Repository) -> String {
        match join(&repository.source, &self.root).as_str() {
            "" => "the top of the repository".to_owned(),
            root => format!("`{}`", remark(root, 120)),
        }
    }

    pub(crate) fn layout(&self) -> String {
        let names: Vec<&str> = self.layouts.iter().map(|layout| layout.name()).collect();
        names.join(" and ")
    }

    /// What was found, for people.
    pub(crate) fn found(&self, repository: &Repository) -> Vec<(&'static str, String)> {
        let (apis, resources) = self.counted;
        let mut lines = vec![
            ("project", self.place(repository)),
            ("layout", self.layout()),
            ("resources", format!("{resources}, {apis} of them APIs")),
        ];
        for environment in &self.environments {
            let service = match &environment.service {
                Some(service) => format!(", service {}", excerpt(service, 60)),
                None => String::new(),
            };
            let file = excerpt(&environment.file, 120);
            let line = format!("{} ({file}{service})", environment.name);
            lines.push(("environment", line));
        }
        for name in self.left_out.iter().take(MAX_ENVIRONMENTS) {
            lines.push(("left out", format!("environment {}", excerpt(name, 60))));
        }
        if let Some(config) = &self.config {
            lines.push((
                "settings",
                format!("{} is there and stays as it is", excerpt(config, 120)),
            ));
        }
        lines
    }
}
