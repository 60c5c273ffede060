//! Says what is wrong with one expression: `cargo run --example check -- '@(1 + "a")'`.
#![allow(
    clippy::disallowed_methods,
    reason = "a program has a command line and files"
)]
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use flux_apim_csharp::{Environment, Form, check, parse};

fn main() -> Result<(), String> {
    let text = std::env::args().nth(1).ok_or("usage: check EXPRESSION")?;
    let inner = |open, close| {
        text.strip_prefix(open)
            .and_then(|rest: &str| rest.strip_suffix(close))
    };
    let (inside, form) = match (inner("@(", ")"), inner("@{", "}")) {
        (Some(inside), _) => (inside, Form::Expression),
        (_, Some(inside)) => (inside, Form::Body),
        _ => (text.as_str(), Form::Expression),
    };
    let (tree, mut problems) = parse(inside, form);
    let analysis = check(&tree, &Environment::default());
    problems.extend(analysis.problems);
    for problem in &problems {
        let (start, end) = (problem.span.start as usize, problem.span.end as usize);
        let before = inside.get(..start).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        println!(
            "{line}:{column} {:?} {} {}",
            problem.severity,
            problem.code.id(),
            problem.message
        );
        println!("    at `{}`", inside.get(start..end).unwrap_or(""));
        if !problem.help.is_empty() {
            println!("    {}", problem.help);
        }
    }
    match analysis.result {
        Some(ty) => println!("result: {ty}"),
        None => println!("result: not known"),
    }
    Ok(())
}
