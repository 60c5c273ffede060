//! Values of properties as the targets need them: literals, parameters, ids
//! of other resources, and texts kept in files.

use flux_apim_model::Key;

/// A value of a property.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `null`
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JSON writes it.
    Number(String),
    /// A literal string: no target may read anything into it.
    String(String),
    /// Values in their order.
    Array(Vec<Expression>),
    /// An object, keys in order.
    Object(Vec<(String, Expression)>),
    /// The id of a resource, rendered or managed elsewhere.
    Id(Key),
    /// The id of the service.
    ServiceId,
    /// The value of a template parameter.
    Parameter(String),
    /// A text: an index into [`super::Linked::contents`].
    Content(usize),
}

/// A parameter of the template, for a value that is not in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its value in the environment; none for secrets.
    pub value: Option<String>,
    /// What it is, for the reader of the template.
    pub description: String,
    /// The words that it takes; none when it takes any.
    pub allowed: Vec<String>,
}

impl Parameter {
    /// Whether the template must not show it.
    pub fn is_secure(&self) -> bool {
        self.value.is_none()
    }
}
