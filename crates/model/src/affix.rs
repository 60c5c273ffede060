//! Names of environments that share a service: the block `environment:` of apiops-cli.

use super::{Key, Kind};

/// What names get in one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affix {
    /// Before each name.
    pub prefix: String,
    /// Behind each name, before `;rev=N`.
    pub suffix: String,
    /// Before the path of each API.
    pub path: String,
}

impl Affix {
    /// Whether names change.
    pub fn renames(&self) -> bool {
        !self.prefix.is_empty() || !self.suffix.is_empty()
    }

    /// Whether a resource of `kind` that is called `name` gets one of its own. Azure fixes
    /// the names of diagnostics and of what every service has.
    fn is_renamed(kind: Kind, name: &str) -> bool {
        let built_in = [
            "administrators",
            "developers",
            "guests",
            "managed",
            "master",
        ];
        kind.row().parent.is_none()
            && !matches!(
                kind,
                Kind::Diagnostic | Kind::ServicePolicy | Kind::Workspace
            )
            && !built_in
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// `name` of a resource of `kind` in this environment.
    pub fn name(&self, kind: Kind, name: &str) -> String {
        if !Self::is_renamed(kind, name) {
            return name.to_owned();
        }
        let (name, revision) = match name.split_once(";rev=") {
            Some((name, number)) => (name, Some(number)),
            None => (name, None),
        };
        let named = format!("{}{name}{}", self.prefix, self.suffix);
        match revision {
            Some(number) => format!("{named};rev={number}"),
            None => named,
        }
    }

    /// `key` in this environment. What lies in a workspace is apart already.
    #[must_use]
    pub fn key(&self, key: &Key) -> Key {
        let mut renamed = key.clone();
        if key.workspace.is_some() {
            return renamed;
        }
        let mut top = key.kind;
        while let Some(parent) = top.row().parent {
            top = parent;
        }
        if let Some(first) = renamed.names.first_mut() {
            *first = self.name(top, first);
        }
        if let (Some(kind), true) = (key.kind.row().links_to, renamed.names.len() > 1)
            && let Some(last) = renamed.names.last_mut()
        {
            *last = self.name(kind, last);
        }
        renamed
    }
}

impl Affix {
    /// `text` with the named values that it uses under their names in this environment.
    pub fn named_values(&self, text: &str, is_known: &dyn Fn(&str) -> bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            let inside = &rest[at + 2..];
            let Some(end) = inside.find("}}") else { break };
            out.push_str(&rest[..at + 2]);
            let name = inside[..end].trim();
            match is_known(name) {
                true => out.push_str(&self.name(Kind::NamedValue, name)),
                false => out.push_str(&inside[..end]),
            }
            out.push_str("}}");
            rest = &inside[end + 2..];
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_an_environment() {
        let affix = Affix {
            prefix: "qa-".to_owned(),
            suffix: "-eu".to_owned(),
            path: String::new(),
        };
        let key = |kind, names: &[&str]| Key::new(None, kind, names);
        for (given, wanted) in [
            (
                key(Kind::Api, &["a;rev=2"]),
                key(Kind::Api, &["qa-a-eu;rev=2"]),
            ),
            (
                key(Kind::OperationPolicy, &["a", "get"]),
                key(Kind::OperationPolicy, &["qa-a-eu", "get"]),
            ),
            (
                key(Kind::ProductApi, &["p", "a"]),
                key(Kind::ProductApi, &["qa-p-eu", "qa-a-eu"]),
            ),
            (
                key(Kind::ProductGroup, &["p", "developers"]),
                key(Kind::ProductGroup, &["qa-p-eu", "developers"]),
            ),
            (
                key(Kind::Diagnostic, &["local"]),
                key(Kind::Diagnostic, &["local"]),
            ),
            (key(Kind::ServicePolicy, &[]), key(Kind::ServicePolicy, &[])),
        ] {
            assert_eq!(affix.key(&given).to_string(), wanted.to_string());
        }
    }
}
