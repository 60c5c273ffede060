//! Where expressions end in the text of a policy.
#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

use flux_apim_csharp::{Unbalanced, Unmetered, end_of_expression};
use std::cell::Cell;

fn end(text: &str) -> Result<usize, Unbalanced> {
    end_of_expression(text, 0, &Unmetered)
}

#[test]
fn ends() {
    for expression in [
        "@(1)",
        "@(a(b)[c]{d})",
        r#"@(")" + ')' + '\'' + "\")")"#,
        r#"@(@"\" + ")")"#,
        r#"@(@"a"")b")"#,
        r#"@($"{x(")")} {{ ) }} {y}")"#,
        r#"@{ // ) "
 /* } */ return "}"; }"#,
        "@(a &quot;)&quot; + &quot;\\&quot;)&quot;)",
        "@(context.Variables.GetValueOrDefault<string>(\"x\") == \"y\" && true)",
    ] {
        let text = format!("{expression} rest )}}\"");
        assert_eq!(end(&text), Ok(expression.len()), "{expression}");
    }
}

#[test]
fn unbalanced() {
    assert_eq!(end("@(a").unwrap_err().what, "`(`");
    let open = Unbalanced {
        at: 2,
        what: "a string",
        brackets: Vec::new(),
        stopped: false,
    };
    assert_eq!(end("@(\"a)").unwrap_err(), open);
    assert_eq!(
        end("@{ (a[b]) ($\"{(\" @(").unwrap_err().brackets,
        [10, 13, 14]
    );
    assert_eq!(end("@{ /* }").unwrap_err().what, "a comment");
}

/// Twice the text takes at most 2.3 times the steps.
#[test]
fn every_shape_is_linear() {
    for shape in [
        "(",
        "()",
        "[{",
        "@(",
        "$\"{",
        "\"a\"",
        "\\",
        "'",
        "'a'",
        "//\n",
        "/* */",
        "@\"\"\"\"",
        "&quot;",
        "&#39;",
        "a",
        "$@$@",
        "\"\\\"",
    ] {
        let spent = |n: usize| {
            let steps = Cell::new(0_u64);
            let meter = |n: u64| {
                steps.set(steps.get() + n);
                true
            };
            let _ = end_of_expression(&format!("@({}", shape.repeat(n)), 0, &meter);
            steps.get() as f64
        };
        let (once, twice) = (spent(20_000), spent(40_000));
        assert!(twice < once * 2.3 + 10.0, "{shape}: {once} then {twice}");
    }
}

#[test]
fn a_meter_stops_the_search() {
    let found = end_of_expression(&format!("@({}", "a".repeat(1 << 20)), 0, &|_| false);
    assert!(found.unwrap_err().stopped);
}
