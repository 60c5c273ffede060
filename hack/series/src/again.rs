//! What a run costs that finds what the run before it made: a project in which one API
//! changed, as `--watch`, the service and the controller see it.

use crate::run;
use crate::work::{self, counting_begins, counting_ends};
use anyhow::Context;
use flux_apim::pipeline::{self, Options};
use flux_apim::reuse::Reuse;
use flux_apim::tree::{ArtifactPath, SourceTree};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

/// Of the first run's instructions, those that the second may take. A hundredth is wanted:
/// digests, links and the sizes of what would be rendered are made anew in each run.
const MOST: f64 = 0.25;
const APIS: usize = 1_000;
const OPERATIONS: usize = 40;

type Files = BTreeMap<ArtifactPath, Vec<u8>>;

/// Definitions of about 10 KB, each with a warning, a policy and its information.
fn files() -> anyhow::Result<Files> {
    let mut files = Files::new();
    for api in 0..APIS {
        let operation = |i: usize| {
            // A finding of each definition: an array that does not say of what.
            let value = if i == 0 { "array" } else { "string" };
            format!(
                r#""/p{i}/{{id}}":{{"get":{{"operationId":"get-{i}","description":"Operation {i} of API {api}","parameters":[{{"name":"id","in":"path","required":true,"schema":{{"type":"string"}}}},{{"name":"q","in":"query","schema":{{"type":"{value}"}}}}],"responses":{{"200":{{"description":"ok"}}}}}}}}"#
            )
        };
        let operations: Vec<String> = (0..OPERATIONS).map(operation).collect();
        let mut add = |name: &str, text: String| -> anyhow::Result<()> {
            let path = ArtifactPath::parse(&format!("apis/api-{api:04}/{name}"))?;
            files.insert(path, text.into_bytes());
            Ok(())
        };
        add(
            "specification.json",
            format!(
                r#"{{"openapi":"3.0.3","info":{{"title":"API {api}","version":"1"}},"paths":{{{}}}}}"#,
                operations.join(",")
            ),
        )?;
        add(
            "apiInformation.json",
            format!(r#"{{"properties":{{"path":"p{api}","displayName":"API {api}"}}}}"#),
        )?;
        add(
            "policy.xml",
            "<policies><inbound><base /></inbound></policies>".to_owned(),
        )?;
    }
    Ok(files)
}

/// `series work-again`: the first run and the one after a change, a line for each.
pub(crate) fn work() -> anyhow::Result<()> {
    work::one_thread()?;
    let mut files = files()?;
    let options = Options {
        check: true,
        reuse: Some(Arc::new(Reuse::new(1 << 30))),
        ..Options::default()
    };
    let mut counter = work::counter();
    let first = SourceTree::in_memory(files.clone());
    let changed = ArtifactPath::parse(&format!("apis/api-{:04}/specification.json", APIS / 2))?;
    let text = files.get_mut(&changed).context("the API is there")?;
    *text = String::from_utf8(std::mem::take(text))?
        .replace("Operation 7 ", "Operation seven ")
        .into_bytes();
    let second = SourceTree::in_memory(files);
    for (name, tree) in [("first", first), ("again", second)] {
        let before = counter.as_mut().map(|counter| counter.read()).transpose()?;
        counting_begins();
        let outcome = black_box(pipeline::run(&tree, &options, Vec::new())?);
        counting_ends();
        let after = counter.as_mut().map(|counter| counter.read()).transpose()?;
        let count = after
            .zip(before)
            .map_or(0, |(after, before)| after - before);
        println!("{name} {} {count}", outcome.report.summary().warning);
    }
    Ok(())
}

/// Whether the second run keeps within its line.
pub(crate) fn measure(counter: run::Counter) -> anyhow::Result<bool> {
    let counts = run::lines(&["work-again".to_owned()], counter)?;
    let [(first, of_first), (again, of_again)] = &counts[..] else {
        anyhow::bail!("there are {} runs, not two", counts.len());
    };
    let findings = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    anyhow::ensure!(
        findings(first) == findings(again) && findings(first) != Some("0".to_owned()),
        "`{first}` and `{again}` do not say the same"
    );
    let share = *of_again as f64 / *of_first as f64;
    println!(
        "one of {APIS} APIs changed, a finding in each: {:.2} of {:.0} million instructions, {:.2} % (at most {:.0} %)",
        *of_again as f64 / 1e6,
        *of_first as f64 / 1e6,
        share * 100.0,
        MOST * 100.0
    );
    Ok(share <= MOST)
}
