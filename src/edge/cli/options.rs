//! Flags that several commands take.

use crate::bundle::Source;
use crate::render::Target;
use crate::tree::{Digest, Limit, Limits};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What every command that reads a source takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Directory, .tar.gz, `-` (tar.gz on stdin), http(s) URL with --digest,
    /// oci://REPOSITORY:TAG, oci-layout:DIR[:TAG], flux:KIND/NAMESPACE/NAME (a
    /// source object in the current kube context), or one OpenAPI document.
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    pub(super) source: String,
    #[command(flatten)]
    pub(super) flags: SourceFlags,
}

impl std::ops::Deref for Common {
    type Target = SourceFlags;

    fn deref(&self) -> &SourceFlags {
        &self.flags
    }
}

/// How a source is read, whichever it is.
#[derive(Debug, Clone, Args)]
pub(super) struct SourceFlags {
    /// Narrow the source to a subfolder.
    #[arg(long, value_name = "DIR", value_parser = folder)]
    pub(super) path: Option<String>,
    /// Merge `configuration.ENV.yaml`.
    #[arg(long, value_name = "ENV", env = "FLUX_APIM_ENV")]
    pub(super) env: Option<String>,
    /// Merge this environment file, of the source or outside it, instead of one by name.
    #[arg(long, value_name = "FILE", conflicts_with = "env")]
    pub(super) config: Option<String>,
    /// Digest that the source must have (`sha256:...`).
    #[arg(long, value_name = "DIGEST")]
    pub(super) digest: Option<Digest>,
    /// Media type of the layer that is read of an OCI artifact, as Flux's layerSelector
    /// has it; Flux's own type, else the first layer, unless given.
    #[arg(long, value_name = "MEDIATYPE")]
    pub(super) layer_type: Option<String>,
    /// Treat these as errors.
    #[arg(long, value_name = "WHAT", value_parser = ["warnings"])]
    pub(super) deny: Vec<String>,
    #[command(flatten)]
    pub(super) policies: PolicyArgs,
    /// Worker threads; one for each core unless given.
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(super) threads: Option<usize>,
    #[command(flatten)]
    pub(super) limits: LimitFlags,
    #[cfg(feature = "publish")]
    #[command(flatten)]
    pub(super) registry: super::registry::RegistryArgs,
}

/// Policies that stand over what a source says of levels.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PolicyArgs {
    /// Policy of an operator: levels that no source lowers, and the exceptions that it may
    /// make. Of several the stricter one counts.
    #[arg(
        long,
        value_name = "FILE",
        env = "FLUX_APIM_POLICY",
        value_delimiter = ','
    )]
    pub(super) policy: Vec<PathBuf>,
}

impl SourceFlags {
    /// A flag that was given and makes no sense for what is rendered already.
    #[cfg(feature = "publish")]
    pub(super) fn changes(&self) -> Option<&'static str> {
        let path = self.path.is_some().then_some("--path");
        path.or(self.config.is_some().then_some("--config"))
    }
}

#[derive(Debug, Args)]
pub(super) struct Render {
    #[command(flatten)]
    pub(super) common: Common,
    #[cfg(feature = "server")]
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    /// Folder, *.tar.gz, or oci-layout:DIR[:TAG].
    #[arg(short, long, value_name = "OUT", default_value = "./bundle", value_hint = clap::ValueHint::AnyPath)]
    pub(super) output: String,
    #[command(flatten)]
    pub(super) rendering: Rendering,
    /// How the result is shown: for people, or the inventory as JSON.
    #[arg(long, value_enum, default_value = "human")]
    pub(super) format: ResultFormat,
}

/// What is rendered of a source.
#[derive(Debug, Args)]
pub(super) struct Rendering {
    /// Targets: arm, bicep, aso.
    #[arg(long, value_name = "TARGETS", value_delimiter = ',', value_parser = target)]
    pub(super) target: Vec<Target>,
    /// Name of the API Management service.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_SERVICE")]
    pub(super) service: Option<String>,
    /// Owner of ASO objects: the name of a Service object, or an ARM id.
    #[arg(long, value_name = "NAME|ID", env = "FLUX_APIM_ASO_OWNER")]
    pub(super) aso_owner: Option<String>,
    /// The OCIRepository that Flux reads the bundle from, NAME or NAMESPACE/NAME: with it
    /// the bundle has one Flux Kustomization for each folder of aso/.
    #[arg(long, value_name = "NAME")]
    pub(super) flux_source: Option<String>,
    /// api-version of the rendered resources.
    #[arg(long, value_name = "VERSION")]
    pub(super) arm_api_version: Option<String>,
    /// The branch of the revision, for a checkout of a commit without one, as CI systems
    /// make them.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_BRANCH", value_parser = one_line)]
    pub(super) branch: Option<String>,
    /// The revision of the source, for a build without Git: BRANCH@sha1:COMMIT, as `flux
    /// push artifact` has it.
    #[arg(long, value_name = "REVISION", env = "FLUX_APIM_REVISION", value_parser = one_line)]
    pub(super) revision: Option<String>,
    /// The URL of the source, for a build without Git.
    #[arg(long, value_name = "URL", env = "FLUX_APIM_SOURCE_URL", value_parser = one_line)]
    pub(super) source_url: Option<String>,
}

/// A text that goes into annotations.
fn one_line(text: &str) -> Result<String, String> {
    let text = text.trim();
    let odd = |c: char| c.is_control() || c.is_whitespace();
    match text.is_empty() || text.len() > 1000 || text.contains(odd) {
        true => Err("one word of at most 1000 bytes".to_owned()),
        false => Ok(text.to_owned()),
    }
}

impl Rendering {
    pub(super) fn set(&self, options: &mut crate::pipeline::Options) -> anyhow::Result<()> {
        let mut targets = self.target.clone();
        targets.sort();
        targets.dedup();
        options.targets = (!targets.is_empty()).then_some(targets);
        options.service.clone_from(&self.service);
        options.aso_owner.clone_from(&self.aso_owner);
        options.flux_source.clone_from(&self.flux_source);
        options.arm_api_version.clone_from(&self.arm_api_version);
        self.set_origin(&mut options.source)
    }

    /// What is said of the source's place and revision, in place of what it says itself.
    pub(super) fn set_origin(&self, source: &mut Source) -> anyhow::Result<()> {
        if let Some(url) = &self.source_url {
            source.url = Some(Source::public_url(url));
        }
        if let Some(revision) = &self.revision {
            source.revision = Some(revision.clone());
        }
        if let Some(branch) = &self.branch {
            let Some(revision) = source.revision.as_deref() else {
                anyhow::bail!(
                    "--branch {branch}: the source has no revision that it could be the branch \
                     of; give it with --revision {branch}@sha1:COMMIT"
                );
            };
            let commit = revision
                .rsplit_once('@')
                .map_or(revision, |(_, commit)| commit);
            source.revision = Some(format!("{branch}@{commit}"));
        }
        Ok(())
    }

    /// A flag that was given and makes no sense for what is rendered already.
    #[cfg(feature = "publish")]
    pub(super) fn given(&self) -> Option<&'static str> {
        [
            ("--target", !self.target.is_empty()),
            ("--arm-api-version", self.arm_api_version.is_some()),
            ("--branch", self.branch.is_some()),
            ("--revision", self.revision.is_some()),
            ("--source-url", self.source_url.is_some()),
        ]
        .into_iter()
        .find_map(|(flag, given)| given.then_some(flag))
    }
}

#[derive(Debug, Args)]
pub(super) struct Validate {
    /// What is checked, each by itself: directories, archives, URLs, references to
    /// registries, layouts, single OpenAPI documents or policies.
    #[arg(value_name = "SOURCE", default_value = ".", value_hint = clap::ValueHint::AnyPath)]
    pub(super) sources: Vec<String>,
    #[command(flatten)]
    pub(super) flags: SourceFlags,
    #[cfg(feature = "server")]
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    /// Findings that were there before, by --write-baseline: they count no longer.
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write what is found into FILE, and count it no longer.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub(super) write_baseline: Option<PathBuf>,
    #[command(flatten)]
    pub(super) rendering: Rendering,
    /// Show all findings, not the first few of each rule.
    #[arg(long)]
    pub(super) all: bool,
    /// Mend in the source what can be mended beyond doubt, and show what is left.
    #[arg(long, conflicts_with_all = ["baseline", "write_baseline"])]
    pub(super) fix: bool,
    /// Show what --fix would change, and change nothing; status 1 where it would.
    #[arg(long, conflicts_with_all = ["fix", "format", "baseline", "write_baseline"])]
    pub(super) diff: bool,
    /// Check again whenever a file of a folder changes, until it is ended.
    #[arg(long, conflicts_with_all = ["fix", "diff", "baseline", "write_baseline"])]
    pub(super) watch: bool,
    /// How findings are shown.
    #[arg(long, value_enum, default_value = "human")]
    pub(super) format: Format,
}

impl Validate {
    /// The sources, each with the flags of all.
    pub(super) fn each(&self) -> impl Iterator<Item = Common> {
        self.sources.iter().map(|source| Common {
            source: source.clone(),
            flags: self.flags.clone(),
        })
    }
}

/// Ways to show findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
    Sarif,
    Github,
    Gitlab,
    Azure,
    Junit,
    Markdown,
}

/// Ways to show a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ResultFormat {
    Human,
    Json,
}

impl ResultFormat {
    /// How findings are shown when there is no result.
    pub(super) fn findings(self) -> Format {
        match self {
            Self::Human => Format::Human,
            Self::Json => Format::Json,
        }
    }
}

fn target(word: &str) -> Result<Target, String> {
    Target::parse(word).ok_or_else(|| format!("a target is one of {}", Target::words().join(", ")))
}

pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=256) => Ok(threads),
        _ => Err("a number from 1 to 256".to_owned()),
    }
}

/// A folder inside the source.
pub(super) fn folder(text: &str) -> Result<String, String> {
    crate::tree::ArtifactPath::parse(text)
        .map(|path| path.as_str().to_owned())
        .map_err(|why| why.to_string())
}

/// A cap that is none: sums of several of them still fit into a number.
const LARGEST: u64 = 1 << 50;

/// A number of bytes, also as `64MiB`.
fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let mut units = units.into_iter();
    let unit = units.find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    let number: Option<u64> = digits.trim_end().parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|bytes| *bytes <= LARGEST)
        .ok_or_else(|| format!("write a number up to {LARGEST}, or as in `64MiB`"))
}

/// One flag for each cap, made from the table of caps.
#[derive(Debug, Clone, Default)]
pub(super) struct LimitFlags {
    given: Vec<(&'static str, u64)>,
}

impl LimitFlags {
    /// The usual caps with what the flags say.
    pub(super) fn limits(&self) -> anyhow::Result<Limits> {
        self.over(Limits::default())
    }

    /// A flag that was given for a cap on documents.
    #[cfg(feature = "server")]
    pub(super) fn of_documents(&self) -> Option<&'static str> {
        let mut table = Limits::TABLE.iter().filter(|limit| limit.of_documents());
        table
            .find(|limit| self.given.iter().any(|(flag, _)| *flag == limit.flag))
            .map(|limit| limit.flag)
    }

    /// `limits` with what the flags say.
    pub(super) fn over(&self, mut limits: Limits) -> anyhow::Result<Limits> {
        for &(flag, value) in &self.given {
            limits.set(flag, value);
        }
        // Walks over documents recurse; this depth is safe on every thread.
        anyhow::ensure!(limits.max_depth <= 1000, "--max-depth takes at most 1000");
        Ok(limits)
    }
}

/// The flag of a cap, with the default that it has in `limits`.
#[cfg(feature = "server")]
pub(super) fn with_default(flag: clap::Arg, limits: &Limits) -> clap::Arg {
    let limit = Limits::TABLE
        .iter()
        .find(|limit| flag.get_id() == limit.flag);
    match limit {
        Some(limit) => flag.help(help(limit, limits.get(limit.flag))),
        None => flag,
    }
}

/// What the help says of a cap, with its default.
fn help(limit: &Limit, default: u64) -> String {
    format!("{} [default: {default}]", limit.meaning)
}

impl Args for LimitFlags {
    fn augment_args(mut command: clap::Command) -> clap::Command {
        for limit in Limits::TABLE {
            command = command.arg(
                clap::Arg::new(limit.flag)
                    .long(limit.flag)
                    .value_name("N")
                    .env(format!(
                        "FLUX_APIM_{}",
                        limit.flag.replace('-', "_").to_uppercase()
                    ))
                    .help(help(limit, limit.default))
                    .help_heading("Caps")
                    .hide_short_help(true)
                    .value_parser(match limit.flag.ends_with("bytes") {
                        true => clap::builder::ValueParser::new(size),
                        false => clap::value_parser!(u64).range(..=LARGEST).into(),
                    }),
            );
        }
        command
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for LimitFlags {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let given = Limits::TABLE
            .iter()
            .filter_map(|limit| Some((limit.flag, *matches.get_one::<u64>(limit.flag)?)))
            .collect();
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(feature = "server")]
/// Which service is asked, and as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Preview service")]
pub(super) struct RemoteArgs {
    /// Ask this preview service (`flux-apim serve`) instead.
    #[arg(long, value_name = "URL", env = "FLUX_APIM_SERVER")]
    pub(super) server: Option<String>,
    /// File with the bearer token for it.
    #[arg(
        long,
        value_name = "FILE",
        env = "FLUX_APIM_SERVER_TOKEN_FILE",
        requires = "server"
    )]
    pub(super) server_token_file: Option<PathBuf>,
    /// Certificates in PEM that are trusted beside the system's.
    #[arg(
        long,
        value_name = "FILE",
        env = "FLUX_APIM_SERVER_CA",
        requires = "server"
    )]
    pub(super) server_ca: Option<PathBuf>,
}
