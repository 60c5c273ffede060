//! Puts rendered projects on the simulation, and says what it refuses.
//!
//! Each folder is rendered as it stands and with each of its environments, and put on an
//! empty service: resource by resource in the order of `resources.json`. Then a person uses
//! the service and the same is put again, which must change nothing, and `arm/main.json` is deployed as one template on
//! another empty service. Refusals that `allowed-refusals.json` names, each
//! with a reason, are counted; any other is an error.
#![allow(clippy::print_stdout, reason = "its report is its output")]

use serde::Deserialize;
use serde_json::{Value, json};
use simulated_azure::access::{Access, Principal};
use simulated_azure::behaviours::Behaviours;
use simulated_azure::request::Request;
use simulated_azure::resources::{self, Planned};
use simulated_azure::server;
use simulated_azure::world::{Settings, World};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// A refusal that is known, and why it is right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// The project's path, or its end.
    project: String,
    /// The resource; `*` at the end stands for any.
    id: String,
    /// What the message holds.
    message: String,
    /// Why Azure would refuse it too.
    reason: String,
}

impl Allowed {
    fn is_of(&self, id: &str) -> bool {
        match self.id.strip_suffix('*') {
            Some(start) => id.starts_with(start),
            None => self.id == id,
        }
    }
}

/// What came of a project.
#[derive(Debug, Default)]
struct Result {
    put: usize,
    refused: Vec<(String, u16, String)>,
    changed: Vec<String>,
    /// Operations of WSDLs, which get other names at each import (`wsdl-names`).
    renamed: usize,
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let Some((program, projects)) = arguments
        .split_first()
        .filter(|(_, projects)| !projects.is_empty())
    else {
        return Err("usage: deploy-corpus FLUX_APIM PROJECT...".into());
    };
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("allowed-refusals.json");
    let allowed: Vec<Allowed> = serde_json::from_str(&std::fs::read_to_string(&list)?)?;
    let mut used = BTreeSet::new();
    let scratch = std::env::temp_dir().join(format!("deploy-corpus-{}", std::process::id()));
    let runtime = tokio::runtime::Runtime::new()?;
    let (mut trees, mut unrendered, mut put, mut wrong) = (0, 0, 0, 0);
    for project in projects {
        let mut environments = vec![None];
        environments.extend(self::environments(project).into_iter().map(Some));
        for environment in environments {
            let name = environment
                .as_deref()
                .map_or_else(String::new, |name| format!(" --env {name}"));
            let label = format!("{}{name}", project.display());
            if !render(program, project, environment.as_deref(), &scratch)? {
                println!("{label}: not rendered");
                unrendered += 1;
                continue;
            }
            let result = runtime.block_on(deploy(&scratch))?;
            trees += 1;
            put += result.put;
            println!(
                "{label}: {} resources, {} refused in both forms, {} changed by the second deployment, {} names of WSDL operations",
                result.put,
                result.refused.len(),
                result.changed.len(),
                result.renamed
            );
            for (id, status, message) in &result.refused {
                let found = allowed.iter().position(|a| {
                    project.ends_with(&a.project) && a.is_of(id) && message.contains(&a.message)
                });
                match found {
                    Some(at) => {
                        used.insert(at);
                        println!("  allowed {id}: {}", allowed[at].reason);
                    }
                    None => {
                        wrong += 1;
                        println!("  REFUSED {id}: {status} {message}");
                    }
                }
            }
            for id in &result.changed {
                wrong += 1;
                println!("  CHANGED {id}");
            }
        }
    }
    let _ = std::fs::remove_dir_all(&scratch);
    println!(
        "{trees} deployments of {} projects, {put} resources put, {unrendered} not rendered, {wrong} wrong; {} of {} allowed refusals seen",
        projects.len(),
        used.len(),
        allowed.len()
    );
    match wrong {
        0 => Ok(()),
        _ => Err("there are refusals that nothing allows".into()),
    }
}

/// Names of environments: what stands between `configuration.` and `.yaml`.
fn environments(project: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![project.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let middle = name.strip_prefix("configuration.").and_then(|rest| {
                rest.strip_suffix(".yaml")
                    .or_else(|| rest.strip_suffix(".yml"))
            });
            if let Some(middle) = middle.filter(|middle| *middle != "extractor") {
                names.insert(middle.to_owned());
            }
        }
    }
    names
}

fn render(
    program: &Path,
    project: &Path,
    environment: Option<&str>,
    out: &Path,
) -> std::io::Result<bool> {
    let _ = std::fs::remove_dir_all(out);
    let mut command = Command::new(program);
    command
        .args(["-q", "render"])
        .arg(project)
        .arg("-o")
        .arg(out)
        .args(["--target", "arm", "--service", "simulated"]);
    if let Some(environment) = environment {
        command.args(["--env", environment]);
    }
    let done = command.output()?;
    Ok(done.status.success() && out.join("resources.json").is_file())
}

async fn deploy(bundle: &Path) -> std::result::Result<Result, Box<dyn Error>> {
    let world = world()?;
    let planned = resources::read(bundle, &world.service())?;
    let mut result = Result {
        put: planned.len(),
        ..Result::default()
    };
    for resource in &planned {
        if let Some(refusal) = put(&world, resource).await {
            result.refused.push(refusal);
        }
    }
    used(&world).await;
    let before = stored(&world);
    for resource in &planned {
        put(&world, resource).await;
    }
    let after = stored(&world);
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let wsdl = planned
        .iter()
        .filter(|resource| resource.body["properties"]["format"] == "wsdl");
    let wsdl: Vec<String> = wsdl
        .map(|api| format!("{}/{}/operations/", world.service(), api.id))
        .collect();
    for id in ids
        .into_iter()
        .filter(|id| before.get(*id) != after.get(*id))
    {
        match wsdl.iter().any(|prefix| id.starts_with(prefix)) {
            true => result.renamed += 1,
            false => result.changed.push(id.clone()),
        }
    }
    let template = template(bundle).await?;
    result.refused.extend(template.unwrap_or_default());
    Ok(result)
}

/// Deploys the template on an empty service. What it refuses, by resource; `None` when the
/// bundle has no template of one piece.
async fn template(
    bundle: &Path,
) -> std::result::Result<Option<Vec<(String, u16, String)>>, Box<dyn Error>> {
    let read = |path: &str| std::fs::read_to_string(bundle.join("arm").join(path));
    let Ok(text) = read("main.json") else {
        return Ok(None);
    };
    let template: Value = serde_json::from_str(&text)?;
    let values: Value = serde_json::from_str(&read("parameters.json")?)?;
    let mut values = values["parameters"].clone();
    for (name, declared) in template["parameters"].as_object().into_iter().flatten() {
        let kind = declared["type"].as_str().unwrap_or_default();
        if kind.eq_ignore_ascii_case("securestring") {
            values[name] = json!({"value": format!("secret-{name}")});
        }
    }
    values["apimServiceName"] = json!({"value": "simulated"});
    let world = world()?;
    let group = world.group().replace("resourceGroups", "resourcegroups");
    let id = format!("{group}/providers/Microsoft.Resources/deployments/corpus");
    let body =
        json!({"properties": {"mode": "Incremental", "template": template, "parameters": values}});
    let ask = |method: &str, target: &str, bytes: Vec<u8>| {
        let (path, query) = Request::target(target);
        let request = Request {
            method: method.to_owned(),
            path,
            query,
            headers: BTreeMap::new(),
            bytes,
            origin: String::new(),
            stack: None,
        };
        server::answer(Arc::clone(&world), request, Some(Principal::Anyone))
    };
    let target = format!("{id}?api-version=2021-04-01");
    let answer = ask("PUT", &target, body.to_string().into_bytes())
        .await
        .answer;
    if answer.status >= 300 {
        let message = answer.body.unwrap_or_default().to_string();
        return Ok(Some(vec![(
            "arm/main.json".to_owned(),
            answer.status,
            message,
        )]));
    }
    loop {
        let state = ask("GET", &target, Vec::new())
            .await
            .answer
            .body
            .unwrap_or_default();
        match state["properties"]["provisioningState"].as_str() {
            Some("Accepted") => tokio::time::sleep(Duration::from_millis(2)).await,
            _ => break,
        }
    }
    let below = format!("{}/", world.service());
    let state = world.state();
    let operations = state
        .store
        .get(&id)
        .and_then(|deployment| deployment.body.get("operations"));
    let failed = operations.and_then(Value::as_array).into_iter().flatten();
    let failed =
        failed.filter(|operation| operation["properties"]["provisioningState"] == "Failed");
    let failed = failed.map(|operation| {
        let id = operation["properties"]["targetResource"]["id"]
            .as_str()
            .unwrap_or_default();
        let message = operation["properties"]["statusMessage"].to_string();
        (
            id.strip_prefix(&below).unwrap_or(id).to_owned(),
            400,
            message,
        )
    });
    Ok(Some(failed.collect()))
}

fn world() -> std::result::Result<Arc<World>, Box<dyn Error>> {
    let settings = Settings {
        write_time: Duration::ZERO,
        operation_time: Duration::ZERO,
        ..Settings::default()
    };
    let world = World::new(settings, Behaviours::default(), Access::default())?;
    Ok(Arc::new(world))
}

fn stored(world: &World) -> BTreeMap<String, Value> {
    let state = world.state();
    state
        .store
        .all()
        .map(|entity| (entity.id.clone(), Value::Object(entity.body.clone())))
        .collect()
}

/// What a person did in the portal between two deployments: it must still be there after
/// the second one, and must not be in its way.
async fn used(world: &Arc<World>) {
    let group = json!({"properties": {"displayName": "Made by hand"}});
    let tag = json!({"properties": {"displayName": "by hand"}});
    let subscription = json!({"properties": {"displayName": "By hand", "scope": "/apis"}});
    let product = json!({"properties": {"displayName": "By hand"}});
    for (id, body) in [
        ("groups/made-by-hand", group),
        ("tags/by-hand", tag),
        ("subscriptions/by-hand", subscription),
        ("products/by-hand", product),
    ] {
        let resource = Planned {
            id: id.to_owned(),
            body,
            depends_on: Vec::new(),
        };
        // Refused only where the project has the same display name, which is as good.
        put(world, &resource).await;
    }
    let mut state = world.state();
    if let Some(guests) = state
        .store
        .change(&format!("{}/groups/guests", world.service()))
    {
        guests.set("description", "Microsoft changed this text.");
    }
}

/// The refusal of a PUT, when there is one.
async fn put(world: &Arc<World>, resource: &Planned) -> Option<(String, u16, String)> {
    let (path, query) = Request::target(&format!(
        "{}/{}?api-version=2024-05-01",
        world.service(),
        resource.id
    ));
    let request = Request {
        method: "PUT".to_owned(),
        path,
        query,
        headers: BTreeMap::new(),
        bytes: resource.body.to_string().into_bytes(),
        origin: String::new(),
        stack: None,
    };
    loop {
        let answer = server::answer(Arc::clone(world), request.clone(), Some(Principal::Anyone))
            .await
            .answer;
        match answer.status {
            200..300 => return None,
            // The operation before it still holds the lock.
            409 if answer
                .body
                .as_ref()
                .is_some_and(|body| body["error"]["code"] == "PessimisticConcurrencyConflict") =>
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            status => {
                return Some((
                    resource.id.clone(),
                    status,
                    answer.body.unwrap_or_default().to_string(),
                ));
            }
        }
    }
}
