//! Refusals, with Azure's codes and sentences.

use serde_json::{Value, json};

/// Why Azure would not deploy a template.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmError {
    /// `InvalidTemplate`, `InvalidRequestContent`, `DeploymentOutputEvaluationFailed`, …
    pub code: String,
    /// The sentence. Where Azure names line and column of the request, both are 0 here:
    /// a template comes as a value, not as a text.
    pub message: String,
    /// What it is about: the id of a resource, the name of an output.
    pub target: Option<String>,
    /// Where in the request, as in `properties.template.resources[1]`; empty when not known.
    pub path: String,
    /// The errors that this one sums up.
    pub details: Vec<ArmError>,
}

impl ArmError {
    /// An error without target, place and details.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            target: None,
            path: String::new(),
            details: Vec::new(),
        }
    }

    /// The error as Resource Manager answers it, below `error`.
    pub fn body(&self) -> Value {
        json!({ "error": self.inner() })
    }

    fn inner(&self) -> Value {
        let mut body = json!({ "code": self.code, "message": self.message });
        if let Some(target) = &self.target {
            body["target"] = json!(target);
        }
        if !self.details.is_empty() {
            body["details"] = self.details.iter().map(Self::inner).collect();
        }
        if self.code == INVALID_TEMPLATE {
            body["additionalInfo"] = json!([{
                "type": "TemplateViolation",
                "info": { "lineNumber": 0, "linePosition": 0, "path": self.path },
            }]);
        }
        body
    }

    /// `Deployment template validation failed: '…'.`
    pub(crate) fn template(sentence: impl std::fmt::Display) -> Self {
        Self::new(
            INVALID_TEMPLATE,
            format!("Deployment template validation failed: '{sentence}'."),
        )
    }

    /// `The request content was invalid and could not be deserialized: '…'.`
    pub(crate) fn content(sentence: impl std::fmt::Display) -> Self {
        Self::new(
            "InvalidRequestContent",
            format!("The request content was invalid and could not be deserialized: '{sentence}'."),
        )
    }

    pub(crate) fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    pub(crate) fn about(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }
}

impl std::fmt::Display for ArmError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ArmError {}

pub(crate) const INVALID_TEMPLATE: &str = "InvalidTemplate";

/// `Please see … for usage details.`
pub(crate) const FUNCTIONS: &str = "Please see https://aka.ms/arm-functions for usage details.";

/// Why an expression has no value; who knows the place makes an [`ArmError`] of it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Text that is no expression.
    Syntax(String),
    /// An expression that cannot be evaluated.
    Value(String),
    /// It names a parameter or variable that is not evaluated yet.
    Pending(String),
    /// It needs the state of a resource, and there is none yet.
    Deferred,
    /// [`crate::Limits::work`] is used up.
    Work,
    /// The state of a resource cannot be had.
    State(Box<ArmError>),
}

impl Fault {
    /// The error for a place that `wrap` puts a sentence into.
    pub(crate) fn at(self, path: &str, wrap: impl FnOnce(&str) -> ArmError) -> ArmError {
        match self {
            // Azure parses all expressions before it knows what they belong to
            // (Azure/azure-cli#14373).
            Self::Syntax(words) => ArmError::new(
                INVALID_TEMPLATE,
                format!(
                    "Deployment template language expression evaluation failed: '{words}'. {FUNCTIONS}"
                ),
            )
            .at(path),
            Self::Value(words) => wrap(&words).at(path),
            Self::Pending(_) => wrap("Circular dependency detected on a parameter or variable.").at(path),
            Self::Deferred => wrap(
                "the expression needs the state of a resource, which is not known at this location.",
            )
            .at(path),
            Self::Work => ArmError::new(
                INVALID_TEMPLATE,
                "Deployment template validation failed: 'The template takes more work than this expansion allows.'.",
            )
            .at(path),
            Self::State(error) => *error,
        }
    }
}
