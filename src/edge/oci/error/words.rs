//! The words of a refusal: registries, proxies and firewalls answer in JSON of
//! several shapes, in plain text and in pages of HTML.

use crate::diag::excerpt;
use serde_json::Value as Json;

/// How much is quoted, in characters.
const MOST: usize = 200;
/// How many errors of a list are quoted.
const ERRORS: usize = 3;

/// What `body` says, cut and on one line, behind `: `; nothing when it says nothing.
pub(in crate::edge::oci) fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let said = match serde_json::from_slice::<Json>(body) {
        Ok(json) => of_json(&json).unwrap_or_else(|| text.into_owned()),
        Err(_) if looks_like_html(&text) => without_tags(&text),
        Err(_) if is_binary(&text) => String::new(),
        Err(_) => text.into_owned(),
    };
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    match said.as_str() {
        "" | "{}" | "[]" | "null" => String::new(),
        said => format!(": {}", excerpt(said, MOST)),
    }
}

/// From a list of errors as the distribution specification has it, a problem document
/// (RFC 9457), an error of OAuth 2, or the `message` that many have.
fn of_json(json: &Json) -> Option<String> {
    let listed = json["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let mut texts: Vec<&str> = Vec::new();
    for error in listed.iter().take(ERRORS) {
        texts.extend(error.as_str());
        texts.extend(
            ["code", "message", "detail"]
                .map(|key| &error[key])
                .iter()
                .filter_map(|t| t.as_str()),
        );
    }
    if texts.is_empty() {
        texts.extend(json["error"].as_str());
        for key in ["code", "message"] {
            texts.extend(json["error"][key].as_str());
        }
        for key in [
            "error_description",
            "message",
            "title",
            "detail",
            "details",
            "reason",
        ] {
            texts.extend(json[key].as_str());
        }
    }
    let mut said: Vec<&str> = Vec::new();
    for text in texts {
        if !text.trim().is_empty() && !said.contains(&text) {
            said.push(text);
        }
    }
    (!said.is_empty()).then(|| said.join(" "))
}

fn looks_like_html(text: &str) -> bool {
    let start = text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    start.starts_with('<')
}

/// Mostly bytes that are no text.
fn is_binary(text: &str) -> bool {
    let odd = |c: &char| *c == '\u{fffd}' || (c.is_control() && !c.is_whitespace());
    text.chars().take(MOST).filter(odd).count() > 5
}

/// The text of a page: no tags, no comments, no scripts, no styles.
fn without_tags(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = match hidden(after) {
            Some(end) => after_text(after, end),
            None => after.split_once('>').map_or("", |(_, after)| after),
        };
    }
    text.push_str(rest);
    for (entity, character) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

/// What ends an element whose text nobody sees, by how its tag goes on.
fn hidden(tag: &str) -> Option<&'static str> {
    let begins = |name: &str| {
        tag.get(..name.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(name))
    };
    match () {
        () if begins("!--") => Some("-->"),
        () if begins("script") => Some("</script>"),
        () if begins("style") => Some("</style>"),
        () => None,
    }
}

/// What follows `end`, in any case; nothing when it does not come.
fn after_text<'t>(text: &'t str, end: &str) -> &'t str {
    let lower = text.to_ascii_lowercase();
    lower.find(end).map_or("", |at| &text[at + end.len()..])
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn whatever_a_refusal_is_written_in_its_words_are_found() {
        let long = format!("{{\"message\":\"{}\"}}", "x".repeat(10_000));
        for (body, said) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"no"},{"code":"B","detail":"why"}]}"#,
                ": DENIED no B why",
            ),
            (
                r#"{"errors":[{"code":"DENIED","message":"no","detail":{"a":1}}]}"#,
                ": DENIED no",
            ),
            (r#"{"errors":["over quota"]}"#, ": over quota"),
            (
                r#"{"error":"invalid_grant","error_description":"ended"}"#,
                ": invalid_grant ended",
            ),
            (
                r#"{"error":{"code":"Forbidden","message":"not here"}}"#,
                ": Forbidden not here",
            ),
            (
                r#"{"title":"Forbidden","detail":"read-only"}"#,
                ": Forbidden read-only",
            ),
            (r#"{"message":"suspended"}"#, ": suspended"),
            (
                r#"{"status":403,"path":"/x"}"#,
                r#": {"status":403,"path":"/x"}"#,
            ),
            ("denied:\n  quota\n", ": denied: quota"),
            (
                "<html><head><style>a{b}</style><script>x<y</script><!-- c --></head><H1>403</H1><p>By policy &amp; rule</html>",
                ": 403 By policy & rule",
            ),
            ("<p>open", ": open"),
            ("<style>never ends", ""),
            ("", ""),
            ("{}", ""),
            ("\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}", ""),
        ] {
            assert_eq!(words(body.as_bytes()), said, "{body}");
        }
        assert_eq!(words(&[0xff; 100]), "");
        assert!(words(long.as_bytes()).chars().count() < 210);
        assert!(!words(b"a\x1b[31mb").contains('\u{1b}'));
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            proptest::prop_assert!(words(&body).chars().count() < 1500);
        }
    }
}
