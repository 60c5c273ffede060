//! Bytes and UTF-16.

use crate::text::{Lines, changed};
use crate::uri;
use proptest::prelude::*;
use serde_json::{Value, json};

fn at(line: u64, character: u64) -> Value {
    json!({"line": line, "character": character})
}

#[test]
fn positions_are_counted_in_utf_16() {
    let text = "\u{feff}a\r\né€\u{1F600}x\rb\n";
    let lines = Lines::new(text.as_bytes().to_vec());
    for (part, line, character) in [
        ("\u{feff}", 0, 0),
        ("a", 0, 1),
        ("é", 1, 0),
        ("€", 1, 1),
        ("\u{1F600}", 1, 2),
        ("x", 1, 4),
        ("b", 2, 0),
    ] {
        let offset = text.find(part).unwrap();
        let position = at(line, character);
        assert_eq!(lines.position(offset as u32), position, "{part}");
        assert_eq!(lines.offset(&position), Some(offset), "{part}");
    }
    let x = text.find('x').unwrap();
    for (line, character, offset) in [
        // In the middle of a character of two units, behind a line, behind the text.
        (1, 3, x - 4),
        (0, 99, 4),
        (1, 99, x + 1),
        (3, 0, text.len()),
        (99, 0, text.len()),
        (u64::MAX, u64::MAX, text.len()),
    ] {
        assert_eq!(lines.offset(&at(line, character)), Some(offset), "{line}");
    }
    for wrong in [
        json!(null),
        json!({"line": -1, "character": 0}),
        json!({"line": 1}),
        json!({"line": "1", "character": 1.5}),
    ] {
        assert_eq!(lines.offset(&wrong), None, "{wrong}");
    }
    let (file, mark) = Lines::of_file(text.as_bytes().to_vec());
    assert_eq!((file.position(0), mark), (at(0, 0), 3));
}

#[test]
fn changes_are_made_one_after_the_other() {
    let change = |line: u64, from: u64, to: u64, text: &str| json!({"range": {"start": at(line, from), "end": at(line, to)}, "text": text});
    let changes = [
        change(1, 2, 4, "y"),
        change(0, 0, 0, "é"),
        change(1, 0, 3, ""),
    ];
    let made = changed("ab\r\nc€\u{1F600}d\n", &changes);
    assert_eq!(made.as_deref(), Some("éab\r\nd\n"));
    let whole = [json!({"text": "new"})];
    assert_eq!(changed("old", &whole).as_deref(), Some("new"));
    for wrong in [
        json!({}),
        json!({"text": 1}),
        json!({"range": {}, "text": ""}),
    ] {
        assert_eq!(changed("a", &[wrong]), None);
    }
}

#[test]
fn uris_are_paths() {
    for (uri, path) in [
        ("file:///a/b%20c.xml", Some("/a/b c.xml")),
        ("file:///c%3A/a/b", Some("c:/a/b")),
        ("file:///C:/a", Some("C:/a")),
        ("file://localhost/a", Some("/a")),
        ("file://server/share/a", None),
        ("untitled:Untitled-1", None),
        ("file:///%FF", None),
        ("", None),
    ] {
        assert_eq!(uri::to_path(uri).as_deref(), path, "{uri}");
    }
    assert_eq!(uri::below("/a/b/c", "/a/"), Some("b/c"));
    assert_eq!(uri::below("/ab/c", "/a"), None);
    assert_eq!(uri::below("C:/a/b", "c:/a"), Some("b"));
    assert_eq!(uri::below("/a", "/a"), None);
    assert_eq!(
        uri::join("file:///a/", "é (1)/b.xml"),
        "file:///a/%C3%A9%20%281%29/b.xml"
    );
}

proptest! {
    #[test]
    fn a_position_leads_back_to_its_byte(text in "(\\PC|[é€\u{1F600}\r\n\u{feff}]){0,400}") {
        let lines = Lines::new(text.as_bytes().to_vec());
        let units = |part: &str| part.encode_utf16().count() as u64;
        let mut start = 0;
        let mut line = 0;
        for (offset, c) in text.char_indices() {
            // Between the two characters of one line's end there is no position.
            if !(c == '\n' && text[..offset].ends_with('\r')) {
                let position = at(line, units(&text[start..offset]));
                prop_assert_eq!(lines.position(offset as u32), position.clone());
                prop_assert_eq!(lines.offset(&position), Some(offset));
            }
            let ends = c == '\n' || c == '\r' && !text[offset + 1..].starts_with('\n');
            if ends {
                start = offset + 1;
                line += 1;
            }
        }
    }
}
