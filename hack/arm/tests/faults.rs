//! A template that is right, with one fault at a time: each is refused, in Azure's words.
//!
//! The faults are those that Microsoft's engine and the documentation name for templates;
//! what only the service itself could refuse (an operation that an API does not have, two
//! writers at once) is not for an expansion to find.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::semicolon_if_nothing_returned,
    clippy::type_complexity,
    clippy::needless_pass_by_value,
    reason = "test code: literals are handed over"
)]

mod support;

use arm_template::{ArmError, Context, Limits, expand};
use serde_json::{Map, Value, json};
use support::{context, template};

/// An API with a policy and a product, as a publisher would write it.
fn base() -> Value {
    template(json!({
        "parameters": {
            "service": { "type": "string", "minLength": 1, "maxLength": 50 },
            "verbosity": { "type": "string", "defaultValue": "error", "allowedValues": ["error", "information"] },
            "count": { "type": "int", "defaultValue": 2, "minValue": 1, "maxValue": 10 },
            "secret": { "type": "securestring", "defaultValue": "" },
            "list": { "type": "array", "defaultValue": ["a"], "maxLength": 3 },
        },
        "variables": { "api": "[format('{0}/orders', parameters('service'))]" },
        "resources": [
            {
                "type": "Microsoft.ApiManagement/service/apis",
                "apiVersion": "2024-05-01",
                "name": "[variables('api')]",
                "properties": { "displayName": "Orders", "path": "orders", "protocols": ["https"] },
            },
            {
                "type": "Microsoft.ApiManagement/service/apis/policies",
                "apiVersion": "2024-05-01",
                "name": "[concat(variables('api'), '/policy')]",
                "dependsOn": ["[resourceId('Microsoft.ApiManagement/service/apis', parameters('service'), 'orders')]"],
                "properties": { "format": "rawxml", "value": "<policies />" },
            },
            {
                "type": "Microsoft.ApiManagement/service/products",
                "apiVersion": "2024-05-01",
                "name": "[format('{0}/p{1}', parameters('service'), copyIndex())]",
                "copy": { "name": "products", "count": "[parameters('count')]" },
                "properties": { "displayName": "P" },
            },
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "inside",
                "properties": {
                    "mode": "Incremental",
                    "expressionEvaluationOptions": { "scope": "inner" },
                    "template": template(json!({})),
                },
            },
        ],
        "outputs": { "id": { "type": "string", "value": "[resourceId('Microsoft.ApiManagement/service', parameters('service'))]" } },
    }))
}

fn given() -> Value {
    json!({ "service": { "value": "contoso" } })
}

fn deploy(template: &Value, parameters: &Value) -> Result<usize, ArmError> {
    expand(template, parameters, &context()).map(|expanded| expanded.resources.len())
}

type Plant = fn(&mut Value, &mut Value);

/// `InvalidTemplate`, unless another code is named.
const FAULTS: &[(&str, Plant, &str, &str)] = &[
    (
        "257th parameter",
        |t, _| {
            many(
                t,
                "parameters",
                257,
                &json!({ "type": "string", "defaultValue": "" }),
            )
        },
        "",
        "The number of template input parameters limit exceeded. Limit: '256' and actual: '257'.",
    ),
    (
        "257th variable",
        |t, _| many(t, "variables", 257, &json!("x")),
        "",
        "The number of template variables limit exceeded. Limit: '256' and actual: '257'.",
    ),
    (
        "65th output",
        |t, _| many(t, "outputs", 65, &json!({ "type": "string", "value": "" })),
        "",
        "The number of template outputs limit exceeded. Limit: '64' and actual: '65'.",
    ),
    (
        "801st resource",
        |t, _| resources(t, 797),
        "",
        "The number of template resources limit exceeded. Limit: '800' and actual: '802'.",
    ),
    (
        "a copy of 801",
        |t, _| t["resources"][2]["copy"]["count"] = json!(801),
        "",
        "has an invalid copy count of: '801'. The copy count must be a non-negative integer value and cannot exceed '800'.",
    ),
    (
        "a copy of -1",
        |t, _| t["resources"][2]["copy"]["count"] = json!("[sub(0, 1)]"),
        "",
        "has an invalid copy count of: '-1'.",
    ),
    (
        "a copy of a text",
        |t, _| t["resources"][2]["copy"]["count"] = json!("two"),
        "",
        "has an invalid copy count of: 'two'.",
    ),
    (
        "a copy that waits for a resource",
        |t, _| t["resources"][2]["copy"]["count"] = json!("[reference('inside').n]"),
        "",
        "The template function 'reference' is not expected at this location.",
    ),
    (
        "an expression too long",
        |t, _| t["variables"]["long"] = json!(format!("[toLower('{}')]", "a".repeat(24_564))),
        "",
        "The language expression length limit exceeded. Limit: '24576' and actual: '24577'.",
    ),
    (
        "a result too long",
        |t, _| t["variables"] = growing(&t["variables"]),
        "",
        "The result of the template language expression exceeds the maximum length limit of 131072 characters.",
    ),
    (
        "more than 4 MB",
        |t, _| t["resources"][0]["properties"]["description"] = json!("a".repeat(4 * 1024 * 1024)),
        "RequestContentTooLarge",
        "The request content size exceeds the maximum size of 4 MB.",
    ),
    (
        "a resource of more than 1 MB",
        |t, _| t["resources"][0]["properties"]["description"] = json!("a".repeat(1024 * 1024)),
        "JobSizeExceeded",
        "exceeds the limit of '1048576' bytes",
    ),
    (
        "copies of more than 4 MB together",
        |t, p| {
            t["resources"][2]["properties"]["description"] = json!("a".repeat(600_000));
            p["count"] = json!({ "value": 8 });
        },
        "JobSizeExceeded",
        "exceeds the limit of '4194304' bytes",
    ),
    (
        "a name too long",
        |t, _| t["resources"][0]["name"] = json!(format!("contoso/{}", "a".repeat(300))),
        "",
        "has more than '260' characters",
    ),
    (
        "dependsOn an id that is not there",
        |t, _| {
            t["resources"][1]["dependsOn"] = json!([
                "[resourceId('Microsoft.ApiManagement/service/apis', parameters('service'), 'other')]"
            ])
        },
        "",
        "The resource 'Microsoft.ApiManagement/service/contoso/apis/other' is not defined in the template.",
    ),
    (
        "dependsOn the service, which is not in the template",
        |t, _| {
            t["resources"][1]["dependsOn"] =
                json!(["[resourceId('Microsoft.ApiManagement/service', parameters('service'))]"])
        },
        "",
        "The resource 'Microsoft.ApiManagement/service/contoso' is not defined in the template.",
    ),
    (
        "dependsOn another group",
        |t, _| {
            t["resources"][1]["dependsOn"] = json!([
                "[resourceId('other', 'Microsoft.ApiManagement/service/apis', parameters('service'), 'orders')]"
            ])
        },
        "",
        "is not defined in the template.",
    ),
    (
        "dependsOn a name that is not there",
        |t, _| t["resources"][1]["dependsOn"] = json!(["appServicePlan"]),
        "",
        "The template reference 'appServicePlan' is not valid: could not find template resource or resource copy with this name. Please see https://aka.ms/arm-function-reference for usage details.",
    ),
    (
        "dependsOn a number",
        |t, _| t["resources"][1]["dependsOn"] = json!([1]),
        "InvalidRequestContent",
        "Error converting value 1 to type 'System.String'.",
    ),
    (
        "a circle",
        |t, _| {
            t["resources"][0]["dependsOn"] = json!([
                "[resourceId('Microsoft.ApiManagement/service/apis/policies', parameters('service'), 'orders', 'policy')]"
            ])
        },
        "",
        "Circular dependency detected on resource: '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/group/providers/Microsoft.ApiManagement/service/contoso/apis/orders",
    ),
    (
        "a resource that waits for itself",
        |t, _| t["resources"][1]["dependsOn"] = json!(["[concat(variables('api'), '/policy')]"]),
        "",
        "Circular dependency detected on resource: '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/group/providers/Microsoft.ApiManagement/service/contoso/apis/orders/policies/policy'. Please see https://aka.ms/arm-syntax-resources for usage details.",
    ),
    (
        "a resource twice",
        |t, _| t["resources"][1] = t["resources"][0].clone(),
        "",
        "The resource 'Microsoft.ApiManagement/service/contoso/apis/orders' at line '0' and column '0' is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.",
    ),
    (
        "a resource twice, in another case",
        |t, _| {
            t["resources"][1] = t["resources"][0].clone();
            t["resources"][1]["name"] = json!("CONTOSO/Orders");
            t["resources"][1]["type"] = json!("Microsoft.APIManagement/service/apis");
        },
        "",
        "is defined multiple times in a template.",
    ),
    (
        "copies with one name",
        |t, _| t["resources"][2]["name"] = json!("contoso/p"),
        "",
        "is defined multiple times in a template.",
    ),
    (
        "a name with a segment too few",
        |t, _| t["resources"][0]["name"] = json!("orders"),
        "",
        "The template resource 'orders' for type 'Microsoft.ApiManagement/service/apis' at line '0' and column '0' has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name.",
    ),
    (
        "a name with a segment too many",
        |t, _| t["resources"][0]["name"] = json!("contoso/orders/x"),
        "",
        "has incorrect segment lengths.",
    ),
    (
        "a name with an empty segment",
        |t, _| t["resources"][0]["name"] = json!("contoso/"),
        "",
        "has incorrect segment lengths.",
    ),
    (
        "an empty name",
        |t, _| t["resources"][0]["name"] = json!(""),
        "",
        "The template resource '' at line '0' and column '0' is not valid. The name property cannot be null or empty.",
    ),
    (
        "a name that is an object",
        |t, _| t["resources"][0]["name"] = json!("[resourceGroup()]"),
        "",
        "Evaluation result of language expression '[resourceGroup()]' is type 'Object', expected type is 'String'.",
    ),
    (
        "a condition that is a text",
        |t, _| t["resources"][0]["condition"] = json!("[concat('a', 'b')]"),
        "",
        "expected type is 'Boolean'.",
    ),
    (
        "resourceId with a name too few",
        |t, _| {
            t["resources"][1]["dependsOn"] =
                json!(["[resourceId('Microsoft.ApiManagement/service/apis', 'orders')]"])
        },
        "",
        "Unable to evaluate template language function 'resourceId': the type 'Microsoft.ApiManagement/service/apis' requires '2' resource name argument(s).",
    ),
    (
        "a missing parameter",
        |_, p| *p = json!({}),
        "",
        "The value for the template parameter 'service' at line '0' and column '0' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.",
    ),
    (
        "a parameter of null",
        |_, p| p["service"]["value"] = Value::Null,
        "",
        "The value for the template parameter 'service' at line '0' and column '0' is not provided.",
    ),
    (
        "a parameter that is not declared",
        |_, p| {
            p["other"] = json!({ "value": 1 });
            p["more"] = json!({ "value": 1 });
        },
        "",
        "The following parameters were supplied, but do not correspond to any parameters defined in the template: 'other, more'. The parameters defined in the template are: 'service, verbosity, count, secret, list'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
    ),
    (
        "a parameter of another type",
        |_, p| p["count"] = json!({ "value": "2" }),
        "",
        "The provided value for the template parameter 'count' is not valid. Expected a value of type 'Integer', but received a value of type 'String'.",
    ),
    (
        "an array for a string",
        |_, p| p["service"] = json!({ "value": [] }),
        "",
        "Expected a value of type 'String, Uri', but received a value of type 'Array'.",
    ),
    (
        "a parameter that is not allowed",
        |_, p| p["verbosity"] = json!({ "value": "loud" }),
        "",
        "The provided value 'loud' for the template parameter 'verbosity' at line '0' and column '0' is not valid. The parameter value is not part of the allowed value(s): 'error,information'.",
    ),
    (
        "a parameter too short",
        |_, p| p["service"]["value"] = json!(""),
        "",
        "The provided value for the template parameter 'service' at line '0' and column '0' is not valid. Length of the value should be greater than or equal to '1'.",
    ),
    (
        "a parameter too long",
        |_, p| p["service"]["value"] = json!("x".repeat(51)),
        "",
        "Length of the value should be less than or equal to '50'.",
    ),
    (
        "a list too long",
        |_, p| p["list"] = json!({ "value": [1, 2, 3, 4] }),
        "",
        "Length of the value should be less than or equal to '3'.",
    ),
    (
        "a parameter too large",
        |_, p| p["count"] = json!({ "value": 11 }),
        "",
        "The provided value for the template parameter 'count' at line '0' and column '0' is not valid.",
    ),
    (
        "a default that is not allowed",
        |t, _| t["parameters"]["verbosity"]["defaultValue"] = json!("x"),
        "",
        "The provided value 'x' for the template parameter 'verbosity'",
    ),
    (
        "a parameter that is a bare value",
        |_, p| p["service"] = json!("contoso"),
        "InvalidRequestContent",
        "Error converting value \"contoso\" to type 'DeploymentParameterDefinition'. Path 'properties.parameters.service'",
    ),
    (
        "a secret that no vault has",
        |_, p| {
            p["secret"] = json!({ "reference": { "keyVault": { "id": "/v" }, "secretName": "s" } })
        },
        "KeyVaultParameterReferenceNotFound",
        "The specified KeyVault '/v' could not be found.",
    ),
    (
        "a type that is none",
        |t, _| t["parameters"]["service"]["type"] = json!("text"),
        "",
        "The template parameter 'service' is not valid: 'text' is no type.",
    ),
    (
        "an unknown function in properties",
        |t, _| t["resources"][0]["properties"]["path"] = json!("[toKebab('x')]"),
        "",
        "The template resource 'contoso/orders' at line '0' and column '0' is not valid: The template function 'toKebab' is not valid. Please see https://aka.ms/arm-functions for usage details.. Please see https://aka.ms/arm-functions for usage details.",
    ),
    (
        "an unknown function in a name",
        |t, _| t["resources"][0]["name"] = json!("[toKebab('x')]"),
        "",
        "The template function 'toKebab' is not valid.",
    ),
    (
        "an unknown parameter",
        |t, _| t["resources"][0]["properties"]["path"] = json!("[parameters('path')]"),
        "",
        "The template parameter 'path' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details.",
    ),
    (
        "an unknown variable",
        |t, _| t["resources"][0]["properties"]["path"] = json!("[variables('path')]"),
        "",
        "The template variable 'path' is not found. Please see https://aka.ms/arm-syntax-variables for usage details.",
    ),
    (
        "an expression without its end",
        |t, _| t["resources"][0]["name"] = json!("[concat('a', 'b']"),
        "",
        "Deployment template language expression evaluation failed: 'Unable to parse language expression 'concat('a', 'b'': expected token 'RightParenthesis' and actual 'EndOfData'.'.",
    ),
    (
        "a text in brackets that is not escaped",
        |t, _| t["resources"][1]["properties"]["value"] = json!("[{\"a\": 1}]"),
        "",
        "The language expression '{\"a\": 1}' is not valid: the string character '{' at position '0' is not expected.",
    ),
    (
        "a key in brackets that is not escaped",
        |t, _| t["resources"][1]["properties"]["[x]"] = json!(1),
        "",
        "Unable to parse language expression 'x': expected token 'LeftParenthesis' and actual 'EndOfData'.",
    ),
    (
        "a key that evaluates to a number",
        |t, _| t["resources"][1]["properties"]["[add(1, 2)]"] = json!(1),
        "",
        "must evaluate to a string",
    ),
    (
        "no apiVersion",
        |t, _| without(&mut t["resources"][0], "apiVersion"),
        "InvalidRequestContent",
        "The request content was invalid and could not be deserialized: 'Required property 'apiVersion' not found in JSON. Path 'properties.template.resources[0]'",
    ),
    (
        "no type",
        |t, _| without(&mut t["resources"][0], "type"),
        "InvalidRequestContent",
        "Required property 'type' not found in JSON.",
    ),
    (
        "no name",
        |t, _| without(&mut t["resources"][0], "name"),
        "InvalidRequestContent",
        "Required property 'name' not found in JSON.",
    ),
    (
        "no contentVersion",
        |t, _| without(t, "contentVersion"),
        "InvalidRequestContent",
        "Required property 'contentVersion' not found in JSON. Path 'properties.template'",
    ),
    (
        "no resources",
        |t, _| without(t, "resources"),
        "InvalidRequestContent",
        "Required property 'resources' not found in JSON.",
    ),
    (
        "no schema",
        |t, _| without(t, "$schema"),
        "InvalidRequestContent",
        "Required property '$schema' not found in JSON.",
    ),
    (
        "an unknown member",
        |t, _| t["parameters2"] = json!({}),
        "InvalidRequestContent",
        "Could not find member 'parameters2' on object of type 'Template'. Path 'properties.template.parameters2'",
    ),
    (
        "an unknown member of a resource",
        |t, _| t["resources"][0]["propertys"] = json!({}),
        "InvalidRequestContent",
        "Could not find member 'propertys' on object of type 'TemplateResource'.",
    ),
    (
        "a foreign schema",
        |t, _| t["$schema"] = json!("https://json-schema.org/draft/2020-12/schema"),
        "",
        "Template schema 'https://json-schema.org/draft/2020-12/schema' is not supported. Supported versions are '2014-04-01-preview,2015-01-01,2018-05-01,2019-04-01,2019-08-01'.",
    ),
    (
        "a template that is a list",
        |t, _| *t = json!([]),
        "InvalidRequestContent",
        "to type 'Template'.",
    ),
    (
        "resources by name without a language version",
        |t, _| t["resources"] = json!({ "a": t["resources"][0] }),
        "InvalidRequestContent",
        "because the type requires a JSON array",
    ),
    (
        "reference in a name",
        |t, _| t["resources"][0]["name"] = json!("[reference('inside').name]"),
        "",
        "The template function 'reference' is not expected at this location.",
    ),
    (
        "reference in a variable",
        |t, _| t["variables"]["x"] = json!("[reference('inside').name]"),
        "",
        "The template variable 'x' is not valid: The template function 'reference' is not expected at this location.",
    ),
    (
        "reference in a location",
        |t, _| t["resources"][0]["location"] = json!("[reference('inside').location]"),
        "",
        "The template function 'reference' is not expected at this location.",
    ),
    (
        "reference in a condition",
        |t, _| t["resources"][0]["condition"] = json!("[reference('inside').on]"),
        "",
        "The template function 'reference' is not expected at this location.",
    ),
    (
        "reference in a tag",
        |t, _| t["resources"][0]["tags"] = json!({ "x": "[reference('inside').x]" }),
        "",
        "The template function 'reference' is not expected at this location.",
    ),
    (
        "reference to what is not there",
        |t, _| t["resources"][0]["properties"]["path"] = json!("[reference('nowhere').x]"),
        "",
        "The template reference 'nowhere' is not valid",
    ),
    (
        "a list function for what is not there",
        |t, _| t["resources"][0]["properties"]["path"] = json!("[listKeys('nowhere', '1').x]"),
        "",
        "The template reference 'nowhere' is not valid",
    ),
    (
        "a circle by reference",
        |t, _| {
            t["resources"][0]["properties"]["path"] =
                json!("[reference(concat(variables('api'), '/policy')).x]")
        },
        "",
        "Circular dependency detected on resource",
    ),
    (
        "a time outside of a default",
        |t, _| t["variables"]["x"] = json!("[utcNow()]"),
        "",
        "The template function 'utcNow' is not expected at this location.",
    ),
    (
        "a variable in a default",
        |t, _| t["parameters"]["verbosity"]["defaultValue"] = json!("[variables('api')]"),
        "",
        "The template function 'variables' is not expected at this location.",
    ),
    (
        "copyIndex without a loop",
        |t, _| t["resources"][0]["properties"]["path"] = json!("[copyIndex()]"),
        "",
        "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified.",
    ),
    (
        "copyIndex of another loop",
        |t, _| t["resources"][2]["properties"]["path"] = json!("[copyIndex('other')]"),
        "",
        "The provided copy name 'other' doesn't exist in the resource.",
    ),
    (
        "variables in a circle",
        |t, _| {
            t["variables"]["x"] = json!("[variables('y')]");
            t["variables"]["y"] = json!("[variables('x')]");
        },
        "",
        "The template variable 'y' is not valid: Circular dependency detected",
    ),
    (
        "defaults in a circle",
        |t, _| t["parameters"]["verbosity"]["defaultValue"] = json!("[parameters('verbosity')]"),
        "",
        "The template parameter 'verbosity' is not valid: Circular dependency detected",
    ),
    (
        "a function that asks for a resource",
        |t, _| t["functions"] = json!([{ "namespace": "udf", "members": { "storageUri": { "parameters": [], "output": { "type": "string", "value": "[reference('x').y]" } } } }]),
        "",
        "The template function 'storageUri' at line '0' and column '0' is not valid. These function calls are not supported in a function definition: 'reference'.",
    ),
    (
        "a deployment without properties",
        |t, _| without(&mut t["resources"][3], "properties"),
        "",
        "The deployment must have Properties property set. Please see https://aka.ms/arm-deploy for usage details.",
    ),
    (
        "a deployment by relative path",
        |t, _| {
            t["resources"][3]["properties"] =
                json!({ "mode": "Incremental", "templateLink": { "relativePath": "x.json" } })
        },
        "",
        "must specify either the TemplateLink Uri or TemplateLink Id.",
    ),
    (
        "a nested template that waits for a resource outside",
        |t, _| t["resources"][3]["properties"]["template"]["resources"] = json!([{ "type": "A.B/c", "apiVersion": "1", "name": "x", "dependsOn": ["[resourceId('Microsoft.ApiManagement/service/apis', 'contoso', 'orders')]"] }]),
        "",
        "The resource 'Microsoft.ApiManagement/service/contoso/apis/orders' is not defined in the template.",
    ),
    (
        "a nested template with a bad expression",
        |t, _| t["resources"][3]["properties"]["template"]["variables"] = json!({ "x": "[(]" }),
        "",
        "expected token 'Identifier' and actual 'LeftParenthesis'.",
    ),
    (
        "a nested deployment with a long name",
        |t, _| t["resources"][3]["name"] = json!("x".repeat(65)),
        "InvalidDeploymentName",
        "its length must not exceed '64'",
    ),
];

fn many(template: &mut Value, member: &str, total: usize, value: &Value) {
    let all = template[member].as_object_mut().unwrap();
    for n in 0.. {
        if all.len() >= total {
            return;
        }
        all.insert(format!("more{n}"), value.clone());
    }
}

fn resources(template: &mut Value, more: usize) {
    let all = template["resources"].as_array_mut().unwrap();
    for n in 0..more {
        all.push(json!({ "type": "A.B/c", "apiVersion": "1", "name": format!("n{n}") }));
    }
}

fn without(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member);
}

/// Each variable is twice the one before: 131,072 is 2 to the 17th, one more is too long.
fn growing(variables: &Value) -> Value {
    let mut out: Map<String, Value> = variables.as_object().unwrap().clone();
    out.insert("g0".to_owned(), json!("a"));
    for n in 0..18 {
        out.insert(
            format!("g{}", n + 1),
            json!(format!("[concat(variables('g{n}'), variables('g{n}'))]")),
        );
    }
    out.into()
}

#[test]
fn the_template_without_a_fault_is_taken() {
    assert_eq!(deploy(&base(), &given()).unwrap(), 5);
}

#[test]
fn each_fault_is_refused_in_azures_words() {
    let mut wrong = Vec::new();
    for (name, plant, code, words) in FAULTS {
        let (mut template, mut parameters) = (base(), given());
        plant(&mut template, &mut parameters);
        let code = if code.is_empty() {
            "InvalidTemplate"
        } else {
            code
        };
        match deploy(&template, &parameters) {
            Err(error) if error.code == code && error.message.contains(words) => {}
            Err(error) => wrong.push(format!(
                "{name}\n  want {code}: {words}\n  got  {}",
                error.to_string().chars().take(700).collect::<String>()
            )),
            Ok(_) => wrong.push(format!("{name}: taken")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} kinds of fault, each refused", FAULTS.len());
}

/// What stands at a limit is taken; one more is a fault above.
#[test]
fn what_stands_at_a_limit_is_taken() {
    let take = |name: &str, plant: Plant| {
        let (mut template, mut parameters) = (base(), given());
        plant(&mut template, &mut parameters);
        deploy(&template, &parameters).unwrap_or_else(|error| panic!("{name}: {error}"));
    };
    take("parameters", |t, _| {
        many(
            t,
            "parameters",
            256,
            &json!({ "type": "string", "defaultValue": "" }),
        )
    });
    take("variables", |t, _| many(t, "variables", 256, &json!("x")));
    take("outputs", |t, _| {
        many(t, "outputs", 64, &json!({ "type": "string", "value": "" }))
    });
    take("resources", |t, _| resources(t, 795));
    take("copies", |t, _| {
        t["resources"] = json!([t["resources"][2]]);
        t["resources"][0]["copy"]["count"] = json!(800);
    });
    take("an expression", |t, _| {
        t["variables"]["long"] = json!(format!("[toLower('{}')]", "a".repeat(24_563)))
    });
    take("a result", |t, _| {
        let mut grown = growing(&t["variables"]);
        without(&mut grown, "g18");
        t["variables"] = grown;
    });
    // A literal is no expression and has no limit but the resource's.
    take("a literal", |t, _| {
        t["resources"][0]["properties"]["description"] = json!("a".repeat(1_000_000))
    });
    take("a name", |t, _| {
        t["resources"][2]["name"] = json!(format!(
            "[concat('contoso/', copyIndex(), '{}')]",
            "a".repeat(251)
        ))
    });
    take("string() of what concat may not give", |t, _| {
        t["variables"] = json!({
            "api": t["variables"]["api"],
            "big": ["a".repeat(200_000)],
            "text": "[string(variables('big'))]",
        });
    });
    take("a nested template of more than 1 MB", |t, _| {
        t["resources"][3]["properties"]["template"]["resources"] = json!([1, 2].map(|n| json!({
            "type": "A.B/c", "apiVersion": "1", "name": n.to_string(),
            "properties": { "text": "a".repeat(800_000) },
        })));
    });
}

#[test]
fn limits_can_be_those_that_were_measured() {
    let mut template = base();
    many(&mut template, "variables", 512, &json!("x"));
    let measured = Context {
        limits: Limits::measured(),
        ..context()
    };
    expand(&template, &given(), &measured).unwrap();
    many(&mut template, "variables", 513, &json!("x"));
    let error = expand(&template, &given(), &measured).unwrap_err();
    assert!(
        error.message.contains("Limit: '512' and actual: '513'"),
        "{error}"
    );
}

#[test]
fn a_deployment_has_a_name_that_azure_takes() {
    for (name, taken) in [
        ("a".repeat(64), true),
        ("a".repeat(65), false),
        (String::new(), false),
        ("a b".to_owned(), false),
        ("a-b_(1).2".to_owned(), true),
    ] {
        let context = Context {
            deployment_name: name.clone(),
            ..context()
        };
        let result = expand(&base(), &given(), &context);
        assert_eq!(result.is_ok(), taken, "{name}");
    }
}

#[test]
fn the_place_of_a_bad_expression_is_said() {
    let mut template = base();
    template["resources"][1]["properties"]["list"] = json!(["good", { "x": "[(" , "y": "[(]" }]);
    let error = deploy(&template, &given()).unwrap_err();
    assert_eq!(
        error.path,
        "properties.template.resources[1].properties.list[1].y"
    );
}

#[test]
fn the_answer_is_resource_managers() {
    let error = deploy(&base(), &json!({})).unwrap_err();
    assert_eq!(
        error.body(),
        json!({ "error": {
            "code": "InvalidTemplate",
            "message": "Deployment template validation failed: 'The value for the template parameter 'service' at line '0' and column '0' is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details.'.",
            "additionalInfo": [{
                "type": "TemplateViolation",
                "info": { "lineNumber": 0, "linePosition": 0, "path": "properties.template.parameters.service" },
            }],
        } })
    );
}
