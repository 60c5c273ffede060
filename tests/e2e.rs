//! End to end, with the real parts: `make e2e`. In plain `cargo test` nothing
//! of this runs, since it needs binaries that take long to build.
//!
//! Scenarios run one after the other in one cluster, each in a namespace of its
//! own. `FLUX_APIM_E2E=1 cargo test --test e2e -- WORD` runs those whose name
//! has WORD in it; `FLUX_APIM_SOAK=1` runs the long forms.
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::exit,
    reason = "test code"
)]

#[path = "e2e/aso.rs"]
mod aso;
#[path = "e2e/bundle.rs"]
mod bundle;
#[path = "e2e/cluster.rs"]
mod cluster;
#[path = "common/mod.rs"]
mod common;
#[path = "e2e/controller.rs"]
mod controller;
#[path = "e2e/git.rs"]
mod git;
#[path = "e2e/http.rs"]
mod http;
#[path = "e2e/process.rs"]
mod process;
#[path = "registries/mod.rs"]
mod registries;
#[path = "e2e/scenarios/mod.rs"]
mod scenarios;
/// Readers that other tests use too.
mod support {
    pub(crate) type Res<T> = Result<T, String>;
    #[path = "../support/yaml.rs"]
    #[allow(dead_code, reason = "shared with other tests")]
    pub(crate) mod yaml;
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

fn main() {
    if std::env::var_os("FLUX_APIM_E2E").is_none() {
        println!("skipped: end-to-end tests run with `make e2e`");
        return;
    }
    let soak = std::env::var_os("FLUX_APIM_SOAK").is_some();
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let chosen =
        |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let started = Instant::now();
    let mut cluster = cluster::Cluster::start();
    cluster.install();
    println!("the cluster runs after {} s", started.elapsed().as_secs());
    let mut failed = Vec::new();
    for (name, scenario) in scenarios::ALL {
        if !chosen(name) {
            continue;
        }
        cluster.clear();
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| scenario(&mut cluster, soak)));
        let took = started.elapsed().as_secs_f32();
        match outcome {
            Ok(()) => println!("ok      {name} ({took:.1} s)"),
            Err(_) => {
                println!("FAILED  {name} ({took:.1} s)");
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        if let Some(keep) = std::env::var_os("FLUX_APIM_E2E_LOGS") {
            git::copy(&cluster.folder.join("log"), keep.as_ref());
        }
        println!("failed: {}", failed.join(", "));
    }
    drop(cluster);
    std::process::exit(i32::from(!failed.is_empty()));
}
