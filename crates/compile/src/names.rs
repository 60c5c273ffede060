//! Names in policies of an environment that shares its service with others.

use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Meter};
use flux_apim_discover::Project;
use flux_apim_model::{Affix, Kind};
use flux_apim_policy::{self as policy, Reference, ReferenceKind};
use std::collections::BTreeSet;

/// What the project has, by the names it had, and the names it has now.
pub(super) struct Names {
    affix: Affix,
    named_values: BTreeSet<String>,
    /// Kinds and names now, in lower case.
    known: BTreeSet<(Kind, String)>,
}

impl Names {
    pub(super) fn new(project: &Project) -> Option<Self> {
        let affix = project.affix.clone()?;
        let kinds = [Kind::PolicyFragment, Kind::Backend, Kind::Logger];
        let keys = project.resources.keys();
        let keys = keys.filter(|key| kinds.contains(&key.kind) && key.workspace.is_none());
        Some(Self {
            affix,
            named_values: project.named_values.clone(),
            known: keys
                .map(|key| (key.kind, key.name().to_lowercase()))
                .collect(),
        })
    }

    /// The name that `reference` has now; `None` when the project does not have it.
    fn now(&self, reference: &Reference) -> Option<String> {
        let kind = match reference.kind {
            ReferenceKind::NamedValue | ReferenceKind::BackendOfNamedValue => {
                let known = self.named_values.contains(&reference.name.to_lowercase());
                return known.then(|| self.affix.name(Kind::NamedValue, &reference.name));
            }
            ReferenceKind::Fragment => Kind::PolicyFragment,
            ReferenceKind::Backend => Kind::Backend,
            ReferenceKind::Logger => Kind::Logger,
            ReferenceKind::Certificate
            | ReferenceKind::Thumbprint
            | ReferenceKind::Identity
            | ReferenceKind::AuthorizationProvider => return None,
        };
        let name = self.affix.name(kind, &reference.name);
        self.known
            .contains(&(kind, name.to_lowercase()))
            .then_some(name)
    }

    /// Gives `reference` the name that it has now.
    pub(super) fn follow(&self, reference: &mut Reference) {
        if let Some(name) = self.now(reference) {
            reference.name = name;
        }
    }

    /// `text` with the names that things have now.
    pub(super) fn rename(
        &self,
        file: FileId,
        text: &str,
        root: policy::Root,
        max_depth: u64,
        meter: &Meter,
        findings: &Findings,
    ) -> String {
        // What is found was said when it was read as it stands.
        let mut again = findings.part();
        let document = policy::parse(file, text, root, max_depth, &mut again);
        let mut edits: Vec<(usize, usize, String)> = Vec::new();
        for reference in policy::references(&document, meter) {
            let (start, end) = (reference.span.start as usize, reference.span.end as usize);
            let (Some(name), Some(written)) = (self.now(&reference), text.get(start..end)) else {
                continue;
            };
            if reference.kind == ReferenceKind::BackendOfNamedValue {
                continue;
            }
            if let Some(at) = written.find(&reference.name) {
                let start = start + at;
                edits.push((start, start + reference.name.len(), name));
            }
        }
        drop(document);
        edits.sort();
        let mut renamed = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end, name) in edits {
            if start >= from {
                renamed.push_str(&text[from..start]);
                renamed.push_str(&name);
                from = end;
            }
        }
        renamed.push_str(&text[from..]);
        renamed
    }
}
