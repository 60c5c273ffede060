//! `flux-apim explain`: rules, by code or name.

use super::options::ResultFormat;
use super::{Done, print};
use crate::diag::{Rule, excerpt, nearest};
use crate::rules::REGISTRY;
use anyhow::Context;
use std::io::Write;

pub(super) fn explain(code: Option<&str>, format: ResultFormat) -> anyhow::Result<Done> {
    let chosen: Vec<&Rule> = match code {
        None => REGISTRY.all().to_vec(),
        Some(code) => {
            let found = REGISTRY.find(code);
            let found = found.with_context(|| {
                let all = REGISTRY.all().iter();
                let codes: Vec<String> = all.clone().map(|rule| rule.code.to_string()).collect();
                let names = all.map(|rule| rule.name);
                let near = nearest(code, names.chain(codes.iter().map(String::as_str)));
                let near = near.map_or(String::new(), |near| format!(", `{near}` there is"));
                let code = excerpt(code, 80);
                format!("there is no rule `{code}`{near}; `flux-apim explain` lists them")
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
