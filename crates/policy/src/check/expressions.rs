//! What was found in expressions. Many stand in more than one document.

use flux_apim_csharp::{
    Environment, Expected, Form, Problem, Session, Tree, VariableRead, parse_metered,
};
use flux_apim_diag::{Budget, Held, Place};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Parts that are locked each by itself.
const PARTS: usize = 16;
/// Bytes that a part keeps, and the longest expression that is kept.
const MOST: usize = 1 << 20;
const LONGEST: usize = 16 << 10;

/// Expressions of documents that are checked in one run, each checked once. What is found
/// is the same without it, and so is the work that is counted.
#[derive(Debug)]
pub struct Expressions {
    parts: [Mutex<Part>; PARTS],
    budget: Budget,
}

#[derive(Debug, Default)]
struct Part {
    known: HashMap<Box<str>, Vec<Entry>>,
    bytes: usize,
    held: Option<Held>,
}

#[derive(Debug)]
struct Entry {
    form: Form,
    expected: Expected,
    found: Arc<Found>,
}

/// What was found in an expression; places are those of its code.
#[derive(Debug)]
pub(super) struct Found {
    /// Where an XML comment stands in it. Nothing else is looked for then.
    pub(super) comment: Option<u32>,
    /// What is wrong, and whether the parser says so.
    pub(super) problems: Vec<(Problem, bool)>,
    pub(super) reads: Vec<VariableRead>,
    pub(super) result: Option<String>,
    /// The work that it took.
    pub(super) steps: u64,
    /// Nodes of its tree.
    pub(super) nodes: usize,
}

impl Expressions {
    /// None yet. What is kept is held of `budget`.
    pub fn new(budget: &Budget) -> Self {
        Self {
            parts: Default::default(),
            budget: budget.clone(),
        }
    }

    /// What is known of the code `text`.
    pub(super) fn find(&self, text: &str, form: Form, expected: Expected) -> Option<Arc<Found>> {
        let part = self.part(text).lock();
        let part = part.unwrap_or_else(PoisonError::into_inner);
        let entries = part.known.get(text)?;
        let mut entries = entries.iter();
        let entry = entries.find(|entry| entry.form == form && entry.expected == expected)?;
        Some(Arc::clone(&entry.found))
    }

    pub(super) fn keep(&self, text: &str, form: Form, expected: Expected, found: &Arc<Found>) {
        if text.len() > LONGEST {
            return;
        }
        let part = self.part(text).lock();
        let mut part = part.unwrap_or_else(PoisonError::into_inner);
        let bytes = part.bytes + text.len() + found.bytes();
        if bytes > MOST {
            return;
        }
        let budget = &self.budget;
        let held = part
            .held
            .get_or_insert_with(|| budget.hold(0, Place::Source));
        held.grow(bytes, Place::Source);
        part.bytes = bytes;
        let entries = part.known.entry(text.into()).or_default();
        // Another thread may have been quicker.
        if !entries
            .iter()
            .any(|entry| entry.form == form && entry.expected == expected)
        {
            entries.push(Entry {
                form,
                expected,
                found: Arc::clone(found),
            });
        }
    }

    fn part(&self, text: &str) -> &Mutex<Part> {
        &self.parts[text.len() % PARTS]
    }

    /// For one thread that checks documents.
    pub fn worker(&self) -> Worker<'_> {
        Worker {
            known: self,
            session: Session::new(),
        }
    }
}

/// Checks documents one after the other, and remembers what it met.
#[derive(Debug)]
pub struct Worker<'r> {
    pub(super) known: &'r Expressions,
    /// What is known of the types of C#.
    pub(super) session: Session,
}

impl Found {
    fn bytes(&self) -> usize {
        let texts = self.problems.iter();
        let texts = texts.map(|(problem, _)| {
            let meant = problem.meant.as_ref();
            let meant = meant.map_or(0, |(word, near)| word.len() + near.len());
            problem.message.len() + problem.help.len() + meant
        });
        let lists = self.problems.len() * size_of::<(Problem, bool)>()
            + self.reads.len() * 2 * size_of::<VariableRead>();
        2 * size_of::<Self>() + lists + texts.sum::<usize>()
    }

    /// Reads and checks `text`, charging the work to `charge`.
    pub(super) fn new(
        text: &str,
        form: Form,
        expected: Expected,
        session: &mut Session,
        charge: &dyn Fn(u64),
        hold: &mut dyn FnMut(usize),
    ) -> Self {
        let steps = Cell::new(0);
        let count = |more: u64| {
            steps.set(steps.get() + more);
            charge(more);
            true
        };
        let (tree, syntax) = parse_metered(text, form, &count);
        hold(tree.len());
        let mut found = Self {
            comment: comment(&tree),
            problems: Vec::new(),
            reads: Vec::new(),
            result: None,
            steps: 0,
            nodes: tree.len(),
        };
        if found.comment.is_none() {
            let environment = Environment {
                expected,
                variables: None,
            };
            let analysis = session.check(&tree, &environment, &count);
            let syntax = syntax.into_iter().map(|problem| (problem, true));
            let meaning = analysis.problems.into_iter();
            found.problems = syntax
                .chain(meaning.map(|problem| (problem, false)))
                .collect();
            found.reads = analysis.variables;
            found.result = analysis.result;
        }
        found.steps = steps.get();
        found
    }
}

/// Where an XML comment stands in the code: not in a literal or comment of C#.
fn comment(tree: &Tree) -> Option<u32> {
    let at = memchr::memmem::find(tree.text().as_bytes(), b"<!--")?;
    let at = u32::try_from(at).ok()?;
    let tokens = tree.tokens();
    let index = tokens.binary_search_by_key(&at, |token| token.span.start);
    index.is_ok().then_some(at)
}
