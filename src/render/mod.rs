//! The resource graph printed as ARM, Bicep and ASO.

pub mod arm;
mod aso;
mod bicep;
mod piece;
mod symbol;

pub use piece::{File, Piece, Text};

use crate::diag::{Findings, Held, Place};
use crate::validate::Validated;
use std::collections::BTreeMap;

/// An output language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Azure Resource Manager templates.
    Arm,
    /// Bicep.
    Bicep,
    /// Azure Service Operator objects.
    Aso,
}

impl Target {
    /// Every target, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Arm, Self::Bicep, Self::Aso];

    /// The word on the command line and in the inventory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Bicep => "bicep",
            Self::Aso => "aso",
        }
    }

    /// The target that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.as_str() == word)
    }
}

/// What is rendered.
#[derive(Debug, Clone)]
pub struct Options {
    /// Targets.
    pub targets: Vec<Target>,
    /// Name of the APIM service: the value of `apimServiceName`, and ASO's
    /// owner unless that is given.
    pub service: Option<String>,
    /// ASO owner: the name of a `Service` object, or an ARM id.
    pub aso_owner: Option<String>,
    /// Only what rendering finds is asked for: files are dropped as they are made.
    pub check: bool,
}

/// What rendering made.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Files of the bundle, by path.
    pub files: Vec<File>,
    /// For each node: target to the file that carries it.
    pub outputs: Vec<BTreeMap<Target, String>>,
    /// `arm/parts` in deployment order; empty when one template is enough.
    pub parts: Vec<String>,
    /// What the texts of the files take of the run's memory.
    pub(crate) held: Option<Held>,
    check: bool,
}

/// Steps of printing a resource, beside its bytes: names, ids, dependencies.
const STEPS: u64 = 50;
/// Bytes that a piece of a file takes beside its text.
const PIECE: usize = 64;

/// Steps of writing `bytes`.
fn writing(bytes: usize) -> u64 {
    STEPS + bytes as u64 / 64
}

impl Rendered {
    /// Adds a file, unless none is asked for; its own texts are held.
    pub(crate) fn push(&mut self, file: File) {
        if self.check {
            return;
        }
        let own = file.pieces.iter().map(|piece| match piece {
            Piece::Own(text) => PIECE + text.len(),
            Piece::Content { .. } => PIECE,
        });
        let more = own.sum::<usize>() + 2 * file.path.len();
        if let Some(held) = &mut self.held {
            let bytes = usize::try_from(held.bytes()).unwrap_or(usize::MAX);
            held.grow(bytes.saturating_add(more), Place::Source);
        }
        self.files.push(file);
    }
}

/// Prints `graph` for every target of `options`.
pub fn render(graph: &Validated, options: &Options, findings: &mut Findings) -> Rendered {
    let mut rendered = Rendered {
        outputs: vec![BTreeMap::new(); graph.nodes.len()],
        held: Some(findings.budget().hold(0, Place::Source)),
        check: options.check,
        ..Rendered::default()
    };
    for target in &options.targets {
        match target {
            Target::Arm => arm::render(graph, options, &mut rendered, findings),
            Target::Bicep => bicep::render(graph, options, &mut rendered, findings),
            Target::Aso => aso::render(graph, options, &mut rendered, findings),
        }
    }
    rendered.files.sort_by(|a, b| a.path.cmp(&b.path));
    rendered
}
