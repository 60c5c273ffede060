//! What the reader makes of texts.

use super::published;
use crate::{Document, NodeKind, ReferenceKind, Root, parse, references};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Diagnostic, Findings, Place};
use proptest::prelude::*;

/// A name, and what makes the text of a size.
type Shape = (&'static str, fn(usize) -> String);

fn read(text: &str, max_depth: u64) -> (Document<'_>, Vec<Diagnostic>) {
    let mut findings = Findings::from(Vec::new());
    let document = parse(FileId(0), text, Root::Policies, max_depth, &mut findings);
    (document, findings.listed().to_vec())
}

fn found(text: &str) -> Vec<(u16, String)> {
    let (_, findings) = read(text, 256);
    findings
        .into_iter()
        .map(|finding| {
            let Place::Span(span) = finding.place else {
                panic!("no span")
            };
            let at = text[span.start as usize..span.end as usize].to_owned();
            (finding.rule.code.0, at)
        })
        .collect()
}

#[test]
fn what_apim_accepts() {
    for text in [
        "<policies/>",
        "\u{feff}<?xml version=\"1.0\"?><!-- a --><policies><inbound /></policies>\n",
        r#"<policies><when condition="@(x["a"] == "b" && 1 < 2)"><base /></when></policies>"#,
        r#"<policies><when condition="@(x[&quot;)&quot;] &lt; 2)"/></policies>"#,
        "<policies><set-body>@{ if (a < b) { return \"</x>\"; } return null; }</set-body></policies>",
        "<policies><set-url>https://a/?b=1&c=2</set-url></policies>",
        "<policies><value><![CDATA[a < b]]></value></policies>",
        "<policies><value>someone@(example</value></policies>",
        "<policies><!--><\"--><base /></policies>",
        "<policies><!-->--><!---></x>--><base /></policies>",
        "<policies><?><?><base /></policies>",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn what_is_refused() {
    for (text, code, at) in [
        ("", 3001, ""),
        ("<policies>", 3001, ""),
        ("<policies><a></policies>", 3001, "</policies>"),
        ("<policies></policies><x/>", 3001, "<x"),
        ("<policies a='1' a='2'/>", 3001, "2"),
        ("<policies a=1/>", 3001, "a="),
        ("<policies><a b=\"@(1\"/></policies>", 3001, "@("),
        ("<policies>&nbsp;</policies>", 3003, "&nbsp;"),
        ("<!DOCTYPE x><policies/>", 3003, "<!"),
        ("<fragment/>", 3002, "fragment"),
        ("<policies/> text", 3001, "text"),
        ("<policies><!--></policies>", 3001, "<!"),
        ("<policies><?></policies>", 3001, "<?"),
    ] {
        assert_eq!(found(text), [(code, at.to_owned())], "{text}");
    }
    let deep = "<a>".repeat(100_000);
    let (_, findings) = read(&deep, 256);
    assert_eq!(findings[0].rule.code.0, 1006);
}

/// One mistake does not hide the next.
#[test]
fn what_is_wrong_is_found_in_one_go() {
    let text = "<policies>
    <inbound>
        <set-header name=\"a\" name=\"b\"><value>@(context.Request.Url(</value></set-header>
        <when condition=\"@(a(b)\"><base /></whn>
        <rewrite-uri template=/x />
        <base>&nbsp;</outbound>
        a < b
    </inbound>
</policies>
text";
    let all: Vec<_> = found(text).into_iter().map(|(_, at)| at).collect();
    assert_eq!(
        all,
        [
            "b",
            "@(",
            "@(",
            "</whn>",
            "template=",
            "&nbsp;",
            "</outbound>",
            "<",
            "</inbound>",
            "text"
        ]
    );
}

/// What the reader keeps is all there was: each part begins where the one before ends.
fn is_whole(document: &Document<'_>) -> Result<(), String> {
    if document.print() != document.text() {
        return Err("printed otherwise".to_owned());
    }
    let mut at = 0;
    for id in document.top() {
        let span = document.span(*id);
        if span.start != at {
            return Err(format!("a gap at {at}"));
        }
        at = span.end;
    }
    if at as usize != document.text().len() {
        return Err(format!("an end at {at}"));
    }
    for element in document.elements() {
        let whole = document.span(element.node);
        let mut at = element.opening.end;
        for child in document.children(element.node) {
            let span = document.span(child);
            if span.start != at || document.node(child).parent != Some(element.node) {
                return Err(format!("a gap at {at} in {}", element.name));
            }
            at = span.end;
        }
        if at != element.closing.map_or(whole.end, |closing| closing.start) {
            return Err(format!("an end at {at} in {}", element.name));
        }
        for attribute in document.attributes(element) {
            let mut at = attribute.span.start;
            for piece in document.pieces(attribute) {
                if piece.extent.start != at {
                    return Err(format!("a gap at {at} of {}", attribute.name));
                }
                at = piece.extent.end;
            }
            if at != attribute.span.end {
                return Err(format!("an end at {at} of {}", attribute.name));
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_named() {
    let text = r#"<policies>
        <!-- {{comment}} --><include-fragment fragment-id="f" />
        <set-backend-service backend-id="@(x)" /><set-backend-service backend-id="{{n}}" />
        <set-header name="x"><value>@("{{in-c}}" + 1)</value></set-header>
        <set-body template="liquid"><a>{{body.x}}</a></set-body><value>{{ not a name }}</value>
    </policies>"#;
    let (document, findings) = read(text, 256);
    assert!(findings.is_empty());
    let named: Vec<_> = references(&document, &Budget::default().meter())
        .into_iter()
        .map(|r| (r.kind, r.name))
        .collect();
    assert_eq!(
        named,
        [
            (ReferenceKind::Fragment, "f".to_owned()),
            (ReferenceKind::BackendOfNamedValue, "n".to_owned()),
            (ReferenceKind::NamedValue, "n".to_owned()),
            (ReferenceKind::NamedValue, "in-c".to_owned()),
        ]
    );
}

/// What a text holds that is no expression is text, wherever it stands.
#[test]
fn expressions_among_those_that_do_not_end() {
    let inner = "a @( b @( c @(\"</x>\") d @{ e @( f";
    let text = format!("<policies><value>{inner}</value></policies>");
    let (document, findings) = read(&text, 256);
    assert!(findings.is_empty(), "{findings:#?}");
    let value = document.elements()[1].node;
    let parts: String = document
        .children(value)
        .map(|id| document.source(id))
        .collect();
    assert_eq!(parts, inner);
    let kinds = document.children(value).map(|id| document.node(id).kind);
    let expressions = kinds.filter(|kind| matches!(kind, NodeKind::Expression(_)));
    assert_eq!(expressions.count(), 1);
}

/// Twice the text takes at most 2.3 times the steps and the memory.
#[test]
fn every_shape_is_linear() {
    let shapes: [Shape; 24] = [
        ("endless", |n| format!("<value>x {}", "@( ".repeat(n))),
        ("endless blocks", |n| {
            format!("<value>x {}", "@{ ".repeat(n))
        }),
        ("behind comments", |n| {
            format!("<value>x {}\n", "@(//".repeat(n))
        }),
        ("in strings", |n| format!("<value>x {}", "@(\"".repeat(n))),
        ("escaped quotes", |n| {
            format!("<value>x @(\"{}", "@(\\\"".repeat(n))
        }),
        ("open comments", |n| {
            format!("<value>x {}", "@(/*".repeat(n))
        }),
        ("holes", |n| format!("<value>x {}", "@($\"{".repeat(n))),
        ("expressions", |n| {
            format!("<value>x {}</value>", "@(1) ".repeat(n))
        }),
        ("attributes", |n| {
            let all: String = (0..n).map(|n| format!(" a{n}=\"@(1)\"")).collect();
            format!("<value{all}/>")
        }),
        ("elements", |n| "<a b='c'/>".repeat(n)),
        ("attributes of elements inside", |n| {
            let all: String = (0..n).map(|n| format!(" a{n}=''")).collect();
            format!("<set-body{all}>{}</set-body>", "<a/>".repeat(n))
        }),
        ("comments", |n| "<!-- -->".repeat(n)),
        ("data", |n| {
            format!("<value>{}</value>", "<![CDATA[x]]>".repeat(n))
        }),
        ("entities", |n| format!("<value>{}</value>", "&a".repeat(n))),
        ("open names", |n| {
            format!("<value>{}</value>", "{{".repeat(n))
        }),
        ("names that do not close", |n| {
            format!("<value>{}</value>", "{{a ".repeat(n))
        }),
        ("names far from what closes", |n| {
            format!("<value>{}{}}}}}</value>", "{{a".repeat(n), " ".repeat(n))
        }),
        ("names", |n| format!("<value>{}</value>", "{{a}}".repeat(n))),
        ("texts that do not end", |n| "<value>@(</value>".repeat(n)),
        ("attributes that do not end", |n| "<a b=\"@(\"/>".repeat(n)),
        ("attributes without quotes", |n| {
            "<a b=\"@( <a b=1 ".repeat(n)
        }),
        ("elements too deep", |n| "<a>".repeat(n)),
        ("tags that close nothing", |n| "</b>".repeat(n)),
        ("angle brackets", |n| "< ".repeat(n)),
    ];
    for (name, shape) in shapes {
        let cost = |n: usize| {
            let text = format!("<policies>{}</policies>", shape(n));
            let budget = Budget::default();
            let mut findings = Findings::new(&budget, &Limits::default());
            let document = parse(FileId(0), &text, Root::Policies, 256, &mut findings);
            let _ = references(&document, &budget.meter());
            drop(document);
            assert_eq!(budget.held(), 0, "{name}");
            (budget.spent() as f64, budget.peak() as f64)
        };
        let (once, twice) = (cost(5000), cost(10_000));
        assert!(
            twice.0 < once.0 * 2.3 + 100.0,
            "{name}: {once:?} then {twice:?}"
        );
        assert!(twice.1 < once.1 * 2.3, "{name}: {once:?} then {twice:?}");
    }
}

#[test]
fn published_policies_are_printed_back() {
    let files = published();
    assert!(files.len() > 3);
    for (path, text) in files {
        let (document, _) = read(&text, 256);
        assert_eq!(is_whole(&document), Ok(()), "{}", path.display());
    }
}

proptest! {
    #[test]
    fn is_total(text in "[\\PC\n<>/=\"'@(){}&;!?-]{0,80}") {
        let text = format!("<policies>{text}");
        let (document, findings) = read(&text, 8);
        prop_assert_eq!(is_whole(&document), Ok(()));
        let _ = references(&document, &Budget::default().meter());
        for finding in findings {
            let Place::Span(span) = finding.place else { continue };
            prop_assert!(text.get(span.start as usize..span.end as usize).is_some());
        }
    }
}
