//! The resource graph printed as ARM, Bicep and ASO.

pub mod arm;
mod aso;
mod bicep;
mod piece;
mod symbol;

pub use piece::{File, Piece, Text};

use crate::diag::Findings;
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
}

/// Prints `graph` for every target of `options`.
pub fn render(graph: &Validated, options: &Options, findings: &mut Findings) -> Rendered {
    let mut rendered = Rendered {
        outputs: vec![BTreeMap::new(); graph.nodes.len()],
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
