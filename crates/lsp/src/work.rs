//! The check of the project, as a value that any thread may run.

use crate::diagnostics;
use crate::names::Names;
use crate::overlay::{self, Open};
use flux_apim_diag::tree::{Limits, SourceTree};
use flux_apim_diag::{Budget, Diagnostic, Findings, Registry, Report};
use flux_apim_discover as discover;
use flux_apim_levels::Asked;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the server is given: files, and the check that `flux-apim validate` makes.
pub trait World: Send + Sync + std::fmt::Debug {
    /// The files below the folder `root`, with what is found while they are listed.
    ///
    /// # Errors
    /// Why there are none.
    fn tree(&self, root: &str, budget: &Budget) -> Result<(SourceTree, Vec<Diagnostic>), String>;

    /// Checks a project.
    ///
    /// # Errors
    /// Why there is no answer.
    fn check(
        &self,
        tree: &SourceTree,
        notes: Vec<Diagnostic>,
        budget: &Budget,
    ) -> Result<Report, String>;

    /// How the project is looked for.
    fn options(&self) -> discover::Options;

    /// Levels of the caller and of operators, and the day.
    fn levels(&self) -> Asked;

    /// Every rule.
    fn registry(&self) -> Registry;
}

/// A check of the project that is to be done.
#[derive(Debug)]
pub struct Work {
    pub(crate) number: u64,
    pub(crate) world: Arc<dyn World>,
    /// The folder: its path, and its URI.
    pub(crate) root: (String, String),
    pub(crate) open: Open,
    pub(crate) budget: Budget,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    pub(crate) number: u64,
    /// `None` when it was ended, or could not be done.
    pub(crate) found: Option<Found>,
    /// What to tell people beside the diagnostics.
    pub(crate) said: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) by_path: BTreeMap<String, Vec<Value>>,
    pub(crate) names: Option<Names>,
}

impl Work {
    /// What says that this work failed, should the thread that does it.
    pub fn failed(&self) -> Done {
        Done {
            number: self.number,
            found: None,
            said: vec!["the check of the project failed; this is a defect of flux-apim".to_owned()],
        }
    }

    /// Does it. It ends early when the session hears of a change.
    pub fn run(self) -> Done {
        let number = self.number;
        let (found, said) = match self.budget.bound(|| self.found()) {
            Ok(Ok((found, said))) => (Some(found), said),
            Ok(Err(why)) if !self.budget.is_cancelled() => (None, vec![why]),
            Err(stop) => (
                None,
                stop.finding().into_iter().map(|f| f.message).collect(),
            ),
            Ok(Err(_)) => (None, Vec::new()),
        };
        Done {
            number,
            found,
            said,
        }
    }

    fn found(&self) -> Result<(Found, Vec<String>), String> {
        let (root, uri) = &self.root;
        let (below, notes) = self.world.tree(root, &self.budget)?;
        let tree = overlay::over(&below, self.open.clone());
        let report = self.world.check(&tree, notes, &self.budget)?;
        let open: BTreeSet<String> = self.open.keys().map(ToString::to_string).collect();
        let by_path = diagnostics::by_path(&report, &tree, &open, uri);
        let said = diagnostics::of_no_file(&report, &tree);
        let options = self.world.options();
        // What is wrong with the files is in the report.
        let mut again = Findings::new(&self.budget, &Limits::default());
        let names = Names::of(&tree, &options, self.world.registry(), &mut again);
        let names = names.map_err(|error| error.to_string())?;
        Ok((Found { by_path, names }, said))
    }
}
