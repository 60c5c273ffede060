//! The owned form of a document: edited by overrides, walked by renderers.

use super::document::NodeRef;
use super::node::NodeKind;
use super::write::write_string;
use flux_apim_diag::Span;

/// A value that knows where it was written.
#[derive(Debug, Clone)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// Where it was written; none for a value we made.
    pub span: Option<Span>,
}

/// The shapes of JSON. Numbers keep their digits.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JSON writes it.
    Number(String),
    /// A text, escapes resolved.
    String(String),
    /// Values in their order.
    Array(Vec<Value>),
    /// An object, keys in the order of the source.
    Object(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key, escapes resolved.
    pub key: String,
    /// Where the key was written; none for an entry we made.
    pub key_span: Option<Span>,
    /// What stands behind the key.
    pub value: Value,
}

/// Values are equal when their JSON is, wherever they were written.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self { data, span: None }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Data::String(text.to_owned()).into()
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Data::String(text).into()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Data::Bool(value).into()
    }
}

impl From<&serde_json::Value> for Value {
    /// A value that was written nowhere. Recursion is bounded by the depth that
    /// `serde_json` reads.
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Data::Null,
            serde_json::Value::Bool(value) => Data::Bool(*value),
            serde_json::Value::Number(number) => Data::Number(number.to_string()),
            serde_json::Value::String(text) => Data::String(text.clone()),
            serde_json::Value::Array(items) => Data::Array(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(map) => {
                let entries = map.iter().map(|(key, value)| Entry {
                    key: key.clone(),
                    key_span: None,
                    value: Self::from(value),
                });
                Data::Object(entries.collect())
            }
        }
        .into()
    }
}

impl<'a> From<NodeRef<'a>> for Value {
    /// Recursion is bounded by the depth cap of the parser.
    fn from(node: NodeRef<'a>) -> Self {
        let data = match node.kind() {
            NodeKind::Null => Data::Null,
            NodeKind::False => Data::Bool(false),
            NodeKind::True => Data::Bool(true),
            NodeKind::Number => Data::Number(node.as_number().unwrap_or("0").to_owned()),
            NodeKind::String => Data::String(node.as_str().unwrap_or("").to_owned()),
            NodeKind::Array => Data::Array(node.items().map(Self::from).collect()),
            NodeKind::Object => Data::Object(
                node.entries()
                    .map(|(key, value)| Entry {
                        key: key.as_str().unwrap_or("").to_owned(),
                        key_span: Some(key.span()),
                        value: Self::from(value),
                    })
                    .collect(),
            ),
        };
        Self {
            data,
            span: Some(node.span()),
        }
    }
}

impl Value {
    /// An object without entries.
    pub fn empty_object() -> Self {
        Data::Object(Vec::new()).into()
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The items of an array; none for another kind.
    pub fn items(&self) -> &[Value] {
        match &self.data {
            Data::Array(items) => items,
            _ => &[],
        }
    }

    /// The entries of an object; none for another kind.
    pub fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Object(entries) => entries,
            _ => &[],
        }
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self.data, Data::Object(_))
    }

    /// The entry under `key` of an object.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value under `key` of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value under `key` of an object, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.data {
            Data::Object(entries) => entries
                .iter_mut()
                .find(|entry| entry.key == key)
                .map(|entry| &mut entry.value),
            _ => None,
        }
    }

    /// Sets `key` of an object: in place when it is there, else at the end.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        if let Some(place) = self.get_mut(key) {
            *place = value;
        } else if let Data::Object(entries) = &mut self.data {
            entries.push(Entry {
                key: key.to_owned(),
                key_span: None,
                value,
            });
        }
    }

    /// Takes `key` out of an object.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        match &mut self.data {
            Data::Object(entries) => {
                let at = entries.iter().position(|entry| entry.key == key)?;
                Some(entries.remove(at).value)
            }
            _ => None,
        }
    }

    /// Where it was written, or the first place of what is inside.
    pub fn place(&self) -> Option<Span> {
        self.span.or_else(|| match &self.data {
            Data::Array(items) => items.iter().find_map(Self::place),
            Data::Object(entries) => entries
                .iter()
                .find_map(|entry| entry.key_span.or_else(|| entry.value.place())),
            _ => None,
        })
    }

    /// Calls `visit` on every string inside, with its JSON pointer.
    pub fn visit_strings<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Option<Span>)) {
        match &self.data {
            Data::String(text) => visit(text, self.span),
            Data::Array(items) => items.iter().for_each(|item| item.visit_strings(visit)),
            Data::Object(entries) => entries
                .iter()
                .for_each(|entry| entry.value.visit_strings(visit)),
            Data::Null | Data::Bool(_) | Data::Number(_) => {}
        }
    }

    /// Appends it as compact JSON with sorted keys: what digests are made of.
    pub fn write_canonical(&self, out: &mut String) {
        match &self.data {
            Data::Null => out.push_str("null"),
            Data::Bool(true) => out.push_str("true"),
            Data::Bool(false) => out.push_str("false"),
            Data::Number(digits) => out.push_str(digits),
            Data::String(text) => write_string(out, text),
            Data::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write_canonical(out);
                }
                out.push(']');
            }
            Data::Object(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|a, b| a.key.cmp(&b.key));
                out.push('{');
                for (i, entry) in sorted.into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(out, &entry.key);
                    out.push(':');
                    entry.value.write_canonical(out);
                }
                out.push('}');
            }
        }
    }

    /// The word for messages.
    pub fn kind_name(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::String(_) => "a string",
            Data::Array(_) => "an array",
            Data::Object(_) => "an object",
        }
    }
}
