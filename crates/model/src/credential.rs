//! Credentials by their shape. What has none, such as a password, is not guessed.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A shape, and what has it.
type Shape = (&'static str, &'static str);

/// Shapes that nothing else has, from the documentation of those who issue them.
const SHAPES: [Shape; 12] = [
    (r"\bAKIA[0-9A-Z]{16}\b", "an AWS access key"),
    (r"\bgh[pousr]_[A-Za-z0-9]{36}\b", "a GitHub token"),
    (r"\bgithub_pat_[A-Za-z0-9_]{22,}", "a GitHub token"),
    (r"\bglpat-[0-9A-Za-z_\-]{20}", "a GitLab token"),
    (
        r"\bxox[abprs]-[0-9]{6,}-[0-9A-Za-z\-]{10,}",
        "a Slack token",
    ),
    (r"\bsk_live_[0-9A-Za-z]{16,}", "a Stripe key"),
    (r"\bAIza[0-9A-Za-z_\-]{35}\b", "a Google API key"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "an npm token"),
    (r"\bsk-(?:proj-)?[A-Za-z0-9]{40,}", "an OpenAI key"),
    (
        r"\b[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.\-]{31,34}",
        "a secret of a Microsoft Entra application",
    ),
    (
        r"(?:AccountKey|SharedAccessKey|SharedSecretKey)=[A-Za-z0-9+/]{40,}={0,2}",
        "a key of a connection string",
    ),
    (r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", "a private key"),
];

static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let shapes = SHAPES.iter().map(|(shape, _)| format!("({shape})"));
    Regex::new(&shapes.collect::<Vec<_>>().join("|")).ok()
});

/// The first credential of `text`: where, and what it is. Takes time linear in the text.
pub fn credential(text: &str) -> Option<(Range<usize>, &'static str)> {
    ALL.as_ref()?.captures_iter(text).find_map(|captures| {
        let n = (1..=SHAPES.len()).find(|n| captures.get(*n).is_some())?;
        let whole = captures.get(0)?;
        // What documentation shows.
        let is_example = whole.as_str().to_ascii_uppercase().contains("EXAMPLE");
        (!is_example).then(|| (whole.range(), SHAPES[n - 1].1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert!(ALL.is_some());
        let found =
            |text: &str| credential(text).map(|(range, what)| (text[range].to_owned(), what));
        let key = "A".repeat(86) + "==";
        for (text, what) in [
            ("x AKIAABCDEFGHIJKLMNOP.", "an AWS access key"),
            ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
            (
                &format!("Endpoint=sb://a;SharedAccessKey={key}"),
                "a key of a connection string",
            ),
        ] {
            assert_eq!(found(text).map(|(_, what)| what), Some(what), "{text}");
        }
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "AccountKey={{storage-key}}",
            "the ghp_ of a text",
            "-----BEGIN CERTIFICATE-----",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
