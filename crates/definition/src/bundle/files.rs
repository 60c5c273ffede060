//! The files of a definition, read when a reference leads there.

use super::super::documents::Documents;
use flux_apim_diag::tree::{FileId, ReadError};
use flux_apim_diag::{Findings, Meter};
use flux_apim_syntax::{Document, NodeRef};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Files of one page of the table.
const PAGE: usize = 256;

/// What became of a file: nothing when it is no document.
type Slot = OnceCell<Option<Arc<Document>>>;

/// The documents that a definition consists of. One that is read stays where it is, so
/// that its values can be kept while others are read.
pub(crate) struct Files<'t> {
    pub(crate) shared: &'t Documents<'t>,
    pub(crate) meter: &'t Meter,
    pub(crate) root: FileId,
    /// By number of the file.
    pages: Box<[OnceCell<Box<[Slot]>>]>,
    read: RefCell<BTreeSet<FileId>>,
    /// Paths that references name, where there is no file.
    absent: RefCell<BTreeSet<String>>,
    /// Whether a file has findings of its own.
    unsound: Cell<bool>,
    error: RefCell<Option<ReadError>>,
    /// Nothing is in it: it says how findings of a part are kept.
    findings: Findings,
}

impl<'t> Files<'t> {
    pub(super) fn new(
        shared: &'t Documents<'t>,
        root: Arc<Document>,
        meter: &'t Meter,
        findings: &Findings,
    ) -> Self {
        let pages = shared.tree().len().div_ceil(PAGE);
        let files = Self {
            shared,
            meter,
            root: root.file(),
            pages: (0..pages).map(|_| OnceCell::new()).collect(),
            read: RefCell::default(),
            absent: RefCell::default(),
            unsound: Cell::new(false),
            error: RefCell::default(),
            findings: findings.part(),
        };
        if let Some(slot) = files.slot(root.file()) {
            slot.get_or_init(|| Some(root));
        }
        files
    }

    fn slot(&self, file: FileId) -> Option<&Slot> {
        let at = file.0 as usize;
        let page = self.pages.get(at / PAGE)?;
        let page = page.get_or_init(|| (0..PAGE).map(|_| OnceCell::new()).collect());
        page.get(at % PAGE)
    }

    /// The outermost value of `file`, unless it is no document.
    pub(crate) fn root_of(&self, file: FileId) -> Option<NodeRef<'_>> {
        let document = self.slot(file)?.get_or_init(|| self.load(file));
        Some(document.as_ref()?.root())
    }

    fn load(&self, file: FileId) -> Option<Arc<Document>> {
        self.meter.spend(1, file);
        match self.shared.get(file, &self.findings) {
            Ok(parsed) => {
                self.unsound.set(self.unsound.get() || !parsed.sound);
                if parsed.document.is_some() {
                    self.read.borrow_mut().insert(file);
                }
                parsed.document
            }
            Err(error) => {
                self.error.borrow_mut().get_or_insert(error);
                None
            }
        }
    }

    /// The file at `path`, if there is one.
    pub(super) fn find(&self, path: &str) -> Option<FileId> {
        let file = self.shared.tree().find(path);
        if file.is_none() {
            self.absent.borrow_mut().insert(path.to_owned());
        }
        file
    }

    /// Other files than the root's.
    pub(super) fn used(&self) -> BTreeSet<FileId> {
        self.read.borrow().clone()
    }

    /// Whether others than the root's were read.
    pub(crate) fn are_several(&self) -> bool {
        !self.read.borrow().is_empty()
    }

    pub(super) fn absent(&self) -> BTreeSet<String> {
        self.absent.borrow().clone()
    }

    /// Bytes that the document of a used file holds.
    pub(super) fn held(&self, file: FileId) -> Option<(FileId, u64)> {
        Some((file, self.root_of(file)?.document().held()))
    }

    /// Whether there is nothing to say about any file that was read.
    ///
    /// # Errors
    /// When the world did not give one.
    pub(super) fn sound(&self) -> Result<bool, ReadError> {
        match self.error.borrow_mut().take() {
            Some(error) => Err(error),
            None => Ok(!self.unsound.get()),
        }
    }
}
