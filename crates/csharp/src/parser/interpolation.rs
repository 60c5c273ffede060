//! Interpolated strings.

use super::Parser;
use crate::lexer::Kind;
use crate::problem::Code;
use crate::tree::{NodeId, NodeKind};

impl Parser<'_> {
    pub(super) fn interpolated(&mut self) -> NodeId {
        let start = self.next().span.start;
        let mut parts = Vec::new();
        loop {
            match self.token().kind {
                Kind::InterpolationText => {
                    let span = self.next().span;
                    parts.push(self.add(NodeKind::Piece, span));
                }
                Kind::HoleStart => {
                    let hole = self.deeper(Self::hole);
                    parts.extend(hole);
                    if hole.is_none() {
                        break;
                    }
                }
                Kind::InterpolationEnd => {
                    self.next();
                    break;
                }
                _ => break,
            }
        }
        self.finish(NodeKind::Interpolated(parts.into()), start)
    }

    pub(super) fn hole(&mut self) -> NodeId {
        let start = self.next().span.start;
        let value = self.expression();
        let alignment = self.eat(",").then(|| self.expression());
        let format = (self.token().kind == Kind::HoleFormat).then(|| self.next().span);
        if self.token().kind == Kind::HoleEnd {
            self.next();
        } else {
            let message = format!("`}}` of an interpolated string is missing {}", self.seen());
            self.report(Code::UnclosedHole, self.gap(), message);
            let mut depth = 0_u32;
            while !self.at_end() {
                match self.next().kind {
                    Kind::HoleStart => depth += 1,
                    Kind::HoleEnd if depth == 0 => break,
                    Kind::HoleEnd => depth -= 1,
                    _ => {}
                }
            }
        }
        self.finish(
            NodeKind::Hole {
                value,
                alignment,
                format,
            },
            start,
        )
    }
}
