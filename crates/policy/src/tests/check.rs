//! What is found in policies that people wrote wrong, and what is let through.

use crate::{Root, Scope, Setting, check, parse};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings, Place};

/// Code, text and help of each finding.
fn found(text: &str, root: Root) -> Vec<(u16, String, String)> {
    let mut findings = Findings::from(Vec::new());
    let document = parse(FileId(0), text, root, 256, &mut findings);
    let setting = Setting {
        scope: Some(Scope::Api),
        ..Setting::default()
    };
    check(&document, setting, &mut findings);
    let listed = findings.listed().iter();
    let listed = listed.map(|finding| {
        let Place::Span(span) = finding.place else {
            panic!("no span: {}", finding.message)
        };
        let at = text[span.start as usize..span.end as usize].to_owned();
        (
            finding.rule.code.0,
            at,
            finding.help.clone().unwrap_or_default(),
        )
    });
    listed.collect()
}

fn inbound(text: &str) -> Vec<(u16, String, String)> {
    found(
        &format!("<policies><inbound>{text}</inbound></policies>"),
        Root::Policies,
    )
}

#[test]
fn mistakes_are_found_where_they_are() {
    for (text, code, at, help) in [
        (
            "<set-headr name='a'><value>b</value></set-headr>",
            3004,
            "set-headr",
            "did you mean `<set-header>`?",
        ),
        (
            "<rate-limit calls='abc' renewal-period='60' />",
            3008,
            "abc",
            "",
        ),
        (
            "<set-variable name='a' value='@{ return 1 }' />",
            3017,
            "",
            "",
        ),
        (
            "<set-variable name='a' value='@(System.IO.File.ReadAllText(\"a\"))' />",
            3020,
            "",
            "",
        ),
        (
            "<azure-openai-token-limit counter-key='a' estimate-prompt-tokens='true' tokens-per-minute='1' consumed-tokens-header-name='b' />",
            3005,
            "consumed-tokens-header-name",
            "did you mean `tokens-consumed-header-name`?",
        ),
        (
            "<llm-token-limit counter-key='a' estimate-prompt-tokens='true' tokens-per-minute='1' consumed-tokens-variable-name='b' />",
            3005,
            "consumed-tokens-variable-name",
            "did you mean `tokens-consumed-variable-name`?",
        ),
        (
            "<mock-response status-code=\"@(200)\" />",
            3009,
            "@(200)",
            "",
        ),
        (
            "<cors><allowed-origins><origin>*</origin></allowed-origins>text</cors>",
            3013,
            "text",
            "",
        ),
        (
            "<set-variable name='a' value=\"@(1 <!-- one --> + 2)\" />",
            3017,
            "<!--",
            "",
        ),
        (
            "<choose><when condition=\"@(1)\" /></choose>",
            3021,
            "1",
            "",
        ),
        (
            "<set-variable name='a' value=\"@(context.Reqest)\" />",
            3018,
            "Reqest",
            "",
        ),
        (
            "<set-variable name='a' value=\"@(context.Reqest.Body &amp;&amp; true)\" />",
            3018,
            "Reqest",
            "",
        ),
        (
            "<set-variable name='a' value=\"@(&quot;a&quot; &amp; context.Reqest)\" />",
            3018,
            "Reqest",
            "",
        ),
        ("<forward-request />", 3010, "forward-request", ""),
        (
            "<quota calls='1' renewal-period='300' />",
            3011,
            "quota",
            "",
        ),
    ] {
        let all = inbound(text);
        let [(found, place, helped)] = all.as_slice() else {
            panic!("{text}: {all:?}");
        };
        assert_eq!(*found, code, "{text}");
        assert!(at.is_empty() || place == at, "{text}: at `{place}`");
        assert!(help.is_empty() || helped == help, "{text}: {helped}");
    }
    let text = "<policies><inboud><base /></inboud></policies>";
    let (code, at, help) = found(text, Root::Policies).remove(0);
    assert_eq!(
        (code, at.as_str(), help.as_str()),
        (3004, "inboud", "did you mean `<inbound>`?")
    );
    let text = "<fragment><base /></fragment>";
    assert_eq!(found(text, Root::Fragment)[0].0, 3007);
}

#[test]
fn what_is_not_known_is_let_through() {
    for text in [
        "<rate-limit calls='{{calls}}' renewal-period='60' />",
        "<set-body template='liquid'><a>{{body.x}} @(no code) {% if a %}</a></set-body>",
        "<set-body><soap:Envelope xmlns:soap='a'><b c='d' /></soap:Envelope></set-body>",
        "<set-header name='a' exists-action='Override'><value>b</value></set-header>",
        "<set-variable name='a' value='someone@(example' />",
        "<set-variable name='a' value='@((string)context.Variables[\"unset\"])' />",
        "<set-variable name='a' value='@(\"&lt;!-- text -->\" /* <!-- */)' />",
        "<choose><when condition='@(true)'><base /></when></choose>",
        "<set-body><![CDATA[@{ return \"<a>\" + 1; }]]></set-body>",
        "<return-response><include-fragment fragment-id='f' /></return-response>",
        "<mock-response status-code='200' />",
        "<rate-limit calls='1' renewal-period='60' xmlns:a='b' />",
    ] {
        assert_eq!(inbound(text), [], "{text}");
    }
}

/// What is nested too deep to be checked has a warning: the product makes a bundle.
#[test]
fn code_that_is_too_deep_is_in_doubt() {
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    let all = inbound(&format!(
        "<set-variable name='a' value='@({open}1{close})' />"
    ));
    let codes: Vec<_> = all.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, [3022]);
    let nested = ("<choose><when condition='@(true)'>", "</when></choose>");
    let text = format!("{}{}", nested.0.repeat(125), nested.1.repeat(125));
    assert_eq!(inbound(&text), []);
    let include = "<fragment><include-fragment fragment-id='f' /></fragment>";
    assert_eq!(found(include, Root::Fragment), []);
}

/// A name, and what makes the text of a size.
type Shape = (&'static str, fn(usize) -> String);

/// Twice the text takes at most 2.3 times the steps and the memory.
#[test]
fn every_shape_is_linear() {
    let shapes: [Shape; 14] = [
        ("policies", |n| {
            "<set-variable name='a' value='1' />".repeat(n)
        }),
        ("expressions", |n| {
            "<set-variable name='a' value='@(1 + 2)' />".repeat(n)
        }),
        ("unknown elements", |n| "<set-varable />".repeat(n)),
        ("unknown children", |n| {
            format!("<cors>{}</cors>", "<originn />".repeat(n))
        }),
        ("unknown attributes", |n| {
            let all: String = (0..n).map(|n| format!(" nme{n}=''")).collect();
            format!("<set-variable{all} />")
        }),
        ("known children", |n| {
            format!("<cors>{}</cors>", "<allowed-origins />".repeat(n))
        }),
        ("values", |n| {
            format!(
                "<set-header name='a'>{}</set-header>",
                "<value>@(\"a\")</value>".repeat(n)
            )
        }),
        ("texts", |n| {
            format!("<cors>{}</cors>", "a<!-- -->".repeat(n))
        }),
        ("limited policies", |n| "<cors /><quota />".repeat(n)),
        ("entities", |n| {
            format!(
                "<set-variable name='a' value='@(1{})' />",
                " &lt; 1".repeat(n)
            )
        }),
        ("sums", |n| {
            format!("<set-variable name='a' value='@(1{})' />", " + 1".repeat(n))
        }),
        ("parentheses", |n| {
            let (open, close) = ("(".repeat(n), ")".repeat(n));
            format!("<set-variable name='a' value='@({open}1{close})' />")
        }),
        ("calls", |n| {
            format!("<set-body>@(\"a\"{})</set-body>", ".Trim()".repeat(n))
        }),
        ("statements", |n| {
            format!(
                "<set-body>@{{ {} return \"\"; }}</set-body>",
                "var a = 1; ".repeat(n)
            )
        }),
    ];
    for (name, shape) in shapes {
        let cost = |n: usize| {
            let text = format!("<policies><inbound>{}</inbound></policies>", shape(n));
            let budget = Budget::default();
            let mut findings = Findings::new(&budget, &Limits::default());
            let document = parse(FileId(0), &text, Root::Policies, 256, &mut findings);
            check(&document, Setting::default(), &mut findings);
            drop(document);
            assert_eq!(budget.held(), 0, "{name}");
            (budget.spent() as f64, budget.peak() as f64)
        };
        let (once, twice) = (cost(2000), cost(4000));
        assert!(
            twice.0 < once.0 * 2.3 + 2000.0,
            "{name}: {once:?} then {twice:?}"
        );
        assert!(twice.1 < once.1 * 2.3, "{name}: {once:?} then {twice:?}");
    }
}

#[test]
fn hints_say_what_may_be_meant() {
    for (text, root, code, help) in [
        (
            "<policy><inbound /></policy>",
            Root::Policies,
            3002,
            "did you mean `<policies>`?",
        ),
        (
            "<fragmnt />",
            Root::Fragment,
            3002,
            "did you mean `<fragment>`?",
        ),
        (
            "<policies><inboud /></policies>",
            Root::Policies,
            3004,
            "did you mean `<inbound>`?",
        ),
        (
            "<policies><inbound><cors allow-credentials='ture'><allowed-origins><origin>*</origin>\
             </allowed-origins></cors></inbound></policies>",
            Root::Policies,
            3008,
            "did you mean `true`?",
        ),
    ] {
        let all = found(text, root);
        let is = |(own, _, hint): &(u16, String, String)| *own == code && hint == help;
        assert!(all.iter().any(is), "{text}: {all:?}");
    }
}

#[test]
fn tiers_have_gateways() {
    use crate::Gateway;
    for (tier, gateway) in [
        ("Developer", Some(Gateway::Classic)),
        ("premium", Some(Gateway::Classic)),
        ("StandardV2", Some(Gateway::V2)),
        ("Consumption", Some(Gateway::Consumption)),
        ("Gold", None),
    ] {
        assert_eq!(Gateway::of_tier(tier), gateway, "{tier}");
    }
}

#[test]
fn a_retired_policy_says_what_replaces_it() {
    let text = "<policies><backend><set-graphql-resolver parent-type='Query' field='a'>\
        <http-data-source><http-request><set-method>GET</set-method>\
        <set-url>https://example.org</set-url></http-request></http-data-source>\
        </set-graphql-resolver></backend></policies>";
    let all = found(text, Root::Policies);
    let [(code, at, help)] = all.as_slice() else {
        panic!("{all:?}");
    };
    assert_eq!((*code, at.as_str()), (3040, "set-graphql-resolver"));
    assert!(help.contains("`<http-data-source>`"), "{help}");
}
