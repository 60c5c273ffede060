//! Tags, literal or made of what the inventory knows.

use super::Error;
use crate::diag::{excerpt, nearest};
use crate::edge::oci::check_new_tag;
use serde_json::Value as Json;
use std::fmt;
use std::str::FromStr;

/// Digits of a commit that `{{short}}` keeps.
const SHORT: usize = 7;
/// What it has behind it when the tree has changes.
const DIRTY: &str = "-dirty";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variable {
    Revision,
    Short,
    Branch,
    Env,
    Semver,
}

const VARIABLES: [(&str, Variable); 5] = [
    ("revision", Variable::Revision),
    ("short", Variable::Short),
    ("branch", Variable::Branch),
    ("env", Variable::Env),
    ("semver", Variable::Semver),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Variable),
}

/// A tag such as `latest` or `{{env}}-{{short}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    given: String,
    parts: Vec<Part>,
}

/// What fills templates in beside the inventory.
#[derive(Debug, Clone, Default)]
pub struct Filling {
    /// The branch, where the revision names none: CI systems check out commits.
    pub branch: Option<String>,
    /// Whether `{{short}}` of a tree with changes is that of one without.
    pub allow_dirty: bool,
}

impl TagTemplate {
    /// The tag for a bundle with this inventory.
    ///
    /// # Errors
    /// What is missing, or why the result is no tag.
    pub fn resolve(&self, inventory: &Json, filling: &Filling) -> Result<String, Error> {
        let mut tag = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => tag.push_str(text),
                Part::Variable(variable) => {
                    let value = variable.value(inventory, filling);
                    tag.push_str(&value.map_err(|problem| self.wrong(problem))?);
                }
            }
        }
        check_new_tag(&tag).map_err(|error| self.wrong(error.to_string()))?;
        Ok(tag)
    }

    fn wrong(&self, problem: impl Into<String>) -> Error {
        Error::Tag {
            template: excerpt(&self.given, 200),
            problem: problem.into(),
        }
    }
}

impl Variable {
    fn value(self, inventory: &Json, filling: &Filling) -> Result<String, String> {
        let revision = inventory["source"]["revision"].as_str();
        let environment = inventory["environment"].as_str();
        let revised = || {
            revision.ok_or_else(|| {
                "the source has no revision: render from a Git checkout or from what Flux fetched, \
                 or give --revision"
                    .to_owned()
            })
        };
        match self {
            Self::Revision => Ok(sanitised(commit(revised()?))),
            Self::Short => {
                let commit = sanitised(commit(revised()?));
                let short: String = commit.chars().take(SHORT).collect();
                Ok(match is_dirty(inventory) && !filling.allow_dirty {
                    true => format!("{short}{DIRTY}"),
                    false => short,
                })
            }
            Self::Branch => {
                let named = revised()?.split_once('@').map(|(name, _)| name);
                match named.or(filling.branch.as_deref()) {
                    Some(name) => Ok(sanitised(name.strip_prefix("refs/heads/").unwrap_or(name))),
                    None => Err(format!(
                        "the revision `{}` names no branch: CI systems check out commits \
                         (a detached HEAD); say it with --branch",
                        excerpt(revised()?, 100)
                    )),
                }
            }
            Self::Env => match environment {
                Some(environment) => Ok(sanitised(environment)),
                None => {
                    Err("no environment was merged: give --env, or spec.environment".to_owned())
                }
            },
            Self::Semver => semver(revised()?),
        }
    }
}

/// Whether the bundle was made of a tree with changes that no commit has.
pub(super) fn is_dirty(inventory: &Json) -> bool {
    inventory["source"]["dirty"].as_bool().unwrap_or(false)
}

/// The commit of `branch@sha1:HEX`.
fn commit(revision: &str) -> &str {
    let end = revision.rsplit_once('@').map_or(revision, |(_, end)| end);
    end.rsplit_once(':').map_or(end, |(_, hex)| hex)
}

/// The version of `v1.2.3@sha1:HEX`, as a tag may hold it.
fn semver(revision: &str) -> Result<String, String> {
    let name = revision.split_once('@').map_or("", |(name, _)| name);
    let name = name.strip_prefix("refs/tags/").unwrap_or(name);
    let version = name.strip_prefix('v').unwrap_or(name);
    if semver::Version::parse(version).is_err() {
        return Err(format!(
            "the revision must be a Git tag such as v1.2.3, but is `{}`",
            excerpt(revision, 100)
        ));
    }
    Ok(version.replace('+', "_"))
}

/// What tags do not take becomes a dash.
fn sanitised(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '-',
        })
        .collect()
}

impl FromStr for TagTemplate {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let mut template = Self {
            given: given.to_owned(),
            parts: Vec::new(),
        };
        let mut rest = given;
        while let Some((text, after)) = rest.split_once("{{") {
            if !text.is_empty() {
                template.parts.push(Part::Text(text.to_owned()));
            }
            let Some((name, after)) = after.split_once("}}") else {
                return Err(template.wrong("`{{` without `}}`"));
            };
            let name = name.trim();
            let known = VARIABLES.iter().find(|(known, _)| *known == name);
            let Some((_, variable)) = known else {
                let names: Vec<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
                let hint = nearest(name, names.iter().copied());
                return Err(template.wrong(format!(
                    "there is no `{{{{{}}}}}`{}; there are {}",
                    excerpt(name, 40),
                    hint.map_or(String::new(), |near| format!(", did you mean `{near}`?")),
                    names.join(", ")
                )));
            };
            template.parts.push(Part::Variable(*variable));
            rest = after;
        }
        if !rest.is_empty() {
            template.parts.push(Part::Text(rest.to_owned()));
        }
        let literal = template.parts.iter().all(|p| matches!(p, Part::Text(_)));
        if literal {
            check_new_tag(given).map_err(|error| template.wrong(error.to_string()))?;
        }
        Ok(template)
    }
}

impl fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tag(template: &str, inventory: &Json) -> Result<String, String> {
        template
            .parse::<TagTemplate>()
            .and_then(|template| template.resolve(inventory, &Filling::default()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn templates_are_filled_from_the_inventory() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let inventory = json!({
            "environment": "prod",
            "source": {"revision": format!("release/2026@sha1:{commit}")},
        });
        for (template, expected) in [
            ("latest", "latest"),
            ("{{revision}}", commit),
            ("{{env}}-{{short}}", "prod-0123456"),
            ("{{ branch }}", "release-2026"),
        ] {
            assert_eq!(tag(template, &inventory).unwrap(), expected);
        }
        for (revision, expected) in [
            ("v1.2.3@sha1:00", "1.2.3"),
            ("1.2.3-rc.1+b.5@sha1:00", "1.2.3-rc.1_b.5"),
            ("refs/tags/v0.0.0@sha1:00", "0.0.0"),
        ] {
            let inventory = json!({"source": {"revision": revision}});
            assert_eq!(tag("{{semver}}", &inventory).unwrap(), expected);
        }
    }

    #[test]
    fn a_tree_with_changes_is_told_by_its_tag() {
        let inventory = json!({"source": {"revision": "sha1:0123456789", "dirty": true}});
        assert_eq!(tag("{{short}}", &inventory).unwrap(), "0123456-dirty");
        let filling = Filling {
            branch: Some("refs/heads/team/x".to_owned()),
            allow_dirty: true,
        };
        for (template, expected) in [("{{short}}", "0123456"), ("{{branch}}", "team-x")] {
            let template: TagTemplate = template.parse().unwrap();
            assert_eq!(template.resolve(&inventory, &filling).unwrap(), expected);
        }
        assert!(
            tag("{{branch}}", &inventory)
                .unwrap_err()
                .contains("--branch")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let bare = json!({"source": {"revision": null}, "environment": null});
        let branch = json!({"source": {"revision": "main@sha1:00"}});
        for (template, inventory, word) in [
            ("{{revision}}", &bare, "no revision"),
            ("{{env}}", &bare, "--env"),
            ("{{semver}}", &branch, "v1.2.3"),
            ("{{revison}}", &branch, "`revision`"),
            ("{{env", &branch, "without"),
            ("", &branch, "tag"),
            ("-x", &branch, "tag"),
            ("a b", &branch, "tag"),
            ("sha256:00", &branch, "tag"),
        ] {
            let error = tag(template, inventory).unwrap_err();
            assert!(error.contains(word), "{template}: {error}");
        }
        let long = "a".repeat(129);
        assert!(tag(&long, &branch).is_err());
        let reserved = format!("sha256-{}.sig", "0".repeat(64));
        assert!(tag(&reserved, &branch).is_err());
    }
}
