//! The page: trees and their environments, findings by rule.

use crate::allowed::{self, Refusal};
use crate::run::{Finding, Run};
use crate::sources::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

pub fn page(runs: &[Run], allowed: &[Refusal], explained: &str) -> String {
    let mut page = String::from(
        "<!-- Made by `make corpus`; what explains the findings stands in hack/corpus/explained.md. -->\n\
         # What is found in published trees, definitions and policies\n\n",
    );
    trees(&mut page, runs, allowed);
    rules(&mut page, runs);
    page.push_str(explained);
    page
}

fn trees(page: &mut String, runs: &[Run], allowed: &[Refusal]) {
    let trees: Vec<&Run> = of_kind(runs, Kind::Tree).collect();
    let rendered = trees.iter().filter(|run| run.is_rendered).count();
    let _ = write!(
        page,
        "## Trees\n\n{rendered} of {} trees with their environments render for all targets. \
         What is refused must be in `hack/corpus/allowed.json`.\n\n\
         | tree | environment | | errors | why that is right |\n|---|---|---|---|---|\n",
        trees.len()
    );
    for run in trees {
        let name = run.source.name.rsplit('/').next().unwrap_or_default();
        let environment = run.source.environment.as_deref().unwrap_or("none");
        let state = match run.is_rendered {
            true => "rendered",
            false => "refused",
        };
        let codes: Vec<&str> = run.errors().into_iter().collect();
        let why = match (run.is_rendered, allowed::of(allowed, run)) {
            (true, _) => String::new(),
            (false, Some(one)) => format!("{} ({})", one.reason, one.source),
            (false, None) => "not allowed".to_owned(),
        };
        let codes = codes.join(", ");
        let _ = writeln!(
            page,
            "| {name} | {environment} | {state} | {codes} | {why} |"
        );
    }
    page.push('\n');
}

/// Findings of a rule at one level.
#[derive(Default)]
struct Counted<'a> {
    name: &'a str,
    findings: [usize; 3],
    sources: BTreeSet<&'a str>,
}

fn rules(page: &mut String, runs: &[Run]) {
    let mut rows: BTreeMap<(&str, &str), Counted> = BTreeMap::new();
    for ((kind, source), findings) in &distinct(runs) {
        for found in findings {
            let row = rows.entry((&found.code, &found.level)).or_default();
            row.name = &found.name;
            row.findings[*kind as usize] += 1;
            row.sources.insert(source);
        }
    }
    let counted = [Kind::Tree, Kind::Definition, Kind::Policy].map(|kind| {
        let names: BTreeSet<&str> = of_kind(runs, kind)
            .map(|run| run.source.name.as_str())
            .collect();
        names.len()
    });
    let [trees, definitions, policies] = counted;
    let _ = write!(
        page,
        "## Findings by rule\n\n{trees} trees, {definitions} definitions in one file each, \
         {policies} policies in one file each. A finding that several environments of a tree \
         have counts once.\n\n\
         | rule | level | trees | definitions | policies | in sources |\n\
         |---|---|---:|---:|---:|---:|\n"
    );
    for ((code, level), row) in rows {
        let [trees, definitions, policies] = row.findings;
        let (name, sources) = (row.name, row.sources.len());
        let _ = writeln!(
            page,
            "| [{code}](rules/{code}.md) {name} | {level} | {trees} | {definitions} | \
             {policies} | {sources} |"
        );
    }
    page.push('\n');
}

fn of_kind(runs: &[Run], kind: Kind) -> impl Iterator<Item = &Run> {
    runs.iter().filter(move |run| run.source.kind == kind)
}

/// The findings of each source, once for all its environments.
pub fn distinct(runs: &[Run]) -> BTreeMap<(Kind, &str), BTreeSet<&Finding>> {
    let mut found: BTreeMap<(Kind, &str), BTreeSet<&Finding>> = BTreeMap::new();
    for run in runs {
        let source = (run.source.kind, run.source.name.as_str());
        found.entry(source).or_default().extend(&run.findings);
    }
    found
}

/// Lines that only one of two pages has; the two forms of a row stand together.
pub fn difference(before: &str, now: &str) -> Vec<String> {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (before.lines().collect(), now.lines().collect());
    let gone = old.difference(&new).map(|line| (*line, '-'));
    let come = new.difference(&old).map(|line| (*line, '+'));
    let mut changed: Vec<(&str, char)> = gone.chain(come).collect();
    changed.sort_unstable_by_key(|(line, mark)| (*line, *mark == '+'));
    changed
        .into_iter()
        .map(|(line, mark)| format!("{mark} {line}"))
        .collect()
}
