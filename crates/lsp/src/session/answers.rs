//! Answers to requests about a place in a text.

use super::{Session, Text};
use crate::hover::Pointed;
use crate::message::Code;
use crate::text::Lines;
use crate::{go_to, hover, information, uri};
use flux_apim_diag::Span;
use serde_json::{Value, json};

impl Session {
    /// The open text and the byte in it that a request is about.
    pub(super) fn pointed(&self, params: &Value) -> Result<(&Text, usize), (Code, &'static str)> {
        let wrong = |why| (Code::InvalidParams, why);
        let uri = params.pointer("/textDocument/uri").and_then(Value::as_str);
        let uri = uri.ok_or(wrong("a request about a text has its URI"))?;
        let text = self.open.get(uri).ok_or(wrong("this text is not open"))?;
        let lines = Lines::new(text.text.as_bytes().to_vec());
        let at = params
            .get("position")
            .and_then(|position| lines.offset(position));
        let at = at.ok_or(wrong("a position has a line and a character"))?;
        Ok((text, at))
    }

    /// What is known of the thing at the byte `at`.
    pub(super) fn hover(&self, text: &Text, at: usize) -> Option<Value> {
        if flux_apim_policy::sniff(&text.text).is_some() {
            return hover::hover(self.in_policy(text, at));
        }
        let (root, path) = text.place.as_ref()?;
        let names = self.folder(root)?.names.as_ref()?;
        let named = information::named(&*self.world, path.as_str(), &text.text, at)?;
        let found = named.find(names)?;
        Some(hover::shown(&text.text, named.span, &found.describe()))
    }

    fn in_policy<'p>(&'p self, text: &'p Text, at: usize) -> Pointed<'p> {
        let place = text.place.as_ref();
        let folder = place.and_then(|(root, _)| self.folder(root));
        Pointed {
            text: &text.text,
            path: place.map(|(_, path)| path.as_str()),
            at,
            world: &*self.world,
            names: folder.and_then(|folder| folder.names.as_ref()),
        }
    }

    /// Where the thing at the byte `at` is declared.
    pub(super) fn definition(&self, params: &Value, text: &Text, at: usize) -> Option<Value> {
        let (root, path) = text.place.as_ref()?;
        if flux_apim_policy::sniff(&text.text).is_some() {
            let (path, span) = hover::target(self.in_policy(text, at))?;
            return Some(self.start_of(root, &path, span));
        }
        let Some(led) = go_to::led(&*self.world, path.as_str(), &text.text, at) else {
            let names = self.folder(root)?.names.as_ref()?;
            let named = information::named(&*self.world, path.as_str(), &text.text, at)?;
            let found = named.find(names)?;
            return Some(self.start_of(root, &found.path, found.span));
        };
        let Some(other) = &led.path else {
            let path = path.as_str();
            let (start, end) = go_to::place(&*self.world, path, &text.text, &led.pointer)?;
            let lines = Lines::new(text.text.as_bytes().to_vec());
            let uri = params.pointer("/textDocument/uri")?;
            return Some(json!({"uri": uri, "range": lines.range(start, end)}));
        };
        let (lines, mark) = self.lines(root, other)?;
        let content = self.content(root, other)?;
        // A pointer to nothing leads to the file.
        let place = go_to::place(&*self.world, other, &content, &led.pointer);
        let (start, end) = place.unwrap_or((mark, mark));
        let range = lines.range(start.saturating_sub(mark), end.saturating_sub(mark));
        Some(json!({"uri": self.uri(root, other), "range": range}))
    }

    /// The place where something in the file at `path` begins.
    fn start_of(&self, root: &str, path: &str, span: Option<Span>) -> Value {
        let start = span.map_or(0, |span| span.start);
        let range = self.lines(root, path).map(|(lines, mark)| {
            let start = start.saturating_sub(mark);
            lines.range(start, start)
        });
        let range = range.unwrap_or_else(|| Lines::new(Vec::new()).range(0, 0));
        json!({"uri": self.uri(root, path), "range": range})
    }

    pub(super) fn opened(&self, root: &str, path: &str) -> Option<(&String, &Text)> {
        let is_it = |text: &Text| {
            let place = text.place.as_ref();
            place.is_some_and(|(own, at)| own == root && at.as_str() == path)
        };
        self.open.iter().find(|(_, text)| is_it(text))
    }

    fn uri(&self, root: &str, path: &str) -> String {
        let open = self.opened(root, path).map(|(uri, _)| uri.clone());
        open.unwrap_or_else(|| uri::join(root, path))
    }

    /// The text of a file of the project, as it is open or as it was last.
    fn content(&self, root: &str, path: &str) -> Option<String> {
        if let Some((_, text)) = self.opened(root, path) {
            return Some(text.text.to_string());
        }
        let tree = &self.folder(root)?.names.as_ref()?.tree;
        let bytes = tree.read(tree.find(path)?).ok()?;
        String::from_utf8(bytes.into_owned()).ok()
    }

    fn lines(&self, root: &str, path: &str) -> Option<(Lines, u32)> {
        let content = self.content(root, path)?.into_bytes();
        Some(match self.opened(root, path) {
            Some(_) => (Lines::new(content), 0),
            None => Lines::of_file(content),
        })
    }
}
