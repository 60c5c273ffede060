//! The work is bounded.

use super::{READ, SET, api, document};
use crate::tests::project::found;
use crate::{Api, Area, Facts, Root, Scope, Service, Setting, check, compose, parse};
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Budget, Findings};

fn facts(text: &str, scope: Scope) -> Facts {
    let mut findings = Findings::from(Vec::new());
    let document = parse(FileId(0), text, Root::Policies, 256, &mut findings);
    let setting = Setting {
        scope: Some(scope),
        ..Setting::default()
    };
    check(&document, setting, &mut findings)
}

/// Steps that an API takes with so many policies, and so many operations.
fn steps(policies: usize, operations: usize) -> u64 {
    let many: String = (0..policies)
        .map(|n| format!("<set-header name=\"h{n}\"><value>x</value></set-header>"))
        .collect();
    let own = facts(&document(&many, "", ""), Scope::Api);
    let operation = facts(
        &document("<base /><set-method>GET</set-method>", "", ""),
        Scope::Operation,
    );
    let service = Service {
        area: Area {
            apis: vec![Api {
                policy: Some(&own),
                operations: vec![&operation; operations],
                ..Api::default()
            }],
            ..Area::default()
        },
        ..Service::default()
    };
    let budget = Budget::default();
    let mut findings = Findings::new(&budget, &Limits::default());
    compose(&service, &mut findings);
    drop(findings);
    budget.spent()
}

#[test]
fn operations_do_not_repeat_the_policies_of_their_api() {
    let (one, many) = (steps(2_000, 1), steps(2_000, 5_000));
    assert!(many - one < 5_000 * 60, "{one} {many}");
}

#[test]
fn fragments_that_multiply_end_with_the_budget() {
    let mut files: Vec<(String, String)> = (0..9)
        .map(|n| {
            let include = format!("<include-fragment fragment-id='f{}' />", n + 1);
            (
                format!("policyFragments/f{n}/policy.xml"),
                format!("<fragment>{}</fragment>", include.repeat(20)),
            )
        })
        .collect();
    files.push((
        "apis/a/policy.xml".to_owned(),
        document("<include-fragment fragment-id='f0' />", "", ""),
    ));
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let limits = Limits {
        max_steps: 1_000_000,
        ..Limits::default()
    };
    let budget = Budget::new(&limits);
    let mut findings = Findings::new(&budget, &limits);
    assert!(budget.bound(|| found(&files, &mut findings)).is_err());
}

#[test]
fn deep_nesting_is_walked() {
    let deep = format!(
        "{}{SET}{}",
        "<choose><when condition=\"@(true)\">".repeat(120),
        "</when></choose>".repeat(120)
    );
    assert_eq!(api(&format!("{deep}{READ}"), ""), [""; 0]);
}

/// Steps that so many operations take that each read one of as many variables, in an API
/// of as many products.
fn crowd(n: usize) -> u64 {
    let sets: String = (0..n)
        .map(|n| {
            format!(
                "<set-variable name=\"v{n}\" value=\"x\" /><rate-limit-by-key calls=\"1\" \
                 renewal-period=\"1\" counter-key=\"k{n}\" />"
            )
        })
        .collect();
    let global = facts(super::GLOBAL, Scope::Global);
    let own = facts(&document(&format!("<base />{sets}"), "", ""), Scope::Api);
    let operations: Vec<Facts> = (0..n)
        .map(|n| {
            let read = format!("<set-method>@((string)context.Variables[\"v{n}\"])</set-method>");
            facts(
                &document(&format!("<base />{read}"), "", ""),
                Scope::Operation,
            )
        })
        .collect();
    let products: Vec<Facts> = (0..n)
        .map(|n| {
            let set = format!("<base /><set-variable name=\"p{n}\" value=\"x\" />");
            facts(&document(&set, "", ""), Scope::Product)
        })
        .collect();
    let service = Service {
        policy: Some(&global),
        area: Area {
            products: products.iter().map(Some).collect(),
            apis: vec![Api {
                policy: Some(&own),
                products: (0..n).collect(),
                operations: operations.iter().collect(),
                others: 0,
            }],
            ..Area::default()
        },
        ..Service::default()
    };
    let budget = Budget::default();
    let mut findings = Findings::new(&budget, &Limits::default());
    compose(&service, &mut findings);
    assert_eq!(findings.len(), 0, "{:?}", findings.listed());
    drop(findings);
    budget.spent()
}

#[test]
fn twice_the_source_takes_twice_the_steps() {
    let (once, twice) = (crowd(400), crowd(800));
    assert!(twice * 10 < once * 23, "{once} {twice}");
}
