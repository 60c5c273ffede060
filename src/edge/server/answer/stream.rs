//! The files of a bundle as JSON, written at the pace of the client: what waits is one
//! part of the document, whatever the bundle has.

use crate::bundle::Bundle;
use crate::syntax::{write_escaped, write_string};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use std::io;
use std::sync::Arc;

/// Bytes of a part, but for a text that is larger by itself.
const PART: usize = 64 << 10;
/// Texts from here on are written on a thread where that may take a while.
const LARGE: usize = 256 << 10;

/// The most bytes that sending `bundle` takes beside the bundle: its largest text,
/// unpacked, as its file spells it, and as this document does.
pub(super) fn room(bundle: &Bundle) -> usize {
    let contents = &bundle.graph().contents();
    let pieces = bundle.files.iter().flat_map(|file| &file.pieces);
    let largest = pieces.map(|piece| piece.len(contents)).max();
    4 * largest.unwrap_or(0).max(PART)
}

/// What stands after the head: each file, and the end.
pub(super) fn files(bundle: Arc<Bundle>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let place = Some(Place {
        bundle,
        file: 0,
        piece: None,
    });
    stream::try_unfold(place, |place| async {
        let Some(place) = place else {
            return Ok(None);
        };
        let part = if place.is_large() {
            tokio::task::spawn_blocking(|| place.part())
                .await
                .map_err(io::Error::other)?
        } else {
            place.part()
        };
        Ok(Some(part))
    })
}

/// How far it is written.
struct Place {
    bundle: Arc<Bundle>,
    file: usize,
    /// None before the file's path.
    piece: Option<usize>,
}

impl Place {
    /// Whether the next thing is a large text.
    fn is_large(&self) -> bool {
        let file = self.bundle.files.get(self.file);
        let piece = file.and_then(|file| file.pieces.get(self.piece?));
        piece.is_some_and(|piece| piece.len(self.bundle.graph().contents()) >= LARGE)
    }

    /// The next part, and how far it is written then; no further at the end.
    fn part(mut self) -> (Bytes, Option<Self>) {
        let bundle = Arc::clone(&self.bundle);
        let mut out = String::new();
        while out.len() < PART && (out.is_empty() || !self.is_large()) {
            let Some(file) = bundle.files.get(self.file) else {
                out.push_str("}}");
                return (out.into(), None);
            };
            match self.piece {
                None => {
                    out.push_str(if self.file > 0 { "," } else { "" });
                    write_string(&mut out, &file.path);
                    out.push_str(":\"");
                    self.piece = Some(0);
                }
                Some(at) => match file.pieces.get(at) {
                    Some(piece) => {
                        let contents = &bundle.graph().contents();
                        piece.each_text(contents, &mut |text| write_escaped(&mut out, text));
                        self.piece = Some(at + 1);
                    }
                    None => {
                        out.push('"');
                        self.file += 1;
                        self.piece = None;
                    }
                },
            }
        }
        (out.into(), Some(self))
    }
}
