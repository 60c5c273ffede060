//! A target is its folder and a row: one that the product does not know is printed beside
//! the others, and changes none of their files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod common;
#[path = "fourth_target/lines/mod.rs"]
mod lines;

use flux_apim::pipeline::{Options, Outcome};
use flux_apim::render::Target;

const LINES: Target = Target::of(&lines::PRINTER);

fn rendered(targets: Option<Vec<Target>>) -> Outcome {
    let tree = common::tree(&common::repository("testdata/projects/contoso"));
    let options = Options {
        targets,
        ..Options::default()
    };
    common::run(&tree, &options)
}

#[test]
fn a_target_of_somebody_else_is_printed_beside_the_others() {
    let mut targets = Target::defaults();
    assert!(!targets.contains(&LINES));
    targets.push(LINES);
    let mut with = common::files(&rendered(Some(targets)));
    let lines = with.remove("lines/resources.txt").unwrap();
    let lines = String::from_utf8(lines).unwrap();
    assert!(
        lines
            .lines()
            .any(|line| line.starts_with("Microsoft.ApiManagement/service/apis "))
    );

    // The inventory says which file carries each resource for it.
    let inventory = with.remove("bundle.json").unwrap();
    let inventory: serde_json::Value = serde_json::from_slice(&inventory).unwrap();
    assert_eq!(inventory["targets"].as_array().unwrap().len(), 4);
    for resource in inventory["resources"].as_array().unwrap() {
        assert_eq!(resource["outputs"]["lines"], "lines/resources.txt");
    }

    let mut without = common::files(&rendered(None));
    without.remove("bundle.json").unwrap();
    assert!(with == without, "the other targets have other files");
}
