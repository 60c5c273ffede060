//! Texts that try to cost more than they weigh, and texts that are none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says so when it fails"
)]

use flux_apim_csharp::{
    Environment, Form, NodeKind, Tree, check_metered, end_of_expression, parse, parse_metered,
};
use proptest::prelude::*;
use std::cell::Cell;

/// Pieces that are repeated: before, again and again, behind.
const SHAPES: &[(&str, &str, &str)] = &[
    ("", "@(", ""),
    ("", "(", ""),
    ("", "[", ""),
    ("", "{", ""),
    ("", "new[]{", ""),
    ("", "$\"{", ""),
    ("", "$@\"{\n", ""),
    ("$\"", "{a}", "\""),
    ("", "\"", ""),
    ("", "'", ""),
    ("", "/*", ""),
    ("", "//\n", ""),
    ("", "#if\n", ""),
    ("", "{{a}}", ""),
    ("", "\0", ""),
    ("", "é", ""),
    ("", "\\u0061", ""),
    ("a", ".b", ""),
    ("a", "?.b", ""),
    ("a", ".b()", ""),
    ("", "a+", "a"),
    ("", "1+", "1"),
    ("", "\"a\"+", "\"a\""),
    ("", "a&&", "a"),
    ("", "true||", "true"),
    ("", "a??", "a"),
    ("", "a?b:", "c"),
    ("", "a<", ""),
    ("", "a<b,", ""),
    ("", "!", "a"),
    ("", "-", "1"),
    ("", "(a)", "1"),
    ("", "(int)", "1"),
    ("", "a(", ""),
    ("", "a[", ""),
    ("", "x=>", "x"),
    ("a", " is a", ""),
    ("a", " as a", ""),
    ("", "a;", ""),
    ("", "var a=1;", ""),
    ("", "int a;a++;", ""),
    ("", "if(a)", ""),
    ("if(a){}", "else if(a){}", ""),
    ("", "try{}", ""),
    ("try{}", "catch(Exception){}", ""),
    ("switch(1){", "case 1:", "}"),
    ("", "a:goto a;", ""),
    ("from x in y ", "where x ", "select x"),
    ("string.Concat(", "\"a\",", "\"a\")"),
    ("new JObject{", "{\"a\",1},", "}"),
    ("", "context.Variables[\"a\"]+", "1"),
    ("", "context.Foo+", "1"),
    ("new[]{1}", ".Select(x=>x)", ""),
];

fn text(shape: (&str, &str, &str), length: usize) -> String {
    let (before, again, behind) = shape;
    format!("{before}{}{behind}", again.repeat(length / again.len()))
}

/// Steps that reading and checking take.
fn steps(text: &str, form: Form) -> u64 {
    let spent = Cell::new(0_u64);
    let meter = |steps: u64| {
        spent.set(spent.get() + steps);
        true
    };
    let (tree, _) = parse_metered(text, form, &meter);
    check_metered(&tree, &Environment::default(), &meter);
    spent.get()
}

/// Twice the text takes at most 2.3 times the steps.
#[test]
fn every_shape_is_linear() {
    for shape in SHAPES {
        for form in [Form::Expression, Form::Body] {
            let once = steps(&text(*shape, 8_000), form) as f64;
            let twice = steps(&text(*shape, 16_000), form) as f64;
            assert!(
                twice <= once * 2.3 + 25_000.0,
                "{shape:?} {form:?}: {once} then {twice}"
            );
        }
    }
}

/// Much of each ends, in a thread with a small stack.
#[test]
fn much_of_each_ends() {
    let run = || {
        for shape in SHAPES {
            let length = if shape.1 == "@(" { 1 << 20 } else { 1 << 17 };
            let text = text(*shape, length);
            let spent = Cell::new(0_u64);
            // What a caller allows who has other things to do.
            let meter = |steps: u64| {
                spent.set(spent.get() + steps);
                spent.get() < 3_000_000
            };
            let (tree, problems) = parse_metered(&text, Form::Body, &meter);
            let analysis = check_metered(&tree, &Environment::default(), &meter);
            assert!(problems.len() + analysis.problems.len() <= 500, "{shape:?}");
        }
    };
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

/// What nests as deep as is read fits a small stack.
#[test]
fn depth_fits_the_stack() {
    const NESTED: &[(&str, &str, &str)] = &[
        ("(", "1", ")"),
        ("f(", "1", ")"),
        ("string.Concat(", "1", ")"),
        ("new[]{1}.Select(a=>", "1", ").First()"),
        ("new[]{1}.Select(a=>{return ", "1", ";}).First()"),
        ("new JObject(new JProperty(\"a\",", "1", "))"),
        ("new JObject{[\"a\"]=", "1", "}"),
        ("context.Tracing?", "1", ":2"),
        ("$\"{(", "1", ")}\""),
        ("!", "true", ""),
        ("(string)(object)", "1", ""),
        ("a[", "1", "]"),
        ("(1,", "1", ")"),
        ("new{a=", "1", "}"),
        ("checked(", "1", ")"),
        ("x is string s && ", "true", ""),
        ("a ?? ", "b", ""),
        ("((Func<int,int>)(x => ", "1", "))(1)"),
        ("(from x in new[]{1} select ", "1", ").First()"),
    ];
    const STATEMENTS: &[(&str, &str, &str)] = &[
        ("{", "return 1;", "}"),
        ("if(context.Tracing)", "return 1;", ""),
        ("if(context.Tracing){", "return 1;", "}else{return 2;}"),
        ("while(true)", "return 1;", ""),
        ("foreach(var x in new[]{1}){", "return 1;", "}"),
        ("try{", "return 1;", "}catch{}"),
        ("try{}finally{", "context.Trace(\"\");", "}"),
        ("using(var s=new StringReader(\"\"))", "return 1;", ""),
        ("switch(1){default:", "return 1;", "break;}"),
        ("int f(){", "return 1;", "}"),
        ("a:", "return 1;", ""),
    ];
    let run = || {
        let spent = Cell::new(0_u64);
        let meter = |steps: u64| {
            spent.set(spent.get() + steps);
            true
        };
        for (list, form) in [(NESTED, Form::Expression), (STATEMENTS, Form::Body)] {
            for (before, inside, behind) in list {
                for depth in [20, 30, 45, 60, 95, 2000] {
                    spent.set(0);
                    let text = format!("{}{inside}{}", before.repeat(depth), behind.repeat(depth));
                    let (tree, _) = parse_metered(&text, form, &meter);
                    check_metered(&tree, &Environment::default(), &meter);
                    assert!(
                        spent.get() < 40_000_000,
                        "{before} {depth}: {} steps",
                        spent.get()
                    );
                }
            }
        }
    };
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

/// Overloads and lambdas inside each other do not explode.
#[test]
fn overloads_are_bounded() {
    let calls = format!("{}1{}", "Math.Max(".repeat(40), ",2)".repeat(40));
    let lambdas = format!(
        "{}x0{}",
        (0..20)
            .map(|n| format!("new[]{{1}}.Sum(x{n}=>"))
            .collect::<String>(),
        ")".repeat(20)
    );
    for text in [calls, lambdas] {
        let (tree, problems) = parse(&text, Form::Expression);
        assert!(problems.is_empty(), "{problems:?}");
        let spent = Cell::new(0_u64);
        let meter = |steps: u64| {
            spent.set(spent.get() + steps);
            true
        };
        let analysis = check_metered(&tree, &Environment::default(), &meter);
        assert!(analysis.problems.is_empty(), "{:?}", analysis.problems);
        assert!(spent.get() < 200_000, "{} steps for {text}", spent.get());
    }
}

/// A meter that says no ends the work, and the result says so.
#[test]
fn a_meter_stops_the_work() {
    let text = "var a = 1; ".repeat(1000) + "return a;";
    for most in [0, 1, 10, 100, 1000, 5000] {
        let left = Cell::new(most);
        let meter = |steps: u64| {
            left.set(left.get() - i64::try_from(steps).unwrap());
            left.get() >= 0
        };
        let (tree, problems) = parse_metered(&text, Form::Body, &meter);
        let analysis = check_metered(&tree, &Environment::default(), &meter);
        let all = problems.iter().chain(&analysis.problems);
        assert!(
            all.into_iter().any(|p| p.code.id() == "APIM-STOPPED"),
            "{most}"
        );
    }
}

/// Tokens and nodes lie in the text, in order, each inside its parent.
fn is_sound(tree: &Tree) {
    let text = tree.text();
    let mut end = 0;
    for token in tree.tokens() {
        assert!(
            token.span.start >= end && token.span.end >= token.span.start,
            "{token:?}"
        );
        assert!(
            text.is_char_boundary(token.span.start as usize)
                && text.is_char_boundary(token.span.end as usize)
        );
        end = token.span.end;
    }
    assert_eq!(end as usize, text.len());
    for (id, node) in tree.nodes() {
        assert!(
            text.get(node.span.start as usize..node.span.end as usize)
                .is_some(),
            "{node:?}"
        );
        node.kind.each_child(&mut |child| {
            assert!(child < id, "a child comes before its parent");
            let inner = tree.node(child).span;
            assert!(
                node.span.start <= inner.start && inner.end <= node.span.end,
                "{node:?} holds {:?}",
                tree.node(child)
            );
        });
    }
    assert!(!matches!(tree.node(tree.root()).kind, NodeKind::Piece));
}

fn read(text: &str) {
    for form in [Form::Expression, Form::Body] {
        let (tree, problems) = parse(text, form);
        is_sound(&tree);
        let analysis = check_metered(&tree, &Environment::default(), &flux_apim_csharp::Unmetered);
        for problem in problems.iter().chain(&analysis.problems) {
            let (start, end) = (problem.span.start as usize, problem.span.end as usize);
            assert!(
                start <= end && end <= text.len() + 1,
                "{problem:?} in {text:?}"
            );
        }
    }
    for open in 0..text.len().min(3) {
        if let Ok(end) = end_of_expression(text, open, &flux_apim_csharp::Unmetered) {
            assert!(text.is_char_boundary(end.min(text.len())));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in "[@(){}\\[\\]\"'$&;:,.?!=<>+a-c0-9 \\\\/*\n#é|]{0,60}") {
        read(&text);
    }

    #[test]
    fn any_tokens_are_read(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)) {
        read(&words.join(" "));
        read(&words.concat());
    }
}

const WORDS: &[&str] = &[
    "context",
    ".",
    "Request",
    "Variables",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "\"a\"",
    "'c'",
    "1",
    "2.5",
    "+",
    "-",
    "==",
    "&&",
    "?",
    ":",
    "??",
    "?.",
    "=>",
    "=",
    ";",
    ",",
    "<",
    ">",
    "<string>",
    "new",
    "JObject",
    "return",
    "var",
    "x",
    "y",
    "if",
    "else",
    "foreach",
    "in",
    "for",
    "while",
    "switch",
    "case",
    "default",
    "break",
    "try",
    "catch",
    "finally",
    "throw",
    "is",
    "as",
    "string",
    "int",
    "null",
    "true",
    "$\"",
    "{",
    "}\"",
    "@\"v\"",
    "!",
    "out",
    "ref",
    "await",
    "from",
    "where",
    "select",
    "Select",
    "Where",
    "GetValueOrDefault",
    "As",
    "typeof",
    "nameof",
    "void",
    "F",
    "using",
    "static",
    "const",
    "goto",
    "yield",
    "{{nv}}",
    "dynamic",
    "let",
    "join",
    "on",
    "equals",
    "into",
    "group",
    "by",
    "orderby",
    "and",
    "or",
    "not",
    "when",
    "..",
    "++",
    "-=",
    "unchecked",
    "checked",
    "delegate",
    "params",
    "this",
    "base",
    "lock",
    "\n",
];
