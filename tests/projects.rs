//! The sample renders, the broken trees are refused where they are broken.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod common;

use flux_apim::pipeline::Options;
use std::collections::BTreeSet;

#[test]
fn the_sample_renders_in_every_environment() {
    let tree = common::tree(&common::repository("testdata/projects/contoso"));
    for environment in [None, Some("dev"), Some("prod")] {
        let mut options = Options::default();
        options.discover.environment = environment.map(str::to_owned);
        let outcome = common::run(&tree, &options);
        let errors = outcome.report.summary().error;
        assert_eq!(errors, 0, "{environment:?}: {:#?}", common::shown(&outcome));
        assert!(outcome.bundle.is_some());
    }
}

/// The settings that the documentation shows are for the sample: they leave it whole.
#[test]
fn the_settings_of_the_documentation_do_not_break_the_sample() {
    let page = std::fs::read_to_string(common::repository("docs/layouts.md")).unwrap();
    let mut blocks = page.split("```yaml\n").skip(1);
    let settings = blocks.find(|block| block.starts_with("service:")).unwrap();
    let settings = settings.split("```").next().unwrap();
    let tree = common::tree(&common::repository("testdata/projects/contoso"));
    let path = flux_apim::tree::ArtifactPath::parse("flux-apim.yaml").unwrap();
    let tree = tree.with(path, settings.as_bytes().to_vec());
    let mut options = Options::default();
    options.discover.environment = Some("prod".to_owned());
    let outcome = common::run(&tree, &options);
    assert_eq!(
        outcome.report.summary().error,
        0,
        "{:#?}",
        common::shown(&outcome)
    );
}

/// Every file of the project is the origin of a resource, or is named in a
/// finding: nothing is dropped in silence.
#[test]
fn every_file_is_accounted_for() {
    let tree = common::tree(&common::repository("testdata/projects/contoso"));
    let mut options = Options::default();
    options.discover.environment = Some("prod".to_owned());
    let outcome = common::run(&tree, &options);
    let inventory = outcome.bundle.as_ref().unwrap().inventory();
    let mut seen: BTreeSet<&str> = inventory["resources"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|resource| resource["origins"].as_array().unwrap())
        .map(|origin| origin["path"].as_str().unwrap())
        .collect();
    seen.extend(outcome.report.diagnostics.iter().map(|d| d.path.as_str()));
    let dropped: Vec<_> = tree
        .files()
        .map(|(_, path)| path.as_str())
        .filter(|path| !seen.contains(path))
        .collect();
    assert_eq!(
        dropped,
        ["README.md", "configuration.dev.yaml", "flux-apim.yaml"]
    );
}

/// `expect.txt` of each tree has every error and warning, and the infos it is about:
/// code, place to the column, message, in the order of the report.
#[test]
fn broken_trees_are_refused_where_they_are_broken() {
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(common::repository("testdata/broken")).unwrap() {
        let case = entry.unwrap().path();
        let expected = std::fs::read_to_string(case.join("expect.txt")).unwrap();
        let mut options = Options::default();
        let mut lines: Vec<&str> = expected.lines().filter(|l| !l.trim().is_empty()).collect();
        if let Some(env) = lines.first().and_then(|line| line.strip_prefix("--env ")) {
            options.discover.environment = Some(env.trim().to_owned());
            lines.remove(0);
        }
        let outcome = common::run(&common::tree(&case.join("tree")), &options);
        let found: Vec<String> = outcome
            .report
            .diagnostics
            .iter()
            .filter(|d| {
                // What ASO cannot carry is not what these trees are about.
                d.rule.code.0 / 100 != 71
                    && (d.severity > flux_apim::diag::Severity::Info
                        || expected.contains(&d.rule.code.to_string()))
            })
            .map(|d| {
                let at = d.range.map_or(String::new(), |r| {
                    format!(":{}:{}", r.start.line, r.start.column)
                });
                let place = format!("{}{at}", d.path);
                let words = [&d.rule.code.to_string(), &place, &d.message];
                let words = words.into_iter().filter(|word| !word.is_empty());
                words.map(String::as_str).collect::<Vec<_>>().join(" ")
            })
            .collect();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let first = expected
                .lines()
                .next()
                .filter(|line| line.starts_with("--env "));
            let all = first.map(str::to_owned).into_iter().chain(found);
            let text: String = all.map(|line| line + "\n").collect();
            std::fs::write(case.join("expect.txt"), text).unwrap();
        } else if found != lines {
            wrong.push(format!("{}: {found:#?}", case.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "found something else than expect.txt says (UPDATE_EXPECT=1 writes it anew): {}",
        wrong.join("\n")
    );
}

/// What the bundle asks for and does not bring is in the inventory and in every report.
#[test]
fn what_the_service_must_have_is_one_list() {
    let spec = r#"{"openapi":"3.0.1","info":{"title":"a","version":"1"},"paths":{"/x":{"get":{"operationId":"x","responses":{"200":{"description":"ok"}}}}}}"#;
    let tree = common::tree_of(&[
        ("flux-apim.yaml", "external: [loggers/appinsights]\n"),
        ("apis/a/specification.json", spec),
        (
            "apis/a/apiInformation.json",
            r#"{"properties":{"displayName":"a","path":"a","protocols":["https"],"authenticationSettings":{"oAuth2":{"authorizationServerId":"ping"}}}}"#,
        ),
        (
            "apis/a/policy.xml",
            "<policies><inbound><base /><authentication-certificate certificate-id=\"partner\" /><authentication-managed-identity resource=\"https://vault.azure.net\" client-id=\"client-2\" /><log-to-eventhub logger-id=\"hub\">x</log-to-eventhub><set-header name=\"x\" exists-action=\"override\"><value>{{elsewhere}}</value></set-header></inbound><backend><base /></backend></policies>",
        ),
        (
            "namedValues/kept/namedValueInformation.json",
            r#"{"properties":{"displayName":"kept","secret":true,"keyVault":{"secretIdentifier":"https://v.vault.azure.net/secrets/kept"}}}"#,
        ),
        (
            "namedValues/other/namedValueInformation.json",
            r#"{"properties":{"displayName":"other","secret":true,"keyVault":{"secretIdentifier":"https://v.vault.azure.net/secrets/other","identityClientId":"client-1"}}}"#,
        ),
        (
            "namedValues/open/namedValueInformation.json",
            r#"{"properties":{"displayName":"open","secret":true}}"#,
        ),
        (
            "subscriptions/s/subscriptionInformation.json",
            r#"{"properties":{"displayName":"s","scope":"/apis","ownerId":"/users/jo"}}"#,
        ),
        (
            "apis/a/operations/x/policy.xml",
            "<policies><inbound><base /><authentication-certificate thumbprint=\"CAFE\" /><authentication-managed-identity resource=\"https://management.azure.com\" /></inbound><backend><base /></backend></policies>",
        ),
        (
            "backends/b/backendInformation.json",
            r#"{"properties":{"url":"https://b.example","protocol":"http","credentials":{"certificateIds":["/certificates/own"],"certificate":["F00D"]}}}"#,
        ),
    ]);
    let outcome = common::run(&tree, &Options::default());
    let needs = &outcome.report.prerequisites;
    let found: Vec<(&str, &str, &[String])> = needs
        .iter()
        .map(|need| (need.kind.as_str(), need.name.as_str(), need.by.as_slice()))
        .collect();
    let in_file = |path: &str| vec![path.to_owned()];
    let both = vec![
        "namedValues/kept/namedValueInformation.json".to_owned(),
        "namedValues/other/namedValueInformation.json".to_owned(),
    ];
    let (api, operation) = ("apis/a/policy.xml", "apis/a/operations/x/policy.xml");
    let backend = "backends/b/backendInformation.json";
    let expected = [
        ("Key Vault", "https://v.vault.azure.net", both.clone()),
        (
            "Key Vault access",
            "client-1 reads secrets of https://v.vault.azure.net",
            vec![both[1].clone()],
        ),
        (
            "Key Vault access",
            "system-assigned reads secrets of https://v.vault.azure.net",
            vec![both[0].clone()],
        ),
        (
            "authorization server",
            "ping",
            in_file("apis/a/apiInformation.json"),
        ),
        ("certificate", "own", in_file(backend)),
        ("certificate", "partner", in_file(api)),
        (
            "certificate with the thumbprint",
            "CAFE",
            in_file(operation),
        ),
        ("certificate with the thumbprint", "F00D", in_file(backend)),
        ("logger", "appinsights", in_file("flux-apim.yaml")),
        ("logger", "hub", in_file(api)),
        ("managed identity", "client-1", vec![both[1].clone()]),
        ("managed identity", "client-2", in_file(api)),
        (
            "managed identity",
            "system-assigned",
            vec![operation.to_owned(), both[0].clone()],
        ),
        ("named value", "elsewhere", in_file(api)),
        ("secret value", "namedValueOpenValue", vec![]),
        (
            "user",
            "jo",
            in_file("subscriptions/s/subscriptionInformation.json"),
        ),
    ];
    let expected: Vec<(&str, &str, &[String])> = expected
        .iter()
        .map(|(kind, name, by)| (*kind, *name, by.as_slice()))
        .collect();
    assert_eq!(found, expected, "{:#?}", common::shown(&outcome));
    let inventory = outcome.bundle.as_ref().unwrap().inventory();
    assert_eq!(inventory["prerequisites"], serde_json::json!(needs));
    let text = flux_apim::diag::markdown::to_markdown(&outcome.report);
    assert!(
        text.contains("- Key Vault `https://v.vault.azure.net`"),
        "{text}"
    );
}
