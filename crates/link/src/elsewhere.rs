//! What is said of a reference whose resource the tree does not have: add it, or say that
//! it is managed elsewhere.

/// The help of a finding about a resource that is not there; `id` as `external` would name
/// it.
pub(crate) fn help(id: &str) -> String {
    format!(
        "add it, or list it under `external: [{id}]` in flux-apim.yaml when it is managed elsewhere"
    )
}
