//! `flux-apim explain`: rules, by code or name.

use super::options::ResultFormat;
use super::{Done, print};
use crate::diag::{Rule, nearest};
use crate::rules::REGISTRY;
use anyhow::Context;
use std::io::Write;

pub(super) fn explain(code: Option<&str>, format: ResultFormat) -> anyhow::Result<Done> {
    let chosen: Vec<&Rule> = match code {
        None => REGISTRY.all().to_vec(),
        Some(code) => {
            let found = REGISTRY.find(code);
            let found = found.with_context(|| match near(code) {
                Some(near) => format!("there is no rule `{code}`; did you mean {near}?"),
                None => format!("there is no rule `{code}`; `flux-apim explain` lists them"),
            })?;
            if found.by_former_name {
                let name = found.rule.name;
                writeln!(std::io::stderr(), "`{code}` is called `{name}` now")
                    .context("write to standard error")?;
            }
            vec![found.rule]
        }
    };
    if format == ResultFormat::Json {
        print(&format!(
            "{}\n",
            serde_json::json!({"version": 1, "rules": chosen})
        ))?;
        return Ok(Done::Well);
    }
    let mut text = String::new();
    for rule in &chosen {
        if code.is_none() {
            text.push_str(&format!(
                "{}  {:<8} {:<32} {}\n",
                rule.code, rule.severity, rule.name, rule.summary
            ));
        } else {
            text.push_str(&format!(
                "{} {} ({}, {}, {})\n\n{}.\n\n{}\n\n{}\n",
                rule.code,
                rule.name,
                rule.severity,
                rule.class.as_str(),
                rule.evidence.as_str(),
                rule.summary,
                rule.explanation(),
                rule.url()
            ));
        }
    }
    print(&text)?;
    Ok(Done::Well)
}

/// How many rules are named that may have been meant.
const MOST: usize = 5;

/// What may have been meant by `code`: codes that begin so, else the nearest name.
fn near(code: &str) -> Option<String> {
    let digits = code.to_ascii_uppercase();
    let digits = digits.strip_prefix("APIM").unwrap_or(&digits);
    let all = REGISTRY.all().iter();
    let is_begun = |rule: &&&Rule| {
        let number = rule.code.to_string();
        !digits.is_empty() && number["APIM".len()..].starts_with(digits)
    };
    let begun: Vec<String> = all
        .clone()
        .filter(is_begun)
        .map(|r| r.code.to_string())
        .collect();
    match begun.len() {
        0 => nearest(code, all.map(|rule| rule.name)).map(str::to_owned),
        1..=MOST => Some(begun.join(", ")),
        _ => Some(format!("one of {}, ...", begun[..MOST].join(", "))),
    }
}
