use serde_json::{Value, json};

use crate::support::{ParamInfo, ReadBundle, Res, SERVICE, arm, arm_expr};
use crate::{NASTY, files, refused};

struct Scope;

impl arm_expr::Scope for Scope {
    fn parameter(&self, name: &str) -> Res<Value> {
        match name {
            "apimServiceName" => Ok(SERVICE.into()),
            "secret" => Ok("param:secret".into()),
            _ => Err(format!("no parameter {name}")),
        }
    }

    fn variable(&self, name: &str) -> Res<Value> {
        Err(format!("no variable {name}"))
    }
}

fn eval(text: &str) -> Res<Value> {
    arm_expr::string(text, &Scope)
}

#[test]
fn literals_and_expressions() {
    let cases = [
        ("", ""),
        ("[", "["),
        ("[a] b", "[a] b"),
        ("[[a]", "[a]"),
        ("[[[a]]", "[[a]]"),
        ("[[a", "[[a"),
        ("a]", "a]"),
        ("['it''s']", "it's"),
        ("['']", ""),
        ("['''']", "'"),
        ("[concat('a', string(1), 'b')]", "a1b"),
        ("[format('{0}/{{{1}}}', 'a', 'b')]", "a/{b}"),
        ("[ parameters( 'secret' ) ]", "param:secret"),
        (
            "[string(json('{\"a\":[1,true,null]}'))]",
            "{\"a\":[1,true,null]}",
        ),
        (
            "[resourceId('Microsoft.ApiManagement/service/apis/operations', parameters('apimServiceName'), 'a', 'b')]",
            "ref:Microsoft.ApiManagement/service/apis/operations|a/b",
        ),
        (
            "[concat(resourceId('Microsoft.ApiManagement/service', parameters('apimServiceName')), '/products/p')]",
            "ref:Microsoft.ApiManagement/service/products|p",
        ),
        (
            "[format('{0}/operations/{1}', resourceId('Microsoft.ApiManagement/service/apis', parameters('apimServiceName'), 'a'), 'b')]",
            "ref:Microsoft.ApiManagement/service/apis/operations|a/b",
        ),
        (
            "[resourceId('g', 'Microsoft.Insights/components', 'c')]",
            "ref:Microsoft.Insights/components|c",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(eval(source), Ok(expected.into()), "{source}");
    }
    assert_eq!(eval("[-5]"), Ok((-5).into()));
}

#[test]
fn broken_expressions() {
    let cases = [
        ("[]", "expected a value"),
        ("[x]", "without ("),
        ("['a]", "closing quote"),
        ("['a''']b']", "unexpected"),
        ("['it's']", "closing quote"),
        ("[concat('a' 'b')]", "expected ,"),
        ("[concat('a',)]", "expected a value"),
        ("[concat('a'), 'b']", "after the expression"),
        ("[parameters('missing')]", "no parameter"),
        ("[reference('a')]", "not known"),
        (
            "[resourceId('Microsoft.ApiManagement/service/apis', parameters('apimServiceName'))]",
            "segments",
        ),
        (
            "[resourceId('Microsoft.ApiManagement/service/apis', 'other', 'a')]",
            "does not begin with the service",
        ),
        ("[format('{1}', 'a')]", "no argument"),
        ("[format('{', 'a')]", "plain {n}"),
        ("[concat(json('[]'), 'a')]", "concat"),
        ("[json('{')]", "json()"),
    ];
    for (source, why) in cases {
        refused(eval(source), why);
    }
    refused(eval(&format!("['{}']", "x".repeat(25_000))), "characters");
}

const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

fn template(parameters: &Value, resources: &Value) -> String {
    json!({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": parameters, "resources": resources}).to_string()
}

fn parameters(values: &Value) -> String {
    let schema =
        "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#";
    json!({"$schema": schema, "contentVersion": "1.0.0.0", "parameters": values}).to_string()
}

fn resource(type_: &str, name: &str, properties: &Value, depends_on: &[&str]) -> Value {
    json!({
        "type": format!("Microsoft.ApiManagement/service/{type_}"),
        "apiVersion": "2024-05-01",
        "name": format!("[format('{{0}}/{name}', parameters('apimServiceName'))]"),
        "properties": properties,
        "dependsOn": depends_on,
    })
}

const API_ID: &str =
    "[resourceId('Microsoft.ApiManagement/service/apis', parameters('apimServiceName'), 'a')]";

fn read(resources: &Value) -> Res<ReadBundle> {
    let declared = json!({"apimServiceName": {"type": "string"}, "s": {"type": "secureString"}, "region": {"type": "string"}});
    let values = json!({"apimServiceName": {"value": "contoso"}, "region": {"value": "we"}});
    arm::read(&files(&[
        ("arm/main.json", &template(&declared, resources)),
        ("arm/parameters.json", &parameters(&values)),
    ]))
}

#[test]
fn a_template() {
    let bundle = read(&json!([
        resource(
            "apis/operations",
            "a/get",
            &json!({"x": "[parameters('s')]", "[[k]": "[parameters('region')]"}),
            &[API_ID]
        ),
        resource(
            "apis",
            "a",
            &json!({"id": API_ID, "n": [1, null, "[[x]"]}),
            &[]
        ),
    ]))
    .unwrap();
    let get = &bundle.resources[&(
        "Microsoft.ApiManagement/service/apis/operations".into(),
        "a/get".into(),
    )];
    assert_eq!(get.properties, json!({"x": "param:s", "[k]": "we"}));
    assert_eq!(
        get.depends_on,
        ["Microsoft.ApiManagement/service/apis|a".to_owned()].into()
    );
    let api = &bundle.resources[&("Microsoft.ApiManagement/service/apis".into(), "a".into())];
    assert_eq!(
        api.properties,
        json!({"id": "ref:Microsoft.ApiManagement/service/apis|a", "n": [1, null, "[x]"]})
    );
    assert_eq!(
        bundle.parameters["s"],
        ParamInfo {
            secure: true,
            value: None
        }
    );
    assert_eq!(
        bundle.parameters["region"],
        ParamInfo {
            secure: false,
            value: Some("we".into())
        }
    );
}

#[test]
fn nasty_text_survives_the_documented_escape() {
    for text in NASTY {
        let escaped = if text.starts_with('[') && text.ends_with(']') {
            format!("[{text}")
        } else {
            (*text).to_owned()
        };
        assert_eq!(eval(&escaped), Ok((*text).into()));
        assert_eq!(
            eval(&format!("['{}']", text.replace('\'', "''"))),
            Ok((*text).into())
        );
    }
}

#[test]
fn broken_templates() {
    let api = || resource("apis", "a", &json!({}), &[]);
    refused(read(&json!([api(), api()])), "declared twice");
    refused(
        read(&json!([resource(
            "apis/operations",
            "a/get",
            &json!({}),
            &[API_ID]
        )])),
        "not in the template",
    );
    refused(
        read(&json!([resource("apis", "a", &json!({}), &[API_ID])])),
        "cycle",
    );
    refused(
        read(&json!([
            api(),
            resource("apis/operations", "a/get", &json!({}), &[API_ID, API_ID])
        ])),
        "twice",
    );
    refused(
        read(&json!([resource("apis", "a/b", &json!({}), &[])])),
        "segments",
    );
    refused(
        read(&json!([resource(
            "apis",
            "a",
            &json!({"x": "[oops]"}),
            &[]
        )])),
        "without (",
    );
    let mut named = api();
    named["name"] = "contoso/a".into();
    refused(read(&json!([named])), "does not begin with the service");
    let mut copied = api();
    copied["copy"] = json!({});
    refused(read(&json!([copied])), "unknown resource element");
    let mut large = api();
    large["properties"]["value"] = "x".repeat(1_100_000).into();
    refused(read(&json!([large])), "1 MB");
    let many: Vec<Value> = (0..801)
        .map(|i| resource("apis", &format!("a{i}"), &json!({}), &[]))
        .collect();
    refused(read(&many.into()), "more than 800");
}

#[test]
fn broken_parameters() {
    let run = |declared: Value, values: Value| {
        arm::read(&files(&[
            ("arm/main.json", &template(&declared, &json!([]))),
            ("arm/parameters.json", &parameters(&values)),
        ]))
    };
    assert!(
        run(
            json!({"a": {"type": "string"}}),
            json!({"a": {"value": "x"}})
        )
        .is_ok()
    );
    refused(
        run(
            json!({"a": {"type": "secureString"}}),
            json!({"a": {"value": "x"}}),
        ),
        "in clear",
    );
    refused(
        run(
            json!({"a": {"type": "secureString", "defaultValue": "x"}}),
            json!({}),
        ),
        "in clear",
    );
    refused(
        run(json!({}), json!({"a": {"value": "x"}})),
        "not a parameter",
    );
    refused(
        run(json!({"a": {"type": "text"}}), json!({})),
        "no known type",
    );
    refused(
        run(json!({"a": {"type": "string"}}), json!({"a": "x"})),
        "neither value",
    );
    refused(
        arm::read(&files(&[("arm/main.json", "{}")])),
        "parameters.json is missing",
    );
    refused(
        arm::read(&files(&[
            ("arm/main.json", "{"),
            ("arm/parameters.json", &parameters(&json!({}))),
        ])),
        "main.json",
    );
}

fn deployment(name: &str, depends_on: &[&str]) -> Value {
    json!({
        "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": name, "dependsOn": depends_on,
        "properties": {
            "mode": "Incremental",
            "templateLink": {"relativePath": format!("parts/{name}.json")},
            "parameters": {"apimServiceName": {"value": "[parameters('apimServiceName')]"}, "s": {"value": "[parameters('s')]"}},
        },
    })
}

fn split(second: &str, s_type: &str) -> Res<ReadBundle> {
    let declared = |t: &str| json!({"apimServiceName": {"type": "string"}, "s": {"type": t}});
    let main = json!([
        deployment(
            "002-b",
            &["[resourceId('Microsoft.Resources/deployments', '001-a')]"]
        ),
        deployment("001-a", &[]),
    ]);
    let first = json!([resource(
        "apis",
        "a",
        &json!({"x": "[parameters('s')]"}),
        &[]
    )]);
    let rest = json!([resource("apis/operations", "a/get", &json!({}), &[])]);
    arm::read(&files(&[
        ("arm/main.json", &template(&declared("secureString"), &main)),
        ("arm/parameters.json", &parameters(&json!({}))),
        ("arm/parts/001-a.json", &template(&declared(s_type), &first)),
        (second, &template(&declared("secureString"), &rest)),
    ]))
}

#[test]
fn linked_parts() {
    let bundle = split("arm/parts/002-b.json", "secureString").unwrap();
    let get = &bundle.resources[&(
        "Microsoft.ApiManagement/service/apis/operations".into(),
        "a/get".into(),
    )];
    assert_eq!(
        get.depends_on,
        ["Microsoft.ApiManagement/service/apis|a".to_owned()].into()
    );
    let api = &bundle.resources[&("Microsoft.ApiManagement/service/apis".into(), "a".into())];
    assert_eq!(api.properties, json!({"x": "param:s"}));
    refused(
        split("arm/parts/003-b.json", "secureString"),
        "002-b.json is missing",
    );
    refused(split("arm/parts/002-b.json", "string"), "not secure");
}
