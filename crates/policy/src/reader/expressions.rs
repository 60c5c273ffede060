//! Where expressions end.

use super::Reader;
use flux_apim_csharp::{Form, Unbalanced, end_of_expression};

/// Expressions whose end is looked for up to the end of the document, though others
/// were found to have none.
const MAX_ENDLESS: usize = 16;
/// Bytes in which the end of an expression is looked for after that.
pub(super) const NEAR: usize = 1024;

/// What came of looking for the end of an expression.
pub(super) enum Searched {
    /// The offset behind its closing bracket.
    Ended(usize),
    /// What has no end.
    Open(Unbalanced),
}

pub(super) fn is_expression(text: &str) -> bool {
    text.starts_with("@(") || text.starts_with("@{")
}

/// What the expression is that `text` starts with.
pub(super) fn form(text: &str) -> Form {
    match text.as_bytes().get(1) {
        Some(b'{') => Form::Body,
        _ => Form::Expression,
    }
}

impl Reader<'_, '_> {
    /// The end of the expression at `start`. Looking for an end that is not there goes
    /// to the end of the document, so that it is done a few times only; then it looks
    /// not so far.
    pub(super) fn end_of(&mut self, start: usize) -> Searched {
        let near = self.endless >= MAX_ENDLESS;
        let mut end = self.text.len();
        if near {
            end = end.min(start + NEAR);
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
        }
        match self.search(start, end) {
            Ok(end) => Searched::Ended(end),
            Err(unbalanced) => {
                self.endless += 1;
                if !near {
                    self.hold(unbalanced.brackets.len() * size_of::<usize>());
                    self.endless_brackets.extend(&unbalanced.brackets);
                }
                Searched::Open(unbalanced)
            }
        }
    }

    /// The end of the expression at `start` in a text; none when it has no end, which
    /// may be known from an expression around it.
    pub(super) fn inner_end(&mut self, start: usize) -> Option<usize> {
        if self.endless_brackets.contains(&(start + 1)) {
            return None;
        }
        match self.end_of(start) {
            Searched::Ended(end) => Some(end),
            Searched::Open(_) => None,
        }
    }

    /// The end of the expression at `start` when it is before `to`.
    pub(super) fn end_within(&mut self, start: usize, to: usize) -> Option<usize> {
        if self.endless_brackets.contains(&(start + 1)) {
            return None;
        }
        match self.search(start, to) {
            Ok(end) => Some(end),
            Err(unbalanced) => {
                self.hold(unbalanced.brackets.len() * size_of::<usize>());
                self.endless_brackets.extend(&unbalanced.brackets);
                None
            }
        }
    }

    fn search(&self, start: usize, to: usize) -> Result<usize, Unbalanced> {
        let place = self.span(start, start + 2);
        let charge = |steps: u64| {
            self.meter.spend(steps, place);
            true
        };
        let found = end_of_expression(&self.text[..to], start, &charge);
        let end = match &found {
            Ok(end) => *end,
            Err(_) => to,
        };
        self.meter.spend(1 + ((end - start) / 1024) as u64, place);
        found
    }

    /// Whether so many ends were missing that they are looked for only nearby.
    pub(super) fn looks_near(&self) -> bool {
        self.endless >= MAX_ENDLESS
    }

    pub(super) fn unclosed(&mut self, start: usize, searched: &Searched) {
        let mut finding = self.malformed(start, start + 2, "the expression is not closed");
        if let Searched::Open(unbalanced) = searched {
            let end = self.text.len().min(unbalanced.at + 1);
            finding = finding.related(
                self.span(unbalanced.at, end),
                format!("{} opened here has no end", unbalanced.what),
            );
        }
        self.findings
            .push(finding.help("balance brackets and quotes"));
    }
}
