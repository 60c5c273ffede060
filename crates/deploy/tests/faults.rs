//! Deployments that are cut, killed and interfered with: they converge, or stop with the
//! truth said, and nothing is deleted that is not ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test code"
)]

mod bundle;
mod service;

use bundle::{Bundle, Deployment, deployment, given, shop};
use flux_apim_deploy::{Action, Id, NotBegun, Outcome, Plan};
use futures_util::future;
use serde_json::{Value, json};
use service::{Memory, Wrong};
use std::collections::{BTreeMap, BTreeSet};

/// What Azure adds to a product, which a deployment that is killed in between leaves.
fn is_addition(key: &str) -> bool {
    let generated = |name: &str| name.len() == 24 && name.bytes().all(|b| b.is_ascii_hexdigit());
    key.ends_with("/groups/administrators")
        || key.strip_prefix("subscriptions/").is_some_and(generated)
}

/// What a destroy leaves: what was there before, as it was, and what the plan says it keeps.
fn destroyed(
    deployment: &mut Deployment,
    bundle: &Bundle,
    memory: &Memory,
    before: &BTreeMap<String, Value>,
    said: &BTreeSet<String>,
) {
    deployment.asked.destroy = true;
    let ids = bundle.ids().into_iter().chain(shop().ids());
    deployment.asked.allow_delete = ids.map(|id| Id::parse(&id).unwrap()).collect();
    let plan = deployment.well(bundle, memory);
    let kept: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter(|s| s.action == Action::Kept)
        .map(|s| s.id.folded())
        .collect();
    let after = memory.all();
    for (key, value) in before {
        assert!(
            after.contains_key(key),
            "{key} is gone\n{}",
            plan.to_human()
        );
        if !bundle.ids().contains(key) && !shop().ids().contains(key) {
            assert_eq!(after.get(key), Some(value), "{key}");
        }
    }
    for key in after.keys() {
        assert!(
            before.contains_key(key)
                || kept.contains(key.as_str())
                || said.contains(key)
                || is_addition(key),
            "{key} is left\n{}",
            plan.to_human()
        );
    }
}

/// What a plan says it will never delete.
fn left(plan: &Plan) -> Vec<String> {
    let never = |note: &String| note.contains("never deleted");
    let steps = plan.steps.iter();
    let steps = steps.filter(|s| s.action == Action::Kept || s.notes.iter().any(never));
    steps.map(|step| step.id.folded().to_owned()).collect()
}

fn converged(deployment: &mut Deployment, bundle: &Bundle, memory: &Memory) -> Plan {
    memory.calm();
    deployment.well(bundle, memory);
    let plan = deployment.plan(bundle, memory).unwrap();
    assert!(plan.is_empty(), "{}", plan.to_human());
    let live = memory.all();
    for id in bundle.ids() {
        assert!(live.contains_key(&id), "{id}");
    }
    plan
}

#[test]
fn killed_at_each_request_the_next_run_goes_on() {
    let requests = {
        let memory = Memory::new();
        deployment().well(&shop(), &memory);
        memory.log().len()
    };
    for (first, next) in [(None, shop()), (Some(shop()), changed(&shop()))] {
        for at in 0..requests {
            let (memory, mut deployment) = (Memory::new(), deployment());
            memory.person("tags/blue", json!({"displayName": "blue"}));
            memory.person("tags/other", json!({"displayName": "other"}));
            let before = memory.all();
            if let Some(first) = &first {
                deployment.well(first, &memory);
            }
            memory.faults(move |number, _| (number == at).then_some(Wrong::Killed));
            // What a process that is gone would have kept is gone too.
            let _ = deployment.clone().deploy(&next, &memory);
            converged(&mut deployment, &next, &memory);
            destroyed(&mut deployment, &next, &memory, &before, &BTreeSet::new());
        }
    }
}

#[test]
fn each_request_may_fail_once_in_any_way() {
    let requests = {
        let memory = Memory::new();
        deployment().well(&shop(), &memory);
        memory.log().len()
    };
    let others = [
        Wrong::Lost,
        Wrong::Status(429),
        Wrong::Status(500),
        Wrong::Status(403),
        Wrong::Status(412),
    ];
    for at in 0..requests {
        for wrong in [Wrong::Unanswered, others[at % others.len()]] {
            let (memory, mut deployment) = (Memory::new(), deployment());
            let before = memory.all();
            memory.faults(move |number, _| (number == at).then_some(wrong));
            let passes = !matches!(wrong, Wrong::Status(403 | 412));
            match deployment.deploy(&shop(), &memory) {
                Ok((_, Ok(outcome))) => {
                    if passes {
                        assert!(
                            outcome.is_whole(),
                            "{wrong:?} at {at}: {}",
                            outcome.to_human()
                        );
                    }
                }
                Ok((_, Err(error))) => assert!(!passes, "{wrong:?} at {at}: {error}"),
                Err(error) => assert!(!passes, "{wrong:?} at {at}: {error}"),
            }
            converged(&mut deployment, &shop(), &memory);
            destroyed(&mut deployment, &shop(), &memory, &before, &BTreeSet::new());
        }
    }
}

#[test]
fn two_deployments_of_one_owner_at_once_do_no_harm() {
    let (memory, mut first) = (Memory::new(), deployment());
    memory.person("tags/other", json!({"displayName": "other"}));
    let before = memory.all();
    let (bundle, resources) = (shop(), shop().parsed());
    let (secrets, asked) = (given(), first.asked.clone());
    let engine = flux_apim_deploy::Engine {
        service: &memory,
        service_id: service::SERVICE,
        resources: &resources,
        texts: &bundle,
        secrets: &secrets,
        asked: &asked,
        state: None,
    };
    let both = service::block_on(async {
        let (one, two) = future::join(engine.plan(), engine.plan()).await;
        let (one, two) = (one.unwrap(), two.unwrap());
        future::join(engine.apply(&one), engine.apply(&two)).await
    });
    let whole = |outcome: &Result<Outcome, NotBegun>| outcome.as_ref().is_ok_and(Outcome::is_whole);
    assert!(
        !(whole(&both.0) && whole(&both.1)),
        "one of them has to say that there was another"
    );
    converged(&mut first, &shop(), &memory);
    destroyed(&mut first, &shop(), &memory, &before, &BTreeSet::new());
}

/// The bundle of tomorrow: something gone, something new, something else.
fn changed(bundle: &Bundle) -> Bundle {
    let mut bundle = bundle.clone();
    drop_all(&mut bundle, "apis/soap");
    for resource in &mut bundle.resources {
        if resource["id"] == "tags/blue" {
            resource["properties"]["displayName"] = "red".into();
        }
    }
    bundle.with("tags/new", json!({"displayName": "new"}), &[])
}

fn drop_all(bundle: &mut Bundle, start: &str) {
    let gone = |id: &str| id == start || id.starts_with(&format!("{start}/"));
    bundle
        .resources
        .retain(|r| !gone(r["id"].as_str().unwrap()));
    for resource in &mut bundle.resources {
        resource["dependsOn"]
            .as_array_mut()
            .unwrap()
            .retain(|id| !gone(id.as_str().unwrap()));
    }
}

/// Numbers that look random, and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Some bundle: a shop without this and that, and with other words.
fn some(dice: &mut Dice) -> Bundle {
    let mut bundle = shop();
    for start in [
        "apis/soap",
        "apis/orders/tags/blue",
        "products/p/groups/buyers",
        "subscriptions/s",
        "policies/policy",
        "apis/orders/policies/policy",
        "products/p/policies/policy",
        "apis/orders/operations/read",
        "backends/b",
    ] {
        if dice.roll(4) == 0 {
            drop_all(&mut bundle, start);
        }
    }
    for resource in &mut bundle.resources {
        let id = resource["id"].as_str().unwrap().to_owned();
        if dice.roll(5) == 0
            && ["tags/", "groups/", "apis/soap", "namedValues/url"]
                .iter()
                .any(|start| id.starts_with(start))
        {
            resource["properties"]["displayName"] = format!("name-{}", dice.roll(3)).into();
        }
    }
    bundle
}

#[test]
fn random_runs_converge() {
    let runs = std::env::var("FLUX_APIM_DEPLOY_RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(30);
    for seed in 0..runs {
        let mut dice = Dice(seed * 7919 + 1);
        let (memory, mut deployment) = (Memory::new(), deployment());
        if dice.roll(2) == 0 {
            deployment.state = None;
        }
        for (name, text) in [
            ("tags/blue", "blue"),
            ("apis/soap", "Soap"),
            ("groups/buyers", "Buyers"),
            ("tags/other", "other"),
        ] {
            if dice.roll(3) == 0 {
                memory.person(name, json!({"displayName": text, "path": text}));
            }
        }
        let before = memory.all();
        let mut bundle = some(&mut dice);
        let mut said = BTreeSet::new();
        for _ in 0..4 {
            let mut fate = Dice(dice.roll(1 << 30));
            let (odds, kill) = (4 + dice.roll(20), dice.roll(200));
            memory.faults(move |number, _| match fate.roll(odds) {
                0 => Some(
                    [
                        Wrong::Lost,
                        Wrong::Unanswered,
                        Wrong::Status(429),
                        Wrong::Status(500),
                        Wrong::Status(403),
                    ][usize::try_from(fate.roll(5)).unwrap()],
                ),
                _ => (number as u64 == kill).then_some(Wrong::Killed),
            });
            let mut run = deployment.clone();
            if let Ok((plan, _)) = run.deploy(&bundle, &memory) {
                said.extend(left(&plan));
            }
            // A state that was not kept is one that is older.
            if !memory.0.lock().unwrap().is_killed() {
                deployment = run;
            }
            if dice.roll(3) == 0 {
                bundle = some(&mut dice);
            }
        }
        memory.calm();
        deployment.asked.refresh = true;
        let (plan, outcome) = deployment.deploy(&bundle, &memory).unwrap();
        said.extend(left(&plan));
        let outcome = outcome.unwrap();
        assert!(
            outcome.is_whole(),
            "seed {seed}\n{}\n{}",
            plan.to_human(),
            outcome.to_human()
        );
        deployment.asked.refresh = false;
        let plan = deployment.plan(&bundle, &memory).unwrap();
        assert!(plan.is_empty(), "seed {seed}\n{}", plan.to_human());
        let live = memory.all();
        assert!(
            bundle.ids().iter().all(|id| live.contains_key(id)),
            "seed {seed}"
        );
        assert!(
            before.keys().all(|key| live.contains_key(key)),
            "seed {seed}"
        );
        destroyed(&mut deployment, &bundle, &memory, &before, &said);
    }
}
