//! Reads definitions and policies, in parallel over files. What was read is kept as
//! compressed text and as the facts that later steps ask for.

mod beside;
mod conventions;
mod definition;
mod names;
mod packed;
pub mod rules;
#[cfg(test)]
mod tests;
mod unread;

pub use packed::Content;

use definition::Definition;
use flux_apim_definition::rules::{server_chosen, server_variable};
use flux_apim_definition::{Compiled, Documents};
use flux_apim_diag::tree::{FileId, Limits, ReadError, SourceTree};
use flux_apim_diag::{Class, Code, Findings, Held, Place, Span};
use flux_apim_discover::Project;
use flux_apim_levels as levels;
use flux_apim_model::kinds::Kind;
use flux_apim_model::rules::credential_in_clear;
use flux_apim_model::{Counted, Key, Most, Resource};
use flux_apim_policy::rules::malformed_policy;
use flux_apim_policy::{self as policy, Expressions, Reference};
use flux_apim_reuse::Reuse;
use flux_apim_syntax::{self as syntax, Origins, Value};
use names::Names;
use rayon::prelude::*;
use rules::{policy_too_large, redacted_value, sops_encrypted};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Documented maximum of a policy document (service limits, 2023).
const MAX_POLICY: usize = 256 * 1024;
/// Documented maximum of a fragment (policy fragments, 2026).
const MAX_FRAGMENT: usize = 512 * 1024;

/// What compiling is asked for.
#[derive(Debug)]
pub struct Options<'a> {
    /// Caps on the input.
    pub limits: &'a Limits,
    /// What earlier runs made.
    pub reuse: Option<&'a Reuse>,
}

/// What the files other than information files hold.
#[derive(Debug, Default)]
pub struct Texts {
    /// Definitions, their text in `contents`.
    pub definitions: BTreeMap<Key, Compiled>,
    /// Policies, their text in `contents`.
    pub policies: BTreeMap<Key, Policy>,
    /// The texts of definitions and policies.
    pub contents: BTreeMap<Key, Content>,
    /// Pages of wikis.
    pub wikis: BTreeMap<Key, String>,
    /// Files that definitions refer to.
    pub used: BTreeSet<FileId>,
    /// Tokens left in policies.
    pub tokens: Vec<(Span, String)>,
    /// What texts of wikis take of the run's memory.
    held: Vec<Held>,
}

/// A policy and what it refers to.
#[derive(Debug)]
pub struct Policy {
    /// What it names, in order.
    pub references: Vec<Reference>,
    /// What counts of it when it is put together with others.
    pub facts: policy::Facts,
    /// A token that was left in it.
    token: Option<(Span, String)>,
    /// Whether comments of it speak to this program.
    has_notes: bool,
    /// What references take of the run's memory.
    _held: Held,
}

enum Read {
    Definition(Definition),
    Policy(Option<Box<(Policy, Content)>>),
    Wiki(Option<(String, Held)>),
}

/// Reads every definition, policy and wiki of `project`. Where a policy stands in a
/// property, it is taken out of it.
///
/// # Errors
/// A file that the tree lists cannot be read.
pub fn compile(
    tree: &SourceTree,
    project: &mut Project,
    options: &Options<'_>,
    findings: &mut Findings,
) -> Result<Texts, ReadError> {
    let limits = options.limits;
    let mut jobs: Vec<(Key, Job)> = Vec::new();
    let environment = project.environment_file;
    for resource in project.resources.values_mut() {
        let others = std::mem::take(&mut resource.other_definitions);
        let definition = resource
            .definition
            .map(|file| Job::Definition(file, others));
        let policy = policy_job(resource, environment);
        let wiki = resource.wiki.map(Job::Wiki);
        let own = [definition, policy, wiki].into_iter().flatten();
        jobs.extend(own.map(|job| (resource.key.clone(), job)));
    }
    // Names of operations are kept where something asks for them.
    let with_operations: BTreeSet<Key> = project
        .resources
        .keys()
        .filter(|key| matches!(key.kind, Kind::ApiOperation | Kind::OperationPolicy))
        .filter_map(Key::api)
        .collect();
    let documents = Documents::new(tree, limits);
    let names = Names::new(project);
    let names = names.as_ref();
    let how = How {
        limits,
        names,
        gateway: gateway(project),
        asked: project.config.levels_asked.clone(),
    };
    let parts = findings.part();
    let expressions = Expressions::new(findings.budget());
    let results: Vec<Result<(Read, Findings), ReadError>> = jobs
        .par_iter()
        .map_init(
            || expressions.worker(),
            |worker, (key, job)| {
                let mut findings = parts.part();
                let read = match job {
                    Job::Definition(file, others) => {
                        let named = with_operations.contains(key) || !others.is_empty();
                        let read =
                            definition::read(&documents, *file, named, options, &mut findings)?;
                        if let Definition::Read(compiled, _) = &read {
                            let read = beside::Read {
                                key,
                                file: *file,
                                compiled,
                            };
                            beside::compare(tree, limits, &read, others, &mut findings)?;
                        }
                        Read::Definition(read)
                    }
                    Job::Policy(file) => {
                        let text = text(tree, *file, &mut findings)?;
                        let read = |text| {
                            policy(
                                key,
                                (*file, tree.path(*file).as_str()),
                                text,
                                &how,
                                worker,
                                &mut findings,
                            )
                        };
                        Read::Policy(text.map(read).map(Box::new))
                    }
                    Job::Value(text, span) => {
                        let origins = origins(tree, *span, text, &findings)?;
                        let text = text.clone();
                        let place = (span.file, tree.path(span.file).as_str());
                        let read = policy(key, place, text, &how, worker, &mut findings);
                        let read = at(*span, origins.as_ref(), read, &mut findings);
                        Read::Policy(Some(Box::new(read)))
                    }
                    Job::Wiki(file) => {
                        let text = text(tree, *file, &mut findings)?;
                        let hold = |text: String| {
                            let held = findings.budget().hold(text.len(), *file);
                            (text, held)
                        };
                        Read::Wiki(text.map(hold))
                    }
                };
                Ok((read, findings))
            },
        )
        .collect();
    let mut texts = Texts::default();
    for ((key, _), result) in jobs.into_iter().zip(results) {
        let (read, mut found) = result?;
        let backend = project
            .resources
            .get(&key)
            .and_then(|api| api.properties.get("serviceUrl"));
        if backend
            .and_then(Value::as_str)
            .is_some_and(|url| !url.is_empty())
        {
            // What the definition says of servers is not what requests go to.
            let of_servers = [&server_chosen::RULE, &server_variable::RULE];
            found.retain(|finding| !of_servers.iter().any(|rule| rule.code == finding.rule.code));
        }
        // Definitions are kept with what is found in them, whoever asks.
        found.retain(|finding| {
            finding.rule.class != Class::Convention || how.asked.contains(&finding.rule.code)
        });
        findings.append(found);
        match read {
            Read::Definition(Definition::Read(compiled, content)) => {
                texts.used.extend(compiled.used.iter().copied());
                if let Some(resource) = project.resources.get_mut(&key) {
                    resource
                        .origins
                        .extend(compiled.used.iter().map(|&file| used(tree, file)));
                }
                texts.contents.insert(key.clone(), content);
                texts.definitions.insert(key, *compiled);
            }
            Read::Policy(Some(read)) => {
                let (policy, content) = *read;
                texts.tokens.extend(policy.token.clone());
                texts.contents.insert(key.clone(), content);
                texts.policies.insert(key, policy);
            }
            Read::Wiki(Some((text, held))) => {
                texts.wikis.insert(key, text);
                texts.held.push(held);
            }
            Read::Definition(Definition::Refused(used)) => texts.used.extend(used),
            Read::Policy(None) | Read::Wiki(None) => {
                // What it lacks is not said beside why it cannot be read.
                if let Some(resource) = project.resources.get_mut(&key) {
                    resource.unreadable = true;
                }
            }
        }
    }
    documents.into_findings(findings);
    unread::find(tree, project, &texts.used, findings)?;
    Ok(texts)
}

fn used(tree: &SourceTree, file: FileId) -> flux_apim_model::Origin {
    flux_apim_model::Origin {
        span: Span::new(
            file,
            0,
            usize::try_from(tree.size(file)).unwrap_or(usize::MAX),
        ),
        role: flux_apim_model::Role::Definition,
    }
}

/// A text that is to be read.
enum Job {
    /// The file, and others beside it.
    Definition(FileId, Vec<FileId>),
    Policy(FileId),
    /// A policy in the `value` of an information or environment file.
    Value(String, Span),
    Wiki(FileId),
}

/// Where the policy of `resource` stands: in the environment file, in a file
/// of its own, or in the information file, in this order.
fn policy_job(resource: &mut Resource, environment: Option<FileId>) -> Option<Job> {
    if !resource.key.kind.is_policy() {
        return None;
    }
    let properties = &mut resource.properties;
    let is_link = properties
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|format| format.ends_with("-link"));
    let value = properties
        .get("value")
        .and_then(|value| Some((value.as_str()?.to_owned(), value.span?)));
    match (value, resource.policy) {
        (Some((text, span)), file) if file.is_none() || environment == Some(span.file) => {
            if is_link {
                return None;
            }
            properties.set("value", "");
            Some(Job::Value(text, span))
        }
        (_, Some(file)) => {
            properties.remove("value");
            Some(Job::Policy(file))
        }
        (_, None) => None,
    }
}

fn text(
    tree: &SourceTree,
    file: FileId,
    findings: &mut Findings,
) -> Result<Option<String>, ReadError> {
    Ok(match syntax::utf8(file, tree.read(file)?.into_owned()) {
        Ok(text) => Some(text),
        Err(finding) => {
            findings.push(*finding);
            None
        }
    })
}

/// What holds for every policy of a project.
struct How<'p> {
    limits: &'p Limits,
    /// The names that things have now, where the environment changes them.
    names: Option<&'p Names>,
    gateway: Option<policy::Gateway>,
    /// The conventions that are asked for.
    asked: BTreeSet<Code>,
}

fn policy(
    key: &Key,
    (file, path): (FileId, &str),
    text: String,
    how: &How<'_>,
    worker: &mut policy::Worker<'_>,
    findings: &mut Findings,
) -> (Policy, Content) {
    let How { limits, names, .. } = *how;
    let (root, max) = match key.kind {
        Kind::PolicyFragment => (policy::Root::Fragment, MAX_FRAGMENT),
        Kind::ResolverPolicy => (policy::Root::Resolver, MAX_POLICY),
        _ => (policy::Root::Policies, MAX_POLICY),
    };
    if text.len() > max {
        findings.push(policy_too_large::found(file, key, text.len(), max));
    }
    if let Some(at) = text.find(redacted_value::MARKER) {
        let span = Span::new(file, at, at + redacted_value::MARKER.len());
        findings.push(redacted_value::found(span.into()));
    }
    if let Some(at) = text.find(sops_encrypted::MARKER) {
        let span = Span::new(file, at, at + sops_encrypted::MARKER.len());
        findings.push(sops_encrypted::found(span.into(), path));
    }
    if let Some((range, what)) = flux_apim_diag::credential(&text) {
        let span = Span::new(file, range.start, range.end);
        findings.push(credential_in_clear::found(span.into(), what));
    }
    if is_path(&text) {
        findings.push(malformed_policy::path(
            Span::new(file, 0, text.len()),
            text.trim(),
        ));
        let policy = Policy {
            references: Vec::new(),
            facts: policy::Facts::default(),
            token: None,
            has_notes: false,
            _held: findings.budget().hold(0, file),
        };
        let meter = findings.budget().meter();
        return (policy, Content::new(text, file, &meter));
    }
    let document = policy::parse(file, &text, root, limits.max_depth, findings);
    let setting = policy::Setting {
        // Those of workspaces have gateways of their own.
        gateway: how.gateway.filter(|_| key.workspace.is_none()),
        ..setting(key)
    };
    let facts = policy::check_with(&document, setting, worker, findings);
    if !how.asked.is_empty() {
        conventions::check(&document, &how.asked, findings);
    }
    let meter = findings.budget().meter();
    let mut references = policy::references(&document, &meter);
    let notes = document.notes().to_vec();
    drop(document);
    let token = token(&text).map(|range| {
        let span = Span::new(file, range.start, range.end);
        (span, text[range].to_owned())
    });
    // What a policy says to this program is nothing for Azure.
    let text = match notes.is_empty() {
        true => text,
        false => levels::without_notes(&text, &notes),
    };
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    let text = match names {
        Some(names) => names.rename(file, &text, root, limits.max_depth, &meter, findings),
        None => text,
    };
    for reference in references.iter_mut() {
        names.inspect(|names| names.follow(reference));
    }
    let texts = references.iter().map(|reference| reference.name.len() + 16);
    let bytes = references.len() * size_of::<Reference>() + texts.sum::<usize>() + facts.bytes();
    let policy = Policy {
        references,
        facts,
        token,
        has_notes: !notes.is_empty(),
        _held: meter.budget().hold(bytes, file),
    };
    let content = Content::new(text, file, &meter);
    (policy, content.held_in(file, 0, &meter))
}

/// Whether `text` names a file: three people wrote `./basic.xml` as the value of a fragment
/// (Azure/api-management-policy-snippets#95 and others).
fn is_path(text: &str) -> bool {
    let text = text.trim();
    text.len() < 1000
        && !text.contains(['<', '\n', '@'])
        && text.rsplit_once('.').is_some_and(|(_, extension)| {
            matches!(
                extension.to_ascii_lowercase().as_str(),
                "xml" | "cshtml" | "txt"
            )
        })
}

/// The gateway that runs every policy of the service, by its tier; none where there may be
/// others, such as self-hosted ones.
fn gateway(project: &Project) -> Option<policy::Gateway> {
    let tier = project.config.tier?;
    let alone = tier.most(Counted::Gateways) == Most::None;
    policy::Gateway::of_tier(tier.name).filter(|_| alone)
}

/// Where the policy `key` is set. In a workspace only its own policy's scope is known:
/// what the reference says of APIs and products is about those of the service.
pub fn setting(key: &Key) -> policy::Setting {
    let scope = match (key.kind, &key.workspace) {
        (Kind::ServicePolicy, Some(_)) => Some(policy::Scope::Workspace),
        (Kind::ServicePolicy, None) => Some(policy::Scope::Global),
        (Kind::ProductPolicy, None) => Some(policy::Scope::Product),
        (Kind::ApiPolicy, None) => Some(policy::Scope::Api),
        (Kind::OperationPolicy, None) => Some(policy::Scope::Operation),
        _ => None,
    };
    policy::Setting {
        scope,
        ..policy::Setting::default()
    }
}

/// A policy that was read from the string at `span` of a document: places inside the
/// string are shown where they are written, as far as that is known; else as the string.
fn at(
    span: Span,
    origins: Option<&Origins>,
    (mut policy, content): (Policy, Content),
    findings: &mut Findings,
) -> (Policy, Content) {
    let written = |place: Span| {
        let Some(origins) = origins else {
            return span;
        };
        let (from, to) = origins.range(place.start as usize, place.end as usize);
        let start = span.start as usize;
        Span::new(span.file, start + from, start + to)
    };
    policy.facts.moved(written);
    for finding in findings.listed_mut() {
        finding.place = match finding.place {
            Place::Span(place) => written(place).into(),
            _ => span.into(),
        };
        finding.move_fix(|place| origins.is_some().then(|| written(place)));
        if origins.is_none() {
            finding.related.clear();
        }
        for (related, _) in &mut finding.related {
            if let Place::Span(place) = related {
                *place = written(*place);
            }
        }
    }
    for reference in &mut policy.references {
        reference.span = written(reference.span);
    }
    if policy.has_notes {
        let message = "an allowance inside of a string allows nothing";
        findings.push(
            flux_apim_diag::Diagnostic::new(&levels::rules::MALFORMED_ALLOWANCE, span, message)
                .help("write `x-flux-apim-allow` beside the string"),
        );
    }
    if let Some((place, _)) = &mut policy.token {
        *place = written(*place);
    }
    (policy, content)
}

/// Where the characters of `value` stand in the file that has it at `span`.
fn origins(
    tree: &SourceTree,
    span: Span,
    value: &str,
    findings: &Findings,
) -> Result<Option<Origins>, ReadError> {
    let bytes = tree.read(span.file)?;
    let source = bytes.get(span.start as usize..span.end as usize);
    let source = source.and_then(|source| std::str::from_utf8(source).ok());
    let meter = findings.budget().meter();
    meter.spend(1 + (value.len() as u64) / 16, span);
    Ok(source.and_then(|source| Origins::new(source, value)))
}

/// The first `{#token#}` of `text`.
pub fn token(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(at) = text[from..].find("{#") {
        let start = from + at;
        let inside = &text[start + 2..];
        // The name ends where it has a character that names have not.
        let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']' | ' ');
        let end = inside.find(|c| !name(c)).unwrap_or(inside.len());
        if end > 0 && inside[end..].starts_with("#}") {
            return Some(start..start + 2 + end + 2);
        }
        from = start + 2;
    }
    None
}
