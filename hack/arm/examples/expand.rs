//! Prints what a template deploys: `expand TEMPLATE [PARAMETERS]`, files of JSON.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for the command line"
)]

use arm_template::{Context, expand};
use serde_json::{Value, json};

fn read(path: &str) -> Result<Value, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(path)?;
    Ok(serde_json::from_str(text.trim_start_matches('\u{feff}'))?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let template = read(&arguments.next().ok_or("expand TEMPLATE [PARAMETERS]")?)?;
    let parameters = match arguments.next() {
        Some(path) => read(&path)?,
        None => json!({}),
    };
    let context = Context::new(
        "00000000-0000-0000-0000-000000000001",
        "group",
        "deployment",
    );
    let expanded = expand(&template, &parameters, &context)?;
    for resource in &expanded.resources {
        let deferred = if resource.is_deferred() {
            " (deferred)"
        } else {
            ""
        };
        println!("{} {}{deferred}", resource.id, resource.api_version);
        for before in &resource.depends_on {
            println!("    after {before}");
        }
    }
    Ok(())
}
