//! What is said of the thing that somebody points at.

use crate::{Root, describe, parse};
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;

/// What is said where `|` stands in `text`.
fn at(text: &str) -> Option<(String, String)> {
    let at = text.find('|').expect("a place");
    let text = text.replacen('|', "", 1);
    let mut findings = Findings::from(Vec::new());
    let document = parse(FileId(0), &text, Root::Policies, 64, &mut findings);
    let meter = findings.budget().meter();
    let described = describe(&document, at as u32, &meter)?;
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
