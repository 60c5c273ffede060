//! Policies and definitions in files that `loadTextContent` takes.

use super::super::piece::{Piece, Text};
use super::super::{File, Rendered, writing};
use flux_apim_diag::{Budget, Place};
use flux_apim_link::Linked;
use rayon::prelude::*;
use std::ops::Range;

/// `loadTextContent` takes 131,072 characters (Bicep.Core, LanguageConstants).
const MAX_LOAD: usize = 131_072;

/// How each content is loaded: paths below `bicep/`, or a literal when no
/// file can carry it.
pub(super) enum Load {
    Files(Vec<String>),
    Literal(String),
}

/// Writes the content files; large ones in chunks that `loadTextContent`
/// takes.
pub(super) fn contents(graph: &Linked, rendered: &mut Rendered, budget: &Budget) -> Vec<Load> {
    let plans: Vec<Result<Vec<Range<usize>>, String>> = graph
        .contents()
        .par_iter()
        .map(|content| {
            budget.spend(writing(content.len()), Place::Source);
            let text = content.text();
            // A byte order mark at the start of a file is not read as text.
            if text.starts_with('\u{feff}') || text.is_empty() {
                return Err(text.into_owned());
            }
            Ok(chunks(&text))
        })
        .collect();
    graph
        .contents()
        .iter()
        .zip(plans)
        .enumerate()
        .map(|(index, (content, plan))| {
            let chunks = match plan {
                Ok(chunks) => chunks,
                Err(literal) => return Load::Literal(literal),
            };
            let single = chunks.len() == 1;
            let files = chunks
                .into_iter()
                .enumerate()
                .map(|(n, range)| {
                    let path = match content.path.rsplit_once('.') {
                        Some((stem, extension)) if !single => {
                            format!("content/{stem}.{:02}.{extension}", n + 1)
                        }
                        _ => format!("content/{}", content.path),
                    };
                    rendered.push(File {
                        path: format!("bicep/{path}"),
                        pieces: vec![Piece::Content {
                            index,
                            range,
                            text: Text::Raw,
                        }],
                    });
                    path
                })
                .collect();
            Load::Files(files)
        })
        .collect()
}

/// Ranges of at most [`MAX_LOAD`] UTF-16 units, none of which starts with a
/// byte order mark.
fn chunks(text: &str) -> Vec<Range<usize>> {
    if text.len() <= MAX_LOAD {
        return std::iter::once(0..text.len()).collect();
    }
    let mut chunks = Vec::new();
    let (mut start, mut units, mut previous) = (0, 0, 0);
    for (at, c) in text.char_indices() {
        if units + c.len_utf16() > MAX_LOAD {
            let cut = if c == '\u{feff}' { previous } else { at };
            chunks.push(start..cut);
            units = text[cut..at].chars().map(char::len_utf16).sum();
            start = cut;
        }
        units += c.len_utf16();
        previous = at;
    }
    chunks.push(start..text.len());
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_text() {
        let text = "é😀\u{feff}x".repeat(60_000);
        let chunks = chunks(&text);
        let joined: String = chunks.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(joined, text);
        for range in chunks {
            let chunk = &text[range];
            assert!(chunk.encode_utf16().count() <= MAX_LOAD);
            assert!(!chunk.starts_with('\u{feff}'));
        }
    }
}
