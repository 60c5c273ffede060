//! What API Management leaves out of a definition, or makes something else of.

use super::Check;
use crate::rules::changed_by_import;
use flux_apim_diag::Span;
use flux_apim_syntax::NodeRef;
use std::collections::BTreeMap;

/// A part of definitions that the import changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    Security,
    Servers,
    Callbacks,
    Links,
    Trace,
    Body,
    Cookie,
    Form,
    Serialization,
    RequiredQuery,
    Recursion,
    Examples,
    Docs,
    Produces,
    Extensions,
}

impl Change {
    fn sentence(self) -> &'static str {
        match self {
            Self::Security => "`security` and its schemes are ignored",
            Self::Servers => "servers of paths and operations are ignored",
            Self::Callbacks => "callbacks are left out",
            Self::Links => "links are left out",
            Self::Trace => "operations of the method `trace` are left out",
            Self::Body => "bodies of `get`, `head` and `options` are left out",
            Self::Cookie => "parameters in cookies are left out",
            Self::Form => "parameters in forms are left out",
            Self::Serialization => {
                "`style`, `explode`, `allowReserved` and `allowEmptyValue` are ignored"
            }
            Self::RequiredQuery => "required query parameters become part of the URL template",
            Self::Recursion => "schemas that contain themselves are not supported",
            Self::Examples => "`examples` of components are left out",
            Self::Docs => "`externalDocs` is left out",
            Self::Produces => "`produces` is ignored",
            Self::Extensions => "extensions other than `x-ms-paths` and `x-servers` are left out",
        }
    }
}

/// What is changed: where first, and in how many places.
pub(super) type Changes = BTreeMap<Change, (Span, usize)>;

impl<'c> Check<'_, 'c> {
    pub(super) fn changes(&mut self, change: Change, at: Span) {
        let (_, places) = self.changes.entry(change).or_insert((at, 0));
        *places += 1;
    }

    /// The same of each of `fields` that `node` has.
    pub(super) fn changes_fields(&mut self, node: NodeRef<'c>, fields: &[(&str, Change)]) {
        for (field, change) in fields {
            if let Some((key, _)) = node.entry(field) {
                self.changes(*change, key.span());
            }
        }
    }

    /// Says it all at once.
    pub(super) fn say_changes(&mut self) {
        let root = self.files.root;
        // Nobody misses an extension: they are named beside the rest only.
        let weighty = |(change, _): &(&Change, &(Span, usize))| **change != Change::Extensions;
        let places = self.changes.iter().filter(weighty).map(|(_, (at, _))| *at);
        let first = places.min_by_key(|at| (at.file != root, at.file, at.start));
        let Some(first) = first else {
            return;
        };
        let all = self.changes.iter();
        let all: Vec<_> = all
            .map(|(change, (_, places))| (change.sentence(), *places))
            .collect();
        self.say(changed_by_import::found(first, &all));
    }
}
