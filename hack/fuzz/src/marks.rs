//! Costs as code: a function for each height that a cost reaches, so that libFuzzer
//! keeps an input that is the first to reach one.

use crate::cost::Cost;
use std::hint::black_box;

/// Heights between one cost and twice as much.
const HEIGHTS: f64 = 4.0;

#[inline(never)]
fn reached<const MEASURE: usize, const HEIGHT: usize>() {
    black_box((MEASURE, HEIGHT));
}

macro_rules! heights {
    ($measure:literal, $height:expr, $($at:literal)*) => {
        match $height {
            $($at => reached::<$measure, $at>(),)*
            _ => reached::<$measure, 1000>(),
        }
    };
}

macro_rules! climb {
    ($measure:literal, $height:expr) => {
        heights!($measure, $height, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24
            25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55
            56 57 58 59)
    };
}

/// Calls the function of each height.
pub(crate) fn mark(cost: &Cost) {
    let per_byte = |what: u64, factor: f64| {
        let each = what as f64 / cost.bytes as f64 * factor;
        // From 1/16 of a unit on.
        ((each.max(0.0625).log2() + 4.0) * HEIGHTS) as usize
    };
    climb!(0, per_byte(cost.steps, 16.0));
    climb!(1, per_byte(cost.held, 4.0));
    climb!(2, per_byte(cost.peak, 1.0));
    // Coarser: it is never twice the same.
    climb!(3, per_byte(cost.nanoseconds, 0.01) / 4);
}
