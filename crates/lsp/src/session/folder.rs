//! A folder that the editor has open.

use crate::names::Names;
use crate::uri;
use flux_apim_diag::Budget;
use std::collections::BTreeSet;

/// A folder with a project in it, and what is known of that.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: String,
    /// As the editor writes it.
    pub(super) uri: String,
    pub(super) names: Option<Names>,
    /// Paths that have diagnostics of the project.
    pub(super) shown: BTreeSet<String>,
    /// What was said of no file, so that it is said once.
    pub(super) said: Vec<String>,
    /// Whether something changed since the last check of the project began.
    pub(super) changed: bool,
    /// The check that runs: its number, and what ends it.
    pub(super) running: Option<(u64, Budget)>,
}

impl Folder {
    /// The folder at `uri`, not checked yet; `None` where it is none of this machine.
    pub(super) fn new(uri: &str) -> Option<Self> {
        Some(Self {
            path: uri::to_path(uri)?,
            uri: uri.to_owned(),
            names: None,
            shown: BTreeSet::new(),
            said: Vec::new(),
            changed: true,
            running: None,
        })
    }

    /// Whether it is the folder at `uri`.
    pub(super) fn is(&self, uri: &str) -> bool {
        self.uri.trim_end_matches('/') == uri.trim_end_matches('/')
    }

    /// Whether a check waits to be done.
    pub(super) fn waits(&self) -> bool {
        self.changed && self.running.is_none()
    }

    pub(super) fn heard_of_a_change(&mut self) {
        self.changed = true;
        self.end_check();
    }

    pub(super) fn end_check(&self) {
        if let Some((_, budget)) = &self.running {
            budget.cancel();
        }
    }
}
