//! Whatever a template has: an answer, in work that grows with its size.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::semicolon_if_nothing_returned,
    clippy::type_complexity,
    clippy::needless_pass_by_value,
    reason = "test code: literals are handed over"
)]

mod support;

use arm_template::{Context, Limits, Nothing, expand};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use support::{context, expanded, template};

/// Text that is made of what expressions are made of.
fn expressions() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "concat",
        "parameters",
        "variables",
        "reference",
        "resourceId",
        "if",
        "map",
        "lambda",
        "lambdaVariables",
        "copyIndex",
        "json",
        "format",
        "range",
        "substring",
        "split",
        "union",
        "createArray",
        "createObject",
        "items",
        "reduce",
        "sort",
        "toObject",
        "listKeys",
        "x",
        "padLeft",
        "dateTimeAdd",
        "parseCidr",
        "cidrSubnet",
        "uri",
        "int",
        "string",
        "tryGet",
        "(",
        ")",
        "(",
        ")",
        "[",
        "]",
        ",",
        ",",
        ".",
        "'a'",
        "'{0}'",
        "'b, c'",
        "''",
        "1",
        "-1",
        "9223372036854775807",
        "0",
        " ",
        "'",
        "null()",
        "true()",
        "é",
        "😀",
        "{",
        "1.5",
        "deployment()",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

/// Calls that parse: any function with any arguments.
fn calls() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "'text'",
        "''",
        "'10.0.0.0/8'",
        "'2020-01-01T00:00:00Z'",
        "'P1Y'",
        "'https://h.example/a'",
        "'{\"a\":[1]}'",
        "'{0:N2}'",
        "1",
        "-1",
        "0",
        "9223372036854775807",
        "-9223372036854775808",
        "null()",
        "true()",
        "createArray(1, 'a', null())",
        "createObject('a', 1)",
        "variables('deep')",
        "parameters('p')",
        "lambda('x', lambdaVariables('x'))",
        "lambda('x', 'y', 1)",
        "copyIndex()",
        "reference('here')",
        "resourceGroup()",
        "'\u{1F600}'",
    ])
    .prop_map(str::to_owned);
    let names: Vec<&'static str> = arm_template::function_names().collect();
    leaf.prop_recursive(4, 24, 4, move |inner| {
        (
            prop::sample::select(names.clone()),
            prop::collection::vec(inner, 0..4),
            prop::sample::select(vec!["", ".a", "[0]", "['a']"]),
        )
            .prop_map(|(name, arguments, access)| {
                format!("{name}({}){access}", arguments.join(", "))
            })
    })
}

fn json_values() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "$schema",
            "contentVersion",
            "resources",
            "parameters",
            "variables",
            "outputs",
            "copy",
            "name",
            "type",
            "apiVersion",
            "count",
            "input",
            "properties",
            "template",
            "dependsOn",
            "condition",
            "functions",
            "definitions",
            "languageVersion",
            "value",
            "defaultValue",
            "$ref",
            "scope",
            "mode",
            "existing",
            "items",
            "nullable",
        ])
        .prop_map(str::to_owned),
        expressions().prop_map(|text| format!("[{text}]")),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        expressions().prop_map(|text| json!(format!("[{text}]"))),
        prop::sample::select(vec![
            "Microsoft.Resources/deployments",
            "A.B/c",
            "x",
            "2.0",
            "1",
            "string",
            "#/definitions/a",
            "/"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|all| Value::Object(all.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Deploys to the end, with nothing there.
fn run(template: &Value) {
    if let Ok(expanded) = expand(template, &json!({}), &context()) {
        for resource in &expanded.resources {
            let _ = resource.resolve(&Nothing);
            if let Some(nested) = &resource.nested {
                let _ = nested.expand(&context(), &Nothing);
            }
        }
        let _ = expanded.outputs.resolve(&Nothing);
    }
}

fn around(expression: &str) -> Value {
    let text = format!("[{expression}]");
    template(json!({
        "parameters": { "p": { "type": "string", "defaultValue": "p" } },
        "variables": { "deep": { "a": [{ "a": 1 }] } },
        "resources": [{
            "type": "A.B/c", "apiVersion": "1", "name": "here",
            "properties": { "x": text },
        }],
        "outputs": { "o": { "type": "string", "value": text } },
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text_between_brackets_has_an_answer(text in expressions()) {
        run(&around(&text));
    }

    #[test]
    fn any_call_has_an_answer(text in calls()) {
        run(&around(&text));
        run(&template(json!({ "variables": { "deep": { "a": 1 }, "v": format!("[{text}]") } })));
    }

    #[test]
    fn any_json_has_an_answer(value in json_values()) {
        run(&value);
        run(&template(json!({ "variables": value })));
        run(&template(json!({ "resources": [value] })));
        run(&template(json!({ "languageVersion": "2.0", "resources": { "a": value } })));
        let _ = expand(&around("'x'"), &value, &context());
    }

    #[test]
    fn the_same_template_gives_the_same_resources(text in calls()) {
        let template = around(&text);
        let once = || expand(&template, &json!({}), &context())
            .map(|expanded| format!("{:?}", expanded.resources.iter().map(|r| (&r.id, &r.body)).collect::<Vec<_>>()));
        prop_assert_eq!(once(), once());
    }
}

/// What it costs, as the smallest budget with which a template is taken; within a percent.
fn cost(template: &Value) -> u64 {
    let fits = |work: u64| {
        let context = Context {
            limits: Limits {
                work,
                resources: usize::MAX,
                copies: usize::MAX,
                variables: usize::MAX,
                template: usize::MAX,
                ..Limits::default()
            },
            ..context()
        };
        expand(template, &json!({}), &context).is_ok()
    };
    let (mut low, mut high) = (0u64, 1u64 << 34);
    assert!(fits(high), "not taken at all");
    while high - low > high / 100 {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[test]
fn twice_the_template_is_twice_the_work() {
    let resource = |n: usize, more: Value| {
        let mut resource =
            json!({ "type": "A.B/c", "apiVersion": "1", "name": format!("[concat('n', '{n}')]") });
        for (key, value) in more.as_object().unwrap() {
            resource[key] = value.clone();
        }
        resource
    };
    let shapes: [(&str, fn(usize, &dyn Fn(usize, Value) -> Value) -> Value); 6] = [
        ("resources in a chain", |n, resource| {
            json!({ "resources": (0..n).map(|at| resource(at, match at {
            0 => json!({}),
            at => json!({ "dependsOn": [format!("[resourceId('A.B/c', 'n{}')]", at - 1)] }),
        })).collect::<Vec<_>>() })
        }),
        (
            "a loop",
            |n, resource| json!({ "resources": [resource(0, json!({ "name": "[concat('n', copyIndex())]", "copy": { "name": "l", "count": n } }))] }),
        ),
        ("variables in a chain", |n, _| {
            json!({ "variables": (0..n).rev().map(|at| (format!("v{at}"), match at {
            0 => json!("x"),
            at => json!(format!("[toLower(variables('v{}'))]", at - 1)),
        })).collect::<Map<_, _>>() })
        }),
        ("elements of one variable", |n, resource| {
            json!({
                "variables": { "all": vec!["x"; n] },
                "resources": (0..n).map(|at| resource(at, json!({ "properties": { "x": format!("[variables('all')[{at}]]") } }))).collect::<Vec<_>>(),
            })
        }),
        ("the deployment's own template", |n, resource| {
            json!({
                "resources": (0..n).map(|at| resource(at, json!({ "properties": { "x": "[deployment().name]" } }))).collect::<Vec<_>>(),
            })
        }),
        (
            "one text",
            |n, _| json!({ "variables": { "t": format!("[replace('{}', 'a', 'b')]", "a".repeat(n)) } }),
        ),
    ];
    for (name, shape) in shapes {
        let of = |n: usize| cost(&template(shape(n, &resource)));
        let (small, large) = (of(300), of(600));
        assert!(large <= small * 21 / 10, "{name}: {small}, then {large}");
    }
}

#[test]
fn what_would_grow_without_end_is_refused() {
    let small = Context {
        limits: Limits {
            work: 4_000_000,
            ..Limits::default()
        },
        ..context()
    };
    // 800 times 800 times 800 values.
    let cube = "[map(range(0, 800), lambda('a', map(range(0, 800), lambda('b', range(0, 800)))))]";
    let cube = template(json!({ "variables": { "x": cube } }));
    let error = expand(&cube, &json!({}), &small).unwrap_err();
    assert!(error.message.contains("more work than"), "{error}");
    // Nested deployments that are copied at each level.
    let mut inner = template(json!({}));
    for _ in 0..6 {
        inner = template(json!({ "resources": [{
            "type": "Microsoft.Resources/deployments", "apiVersion": "1",
            "name": "[concat('d', copyIndex())]",
            "copy": { "name": "many", "count": 100 },
            "properties": {
                "mode": "Incremental",
                "expressionEvaluationOptions": { "scope": "inner" },
                "template": inner,
            },
        }] }));
    }
    let error = expand(&inner, &json!({}), &small).unwrap_err();
    assert!(error.message.contains("more work than"), "{error}");
}

#[test]
fn long_keys_are_not_copied_for_all_that_is_below_them() {
    let long = "k".repeat(1_000_000);
    let below: Map<String, Value> = (0..20_000).map(|n| (n.to_string(), json!(1))).collect();
    expanded(json!({ "variables": { "x": { long.as_str(): below } } })).unwrap();
    let mut resources = Map::new();
    resources.insert(
        long.clone(),
        json!({
            "type": "A.B/c", "apiVersion": "1", "name": "[concat('n', copyIndex())]",
            "copy": { "name": "x", "count": 800 },
        }),
    );
    let error = expand(
        &template(json!({ "languageVersion": "2.0", "resources": resources })),
        &json!({}),
        &context(),
    )
    .unwrap_err();
    assert!(error.message.contains("more work than"), "{error}");
}

#[test]
fn dependencies_are_counted_too() {
    // Each of 10,000 entries names a loop of 700.
    let whole = template(json!({ "resources": [
        { "type": "A.B/c", "apiVersion": "1", "name": "[concat('n', copyIndex())]", "copy": { "name": "all", "count": 700 } },
        { "type": "A.B/c", "apiVersion": "1", "name": "last", "dependsOn": vec!["all"; 10_000] },
    ] }));
    let error = expand(&whole, &json!({}), &context()).unwrap_err();
    assert!(error.message.contains("more work than"), "{error}");
    // 2,000 resources that exist in a chain, and 400 that wait for its end.
    let mut resources = Map::new();
    for n in 0..2000 {
        let before = if n == 0 {
            json!([])
        } else {
            json!([format!("e{}", n - 1)])
        };
        resources.insert(format!("e{n}"), json!({
            "existing": true, "type": "A.B/e", "apiVersion": "1", "name": format!("e{n}"), "dependsOn": before,
        }));
    }
    for n in 0..400 {
        resources.insert(
            format!("n{n}"),
            json!({
                "type": "A.B/c", "apiVersion": "1", "name": format!("n{n}"), "dependsOn": ["e1999"],
            }),
        );
    }
    let small = Context {
        limits: Limits {
            work: 20_000_000,
            ..Limits::default()
        },
        ..context()
    };
    let whole = template(json!({ "languageVersion": "2.0", "resources": resources }));
    let error = expand(&whole, &json!({}), &small).unwrap_err();
    assert!(error.message.contains("more work than"), "{error}");
}

#[test]
fn depth_is_bounded() {
    let mut deep = json!(1);
    for _ in 0..250 {
        deep = json!([deep]);
    }
    expanded(json!({ "variables": { "x": deep } })).unwrap();
    let mut deeper = deep;
    for _ in 0..100 {
        deeper = json!([deeper]);
    }
    let error = expanded(json!({ "variables": { "x": deeper } })).unwrap_err();
    assert_eq!(error.code, "InvalidRequestContent");
    let tower = "[reduce(range(0, 10000), 1, lambda('a', 'b', createArray(lambdaVariables('a'))))]";
    let error = expanded(json!({ "variables": { "x": tower } })).unwrap_err();
    assert!(
        error.message.contains("nests deeper than '256' levels"),
        "{error}"
    );
    let recursive = json!([{ "namespace": "f", "members": { "g": {
        "parameters": [], "output": { "type": "string", "value": "[f.g()]" },
    } } }]);
    let error = expanded(json!({ "languageVersion": "2.0", "resources": {}, "functions": recursive, "variables": { "x": "[f.g()]" } })).unwrap_err();
    assert!(error.message.contains("nest deeper"), "{error}");
    // As deep in JSON and in calls as a function may be, and then another function.
    let mut value = json!(format!(
        "[{}f.g(){}]",
        "createArray(".repeat(90),
        ")".repeat(90)
    ));
    for _ in 0..230 {
        value = json!([value]);
    }
    let recursive = json!([{ "namespace": "f", "members": { "g": {
        "parameters": [], "output": { "type": "array", "value": value },
    } } }]);
    let error = expanded(json!({ "languageVersion": "2.0", "resources": {}, "functions": recursive, "variables": { "x": "[f.g()]" } })).unwrap_err();
    assert!(error.message.contains("nests deeper than '400'"), "{error}");
    // Deployments in deployments.
    let mut inner = template(json!({}));
    for _ in 0..60 {
        inner = template(json!({ "resources": [{
            "type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "d",
            "properties": {
                "mode": "Incremental",
                "expressionEvaluationOptions": { "scope": "inner" },
                "template": inner,
            },
        }] }));
    }
    expand(&inner, &json!({}), &context()).unwrap();
    // Loops in loops.
    let mut looped = json!("[copyIndex('x')]");
    for _ in 0..80 {
        looped = json!({ "copy": [{ "name": "x", "count": 1, "input": looped }] });
    }
    expanded(json!({ "variables": { "x": looped } })).unwrap();
    let types = json!({ "a": { "$ref": "#/definitions/a" } });
    let error = expanded(json!({ "languageVersion": "2.0", "resources": {}, "definitions": types, "parameters": { "p": { "$ref": "#/definitions/a", "defaultValue": 1 } } })).unwrap_err();
    assert!(error.message.contains("do not end"), "{error}");
}
