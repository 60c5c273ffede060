//! Patterns of file paths: folders with alternatives and names in between.

#[derive(Debug)]
enum Segment {
    /// One of these words.
    Words(Vec<&'static str>),
    /// A resource name: its place in the ARM name.
    Name(usize),
}

/// A pattern such as `products/{}/apis/{}/productApiInformation.json`.
#[derive(Debug)]
pub struct Pattern {
    segments: Vec<Segment>,
    captures: usize,
}

impl Pattern {
    pub(super) fn parse(text: &'static str) -> Self {
        let mut captures = 0;
        let segments = text
            .split('/')
            .map(|segment| match segment.strip_prefix('{') {
                Some(rest) => {
                    let number = rest.trim_end_matches('}').parse().unwrap_or(captures);
                    captures += 1;
                    Segment::Name(number)
                }
                None => Segment::Words(segment.split('|').collect()),
            })
            .collect();
        Self { segments, captures }
    }

    /// How many names it captures.
    pub fn captures(&self) -> usize {
        self.captures
    }

    /// How many segments it has.
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// What the file may be called.
    pub fn file_names(&self) -> &[&'static str] {
        match self.segments.last() {
            Some(Segment::Words(words)) => words,
            _ => &[],
        }
    }

    /// The names in `path`, when all of its segments match.
    pub fn matches<'p>(&self, path: &[&'p str]) -> Option<Vec<&'p str>> {
        if path.len() != self.segments.len() {
            return None;
        }
        let mut names = vec![""; self.captures];
        for (segment, given) in self.segments.iter().zip(path) {
            match segment {
                Segment::Words(words) => {
                    if !words.contains(given) {
                        return None;
                    }
                }
                Segment::Name(place) => names[*place] = given,
            }
        }
        Some(names)
    }
}
