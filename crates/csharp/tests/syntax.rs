//! What is read as what.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says so when it fails"
)]

use flux_apim_csharp::{
    Environment, Evidence, Expected, Form, Literal, NodeId, NodeKind, Number, Severity, TokenKind,
    Tree, cast_fails, check, parse,
};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The shape of a tree: kinds, and the text of leaves.
fn shape(tree: &Tree, id: NodeId, out: &mut String) {
    let node = tree.node(id);
    let kind = format!("{:?}", node.kind);
    let kind = kind.split([' ', '(', '{']).next().unwrap();
    let mut children = Vec::new();
    node.kind.each_child(&mut |child| children.push(child));
    if children.is_empty() {
        let text = &tree.text()[node.span.start as usize..node.span.end as usize];
        let _ = write!(out, "{text}");
        return;
    }
    if let NodeKind::Binary { op, .. } = &node.kind {
        let _ = write!(out, "({}", op.text());
    } else {
        let _ = write!(out, "({kind}");
    }
    for child in children {
        out.push(' ');
        shape(tree, child, out);
    }
    out.push(')');
}

fn read(text: &str, form: Form) -> String {
    let (tree, problems) = parse(text, form);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    let mut out = String::new();
    shape(&tree, tree.root(), &mut out);
    out
}

#[test]
fn operators_bind_as_in_the_language() {
    for (text, want) in [
        ("1 + 2 * 3", "(+ 1 (* 2 3))"),
        ("1 - 2 - 3", "(- (- 1 2) 3)"),
        ("a ?? b ?? c", "(?? a (?? b c))"),
        ("a || b && c == d", "(|| a (&& b (== c d)))"),
        ("a << 1 >> 2", "(>> (<< a 1) 2)"),
        ("a ? b : c ? d : e", "(Choice a b (Choice c d e))"),
        ("-a + !b", "(+ (Unary a) (Unary b))"),
        ("a = b = c", "(Assign a (Assign b c))"),
        ("a is string && b", "(&& (Is a string) b)"),
        ("a as string ?? b", "(?? (As a string) b)"),
    ] {
        assert_eq!(read(text, Form::Expression), want, "{text}");
    }
}

#[test]
fn casts_generics_and_lambdas_are_told_from_operators() {
    for (text, want) in [
        ("(a) - b", "(- (Parenthesized a) b)"),
        ("(int) - b", "(Cast int (Unary b))"),
        ("(a) b", "(Cast a b)"),
        ("(a)(b)", "(Cast a (Parenthesized b))"),
        ("(a[])b", "(Cast (ArrayType a) b)"),
        ("(a, b) => c", "(Lambda a b c)"),
        ("a => b => c", "(Lambda a (Lambda b c))"),
        ("f<a>(b)", "(Call (Name a) (Argument b))"),
        ("f < a > b", "(> (< f a) b)"),
        (
            "f(g < a, b > c)",
            "(Call f (Argument (< g a)) (Argument (> b c)))",
        ),
        ("a?.b.c", "(Conditional a (Member .b))"),
        ("a ? .5 : 1", "(Choice a .5 1)"),
        ("a?[0]", "(Conditional a (ElementOf (Argument 0)))"),
    ] {
        assert_eq!(read(text, Form::Expression), want, "{text}");
    }
}

#[test]
fn statements_are_told_from_expressions() {
    for (text, want) in [
        ("a b;", "(Block (LocalDeclaration a b))"),
        (
            "a.b<c> d = e;",
            "(Block (LocalDeclaration (Member a c) (Variable e)))",
        ),
        ("a * b;", "(Block (Expression (* a b)))"),
        ("a(b);", "(Block (Expression (Call a (Argument b))))"),
        (
            "int a(int b) => b;",
            "(Block (LocalFunction int (Parameter int) b))",
        ),
        ("a: b();", "(Block (Labeled (Expression (Call b))))"),
        (
            "var (a, b) = c;",
            "(Block (Expression (Assign (Declaration var (Names a b)) c)))",
        ),
        (
            "foreach (var a in b) c();",
            "(Block (ForEach var a b (Expression (Call c))))",
        ),
    ] {
        assert_eq!(read(text, Form::Body), want, "{text}");
    }
}

#[test]
fn tokens_have_values_of_their_own() {
    let (tree, problems) = parse(
        r#"$"a{b,3:c}d" + @"e""f" + 'g' + 0x1F + {{h}}"#,
        Form::Expression,
    );
    assert!(problems.is_empty(), "{problems:?}");
    assert!(tree.has_named_values());
    let kinds: Vec<TokenKind> = tree.tokens().iter().map(|token| token.kind).collect();
    use TokenKind as K;
    let head = [
        K::InterpolationStart,
        K::InterpolationText,
        K::HoleStart,
        K::Name,
        K::Punct(","),
    ];
    assert_eq!(kinds[..5], head);
    assert_eq!(
        kinds[6..9],
        [K::HoleFormat, K::HoleEnd, K::InterpolationText]
    );
    assert_eq!(kinds.last(), Some(&K::End));
}

#[test]
fn a_finding_does_not_end_the_reading() {
    let text = "var a = (1;\nvar b = ;\nreturn c d;";
    let (tree, problems) = parse(text, Form::Body);
    let lines: Vec<usize> = problems
        .iter()
        .map(|p| text[..p.span.start as usize].matches('\n').count())
        .collect();
    assert_eq!(lines, [0, 1, 2], "{problems:?}");
    assert!(
        tree.nodes()
            .any(|(_, node)| matches!(node.kind, NodeKind::Return(_)))
    );
}

/// What an editor asks for.
#[test]
fn nodes_have_types_and_declarations() {
    let text = "var a = context.Request.Headers; return a.Keys.First().Length;";
    let (tree, problems) = parse(text, Form::Body);
    assert!(problems.is_empty(), "{problems:?}");
    let analysis = check(&tree, &Environment::default());
    let at = |what: &str| tree.node_at(text.find(what).unwrap() as u32).unwrap();
    assert_eq!(analysis.type_of(at("Request")), Some("IRequest"));
    assert_eq!(
        analysis.type_of(at("Headers")),
        Some("IReadOnlyDictionary<string, string[]>")
    );
    let used = tree.node_at(text.find("a.Keys").unwrap() as u32).unwrap();
    assert_eq!(
        analysis.type_of(used),
        Some("IReadOnlyDictionary<string, string[]>")
    );
    let declared = analysis.declaration_of(used).unwrap();
    assert_eq!(tree.node(declared).span.start, 4);
    assert_eq!(analysis.result.as_deref(), Some("int"));
    let call = tree
        .nodes()
        .find(|(_, node)| matches!(node.kind, NodeKind::Call { .. }));
    let member = analysis.member_of(call.unwrap().0).unwrap();
    assert_eq!(
        member,
        "System.Linq.Enumerable.First<TSource>(this System.Collections.Generic.IEnumerable<TSource>)"
    );
}

#[test]
fn context_variables_are_listed() {
    let text = r#"(string)context.Variables["a"] + context.Variables.GetValueOrDefault<int>("b", 1) + context.Variables.ContainsKey("c")"#;
    let (tree, _) = parse(text, Form::Expression);
    let read: Vec<_> = check(&tree, &Environment::default()).variables;
    let shown: Vec<_> = read
        .iter()
        .map(|v| (v.name.as_deref(), v.ty.as_deref(), v.optional))
        .collect();
    let want = [
        (Some("a"), Some("string"), false),
        (Some("b"), Some("int"), true),
        (Some("c"), None, true),
    ];
    assert_eq!(shown, want);
}

#[test]
fn what_is_known_of_variables_gives_warnings() {
    let set = [("count", Some("int")), ("token", Some("string"))];
    let variables: BTreeMap<String, Option<String>> = set
        .iter()
        .map(|(name, ty)| ((*name).to_owned(), ty.map(str::to_owned)))
        .collect();
    let environment = Environment {
        variables: Some(variables),
        ..Environment::default()
    };
    for (text, code) in [
        (r#"(string)context.Variables["count"]"#, "APIM-CAST"),
        (r#"(string)context.Variables["Token"]"#, "APIM-VARIABLE"),
    ] {
        let (tree, _) = parse(text, Form::Expression);
        let problems = check(&tree, &environment).problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(
            (problems[0].code.id(), problems[0].severity),
            (code, Severity::Warning)
        );
    }
    let (tree, _) = parse(r#"(int)context.Variables["count"]"#, Form::Expression);
    assert!(check(&tree, &environment).problems.is_empty());
}

#[test]
fn casts_that_cannot_succeed_are_known() {
    for (held, wanted, fails) in [
        ("string", "int", true),
        ("string", "string", false),
        ("int", "int?", false),
        ("int", "long", true),
        ("byte[]", "string", true),
        // No conversion of JSON is looked for in an object.
        ("JToken", "string", true),
        ("JValue", "int", true),
        ("string", "JObject", true),
        ("JToken", "JObject", false),
        ("JObject", "JToken", false),
        ("JObject", "JArray", true),
        ("string", "string[]", true),
        ("JObject", "List<string>", true),
        ("IResponse", "Dictionary<string, string>", true),
        ("string", "IEnumerable<char>", false),
        ("byte[]", "sbyte[]", false),
        // Of others nothing is known.
        ("int?", "string", false),
        ("XElement", "string", false),
        ("string", "IComparable", false),
        ("string", "object", false),
    ] {
        assert_eq!(cast_fails(held, wanted), fails, "{held} to {wanted}");
    }
}

#[test]
fn places_want_types() {
    let in_place = |text: &str, expected| {
        let (tree, _) = parse(text, Form::Expression);
        let environment = Environment {
            expected,
            ..Environment::default()
        };
        check(&tree, &environment).problems
    };
    assert!(in_place("true", Expected::Condition).is_empty());
    let problems = in_place("\"true\"", Expected::Condition);
    assert_eq!(
        (problems[0].code.id(), problems[0].severity),
        ("APIM-PLACE", Severity::Error)
    );
    let problems = in_place("1", Expected::OneOf(&["string"]));
    assert_eq!(problems[0].severity, Severity::Warning);
    assert_eq!(problems[0].evidence, Evidence::Disputed);
    assert!(in_place("null", Expected::OneOf(&["string"])).is_empty());
}

#[test]
fn literals_have_values() {
    for (text, want) in [
        ("0x1F", Literal::Whole(31, Number::Int)),
        ("1_000L", Literal::Whole(1000, Number::Long)),
        ("0b101", Literal::Whole(5, Number::Int)),
        ("1.5e2", Literal::Real(150.0, Number::Double)),
        ("2m", Literal::Real(2.0, Number::Decimal)),
        (r"'\u0041'", Literal::Character('A')),
        (r#""a\t\"b\x41""#, Literal::Text("a\t\"bA".to_owned())),
        (r#"@"c:\d ""e""""#, Literal::Text("c:\\d \"e\"".to_owned())),
        ("null", Literal::Null),
        ("true", Literal::Bool(true)),
    ] {
        let (tree, problems) = parse(text, Form::Expression);
        assert!(problems.is_empty(), "{text}: {problems:?}");
        assert_eq!(tree.literal(tree.root()), Some(want), "{text}");
    }
}
