//! Findings about the user's input.
//!
//! A [`Diagnostic`] is data: the [`Rule`] that produced it, a severity, a
//! message, exactly one primary [`Place`], and help. It knows nothing of APIM.
//! Byte spans become lines and columns once, in [`Report::resolve`].

mod budget;
mod credential;
mod findings;
mod fix;
mod json;
mod lines;
pub mod markdown;
mod prerequisite;
mod registry;
mod report;
mod rule;
pub mod rules;
pub mod sarif;
/// Paths and bytes of one source revision.
pub mod tree;
mod verdict;

pub use budget::{Budget, Held, Memory, Meter, Stop, Turn};
#[cfg(debug_assertions)]
#[doc(hidden)]
pub use credential::unmask_for_a_test;
pub use credential::{credential, is_masked, is_url_with_credential, without_credentials};
pub use findings::{Findings, Unlisted};
pub use fix::{Change, Edit, Fix, LocatedFix, Replacement};
pub use lines::{LineIndex, Position, Range, Snippet};
pub use prerequisite::Prerequisite;
pub use registry::{Found, Registry};
pub use report::{Located, LookedAt, Report, Summary};
pub use rule::{Class, Code, Evidence, HOME, Rule, Severity};
pub use verdict::{Exemption, Judge, Lowered, Verdict};

use crate::tree::FileId;
use rapidfuzz::distance::osa;

/// A byte range in one file of the source tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file that it is a part of.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Bytes `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            file,
            start: clamp(start),
            end: clamp(end),
        }
    }
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Bytes of a file in the tree.
    Span(Span),
    /// A whole file of the tree.
    File(FileId),
    /// Something that is no file of the tree: a folder, or an entry of an
    /// archive that was refused.
    Path(String),
    /// The source as a whole.
    Source,
}

impl Place {
    /// The file of the tree that it lies in.
    pub fn file(&self) -> Option<FileId> {
        match self {
            Self::Span(span) => Some(span.file),
            Self::File(file) => Some(*file),
            Self::Path(_) | Self::Source => None,
        }
    }
}

impl Place {
    /// The same place in the tree where `now` finds its file; `None` when it is not there.
    fn moved(&self, now: &impl Fn(FileId) -> Option<FileId>) -> Option<Self> {
        Some(match self {
            Self::Span(span) => Self::Span(Span {
                file: now(span.file)?,
                ..*span
            }),
            Self::File(file) => Self::File(now(*file)?),
            Self::Path(_) | Self::Source => self.clone(),
        })
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Self::Span(span)
    }
}

impl From<FileId> for Place {
    fn from(file: FileId) -> Self {
        Self::File(file)
    }
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// What is wrong, in one line that stands alone.
    pub message: String,
    /// Where.
    pub place: Place,
    /// Other places that belong to it, with what they are.
    pub related: Vec<(Place, String)>,
    /// What to do.
    pub help: Option<String>,
    /// The same as a change of the source.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding of `rule` at `place`.
    pub fn new(rule: &'static Rule, place: impl Into<Place>, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
            place: place.into(),
            related: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// The same finding about another tree with the same bytes, in which `now` finds the
    /// files; `None` when one of them is not there.
    pub fn moved(&self, now: &impl Fn(FileId) -> Option<FileId>) -> Option<Self> {
        let related = self.related.iter();
        let related = related.map(|(place, text)| Some((place.moved(now)?, text.clone())));
        Some(Self {
            rule: self.rule,
            message: self.message.clone(),
            place: self.place.moved(now)?,
            related: related.collect::<Option<_>>()?,
            help: self.help.clone(),
            fix: self.fix.as_ref().and_then(|fix| {
                fix.moved(|span| {
                    Some(Span {
                        file: now(span.file)?,
                        ..span
                    })
                })
            }),
        })
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        let related = self.related.iter().map(|(_, text)| 64 + text.len());
        let help = self.help.as_deref().map_or(0, str::len);
        let fix = self.fix.as_ref().map_or(0, Fix::bytes);
        200 + self.message.len() + help + fix + related.sum::<usize>()
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds that `new` was meant by the word `old`, which stands at its place: a fix, safe
    /// where the two are a slip of the hand apart.
    #[must_use]
    pub fn renames(self, old: &str, new: &str) -> Self {
        let is_safe = fix::is_slip(old, new);
        self.offers(old, new, is_safe)
    }

    /// As [`Diagnostic::renames`], where only people know whether `new` was meant.
    #[must_use]
    pub fn proposes(self, old: &str, new: &str) -> Self {
        self.offers(old, new, false)
    }

    fn offers(mut self, old: &str, new: &str, is_safe: bool) -> Self {
        if let Place::Span(span) = self.place {
            self.fix = Some(Fix {
                title: format!("write `{new}`"),
                is_safe,
                edits: vec![Edit {
                    span,
                    change: Change::Word(old.to_owned(), new.to_owned()),
                }],
            });
        }
        self
    }

    /// Adds that the word of its fix stands at `span` too, as in a closing tag.
    #[must_use]
    pub fn also_at(mut self, span: Option<Span>) -> Self {
        if let (Some(fix), Some(span)) = (&mut self.fix, span)
            && let Some(change) = fix.edits.first().map(|edit| edit.change.clone())
        {
            fix.edits.push(Edit { span, change });
        }
        self
    }

    /// Adds that the bare scalar at its place is meant as text.
    #[must_use]
    pub fn quotes(mut self) -> Self {
        if let Place::Span(span) = self.place {
            self.fix = Some(Fix {
                title: "put it between quotes".to_owned(),
                is_safe: true,
                edits: vec![Edit {
                    span,
                    change: Change::Quotes,
                }],
            });
        }
        self
    }

    /// Its places are others: those of its fix, where they are in a text inside of
    /// another one, `None` where that is not known.
    pub fn move_fix(&mut self, now: impl Fn(Span) -> Option<Span>) {
        self.fix = self.fix.take().and_then(|fix| fix.moved(now));
    }

    /// Adds another place that belongs to the finding.
    #[must_use]
    pub fn related(mut self, place: impl Into<Place>, message: impl Into<String>) -> Self {
        self.related.push((place.into(), message.into()));
        self
    }
}

/// `text` shortened for a message: control characters shown as escapes, at
/// most `max` scalar values, and nothing that has the shape of a credential. Keeps hostile
/// input from flooding a terminal.
pub fn excerpt(text: &str, max: usize) -> String {
    // One that is cut off has no shape: it is looked for a while behind what is shown.
    let end = text.floor_char_boundary((max * 4).saturating_add(LONGEST_CREDENTIAL));
    let text = without_credentials(&text[..end]);
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == max {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Bytes behind what is shown in which a credential that begins there is looked for.
const LONGEST_CREDENTIAL: usize = 4096;

/// Longest word that a nearest one is sought for, in scalar values, and how many
/// candidates are looked at.
const MAX_NEAREST: (usize, usize) = (120, 1000);
/// Most edits between a word and one that it may have been meant to be.
const MAX_EDITS: usize = 8;

/// How often each letter stands in a word, in either case.
struct Letters([u8; 32]);

impl Letters {
    fn of(word: &str) -> Self {
        let mut counts = [0_u8; 32];
        for byte in word.bytes() {
            let count = &mut counts[usize::from(byte & 31)];
            *count = count.saturating_add(1);
        }
        Self(counts)
    }

    /// Edits that it takes at least from one word to the other: each takes one
    /// letter away and adds one.
    fn edits(&self, other: &Self) -> usize {
        let pairs = self.0.iter().zip(&other.0);
        let apart: usize = pairs.map(|(a, b)| usize::from(a.abs_diff(*b))).sum();
        apart.div_ceil(2)
    }
}

/// The candidate nearest to `wanted` by edit distance, if near enough to be
/// worth naming. [`Findings::hint`] bounds how often that is asked.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (max_length, max_candidates) = MAX_NEAREST;
    let length = wanted.chars().take(max_length + 1).count();
    if length > max_length {
        return None;
    }
    let limit = (length / 3).clamp(2, MAX_EDITS);
    let within = osa::Args::default().score_cutoff(limit);
    let comparator = osa::BatchComparator::new(wanted.to_lowercase().chars());
    let letters = wanted.is_ascii().then(|| Letters::of(wanted));
    // Most are told apart by their lengths and letters, which costs a tenth.
    let may_be_near = |c: &str| match &letters {
        Some(letters) if c.is_ascii() => {
            c.len().abs_diff(length) <= limit && letters.edits(&Letters::of(c)) <= limit
        }
        _ => c.chars().take(length + limit + 1).count().abs_diff(length) <= limit,
    };
    let candidates = candidates.into_iter().take(max_candidates);
    let near = candidates.filter_map(|c| {
        // One with the other's words and more is near, after all that few edits reach.
        let edits = may_be_near(c)
            .then(|| comparator.distance_with_args(c.to_lowercase().chars(), &within))
            .flatten();
        match edits {
            Some(distance) => Some((distance, c)),
            None if goes_on(wanted, c) || goes_on(c, wanted) => Some((usize::MAX, c)),
            None => None,
        }
    });
    near.min().map(|(_, c)| c)
}

/// Whether `long` is `short` with more words behind it or before it: `orders-dev` and
/// `orders`. A word of few letters is in too many names.
fn goes_on(long: &str, short: &str) -> bool {
    let is_word = |rest: &str, at_end: bool| {
        let next = match at_end {
            true => rest.chars().next(),
            false => rest.chars().next_back(),
        };
        next.is_some_and(|c| !c.is_alphanumeric())
    };
    let (Some(head), Some(from)) = (long.get(..short.len()), long.len().checked_sub(short.len()))
    else {
        return false;
    };
    short.len() >= 4
        && (head.eq_ignore_ascii_case(short) && is_word(&long[short.len()..], true)
            || long.get(from..).is_some_and(|tail| {
                tail.eq_ignore_ascii_case(short) && is_word(&long[..from], false)
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_the_one_of_fewest_edits() {
        let known = ["orders", "order-items", "ORDER", "bestellungen", "größe"];
        for (wanted, near) in [
            ("oders", Some("orders")),
            ("Orders", Some("orders")),
            ("odrer", Some("ORDER")),
            ("order_items", Some("order-items")),
            ("grösse", Some("größe")),
            ("customers", None),
            ("bestellungen-dev", Some("bestellungen")),
            ("my-bestellungen", Some("bestellungen")),
            ("bestellungenundlieferungen", None),
        ] {
            assert_eq!(nearest(wanted, known), near, "{wanted}");
        }
    }
}
