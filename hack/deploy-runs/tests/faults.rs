//! Deployments to the simulated service that are cut, killed and interfered with: they
//! converge, or stop with the truth said, and nothing is deleted that is not ours.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use deploy_runs::bundles::{Bundle, shop};
use deploy_runs::runs::{Owner, is_whole, told};
use deploy_runs::{Simulated, Wrong};
use flux_apim_deploy::{Action, Id, Plan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.roll(all.len() as u64);
        all[usize::try_from(at).unwrap()]
    }
}

const WRONG: [Wrong; 9] = [
    Wrong::Lost,
    Wrong::Unanswered,
    Wrong::Late,
    Wrong::Garbage,
    Wrong::Status(409),
    Wrong::Status(412),
    Wrong::Status(429),
    Wrong::Status(500),
    Wrong::Status(403),
];

/// What Azure adds to a product, which a deployment that is killed in between leaves.
fn is_addition(key: &str) -> bool {
    let generated = |name: &str| name.len() == 24 && name.bytes().all(|b| b.is_ascii_hexdigit());
    key.ends_with("/groups/administrators")
        || key.strip_prefix("subscriptions/").is_some_and(generated)
}

/// What a plan says that it will never delete.
fn left(plan: &Plan) -> Vec<String> {
    let never = |note: &String| note.contains("never deleted");
    let steps = plan.steps.iter();
    let steps = steps.filter(|s| s.action == Action::Kept || s.notes.iter().any(never));
    steps.map(|step| step.id.folded().to_owned()).collect()
}

/// Deploys without trouble, and holds that nothing is left to do.
fn converges(what: &str, owner: &mut Owner, service: &Simulated, bundle: &Bundle) -> Vec<String> {
    service.calm();
    owner.asked.refresh = true;
    let deployed = owner.deploy(service, bundle);
    assert!(is_whole(&deployed), "{what}\n{}", told(&deployed));
    let said = deployed.map_or_else(|_| Vec::new(), |(plan, _)| left(&plan));
    owner.asked.refresh = false;
    let plan = owner.plan(service, bundle).unwrap();
    assert!(plan.is_empty(), "{what}\n{}", plan.to_human());
    let live = service.stored();
    for id in bundle.ids() {
        assert!(live.contains_key(&id), "{what}: {id} is not there");
    }
    said
}

/// Destroys, and holds that what was there before is, and nothing else but what was said.
fn destroys(
    what: &str,
    owner: &mut Owner,
    service: &Simulated,
    bundle: &Bundle,
    before: &BTreeMap<String, Value>,
    said: &BTreeSet<String>,
) {
    owner.asked.destroy = true;
    let ids = bundle.ids().into_iter().chain(shop().ids());
    owner.asked.allow_delete = ids.filter_map(|id| Id::parse(&id)).collect();
    let deployed = owner.deploy(service, bundle);
    assert!(is_whole(&deployed), "{what}\n{}", told(&deployed));
    let (plan, _) = deployed.unwrap();
    let after = service.stored();
    for key in before.keys() {
        assert!(
            after.contains_key(key),
            "{what}: {key} is gone\n{}",
            plan.to_human()
        );
    }
    let kept: BTreeSet<String> = left(&plan).into_iter().collect();
    for key in after.keys() {
        // Children that Azure makes of a definition go with their API.
        let of_kept = |root: &String| key.starts_with(&format!("{root}/"));
        assert!(
            before.contains_key(key)
                || kept.contains(key)
                || said.contains(key)
                || kept.iter().chain(said).any(of_kept)
                || is_addition(key),
            "{what}: {key} is left\n{}",
            plan.to_human()
        );
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
        "products/p/policies/policy",
        "apis/orders/operations/list/policies/policy",
        "backends/b",
    ] {
        if dice.roll(4) == 0 {
            bundle.drop_all(start);
        }
    }
    for resource in &mut bundle.resources {
        let id = resource["id"].as_str().unwrap().to_owned();
        let named = ["tags/", "groups/", "apis/soap"];
        if dice.roll(5) == 0 && named.iter().any(|start| id.starts_with(start)) {
            let name = format!("name-{}-{}", id.replace('/', "-"), dice.roll(3));
            resource["properties"]["displayName"] = name.into();
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
    let service = Simulated::new().unwrap();
    for seed in 0..runs {
        let what = format!("run {seed}");
        let mut dice = Dice(seed * 7919 + 1);
        service.reset();
        let mut owner = Owner::new(&service);
        if dice.roll(2) == 0 {
            owner.state = None;
        }
        for (id, name) in [
            ("tags/blue", "blue"),
            ("groups/buyers", "Buyers"),
            ("tags/other", "other"),
            ("products/other", "other"),
        ] {
            if dice.roll(3) == 0 {
                service.person(id, serde_json::json!({"displayName": name}));
            }
        }
        let before = service.stored();
        let mut bundle = some(&mut dice);
        let mut said = BTreeSet::new();
        for _ in 0..4 {
            let mut fate = Dice(dice.roll(1 << 30));
            let (odds, kill) = (4 + dice.roll(20), dice.roll(200));
            service.faults(move |number, _| match fate.roll(odds) {
                0 => Some(fate.of(&WRONG)),
                _ => (number as u64 == kill).then_some(Wrong::Killed),
            });
            let mut run = owner.clone();
            if let Ok((plan, _)) = run.deploy(&service, &bundle) {
                said.extend(left(&plan));
            }
            // A state that was not kept is one that is older.
            if !service.is_killed() {
                owner = run;
            }
            if dice.roll(3) == 0 {
                bundle = some(&mut dice);
            }
        }
        said.extend(converges(&what, &mut owner, &service, &bundle));
        destroys(&what, &mut owner, &service, &bundle, &before, &said);
    }
}

#[test]
fn each_request_may_go_wrong_once_in_each_way() {
    let service = Simulated::new().unwrap();
    assert!(is_whole(&Owner::new(&service).deploy(&service, &shop())));
    let requests = service.log().len();
    assert!(requests > 60, "{requests}");
    for at in 0..requests {
        for wrong in [
            WRONG[at % WRONG.len()],
            WRONG[(at + 4) % WRONG.len()],
            Wrong::Killed,
        ] {
            let what = format!("{wrong:?} at {at}");
            service.reset();
            let before = service.stored();
            let mut owner = Owner::new(&service);
            service.faults(move |number, _| (number == at).then_some(wrong));
            let mut run = owner.clone();
            let deployed = run.deploy(&service, &shop());
            let passes = !matches!(wrong, Wrong::Status(403 | 412) | Wrong::Killed);
            assert!(
                !passes || is_whole(&deployed),
                "{what}: {}",
                told(&deployed)
            );
            if wrong != Wrong::Killed {
                owner = run;
            }
            let said: BTreeSet<String> = converges(&what, &mut owner, &service, &shop())
                .into_iter()
                .collect();
            if at % 7 == 0 {
                destroys(&what, &mut owner, &service, &shop(), &before, &said);
            }
        }
    }
}

#[test]
fn permissions_that_are_taken_in_the_middle_stop_it_and_it_says_so() {
    const OBJECT: &str = "oid-of-a-test";
    let mut service = Simulated::new().unwrap();
    service.ask_as(OBJECT);
    let id = service.service();
    service.assign(OBJECT, &id, &["*"], &[]);
    assert!(is_whole(&Owner::new(&service).deploy(&service, &shop())));
    let requests = service.log().len();
    for at in (0..requests).step_by(5) {
        let what = format!("taken at {at}");
        service.reset();
        service.assign(OBJECT, &id, &["*"], &[]);
        let mut owner = Owner::new(&service);
        let world = std::sync::Arc::clone(&service.world);
        service.faults(move |number, _| {
            if number == at {
                deploy_runs::revoke(&world);
            }
            None
        });
        let deployed = owner.deploy(&service, &shop());
        assert!(!is_whole(&deployed), "{what}");
        assert!(
            told(&deployed).contains("403"),
            "{what}: {}",
            told(&deployed)
        );
        service.assign(OBJECT, &id, &["*"], &[]);
        converges(&what, &mut owner, &service, &shop());
    }
}

#[test]
fn two_writers_do_no_harm() {
    let service = Simulated::new().unwrap();
    service.person("tags/other", serde_json::json!({"displayName": "other"}));
    let before = service.stored();
    let mut owner = Owner::new(&service);
    let plans = [
        owner.plan(&service, &shop()).unwrap(),
        owner.plan(&service, &shop()).unwrap(),
    ];
    let whole = owner.together(&service, &shop(), &plans);
    assert!(
        !(whole[0] && whole[1]),
        "one of them has to say that there was another"
    );
    let said = converges("two writers", &mut owner, &service, &shop());
    let said = said.into_iter().collect();
    destroys("two writers", &mut owner, &service, &shop(), &before, &said);
}
