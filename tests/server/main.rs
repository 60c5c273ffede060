//! The preview service as its clients see it.
#![cfg(all(feature = "cli", feature = "controller"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod access;
mod artifacts;
mod bad_input;
mod bounds;
#[path = "../common/mod.rs"]
mod common;
mod connections;
mod hook;
mod hostile;
mod keys;
mod leaving;
mod mutation;
mod operations;
mod options;
mod origin;
mod previews;
mod probes;
mod remote;
mod sources;
mod support;
mod tokens;
