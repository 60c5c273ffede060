//! Opening and closing tags.

use super::Reader;
use crate::document::{Attribute, Element, NodeId, NodeKind};
use crate::rules::malformed_policy;
use flux_apim_diag::excerpt;
use flux_apim_diag::rules::document_limit;
use std::collections::HashMap;

/// Attributes of an element that are compared one by one; more are looked up.
const FEW: usize = 8;

impl<'t> Reader<'t, '_> {
    /// Whether the `<` at the cursor has a name behind it.
    pub(super) fn opens_element(&self) -> bool {
        self.text[self.at + 1..].starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':'))
    }

    pub(super) fn element(&mut self) {
        let start = self.at;
        self.at += 1;
        let Some(name) = self.name() else {
            return;
        };
        let name_end = self.at;
        if self.open.is_empty() {
            self.roots += 1;
            if self.roots == 2 {
                self.fail(start, name_end, "there is a second root element");
            }
        }
        let deep = self.open.len() as u64 >= self.max_depth;
        if deep && self.too_deep == 0 {
            let finding = document_limit::policy_depth(self.span(start, name_end), self.max_depth);
            self.findings.push(finding);
        }
        let from = self.document.attributes.len();
        let closed = self.attributes(name, start, from);
        let attributes = (count(from), count(self.document.attributes.len()));
        let template = name == "set-body" && {
            let mut own = self.document.attributes[from..].iter();
            own.any(|attribute| attribute.name == "template" && attribute.value == "liquid")
        };
        let around = self.open.last().and_then(|id| self.document.element(*id));
        let liquid = template || around.is_some_and(|element| element.liquid);
        let id = self.node(NodeKind::Element(self.next_element()), start, self.at);
        self.document.elements.push(Element {
            name,
            span: self.span(start + 1, name_end),
            node: id,
            liquid,
            closing: None,
            opening: self.span(start, self.at),
            attributes,
        });
        if closed {
            return;
        }
        if deep {
            self.too_deep += 1;
        } else {
            self.open.push(id);
        }
    }

    /// The attributes from the cursor to the end of the tag: whether it is `/>`.
    fn attributes(&mut self, name: &'t str, start: usize, from: usize) -> bool {
        let mut seen = HashMap::new();
        loop {
            let before = self.at;
            self.skip_space();
            let rest = &self.text[self.at..];
            if rest.starts_with("/>") {
                self.at += 2;
                return true;
            }
            if rest.starts_with('>') {
                self.at += 1;
                return false;
            }
            if rest.is_empty() || rest.starts_with('<') {
                let message = format!("the tag `<{}` is not closed with `>`", excerpt(name, 60));
                self.fail(start, start + 1 + name.len(), message);
                self.at = before;
                self.cut |= rest.is_empty();
                if rest.is_empty() {
                    self.at = self.text.len();
                }
                return false;
            }
            if before == self.at && self.at > start + 1 + name.len() && !self.behind_quote() {
                self.unexpected(name);
                continue;
            }
            if before == self.at {
                // Attributes that touch, or a name with a character that names have not.
                let end = self.at + rest.chars().next().map_or(1, char::len_utf8);
                let message = format!("unexpected text in the tag `<{}`", excerpt(name, 60));
                self.fail(self.at, end, message);
                if self.behind_quote() && self.text[self.at..].starts_with(char::is_alphabetic) {
                    // Read on: only the blank is missing.
                } else {
                    self.skip_word();
                    continue;
                }
            }
            let Some(attribute) = self.attribute(name) else {
                continue;
            };
            self.meter.spend(2, attribute.span);
            let twice = self.twice(&attribute, from, &mut seen);
            if let Some(first) = twice {
                let message = format!(
                    "`{}` of `<{}>` is there twice",
                    excerpt(attribute.name, 60),
                    excerpt(name, 60)
                );
                let finding = malformed_policy::found(attribute.span, message)
                    .related(first, "first here")
                    .help("remove one");
                self.findings.push(finding);
            }
            self.document.attributes.push(attribute);
        }
    }

    /// Where an attribute of the same name stands before, from the one at `from`.
    fn twice(
        &self,
        attribute: &Attribute<'t>,
        from: usize,
        seen: &mut HashMap<&'t str, flux_apim_diag::Span>,
    ) -> Option<flux_apim_diag::Span> {
        let own = &self.document.attributes[from..];
        if own.len() < FEW {
            let mut own = own.iter();
            return own
                .find(|other| other.name == attribute.name)
                .map(|other| other.span);
        }
        if seen.is_empty() {
            seen.extend(own.iter().rev().map(|other| (other.name, other.span)));
        }
        seen.insert(attribute.name, attribute.span)
    }

    fn behind_quote(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.text.as_bytes()[at]);
        matches!(before, Some(b'"' | b'\''))
    }

    fn unexpected(&mut self, name: &str) {
        let rest = &self.text[self.at..];
        let end = self.at + rest.chars().next().map_or(1, char::len_utf8);
        let message = format!("unexpected text in the tag `<{}`", excerpt(name, 60));
        self.fail(self.at, end, message);
        self.skip_word();
    }

    /// Skips at least a character, up to what may be an attribute or the tag's end.
    pub(super) fn skip_word(&mut self) {
        let rest = &self.text[self.at..];
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let stops = |c: char| c.is_whitespace() || matches!(c, '>' | '<' | '/');
        let more = rest[first..].find(stops).unwrap_or(rest.len() - first);
        self.at += first + more;
    }

    pub(super) fn close(&mut self) {
        let start = self.at;
        self.at += 2;
        let name = self.name().unwrap_or("");
        let name_end = self.at;
        self.skip_space();
        if self.text[self.at..].starts_with('>') {
            self.at += 1;
        } else {
            let message = format!("the tag `</{}` is not closed with `>`", excerpt(name, 60));
            self.fail(start, name_end, message);
            let rest = &self.text.as_bytes()[self.at..];
            match memchr::memchr2(b'>', b'<', rest) {
                Some(end) if rest[end] == b'>' => self.at += end + 1,
                Some(end) => self.at += end,
                None => self.at = self.text.len(),
            }
        }
        if self.too_deep > 0 {
            self.too_deep -= 1;
            self.node(NodeKind::Stray, start, self.at);
            return;
        }
        let Some(&last) = self.open.last() else {
            let message = format!("`</{}>` closes nothing", excerpt(name, 60));
            self.fail(start, self.at, message);
            self.node(NodeKind::Stray, start, self.at);
            return;
        };
        if self.is_named(last, name) {
            self.end(last, start);
            return;
        }
        self.mismatch(last, name, start);
        // The nearest element of this name is closed, and what is open in it.
        let around = self.open.iter().rposition(|id| self.is_named(*id, name));
        self.meter
            .spend(self.open.len() as u64, self.span(start, self.at));
        let target = around.unwrap_or(self.open.len() - 1);
        let misspelt = around.is_some() || self.is_near(last, name);
        if !misspelt {
            self.node(NodeKind::Stray, start, self.at);
            return;
        }
        while self.open.len() > target + 1 {
            if let Some(id) = self.open.pop() {
                self.document.nodes[id.index()].extent.end = count(start);
            }
        }
        if let Some(&id) = self.open.last() {
            self.end(id, start);
        }
    }

    fn is_named(&self, id: NodeId, name: &str) -> bool {
        let element = self.document.element(id);
        element.is_some_and(|element| element.name == name)
    }

    /// Whether `name` may be the name of the element, misspelt.
    fn is_near(&self, id: NodeId, name: &str) -> bool {
        let element = self.document.element(id);
        element.is_some_and(|element| flux_apim_diag::nearest(name, [element.name]).is_some())
    }

    fn mismatch(&mut self, last: NodeId, name: &str, start: usize) {
        let Some(element) = self.document.element(last) else {
            return;
        };
        let open = excerpt(element.name, 60);
        let message = format!(
            "`</{}>` stands where `</{open}>` is expected",
            excerpt(name, 60)
        );
        let finding = malformed_policy::found(self.span(start, self.at), message)
            .related(element.span, format!("`<{open}>` is opened here"))
            .help("close elements in the order they were opened");
        self.findings.push(finding);
    }

    /// The innermost open element `id` ends with the tag from `start` to the cursor.
    fn end(&mut self, id: NodeId, start: usize) {
        self.open.pop();
        let closing = self.span(start, self.at);
        let node = &mut self.document.nodes[id.index()];
        node.extent.end = closing.end;
        if let NodeKind::Element(element) = node.kind
            && let Some(element) = self.document.elements.get_mut(element.0 as usize)
        {
            element.closing = Some(closing);
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
