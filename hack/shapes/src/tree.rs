//! A source tree while it is made.

use crate::tar;
use std::collections::BTreeMap;

/// Information file of an API.
pub(crate) const API: &str =
    r#"{"properties":{"path":"a","displayName":"A","protocols":["https"]}}"#;
/// A definition with one operation.
pub(crate) const SPEC: &str = r#"{"openapi":"3.0.1","info":{"title":"A","version":"1"},"paths":{"/a":{"get":{"operationId":"g","responses":{"200":{"description":"ok"}}}}}}"#;

/// Files by path.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// A project with one good API `a`.
    pub(crate) fn project() -> Self {
        Self::default()
            .with("apis/a/apiInformation.json", API)
            .with("apis/a/specification.json", SPEC)
    }

    /// The project with `text` as the definition of `a`, in a file of this name.
    pub(crate) fn defined(name: &str, text: String) -> Self {
        Self::default()
            .with("apis/a/apiInformation.json", API)
            .with(&format!("apis/a/{name}"), text)
    }

    /// The project with this policy of the API.
    pub(crate) fn policy(inbound: &str) -> Self {
        let text = format!("<policies><inbound><base />{inbound}</inbound></policies>");
        Self::project().with("apis/a/policy.xml", text)
    }

    pub(crate) fn with(mut self, path: &str, text: impl Into<String>) -> Self {
        self.add(path, text);
        self
    }

    pub(crate) fn add(&mut self, path: &str, text: impl Into<String>) {
        self.files.insert(path.to_owned(), text.into().into_bytes());
    }

    pub(crate) fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), bytes);
    }

    /// Adds an API with its definition.
    pub(crate) fn api(&mut self, name: &str, path: usize) {
        let text = API.replace(r#""path":"a""#, &format!(r#""path":"a{path}""#));
        self.add(&format!("apis/{name}/apiInformation.json"), text);
        self.add(&format!("apis/{name}/specification.json"), SPEC);
    }

    /// Makes warnings of these rules, so that rendering goes on.
    pub(crate) fn forgiving(mut self, codes: &[u16]) -> Self {
        let levels: Vec<String> = codes
            .iter()
            .map(|code| format!("APIM{code}: {{level: warning, reason: a shape}}"))
            .collect();
        self.add(
            "flux-apim.yaml",
            format!("rules: {{ {} }}\n", levels.join(", ")),
        );
        self
    }

    /// Paths and bytes, in path order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The files themselves.
    pub fn into_files(self) -> BTreeMap<String, Vec<u8>> {
        self.files
    }

    /// The tree as `.tar.gz`.
    pub fn archive(&self) -> Vec<u8> {
        let mut tar = tar::Tar::default();
        for (path, bytes) in self.files() {
            tar.file(path, bytes);
        }
        tar::gzip(&tar.finish())
    }
}

/// `n` items made by `item`, with `separator` between them.
pub(crate) fn joined(n: usize, separator: &str, item: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for i in 0..n {
        if i > 0 {
            text.push_str(separator);
        }
        text.push_str(&item(i));
    }
    text
}

/// A definition with `members` beside `paths`.
pub(crate) fn spec(members: &str) -> String {
    SPEC.replacen(r#""paths""#, &format!("{members},\"paths\""), 1)
}

/// A definition with these paths, as members of an object.
pub(crate) fn spec_of(paths: &str) -> String {
    format!(r#"{{"openapi":"3.0.1","info":{{"title":"A","version":"1"}},"paths":{{{paths}}}}}"#)
}

/// The whole part of the square root: for products of two parts of an input.
pub(crate) fn root(n: usize) -> usize {
    n.isqrt()
}

/// A word of `len` letters that has little in common with others.
pub(crate) fn word(seed: usize, len: usize) -> String {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + ((state >> 33) % 16) as u8)
        })
        .collect()
}
