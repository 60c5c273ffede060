//! The bundle: rendered files, inventory, reports; as an archive and as an OCI
//! image layout. Its bytes are a function of tree, options and version.

mod archive;
mod inventory;
mod oci;
mod source;

pub use archive::{Archive, Member, Written};
pub use inventory::{INVENTORY, is_inventory};
pub use oci::created;
pub use oci::{CONFIG_MEDIA_TYPE, LAYER_MEDIA_TYPE, OciImage, RESOURCES_FIELD};

use flux_apim_diag::tree::{ArtifactPath, Digest, FileId, ReadError, SourceTree};
use flux_apim_diag::{Budget, Held, Place, Report, sarif};
use flux_apim_link::{Content, Linked, Node};
use flux_apim_render::{File, Piece, Rendered, Target, Text};
use flux_apim_reuse::Reuse;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where the tree came from, as the inventory records it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// `directory`, `archive`, `http`, ...
    pub kind: String,
    /// Without credentials.
    pub url: Option<String>,
    /// `branch@sha1:...`
    pub revision: Option<String>,
    /// Digest of the source archive.
    pub digest: Option<String>,
    /// Folder that the source was narrowed to.
    pub path: Option<String>,
    /// Whether a Git checkout had changes.
    pub dirty: Option<bool>,
    /// When the revision was made, in RFC 3339.
    pub created: Option<String>,
}

/// Files of a bundle, the inventory included.
#[derive(Debug)]
pub struct Bundle {
    /// Every file, by path.
    pub files: Vec<File>,
    /// What was printed; files share the texts of it.
    graph: Linked,
    /// Paths of the files that resources come from.
    origins: BTreeMap<FileId, ArtifactPath>,
    /// The source it was made of.
    pub source: Source,
    reuse: Option<Arc<Reuse>>,
    /// What the texts of the files take of the run's memory.
    _held: Option<Held>,
}

/// What the inventory tells beside files and resources.
#[derive(Debug)]
pub struct Description {
    /// Where the tree came from.
    pub source: Source,
    /// Environment that was merged.
    pub environment: Option<String>,
    /// Targets that were rendered.
    pub targets: Vec<Target>,
    /// Digests of the operators' policies that it was held to.
    pub policies: BTreeSet<Digest>,
    /// What earlier runs made.
    pub reuse: Option<Arc<Reuse>>,
    /// What the run may spend.
    pub budget: Budget,
}

impl Bundle {
    /// Puts a bundle together.
    ///
    /// # Errors
    /// When a file of the tree cannot be read for the ranges of the inventory.
    pub fn new(
        tree: &SourceTree,
        graph: Linked,
        rendered: Rendered,
        report: &Report,
        description: Description,
    ) -> Result<Self, ReadError> {
        let mut rendered = rendered;
        let budget = &description.budget;
        let mut add = |path: &str, text: String| {
            budget.spend(text.len() as u64 / 16, Place::Source);
            rendered.push(File::text(path, text));
        };
        add("reports/diagnostics.json", pretty(report));
        let sarif = sarif::to_sarif(report, env!("CARGO_PKG_VERSION"));
        add("reports/diagnostics.sarif", pretty(&sarif));
        rendered.files.sort_by(|a, b| a.path.cmp(&b.path));
        let reuse = description.reuse.as_deref();
        let digests: Vec<Digest> = rendered
            .files
            .par_iter()
            .map(|file| {
                let size = file.len(graph.contents()) as u64;
                budget.spend(10 + size / 64, Place::Source);
                file_digest(file, graph.contents(), reuse)
            })
            .collect();
        let file = inventory::inventory(tree, &graph, &rendered, &digests, report, &description)?;
        rendered.push(file);
        let firsts = graph.nodes().iter().filter_map(|node| node.origins.first());
        let firsts: BTreeSet<FileId> = firsts.map(|origin| origin.span.file).collect();
        let origins = firsts
            .into_iter()
            .map(|file| (file, tree.path(file).clone()));
        let origins = origins.collect();
        let mut files = rendered.files;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            files,
            graph,
            origins,
            source: description.source,
            reuse: description.reuse,
            _held: rendered.held,
        })
    }

    /// `bundle.json`, parsed.
    #[expect(clippy::expect_used, reason = "it was written by `Bundle::new`")]
    pub fn inventory(&self) -> Json {
        serde_json::from_str(&self.inventory_text()).expect("the inventory is JSON")
    }

    /// `bundle.json`, as it stands in the bundle.
    #[expect(clippy::expect_used, reason = "`Bundle::new` puts it there")]
    pub fn inventory_text(&self) -> String {
        let file = self.files.iter().find(|file| file.path == INVENTORY);
        let bytes = self.bytes(file.expect("a bundle has an inventory"));
        String::from_utf8(bytes).expect("the inventory is text")
    }

    /// The resources that were printed.
    pub fn graph(&self) -> &Linked {
        &self.graph
    }

    /// The file that `node` comes from; the declaring one, if there are several.
    pub fn origin(&self, node: &Node) -> Option<&str> {
        let first = node.origins.first()?;
        self.origins.get(&first.span.file).map(ArtifactPath::as_str)
    }

    /// Bytes of one of its files.
    pub fn len_of(&self, file: &File) -> usize {
        file.len(self.graph.contents())
    }

    /// The text of one of its files, piece by piece.
    pub fn each_text(&self, file: &File, take: &mut dyn FnMut(&str)) {
        file.each_text(self.graph.contents(), take);
    }

    /// The bytes of one of its files.
    pub fn bytes(&self, file: &File) -> Vec<u8> {
        file.bytes(self.graph.contents())
    }

    /// The bundle as source-controller writes an artifact: a `.tar.gz` with the same bytes each
    /// time.
    pub fn archive(&self) -> Archive {
        archive::archive(self, None)
    }

    /// The archive form; compression is spent from `budget`, what it makes is held, and it
    /// ends as the budget does: inside of [`Budget::bound`].
    pub fn archive_within(&self, budget: &Budget) -> Archive {
        archive::archive(self, Some(budget))
    }
}

/// Where members end in the `bundle.json` of this text: it cannot say so of
/// itself.
pub fn inventory_cuts(text: &str) -> Vec<usize> {
    let file = File::text(INVENTORY, text.to_owned());
    archive::cuts(&[file], &[]).pop().unwrap_or_default()
}

/// Digest of the bytes of `file`.
fn file_digest(file: &File, contents: &[Content], reuse: Option<&Reuse>) -> Digest {
    let filled: Vec<&Piece> = file.pieces.iter().filter(|p| p.len(contents) > 0).collect();
    if let [Piece::Content { index, range, text }] = filled[..]
        && *text == Text::Raw
        && range.len() == contents[*index].len()
    {
        return contents[*index].digest;
    }
    let digest = || {
        let mut hasher = Sha256::new();
        file.each_text(contents, &mut |text| hasher.update(text));
        Digest::from_hash(hasher.finalize().into())
    };
    let is_content = |piece: &&Piece| matches!(piece, Piece::Content { .. });
    let Some(reuse) = reuse.filter(|_| filled.iter().any(is_content)) else {
        return digest();
    };
    let mut key = Sha256::new();
    key.update("file digest");
    for piece in filled {
        key.update((piece.len(contents) as u64).to_le_bytes());
        match piece {
            Piece::Own(text) => {
                key.update([u8::MAX]);
                key.update(text);
            }
            Piece::Packed(packed) => {
                key.update([u8::MAX]);
                key.update(packed.text());
            }
            Piece::Content { index, range, text } => {
                key.update([*text as u8]);
                key.update(contents[*index].digest.as_bytes());
                key.update((range.start as u64).to_le_bytes());
            }
        }
    }
    let key = Digest::from_hash(key.finalize().into());
    if let Some(kept) = reuse.get::<Digest>(&key) {
        return *kept;
    }
    let digest = digest();
    reuse.put(key, &Arc::new(digest), 0);
    digest
}

#[expect(clippy::expect_used, reason = "keys of what we write are strings")]
fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a document as JSON");
    text.push('\n');
    text
}
