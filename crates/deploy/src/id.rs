//! Ids below a service, and what the table of kinds says of them.

use flux_apim_model::kinds::Kind;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// Longest id that is taken.
const MAX: usize = 2048;

/// A resource below a service: `apis/orders/policies/policy`. Azure Resource Manager
/// compares ids without case, and so is this compared.
#[derive(Clone)]
pub struct Id {
    text: Arc<str>,
    folded: Arc<str>,
}

/// Kinds by their types below the service, in lower case: `apis/policies`.
static KINDS: LazyLock<BTreeMap<String, Kind>> = LazyLock::new(|| {
    let mut kinds = BTreeMap::new();
    for in_workspace in [false, true] {
        for &kind in Kind::ALL {
            let full = kind.arm_type(in_workspace);
            let below = full.splitn(3, '/').nth(2).unwrap_or("");
            kinds.entry(below.to_lowercase()).or_insert(kind);
        }
    }
    kinds
});

impl Id {
    /// Reads `TYPE/NAME/TYPE/NAME`; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let odd = |segment: &str| {
            segment.is_empty() || segment == "." || segment == ".." || segment.contains('\\')
        };
        let segments = text.split('/').count();
        let fits = text.len() <= MAX && !text.chars().any(char::is_control);
        (fits && segments.is_multiple_of(2) && !text.split('/').any(odd)).then(|| Self {
            text: text.into(),
            folded: text.to_lowercase().into(),
        })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// In lower case: equal for what Azure takes for one resource.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or("")
    }

    /// Types without names, in lower case: `apis/policies`.
    pub fn types(&self) -> String {
        let types: Vec<&str> = self.folded.split('/').step_by(2).collect();
        types.join("/")
    }

    /// Full type, as Azure spells it.
    pub fn arm_type(&self) -> String {
        let types: Vec<&str> = self.text.split('/').step_by(2).collect();
        format!("Microsoft.ApiManagement/service/{}", types.join("/"))
    }

    /// The collection that it is in: `apis/orders/policies`.
    pub fn collection(&self) -> &str {
        self.text.rsplit_once('/').map_or("", |(before, _)| before)
    }

    /// What it hangs on; `None` for the service itself.
    pub fn parent(&self) -> Option<Self> {
        let (above, _) = self.collection().rsplit_once('/')?;
        Self::parse(above)
    }

    /// A child.
    pub fn child(&self, kind: &str, name: &str) -> Option<Self> {
        Self::parse(&format!("{}/{kind}/{name}", self.text))
    }

    /// Whether it hangs on `above`, at any depth.
    pub fn is_below(&self, above: &Self) -> bool {
        let rest = self.folded.strip_prefix(&*above.folded);
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// How deep it hangs: 1 for what hangs on the service.
    pub fn depth(&self) -> usize {
        self.text.split('/').count() / 2
    }

    /// The row of the table of kinds.
    pub fn kind(&self) -> Option<Kind> {
        KINDS.get(&self.types()).copied()
    }

    /// Whether it is a revision that is not the current one: `x;rev=2`.
    pub fn is_revision(&self) -> bool {
        self.types() == "apis" && self.folded.contains(";rev=")
    }

    /// Whether it connects two resources and says nothing else.
    pub fn is_link(&self) -> bool {
        self.kind().is_some_and(Kind::is_link)
    }

    /// What a link of the service leads to: `apis/a` of `products/p/apis/a`.
    pub fn link_target(&self) -> Option<Self> {
        let collection = self.collection().rsplit('/').next()?;
        let target = format!("{collection}/{}", self.name());
        self.is_link().then(|| Self::parse(&target)).flatten()
    }

    /// Whether Azure makes it, in every service. It is never deleted nor taken over.
    pub fn is_built_in(&self) -> bool {
        matches!(
            &*self.folded,
            "groups/administrators"
                | "groups/developers"
                | "groups/guests"
                | "subscriptions/master"
        )
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Id {}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_pairs_and_compared_without_case() {
        let id = Id::parse("apis/Orders/policies/policy").unwrap();
        assert_eq!(id, Id::parse("APIS/orders/policies/policy").unwrap());
        assert_eq!(id.types(), "apis/policies");
        assert_eq!(id.kind(), Some(Kind::ApiPolicy));
        assert_eq!(id.collection(), "apis/Orders/policies");
        assert_eq!(id.parent(), Id::parse("apis/orders"));
        assert!(id.is_below(&Id::parse("apis/orders").unwrap()));
        assert!(
            !Id::parse("apis/orders2")
                .unwrap()
                .is_below(&Id::parse("apis/orders").unwrap())
        );
        for text in [
            "",
            "apis",
            "apis/",
            "apis/..",
            "apis/a/b",
            "apis/a\n",
            "apis//x/y",
        ] {
            assert!(Id::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn kinds_in_workspaces_are_known() {
        let kind = |text: &str| Id::parse(text).unwrap().kind();
        assert_eq!(
            kind("workspaces/w/products/p/apiLinks/x"),
            Some(Kind::ProductApi)
        );
        assert_eq!(
            kind("workspaces/w/apis/a/operations/o"),
            Some(Kind::ApiOperation)
        );
        assert_eq!(kind("certificates/x"), None);
    }
}
