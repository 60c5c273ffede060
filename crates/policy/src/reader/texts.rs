//! Text between tags.

use super::Reader;
use super::expressions::{Searched, form, is_expression};
use crate::document::{Expression, NodeKind};
use crate::references::named_value;
use crate::rules::{malformed_policy, policy_doctype};

impl Reader<'_, '_> {
    pub(super) fn text(&mut self) {
        let start = self.at;
        let around = self.open.last().and_then(|id| self.document.element(*id));
        let liquid = around.is_some_and(|element| element.liquid);
        let mut begun = start;
        self.skip_space();
        if is_expression(&self.text[self.at..]) && !self.open.is_empty() && !liquid {
            self.push_text(begun, self.at);
            self.leading();
            begun = self.at;
        }
        let text = self.text;
        loop {
            let rest = &text.as_bytes()[self.at..];
            let Some(found) = memchr::memchr3(b'<', b'@', b'{', rest) else {
                self.at = text.len();
                break;
            };
            self.at += found;
            let at = self.at;
            let part = match rest[found] {
                b'<' if self.opens_tag() => break,
                b'<' => {
                    let finding = malformed_policy::no_element(self.span(at, at + 1));
                    self.findings.push(finding);
                    None
                }
                _ if liquid || self.open.is_empty() => None,
                _ if is_expression(&text[at..]) => {
                    let expression = Expression {
                        form: form(&text[at..]),
                        closed: true,
                    };
                    // An `@(` inside text is an expression only when it ends.
                    let end = self.inner_end(at);
                    end.map(|end| (NodeKind::Expression(expression), end))
                }
                _ => named_value(text, at).map(|(_, end)| (NodeKind::NamedValue, end)),
            };
            let Some((kind, end)) = part else {
                self.at = at + 1;
                continue;
            };
            self.push_text(begun, at);
            self.node(kind, at, end);
            (self.at, begun) = (end, end);
        }
        self.push_text(begun, self.at);
        let whole = &text[start..self.at];
        if self.open.is_empty() && !self.text_outside && !whole.trim().is_empty() {
            self.text_outside = true;
            let from = start + whole.len() - whole.trim_start().len();
            let to = from + whole.trim().len();
            self.fail(from, to, "there is text outside the root element");
        }
    }

    /// Whether the `<` at the cursor starts a tag, a comment, or what is like them.
    fn opens_tag(&self) -> bool {
        let next = self.text.as_bytes().get(self.at + 1);
        matches!(next, Some(b'/' | b'!' | b'?')) || self.opens_element()
    }

    /// The expression that starts a text. One without end goes up to the end tag of the
    /// element around it.
    fn leading(&mut self) {
        let start = self.at;
        let form = form(&self.text[start..]);
        let searched = self.end_of(start);
        let (end, closed) = match &searched {
            Searched::Ended(end) => (*end, true),
            Searched::Open(_) => {
                self.unclosed(start, &searched);
                (self.end_of_element(start + 2), false)
            }
        };
        self.at = end;
        self.node(
            NodeKind::Expression(Expression { form, closed }),
            start,
            end,
        );
    }

    /// The closing tag of the innermost element, from `from`; else the next tag.
    fn end_of_element(&mut self, from: usize) -> usize {
        let rest = &self.text.as_bytes()[from..];
        let around = self.open.last().and_then(|id| self.document.element(*id));
        let tag = around.map(|element| format!("</{}", element.name));
        let own = tag.and_then(|tag| memchr::memmem::find(rest, tag.as_bytes()));
        let next = own.or_else(|| memchr::memchr(b'<', rest));
        let end = next.map_or(self.text.len(), |at| from + at);
        let steps = (end - from) / 64;
        self.meter.spend(steps as u64, self.span(from, from));
        end
    }

    /// A CDATA section from `start` to the cursor.
    pub(super) fn data(&mut self, start: usize, closed: bool) {
        let end = self.at;
        let id = self.node(NodeKind::Data, start, end);
        let (from, to) = (start + 9, if closed { end - 3 } else { end });
        let inside = &self.text[from..to];
        let at = from + inside.len() - inside.trim_start().len();
        let mut begun = from;
        if is_expression(&self.text[at..to])
            && let Some(end) = self.end_within(at, to)
        {
            let form = form(&self.text[at..]);
            if from < at {
                self.node_in(Some(id), NodeKind::Text, from, at);
            }
            let expression = Expression { form, closed: true };
            self.node_in(Some(id), NodeKind::Expression(expression), at, end);
            begun = end;
        }
        if begun < to {
            self.node_in(Some(id), NodeKind::Text, begun, to);
        }
        if self.open.is_empty() && !self.text_outside {
            self.text_outside = true;
            self.fail(start, end, "there is text outside the root element");
        }
    }

    fn push_text(&mut self, start: usize, end: usize) {
        if start < end {
            self.node(NodeKind::Text, start, end);
            self.entities(start, end);
        }
    }

    /// Only the five entities of XML and numeric ones exist. Text that merely
    /// holds an `&`, as query strings do, is let through.
    pub(super) fn entities(&mut self, start: usize, end: usize) {
        let text = self.text;
        for found in memchr::memchr_iter(b'&', &text.as_bytes()[start..end]) {
            let at = start + found;
            let inside = &text[at + 1..end];
            let Some(stop) = inside.find(|c: char| !c.is_ascii_alphanumeric()) else {
                continue;
            };
            let name = &inside[..stop];
            if inside[stop..].starts_with(';')
                && !name.is_empty()
                && !matches!(name, "lt" | "gt" | "amp" | "quot" | "apos")
            {
                let span = self.span(at, at + stop + 2);
                self.findings.push(policy_doctype::entity(span, name));
            }
        }
    }
}
