//! Looks for trees that cost more than their bytes explain.
//!
//! libFuzzer changes inputs (`shapes::packed` says what they stand for) and keeps
//! those that reach code that none reached before. Here what a run costs for each
//! byte counts as code, too: an input that costs more than all before is kept,
//! and changed further. One above a line ends the search with a panic.
#![no_main]

mod cost;
mod marks;

use libfuzzer_sys::{Corpus, fuzz_target};
use peak_alloc::PeakAlloc;
use std::sync::Once;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

static ONCE: Once = Once::new();

fuzz_target!(|packed: &[u8]| -> Corpus {
    ONCE.call_once(|| {
        // Everything on one thread: the same input costs the same.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .use_current_thread();
        if let Err(error) = pool.build_global() {
            panic!("{error}");
        }
        // What is made once in a process is the cost of no input.
        cost::of(b"");
    });
    let mut cost = cost::of(packed);
    if cost.nanoseconds > cost.line_of_time() {
        // A clock sees what else the machine does. Work that is real comes again.
        for _ in 0..2 {
            cost.nanoseconds = cost.nanoseconds.min(cost::of(packed).nanoseconds);
        }
    }
    if std::env::var_os("FLUX_APIM_FUZZ_SHOW").is_some() {
        println!("{cost}; {}", cost.verdict().unwrap_or_default());
        return Corpus::Keep;
    }
    if let Some(wrong) = cost.verdict() {
        panic!("{wrong}");
    }
    marks::mark(&cost);
    Corpus::Keep
});
