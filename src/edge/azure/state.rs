//! Where baselines of deployments are kept: a folder, or a repository of a registry.

use crate::edge::oci::{
    self, Connection, Descriptor, EMPTY, EMPTY_BLOB, MANIFEST, Manifest, Place, Target,
};
use crate::edge::publish::{self, Destination};
use crate::tree::Digest;
use flux_apim_deploy::{State, StateError};
use serde_json::json;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// About as large as a bundle.
const MAX: u64 = 512 << 20;
/// Media type of a state, and of the artifact that holds one.
const MEDIA_TYPE: &str = "application/vnd.flux-apim.deployed.v1+json";

/// The state of one owner's deployments into one service.
#[derive(Debug)]
pub struct StateStore {
    at: At,
    /// What tells it from states of others: name of a file, or a tag.
    name: String,
    service: String,
    owner: String,
}

#[derive(Debug)]
enum At {
    Folder(PathBuf),
    Repository(Arc<dyn Target>),
}

/// Why a state was not read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StateStoreError {
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
    /// The registry that holds baselines did not do what it was asked.
    #[error("{attempted}: {source}")]
    Registry {
        /// What was attempted.
        attempted: &'static str,
        /// What the registry said.
        source: Box<oci::Error>,
    },
    /// The place is none.
    #[error("--state: {0}")]
    Place(#[from] publish::Error),
    /// It is of no use.
    #[error("read the state {place}: {source}")]
    State {
        /// Which one.
        place: String,
        /// Why.
        source: StateError,
    },
}

impl StateStore {
    /// The state of `owner` and `service` at `place`: a folder, `oci://REPOSITORY` or
    /// `oci-layout:DIR`.
    ///
    /// # Errors
    /// When the place is none.
    pub fn open(
        place: &str,
        service: &str,
        owner: &str,
        connection: &Connection,
    ) -> Result<Self, StateStoreError> {
        let short = service.rsplit('/').next().unwrap_or("");
        let word = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        let short: String = short.chars().filter(word).take(50).collect();
        let digest = Digest::of(format!("{}\n{owner}", service.to_lowercase()).as_bytes());
        let digest = digest.to_string();
        let digest: String = digest.chars().skip("sha256:".len()).take(16).collect();
        let named = ["oci://", "oci-layout:"]
            .iter()
            .any(|scheme| place.starts_with(scheme));
        let at = match named {
            true => {
                let place: Place = place.parse().map_err(publish::Error::from)?;
                At::Repository(Destination::target(&place, connection)?)
            }
            false => At::Folder(place.into()),
        };
        Ok(Self {
            at,
            name: format!("{short}-{digest}"),
            service: service.to_owned(),
            owner: owner.to_owned(),
        })
    }

    /// What it says; an empty state when there is none yet.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub async fn read(&self) -> Result<State, StateStoreError> {
        let (bytes, place) = match &self.at {
            At::Folder(folder) => {
                let path = self.file(folder);
                (read(&path)?, path.display().to_string())
            }
            At::Repository(target) => {
                let fetched = self.fetch(&**target).await;
                let fetched = fetched.map_err(|source| StateStoreError::Registry {
                    attempted: "read the state",
                    source: Box::new(source),
                })?;
                (fetched, format!("{}:{}", target.name(), self.name))
            }
        };
        match bytes {
            None => Ok(State::new(&self.service, &self.owner)),
            Some(bytes) => State::parse(&bytes, &self.service, &self.owner)
                .map_err(|source| StateStoreError::State { place, source }),
        }
    }

    /// Keeps `state`; what was kept before is there until the new one is whole.
    ///
    /// # Errors
    /// When file system or registry refuse.
    pub async fn write(&self, state: &State) -> Result<(), StateStoreError> {
        let bytes = state.write().into_bytes();
        match &self.at {
            At::Folder(folder) => write(&self.file(folder), &bytes),
            At::Repository(target) => {
                let pushed = self.push(&**target, bytes).await;
                pushed.map_err(|source| StateStoreError::Registry {
                    attempted: "keep the state",
                    source: Box::new(source),
                })
            }
        }
    }

    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.json", self.name))
    }

    async fn fetch(&self, target: &dyn Target) -> Result<Option<Vec<u8>>, oci::Error> {
        let Some(found) = target.resolve(&self.name).await? else {
            return Ok(None);
        };
        let attempted = format!("read {}:{}", target.name(), self.name);
        let manifest = Manifest::parse(&target.fetch(&found).await?, &attempted)?;
        let Some(layer) = manifest
            .layers
            .first()
            .filter(|layer| layer.media_type == MEDIA_TYPE)
        else {
            return Err(oci::Error::malformed(
                &attempted,
                "it holds no state of deployments",
            ));
        };
        if layer.size > MAX {
            return Err(oci::Error::Over {
                attempted,
                limit: MAX,
            });
        }
        Ok(Some(target.fetch(layer).await?.to_vec()))
    }

    async fn push(&self, target: &dyn Target, bytes: Vec<u8>) -> Result<(), oci::Error> {
        let layer = Descriptor::of(MEDIA_TYPE, &bytes);
        let config = Descriptor::of(EMPTY, EMPTY_BLOB);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": MEDIA_TYPE,
            "config": config, "layers": [layer],
        });
        let manifest = manifest.to_string().into_bytes();
        target.push(&layer, bytes.into()).await?;
        target.push(&config, EMPTY_BLOB.into()).await?;
        let described = Descriptor::of(MANIFEST, &manifest);
        target.push(&described, manifest.into()).await?;
        target.tag(&described, &self.name).await
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StateStoreError> {
    let wrong = |source| StateStoreError::Io {
        attempted: "read the state",
        path: path.to_owned(),
        source,
    };
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(wrong)?,
    };
    let mut bytes = Vec::new();
    file.take(MAX).read_to_end(&mut bytes).map_err(wrong)?;
    Ok(Some(bytes))
}

/// Writes a file beside its place, and renames it into it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), StateStoreError> {
    let wrong = |source| StateStoreError::Io {
        attempted: "write the state",
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(wrong)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
    file.write_all(bytes).map_err(wrong)?;
    file.as_file().sync_data().map_err(wrong)?;
    file.persist(path).map_err(|error| wrong(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_state_is_kept_by_service_and_owner() {
        let folder = tempfile::tempdir().unwrap();
        let places = [
            folder.path().join("a").display().to_string(),
            format!("oci-layout:{}", folder.path().join("b").display()),
        ];
        for place in places {
            let store = |owner: &str| {
                StateStore::open(&place, "/subscriptions/s/x", owner, &Connection::default())
                    .unwrap()
            };
            let state = State::new("/subscriptions/s/x", "shop");
            assert!(store("shop").read().await.unwrap().is_empty());
            store("shop").write(&state).await.unwrap();
            assert_eq!(store("shop").read().await.unwrap(), state);
            assert_ne!(store("shop").name, store("other").name);
            store("other").read().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_is_no_state_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let store = StateStore::open(&place, "/x", "shop", &Connection::default()).unwrap();
        std::fs::write(store.file(folder.path()), "{").unwrap();
        let error = store.read().await.unwrap_err().to_string();
        assert!(
            error.contains("x-") && error.contains("no state"),
            "{error}"
        );
    }
}
