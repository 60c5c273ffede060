//! The resource graph printed as ARM, Bicep and ASO.

pub mod arm;
mod aso;
mod bicep;
mod packed;
mod piece;
pub mod rules;
mod symbol;

pub use packed::Packed;
pub use piece::Writer;
pub use piece::{File, Piece, Text};

use flux_apim_diag::{Findings, Held, Place};
use flux_apim_link::Linked;
use std::sync::Arc;

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
    /// For each node the file that carries it, by target.
    outputs: Vec<[Option<Arc<str>>; Target::ALL.len()]>,
    /// `arm/parts` in deployment order; empty when one template is enough.
    pub parts: Vec<String>,
    /// What the texts of the files take of the run's memory.
    pub held: Option<Held>,
    check: bool,
}

/// Steps of printing a resource, beside its bytes: names, ids, dependencies.
const STEPS: u64 = 50;

/// Steps of writing `bytes`.
fn writing(bytes: usize) -> u64 {
    STEPS + bytes as u64 / 64
}

impl Rendered {
    /// The file that carries a node for `target`.
    pub fn output(&self, node: usize, target: Target) -> Option<&str> {
        self.outputs.get(node)?[target as usize].as_deref()
    }

    fn carries(&mut self, path: &Arc<str>, node: usize, target: Target) {
        if let Some(outputs) = self.outputs.get_mut(node) {
            outputs[target as usize] = Some(Arc::clone(path));
        }
    }

    /// Adds a file, unless none is asked for; its own texts are held.
    pub fn push(&mut self, file: File) {
        if self.check {
            return;
        }
        let own = file.pieces.iter().map(Piece::held);
        let more = own.sum::<usize>() + 2 * file.path.len();
        if let Some(held) = &mut self.held {
            let bytes = usize::try_from(held.bytes()).unwrap_or(usize::MAX);
            held.grow(bytes.saturating_add(more), Place::Source);
        }
        self.files.push(file);
    }
}

/// Prints `graph` for every target of `options`.
pub fn render(graph: &Linked, options: &Options, findings: &mut Findings) -> Rendered {
    let mut rendered = Rendered {
        outputs: vec![[const { None }; Target::ALL.len()]; graph.nodes().len()],
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
