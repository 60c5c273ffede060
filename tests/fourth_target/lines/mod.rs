//! A fourth target, as somebody else would add one: a line for each resource.

use flux_apim::diag::Findings;
use flux_apim::link::Linked;
use flux_apim::render::{File, Options, Printer, Rendered};
use std::fmt::Write;
use std::sync::Arc;

/// The row of the target.
pub(crate) static PRINTER: Printer = Printer {
    name: "lines",
    is_default: false,
    print,
};

fn print(graph: &Linked, _: &Options, rendered: &mut Rendered, _: &mut Findings) {
    let path: Arc<str> = "lines/resources.txt".into();
    let mut text = String::new();
    for (i, node) in graph.nodes().iter().enumerate() {
        let _ = writeln!(text, "{} {}", node.key.arm_type(), node.key);
        rendered.carries(&path, i);
    }
    rendered.push(File::text(&*path, text));
}
