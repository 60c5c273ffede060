//! XML as its elements come, each at its place.

use crate::rules::malformed_definition;
use flux_apim_diag::rules::document_limit;
use flux_apim_diag::tree::{FileId, Limits};
use flux_apim_diag::{Diagnostic, Meter, Span, excerpt};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};
use std::ops::ControlFlow;

/// What looks at the elements of a document.
pub(super) trait Visit {
    /// An element begins; the end of an empty one comes at once.
    fn start(&mut self, tag: &Tag<'_>) -> ControlFlow<()>;
    /// The innermost element ends.
    fn end(&mut self);
}

/// The start of an element.
pub(super) struct Tag<'t> {
    file: FileId,
    text: &'t str,
    element: &'t BytesStart<'t>,
    names: &'t NamespaceResolver,
    /// Where it begins and ends.
    at: (usize, usize),
}

/// Bytes of a namespace that tell it from others: it is written once, and each name in
/// it is kept.
const MAX_NAMESPACE: usize = 200;

/// A name and its namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) local: String,
}

impl Tag<'_> {
    pub(super) fn local(&self) -> &str {
        let name = self.element.name().0;
        name.rsplit_once(':').map_or(name, |(_, local)| local)
    }

    /// The namespace of the element.
    pub(super) fn namespace(&self) -> &str {
        match self.names.resolve_element(self.element.name()).0 {
            ResolveResult::Bound(namespace) => namespace.into_inner(),
            _ => "",
        }
    }

    pub(super) fn span(&self) -> Span {
        Span::new(self.file, self.at.0, self.at.1)
    }

    /// The value of the attribute `name` without a prefix, and where it stands.
    pub(super) fn attribute(&self, name: &str) -> Option<(String, Span)> {
        let attribute = self.element.try_get_attribute(name).ok().flatten()?;
        let raw = attribute.value.as_ref();
        // The value is a part of the text, unless it was changed.
        let at = raw.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let at = at.filter(|at| self.text.get(*at..at + raw.len()) == Some(raw));
        let span = at.map_or_else(
            || self.span(),
            |at| Span::new(self.file, at, at + raw.len()),
        );
        let value = quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_owned(), Into::into);
        Some((value, span))
    }

    /// The same, when the value is the name of something.
    pub(super) fn qualified(&self, name: &str) -> Option<(Name, Span)> {
        let (value, span) = self.attribute(name)?;
        Some((self.resolve(value.trim()), span))
    }

    /// What `name`, written in this element, means.
    pub(super) fn resolve(&self, name: &str) -> Name {
        let (found, _) = self.names.resolve(QName(name), true);
        let namespace = match found {
            ResolveResult::Bound(namespace) => namespace_of(namespace.into_inner()),
            _ => String::new(),
        };
        let local = name.split_once(':').map_or(name, |(_, local)| local);
        Name {
            namespace,
            local: local.to_owned(),
        }
    }
}

/// The namespace `text` as it is kept in names.
pub(super) fn namespace_of(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_NAMESPACE)].to_owned()
}

/// Shows the elements of `text` to `visit`.
///
/// # Errors
/// Why it is no document.
pub(super) fn read(
    file: FileId,
    text: &str,
    limits: &Limits,
    meter: &Meter,
    visit: &mut dyn Visit,
) -> Result<(), Box<Diagnostic>> {
    let malformed = |at: u64, message: String| {
        let at = usize::try_from(at).unwrap_or(0).min(text.len());
        Box::new(malformed_definition::xml(file, at, message))
    };
    let mut reader = NsReader::from_str(text);
    let mut depth = 0_u64;
    // The text, names of open elements that the reader keeps, and what is seen.
    let _held = meter.budget().hold(10 * text.len(), file);
    let mut at = 0_u64;
    loop {
        let event = reader.read_event();
        let end = reader.buffer_position();
        // What the event was.
        meter.spend(1 + (end - at) / 64, file);
        let start = std::mem::replace(&mut at, end);
        match event {
            Ok(Event::Start(ref element) | Event::Empty(ref element)) => {
                let is_empty = matches!(event, Ok(Event::Empty(_)));
                depth += 1;
                let place = |at| usize::try_from(at).unwrap_or(text.len());
                let tag = Tag {
                    file,
                    text,
                    element,
                    names: reader.resolver(),
                    at: (place(start), place(end)),
                };
                if depth > limits.max_depth {
                    let what = format!("the document is nested {depth} levels deep");
                    return Err(Box::new(document_limit::over(
                        tag.span(),
                        &what,
                        limits.max_depth,
                        "max-depth",
                    )));
                }
                if visit.start(&tag).is_break() {
                    return Ok(());
                }
                if is_empty {
                    visit.end();
                    depth -= 1;
                }
            }
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                visit.end();
            }
            Ok(Event::DocType(_)) => {
                return Err(malformed(end, "a document type is not read".to_owned()));
            }
            Ok(Event::Eof) if depth > 0 => {
                let message = "the document ends inside an element";
                return Err(malformed(end, message.to_owned()));
            }
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                let message = excerpt(&error.to_string(), 200);
                let at = reader.error_position();
                return Err(malformed(at, format!("malformed XML: {message}")));
            }
        }
    }
}
