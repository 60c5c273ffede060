//! Policies and definitions: one file each, where Bicep can read it.

use super::super::piece::{Piece, Text};
use super::super::{File, Rendered, writing};
use super::json::{self, Shape};
use super::limits::{MAX_JSON, MAX_TEXT, exceeds};
use flux_apim_diag::{Budget, Place};
use flux_apim_link::{Content, Linked};
use rayon::prelude::*;

/// How Bicep takes a content.
#[derive(Debug)]
pub(super) enum Load {
    /// By `loadTextContent`.
    Text,
    /// By `string(loadJsonContent())`: the meaning is the same, the text may not be.
    Json(Shape),
    /// As a literal: an empty file, or one with a byte order mark, is read otherwise.
    Literal(String),
    /// Not at all: the resource is an ARM template of its own.
    No,
}

/// Levels of a compiled template above a text that it loads: those of a module in a
/// module, and of its variables.
const DEPTH: usize = 11;

impl Load {
    /// Whether it is one of the texts that a file loads.
    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::Text | Self::Json(_))
    }

    /// Bytes of `content` in the compiled template.
    pub(super) fn compiled(&self, content: &Content) -> usize {
        match self {
            Self::Json(shape) => shape.size(DEPTH).max(content.json_len),
            _ => content.json_len,
        }
    }
}

/// How each content is taken; `json`: whether large ones may be read as JSON.
pub(super) fn loads(graph: &Linked, json: bool, budget: &Budget) -> Vec<Load> {
    let contents = graph.contents().par_iter();
    let loads = contents.map(|content| {
        budget.spend(writing(content.len()), Place::Source);
        // A text has no more UTF-16 units than bytes.
        if content.len() > MAX_TEXT {
            let text = content.text();
            if exceeds(&text, MAX_TEXT) {
                let readable = json && content.path.ends_with(".json") && !exceeds(&text, MAX_JSON);
                let shape = readable.then(|| json::shape(&text)).flatten();
                return shape.map_or(Load::No, Load::Json);
            }
        }
        match content.has_bom || content.is_empty() {
            true => Load::Literal(content.text().into_owned()),
            false => Load::Text,
        }
    });
    loads.collect()
}

/// The file of a content, below `bicep/`.
pub(super) fn path(content: &Content) -> String {
    format!("content/{}", content.path)
}

/// Writes the files that are loaded.
pub(super) fn write(graph: &Linked, loads: &[Load], rendered: &mut Rendered) {
    for (index, (content, load)) in graph.contents().iter().zip(loads).enumerate() {
        if load.is_file() {
            rendered.push(File {
                path: format!("bicep/{}", path(content)),
                pieces: vec![Piece::Content {
                    index,
                    range: 0..content.len(),
                    text: Text::Raw,
                }],
            });
        }
    }
}
