//! Expressions that nobody wrote, held against a compiler: see `hack/csharp-oracle`.
//!
//! `FLUX_APIM_CSHARP_CASES` is how many are made (300), `FLUX_APIM_CSHARP_SEED` makes
//! others.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says so when it fails"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test runs a compiler"
)]

mod compiler;
mod grammar;

use compiler::Compiler;
use flux_apim_csharp::{Environment, Evidence, Form, Problem, Severity, check, parse};
use grammar::Dice;
use std::path::Path;

/// Parts of texts of which Mono says something else than Roslyn and .NET Framework 4.7.2.
const ELSEWHERE: [&str; 4] = [
    // It has more overloads, and cannot choose one.
    "string.Concat()",
    // Its class library has these operators of .NET Core.
    "context.Elapsed) * (",
    ") * (context.Elapsed)",
    "context.Elapsed) / (",
];

#[test]
fn a_compiler_agrees() {
    let Some(compiler) = Compiler::new(Path::new(env!("CARGO_TARGET_TMPDIR"))) else {
        println!(
            "skipped: no compiler is asked, since mcs and its Newtonsoft.Json are not there; \
             hack/csharp-oracle/packages installs them"
        );
        return;
    };
    let asked = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().unwrap());
    let count = asked("FLUX_APIM_CSHARP_CASES").unwrap_or(300);
    let mut dice = Dice::new(asked("FLUX_APIM_CSHARP_SEED").unwrap_or(42));
    let made: Vec<(Form, String)> = (0..count)
        .map(|n| match n % 3 {
            2 => (Form::Body, grammar::body(&mut dice, 1)),
            _ => {
                let depth = 1 + dice.below(4);
                let text = grammar::expression(&mut dice, &mut Vec::new(), depth);
                (Form::Expression, text)
            }
        })
        .collect();
    let accepted = compiler.accepted(&made);
    let mut wrong = Vec::new();
    for ((form, text), accepted) in made.iter().zip(&accepted) {
        if ELSEWHERE.iter().any(|part| text.contains(part)) {
            continue;
        }
        match (accepted, refused(text, *form)) {
            (true, Some(problem)) => {
                wrong.push(format!(
                    "refused: {text}\n    {} {} at {:?}",
                    problem.code.id(),
                    problem.message,
                    problem.span.of(text)
                ));
            }
            (false, None) => wrong.push(format!("accepted: {text}")),
            _ => {}
        }
    }
    let good = accepted.iter().filter(|accepted| **accepted).count();
    println!(
        "{count} expressions, {good} of them good, {} disagreements",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the checker says against it. A compiler knows the language, not what API
/// Management allows.
fn refused(text: &str, form: Form) -> Option<Problem> {
    let (tree, mut problems) = parse(text, form);
    problems.extend(check(&tree, &Environment::default()).problems);
    problems.into_iter().find(|problem| {
        problem.severity == Severity::Error && problem.evidence == Evidence::Language
    })
}
