//! Names of artifacts: `oci://REGISTRY/REPO[:TAG][@sha256:...]` and
//! `oci-layout:DIR[:TAG][@sha256:...]`.
//!
//! `oci-spec` reads references as Docker does: without a registry it takes
//! Docker Hub, and what is wrong it calls "invalid". Both are wrong at a
//! command line, so each part is looked at here first, and `oci-spec` has the
//! last word.

use super::Error;
use crate::diag::excerpt;
use crate::tree::Digest;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The tag that is meant when none is named.
const LATEST: &str = "latest";
const SHAPE: &str =
    "oci://REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST] or oci-layout:FOLDER[:TAG][@sha256:DIGEST]";
const REGISTRY: &str = "a registry first, such as ghcr.io or localhost:5000";
const REPOSITORY: &str =
    "a repository of lower-case letters, digits, `.`, `_`, `-` and `/`, such as team/orders";
const TAG: &str =
    "a tag of at most 128 letters, digits, `.`, `_` and `-`, not beginning with `.` or `-`";
const DIGEST: &str = "`@sha256:` and 64 lower-case hexadecimal digits";

/// A repository of a registry, and perhaps something in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// `HOST[:PORT]`.
    pub registry: String,
    /// The repository's path.
    pub repository: String,
    /// A tag in it.
    pub tag: Option<String>,
    /// A digest in it; stands over the tag.
    pub digest: Option<Digest>,
}

/// Where an artifact is, or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a registry.
    Registry {
        /// Where there.
        reference: Reference,
    },
    /// In an OCI layout on disk.
    Layout {
        /// The folder of the OCI image layout.
        folder: PathBuf,
        /// A tag in it.
        tag: Option<String>,
        /// A digest in it; stands over the tag.
        digest: Option<Digest>,
    },
}

impl Place {
    /// Whether `text` is meant as a place; whether it is a right one,
    /// [`Place::from_str`] says.
    pub fn looks_like(text: &str) -> bool {
        text.starts_with("oci://") || text.starts_with("oci-layout:")
    }

    /// The tag that was named.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Registry { reference } => reference.tag.as_deref(),
            Self::Layout { tag, .. } => tag.as_deref(),
        }
    }

    /// The digest that was named.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Registry { reference } => reference.digest,
            Self::Layout { digest, .. } => *digest,
        }
    }

    /// What to resolve: the digest, else the tag, else `latest`.
    pub fn reference(&self) -> String {
        match self.digest() {
            Some(digest) => digest.to_string(),
            None => self.tag().unwrap_or(LATEST).to_owned(),
        }
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(rest) = text.strip_prefix("oci://") {
            let reference = Reference::parse(text, rest)?;
            return Ok(Self::Registry { reference });
        }
        let Some(rest) = text.strip_prefix("oci-layout:") else {
            let found = match text.split_once("://") {
                _ if text.is_empty() => "it is empty".to_owned(),
                Some((scheme, _)) => format!("it begins with `{}://`", excerpt(scheme, 20)),
                None => "it begins with neither `oci://` nor `oci-layout:`".to_owned(),
            };
            return Err(wrong(text, found, SHAPE));
        };
        let (rest, digest) = split_digest(text, rest)?;
        if let Some((_, hex)) = rest.split_once(":sha256:") {
            check_tag(text, &format!("sha256:{hex}"))?;
        }
        let (folder, tag) = match rest.rsplit_once(':') {
            Some((folder, tag)) if !tag.contains('/') => {
                check_tag(text, tag)?;
                (folder, Some(tag.to_owned()))
            }
            _ => (rest, None),
        };
        if folder.is_empty() {
            return Err(wrong(text, "it names no folder", SHAPE));
        }
        if folder.contains('\0') {
            return Err(wrong(text, "the folder has a NUL in it", SHAPE));
        }
        Ok(Self::Layout {
            folder: folder.into(),
            tag,
            digest,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry { reference } => write!(f, "oci://{reference}"),
            Self::Layout {
                folder,
                tag,
                digest,
            } => {
                write!(f, "oci-layout:{}", folder.display())?;
                write_end(f, tag.as_deref(), *digest)
            }
        }
    }
}

impl Reference {
    /// Another repository of the same registry: this one's path and `suffix`,
    /// as in `/bicep`.
    ///
    /// # Errors
    /// When that is no repository.
    pub fn sibling(&self, suffix: &str) -> Result<Self, Error> {
        let repository = format!("{}{suffix}", self.repository);
        let whole = format!("oci://{}/{repository}", self.registry);
        check_repository(&whole, &repository)?;
        Ok(Self {
            registry: self.registry.clone(),
            repository,
            tag: None,
            digest: None,
        })
    }

    /// Whether the registry is known to have OWNER/NAME and nothing deeper.
    pub fn has_two_levels(&self) -> bool {
        ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(&self.registry.as_str())
    }

    /// Reads what follows `oci://` in `whole`.
    fn parse(whole: &str, text: &str) -> Result<Self, Error> {
        if let Some(c) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(wrong(whole, format!("{c:?} stands in it"), SHAPE));
        }
        let host = text.split('/').next().unwrap_or("");
        if text.contains("://") {
            return Err(wrong(whole, "it has two schemes", SHAPE));
        }
        if host.contains('@') && !host.contains("@sha256:") {
            let found = "credentials do not belong in it";
            return Err(wrong(
                "oci://...",
                found,
                "the credentials with --creds, or `docker login`",
            ));
        }
        let (name, digest) = split_digest(whole, text)?;
        let Some((registry, path)) = name.split_once('/') else {
            let found = if name.is_empty() {
                "it names neither registry nor repository".to_owned()
            } else {
                format!("`{name}` alone is no registry and repository")
            };
            return Err(wrong(whole, found, SHAPE));
        };
        check_registry(whole, registry)?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        check_repository(whole, repository)?;
        if let Some(tag) = tag {
            check_tag(whole, tag)?;
        }
        // IPv6 addresses are the one thing that it does not know.
        if !registry.starts_with('[') {
            oci_spec::distribution::Reference::try_from(text)
                .map_err(|e| wrong(whole, e.to_string(), SHAPE))?;
        }
        Ok(Self {
            registry: registry.to_ascii_lowercase(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text, text.strip_prefix("oci://").unwrap_or(text))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        write_end(f, self.tag.as_deref(), self.digest)
    }
}

fn write_end(f: &mut fmt::Formatter<'_>, tag: Option<&str>, digest: Option<Digest>) -> fmt::Result {
    if let Some(tag) = tag {
        write!(f, ":{tag}")?;
    }
    if let Some(digest) = digest {
        write!(f, "@{digest}")?;
    }
    Ok(())
}

/// Holds a tag that is to be written against the rules, and against the names
/// that clients keep for referrers and signatures.
///
/// # Errors
/// When it is no tag, or such a name.
pub fn check_new_tag(tag: &str) -> Result<(), Error> {
    check_tag(tag, tag)?;
    let reserved = tag
        .strip_prefix("sha256-")
        .is_some_and(|rest| rest.get(..64).is_some_and(is_hex));
    if reserved {
        let found = "tags of this form hold referrers and signatures";
        return Err(wrong(tag, found, TAG));
    }
    Ok(())
}

fn split_digest<'a>(whole: &str, text: &'a str) -> Result<(&'a str, Option<Digest>), Error> {
    let Some((rest, digest)) = text.split_once('@') else {
        return Ok((text, None));
    };
    match digest.parse() {
        Ok(digest) => Ok((rest, Some(digest))),
        Err(_) => {
            let found = match digest.split_once(':') {
                _ if digest.is_empty() => "nothing follows the `@`".to_owned(),
                Some(("sha256", hex)) => format!("its digest has {}", described(hex)),
                Some((algorithm, _)) => {
                    format!("`{}` is no digest that we take", excerpt(algorithm, 20))
                }
                None => format!("`{}` follows the `@`", excerpt(digest, 20)),
            };
            Err(wrong(whole, found, DIGEST))
        }
    }
}

fn described(hex: &str) -> String {
    match hex.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
        Some(c) => format!("{c:?} in it"),
        None => format!("{} digits", hex.len()),
    }
}

fn check_registry(whole: &str, registry: &str) -> Result<(), Error> {
    let refused = |found: String| Err(wrong(whole, found, REGISTRY));
    if registry.is_empty() {
        return refused("it has no registry".into());
    }
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').unwrap_or(("", rest));
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return refused(format!("`{}` is no address", excerpt(registry, 60)));
            }
            match rest.strip_prefix(':') {
                None if !rest.is_empty() => {
                    return refused(format!("`{}` follows the address", excerpt(rest, 20)));
                }
                port => (None, port),
            }
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    if let Some(port) = port
        && !matches!(port.parse::<u16>(), Ok(1..) if port.bytes().all(|b| b.is_ascii_digit()))
    {
        return refused(format!("`{}` is no port", excerpt(port, 20)));
    }
    let Some(host) = host else { return Ok(()) };
    if port.is_none() && !host.contains('.') && !host.eq_ignore_ascii_case("localhost") {
        let host = excerpt(host, 60);
        return refused(format!(
            "`{host}` is no registry: it has neither dot nor port"
        ));
    }
    let label = |label: &str| {
        let dash = label.starts_with('-') || label.ends_with('-');
        !label.is_empty()
            && !dash
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return refused(format!("`{}` is no host name", excerpt(host, 60)));
    }
    Ok(())
}

fn check_repository(whole: &str, repository: &str) -> Result<(), Error> {
    let refused = |found: String| Err(wrong(whole, found, REPOSITORY));
    if repository.is_empty() {
        return refused("it has no repository".into());
    }
    if let Some(c) = repository.chars().find(char::is_ascii_uppercase) {
        return refused(format!("the repository has the upper-case `{c}`"));
    }
    let known = |c: &char| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-' | '/');
    if let Some(c) = repository.chars().find(known) {
        return refused(format!("the repository has {c:?}"));
    }
    for part in repository.split('/') {
        if part.is_empty() {
            return refused("the repository has an empty part between slashes".into());
        }
        if !is_part(part) {
            let part = excerpt(part, 60);
            return refused(format!("`{part}` is no part of a repository's name"));
        }
    }
    if repository.len() > 255 {
        return refused(format!(
            "the repository has {} characters",
            repository.len()
        ));
    }
    Ok(())
}

/// Letters and digits, with `.`, `_`, `__` or dashes between them.
fn is_part(part: &str) -> bool {
    let between = |c: char| matches!(c, '.' | '_' | '-');
    if part.starts_with(between) || part.ends_with(between) {
        return false;
    }
    let mut separators = part.split(|c: char| !between(c)).filter(|s| !s.is_empty());
    separators.all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

pub(super) fn check_tag(whole: &str, tag: &str) -> Result<(), Error> {
    let refused = |found: String| Err(wrong(whole, found, TAG));
    if tag.is_empty() {
        return refused("its tag is empty".into());
    }
    if tag.parse::<Digest>().is_ok() || tag.starts_with("sha256:") {
        let found = format!("the tag `{}` is a digest", excerpt(tag, 20));
        return Err(wrong(whole, found, "a digest after `@`, a tag after `:`"));
    }
    if tag.contains('/') {
        return refused(format!("`{}` is no tag, and no port", excerpt(tag, 60)));
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let known = |c: &char| !(word(*c) || matches!(c, '.' | '-'));
    if let Some(c) = tag.chars().find(known) {
        return refused(format!("its tag has {c:?}"));
    }
    if !tag.starts_with(word) {
        return refused(format!(
            "the tag `{}` begins with `.` or `-`",
            excerpt(tag, 60)
        ));
    }
    if tag.len() > 128 {
        return refused(format!("its tag has {} characters", tag.len()));
    }
    Ok(())
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn wrong(given: &str, found: impl Into<String>, expected: &'static str) -> Error {
    Error::Reference {
        given: excerpt(given, 120),
        found: found.into(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";

    #[test]
    fn references_read_as_they_are_written() {
        for text in [
            "oci://ghcr.io/team/orders",
            "oci://ghcr.io/team/orders:v1.2.3",
            "oci://localhost/orders",
            "oci://127.0.0.1:5000/a/b__c/d-e--f/g.h:latest",
            "oci://[::1]:5000/orders:1",
            &format!("oci://registry:5000/orders@sha256:{HEX}"),
            &format!("oci://r.example/orders:prod@sha256:{HEX}"),
            "oci-layout:out/contoso",
            "oci-layout:/a/b.c:prod",
            &format!("oci-layout:./x:prod@sha256:{HEX}"),
            &format!("oci://r.example/orders:sha256-{HEX}.sig"),
        ] {
            let place: Place = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(place.to_string(), text);
        }
        let place: Place = "oci-layout:C:/x".parse().unwrap();
        assert_eq!(place.tag(), None, "a path after a colon is no tag");
        let place: Place = "oci://GHCR.io/team/orders".parse().unwrap();
        assert_eq!(place.to_string(), "oci://ghcr.io/team/orders");
        assert_eq!(place.reference(), "latest");
    }

    #[test]
    fn what_is_wrong_is_said_with_what_was_expected() {
        let upper = HEX.to_uppercase();
        let long = "a".repeat(256);
        for (text, found) in [
            ("", "it is empty"),
            ("ghcr.io/team/orders", "neither `oci://` nor `oci-layout:`"),
            ("docker://ghcr.io/a", "it begins with `docker://`"),
            ("https://ghcr.io/a", "it begins with `https://`"),
            ("OCI://ghcr.io/a", "it begins with `OCI://`"),
            ("oci://", "neither registry nor repository"),
            ("oci://ghcr.io", "`ghcr.io` alone"),
            ("oci:///team/orders", "it has no registry"),
            ("oci://team/orders", "`team` is no registry"),
            ("oci://ghcr.io/", "it has no repository"),
            ("oci://ghcr.io//orders", "an empty part"),
            ("oci://ghcr.io/orders/", "an empty part"),
            ("oci://ghcr.io/Team/orders", "upper-case `T`"),
            ("oci://ghcr.io/team/../orders", "`..` is no part"),
            ("oci://ghcr.io/team/-orders", "`-orders` is no part"),
            ("oci://ghcr.io/team/a___b", "`a___b` is no part"),
            ("oci://ghcr.io/team/b\u{fc}cher", "the repository has 'ü'"),
            ("oci://ghcr.io/team orders", "' ' stands in it"),
            ("oci://ghcr.io/orders\n", "'\\n' stands in it"),
            ("oci://ghcr.io/orders?x=1", "the repository has '?'"),
            ("oci://ghcr.io/orders#x", "the repository has '#'"),
            ("oci://ghcr.io/a%2fb", "the repository has '%'"),
            ("oci://ghcr.io:port/a", "`port` is no port"),
            ("oci://ghcr.io:0/a", "`0` is no port"),
            ("oci://ghcr.io:70000/a", "`70000` is no port"),
            ("oci://ghcr.io:+80/a", "`+80` is no port"),
            ("oci://ghcr..io/a", "`ghcr..io` is no host name"),
            ("oci://-ghcr.io/a", "`-ghcr.io` is no host name"),
            ("oci://[::1/a", "`[::1` is no address"),
            ("oci://[zz]:1/a", "`[zz]:1` is no address"),
            ("oci://ghcr.io/oci://a", "two schemes"),
            ("oci://ghcr.io/orders:", "its tag is empty"),
            ("oci://ghcr.io/orders:-x", "begins with `.` or `-`"),
            ("oci://ghcr.io/orders:a+b", "its tag has '+'"),
            ("oci://ghcr.io/orders:a:b", "its tag has ':'"),
            ("oci://ghcr.io/orders:a/b", "`a/b` is no tag"),
            (
                &format!("oci://ghcr.io/orders:{}", "x".repeat(129)),
                "129 characters",
            ),
            (&format!("oci://ghcr.io/orders:sha256:{HEX}"), "is a digest"),
            (&format!("oci-layout:x:sha256:{HEX}"), "is a digest"),
            ("oci://ghcr.io/orders@", "nothing follows the `@`"),
            ("oci://ghcr.io/orders@latest", "`latest` follows the `@`"),
            ("oci://ghcr.io/orders@sha256:abc", "its digest has 3 digits"),
            (
                &format!("oci://ghcr.io/orders@sha256:{upper}"),
                "its digest has 'B' in it",
            ),
            (
                &format!("oci://ghcr.io/orders@sha512:{HEX}"),
                "`sha512` is no digest",
            ),
            (
                &format!("oci://ghcr.io/orders@sha256:{HEX}:v1"),
                "':' in it",
            ),
            (&format!("oci://ghcr.io/{long}"), "256 characters"),
            ("oci-layout:", "it names no folder"),
            ("oci-layout::x", "it names no folder"),
            ("oci-layout:x:", "its tag is empty"),
        ] {
            let error = text.parse::<Place>().map(|p| p.to_string());
            let error = error.expect_err(text).to_string();
            assert!(error.contains(found), "{text}: {error}");
            assert!(error.contains("; expected "), "{error}");
        }
    }

    #[test]
    fn credentials_in_a_reference_are_refused_and_not_repeated() {
        let error = "oci://me:hunter2@ghcr.io/a".parse::<Place>().unwrap_err();
        assert!(
            error.to_string().contains("credentials do not belong"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(text in "(oci://|oci-layout:)?[a-zA-Z0-9./:@_\\-\\[\\]]{0,40}|\\PC{0,40}") {
            if let Ok(place) = text.parse::<Place>() {
                let again: Place = place.to_string().parse().unwrap();
                proptest::prop_assert_eq!(again, place);
            }
            let _ = check_new_tag(&text);
        }
    }

    #[test]
    fn tags_that_clients_keep_for_themselves_are_not_written() {
        assert!(check_new_tag("v1.2.3").is_ok());
        assert!(check_new_tag("sha256-abc").is_ok());
        for tag in [
            "",
            "a b",
            &format!("sha256:{HEX}"),
            &format!("sha256-{HEX}"),
            &format!("sha256-{HEX}.sig"),
        ] {
            assert!(check_new_tag(tag).is_err(), "{tag}");
        }
    }
}
