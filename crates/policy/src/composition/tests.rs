//! What is found in policies taken together, and what is let through.

use crate::tests::project::found;
use crate::{Api, Area, Facts, Root, Scope, Service, Setting, check, compose, parse};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings, Place, Severity};

const GLOBAL: &str = "<policies><inbound /><backend><forward-request /></backend><outbound />\
                      <on-error /></policies>";

/// A document whose sections have `<base />`, and more in some.
fn document(inbound: &str, outbound: &str, on_error: &str) -> String {
    format!(
        "<policies><inbound>{inbound}</inbound><backend><base /></backend>\
         <outbound>{outbound}</outbound><on-error>{on_error}</on-error></policies>"
    )
}

/// `rule@text` of each finding of this module's rules, in the order in which they are found.
fn said(files: &[(&str, String)]) -> Vec<String> {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let mut findings = Findings::from(Vec::new());
    found(&files, &mut findings);
    let listed = findings.listed().iter();
    let own = listed.filter(|finding| finding.rule.code.0 >= 3024);
    let said = own.map(|finding| {
        let Place::Span(span) = finding.place else {
            panic!("no span: {}", finding.message)
        };
        let (path, text) = files[span.file.0 as usize];
        let at = &text[span.start as usize..span.end as usize];
        let path = path.trim_end_matches("policy.xml").trim_end_matches('/');
        format!("{} {path} {at}", finding.rule.name)
    });
    said.collect()
}

/// What is found in an API whose sections have these.
fn api(inbound: &str, outbound: &str) -> Vec<String> {
    said(&[
        ("policy.xml", GLOBAL.to_owned()),
        ("apis/a/policy.xml", document(inbound, outbound, "<base />")),
    ])
}

const READ: &str =
    "<trace source=\"s\"><message>@((string)context.Variables[\"v\"])</message></trace>";
const SET: &str = "<set-variable name=\"v\" value=\"x\" />";

#[test]
fn variables_are_set_on_some_path_or_not() {
    let unset = ["unset-variable apis/a \"v\""];
    let choose = |branch: &str, otherwise: &str| {
        format!("<choose><when condition=\"@(true)\">{branch}</when>{otherwise}</choose>")
    };
    for (inbound, outbound, wanted) in [
        (format!("{SET}{READ}"), String::new(), &[][..]),
        (format!("{READ}{SET}"), String::new(), &unset[..]),
        (SET.to_owned(), READ.to_owned(), &[]),
        (READ.to_owned(), SET.to_owned(), &unset),
        (format!("{}{READ}", choose(SET, "")), String::new(), &[]),
        (choose(SET, &format!("<otherwise>{READ}</otherwise>")), String::new(), &unset),
        (format!("{SET}{}", choose(READ, "")), String::new(), &[]),
        // A name that is not known may be any.
        (
            format!("<set-variable name=\"{{{{x}}}}\" value=\"x\" />{READ}"),
            String::new(),
            &[],
        ),
        // What copes with its absence anywhere copes everywhere.
        (
            format!("{}{READ}", choose(
                "<return-response />",
                "",
            ).replace("true", "!context.Variables.ContainsKey(\"v\")")),
            String::new(),
            &[],
        ),
        // Other policies set variables too, behind what they read.
        (
            "<send-request mode=\"new\" response-variable-name=\"v\"><set-url>u</set-url></send-request>\
             <return-response response-variable-name=\"v\" />"
                .to_owned(),
            String::new(),
            &[],
        ),
        (
            "<cache-lookup-value key=\"k\" variable-name=\"v\" /><trace source=\"s\"><message>\
             @((string)context.Variables[\"v\"])</message></trace>"
                .to_owned(),
            String::new(),
            &[],
        ),
        (
            "<retry condition=\"@((bool)context.Variables[\"r\"])\" count=\"1\" interval=\"1\">\
             <set-variable name=\"r\" value=\"@(true)\" /></retry>"
                .to_owned(),
            String::new(),
            &[],
        ),
    ] {
        assert_eq!(api(&inbound, &outbound), wanted, "{inbound} {outbound}");
    }
}

#[test]
fn variables_come_from_enclosing_scopes_and_fragments() {
    let global = GLOBAL.replace("<inbound />", &format!("<inbound>{SET}</inbound>"));
    let with = |global: &str, api: String, operation: Option<String>| {
        let mut files = vec![
            ("policy.xml", global.to_owned()),
            ("apis/a/policy.xml", api),
        ];
        files.extend(operation.map(|text| ("apis/a/operations/o/policy.xml", text)));
        said(&files)
    };
    let reads = |inbound: &str| document(&format!("{inbound}{READ}"), "<base />", "<base />");
    assert_eq!(with(&global, reads("<base />"), None), [""; 0]);
    let lost = with(GLOBAL, reads("<base />"), None);
    assert_eq!(lost, ["unset-variable apis/a \"v\""]);
    // Without `<base />` it is not there.
    let lost = with(&global, reads(""), None);
    assert_eq!(
        lost,
        ["missing-base apis/a inbound", "unset-variable apis/a \"v\""]
    );
    // An operation may set what its API reads behind it.
    let operation = document(&format!("{SET}<base />"), "<base />", "<base />");
    assert_eq!(with(GLOBAL, reads(""), Some(operation)), [""; 0]);
    // Without the policy of the service nothing is known.
    let alone = said(&[("apis/a/policy.xml", reads("<base />"))]);
    assert_eq!(alone, [""; 0]);
    // A fragment that is included reads what the document set.
    let include = "<include-fragment fragment-id=\"F\" />";
    let fragment = (
        "policyFragments/f/policy.xml",
        format!("<fragment>{READ}</fragment>"),
    );
    for (inbound, wanted) in [
        (format!("{SET}{include}"), vec![]),
        (
            include.to_owned(),
            vec!["unset-variable apis/a include-fragment"],
        ),
    ] {
        let files = [
            ("policy.xml", GLOBAL.to_owned()),
            ("apis/a/policy.xml", document(&inbound, "", "")),
            fragment.clone(),
        ];
        assert_eq!(said(&files), wanted);
    }
    // One that is not there may set anything.
    let files = [
        ("policy.xml", GLOBAL.to_owned()),
        (
            "apis/a/policy.xml",
            document(&format!("{include}{READ}"), "", ""),
        ),
    ];
    assert_eq!(said(&files), [""; 0]);
}

#[test]
fn errors_may_come_anywhere() {
    let read = document(&format!("<base />{SET}"), "<base />", READ);
    let files = [
        ("policy.xml", GLOBAL.to_owned()),
        ("apis/a/policy.xml", read),
    ];
    assert_eq!(said(&files), [""; 0]);
    let read = document("<base />", "<base />", READ);
    let files = [
        ("policy.xml", GLOBAL.to_owned()),
        ("apis/a/policy.xml", read),
    ];
    assert_eq!(said(&files), ["unset-variable apis/a \"v\""]);
}

#[test]
fn types_are_known_where_all_paths_agree() {
    let number = "<set-variable name=\"v\" value=\"@(1)\" />";
    let branch = format!("<choose><when condition=\"@(true)\">{number}</when></choose>");
    for (inbound, wanted) in [
        (
            format!("{number}{READ}"),
            vec!["variable-type apis/a \"v\""],
        ),
        (
            format!("{SET}{number}{READ}"),
            vec!["variable-type apis/a \"v\""],
        ),
        (format!("{number}{SET}{READ}"), vec![]),
        (format!("{SET}{branch}{READ}"), vec![]),
        (
            "<set-variable name=\"n\" value=\"@(1L)\" /><set-variable name=\"m\" \
             value=\"@(context.Variables.GetValueOrDefault<long?>(\"n\", 2) ?? 3L)\" />"
                .to_owned(),
            vec![],
        ),
    ] {
        assert_eq!(api(&inbound, ""), wanted, "{inbound}");
    }
}

#[test]
fn what_ends_a_request_ends_what_is_behind_it() {
    let end = "<return-response />";
    let always = format!(
        "<choose><when condition=\"@(true)\">{end}</when><otherwise>{end}</otherwise></choose>"
    );
    for (inbound, wanted) in [
        (
            format!("{end}<set-method>GET</set-method>"),
            vec!["unreachable-policy apis/a set-method"],
        ),
        (
            format!("{always}<set-method>GET</set-method>"),
            vec!["unreachable-policy apis/a set-method"],
        ),
        (format!("<set-method>GET</set-method>{end}"), vec![]),
        (
            format!(
                "<choose><when condition=\"@(true)\">{end}</when></choose><set-method>GET</set-method>"
            ),
            vec![],
        ),
        (format!("{end}<base />"), vec![]),
    ] {
        assert_eq!(api(&inbound, ""), wanted, "{inbound}");
    }
}

#[test]
fn products_are_alternatives() {
    let product = |inbound: &str| document(&format!("<base />{inbound}"), "<base />", "<base />");
    let reads = document(&format!("<base />{READ}"), "<base />", "<base />");
    let files = [
        ("policy.xml", GLOBAL.to_owned()),
        ("products/p/policy.xml", product(SET)),
        ("products/q/policy.xml", product("")),
        ("apis/a/policy.xml", reads),
    ];
    assert_eq!(said(&files), [""; 0]);
    // What a product reads may be set by an API that runs before it.
    let files = [
        ("policy.xml", GLOBAL.to_owned()),
        ("products/p/policy.xml", product(READ)),
        (
            "apis/a/policy.xml",
            document(&format!("{SET}<base />"), "<base />", "<base />"),
        ),
    ];
    assert_eq!(said(&files), [""; 0]);
}

#[test]
fn fragments_that_include_each_other_are_found_once() {
    let fragment =
        |name: &str| format!("<fragment><include-fragment fragment-id=\"{name}\" /></fragment>");
    let files = [
        ("policyFragments/a/policy.xml", fragment("b")),
        ("policyFragments/b/policy.xml", fragment("c")),
        ("policyFragments/c/policy.xml", fragment("a")),
    ];
    assert_eq!(
        said(&files),
        ["fragment-cycle policyFragments/c include-fragment"]
    );
}

fn facts(text: &str, scope: Scope) -> Facts {
    let mut findings = Findings::from(Vec::new());
    let document = parse(FileId(0), text, Root::Policies, 256, &mut findings);
    let setting = Setting {
        scope: Some(scope),
        ..Setting::default()
    };
    check(&document, setting, &mut findings)
}

/// Steps that an API takes with so many policies, and so many operations.
fn steps(policies: usize, operations: usize) -> u64 {
    let many: String = (0..policies)
        .map(|n| format!("<set-header name=\"h{n}\"><value>x</value></set-header>"))
        .collect();
    let own = facts(&document(&many, "", ""), Scope::Api);
    let operation = facts(
        &document("<base /><set-method>GET</set-method>", "", ""),
        Scope::Operation,
    );
    let service = Service {
        area: Area {
            apis: vec![Api {
                policy: Some(&own),
                operations: vec![&operation; operations],
                ..Api::default()
            }],
            ..Area::default()
        },
        ..Service::default()
    };
    let budget = Budget::default();
    let mut findings = Findings::new(&budget, &Limits::default());
    compose(&service, &mut findings);
    drop(findings);
    budget.spent()
}

#[test]
fn operations_do_not_repeat_the_policies_of_their_api() {
    let (one, many) = (steps(2_000, 1), steps(2_000, 5_000));
    assert!(many - one < 5_000 * 60, "{one} {many}");
}

#[test]
fn fragments_that_multiply_end_with_the_budget() {
    let mut files: Vec<(String, String)> = (0..9)
        .map(|n| {
            let include = format!("<include-fragment fragment-id='f{}' />", n + 1);
            (
                format!("policyFragments/f{n}/policy.xml"),
                format!("<fragment>{}</fragment>", include.repeat(20)),
            )
        })
        .collect();
    files.push((
        "apis/a/policy.xml".to_owned(),
        document("<include-fragment fragment-id='f0' />", "", ""),
    ));
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let limits = Limits {
        max_steps: 1_000_000,
        ..Limits::default()
    };
    let budget = Budget::new(&limits);
    let mut findings = Findings::new(&budget, &limits);
    assert!(budget.bound(|| found(&files, &mut findings)).is_err());
}

#[test]
fn deep_nesting_is_walked() {
    let deep = format!(
        "{}{SET}{}",
        "<choose><when condition=\"@(true)\">".repeat(120),
        "</when></choose>".repeat(120)
    );
    assert_eq!(api(&format!("{deep}{READ}"), ""), [""; 0]);
}

#[test]
fn only_what_azure_refuses_is_an_error() {
    let own = crate::rules::ALL.iter().filter(|rule| rule.code.0 >= 3024);
    let errors = own.filter(|rule| rule.severity == Severity::Error);
    let names: Vec<_> = errors.map(|rule| rule.name).collect();
    assert_eq!(names, ["fragment-cycle"]);
}
