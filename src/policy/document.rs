//! The elements of a policy document, in document order.

use crate::diag::Span;

/// An attribute.
#[derive(Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value as written, without the quotes.
    pub value: String,
    /// Where the value stands.
    pub span: Span,
}

/// A run of text inside an element.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) span: Span,
}

/// An element.
#[derive(Debug)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Index of the element around it.
    pub parent: Option<usize>,
    /// Its attributes, in order.
    pub attributes: Vec<Attribute>,
    pub(super) texts: Vec<Text>,
}

impl Element {
    /// The attribute `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }
}

/// A policy document.
#[derive(Debug, Default)]
pub struct Document {
    pub(super) elements: Vec<Element>,
}

impl Document {
    /// Every element, in document order; the root first.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }
}
