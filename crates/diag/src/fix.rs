//! Changes of the source that mend a finding, as data.

use super::{LineIndex, Range, Span};
use rapidfuzz::distance::osa;

/// A change of the source that mends a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as a sentence to people: ``write `description` ``.
    pub title: String,
    /// Whether it is what was meant beyond doubt: `validate --fix` makes these alone.
    pub is_safe: bool,
    /// What is written anew. All of it is done, or nothing.
    pub edits: Vec<Edit>,
}

/// A part of the source that is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where it stands. It may be wider than the word: quotes, an angle bracket.
    pub span: Span,
    /// How.
    pub change: Change,
}

/// How a part of the source is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The word `.0`, which stands there once and by itself, becomes `.1`.
    Word(String, String),
    /// A bare scalar is put between double quotes.
    Quotes,
}

/// A fix at lines and columns of the files as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedFix {
    /// See [`Fix::title`].
    pub title: String,
    /// See [`Fix::is_safe`].
    pub is_safe: bool,
    /// What is replaced, and by what.
    pub edits: Vec<Replacement>,
}

/// Characters of a file that are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The file that is changed, relative to the source.
    pub path: String,
    /// What is taken out.
    pub range: Range,
    /// What is put there.
    pub text: String,
}

impl Fix {
    /// Bytes that it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let texts = self.edits.iter().map(|edit| match &edit.change {
            Change::Word(old, new) => 64 + old.len() + new.len(),
            Change::Quotes => 64,
        });
        64 + self.title.len() + texts.sum::<usize>()
    }

    /// The same fix at other places; `None` when one of them is not there.
    pub(super) fn moved(&self, now: impl Fn(Span) -> Option<Span>) -> Option<Self> {
        let edits = self.edits.iter().map(|edit| {
            Some(Edit {
                span: now(edit.span)?,
                change: edit.change.clone(),
            })
        });
        Some(Self {
            title: self.title.clone(),
            is_safe: self.is_safe,
            edits: edits.collect::<Option<_>>()?,
        })
    }
}

impl Edit {
    /// What it replaces in the text of its file, which `index` has; `None` where the word
    /// does not stand as it was read: with escapes, or behind an alias of YAML.
    pub(super) fn located(&self, path: &str, index: &LineIndex) -> Option<Replacement> {
        let text = index.text(self.span)?;
        let (at, old, new) = match &self.change {
            Change::Word(old, new) => {
                if old.is_empty() || text.len() > old.len() + BESIDE {
                    return None;
                }
                let mut found = text.match_indices(old.as_str());
                let (at, _) = found.next()?;
                let is_alone = found.next().is_none()
                    && !text[..at].ends_with(is_of_word)
                    && !text[at + old.len()..].starts_with(is_of_word);
                is_alone.then(|| (at, old.len(), new.clone()))?
            }
            Change::Quotes => {
                let is_bare = |c: char| c.is_ascii_alphanumeric() || "+-._".contains(c);
                let is_scalar = !text.is_empty() && text.chars().all(is_bare);
                is_scalar.then(|| (0, text.len(), format!("\"{text}\"")))?
            }
        };
        let start = self.span.start + u32::try_from(at).ok()?;
        Some(Replacement {
            path: path.to_owned(),
            range: index.range(start, start + u32::try_from(old).ok()?),
            text: new,
        })
    }
}

/// Characters beside a word in its span: quotes, also as `&quot;`, `</` and `>`.
const BESIDE: usize = 12;

/// Whether a word goes on with `c`.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `old` is `new` with a slip of the hand: in another case, or two letters of
/// many apart.
pub(super) fn is_slip(old: &str, new: &str) -> bool {
    const MAX: usize = 2;
    if old.eq_ignore_ascii_case(new) {
        return true;
    }
    let shorter = old.chars().count().min(new.chars().count());
    let within = osa::Args::default().score_cutoff(MAX);
    let edits = osa::distance_with_args(
        old.to_lowercase().chars(),
        new.to_lowercase().chars(),
        &within,
    );
    edits.is_some_and(|edits| shorter > 3 * edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::FileId;

    #[test]
    fn a_slip_is_a_letter_or_two_of_a_word() {
        for (old, new, wanted) in [
            ("descripton", "description", true),
            ("Description", "description", true),
            ("protcols", "protocols", true),
            ("stat", "state", true),
            ("pth", "path", false),
            ("headers", "readers", true),
            ("title", "tags", false),
            ("orders-dev", "orders", false),
        ] {
            assert_eq!(is_slip(old, new), wanted, "{old}");
        }
    }

    #[test]
    fn an_edit_replaces_the_word_alone_where_it_stands_as_it_was_read() {
        let found = |text: &str, change: Change| {
            let edit = Edit {
                span: Span::new(FileId(0), 2, text.len()),
                change,
            };
            let replaced = edit.located("a", &LineIndex::new(text.as_bytes().to_vec()))?;
            let range = replaced.range.start.offset as usize..replaced.range.end.offset as usize;
            let mut text = text.to_owned();
            text.replace_range(range, &replaced.text);
            Some(text)
        };
        let word = || Change::Word("stat".to_owned(), "state".to_owned());
        for (text, change, wanted) in [
            ("  \"stat\"", word(), Some("  \"state\"")),
            ("  stat", word(), Some("  state")),
            ("  </stat>", word(), Some("  </state>")),
            ("  \"st\\u0061t\"", word(), None),
            ("  stat stat", word(), None),
            ("  a long text with stat", word(), None),
            ("  &quot;stat&quot;", word(), Some("  &quot;state&quot;")),
            ("  station", word(), None),
            ("  007", Change::Quotes, Some("  \"007\"")),
            ("  \"007\"", Change::Quotes, None),
            ("  a: b", Change::Quotes, None),
        ] {
            assert_eq!(found(text, change).as_deref(), wanted, "{text}");
        }
    }
}
