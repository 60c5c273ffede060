//! The files of a definition.

use super::super::documents::{Dialect, Documents};
use crate::links;
use flux_apim_diag::tree::{FileId, ReadError};
use flux_apim_diag::{Findings, Meter};
use flux_apim_syntax::{Document, NodeRef};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The documents that a definition consists of.
pub(crate) struct Files<'t> {
    pub(crate) shared: &'t Documents<'t>,
    pub(crate) meter: &'t Meter,
    pub(crate) root: FileId,
    pub(super) documents: HashMap<FileId, Arc<Document>>,
}

impl<'t> Files<'t> {
    pub(super) fn new(shared: &'t Documents<'t>, root: Arc<Document>, meter: &'t Meter) -> Self {
        Self {
            shared,
            meter,
            root: root.file(),
            documents: HashMap::from([(root.file(), root)]),
        }
    }

    /// Other files than the root's.
    pub(super) fn used(&self) -> BTreeSet<FileId> {
        let files = self.documents.keys().copied();
        files.filter(|file| *file != self.root).collect()
    }

    /// Reads every file that is reachable by references. Whether there is nothing to
    /// say about any of them, here or where they are shared.
    pub(super) fn load_all(
        &mut self,
        dialect: Dialect,
        findings: &Findings,
    ) -> Result<bool, ReadError> {
        let mut sound = true;
        let mut queue = vec![self.root];
        while let Some(file) = queue.pop() {
            let links = self.shared.links(file, dialect, links::find, findings)?;
            sound &= links.sound;
            for &file in links.files.iter() {
                self.meter.spend(1, file);
                if self.documents.contains_key(&file) {
                    continue;
                }
                if let Some(document) = self.shared.get(file, findings)?.document {
                    self.documents.insert(file, document);
                    queue.push(file);
                }
            }
        }
        Ok(sound)
    }

    /// The outermost value of `file`.
    pub(crate) fn root_of(&self, file: FileId) -> Option<NodeRef<'_>> {
        Some(self.documents.get(&file)?.root())
    }
}
