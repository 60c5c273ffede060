//! The whole product as one pure function.

use crate::bundle::{self, Bundle, Description, Source};
use crate::diag::{
    Budget, Diagnostic, Findings, Located, LookedAt, Place, Report, Severity, Stop, excerpt,
};
use crate::discover::rules::no_project;
use crate::levels::rules::{level_refused, malformed_override, stale_baseline};
use crate::levels::{Asked, Baseline, Covered, Done, Exceptions, Said};
use crate::model::rules::invalid_name;
use crate::model::schema::{DEFAULT_API_VERSION, Schema};
use crate::reuse::Reuse;
use crate::rules::{REGISTRY, git_lfs_pointer};
use crate::tree::{FileId, ReadError, SourceTree};
use crate::{compile, discover, link, policy, render, syntax};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is rendered, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where to look.
    pub discover: discover::Options,
    /// Targets; every one unless the project says otherwise.
    pub targets: Option<Vec<render::Target>>,
    /// Name of the APIM service.
    pub service: Option<String>,
    /// ASO owner: the name of a `Service` object, or an ARM id.
    pub aso_owner: Option<String>,
    /// The OCIRepository of Flux, `NAME` or `NAMESPACE/NAME`, that the bundle is read from.
    pub flux_source: Option<String>,
    /// api-version of the resources; [`DEFAULT_API_VERSION`] unless set.
    pub arm_api_version: Option<String>,
    /// Warnings keep the bundle from being made.
    pub deny_warnings: bool,
    /// Levels that stand over those of the project, policies of operators that stand
    /// over all, and the day.
    pub levels: Asked,
    /// Findings that were there before. They count for a check only: a bundle says what
    /// it has.
    pub baseline: Option<Baseline>,
    /// Make a new baseline, by which the check is then judged.
    pub write_baseline: bool,
    /// Check only.
    pub check: bool,
    /// Where the tree came from.
    pub source: Source,
    /// What earlier runs made. The outcome is the same without.
    pub reuse: Option<Arc<Reuse>>,
    /// What the run may spend.
    pub budget: Budget,
}

/// What a run found and made.
#[derive(Debug)]
pub struct Outcome {
    /// Every finding.
    pub report: Report,
    /// The bundle; none with findings at error level.
    pub bundle: Option<Bundle>,
    /// The new baseline, where one was asked for.
    pub baseline: Option<Baseline>,
    /// Targets that the caller or the project names; none where they are the usual ones.
    pub asked: Vec<render::Target>,
}

impl Outcome {
    fn without_bundle(report: Report) -> Self {
        Self {
            asked: Vec::new(),
            report,
            bundle: None,
            baseline: None,
        }
    }
}

/// What keeps a run from an outcome.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the tree cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no table of this api-version.
    #[error("there is no table of api-version `{asked}`; there are {known}")]
    ApiVersion {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: String,
    },
    /// [`Budget::cancel`] was called.
    #[error("the run was ended before it was done")]
    Cancelled,
    /// The memory that runs share is taken by others.
    #[error("other runs hold the memory that this one needs")]
    Busy,
}

/// Renders `tree`. `notes` are findings of whoever read it.
///
/// # Errors
/// When the world does not give a file that the tree lists, an option asks
/// for what there is not, or somebody ended the run. Input that takes more than
/// the budget is a finding.
pub fn run(tree: &SourceTree, options: &Options, notes: Vec<Diagnostic>) -> Result<Outcome, Error> {
    let mut findings = Findings::new(&options.budget, &options.discover.limits);
    let bounded = options.budget.bound(|| {
        findings.extend(notes);
        steps(tree, options, &mut findings)
    });
    match bounded {
        Ok(outcome) => outcome,
        Err(Stop::Cancelled) => Err(Error::Cancelled),
        Err(Stop::Busy) => Err(Error::Busy),
        Err(stop) => Ok(Outcome::without_bundle(Report::resolve(
            &Vec::from_iter(stop.finding()).into(),
            tree,
            &BTreeMap::new(),
        )?)),
    }
}

fn steps(tree: &SourceTree, options: &Options, findings: &mut Findings) -> Result<Outcome, Error> {
    let made = match options.discover.only {
        None => bundles(tree, findings.budget())?,
        Some(_) => Vec::new(),
    };
    let without = (!made.is_empty()).then(|| tree.without(&made));
    let tree = without.as_ref().unwrap_or(tree);
    let kept = match options.discover.only {
        None => discover::without_ignored(tree, &options.discover, findings)?,
        Some(_) => None,
    };
    let tree = kept.as_ref().unwrap_or(tree);
    if let (true, Some(file)) = (options.check, options.discover.only)
        && let Ok(text) = syntax::utf8(file, tree.read(file)?.into_owned())
        && let Some(root) = policy::sniff(&text)
    {
        // A policy alone: there is nothing to resolve its references against.
        let max_depth = options.discover.limits.max_depth;
        let document = policy::parse(file, &text, root, max_depth, findings);
        policy::check(&document, policy::Setting::default(), findings);
        let meter = findings.budget().meter();
        for reference in policy::references(&document, &meter) {
            let place = Place::from(reference.span);
            findings.need(reference.kind.label(), reference.shown(), &place);
        }
        drop(document);
        let mut exceptions = Exceptions::new(&options.levels, Said::default(), findings);
        exceptions.read_allowances(REGISTRY, tree, &[file], &options.discover.limits, findings)?;
        let mut outcome = ended(tree, options, &exceptions, Done::Part, findings)?;
        outcome.report.looked_at = Some(LookedAt {
            policies: 1,
            ..LookedAt::default()
        });
        return Ok(outcome);
    }
    let project = discover::discover(tree, &options.discover, REGISTRY, findings)?;
    let Some(project) = project else {
        let exceptions = Exceptions::new(&options.levels, Said::default(), findings);
        return ended(tree, options, &exceptions, Done::Part, findings);
    };
    let schema = schema(options, &project, findings)?;
    let targets = options
        .targets
        .clone()
        .or_else(|| configured(&project.config.targets));
    let asked = targets.clone().unwrap_or_default();
    let targets = targets.unwrap_or_else(render::Target::defaults);
    let environment = options
        .discover
        .environment
        .clone()
        .or_else(|| options.discover.config.clone());
    let mut limits = options.discover.limits.clone();
    for &(flag, value) in &project.config.limits {
        limits.set(flag, value);
    }
    let service = options.service.clone().or_else(|| {
        let configured = project.config.service.clone();
        project.service.clone().or(configured)
    });
    if let Some(name) = &service
        && !is_service_name(name)
    {
        findings.push(invalid_name::service(name));
    }
    if let Some(owner) = &options.aso_owner
        && !is_owner(owner)
    {
        findings.push(invalid_name::owner(owner));
    }
    let compiling = compile::Options {
        limits: &limits,
        reuse: options.reuse.as_deref(),
    };
    let mut project = project;
    let said = std::mem::take(&mut project.config.levels);
    let mut exceptions = Exceptions::new(&options.levels, said, findings);
    project.config.levels_asked = exceptions.asked_for(REGISTRY);
    let texts = compile::compile(tree, &mut project, &compiling, findings)?;
    explain_pointers(tree, Some(&project.root), &texts.used, findings)?;
    let looked_at = LookedAt {
        resources: project.resources.len() as u64,
        definitions: texts.definitions.len() as u64,
        policies: texts.policies.len() as u64,
    };
    let of_checked = |mut outcome: Outcome| {
        outcome.report.looked_at = Some(looked_at);
        Outcome {
            asked: asked.clone(),
            ..outcome
        }
    };
    let files = read_files(tree, &project, &texts.used, options.discover.only);
    exceptions.read_allowances(REGISTRY, tree, &files, &limits, findings)?;
    let Some(graph) = link::link(tree, project, texts, schema, findings) else {
        return ended(tree, options, &exceptions, Done::Part, findings).map(of_checked);
    };
    let fails = exceptions.fails(findings, tree);
    if fails && !options.check {
        return ended(tree, options, &exceptions, Done::Linked, findings).map(of_checked);
    }
    // Apart: beside errors only the limits of targets are of use.
    let mut printed = findings.part();
    let rendered = render::render(
        &graph,
        &render::Options {
            targets: targets.clone(),
            service: options.service.clone(),
            aso_owner: options.aso_owner.clone(),
            flux_source: options.flux_source.clone(),
            check: options.check,
        },
        &mut printed,
    );
    if fails {
        printed.retain(|finding| finding.rule.severity == Severity::Error);
    }
    findings.append(printed);
    let all = render::Target::defaults();
    let all = all.iter().all(|target| targets.contains(target));
    let done = match all && !fails {
        true => Done::Whole,
        false => Done::Linked,
    };
    let outcome = ended(tree, options, &exceptions, done, findings).map(of_checked)?;
    let report = outcome.report;
    let asked = outcome.asked;
    let summary = report.summary();
    if summary.error > 0 || (options.deny_warnings && summary.warning > 0) || options.check {
        let baseline = outcome.baseline;
        return Ok(Outcome {
            report,
            bundle: None,
            baseline,
            asked,
        });
    }
    let description = Description {
        source: options.source.clone().public(),
        environment,
        targets,
        policies: options.levels.policies.iter().map(|p| p.digest()).collect(),
        reuse: options.reuse.clone(),
        budget: options.budget.clone(),
    };
    let bundle = Bundle::new(tree, graph, rendered, &report, description)?;
    Ok(Outcome {
        report,
        bundle: Some(bundle),
        baseline: None,
        asked,
    })
}

/// The table of the api-version that the caller asks for, else the project.
fn schema(
    options: &Options,
    project: &discover::Project,
    findings: &mut Findings,
) -> Result<&'static Schema, Error> {
    let known = || Schema::api_versions().collect::<Vec<_>>().join(", ");
    let of = |asked: &str| {
        Schema::of(asked).ok_or_else(|| Error::ApiVersion {
            asked: asked.to_owned(),
            known: known(),
        })
    };
    if let Some(asked) = &options.arm_api_version {
        return of(asked);
    }
    if let Some((asked, place)) = &project.config.api_version {
        match Schema::of(asked) {
            Some(schema) => return Ok(schema),
            None => {
                let message = format!("there is no table of api-version `{}`", excerpt(asked, 40));
                let finding = malformed_override::found(place.clone(), &message);
                findings.push(finding.help(format!("there are {}", known())));
            }
        }
    }
    of(DEFAULT_API_VERSION)
}

/// Says of Git LFS pointers that they are that, in place of what is wrong with them as
/// definitions, policies or information: of files that are `used`, of those that have
/// errors, and of those below `root` that are called as what is read. Other files may be
/// pointers.
fn explain_pointers(
    tree: &SourceTree,
    root: Option<&str>,
    used: &BTreeSet<FileId>,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let wrong = findings.listed().iter();
    let wrong = wrong.filter(|finding| finding.rule.severity == Severity::Error);
    let mut files: BTreeSet<FileId> = wrong.filter_map(|finding| finding.place.file()).collect();
    files.extend(used);
    let meter = findings.budget().meter();
    for (file, _) in root.into_iter().flat_map(|root| tree.below(root)) {
        meter.spend(1, file);
        if git_lfs_pointer::may_be(tree.size(file)) && is_called_as_read(tree, file) {
            files.insert(file);
        }
    }
    let mut pointers = BTreeSet::new();
    for file in files {
        if git_lfs_pointer::may_be(tree.size(file)) {
            meter.spend(1 + tree.size(file) / 16, file);
            if git_lfs_pointer::is_pointer(&tree.read(file)?) {
                pointers.insert(file);
            }
        }
    }
    if !pointers.is_empty() {
        findings.retain(|finding| {
            let file = finding.place.file();
            file.is_none_or(|file| !pointers.contains(&file))
        });
        findings.extend(pointers.into_iter().map(git_lfs_pointer::found));
    }
    Ok(())
}

/// Whether `file` has the name of a definition or a policy, or lies beside the information
/// of an API: a pointer has no content to tell it by.
fn is_called_as_read(tree: &SourceTree, file: FileId) -> bool {
    let path = tree.path(file);
    let Some((stem, ending)) = path.name().rsplit_once('.') else {
        return false;
    };
    let read = [
        "json", "yaml", "yml", "xml", "wsdl", "wadl", "graphql", "gql", "proto",
    ];
    if !read.contains(&ending) {
        return false;
    }
    let information = format!("{}/apiInformation.json", path.parent());
    ["openapi", "swagger", "specification", "policy"].contains(&stem)
        || tree.find(&information).is_some()
}

/// The outcome of a run that makes no bundle, or none yet.
fn ended(
    tree: &SourceTree,
    options: &Options,
    exceptions: &Exceptions,
    done: Done,
    findings: &mut Findings,
) -> Result<Outcome, Error> {
    let lost = findings
        .rules()
        .any(|rule| rule.code == no_project::RULE.code);
    explain_pointers(tree, lost.then_some(""), &BTreeSet::new(), findings)?;
    exceptions.settle(done, tree, findings);
    let mut report = Report::resolve(findings, tree, exceptions)?;
    if !options.check {
        return Ok(Outcome::without_bundle(report));
    }
    let may = |finding: &Located| exceptions.lets_cover(finding);
    let is_asked = options.write_baseline || options.baseline.is_some();
    if is_asked && !exceptions.lets_keep_a_baseline() {
        let message = "the operator's policy takes no baseline";
        let finding = Diagnostic::new(&level_refused::RULE, Place::Source, message)
            .help("mend what is found, or ask whoever keeps the policy");
        let more = Report::resolve(&vec![finding].into(), tree, exceptions)?;
        return Ok(Outcome::without_bundle(report.with(more)));
    }
    let written = options.write_baseline.then(|| Baseline::of(&report, may));
    let baseline = written.as_ref().or(options.baseline.as_ref());
    if let Some(baseline) = baseline {
        let covered = baseline.apply(REGISTRY, &mut report, may);
        let more = Report::resolve(&of_baseline(&covered).into(), tree, exceptions)?;
        report = report.with(more);
    }
    Ok(Outcome {
        report,
        bundle: None,
        baseline: written,
        asked: Vec::new(),
    })
}

/// What is said of a baseline beside what it covers.
fn of_baseline(covered: &Covered) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for code in &covered.refused {
        let message = format!("the baseline lists findings of {code}, which it may not cover");
        findings.push(
            Diagnostic::new(&level_refused::RULE, Place::Source, message)
                .help("mend them; --write-baseline leaves them out"),
        );
    }
    if covered.gone > 0 {
        let message = format!("{} findings of the baseline are no more", covered.gone);
        findings.push(
            Diagnostic::new(&stale_baseline::RULE, Place::Source, message)
                .help("write it anew with --write-baseline"),
        );
    }
    findings
}

/// The files that a project is read from: those below its root, and those elsewhere that
/// it names.
fn read_files(
    tree: &SourceTree,
    project: &discover::Project,
    used: &BTreeSet<FileId>,
    only: Option<FileId>,
) -> Vec<FileId> {
    let mut files: BTreeSet<FileId> = used.clone();
    match only {
        Some(file) => {
            files.insert(file);
        }
        None => files.extend(tree.below(&project.root).map(|(file, _)| file)),
    }
    files.extend(project.config.file);
    files.extend(project.environment_file);
    files.into_iter().collect()
}

/// The rule of Azure for names of API Management services.
fn is_service_name(name: &str) -> bool {
    let all = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    all && name.len() <= 50
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with('-')
}

/// Whether `owner` is the name of a Kubernetes object, or an id of Azure.
fn is_owner(owner: &str) -> bool {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty()
            && !word.starts_with('-')
            && !word.ends_with('-')
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_id = owner
        .get(..15)
        .is_some_and(|start| start.eq_ignore_ascii_case("/subscriptions/"));
    is_id || (owner.len() <= 253 && owner.split('.').all(is_word))
}

/// Folders that hold a bundle: what an earlier run wrote into the source is no
/// part of it.
fn bundles(tree: &SourceTree, budget: &Budget) -> Result<Vec<String>, ReadError> {
    let meter = budget.meter();
    let mut folders = Vec::new();
    for (file, path) in tree.files() {
        meter.spend(1, file);
        let folder = path.parent();
        let named = path.name() == bundle::INVENTORY && !folder.is_empty();
        if !named {
            continue;
        }
        meter.spend(1 + tree.size(file) / 16, file);
        if bundle::is_inventory(&tree.read(file)?) {
            folders.push(folder.to_owned());
        }
    }
    Ok(folders)
}

fn configured(targets: &Option<Vec<String>>) -> Option<Vec<render::Target>> {
    let targets: Vec<_> = targets
        .as_ref()?
        .iter()
        .filter_map(|target| render::Target::parse(target))
        .collect();
    (!targets.is_empty()).then_some(targets)
}
