//! Policies that have no effect, or not the one that is meant.

use super::{GLOBAL, api, document, said};

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
