//! What a target does not take is found before it is deployed, at the size at which the
//! target refuses it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::pipeline::{Options, Outcome};
use flux_apim::render::Target;

const INFORMATION: &str =
    r#"{"properties": {"displayName": "Orders", "path": "orders", "protocols": ["https"]}}"#;

/// A definition with a description of `bytes` times `letter`.
fn definition(letter: &str, bytes: usize) -> String {
    format!(
        r#"{{"openapi": "3.0.1", "info": {{"title": "Orders", "version": "1", "description": "{}"}},
        "paths": {{"/orders": {{"get": {{"responses": {{"200": {{"description": "Orders"}}}}}}}}}}}}"#,
        letter.repeat(bytes)
    )
}

fn policy(bytes: usize) -> String {
    format!(
        "<policies><inbound><base /><!--{}--></inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>",
        "x".repeat(bytes)
    )
}

fn run(files: &[(&str, &str)], targets: &[Target]) -> Outcome {
    let options = Options {
        targets: Some(targets.to_vec()),
        ..Options::default()
    };
    common::run(&common::tree_of(files), &options)
}

fn finds(outcome: &Outcome, code: u16) -> bool {
    let mut found = outcome.report.diagnostics.iter();
    found.any(|d| d.rule.code.0 == code)
}

/// One API with this definition.
fn api(definition: &str, targets: &[Target]) -> Outcome {
    let files = [
        ("apis/orders/apiInformation.json", INFORMATION),
        ("apis/orders/specification.json", definition),
    ];
    run(&files, targets)
}

#[test]
fn a_definition_whose_escapes_exceed_a_resource() {
    // Each `\"` of the definition is `\\\"` in the template.
    let letters = definition("\\\"", 300 << 10);
    let outcome = api(&letters, &[Target::ARM]);
    assert!(finds(&outcome, 7001), "{:?}", common::shown(&outcome));
    assert!(outcome.bundle.is_none());
    // As many bytes without escapes are taken.
    let outcome = api(&definition("ab", 300 << 10), &[Target::ARM]);
    assert!(!finds(&outcome, 7001), "{:?}", common::shown(&outcome));
    assert!(outcome.bundle.is_some());
    // Other targets have other limits.
    assert!(!finds(&api(&letters, &[Target::ASO]), 7001));
}

#[test]
fn more_secrets_than_parameters() {
    let named_value = r#"{"properties": {"displayName": "NAME", "secret": true}}"#;
    for (count, found) in [(255, false), (256, true)] {
        let secrets: Vec<_> = (0..count)
            .map(|n| {
                let path = format!("namedValues/s{n}/namedValueInformation.json");
                (path, named_value.replace("NAME", &format!("s{n}")))
            })
            .collect();
        let definition = definition("x", 1);
        let mut files = vec![
            ("apis/orders/apiInformation.json", INFORMATION),
            ("apis/orders/specification.json", definition.as_str()),
        ];
        files.extend(
            secrets
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str())),
        );
        let outcome = run(&files, &[Target::ARM]);
        assert_eq!(
            finds(&outcome, 7002),
            found,
            "{:?}",
            common::shown(&outcome)
        );
        assert_eq!(outcome.bundle.is_none(), found);
    }
}

#[test]
fn policies_have_a_size() {
    let definition = definition("x", 1);
    for (bytes, found) in [(255 << 10, false), (256 << 10, true)] {
        let policy = policy(bytes);
        let files = [
            ("apis/orders/apiInformation.json", INFORMATION),
            ("apis/orders/specification.json", definition.as_str()),
            ("apis/orders/policy.xml", policy.as_str()),
        ];
        let outcome = run(&files, &[Target::ARM]);
        assert_eq!(
            finds(&outcome, 7003),
            found,
            "{:?}",
            common::shown(&outcome)
        );
        assert_eq!(outcome.bundle.is_none(), found);
    }
}

#[test]
fn definitions_have_a_size() {
    let large = definition("x", 4 << 20);
    let outcome = api(&large, &[Target::RESOURCES]);
    assert!(finds(&outcome, 7004), "{:?}", common::shown(&outcome));
    assert!(outcome.bundle.is_none());
    let outcome = api(&definition("x", (4 << 20) - 1000), &[Target::RESOURCES]);
    assert!(!finds(&outcome, 7004), "{:?}", common::shown(&outcome));
    assert!(outcome.bundle.is_some());
}

#[test]
fn definitions_that_together_exceed_a_template() {
    let definition = definition("x", 600 << 10);
    for (count, found) in [(6, false), (7, true)] {
        let mut files = Vec::new();
        for n in 0..count {
            let information = INFORMATION.replace("orders", &format!("o{n}"));
            files.push((format!("apis/o{n}/apiInformation.json"), information));
            files.push((format!("apis/o{n}/specification.json"), definition.clone()));
        }
        let files: Vec<_> = files
            .iter()
            .map(|(p, t)| (p.as_str(), t.as_str()))
            .collect();
        let outcome = run(&files, &[Target::BICEP]);
        assert_eq!(
            finds(&outcome, 7005),
            found,
            "{:?}",
            common::shown(&outcome)
        );
        // What could not be deployed is not written. Other targets have other limits.
        assert_eq!(outcome.bundle.is_none(), found);
        let others = run(&files, &[Target::ARM, Target::ASO]);
        assert!(!finds(&others, 7005) && others.bundle.is_some());
    }
}

#[test]
fn a_definition_that_exceeds_an_object() {
    for (bytes, found) in [(1_400_000, false), (1_500_000, true)] {
        let outcome = api(&definition("x", bytes), &[Target::ASO]);
        assert_eq!(
            finds(&outcome, 7104),
            found,
            "{:?}",
            common::shown(&outcome)
        );
        assert_eq!(outcome.bundle.is_none(), found);
    }
}

#[test]
fn values_of_an_environment_that_are_too_many_for_parameters() {
    let definition = definition("x", 1);
    let with = |count: usize| {
        let values: Vec<(String, String)> = (0..count)
            .map(|i| {
                let path = format!("namedValues/n{i}/namedValueInformation.json");
                let text = format!(r#"{{"properties":{{"displayName":"n{i}","value":"x"}}}}"#);
                (path, text)
            })
            .collect();
        let items = (0..count).map(|i| format!("- name: n{i}\n  properties: {{value: y}}\n"));
        let environment = format!("namedValues:\n{}", items.collect::<String>());
        let secret = r#"{"properties":{"displayName":"z","secret":true}}"#;
        let mut files = vec![
            ("apis/orders/apiInformation.json", INFORMATION),
            ("apis/orders/specification.json", definition.as_str()),
            ("namedValues/z/namedValueInformation.json", secret),
            ("configuration.prod.yaml", environment.as_str()),
        ];
        files.extend(
            values
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str())),
        );
        let mut options = Options {
            targets: Some(vec![Target::ARM]),
            ..Options::default()
        };
        options.discover.environment = Some("prod".to_owned());
        common::run(&common::tree_of(&files), &options)
    };
    // One parameter names the service, one is the secret.
    for (count, found) in [(254, false), (255, true), (300, true)] {
        let outcome = with(count);
        assert_eq!(
            finds(&outcome, 7041),
            found,
            "{:?}",
            common::shown(&outcome)
        );
        let main = &common::files(&outcome)["arm/main.json"];
        let main: serde_json::Value = serde_json::from_slice(main).unwrap();
        let parameters = main["parameters"].as_object().unwrap();
        assert_eq!(parameters.len(), 256.min(count + 2));
        assert!(parameters.values().any(|p| p["type"] == "securestring"));
    }
}

/// A project for `tier` with `count` files below `folder`, of `text` with `#` for a number.
fn of_tier(tier: &str, count: usize, folder: &str, file: &str, text: &str) -> Outcome {
    let config = format!("tier: {tier}\n");
    let numbered = (0..count).map(|n| {
        let path = format!("{folder}/n{n}/{file}");
        (path, text.replace('#', &n.to_string()))
    });
    let numbered: Vec<(String, String)> = numbered.collect();
    let sound = definition("a", 1);
    let mut files = vec![
        ("flux-apim.yaml", config.as_str()),
        ("apis/orders/apiInformation.json", INFORMATION),
        ("apis/orders/specification.json", sound.as_str()),
    ];
    files.extend(
        numbered
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    run(&files, &[Target::ARM])
}

#[test]
fn a_service_takes_so_many_by_its_tier() {
    let logger = r#"{"properties": {"loggerType": "azureMonitor"}}"#;
    let gateway = r#"{"properties": {"locationData": {"name": "n#"}}}"#;
    let product = r#"{"properties": {"displayName": "n#", "subscriptionRequired": true}}"#;
    let tag = r#"{"properties": {"displayName": "n#"}}"#;
    let value = r#"{"properties": {"displayName": "n#", "value": "v"}}"#;
    let subscription = r#"{"properties": {"displayName": "n#", "scope": "/apis"}}"#;
    for (tier, most, folder, file, text) in [
        (
            "Consumption",
            100,
            "loggers",
            "loggerInformation.json",
            logger,
        ),
        ("Basic", 100, "loggers", "loggerInformation.json", logger),
        (
            "Consumption",
            100,
            "products",
            "productInformation.json",
            product,
        ),
        (
            "basicv2",
            200,
            "products",
            "productInformation.json",
            product,
        ),
        (
            "Developer",
            5,
            "gateways",
            "gatewayInformation.json",
            gateway,
        ),
        (
            "Premium",
            100,
            "gateways",
            "gatewayInformation.json",
            gateway,
        ),
        ("Consumption", 1_500, "tags", "tagInformation.json", tag),
        (
            "Developer",
            5_000,
            "namedValues",
            "namedValueInformation.json",
            value,
        ),
        (
            "Developer",
            10_000,
            "subscriptions",
            "subscriptionInformation.json",
            subscription,
        ),
    ] {
        let above = of_tier(tier, most + 1, folder, file, text);
        assert!(
            finds(&above, 7007),
            "{tier} {folder}: {:?}",
            common::shown(&above)
        );
        if most <= 200 {
            let within = of_tier(tier, most, folder, file, text);
            assert!(
                !finds(&within, 7007),
                "{tier} {folder}: {:?}",
                common::shown(&within)
            );
        }
    }
    // What a tier does not have.
    for (tier, wanted) in [("Basic", true), ("PremiumV2", true), ("Developer", false)] {
        let outcome = of_tier(tier, 1, "gateways", "gatewayInformation.json", gateway);
        assert_eq!(finds(&outcome, 7008), wanted, "{tier}");
    }
    for (tier, wanted) in [("Standard", true), ("Premium", false)] {
        let text = r#"{"properties": {"displayName": "n#"}}"#;
        let outcome = of_tier(tier, 1, "workspaces", "workspaceInformation.json", text);
        assert_eq!(finds(&outcome, 7008), wanted, "{tier}");
    }
}

#[test]
fn operations_are_counted_over_definitions() {
    let of = |count: usize| {
        let paths = (0..count).map(|n| {
            format!(r#""/o{n}": {{"get": {{"responses": {{"200": {{"description": "o"}}}}}}}}"#)
        });
        let paths: Vec<String> = paths.collect();
        let text = format!(
            r#"{{"openapi": "3.0.1", "info": {{"title": "O", "version": "1"}}, "paths": {{{}}}}}"#,
            paths.join(",")
        );
        let files = [
            ("flux-apim.yaml", "tier: Consumption"),
            ("apis/orders/apiInformation.json", INFORMATION),
            ("apis/orders/specification.json", &text),
        ];
        run(&files, &[Target::ARM])
    };
    assert!(!finds(&of(3_000), 7007));
    assert!(finds(&of(3_001), 7007));
}

#[test]
fn policies_are_smaller_in_consumption_and_run_on_its_gateway() {
    let of = |tier: &str, policy: &str| {
        let tier = format!("tier: {tier}");
        let sound = definition("a", 1);
        let files = [
            ("flux-apim.yaml", tier.as_str()),
            ("apis/orders/apiInformation.json", INFORMATION),
            ("apis/orders/specification.json", &sound),
            ("apis/orders/policy.xml", policy),
        ];
        run(&files, &[Target::ARM])
    };
    let size = policy(0).len();
    let limit = 16 << 10;
    assert!(!finds(&of("Consumption", &policy(limit - size)), 7007));
    assert!(finds(&of("Consumption", &policy(limit - size + 1)), 7007));
    assert!(!finds(&of("Developer", &policy(limit)), 7007));
    let by_key = "<policies><inbound><base /><rate-limit-by-key calls=\"1\" renewal-period=\"60\" counter-key=\"a\" /></inbound><backend><base /></backend></policies>";
    assert!(finds(&of("Consumption", by_key), 3023));
    assert!(!finds(&of("BasicV2", by_key), 3023));
    // A self-hosted gateway may run it.
    let dapr = "<policies><inbound><base /><publish-to-dapr topic=\"t\" pubsub-name=\"p\">x</publish-to-dapr></inbound><backend><base /></backend></policies>";
    assert!(finds(&of("Basic", dapr), 3023));
    assert!(!finds(&of("Developer", dapr), 3023));
}
