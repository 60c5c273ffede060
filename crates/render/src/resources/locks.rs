//! What Azure locks while a resource is written.

use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;

/// The API, the product, or both, that nothing else may write to meanwhile.
pub(super) fn of(key: &Key) -> Vec<Key> {
    let collection = key.kind.row().arm.split('/').next();
    let own = match (collection, key.names.first()) {
        (Some("apis"), _) => key.current_revision(),
        (Some("products"), Some(product)) => Some(key.sibling(Kind::Product, &[product])),
        _ => None,
    };
    let linked = key.link_target().filter(|target| target.kind == Kind::Api);
    let linked = linked.and_then(|api| api.current_revision());
    own.into_iter().chain(linked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_with_what_belongs_to_it_is_one_lock() {
        let locks = |kind, names: &[&str]| {
            let locks = of(&Key::new(None, kind, names));
            locks.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(locks(Kind::Api, &["a;rev=2"]), ["apis/a"]);
        assert_eq!(locks(Kind::OperationPolicy, &["a", "get"]), ["apis/a"]);
        assert_eq!(
            locks(Kind::ProductApi, &["p", "a;rev=2"]),
            ["products/p", "apis/a"]
        );
        assert_eq!(locks(Kind::GatewayApi, &["g", "a"]), ["apis/a"]);
        assert_eq!(locks(Kind::ProductGroup, &["p", "g"]), ["products/p"]);
        assert!(locks(Kind::NamedValue, &["n"]).is_empty());
    }
}
