//! What is known of the thing that somebody points at.

use crate::alone;
use crate::around::Documents;
use crate::names::Names;
use crate::text::Lines;
use crate::work::World;
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Budget, Findings, Span, excerpt};
use flux_apim_policy::{self as policy, Around, Reference};
use serde_json::{Value, json};

/// A policy and a place in it.
#[derive(Clone, Copy)]
pub(crate) struct Pointed<'p> {
    pub(crate) text: &'p str,
    /// Its path in the project, where it is of it.
    pub(crate) path: Option<&'p str>,
    pub(crate) at: usize,
    pub(crate) world: &'p dyn World,
    pub(crate) names: Option<&'p Names>,
}

impl Pointed<'_> {
    fn workspace(&self) -> Option<&str> {
        let policy = self.names?.policies.get(self.path?)?;
        policy.key.workspace.as_deref()
    }
}

/// The policy that somebody points into, among the files of its project.
const THIS: FileId = FileId(u32::MAX);

/// Reads the policy and does `work` with it, as far as that is done soon.
fn with_document<T>(
    pointed: Pointed<'_>,
    work: impl FnOnce(&policy::Document<'_>, &mut Findings) -> Option<T>,
) -> Option<T> {
    let root = policy::sniff(pointed.text)?;
    let limits = alone::limits(pointed.world, alone::ASKING);
    let budget = Budget::new(&limits);
    let done = budget.bound(|| {
        let mut findings = Findings::new(&budget, &limits);
        let depth = limits.max_depth;
        let document = policy::parse(THIS, pointed.text, root, depth, &mut findings);
        work(&document, &mut findings)
    });
    done.ok().flatten()
}

/// The reference that holds the place, the smallest of several.
pub(crate) fn reference(pointed: Pointed<'_>) -> Option<Reference> {
    with_document(pointed, |document, findings| {
        reference_in(document, pointed.at, findings)
    })
}

fn reference_in(
    document: &policy::Document<'_>,
    at: usize,
    findings: &Findings,
) -> Option<Reference> {
    let holds = |span: Span| span.start as usize <= at && at < span.end as usize;
    let all = policy::references(document, &findings.budget().meter());
    let here = all.into_iter().filter(|reference| holds(reference.span));
    here.min_by_key(|reference| reference.span.end - reference.span.start)
}

/// The answer to `textDocument/hover` in a policy.
pub(crate) fn hover(pointed: Pointed<'_>) -> Option<Value> {
    let (span, text) = with_document(pointed, |document, findings| {
        let reference = reference_in(document, pointed.at, findings);
        if let Some(reference) = reference {
            return Some((reference.span, named(pointed, &reference)));
        }
        let at = u32::try_from(pointed.at).ok()?;
        let meter = findings.budget().meter();
        let mut described = policy::describe(document, at, &Around::default(), &meter)?;
        if described.of_variable {
            let documents = Documents::around(pointed, document, findings);
            described = policy::describe(document, at, &documents.around_it(), &meter)?;
        }
        Some((described.span, described.text))
    })?;
    Some(shown(pointed.text, (span.start, span.end), &text))
}

/// The answer that shows `what` for bytes of `text`.
pub(crate) fn shown(text: &str, (start, end): (u32, u32), what: &str) -> Value {
    let lines = Lines::new(text.as_bytes().to_vec());
    json!({
        "contents": {"kind": "markdown", "value": what},
        "range": lines.range(start, end),
    })
}

/// What the project knows of a reference. Values are not shown: they may be secret.
fn named(pointed: Pointed<'_>, reference: &Reference) -> String {
    let what = reference.kind.label();
    let shown = excerpt(&reference.name, 200);
    let Some(names) = pointed.names else {
        return format!("{what} `{shown}`\n");
    };
    let Some(named) = names.find(reference, pointed.workspace()) else {
        return format!("{what} `{shown}`, which has no file in this project\n");
    };
    named.describe()
}

/// The file, and the place in it, that a reference of a policy leads to.
pub(crate) fn target(pointed: Pointed<'_>) -> Option<(String, Option<Span>)> {
    let reference = reference(pointed)?;
    let named = pointed.names?.find(&reference, pointed.workspace())?;
    Some((named.path.clone(), named.span))
}
