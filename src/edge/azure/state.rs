//! Where baselines of deployments are kept: a folder.

use crate::tree::Digest;
use flux_apim_deploy::{State, StateError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// About as large as a bundle.
const MAX: u64 = 512 << 20;

/// The state of one owner's deployments into one service.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    service: String,
    owner: String,
}

/// Why a state was not read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file system refused.
    #[error("{attempted} {}: {source}", .path.display())]
    Io {
        /// What was attempted.
        attempted: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// It is of no use.
    #[error("read the state {}: {source}", .path.display())]
    State {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: StateError,
    },
}

impl StateFile {
    /// The file of `owner` and `service` in `folder`.
    pub fn new(folder: &Path, service: &str, owner: &str) -> Self {
        let name = service.rsplit('/').next().unwrap_or("");
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(50).collect();
        let digest = Digest::of(format!("{}\n{owner}", service.to_lowercase()).as_bytes()).to_string();
        let digest: String = digest.chars().skip("sha256:".len()).take(16).collect();
        Self {
            path: folder.join(format!("{name}-{digest}.json")),
            service: service.to_owned(),
            owner: owner.to_owned(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; an empty state when there is no file yet.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(&self) -> Result<State, StateFileError> {
        let wrong = |source| StateFileError::Io {
            attempted: "read the state",
            path: self.path.clone(),
            source,
        };
        let file = match std::fs::File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(State::new(&self.service, &self.owner));
            }
            file => file.map_err(wrong)?,
        };
        let mut bytes = Vec::new();
        file.take(MAX).read_to_end(&mut bytes).map_err(wrong)?;
        State::parse(&bytes, &self.service, &self.owner).map_err(|source| StateFileError::State {
            path: self.path.clone(),
            source,
        })
    }

    /// Writes it, beside its place and renamed into it.
    ///
    /// # Errors
    /// When the file system refuses; the file is then as it was.
    pub fn write(&self, state: &State) -> Result<(), StateFileError> {
        let wrong = |source| StateFileError::Io {
            attempted: "write the state",
            path: self.path.clone(),
            source,
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(wrong)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
        file.write_all(state.write().as_bytes()).map_err(wrong)?;
        file.as_file().sync_data().map_err(wrong)?;
        file.persist(&self.path).map_err(|error| wrong(error.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_kept_by_service_and_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = |owner: &str| StateFile::new(folder.path(), "/subscriptions/s/x", owner);
        let state = State::new("/subscriptions/s/x", "shop");
        assert!(file("shop").read().unwrap().is_empty());
        file("shop").write(&state).unwrap();
        assert_eq!(file("shop").read().unwrap(), state);
        assert_ne!(file("shop").path(), file("other").path());
        std::fs::write(file("shop").path(), "{").unwrap();
        let error = file("shop").read().unwrap_err().to_string();
        assert!(error.contains("x-") && error.contains("no state"), "{error}");
    }
}
