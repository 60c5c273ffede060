//! The table of what shapes cost, for a terminal and for the documentation.

use crate::run::{Cost, MAX_FACTOR, Peak};
use anyhow::{Context, bail};
use shapes::{Asks, Memory};
use std::fmt::Write;
use std::path::Path;

/// Peak bytes for each byte of the input.
pub(crate) const MAX_MEMORY: usize = 100;

/// What is wrong with a cost; nothing when it keeps within the lines.
pub(crate) fn verdict(cost: &Cost) -> Vec<String> {
    let mut wrong = cost.failures.clone();
    for series in cost
        .series
        .iter()
        .filter(|series| series.factor > MAX_FACTOR)
    {
        wrong.push(format!(
            "{} grows by {:.2}",
            series.command.as_str(),
            series.factor
        ));
    }
    if let Some(peak) = cost.memory
        && peak.bytes > line(cost, &peak)
    {
        wrong.push(format!(
            "{} takes {:.1} MB for {:.1} kB, {:.0} bytes for each",
            peak.command.as_str(),
            peak.bytes / 1e6,
            peak.read / 1e3,
            peak.per_byte()
        ));
    }
    wrong
}

/// The most bytes that a shape may take.
fn line(cost: &Cost, peak: &Peak) -> f64 {
    match cost.shape.memory {
        None => MAX_MEMORY as f64 * peak.read,
        Some((Memory::PerByte(bytes), _)) => bytes as f64 * peak.read,
        Some((Memory::InAll(mebibytes), _)) => (mebibytes << 20) as f64,
    }
}

/// A row for a terminal.
pub(crate) fn row(cost: &Cost) -> String {
    let mut row = format!("{:<34}", cost.shape.name);
    match cost.worst() {
        Some(worst) => {
            for count in &worst.instructions {
                let _ = write!(row, " {:>8}", shown(*count));
            }
            let _ = write!(
                row,
                "  x{:<5.2} {:<8}",
                worst.factor,
                worst.command.as_str()
            );
        }
        None => row.push_str(" nothing was counted"),
    }
    if let Some(peak) = cost.memory {
        let _ = write!(
            row,
            " {:>6.0} B/B {:<8}",
            peak.per_byte(),
            peak.command.as_str()
        );
    }
    let _ = write!(row, " {:>9} B", cost.bytes);
    for wrong in verdict(cost) {
        let _ = write!(row, "  FAIL {wrong}");
    }
    row
}

/// Instructions in a few characters.
fn shown(count: u64) -> String {
    match count {
        0..10_000_000 => format!("{:.2} M", count as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{:.1} M", count as f64 / 1e6),
        _ => format!("{:.2} G", count as f64 / 1e9),
    }
}

const BEGIN: &str = "<!-- begin: written by `make series-table` -->\n";
const END: &str = "<!-- end -->";

/// Replaces the generated part of `docs/robustness.md`.
pub(crate) fn write(path: &Path, costs: &[Cost], counter: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let Some((before, rest)) = text.split_once(BEGIN) else {
        bail!("{} has no place for the table", path.display());
    };
    let Some((_, after)) = rest.split_once(END) else {
        bail!("{} has no end of the table", path.display());
    };
    let text = format!(
        "{before}{BEGIN}\n{}\n{END}{after}",
        markdown(costs, counter)
    );
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

fn markdown(costs: &[Cost], counter: &str) -> String {
    let mut out = format!("{} shapes, instructions {counter}.\n\n", costs.len());
    out.push_str("| Shape | What it is | Bytes at 8n | n | 2n | 4n | 8n | Factor | Of | Peak bytes per byte |\n|---|---|---:|---:|---:|---:|---:|---:|---|---:|\n");
    for cost in costs {
        let _ = write!(
            out,
            "| `{}` | {} | {} |",
            cost.shape.name, cost.shape.what, cost.bytes
        );
        match cost.worst() {
            Some(worst) => {
                for count in &worst.instructions {
                    let _ = write!(out, " {} |", shown(*count));
                }
                let _ = write!(out, " {:.2} | {} |", worst.factor, worst.command.as_str());
            }
            None => out.push_str(" | | | | | |"),
        }
        let memory = cost
            .memory
            .map_or(String::new(), |peak| format!("{:.0}", peak.per_byte()));
        let _ = writeln!(out, " {memory} |");
    }
    let products = costs.iter().filter_map(|cost| match cost.shape.asks {
        Asks::Product(reason) => Some((cost.shape.name, reason)),
        Asks::Linear => None,
    });
    out.push_str("\nShapes that ask for a product of two parts of the input are held against the bytes read and written:\n\n");
    for (name, reason) in products {
        let _ = writeln!(out, "- `{name}`: {reason}");
    }
    let _ = writeln!(
        out,
        "\nThe line of memory is {MAX_MEMORY} bytes per byte, except:\n"
    );
    for cost in costs {
        if let Some((memory, reason)) = cost.shape.memory {
            let allowed = match memory {
                Memory::PerByte(bytes) => format!("{bytes} bytes per byte"),
                Memory::InAll(mebibytes) => format!("{mebibytes} MiB in all"),
            };
            let _ = writeln!(out, "- `{}`, {allowed}: {reason}", cost.shape.name);
        }
    }
    out
}
