//! The C# that an expression stands for, with the way back to the policy.

use std::borrow::Cow;

/// Code without the entities of XML, and where its bytes were.
pub(crate) struct Code<'t> {
    pub(crate) text: Cow<'t, str>,
    /// Offsets in the code from which on bytes are `1` further in the source.
    shifts: Vec<(u32, u32)>,
}

/// The five entities of XML; quotes have numeric forms too.
const ENTITIES: [(&str, char); 9] = [
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&amp;", '&'),
    ("&quot;", '"'),
    ("&apos;", '\''),
    ("&#34;", '"'),
    ("&#39;", '\''),
    ("&#x22;", '"'),
    ("&#x27;", '\''),
];

impl<'t> Code<'t> {
    /// Of what stands between the brackets of an expression. In a string with raw
    /// quotes an entity may be text of the string, and is left: that changes no type.
    pub(crate) fn new(source: &'t str) -> Self {
        if !source.contains('&') {
            return Self {
                text: Cow::Borrowed(source),
                shifts: Vec::new(),
            };
        }
        let bytes = source.as_bytes();
        let mut out = String::with_capacity(source.len());
        let mut shifts = Vec::new();
        let (mut at, mut copied) = (0, 0);
        // Up to where a comment may go. It may be text of a string whose quotes are
        // entities, so what is in it is read, but for raw quotes.
        let mut comment_end = 0;
        while let Some(found) = memchr::memchr3(b'&', b'"', b'/', &bytes[at..]) {
            at += found;
            match bytes[at] {
                b'"' | b'/' if at < comment_end => at += 1,
                b'"' => at = raw_string(bytes, at),
                b'/' => {
                    comment_end = comment(bytes, at);
                    at += 1;
                }
                _ => {
                    let rest = &source[at..];
                    let entity = ENTITIES.iter().find(|(name, _)| rest.starts_with(name));
                    let Some((name, c)) = entity else {
                        at += 1;
                        continue;
                    };
                    out.push_str(&source[copied..at]);
                    out.push(*c);
                    at += name.len();
                    copied = at;
                    shifts.push((offset(out.len()), offset(at - out.len())));
                }
            }
        }
        out.push_str(&source[copied..]);
        Self {
            text: Cow::Owned(out),
            shifts,
        }
    }

    /// Where the bytes `start..end` of the code are in the source.
    pub(crate) fn range(&self, start: u32, end: u32) -> (usize, usize) {
        (self.at(start), self.at(end).max(self.at(start)))
    }

    fn at(&self, at: u32) -> usize {
        let behind = self.shifts.partition_point(|(from, _)| *from <= at);
        let shift = behind
            .checked_sub(1)
            .map_or(0, |index| self.shifts[index].1);
        at as usize + shift as usize
    }
}

fn offset(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Behind the string that starts with the quote at `at`.
fn raw_string(bytes: &[u8], at: usize) -> usize {
    let before = &bytes[at.saturating_sub(2)..at];
    let verbatim = before.ends_with(b"@") || before.ends_with(b"@$");
    let mut end = at + 1;
    while let Some(found) = memchr::memchr3(b'"', b'\\', b'\n', &bytes[end..]) {
        end += found + 1;
        match bytes[end - 1] {
            b'"' if verbatim && bytes.get(end) == Some(&b'"') => end += 1,
            b'"' => return end,
            b'\\' if !verbatim => end = (end + 1).min(bytes.len()),
            // A string that is not verbatim does not go beyond its line.
            b'\n' if !verbatim => return end,
            _ => {}
        }
    }
    bytes.len()
}

/// Behind the comment that starts with the slash at `at`, if one does.
fn comment(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let end = if rest.starts_with(b"//") {
        memchr::memchr(b'\n', rest)
    } else if rest.starts_with(b"/*") {
        memchr::memmem::find(&rest[2..], b"*/").map(|end| end + 4)
    } else {
        return at + 1;
    };
    end.map_or(bytes.len(), |end| at + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entities_are_read_where_they_are_code() {
        for (source, text) in [
            ("a &lt; b &amp;&amp; c", "a < b && c"),
            ("x[&quot;a&quot;] + \"&quot;\"", "x[\"a\"] + \"&quot;\""),
            ("a // \" &lt;\n &lt; b", "a // \" <\n < b"),
            ("a /* \" */ &lt; b", "a /* \" */ < b"),
            // Two slashes are text of a string whose quotes are entities.
            (
                "f(&quot;https://a&quot;) &lt; &quot;b&quot;",
                "f(\"https://a\") < \"b\"",
            ),
            (
                "$&quot;{x[&quot;a//b&quot;]}//c&quot; + &quot;/*&quot;",
                "$\"{x[\"a//b\"]}//c\" + \"/*\"",
            ),
            ("@\"\\\" + &quot;b&quot;", "@\"\\\" + \"b\""),
            ("a & b", "a & b"),
        ] {
            assert_eq!(Code::new(source).text, text, "{source}");
        }
    }

    #[test]
    fn places_in_the_code_are_places_in_the_source() {
        let source = "x[&quot;a&quot;] &lt; yy";
        let code = Code::new(source);
        for part in ["x", "a", "yy", "]"] {
            let start = code.text.find(part).expect("it is there") as u32;
            let (from, to) = code.range(start, start + part.len() as u32);
            assert_eq!(&source[from..to], part);
        }
    }

    proptest! {
        #[test]
        fn is_total(source in "[&quotlg;#34@\"'/*a \n\\\\é]{0,40}") {
            let code = Code::new(&source);
            for (at, _) in code.text.char_indices() {
                let (from, _) = code.range(at as u32, at as u32);
                prop_assert!(source.is_char_boundary(from));
            }
        }
    }
}
