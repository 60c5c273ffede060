//! Every kind of resource, in the layouts of both tools and in a workspace.

use super::*;
use flux_apim::model::Kind;
use std::collections::BTreeSet;

const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"A","version":"1"},"paths":{"/x":{"get":{"operationId":"getX","responses":{"200":{"description":"ok"}}}}}}"#;
const POLICY: &str = "<policies><inbound><base /></inbound></policies>";
const FRAGMENT: &str = "<fragment><set-method>GET</set-method></fragment>";
const SOURCE: &str = "<http-data-source><http-request><set-method>GET</set-method><set-url>https://x.example</set-url></http-request></http-data-source>";
const NAMED: &str = r#"{"properties":{"displayName":"N"}}"#;
const EMPTY: &str = "{}";

/// What both tools spell alike.
const COMMON: &[(&str, &str)] = &[
    ("policy.xml", POLICY),
    (
        "apis/a/apiInformation.json",
        r#"{"properties":{"path":"a","displayName":"A","apiRevision":"1","isCurrent":true,"apiVersionSetId":"/apiVersionSets/v","apiVersion":"v1"}}"#,
    ),
    ("apis/a/specification.json", SPEC),
    ("apis/a/policy.xml", POLICY),
    ("apis/a/operations/getx/policy.xml", POLICY),
    (
        "apis/a/diagnostics/applicationinsights/diagnosticInformation.json",
        r#"{"properties":{"loggerId":"/loggers/l"}}"#,
    ),
    (
        "apis/a;rev=2/apiInformation.json",
        r#"{"properties":{"path":"a","displayName":"A","apiRevision":"2","isCurrent":false,"apiVersionSetId":"/apiVersionSets/v","apiVersion":"v1"}}"#,
    ),
    ("apis/a;rev=2/specification.json", SPEC),
    ("products/p/productInformation.json", NAMED),
    ("products/p/policy.xml", POLICY),
    ("tags/t/tagInformation.json", NAMED),
    ("groups/g/groupInformation.json", NAMED),
    (
        "backends/b/backendInformation.json",
        r#"{"properties":{"url":"https://b.example","protocol":"http"}}"#,
    ),
    (
        "loggers/l/loggerInformation.json",
        r#"{"properties":{"loggerType":"azureMonitor"}}"#,
    ),
    (
        "diagnostics/applicationinsights/diagnosticInformation.json",
        r#"{"properties":{"loggerId":"/loggers/l"}}"#,
    ),
    (
        "subscriptions/s/subscriptionInformation.json",
        r#"{"properties":{"displayName":"S","scope":"/products/p","state":"active"}}"#,
    ),
];

const TOOLKIT: &[(&str, &str)] = &[
    (
        "named values/n/namedValueInformation.json",
        r#"{"properties":{"displayName":"N","value":"x"}}"#,
    ),
    (
        "policy fragments/f/policyFragmentInformation.json",
        r#"{"properties":{"description":"d"}}"#,
    ),
    ("policy fragments/f/policy.xml", FRAGMENT),
    (
        "version sets/v/versionSetInformation.json",
        r#"{"properties":{"displayName":"V","versioningScheme":"Segment"}}"#,
    ),
    (
        "apis/a/schemas/s/apiSchemaInformation.json",
        r#"{"properties":{"contentType":"application/xml","document":{"value":"<x/>"}}}"#,
    ),
    (
        "apis/a/releases/r/apiReleaseInformation.json",
        r#"{"properties":{"apiId":"/apis/a;rev=2","notes":"n"}}"#,
    ),
    ("tags/t/apis/a/tagApiInformation.json", EMPTY),
    ("tags/t/products/p/tagProductInformation.json", EMPTY),
    ("products/p/apis/a/productApiInformation.json", EMPTY),
    ("products/p/groups/g/productGroupInformation.json", EMPTY),
];

const CLI: &[(&str, &str)] = &[
    (
        "namedValues/n/namedValueInformation.json",
        r#"{"properties":{"displayName":"N","value":"x"}}"#,
    ),
    ("policyFragments/f/policy.xml", FRAGMENT),
    (
        "policyFragments/legacy/policyFragmentInformation.json",
        r#"{"properties":{"value":"<fragment><set-method>PUT</set-method></fragment>"}}"#,
    ),
    (
        "versionSets/v/versionSetInformation.json",
        r#"{"properties":{"displayName":"V","versioningScheme":"Segment"}}"#,
    ),
    (
        "apis/a/schemas/s/schemaInformation.json",
        r#"{"properties":{"contentType":"application/xml","document":{"value":"<x/>"}}}"#,
    ),
    (
        "apis/a/releases/r/releaseInformation.json",
        r#"{"properties":{"apiId":"/apis/a;rev=2","notes":"n"}}"#,
    ),
    (
        "apis/a/operations/getx/operationInformation.json",
        r#"{"properties":{"displayName":"X","method":"GET","urlTemplate":"/x"}}"#,
    ),
    ("apis/a/tags/t/tagInformation.json", NAMED),
    ("products/p/apis.json", r#"[{"name":"a"}]"#),
    ("products/p/groups.json", r#"[{"name":"g"}]"#),
    ("products/p/tags.json", r#"[{"name":"t"}]"#),
];

/// What workspaces do not have: with gateways, from both tools.
const SERVICE_ONLY: &[(&str, &str)] = &[
    (
        "apis/q/apiInformation.json",
        r#"{"properties":{"path":"q","displayName":"Q","type":"graphql"}}"#,
    ),
    (
        "apis/q/specification.graphql",
        "type Query { pets: String }",
    ),
    (
        "apis/q/resolvers/r/resolverInformation.json",
        r#"{"properties":{"displayName":"R","path":"Query/pets"}}"#,
    ),
    ("apis/q/resolvers/r/policy.xml", SOURCE),
    (
        "apis/a/tagDescriptions/t/tagDescriptionInformation.json",
        r#"{"properties":{"description":"d"}}"#,
    ),
    ("apis/a/wiki.md", "# A\n"),
    ("products/p/wiki.md", "# P\n"),
    (
        "gateways/w/gatewayInformation.json",
        r#"{"properties":{"locationData":{"name":"here"}}}"#,
    ),
    ("gateways/w/apis/a/gatewayApiInformation.json", EMPTY),
    ("gateways/w/apis.json", r#"[{"name":"q"}]"#),
    (
        "schemas/s/schemaInformation.json",
        r#"{"properties":{"schemaType":"json","document":{"type":"object"}}}"#,
    ),
    (
        "policyRestrictions/r/policyRestrictionInformation.json",
        r#"{"properties":{"scope":"/products/p","requireBase":"true"}}"#,
    ),
    (
        "documentations/d/documentationInformation.json",
        r##"{"properties":{"title":"D","content":"# D"}}"##,
    ),
];

fn project(parts: &[&[(&str, &str)]], folder: &str) -> Vec<(String, String)> {
    parts
        .iter()
        .flat_map(|part| part.iter())
        .map(|(path, text)| (format!("{folder}{path}"), (*text).to_owned()))
        .collect()
}

/// The types of what `files` render to, all three targets in agreement and
/// accepted by the official schemas, and every file in the inventory.
fn types(files: &[(String, String)]) -> BTreeSet<String> {
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let outcome = rendered(&common::tree_of(&files), None);
    let mut wrong = disagreements(&outcome);
    wrong.extend(schemas(&outcome));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let inventory = outcome.bundle.as_ref().unwrap().inventory();
    let resources = inventory["resources"].as_array().unwrap();
    let read: BTreeSet<&str> = resources
        .iter()
        .flat_map(|resource| resource["origins"].as_array().unwrap())
        .map(|origin| origin["path"].as_str().unwrap())
        .collect();
    for (path, _) in &files {
        assert!(read.contains(path), "{path} is in no resource");
    }
    resources
        .iter()
        .map(|resource| resource["type"].as_str().unwrap().to_owned())
        .collect()
}

fn expected(kinds: impl Iterator<Item = Kind>, in_workspace: bool) -> BTreeSet<String> {
    kinds.map(|kind| kind.arm_type(in_workspace)).collect()
}

#[test]
fn every_kind_in_the_layout_of_each_tool() {
    for (tool, layout, absent) in [
        (
            "toolkit",
            TOOLKIT,
            vec![Kind::Workspace, Kind::ApiOperation],
        ),
        ("cli", CLI, vec![Kind::Workspace]),
    ] {
        let kinds = Kind::ALL
            .iter()
            .copied()
            .filter(|kind| !absent.contains(kind));
        let files = project(&[COMMON, layout, SERVICE_ONLY], "");
        assert_eq!(types(&files), expected(kinds, false), "{tool}");
    }
}

#[test]
fn every_kind_of_a_workspace() {
    for (tool, layout) in [("toolkit", TOOLKIT), ("cli", CLI)] {
        let mut files = project(&[COMMON, layout], "workspaces/w/");
        files.push((
            "workspaces/w/schemas/s/schemaInformation.json".to_owned(),
            r#"{"properties":{"schemaType":"json","document":{"type":"object"}}}"#.to_owned(),
        ));
        files.push((
            "workspaces/w/workspaceInformation.json".to_owned(),
            NAMED.to_owned(),
        ));
        let kinds = Kind::ALL.iter().copied().filter(|kind| {
            kind.row().workspace != flux_apim::model::InWorkspace::Absent
                && (tool == "cli" || *kind != Kind::ApiOperation)
        });
        let mut wanted = expected(kinds, true);
        wanted.insert(Kind::Workspace.arm_type(false));
        assert_eq!(types(&files), wanted, "{tool}");
    }
}

/// Every api-version that we have a table of: what it knows renders to what
/// its official schema accepts, what it does not know is said.
#[test]
fn every_api_version() {
    let files = project(&[COMMON, CLI, SERVICE_ONLY], "");
    let mut files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let run = |files: &[(&str, &str)], version: &str| {
        let options = Options {
            arm_api_version: Some(version.to_owned()),
            ..Options::default()
        };
        common::run(&common::tree_of(files), &options)
    };
    for version in flux_apim::model::schema::Schema::api_versions() {
        let mut files = files.clone();
        if version == "2022-08-01" {
            files.retain(|(path, _)| !path.starts_with("policyRestrictions/"));
        }
        let outcome = run(&files, version);
        let wrong = disagreements(&outcome);
        assert!(wrong.is_empty(), "{version}: {}", wrong.join("\n"));
        let wrong = schemas(&outcome);
        assert!(wrong.is_empty(), "{version}: {}", wrong.join("\n"));
        assert!(texts(&outcome)["arm/main.json"].contains(version));
    }
    files.push(("workspaces/w/workspaceInformation.json", NAMED));
    let found = common::shown(&run(&files, "2022-08-01"));
    for path in [
        "workspaces/w/workspaceInformation.json",
        "policyRestrictions/r/policyRestrictionInformation.json",
    ] {
        let wanted = format!("APIM1016 {path}:1 ");
        assert!(found.iter().any(|f| f.starts_with(&wanted)), "{found:#?}");
    }
}

/// Azure takes a revision that is made from the current one, then the release
/// that makes it current.
#[test]
fn a_release_follows_its_revision_which_follows_its_api() {
    let files = project(&[COMMON, TOOLKIT], "");
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let outcome = rendered(&common::tree_of(&files), None);
    let files = texts(&outcome);
    let service = "Microsoft.ApiManagement/service";
    let (api, revision) = (
        format!("{service}/apis|a"),
        format!("{service}/apis|a;rev=2"),
    );
    let release = format!("{service}/apis/releases|a/r");
    for (target, read) in [
        ("arm", support::arm::read(&files).unwrap()),
        ("bicep", support::bicep::read_with_lints(&files).unwrap().0),
    ] {
        let closures = read.closures().unwrap();
        assert!(closures[&release].contains(&revision), "{target}");
        assert!(closures[&revision].contains(&api), "{target}");
        assert!(!closures[&api].contains(&revision), "{target}");
    }
    let template: serde_json::Value = serde_json::from_str(&files["arm/main.json"]).unwrap();
    let revision = template["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["name"].as_str().unwrap().ends_with("'a;rev=2')]"))
        .unwrap();
    assert_eq!(
        revision["properties"]["sourceApiId"],
        "[resourceId('Microsoft.ApiManagement/service/apis', parameters('apimServiceName'), 'a')]"
    );
}

/// Object names are DNS-1123 labels; of two that would be alike, one keeps the
/// name and the other gets a hash of what it is.
#[test]
fn names_of_objects() {
    let named =
        |display: &str| format!(r#"{{"properties":{{"displayName":"{display}","value":"x"}}}}"#);
    let long = "x".repeat(90);
    let names = [
        "a_b",
        "a-b",
        "A.B",
        "öffentlich",
        "日本",
        "no",
        "007",
        long.as_str(),
    ];
    let files: Vec<(String, String)> = names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let path = format!("namedValues/{name}/namedValueInformation.json");
            (path, named(&format!("n{n}")))
        })
        .chain(
            project(&[&COMMON[1..3]], "")
                .into_iter()
                .map(|(path, text)| {
                    (
                        path,
                        text.replace(
                            r#","apiVersionSetId":"/apiVersionSets/v","apiVersion":"v1""#,
                            "",
                        ),
                    )
                }),
        )
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let outcome = rendered(&common::tree_of(&files), None);
    let objects = support::aso::objects(&texts(&outcome)).unwrap();
    let found: BTreeMap<String, String> = objects
        .iter()
        .filter(|object| object.value["kind"] == "NamedValue")
        .map(|object| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (
                text(&object.value["spec"]["azureName"]),
                text(&object.value["metadata"]["name"]),
            )
        })
        .collect();
    assert_eq!(found.len(), names.len());
    assert_eq!(found["a-b"], "contoso-apim-a-b");
    assert_eq!(found["öffentlich"], "contoso-apim-offentlich");
    let distinct: BTreeSet<&String> = found.values().collect();
    assert_eq!(distinct.len(), names.len(), "{found:?}");
    for (name, object) in &found {
        let good = object.len() <= 63
            && object
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !object.starts_with('-')
            && !object.ends_with('-');
        assert!(good, "{name}: {object}");
    }
    for alike in ["a_b", "A.B"] {
        assert!(found[alike].starts_with("contoso-apim-a-b-"), "{found:?}");
    }
}

/// Ids of the instance that a tree was extracted from are not those of the
/// instance that it is rendered for.
#[test]
fn ids_of_the_instance_that_was_extracted() {
    let old = "/subscriptions/0/resourceGroups/g/providers/Microsoft.ApiManagement/service/old";
    let mut files = project(&[COMMON, TOOLKIT], "");
    files.retain(|(path, _)| !path.starts_with("subscriptions/"));
    files.push((
        "subscriptions/s/subscriptionInformation.json".to_owned(),
        format!(r#"{{"properties":{{"displayName":"S","scope":"{old}/apis","ownerId":"{old}/users/1"}}}}"#),
    ));
    files.push((
        "subscriptions/t/subscriptionInformation.json".to_owned(),
        format!(r#"{{"properties":{{"displayName":"T","scope":"{old}/products/p"}}}}"#),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let outcome = rendered(&common::tree_of(&files), None);
    for (path, text) in texts(&outcome) {
        assert!(!text.contains("service/old"), "{path}");
    }
}
