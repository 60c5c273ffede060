//! Paths of a source tree: relative, `/`-separated, checked once.

use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// A path inside a source tree: UTF-8, relative, `/`-separated, without empty,
/// `.` or `..` segments, backslashes or control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(Box<str>);

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing in it.
    #[error("the path is empty")]
    Empty,
    /// Starts with `/` or a drive letter.
    #[error("the path is absolute")]
    Absolute,
    /// A `..` segment.
    #[error("the path leaves its folder (`..`)")]
    Parent,
    /// An empty or `.` segment inside.
    #[error("the path has an empty or `.` segment")]
    Segment,
    /// A backslash, which is a separator on some systems.
    #[error("the path contains a backslash")]
    Backslash,
    /// A control character or NUL.
    #[error("the path contains a control character")]
    Control,
}

impl ArtifactPath {
    /// Checks `path`. A leading `./` and a trailing `/` are taken off, as tar
    /// writers add them.
    ///
    /// # Errors
    /// Why the path cannot name a file of a source tree.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let mut rest = path;
        while let Some(stripped) = rest.strip_prefix("./") {
            rest = stripped;
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() || rest == "." {
            return Err(PathError::Empty);
        }
        if rest.contains('\\') {
            return Err(PathError::Backslash);
        }
        let bytes = rest.as_bytes();
        let drive = bytes.len() > 1 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic();
        if rest.starts_with('/') || drive {
            return Err(PathError::Absolute);
        }
        if rest.chars().any(char::is_control) {
            return Err(PathError::Control);
        }
        for segment in rest.split('/') {
            match segment {
                ".." => return Err(PathError::Parent),
                "" | "." => return Err(PathError::Segment),
                _ => {}
            }
        }
        Ok(Self(rest.into()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as file systems compare it that ignore case and the ways to
    /// write a letter with its accent.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }

    /// The folder that holds it; empty for a file at the top.
    pub fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// The name of the file: what follows the last `/`.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ArtifactPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// See [`ArtifactPath::folded`].
pub fn folded(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    path.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// `path` relative to `folder` (empty = the root), if it lies inside.
pub fn relative_to<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() {
        return Some(path);
    }
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// `folder` and `name` joined; `folder` may be empty.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_tar_writers_write() {
        for (given, kept) in [
            ("a/b", "a/b"),
            ("./a", "a"),
            ("a/", "a"),
            ("a b/c;rev=2/ü", "a b/c;rev=2/ü"),
        ] {
            assert_eq!(ArtifactPath::parse(given).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn refuses_what_leaves_the_folder() {
        for (given, why) in [
            ("", PathError::Empty),
            (".", PathError::Empty),
            ("/etc/passwd", PathError::Absolute),
            ("C:/x", PathError::Absolute),
            ("../x", PathError::Parent),
            ("a/..", PathError::Parent),
            ("a//b", PathError::Segment),
            ("a/./b", PathError::Segment),
            ("a\\b", PathError::Backslash),
            ("a\0b", PathError::Control),
            ("a\nb", PathError::Control),
        ] {
            assert_eq!(ArtifactPath::parse(given), Err(why), "{given:?}");
        }
    }
}
