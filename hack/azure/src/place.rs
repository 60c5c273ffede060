//! A path below `Microsoft.ApiManagement/service`, as types and names.

/// What stands before a service in a path: subscription, group, provider, type, name.
const SERVICE: usize = 8;

/// A place in a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The id of the service.
    pub service: String,
    /// Types and names below it.
    pub pairs: Vec<(String, String)>,
    /// A last segment without a name: a collection or an action.
    pub tail: Option<String>,
}

impl Place {
    /// Reads a path; `None` when it is not in a service.
    pub fn read(path: &[String]) -> Option<Self> {
        let fixed = [
            (0, "subscriptions"),
            (2, "resourcegroups"),
            (4, "providers"),
            (5, "microsoft.apimanagement"),
            (6, "service"),
        ];
        if path.len() < SERVICE
            || fixed
                .iter()
                .any(|&(at, word)| path[at].to_lowercase() != word)
        {
            return None;
        }
        let below = &path[SERVICE..];
        Some(Self {
            service: format!("/{}", path[..SERVICE].join("/")),
            pairs: below
                .chunks_exact(2)
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
            tail: below.chunks_exact(2).remainder().first().cloned(),
        })
    }

    /// The same from an id.
    pub fn of(id: &str) -> Option<Self> {
        let path: Vec<String> = crate::table::segments(id).map(str::to_owned).collect();
        Self::read(&path)
    }

    /// Types joined, in lower case, without the workspace: `apis/operations`.
    pub fn kind(&self) -> String {
        let types = self.pairs.iter().map(|(kind, _)| kind.to_lowercase());
        let own = usize::from(self.workspace().is_some() && self.pairs.len() > 1);
        types.skip(own).collect::<Vec<_>>().join("/")
    }

    fn workspace(&self) -> Option<&str> {
        let (kind, name) = self.pairs.first()?;
        kind.eq_ignore_ascii_case("workspaces").then_some(name)
    }

    /// The id of the service, or of the workspace for what is in one.
    pub fn scope(&self) -> String {
        match self.workspace() {
            Some(name) if self.pairs.len() > 1 || self.tail.is_some() => {
                format!("{}/workspaces/{name}", self.service)
            }
            _ => self.service.clone(),
        }
    }

    /// The id, without the last segment that has no name.
    pub fn id(&self) -> String {
        let below = self
            .pairs
            .iter()
            .map(|(kind, name)| format!("/{kind}/{name}"));
        format!("{}{}", self.service, below.collect::<String>())
    }

    /// The type: `Microsoft.ApiManagement/service/apis`.
    pub fn arm_type(&self) -> String {
        let types = self.pairs.iter().map(|(kind, _)| format!("/{kind}"));
        format!(
            "Microsoft.ApiManagement/service{}",
            types.collect::<String>()
        )
    }

    /// The last name; the service's own at its top.
    pub fn name(&self) -> &str {
        match self.pairs.last() {
            Some((_, name)) => name,
            None => self.service.rsplit('/').next().unwrap_or_default(),
        }
    }

    /// The place above, `None` at the service.
    pub fn parent(&self) -> Option<Self> {
        let mut parent = self.clone();
        parent.tail = None;
        parent.pairs.pop()?;
        Some(parent)
    }

    /// The pair of a type, `apis` for one.
    pub fn named(&self, kind: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(kind))
            .map(|(_, name)| name.as_str())
    }

    /// What the writers of this place lock: APIs without their revision, and products.
    pub fn locks(&self, spans_links: bool) -> Vec<String> {
        let scope = self.scope().to_lowercase();
        let first = self
            .pairs
            .iter()
            .position(|(kind, _)| !kind.eq_ignore_ascii_case("workspaces"));
        let own = &self.pairs[first.unwrap_or(self.pairs.len())..];
        let mut locks = Vec::new();
        for (n, (kind, name)) in own.iter().enumerate() {
            let kind = kind.to_lowercase();
            let root = name.split(";rev=").next().unwrap_or(name).to_lowercase();
            let is_link = n == 1 && kind == "apis";
            if (n == 0 && (kind == "apis" || kind == "products")) || (is_link && spans_links) {
                locks.push(format!("{scope}/{kind}/{root}"));
            }
        }
        locks.sort();
        locks
    }
}

/// The API of a name without its revision, and the revision.
pub fn revision(name: &str) -> (&str, Option<&str>) {
    match name.split_once(";rev=") {
        Some((root, number)) => (root, Some(number)),
        None => (name, None),
    }
}
