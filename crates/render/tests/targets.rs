//! The targets say the same: read back by readers that know nothing of the printers, they
//! give the same resources, properties, conditions and order.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "test code"
)]

mod common;
#[path = "../../../tests/support/mod.rs"]
mod support;

use common::{differences, options, render};

/// Our own project and the trees of the corpus in each of their environments, as far as
/// they make a graph.
#[test]
fn trees_in_bicep_are_those_in_arm() {
    let mut compared = 0;
    for folder in common::trees() {
        let tree = common::tree(&folder);
        for environment in common::environments(&tree) {
            let Some(made) = render(&tree, environment.as_deref(), &options()) else {
                println!("{} {environment:?}: no graph", folder.display());
                continue;
            };
            let wrong = differences(&made);
            let shown = folder.display();
            assert!(
                wrong.is_empty(),
                "{shown} {environment:?}:\n{}",
                wrong.join("\n")
            );
            assert!(!made.codes().contains(&7005), "{:?}", made.found);
            compared += 1;
        }
    }
    println!("{compared} trees compared");
    assert!(compared >= 3);
}
