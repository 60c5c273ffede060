//! Where a tree came from, without what nobody else may know.

use super::Source;

impl Source {
    /// The same with a URL that may be shown to everyone: what is recorded ends in
    /// bundles, registries and clusters.
    pub fn public(mut self) -> Self {
        self.url = self.url.as_deref().map(Self::public_url);
        self
    }

    /// `url` without user, password, query and fragment: signatures of shared access,
    /// tokens and passwords are found there.
    pub fn public_url(url: &str) -> String {
        let url = url.split(['?', '#']).next().unwrap_or(url);
        match url.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = match rest.find('/') {
                    Some(at) => rest.split_at(at),
                    None => (rest, ""),
                };
                let host = authority
                    .rsplit_once('@')
                    .map_or(authority, |(_, host)| host);
                format!("{scheme}://{host}{path}")
            }
            // git@github.com:owner/repository has a user, but no secret.
            None => url.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_a_url_is_left_out() {
        for (given, kept) in [
            (
                "https://user:token@example.com/a.git",
                "https://example.com/a.git",
            ),
            ("https://example.com/a?token=x#y", "https://example.com/a"),
            ("https://example.com?token=x", "https://example.com"),
            ("https://example.com/a#x?y", "https://example.com/a"),
            ("https://a@b:c@example.com", "https://example.com"),
            ("git@example.com:a/b.git", "git@example.com:a/b.git"),
            ("oci://example.com/a/b", "oci://example.com/a/b"),
        ] {
            assert_eq!(Source::public_url(given), kept);
        }
    }
}
