//! Reads JSON lines `{id, kind, text, attribute}` and prints what the checker says of each.
use flux_apim_csharp::{Environment, Expected, Form, check, parse};
use std::io::{BufRead, Write};

fn main() {
    let stdin = std::io::stdin();
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for line in stdin.lock().lines() {
        let Ok(row) = serde_json::from_str::<serde_json::Value>(&line.unwrap_or_default()) else {
            continue;
        };
        let form = match row["kind"].as_str() {
            Some("block") => Form::Body,
            _ => Form::Expression,
        };
        let condition = matches!(
            row["attribute"].as_str(),
            Some("condition" | "increment-condition")
        );
        let expected = if condition {
            Expected::Condition
        } else {
            Expected::Anything
        };
        let environment = Environment {
            expected,
            ..Environment::default()
        };
        let text = row["text"].as_str().unwrap_or("");
        let (tree, mut problems) = parse(text, form);
        let analysis = check(&tree, &environment);
        let members: std::collections::BTreeSet<String> = tree
            .nodes()
            .filter_map(|(id, _)| analysis.member_of(id))
            .collect();
        let result = analysis.result;
        problems.extend(analysis.problems);
        let problems: Vec<_> = problems
            .iter()
            .map(|p| {
                serde_json::json!([
                    p.code.id(),
                    p.span.start,
                    p.span.end,
                    p.message,
                    format!("{:?}", p.severity),
                    p.help
                ])
            })
            .collect();
        let line = serde_json::json!({"id": row["id"], "problems": problems, "type": result, "members": members});
        let _ = writeln!(out, "{line}");
    }
}
