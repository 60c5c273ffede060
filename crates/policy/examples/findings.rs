//! What is said of policies: `check FILE...` reads each as a document by itself, and prints
//! its findings as `FILE:LINE: LEVEL RULE message`.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program has a command line and files"
)]
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Findings, Place};
use flux_apim_policy::{Expressions, Setting, check_with, parse, sniff};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let known = Expressions::new(&Budget::default());
    let mut worker = known.worker();
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path)?;
        let Some(root) = sniff(&text) else {
            println!("{path}:1: no policy");
            continue;
        };
        let mut findings = Findings::from(Vec::new());
        let document = parse(FileId(0), &text, root, 256, &mut findings);
        check_with(&document, Setting::default(), &mut worker, &mut findings);
        for finding in findings.listed() {
            let start = match finding.place {
                Place::Span(span) => span.start as usize,
                _ => 0,
            };
            let line = 1 + text.bytes().take(start).filter(|b| *b == b'\n').count();
            let rule = finding.rule;
            println!(
                "{path}:{line}: {:?} {} {}",
                rule.severity, rule.name, finding.message
            );
        }
    }
    Ok(())
}
