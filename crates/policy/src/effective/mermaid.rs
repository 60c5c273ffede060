//! An effective policy as a Mermaid flow chart: a box for each policy, a fork for each
//! `<choose>`.

use super::{Effective, Event, Inclusion, Part, PartId};
use crate::Section;
use flux_apim_diag::{Meter, Place, excerpt};

/// Longest text of a box, in scalar values.
const LONGEST: usize = 60;

/// Prints `effective` as a Mermaid flow chart.
pub fn mermaid(effective: &Effective<'_>, meter: &Meter) -> String {
    let mut chart = Chart {
        effective,
        out: String::from("flowchart TD\n"),
        count: 0,
        open: Vec::new(),
        forks: Vec::new(),
        meter,
    };
    for section in Section::ALL {
        chart.section(section);
    }
    chart.out
}

/// A `<choose>` that is being drawn.
struct Fork {
    part: PartId,
    own: usize,
    /// Where its branches end.
    ends: Vec<usize>,
    /// Whether a branch is taken in any case.
    exhaustive: bool,
}

struct Chart<'d, 'e> {
    effective: &'e Effective<'d>,
    out: String,
    /// Boxes that were drawn.
    count: usize,
    /// Boxes that lead to the next one.
    open: Vec<usize>,
    forks: Vec<Fork>,
    meter: &'e Meter,
}

impl Chart<'_, '_> {
    fn section(&mut self, section: Section) {
        let name = section.name();
        self.out.push_str(&format!("  subgraph {name}\n"));
        self.open.clear();
        let effective = self.effective;
        let mut whole = None;
        for event in effective.walk(effective.section(section)) {
            self.meter.spend(1, Place::Source);
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
        self.out.push_str("  end\n");
    }

    /// Whether what is in the node has boxes of its own.
    fn enter(&mut self, id: PartId) -> bool {
        let effective = self.effective;
        let Some(element) = effective.element(id) else {
            return matches!(effective.part(id), Part::Section(_));
        };
        match effective.part(id) {
            Part::Section(_) | Part::Base(Some(_)) | Part::Fragment(Inclusion::Included) => true,
            Part::Base(None) => false,
            Part::Fragment(_) => {
                self.draw(id, "(", ")");
                false
            }
            Part::Written => {
                match element.name {
                    "choose" => {
                        let own = self.draw(id, "{", "}");
                        self.forks.push(Fork {
                            part: id,
                            own,
                            ends: Vec::new(),
                            exhaustive: false,
                        });
                    }
                    "when" | "otherwise" => {
                        if let Some(fork) = self.forks.last_mut() {
                            fork.exhaustive |= element.name == "otherwise";
                            self.open = vec![fork.own];
                        }
                        self.draw(id, "([", "])");
                    }
                    "return-response" => {
                        self.draw(id, "[[", "]]");
                        self.open.clear();
                    }
                    _ => {
                        self.draw(id, "[", "]");
                    }
                }
                holds_policies(element.name)
            }
        }
    }

    fn leave(&mut self, id: PartId) {
        let effective = self.effective;
        let name = effective.element(id).map(|element| element.name);
        if effective.part(id) != Part::Written {
            return;
        }
        match (name, self.forks.last_mut()) {
            (Some("when" | "otherwise"), Some(fork)) => {
                self.meter.spend(self.open.len() as u64, Place::Source);
                fork.ends.append(&mut self.open);
            }
            (Some("choose"), Some(fork)) if fork.part == id => {
                if let Some(mut fork) = self.forks.pop() {
                    if !fork.exhaustive {
                        fork.ends.push(fork.own);
                    }
                    self.open = fork.ends;
                }
            }
            _ => {}
        }
    }

    /// Draws a box, with arrows from those that lead to it.
    fn draw(&mut self, id: PartId, begin: &str, end: &str) -> usize {
        let own = self.count;
        self.count += 1;
        let text = self.text(id);
        self.out
            .push_str(&format!("    n{own}{begin}\"{text}\"{end}\n"));
        self.meter.spend(self.open.len() as u64, Place::Source);
        for from in std::mem::replace(&mut self.open, vec![own]) {
            self.out.push_str(&format!("    n{from} --> n{own}\n"));
        }
        own
    }

    fn text(&self, id: PartId) -> String {
        let effective = self.effective;
        let (Some((source, _)), Some(element)) = (effective.origin(id), effective.element(id))
        else {
            return String::new();
        };
        let source = effective.source(source);
        let attributes = source.document.attributes(element);
        // The attribute that tells it from others of its name.
        let own = attributes
            .iter()
            .find(|attribute| attribute.name != "id")
            .map_or("", |attribute| attribute.value.trim());
        let mut out = escape(&excerpt(element.name, LONGEST));
        if !own.is_empty() {
            out.push_str("<br/>");
            out.push_str(&escape(&excerpt(own, LONGEST)));
        }
        out.push_str("<br/>");
        let place = format!("{}:{}", source.label(), effective.line(id).unwrap_or(1));
        out.push_str(&escape(&excerpt(&place, LONGEST)));
        out
    }
}

fn holds_policies(name: &str) -> bool {
    let rows = crate::catalogue::CATALOGUE.named(name).iter();
    let mut rows = rows.map(|row| &crate::catalogue::CATALOGUE.rows[*row]);
    name == "choose" || rows.any(|row| row.mixed)
}

/// Text in a box. What is more than letters may mean something to Mermaid.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '/' | '-' | '_' | ':') {
            out.push(c);
        } else {
            out.push_str(&format!("#{};", c as u32));
        }
    }
    out
}
