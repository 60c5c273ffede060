//! Shapes of input: pure functions from a size `n` to a tree or an archive.
//!
//! The bytes of a shape grow about linearly with `n`, so what a run costs must
//! grow linearly, too. `hack/series` counts that, `tests/bounded.rs` runs the
//! large sizes through the command line, `fuzz/` starts from them. No
//! randomness but a fixed seed: the same `n` gives the same bytes.

mod archives;
mod collisions;
mod definitions;
mod differences;
mod documents;
mod foreign;
mod layouts;
mod overrides;
pub mod packed;
mod policies;
mod references;
mod resources;
mod tar;
mod tree;

pub use tar::gzip;
pub use tree::Tree;

/// What a shape makes.
#[derive(Debug, Clone)]
pub enum Input {
    /// Files of a source tree.
    Tree(Tree),
    /// A `.tar.gz`, as it is sent.
    Archive(Vec<u8>),
}

impl Input {
    /// Bytes of the tree as a tar has them, headers included; those of an archive
    /// as it is sent.
    pub fn len(&self) -> usize {
        match self {
            Self::Tree(tree) => tree
                .files()
                .map(|(path, bytes)| path.len() + bytes.len() + tar::HEADER)
                .sum(),
            Self::Archive(bytes) => bytes.len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The input as a `.tar.gz`.
    pub fn archive(self) -> Vec<u8> {
        match self {
            Self::Tree(tree) => tree.archive(),
            Self::Archive(bytes) => bytes,
        }
    }
}

impl From<Tree> for Input {
    fn from(tree: Tree) -> Self {
        Self::Tree(tree)
    }
}

/// How what is asked for grows with the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// As the input does.
    Linear,
    /// As a product of two parts of the input, up to a cap: the reason. Work is
    /// held against the bytes read and written together.
    Product(&'static str),
}

/// Memory that a shape may take beyond what every shape may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// So many peak bytes for each byte of the input.
    PerByte(usize),
    /// So many MiB, however small the input: up to a cap that is no part of it.
    InAll(usize),
}

/// A shape.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Name, in snake case.
    pub name: &'static str,
    /// What it is, in one line.
    pub what: &'static str,
    /// The smallest size of a series; the others are 2, 4 and 8 times that.
    pub small: usize,
    /// A size that a run must survive.
    pub large: usize,
    /// Makes the input of size `n`.
    pub make: fn(usize) -> Input,
    /// The other side of a `diff`; the same shape, a little smaller, unless given.
    pub other: Option<fn(usize) -> Input>,
    /// How what it asks for grows.
    pub asks: Asks,
    /// Memory that is more than every shape may take, and why.
    pub memory: Option<(Memory, &'static str)>,
    /// Name of the environment to merge.
    pub environment: Option<&'static str>,
}

impl Shape {
    const fn new(
        name: &'static str,
        what: &'static str,
        (small, large): (usize, usize),
        make: fn(usize) -> Input,
    ) -> Self {
        Self {
            name,
            what,
            small,
            large,
            make,
            other: None,
            asks: Asks::Linear,
            memory: None,
            environment: None,
        }
    }

    const fn product(mut self, reason: &'static str) -> Self {
        self.asks = Asks::Product(reason);
        self
    }

    const fn environment(mut self, name: &'static str) -> Self {
        self.environment = Some(name);
        self
    }

    const fn allowing(mut self, memory: Memory, reason: &'static str) -> Self {
        self.memory = Some((memory, reason));
        self
    }

    const fn against(mut self, other: fn(usize) -> Input) -> Self {
        self.other = Some(other);
        self
    }

    /// What it is compared with by `diff`.
    pub fn other(&self, n: usize) -> Input {
        match self.other {
            Some(other) => other(n),
            None => (self.make)(n - n / 8),
        }
    }
}

/// Every shape, by area.
pub fn all() -> impl Iterator<Item = &'static Shape> {
    [
        documents::SHAPES,
        definitions::SHAPES,
        references::SHAPES,
        foreign::SHAPES,
        policies::SHAPES,
        resources::SHAPES,
        collisions::SHAPES,
        layouts::SHAPES,
        overrides::SHAPES,
        archives::SHAPES,
        differences::SHAPES,
    ]
    .into_iter()
    .flatten()
}

/// The shape with this name.
pub fn find(name: &str) -> Option<&'static Shape> {
    all().find(|shape| shape.name == name)
}

#[cfg(test)]
mod tests {
    use super::{Asks, Input, all};
    use std::collections::BTreeSet;

    /// A series is fair when twice the size is about twice the bytes. Of √n by √n
    /// entries the files around them are the larger part at first.
    #[test]
    fn bytes_grow_with_the_size() {
        let bytes = |input: Input| match input {
            Input::Tree(tree) => tree
                .files()
                .map(|(path, bytes)| path.len() + bytes.len())
                .sum(),
            Input::Archive(_) => 0,
        };
        let unfair: Vec<String> = all()
            .filter(|shape| matches!((shape.make)(1), Input::Tree(_)))
            .filter_map(|shape| {
                let [none, half, whole]: [usize; 3] =
                    [0, 4, 8].map(|times| bytes((shape.make)(times * shape.small)));
                let factor = (whole - none) as f64 / (half - none) as f64;
                (!(1.5..2.4).contains(&factor)).then(|| format!("{} {factor}", shape.name))
            })
            .collect();
        assert!(unfair.is_empty(), "{unfair:#?}");
    }

    #[test]
    fn names_are_unique_and_sizes_ascend() {
        let names: BTreeSet<&str> = all().map(|shape| shape.name).collect();
        assert_eq!(names.len(), all().count());
        for shape in all() {
            assert!(shape.large >= shape.small, "{}", shape.name);
            assert!(!shape.what.ends_with('.'), "{}", shape.name);
            if let Asks::Product(reason) = shape.asks {
                assert!(!reason.is_empty());
            }
        }
    }

    #[test]
    fn the_same_size_gives_the_same_bytes() {
        for shape in all() {
            let [one, two] = [0, 1].map(|_| (shape.make)(shape.small).archive());
            assert_eq!(one, two, "{}", shape.name);
        }
    }
}
