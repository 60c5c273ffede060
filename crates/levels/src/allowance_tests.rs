#![allow(clippy::unwrap_used, reason = "test code")]

use super::*;
use crate::sample::REGISTRY;
use flux_apim_diag::tree::ArtifactPath;
use std::collections::BTreeMap;

/// What the file `name` allows, as `CODE reason until` with the lines that it covers.
fn found(name: &str, text: &str) -> (Vec<String>, Vec<String>) {
    let path = ArtifactPath::parse(name).unwrap();
    let tree = SourceTree::in_memory(BTreeMap::from([(path, text.as_bytes().to_vec())]));
    let mut findings = Findings::from(Vec::new());
    let found = allowances(
        REGISTRY,
        &tree,
        &[FileId(0)],
        &Limits::default(),
        &mut findings,
    )
    .unwrap();
    let line = |at: u32| text[..(at as usize).min(text.len())].matches('\n').count() + 1;
    let shown = found.iter().map(|allowance| {
        let covers = match allowance.covers.end {
            u32::MAX => "all".to_owned(),
            end => format!("{}-{}", line(allowance.covers.start), line(end - 1)),
        };
        format!(
            "{} {:?} {} {covers}{}",
            allowance.rule.code.0,
            allowance.reason.as_deref().unwrap_or(""),
            allowance
                .until
                .map_or("-".to_owned(), |until| until.to_string()),
            if allowance.whole_file { " file" } else { "" },
        )
    });
    let messages = findings
        .listed()
        .iter()
        .map(|finding| finding.message.clone());
    (shown.collect(), messages.collect())
}

#[test]
fn comments_cover_their_line_and_the_next_that_is_none() {
    let xml = "<policies>\n  <!-- flux-apim: allow unknown-property -- because -->\n  <!-- another\n  comment -->\n\n  <base />\n  <base /><!-- flux-apim: allow APIM1013, no-apis -- x -- y (until 2027-01-31) -->\n</policies>\n";
    for (name, text, expected) in [
        (
            "policy.xml",
            xml,
            vec![
                "1013 \"because\" - 2-6",
                "1013 \"x -- y\" 2027-01-31 7-8",
                "1014 \"x -- y\" 2027-01-31 7-8",
            ],
        ),
        (
            "a.yaml",
            "# flux-apim: allow no-apis -- a\n# more\n\nk: v # flux-apim: allow 1013 -- b\nl: w\n",
            vec!["1014 \"a\" - 1-4 file", "1013 \"b\" - 4-5"],
        ),
        (
            "a.yaml",
            "---\n# flux-apim: allow no-apis -- a\n# flux-apim: allow unclaimed-file -- b\nk: v",
            vec!["1014 \"a\" - 2-4 file", "1003 \"b\" - 3-4"],
        ),
        (
            "a.proto",
            "syntax = \"proto3\";\n// flux-apim: allow no-apis -- a\n/* flux-apim: allow no-apis -- b */\nmessage A {}\n",
            vec!["1014 \"a\" - 2-4", "1014 \"b\" - 3-4"],
        ),
        (
            "a.graphql",
            "\"\"\"\n# flux-apim: allow no-apis -- text\n\"\"\"\ntype A { # flux-apim: allow no-apis -- a\n  b: Int\n}\n",
            vec!["1014 \"a\" - 4-5"],
        ),
        (
            "a.wsdl",
            "<?xml version=\"1.0\"?>\n<!-- flux-apim: allow no-apis -- a -->\n<definitions><![CDATA[<!-- flux-apim: allow no-apis -- b -->]]></definitions>",
            vec!["1014 \"a\" - 2-3 file"],
        ),
        (
            "a.json",
            "{\n\"x-flux-apim-allow\": {\"no-apis\": \"a (until 2027-01-31)\"},\n\"b\": {\n\"x-flux-apim-allow\": {\"1013\": \"c\"}, \"d\": 1}\n}",
            vec!["1014 \"a\" 2027-01-31 all file", "1013 \"c\" - 3-4"],
        ),
        (
            "a.yml",
            "b:\n  x-flux-apim-allow: {no-apis: why}\n  c: 1\nd: 2\n",
            vec!["1014 \"why\" - 2-3"],
        ),
    ] {
        let (shown, messages) = found(name, text);
        assert!(messages.is_empty(), "{messages:?}");
        let mut shown = shown;
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        shown.sort();
        expected.sort();
        assert_eq!(shown, expected, "{name} {text}");
    }
}

#[test]
fn texts_are_no_comments() {
    let note = "flux-apim: allow no-apis -- x";
    for (name, text) in [
        (
            "a.xml",
            format!("<policies><set-body><![CDATA[<!-- {note} -->]]></set-body></policies>"),
        ),
        (
            "a.xml",
            format!("<policies><set-body>@(\"<!-- {note} -->\")</set-body></policies>"),
        ),
        (
            "a.xml",
            format!(
                "<policies><set-variable value='@{{ return \"<!-- {note} -->\"; /* <!-- {note} --> */ }}' /></policies>"
            ),
        ),
        (
            "a.xml",
            format!("<policies><set-body a=\"<!-- {note} -->\" /></policies>"),
        ),
        (
            "a.xml",
            format!("<policies><!-- <!-- {note} --></policies>"),
        ),
        ("a.yaml", format!("k: |\n  # {note}\n  x\n")),
        ("a.yaml", format!("k: >-\n\n  x\n  # {note}\n")),
        ("a.yaml", format!("k: \" # {note}\"\nl: '\n  # {note}'\n")),
        ("a.yaml", format!("k: x#{note}\n")),
        (
            "a.yaml",
            format!("x-flux-apim-allow: {{unclaimed-file: \" # {note}\"}}\n"),
        ),
        ("a.json", format!("{{\"k\": \"# {note}\"}}")),
        (
            "a.json",
            "{\"k\": \"x-flux-apim-allow\", \"l\": [\"x-flux-apim-allow\"]}".to_owned(),
        ),
        ("a.proto", format!("option a = \"// {note}\";")),
        ("a.graphql", format!("\"# {note}\" type A {{ b: Int }}")),
        ("README.md", format!("<!-- {note} -->")),
        (
            "a.xml",
            "<policies><!-- flux-apim: renders this --><!-- flux-apim:allowed --></policies>"
                .to_owned(),
        ),
    ] {
        let (shown, messages) = found(name, &text);
        let others: Vec<_> = shown.iter().filter(|one| one.starts_with("1014")).collect();
        assert!(
            others.is_empty() && messages.is_empty(),
            "{text}: {shown:?} {messages:?}"
        );
    }
}

#[test]
fn what_is_written_otherwise_is_told() {
    for (name, text, told) in [
        (
            "a.xml",
            "<policies><!-- flux-apim: allow --></policies>",
            "names no rule",
        ),
        (
            "a.xml",
            "<policies><!-- flux-apim: allow -- why --></policies>",
            "names no rule",
        ),
        (
            "a.xml",
            "<policies><!-- flux-apim: allow no-such -- why --></policies>",
            "`no-such`",
        ),
        (
            "a.yaml",
            "# flux-apim: allow no-apis -- why (until tomorrow)\na: 1",
            "2027-01-31",
        ),
        (
            "a.json",
            "{\"x-flux-apim-allow\": [\"no-apis\"]}",
            "no object",
        ),
        (
            "a.json",
            "{\"x-flux-apim-allow\": {\"no-apis\": 1}}",
            "no object",
        ),
        (
            "a.json",
            "{\"x-flux-apim-allow\": {\"no-apis\": {\"reason\": \"x\"}}}",
            "no object",
        ),
        (
            "a.json",
            "{\"x-flux-apim-allow\": {\"no-apes\": \"x\"}}",
            "no-apes",
        ),
        (
            "a.json",
            "{\"x-flux-apim-allow\": {\"no-apis\": \"x (until 2027-13-01)\"}}",
            "2027-01-31",
        ),
    ] {
        let (shown, messages) = found(name, text);
        assert!(shown.is_empty(), "{text}: {shown:?}");
        assert_eq!(messages.len(), 1, "{text}: {messages:?}");
        assert!(messages[0].contains(told), "{text}: {messages:?}");
    }
}

/// Twice as many comments take twice the steps, on one line and on many.
#[test]
fn many_comments_are_linear() {
    for (name, before, one, after) in [
        (
            "a.xml",
            "<policies>",
            "<!-- flux-apim: allow no-apis -- x -->",
            "</policies>",
        ),
        (
            "a.xml",
            "<policies>",
            "<!-- flux-apim: allow no-apis -- x -->\n",
            "</policies>",
        ),
        ("a.yaml", "", "# flux-apim: allow no-apis -- x\n", "a: 1\n"),
        ("a.yaml", "# ", "flux-apim: # ", "\na: 1\n"),
        ("a.proto", "", "/* flux-apim: allow no-apis -- x */", "\n"),
        (
            "a.json",
            "[1",
            ", {\"x-flux-apim-allow\": {\"no-apis\": \"x\"}}",
            "]",
        ),
    ] {
        let steps = |n: usize| {
            let path = ArtifactPath::parse(name).unwrap();
            let text = format!("{before}{}{after}", one.repeat(n));
            let tree = SourceTree::in_memory(BTreeMap::from([(path, text.into_bytes())]));
            let mut findings = Findings::from(Vec::new());
            allowances(
                REGISTRY,
                &tree,
                &[FileId(0)],
                &Limits::default(),
                &mut findings,
            )
            .unwrap();
            findings.budget().spent()
        };
        let (once, twice) = (steps(20_000), steps(40_000));
        assert!(twice <= once * 21 / 10, "{one}: {once} {twice}");
    }
}
