//! The objects of `aso/`: what the official CRDs take, in folders that never change.
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

use common::{DEFINITION, Made, api, file, made, options, render};
use flux_apim_render::{Options, Target};
use serde_json::Value;
use std::collections::BTreeSet;
use support::aso::objects;
use support::crd::Crds;

fn aso() -> Options {
    Options {
        targets: vec![Target::ASO],
        ..options()
    }
}

/// Every object of our own project and of the trees of the corpus, in each environment,
/// is one that the official CRDs take.
#[test]
fn the_official_crds_take_every_object() {
    let Some(folder) = common::corpus("crds/aso-v2-yaml") else {
        return;
    };
    let crds = Crds::load(&folder).unwrap();
    let (mut checked, mut bundles) = (0, 0);
    for folder in common::trees() {
        let tree = common::tree(&folder);
        for environment in common::environments(&tree) {
            let id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.ApiManagement/service/contoso";
            for owner in [None, Some(id.to_owned())] {
                let options = Options {
                    aso_owner: owner,
                    ..aso()
                };
                let Some(made) = render(&tree, environment.as_deref(), &options) else {
                    continue;
                };
                bundles += 1;
                let shown = folder.display();
                for object in objects(&made.files).unwrap() {
                    if object.value["kind"] == "Secret" {
                        continue;
                    }
                    let wrong = crds.check(&object.value);
                    assert!(
                        wrong.is_empty(),
                        "{shown} {environment:?} {}: {wrong:#?}",
                        object.path
                    );
                    checked += 1;
                }
                support::aso::read(&made.files).unwrap_or_else(|e| panic!("{shown}: {e}"));
            }
        }
    }
    println!("{checked} objects of {bundles} bundles");
    assert!(checked > 100);
}

/// What ARM has, ASO has, but for what is said.
#[test]
fn objects_are_what_arm_has() {
    for folder in common::trees() {
        let tree = common::tree(&folder);
        let Some(made) = render(&tree, None, &options()) else {
            continue;
        };
        let arm = support::arm::read(&made.files).unwrap();
        let aso = support::aso::read(&made.files).unwrap();
        let missing = made.carried.iter();
        let missing = missing.filter(|(target, _, path)| *target == Target::ASO && path.is_none());
        let missing: Vec<String> = missing.map(|(_, key, _)| as_id(key)).collect();
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        let differences = support::compare::aso_differences(&arm, &aso, &missing);
        let wrong: Vec<_> = differences
            .into_iter()
            .filter(|d| !is_said(&made, d))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", folder.display());
    }
}

/// `apis/a/policies/policy` as `Microsoft.ApiManagement/service/apis/policies|a/policy`.
fn as_id(key: &str) -> String {
    let segments: Vec<&str> = key.split('/').collect();
    let every = |from: usize| segments.iter().skip(from).step_by(2).copied();
    let types = every(0).collect::<Vec<_>>().join("/");
    let names = every(1).collect::<Vec<_>>().join("/");
    format!("Microsoft.ApiManagement/service/{types}|{names}")
}

/// ASO takes the scope of a subscription as text; what it has no field for is said.
fn is_said(made: &Made, difference: &str) -> bool {
    let scope = difference.contains("service/subscriptions|") && difference.contains("#/scope: ");
    let name = difference.split(['|', '#']).nth(1).unwrap_or("");
    let name = format!("`{}`", name.rsplit('/').next().unwrap_or(""));
    let left_out = difference.ends_with("/ absent")
        && made
            .found
            .iter()
            .any(|(code, message)| matches!(code, 7102 | 7103) && message.contains(&name));
    scope || left_out
}

fn backend(name: &str, properties: &str) -> (String, String) {
    let text = format!("{{\"properties\": {{{properties}}}}}");
    file(format!("backends/{name}/backendInformation.json"), text)
}

#[test]
fn folders_by_what_never_changes() {
    let mut files = api("a", DEFINITION);
    let rev = r#"{"properties": {"displayName": "a", "path": "a", "apiRevision": "2", "isCurrent": false}}"#;
    files.push(file("apis/a;rev=2/apiInformation.json", rev));
    files.push(file("apis/a;rev=2/specification.json", DEFINITION));
    files.push(file(
        "apis/a/policy.xml",
        "<policies><inbound /></policies>",
    ));
    files.push(backend(
        "one",
        r#""url": "https://one.example", "protocol": "http""#,
    ));
    let pool = r#""type": "Pool", "pool": {"services": [{"id": "/backends/one"}]}"#;
    files.push(backend("pool", pool));
    let made = made(&files, &aso());
    let folders = support::aso::listed(&made.files, "aso").unwrap();
    assert_eq!(
        folders,
        [
            "aso/20-backends",
            "aso/21-backend-pools",
            "aso/40-apis",
            "aso/41-api-revisions",
            "aso/43-api-policies"
        ]
    );
    let pools = made.file("aso/21-backend-pools/backend-pools.yaml");
    assert!(
        pools.contains("reconcile-policy: detach-on-delete"),
        "{pools}"
    );
    // Names carry the service.
    assert!(
        made.file("aso/40-apis/a.yaml")
            .contains("name: contoso-apim-a\n")
    );
    assert!(made.file("aso/README.md").contains("`contoso-apim`"));
}

#[test]
fn what_the_crds_refuse_is_left_out_with_what_hangs_on_it() {
    let mut files = api("a", DEFINITION);
    files.extend(api("long", DEFINITION));
    // The schema of the operator wants at least one server in a pool.
    files.push(backend(
        "empty",
        r#""type": "Pool", "pool": {"services": []}"#,
    ));
    let pool = r#""type": "Pool", "pool": {"services": [{"id": "/backends/empty"}]}"#;
    files.push(backend("outer", pool));
    let logger = r#"{"properties": {"loggerType": "azureMonitor"}}"#;
    files.push(file("loggers/l/loggerInformation.json", logger));
    let diagnostic = r#"{"properties": {"loggerId": "/loggers/l", "sampling": {"samplingType": "fixed", "percentage": 12.5}}}"#;
    files.push(file(
        "diagnostics/azuremonitor/diagnosticInformation.json",
        diagnostic,
    ));
    let secret = r#"{"properties": {"displayName": "s", "secret": true}}"#;
    files.push(file("namedValues/s/namedValueInformation.json", secret));
    let made = made(&files, &aso());
    let kinds: BTreeSet<String> = objects(&made.files)
        .unwrap()
        .iter()
        .map(|object| object.value["kind"].as_str().unwrap().to_owned())
        .collect();
    let expected = ["Api", "Logger"].map(str::to_owned);
    assert_eq!(kinds, BTreeSet::from(expected));
    let said = |words: &str| {
        made.found
            .iter()
            .any(|(_, message)| message.contains(words))
    };
    assert!(said("`pool.services` has 0 items"), "{:#?}", made.found);
    assert!(said(
        "backend `outer` is left out of `aso/` with the backend `empty`"
    ));
    assert!(said("`sampling.percentage` is 12.5"));
    assert!(said("named value `s` has no value in the tree"));
}

/// Azure has a gateway of its own, which no tree declares.
#[test]
fn what_belongs_to_something_elsewhere_is_owned_by_id() {
    let mut files = api("a", DEFINITION);
    let link = "gateways/managed/apis/a/gatewayApiInformation.json";
    files.push(file(link, "{}"));
    let by_name = made(&files, &aso());
    let said = |made: &Made, words: &str| made.found.iter().any(|(_, m)| m.contains(words));
    assert!(
        said(&by_name, "`managed`, is not in the bundle"),
        "{:?}",
        by_name.found
    );
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/contoso";
    let options = Options {
        aso_owner: Some(id.to_owned()),
        ..aso()
    };
    let by_id = made(&files, &options);
    let text = by_id.file("aso/51-gateway-apis/gateway-apis.yaml");
    assert!(
        text.contains(&format!("armId: {id}/gateways/managed")),
        "{text}"
    );
}

#[test]
fn a_flux_kustomization_for_each_folder() {
    let mut files = api("a", DEFINITION);
    files.push(file(
        "apis/a/policy.xml",
        "<policies><inbound /></policies>",
    ));
    let with = |source: Option<&str>| {
        let options = Options {
            flux_source: source.map(str::to_owned),
            ..aso()
        };
        made(&files, &options)
    };
    let without = with(None);
    assert!(!without.files.keys().any(|path| path.starts_with("flux/")));
    let made = with(Some("apim-system/contoso"));
    let listed = support::aso::listed(&made.files, "flux").unwrap();
    assert_eq!(listed, ["flux/40-apis.yaml", "flux/43-api-policies.yaml"]);
    let read = |path: &str| -> Value {
        let mut documents = support::yaml::documents(made.file(path)).unwrap();
        documents.remove(0)
    };
    let (apis, policies) = (read(&listed[0]), read(&listed[1]));
    assert_eq!(apis["metadata"]["name"], "contoso-apim-40-apis");
    assert_eq!(apis["metadata"]["namespace"], "apim-system");
    let spec = &policies["spec"];
    assert_eq!(spec["path"], "./aso/43-api-policies");
    assert_eq!(spec["sourceRef"]["name"], "contoso");
    assert_eq!(spec["targetNamespace"], "apim-system");
    assert_eq!(spec["wait"], true);
    assert_eq!(spec["dependsOn"][0]["name"], "contoso-apim-40-apis");
    assert_eq!(spec["healthCheckExprs"][0]["kind"], "ApiPolicy");
    // What is applied with aso/ does not hold them.
    let mut others = made.files.clone();
    others.retain(|path, _| !path.starts_with("flux/"));
    assert_eq!(others, without.files);
}
