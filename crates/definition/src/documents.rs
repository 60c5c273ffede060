//! What the definitions of one run refer to, parsed once.

use crate::rules;
use flux_apim_diag::tree::{Digest, FileId, Limits, ReadError, SourceTree};
use flux_apim_diag::{Budget, Diagnostic, Findings, Meter, Span};
use flux_apim_syntax::{self as syntax, Document, Format};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes of documents that are kept although one definition only referred to them
/// so far: an API with files of its own leaves no more behind.
pub(super) const UNSHARED: u64 = 64 << 20;

/// The files of a run that definitions refer to. Whoever asks for one while
/// another worker parses it waits.
///
/// A document that a second definition asks for stays until the run has read all
/// of them. One that was given up before is parsed a second time, and never a
/// third. The definitions themselves are such documents, too.
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
    /// The first reference to each file that is no document.
    referred: BTreeMap<FileId, Span>,
}

/// Something that is made once, by whoever asks first.
type Once<T> = Arc<OnceLock<Result<T, ReadError>>>;

#[derive(Debug, Default)]
struct Slot {
    parsed: Once<Parsed>,
    /// How many definitions referred to it.
    users: u32,
    /// Steps of the parse.
    steps: u64,
    /// Whether the run has counted them.
    counted: bool,
}

/// What was done for a document that definitions refer to, once in a run: its parse. Kept
/// with what was made of it, it stands for the work in a later run.
#[derive(Debug, Clone)]
pub struct Done {
    steps: u64,
    found: Vec<Diagnostic>,
}

impl Done {
    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        let found = self.found.iter();
        100 + found.map(Diagnostic::bytes).sum::<usize>()
    }
}

/// What became of a file.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    /// None when it cannot be read as a document.
    pub(super) document: Option<Arc<Document>>,
    /// Whether there is no finding about it.
    pub(super) sound: bool,
}

impl State {
    /// Takes the document in `file` out, unless several definitions use it, or there
    /// are findings about it, which count as steps.
    fn give_up(&mut self, file: FileId) -> Option<Once<Parsed>> {
        let slot = self.slots.get_mut(&file)?;
        let stays = slot.users > 1 || self.findings.contains_key(&file);
        (!stays).then(|| std::mem::take(&mut slot.parsed))
    }
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

    /// The tree that documents are read from.
    pub fn tree(&self) -> &'t SourceTree {
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
        // When the run ends in here, the next one who asks tries, and ends as well.
        self.once(file)
            .get_or_init(|| {
                let bytes = self.tree.read(file)?.into_owned();
                match syntax::utf8(file, bytes) {
                    Ok(text) => Ok(self.parse(file, text, findings)),
                    Err(finding) => {
                        let mut found = findings.part();
                        found.push(*finding);
                        self.state().findings.insert(file, found);
                        Ok(Parsed {
                            document: None,
                            sound: false,
                        })
                    }
                }
            })
            .clone()
    }

    /// The same, when `text` was read from it already.
    pub(super) fn get_of(
        &self,
        file: FileId,
        text: String,
        findings: &Findings,
    ) -> Result<Parsed, ReadError> {
        let once = self.once(file);
        once.get_or_init(|| Ok(self.parse(file, text, findings)))
            .clone()
    }

    fn once(&self, file: FileId) -> Once<Parsed> {
        Arc::clone(&self.state().slots.entry(file).or_default().parsed)
    }

    fn parse(&self, file: FileId, text: String, findings: &Findings) -> Parsed {
        let meter = self.meter(file, findings.budget());
        let mut found = findings.part();
        let options = syntax::Options {
            malformed: &rules::MALFORMED_DEFINITION,
            limits: self.limits,
        };
        let format = Format::of(self.tree.path(file).name(), &text);
        let document = syntax::parse_with(file, text, format, options, &meter, &mut found);
        let document = document.map(|mut document| {
            let root = document.root();
            if root.get("openapi").or(root.get("swagger")).is_some() {
                // Plain YAML scalars such as `version: 1.0` are meant as text.
                for pointer in ["/openapi", "/swagger", "/info/version", "/info/title"] {
                    document.number_to_string(pointer);
                }
            }
            Arc::new(document)
        });
        let sound = found.is_empty();
        self.made(file, &meter, found);
        Parsed { document, sound }
    }

    /// `file` was parsed, the steps in `meter`.
    fn made(&self, file: FileId, meter: &Meter, found: Findings) {
        let mut state = self.state();
        state.slots.entry(file).or_default().steps = meter.spent();
        if !found.is_empty() {
            state.findings.insert(file, found);
        }
    }

    /// A counter for the parse of `file`: its steps count once in a run.
    fn meter(&self, file: FileId, budget: &Budget) -> Meter {
        if self.counts(file) {
            budget.meter()
        } else {
            budget.repeated()
        }
    }

    /// Whether the steps of `file` are to be counted by who asks: whoever comes first.
    fn counts(&self, file: FileId) -> bool {
        let mut state = self.state();
        let slot = state.slots.entry(file).or_default();
        !std::mem::replace(&mut slot.counted, true)
    }

    /// Counts for `file` what was `done` for it in an earlier run, in whose tree `now`
    /// finds the files of this one. Findings are those of this run, as in
    /// [`Documents::into_findings`].
    pub fn repeat(
        &self,
        file: FileId,
        done: &Done,
        now: &impl Fn(FileId) -> Option<FileId>,
        findings: &Findings,
    ) {
        if !self.counts(file) {
            return;
        }
        findings.budget().spend(done.steps, file);
        if !done.found.is_empty() {
            let mut part = findings.part();
            part.extend(done.found.iter().filter_map(|finding| finding.moved(now)));
            self.state().findings.insert(file, part);
        }
    }

    /// The `reference` leads to `file`, which is no document: its findings say so, whichever
    /// of those that refer to it is looked at first.
    pub(super) fn refers(&self, file: FileId, reference: Span) {
        let mut state = self.state();
        let first = state.referred.entry(file).or_insert(reference);
        *first = reference.min(*first);
    }

    /// One definition, the one in `root`, is done with its documents.
    pub(super) fn release(&self, root: FileId, used: impl Iterator<Item = (FileId, u64)>) {
        let mut given_up = Vec::new();
        let mut state = self.state();
        for (file, bytes) in used {
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
            given_up.extend(state.give_up(file));
        }
        // Few definitions are referred to by others.
        state.slots.entry(root).or_default().users += 1;
        given_up.extend(state.give_up(root));
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
        // Steps are those of a run that knows of no earlier one.
        budget.spend(0, file);
        let digest = self.tree.digest(file)?;
        digests().insert(file, digest);
        Ok(digest)
    }

    /// What was done for `file`, to be kept; `None` when more was found in it than is
    /// listed.
    pub fn done(&self, file: FileId) -> Option<Done> {
        let state = self.state();
        let steps = state.slots.get(&file).map_or(0, |slot| slot.steps);
        let found = state.findings.get(&file);
        let listed = found.map_or(Vec::new(), |found| found.listed().to_vec());
        let all = found.is_none_or(|found| found.len() == listed.len());
        all.then_some(Done {
            steps,
            found: listed,
        })
    }

    /// What was found in the documents, in the order of their files.
    pub fn into_findings(self, findings: &mut Findings) {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for (file, mut found) in state.findings {
            if let Some(reference) = state.referred.get(&file) {
                for finding in found.listed_mut() {
                    finding
                        .related
                        .push(((*reference).into(), "this refers to it".to_owned()));
                }
            }
            findings.append(found);
        }
    }
}
