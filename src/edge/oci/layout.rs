//! An OCI image layout: a folder with `blobs/`, `index.json` and `oci-layout`.
//!
//! Every file is written beside its place and renamed into it. A layout is made,
//! and `index.json` changes, only under a lock of the file `index.lock`, which the
//! system lets go of when its holder dies, so writers at once make one layout and
//! do not lose each other's tags. `oci-layout` is written last of what makes a
//! layout: whoever sees it sees all of it.
//! A manifest is listed when it has a tag or a subject.

use super::descriptor::hex;
use super::{Descriptor, Error, INDEX, MAX_MANIFEST, Manifest, Pushed, REF_NAME, Spool, Target};
use crate::tree::Digest;
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value as Json, json};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const MARKER: &str = "oci-layout";
const VERSION: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}";

/// An image layout on disk, made when something is first pushed.
#[derive(Debug, Clone)]
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// The layout in `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Runs what waits for the disk where it holds nothing else up.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let layout = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&layout)).await;
        done.map_err(|e| Error::io(format!("use {}", self.name()), io::Error::other(e)))?
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs/sha256").join(hex(digest))
    }

    fn failed<'a>(&self, verb: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
        move |source| Error::io(format!("{verb} {}", path.display()), source)
    }

    fn read(&self, what: &Descriptor) -> Result<Bytes, Error> {
        let path = self.blob(&what.digest);
        let attempted = || format!("read {} from {}", what.digest, self.name());
        let bytes = match read_capped(&path, what.size)? {
            Some(bytes) => bytes,
            None => {
                return Err(Error::Missing {
                    attempted: attempted(),
                });
            }
        };
        what.check(&bytes, attempted)?;
        Ok(bytes.into())
    }

    /// Writes the blob `what` into `spool`, held against size and digest.
    fn read_into(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        let path = self.blob(&what.digest);
        let attempted = || format!("read {} from {}", what.digest, self.name());
        let mut file = match fs::File::open(&path) {
            Ok(file) => file.take(what.size.saturating_add(1)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Missing {
                    attempted: attempted(),
                });
            }
            Err(e) => return Err(self.failed("read", &path)(e)),
        };
        spool.clear()?;
        let mut piece = vec![0; 1 << 20];
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => spool.append(&piece[..read])?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.failed("read", &path)(e)),
            }
        }
        spool.check(what, attempted)
    }

    /// Writes the blob `what`, which is in `spool`.
    fn write_from(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        spool.check(what, || format!("write {} to {}", what.digest, self.name()))?;
        self.make()?;
        let mut at = 0;
        self.write_by(&self.blob(&what.digest), |file| {
            while at < what.size {
                let piece = spool.read(at, at + (1 << 20)).map_err(io::Error::other)?;
                if piece.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                at += piece.len() as u64;
                file.write_all(&piece)?;
            }
            Ok(())
        })
    }

    /// Writes a file whole, or not at all.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.write_by(path, |file| file.write_all(bytes))
    }

    /// Writes a file by `fill`, whole or not at all.
    fn write_by(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut fs::File) -> io::Result<()>,
    ) -> Result<(), Error> {
        let parent = path.parent().unwrap_or(&self.folder);
        let write = || -> io::Result<()> {
            fs::create_dir_all(parent)?;
            let mut file = tempfile::Builder::new()
                .prefix(".flux-apim-")
                .tempfile_in(parent)?;
            fill(file.as_file_mut())?;
            file.as_file().sync_data()?;
            readable(file.path())?;
            file.persist(path).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(self.failed("write", path))
    }

    /// The file that says that the folder is a layout.
    fn marker(&self) -> PathBuf {
        self.folder.join(MARKER)
    }

    /// Makes the layout where there is none. A folder that holds something else
    /// is refused, and stays as it is.
    fn make(&self) -> Result<(), Error> {
        if self.marker().is_file() {
            return Ok(());
        }
        self.refuse_foreign()?;
        let held = self.lock()?;
        // Another writer may have made it while we waited for the lock.
        if !self.marker().is_file() {
            self.refuse_foreign()?;
            let index = self.folder.join("index.json");
            if !index.is_file() {
                self.write(&index, self.index()?.to_string().as_bytes())?;
            }
            self.write(&self.marker(), VERSION)?;
        }
        drop(held);
        Ok(())
    }

    /// Holds off other writers until the answer is dropped.
    fn lock(&self) -> Result<fs::File, Error> {
        let path = self.folder.join("index.lock");
        let lock = || -> io::Result<fs::File> {
            fs::create_dir_all(&self.folder)?;
            let file = fs::OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(false)
                .open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(self.failed("lock", &path))
    }

    /// Refuses a folder that holds something else than a layout, whole or half
    /// made.
    fn refuse_foreign(&self) -> Result<(), Error> {
        let names = match fs::read_dir(&self.folder) {
            Ok(names) => names,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(self.failed("read", &self.folder)(e)),
        };
        for name in names.flatten() {
            let name = name.file_name();
            let known = ["blobs", "index.json", "index.lock"]
                .iter()
                .any(|n| name == *n);
            if known || name.to_string_lossy().starts_with(".flux-apim-") {
                continue;
            }
            // Another writer may have made the layout since we looked for it;
            // what else a layout holds is its owner's business.
            if self.marker().is_file() {
                return Ok(());
            }
            return Err(Error::Refused {
                attempted: format!("write to {}", self.name()),
                problem: format!("the folder holds {}, and is no OCI layout", name.display()),
                help: "name an empty folder, or one that is not there",
            });
        }
        Ok(())
    }

    fn write_blob(&self, what: &Descriptor, bytes: &[u8]) -> Result<Pushed, Error> {
        let attempted = || format!("write {} to {}", what.digest, self.name());
        what.check(bytes, attempted)?;
        let mut subject = false;
        if what.is_manifest() {
            let manifest = Manifest::parse(bytes, &attempted())?;
            for child in manifest.children() {
                if !self.blob(&child.digest).is_file() {
                    return Err(Error::Missing {
                        attempted: format!("{}, which refers to {}", attempted(), child.digest),
                    });
                }
            }
            subject = manifest.subject.is_some();
        }
        self.make()?;
        let path = self.blob(&what.digest);
        // A file of another size is what a full disk left behind.
        let there = fs::metadata(&path).is_ok_and(|file| file.len() == what.size);
        if !there {
            self.write(&path, bytes)?;
        }
        if subject {
            self.change_index(|manifests| {
                if !manifests.iter().any(|entry| is(entry, &what.digest)) {
                    manifests.push(entry_of(what, None));
                }
            })?;
        }
        Ok(if there { Pushed::Already } else { Pushed::Now })
    }

    fn index(&self) -> Result<Json, Error> {
        let path = self.folder.join("index.json");
        let Some(bytes) = read_capped(&path, MAX_MANIFEST)? else {
            return Ok(json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}));
        };
        let index: Json = serde_json::from_slice(&bytes)
            .map_err(|e| Error::malformed(format!("read {}", path.display()), e.to_string()))?;
        if index["manifests"].is_array() {
            return Ok(index);
        }
        let attempted = format!("read {}", path.display());
        Err(Error::malformed(attempted, "it has no list of manifests"))
    }

    fn entries(&self) -> Result<Vec<Json>, Error> {
        Ok(self.index()?["manifests"]
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    /// Changes the list of manifests while nobody else does.
    fn change_index(&self, change: impl FnOnce(&mut Vec<Json>)) -> Result<(), Error> {
        self.make()?;
        let held = self.lock()?;
        let mut index = self.index()?;
        if let Some(manifests) = index["manifests"].as_array_mut() {
            let before = manifests.clone();
            change(manifests);
            if *manifests != before || !self.folder.join("index.json").is_file() {
                self.write(
                    &self.folder.join("index.json"),
                    index.to_string().as_bytes(),
                )?;
            }
        }
        drop(held);
        Ok(())
    }

    fn find(&self, reference: &str) -> Result<Option<Descriptor>, Error> {
        let Ok(digest) = reference.parse::<Digest>() else {
            let entries = self.entries()?;
            let found = entries.iter().find(|e| tag_of(e) == Some(reference));
            return found.map(|entry| self.descriptor(entry)).transpose();
        };
        let attempted = format!("read {digest} from {}", self.name());
        let Some(bytes) = read_capped(&self.blob(&digest), MAX_MANIFEST)? else {
            return Ok(None);
        };
        let manifest = Manifest::parse(&bytes, &attempted)?;
        let found = Descriptor::of(manifest.media_type(), &bytes);
        if found.digest != digest {
            return Err(Error::Mismatch {
                attempted,
                expected: digest.to_string(),
                found: found.digest.to_string(),
            });
        }
        Ok(Some(found))
    }

    fn descriptor(&self, entry: &Json) -> Result<Descriptor, Error> {
        let found: Descriptor = serde_json::from_value(entry.clone()).map_err(|e| {
            Error::malformed(
                format!("read the index of {}", self.name()),
                format!("an entry is no descriptor: {e}"),
            )
        })?;
        // The entry's annotations name the tag; they are not the manifest's.
        Ok(Descriptor {
            annotations: Default::default(),
            ..found
        })
    }

    fn referring(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let mut found: Vec<Descriptor> = Vec::new();
        for entry in self.entries()? {
            let what = self.descriptor(&entry)?;
            if !what.is_manifest() || found.iter().any(|f| f.digest == what.digest) {
                continue;
            }
            let attempted = format!("read {} from {}", what.digest, self.name());
            let manifest = Manifest::parse(&self.read(&what)?, &attempted)?;
            if manifest.subject.as_ref().map(|s| s.digest) == Some(of.digest) {
                found.push(manifest.referrer(&what));
            }
        }
        found.sort_by_key(|descriptor| descriptor.digest);
        Ok(found)
    }
}

#[async_trait]
impl Target for Layout {
    fn name(&self) -> String {
        format!("oci-layout:{}", self.folder.display())
    }

    async fn exists(&self, what: &Descriptor) -> Result<bool, Error> {
        let (digest, size) = (what.digest, what.size);
        self.on_disk(move |layout| {
            Ok(fs::metadata(layout.blob(&digest)).is_ok_and(|file| file.len() == size))
        })
        .await
    }

    async fn fetch(&self, what: &Descriptor) -> Result<Bytes, Error> {
        let what = what.clone();
        self.on_disk(move |layout| layout.read(&what)).await
    }

    async fn fetch_into(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        let (what, spool) = (what.clone(), spool.clone());
        self.on_disk(move |layout| layout.read_into(&what, &spool))
            .await
    }

    async fn send_from(&self, what: &Descriptor, spool: &Spool) -> Result<(), Error> {
        let (what, spool) = (what.clone(), spool.clone());
        self.on_disk(move |layout| layout.write_from(&what, &spool))
            .await
    }

    async fn push(&self, what: &Descriptor, bytes: Bytes) -> Result<Pushed, Error> {
        let what = what.clone();
        self.on_disk(move |layout| layout.write_blob(&what, &bytes))
            .await
    }

    async fn resolve(&self, reference: &str) -> Result<Option<Descriptor>, Error> {
        let reference = reference.to_owned();
        self.on_disk(move |layout| layout.find(&reference)).await
    }

    async fn tag(&self, what: &Descriptor, tag: &str) -> Result<(), Error> {
        let (what, tag) = (what.clone(), tag.to_owned());
        self.on_disk(move |layout| {
            if !layout.blob(&what.digest).is_file() {
                let name = layout.name();
                return Err(Error::Missing {
                    attempted: format!("point the tag {tag} of {name} to {}", what.digest),
                });
            }
            layout.change_index(|manifests| {
                manifests.retain(|entry| {
                    let untagged = tag_of(entry).is_none() && is(entry, &what.digest);
                    tag_of(entry) != Some(&tag) && !untagged
                });
                manifests.push(entry_of(&what, Some(&tag)));
            })
        })
        .await
    }

    async fn tags(&self) -> Result<Vec<String>, Error> {
        self.on_disk(|layout| {
            let entries = layout.entries()?;
            let mut tags: Vec<String> = entries
                .iter()
                .filter_map(tag_of)
                .map(str::to_owned)
                .collect();
            tags.sort();
            tags.dedup();
            Ok(tags)
        })
        .await
    }

    async fn referrers(&self, of: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let of = of.clone();
        self.on_disk(move |layout| layout.referring(&of)).await
    }

    async fn delete(&self, what: &Descriptor) -> Result<(), Error> {
        let digest = what.digest;
        self.on_disk(move |layout| {
            let path = layout.blob(&digest);
            layout.change_index(|manifests| manifests.retain(|entry| !is(entry, &digest)))?;
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    Err(layout.failed("remove", &path)(e))
                }
                _ => Ok(()),
            }
        })
        .await
    }
}

fn tag_of(entry: &Json) -> Option<&str> {
    entry["annotations"][REF_NAME].as_str()
}

fn is(entry: &Json, digest: &Digest) -> bool {
    entry["digest"].as_str() == Some(digest.to_string().as_str())
}

fn entry_of(what: &Descriptor, tag: Option<&str>) -> Json {
    let mut entry = json!({
        "mediaType": what.media_type,
        "digest": what.digest.to_string(),
        "size": what.size,
    });
    if let Some(tag) = tag {
        entry["annotations"] = json!({ REF_NAME: tag });
    }
    entry
}

/// `None` when there is no such file.
fn read_capped(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let attempted = || format!("read {}", path.display());
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(attempted(), e)),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| Error::io(attempted(), e))?;
    if bytes.len() as u64 > limit {
        return Err(Error::Over {
            attempted: attempted(),
            limit,
        });
    }
    Ok(Some(bytes))
}

/// Temporary files are private; what is left is for everyone.
fn readable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}
