//! The elements of policies as a table: where they may stand, what they have.
//!
//! `data/catalogue.txt` is made by `cargo xtask tables`. A field that is empty there is
//! not known, and nothing is found by it.

mod decode;
mod near;

pub(crate) use near::near;

use std::collections::HashMap;
use std::sync::LazyLock;

/// The table, read once.
pub(crate) static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| decode::decode(include_str!("../../data/catalogue.txt")));

/// An element of the table, by its place there.
pub(crate) type Row = usize;

/// Every element.
pub(crate) struct Catalogue {
    pub(crate) rows: Vec<Entry>,
    /// By path: `rate-limit`, `rate-limit/api`.
    by_path: HashMap<&'static str, Row>,
    /// By name, at any path.
    by_name: HashMap<&'static str, Vec<Row>>,
}

/// How the children of an element stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Sequence,
    Free,
}

/// Whether an element has text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Never,
    Maybe,
}

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A policy, which may hold others.
    Policy,
    /// The frame of a document.
    Frame,
    /// Only inside another element.
    Helper,
    /// The root of a resolver's document.
    Resolver,
}

/// An element at a path.
pub(crate) struct Entry {
    pub(crate) path: &'static str,
    pub(crate) role: Role,
    /// Any policy may stand inside.
    pub(crate) mixed: bool,
    pub(crate) foreign_content: bool,
    pub(crate) foreign_attributes: bool,
    pub(crate) no_text_expression: bool,
    pub(crate) sections: Option<Words>,
    pub(crate) scopes: Option<Words>,
    pub(crate) gateways: Option<Words>,
    pub(crate) order: Order,
    pub(crate) text: Text,
    pub(crate) max_per_section: Option<u32>,
    pub(crate) max_per_definition: Option<u32>,
    pub(crate) attributes: Vec<Known>,
    pub(crate) groups: Vec<Group>,
    pub(crate) children: Vec<Child>,
    pub(crate) forbidden: Vec<&'static str>,
    pub(crate) child_groups: Vec<Group>,
    pub(crate) wanted: Vec<Wanted>,
    /// What replaces it, where the reference calls it retired.
    pub(crate) retired: Option<&'static str>,
}

/// A list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) &'static str);

impl Words {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split(',').filter(|word| !word.is_empty())
    }

    pub(crate) fn has(self, word: &str) -> bool {
        self.iter().any(|known| known == word)
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Type {
    Text,
    Bool,
    Whole { min: Option<f64>, max: Option<f64> },
    Number { min: Option<f64>, max: Option<f64> },
    OneOf(Words),
    Time,
}

/// An attribute of the table.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    /// Whether an expression may be its value, where that is known.
    pub(crate) expression: Option<bool>,
    pub(crate) ty: Type,
    /// What an expression gives, where it is not what the type says.
    pub(crate) expression_type: Option<&'static str>,
}

/// How many of a group there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    ExactlyOne,
    AtLeastOne,
    AtMostOne,
    AllOrNone,
}

/// Attributes or children that depend on each other.
pub(crate) struct Group {
    pub(crate) count: Count,
    pub(crate) names: Words,
}

/// A child: how often, and what it is there.
pub(crate) struct Child {
    pub(crate) name: &'static str,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
    pub(crate) row: Option<Row>,
}

/// A child that is wanted under a condition, written `attribute=value`.
pub(crate) struct Wanted {
    pub(crate) child: &'static str,
    pub(crate) when: Option<(&'static str, &'static str)>,
    pub(crate) unless: Option<(&'static str, &'static str)>,
}

impl Entry {
    /// Its name, which is the last word of its path.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&Known> {
        self.attributes.iter().find(|known| known.name == name)
    }

    pub(crate) fn child(&self, name: &str) -> Option<(usize, &Child)> {
        let mut children = self.children.iter().enumerate();
        children.find(|(_, child)| child.name == name)
    }
}

impl Catalogue {
    /// The element that is no helper of this name.
    pub(crate) fn top(&self, name: &str) -> Option<Row> {
        self.by_path.get(name).copied()
    }

    /// The policy of this name: what may stand where any policy may.
    pub(crate) fn policy(&self, name: &str) -> Option<Row> {
        self.top(name)
            .filter(|row| self.rows[*row].role == Role::Policy)
    }

    /// Elements of this name, wherever they stand.
    pub(crate) fn named(&self, name: &str) -> &[Row] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Names of all policies.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &'static str> {
        let policies = self.rows.iter().filter(|row| row.role == Role::Policy);
        policies.map(Entry::name)
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().map(Entry::name)
    }
}
