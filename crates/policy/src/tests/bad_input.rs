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

/// Each with the code and the text of what is found first; what stands behind it is read.
#[test]
fn what_is_not_closed_does_not_hide_the_rest() {
    for (inside, code, at) in [
        // Quotes.
        ("<rewrite-uri template=\"/a />", 3001, "\""),
        ("<rewrite-uri template=\"/a' />", 3001, "\""),
        ("<rewrite-uri template='/a\" />", 3001, "'"),
        (
            "<set-header name=\"a><value>b</value></set-header>",
            3001,
            "\"",
        ),
        ("<set-body>@(\"a)</set-body>", 3001, "@("),
        ("<set-body>@('a)</set-body>", 3001, "@("),
        ("<set-body>@(@\"a)</set-body>", 3001, "@("),
        (
            "<set-variable name=\"a\" value=\"@(&quot;a)\" />",
            3001,
            "@(",
        ),
        // Braces and parentheses.
        ("<set-body>@{ return \"a\"; </set-body>", 3001, "@{"),
        (
            "<set-body>@{ if (context.Tracing) { return \"a\"; }</set-body>",
            3001,
            "@{",
        ),
        ("<set-body>@(\"a\"</set-body>", 3001, "@("),
        ("<set-body>@((\"a\")</set-body>", 3001, "@("),
        ("<set-body>@(new[] { \"a\" )</set-body>", 3001, "@("),
        (
            "<set-body>@(context.Variables[\"a\" )</set-body>",
            3001,
            "@(",
        ),
        ("<set-body>@($\"a{1)</set-body>", 3001, "@("),
        ("<set-variable name=\"a\" value=\"@(1\" />", 3001, "@("),
        // Comments of C#, tags, references, characters that XML has not.
        ("<set-body>@(\"a\" /* b)</set-body>", 3001, "@("),
        ("</choose>", 3001, "</choose>"),
        ("&bogus;", 3003, "&bogus;"),
        ("<set-body>a\0b</set-body>", 3001, "\0"),
        ("<set-body>@(\"a\0b\")</set-body>", 3001, "\0"),
        (
            "<set-header name=\"a\u{1}\" exists-action=\"delete\" />",
            3001,
            "\u{1}",
        ),
    ] {
        let text = format!("<policies><inbound>{inside}{BEHIND}</inbound></policies>");
        let all = found(&text);
        assert_eq!(
            all.first(),
            Some(&(code, at.to_owned())),
            "{inside}: {all:?}"
        );
        let behind = (3004, "set-headr".to_owned());
        assert!(all.contains(&behind), "{inside}: {all:?}");
    }
}

/// What goes on to the end of the document is found where it begins.
#[test]
fn what_never_ends_is_found_where_it_begins() {
    for (inside, at) in [
        ("<!-- a", "<!"),
        ("<![CDATA[ a", "<!"),
        ("<? a", "<?"),
        ("<set-body", "<set-body"),
    ] {
        let text = format!("<policies><outbot /><inbound>{inside}{BEHIND}</inbound></policies>");
        let all = found(&text);
        assert_eq!(all[0], (3004, "outbot".to_owned()), "{inside}");
        assert_eq!(all[1], (3001, at.to_owned()), "{inside}: {all:?}");
    }
    for inside in ["<set-body>", "<choose><when condition=\"@(true)\">"] {
        let text = format!("<policies><inbound>{inside}{BEHIND}</inbound><outbot /></policies>");
        let all = found(&text);
        let closed_by_another = (3001, "</inbound>".to_owned());
        assert!(all.contains(&closed_by_another), "{inside}: {all:?}");
        assert!(
            all.contains(&(3004, "outbot".to_owned())),
            "{inside}: {all:?}"
        );
    }
}

#[test]
fn other_files_are_no_policies() {
    for text in [
        "openapi: 3.0.1\ninfo: {title: Orders}",
        "{\"openapi\": \"3.0.1\"}",
        "policies/shared.xml",
        "<policies",
        "",
    ] {
        assert_eq!(found(text), [(3001, text.to_owned())], "{text}");
    }
}

/// 10^5 levels are one finding, an attribute of 10 MB is read, and what stands behind both
/// is checked.
#[test]
fn much_of_everything_is_read() {
    let many = |what: &str| what.repeat(100_000);
    let after = "</policies>";
    for (inside, code) in [
        (
            format!("<set-body>@({}1{})</set-body>", many("("), many(")")),
            3022,
        ),
        (
            format!("<set-body>@{{{}{}}}</set-body>", many("{"), many("}")),
            3022,
        ),
        (
            format!(
                "<set-body>@({}1{})</set-body>",
                "Math.Max(".repeat(10_000),
                ",2)".repeat(10_000)
            ),
            3022,
        ),
    ] {
        let text = format!("<policies><inbound>{inside}{BEHIND}</inbound>{after}");
        let codes: Vec<u16> = found(&text).iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [code, 3004]);
    }
    let nested = format!(
        "<policies><inbound>{}{after}",
        many("<choose><when condition=\"@(true)\">")
    );
    assert_eq!(found(&nested)[0].0, 1006);
    let long = "a".repeat(10 << 20);
    let text = format!(
        "<policies><inbound><set-header name=\"{long}\" exists-action=\"delete\" />{BEHIND}</inbound>{after}"
    );
    assert_eq!(found(&text), [(3004, "set-headr".to_owned())]);
}

/// Types that grow without end, and overloads that multiply, end.
#[test]
fn code_that_explodes_ends() {
    for code in [
        "int F<T>(T x) => F(new List<T>()); return F(1);",
        "int F<T>(T x) { return G(new Dictionary<T, T>()); } int G<T>(T x) => F(new[] { x }); return F(1);",
        "Func<int, int> f = null; f = x => f(f(f(f(f(f(f(f(x)))))))); return 1;",
    ] {
        let text = format!(
            "<policies><inbound><set-variable name='a' value='@{{{}}}' />{BEHIND}</inbound></policies>",
            code.replace('<', "&lt;")
        );
        let all = found(&text);
        assert_eq!(all.last(), Some(&(3004, "set-headr".to_owned())), "{all:?}");
    }
}
