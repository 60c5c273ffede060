//! Each function with examples: those of the documentation, and of tests of Azure/bicep that
//! run Microsoft's engine (`FunctionResolverTests`, `EvaluationTests`).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test code: literals are handed over"
)]

mod support;

use std::collections::BTreeSet;

use arm_template::{Nothing, function_names};
use serde_json::{Value, json};
use support::{GROUP, Store, context, evaluated, expanded, template};

/// What the examples may name.
fn members() -> Value {
    json!({
        "parameters": {
            "text": { "type": "string", "defaultValue": "one two three" },
            "unique": { "type": "string", "defaultValue": "[newGuid()]" },
            "now": { "type": "string", "defaultValue": "[utcNow()]" },
            "day": { "type": "string", "defaultValue": "[utcNow('d')]" },
            "custom": { "type": "string", "defaultValue": "[utcNow('M d')]" },
        },
        "variables": {
            "object": { "one": "a", "two": "b", "three": "c1" },
            "deep": { "property": { "one": "a", "three": "c1" }, "nestedArray": [1, 2] },
            "dogs": [
                { "name": "Evie", "age": 5, "interests": ["Ball", "Frisbee"] },
                { "name": "Casper", "age": 3, "interests": ["Other dogs"] },
                { "name": "Indy", "age": 2, "interests": ["Butter"] },
                { "name": "Kira", "age": 8, "interests": ["Rubs"] },
            ],
            "bracket": "[[test value]",
        },
        "functions": [{
            "namespace": "contoso",
            "members": { "uniqueName": {
                "parameters": [{ "name": "namePrefix", "type": "string" }],
                "output": { "type": "string", "value": "[concat(toLower(parameters('namePrefix')), 'x')]" },
            } },
        }],
        "resources": [
            { "type": "A.B/c", "apiVersion": "1", "name": "here", "properties": { "x": 1 } },
        ],
    })
}

fn examples() -> Vec<(&'static str, Value)> {
    vec![
        ("add(5, 3)", json!(8)),
        ("add(-5, 3)", json!(-2)),
        ("and(bool('true'), bool('false'))", json!(false)),
        ("and(true(), true(), true())", json!(true)),
        // The second is not looked at.
        ("and(false(), equals(json('x'), 1))", json!(false)),
        ("array(1)", json!([1])),
        ("array('efgh')", json!(["efgh"])),
        ("array(createArray(1))", json!([1])),
        ("base64('one, two, three')", json!("b25lLCB0d28sIHRocmVl")),
        ("base64(' Fizz ')", json!("IEZpenog")),
        (
            "base64ToJson(base64('{''one'': ''a'', ''two'': ''b''}'))",
            json!({ "one": "a", "two": "b" }),
        ),
        (
            "base64ToString('b25lLCB0d28sIHRocmVl')",
            json!("one, two, three"),
        ),
        ("bool('true')", json!(true)),
        ("bool('False')", json!(false)),
        ("bool(1)", json!(true)),
        ("bool(0)", json!(false)),
        (
            "buildUri(createObject('scheme', 'https', 'host', 'h.example', 'path', 'a', 'query', 'b=1'))",
            json!("https://h.example/a?b=1"),
        ),
        ("cidrHost('10.144.3.0/24', 0)", json!("10.144.3.1")),
        ("cidrHost('10.144.3.0/24', 4)", json!("10.144.3.5")),
        (
            "cidrHost('fdad:3236:5555:3000::/52', 0)",
            json!("fdad:3236:5555:3000::1"),
        ),
        ("cidrSubnet('10.144.0.0/20', 24, 4)", json!("10.144.4.0/24")),
        (
            "cidrSubnet('fdad:3236:5555::/48', 52, 4)",
            json!("fdad:3236:5555:4000::/52"),
        ),
        ("coalesce(null(), null(), 'a')", json!("a")),
        ("coalesce(null(), null())", json!(null)),
        ("concat('prefix', '-', 1, true())", json!("prefix-1True")),
        (
            "concat(createArray('1-1'), createArray('2-1', '2-2'))",
            json!(["1-1", "2-1", "2-2"]),
        ),
        ("contains('OneTwoThree', 'e')", json!(true)),
        ("contains('FOOBAR', 'foo')", json!(false)),
        ("contains(variables('object'), 'ONE')", json!(true)),
        ("contains(createArray('FOO', 'BAR'), 'foo')", json!(false)),
        ("contains(createArray('FOO', 'BAR'), 'BAR')", json!(true)),
        ("contains(createArray(1, 2), 2)", json!(true)),
        ("createArray()", json!([])),
        ("createArray('a', 1, true())", json!(["a", 1, true])),
        ("createObject()", json!({})),
        (
            "createObject('intProp', 1, 'arrayProp', createArray('a'))",
            json!({ "intProp": 1, "arrayProp": ["a"] }),
        ),
        (
            "dataUri(' Fizz ')",
            json!("data:text/plain;charset=utf-8;base64,IEZpenog"),
        ),
        (
            "dataUri(100)",
            json!("data:application/json;charset=utf-8;base64,MTAw"),
        ),
        (
            "dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')",
            json!("Hello, World!"),
        ),
        (
            "dataUriToString('data:text/plain;charset=UTF-8;page=21,the%20data:1234,5678')",
            json!("the data:1234,5678"),
        ),
        (
            "dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')",
            json!("2023-04-07 14:53:14Z"),
        ),
        (
            "dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')",
            json!("2020-03-29 14:53:14Z"),
        ),
        (
            "dateTimeAdd('2020-04-07 14:53:14Z', 'PT1H')",
            json!("2020-04-07 15:53:14Z"),
        ),
        (
            "dateTimeAdd('2020-01-31T00:00:00Z', 'P1M', 'yyyy/M/d HH.mm')",
            json!("2020/2/29 00.00"),
        ),
        (
            "dateTimeAdd('20200407T145314Z', 'PT96H')",
            json!("20200411T145314Z"),
        ),
        (
            "dateTimeAdd('2020-04-07T14:53:14+02:00', 'PT0S', 's')",
            json!("2020-04-07T12:53:14"),
        ),
        (
            "dateTimeFromEpoch(1683040573)",
            json!("2023-05-02T15:16:13Z"),
        ),
        (
            "dateTimeToEpoch('2023-05-02T15:16:13Z')",
            json!(1_683_040_573),
        ),
        (
            "deployer().tenantId",
            json!("00000000-0000-0000-0000-000000000000"),
        ),
        ("deployment().name", json!("deployment")),
        ("deployment().properties.mode", json!("Incremental")),
        ("distinct(createArray(1, 2, 1, '1'))", json!([1, 2, "1"])),
        ("div(8, 3)", json!(2)),
        ("div(-7, 2)", json!(-3)),
        ("empty('')", json!(true)),
        ("empty(createArray())", json!(true)),
        ("empty(createObject())", json!(true)),
        ("empty(null())", json!(true)),
        ("empty('x')", json!(false)),
        ("endsWith('abcdef', 'F')", json!(true)),
        ("endsWith('abcdef', 'e')", json!(false)),
        ("environment().suffixes.storage", json!("core.windows.net")),
        ("equals(1, 1)", json!(true)),
        ("equals('a', 'A')", json!(false)),
        ("equals('1', 1)", json!(false)),
        (
            "equals(createObject('a', createArray(1)), createObject('a', createArray(1)))",
            json!(true),
        ),
        (
            "extensionResourceId(resourceGroup().id, 'Microsoft.Authorization/locks', 'l')",
            json!(format!("{GROUP}/providers/Microsoft.Authorization/locks/l")),
        ),
        ("false()", json!(false)),
        (
            "filter(range(0, 10), lambda('i', equals(0, mod(lambdaVariables('i'), 2))))",
            json!([0, 2, 4, 6, 8]),
        ),
        (
            "map(filter(variables('dogs'), lambda('dog', greaterOrEquals(lambdaVariables('dog').age, 5))), lambda('d', lambdaVariables('d').name))",
            json!(["Evie", "Kira"]),
        ),
        (
            "filter(createArray('a', 'b', 'c', 'd'), lambda('item', 'i', equals(0, mod(lambdaVariables('i'), 2))))",
            json!(["a", "c"]),
        ),
        ("first(createArray('one', 'two'))", json!("one")),
        ("first('One Two Three')", json!("O")),
        ("first(createArray())", json!(null)),
        ("first('')", json!("")),
        (
            "flatten(createArray(createArray(0, 1), createArray(2), createArray()))",
            json!([0, 1, 2]),
        ),
        ("float('3.5')", json!(3.5)),
        ("float(3)", json!(3.0)),
        (
            "format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
            json!("Hello, User. Formatted number: 8,175,133"),
        ),
        ("greater(1, 2)", json!(false)),
        ("greater('b', 'a')", json!(true)),
        ("greaterOrEquals(2, 2)", json!(true)),
        (
            "groupBy(createArray(createObject('type', 'a', 'value', 123), createObject('type', 'b', 'value', 456), createObject('type', 'a', 'value', 789)), lambda('arg', lambdaVariables('arg').type), lambda('arg', lambdaVariables('arg').value))",
            json!({ "a": [123, 789], "b": [456] }),
        ),
        (
            "guid('foo', 'bar', 'baz')",
            json!("2ed86837-7c7c-5eaa-9864-dd077fd19b0d"),
        ),
        (
            "if(equals('a', 'a'), 'yes', json('not json'))",
            json!("yes"),
        ),
        ("indexFromEnd(createArray(1, 2, 3), 1)", json!(3)),
        ("indexOf('abcdef', 'CD')", json!(2)),
        ("indexOf('test', 't')", json!(0)),
        ("indexOf('abcdef', 'z')", json!(-1)),
        ("indexOf(createArray('FOO', 'BAR'), 'bar')", json!(-1)),
        (
            "indexOf(createArray('fizz', 'buzz', 'fizz'), 'fizz')",
            json!(0),
        ),
        ("int('4')", json!(4)),
        ("int(4)", json!(4)),
        (
            "intersection(createObject('one', 'a', 'two', 'b', 'three', 'c'), createObject('one', 'a', 'two', 'z', 'three', 'c'))",
            json!({ "one": "a", "three": "c" }),
        ),
        (
            "intersection(createArray('one', 'two', 'three'), createArray('two', 'three'))",
            json!(["two", "three"]),
        ),
        (
            "map(items(createObject('ghiKey', 1, 'defKey', 2, '123Key', 3, 'GHIKey', 4, 'DEFKey', 5)), lambda('i', lambdaVariables('i').key))",
            json!(["123Key", "defKey", "DEFKey", "ghiKey", "GHIKey"]),
        ),
        (
            "items(createObject('b', 1, 'a', 2))",
            json!([{ "key": "a", "value": 2 }, { "key": "b", "value": 1 }]),
        ),
        (
            "join(createArray('I', 'love', 'Bicep'), ' ')",
            json!("I love Bicep"),
        ),
        (
            "join(createArray('abc', 123, true()), '/')",
            json!("abc/123/True"),
        ),
        ("json('{\"a\": \"b\"}')", json!({ "a": "b" })),
        ("json('null')", json!(null)),
        ("json('3')", json!(3)),
        ("json('[1,2,3]')", json!([1, 2, 3])),
        ("last(createArray('one', 'three'))", json!("three")),
        ("last('One Two Three')", json!("e")),
        ("lastIndexOf('abcdef', 'AB')", json!(0)),
        ("lastIndexOf('test', 't')", json!(3)),
        (
            "lastIndexOf(createArray('fizz', 'buzz', 'fizz'), 'fizz')",
            json!(2),
        ),
        ("length('One Two Three')", json!(13)),
        ("length('\u{1F600}')", json!(2)),
        ("length(createArray(1, 2, 3))", json!(3)),
        ("length(variables('object'))", json!(3)),
        ("less(1, 2)", json!(true)),
        ("lessOrEquals('a', 'a')", json!(true)),
        ("like('Hello world', 'h*O W*d')", json!(true)),
        ("like('Hello', 'ello')", json!(false)),
        ("like('Hello', '*ell*')", json!(true)),
        (
            "map(variables('dogs'), lambda('dog', format('Hello {0}!', lambdaVariables('dog').name)))",
            json!(["Hello Evie!", "Hello Casper!", "Hello Indy!", "Hello Kira!"]),
        ),
        (
            "map(createArray('a'), lambda('dog', 'i', lambdaVariables('i')))",
            json!([0]),
        ),
        (
            "mapValues(createObject('a', 123, 'b', 456), lambda('val', mul(lambdaVariables('val'), 2)))",
            json!({ "a": 246, "b": 912 }),
        ),
        ("max(createArray(0, 3, 2, 5, 4))", json!(5)),
        ("max(10, 4, 1, 6)", json!(10)),
        ("min(createArray(0, 3, 2, 5, 4))", json!(0)),
        ("min(10, 4, 1, 6)", json!(1)),
        ("mod(7, 3)", json!(1)),
        ("mul(5, 3)", json!(15)),
        ("not(true())", json!(false)),
        ("null()", json!(null)),
        (
            "objectKeys(createObject('b', 123, 'a', 456))",
            json!(["a", "b"]),
        ),
        ("or(bool('true'), bool('false'))", json!(true)),
        ("padLeft('123', 10, '0')", json!("0000000123")),
        ("padLeft('00', 5, ' ')", json!("   00")),
        ("padLeft(7, 3)", json!("  7")),
        ("padLeft('long', 2)", json!("long")),
        ("parameters('TEXT')", json!("one two three")),
        ("parameters('now')", json!("20200407T145314Z")),
        ("parameters('day')", json!("04/07/2020")),
        ("parameters('custom')", json!("4 7")),
        ("length(parameters('unique'))", json!(36)),
        (
            "parseCidr('10.144.0.0/20')",
            json!({ "network": "10.144.0.0", "netmask": "255.255.240.0", "broadcast": "10.144.15.255", "firstUsable": "10.144.0.1", "lastUsable": "10.144.15.254", "cidr": 20 }),
        ),
        (
            "parseCidr('fdad:3236:5555::/48')",
            json!({ "network": "fdad:3236:5555::", "netmask": "ffff:ffff:ffff::", "firstUsable": "fdad:3236:5555::", "lastUsable": "fdad:3236:5555:ffff:ffff:ffff:ffff:ffff", "cidr": 48 }),
        ),
        (
            "parseUri('https://h.example:8080/a?b=1')",
            json!({ "scheme": "https", "host": "h.example", "port": 8080, "path": "/a", "query": "?b=1" }),
        ),
        (
            "pickZones('Microsoft.ApiManagement', 'service', 'westeurope')",
            json!([]),
        ),
        ("range(5, 3)", json!([5, 6, 7])),
        (
            "reduce(createArray(5, 3, 2, 8), 1, lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))",
            json!(19),
        ),
        (
            "reduce(createArray(createObject('foo', 123), createObject('bar', 456)), createObject(), lambda('cur', 'next', union(lambdaVariables('cur'), lambdaVariables('next'))))",
            json!({ "foo": 123, "bar": 456 }),
        ),
        ("reference('here').x", json!(1)),
        ("reference('here', '1', 'Full').kind", json!("k")),
        ("reference(resourceId('A.B/c', 'here')).x", json!(1)),
        ("reference(resourceId('A.B/c', 'other'), '2').y", json!(2)),
        ("replace('123-123-1234', '-', '')", json!("1231231234")),
        ("resourceGroup().location", json!("westeurope")),
        ("resourceGroup().TAGS['Team']", json!("apis")),
        (
            "resourceId('Microsoft.ApiManagement/service/apis', 's', 'a')",
            json!(format!(
                "{GROUP}/providers/Microsoft.ApiManagement/service/s/apis/a"
            )),
        ),
        (
            "resourceId('other', 'A.B/c', 'x')",
            json!(
                "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/other/providers/A.B/c/x"
            ),
        ),
        (
            "resourceId('s', 'other', 'A.B/c', 'x')",
            json!("/subscriptions/s/resourceGroups/other/providers/A.B/c/x"),
        ),
        (
            "shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2))))",
            json!({ "a": { "y": 2 } }),
        ),
        (
            "skip(createArray('one', 'two', 'three'), 2)",
            json!(["three"]),
        ),
        ("skip('one two three', 4)", json!("two three")),
        ("skip('one two three', -100)", json!("one two three")),
        ("skip('one two three', 100)", json!("")),
        (
            "sort(createArray(8, 3, 10, -13, 5), lambda('x', 'y', less(lambdaVariables('x'), lambdaVariables('y'))))",
            json!([-13, 3, 5, 8, 10]),
        ),
        (
            "sort(createArray('ghi', 'abc', 'def'), lambda('x', 'y', greater(lambdaVariables('x'), lambdaVariables('y'))))",
            json!(["ghi", "def", "abc"]),
        ),
        (
            "split('one,two,three', ',')",
            json!(["one", "two", "three"]),
        ),
        (
            "split('one;two,three', createArray(',', ';'))",
            json!(["one", "two", "three"]),
        ),
        ("split('', ',')", json!([""])),
        ("startsWith('abcdef', 'A')", json!(true)),
        (
            "string(createObject('valueA', 10, 'valueB', 'Example Text'))",
            json!("{\"valueA\":10,\"valueB\":\"Example Text\"}"),
        ),
        ("string(createArray('a', 'b'))", json!("[\"a\",\"b\"]")),
        ("string(5)", json!("5")),
        ("string(true())", json!("True")),
        ("sub(7, 3)", json!(4)),
        (
            "subscription().subscriptionId",
            json!("11111111-2222-3333-4444-555555555555"),
        ),
        (
            "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
            json!(
                "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Authorization/roleDefinitions/r"
            ),
        ),
        (
            "subscriptionResourceId('Microsoft.Resources/resourceGroups', 'g')",
            json!("/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g"),
        ),
        ("substring('one two three', 4, 3)", json!("two")),
        ("substring('one two three', 4)", json!("two three")),
        (
            "take(createArray('one', 'two', 'three'), 2)",
            json!(["one", "two"]),
        ),
        ("take('one two three', 2)", json!("on")),
        ("take('one', 13)", json!("one")),
        (
            "tenant().tenantId",
            json!("00000000-0000-0000-0000-000000000000"),
        ),
        (
            "tenantResourceId('Microsoft.Authorization/policyDefinitions', 'p')",
            json!("/providers/Microsoft.Authorization/policyDefinitions/p"),
        ),
        (
            "managementGroupResourceId('m', 'A.B/c', 'x')",
            json!("/providers/Microsoft.Management/managementGroups/m/providers/A.B/c/x"),
        ),
        ("toLower('One Two Three')", json!("one two three")),
        ("toUpper('One Two Three')", json!("ONE TWO THREE")),
        (
            "toObject(variables('dogs'), lambda('entry', lambdaVariables('entry').name), lambda('entry', lambdaVariables('entry').age))",
            json!({ "Evie": 5, "Casper": 3, "Indy": 2, "Kira": 8 }),
        ),
        ("trim('    one two three   ')", json!("one two three")),
        ("true()", json!(true)),
        ("tryGet(variables('object'), 'ONE')", json!("a")),
        (
            "tryGet(variables('deep'), 'property', 'nothing', 'x')",
            json!(null),
        ),
        ("tryGet(createArray(1), 10)", json!(null)),
        ("tryIndexFromEnd(createArray(1, 2, 3), 4)", json!(null)),
        (
            "union(createObject('one', 'a', 'two', 'b', 'three', 'c1'), createObject('three', 'c2', 'four', 'd'))",
            json!({ "one": "a", "two": "b", "three": "c2", "four": "d" }),
        ),
        (
            "union(createArray('one', 'two', 'three'), createArray('three', 'four'))",
            json!(["one", "two", "three", "four"]),
        ),
        (
            "union(variables('deep'), createObject('property', createObject('three', 'c2', 'four', 'd'), 'nestedArray', createArray(3, 4)))",
            json!({ "property": { "one": "a", "three": "c2", "four": "d" }, "nestedArray": [3, 4] }),
        ),
        (
            "uniqueString('snap', 'crackle', 'pop')",
            json!("byghxckddilkc"),
        ),
        ("uniqueString('fubar')", json!("cj2xpqsiwjfne")),
        ("uniqueString('fu', 'bar')", json!("q5wxoscxs5j6k")),
        (
            "uri('https://github.com/another/repo', '/Azure/bicep')",
            json!("https://github.com/Azure/bicep"),
        ),
        (
            "uri('http://contoso.org/firstpath', 'myscript.sh')",
            json!("http://contoso.org/myscript.sh"),
        ),
        ("uriComponent(' Fizz ')", json!("%20Fizz%20")),
        ("uriComponentToString('%20Fizz%20')", json!(" Fizz ")),
        ("variables('bracket')", json!("[test value]")),
        ("listSecrets('here', '1').action", json!("listSecrets")),
        (
            "listKeys(resourceId('A.B/c', 'other'), '1', createObject('a', 1)).input.a",
            json!(1),
        ),
        ("contoso.uniqueName('ABC')", json!("abcx")),
    ]
}

#[test]
fn each_function_gives_what_the_documentation_says() {
    let store = Store(vec![
        json!({ "id": format!("{GROUP}/providers/A.B/c/here"), "kind": "k", "properties": { "x": 1 } }),
        json!({ "id": format!("{GROUP}/providers/A.B/c/other"), "properties": { "y": 2 } }),
    ]);
    let mut wrong = Vec::new();
    for (expression, want) in examples() {
        match evaluated(expression, members(), &store) {
            Ok(got) if got == want => {}
            other => wrong.push(format!("{expression}\n  want {want}\n  got  {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_has_an_example() {
    let mut called = BTreeSet::new();
    for (expression, _) in examples() {
        for (at, _) in expression.match_indices('(') {
            let name = expression[..at]
                .rsplit(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .unwrap();
            called.insert(name.to_ascii_lowercase());
        }
    }
    // Those with a test of their own below, or in tests/loops.rs.
    let elsewhere = [
        "copyindex",
        "fail",
        "managementgroup",
        "newguid",
        "references",
        "resourceinfo",
        "utcnow",
    ];
    let missing: Vec<&str> = function_names()
        .filter(|name| {
            let lower = name.to_ascii_lowercase();
            !called.contains(&lower) && !elsewhere.contains(&lower.as_str())
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Expressions that are refused, and what the sentence has.
#[test]
fn what_cannot_be_evaluated_is_refused_in_azures_words() {
    for (expression, want) in [
        (
            "nonexistent(1)",
            "The template function 'nonexistent' is not valid. Please see https://aka.ms/arm-functions for usage details.",
        ),
        ("no.such()", "The template function 'no.such' is not valid."),
        (
            "parameters('x')",
            "The template parameter 'x' is not found. Please see https://aka.ms/arm-syntax-parameters for usage details.",
        ),
        (
            "variables('westus')",
            "The template variable 'westus' is not found. Please see https://aka.ms/arm-syntax-variables for usage details.",
        ),
        (
            "toObject(createArray())",
            "Unable to evaluate template language function 'toObject': function requires between 2 and 3 argument(s) while 1 were provided. Please see https://aka.ms/arm-resource-functions/#toObject for usage details.",
        ),
        (
            "endsWith()",
            "Unable to evaluate template language function 'endsWith': function requires 2 argument(s) while 0 were provided.",
        ),
        (
            "concat()",
            "Unable to evaluate template language function 'concat'. At least one parameter should be provided.",
        ),
        (
            "endsWith(1, 2)",
            "The template language function 'endsWith' expects its parameters to be of type string and string. The provided value is of type 'Integer' and 'Integer'.",
        ),
        (
            "base64ToString(1)",
            "The template language function 'base64ToString' expects its parameter to be a string. The provided value is of type 'Integer'.",
        ),
        (
            "empty(1)",
            "expects its parameter to be an object, an array, or a string. The provided value is of type 'Integer'.",
        ),
        (
            "first(1)",
            "The template language function 'first' expects its parameter be an array or a string. The provided value is of type 'Integer'.",
        ),
        (
            "dataUriToString('invalid datauri')",
            "expects its parameter to be formatted as a valid data URI. The provided value 'invalid datauri' was not formatted correctly.",
        ),
        (
            "mul(9223372036854775807, 9223372036854775807)",
            "The template language function 'mul' overflowed with the operants '9223372036854775807' and '9223372036854775807'.",
        ),
        ("add(9223372036854775807, 1)", "overflowed"),
        ("div(1, 0)", "not to be zero"),
        ("div(-9223372036854775808, -1)", "overflowed"),
        ("mod(-9223372036854775808, -1)", "overflowed"),
        (
            "resourceId('Microsoft.Network/applicationGateways/httpListeners', 'a')",
            "Unable to evaluate template language function 'resourceId': the type 'Microsoft.Network/applicationGateways/httpListeners' requires '2' resource name argument(s). Please see https://aka.ms/arm-resource-functions/#resourceid for usage details.",
        ),
        (
            "variables('object').four",
            "The language expression property 'four' doesn't exist, available properties are 'one, two, three'.",
        ),
        (
            "createArray(1)[1]",
            "The language expression property array index '1' is out of bounds.",
        ),
        (
            "createArray(1)[-1]",
            "The language expression property array index '-1' is out of bounds.",
        ),
        (
            "null().x",
            "The language expression property 'x' can't be evaluated.",
        ),
        (
            "substring('1234567890', 0, 11)",
            "The index and length parameters must refer to a location within the string. The index parameter: '0', the length parameter: '11', the length of the string parameter: '10'.",
        ),
        ("fail('condition must be false')", "condition must be false"),
        (
            "copyIndex()",
            "The template function 'copyIndex' is not expected at this location. The function can only be used in a resource with copy specified.",
        ),
        (
            "utcNow()",
            "The template function 'utcNow' is not expected at this location.",
        ),
        (
            "newGuid()",
            "The template function 'newGuid' is not expected at this location.",
        ),
        (
            "managementGroup()",
            "The template function 'managementGroup' is not expected at this location.",
        ),
        (
            "reference('nowhere')",
            "The template reference 'nowhere' is not valid: could not find template resource or resource copy with this name. Please see https://aka.ms/arm-function-reference for usage details.",
        ),
        (
            "reference(resourceId('A.B/c', 'nowhere'))",
            "The resource 'A.B/c/nowhere' is not defined in the template.",
        ),
        (
            "reference(resourceId('A.B/c', 'nowhere'), '1')",
            "The Resource 'A.B/c/nowhere' under resource group 'group' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        ),
        ("range(0, 10001)", "10000"),
        (
            "lambda('x', 1)",
            "The template function 'lambda' is not valid.",
        ),
        (
            "map(1, lambda('x', 1))",
            "expects its first parameter to be an array",
        ),
        ("map(createArray(1), 1)", "expects a lambda function"),
        (
            "concat(createArray(1), 'a')",
            "expects its parameters to be of the same type",
        ),
        ("int('x')", "cannot be converted"),
        (
            "providers('A.B')",
            "The template function 'providers' is not valid.",
        ),
    ] {
        match evaluated(expression, members(), &Nothing) {
            Err(error) => {
                let words = format!("{error} {:?}", error.details);
                assert!(words.contains(want), "{expression}\n{words}");
            }
            Ok(value) => panic!("{expression} gives {value}"),
        }
    }
}

#[test]
fn failures_of_outputs_are_listed_one_by_one() {
    let error = expanded(json!({ "outputs": {
        "good": { "type": "string", "value": "x" },
        "first": { "type": "string", "value": "[null()]" },
        "second": { "type": "int", "value": "[createArray(1)[2]]" },
    } }))
    .unwrap()
    .outputs
    .resolve(&Nothing)
    .unwrap_err();
    assert_eq!(
        error.body(),
        json!({ "error": {
            "code": "DeploymentOutputEvaluationFailed",
            "message": "Unable to evaluate template outputs: 'first,second'. Please see error details and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.",
            "details": [
                {
                    "code": "DeploymentOutputEvaluationFailed",
                    "target": "first",
                    "message": "The template output 'first' is not valid: Template output JToken type is not valid. Expected 'String, Uri'. Actual 'Null'. Please see https://aka.ms/arm-syntax-outputs for usage details..",
                },
                {
                    "code": "DeploymentOutputEvaluationFailed",
                    "target": "second",
                    "message": "The template output 'second' is not valid: The language expression property array index '2' is out of bounds..",
                },
            ],
        } })
    );
}

#[test]
fn new_guids_differ_and_come_again_with_the_same_seed() {
    let ids = || {
        let members = json!({
            "parameters": {
                "a": { "type": "string", "defaultValue": "[newGuid()]" },
                "b": { "type": "string", "defaultValue": "[newGuid()]" },
            },
        });
        evaluated(
            "createArray(parameters('a'), parameters('b'))",
            members,
            &Nothing,
        )
        .unwrap()
    };
    assert_eq!(ids(), ids());
    assert_ne!(ids()[0], ids()[1]);
    assert_eq!(ids()[0].as_str().unwrap().as_bytes()[14], b'4');
}

#[test]
fn other_scopes_have_other_functions() {
    use arm_template::{Context, Place, expand};
    let mut deployed = template(json!({
        "resources": [],
        "outputs": { "all": { "type": "array", "value": "[createArray(managementGroup().name, deployment().location, resourceId('A.B/c', 'x'))]" } },
    }));
    deployed["$schema"] = json!(
        "https://schema.management.azure.com/schemas/2019-08-01/managementGroupDeploymentTemplate.json#"
    );
    let context = Context {
        place: Place::ManagementGroup {
            name: "m".to_owned(),
        },
        ..context()
    };
    let outputs = expand(&deployed, &json!({}), &context)
        .unwrap()
        .outputs
        .resolve(&Nothing)
        .unwrap();
    assert_eq!(
        outputs["all"]["value"],
        json!([
            "m",
            "westeurope",
            "/providers/Microsoft.Management/managementGroups/m/providers/A.B/c/x"
        ])
    );
}

#[test]
fn the_readme_counts_right() {
    let readme = include_str!("../README.md");
    let count = function_names().count();
    assert!(readme.contains(&format!("| {count} functions:")), "{count}");
}
