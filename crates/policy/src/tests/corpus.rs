//! What is found in published policies.

use super::published;
use crate::{check, parse, sniff};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Place};

#[test]
fn explore() {
    for (path, text) in published() {
        let Some(root) = sniff(&text) else {
            eprintln!("@@ {} no root", path.display());
            continue;
        };
        let mut findings = Findings::from(Vec::new());
        let document = parse(FileId(0), &text, root, 256, &mut findings);
        check(&document, crate::Setting::default(), &mut findings);
        for finding in findings.listed() {
            let Place::Span(span) = finding.place else {
                continue;
            };
            let line = text[..span.start as usize].matches('\n').count() + 1;
            let at = &text[span.start as usize..(span.end as usize).min(text.len())];
            eprintln!(
                "@@ {:?} {} {}:{} {} [{}]",
                finding.rule.severity,
                finding.rule.name,
                path.display(),
                line,
                finding.message,
                at.chars().take(60).collect::<String>()
            );
        }
    }
}
