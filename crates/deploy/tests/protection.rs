//! What a project protects, and what no template can do: the built-in gateway, key vaults,
//! going back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod bundle;
mod service;

use bundle::{Bundle, deployment, doing, shop, without};
use flux_apim_deploy::{Id, permission};
use serde_json::json;
use service::Memory;

/// What of the shop goes when it is destroyed under a protection.
fn left(protect: &[&str]) -> (Memory, String) {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let mut bundle = shop();
    bundle.protect = protect.iter().map(|p| (*p).to_owned()).collect();
    deployment.well(&bundle, &memory);
    deployment.asked.destroy = true;
    // Protection stands over every permission.
    let ids = shop().ids();
    deployment.asked.allow_delete = ids.iter().map(|id| Id::parse(id).unwrap()).collect();
    let plan = deployment.well(&bundle, &memory);
    let human = plan.to_human();
    // What is kept is remembered as ours.
    let again = deployment.plan(&bundle, &memory).unwrap();
    assert!(again.is_empty(), "{}", again.to_human());
    (memory, human)
}

#[test]
fn what_the_project_protects_is_never_deleted() {
    let (memory, human) = left(&["products/*"]);
    assert!(
        memory.get("products/p").is_some() && memory.get("products/p/policies/policy").is_some()
    );
    assert!(human.contains("it is protected (`products/*`)"), "{human}");
    // A link that stays needs what it leads to.
    assert!(memory.get("apis/orders").is_some(), "{human}");
    assert!(
        human.contains("products/p/apis/orders, which would go with it, is protected"),
        "{human}"
    );
    assert!(memory.get("groups/buyers").is_some(), "{human}");
    assert!(
        memory.get("apis/soap").is_none() && memory.get("backends/b").is_none(),
        "{human}"
    );
}

#[test]
fn what_holds_something_protected_stays_with_it() {
    let (memory, human) = left(&["apis/orders/policies/*"]);
    assert!(
        memory.get("apis/orders/policies/policy").is_some(),
        "{human}"
    );
    assert!(
        human.contains("what hangs on it is protected (`apis/orders/policies/*`)"),
        "{human}"
    );
    let (memory, human) = left(&["*/p/policies/*"]);
    assert!(
        memory.get("products/p/policies/policy").is_some(),
        "{human}"
    );
    assert!(
        human.contains("products/p/policies/policy, which would go with it, is protected"),
        "{human}"
    );
    assert!(memory.get("apis/orders").is_none(), "{human}");
    let (memory, _) = left(&["*"]);
    assert!(shop().ids().iter().all(|id| memory.get(id).is_some()));
    let (memory, _) = left(&[]);
    assert!(memory.get("apis/orders").is_none());
}

#[test]
fn an_api_is_taken_off_the_built_in_gateway_when_the_tree_says_so() {
    let memory = Memory::new();
    memory.0.lock().unwrap().on_gateway = true;
    let mut deployment = deployment();
    let on = "gateways/managed/apis/soap";
    // The tree says nothing: Azure puts it there, and there it stays.
    deployment.well(&shop(), &memory);
    assert!(memory.get(on).is_some());
    let mut off = shop();
    for resource in &mut off.resources {
        if resource["id"] == "apis/soap" {
            resource["offBuiltInGateway"] = true.into();
        }
    }
    memory.calm();
    let plan = deployment.well(&off, &memory);
    assert_eq!(doing(&plan), ["change apis/soap"]);
    let human = plan.to_human();
    assert!(
        human.contains("built-in gateway: \"on it\" -> \"off it\""),
        "{human}"
    );
    assert!(
        human.contains("calls through the built-in gateway end"),
        "{human}"
    );
    // The API itself is not written.
    let writes = memory.writes();
    assert!(writes.contains(&format!("DELETE {on}")), "{writes:?}");
    assert!(!writes.contains(&"PUT apis/soap".to_owned()), "{writes:?}");
    assert!(memory.get(on).is_none());
    assert!(deployment.plan(&off, &memory).unwrap().is_empty());
    let needed = permission::needed(&off.parsed()).actions;
    assert!(needed.contains("Microsoft.ApiManagement/service/gateways/apis/delete"));
    // A new one leaves at once, and the plan says so.
    deployment.well(&without(&off, "apis/soap"), &memory);
    let plan = deployment.well(&off, &memory);
    assert!(
        plan.to_human().contains("taken off the built-in gateway"),
        "{}",
        plan.to_human()
    );
    assert!(memory.get(on).is_none() && memory.get("apis/soap").is_some());
    // A person puts it back.
    memory.person(on, json!({}));
    let plan = deployment.plan(&off, &memory).unwrap();
    assert_eq!(doing(&plan), ["change apis/soap"]);
}

#[test]
fn a_secret_that_the_service_could_not_read_is_said() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    let vault = json!({"secretIdentifier": "https://v.vault.azure.net/secrets/s"});
    let bundle = Bundle::default().with(
        "namedValues/v",
        json!({"displayName": "v", "secret": true, "keyVault": vault}),
        &[],
    );
    deployment.well(&bundle, &memory);
    let status = json!({"code": "AccessDenied", "message": "no permission to get the secret"});
    let mut seen = vault.clone();
    seen["lastStatus"] = status;
    memory.person_sets("namedValues/v", "keyVault", seen);
    let plan = deployment.plan(&bundle, &memory).unwrap();
    assert!(plan.is_empty(), "{}", plan.to_human());
    let human = plan.to_human();
    assert!(
        human.contains("AccessDenied no permission to get the secret"),
        "{human}"
    );
}

#[test]
fn going_back_says_what_does_not_come_back() {
    let (memory, mut deployment) = (Memory::new(), deployment());
    deployment.well(&shop(), &memory);
    let newer = without(&without(&shop(), "subscriptions/s"), "products/p");
    deployment.asked.allow_delete = ["subscriptions/s", "products/p"]
        .map(|id| Id::parse(id).unwrap())
        .into();
    deployment.well(
        &newer.with("tags/newer", json!({"displayName": "newer"}), &[]),
        &memory,
    );
    deployment.asked.allow_delete.clear();
    deployment.asked.protect = vec!["tags/newer".to_owned()];
    let plan = deployment.plan(&shop(), &memory).unwrap();
    let said = plan.does_not_return().join("\n");
    for part in [
        "subscriptions/s: it is made with new keys",
        "products/p: subscriptions that consumers had to it",
        "tags/newer stays, which this bundle does not have",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("tags/blue"), "{said}");
}
