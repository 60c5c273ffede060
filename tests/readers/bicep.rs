use serde_json::json;

use crate::support::bicep_syntax::{Expr, Kind, Part};
use crate::support::{Files, ParamInfo, ReadBundle, Res, bicep, bicep_syntax};
use crate::{NASTY, files, refused};

const PARAMS: &str =
    "using 'main.bicep'\n\nparam apimServiceName = 'contoso'\nparam region = 'we'\n";
const HEAD: &str = "\
param apimServiceName string
param region string
@description('A key')
@secure()
param s string = ''

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimServiceName
}

";

fn tree(main: &str, more: &[(&str, &str)]) -> Files {
    let mut tree = files(more);
    tree.insert("bicep/main.bicep".into(), format!("{HEAD}{main}"));
    tree.entry("bicep/main.bicepparam".into())
        .or_insert_with(|| PARAMS.into());
    tree
}

fn read(main: &str, more: &[(&str, &str)]) -> Res<ReadBundle> {
    bicep::read(&tree(main, more))
}

const API: &str = "\
resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'orders'
  properties: {
    path: 'orders'
    value: loadTextContent('content/orders.txt')
    text: string(loadJsonContent('content/orders.json'))
    'x-[y]': [
      1
      -2
      null
      true
    ]
  }
}
";
const CONTENT: &[(&str, &str)] = &[
    (
        "bicep/content/orders.txt",
        "\u{feff}a\r\nb${x}'''[y]\u{2028}",
    ),
    (
        "bicep/content/orders.json",
        "{\n  \"b\": [0.5, \"é\"],\n  \"a\": null\n}\n",
    ),
];

fn api_type() -> String {
    "Microsoft.ApiManagement/service/apis".into()
}

/// An API whose only property has this source text as its value.
fn value(source: &str) -> Res<serde_json::Value> {
    let main = format!(
        "resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {{\n  parent: service\n  name: 'a'\n  properties: {{\n    v: {source}\n  }}\n}}\n"
    );
    Ok(read(&main, &[])?.resources[&(api_type(), "a".into())].properties["v"].clone())
}

#[test]
fn a_resource_with_contents() {
    let bundle = read(API, CONTENT).unwrap();
    let api = &bundle.resources[&(api_type(), "orders".into())];
    let expected = json!({
        "path": "orders",
        "value": "a\r\nb${x}'''[y]\u{2028}",
        "text": "{\"b\":[0.5,\"é\"],\"a\":null}",
        "x-[y]": [1, -2, null, true],
    });
    assert_eq!(api.properties, expected);
    assert!(api.depends_on.is_empty());
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
fn expressions() {
    let cases = [
        (
            "'it\\'s \\\\ \\$ \\${x} $ \\n\\r\\t\\u{1F600}'",
            json!("it's \\ $ ${x} $ \n\r\t😀"),
        ),
        ("'''\nraw ${x} \\n 'q' ''''", json!("raw ${x} \\n 'q' '")),
        ("''''''", json!("")),
        ("'${region}-${s}//x'", json!("we-param:s//x")),
        ("'a//b' // comment '", json!("a//b")),
        ("service.id", json!("ref:Microsoft.ApiManagement/service|")),
        (
            "'${service.id}/products/p'",
            json!("ref:Microsoft.ApiManagement/service/products|p"),
        ),
        ("concat('a', region)", json!("awe")),
        ("concat(['a'], ['b'])", json!(["a", "b"])),
        ("join([\n  'a'\n  'b'\n], ',')", json!("a,b")),
        ("json('1.5')", json!(1.5)),
        ("{ 'a b': 1, c: {} }", json!({"a b": 1, "c": {}})),
        ("{ x: 1 }.x", json!(1)),
        ("[1, 2]", json!([1, 2])),
        ("[]", json!([])),
    ];
    for (source, expected) in cases {
        assert_eq!(value(source), Ok(expected), "{source}");
    }
}

#[test]
fn broken_expressions() {
    let cases = [
        ("'a", "line end in a string"),
        ("'\\b'", "no escape"),
        ("'\\\"'", "no escape"),
        ("'\\u0041'", "without {hex"),
        ("'\\u{D800}'", "not a character"),
        ("'${region'", "expected"),
        ("'''a''", "without end"),
        ("'it's'", "line end"),
        ("[1 2]", "expected a line end"),
        ("[1, 2,]", "comma before"),
        ("{ a: 1, a: 2 }", "stands twice"),
        ("1.5", "expected an identifier"),
        ("missing", "not declared"),
        ("service", "used as a value"),
        ("service.properties", "only after deployment"),
        ("loadTextContent('content/none.txt')", "is missing"),
        ("loadTextContent('../../secret')", "outside the folder"),
        ("loadTextContent(region)", "literal path"),
        ("uniqueString('a')", "not known"),
        ("{ x: 1 }.y", "no member"),
        ("1 + 1", "expected a line end"),
    ];
    for (source, why) in cases {
        refused(value(source), why);
    }
}

#[test]
fn nasty_text_survives_a_strict_escape() {
    for text in NASTY {
        let mut literal = String::new();
        for c in text.chars() {
            match c {
                '\'' | '\\' => literal.extend(['\\', c]),
                '\n' => literal.push_str("\\n"),
                '\r' => literal.push_str("\\r"),
                '$' => literal.push_str("\\$"),
                c => literal.push(c),
            }
        }
        assert_eq!(
            value(&format!("'{literal}'")),
            Ok((*text).into()),
            "{literal}"
        );
        let from_file = [("bicep/content/x.txt", *text)];
        let main = "resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {\n  parent: service\n  name: 'a'\n  properties: {\n    v: loadTextContent('content/x.txt')\n  }\n}\n";
        let read = read(main, &from_file).unwrap();
        let expected = text.strip_prefix('\u{feff}').unwrap_or(text);
        assert_eq!(
            read.resources[&(api_type(), "a".into())].properties["v"],
            *expected
        );
    }
}

#[test]
fn load_limits() {
    let main = "resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {\n  parent: service\n  name: 'a'\n  properties: {\n    v: loadTextContent('content/x.txt')\n  }\n}\n";
    let fits = "😀".repeat(65_536);
    assert!(read(main, &[("bicep/content/x.txt", &fits)]).is_ok());
    refused(
        read(main, &[("bicep/content/x.txt", &format!("{fits}x"))]),
        "131073 characters",
    );
}

#[test]
fn what_the_compiler_reads_as_something_else() {
    let main = "resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {\n  parent: service\n  name: 'a'\n  properties: {\n    v: string(loadJsonContent('content/x.json'))\n  }\n}\n";
    let json = |text: &str| read(main, &[("bicep/content/x.json", text)]);
    assert!(json("[0.5, 9223372036854775807]").is_ok());
    refused(json("[1.0]"), "becomes an integer");
    refused(json("[9223372036854775808]"), "more than 64 bits");
    let long = "x".repeat(131_073);
    refused(json(&format!("[\"{long}\"]")), "too long");
    refused(value(&format!("'{long}'")), "more than 131072");
    for word in ["null", "true", "false"] {
        refused(value(&format!("{{\n{word}: 1\n}}")), "needs quotes");
        assert!(value(&format!("{{\n'{word}': 1\n}}")).is_ok());
    }
}

#[test]
fn loops_and_conditions() {
    let links = "\
@secure()
param key string = ''

resource product 'Microsoft.ApiManagement/service/products@2024-05-01' = if (!empty(key)) {
  parent: service
  name: 'p'
}

var names = [
  'a'
  'b'
]

@batchSize(1)
resource links 'Microsoft.ApiManagement/service/products/apis@2024-05-01' = [
  for name in names: {
    parent: product
    name: name
  }
]

resource tag 'Microsoft.ApiManagement/service/tags@2024-05-01' = {
  parent: service
  name: 't'
  dependsOn: [
    links
  ]
}
";
    let bundle = read(links, &[]).unwrap();
    let get = |kind: &str, name: &str| {
        let type_ = format!("Microsoft.ApiManagement/service/{kind}");
        bundle.resources[&(type_, name.to_owned())].clone()
    };
    assert_eq!(get("products", "p").condition.as_deref(), Some("param:key"));
    assert_eq!(get("products/apis", "p/b").condition, None);
    // One after the other, and all before the tag.
    let second = get("products/apis", "p/b").depends_on;
    assert!(second.contains("Microsoft.ApiManagement/service/products/apis|p/a"));
    assert_eq!(get("tags", "t").depends_on.len(), 2);
    refused(read(&links.replace("'b'", "'a'"), &[]), "declared twice");
    refused(
        read(&links.replace("!empty(key)", "empty(key)"), &[]),
        "condition",
    );
    refused(
        read(
            &links.replace("resource tag", "@batchSize(1)\nresource tag"),
            &[],
        ),
        "no loop",
    );
}

#[test]
fn a_template_as_module() {
    let template = r##"{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
"parameters": {"apimServiceName": {"type": "string"}},
"resources": [{"type": "Microsoft.ApiManagement/service/apis", "apiVersion": "2024-05-01", "name": "[format('{0}/{1}', parameters('apimServiceName'), 'a')]", "properties": {"value": "x"}}],
"outputs": {"id": {"type": "string", "value": "[resourceId('Microsoft.ApiManagement/service/apis', parameters('apimServiceName'), 'a')]"}}}"##;
    let main = "\
module api 'modules/a.json' = {
  params: {
    apimServiceName: apimServiceName
  }
}

resource get 'Microsoft.ApiManagement/service/apis/releases@2024-05-01' = {
  name: '${apimServiceName}/a/r'
  properties: {
    apiId: api.outputs.id
  }
}
";
    let with = |main: &str, template: &str| read(main, &[("bicep/modules/a.json", template)]);
    let bundle = with(main, template).unwrap();
    assert_eq!(
        bundle.resources[&(api_type(), "a".into())].properties["value"],
        "x"
    );
    let release = (format!("{}/releases", api_type()), "a/r".to_owned());
    let release = &bundle.resources[&release];
    assert_eq!(release.properties["apiId"], format!("ref:{}|a", api_type()));
    assert!(release.depends_on.contains(&format!("{}|a", api_type())));
    refused(
        with(
            &main.replace("    apimServiceName: apimServiceName\n", "    x: 'x'\n"),
            template,
        ),
        "no parameter",
    );
    refused(
        with(main, &template.replace("contentVersion", "version")),
        "contentVersion",
    );
}

const MODULE: &str = "\
param apimServiceName string
param display string
@secure()
param key string

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimServiceName
}

resource tag 'Microsoft.ApiManagement/service/tags@2024-05-01' existing = {
  parent: service
  name: 't'
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'a'
  properties: {
    displayName: display
    key: key
    tagId: tag.id
  }
}

resource get 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = {
  parent: api
  name: 'get'
  properties: {
    value: loadTextContent('../content/get.txt')
  }
  dependsOn: [
    other
  ]
}

resource other 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'b'
}

output apiId string = api.id
";
const WITH_MODULE: &str = "\
resource tag 'Microsoft.ApiManagement/service/tags@2024-05-01' = {
  parent: service
  name: 't'
  properties: {
    displayName: 't'
  }
}

module api 'modules/api.bicep' = {
  name: 'api'
  params: {
    apimServiceName: apimServiceName
    display: 'T ${region}'
    key: s
  }
  dependsOn: [
    tag
  ]
}

resource product 'Microsoft.ApiManagement/service/products/apis@2024-05-01' = {
  name: '${apimServiceName}/p/a'
  properties: {
    of: api.outputs.apiId
  }
}
";

fn with_module(main: &str, module: &str) -> Res<(ReadBundle, Vec<String>)> {
    bicep::read_with_lints(&tree(
        main,
        &[
            ("bicep/modules/api.bicep", module),
            ("bicep/content/get.txt", "x"),
        ],
    ))
}

fn waits(bundle: &ReadBundle, type_: &str, name: &str) -> Vec<String> {
    let key = (
        format!("Microsoft.ApiManagement/service/{type_}"),
        name.to_owned(),
    );
    let deps = bundle.resources[&key].depends_on.iter();
    deps.map(|d| d.replace("Microsoft.ApiManagement/service/", ""))
        .collect()
}

#[test]
fn modules() {
    let (bundle, lints) = with_module(WITH_MODULE, MODULE).unwrap();
    assert_eq!(lints, [""; 0]);
    assert_eq!(waits(&bundle, "tags", "t"), [""; 0]);
    assert_eq!(waits(&bundle, "apis", "a"), ["tags|t"]);
    assert_eq!(
        waits(&bundle, "apis/operations", "a/get"),
        ["apis|a", "apis|b", "tags|t"]
    );
    assert_eq!(
        waits(&bundle, "products/apis", "p/a"),
        ["apis/operations|a/get", "apis|a", "apis|b"]
    );
    let api = &bundle.resources[&(api_type(), "a".into())];
    let tag = "ref:Microsoft.ApiManagement/service/tags|t";
    assert_eq!(
        api.properties,
        json!({"displayName": "T we", "key": "param:s", "tagId": tag})
    );
    let product = &bundle.resources[&(
        "Microsoft.ApiManagement/service/products/apis".into(),
        "p/a".into(),
    )];
    assert_eq!(
        product.properties,
        json!({"of": "ref:Microsoft.ApiManagement/service/apis|a"})
    );
}

#[test]
fn broken_modules() {
    let swap = |from: &str, to: &str| {
        assert!(WITH_MODULE.contains(from) || MODULE.contains(from));
        with_module(&WITH_MODULE.replace(from, to), &MODULE.replace(from, to))
    };
    refused(swap("    key: s\n", ""), "parameter key gets no value");
    refused(swap("@secure()\n", ""), "not secure");
    refused(swap("display: 'T ${region}'", "display: 1"), "cannot be");
    refused(
        swap("    key: s\n", "    key: s\n    more: s\n"),
        "no parameter more",
    );
    refused(
        swap("modules/api.bicep", "modules/none.bicep"),
        "is missing",
    );
    refused(
        swap("name: 'api'", &format!("name: '{}'", "n".repeat(65))),
        "longer than 64",
    );
    refused(swap("outputs.apiId", "outputs.none"), "no output");
    refused(
        swap("    other\n", "    none\n"),
        "neither resource nor module",
    );
    refused(
        swap("'../content/get.txt'", "'content/get.txt'"),
        "is missing",
    );
}

#[test]
fn broken_files() {
    let api = |body: &str| {
        read(
            &format!(
                "resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {{\n{body}\n}}\n"
            ),
            &[],
        )
    };
    assert!(api("  parent: service\n  name: 'a'").is_ok());
    refused(
        api("  parent: service\n  name: 'a/b'"),
        "slash beside a parent",
    );
    refused(api("  name: 'a'"), "segments");
    refused(
        api("  name: 'contoso/a'"),
        "does not begin with the service",
    );
    refused(
        api("  parent: service\n  name: 'a'\n  propertys: {}"),
        "unknown resource element",
    );
    refused(
        api("  parent: service\n  name: 'a'\n  dependsOn: [\n    api\n  ]"),
        "depends on itself",
    );
    refused(api("  parent: api\n  name: 'a'"), "defined by itself");
    refused(read(&format!("{API}{API}"), CONTENT), "declared twice");
    refused(
        read(
            &format!("{API}{}", API.replace("resource api", "resource two")),
            CONTENT,
        ),
        "declared twice",
    );
    refused(
        read(
            "resource x 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = {\n  parent: service\n  name: 'a'\n}\n",
            &[],
        ),
        "cannot be the child",
    );
    refused(read("var x = 1 var y = 2\n", &[]), "end of the line");
    refused(read("let x = 1\n", &[]), "unknown statement");
    refused(read("@secure()\nvar x = 1\n", &[]), "@secure()");
    refused(read("param p text\n", &[]), "unknown type");
    refused(
        bicep::read(&files(&[("bicep/main.bicepparam", PARAMS)])),
        "main.bicep is missing",
    );
    let params = |text: &str| read("", &[("bicep/main.bicepparam", text)]);
    assert!(params(PARAMS).is_ok());
    refused(
        params(&format!("{PARAMS}param none = 1\n")),
        "not a parameter",
    );
    refused(params(&format!("{PARAMS}param s = 'secret'\n")), "in clear");
    refused(
        params(&PARAMS.replace("main.bicep", "other.bicep")),
        "instead of main.bicep",
    );
    refused(
        params(&PARAMS.replace("param region", "param region string")),
        "grammar",
    );
}

#[test]
fn a_parent_child_cycle_is_found() {
    let pair = "\
resource a 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'a'
  properties: {
    other: b.id
  }
}

resource b 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: 'b'
  properties: {
    other: a.id
  }
}
";
    refused(read(pair, &[]), "depends on itself");
}

#[test]
fn lints() {
    let lint = |main: &str, more: &[(&str, &str)]| {
        bicep::read_with_lints(&tree(main, more))
            .unwrap()
            .1
            .join("\n")
    };
    assert!(lint("var x = 1\n", &[]).contains("x is declared but never used"));
    assert!(lint("param q string\n", &[]).contains("BCP258"));
    assert!(lint("", &[("bicep/content/x", "")]).contains("used by nothing"));
    let needless = format!(
        "{API}\nresource get 'Microsoft.ApiManagement/service/apis/operations@2024-05-01' = {{\n  parent: api\n  name: '${{region}}'\n  dependsOn: [\n    api\n  ]\n}}\n"
    );
    let found = lint(&needless, CONTENT);
    assert!(
        found.contains("unnecessary dependsOn") && found.contains("interpolation of nothing"),
        "{found}"
    );
}

#[test]
fn the_grammar_has_a_say() {
    assert_eq!(bicep::check_grammar("var a = 'x'\n"), Ok(()));
    refused(bicep::check_grammar("var = 'x'\n"), "grammar");
    refused(bicep::check_grammar("resource a 'b' = {\n"), "grammar");
}

#[test]
fn the_parser_keeps_what_is_written() {
    let (declarations, masked) = bicep_syntax::parse("var a = 'x${b.c}\\n' // 'y'\r\n").unwrap();
    let hole = Expr::Member(Box::new(Expr::Name("b".into())), "c".into());
    let parts = vec![
        Part::Text("x".into()),
        Part::Hole(hole),
        Part::Text("\n".into()),
    ];
    assert_eq!(declarations[0].kind, Kind::Var(Expr::Str(parts)));
    assert_eq!(masked, "var a = 'x${b.c}xx' // 'y'\r\n");
}

#[test]
fn words_as_keys() {
    let words = "type resource module param var output import existing metadata provider string int bool object array \
                 for if in func using with as assert test targetScope secureString description value name properties";
    for word in words.split_whitespace() {
        let expected = json!({word: 1, "b": {word: "x"}});
        assert_eq!(
            value(&format!("{{\n{word}: 1\nb: {{\n{word}: 'x'\n}}\n}}")),
            Ok(expected),
            "{word}"
        );
    }
}

/// People's files: what the strict parser takes, the grammar takes too, and
/// it refuses none but those with loops, conditions and the like.
#[test]
fn files_in_the_wild() {
    if !crate::have_corpus() {
        return;
    }
    let mut todo = vec![crate::corpus("bicep/samples")];
    let mut parsed = 0;
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| e == "bicep") {
                let text = std::fs::read_to_string(&path).unwrap();
                if let Ok((_, masked)) = bicep_syntax::parse(text.trim_start_matches('\u{feff}')) {
                    assert_eq!(bicep::check_grammar(&masked), Ok(()), "{}", path.display());
                    parsed += 1;
                }
            }
        }
    }
    assert!(parsed > 60, "{parsed} files parsed");
}
