//! What a document is made of: nodes in document order, and the texts that do not
//! stand in its source.

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// A number, as JSON writes it, with every digit.
    Number,
    /// A string, or the key of an object.
    String,
    /// A JSON array, or a YAML sequence.
    Array,
    /// An object: keys and values alternate.
    Object,
}

impl NodeKind {
    /// The word for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// Where the text of a string, key or number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It is the span.
    Bare,
    /// It is the span without the quotes around it.
    Quoted,
    /// It is a text of [`Document::texts`].
    Other,
}

/// 16 bytes: a document has one for every two bytes of `[1,1,1]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Of an array or object: nodes of the subtree, this one included. Of a
    /// [`Form::Other`]: which text.
    pub(super) extra: u32,
    pub(super) kind: NodeKind,
    pub(super) form: Form,
}

impl Node {
    pub(super) fn is_container(&self) -> bool {
        matches!(self.kind, NodeKind::Array | NodeKind::Object)
    }

    pub(super) fn size(&self) -> u32 {
        if self.is_container() { self.extra } else { 1 }
    }
}

/// Texts that do not stand in the source as they are meant.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    ranges: Vec<(u32, u32)>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) -> u32 {
        let index = clamp(self.ranges.len());
        self.ranges
            .push((clamp(self.text.len()), clamp(text.len())));
        self.text.push_str(text);
        index
    }

    pub(super) fn get(&self, index: u32) -> &str {
        let Some(&(start, len)) = self.ranges.get(index as usize) else {
            return "";
        };
        let start = start as usize;
        self.text.get(start..start + len as usize).unwrap_or("")
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.ranges.len() * size_of::<(u32, u32)>()
    }
}

/// The text of `node`.
pub(super) fn text_of<'t>(node: &Node, source: &'t str, texts: &'t Texts) -> &'t str {
    let (start, end) = (node.start as usize, node.end as usize);
    let text = match node.form {
        Form::Bare => source.get(start..end),
        Form::Quoted => source.get(start + 1..end.saturating_sub(1)),
        Form::Other => return texts.get(node.extra),
    };
    text.unwrap_or("")
}

pub(super) fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
