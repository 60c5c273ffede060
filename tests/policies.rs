//! Policies as the library checks them.
#![allow(clippy::panic, reason = "test code")]

use flux_apim::diag::tree::FileId;
use flux_apim::diag::{Findings, Place};
use flux_apim::policy::{Gateway, Root, Setting, check, parse};

#[test]
fn a_gateway_takes_some_policies() {
    let text = "<policies><inbound><quota-by-key calls='1' renewal-period='300' counter-key='a' />\
                </inbound></policies>";
    let found = |gateway| {
        let mut findings = Findings::from(Vec::new());
        let document = parse(FileId(0), text, Root::Policies, 256, &mut findings);
        let setting = Setting {
            gateway,
            ..Setting::default()
        };
        check(&document, setting, &mut findings);
        let listed = findings.listed().iter();
        let listed = listed.map(|finding| (finding.rule.name, finding.place.clone()));
        listed.collect::<Vec<_>>()
    };
    assert_eq!(found(None), []);
    assert_eq!(found(Some(Gateway::Classic)), []);
    let refused = found(Some(Gateway::Consumption));
    let [("policy-gateway", Place::Span(span))] = refused.as_slice() else {
        panic!("{refused:?}");
    };
    assert_eq!(
        &text[span.start as usize..span.end as usize],
        "quota-by-key"
    );
}
