//! The elements of a policy document, in document order.

use flux_apim_diag::{Held, Span};

/// An attribute.
#[derive(Debug)]
pub struct Attribute<'t> {
    /// Its name.
    pub name: &'t str,
    /// Its value as written, without the quotes.
    pub value: &'t str,
    /// Where the value stands.
    pub span: Span,
}

/// A run of text inside an element.
#[derive(Debug)]
pub(super) struct Text<'t> {
    pub(super) text: &'t str,
    pub(super) span: Span,
}

/// An element.
#[derive(Debug)]
pub struct Element<'t> {
    /// Its name.
    pub name: &'t str,
    /// Where the name stands.
    pub span: Span,
    /// Index of the element around it.
    pub parent: Option<usize>,
    /// Its attributes, in order.
    pub attributes: Vec<Attribute<'t>>,
    pub(super) texts: Vec<Text<'t>>,
}

impl<'t> Element<'t> {
    /// The attribute `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'t>> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }
}

/// A policy document. Its texts are those of the source.
#[derive(Debug)]
pub struct Document<'t> {
    pub(super) elements: Vec<Element<'t>>,
    /// Comments that speak to this program.
    pub(super) notes: Vec<Span>,
    pub(super) held: Held,
    /// Bytes of the elements and what they have.
    pub(super) bytes: usize,
}

impl<'t> Document<'t> {
    /// Every element, in document order; the root first.
    pub fn elements(&self) -> &[Element<'t>] {
        &self.elements
    }

    /// The comments that begin with [`MARK`], from `<!--` to `-->`.
    pub fn notes(&self) -> &[Span] {
        &self.notes
    }
}

/// What a comment begins with that speaks to this program.
pub const MARK: &str = "flux-apim:";
