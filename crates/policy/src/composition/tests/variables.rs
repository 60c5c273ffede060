//! Variables that are read.

use super::{GLOBAL, READ, SET, api, document, said};

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
        (
            format!(
                "{number}<set-body>@(string.Join(\"\", \
                 (string[])context.Variables[\"v\"]))</set-body>"
            ),
            vec!["variable-type apis/a \"v\""],
        ),
        (
            format!(
                "{number}<choose><when condition=\"@(context.Variables.GetValueOrDefault<bool>(\"v\"))\" \
                 /></choose>"
            ),
            vec!["variable-type apis/a \"v\""],
        ),
        (
            format!(
                "{number}<set-body>@(context.Variables.GetValueOrDefault(\"v\", \"none\"))</set-body>"
            ),
            vec!["variable-type apis/a \"v\""],
        ),
        // `as` and `is` ask, and do not fail.
        (
            format!(
                "{number}<set-body>@(context.Variables[\"v\"] as string ?? \"none\")</set-body>"
            ),
            vec![],
        ),
        (
            format!(
                "{number}<choose><when condition=\"@(context.Variables[\"v\"] is string)\" /></choose>"
            ),
            vec![],
        ),
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

/// A service whose policy is not among the sources hides nothing that is set behind its
/// `<base />`.
#[test]
fn what_is_set_behind_what_is_not_known_is_known() {
    let number = "<set-variable name=\"v\" value=\"@(1)\" />";
    let missing = "<include-fragment fragment-id=\"none\" />";
    let fails = vec!["variable-type apis/a \"v\""];
    for (inbound, wanted) in [
        (format!("<base />{number}{READ}"), fails.clone()),
        (format!("{missing}{number}{READ}"), fails.clone()),
        (
            format!("<base /><choose><when condition=\"@(true)\">{number}{READ}</when></choose>"),
            fails.clone(),
        ),
        (
            format!(
                "<base /><choose><when condition=\"@(true)\">{number}</when>\
                 <otherwise>{missing}{number}</otherwise></choose>{READ}"
            ),
            fails.clone(),
        ),
        (format!("{number}<base />{READ}"), vec![]),
        (format!("{number}{missing}{READ}"), vec![]),
        (
            format!("{number}<choose><when condition=\"@(true)\">{missing}</when></choose>{READ}"),
            vec![],
        ),
        (
            format!(
                "<base /><choose><when condition=\"@(true)\">{number}</when>\
                 <otherwise>{number}{missing}</otherwise></choose>{READ}"
            ),
            vec![],
        ),
    ] {
        let files = [("apis/a/policy.xml", document(&inbound, "", ""))];
        assert_eq!(said(&files), wanted, "{inbound}");
    }
}
