//! The files of a folder with the texts of an editor in their places.

use flux_apim_diag::tree::{ArtifactPath, ReadError, ReadFile, SourceTree};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Open texts by their paths.
pub(crate) type Open = BTreeMap<ArtifactPath, Arc<str>>;

struct Overlay {
    below: SourceTree,
    open: Open,
}

impl ReadFile for Overlay {
    fn read(&self, path: &ArtifactPath) -> Result<Cow<'_, [u8]>, ReadError> {
        if let Some(text) = self.open.get(path) {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        match self.below.find(path.as_str()) {
            Some(file) => self.below.read(file),
            None => Err(ReadError {
                path: path.clone(),
                reason: "it is not in the folder".to_owned(),
            }),
        }
    }
}

/// `tree` with the `open` texts. Files keep their ids where all of them are in `tree`.
pub(crate) fn over(tree: &SourceTree, open: Open) -> SourceTree {
    let files = tree
        .files()
        .map(|(file, path)| (path.clone(), tree.size(file)));
    let mut files: BTreeMap<ArtifactPath, u64> = files.collect();
    files.extend(
        open.iter()
            .map(|(path, text)| (path.clone(), text.len() as u64)),
    );
    let below = tree.clone();
    SourceTree::new(files, Arc::new(Overlay { below, open }))
}
