use serde_json::json;

use crate::support::{ReadBundle, Res, aso, yaml};
use crate::{NASTY, files, refused};

const KUSTOMIZATION: &str = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - all.yaml
";

/// An object: kind, name, and the lines of its spec.
fn object(kind: &str, name: &str, spec: &str) -> String {
    let spec: String = spec.lines().map(|l| format!("  {l}\n")).collect();
    format!(
        "---\napiVersion: apimanagement.azure.com/v20240501\nkind: {kind}\nmetadata:\n  name: {name}\n  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\nspec:\n{spec}"
    )
}

fn read(objects: &[String]) -> Res<ReadBundle> {
    aso::read(&files(&[
        ("aso/kustomization.yaml", KUSTOMIZATION),
        ("aso/all.yaml", &objects.concat()),
    ]))
}

fn everything() -> Vec<String> {
    vec![
        object(
            "Api",
            "orders-2",
            "azureName: orders;rev=2\nowner:\n  name: svc\npath: orders\nsourceApiReference:\n  group: apimanagement.azure.com\n  kind: Api\n  name: orders\napiVersionSet:\n  reference:\n    armId: /subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x/apiVersionSets/v",
        ),
        object("Api", "orders", "owner:\n  name: svc\npath: orders"),
        object(
            "ApiPolicy",
            "orders-policy",
            "owner:\n  name: orders\nvalue: |-\n  <a>${x}</a>\n  [y]",
        ),
        object(
            "ApiDiagnostic",
            "orders-ai",
            "azureName: applicationinsights\nowner:\n  name: orders\nloggerReference:\n  group: apimanagement.azure.com\n  kind: Logger\n  name: ai",
        ),
        object(
            "Logger",
            "ai",
            "owner:\n  name: svc\nloggerType: applicationInsights\ncredentials:\n  name: ai-secret\nresourceReference:\n  armId: /subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/c",
        ),
        object(
            "Backend",
            "one",
            "owner:\n  name: svc\nproxy:\n  url: https://p\n  password:\n    name: px\n    key: pw\ncredentials:\n  header:\n    reference:\n      - a",
        ),
        object(
            "Backend",
            "pool",
            "owner:\n  name: svc\ntype: Pool\npool:\n  services:\n    - reference:\n        group: apimanagement.azure.com\n        kind: Backend\n        name: one\n      weight: 1",
        ),
        object(
            "NamedValue",
            "nv",
            "owner:\n  name: svc\ndisplayName: NV\nkeyVault:\n  secretIdentifier: https://v\n  identityClientIdFromConfig:\n    name: id\n    key: client",
        ),
    ]
}

fn properties(bundle: &ReadBundle, type_: &str, name: &str) -> serde_json::Value {
    bundle.resources[&(
        format!("Microsoft.ApiManagement/service/{type_}"),
        name.to_owned(),
    )]
        .properties
        .clone()
}

#[test]
fn objects_become_resources() {
    let bundle = read(&everything()).unwrap();
    assert_eq!(bundle.resources.len(), 8);
    let expected = json!({
        "path": "orders",
        "sourceApiId": "ref:Microsoft.ApiManagement/service/apis|orders",
        "apiVersionSet": {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x/apiVersionSets/v"},
    });
    assert_eq!(properties(&bundle, "apis", "orders;rev=2"), expected);
    assert_eq!(
        properties(&bundle, "apis/policies", "orders/policy"),
        json!({"value": "<a>${x}</a>\n[y]"})
    );
    let logger = json!({"loggerId": "ref:Microsoft.ApiManagement/service/loggers|ai"});
    assert_eq!(
        properties(&bundle, "apis/diagnostics", "orders/applicationinsights"),
        logger
    );
    let expected = json!({
        "loggerType": "applicationInsights", "credentials": "secretmap:ai-secret",
        "resourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/c",
    });
    assert_eq!(properties(&bundle, "loggers", "ai"), expected);
    let expected = json!({"proxy": {"url": "https://p", "password": "secret:px/pw"}, "credentials": {"header": {"reference": ["a"]}}});
    assert_eq!(properties(&bundle, "backends", "one"), expected);
    let service = json!([{"id": "ref:Microsoft.ApiManagement/service/backends|one", "weight": 1}]);
    assert_eq!(
        properties(&bundle, "backends", "pool")["services"],
        serde_json::Value::Null
    );
    assert_eq!(
        properties(&bundle, "backends", "pool")["pool"]["services"],
        service
    );
    let vault = json!({"secretIdentifier": "https://v", "identityClientId": "configmap:id/client"});
    assert_eq!(properties(&bundle, "namedValues", "nv")["keyVault"], vault);
    let diagnostic = (
        "Microsoft.ApiManagement/service/apis/diagnostics".to_owned(),
        "orders/applicationinsights".to_owned(),
    );
    let deps = [
        "Microsoft.ApiManagement/service/apis|orders",
        "Microsoft.ApiManagement/service/loggers|ai",
    ];
    assert_eq!(
        bundle.resources[&diagnostic].depends_on,
        deps.map(str::to_owned).into()
    );
}

#[test]
fn owners_by_arm_id() {
    let service = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/svc";
    let tag = object(
        "ProductApi",
        "p-a",
        &format!("azureName: a\nowner:\n  armId: {service}/products/p"),
    );
    let logger = object(
        "Diagnostic",
        "d",
        &format!("owner:\n  armId: {service}\nloggerReference:\n  armId: {service}/loggers/ai"),
    );
    let bundle = read(&[tag.clone(), logger]).unwrap();
    assert_eq!(properties(&bundle, "products/apis", "p/a"), json!({}));
    assert_eq!(
        properties(&bundle, "diagnostics", "d"),
        json!({"loggerId": "ref:Microsoft.ApiManagement/service/loggers|ai"})
    );
    refused(read(&[tag.replace("/products/p", "")]), "cannot own");
    let other = object("Api", "a", "owner:\n  name: svc\npath: a");
    refused(read(&[tag, other]), "more than one service");
}

#[test]
fn broken_objects() {
    let api = || object("Api", "a", "owner:\n  name: svc\npath: a");
    let swap = |from: &str, to: &str| {
        let all = everything().concat();
        assert!(all.contains(from), "{from}");
        read(&[all.replacen(from, to, 1)])
    };
    refused(read(&[api(), api()]), "two objects Api a");
    refused(
        read(&[
            api(),
            api()
                .replace("name: a\n", "name: b\n")
                .replace("owner:", "azureName: a\n  owner:"),
        ]),
        "declared twice",
    );
    refused(
        read(&[api().replace("name: a\n", "name: A_b\n")]),
        "DNS-1123",
    );
    refused(
        read(&[api().replace("substitute: disabled", "substitute: enabled")]),
        "substitution",
    );
    refused(
        read(&[api().replace("substitute:", "other:")]),
        "substitution",
    );
    refused(
        read(&[api().replace("v20240501", "v1api20240501")]),
        "apiVersion",
    );
    refused(
        read(&[api().replace("kind: Api", "kind: ApiOperation")]),
        "unknown kind",
    );
    refused(
        read(&[api().replace("  owner:\n    name: svc\n", "")]),
        "no owner",
    );
    refused(
        swap("kind: Logger\n    name: ai", "kind: Logger\n    name: none"),
        "there is no Logger none",
    );
    refused(
        swap(
            "owner:\n    name: orders\n  value",
            "owner:\n    name: none\n  value",
        ),
        "no Api named none",
    );
    refused(
        swap("    name: px\n", "    name: px\n      value: clear\n"),
        "unexpected fields",
    );
    refused(
        swap("  value: |-", "  azureName: p\n  value: |-"),
        "no azureName",
    );
    refused(
        swap(
            "path: orders\n  sourceApi",
            "path: orders\n  sourceApiId: x\n  sourceApi",
        ),
        "are both sourceApiId",
    );
}

#[test]
fn broken_kustomizations() {
    let run = |kustomization: &str, name: &str| {
        let api = object("Api", "a", "owner:\n  name: svc\npath: a");
        aso::read(&files(&[
            ("aso/kustomization.yaml", kustomization),
            (name, &api),
        ]))
    };
    assert!(run(KUSTOMIZATION, "aso/all.yaml").is_ok());
    refused(run(KUSTOMIZATION, "aso/other.yaml"), "not there");
    refused(
        run(
            &KUSTOMIZATION.replace("  - all.yaml\n", "  []\n"),
            "aso/all.yaml",
        ),
        "is not listed",
    );
    refused(
        run(&format!("{KUSTOMIZATION}namePrefix: x\n"), "aso/all.yaml"),
        "would change",
    );
    refused(
        run(&format!("{KUSTOMIZATION}  - all.yaml\n"), "aso/all.yaml"),
        "listed twice",
    );
    refused(
        run("kind: Kustomization\n", "aso/all.yaml"),
        "wrong apiVersion",
    );
    refused(aso::read(&files(&[])), "kustomization.yaml is missing");
}

#[test]
fn nasty_text_survives_double_quotes() {
    for text in NASTY {
        let mut quoted = String::new();
        for c in text.chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                    quoted.push_str(&format!("\\u{:04X}", c as u32));
                }
                c => quoted.push(c),
            }
        }
        assert_eq!(
            yaml::documents(&format!("a: \"{quoted}\"\n")),
            Ok(vec![json!({"a": text})]),
            "{quoted}"
        );
    }
}

#[test]
fn yaml_scalars() {
    let text = "a: text\nb: 'it''s'\nc: |\n  x\n\n   y\nd: >-\n  one\n  two\ne: [1, -2, 1.5, true, null, ~, https://x, 1a, a-1, v1.2.3]\nf: {}\n";
    let expected = json!({
        "a": "text", "b": "it's", "c": "x\n\n y\n", "d": "one two",
        "e": [1, -2, 1.5, true, null, null, "https://x", "1a", "a-1", "v1.2.3"], "f": {},
    });
    let read = yaml::documents(text);
    assert_eq!(read, Ok(vec![expected]));
    assert_eq!(yaml::documents("--- a\n--- b\n").map(|d| d.len()), Ok(2));
}

#[test]
fn broken_yaml() {
    for ambiguous in [
        "yes",
        "No",
        "on",
        "y",
        "0o17",
        "017",
        "0x1f",
        "1:30",
        "2024-05-01",
        "1_000",
        "+1",
        ".5",
        ".inf",
        "Null",
        "TRUE",
    ] {
        let read = yaml::documents(&format!("a: {ambiguous}\n"));
        refused(read, "quote it");
    }
    refused(yaml::documents("a: 1\na: 2\n"), "stands twice");
    refused(yaml::documents("a: &x 1\nb: *x\n"), "anchors");
    refused(yaml::documents("a: !!str 1\n"), "anchors");
    refused(yaml::documents("<<: {}\n"), "merge key");
    refused(yaml::documents("1: a\n"), "not text");
    refused(yaml::documents("a: \"x\u{2028}y\"\n"), "U+2028");
    refused(yaml::documents("a: |\n  x\r\n  y\n"), "U+000D");
    refused(yaml::documents("a: \"x\u{85}\"\n"), "U+0085");
    assert!(yaml::documents("a: [1\n").is_err());
    assert!(yaml::documents("a: 'x\n").is_err());
}
