//! Permissions, and who has them.

use super::{Auth, Error};
use std::collections::BTreeSet;
use std::fmt;

/// What a token may allow; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Previews and the rule catalogue.
    Render,
    /// Asking for objects of the cluster to be rendered again.
    Publish,
    /// Metrics.
    Admin,
}

impl Permission {
    const ALL: [Self; 3] = [Self::Render, Self::Publish, Self::Admin];

    /// The word in flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Publish => "publish",
            Self::Admin => "admin",
        }
    }
}

/// What kind of name a token carries. Names of one kind never stand for another: a
/// client may choose its scopes, and must not become somebody else by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A scope of an OpenID provider.
    Scope,
    /// A role of an OpenID provider.
    Role,
    /// The subject of a token of an OpenID provider.
    Subject,
    /// A group of the cluster.
    Group,
    /// A user of the cluster.
    User,
}

impl NameKind {
    const ALL: [Self; 5] = [
        Self::Scope,
        Self::Role,
        Self::Subject,
        Self::Group,
        Self::User,
    ];

    /// The word in flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Role => "role",
            Self::Subject => "sub",
            Self::Group => "group",
            Self::User => "user",
        }
    }
}

/// A name that a token carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    pub(super) kind: NameKind,
    pub(super) text: String,
}

/// A permission, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is granted.
    pub permission: Permission,
    /// Of which kind the name is, when that is said.
    pub kind: Option<NameKind>,
    /// To whom.
    pub name: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.permission.as_str())?;
        if let Some(kind) = self.kind {
            write!(f, "{}:", kind.as_str())?;
        }
        f.write_str(&self.name)
    }
}

impl std::str::FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = || {
            "write render=NAME, publish=NAME or admin=NAME, NAME being scope:SCOPE, role:ROLE or sub:SUBJECT (--auth oidc), group:GROUP or user:USER (--auth kubernetes)".to_owned()
        };
        let (word, to) = text.split_once('=').ok_or_else(usage)?;
        let permission = Permission::ALL.into_iter().find(|p| p.as_str() == word);
        let permission = permission.ok_or_else(usage)?;
        let to = to.trim();
        let said = to.split_once(':').and_then(|(word, name)| {
            let mut kinds = NameKind::ALL.into_iter();
            let kind = kinds.find(|kind| kind.as_str() == word)?;
            Some((kind, name.trim()))
        });
        let (kind, name) = match said {
            Some((kind, name)) => (Some(kind), name),
            None => (None, to),
        };
        if name.is_empty() || name == "*" {
            return Err(usage());
        }
        Ok(Self {
            permission,
            kind,
            name: name.to_owned(),
        })
    }
}

/// Who has which permission.
#[derive(Debug, Default)]
pub(super) struct Grants(Vec<(Permission, Name)>);

impl Grants {
    /// What `grants` mean with `auth`; the usual ones when there are none.
    pub(super) fn new(auth: &Auth, grants: &[Grant]) -> Result<Self, Error> {
        let mut all = Vec::new();
        for grant in grants {
            let kinds = kinds(auth, grant).map_err(|why| Error::Grant {
                grant: grant.to_string(),
                why,
            })?;
            let text = &grant.name;
            all.extend(kinds.into_iter().map(|kind| {
                let text = text.clone();
                (grant.permission, Name { kind, text })
            }));
        }
        if grants.is_empty() {
            all = usual(auth);
        }
        Ok(Self(all))
    }

    /// The most that one of `names` allows.
    pub(super) fn allowed(&self, names: &BTreeSet<Name>) -> Option<Permission> {
        let held = self.0.iter().filter(|(_, name)| names.contains(name));
        held.map(|(permission, _)| *permission).max()
    }
}

fn usual(auth: &Auth) -> Vec<(Permission, Name)> {
    let name = |kind, text: &str| Name {
        kind,
        text: text.to_owned(),
    };
    match auth {
        Auth::None => Vec::new(),
        Auth::Oidc(_) => Permission::ALL
            .into_iter()
            .flat_map(|permission| {
                let text = format!("flux-apim.{}", permission.as_str());
                [NameKind::Scope, NameKind::Role].map(|kind| (permission, name(kind, &text)))
            })
            .collect(),
        Auth::Kubernetes { .. } => {
            let everyone = name(NameKind::Group, "system:authenticated");
            vec![(Permission::Render, everyone)]
        }
    }
}

/// The kinds of names that a grant is for; why there is none.
fn kinds(auth: &Auth, grant: &Grant) -> Result<Vec<NameKind>, String> {
    use NameKind::{Group, Role, Scope, Subject, User};
    match (auth, grant.kind) {
        (Auth::None, _) => {
            Err("with --auth none everyone may do everything; give --auth oidc or --auth kubernetes, or no --grant".to_owned())
        }
        (Auth::Oidc(_), None) => Ok(vec![Scope, Role]),
        (Auth::Oidc(_), Some(kind @ (Scope | Role | Subject))) => Ok(vec![kind]),
        (Auth::Oidc(_), Some(Group | User)) => {
            Err("tokens of --auth oidc have scopes, roles and a subject; write scope:SCOPE, role:ROLE or sub:SUBJECT".to_owned())
        }
        (Auth::Kubernetes { .. }, Some(kind @ (Group | User))) => Ok(vec![kind]),
        (Auth::Kubernetes { .. }, Some(Scope | Role | Subject)) => {
            Err("tokens of --auth kubernetes have groups and a user; write group:GROUP or user:USER".to_owned())
        }
        (Auth::Kubernetes { .. }, None) => match of_kubernetes(&grant.name) {
            Some(kind) => Ok(vec![kind]),
            None => Err(format!(
                "`{0}` may be a group or a user; write {1}=group:{0} or {1}=user:{0}",
                grant.name,
                grant.permission.as_str()
            )),
        },
    }
}

/// What a name is that Kubernetes keeps for itself.
fn of_kubernetes(name: &str) -> Option<NameKind> {
    let system = name.strip_prefix("system:")?;
    let (first, rest) = match system.split_once(':') {
        Some((first, rest)) => (first, Some(rest)),
        None => (system, None),
    };
    match (first, rest) {
        ("authenticated" | "unauthenticated" | "masters" | "nodes" | "monitoring", None)
        | ("serviceaccounts", _) => Some(NameKind::Group),
        ("serviceaccount" | "node", Some(_))
        | (
            "anonymous" | "apiserver" | "kube-controller-manager" | "kube-scheduler" | "kube-proxy",
            None,
        ) => Some(NameKind::User),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read_and_written() {
        for text in [
            "render=flux-apim.render",
            "publish=scope:repo:status",
            "render=repo:status",
            "admin=role:operators",
            "render=sub:repo:org/apis:pull_request",
            "admin=group:operators",
            "admin=user:jane@example.com",
        ] {
            let grant: Grant = text.parse().unwrap();
            assert_eq!(grant.to_string(), text);
        }
        for text in [
            "",
            "render",
            "render=",
            "render= ",
            "render=sub:",
            "render=group: ",
            "render=*",
            "render=sub:*",
            "write=x",
            "=x",
            "Render=x",
        ] {
            assert!(text.parse::<Grant>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_kubernetes_keeps_for_itself_needs_no_kind() {
        for (name, kind) in [
            ("system:authenticated", Some(NameKind::Group)),
            ("system:masters", Some(NameKind::Group)),
            ("system:serviceaccounts", Some(NameKind::Group)),
            ("system:serviceaccounts:team", Some(NameKind::Group)),
            ("system:serviceaccount:team:ci", Some(NameKind::User)),
            ("system:node:worker", Some(NameKind::User)),
            ("system:anonymous", Some(NameKind::User)),
            ("system:serviceaccount", None),
            ("system:other", None),
            ("operators", None),
            ("jane@example.com", None),
        ] {
            assert_eq!(of_kubernetes(name), kind, "{name}");
        }
    }
}
