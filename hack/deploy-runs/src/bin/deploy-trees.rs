//! Deploys trees to the simulated service: from nothing, again, with each environment, after
//! a person changed ten things, and gone; and holds what is left against what the template
//! leaves.
//!
//! `deploy-trees FLUX_APIM ALLOWED TREE...`: a line for each tree, status 1 when something is
//! not as it should be. A tree with a refusal that `ALLOWED` (`hack/azure/allowed-refusals.json`)
//! names with its reason is said and left; any other refusal is wrong. The simulation is ours:
//! nothing that passes here is thereby known to pass on Azure.
#![allow(clippy::print_stdout, reason = "its report is its output")]

use deploy_runs::Simulated;
use deploy_runs::folder::Folder;
use deploy_runs::runs::{Deployed, Owner, is_whole, told};
use deploy_runs::template;
use flux_apim_deploy::{Action, Done, Method, Plan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Things that a person changes.
const CHANGES: usize = 10;

/// A refusal that is known: of which project, resource and words.
struct Allowed {
    project: String,
    id: String,
    message: String,
    reason: String,
}

impl Allowed {
    fn is_of(&self, tree: &Path, id: &str, message: &str) -> bool {
        let named = match self.id.strip_suffix('*') {
            Some(start) => id.starts_with(start),
            None => self.id == id,
        };
        named && tree.ends_with(&self.project) && message.contains(&self.message)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [program, allowed, trees @ ..] = arguments.as_slice() else {
        return Err("usage: deploy-trees FLUX_APIM ALLOWED TREE...".into());
    };
    let allowed: Value = serde_json::from_str(&std::fs::read_to_string(allowed)?)?;
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or("").to_owned();
    let allowed = allowed.as_array().into_iter().flatten();
    let allowed: Vec<Allowed> = allowed
        .map(|one| Allowed {
            project: text(one, "project"),
            id: text(one, "id"),
            message: text(one, "message"),
            reason: text(one, "reason"),
        })
        .collect();
    let scratch = std::env::temp_dir().join(format!("deploy-trees-{}", std::process::id()));
    let service = Simulated::new()?;
    let of_template = Simulated::new()?;
    let (mut whole, mut left, mut wrong, mut unrendered) = (0, 0, 0, 0);
    for tree in trees {
        let name = tree
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(bundle) = render(program, tree, None, &scratch.join("bundle"))? else {
            println!("{name}: not rendered");
            unrendered += 1;
            continue;
        };
        let environments = environments(tree);
        let mut bundles = Vec::new();
        for environment in &environments {
            let out = scratch.join(format!("env-{environment}"));
            bundles.extend(render(program, tree, Some(environment), &out)?);
        }
        let mut run = Run {
            service: &service,
            of_template: &of_template,
            problems: Vec::new(),
            said: Vec::new(),
        };
        let refused = run.tree(&bundle, &bundles);
        let known = refused.iter().map(|(id, message)| {
            let found = allowed.iter().find(|a| a.is_of(tree, id, message));
            found.map_or_else(
                || Err(format!("REFUSED {id}: {message}")),
                |allowed| Ok(format!("refused {id}: {}", allowed.reason)),
            )
        });
        let known: Vec<Result<String, String>> = known.collect();
        run.problems
            .extend(known.iter().filter_map(|one| one.clone().err()));
        let verdict = match (run.problems.is_empty(), refused.is_empty()) {
            (true, true) => {
                whole += 1;
                "well"
            }
            (true, false) => {
                left += 1;
                "left, with allowed refusals"
            }
            (false, _) => {
                wrong += 1;
                "WRONG"
            }
        };
        let count = bundle.resources.list.len();
        println!(
            "{name}: {verdict}: {count} resources, {}",
            run.said.join(", ")
        );
        for line in known.into_iter().flatten().chain(run.problems) {
            println!("    {line}");
        }
        std::fs::remove_dir_all(&scratch)?;
    }
    println!(
        "{} trees: {whole} well, {left} with allowed refusals, {unrendered} not rendered, {wrong} wrong",
        trees.len()
    );
    match wrong {
        0 => Ok(()),
        _ => Err("some trees do not deploy as they should".into()),
    }
}

/// Names of environments: what stands between `configuration.` and `.yaml`.
fn environments(tree: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![tree.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
            let middle = name.strip_prefix("configuration.");
            let middle = middle.and_then(|rest| rest.strip_suffix(".yaml"));
            names.extend(middle.filter(|m| *m != "extractor").map(str::to_owned));
        }
    }
    names
}

fn render(
    program: &Path,
    tree: &Path,
    environment: Option<&str>,
    out: &Path,
) -> Result<Option<Folder>, Box<dyn Error>> {
    std::fs::create_dir_all(out.parent().unwrap_or(out))?;
    let mut command = Command::new(program);
    command.args(["-q", "render"]).arg(tree).arg("-o").arg(out);
    command.args(["--target", "arm", "--service", "simulated"]);
    if let Some(environment) = environment {
        command.args(["--env", environment]);
    }
    match command.output()?.status.success() {
        true => Ok(Some(Folder::read(out)?)),
        false => Ok(None),
    }
}

/// One tree on the simulation.
struct Run<'a> {
    service: &'a Simulated,
    of_template: &'a Simulated,
    problems: Vec<String>,
    said: Vec<String>,
}

type Stored = BTreeMap<String, Value>;

impl Run<'_> {
    /// Deploys it in all ways; what was refused is handed back, and ends it.
    fn tree(&mut self, bundle: &Folder, environments: &[Folder]) -> Vec<(String, String)> {
        self.service.reset();
        let before = self.service.stored();
        let mut owner = Owner::new(self.service);
        let first = owner.deploy(self.service, bundle);
        let refused = refusals(&first);
        if !refused.is_empty() {
            self.said.push(format!("{} refused", refused.len()));
            return refused;
        }
        if !self.hold("from nothing", is_whole(&first), || told(&first)) {
            return Vec::new();
        }
        self.said
            .push(format!("{} requests", self.service.log().len()));
        self.again("again", &mut owner, bundle);
        self.template(bundle);
        for environment in environments {
            let deployed = owner.deploy(self.service, environment);
            let refused = refusals(&deployed);
            if !refused.is_empty() {
                self.said.push("an environment refused".to_owned());
                return refused;
            }
            self.hold("an environment", is_whole(&deployed), || told(&deployed));
            self.again("an environment again", &mut owner, environment);
        }
        if !environments.is_empty() {
            self.said
                .push(format!("{} environments", environments.len()));
            let deployed = owner.deploy(self.service, bundle);
            self.hold("back", is_whole(&deployed), || told(&deployed));
        }
        self.person(&mut owner, bundle);
        self.destroy(&mut owner, bundle, &before);
        Vec::new()
    }

    fn hold(&mut self, what: &str, holds: bool, why: impl FnOnce() -> String) -> bool {
        if !holds {
            let why = why();
            let lines: Vec<&str> = why.lines().rev().take(12).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            self.problems
                .push(format!("{what}: {}", lines.join("\n        ")));
        }
        holds
    }

    /// Deploys the same again, which writes nothing.
    fn again(&mut self, what: &str, owner: &mut Owner, bundle: &Folder) {
        self.service.calm();
        let deployed = owner.deploy(self.service, bundle);
        let writes = self.service.log();
        let writes = writes.iter().filter(|(method, _)| *method != Method::Get);
        let empty = matches!(&deployed, Ok((plan, _)) if plan.is_empty());
        let none = writes.count() == 0 && empty;
        self.hold(what, none, || told(&deployed));
    }

    /// Deploys the template on another empty service, and compares what is there.
    fn template(&mut self, bundle: &Folder) {
        let Some(main) = &bundle.template else {
            self.said.push("no template of one piece".to_owned());
            return;
        };
        self.of_template.reset();
        if let Err(why) = template::deploy(self.of_template, main, &bundle.parameters) {
            self.problems.push(format!("template: {why}"));
            return;
        }
        // Operations of a WSDL get other names at each import.
        let wsdl = bundle.resources.list.iter().filter(|resource| {
            let format = resource.properties["format"].as_str().unwrap_or("");
            format.starts_with("wsdl")
        });
        let wsdl: Vec<String> = wsdl
            .map(|api| format!("{}/operations/", api.id.folded()))
            .collect();
        let (mut ours, mut theirs) = (self.service.stored(), self.of_template.stored());
        let (own, other) = (unnamed(&mut ours, &wsdl), unnamed(&mut theirs, &wsdl));
        self.hold("template", own == other, || {
            "operations of a WSDL differ in more than their names".to_owned()
        });
        let ids: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for id in ids {
            let (own, other) = (ours.get(id), theirs.get(id));
            if own == other || (own.is_none() && is_addition(id, &theirs)) {
                continue;
            }
            let other = other.map_or_else(String::new, ToString::to_string);
            let own = own.map_or_else(String::new, ToString::to_string);
            let short = |text: &str| text.chars().take(300).collect::<String>();
            self.problems.push(format!(
                "template: {id} differs: requests {} template {}",
                short(&own),
                short(&other)
            ));
        }
        self.said.push("as the template leaves it".to_owned());
    }

    /// A person changes ten things: a plan names exactly these, and deploying mends them.
    fn person(&mut self, owner: &mut Owner, bundle: &Folder) {
        let meant = self.service.stored();
        let mut changed = BTreeSet::new();
        for resource in &bundle.resources.list {
            let id = &resource.id;
            if changed.len() < CHANGES && self.service.person_changes(id) {
                changed.insert(id.folded().to_owned());
            }
        }
        let plan = match owner.plan(self.service, bundle) {
            Ok(plan) => plan,
            Err(error) => return self.problems.push(format!("a person: {error}")),
        };
        let named = writes(&plan);
        // What an API's import makes anew is written again with it.
        let extra: Vec<&String> = named.difference(&changed).collect();
        let lost: Vec<&String> = changed.difference(&named).collect();
        self.hold("a person", extra.is_empty() && lost.is_empty(), || {
            format!("not named {lost:?}, named too {extra:?}")
        });
        let deployed = owner.deploy(self.service, bundle);
        self.hold("mended", is_whole(&deployed), || told(&deployed));
        let now = self.service.stored();
        let other: Vec<&String> = meant
            .keys()
            .chain(now.keys())
            .filter(|id| meant.get(*id) != now.get(*id))
            .collect();
        self.hold("mended", other.is_empty(), || {
            format!("still other: {other:?}")
        });
        self.said
            .push(format!("{} changes by a person", changed.len()));
    }

    /// Destroys it: what was there before is there, and nothing else but what is said.
    fn destroy(&mut self, owner: &mut Owner, bundle: &Folder, before: &Stored) {
        owner.asked.destroy = true;
        let ids = bundle.resources.list.iter();
        owner.asked.allow_delete = ids.map(|resource| resource.id.clone()).collect();
        let deployed = owner.deploy(self.service, bundle);
        self.hold("destroyed", is_whole(&deployed), || told(&deployed));
        let kept: BTreeSet<String> = match &deployed {
            Ok((plan, _)) => plan
                .steps
                .iter()
                .filter(|step| step.action == Action::Kept)
                .map(|step| step.id.folded().to_owned())
                .collect(),
            Err(_) => BTreeSet::new(),
        };
        let after = self.service.stored();
        for id in before.keys() {
            self.hold("destroyed", after.contains_key(id), || {
                format!("{id} is gone")
            });
        }
        for id in after.keys() {
            let known = before.contains_key(id) || kept.contains(id);
            self.hold("destroyed", known, || format!("{id} is left"));
        }
        self.said.push(match kept.len() {
            0 => "gone".to_owned(),
            n => format!("gone but for {n} that are said"),
        });
    }
}

/// Takes out what is below `places`, and gives back what it holds, without names.
fn unnamed(stored: &mut Stored, places: &[String]) -> Vec<String> {
    let is_below = |id: &String| places.iter().any(|place| id.starts_with(place));
    let ids: Vec<String> = stored.keys().filter(|id| is_below(id)).cloned().collect();
    let bodies = ids.iter().filter_map(|id| stored.remove(id));
    let mut bodies: Vec<String> = bodies.map(|body| body["properties"].to_string()).collect();
    bodies.sort();
    bodies
}

/// What Azure adds to a new product, and a template leaves.
fn is_addition(id: &str, stored: &Stored) -> bool {
    let generated = |name: &str| name.len() == 24 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let of_product = || {
        let scope = stored[id]["properties"]["scope"].as_str().unwrap_or("");
        scope.contains("/products/")
    };
    id.ends_with("/groups/administrators")
        || (id.strip_prefix("subscriptions/").is_some_and(generated) && of_product())
}

fn writes(plan: &Plan) -> BTreeSet<String> {
    let steps = plan.steps.iter().filter(|step| step.action.writes());
    steps.map(|step| step.id.folded().to_owned()).collect()
}

/// Resources that the service refused, with its words.
fn refusals(deployed: &Deployed) -> Vec<(String, String)> {
    let Ok((_, Ok(outcome))) = deployed else {
        return Vec::new();
    };
    let refused = outcome
        .results
        .iter()
        .filter_map(|result| match &result.done {
            Done::Refused(failure) => Some((result.id.to_string(), failure.to_string())),
            _ => None,
        });
    refused.collect()
}
