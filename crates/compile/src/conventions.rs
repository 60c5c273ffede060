//! What some teams ask of policies and Azure does not: looked at where a level or a preset
//! asks.

use crate::rules::{base_not_first, cors_any_origin, hard_coded_backend};
use flux_apim_diag::{Code, Findings, Span};
use flux_apim_policy::{Document, Element, NodeKind};
use std::collections::BTreeSet;

/// Looks for what `asked` names in `document`.
pub(super) fn check(document: &Document<'_>, asked: &BTreeSet<Code>, findings: &mut Findings) {
    let is_asked = |code: Code| asked.contains(&code);
    let meter = findings.budget().meter();
    for element in document.elements() {
        meter.spend(1, element.span);
        match element.name {
            "origin" if is_asked(cors_any_origin::RULE.code) => {
                let mut texts = document.children(element.node);
                if texts.any(|text| document.source(text).trim() == "*") {
                    findings.push(cors_any_origin::found(element.span));
                }
            }
            "set-backend-service" if is_asked(hard_coded_backend::RULE.code) => {
                let address = document.attribute(element, "base-url");
                let address = address.filter(|address| {
                    // What is computed or named is elsewhere.
                    address.value.contains("://") && !address.value.contains(['@', '{'])
                });
                findings.extend(
                    address.map(|address| {
                        hard_coded_backend::found(address.span, address.value.trim())
                    }),
                );
            }
            "inbound" if is_asked(base_not_first::RULE.code) => {
                findings.extend(late_base(document, element).map(base_not_first::found));
            }
            _ => {}
        }
    }
}

/// The `<base />` of a section in which another policy stands before it.
fn late_base(document: &Document<'_>, section: &Element<'_>) -> Option<Span> {
    let children = document.children(section.node);
    let mut policies = children.filter_map(|child| match document.node(child).kind {
        NodeKind::Element(_) => document.element(child),
        _ => None,
    });
    let first = policies.next()?;
    let base = policies.find(|policy| policy.name == "base")?;
    (first.name != "base").then_some(base.span)
}
