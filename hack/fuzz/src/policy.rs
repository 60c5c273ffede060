//! Looks for policies and expressions that the reader or the checker does not survive, does
//! not keep whole, or takes more steps for than their bytes explain.
#![no_main]

use flux_apim_csharp::{Environment, Form, check_metered, parse_metered};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings};
use flux_apim_policy::{Setting, check, parse, references, sniff};
use libfuzzer_sys::fuzz_target;
use std::cell::Cell;

/// Steps that an input may take: some, and more for each byte.
const FIXED: u64 = 1_000_000;
const PER_BYTE: u64 = 2_000;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let most = FIXED + PER_BYTE * text.len() as u64;
    if let Some(root) = sniff(&text) {
        let limits = Limits::default();
        let budget = Budget::new(&limits);
        let mut findings = Findings::new(&budget, &limits);
        let document = parse(FileId(0), &text, root, limits.max_depth, &mut findings);
        assert_eq!(document.print(), text, "it is not printed back");
        check(&document, Setting::default(), &mut findings);
        references(&document, &budget.meter());
        let spent = budget.spent();
        assert!(spent <= most, "{spent} steps for {} bytes", text.len());
    }
    for form in [Form::Expression, Form::Body] {
        let spent = Cell::new(0_u64);
        let meter = |steps: u64| {
            spent.set(spent.get() + steps);
            true
        };
        let (tree, _) = parse_metered(&text, form, &meter);
        check_metered(&tree, &Environment::default(), &meter);
        let spent = spent.get();
        assert!(
            spent <= most,
            "{spent} steps for {} bytes of C#",
            text.len()
        );
    }
});
