//! Small cases of our own: `tests/cases/*.txt`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says so when it fails"
)]

use flux_apim_csharp::{Environment, Form, Problem, Severity, check, parse};

struct Case<'a> {
    line: usize,
    form: Form,
    text: String,
    want: &'a str,
    help: &'a str,
}

fn cases(file: &str) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for (n, line) in file.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (text, want) = line
            .rsplit_once(" =>")
            .unwrap_or_else(|| panic!("line {}: no =>", n + 1));
        let (want, help) = want.split_once(" | ").unwrap_or((want, ""));
        let form = if text.starts_with("@{") {
            Form::Body
        } else {
            Form::Expression
        };
        let text = text[2..text.len() - 1].replace("\\n", "\n");
        cases.push(Case {
            line: n + 1,
            form,
            text,
            want: want.trim(),
            help,
        });
    }
    cases
}

fn holds(case: &Case<'_>) -> Result<(), String> {
    let (tree, mut problems) = parse(&case.text, case.form);
    let analysis = check(&tree, &Environment::default());
    problems.extend(analysis.problems);
    let shown: Vec<String> = problems.iter().map(|p| show(p, &case.text)).collect();
    let mut want = case.want;
    if !want.starts_with("CS") && !want.starts_with("APIM-") && !want.starts_with('~') {
        let errors = problems.iter().any(|p| p.severity == Severity::Error);
        let result = analysis.result.unwrap_or_default();
        if errors || result != want {
            return Err(format!("wanted `{want}`, got `{result}` and {shown:?}"));
        }
        return Ok(());
    }
    while !want.is_empty() {
        let (head, rest) = match want.find(" \"") {
            Some(at) => (&want[..at], Some(&want[at + 2..])),
            None => (want, None),
        };
        let (place, next) = match rest {
            // The place ends with the last quote, or before another code.
            Some(rest) => match rest.find("\" CS") {
                Some(end) => (&rest[..end], &rest[end + 2..]),
                None => (rest.strip_suffix('"').unwrap_or(rest), ""),
            },
            None => ("", ""),
        };
        let (severity, code) = match head.strip_prefix('~') {
            Some(code) => (Severity::Warning, code),
            None => (Severity::Error, head),
        };
        let found = problems.iter().find(|p| {
            let text = p.span.of_text(&case.text);
            p.code.id() == code && p.severity == severity && (place.is_empty() || text == place)
        });
        let Some(found) = found else {
            return Err(format!("wanted {head} at `{place}`, got {shown:?}"));
        };
        if !found.help.contains(case.help) {
            return Err(format!("wanted help with `{}`, got {shown:?}", case.help));
        }
        want = next;
    }
    Ok(())
}

trait OfText {
    fn of_text<'a>(&self, text: &'a str) -> &'a str;
}

impl OfText for flux_apim_csharp::Span {
    fn of_text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start as usize..self.end as usize]
    }
}

fn show(problem: &Problem, text: &str) -> String {
    format!(
        "{:?} {} at `{}`: {} ({})",
        problem.severity,
        problem.code.id(),
        problem.span.of_text(text),
        problem.message,
        problem.help
    )
}

fn all(file: &str) {
    let mut failed = Vec::new();
    let list = cases(file);
    for case in &list {
        if let Err(why) = holds(case) {
            failed.push(format!("line {}: {}\n    {why}", case.line, case.text));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases fail:\n{}",
        failed.len(),
        list.len(),
        failed.join("\n")
    );
}

#[test]
fn expressions() {
    all(include_str!("cases/expressions.txt"));
}

#[test]
fn bodies() {
    all(include_str!("cases/bodies.txt"));
}

#[test]
fn what_variables_hold_is_known_to_casts() {
    let held = [
        ("n", Some("int")),
        ("s", Some("string")),
        ("o", Some("JObject")),
        ("r", Some("IResponse")),
        ("unknown", None),
    ];
    let held = held.map(|(name, ty)| (name.to_owned(), ty.map(str::to_owned)));
    let environment = Environment {
        variables: Some(held.into()),
        ..Environment::default()
    };
    let said = |text: &str| -> Vec<String> {
        let (tree, problems) = parse(text, Form::Expression);
        assert!(problems.is_empty(), "{text}");
        let found = check(&tree, &environment).problems;
        assert!(
            found.iter().all(|p| p.severity == Severity::Warning),
            "{text}: {found:?}"
        );
        found.iter().map(|p| p.code.id().to_owned()).collect()
    };
    for fails in [
        "(string)context.Variables[\"n\"]",
        "(long)context.Variables[\"n\"]",
        "(int)context.Variables[\"s\"]",
        "(bool)(context.Variables[\"s\"])",
        "((string[])context.Variables[\"s\"]).Length",
        "((List<string>)context.Variables[\"o\"]).Count",
        "((JArray)context.Variables[\"o\"]).Count",
        "(string)context.Variables[\"o\"]",
        "((JObject)context.Variables[\"r\"]).Count",
        "context.Variables.GetValueOrDefault<bool>(\"s\")",
        "context.Variables.GetValueOrDefault<int>(\"s\", 1)",
        "context.Variables.GetValueOrDefault(\"n\", \"text\")",
    ] {
        assert_eq!(said(fails), ["APIM-CAST"], "{fails}");
    }
    for works in [
        "(int)context.Variables[\"n\"]",
        "(int?)context.Variables[\"n\"]",
        "((IComparable)context.Variables[\"n\"]) != null",
        "((IEnumerable<char>)context.Variables[\"s\"]).Count()",
        "((JToken)context.Variables[\"o\"]).HasValues",
        "(context.Variables[\"o\"] as JArray)?.Count",
        "context.Variables[\"n\"] is string",
        "(int)context.Variables[\"unknown\"]",
        "context.Variables.GetValueOrDefault<int>(\"n\")",
        "context.Variables.GetValueOrDefault(\"n\", 1)",
        "context.Variables.ContainsKey(\"s\")",
    ] {
        assert_eq!(said(works), [""; 0], "{works}");
    }
    assert_eq!(
        said("(int)context.Variables[\"unknwn\"]"),
        ["APIM-VARIABLE"]
    );
}
