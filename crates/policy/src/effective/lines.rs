//! An effective policy as lines of XML, each with the node that it is of.

use super::{Effective, Event, Inclusion, Part, PartId};
use crate::Section;
use crate::document::{MARK, NodeKind};
use flux_apim_diag::Meter;

/// A line, or several where a text has some.
pub(super) struct Line<'d> {
    /// Elements around it.
    pub(super) depth: usize,
    pub(super) text: Text<'d>,
    /// The node that it is of.
    pub(super) part: PartId,
}

/// What a line says.
pub(super) enum Text<'d> {
    /// As the document has it.
    Written(&'d str),
    /// A tag of our own.
    Tag(String),
    /// A remark: what an element became that is not there.
    Remark(String),
}

pub(super) fn lines<'d>(effective: &Effective<'d>, meter: &Meter) -> Vec<Line<'d>> {
    let mut printer = Printer {
        effective,
        depth: 1,
        lines: Vec::new(),
        meter,
    };
    for section in Section::ALL {
        printer.section(section);
    }
    printer.lines
}

struct Printer<'d, 'e> {
    effective: &'e Effective<'d>,
    depth: usize,
    lines: Vec<Line<'d>>,
    meter: &'e Meter,
}

impl<'d> Printer<'d, '_> {
    fn section(&mut self, section: Section) {
        let effective = self.effective;
        // A node that is printed whole: what is in it is not looked at.
        let mut whole: Option<PartId> = None;
        for event in effective.walk(effective.section(section)) {
            self.meter.spend(1, flux_apim_diag::Place::Source);
            match event {
                Event::Leave(id) if whole == Some(id) => whole = None,
                _ if whole.is_some() => {}
                Event::Enter(id) => {
                    if !self.enter(id) {
                        whole = Some(id);
                    }
                }
                Event::Leave(id) => self.leave(id),
            }
        }
    }

    fn put(&mut self, part: PartId, text: Text<'d>) {
        if let Text::Written(text) = text {
            let steps = text.len() as u64 / 64;
            self.meter.spend(steps, flux_apim_diag::Place::Source);
        }
        self.lines.push(Line {
            depth: self.depth,
            text,
            part,
        });
    }

    /// Whether what is in the node has lines of its own.
    fn enter(&mut self, id: PartId) -> bool {
        let effective = self.effective;
        match effective.part(id) {
            Part::Section(section) => {
                self.put(id, Text::Tag(format!("<{}>", section.name())));
                self.depth += 1;
            }
            Part::Base(None) => {
                let remark = "<base />: no document encloses this one".to_owned();
                self.put(id, Text::Remark(remark));
            }
            Part::Base(Some(_)) | Part::Fragment(Inclusion::Included) => {}
            Part::Fragment(inclusion) => {
                let name = self.fragment_name(id);
                let remark = match inclusion {
                    Inclusion::Cycle => format!("fragment {name}: it includes itself"),
                    Inclusion::TooDeep => {
                        format!("fragment {name}: not included, as too many are in each other")
                    }
                    Inclusion::Missing | Inclusion::Included => {
                        format!("fragment {name}: not among the sources")
                    }
                };
                self.put(id, Text::Remark(remark));
            }
            Part::Written => return self.written(id),
        }
        true
    }

    fn fragment_name(&self, id: PartId) -> &'d str {
        let element = self.effective.element(id);
        let origin = self.effective.origin(id);
        let name = origin.zip(element).and_then(|((source, _), element)| {
            let document = self.effective.source(source).document;
            document.attribute(element, "fragment-id")
        });
        name.map_or("without a name", |name| name.value)
    }

    fn written(&mut self, id: PartId) -> bool {
        let effective = self.effective;
        let Some((source, node)) = effective.origin(id) else {
            return false;
        };
        let document = effective.source(source).document;
        let Some(element) = effective.element(id) else {
            if let Some((text, kind)) = effective.text(id) {
                let inside = text.strip_prefix("<!--").map(str::trim_start);
                let is_note = kind == NodeKind::Comment
                    && inside.is_some_and(|inside| inside.starts_with(MARK));
                if !is_note {
                    self.put(id, Text::Written(text));
                }
            }
            return true;
        };
        if effective.is_foreign(id) || !effective.has_elements(id) {
            self.put(id, Text::Written(document.source(node)));
            return false;
        }
        let (start, end) = (element.opening.start as usize, element.opening.end as usize);
        let tag = document.text().get(start..end).unwrap_or("");
        self.put(id, Text::Written(tag));
        self.depth += 1;
        true
    }

    fn leave(&mut self, id: PartId) {
        let name = match self.effective.part(id) {
            Part::Section(section) => section.name(),
            Part::Written => match self.effective.element(id) {
                Some(element) => element.name,
                None => return,
            },
            Part::Base(_) | Part::Fragment(_) => return,
        };
        self.depth -= 1;
        self.put(id, Text::Tag(format!("</{name}>")));
    }
}
