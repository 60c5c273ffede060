//! YAML as people write it, and as every parser reads it.

use super::super::packed::Packed;
use super::super::piece::{Piece, Writer};
use flux_apim_syntax::yaml_escape;

pub(super) fn head(writer: &mut Writer, api_version: &str, kind: &str, name: &str) {
    writer.push(&format!(
        "---\napiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: "
    ));
    scalar(writer, name);
    writer.push("  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n");
}

/// The lines of an object, which are two columns behind `indent`, as an item
/// of a list.
pub(super) fn item_of(mut fields: Vec<Piece>, indent: usize) -> Vec<Piece> {
    match fields.first_mut() {
        Some(Piece::Own(text)) if !text.is_empty() => {
            text.replace_range(indent..=indent, "-");
            fields
        }
        Some(Piece::Packed(packed)) => {
            let mut texts = packed.texts();
            if let Some(text) = texts.first_mut() {
                text.replace_range(indent..=indent, "-");
            }
            *packed = Packed::new(&texts);
            fields
        }
        _ => vec![Piece::Own(format!("{}- {{}}\n", " ".repeat(indent)))],
    }
}

/// Appends `text` as a scalar, quoted unless every reader takes it for a
/// string as it stands, and ends the line.
pub(super) fn scalar(writer: &mut Writer, text: &str) {
    let own = writer.own();
    if is_plain(text) {
        own.push_str(text);
        own.push('\n');
        return;
    }
    own.push('"');
    yaml_escape(own, text);
    own.push_str("\"\n");
}

/// Words of letters, digits and a few marks that start with a letter: no
/// version of YAML reads a number, a date or a mark of its own into them.
fn is_plain(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || ".-_/+;=".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text
            .split(' ')
            .all(|word| !word.is_empty() && word.replacen("://", "", 1).chars().all(safe))
        && !is_word_of_yaml(text)
}

fn is_word_of_yaml(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    )
}

pub(super) fn yaml_key(key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric())
        && !is_word_of_yaml(key);
    if plain {
        return key.to_owned();
    }
    let mut out = String::from("\"");
    yaml_escape(&mut out, key);
    out.push('"');
    out
}

/// The chomping indicator under which `text` is a literal block, if it can be
/// one: several lines, printable, no leading space, at most one final break.
pub(super) fn block(text: &str) -> Option<&'static str> {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    let mut escaped = String::new();
    let plain = lines.contains('\n')
        && !lines.ends_with('\n')
        && !lines.starts_with([' ', '\t', '\n'])
        && lines.split('\n').all(|line| {
            escaped.clear();
            let shown = line.replace(['"', '\\', '\t'], "");
            yaml_escape(&mut escaped, &shown);
            // A line of blanks alone may be read as empty.
            escaped == shown && (line.is_empty() || !line.trim().is_empty())
        });
    plain.then_some(if text.ends_with('\n') { "" } else { "-" })
}
