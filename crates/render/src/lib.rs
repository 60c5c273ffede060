//! The resource graph printed as ARM, Bicep and ASO, and listed for programs.

pub mod arm;
mod aso;
mod bicep;
mod optional;
mod packed;
mod piece;
mod resources;
pub mod rules;
mod symbol;

pub use packed::Packed;
pub use piece::Writer;
pub use piece::{File, Piece, Text};

use flux_apim_diag::{Findings, Held, Place};
use flux_apim_link::Linked;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// An output language: what its folder says of it. A target is such a folder and a row of
/// [`Target::ALL`].
pub struct Printer {
    /// The word on the command line and in the inventory, and the folder of its files in
    /// the bundle.
    pub name: &'static str,
    /// Whether it is rendered where nobody says which targets are. No later target is:
    /// it would change everybody's bundle.
    pub is_default: bool,
    /// Writes the files of the target into [`Rendered`], and finds what its own limits
    /// and language do not take.
    pub print: fn(&Linked, &Options, &mut Rendered, &mut Findings),
}

/// A target: the printer of an output language. Two are equal when their names are.
#[derive(Clone, Copy)]
pub struct Target(&'static Printer);

impl Target {
    /// Every target, in the order of the contract.
    pub const ALL: &'static [Self] = &[Self::ARM, Self::BICEP, Self::ASO, Self::RESOURCES];
    /// Azure Resource Manager templates.
    pub const ARM: Self = Self(&arm::PRINTER);
    /// Bicep.
    pub const BICEP: Self = Self(&bicep::PRINTER);
    /// Azure Service Operator objects.
    pub const ASO: Self = Self(&aso::PRINTER);

    /// `resources.json`, which every bundle has: alone, without the others.
    pub const RESOURCES: Self = Self(&resources::PRINTER);

    /// The target that `printer` prints: one of somebody else's, too.
    pub const fn of(printer: &'static Printer) -> Self {
        Self(printer)
    }

    /// Those that are rendered where nobody says which.
    pub fn defaults() -> Vec<Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|target| target.0.is_default).collect()
    }

    /// The word on the command line and in the inventory.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    /// The words of all targets.
    pub fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|target| target.as_str()).collect()
    }

    /// The target that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|target| target.as_str() == word)
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Target {}

/// In the order of the contract; those of others behind, by name.
impl Ord for Target {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |target: &Self| {
            let known = Self::ALL.iter().position(|known| known == target);
            (known.unwrap_or(usize::MAX), target.as_str())
        };
        place(self).cmp(&place(other))
    }
}

impl PartialOrd for Target {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
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
    /// The OCIRepository that holds the bundle: `NAME`, or `NAMESPACE/NAME`. With it the
    /// bundle has a Flux Kustomization for each folder of `aso/`.
    pub flux_source: Option<String>,
    /// Only what rendering finds is asked for: files are dropped as they are made.
    pub check: bool,
}

/// What rendering made.
#[derive(Debug, Default)]
pub struct Rendered {
    /// Files of the bundle, by path.
    pub files: Vec<File>,
    /// Of each target that was printed, for each node the file that carries it.
    outputs: Vec<(Target, Vec<Option<Arc<str>>>)>,
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
        let (_, files) = self
            .outputs
            .iter()
            .find(|(printed, _)| *printed == target)?;
        files.get(node)?.as_deref()
    }

    /// The file at `path` carries `node`, for the target that is being printed.
    pub fn carries(&mut self, path: &Arc<str>, node: usize) {
        let printed = self.outputs.last_mut();
        if let Some(file) = printed.and_then(|(_, files)| files.get_mut(node)) {
            *file = Some(Arc::clone(path));
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

/// Prints `graph` for every target of `options`, and lists its resources.
pub fn render(graph: &Linked, options: &Options, findings: &mut Findings) -> Rendered {
    let mut rendered = Rendered {
        held: Some(findings.budget().hold(0, Place::Source)),
        check: options.check,
        ..Rendered::default()
    };
    for target in &options.targets {
        let nodes = vec![None; graph.nodes().len()];
        rendered.outputs.push((*target, nodes));
        (target.0.print)(graph, options, &mut rendered, findings);
    }
    let budget = findings.budget().clone();
    resources::write(graph, options, &mut rendered, &budget);
    rendered.files.sort_by(|a, b| a.path.cmp(&b.path));
    rendered
}
