//! Reads JSON lines `{id, kind, text}` and prints findings, for work on the checker.
use flux_apim_csharp::{Form, parse};
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
        let text = row["text"].as_str().unwrap_or("");
        let (_tree, problems) = parse(text, form);
        let problems: Vec<_> = problems
            .iter()
            .map(|p| serde_json::json!([p.code.id(), p.span.start, p.span.end, p.message, format!("{:?}", p.severity)]))
            .collect();
        let _ = writeln!(out, "{}", serde_json::json!({"id": row["id"], "problems": problems}));
    }
}
