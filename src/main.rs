//! The `flux-apim` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    flux_apim::edge::cli::main()
}
