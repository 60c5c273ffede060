//! Files that someone sends one by one, under the same rules as those of an
//! archive.

use super::names::Names;
use super::origin::plain;
use super::{Error, Opened, over, refused, within};
use crate::diag::excerpt;
use crate::rules::archive_entry_refused;
use crate::tree::{ArtifactPath, Limits, SourceTree};
use std::collections::BTreeMap;

/// Gathers files until one of them is refused.
#[derive(Debug, Clone)]
pub struct Files {
    limits: Box<Limits>,
    files: BTreeMap<ArtifactPath, Vec<u8>>,
    names: Names,
    total: u64,
}

impl Files {
    /// No files yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: Box::new(limits.clone()),
            files: BTreeMap::new(),
            names: Names::default(),
            total: 0,
        }
    }

    /// Bytes of all of them.
    #[cfg(feature = "server")]
    pub(crate) fn bytes(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When its path is none of a source tree, is there already, or a cap is
    /// exceeded.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let shown = excerpt(path, 200);
        let no = |why: &str| refused(archive_entry_refused::file(&shown, why));
        let count = self.files.len() as u64 + 1;
        within(path, &self.limits)?;
        let caps = [
            ("files", count, self.limits.max_files, "max-files"),
            (
                "bytes of the file",
                bytes.len() as u64,
                self.limits.max_file_bytes,
                "max-file-bytes",
            ),
            (
                "bytes of all files",
                self.total + bytes.len() as u64,
                self.limits.max_total_bytes,
                "max-total-bytes",
            ),
        ];
        for (what, value, cap, flag) in caps {
            if value > cap {
                return Err(over(&shown, what, value, cap, flag));
            }
        }
        let parsed = ArtifactPath::parse(path).map_err(|why| no(&why.to_string()))?;
        self.names
            .claim(parsed.as_str(), false)
            .map_err(|why| no(&why))?;
        self.total += bytes.len() as u64;
        self.files.insert(parsed, bytes);
        Ok(())
    }

    /// The tree; `only` is the one definition that was named.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn open(self, only: Option<&str>) -> Result<Opened, Error> {
        let mut opened = Opened {
            tree: SourceTree::in_memory(self.files),
            origin: plain("files"),
            only: None,
            notes: Vec::new(),
        };
        opened.narrow(only)?;
        Ok(opened)
    }
}

impl Opened {
    /// Takes the one document `only` of the tree.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn narrow(&mut self, only: Option<&str>) -> Result<(), Error> {
        if let Some(name) = only {
            let file = self.tree.find(name);
            if file.is_none() {
                let shown = excerpt(name, 200);
                return Err(Error::Usage(format!("the source has no file `{shown}`")));
            }
            self.only = file;
        }
        Ok(())
    }
}
