//! What is said of a reference whose resource the tree does not have: add it, or say that
//! it is managed elsewhere.

const BEFORE: &str = "add it, or list it under `external: [";
const AFTER: &str = "]` in flux-apim.yaml when it is managed elsewhere";

/// The help of a finding about a resource that is not there; `id` as `external` would name
/// it.
pub(crate) fn help(id: &str) -> String {
    format!("{BEFORE}{id}{AFTER}")
}

/// The id that the help of such a finding has a project list under `external`. `None` for
/// other helps, and for ids that were shortened.
pub fn external_id(help: &str) -> Option<&str> {
    let id = help.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    (!id.contains('…')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_read_as_it_was_said() {
        assert_eq!(external_id(&help("loggers/a]b")), Some("loggers/a]b"));
        assert_eq!(external_id(&help("loggers/long…")), None);
        assert_eq!(external_id("did you mean `loggers/a`?"), None);
    }
}
