//! Plans and deployments on a service in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

mod bundle;
mod service;

use bundle::{Bundle, Deployment, deployment, doing, given, shop, without};
use flux_apim_deploy::{Done, Id, Method, permission};
use serde_json::{Value, json};
use service::{Memory, SERVICE, Wrong};
use std::collections::BTreeSet;

fn set(bundle: &Bundle, id: &str, at: &str, value: Value) -> Bundle {
    let mut bundle = bundle.clone();
    let resource = bundle.resources.iter_mut().find(|r| r["id"] == id).unwrap();
    resource["properties"][at] = value;
    bundle
}

#[test]
fn from_nothing_and_again_without_a_write() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let before = memory.all();
    let plan = deployment.well(&shop(), &memory);
    // The policy of the service is there from the start.
    assert_eq!(
        (plan.counts().create, plan.counts().change),
        (shop().resources.len() - 1, 1),
        "{}",
        plan.to_human()
    );
    let live = memory.all();
    for id in shop().ids() {
        assert!(live.contains_key(&id), "{id}");
    }
    // What Azure adds to a new product is gone, and nothing else was touched.
    assert!(!live.contains_key("products/p/groups/administrators"));
    assert_eq!(
        live.keys()
            .filter(|key| key.starts_with("subscriptions/"))
            .count(),
        2
    );
    assert!(
        before
            .iter()
            .all(|(key, value)| key == "policies/policy" || live.get(key) == Some(value))
    );
    assert_eq!(memory.0.lock().unwrap().conflicts, 0);

    memory.calm();
    let plan = deployment.well(&shop(), &memory);
    assert!(plan.is_empty(), "{}", plan.to_human());
    assert_eq!(
        plan.counts().none,
        shop().resources.len(),
        "{}",
        plan.to_human()
    );
    assert!(memory.writes().is_empty());
    assert!(
        plan.to_human().contains("nothing to do"),
        "{}",
        plan.to_human()
    );
    assert_eq!(memory.all(), live);
}

#[test]
fn without_a_state_what_was_deployed_and_reads_otherwise_is_uncertain() {
    let memory = Memory::new();
    let mut deployment = Deployment {
        secrets: given(),
        ..Deployment::stateless()
    };
    deployment.well(&shop(), &memory);
    let plan = deployment.plan(&shop(), &memory).unwrap();
    assert!(plan.is_empty(), "{}", plan.to_human());
    let counts = plan.counts();
    assert!(
        counts.uncertain > 0 && counts.kept == 0,
        "{}",
        plan.to_human()
    );
    deployment.asked.refresh = true;
    let plan = deployment.plan(&shop(), &memory).unwrap();
    assert_eq!(plan.counts().uncertain, 0);
    assert!(plan.counts().change >= counts.uncertain);
}

#[test]
fn a_plan_names_exactly_what_a_person_changed() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    memory.person_sets("namedValues/url", "value", json!("https://evil"));
    memory.person_sets("tags/blue", "displayName", json!("red"));
    memory.person_sets("backends/b", "url", json!("https://c"));
    memory.person_sets("diagnostics/d", "httpCorrelationProtocol", json!("none"));
    memory.person_sets("policies/policy", "value", json!("<policies/>"));
    memory.person_sets("products/p", "description", json!("added"));
    memory.person_sets("apis/orders", "path", json!("orders2"));
    memory.person_sets("apis/orders/operations/make", "displayName", json!("Make!"));
    memory.person_deletes("apis/orders/policies/policy");
    memory.person_deletes("products/p/groups/buyers");
    let plan = deployment.plan(&shop(), &memory).unwrap();
    let mut found = doing(&plan);
    found.sort();
    let expected = [
        "change apis/orders",
        "change apis/orders/operations/read",
        "change backends/b",
        "change diagnostics/d",
        "change namedValues/url",
        "change policies/policy",
        "change products/p",
        "change tags/blue",
        "create apis/orders/policies/policy",
        "create products/p/groups/buyers",
    ];
    assert_eq!(found, expected, "{}", plan.to_human());
    let human = plan.to_human();
    for said in [
        "operations.make: \"somebody changed it\"",
        "path: \"orders2\" -> \"orders\"",
        "description: \"added\" goes",
        "callers use another URL",
    ] {
        assert!(human.contains(said), "{said}: {human}");
    }
    deployment.well(&shop(), &memory);
    let plan = deployment.plan(&shop(), &memory).unwrap();
    assert!(
        plan.is_empty() && plan.counts().uncertain == 0,
        "{}",
        plan.to_human()
    );
    assert_eq!(memory.get("apis/orders").unwrap()["path"], "orders");
    assert_eq!(memory.get("products/p").unwrap().get("description"), None);
}

#[test]
fn a_change_of_the_bundle_writes_that_and_nothing_else() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    memory.calm();
    let changed = set(&shop(), "apis/orders", "description", json!("of today"));
    let plan = deployment.well(&changed, &memory);
    assert_eq!(doing(&plan), ["change apis/orders"]);
    // The definition was not imported again, which would have made its operations anew.
    assert_eq!(
        memory.get("apis/orders/operations/read").unwrap()["displayName"],
        "Read one"
    );
    assert!(deployment.plan(&changed, &memory).unwrap().is_empty());
    // A policy is shown as a difference of lines.
    let mut other = changed.clone();
    let path = other
        .texts
        .iter()
        .find(|(_, text)| text.contains("validate-jwt"))
        .unwrap()
        .0
        .clone();
    other.texts.insert(
        path,
        "<policies><inbound><base /></inbound></policies>".to_owned(),
    );
    let plan = deployment.well(&other, &memory);
    assert_eq!(doing(&plan), ["change apis/orders/policies/policy"]);
    let human = plan.to_human();
    assert!(
        human.contains("-<validate-jwt/>") && human.contains("`validate-jwt` disappears"),
        "{human}"
    );
    assert!(plan.to_markdown().contains("```diff"));
    let plan = deployment.plan(&other, &memory).unwrap();
    assert!(plan.is_empty(), "{}", plan.to_human());
}

#[test]
fn only_what_we_made_is_deleted() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    memory.person("tags/blue", json!({"displayName": "blue"}));
    memory.person(
        "namedValues/other",
        json!({"displayName": "other", "value": "x"}),
    );
    let before = memory.all();
    deployment.well(&shop(), &memory);
    let fewer = without(&without(&shop(), "apis/"), "tags/");
    let fewer = without(&without(&fewer, "products/p/apis"), "policyFragments/");
    let plan = deployment.well(&fewer, &memory);
    let found = doing(&plan);
    assert!(
        found.contains(&"delete apis/orders".to_owned()),
        "{found:?}"
    );
    assert!(found.contains(&"kept tags/blue".to_owned()), "{found:?}");
    let live = memory.all();
    assert!(live.contains_key("tags/blue") && live.contains_key("namedvalues/other"));
    assert!(!live.contains_key("apis/orders") && !live.contains_key("policyfragments/f"));
    assert!(deployment.plan(&fewer, &memory).unwrap().is_empty());

    deployment.asked.destroy = true;
    deployment.asked.allow_delete = BTreeSet::from([
        Id::parse("subscriptions/s").unwrap(),
        Id::parse("products/p").unwrap(),
    ]);
    deployment.well(&fewer, &memory);
    assert_eq!(memory.all(), before);
    assert!(memory.inventories().is_empty());
}

#[test]
fn what_consumers_have_keys_to_stays() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let bundle = without(&shop(), "subscriptions/");
    deployment.well(&bundle, &memory);
    memory.person(
        "subscriptions/customer",
        json!({"scope": format!("{SERVICE}/products/p"), "state": "active"}),
    );
    let fewer = without(&bundle, "products/");
    let plan = deployment.plan(&fewer, &memory).unwrap();
    assert!(plan.is_empty(), "{}", plan.to_human());
    let human = plan.to_human();
    assert!(
        human.contains("a subscription of consumers would go with it (customer)"),
        "{human}"
    );
    assert!(human.contains("--allow-delete products/p"), "{human}");
    // Its policy stays too: without it the product would be open.
    assert!(doing(&plan).contains(&"kept products/p/policies/policy".to_owned()));
    deployment
        .asked
        .allow_delete
        .insert(Id::parse("products/p").unwrap());
    deployment.well(&fewer, &memory);
    assert!(memory.get("products/p").is_none() && memory.get("subscriptions/customer").is_none());
}

#[test]
fn what_is_protected_stays() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    deployment.asked.protect = vec!["apis/*".to_owned()];
    let plan = deployment.well(&without(&shop(), "apis/soap"), &memory);
    assert_eq!(doing(&plan), ["kept apis/soap"]);
    assert!(memory.get("apis/soap").is_some());
    // It is remembered as ours.
    deployment.asked.protect.clear();
    deployment.well(&without(&shop(), "apis/soap"), &memory);
    assert!(memory.get("apis/soap").is_none());
}

#[test]
fn two_owners_of_one_resource_are_refused_before_the_first_write() {
    let (memory, mut first) = (Memory::new(), deployment());
    first.well(&shop(), &memory);
    let mut second = deployment();
    second.asked.owner = "other".to_owned();
    let bundle = Bundle::default().with("tags/blue", json!({"displayName": "blue!"}), &[]);
    memory.calm();
    let (plan, outcome) = second.deploy(&bundle, &memory).unwrap();
    assert!(outcome.is_err() && memory.writes().is_empty());
    let problems = plan.problems.join(" ");
    assert!(
        problems.contains("`shop`")
            && problems.contains("`other`")
            && problems.contains("tags/blue"),
        "{problems}"
    );
    // Beside each other they do no harm.
    let own = Bundle::default().with("tags/green", json!({"displayName": "green"}), &[]);
    second.well(&own, &memory);
    second.asked.destroy = true;
    second.well(&own, &memory);
    assert!(first.plan(&shop(), &memory).unwrap().is_empty());
}

#[test]
fn a_lost_damaged_or_newer_inventory_ends_before_the_first_write() {
    let build = || {
        let (memory, mut deployment) = (Memory::new(), deployment());
        deployment.well(&shop(), &memory);
        (memory, deployment)
    };
    let fewer = without(&shop(), "apis/soap");
    let head = |memory: &Memory| {
        memory
            .inventories()
            .into_iter()
            .min_by_key(String::len)
            .unwrap()
    };
    let part = |memory: &Memory| {
        memory
            .inventories()
            .into_iter()
            .max_by_key(String::len)
            .unwrap()
    };
    for lose in ["head", "part", "text", "all"] {
        let (memory, mut deployment) = build();
        match lose {
            "head" => memory.person_deletes(&head(&memory)),
            "part" => memory.person_deletes(&part(&memory)),
            "text" => memory.person_sets(&part(&memory), "value", json!("0:[]")),
            _ => memory
                .inventories()
                .iter()
                .for_each(|name| memory.person_deletes(name)),
        }
        memory.calm();
        let changed = set(&fewer, "tags/blue", "displayName", json!("red"));
        let (plan, outcome) = deployment.deploy(&changed, &memory).unwrap();
        assert!(outcome.is_err() && memory.writes().is_empty(), "{lose}");
        assert!(
            plan.problems.iter().any(|p| p.contains("--adopt")),
            "{lose}: {:?}",
            plan.problems
        );
        // What is there is nobody's of ours from then on.
        deployment.asked.adopt = true;
        let plan = deployment.well(&changed, &memory);
        assert_eq!(plan.counts().delete, 0);
        assert!(memory.get("apis/soap").is_some());
        assert_eq!(memory.get("tags/blue").unwrap()["displayName"], "red");
        deployment.asked.adopt = false;
        deployment.asked.destroy = true;
        let all = memory.all();
        let plan = deployment.plan(&changed, &memory).unwrap();
        assert!(plan.is_empty(), "{lose}: {}", plan.to_human());
        assert_eq!(memory.all(), all);
    }
    let (memory, deployment) = build();
    let name = head(&memory);
    let value = memory.get(&name).unwrap()["value"]
        .as_str()
        .unwrap()
        .replace("\"version\":1", "\"version\":7");
    memory.person_sets(&name, "value", value.into());
    let error = deployment.plan(&fewer, &memory).unwrap_err().to_string();
    assert!(error.contains("newer flux-apim"), "{error}");
}

#[test]
fn a_refusal_stops_its_branch_and_the_rest_goes_on() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let broken = set(&shop(), "apis/orders", "displayName", json!("refuse"));
    let (_, outcome) = deployment.deploy(&broken, &memory).unwrap();
    let outcome = outcome.unwrap();
    assert!(!outcome.is_whole());
    let of = |id: &str| {
        outcome
            .results
            .iter()
            .find(|r| r.id.as_str() == id)
            .unwrap()
            .done
            .clone()
    };
    let Done::Refused(failure) = of("apis/orders") else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (failure.status, failure.code.as_str()),
        (Some(400), "ValidationError")
    );
    assert_eq!(
        of("apis/orders/policies/policy"),
        Done::Behind(Id::parse("apis/orders").unwrap())
    );
    assert_eq!(
        of("products/p/apis/orders"),
        Done::Behind(Id::parse("apis/orders").unwrap())
    );
    for id in [
        "apis/soap",
        "products/p",
        "subscriptions/s",
        "policies/policy",
    ] {
        assert_eq!(of(id), Done::Well, "{id}");
    }
    let human = outcome.to_human();
    assert!(
        human.contains("refused: create apis/orders") && human.contains("goes on from here"),
        "{human}"
    );
    // It goes on from there.
    let plan = deployment.well(&shop(), &memory);
    assert!(
        doing(&plan).iter().all(|step| step.contains("orders")),
        "{}",
        plan.to_human()
    );
    assert!(deployment.plan(&shop(), &memory).unwrap().is_empty());
}

#[test]
fn nothing_is_deleted_when_something_was_refused() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    let next = set(
        &without(&shop(), "apis/soap"),
        "tags/blue",
        "displayName",
        json!("refuse"),
    );
    let (_, outcome) = deployment.deploy(&next, &memory).unwrap();
    let outcome = outcome.unwrap();
    let soap = outcome
        .results
        .iter()
        .find(|r| r.id.as_str() == "apis/soap")
        .unwrap();
    assert_eq!(soap.done, Done::HeldBack);
    assert!(memory.get("apis/soap").is_some());
}

#[test]
fn a_rename_is_recognised_and_the_old_one_makes_room() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    let mut renamed = shop();
    for resource in &mut renamed.resources {
        if resource["id"] == "apis/soap" {
            resource["id"] = "apis/wash".into();
            resource["locks"] = json!(["apis/wash"]);
        }
    }
    let plan = deployment.well(&renamed, &memory);
    assert_eq!(doing(&plan), ["create apis/wash", "delete apis/soap"]);
    let human = plan.to_human();
    assert!(human.contains("+ apis/wash (renamed from soap)"), "{human}");
    assert!(memory.get("apis/wash").is_some() && memory.get("apis/soap").is_none());
    assert!(deployment.plan(&renamed, &memory).unwrap().is_empty());
}

#[test]
fn secrets_are_in_no_plan_outcome_or_state() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let (plan, outcome) = deployment.deploy(&shop(), &memory).unwrap();
    let outcome = outcome.unwrap();
    assert_eq!(memory.get("namedValues/key").unwrap()["value"], "hunter2");
    assert_eq!(
        memory.get("backends/b").unwrap()["credentials"]["header"]["x-key"][0],
        "correct horse"
    );
    deployment
        .secrets
        .0
        .insert("backend".to_owned(), "battery staple".to_owned());
    deployment.asked.refresh = true;
    let next = deployment.plan(&shop(), &memory).unwrap();
    let found = doing(&next);
    assert!(
        found.contains(&"change backends/b".to_owned())
            && found.contains(&"change namedValues/key".to_owned()),
        "{found:?}"
    );
    let state = deployment.state.as_ref().unwrap().write();
    let shown = [
        plan.to_human(),
        plan.to_json().to_string(),
        plan.to_markdown(),
        format!("{plan:?}"),
        outcome.to_human(),
        outcome.to_json().to_string(),
        format!("{outcome:?}"),
        state,
        next.to_human(),
        next.to_json().to_string(),
        next.to_markdown(),
    ];
    for text in shown {
        for secret in ["hunter2", "correct horse", "battery staple"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let debug = format!("{next:?}");
    assert!(!debug.contains("battery staple") && !debug.contains("correct horse"));
    // Without the secrets nothing has to be written, and without them nothing can be.
    deployment.asked.refresh = false;
    deployment.secrets.0.clear();
    assert!(
        deployment
            .plan(&shop(), &memory)
            .unwrap()
            .problems
            .is_empty()
    );
    let plan = deployment.plan(&shop(), &Memory::new()).unwrap();
    assert!(
        plan.problems
            .iter()
            .any(|p| p.contains("--secret key=env:VARIABLE")),
        "{:?}",
        plan.problems
    );
}

#[test]
fn a_plan_that_was_written_is_applied_exactly_or_not_at_all() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    let next = set(&shop(), "tags/blue", "displayName", json!("red"));
    let saved = deployment.plan(&next, &memory).unwrap().to_json();
    assert!(
        deployment
            .plan(&next, &memory)
            .unwrap()
            .departs_from(&saved)
            .is_empty()
    );
    memory.person_sets("tags/blue", "displayName", json!("green"));
    let departs = deployment
        .plan(&next, &memory)
        .unwrap()
        .departs_from(&saved);
    assert_eq!(
        departs,
        ["change tags/blue: the resource was changed since the plan was made"]
    );
    memory.person_sets("tags/blue", "displayName", json!("blue"));
    memory.person_deletes("apis/soap");
    let departs = deployment
        .plan(&next, &memory)
        .unwrap()
        .departs_from(&saved);
    assert_eq!(departs, ["create apis/soap: not in the plan"]);
    let mut other = deployment.clone();
    other.asked.bundle = "sha256:2".to_owned();
    assert!(other.plan(&next, &memory).unwrap().departs_from(&saved)[0].starts_with("bundle:"));
}

#[test]
fn what_somebody_changes_between_plan_and_write_is_not_overwritten() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    let next = set(
        &set(&shop(), "tags/blue", "displayName", json!("red")),
        "apis/soap",
        "displayName",
        json!("Wash"),
    );
    memory.calm();
    // Somebody saves the tag just before it is written: after it was read, before the PUT.
    let mut puts = 0;
    memory.meanwhile(move |_, resources| {
        puts += 1;
        if puts == 20 {
            let tag = resources.get_mut("tags/blue").unwrap();
            tag.properties["displayName"] = json!("mine");
            tag.etag = 1_000_000;
        }
    });
    let plan = deployment.plan(&next, &memory).unwrap();
    let asked = memory.log().len();
    assert!(asked < 20 && plan.counts().change == 2, "{asked}");
    memory.calm();
    memory.meanwhile(move |number, resources| {
        if number == asked {
            let tag = resources.get_mut("tags/blue").unwrap();
            tag.properties["displayName"] = json!("mine");
            tag.etag = 1_000_000;
        }
    });
    let (_, outcome) = deployment.deploy(&next, &memory).unwrap();
    let outcome = outcome.unwrap();
    let human = outcome.to_human();
    assert!(
        human.contains("somebody changed it since the plan was made (displayName)"),
        "{human}"
    );
    assert_eq!(memory.get("tags/blue").unwrap()["displayName"], "mine");
    assert_eq!(memory.get("apis/soap").unwrap()["displayName"], "Wash");
}

#[test]
fn faults_that_pass_are_waited_out() {
    for wrong in [
        Wrong::Lost,
        Wrong::Unanswered,
        Wrong::Status(409),
        Wrong::Status(429),
        Wrong::Status(500),
        Wrong::Status(503),
    ] {
        let (memory, mut deployment) = (Memory::new(), deployment());
        memory.faults(move |number, request| {
            let is_read = request.method == flux_apim_deploy::Method::Get;
            let fits = !(is_read && wrong == Wrong::Status(409));
            (number % 3 == 1 && fits).then_some(wrong)
        });
        let (plan, outcome) = deployment.deploy(&shop(), &memory).unwrap();
        let outcome = outcome.unwrap();
        assert!(outcome.is_whole(), "{wrong:?}: {}", outcome.to_human());
        memory.calm();
        let again = deployment.plan(&shop(), &memory).unwrap();
        assert!(again.is_empty(), "{wrong:?}: {}", again.to_human());
        assert_eq!(plan.counts().create, shop().resources.len() - 1);
        // All of it is ours, also what was made by a request without an answer.
        deployment.asked.destroy = true;
        let allowed = ["subscriptions/s", "products/p"].map(|id| Id::parse(id).unwrap());
        deployment.asked.allow_delete = BTreeSet::from(allowed);
        let plan = deployment.well(&shop(), &memory);
        assert_eq!(plan.counts().kept, 0, "{wrong:?}: {}", plan.to_human());
    }
}

#[test]
fn operations_that_may_not_be_asked_after_are_seen_by_the_resource() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    memory.0.lock().unwrap().forbidden = true;
    deployment.well(&shop(), &memory);
    assert!(deployment.plan(&shop(), &memory).unwrap().is_empty());
}

#[test]
fn two_writers_do_not_mix() {
    let (memory, mut first) = (Memory::new(), deployment());
    let mut second = deployment();
    first.well(&shop(), &memory);
    second.state.clone_from(&first.state);
    let one = Bundle::default().with("tags/one", json!({"displayName": "one"}), &[]);
    let one = Bundle {
        resources: [shop().resources, one.resources].concat(),
        ..shop()
    };
    let plan = first.plan(&one, &memory).unwrap();
    assert_eq!(doing(&plan), ["create tags/one"]);
    // The second one deploys between the plan of the first and its writes.
    second.well(
        &set(&shop(), "tags/blue", "displayName", json!("red")),
        &memory,
    );
    let resources = one.parsed();
    let engine = flux_apim_deploy::Engine {
        service: &memory,
        service_id: SERVICE,
        resources: &resources,
        texts: &one,
        secrets: &first.secrets,
        asked: &first.asked,
        state: first.state.as_ref(),
    };
    memory.calm();
    let error = service::block_on(engine.apply(&plan))
        .unwrap_err()
        .to_string();
    assert!(error.contains("another deployment"), "{error}");
    assert!(memory.writes().is_empty());
}

#[test]
fn the_actions_of_a_bundle_are_those_of_its_requests() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let mut used = BTreeSet::new();
    let mut note = |memory: &Memory| {
        for (method, path) in memory.log() {
            let method = match method.as_str() {
                "PUT" => Method::Put,
                "DELETE" => Method::Delete,
                _ => Method::Get,
            };
            if !path.contains(':') {
                used.insert(permission::action(method, &path).unwrap().to_lowercase());
            }
        }
        memory.calm();
    };
    let plan = deployment.well(&shop(), &memory);
    let exact = permission::of_plan(&plan);
    note(&memory);
    // Somebody changes everything, so that all of it is written again.
    deployment.asked.refresh = true;
    deployment.state = None;
    deployment.well(&shop(), &memory);
    deployment.asked.destroy = true;
    let allowed = ["subscriptions/s", "products/p"].map(|id| Id::parse(id).unwrap());
    deployment.asked.allow_delete = BTreeSet::from(allowed);
    deployment.well(&shop(), &memory);
    note(&memory);
    let needed = permission::needed(&shop().parsed());
    let lower = |needed: &permission::Needed| -> BTreeSet<String> {
        needed
            .actions
            .iter()
            .map(|action| action.to_lowercase())
            .collect()
    };
    let known = lower(&needed);
    let lacking: Vec<_> = used.difference(&known).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    assert!(lower(&exact).is_subset(&known));
    // What goes with its API or product needs no action of its own.
    let children =
        |action: &&String| action.ends_with("/delete") && action.matches('/').count() > 3;
    let idle: Vec<_> = known
        .difference(&used)
        .filter(|action| !children(action))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn requests_of_a_plan_are_lists_and_texts() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let mut bundle = Bundle::default();
    for n in 0..200 {
        let id = format!("tags/t{n}");
        bundle = bundle.with(&id, json!({"displayName": format!("t{n}")}), &[]);
    }
    for n in 0..10 {
        let text = format!("<fragment><a id=\"{n}\" /></fragment>");
        bundle = bundle.policy(&format!("policyFragments/f{n}"), &text, &[]);
    }
    deployment.well(&bundle, &memory);
    memory.calm();
    let plan = deployment.plan(&bundle, &memory).unwrap();
    assert!(plan.is_empty());
    // The inventory's list, the pages of 4 of the tags, and each text.
    assert_eq!(memory.log().len(), 1 + 50 + 10);
    // Writing is a request for each, and what the inventory takes.
    let memory = Memory::new();
    let mut fresh = self::deployment();
    fresh.state = None;
    let (_, outcome) = fresh.deploy(&bundle, &memory).unwrap();
    assert!(outcome.unwrap().is_whole());
    let inventory = memory
        .writes()
        .iter()
        .filter(|w| w.contains("inventory"))
        .count();
    assert_eq!(memory.writes().len() - inventory, 210);
    assert!(inventory < 12, "{inventory}");
}
