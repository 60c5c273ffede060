//! `resources.json` says what `arm/` deploys, and is in every bundle.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test code"
)]

mod common;
#[path = "../../../tests/support/mod.rs"]
mod support;

use common::{Made, options, render};
use flux_apim_render::{Options, Target};
use serde_json::Value;
use std::collections::BTreeMap;

fn listed(made: &Made) -> Value {
    serde_json::from_str(made.file("resources.json")).unwrap()
}

/// The properties with what stands in other places put in, as the reader of ARM has them.
fn whole(made: &Made, entry: &Value, types: &BTreeMap<String, String>) -> Value {
    let mut properties = entry["properties"].clone();
    let mut put = |list: &str, what: &dyn Fn(&Value) -> String| {
        for place in entry[list].as_array().unwrap() {
            let at = place["at"].as_str().unwrap();
            let found = properties.pointer_mut(at).unwrap();
            assert!(found.is_null());
            *found = what(place).into();
        }
    };
    put("texts", &|place| {
        made.file(place["path"].as_str().unwrap()).to_owned()
    });
    put("secrets", &|place| {
        format!("param:{}", place["parameter"].as_str().unwrap())
    });
    put("references", &|place| {
        let to = place["to"].as_str().unwrap();
        types.get(to).cloned().unwrap_or_else(|| format!("?{to}"))
    });
    properties
}

#[test]
fn it_says_what_arm_deploys() {
    for folder in common::trees() {
        let tree = common::tree(&folder);
        for environment in common::environments(&tree) {
            let Some(made) = render(&tree, environment.as_deref(), &options()) else {
                continue;
            };
            let arm = support::arm::read(&made.files).unwrap();
            let listed = listed(&made);
            let resources = listed["resources"].as_array().unwrap();
            assert_eq!(resources.len(), arm.resources.len());
            let types = resources.iter().map(|entry| {
                let text = |key: &str| entry[key].as_str().unwrap().to_owned();
                (text("id"), format!("ref:{}|{}", text("type"), text("name")))
            });
            let types: BTreeMap<String, String> = types.collect();
            let mut before: Vec<&str> = Vec::new();
            for entry in resources {
                let text = |key: &str| entry[key].as_str().unwrap().to_owned();
                let read = &arm.resources[&(text("type"), text("name"))];
                // References to what is managed elsewhere have no entry.
                let mut own = whole(&made, entry, &types);
                if own.is_null() {
                    own = serde_json::json!({});
                }
                let (own, read) = (own.to_string(), read.clone());
                if !own.contains("\"?") {
                    let own: Value = serde_json::from_str(&own).unwrap();
                    assert_eq!(own, read.properties, "{}", text("id"));
                }
                // Nothing waits for what comes later.
                let needed = entry["dependsOn"].as_array().unwrap();
                assert_eq!(needed.len(), read.depends_on.len());
                for id in needed {
                    assert!(before.contains(&id.as_str().unwrap()));
                }
                before.push(entry["id"].as_str().unwrap());
                let condition = entry["onlyWith"]
                    .as_str()
                    .map(|name| format!("param:{name}"));
                assert_eq!(condition, read.condition);
            }
        }
    }
}

#[test]
fn texts_are_not_held_twice() {
    let tree = common::tree(&common::repository("testdata/projects/contoso"));
    let with = |targets: Vec<Target>| {
        let options = Options {
            targets,
            ..options()
        };
        render(&tree, None, &options).unwrap()
    };
    let all = with(Target::defaults());
    assert!(!all.files.keys().any(|path| path.starts_with("content/")));
    let alone = with(vec![Target::RESOURCES]);
    assert!(
        alone
            .files
            .keys()
            .all(|path| path == "resources.json" || path.starts_with("content/"))
    );
    assert!(alone.files.len() > 10);
    assert!(
        alone
            .carried
            .iter()
            .all(|(_, _, path)| path.as_deref() == Some("resources.json"))
    );
    // The same but for where texts are.
    let texts = |made: &Made| {
        made.file("resources.json")
            .replace("bicep/content/", "content/")
    };
    assert_eq!(texts(&all), texts(&alone));
}

#[test]
fn it_is_canonical() {
    let tree = common::tree(&common::repository("testdata/projects/contoso"));
    let made = render(&tree, Some("prod"), &options()).unwrap();
    fn sorted(value: &Value) {
        if let Value::Object(map) = value {
            assert!(map.keys().is_sorted(), "{map:?}");
        }
        match value {
            Value::Object(map) => map.values().for_each(sorted),
            Value::Array(items) => items.iter().for_each(sorted),
            _ => {}
        }
    }
    let listed = listed(&made);
    sorted(&listed);
    assert_eq!(listed["service"], "contoso-apim");
    assert_eq!(
        listed["secrets"]["namedValuePartnerKeyValue"]["optional"],
        true
    );
    let text = made.file("resources.json");
    assert_eq!(text.trim_end(), serde_json::to_string(&listed).unwrap());
}
