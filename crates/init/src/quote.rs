//! Names that come from a repository and become part of commands and of YAML.

/// Why a name cannot be part of a command that every forge reads alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsafe(pub char);

impl std::fmt::Display for Unsafe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.0.escape_default();
        write!(
            f,
            "it has the character `{shown}`, which shells or workflows read in their own way"
        )
    }
}

/// `name` when it can stand in a shell command, a workflow and YAML as it is: letters, digits
/// and `. _ / @ + -`, not at its start `-`. Spaces are not among them.
///
/// # Errors
/// The first character that is not.
pub fn word(name: &str) -> Result<&str, Unsafe> {
    let plain = |c: char| c.is_alphanumeric() || "._/@+-".contains(c);
    match name.chars().find(|&c| !plain(c)) {
        Some(odd) => Err(Unsafe(odd)),
        None if name.starts_with('-') => Err(Unsafe('-')),
        None => Ok(name),
    }
}

/// `text` as a double-quoted scalar of YAML.
pub(crate) fn scalar(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `text` for a comment of YAML, shortened: nothing in it ends the line, for no version of YAML.
pub(crate) fn remark(text: &str, max: usize) -> String {
    flux_apim_diag::excerpt(text, max).replace(['\u{2028}', '\u{2029}', '\u{feff}'], "?")
}

/// A name of Kubernetes made of `text`: lower case letters, digits and `-`, at most 40.
pub(crate) fn label(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        let is_plain = c.is_ascii_lowercase() || c.is_ascii_digit();
        match is_plain {
            true => out.push(c),
            false if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            false => {}
        }
        if out.len() == 40 {
            break;
        }
    }
    let out = out.trim_end_matches('-');
    // A name starts with a letter.
    match out.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => out.to_owned(),
        false => format!("apim-{out}").trim_end_matches('-').to_owned(),
    }
}
