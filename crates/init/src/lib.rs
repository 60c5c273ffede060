//! The files that a repository with API Management configuration starts with: made of what
//! discovery finds, as a value. Whoever calls writes them.

mod delivery;
mod look;
mod quote;
mod settings;
mod workflow;

pub use delivery::{Chain, NoChain, Remote};
pub use look::{Environment, Layout, Look, MAX_ENVIRONMENTS, look};
pub use quote::{Unsafe, word};
pub use workflow::Forge;

use flux_apim_diag::Prerequisite;
use std::collections::BTreeSet;

/// The repository around the tree.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// Folder of the tree below the top of the repository; empty for the top itself. A
    /// [`word`].
    pub source: String,
    /// Files and folders at the top of the repository.
    pub top: BTreeSet<String>,
    /// The branch that is released from.
    pub branch: String,
    /// The forges whose workflows are written.
    pub forges: BTreeSet<Forge>,
}

/// The program that the files name.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its version, as `0.1.0`.
    pub version: &'static str,
    /// The commit that it was built from, in full, where that is known.
    pub commit: Option<&'static str>,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its place below the top of the repository.
    pub path: String,
    /// All of it; or, where it `adds`, the lines that a file that is there gets unless it has
    /// them.
    pub text: String,
    /// Whether its lines are added to a file that is there. Other files are never changed.
    pub adds: bool,
}

/// What is to be written, and what to say of it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The files, in the order in which they are told.
    pub files: Vec<File>,
    /// What was found, a line each: what it is, and which.
    pub found: Vec<(&'static str, String)>,
    /// What to do next, a line each.
    pub next: Vec<String>,
}

/// What to write for `look` in `repository`. `needs` is what checks of the tree found that the
/// service must have and the tree does not bring.
pub fn plan(
    look: &Look,
    needs: &[Prerequisite],
    repository: &Repository,
    program: Program,
    chain: Option<&Chain>,
) -> Plan {
    let mut plan = Plan {
        found: look.found(repository),
        ..Plan::default()
    };
    let commands = workflow::Commands::new(look, repository);
    if let Some(file) = settings::file(look, needs, repository) {
        plan.files.push(file);
    }
    for &forge in &repository.forges {
        let (file, next) = workflow::file(forge, &commands, repository, program);
        plan.files.push(file);
        plan.next.extend(next);
    }
    if repository.forges.is_empty() {
        plan.next.push(
            "nothing here says which forge runs CI: `--ci github`, `azure` or `gitlab` writes \
             its workflow"
                .to_owned(),
        );
    }
    let hook = workflow::pre_commit(&commands, repository, program);
    if repository.top.contains(&hook.path) {
        plan.next.push(format!(
            "{} is there and stays as it is; to check before each commit, add under `repos:`\n{}",
            hook.path,
            workflow::hook(&commands, repository, program)
        ));
    } else {
        plan.files.push(hook);
    }
    plan.files.push(File {
        path: ".gitignore".to_owned(),
        text: "/bundle/\n".to_owned(),
        adds: true,
    });
    if let Some(chain) = chain {
        let (files, next) = delivery::files(chain, look, repository);
        plan.files.extend(files);
        plan.next.extend(next);
    }
    plan.next.push(format!(
        "`{}` says what CI will say",
        commands.validate.first().map_or("", String::as_str)
    ));
    plan
}

#[cfg(test)]
mod tests;
