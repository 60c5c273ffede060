//! The `flux-apim` command.

use std::process::ExitCode;

/// Gives memory back to the system when a run that held much is over; the allocator of
/// glibc keeps it (docs/adr/0014-memory-goes-back.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    flux_apim::edge::cli::main()
}
