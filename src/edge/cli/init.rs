//! `init`: looks at a repository and writes what it starts with. Files that are there stay as
//! they are, and when one cannot be written none is.

use super::options::folder;
use super::progress::Progress;
use super::{Done, human, print, show};
use crate::diag::{Budget, Findings, Report, excerpt};
use crate::discover;
use crate::edge::policies;
use crate::edge::source::{self, Checkout, OpenOptions, Opened, SourceRef};
use crate::init::{self, Chain, File, Forge, Look, Plan, Remote, Repository};
use crate::levels::Asked;
use crate::pipeline;
use crate::rules::REGISTRY;
use crate::tree::{Limits, SourceTree};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Flags of `init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Folder of a Git repository that holds the configuration, at its top or below.
    #[arg(default_value = ".", value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
    /// Write the workflow of this forge; by the files and the remote of the repository unless
    /// given.
    #[arg(long, value_enum, value_name = "FORGE", value_delimiter = ',')]
    ci: Vec<Ci>,
    /// Write the manifests by which a cluster renders, publishes, verifies and applies.
    #[arg(long)]
    flux: bool,
    /// Where the cluster publishes bundles, oci://HOST/REPOSITORY; the registry of the forge
    /// unless given.
    #[arg(long, value_name = "URL", requires = "flux")]
    registry: Option<String>,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A forge, as `--ci` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ci {
    Github,
    Azure,
    Gitlab,
}

impl From<Ci> for Forge {
    fn from(ci: Ci) -> Self {
        match ci {
            Ci::Github => Self::Github,
            Ci::Azure => Self::Azure,
            Ci::Gitlab => Self::Gitlab,
        }
    }
}

/// How many projects are listed where there are several.
const SHOWN: usize = 50;

pub(super) fn init(arguments: &Init, quiet: bool) -> anyhow::Result<Done> {
    let dir = &arguments.dir;
    let attempted = || format!("init {}", dir.display());
    let (checkout, repository) = repository(arguments).with_context(attempted)?;
    let chain = match arguments.flux {
        false => None,
        true => {
            let remote = checkout.remote.as_deref();
            let remote = remote.context(
                "--flux: Flux fetches a remote, and the repository has none called `origin`: add it \
                 (git remote add origin URL), or run init without --flux",
            )?;
            let remote = Remote::parse(remote);
            let chain = remote.and_then(|it| Chain::new(&it, arguments.registry.as_deref()));
            Some(chain.map_err(|why| anyhow::anyhow!("--flux: {why}"))?)
        }
    };
    let limits = Limits::default();
    let budget = Budget::new(&limits);
    let open = OpenOptions {
        limits: limits.clone(),
        budget: budget.clone(),
        ..OpenOptions::default()
    };
    let progress = Progress::start("looking", quiet);
    let opened = match source::open(&SourceRef::Directory(dir.clone()), &open) {
        Err(source::Error::Refused(finding)) => {
            drop(progress);
            show(&super::refusal(*finding)?, super::Format::Human, quiet)?;
            return Ok(Done::Refused);
        }
        opened => opened.with_context(attempted)?,
    };
    let mut findings = Findings::new(&budget, &limits);
    let look = look(&opened.tree, dir, &limits, &mut findings)?;
    let Some(look) = look else {
        drop(progress);
        let report = Report::resolve(&findings, &opened.tree, &BTreeMap::new())?;
        show(&report, super::Format::Human, quiet)?;
        return Ok(Done::Findings);
    };
    let checks = checks(&opened, &look)?;
    drop(progress);
    let needs = checks.iter().flat_map(|(_, report)| &report.prerequisites);
    let needs: Vec<_> = needs.cloned().collect();
    let program = init::Program {
        version: env!("CARGO_PKG_VERSION"),
        commit: super::version::COMMIT,
    };
    let plan = init::plan(&look, &needs, &repository, program, chain.as_ref());
    let steps = plan
        .files
        .iter()
        .map(|file| Step::of(&checkout.top, file))
        .collect::<anyhow::Result<Vec<_>>>()
        .with_context(attempted)?;
    if !arguments.dry_run {
        write(&steps).with_context(attempted)?;
    }
    print(&told(&plan, &steps, &checks, arguments.dry_run))?;
    Ok(Done::Well)
}

/// The repository that the folder lies in, and what it shows of itself.
fn repository(arguments: &Init) -> anyhow::Result<(Checkout, Repository)> {
    let dir = &arguments.dir;
    if !dir.is_dir() {
        bail!("it is no folder");
    }
    let Some(checkout) = source::checkout(dir) else {
        bail!(match source::git_trouble(dir) {
            Some(trouble) => trouble,
            None => "it lies in no Git working tree, and CI, hooks and Flux start from one; make \
                     one with `git init`"
                .to_owned(),
        });
    };
    let below = match checkout.below.as_str() {
        "" => String::new(),
        below => folder(below).map_err(anyhow::Error::msg)?,
    };
    if let Err(why) = init::word(&below) {
        bail!(
            "the folder `{}` cannot be named in workflows: {why}",
            excerpt(&below, 200)
        );
    }
    let mut repository = Repository {
        source: below,
        branch: checkout.branch.clone(),
        ..Repository::default()
    };
    for entry in std::fs::read_dir(&checkout.top)? {
        // A name that is no text is none of those that are looked for.
        if let Ok(name) = entry?.file_name().into_string() {
            repository.top.insert(name);
        }
    }
    repository.forges = match arguments.ci.as_slice() {
        [] => {
            let top = repository.top.iter().map(String::as_str);
            Forge::seen(top, checkout.remote.as_deref())
                .into_iter()
                .collect()
        }
        named => named.iter().map(|&ci| ci.into()).collect(),
    };
    Ok((checkout, repository))
}

/// What the tree has; `None` with findings where it has no project.
fn look(
    tree: &SourceTree,
    dir: &Path,
    limits: &Limits,
    findings: &mut Findings,
) -> anyhow::Result<Option<Look>> {
    let options = discover::Options {
        limits: limits.clone(),
        ..discover::Options::default()
    };
    let kept = discover::without_ignored(tree, &options, findings)?;
    let tree = kept.as_ref().unwrap_or(tree);
    let roots = discover::roots(tree, "");
    if roots.len() > 1 {
        let mut shown: Vec<String> = roots
            .iter()
            .take(SHOWN)
            .map(|root| format!("  flux-apim init {}", dir.join(root).display()))
            .collect();
        if let Some(more) = roots.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            shown.push(format!("  and {more} more"));
        }
        bail!(
            "init {}: it holds {} projects, and settings and workflows are for one; choose:\n{}",
            dir.display(),
            roots.len(),
            shown.join("\n")
        );
    }
    let budget = findings.budget().clone();
    let looked = budget.bound(|| init::look(tree, &options, REGISTRY, findings));
    match looked {
        Ok(looked) => Ok(looked?),
        Err(stop) => {
            findings.extend(stop.finding());
            Ok(None)
        }
    }
}

/// What CI will find: a report for each environment, or one where there are none.
fn checks(opened: &Opened, look: &Look) -> anyhow::Result<Vec<(Option<String>, Report)>> {
    let names = look.environments.iter();
    let mut each: Vec<Option<String>> = names.map(|one| Some(one.name.clone())).collect();
    if each.is_empty() {
        each.push(None);
    }
    let checks = each.into_iter().map(|environment| {
        let mut options = pipeline::Options {
            check: true,
            source: opened.origin.clone(),
            levels: Asked {
                today: policies::today(),
                ..Asked::default()
            },
            budget: Budget::new(&Limits::default()),
            ..pipeline::Options::default()
        };
        options.discover.environment.clone_from(&environment);
        let outcome = pipeline::run(&opened.tree, &options, opened.notes.clone())?;
        Ok((environment, outcome.report))
    });
    checks.collect()
}

/// What becomes of one file of the plan.
struct Step<'p> {
    file: &'p File,
    place: PathBuf,
    /// Its bytes afterwards; `None` leaves what is there.
    bytes: Option<Vec<u8>>,
    is_there: bool,
}

/// Bytes of a file that lines are added to.
const MAX_ADDED_TO: u64 = 1 << 20;

impl<'p> Step<'p> {
    /// Looks at what is in the place of `file`.
    fn of(top: &Path, file: &'p File) -> anyhow::Result<Self> {
        let place = top.join(&file.path);
        // A link among the folders may lead out of the repository.
        let folders = place.ancestors().skip(1).take_while(|above| *above != top);
        for above in folders {
            match above.symlink_metadata() {
                Ok(found) if found.is_dir() => {}
                Ok(_) => bail!("write {}: {} is no folder", file.path, above.display()),
                Err(_) => {}
            }
        }
        let found = place.symlink_metadata();
        let is_there = found.is_ok();
        let bytes = match found {
            Err(_) => Some(file.text.clone().into_bytes()),
            Ok(found) if file.adds && found.is_file() && found.len() <= MAX_ADDED_TO => {
                let attempted = || format!("read {}", place.display());
                with_lines(std::fs::read(&place).with_context(attempted)?, &file.text)
            }
            Ok(_) => None,
        };
        Ok(Self {
            file,
            place,
            bytes,
            is_there,
        })
    }
}

/// `there` with the lines of `text` that it does not have; `None` when it has all.
fn with_lines(mut there: Vec<u8>, text: &str) -> Option<Vec<u8>> {
    let has = |line: &str| {
        let lines = there.split(|&byte| byte == b'\n');
        lines
            .map(<[u8]>::trim_ascii)
            .any(|known| known == line.as_bytes())
    };
    let new: Vec<&str> = text.lines().filter(|line| !has(line)).collect();
    if new.is_empty() {
        return None;
    }
    if !there.is_empty() && !there.ends_with(b"\n") {
        there.push(b'\n');
    }
    for line in new {
        there.extend_from_slice(line.as_bytes());
        there.push(b'\n');
    }
    Some(there)
}

/// Writes the files, or none of them.
fn write(steps: &[Step<'_>]) -> anyhow::Result<()> {
    let mut made: Vec<PathBuf> = Vec::new();
    // What is changed comes last: until then everything can be taken back.
    let new = steps.iter().filter(|step| !step.is_there);
    let changed = steps.iter().filter(|step| step.is_there);
    for step in new.chain(changed) {
        let Some(bytes) = &step.bytes else { continue };
        let done = match step.is_there {
            false => create(&step.place, bytes, &mut made),
            true => replace(&step.place, bytes),
        };
        if let Err(error) = done {
            for path in made.iter().rev() {
                let _ = match path.is_dir() {
                    true => std::fs::remove_dir(path),
                    false => std::fs::remove_file(path),
                };
            }
            bail!(
                "write {}: {error}; nothing was changed",
                step.place.display()
            );
        }
    }
    Ok(())
}

/// A new file with the folders above it; `made` gets what was made.
fn create(place: &Path, bytes: &[u8], made: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let above: Vec<&Path> = place.ancestors().skip(1).collect();
    for folder in above.into_iter().rev().filter(|folder| !folder.is_dir()) {
        std::fs::create_dir(folder)?;
        made.push(folder.to_owned());
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(place)?;
    made.push(place.to_owned());
    file.write_all(bytes)?;
    file.sync_data()
}

/// Writes beside the file and renames: it is whole at any time, and keeps its mode.
fn replace(place: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new()
        .prefix(".flux-apim-")
        .tempfile_in(folder)?;
    beside.write_all(bytes)?;
    let mode = std::fs::metadata(place)?.permissions();
    beside.as_file().set_permissions(mode)?;
    beside.as_file().sync_data()?;
    beside.persist(place).map_err(|error| error.error)?;
    Ok(())
}

/// What was found, written, and is to be done.
fn told(
    plan: &Plan,
    steps: &[Step<'_>],
    checks: &[(Option<String>, Report)],
    dry_run: bool,
) -> String {
    let mut out = String::new();
    for (what, which) in &plan.found {
        let _ = writeln!(out, "{what:<12} {which}");
    }
    let mut has_errors = false;
    for (environment, report) in checks {
        let summary = report.summary();
        has_errors |= summary.error > 0;
        let of = environment
            .as_ref()
            .map_or(String::new(), |name| format!(" in {name}"));
        let _ = writeln!(
            out,
            "{:<12} {}, {}{of}",
            "check",
            human::counted(summary.error, "error"),
            human::counted(summary.warning, "warning")
        );
    }
    out.push('\n');
    for step in steps {
        let word = match (&step.bytes, step.is_there, dry_run) {
            (None, ..) => "kept",
            (Some(_), false, false) => "wrote",
            (Some(_), true, false) => "added to",
            (Some(_), false, true) => "would write",
            (Some(_), true, true) => "would add to",
        };
        let _ = writeln!(out, "{word:<12} {}", excerpt(&step.file.path, 200));
    }
    out.push_str("\nNext:\n");
    if has_errors {
        out.push_str("- mend the errors, or give reasons for exceptions (docs/levels.md)\n");
    }
    for next in &plan.next {
        let _ = writeln!(out, "- {next}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once() {
        let added = with_lines(b"target".to_vec(), "/bundle/\n").unwrap();
        assert_eq!(added, b"target\n/bundle/\n");
        assert_eq!(with_lines(added, "/bundle/\n"), None);
        assert_eq!(with_lines(b"/bundle/ \r\n".to_vec(), "/bundle/\n"), None);
    }

    #[test]
    fn what_was_made_is_taken_back_when_a_file_cannot_be_written() {
        let top = tempfile::tempdir().unwrap();
        let file = |path: &str| File {
            path: path.to_owned(),
            text: "text".to_owned(),
            adds: false,
        };
        // The second asks for a folder where the first is a file: the look before found
        // neither there.
        let files = [file("new/a"), file("new/a/b")];
        let steps: Vec<Step<'_>> = files
            .iter()
            .map(|file| Step::of(top.path(), file).unwrap())
            .collect();
        let error = write(&steps).unwrap_err().to_string();
        assert!(error.ends_with("nothing was changed"), "{error}");
        assert_eq!(std::fs::read_dir(top.path()).unwrap().count(), 0);
    }
}
