//! What is answered: successes, and refusals in the shape of Azure's error bodies.

use serde_json::{Map, Value, json};

/// An answer, before it is HTTP.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header names and values, beside those that every answer has.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body; none for 204 and for HEAD.
    pub body: Option<Value>,
}

impl Answer {
    /// An answer with a body.
    pub fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body),
        }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// One entry of `error.details`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The property, as it is spelt on the wire.
    pub target: String,
    /// What is wrong with it.
    pub message: String,
}

/// A refusal: a status and what `error` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// `error.code`.
    pub code: Box<str>,
    /// `error.message`.
    pub message: Box<str>,
    /// `error.target`, which Resource Manager has and API Management has not.
    pub target: Option<String>,
    /// `error.details`; each has the code of the whole.
    pub details: Vec<Detail>,
    /// Headers beside those that every answer has.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into().into_boxed_str(),
            target: None,
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// API Management's refusal of properties.
    pub fn validation(details: Vec<Detail>) -> Self {
        Self {
            details,
            ..Self::new(
                400,
                "ValidationError",
                "One or more fields contain incorrect values:",
            )
        }
    }

    /// The same for one property.
    pub fn property(target: &str, message: impl Into<String>) -> Self {
        Self::validation(vec![Detail {
            target: target.to_owned(),
            message: message.into(),
        }])
    }

    /// API Management's 404.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, "ResourceNotFound", format!("{what} not found."))
    }

    /// The same with a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// `{"error": ...}`.
    pub fn body(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".into(), json!(self.code));
        error.insert("message".into(), json!(self.message));
        if let Some(target) = &self.target {
            error.insert("target".into(), json!(target));
        }
        let details: Vec<Value> = self
            .details
            .iter()
            .map(|d| json!({"code": self.code, "target": d.target, "message": d.message}))
            .collect();
        error.insert(
            "details".into(),
            if details.is_empty() {
                Value::Null
            } else {
                Value::Array(details)
            },
        );
        json!({ "error": error })
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.status,
            body: Some(refusal.body()),
            headers: refusal.headers,
        }
    }
}
