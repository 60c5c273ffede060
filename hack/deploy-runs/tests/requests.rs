//! How many requests a plan and a deployment take, and how many are on their way at once.
#![allow(clippy::unwrap_used, reason = "test code")]

use deploy_runs::Simulated;
use deploy_runs::bundles::{Bundle, shop, twenty};
use deploy_runs::runs::{Owner, is_whole, told};
use flux_apim_deploy::{Id, Method};
use serde_json::json;
use std::collections::BTreeSet;

/// Requests that the REST specification makes necessary: a page of each list that the bundle
/// touches (all fit into one), and one for each text that no list returns. And the
/// inventory's own list.
fn necessary(bundle: &Bundle) -> usize {
    let mut lists = BTreeSet::new();
    let mut texts = 0;
    for id in bundle.ids() {
        let id = Id::parse(&id).unwrap();
        let last = id.types().rsplit('/').next().unwrap().to_owned();
        match last.as_str() {
            "policies" | "policyfragments" | "schemas" => texts += 1,
            _ => {
                lists.insert(id.collection().to_owned());
            }
        }
    }
    // What an import made is held against what it made then.
    let imports = bundle.resources.iter();
    let imports =
        imports.filter(|r| r["texts"][0]["at"] == "/value" && r["properties"]["path"].is_string());
    for api in imports {
        lists.insert(format!("{}/operations", api["id"].as_str().unwrap()));
    }
    lists.len() + texts + 1
}

#[test]
fn a_plan_asks_no_more_than_it_has_to() {
    let service = Simulated::new().unwrap();
    for (name, bundle) in twenty() {
        service.reset();
        let mut owner = Owner::new(&service);
        let deployed = owner.deploy(&service, &bundle);
        assert!(is_whole(&deployed), "{name}: {}", told(&deployed));
        service.calm();
        let plan = owner.plan(&service, &bundle).unwrap();
        assert!(plan.is_empty(), "{name}: {}", plan.to_human());
        let asked = service.log();
        let most = necessary(&bundle) * 11 / 10;
        assert!(
            asked.len() <= most,
            "{name}: {} of {most}: {asked:#?}",
            asked.len()
        );
        assert!(
            asked.iter().all(|(method, _)| *method == Method::Get),
            "{name}"
        );
    }
}

/// A bundle of many: tags, groups and named values, which hang on nothing.
fn many(count: usize) -> Bundle {
    let mut bundle = Bundle::default();
    for n in 0..count {
        bundle = bundle.with(
            &format!("tags/t{n}"),
            json!({"displayName": format!("t{n}")}),
            &[],
        );
    }
    bundle
}

#[test]
fn a_thousand_resources_take_a_request_each_and_thirty_two_at_once() {
    let service = Simulated::new().unwrap();
    let bundle = many(1000);
    let mut owner = Owner::new(&service);
    // What is known of each would be looked at in the list again.
    owner.state = None;
    let deployed = owner.deploy(&service, &bundle);
    assert!(is_whole(&deployed), "{}", told(&deployed));
    let log = service.log();
    let puts = log
        .iter()
        .filter(|(method, place)| *method == Method::Put && place.starts_with("tags/"));
    assert_eq!(puts.count(), 1000);
    // The list, and the inventory before and after: as many named values as it needs.
    let others = log.len() - 1000;
    assert!(others < 150, "{others}: {:?}", &log[log.len() - 50..]);
    assert_eq!(service.most_in_flight(), 32);
    service.calm();
    let plan = owner.plan(&service, &bundle).unwrap();
    assert!(plan.is_empty(), "{}", plan.to_human());
    // Ten pages of tags, and the inventory.
    assert!(service.log().len() <= 12, "{:?}", service.log());
}

#[test]
fn ten_thousand_resources_of_others_are_read_in_pages() {
    let service = Simulated::new().unwrap();
    for n in 0..10_000 {
        service.person(
            &format!("tags/other{n}"),
            json!({"displayName": format!("other{n}")}),
        );
    }
    let mut owner = Owner::new(&service);
    let deployed = owner.deploy(&service, &shop());
    assert!(is_whole(&deployed), "{}", told(&deployed));
    service.calm();
    assert!(owner.plan(&service, &shop()).unwrap().is_empty());
    // One tag of ours is asked for by itself.
    assert!(
        service.log().len() <= necessary(&shop()),
        "{:?}",
        service.log().len()
    );
}
