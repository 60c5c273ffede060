//! A finding points at the characters that it is about, wherever they are written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::pipeline::Options;

const API: &str =
    r#"{"properties": {"displayName": "Größe", "path": "sizes", "protocols": ["https"]}}"#;
const SPEC: &str = "openapi: 3.0.1\ninfo: {title: Größe, version: '1'}\npaths:\n  /sizes:\n    get: {operationId: list, responses: {'200': {description: ok}}}\n";
/// A definition whose answer has its schema in another file.
const REFERS: &str = "openapi: 3.0.1\ninfo: {title: Größe, version: '1'}\npaths:\n  /sizes:\n    get:\n      operationId: list\n      responses:\n        '200': {description: ok, content: {application/json: {schema: {$ref: schema.yaml}}}}\n";
const ANCHOR: &str = "openapi: 3.0.1\ninfo: {title: Größe, version: '1'}\nx-ü: &answers\n  '200': {description: ü, hedaers: {}}\npaths:\n  /sizes:\n    get: {operationId: list, responses: *answers}\n";
const IN_YAML: &str = "apis:\n- name: sizes\n  policies:\n  - name: policy\n    properties:\n      format: rawxml\n      value: |\n        <policies>\n          <inbound><base /><!-- ü --><set-haeder name='x' /></inbound>\n        </policies>\n";
const IN_QUOTES: &str = "apis:\n- name: sizes\n  policies:\n  - name: policy\n    properties:\n      format: rawxml\n      value: \"<policies>\\n  <inbound><base /><!-- \\u00fc ü --><set-haeder name='x' />\\\n        </inbound></policies>\"\n";
const IN_JSON: &str = "{\"properties\": {\"format\": \"rawxml\", \"description\": \"ü\",\r\n \"value\": \"<fragment>\\r\\n  <!-- \\u00fc ü --><set-haeder name=\\\"x\\\" \\/><\\/fragment>\"}}";

/// A policy that the environment replaces.
const PLAIN: &str = "<policies><inbound><base /></inbound></policies>";

/// A project, the file that has the mistake, its text, and what stands at the finding.
type Case = (
    &'static str,
    Vec<(&'static str, String)>,
    &'static str,
    u16,
    &'static str,
);

fn cases() -> Vec<Case> {
    let api = || ("apis/sizes/apiInformation.json", API.to_owned());
    let spec = || ("apis/sizes/specification.yaml", SPEC.to_owned());
    let plain = || ("apis/sizes/policy.xml", PLAIN.to_owned());
    let mark = |text: &str| format!("\u{feff}{text}");
    let lines = |text: &str| text.replace('\n', "\r\n");
    let schema = "type: object\ndescription: Größe\nproperties:\n  ä: {type: string, sumary: x}\n";
    let refers = || ("apis/sizes/specification.yaml", REFERS.to_owned());
    let policy =
        "<policies>\n  <inbound><base /><!-- ü --><set-haeder name='ü' /></inbound>\n</policies>\n";
    let information = API.replace("\"path\"", "\n \"ü\": 1, \"descripton\": \"x\",\n \"path\"");
    let schema_file = "apis/sizes/schema.yaml";
    let spec_file = "apis/sizes/specification.yaml";
    let policy_file = "apis/sizes/policy.xml";
    let info_file = "apis/sizes/apiInformation.json";
    vec![
        (
            "a referenced file",
            vec![api(), refers(), (schema_file, schema.to_owned())],
            schema_file,
            2014,
            "sumary",
        ),
        (
            "a referenced file with CRLF, behind a mark",
            vec![api(), refers(), (schema_file, mark(&lines(schema)))],
            schema_file,
            2014,
            "sumary",
        ),
        (
            "behind an alias",
            vec![api(), (spec_file, ANCHOR.to_owned())],
            spec_file,
            2012,
            "hedaers",
        ),
        (
            "behind an alias, with CRLF and a mark",
            vec![api(), (spec_file, mark(&lines(ANCHOR)))],
            spec_file,
            2012,
            "hedaers",
        ),
        (
            "a policy with CRLF, behind a mark",
            vec![api(), spec(), (policy_file, mark(&lines(policy)))],
            policy_file,
            3004,
            "set-haeder",
        ),
        (
            "an information file with CRLF, behind a mark",
            vec![(info_file, mark(&lines(&information))), spec()],
            info_file,
            1013,
            "\"descripton\"",
        ),
        (
            "a policy in a block of YAML",
            vec![
                api(),
                spec(),
                plain(),
                ("configuration.prod.yaml", IN_YAML.to_owned()),
            ],
            "configuration.prod.yaml",
            3004,
            "set-haeder",
        ),
        (
            "a policy in a block of YAML with CRLF",
            vec![
                api(),
                spec(),
                plain(),
                ("configuration.prod.yaml", lines(IN_YAML)),
            ],
            "configuration.prod.yaml",
            3004,
            "set-haeder",
        ),
        (
            "a policy in a quoted scalar of YAML, with escapes",
            vec![
                api(),
                spec(),
                plain(),
                ("configuration.prod.yaml", IN_QUOTES.to_owned()),
            ],
            "configuration.prod.yaml",
            3004,
            "set-haeder",
        ),
        (
            "a policy in a string of JSON, with escapes",
            vec![
                api(),
                spec(),
                (
                    "policyFragments/f/policyFragmentInformation.json",
                    IN_JSON.to_owned(),
                ),
            ],
            "policyFragments/f/policyFragmentInformation.json",
            3004,
            "set-haeder",
        ),
    ]
}

#[test]
fn findings_point_at_their_characters() {
    for (name, files, file, code, word) in cases() {
        let given: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
        let mut options = Options::default();
        if given
            .iter()
            .any(|(path, _)| path.starts_with("configuration."))
        {
            options.discover.environment = Some("prod".to_owned());
        }
        let outcome = common::run(&common::tree_of(&given), &options);
        let text = given.iter().find(|(path, _)| *path == file).unwrap().1;
        let mut found = outcome.report.diagnostics.iter();
        let found = found.find(|finding| {
            let says = finding.message.contains(word.trim_matches('"'));
            finding.rule.code.0 == code && finding.path == file && says
        });
        let found = found.unwrap_or_else(|| panic!("{name}: {:#?}", common::shown(&outcome)));
        let start = found.range.unwrap().start;
        let before = &text[..start.offset as usize];
        let marked = &text[start.offset as usize..];
        assert!(marked.starts_with(word), "{name}: at {start:?}");
        let line = before.matches('\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap();
        let column = last.trim_start_matches('\u{feff}').chars().count() + 1;
        assert_eq!(
            (start.line as usize, start.column as usize),
            (line, column),
            "{name}"
        );
    }
}
