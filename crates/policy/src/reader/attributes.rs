//! Attributes and the parts of their values.

use super::Reader;
use super::expressions::{NEAR, Searched, form, is_expression};
use crate::document::{Attribute, Expression, Extent, Piece, PieceKind};
use crate::references::named_value;
use flux_apim_diag::excerpt;

impl<'t> Reader<'t, '_> {
    /// The attribute at the cursor; none where there is none that can be read.
    pub(super) fn attribute(&mut self, element: &str) -> Option<Attribute<'t>> {
        let start = self.at;
        let Some(name) = self.name() else {
            let end = start + self.text[start..].chars().next().map_or(1, char::len_utf8);
            let element = excerpt(element, 60);
            let message = format!("an attribute name is expected in the tag `<{element}`");
            self.fail(start, end, message);
            self.skip_word();
            return None;
        };
        let name_end = self.at;
        self.skip_space();
        if !self.text[self.at..].starts_with('=') {
            let message = format!("the attribute `{}` has no value", excerpt(name, 60));
            self.fail(start, name_end, message);
            self.at = name_end;
            return None;
        }
        self.at += 1;
        self.skip_space();
        let quote = match self.text.as_bytes().get(self.at) {
            Some(&quote @ (b'"' | b'\'')) => quote,
            _ => {
                let message = format!("the value of `{}` must be in quotes", excerpt(name, 60));
                self.fail(start, self.at, message);
                let rest = &self.text[self.at..];
                let stops = |c: char| c.is_whitespace() || matches!(c, '>' | '<');
                let end = rest.find(stops).unwrap_or(rest.len());
                let closes = rest[..end].ends_with('/') && rest[end..].starts_with('>');
                self.at += if closes { end - 1 } else { end };
                return None;
            }
        };
        self.at += 1;
        let from = self.at;
        let pieces = self.document.pieces.len();
        self.skip_space();
        let leading = is_expression(&self.text[self.at..]);
        let to = if leading {
            self.leading_expression(from, quote)
        } else {
            self.at = from;
            self.closing_quote(quote)
        };
        let to = to.filter(|to| leading || !self.is_beyond(from, *to));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let Some(to) = to else {
            let message = format!("the value of `{}` has no closing quote", excerpt(name, 60));
            self.fail(from - 1, from, message);
            self.document.pieces.truncate(pieces);
            // What follows is a mystery up to where the tag or the line ends.
            let rest = &self.text.as_bytes()[from..];
            let end = memchr::memchr3(b'>', b'<', b'\n', rest).unwrap_or(rest.len());
            let closes = rest[..end].ends_with(b"/") && rest.get(end) == Some(&b'>');
            self.at = from + end - usize::from(closes);
            self.piece(PieceKind::Text, from, self.at);
            return Some(Attribute {
                name,
                value: &self.text[from..self.at],
                span: self.span(from, self.at),
                name_span: self.span(start, name_end),
                full_span: self.span(start, self.at),
                pieces: (count(pieces), count(self.document.pieces.len())),
            });
        };
        let behind = if leading {
            let last = self.document.pieces.last();
            last.map_or(from, |piece| piece.extent.end as usize)
        } else {
            from
        };
        self.parts(behind, to, leading);
        self.at = to + 1;
        Some(Attribute {
            name,
            value: &self.text[from..to],
            span: self.span(from, to),
            name_span: self.span(start, name_end),
            full_span: self.span(start, to + 1),
            pieces: (count(pieces), count(self.document.pieces.len())),
        })
    }

    /// Whether the quote at `to` is that of another tag, since the value's own is missing:
    /// the value holds a `<`, and no quote of a tag has a letter behind it.
    fn is_beyond(&self, from: usize, to: usize) -> bool {
        let bytes = self.text.as_bytes();
        let behind = bytes.get(to + 1);
        behind.is_some_and(u8::is_ascii_alphanumeric)
            && memchr::memchr(b'<', &bytes[from..to]).is_some()
    }

    fn closing_quote(&self, quote: u8) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        memchr::memchr(quote, rest).map(|end| self.at + end)
    }

    /// The value starts with the expression at the cursor: where its quote is. A quote
    /// that ends the value before the expression does is believed when a tag goes on
    /// behind it and the expression ends at no quote.
    fn leading_expression(&mut self, from: usize, quote: u8) -> Option<usize> {
        let start = self.at;
        let form = form(&self.text[start..]);
        if start > from {
            self.piece(PieceKind::Text, from, start);
        }
        let searched = self.end_of(start);
        if let Searched::Ended(end) = searched {
            self.at = end;
            let to = self.closing_quote(quote)?;
            let between = &self.text[end..to];
            if between.trim().is_empty() || !between.contains(['<', '\n', '=']) {
                let closed = true;
                self.piece(
                    PieceKind::Expression(Expression { form, closed }),
                    start,
                    end,
                );
                return Some(to);
            }
        }
        let within = match searched {
            Searched::Ended(end) => end,
            Searched::Open(_) if self.looks_near() => self.text.len().min(start + NEAR),
            Searched::Open(_) => self.text.len(),
        };
        match self.quote_of_tag(start, within, quote) {
            Some(to) => {
                self.unclosed(start, &searched);
                let closed = false;
                self.piece(
                    PieceKind::Expression(Expression { form, closed }),
                    start,
                    to,
                );
                Some(to)
            }
            None => match searched {
                Searched::Ended(end) => {
                    let closed = true;
                    self.piece(
                        PieceKind::Expression(Expression { form, closed }),
                        start,
                        end,
                    );
                    self.at = end;
                    self.closing_quote(quote)
                }
                Searched::Open(_) => {
                    self.unclosed(start, &searched);
                    let closed = false;
                    self.at = start;
                    let to = self.closing_quote(quote).unwrap_or(self.text.len() - 1);
                    let to = to.max(start);
                    let is_quote = self.text.as_bytes().get(to) == Some(&quote);
                    if is_quote {
                        self.piece(
                            PieceKind::Expression(Expression { form, closed }),
                            start,
                            to,
                        );
                        return Some(to);
                    }
                    None
                }
            },
        }
    }

    /// The first quote from `start` that has the rest of a tag behind it.
    fn quote_of_tag(&self, start: usize, within: usize, quote: u8) -> Option<usize> {
        let bytes = self.text.as_bytes();
        for at in memchr::memchr_iter(quote, &bytes[start..within]) {
            let rest = &self.text[start + at + 1..];
            let blank = rest.len() - rest.trim_ascii_start().len();
            let tail = &rest[blank..];
            if tail.starts_with("/>") || (tail.starts_with('>') && !tail.starts_with(">=")) {
                // `"a" > b` is a comparison: a tag is followed by one, or by a line.
                let behind = tail.trim_start_matches(['/', '>']).trim_ascii_start();
                if behind.is_empty() || behind.starts_with('<') || blank == 0 {
                    return Some(start + at);
                }
            }
            let name = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            if blank > 0
                && let Some(end) = name.filter(|end| *end > 0)
                && tail[end..].starts_with("=\"")
            {
                return Some(start + at);
            }
        }
        None
    }

    pub(super) fn piece(&mut self, kind: PieceKind, start: usize, end: usize) {
        self.document.pieces.push(Piece {
            kind,
            extent: Extent::new(start, end),
        });
        if self.document.pieces.len().is_multiple_of(64) {
            self.hold(0);
        }
    }

    /// Text, named values and further expressions from `from` to `to`, the closing
    /// quote. An expression that goes beyond the quote is text.
    fn parts(&mut self, from: usize, to: usize, leading: bool) {
        let text = self.text;
        let (mut at, mut begun) = (from, from);
        while let Some(found) = memchr::memchr2(b'@', b'{', &text.as_bytes()[at..to]) {
            at += found;
            let part = if is_expression(&text[at..to]) && !leading {
                let form = form(&text[at..]);
                let end = self.end_within(at, to);
                let expression = Expression { form, closed: true };
                end.map(|end| (PieceKind::Expression(expression), end))
            } else {
                named_value(&text[..to], at).map(|(_, end)| (PieceKind::NamedValue, end))
            };
            let Some((kind, end)) = part else {
                at += 1;
                continue;
            };
            if begun < at {
                self.piece(PieceKind::Text, begun, at);
            }
            self.piece(kind, at, end);
            (at, begun) = (end, end);
        }
        if begun < to {
            self.piece(PieceKind::Text, begun, to);
        }
        if !leading {
            self.entities(from, to);
        }
    }
}
