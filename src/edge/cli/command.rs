//! The commands.

use super::options::{Render, ResultFormat, Validate};
use clap::{Parser, Subcommand};

/// Renders Azure API Management configuration kept in Git into validated,
/// digest-pinned ARM, Bicep and Azure Service Operator bundles.
///
/// Exit status: 0 done, 1 findings at error level, 2 the tool could not do its
/// work.
#[derive(Debug, Parser)]
#[command(name = "flux-apim", version, long_version = super::version::line(), max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Only errors.
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Say on standard error what is done; twice: every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    #[command(flatten)]
    pub(super) color: colorchoice_clap::Color,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Render a source into a bundle.
    Render(Render),
    /// Check a source without rendering it.
    Validate(Validate),
    /// Write the settings, the CI workflow and the hooks that a repository starts with.
    Init(super::init::Init),
    /// What changes between two sources.
    Diff(super::diff::Diff),
    /// Serve previews over HTTP.
    #[cfg(feature = "server")]
    Serve(Box<super::serve::Serve>),
    /// Publish a source, or a bundle, to a registry: signed, attested, pinned.
    #[cfg(feature = "publish")]
    Publish(Box<super::publish::Publish>),
    /// Copy a bundle to another registry, with its signatures, attestations and module.
    #[cfg(feature = "publish")]
    Copy(Box<super::copy::Copy>),
    /// Point more tags to a bundle.
    #[cfg(feature = "publish")]
    Tag(super::tag::Tag),
    /// Remove old bundles from a repository.
    #[cfg(feature = "publish")]
    Prune(super::prune::Prune),
    /// Fetch a bundle and verify it.
    #[cfg(feature = "publish")]
    Pull(super::pull::Pull),
    /// What a registry holds of a bundle.
    #[cfg(feature = "publish")]
    Inspect(super::inspect::Inspect),
    /// Verify a bundle: digests, inventory, signatures, provenance.
    #[cfg(feature = "publish")]
    Verify(super::verify::Verify),
    /// The bundles of a repository, and what changed between them.
    #[cfg(feature = "publish")]
    History(super::history::HistoryArgs),
    /// Point a tag back to a bundle that was published before.
    #[cfg(feature = "publish")]
    Rollback(super::rollback::Rollback),
    /// What deploying a bundle would do to a service of API Management; writes nothing.
    #[cfg(feature = "publish")]
    Plan(Box<super::deploy::PlanArgs>),
    /// Deploy a bundle to a service of API Management: only what differs.
    #[cfg(feature = "publish")]
    Deploy(Box<super::deploy::DeployArgs>),
    /// Delete what deployments of a bundle's owner made.
    #[cfg(feature = "publish")]
    Destroy(Box<super::deploy::DestroyArgs>),
    /// The identities that publishing and deploying a bundle need, each with what it needs.
    #[cfg(feature = "publish")]
    Identity(Box<super::identity::IdentityArgs>),
    /// What deploying a bundle would stumble over: bundle, identity, service, permissions.
    #[cfg(feature = "publish")]
    Doctor(Box<super::doctor::DoctorArgs>),
    /// Make a key pair to sign with, as cosign does.
    #[cfg(feature = "publish")]
    Keygen(super::keygen::Keygen),
    /// What a rule finds and how to fix it; without CODE, all rules.
    Explain {
        /// Code (`APIM1003`) or name of a rule.
        code: Option<String>,
        /// How the answer is shown.
        #[arg(long, value_enum, default_value = "human")]
        format: ResultFormat,
    },
    /// About the policies of a source.
    #[command(subcommand)]
    Policy(super::effective::Policy),
    /// Serve an editor: the Language Server Protocol over standard input and output.
    Lsp(super::lsp::Lsp),
    /// The JSON Schema of flux-apim.yaml, for editors.
    Schema,
    /// Watch ApimBundles in a cluster; render and publish what they name.
    #[cfg(feature = "controller")]
    Controller(super::controller::Controller),
    /// The definition of the Kubernetes API, as YAML.
    #[cfg(feature = "controller")]
    Crds,
    /// Which build this is: version, commit, features.
    Version(super::version::Version),
    /// Completions for a shell.
    Completions {
        /// The shell.
        shell: super::completions::Shell,
    },
}

/// What a build may be without: in words, by the feature, whether it is there, its commands.
const PARTS: [(&str, &str, bool, &[&str]); 3] = [
    (
        "registries",
        "publish",
        cfg!(feature = "publish"),
        &[
            "publish", "copy", "tag", "prune", "pull", "inspect", "verify", "history", "rollback",
            "keygen",
        ],
    ),
    (
        "the service",
        "server",
        cfg!(feature = "server"),
        &["serve"],
    ),
    (
        "the controller",
        "controller",
        cfg!(feature = "controller"),
        &["controller", "crds"],
    ),
];

/// Why there is no command `name`, when it is this build that lacks it.
pub(super) fn lacking(name: &str) -> Option<String> {
    let (part, feature, ..) = PARTS
        .iter()
        .find(|(_, _, present, commands)| !present && commands.contains(&name))?;
    Some(format!(
        "`{name}` is not in this build, which was made without {part}: build it with the feature \
         `{feature}` (`cargo build --features cli,{feature}`), or take a released one, which has \
         everything"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    #[test]
    fn what_a_build_lacks_is_told_by_name() {
        let there = Cli::command();
        let there: BTreeSet<&str> = there
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        for (part, _, present, commands) in PARTS {
            for name in commands {
                assert_eq!(there.contains(name), present, "{name}");
                let text = lacking(name);
                assert_eq!(text.is_some(), !present, "{name}");
                assert!(text.is_none_or(|text| text.contains(part)), "{name}");
            }
        }
        assert_eq!(lacking("verfy"), None);
    }
}
