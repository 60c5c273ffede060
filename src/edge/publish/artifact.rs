//! Bundles before they are published: rendered now, or earlier.

use super::{Error, Packed};
use crate::bundle::{self, Archive, Bundle, OciImage, Written};
#[cfg(feature = "controller")]
use crate::diag::{Budget, Held, Place};
use crate::edge::source::{self, OpenOptions};
use crate::tree::{Digest, Limits, SourceTree};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// What the inventory of every bundle begins with.
const TEMPLATE: &str = "arm/main.json";

/// A bundle as it goes to a registry.
#[derive(Debug, Clone)]
pub struct Artifact {
    packed: Packed,
    inventory: Json,
    module: Option<Packed>,
}

impl Artifact {
    /// A bundle that was just rendered.
    pub fn of(bundle: &Bundle) -> Self {
        Self::packed_as(bundle, &bundle.archive())
    }

    /// The same; packing is spent from `budget`, inside of [`Budget::bound`]. Second, what
    /// it takes of the memory.
    #[cfg(feature = "controller")]
    pub(crate) fn within(bundle: &Bundle, budget: &Budget) -> (Self, Held) {
        let template = bundle.files.iter().find(|file| file.path == TEMPLATE);
        let template = template.map_or(0, |file| bundle.len_of(file));
        // As values the inventory takes a multiple of its text.
        let known = 8 * bundle.inventory_text().len() + template;
        let mut held = budget.hold(known, Place::Source);
        let archive = bundle.archive_within(budget);
        let (mut packed, mut unpacked) = (0, 0);
        for member in &archive.members {
            packed += member.bytes.len();
            unpacked += member.size;
        }
        held.grow(known + packed, Place::Source);
        // The tar is hashed, too.
        budget.spend((unpacked + template) as u64 / 64, Place::Source);
        (Self::packed_as(bundle, &archive), held)
    }

    fn packed_as(bundle: &Bundle, archive: &Archive) -> Self {
        let inventory = bundle.inventory();
        let image = OciImage::new(archive, &inventory);
        let template = bundle.files.iter().find(|file| file.path == TEMPLATE);
        let module = template.and_then(|file| module(bundle.bytes(file), &inventory));
        Self {
            packed: Packed::bundle(image),
            inventory,
            module,
        }
    }

    /// The bundle in the archive `layer`, whose bytes are kept; `what` names it
    /// in messages.
    ///
    /// # Errors
    /// When it is no bundle, or not what its inventory says.
    pub fn of_layer(layer: &Bytes, what: &str, limits: &Limits) -> Result<Self, Error> {
        let tree = unpack(layer, what, limits)?;
        let inventory = checked(&tree, what)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        let mut tar = MultiGzDecoder::new(&layer[..]);
        loop {
            let n = tar.read(&mut buffer).map_err(|e| damaged(what, &e))?;
            if n == 0 {
                break;
            }
            hasher.update(&buffer[..n]);
        }
        let tar = Digest::from_hash(hasher.finalize().into());
        let image = OciImage::of_layer(layer.to_vec(), &tar, &inventory);
        Self::assemble(image, &tree, inventory, what)
    }

    /// The bundle in a folder that `render` wrote: the archive is made again,
    /// the same bytes as when it was rendered.
    ///
    /// # Errors
    /// When it is no bundle, or not what its inventory says.
    pub fn of_folder(tree: &SourceTree, what: &str) -> Result<Self, Error> {
        let inventory = checked(tree, what)?;
        let mut files = Vec::new();
        let cuts = cuts(&inventory);
        for (id, path) in tree.files() {
            let bytes = tree.read(id).map_err(|e| damaged(what, &e))?.into_owned();
            let cuts = match path.as_str() {
                bundle::INVENTORY => bundle::inventory_cuts(&String::from_utf8_lossy(&bytes)),
                path => cuts.get(path).cloned().unwrap_or_default(),
            };
            files.push(Written {
                path: path.as_str().to_owned(),
                bytes,
                cuts,
            });
        }
        let image = OciImage::new(&Archive::of_files(&files), &inventory);
        Self::assemble(image, tree, inventory, what)
    }

    fn assemble(
        image: OciImage,
        tree: &SourceTree,
        inventory: Json,
        what: &str,
    ) -> Result<Self, Error> {
        let template = tree.find(TEMPLATE).map(|file| tree.read(file)).transpose();
        let template = template.map_err(|e| damaged(what, &e))?;
        let module = template.and_then(|bytes| module(bytes.into_owned(), &inventory));
        Ok(Self {
            packed: Packed::bundle(image),
            inventory,
            module,
        })
    }

    /// Manifest, config and layer.
    pub fn packed(&self) -> &Packed {
        &self.packed
    }

    /// `bundle.json`.
    pub fn inventory(&self) -> &Json {
        &self.inventory
    }

    /// The Bicep module, if the bundle has one template for everything.
    pub fn module(&self) -> Option<&Packed> {
        self.module.as_ref()
    }

    /// Digest of the archive.
    pub fn layer_digest(&self) -> Digest {
        // A bundle always has a layer.
        let empty = Digest::of(b"");
        self.packed.layer().map_or(empty, |(layer, _)| layer.digest)
    }
}

/// Whether the tree is a bundle, by its `bundle.json`.
pub fn is_bundle(tree: &SourceTree) -> bool {
    let text = tree.find(bundle::INVENTORY).map(|file| tree.read(file));
    text.is_some_and(|text| text.is_ok_and(|text| bundle::is_inventory(&text)))
}

/// The Bicep module of a template. One that is split links to other files,
/// which a module cannot hold.
fn module(template: Vec<u8>, inventory: &Json) -> Option<Packed> {
    let split = inventory["parts"]
        .as_array()
        .is_some_and(|parts| !parts.is_empty());
    let description = match inventory["source"]["revision"].as_str() {
        Some(revision) => format!("API Management configuration, {revision}"),
        None => "API Management configuration".to_owned(),
    };
    (!split).then(|| Packed::module(template, &description, bundle::created(inventory)))
}

pub(super) fn unpack(layer: &[u8], what: &str, limits: &Limits) -> Result<SourceTree, Error> {
    let options = OpenOptions {
        limits: limits.clone(),
        ..OpenOptions::default()
    };
    source::unpack(layer, "oci", &options)
        .map(|opened| opened.tree)
        .map_err(|source| Error::Archive {
            attempted: format!("unpack {what}"),
            source,
        })
}

/// The inventory of `tree`, and every file held against it.
pub(crate) fn checked(tree: &SourceTree, what: &str) -> Result<Json, Error> {
    let not = |found: String| Error::NotABundle {
        what: what.to_owned(),
        found,
        expected: "a `bundle.json` as `flux-apim render` writes it",
    };
    let Some(file) = tree.find(bundle::INVENTORY) else {
        return Err(not("it holds no `bundle.json`".to_owned()));
    };
    let bytes = tree.read(file).map_err(|e| damaged(what, &e))?;
    let inventory: Json = serde_json::from_slice(&bytes)
        .map_err(|e| not(format!("its `bundle.json` is no JSON: {e}")))?;
    if !bundle::is_inventory(&bytes) {
        let found = crate::diag::excerpt(&inventory["apiVersion"].to_string(), 100);
        return Err(not(format!("its `bundle.json` has the apiVersion {found}")));
    }
    let listed = inventory["files"].as_array().map_or(&[][..], Vec::as_slice);
    for entry in listed {
        let path = entry["path"].as_str().unwrap_or("");
        let Some(file) = tree.find(path) else {
            let path = crate::diag::excerpt(path, 200);
            return Err(damaged(
                what,
                &format!("`{path}` is in the inventory, but not there"),
            ));
        };
        let bytes = tree.read(file).map_err(|e| damaged(what, &e))?;
        let digest = Digest::of(&bytes).to_string();
        if entry["digest"].as_str() != Some(digest.as_str()) {
            let expected = crate::diag::excerpt(entry["digest"].as_str().unwrap_or(""), 80);
            let problem = format!("`{path}` should have the digest {expected}, but has {digest}");
            return Err(damaged(what, &problem));
        }
        if entry["size"].as_u64() != Some(bytes.len() as u64) {
            let problem = format!(
                "`{path}` has {} bytes, not those of the inventory",
                bytes.len()
            );
            return Err(damaged(what, &problem));
        }
    }
    // Paths of a tree are unique: with as many entries, nothing else is there.
    let known: BTreeSet<&str> = listed
        .iter()
        .filter_map(|entry| entry["path"].as_str())
        .collect();
    let stranger = tree
        .files()
        .map(|(_, path)| path.as_str())
        .find(|path| *path != bundle::INVENTORY && !known.contains(path));
    match stranger {
        Some(path) => Err(damaged(
            what,
            &format!("`{path}` is there, but not in the inventory"),
        )),
        None => Ok(inventory),
    }
}

/// Where members end inside the files, by path.
fn cuts(inventory: &Json) -> BTreeMap<&str, Vec<usize>> {
    let files = inventory["files"].as_array().into_iter().flatten();
    let of = |entry: &Json| {
        let cuts = entry["cuts"].as_array().into_iter().flatten();
        cuts.filter_map(|cut| usize::try_from(cut.as_u64()?).ok())
            .collect()
    };
    files
        .filter_map(|entry| Some((entry["path"].as_str()?, of(entry))))
        .collect()
}

fn damaged(what: &str, problem: &impl ToString) -> Error {
    Error::Damaged {
        what: what.to_owned(),
        problem: problem.to_string(),
    }
}
