//! Patterns of actions and of ids.

/// Whether `text` is one of a pattern: without case, `*` for any text, also with slashes.
///
/// Source, for actions: "Understand Azure role definitions", actions and wildcards.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_any_text() {
        let action = "Microsoft.ApiManagement/service/apis/write";
        for pattern in [
            "*",
            "*/write",
            "microsoft.apimanagement/service/*",
            "Microsoft.ApiManagement/*/write",
            action,
        ] {
            assert!(matches(pattern, action), "{pattern}");
        }
        for pattern in [
            "",
            "*/read",
            "Microsoft.ApiManagement/service",
            "Microsoft.ApiManagement/service/apis/*/write",
        ] {
            assert!(!matches(pattern, action), "{pattern}");
        }
    }

    #[test]
    fn patterns_protect_what_they_say() {
        for pattern in [
            "products/starter",
            "products/*",
            "*",
            "*/starter",
            "products/s*r",
            "PRODUCTS/*",
        ] {
            assert!(matches(pattern, "products/Starter"), "{pattern}");
        }
        for pattern in ["products", "products/start", "apis/*", "", "products/*x"] {
            assert!(!matches(pattern, "products/Starter"), "{pattern}");
        }
    }
}
