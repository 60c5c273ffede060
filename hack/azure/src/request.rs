//! A request, read once: path, query, headers, body.

use crate::answer::Refusal;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::BTreeMap;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `PUT`, ...
    pub method: String,
    /// Decoded segments of the path.
    pub path: Vec<String>,
    /// Query parameters, decoded; names as they were sent.
    pub query: BTreeMap<String, String>,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body's bytes.
    pub bytes: Vec<u8>,
    /// `http://HOST`, for links to this server.
    pub origin: String,
    /// Id of the stack that sends it; none of what comes over HTTP.
    pub stack: Option<String>,
}

impl Request {
    /// Reads the path and query of a URI.
    pub fn target(uri: &str) -> (Vec<String>, BTreeMap<String, String>) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let path = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect();
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(&value.replace('+', " ")))
            })
            .collect();
        (path, query)
    }

    /// A query parameter, by its name without case.
    pub fn asks(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The path as it is in ids.
    pub fn id(&self) -> String {
        format!("/{}", self.path.join("/"))
    }

    /// The body as JSON; `Null` when there is none.
    pub fn json(&self) -> Result<Value, Refusal> {
        if self.bytes.is_empty() {
            return Ok(Value::Null);
        }
        let bytes = self
            .bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.bytes);
        serde_json::from_slice(bytes).map_err(|error| {
            Refusal::new(
                400,
                "InvalidRequestContent",
                format!(
                    "The request content was invalid and could not be deserialized: '{error}'."
                ),
            )
        })
    }
}
