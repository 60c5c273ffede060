//! What of a policy document matters when it is put together with others: which policies
//! it has in which order, the context variables that it sets and reads, and the fragments
//! that it includes. [`crate::check`] collects them; [`crate::compose`] reads them.

mod collect;

pub(crate) use collect::{Evaluated, collect};

use crate::Section;
use crate::catalogue::Row;
use flux_apim_diag::Span;

/// The facts of a document.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The name of its root.
    pub(crate) root: Option<Span>,
    /// The sections that it has: the name of the element, and its steps.
    pub(crate) sections: [Option<Block>; 4],
    /// In the order of the document; what is in a step stands behind it.
    pub(crate) steps: Vec<Step>,
}

/// Steps of a section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) name: Span,
    pub(crate) first: u32,
    pub(crate) end: u32,
}

/// Something that is done.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) what: What,
    pub(crate) span: Span,
    /// The step behind those that are in this one.
    pub(crate) end: u32,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// `<base />`
    Base,
    /// `<include-fragment>`, with its name where that is known.
    Include(Option<Box<str>>),
    /// `<choose>`, in which are branches; whether one is taken in any case.
    Choose { exhaustive: bool },
    /// A branch of it.
    Branch,
    /// What is in it may run or not.
    Maybe,
    /// A policy.
    Policy(Row, Detail),
    /// A variable is set.
    Set(Box<Set>),
    /// A variable is read.
    Read(Box<Read>),
}

/// What else matters of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Detail {
    None,
    /// A `<cors>` behind which others are looked at too.
    PassesOn,
    /// What a limit counts by, as it is written.
    Key(Box<str>),
}

#[derive(Debug, Clone)]
pub(crate) struct Set {
    /// Where it is known.
    pub(crate) name: Option<Box<str>>,
    pub(crate) ty: Option<Box<str>>,
    /// Whether the variable is set whenever the policy ran.
    pub(crate) always: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) name: Box<str>,
    /// The type that it is cast to.
    pub(crate) ty: Option<Box<str>>,
    /// Whether the document copes with a variable that nothing set.
    pub(crate) optional: bool,
}

impl Facts {
    /// The section, when the document has it.
    pub(crate) fn section(&self, section: Section) -> Option<Block> {
        self.sections[section as usize]
    }

    /// Those of a fragment, as a section has them of whose document nothing else is known.
    pub(crate) fn as_section(&self) -> Self {
        let block = self.root.map(|name| Block {
            name,
            first: 0,
            end: u32::try_from(self.steps.len()).unwrap_or(u32::MAX),
        });
        let mut sections = [None; 4];
        sections[Section::Outbound as usize] = block;
        Self {
            sections,
            ..self.clone()
        }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        let boxed = |text: &Option<Box<str>>| text.as_deref().map_or(0, str::len);
        let own = self.steps.iter().map(|step| match &step.what {
            What::Include(name) => boxed(name),
            What::Policy(_, Detail::Key(key)) => key.len(),
            What::Set(set) => size_of::<Set>() + boxed(&set.name) + boxed(&set.ty),
            What::Read(read) => size_of::<Read>() + read.name.len() + boxed(&read.ty),
            _ => 0,
        });
        size_of::<Self>() + self.steps.len() * size_of::<Step>() + own.sum::<usize>()
    }

    /// The same facts of a document that is written in another: `written` says where.
    pub fn moved(&mut self, written: impl Fn(Span) -> Span) {
        let sections = self.sections.iter_mut().flatten();
        let sections = sections.map(|block| &mut block.name);
        let steps = self.steps.iter_mut().map(|step| &mut step.span);
        for span in self.root.iter_mut().chain(sections).chain(steps) {
            *span = written(*span);
        }
    }
}
