//! Answers to requests about a place in a text.

use super::{Session, Text};
use crate::hover::Pointed;
use crate::message::Code;
use crate::text::Lines;
use crate::{go_to, hover, uri};
use flux_apim_diag::tree::ArtifactPath;
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

    pub(super) fn in_policy<'p>(&'p self, text: &'p Text, at: usize) -> Pointed<'p> {
        Pointed {
            text: &text.text,
            path: text.path.as_ref().map(ArtifactPath::as_str),
            at,
            world: &*self.world,
            names: self.names.as_ref(),
        }
    }

    pub(super) fn definition(&self, params: &Value, text: &Text, at: usize) -> Option<Value> {
        let (_, root) = self.root.as_ref()?;
        let path = text.path.as_ref()?.as_str();
        if flux_apim_policy::sniff(&text.text).is_some() {
            let (path, span) = hover::target(self.in_policy(text, at))?;
            let span = span.map_or((0, 0), |span| (span.start, span.start));
            let lines = self.lines(&path);
            let range = lines.map(|(lines, mark)| {
                let offset = |at: u32| at.saturating_sub(mark);
                lines.range(offset(span.0), offset(span.1))
            });
            let range = range.unwrap_or_else(|| Lines::new(Vec::new()).range(0, 0));
            return Some(json!({"uri": self.uri(root, &path), "range": range}));
        }
        let led = go_to::led(&*self.world, path, &text.text, at)?;
        let Some(other) = &led.path else {
            let (start, end) = go_to::place(&*self.world, path, &text.text, &led.pointer)?;
            let lines = Lines::new(text.text.as_bytes().to_vec());
            let uri = params.pointer("/textDocument/uri")?;
            return Some(json!({"uri": uri, "range": lines.range(start, end)}));
        };
        let (lines, mark) = self.lines(other)?;
        let content = self.content(other)?;
        // A pointer to nothing leads to the file.
        let place = go_to::place(&*self.world, other, &content, &led.pointer);
        let (start, end) = place.unwrap_or((mark, mark));
        let range = lines.range(start.saturating_sub(mark), end.saturating_sub(mark));
        Some(json!({"uri": self.uri(root, other), "range": range}))
    }

    pub(super) fn opened(&self, path: &str) -> Option<(&String, &Text)> {
        let is_it = |text: &Text| text.path.as_ref().is_some_and(|own| own.as_str() == path);
        self.open.iter().find(|(_, text)| is_it(text))
    }

    fn uri(&self, root: &str, path: &str) -> String {
        let open = self.opened(path).map(|(uri, _)| uri.clone());
        open.unwrap_or_else(|| uri::join(root, path))
    }

    /// The text of a file of the project, as it is open or as it was last.
    fn content(&self, path: &str) -> Option<String> {
        if let Some((_, text)) = self.opened(path) {
            return Some(text.text.to_string());
        }
        let tree = &self.names.as_ref()?.tree;
        let bytes = tree.read(tree.find(path)?).ok()?;
        String::from_utf8(bytes.into_owned()).ok()
    }

    fn lines(&self, path: &str) -> Option<(Lines, u32)> {
        let content = self.content(path)?.into_bytes();
        Some(match self.opened(path) {
            Some(_) => (Lines::new(content), 0),
            None => Lines::of_file(content),
        })
    }
}
