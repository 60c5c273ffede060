//! The folder of each object: `NN-name`, by what it is alone. An object never changes its
//! folder: in another one's inventory it would be new, and pruned from this one's.

use flux_apim_link::{Expression, Node};
use flux_apim_model::kinds::Kind;

/// A folder, in the order in which they are applied: what an object refers to stands in
/// one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder(pub(super) &'static str);

/// Every folder, by kind and the one other thing that tells two of a kind apart. Names are
/// never changed, and none is used for something else; 42 is kept for MCP APIs, which the
/// operator's kind does not take.
pub(super) const FOLDERS: &[(Kind, bool, Folder)] = &[
    (Kind::NamedValue, false, Folder("10-named-values")),
    (Kind::Group, false, Folder("11-groups")),
    (Kind::Gateway, false, Folder("12-gateways")),
    (Kind::VersionSet, false, Folder("13-version-sets")),
    (Kind::Backend, false, Folder("20-backends")),
    (Kind::Backend, true, Folder("21-backend-pools")),
    (Kind::Logger, false, Folder("22-loggers")),
    (Kind::Diagnostic, false, Folder("23-diagnostics")),
    (Kind::PolicyFragment, false, Folder("24-policy-fragments")),
    (Kind::ServicePolicy, false, Folder("25-service-policies")),
    (Kind::Product, false, Folder("30-products")),
    (Kind::ProductGroup, false, Folder("31-product-groups")),
    (Kind::ProductPolicy, false, Folder("32-product-policies")),
    (Kind::Api, false, Folder("40-apis")),
    (Kind::Api, true, Folder("41-api-revisions")),
    (Kind::ApiPolicy, false, Folder("43-api-policies")),
    (Kind::ApiDiagnostic, false, Folder("44-api-diagnostics")),
    (Kind::ProductApi, false, Folder("50-product-apis")),
    (Kind::GatewayApi, false, Folder("51-gateway-apis")),
    (Kind::Subscription, false, Folder("60-subscriptions")),
];

/// The folder of the object of `node`.
pub(super) fn of(node: &Node) -> Option<Folder> {
    let kind = node.key.kind;
    let special = match kind {
        Kind::Api => node.key.name().contains(";rev="),
        Kind::Backend => is_pool(node),
        _ => false,
    };
    let found = FOLDERS
        .iter()
        .find(|(of, is, _)| *of == kind && *is == special);
    found.map(|(_, _, folder)| *folder)
}

/// Whether an object of this kind could change its folder: a backend becomes a pool where
/// somebody makes it one.
pub(super) fn may_move(kind: Kind) -> bool {
    kind == Kind::Backend
}

fn is_pool(node: &Node) -> bool {
    node.properties.iter().any(|(key, value)| match value {
        Expression::String(text) => key == "type" && text.eq_ignore_ascii_case("pool"),
        Expression::Object(_) => key == "pool",
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a bundle of yesterday has in its inventory.
    #[test]
    fn folders_are_for_ever() {
        let names: Vec<&str> = FOLDERS.iter().map(|(_, _, folder)| folder.0).collect();
        assert_eq!(
            names,
            [
                "10-named-values",
                "11-groups",
                "12-gateways",
                "13-version-sets",
                "20-backends",
                "21-backend-pools",
                "22-loggers",
                "23-diagnostics",
                "24-policy-fragments",
                "25-service-policies",
                "30-products",
                "31-product-groups",
                "32-product-policies",
                "40-apis",
                "41-api-revisions",
                "43-api-policies",
                "44-api-diagnostics",
                "50-product-apis",
                "51-gateway-apis",
                "60-subscriptions",
            ]
        );
    }

    #[test]
    fn every_kind_of_the_operator_has_one() {
        for &kind in Kind::ALL.iter().filter(|kind| kind.row().aso.is_some()) {
            assert!(FOLDERS.iter().any(|(of, _, _)| *of == kind), "{kind:?}");
        }
        // What a kind is a child of, or refers to, comes before it.
        let place = |kind: Kind| FOLDERS.iter().position(|(of, _, _)| *of == kind);
        for (kind, _, _) in FOLDERS {
            let row = kind.row();
            let targets = row
                .references
                .iter()
                .flat_map(|reference| reference.targets);
            for &before in targets.chain(&row.parent).chain(&row.links_to) {
                assert!(place(before) <= place(*kind), "{kind:?} before {before:?}");
            }
        }
    }
}
