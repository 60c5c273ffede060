//! What holds of any documents.

use super::{GLOBAL, said};
use proptest::prelude::*;

/// What a section may hold.
fn content() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("<base />".to_owned()),
        "[ab]".prop_map(|name| format!("<set-variable name=\"{name}\" value=\"x\" />")),
        "[abc]".prop_map(|name| format!(
            "<set-method>@((string)context.Variables[\"{name}\"])</set-method>"
        )),
        "[fgh]".prop_map(|name| format!("<include-fragment fragment-id=\"{name}\" />")),
        Just("<return-response />".to_owned()),
        Just("<cors><allowed-origins><origin>*</origin></allowed-origins></cors>".to_owned()),
        Just("<set-backend-service base-url=\"https://a\" />".to_owned()),
        Just("<cache-store duration=\"1\" />".to_owned()),
        Just("<wait for=\"all\"><choose><when condition=\"@(true)\" /></choose></wait>".to_owned()),
    ];
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        (proptest::collection::vec(inner, 0..4), any::<bool>()).prop_map(|(parts, all)| {
            let otherwise = if all {
                "<otherwise><return-response /></otherwise>"
            } else {
                ""
            };
            let parts = parts.concat();
            format!("<choose><when condition=\"@(true)\">{parts}</when>{otherwise}</choose>")
        })
    });
    proptest::collection::vec(nested, 0..5).prop_map(|parts| parts.concat())
}

fn document() -> impl Strategy<Value = String> {
    (content(), content(), content())
        .prop_map(|(inbound, outbound, on_error)| super::document(&inbound, &outbound, &on_error))
}

proptest! {
    #[test]
    fn an_operation_that_inherits_all_changes_nothing(
        outer in document(), product in document(), api in document(),
        f in content(), g in content()
    ) {
        let mut files = vec![
            ("policy.xml", outer.replace("<backend><base />", "<backend><forward-request />")),
            ("products/p/policy.xml", product),
            ("apis/a/policy.xml", api),
            ("policyFragments/f/policy.xml", format!("<fragment>{f}</fragment>")),
            ("policyFragments/g/policy.xml", format!("<fragment>{g}</fragment>")),
        ];
        let without = said(&files);
        let base = "<base />";
        files.push(("apis/a/operations/o/policy.xml", super::document(base, base, base)));
        prop_assert_eq!(said(&files), without);
    }

    #[test]
    fn is_total(text in "(<[a-z/-]{1,9}|[>/ \"'=@(){}]|<base />|<choose>|<when>|<wait>|<otherwise>){0,20}") {
        let text = format!("<policies><inbound>{text}");
        let files = [("policy.xml", GLOBAL), ("apis/a/policy.xml", text.as_str())];
        let mut findings = flux_apim_diag::Findings::from(Vec::new());
        crate::tests::project::found(&files, &mut findings);
    }
}
