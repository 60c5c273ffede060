//! The pin: digest and tag of a bundle in the `OCIRepository` that consumes it,
//! changed in place. Every other byte of the file stays as it is.

use super::Error;
use crate::diag::{Budget, Findings};
use crate::syntax::{self, Document, Format, NodeKind, NodeRef};
use crate::tree::{Digest, FileId, Limits};
use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Manifests that people write are small.
const MAX: u64 = 4 << 20;

/// What a manifest is to point to.
#[derive(Debug, Clone)]
pub struct Pin {
    /// `spec.url` of the object: `oci://REGISTRY/REPOSITORY`.
    pub url: String,
    /// `spec.ref.digest`.
    pub digest: Digest,
    /// `spec.ref.tag`, for people; Flux goes by the digest.
    pub tag: Option<String>,
}

/// Whether a pin for `url` can be written into the file: what would refuse it is known
/// before a tag moves.
///
/// # Errors
/// As [`write_pin`].
pub fn check_pin(path: &Path, url: &str) -> Result<(), Error> {
    let pin = Pin {
        url: url.to_owned(),
        digest: Digest::of(b""),
        tag: None,
    };
    fresh(path, &pin).map(drop)
}

/// The file behind `path`, its text, and the same with `pin` in it.
fn fresh(path: &Path, pin: &Pin) -> Result<(PathBuf, String, String), Error> {
    let refused = |problem: String| Error::Pin {
        path: path.to_owned(),
        problem,
    };
    let io = |error: std::io::Error| refused(error.to_string());
    // A link is followed: what it points to is replaced.
    let real = path.canonicalize().map_err(io)?;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&real).map_err(io)?;
    file.take(MAX + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX {
        return Err(refused(format!("it has more than {MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8".to_owned()))?;
    let pinned = pinned(&text, pin).map_err(refused)?;
    Ok((real, text, pinned))
}

/// Writes `pin` into the one `OCIRepository` of the file whose URL it has;
/// whether anything changed.
///
/// # Errors
/// When there is no such object, more than one, or one whose place cannot be
/// told; the file is then as it was.
pub fn write_pin(path: &Path, pin: &Pin) -> Result<bool, Error> {
    let io = |error: std::io::Error| Error::Pin {
        path: path.to_owned(),
        problem: error.to_string(),
    };
    let (real, text, pinned) = fresh(path, pin)?;
    if pinned == text {
        return Ok(false);
    }
    let folder = real.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::Builder::new()
        .prefix(".flux-apim-")
        .tempfile_in(folder)
        .map_err(io)?;
    fresh.write_all(pinned.as_bytes()).map_err(io)?;
    let permissions = real.metadata().map_err(io)?.permissions();
    fresh.as_file().set_permissions(permissions).map_err(io)?;
    fresh.as_file().sync_data().map_err(io)?;
    fresh.persist(&real).map_err(|e| io(e.error))?;
    Ok(true)
}

/// `text` with `pin` in it.
fn pinned(text: &str, pin: &Pin) -> Result<String, String> {
    let mut found: Vec<(Range<usize>, Document, String)> = Vec::new();
    let mut urls = Vec::new();
    for range in documents(text) {
        let part = &text[range.clone()];
        if !part.contains("OCIRepository") {
            continue;
        }
        let document = parse(part)?;
        let root = document.root();
        if root.get("kind").and_then(NodeRef::as_str) != Some("OCIRepository") {
            continue;
        }
        let name = root.pointer("/metadata/name").and_then(NodeRef::as_str);
        let name = name.unwrap_or("without a name").to_owned();
        let url = root.pointer("/spec/url").and_then(NodeRef::as_str);
        let url = url.unwrap_or("").trim_end_matches('/');
        if url == pin.url {
            found.push((range, document, name));
        } else {
            urls.push(format!("{name} has {}", crate::diag::excerpt(url, 200)));
        }
    }
    match found.as_slice() {
        [(range, document, _)] => {
            let part = edited(&text[range.clone()], document, pin)?;
            Ok(format!(
                "{}{part}{}",
                &text[..range.start],
                &text[range.end..]
            ))
        }
        [] if urls.is_empty() => Err("it holds no OCIRepository".to_owned()),
        [] => Err(format!(
            "no OCIRepository in it has the url {}: {}",
            pin.url,
            urls.join(", ")
        )),
        several => Err(format!(
            "{} OCIRepository objects have the url {}: {}; keep the one to pin in a file of its own",
            several.len(),
            pin.url,
            several
                .iter()
                .map(|(_, _, name)| name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}

/// The documents of a YAML stream.
fn documents(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let marker = line.strip_prefix("---");
        if at > 0
            && marker
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts[1..].iter().copied().chain([text.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

fn parse(text: &str) -> Result<Document, String> {
    let limits = Limits::default();
    let options = syntax::Options {
        malformed: &syntax::rules::MALFORMED_DOCUMENT,
        limits: &limits,
    };
    let mut findings = Findings::new(&Budget::new(&limits), &limits);
    let text = text.to_owned();
    let document = syntax::parse(FileId(0), text, Format::Yaml, options, &mut findings);
    match (document, findings.listed().first()) {
        (Some(document), None) => Ok(document),
        (_, Some(finding)) => Err(finding.message.clone()),
        (None, None) => Err("it cannot be read".to_owned()),
    }
}

/// A change: these bytes become that text.
struct Edit {
    at: Range<usize>,
    text: String,
}

fn edited(text: &str, document: &Document, pin: &Pin) -> Result<String, String> {
    let digest = pin.digest.to_string();
    let mut fields = vec![("digest", digest.as_str())];
    if let Some(tag) = &pin.tag {
        fields.insert(0, ("tag", tag));
    }
    let Some(spec) = document.root().get("spec") else {
        return Err("the object has no spec".to_owned());
    };
    let mut edits = match spec.entry("ref") {
        None => vec![insert_ref(text, spec, &fields)?],
        Some((_, reference)) if reference.kind() == NodeKind::Object => {
            let mut edits = Vec::new();
            let mut missing = Vec::new();
            for (key, value) in &fields {
                match reference.entry(key) {
                    Some((name, old)) => edits.extend(replace(text, name, old, value)?),
                    None => missing.push((*key, *value)),
                }
            }
            if !missing.is_empty() {
                edits.push(insert(text, reference, &missing)?);
            }
            edits
        }
        Some((_, other)) => return Err(format!("spec.ref is {}", other.kind().as_str())),
    };
    edits.sort_by_key(|edit| edit.at.start);
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        out.replace_range(edit.at.clone(), &edit.text);
    }
    // What was meant is there now, or the file stays as it is.
    let after = parse(&out)?;
    for (key, value) in &fields {
        let now = after.root().pointer(&format!("/spec/ref/{key}"));
        if now.and_then(NodeRef::as_str) != Some(value) {
            return Err("spec.ref is written in a way that cannot be edited in place".to_owned());
        }
    }
    Ok(out)
}

/// The value under `name` becomes `value`, in its quotes.
fn replace(
    text: &str,
    name: NodeRef<'_>,
    old: NodeRef<'_>,
    value: &str,
) -> Result<Option<Edit>, String> {
    if old.as_str() == Some(value) {
        return Ok(None);
    }
    let at = old.span().start as usize..end_of(text, old);
    // A value that comes through an alias stands elsewhere.
    let own = at.start >= name.span().end as usize;
    let own = own && text.get(at.clone()).is_some_and(|old| !old.contains('\n'));
    let quote = text.get(at.clone()).and_then(|old| old.chars().next());
    match (old.kind(), quote) {
        (NodeKind::Object | NodeKind::Array | NodeKind::Null, _) | (_, None | Some('|' | '>')) => {}
        _ if !own => {}
        (_, Some(quote @ ('"' | '\''))) => {
            let text = format!("{quote}{value}{quote}");
            return Ok(Some(Edit { at, text }));
        }
        _ => {
            let text = scalar(value);
            return Ok(Some(Edit { at, text }));
        }
    }
    let key = name.as_str().unwrap_or("");
    Err(format!(
        "spec.ref.{key} is no plain value that can be changed in place"
    ))
}

/// Where a value ends: parsers count what follows a quoted one as part of it.
fn end_of(text: &str, value: NodeRef<'_>) -> usize {
    let (start, end) = (value.span().start as usize, value.span().end as usize);
    let Some(written) = text.get(start..end) else {
        return end;
    };
    let quote = match written.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        _ => return start + written.trim_end().len(),
    };
    let mut escaped = false;
    let mut characters = written.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if escaped {
            escaped = false;
        } else if quote == '"' && c == '\\' {
            escaped = true;
        } else if c == quote {
            // Inside single quotes two of them are one.
            if quote == '\'' && characters.next_if(|(_, next)| *next == quote).is_some() {
                continue;
            }
            return start + at + c.len_utf8();
        }
    }
    end
}

/// New entries of the mapping `of`.
fn insert(text: &str, of: NodeRef<'_>, fields: &[(&str, &str)]) -> Result<Edit, String> {
    let start = of.span().start as usize;
    if text.get(start..).is_some_and(|rest| rest.starts_with('{')) {
        let last = of.entries().last();
        let json = last.is_some_and(|(key, _)| text[key.span().start as usize..].starts_with('"'));
        let entries: Vec<String> = fields
            .iter()
            .map(|(key, value)| flow(key, value, json))
            .collect();
        return Ok(match last {
            Some((_, value)) => {
                let end = end_of(text, value);
                let text = format!(", {}", entries.join(", "));
                Edit { at: end..end, text }
            }
            None => Edit {
                at: start + 1..start + 1,
                text: entries.join(", "),
            },
        });
    }
    let Some((key, value)) = of.entries().last() else {
        return Err("spec.ref is empty".to_owned());
    };
    let (at, indent, end) = line_after(text, key, value)?;
    let lines: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{indent}{key}: {}{end}", scalar(value)))
        .collect();
    Ok(line(text, at, &lines.concat(), &end))
}

/// `ref` with `fields`, behind the URL.
fn insert_ref(text: &str, spec: NodeRef<'_>, fields: &[(&str, &str)]) -> Result<Edit, String> {
    let Some((key, value)) = spec.entry("url") else {
        return Err("the object has no spec.url".to_owned());
    };
    let start = spec.span().start as usize;
    if text.get(start..).is_some_and(|rest| rest.starts_with('{')) {
        let json = text[key.span().start as usize..].starts_with('"');
        let entries: Vec<String> = fields
            .iter()
            .map(|(key, value)| flow(key, value, json))
            .collect();
        let name = if json { "\"ref\"" } else { "ref" };
        let end = end_of(text, value);
        let text = format!(", {name}: {{{}}}", entries.join(", "));
        return Ok(Edit { at: end..end, text });
    }
    let (at, indent, end) = line_after(text, key, value)?;
    let mut lines = format!("{indent}ref:{end}");
    for (key, value) in fields {
        lines.push_str(&format!("{indent}  {key}: {}{end}", scalar(value)));
    }
    Ok(line(text, at, &lines, &end))
}

/// Where the line behind the entry begins, how its key is indented, how lines
/// end.
fn line_after(
    text: &str,
    key: NodeRef<'_>,
    value: NodeRef<'_>,
) -> Result<(usize, String, String), String> {
    let start = key.span().start as usize;
    let before = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = &text[before..start];
    let own = value.span().start >= key.span().end;
    if !indent.trim().is_empty() || !own {
        return Err("spec.ref is written in a way that cannot be edited in place".to_owned());
    }
    let end = end_of(text, value);
    let at = text[end..]
        .find('\n')
        .map_or(text.len(), |newline| end + newline + 1);
    let ending = if text[..at].ends_with("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    Ok((at, indent.to_owned(), ending.to_owned()))
}

/// Whole lines put at `at`, which may be the end of a file without newline.
fn line(text: &str, at: usize, lines: &str, ending: &str) -> Edit {
    let text = if at == text.len() && !text.ends_with('\n') {
        format!("{ending}{}", lines.trim_end_matches(['\r', '\n']))
    } else {
        lines.to_owned()
    };
    Edit { at: at..at, text }
}

fn flow(key: &str, value: &str, json: bool) -> String {
    match json {
        true => format!("\"{key}\": \"{value}\""),
        false => format!("{key}: {}", scalar(value)),
    }
}

/// A scalar that every YAML reader takes for a string.
fn scalar(value: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && !WORDS.contains(&value.to_ascii_lowercase().as_str());
    match plain {
        true => value.to_owned(),
        false => format!("\"{value}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "oci://ghcr.io/team/apim";

    fn pin(tag: &str) -> Pin {
        Pin {
            url: URL.to_owned(),
            digest: Digest::of(b"x"),
            tag: Some(tag.to_owned()),
        }
    }

    fn object(spec: &str) -> String {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {{name: apim}}\n{spec}"
        )
    }

    #[test]
    fn only_the_pin_changes() {
        let digest = Digest::of(b"x");
        for (before, after) in [
            (
                format!(
                    "spec:\n  url: {URL} # where\n  ref: # pinned by CI\n    tag: old # for people\n    digest: sha256:0\n  interval: 5m\n"
                ),
                format!(
                    "spec:\n  url: {URL} # where\n  ref: # pinned by CI\n    tag: new # for people\n    digest: {digest}\n  interval: 5m\n"
                ),
            ),
            (
                format!(
                    "spec:\n  url: {URL}\n  ref:\n    tag: \"1.0\"   # keep\n  # then\n  interval: 5m"
                ),
                format!(
                    "spec:\n  url: {URL}\n  ref:\n    tag: \"new\"   # keep\n    digest: {digest}\n  # then\n  interval: 5m"
                ),
            ),
            (
                format!("spec:\r\n    url: {URL}\r\n    interval: 5m\r\n"),
                format!(
                    "spec:\r\n    url: {URL}\r\n    ref:\r\n      tag: new\r\n      digest: {digest}\r\n    interval: 5m\r\n"
                ),
            ),
            (
                format!("spec:\n  ref: {{semver: '>=1'}}\n  url: '{URL}'"),
                format!(
                    "spec:\n  ref: {{semver: '>=1', tag: new, digest: {digest}}}\n  url: '{URL}'"
                ),
            ),
            (
                format!("spec: {{\"url\": \"{URL}\", \"ref\": {{\"tag\": \"old\"}}}}\n"),
                format!(
                    "spec: {{\"url\": \"{URL}\", \"ref\": {{\"tag\": \"new\", \"digest\": \"{digest}\"}}}}\n"
                ),
            ),
            (
                format!(
                    "spec:\n  url: \"{URL}\" # where\n  ref:\n    digest: 'sha256:0' # it's pinned\n"
                ),
                format!(
                    "spec:\n  url: \"{URL}\" # where\n  ref:\n    digest: '{digest}' # it's pinned\n    tag: new\n"
                ),
            ),
            (
                format!("spec:\n  url: \"{URL}\" # where\n  # and\n  interval: 5m\n"),
                format!(
                    "spec:\n  url: \"{URL}\" # where\n  ref:\n    tag: new\n    digest: {digest}\n  # and\n  interval: 5m\n"
                ),
            ),
            (
                format!("spec:\n  url: {URL}"),
                format!("spec:\n  url: {URL}\n  ref:\n    tag: new\n    digest: {digest}"),
            ),
        ] {
            let around = |object: &str| {
                format!(
                    "# fleet\nkind: Namespace\n---\n{object}\n---\nkind: OCIRepository\nspec: {{url: oci://elsewhere/x}}\n"
                )
            };
            let text = around(&object(&before));
            let pinned = pinned(&text, &pin("new")).unwrap();
            assert_eq!(pinned, around(&object(&after)));
            assert_eq!(super::pinned(&pinned, &pin("new")).unwrap(), pinned);
        }
    }

    #[test]
    fn tags_that_look_like_numbers_are_quoted() {
        let text = object(&format!("spec:\n  url: {URL}\n  ref:\n    tag: main\n"));
        for tag in ["1.10", "0123456", "1e5", "true", "no"] {
            let pinned = pinned(&text, &pin(tag)).unwrap();
            assert!(pinned.contains(&format!("tag: \"{tag}\"\n")), "{pinned}");
        }
    }

    #[test]
    fn what_cannot_be_pinned_is_said() {
        let twice = object(&format!("spec: {{url: '{URL}'}}"));
        for (text, word) in [
            ("kind: ConfigMap\n".to_owned(), "no OCIRepository"),
            (
                object("spec: {url: oci://other/x}"),
                "apim has oci://other/x",
            ),
            (format!("{twice}\n---\n{twice}\n"), "2 OCIRepository"),
            (
                object(&format!("spec:\n  url: {URL}\n  ref: main\n")),
                "a string",
            ),
            (object(&format!("spec:\n  url: {URL}\n  ref:\n")), "null"),
            (
                object(&format!(
                    "x: &d sha256:0\nspec:\n  url: {URL}\n  ref:\n    tag: new\n    digest: *d\n"
                )),
                "in place",
            ),
            (object("spec: [\n"), ""),
        ] {
            let error = pinned(&text, &pin("new")).unwrap_err();
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[test]
    fn the_file_is_replaced_whole_and_links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("repository.yaml");
        std::fs::write(&path, object(&format!("spec:\n  url: {URL}\n"))).unwrap();
        assert!(write_pin(&path, &pin("new")).unwrap());
        assert!(!write_pin(&path, &pin("new")).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&Digest::of(b"x").to_string()));
        let error = write_pin(&folder.path().join("none.yaml"), &pin("new")).unwrap_err();
        assert!(error.to_string().contains("none.yaml"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
