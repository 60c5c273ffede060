//! What is said of the thing that somebody points at.

use crate::{Around, Root, Scope, Setting, check, describe, parse, sniff};
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;

/// What is said where `|` stands in `text`.
fn at(text: &str) -> Option<(String, String)> {
    at_with(text, &Around::default())
}

fn at_with(text: &str, around: &Around<'_>) -> Option<(String, String)> {
    let at = text.find('|').expect("a place");
    let text = text.replacen('|', "", 1);
    let mut findings = Findings::from(Vec::new());
    let root = sniff(&text).unwrap_or(Root::Policies);
    let document = parse(FileId(0), &text, root, 64, &mut findings);
    let meter = findings.budget().meter();
    let described = describe(&document, at as u32, around, &meter)?;
    let span = described.span;
    let part = text[span.start as usize..span.end as usize].to_owned();
    Some((part, described.text))
}

#[test]
fn elements_attributes_and_code_are_described() {
    let of = |inside: &str| at(&format!("<policies><inbound>{inside}</inbound></policies>"));
    for (text, part, says) in [
        (
            "<ra|te-limit calls=\"1\" renewal-period=\"2\" />",
            "rate-limit",
            "sections: inbound",
        ),
        ("<rate-limit ca|lls=\"1\" />", "calls=\"1\"", "whole number"),
        ("<rate-limit calls=\"|1\" />", "calls=\"1\"", "required"),
        (
            "<set-body>@(con|text.Request.Method)</set-body>",
            "context",
            "IProxyRequestContext",
        ),
        (
            "<set-header name=\"@(context.Request.Meth|od)\" />",
            "context.Request.Method",
            "string",
        ),
        (
            "<set-body>@(context.Request.Headers[&quot;a&quot;].Len|gth > 1)</set-body>",
            "context.Request.Headers[&quot;a&quot;].Length",
            "int",
        ),
    ] {
        let (shown, said) = of(text).unwrap_or_else(|| panic!("nothing of {text}"));
        assert_eq!(shown, part, "{text}");
        assert!(said.contains(says), "{text}: {said}");
    }
    for nothing in [
        "| ",
        "<nothing-known|/>",
        "<set-body>a|b</set-body>",
        "@(1 +|",
    ] {
        assert_eq!(of(nothing), None, "{nothing}");
    }
}

#[test]
fn every_place_of_a_broken_policy_has_an_answer_or_none() {
    let text =
        "\u{feff}<policies>\r\n<inbound><set-body>@{ var a = \"é\" retrn a; }</set-body><a b=<c>@(";
    for (index, _) in text.char_indices() {
        at(&format!("{}|{}", &text[..index], &text[index..]));
    }
}

#[test]
fn a_variable_is_described_by_what_sets_it() {
    let of = |inside: &str| {
        let (part, says) = at(&format!("<policies><inbound>{inside}</inbound></policies>"))
            .unwrap_or_else(|| panic!("nothing of {inside}"));
        assert_eq!(part.trim_matches('"'), "a", "{inside}");
        says
    };
    let read = "<set-body>@((string)context.Variables[\"|a\"])</set-body>";
    let set = |value: &str| format!("<set-variable name=\"a\" value=\"{value}\" />");
    for (before, says) in [
        (set("text"), "holds a `string` on every path"),
        (set("@(1)"), "holds a `int` on every path"),
        (set("1") + &set("@(context.Tracing)"), "holds a `bool`"),
        (
            "<send-request response-variable-name=\"a\" />".to_owned(),
            "holds a `IResponse`",
        ),
        (
            format!(
                "<choose><when condition=\"@(true)\">{}</when><otherwise>{}</otherwise></choose>",
                set("@(1)"),
                set("@(2)")
            ),
            "holds a `int` on every path",
        ),
        (
            format!(
                "<choose><when condition=\"@(true)\">{}</when><otherwise>{}</otherwise></choose>",
                set("@(1)"),
                set("b")
            ),
            "to what type is not known",
        ),
        (
            format!(
                "<choose><when condition=\"@(true)\">{}</when></choose>",
                set("@(1)")
            ),
            "may be set before this",
        ),
        ("<base />".to_owned(), "may be set before this"),
        (String::new(), "is not set before this"),
    ] {
        let says_it = of(&format!("{before}{read}"));
        assert!(says_it.contains(says), "{before}: {says_it}");
    }
    let asked = "<set-body>@(context.Variables.GetValueOrDefault<string>(\"|a\"))</set-body>";
    let says = of(&format!("{}{asked}", set("@(1)")));
    assert!(says.contains("holds a `int`"), "{says}");
}

#[test]
fn a_variable_is_described_by_what_scopes_and_fragments_set() {
    let facts = |file: u32, text: &str| {
        let mut findings = Findings::from(Vec::new());
        let root = sniff(text).expect("a policy");
        let document = parse(FileId(file), text, root, 64, &mut findings);
        check(&document, Setting::default(), &mut findings)
    };
    let set = |value: &str| format!("<set-variable name='a' value='{value}' />");
    let inbound = |inside: &str| {
        facts(
            1,
            &format!("<policies><inbound>{inside}</inbound></policies>"),
        )
    };
    let number = inbound(&set("@(1)"));
    let text = inbound(&format!("<base />{}", set("text")));
    let nothing = inbound("");
    let fragment = facts(2, &format!("<fragment>{}</fragment>", set("@(1.5)")));
    let read = "<base /><set-body>@((string)context.Variables[\"|a\"])</set-body>";
    let operation = format!("<policies><inbound>{read}</inbound></policies>");
    let including = format!(
        "<policies><inbound>{}</inbound></policies>",
        read.replace("<base />", "<include-fragment fragment-id='f' />")
    );
    let of = |document: &str, around: &Around<'_>| at_with(document, around).expect("it").1;
    let service = Around {
        scope: Some(Scope::Operation),
        service: Some(&number),
        ..Around::default()
    };
    assert!(of(&operation, &service).contains("holds a `int` on every path"));
    let api = Around {
        api: Some(&text),
        ..service.clone()
    };
    assert!(of(&operation, &api).contains("holds a `string`"));
    let not_set = Around {
        service: Some(&nothing),
        ..service.clone()
    };
    assert!(of(&operation, &not_set).contains("is not set before this"));
    // A product may be there or not.
    let product = Around {
        products: vec![Some(&text)],
        ..service.clone()
    };
    assert!(of(&operation, &product).contains("may be set before this"));
    let workspace = Around {
        workspace: Some(&text),
        ..service.clone()
    };
    assert!(of(&operation, &workspace).contains("holds a `string`"));
    let fragments = Around {
        fragments: vec![("f", &fragment)],
        ..service
    };
    assert!(of(&including, &fragments).contains("holds a `double`"));
    // In a fragment nothing is known of who includes it.
    let alone = format!("<fragment>{}</fragment>", read.replace("<base />", ""));
    assert!(of(&alone, &Around::default()).contains("may be set before this"));
    let own = format!(
        "<fragment>{}{}</fragment>",
        set("@(1)"),
        read.replace("<base />", "")
    );
    assert!(of(&own, &Around::default()).contains("holds a `int`"));
}
