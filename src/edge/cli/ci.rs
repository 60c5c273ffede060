//! What CI systems say of a build. It feeds tags and messages, never the digest of a
//! bundle: the same commit gives the same bytes everywhere.

/// Variables with the name of a branch, and one that tells which system set it, where the
/// name alone would not.
const BRANCHES: &[(&str, Option<&str>)] = &[
    // GitHub Actions: of a pull request, and of a push (see below for tags).
    ("GITHUB_HEAD_REF", None),
    ("GITHUB_REF", None),
    // GitLab.
    ("CI_COMMIT_BRANCH", None),
    ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", None),
    // Azure Pipelines.
    ("SYSTEM_PULLREQUEST_SOURCEBRANCH", None),
    ("BUILD_SOURCEBRANCH", None),
    // Jenkins.
    ("CHANGE_BRANCH", Some("JENKINS_URL")),
    ("BRANCH_NAME", Some("JENKINS_URL")),
    ("GIT_BRANCH", Some("JENKINS_URL")),
    // Bitbucket, CircleCI, Buildkite, Drone and Woodpecker.
    ("BITBUCKET_BRANCH", None),
    ("CIRCLE_BRANCH", None),
    ("BUILDKITE_BRANCH", None),
    ("DRONE_SOURCE_BRANCH", None),
    ("CI_COMMIT_SOURCE_BRANCH", None),
];

/// The branch that is built, as far as a CI system says.
pub(super) fn branch() -> Option<String> {
    branch_of(|name| std::env::var(name).ok())
}

fn branch_of(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    BRANCHES.iter().find_map(|(name, of)| {
        let applies = of.is_none_or(|marker| get(marker).is_some());
        let value = get(name).filter(|_| applies)?;
        let branch = match value.strip_prefix("refs/") {
            // Tags and merges are no branches.
            Some(rest) => rest.strip_prefix("heads/")?.to_owned(),
            None => value.strip_prefix("origin/").unwrap_or(&value).to_owned(),
        };
        Some(branch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variables that are set, and the branch that they mean.
    type Case<'c> = (&'c [(&'c str, &'c str)], Option<&'c str>);

    #[test]
    fn the_branch_is_what_each_system_calls_it() {
        let cases: [Case<'_>; 9] = [
            (
                &[
                    ("GITHUB_HEAD_REF", "x"),
                    ("GITHUB_REF", "refs/pull/1/merge"),
                ],
                Some("x"),
            ),
            (
                &[("GITHUB_HEAD_REF", ""), ("GITHUB_REF", "refs/heads/a/b")],
                Some("a/b"),
            ),
            (&[("GITHUB_REF", "refs/tags/v1")], None),
            (&[("CI_COMMIT_BRANCH", "main")], Some("main")),
            (&[("BUILD_SOURCEBRANCH", "refs/heads/main")], Some("main")),
            (
                &[("JENKINS_URL", "u"), ("GIT_BRANCH", "origin/main")],
                Some("main"),
            ),
            (&[("GIT_BRANCH", "origin/main")], None),
            (&[("CIRCLE_BRANCH", "main")], Some("main")),
            (&[], None),
        ];
        for (set, expected) in cases {
            let found = branch_of(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(found.as_deref(), expected, "{set:?}");
        }
    }
}
