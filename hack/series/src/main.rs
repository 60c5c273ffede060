//! Counts what each shape of input costs at n, 2n and 4n, and fails where work
//! grows faster than the input, or memory is out of proportion to it.
//!
//! usage: series [--soak | --write FILE] [NAME...]
//!        series again
//!        series list
//!
//! `--soak` goes on to 8n; `--write` does, too, and puts the table into a page of the
//! documentation. `again` counts a run after one of 1,000 APIs changed; it is part of a run
//! over all shapes.

mod again;
mod run;
mod table;
mod work;

use anyhow::{Context, bail};
use run::{Cost, Counter, TIMES};
use shapes::Shape;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use work::Command;

/// Shapes that one process counts.
const TOGETHER: usize = 12;

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["work", times, ref names @ ..] => {
            let times = times.split(',').map(str::parse);
            let shapes = names.iter().map(|name| shape(name));
            let shapes = shapes.collect::<anyhow::Result<Vec<_>>>()?;
            work::work(&shapes, &times.collect::<Result<Vec<_>, _>>()?)?;
            Ok(ExitCode::SUCCESS)
        }
        ["work-again"] => {
            again::work()?;
            Ok(ExitCode::SUCCESS)
        }
        ["again"] => Ok(match again::measure(counter())? {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }),
        ["peak", name, n, command] => {
            let command = Command::parse(command).context("there is no such command")?;
            work::peak(shape(name)?, n.parse()?, command)?;
            Ok(ExitCode::SUCCESS)
        }
        ["list"] => {
            for shape in shapes::all() {
                println!("{:<34} {}", shape.name, shape.what);
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => measure(&words),
    }
}

fn shape(name: &str) -> anyhow::Result<&'static Shape> {
    shapes::find(name)
        .with_context(|| format!("there is no shape `{name}`; `series list` has them"))
}

fn counter() -> Counter {
    match work::counter() {
        Some(_) => Counter::Processor,
        None => Counter::Callgrind,
    }
}

fn measure(words: &[&str]) -> anyhow::Result<ExitCode> {
    let mut chosen: Vec<&'static Shape> = Vec::new();
    let mut write = None;
    let mut times = &TIMES[..3];
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        match word {
            "--soak" => times = &TIMES,
            "--write" => {
                write = Some(*words.next().context("--write needs a file")?);
                times = &TIMES;
            }
            name if !name.starts_with('-') => chosen.push(shape(name)?),
            other => bail!("there is no flag {other}"),
        }
    }
    let all = chosen.is_empty();
    if all {
        chosen = shapes::all().collect();
    }
    let counter = counter();
    let named = match counter {
        Counter::Processor => "counted by the processor",
        Counter::Callgrind => "counted by callgrind",
    };
    println!("{} shapes, instructions {named}", chosen.len());
    let costs = costs(&chosen, times, counter)?;
    let failed = costs.iter().filter(|cost| !table::verdict(cost).is_empty());
    let failed: Vec<&str> = failed.map(|cost| cost.shape.name).collect();
    if let Some(path) = write {
        table::write(path.as_ref(), &costs, named)?;
    }
    let again = !all || again::measure(counter)?;
    if failed.is_empty() {
        println!("all {} shapes keep within their lines", costs.len());
        return Ok(match again {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        });
    }
    println!(
        "{} of {} shapes do not: {}",
        failed.len(),
        costs.len(),
        failed.join(" ")
    );
    Ok(ExitCode::FAILURE)
}

/// Measures the shapes, several at a time, and prints a row for each.
fn costs(
    shapes: &[&'static Shape],
    times: &[usize],
    counter: Counter,
) -> anyhow::Result<Vec<Cost>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let chunks: Vec<&[&'static Shape]> = shapes.chunks(TOGETHER).collect();
    let next = AtomicUsize::new(0);
    let costs: Mutex<Vec<anyhow::Result<Vec<Cost>>>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers.min(chunks.len()) {
            scope.spawn(|| {
                while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let some = run::costs(chunk, times, counter);
                    for cost in some.iter().flatten() {
                        println!("{}", table::row(cost));
                    }
                    if let Ok(mut costs) = costs.lock() {
                        costs.push(some);
                    }
                }
            });
        }
    });
    let costs = costs.into_inner().unwrap_or_default();
    let costs = costs.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let mut costs: Vec<Cost> = costs.into_iter().flatten().collect();
    let place = |cost: &Cost| {
        shapes
            .iter()
            .position(|shape| shape.name == cost.shape.name)
    };
    costs.sort_by_key(place);
    Ok(costs)
}
