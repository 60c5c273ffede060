//! `flux-apim.yaml`: optional configuration of a project.

use super::{Options, Project};
use flux_apim_diag::tree::{FileId, Limits, ReadError, SourceTree, join};
use flux_apim_diag::{Code, Diagnostic, Findings, Place, Registry, Span, excerpt, nearest};
use flux_apim_levels::rules::malformed_override;
use flux_apim_levels::{self as levels, PRESETS, Preset, RULESETS, Ruleset, Said};
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Identified, TIERS, Tier, parse_id};
use flux_apim_syntax::{self as syntax, Data, Format, Value};
use std::collections::{BTreeSet, HashMap};

/// What `flux-apim.yaml` says.
#[derive(Debug, Default)]
pub struct ProjectConfig {
    /// Name of the APIM service.
    pub service: Option<String>,
    /// Targets to render.
    pub targets: Option<Vec<String>>,
    /// Levels of rules, and the set of rules.
    pub levels: Said,
    /// Rules that are off until somebody asks for them, and were asked for. Whoever runs
    /// the steps knows.
    pub levels_asked: BTreeSet<Code>,
    /// Where the settings stand; none without a `flux-apim.yaml`.
    pub file: Option<FileId>,
    /// Resources that are managed elsewhere, as `loggers/appinsights`.
    pub external: Vec<String>,
    /// Resources that no deployment deletes: ids below the service, in which `*` stands for
    /// any text.
    pub protect: Vec<String>,
    /// Caps by their flag.
    pub limits: Vec<(&'static str, u64)>,
    /// Properties of plain-layout APIs.
    pub apis: PlainApis,
    /// Whether what is named and not there is an error in any case.
    pub strict: bool,
    /// The tier of the service.
    pub tier: Option<&'static Tier>,
    /// api-version of the resources, with where it is said.
    pub api_version: Option<(String, Place)>,
}

/// What `flux-apim.yaml` says of the APIs in the plain layout.
#[derive(Debug, Default)]
pub struct PlainApis {
    list: Vec<PlainApi>,
    /// The first of the list that has this place.
    by_place: HashMap<String, usize>,
}

impl PlainApis {
    fn new(list: Vec<PlainApi>) -> Self {
        let mut by_place = HashMap::new();
        for (at, api) in list.iter().enumerate() {
            by_place.entry(api.place.clone()).or_insert(at);
        }
        Self { list, by_place }
    }

    /// The first that stands for one of `places`.
    pub(super) fn find(&mut self, places: [Option<&str>; 3]) -> Option<&mut PlainApi> {
        let places = places.into_iter().flatten();
        let found = places.filter_map(|place| self.by_place.get(place)).min();
        self.list.get_mut(*found?)
    }

    /// Those that no API was found for.
    pub(super) fn unused(&self) -> impl Iterator<Item = &PlainApi> {
        self.list.iter().filter(|api| !api.used)
    }
}

/// What `flux-apim.yaml` says of an API in the plain layout.
#[derive(Debug)]
pub struct PlainApi {
    /// Its folder or document.
    pub place: String,
    /// Where the entry stands.
    pub span: Option<Span>,
    /// Its name and properties.
    pub value: Value,
    /// Whether there is such an API.
    pub used: bool,
}

/// Collections of a service whose members `external` may name beside the kinds that trees
/// hold, and what messages call a member: named values by their display names, and what no
/// tree holds (APIM4006).
const ELSEWHERE: [(&str, &str); 6] = [
    ("namedValues", "named value"),
    ("users", "user"),
    ("authorizationServers", "authorization server"),
    ("openidConnectProviders", "OpenID Connect provider"),
    ("certificates", "certificate"),
    ("authorizationProviders", "credential provider"),
];

/// What messages call the resource that `external` names by `id`, and its name, where it is
/// of one of those collections.
pub fn elsewhere(id: &str) -> Option<(&'static str, &str)> {
    let (collection, name) = id.trim_start_matches('/').split_once('/')?;
    let mut known = ELSEWHERE.iter();
    let (_, label) = known.find(|(known, _)| known.eq_ignore_ascii_case(collection))?;
    Some((label, name))
}

pub(super) const NAMES: [&str; 2] = ["flux-apim.yaml", "flux-apim.yml"];
pub(super) const TARGETS: [&str; 3] = ["arm", "bicep", "aso"];
pub(super) const KEYS: [&str; 13] = [
    "service",
    "targets",
    "rules",
    "preset",
    "ruleset",
    "external",
    "protect",
    "limits",
    "apis",
    "strict",
    "armApiVersion",
    "tier",
    "ignore",
];

pub(super) fn is_config(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Reads `flux-apim.yaml` from the root, else from its parent folder.
pub(super) fn load(
    tree: &SourceTree,
    options: &Options,
    registry: Registry,
    project: &mut Project,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let parent = project
        .root
        .rsplit_once('/')
        .map_or("", |(parent, _)| parent);
    let file = [project.root.as_str(), parent]
        .iter()
        .find_map(|folder| NAMES.iter().find_map(|name| tree.find(&join(folder, name))));
    let Some(file) = file else { return Ok(()) };
    project.config.file = Some(file);
    tree.path(file)
        .parent()
        .clone_into(&mut project.config.levels.base);
    let Some(value) = read_yaml(tree, file, options, findings)? else {
        return Ok(());
    };
    if !value.is_object() {
        findings.push(malformed(
            file,
            &value,
            "the project configuration is no mapping",
        ));
        return Ok(());
    }
    for entry in value.entries() {
        let place = entry.key_span.map_or(Place::from(file), Place::from);
        let wrong = |expected: &str| {
            malformed(
                file,
                &entry.value,
                &format!("`{}` must be {expected}", entry.key),
            )
        };
        let strings = || -> Option<Vec<String>> {
            let items = entry.value.items();
            let texts: Vec<String> = items
                .iter()
                .filter_map(|i| i.as_str().map(str::to_owned))
                .collect();
            (matches!(entry.value.data, Data::Array(_)) && texts.len() == items.len())
                .then_some(texts)
        };
        match entry.key.as_str() {
            "service" => match entry.value.as_str() {
                Some(service) => project.config.service = Some(service.to_owned()),
                None => findings.push(wrong("a string")),
            },
            "targets" => match strings() {
                Some(targets) if targets.iter().all(|t| TARGETS.contains(&t.as_str())) => {
                    project.config.targets = Some(targets);
                }
                _ => findings.push(wrong("a list of arm, bicep, aso")),
            },
            "external" => match strings() {
                Some(external) => {
                    for (item, text) in entry.value.items().iter().zip(&external) {
                        let known = elsewhere(text).is_some()
                            || matches!(parse_id(text), Identified::Resource(_));
                        if !known {
                            let message =
                                format!("`{}` names no kind of resource", excerpt(text, 60));
                            findings.push(malformed(file, item, &message).help(
                                "write `<collection>/<name>`, for example `loggers/appinsights`",
                            ));
                        }
                    }
                    project.config.external = external;
                }
                None => findings.push(wrong("a list such as `[loggers/appinsights]`")),
            },
            "protect" => match strings() {
                Some(patterns) => {
                    for (item, pattern) in entry.value.items().iter().zip(&patterns) {
                        if !is_protection(pattern) {
                            let message =
                                format!("`{}` names no kind of resource", excerpt(pattern, 60));
                            findings.push(malformed(file, item, &message).help(
                                "write `<collection>/<name>`, where `*` stands for any text, for \
                                 example `products/*`",
                            ));
                        }
                    }
                    project.config.protect = patterns;
                }
                None => findings.push(wrong(
                    "a list such as `[products/starter, \"subscriptions/*\"]`",
                )),
            },
            "limits" => limits(file, &entry.value, options, &mut project.config, findings),
            "rules" => {
                let whole = Place::from(file);
                let settings =
                    levels::settings(registry, &entry.value, &whole, "flux-apim.yaml", findings);
                project.config.levels.settings = settings;
            }
            "preset" => {
                let one = std::slice::from_ref(&entry.value);
                let named = match &entry.value.data {
                    Data::Array(items) => items.as_slice(),
                    _ => one,
                };
                for value in named {
                    match value.as_str().and_then(Preset::named) {
                        Some(preset) => {
                            let place = value.span.map_or(place.clone(), Place::from);
                            let settings = preset.settings(registry, &place);
                            project.config.levels.presets.extend(settings);
                        }
                        None => {
                            let names: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
                            let message = format!("`preset` is one of {}", names.join(", "));
                            findings.push(malformed(file, value, &message));
                        }
                    }
                }
            }
            // Read before there was a project: `without_ignored`.
            "ignore" if strings().is_some() => {}
            "ignore" => findings.push(wrong("a list of patterns as in .gitignore")),
            "strict" => match entry.value.as_bool() {
                Some(strict) => project.config.strict = strict,
                None => findings.push(wrong("true or false")),
            },
            "tier" => match entry.value.as_str().and_then(Tier::named) {
                Some(tier) => project.config.tier = Some(tier),
                None => {
                    let names: Vec<&str> = TIERS.iter().map(|tier| tier.name).collect();
                    findings.push(wrong(&format!("one of {}", names.join(", "))));
                }
            },
            "armApiVersion" => match entry.value.as_str() {
                Some(version) => {
                    let place = entry.value.span.map_or(place, Place::from);
                    project.config.api_version = Some((version.to_owned(), place));
                }
                None => findings.push(wrong("an api-version such as \"2024-05-01\"")),
            },
            "ruleset" => ruleset(file, &entry.value, &mut project.config, findings),
            "apis" if entry.value.is_object() => {
                let apis = entry.value.entries().iter();
                let apis = apis.map(|api| PlainApi {
                    place: api.key.trim_end_matches('/').to_owned(),
                    span: api.key_span,
                    value: api.value.clone(),
                    used: false,
                });
                project.config.apis = PlainApis::new(apis.collect());
            }
            "apis" => findings.push(wrong("a mapping of folders to properties")),
            other => {
                let near = findings.hint(|| nearest(other, KEYS));
                findings.push(malformed_override::setting(place, other, near, &KEYS));
            }
        }
    }
    Ok(())
}

/// Whether a pattern can be one of the ids below a service: a collection that trees hold, and
/// a name. One that begins with `*` is of any collection.
fn is_protection(pattern: &str) -> bool {
    let Some((collection, name)) = pattern.split_once('/') else {
        return pattern == "*";
    };
    !name.is_empty() && (collection.contains('*') || Kind::by_arm(collection).is_some())
}

/// `limits: {max_depth: 100}`: caps on documents, lower than those of the run.
/// Those on the source itself are flags, since the source is read before its
/// configuration; and no source lifts the caps that guard against it.
fn limits(
    file: FileId,
    value: &Value,
    options: &Options,
    config: &mut ProjectConfig,
    findings: &mut Findings,
) {
    if !value.is_object() {
        findings.push(malformed(file, value, "`limits` must be a mapping of caps"));
    }
    for entry in value.entries() {
        let limit = Limits::TABLE
            .iter()
            .find(|limit| limit.field == entry.key && limit.of_documents());
        let number: Option<u64> = match &entry.value.data {
            Data::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        let (Some(limit), Some(number)) = (limit, number) else {
            let message = format!(
                "`{}` is no cap on documents with a number",
                excerpt(&entry.key, 60)
            );
            let fields: Vec<&str> = Limits::TABLE
                .iter()
                .filter(|limit| limit.of_documents())
                .map(|limit| limit.field)
                .collect();
            findings.push(malformed(file, &entry.value, &message).help(format!(
                "the caps are {}; others are flags",
                fields.join(", ")
            )));
            continue;
        };
        let allowed = options.limits.get(limit.flag);
        if number > allowed {
            let message = format!("`{}: {number}` is above the cap {allowed}", limit.field);
            findings.push(
                malformed(file, &entry.value, &message)
                    .help(format!("a project lowers caps; --{} raises it", limit.flag)),
            );
            continue;
        }
        config.limits.push((limit.flag, number));
    }
}

/// `ruleset: "0.1"`: the version whose rules count.
fn ruleset(file: FileId, value: &Value, config: &mut ProjectConfig, findings: &mut Findings) {
    let version = match &value.data {
        // `ruleset: 0.1` is a number of YAML.
        Data::String(text) | Data::Number(text) => text.as_str(),
        _ => "",
    };
    config.levels.ruleset = Ruleset::named(version);
    if config.levels.ruleset.is_none() {
        let message = format!("there is no rule set `{}`", excerpt(version, 40));
        let help = format!(
            "this flux-apim knows {}; a newer one may know more",
            RULESETS.join(", ")
        );
        findings.push(malformed(file, value, &message).help(help));
    }
}

/// Reads a YAML file as a value; findings say why not.
pub(super) fn read_yaml(
    tree: &SourceTree,
    file: FileId,
    options: &Options,
    findings: &mut Findings,
) -> Result<Option<Value>, ReadError> {
    read_value(tree, file, Format::Yaml, options, findings)
}

/// Reads a small document as a value; findings say why not.
pub(super) fn read_value(
    tree: &SourceTree,
    file: FileId,
    format: Format,
    options: &Options,
    findings: &mut Findings,
) -> Result<Option<Value>, ReadError> {
    let text = match syntax::utf8(file, tree.read(file)?.into_owned()) {
        Ok(text) => text,
        Err(finding) => {
            findings.push(*finding);
            return Ok(None);
        }
    };
    let parse = syntax::Options {
        malformed: &syntax::rules::MALFORMED_DOCUMENT,
        limits: &options.limits,
    };
    let document = syntax::parse(file, text, format, parse, findings);
    Ok(document.map(|document| Value::from(document.root())))
}

pub(super) fn malformed(file: FileId, value: &Value, message: &str) -> Diagnostic {
    let place = value.span.map_or(Place::from(file), Place::from);
    malformed_override::found(place, message)
}
