//! Resource ids.

/// `Microsoft.X/a/b` and the names `1`, `2` as `Microsoft.X/a/1/b/2`.
pub(crate) fn interleave<'a>(kind: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let mut types = kind.split('/');
    let mut out = types.next().unwrap_or_default().to_owned();
    let mut names = names.into_iter();
    for segment in types {
        out.push('/');
        out.push_str(segment);
        if let Some(name) = names.next() {
            out.push('/');
            out.push_str(name);
        }
    }
    out
}

/// A provider's part below a scope. A resource group is no resource of a provider in its id.
pub(crate) fn under(scope: &str, provider: &str) -> String {
    let group = "Microsoft.Resources/resourceGroups/";
    match provider.get(..group.len()) {
        Some(prefix)
            if prefix.eq_ignore_ascii_case(group)
                && scope.matches('/').count() == 2
                && scope.starts_with("/subscriptions/") =>
        {
            format!(
                "{scope}/resourceGroups/{}",
                provider.get(group.len()..).unwrap_or_default()
            )
        }
        _ => format!("{scope}/providers/{provider}"),
    }
}

/// What two spellings of an id have in common.
pub(crate) fn key(id: &str) -> String {
    id.trim_end_matches('/').to_lowercase()
}

/// The provider's part of an id: `Microsoft.X/a/1/b/2`.
pub(crate) fn provider_part(id: &str) -> &str {
    let marker = "/providers/";
    match id.to_ascii_lowercase().rfind(marker) {
        Some(at) => id.get(at + marker.len()..).unwrap_or_default(),
        None => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_pairs_of_type_and_name() {
        assert_eq!(
            interleave("Microsoft.ApiManagement/service/apis", ["s", "a"]),
            "Microsoft.ApiManagement/service/s/apis/a"
        );
        assert_eq!(
            under("/subscriptions/1", "Microsoft.Resources/resourceGroups/g"),
            "/subscriptions/1/resourceGroups/g"
        );
        assert_eq!(
            under("/subscriptions/1/resourceGroups/g", "A.B/c/1"),
            "/subscriptions/1/resourceGroups/g/providers/A.B/c/1"
        );
        assert_eq!(
            provider_part("/subscriptions/1/providers/A.B/c/1/providers/D.E/f/2"),
            "D.E/f/2"
        );
    }
}
