//! Documents that want the program to hang, to run out of memory or to read
//! what they must not: each is refused with its code, and nothing is rendered.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;

use flux_apim::pipeline::Options;

const API: &str = r#"{"properties":{"path":"a","displayName":"A"}}"#;
const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"A","version":"1"},"paths":{"/x":{"get":{"responses":{"200":{"description":"ok"}}}}}}"#;

/// A good project with `path` in the place of what it has there.
fn codes(path: &str, text: &str, keep: bool) -> (Vec<String>, bool) {
    let mut files = vec![("apis/a/apiInformation.json", API)];
    if keep {
        files.push(("apis/a/specification.json", SPEC));
    }
    files.retain(|(other, _)| *other != path);
    files.push((path, text));
    let mut options = Options::default();
    if path.starts_with("configuration.") {
        options.discover.environment = Some("prod".to_owned());
    }
    let outcome = common::run(&common::tree_of(&files), &options);
    (common::shown(&outcome), outcome.bundle.is_some())
}

/// Ten aliases of ten aliases of ...
fn bomb() -> String {
    let mut text = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let aliases = vec![format!("*l{}", level - 1); 9].join(", ");
        text.push_str(&format!("l{level}: &l{level} [{aliases}]\n"));
    }
    text
}

#[test]
fn documents() {
    let spec = |inside: &str| format!("openapi: 3.0.1\n{inside}");
    let policy = |inside: &str| format!("<policies><inbound>{inside}</inbound></policies>");
    let reference = |to: &str| SPEC.replace(r#""description":"ok""#, &format!(r#""$ref":"{to}""#));
    let open = |bracket: &str| bracket.repeat(200_000);
    let doctype = "<!DOCTYPE d [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>";
    let wsdl = format!(
        "<?xml version=\"1.0\"?>{doctype}<definitions xmlns=\"http://schemas.xmlsoap.org/wsdl/\">&a;</definitions>"
    );
    let blocks: String = (1..3000).map(|n| format!("{}-\n", " ".repeat(n))).collect();
    for (name, path, text, code) in [
        (
            "alias bomb",
            "apis/a/specification.yaml",
            spec(&bomb()),
            1006,
        ),
        ("alias bomb", "configuration.prod.yaml", bomb(), 1006),
        ("alias bomb", "flux-apim.yaml", bomb(), 1006),
        ("deep JSON", "apis/a/specification.json", open("["), 1006),
        (
            "deep JSON",
            "products/p/productInformation.json",
            open("{\"a\":"),
            1006,
        ),
        (
            "deep YAML",
            "apis/a/specification.yaml",
            spec(&open("[")),
            1006,
        ),
        (
            "deep YAML",
            "apis/a/specification.yaml",
            spec(&format!("x:\n{blocks}")),
            1006,
        ),
        (
            "deep policy",
            "apis/a/policy.xml",
            policy(&"<a>".repeat(50_000)),
            1006,
        ),
        (
            "open expression",
            "apis/a/policy.xml",
            policy(&format!("@({}", open("("))),
            3001,
        ),
        (
            "open strings",
            "apis/a/policy.xml",
            policy(&format!("@({}", open("$\"{"))),
            3001,
        ),
        ("entity", "apis/a/policy.xml", policy("&xxe;"), 3003),
        (
            "DOCTYPE",
            "apis/a/policy.xml",
            format!("{doctype}{}", policy("&a;")),
            3003,
        ),
        ("DOCTYPE", "apis/a/specification.wsdl", wsdl.clone(), 2001),
        ("DOCTYPE", "apis/a/specification.wadl", wsdl.clone(), 2001),
        ("DOCTYPE", "apis/a/specification.edmx", wsdl, 2001),
        (
            "key twice",
            "apis/a/apiInformation.json",
            API.replace("displayName", "path"),
            1005,
        ),
        (
            "key twice",
            "apis/a/specification.yaml",
            spec("a: 1\na: 2\n"),
            1005,
        ),
        (
            "file reference",
            "apis/a/specification.json",
            reference("file:///etc/passwd"),
            2003,
        ),
        (
            "absolute reference",
            "apis/a/specification.json",
            reference("/etc/passwd"),
            2003,
        ),
        (
            "reference outside",
            "apis/a/specification.json",
            reference("../../../../etc/passwd"),
            2004,
        ),
        (
            "remote reference",
            "apis/a/specification.json",
            reference("http://127.0.0.1:1/x"),
            2003,
        ),
        (
            "several documents",
            "configuration.prod.yaml",
            "a: 1\n---\nb: 2\n".to_owned(),
            1004,
        ),
        (
            "lone surrogate",
            "apis/a/apiInformation.json",
            r#"{"properties":{"path":"\ud800","displayName":"A"}}"#.to_owned(),
            1004,
        ),
        (
            "UTF-16",
            "apis/a/apiInformation.json",
            "\u{feff}{\0".to_owned(),
            1004,
        ),
    ] {
        let keep = !path.starts_with("apis/a/specification");
        let (found, rendered) = codes(path, &text, keep);
        let wanted = format!("APIM{code} {path}");
        assert!(
            found.iter().any(|f| f.starts_with(&wanted)),
            "{name} in {path}: {found:#?}"
        );
        assert!(!rendered, "{name} in {path}");
    }
}

/// What cannot be read is said once: nothing is derived from it.
#[test]
fn one_cause_is_one_finding() {
    for text in ["", "{", r#"{"properties": 1}"#, "{}", "[]"] {
        let (found, _) = codes("products/p/productInformation.json", text, true);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
    }
}

/// Nesting at the cap is read and printed, one more is refused.
#[test]
fn depth_at_the_cap() {
    let nested = |depth: usize| {
        let schema = format!("{}{{}}{}", "{\"not\":".repeat(depth), "}".repeat(depth));
        SPEC.replace(
            "\"paths\"",
            &format!("\"components\":{{\"schemas\":{{\"X\":{schema}}}}},\"paths\""),
        )
    };
    // Root, components, schemas and the innermost are four levels.
    let (found, rendered) = codes("apis/a/specification.json", &nested(252), true);
    assert!(rendered, "{found:#?}");
    let (found, rendered) = codes("apis/a/specification.json", &nested(253), true);
    assert!(!rendered && found[0].starts_with("APIM1006"), "{found:#?}");
}

/// Documents nested to the cap, in every place that reads one, and a definition that
/// its references nest deeper: half of a thread's usual stack is enough for all.
#[test]
fn nesting_fits_half_a_stack() {
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let schema = |depth: usize, inner: &str| {
        format!("{}{inner}{}", "{\"not\":".repeat(depth), "}".repeat(depth))
    };
    let first = schema(240, r#"{"$ref":"second.json"}"#);
    let second = schema(240, r#"{"$ref":"third.json"}"#);
    let third = schema(100, "{}");
    let spec = SPEC.replace(
        "\"paths\"",
        &format!("\"components\":{{\"schemas\":{{\"R\":{first}}}}},\"paths\""),
    );
    let api = API.replace("\"path\"", &format!("\"x\":{},\"path\"", nested(250)));
    let policy = format!(
        "<policies><inbound>{}{}</inbound></policies>",
        "<choose><when condition=\"@(true)\">".repeat(125),
        "</when></choose>".repeat(125)
    );
    let expression = format!(
        "<policies><inbound><set-variable name=\"x\" value=\"@({}1{})\" /></inbound></policies>",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    let overrides = format!(
        "apis:\n  - name: a\n    properties:\n      y: {}\n",
        nested(240)
    );
    let good = vec![
        ("apis/a/apiInformation.json", api.as_str()),
        ("apis/a/specification.json", &spec),
        ("apis/a/second.json", &second),
        ("apis/a/third.json", &third),
        ("apis/a/policy.xml", &policy),
        ("policy.xml", &expression),
        ("configuration.prod.yaml", &overrides),
    ];
    let config = format!("rules: {}\n", nested(240));
    let mut bad = good.clone();
    bad.push(("flux-apim.yaml", &config));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(1 << 20)
        .build()
        .unwrap();
    for (files, environment) in [(&good, None), (&good, Some("prod")), (&bad, None)] {
        let mut options = Options::default();
        options.discover.environment = environment.map(str::to_owned);
        let outcome = pool.install(|| common::run(&common::tree_of(files), &options));
        let found = common::shown(&outcome);
        assert_eq!(
            outcome.bundle.is_some(),
            files.len() == good.len(),
            "{found:#?}"
        );
        if let Some(bundle) = outcome.bundle {
            pool.install(|| drop(bundle.archive().bytes()));
        }
    }
}
