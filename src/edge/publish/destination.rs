//! Where bundles go to and come from, by the name that people give it.

use super::{Destination, Error};
use crate::edge::oci::{Connection, Layout, Place, Remote, Target};
use std::path::Path;
use std::sync::Arc;

impl Destination {
    /// The repository or layout of `place`; the Bicep module goes to the
    /// repository whose name has `bicep` behind it.
    ///
    /// # Errors
    /// When the connection's parts are not what they should be, or a layout's
    /// folder holds something else.
    pub fn open(
        place: &Place,
        connection: &Connection,
        bicep: Option<&str>,
    ) -> Result<Self, Error> {
        match place {
            Place::Registry { reference } => {
                let remote = Remote::new(reference, connection)?;
                let sibling = bicep.map(|suffix| remote.sibling(suffix)).transpose()?;
                let repository = format!("{}/{}", reference.registry, reference.repository);
                Ok(Self {
                    url: format!("oci://{repository}"),
                    signs_as: repository.clone(),
                    repository,
                    bicep: sibling.flatten().map(Arc::from),
                    target: Arc::new(remote),
                })
            }
            Place::Layout { folder, .. } => {
                not_foreign(folder)?;
                let below = |suffix: &str| folder.join(suffix.trim_start_matches('/'));
                Ok(Self {
                    repository: folder.display().to_string(),
                    url: format!("oci-layout:{}", folder.display()),
                    signs_as: String::new(),
                    bicep: bicep.map(|suffix| Arc::new(Layout::new(below(suffix))) as _),
                    target: Arc::new(Layout::new(folder)),
                })
            }
        }
    }

    /// Where to read from; nothing is made.
    ///
    /// # Errors
    /// As [`Destination::open`].
    pub fn target(place: &Place, connection: &Connection) -> Result<Arc<dyn Target>, Error> {
        Self::open(place, connection, None).map(|there| there.target)
    }
}

/// A layout is not put among other files.
fn not_foreign(folder: &Path) -> Result<(), Error> {
    let mut entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(_) if !folder.exists() => return Ok(()),
        Err(error) => return Err(Error::Usage(format!("open {}: {error}", folder.display()))),
    };
    if folder.join("oci-layout").is_file() || entries.next().is_none() {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{} holds something else than an OCI layout; it is left as it is. Choose another folder",
        folder.display()
    )))
}
