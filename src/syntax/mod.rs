//! One span-preserving tree for JSON and YAML.
//!
//! A [`Document`] keeps what `serde_json` and YAML loaders drop: byte spans,
//! key order, exact numbers. Both parsers are total and do not recurse; they
//! refuse duplicate keys and documents beyond the caps. A [`Value`] is the
//! owned, mutable form for the small documents that are edited.

mod document;
mod escape;
mod json;
mod number;
mod value;
mod write;
mod yaml;

pub use document::{Document, Kind, NodeRef};
pub use escape::{json_len, yaml_escape, yaml_len};
pub use value::{Data, Entry, Value};
pub use write::{write_escaped, write_node, write_string};

use crate::diag::{Diagnostic, Place, Rule, Span, rules};
use crate::tree::{FileId, Limits};

/// The grammar of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 8259.
    Json,
    /// YAML 1.2, core schema.
    Yaml,
}

impl Format {
    /// By the file's extension; by the first character when that says nothing.
    pub fn of(name: &str, text: &str) -> Self {
        let extension = name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            _ if text
                .trim_start_matches('\u{feff}')
                .trim_start()
                .starts_with(['{', '[']) =>
            {
                Self::Json
            }
            _ => Self::Yaml,
        }
    }
}

/// How a document is parsed.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The rule of a grammar error.
    pub malformed: &'static Rule,
    /// Caps on depth, values and aliases.
    pub limits: &'a Limits,
}

/// The bytes of `file` as text.
///
/// # Errors
/// A finding at the first byte that is not UTF-8.
pub fn utf8(file: FileId, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let message = if error.as_bytes().starts_with(&[0xff, 0xfe])
            || error.as_bytes().starts_with(&[0xfe, 0xff])
        {
            "the file is UTF-16, not UTF-8".to_owned()
        } else {
            format!("the byte 0x{:02x} is not UTF-8", error.as_bytes()[at])
        };
        Box::new(
            Diagnostic::new(&rules::NOT_UTF8, Span::new(file, at, at + 1), message)
                .help("save the file as UTF-8"),
        )
    })
}

/// Parses `text` as `format`. `None` when a finding says why there is no tree.
pub fn parse(
    file: FileId,
    text: String,
    format: Format,
    options: Options<'_>,
) -> (Option<Document>, Vec<Diagnostic>) {
    match format {
        Format::Json => json::parse(file, text, options),
        Format::Yaml => yaml::parse(file, text, options),
    }
}

/// The finding of a document that exceeds `cap`.
fn over_limit(place: impl Into<Place>, what: &str, cap: u64, flag: &str) -> Diagnostic {
    Diagnostic::new(
        &rules::DOCUMENT_LIMIT,
        place,
        format!("{what} (the cap is {cap})"),
    )
    .help(format!(
        "simplify the document, or raise the cap with --{flag}"
    ))
}

/// What both parsers check when a value is added.
struct Caps {
    depth: u64,
    nodes: u64,
}

impl Caps {
    fn new(limits: &Limits) -> Self {
        Self {
            depth: limits.max_depth,
            nodes: limits.max_nodes,
        }
    }

    fn check(&self, depth: usize, nodes: usize, span: Span) -> Result<(), Box<Diagnostic>> {
        if depth as u64 > self.depth {
            let what = format!("the document is nested {depth} levels deep");
            return Err(Box::new(over_limit(span, &what, self.depth, "max-depth")));
        }
        if nodes as u64 > self.nodes {
            let what = format!("the document has more than {} values", self.nodes);
            return Err(Box::new(over_limit(span, &what, self.nodes, "max-nodes")));
        }
        Ok(())
    }
}
