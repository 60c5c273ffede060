//! Tests of the readers that the equivalence tests stand on: what they read,
//! and that they refuse what is wrong.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what is not there"
)]

mod support;

#[path = "readers/arm.rs"]
mod arm;
#[path = "readers/aso.rs"]
mod aso;
#[path = "readers/bicep.rs"]
mod bicep;
#[path = "readers/compare.rs"]
mod compare;
#[path = "readers/languages.rs"]
mod languages;
#[path = "readers/schemas.rs"]
mod schemas;

use std::path::{Path, PathBuf};

use support::Files;

/// Text that printers get wrong: things the target languages give a meaning.
const NASTY: &[&str] = &[
    "[x]",
    "[[x]]",
    "[[",
    "[",
    "]",
    "[x] y",
    "[parameters('x')]",
    "it's",
    "''",
    "'''",
    "${",
    "${x}",
    "$",
    "$${",
    "\\",
    "\\n",
    "\\${x}",
    "a\r\nb\rc\nd",
    "\t",
    "\u{2028}\u{2029}\u{85}",
    "\u{feff}",
    "\u{1}\u{7f}",
    "😀 é \u{301}",
    "// no comment",
    "# no comment",
    "{{named-value}}",
    "{0}",
    "\"quoted\"",
    " padded ",
    "yes",
    "null",
    "1",
    "1.0",
    "2024-05-01",
    "",
    "ends with '",
    "~",
    "a: b",
    "- a",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "0x1f",
    "1:30",
    "\n",
    "\n\n x\n",
    "trailing\n\n",
];

/// Bundle files from pairs.
fn files(pairs: &[(&str, &str)]) -> Files {
    pairs
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

/// The message of something that has to fail.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, String>, why: &str) {
    let message = result.expect_err("this has to be refused");
    assert!(
        message.contains(why),
        "refused, but not because of {why:?}: {message}"
    );
}

/// Whether the test corpus is unpacked; says so when it is not.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn have_corpus() -> bool {
    let there = corpus("schemas/arm").is_dir();
    if !there {
        assert!(
            std::env::var_os("FLUX_APIM_CORPUS").is_none(),
            "FLUX_APIM_CORPUS names no corpus"
        );
        println!("not run: the schemas and files of others are not unpacked below target/corpus");
    }
    there
}

/// A folder of the test corpus.
fn corpus(folder: &str) -> PathBuf {
    let named = std::env::var_os("FLUX_APIM_CORPUS").map(PathBuf::from);
    let root = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/corpus"));
    root.join(folder)
}
