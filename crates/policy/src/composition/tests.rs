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

#[test]
fn a_backend_that_gets_no_request_is_found_unless_policies_answer() {
    let with = |inbound: &str, backend: &str, outbound: &str| {
        let api =
            document(inbound, outbound, "<base />").replace("<backend><base /></backend>", backend);
        said(&[
            ("policy.xml", GLOBAL.to_owned()),
            ("apis/a/policy.xml", api),
        ])
    };
    let found = ["nothing-forwards apis/a backend"];
    let choose = "<choose><when condition=\"@(true)\"><return-response /></when></choose>";
    for (inbound, backend, outbound, wanted) in [
        ("<base />", "<backend />", "<base />", &found[..]),
        (
            "<base />",
            "<backend><forward-request /></backend>",
            "",
            &[],
        ),
        (
            "<base />",
            "<backend><retry condition=\"@(true)\" count=\"1\" interval=\"1\"><forward-request />\
             </retry></backend>",
            "",
            &[],
        ),
        (choose, "<backend />", "", &[]),
        ("<mock-response />", "<backend />", "", &[]),
        ("", "<backend />", "<set-body>x</set-body>", &[]),
        // A section that is not there: what happens then is not known.
        ("", "", "", &[]),
        // A fragment that is not there may forward.
        (
            "",
            "<backend><include-fragment fragment-id=\"f\" /></backend>",
            "",
            &[],
        ),
    ] {
        assert_eq!(
            with(inbound, backend, outbound),
            wanted,
            "{inbound} {backend} {outbound}"
        );
    }
}

#[test]
fn of_two_policies_one_may_have_no_effect() {
    let backend = |url: &str| format!("<set-backend-service base-url=\"{url}\" />");
    let (one, two) = (backend("https://one"), backend("https://two"));
    let cors = |terminates: &str| {
        format!(
            "<cors terminate-unmatched-request=\"{terminates}\"><allowed-origins><origin>*</origin>\
             </allowed-origins></cors>"
        )
    };
    let limit = |key: &str| {
        format!("<rate-limit-by-key calls=\"1\" renewal-period=\"1\" counter-key=\"{key}\" />")
    };
    let around =
        |inbound: &str| GLOBAL.replace("<inbound />", &format!("<inbound>{inbound}</inbound>"));
    let with = |outer: &str, inner: &str| {
        said(&[
            ("policy.xml", around(outer)),
            ("apis/a/policy.xml", document(inner, "<base />", "<base />")),
        ])
    };
    let after = |policy: &str| format!("<base />{policy}");
    let before = |policy: &str| format!("{policy}<base />");
    let branch =
        |policy: &str| format!("<choose><when condition=\"@(true)\">{policy}</when></choose>");
    for (outer, inner, wanted) in [
        (&*one, after(&two), vec![]),
        (
            &*one,
            before(&two),
            vec!["lost-backend apis/a set-backend-service"],
        ),
        (
            "",
            after(&format!("{one}{two}")),
            vec!["lost-backend apis/a set-backend-service"],
        ),
        ("", after(&format!("{one}{}", branch(&two))), vec![]),
        (
            &*cors("true"),
            after(&cors("true")),
            vec!["shadowed-cors apis/a cors"],
        ),
        (&*cors("false"), after(&cors("true")), vec![]),
        (
            &*cors("false"),
            before(&cors("true")),
            vec!["shadowed-cors apis/a cors"],
        ),
        (&*cors("true"), before(&cors("false")), vec![]),
        (
            &*limit("k"),
            after(&limit("k")),
            vec!["shared-counter apis/a rate-limit-by-key"],
        ),
        (
            &*limit("k"),
            before(&limit("k")),
            vec!["shared-counter apis/a rate-limit-by-key"],
        ),
        (&*limit("k"), after(&limit("l")), vec![]),
        (&*limit("k"), after(&branch(&limit("k"))), vec![]),
        (
            "<set-method>GET</set-method>",
            "<base /><base />".to_owned(),
            vec!["repeated-base apis/a base"],
        ),
        (
            "<set-method>GET</set-method>",
            format!("{}{}", branch("<base />"), branch("<base />")),
            vec![],
        ),
    ] {
        assert_eq!(with(outer, &inner), wanted, "{outer} {inner}");
    }
}

#[test]
fn caches_have_two_halves() {
    let lookup = "<cache-lookup vary-by-developer=\"false\" vary-by-developer-groups=\"false\" />";
    let store = "<cache-store duration=\"1\" />";
    assert_eq!(api(lookup, store), [""; 0]);
    assert_eq!(api(lookup, ""), ["cache-half apis/a cache-lookup"]);
    assert_eq!(api("", store), ["cache-half apis/a cache-store"]);
    // An operation may bring the other half.
    let operation = document("<base />", &format!("<base />{store}"), "<base />");
    let files = [
        ("policy.xml", GLOBAL.to_owned()),
        ("apis/a/policy.xml", document(lookup, "", "")),
        ("apis/a/operations/o/policy.xml", operation),
    ];
    assert_eq!(said(&files), [""; 0]);
}

#[test]
fn fragments_stand_where_their_policies_may() {
    let files = |fragment: &str, place: &str| {
        let api = match place {
            "inbound" => document("<include-fragment fragment-id=\"f\" />", "", ""),
            _ => document("", "<include-fragment fragment-id=\"f\" />", ""),
        };
        said(&[
            ("policy.xml", GLOBAL.to_owned()),
            ("apis/a/policy.xml", api),
            (
                "policyFragments/f/policy.xml",
                format!("<fragment>{fragment}</fragment>"),
            ),
        ])
    };
    let ip = "<ip-filter action=\"allow\"><address>1.2.3.4</address></ip-filter>";
    assert_eq!(files(ip, "inbound"), [""; 0]);
    let wanted = ["misplaced-fragment apis/a include-fragment"];
    assert_eq!(files(&format!("{ip}{ip}"), "outbound"), wanted);
    let quota = "<quota calls=\"1\" renewal-period=\"300\" />";
    assert_eq!(files(quota, "inbound"), wanted);
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

mod properties {
    use super::{GLOBAL, said};
    use proptest::prelude::*;

    /// What a section may hold.
    fn content() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("<base />".to_owned()),
            "[ab]".prop_map(|name| format!("<set-variable name=\"{name}\" value=\"x\" />")),
            "[abc]".prop_map(|name| format!(
                "<set-method>@((string)context.Variables[\"{name}\"])</set-method>"
            )),
            "[fgh]".prop_map(|name| format!("<include-fragment fragment-id=\"{name}\" />")),
            Just("<return-response />".to_owned()),
            Just("<cors><allowed-origins><origin>*</origin></allowed-origins></cors>".to_owned()),
            Just("<set-backend-service base-url=\"https://a\" />".to_owned()),
            Just("<cache-store duration=\"1\" />".to_owned()),
            Just(
                "<wait for=\"all\"><choose><when condition=\"@(true)\" /></choose></wait>"
                    .to_owned()
            ),
        ];
        let nested = leaf.prop_recursive(3, 12, 4, |inner| {
            (proptest::collection::vec(inner, 0..4), any::<bool>()).prop_map(|(parts, all)| {
                let otherwise = if all {
                    "<otherwise><return-response /></otherwise>"
                } else {
                    ""
                };
                let parts = parts.concat();
                format!("<choose><when condition=\"@(true)\">{parts}</when>{otherwise}</choose>")
            })
        });
        proptest::collection::vec(nested, 0..5).prop_map(|parts| parts.concat())
    }

    fn document() -> impl Strategy<Value = String> {
        (content(), content(), content()).prop_map(|(inbound, outbound, on_error)| {
            super::document(&inbound, &outbound, &on_error)
        })
    }

    proptest! {
        #[test]
        fn an_operation_that_inherits_all_changes_nothing(
            outer in document(), product in document(), api in document(),
            f in content(), g in content()
        ) {
            let mut files = vec![
                ("policy.xml", outer.replace("<backend><base />", "<backend><forward-request />")),
                ("products/p/policy.xml", product),
                ("apis/a/policy.xml", api),
                ("policyFragments/f/policy.xml", format!("<fragment>{f}</fragment>")),
                ("policyFragments/g/policy.xml", format!("<fragment>{g}</fragment>")),
            ];
            let without = said(&files);
            let base = "<base />";
            files.push(("apis/a/operations/o/policy.xml", super::document(base, base, base)));
            prop_assert_eq!(said(&files), without);
        }

        #[test]
        fn is_total(text in "(<[a-z/-]{1,9}|[>/ \"'=@(){}]|<base />|<choose>|<when>|<wait>|<otherwise>){0,20}") {
            let text = format!("<policies><inbound>{text}");
            let files = [("policy.xml", GLOBAL), ("apis/a/policy.xml", text.as_str())];
            let mut findings = flux_apim_diag::Findings::from(Vec::new());
            crate::tests::project::found(&files, &mut findings);
        }
    }
}
