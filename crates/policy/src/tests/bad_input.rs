//! Input that is wrong in a way that hides the rest: what is found first, and that what
//! stands behind it is read all the same.

use crate::{Root, Setting, check, parse, sniff};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings, Place};

/// Code and text of each finding, in the order of the text.
fn found(text: &str) -> Vec<(u16, String)> {
    let budget = Budget::default();
    let limits = Limits::default();
    let mut findings = Findings::new(&budget, &limits);
    let root = sniff(text).unwrap_or(Root::Policies);
    let document = parse(FileId(0), text, root, limits.max_depth, &mut findings);
    assert_eq!(document.print(), text);
    check(&document, Setting::default(), &mut findings);
    let mut places: Vec<_> = findings
        .listed()
        .iter()
        .map(|finding| {
            let Place::Span(span) = finding.place else {
                panic!("no span: {}", finding.message)
            };
            (span.start, span.end, finding.rule.code.0)
        })
        .collect();
    places.sort_unstable();
    let places = places.into_iter();
    places
        .map(|(start, end, code)| (code, text[start as usize..end as usize].to_owned()))
        .collect()
}

/// A mistake that is found wherever the rest is read.
const BEHIND: &str = "<set-headr name=\"a\"><value>b</value></set-headr>";

#[test]
fn show_me() {
    for inside in [
        "<rewrite-uri template=\"/a />",
        "<rewrite-uri template=\"/a' />",
        "<rewrite-uri template='/a\" />",
        "<rewrite-uri template=/a />",
        "<set-header name=\"a><value>b</value></set-header>",
        "<set-body>@{ return \"a\"; </set-body>",
        "<set-body>@{ if (context.Tracing) { return \"a\"; }</set-body>",
        "<set-body>@(\"a\"</set-body>",
        "<set-body>@((\"a\")</set-body>",
        "<set-body>@(\"a\"))</set-body>",
        "<set-body>@(\"a)</set-body>",
        "<set-body>@('a)</set-body>",
        "<set-body>@(@\"a)</set-body>",
        "<set-body>@($\"a{1)</set-body>",
        "<set-body>@(\"a\" /* b)</set-body>",
        "<set-body>@(new[] { \"a\" )</set-body>",
        "<set-body>@(context.Variables[\"a\" )</set-body>",
        "<set-variable name=\"a\" value=\"@(1\" />",
        "<set-variable name=\"a\" value=\"@(&quot;a)\" />",
        "<!-- a",
        "<![CDATA[ a",
        "<? a",
        "<set-body",
        "<set-body>",
        "<choose><when condition=\"@(true)\">",
        "</choose>",
        "<set-body>a\0b</set-body>",
        "<set-body>@(\"a\0b\")</set-body>",
        "<set-body>@(1 + \0 2)</set-body>",
        "<set-header name=\"a\0\" exists-action=\"delete\" />",
        "&bogus;",
        "<set-body>&#0;</set-body>",
    ] {
        let all = found(&format!(
            "<policies><inbound>{inside}{BEHIND}</inbound></policies>"
        ));
        println!("{inside:?}: {all:?}");
    }
    for text in [
        "openapi: 3.0.1\ninfo: {title: Orders}\n",
        "{\"openapi\": \"3.0.1\"}",
        "policies/shared.xml",
        "",
        "\u{feff}",
        "<",
        "<policies",
        "\0",
    ] {
        println!("{text:?}: {:?}", found(text));
    }
}
