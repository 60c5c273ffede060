//! What holds of any documents.

use super::{composed, outline, read};
use crate::effective::{html, json, mermaid, xml};
use crate::{Root, parse};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Findings};
use proptest::prelude::*;

/// What a section may hold.
fn content() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("<base />".to_owned()),
        Just("<t s='a' />".to_owned()),
        Just("<include-fragment fragment-id='f' />".to_owned()),
        Just("<include-fragment fragment-id='g' />".to_owned()),
        Just(
            "<set-header name='h'><value>@(1 < 2 ? \"a\" : \"</b>\")</value></set-header>"
                .to_owned()
        ),
        Just("<return-response />".to_owned()),
        Just("<!-- c -->".to_owned()),
    ];
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        proptest::collection::vec(inner, 0..4).prop_map(|parts| {
            format!(
                "<choose><when condition='c'>{}</when><otherwise><t /></otherwise></choose>",
                parts.concat()
            )
        })
    });
    proptest::collection::vec(nested, 0..4).prop_map(|parts| parts.concat())
}

fn document() -> impl Strategy<Value = String> {
    (content(), content()).prop_map(|(inbound, outbound)| {
        format!("<policies><inbound>{inbound}</inbound><outbound>{outbound}</outbound></policies>")
    })
}

fn fragment() -> impl Strategy<Value = String> {
    content()
        .prop_map(|content| format!("<fragment>{}</fragment>", content.replace("<base />", "")))
}

proptest! {
    #[test]
    fn an_operation_without_policies_has_those_of_its_api(
        global in document(), api in document(), f in fragment(), g in fragment()
    ) {
        let inherits = "<policies><inbound><base /></inbound><backend><base /></backend>\
                        <outbound><base /></outbound><on-error><base /></on-error></policies>";
        let texts = [("global", &*global), ("api", &*api), ("fragment f", &*f), ("fragment g", &*g)];
        let without = read(&texts);
        let mut texts = texts.to_vec();
        texts.push(("operation", inherits));
        let with = read(&texts);
        prop_assert_eq!(outline(&composed(&without)), outline(&composed(&with)));
    }

    #[test]
    fn what_is_printed_is_read_again(
        global in document(), api in document(), f in fragment(), g in fragment()
    ) {
        let texts = [("global", &*global), ("api", &*api), ("fragment f", &*f), ("fragment g", &*g)];
        let documents = read(&texts);
        let effective = composed(&documents);
        let meter = Budget::default().meter();
        let text = xml(&effective, &meter);
        let mut findings = Findings::from(Vec::new());
        parse(FileId(0), &text, Root::Policies, 256, &mut findings);
        prop_assert_eq!(findings.len(), 0);
        let json = json(&effective, &meter);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        prop_assert!(html(&effective, &meter).ends_with("</html>\n"));
        prop_assert_eq!(
            mermaid(&effective, &meter).matches("subgraph").count(), 4
        );
    }

    #[test]
    fn is_total(text in "[<>/ \"'=@(){}a-]{0,30}(<base />|<include-fragment fragment-id=\"f\"/>)?[<>/ a]{0,9}") {
        let text = format!("<policies><inbound>{text}");
        let mut findings = Findings::from(Vec::new());
        let document = parse(FileId(0), &text, Root::Policies, 256, &mut findings);
        let documents = [("api", document)].into_iter().collect();
        let effective = composed(&documents);
        let meter = Budget::default().meter();
        xml(&effective, &meter);
        let json = json(&effective, &meter);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        mermaid(&effective, &meter);
        html(&effective, &meter);
    }
}
