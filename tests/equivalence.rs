//! The three targets say the same: read back, they give the same resources,
//! properties and dependencies; and the official schemas accept them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;
#[path = "support/mod.rs"]
mod support;

use flux_apim::pipeline::{Options, Outcome};
use flux_apim::tree::SourceTree;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use support::arm_schema::ArmSchema;
use support::crd::Crds;

fn texts(outcome: &Outcome) -> BTreeMap<String, String> {
    common::files(outcome)
        .into_iter()
        .map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()))
        .collect()
}

/// What is wrong with the bundle of `tree`; nothing when all targets agree.
fn disagreements(outcome: &Outcome) -> Vec<String> {
    let files = texts(outcome);
    let mut wrong = Vec::new();
    let arm = support::arm::read(&files);
    let bicep = support::bicep::read_with_lints(&files);
    let aso = support::aso::read(&files);
    for error in [arm.as_ref().err(), bicep.as_ref().err(), aso.as_ref().err()] {
        wrong.extend(error.cloned());
    }
    if let (Ok(arm), Ok((bicep, lints)), Ok(aso)) = (&arm, &bicep, &aso) {
        // A Bicep module waits for all that one of its resources waits for.
        let order = support::compare::Order::AtLeast;
        wrong.extend(support::compare::differences(arm, bicep, order).unwrap());
        wrong.extend(lints.iter().cloned());
        let missing: Vec<String> = not_in_aso(outcome);
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        let differences = support::compare::aso_differences(arm, aso, &missing);
        wrong.extend(differences.into_iter().filter(|d| !is_known(outcome, d)));
    }
    wrong
}

/// ASO takes the scope of a subscription as text, relative to the service; and
/// what it has no field for is left out with a warning.
fn is_known(outcome: &Outcome, difference: &str) -> bool {
    let scope = difference.contains("service/subscriptions|")
        && difference.contains("#/scope: ")
        && (difference.contains("/ \"/products/") || difference.contains("/ \"/apis/"));
    let left_out = difference.ends_with("/ absent")
        && difference.split(['|', '#']).nth(1).is_some_and(|name| {
            outcome.report.diagnostics.iter().any(|d| {
                let last = name.rsplit('/').next().unwrap();
                matches!(d.rule.code.0, 7102 | 7103) && d.message.contains(&format!("`{last}`"))
            })
        });
    scope || left_out
}

/// What the inventory says that ASO does not carry.
fn not_in_aso(outcome: &Outcome) -> Vec<String> {
    let inventory = outcome.bundle.as_ref().unwrap().inventory();
    inventory["resources"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|resource| resource["outputs"]["aso"].is_null())
        .map(|resource| {
            let text = |key: &str| resource[key].as_str().unwrap().to_owned();
            format!("{}|{}", text("type"), text("name"))
        })
        .collect()
}

/// The official schemas, read once.
struct Official;

impl Official {
    fn arm(folder: &Path, version: &str) -> Arc<ArmSchema> {
        static READ: Mutex<BTreeMap<String, Arc<ArmSchema>>> = Mutex::new(BTreeMap::new());
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(version.to_owned())
            .or_insert_with(|| Arc::new(ArmSchema::load(folder, version).unwrap()))
            .clone()
    }

    fn crds(folder: &Path) -> &'static Crds {
        static READ: OnceLock<Crds> = OnceLock::new();
        READ.get_or_init(|| Crds::load(folder).unwrap())
    }
}

fn schemas(outcome: &Outcome) -> Vec<String> {
    let Some(arm) = common::corpus("schemas/arm") else {
        return Vec::new();
    };
    let Some(crds) = common::corpus("crds/aso-v2-yaml") else {
        return Vec::new();
    };
    let files = texts(outcome);
    let main: serde_json::Value = serde_json::from_str(&files["arm/main.json"]).unwrap();
    let version = main["resources"][0]["apiVersion"].as_str().unwrap();
    let arm = Official::arm(&arm, version);
    let crds = Official::crds(&crds);
    let mut wrong = Vec::new();
    for (path, text) in &files {
        let template = path.starts_with("arm/") && path != "arm/parameters.json";
        if template {
            let template = serde_json::from_str(text).unwrap();
            wrong.extend(
                arm.check(&template)
                    .into_iter()
                    .map(|e| format!("{path}: {e}")),
            );
        }
    }
    for object in support::aso::objects(&files).unwrap() {
        if object.value["kind"] != "Secret" {
            wrong.extend(crds.check(&object.value));
        }
    }
    wrong
}

fn rendered(tree: &SourceTree, environment: Option<&str>) -> Outcome {
    let mut options = Options {
        service: Some("contoso-apim".to_owned()),
        ..Options::default()
    };
    options.discover.environment = environment.map(str::to_owned);
    common::run(tree, &options)
}

#[test]
fn the_sample() {
    let tree = common::tree(&common::repository("testdata/projects/contoso"));
    for environment in [None, Some("dev"), Some("prod")] {
        let outcome = rendered(&tree, environment);
        let wrong = disagreements(&outcome);
        assert!(wrong.is_empty(), "{environment:?}:\n{}", wrong.join("\n"));
        let wrong = schemas(&outcome);
        assert!(wrong.is_empty(), "{environment:?}:\n{}", wrong.join("\n"));
    }
}

/// Trees of real teams in each of their environments. Errors of their own are
/// forgiven, but then the schemas may have something to say.
#[test]
fn corpus_trees() {
    let mut clean = 0;
    for folder in common::trees().paths {
        for environment in common::environments(&common::tree(&folder)) {
            let mut options = Options::default();
            options.discover.environment.clone_from(&environment);
            let Some(tree) = common::forgiven(&folder, &options) else {
                continue;
            };
            let outcome = rendered(&tree, environment.as_deref());
            let mut wrong = disagreements(&outcome);
            if common::run(&common::tree(&folder), &options)
                .bundle
                .is_some()
            {
                clean += 1;
                wrong.extend(schemas(&outcome));
            }
            let shown = wrong.join("\n");
            assert!(
                wrong.is_empty(),
                "{} {environment:?}:\n{shown}",
                folder.display()
            );
        }
    }
    assert!(clean >= 2, "{clean}");
}

/// Definitions of real services, each as a project of its own.
#[test]
fn corpus_definitions() {
    let names = [
        "adyen/json/AccountService-v6.json",
        "xero/xero_assets.yaml",
        "xero/xero-payroll-uk.yaml",
    ];
    let mut found = common::single_definitions();
    if found.whole {
        found
            .paths
            .retain(|path| names.iter().any(|name| path.ends_with(name)));
        assert_eq!(found.paths.len(), names.len());
    }
    for path in found.paths {
        let text = String::from_utf8(common::stored(&path).unwrap()).unwrap();
        let name = path.display().to_string();
        let file = name.rsplit('/').next().unwrap();
        let outcome = rendered(&common::tree_of(&[(file, &text)]), None);
        let mut wrong = disagreements(&outcome);
        wrong.extend(schemas(&outcome));
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    }
}

/// More resources than one template takes.
#[test]
fn a_template_in_parts() {
    let value = r#"{"properties": {"displayName": "NAME", "value": "v"}}"#;
    let mut files: Vec<(String, String)> = (0..850)
        .map(|n| {
            let path = format!("namedValues/n{n}/namedValueInformation.json");
            (path, value.replace("NAME", &format!("n{n}")))
        })
        .collect();
    let api = r#"{"properties": {"path": "a", "displayName": "A"}}"#;
    files.push(("apis/a/apiInformation.json".to_owned(), api.to_owned()));
    let policy =
        "<policies><inbound><set-variable name=\"x\" value=\"{{n849}}\" /></inbound></policies>";
    files.push(("apis/a/policy.xml".to_owned(), policy.to_owned()));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let outcome = rendered(&common::tree_of(&files), None);
    let inventory = outcome.bundle.as_ref().unwrap().inventory();
    // Two deployments inside of one template.
    assert_eq!(inventory["parts"].as_array().unwrap().len(), 0);
    // A deployment waits for all of those before it, which Bicep need not.
    let mut wrong = disagreements(&outcome);
    wrong.retain(|line| !line.contains(": waits for "));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let closures = support::arm::read(&texts(&outcome))
        .unwrap()
        .closures()
        .unwrap();
    let service = "Microsoft.ApiManagement/service";
    assert!(
        closures[&format!("{service}/apis/policies|a/policy")]
            .contains(&format!("{service}/namedValues|n849"))
    );
}

#[path = "equivalence/kinds.rs"]
mod kinds;

/// Any text comes back as it was.
mod unicode {
    use super::*;
    use proptest::prelude::*;

    fn project(description: &str, policy: &str, definition: &str) -> SourceTree {
        let json = |text: &str| serde_json::to_string(text).unwrap();
        let api = format!(
            r#"{{"properties": {{"path": "a", "displayName": "A", "description": {}}}}}"#,
            json(description)
        );
        let spec = format!(
            r#"{{"openapi":"3.0.3","info":{{"title":"A","version":"1","description":{}}},"paths":{{"/x":{{"get":{{"responses":{{"200":{{"description":"ok"}}}}}}}}}}}}"#,
            json(definition)
        );
        let policy = format!("<policies><inbound><!--{policy}--><base /></inbound></policies>");
        common::tree_of(&[
            ("apis/a/apiInformation.json", &api),
            ("apis/a/specification.json", &spec),
            ("apis/a/policy.xml", &policy),
        ])
    }

    /// What XML has of a text; the rest is refused (APIM3001).
    fn in_xml(text: &str) -> String {
        let is_char = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
        text.chars().filter(is_char).collect()
    }

    fn check(description: &str, policy: &str, definition: &str) {
        let outcome = rendered(&project(description, policy, definition), None);
        let wrong = disagreements(&outcome);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let files = texts(&outcome);
        let arm = support::arm::read(&files).unwrap();
        let aso = support::aso::read(&files).unwrap();
        let api = (
            "Microsoft.ApiManagement/service/apis".to_owned(),
            "a".to_owned(),
        );
        let policies = (
            "Microsoft.ApiManagement/service/apis/policies".to_owned(),
            "a/policy".to_owned(),
        );
        for bundle in [&arm, &aso] {
            let properties = &bundle.resources[&api].properties;
            assert_eq!(properties["description"], description);
            let spec: serde_json::Value =
                serde_json::from_str(properties["value"].as_str().unwrap()).unwrap();
            assert_eq!(spec["info"]["description"], definition);
            let text = bundle.resources[&policies].properties["value"]
                .as_str()
                .unwrap();
            assert!(text.contains(policy));
        }
    }

    #[test]
    fn what_printers_get_wrong() {
        for text in [
            "[x]",
            "[[x]]",
            "[",
            "it's",
            "'''",
            "${x}",
            "\\n",
            "a\r\nb\rc\n",
            "\t x \t",
            "\u{2028}\u{85}\u{feff}",
            "\u{0}\u{7f}",
            "😀 é",
            "# no comment",
            "{{x}",
            " padded ",
            "yes",
            "null",
            "~",
            "0x10",
            "- a\n- b",
            "|\n  a\n",
            "\n\n",
            "\u{1f600}\u{10ffff}",
            "><\"",
        ] {
            check(text, &in_xml(&text.replace("--", "")), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_text(description in any::<String>(), policy in any::<String>(), definition in any::<String>()) {
            let policy = policy.replace('-', "").replace("{#", "");
            check(&description, &in_xml(&policy), &definition);
        }
    }
}
