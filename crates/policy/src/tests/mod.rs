//! Tests of the crate as a whole.

mod bad_input;
mod check;
mod corpus;
mod describe;
mod made;
mod mutated;
mod mutations;
mod pages;
pub(crate) mod project;
mod reader;

/// The files of the corpus; few of our own where it is not there.
#[expect(clippy::disallowed_methods, reason = "the corpus is files")]
pub(super) fn published() -> Vec<(std::path::PathBuf, String)> {
    let corpus = std::env::var_os("FLUX_APIM_CORPUS").map(std::path::PathBuf::from);
    let unpacked = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/corpus");
    let mut left = vec![corpus.unwrap_or_else(|| unpacked.into())];
    if !left[0].is_dir() {
        assert!(
            std::env::var_os("FLUX_APIM_CORPUS").is_none(),
            "no corpus at {left:?}"
        );
        left = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata").into()];
    }
    let mut files = Vec::new();
    while let Some(folder) = left.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "xml")
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}
