//! What the definitions of one run refer to, parsed once.

use crate::diag::{Budget, Findings, rules};
use crate::syntax::{self, Document, Format};
use crate::tree::{Digest, FileId, Limits, ReadError, SourceTree};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes of documents that are kept although one definition only referred to them
/// so far: an API with files of its own leaves no more behind.
const UNSHARED: u64 = 64 << 20;

/// The files of a run that definitions refer to. Whoever asks for one while
/// another worker parses it waits.
///
/// A document that a second definition asks for stays until the run has read all
/// of them. One that was given up before is parsed a second time, and never a
/// third.
#[derive(Debug)]
pub struct Documents<'t> {
    tree: &'t SourceTree,
    limits: &'t Limits,
    state: Mutex<State>,
    digests: Mutex<HashMap<FileId, Digest>>,
}

#[derive(Debug, Default)]
struct State {
    slots: BTreeMap<FileId, Slot>,
    /// Files that one definition referred to, the oldest first, and the bytes of
    /// their documents.
    unshared: VecDeque<(FileId, u64)>,
    bytes: u64,
    findings: BTreeMap<FileId, Findings>,
}

#[derive(Debug, Default)]
struct Slot {
    parsed: Arc<OnceLock<Result<Parsed, ReadError>>>,
    /// How many definitions referred to it.
    users: u32,
    /// Steps that its parse takes, and whether they are counted.
    steps: u64,
    counted: bool,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    /// None when it cannot be read as a document.
    pub(super) document: Option<Arc<Document>>,
    /// Whether there is no finding about it.
    pub(super) sound: bool,
}

impl<'t> Documents<'t> {
    /// Of `tree`, within `limits`.
    pub fn new(tree: &'t SourceTree, limits: &'t Limits) -> Self {
        Self {
            tree,
            limits,
            state: Mutex::default(),
            digests: Mutex::default(),
        }
    }

    pub(super) fn tree(&self) -> &'t SourceTree {
        self.tree
    }

    pub(super) fn limits(&self) -> &'t Limits {
        self.limits
    }

    /// Held for a look only: nothing in between spends, holds or waits.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The document in `file`, parsed unless it is there. Its findings are kept
    /// apart: [`Documents::into_findings`].
    pub(super) fn get(&self, file: FileId, findings: &Findings) -> Result<Parsed, ReadError> {
        let slot = Arc::clone(&self.state().slots.entry(file).or_default().parsed);
        // When the run ends in here, the next one who asks tries, and ends as well.
        slot.get_or_init(|| self.parse(file, findings)).clone()
    }

    fn parse(&self, file: FileId, findings: &Findings) -> Result<Parsed, ReadError> {
        let bytes = self.tree.read(file)?.into_owned();
        let budget = findings.budget();
        let meter = if self.counts(file) {
            budget.meter()
        } else {
            budget.repeated()
        };
        let mut found = findings.part();
        let document = match syntax::utf8(file, bytes) {
            Ok(text) => {
                let options = syntax::Options {
                    malformed: &rules::MALFORMED_DEFINITION,
                    limits: self.limits,
                };
                let format = Format::of(self.tree.path(file).name(), &text);
                syntax::parse_with(file, text, format, options, &meter, &mut found)
            }
            Err(finding) => {
                found.push(*finding);
                None
            }
        };
        let parsed = Parsed {
            document: document.map(Arc::new),
            sound: found.is_empty(),
        };
        let mut state = self.state();
        state.slots.entry(file).or_default().steps = meter.spent();
        if !parsed.sound {
            state.findings.insert(file, found);
        }
        Ok(parsed)
    }

    /// Whether the steps of `file` are to be counted by who asks: they are once in a
    /// run, whoever comes first.
    fn counts(&self, file: FileId) -> bool {
        let mut state = self.state();
        let slot = state.slots.entry(file).or_default();
        !std::mem::replace(&mut slot.counted, true)
    }

    /// Counts the `steps` that parsing `file` takes, for a definition that was made
    /// of it in an earlier run.
    pub fn count(&self, file: FileId, steps: u64, budget: &Budget) {
        if self.counts(file) {
            budget.spend(steps, file);
        }
    }

    /// One definition is done with `files`.
    pub(super) fn release(&self, files: impl Iterator<Item = (FileId, u64)>) {
        let mut given_up = Vec::new();
        let mut state = self.state();
        for (file, bytes) in files {
            let slot = state.slots.entry(file).or_default();
            slot.users += 1;
            if slot.users == 1 {
                state.unshared.push_back((file, bytes));
                state.bytes += bytes;
            }
        }
        while state.bytes > UNSHARED {
            let Some((file, bytes)) = state.unshared.pop_front() else {
                break;
            };
            state.bytes -= bytes;
            if let Some(slot) = state.slots.get_mut(&file)
                && slot.users < 2
            {
                given_up.push(std::mem::take(&mut slot.parsed));
            }
        }
        drop(state);
        // Large documents are freed when others may look again.
        drop(given_up);
    }

    /// The digest of `file`, which definitions of earlier runs are found by.
    ///
    /// # Errors
    /// When the world does not give the file.
    pub fn digest(&self, file: FileId, budget: &Budget) -> Result<Digest, ReadError> {
        let digests = || self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = digests().get(&file).copied() {
            return Ok(digest);
        }
        let bytes = self.tree.read(file)?;
        let pieces = bytes.chunks(1 << 20);
        // Steps are those of a run that knows of no earlier one.
        let digest = Digest::of_pieces(pieces.inspect(|_| budget.spend(0, file)));
        digests().insert(file, digest);
        Ok(digest)
    }

    /// Steps that parsing `file` takes; none when nobody asked for it.
    pub fn steps(&self, file: FileId) -> u64 {
        self.state().slots.get(&file).map_or(0, |slot| slot.steps)
    }

    /// What was found in the documents, in the order of their files.
    pub fn into_findings(self, findings: &mut Findings) {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for found in state.findings.into_values() {
            findings.append(found);
        }
    }
}
