//! What expressions share that are checked one after the other.

use super::types::{Ty, Types};
use super::value::{Method, Signature};
use super::{Analysis, Environment, Names, analyse};
use crate::hash::QuickMap;
use crate::meter::Meter;
use crate::tree::Tree;
use std::rc::Rc;

/// Types that are kept from one expression to the next.
const MOST_TYPES: usize = 4096;

/// Checks expressions one after the other. What is found in each is what
/// [`super::check_metered`] finds; types and signatures that were met before are known.
#[derive(Debug, Default)]
pub struct Session {
    known: Option<Known>,
}

/// What is known of types.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) types: Types,
    pub(super) conversions: QuickMap<(Ty, Ty, bool), Option<(Ty, Ty)>>,
    pub(super) signatures: QuickMap<Method, Rc<Signature>>,
    /// Types as C# writes them.
    pub(super) shown: QuickMap<Ty, Rc<str>>,
}

impl Session {
    /// One that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks a tree, charging the work to `meter`.
    pub fn check(&mut self, tree: &Tree, environment: &Environment, meter: &dyn Meter) -> Analysis {
        self.analyse(tree, environment, meter, Names::OfResult)
    }

    pub(super) fn analyse(
        &mut self,
        tree: &Tree,
        environment: &Environment,
        meter: &dyn Meter,
        names: Names,
    ) -> Analysis {
        let known = self.known.take().unwrap_or_else(|| Known {
            types: Types::new(),
            conversions: QuickMap::default(),
            signatures: QuickMap::default(),
            shown: QuickMap::default(),
        });
        let (analysis, known) = analyse(known, tree, environment, meter, names);
        // Type parameters of local functions are numbered anew in each expression.
        if known.types.variables.is_empty() && known.types.len() <= MOST_TYPES {
            self.known = Some(known);
        }
        analysis
    }
}
