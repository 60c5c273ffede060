//! Credentials by their shape. What has none, such as a password that stands by itself, is
//! not guessed.

use regex::Regex;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicBool, Ordering};

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
    (
        r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[^-]*",
        "a private key",
    ),
];

static ALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let shapes = SHAPES.iter().map(|(shape, _)| format!("({shape})"));
    Regex::new(&shapes.collect::<Vec<_>>().join("|")).ok()
});

/// The password of a URL, and the value of a part of its query that lets whoever has it in:
/// shared access signatures, keys of functions and of API Management. Both also as XML writes
/// them. What begins with a brace is a named value or a token of a pipeline.
static IN_URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let but = |more: &str| format!(r#"(?:&\#x?[0-9A-Fa-f]+;|[^\s"'<>&\#{{}}{more}])"#);
    let (user, password, value) = (but("/?@:"), but("/?"), but(""));
    Regex::new(&format!(
        r#"(?x)
        ://{user}*:({password}+)@
        |(?:[?&]|&amp;|\\u0026)(?i:sig|code|subscription-key|api-key)=({value}+)"#,
    ))
    .ok()
});

/// Names of those parts of a query.
const KEYS: [&str; 4] = ["sig", "code", "subscription-key", "api-key"];

/// Shorter ones are words.
const SHORTEST_KEY: usize = 16;

/// The first credential of `text`: where, and what it is. Takes time linear in the text.
pub fn credential(text: &str) -> Option<(Range<usize>, &'static str)> {
    let shaped = shaped(text).next();
    let in_url = in_url(text).find(|(range, _)| range.len() >= SHORTEST_KEY);
    shaped
        .into_iter()
        .chain(in_url)
        .min_by_key(|(range, _)| range.start)
}

/// Credentials that something else than a URL tells.
fn shaped(text: &str) -> impl Iterator<Item = (Range<usize>, &'static str)> {
    let all = ALL.as_ref().into_iter();
    all.flat_map(|all| all.captures_iter(text))
        .filter_map(|captures| {
            let n = (1..=SHAPES.len()).find(|n| captures.get(*n).is_some())?;
            let whole = captures.get(0)?;
            // What documentation shows.
            let is_example = whole.as_str().to_ascii_uppercase().contains("EXAMPLE");
            (!is_example).then(|| (whole.range(), SHAPES[n - 1].1))
        })
}

/// Passwords and keys in URLs.
fn in_url(text: &str) -> impl Iterator<Item = (Range<usize>, &'static str)> {
    let all = IN_URL.as_ref().into_iter();
    all.flat_map(|all| all.captures_iter(text))
        .filter_map(|captures| {
            let (found, what) = match (captures.get(1), captures.get(2)) {
                (Some(password), _) => (password, "a URL with a password"),
                (None, Some(key)) => (key, "a URL with a key"),
                (None, None) => return None,
            };
            is_literal(found.as_str()).then(|| (found.range(), what))
        })
}

/// Not empty, and no reference to a named value, token of a pipeline or expression.
fn is_literal(text: &str) -> bool {
    !text.is_empty()
        && !["{", "$(", "#{", "@("]
            .iter()
            .any(|start| text.starts_with(start))
}

/// Whether `text` is a URL with a password or a key in it, whatever else is in these.
pub fn is_url_with_credential(text: &str) -> bool {
    // A reference of XML would seem to end a part of the URL.
    let decoded = REFERENCE.as_ref().map(|all| all.replace_all(text, "x"));
    let text = decoded.as_deref().unwrap_or(text);
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+';
    if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
        return false;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let password = rest[..end]
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'));
    if password.is_some_and(|(_, password)| is_literal(password)) {
        return true;
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    query.split(['&', '#']).any(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or_default();
        let name = name.strip_prefix("amp;").unwrap_or(name);
        KEYS.iter().any(|key| key.eq_ignore_ascii_case(name)) && is_literal(value)
    })
}

static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("&#x?[0-9A-Fa-f]+;").ok());

/// Where `text` has credentials, in order; they may overlap.
pub(super) fn credentials(text: &str) -> Vec<Range<usize>> {
    if !is_masked() {
        return Vec::new();
    }
    let mut ranges: Vec<_> = shaped(text).chain(in_url(text)).map(|(r, _)| r).collect();
    ranges.sort_by_key(|range| range.start);
    ranges
}

/// `text` with `***` where it has a credential: what is said of a source shows none.
pub fn without_credentials(text: &str) -> Cow<'_, str> {
    let ranges = credentials(text);
    if ranges.is_empty() {
        return text.into();
    }
    let mut out = String::new();
    let mut at = 0;
    for range in ranges {
        if range.start >= at {
            out.push_str(&text[at..range.start]);
            out.push_str("***");
        }
        at = at.max(range.end);
    }
    out.push_str(&text[at..]);
    out.into()
}

/// Whether secrets are kept back. Always, but for a test of whether a test of that finds
/// what is not: builds without debug assertions, which are those that anybody gets, have
/// no other way, and no build has a flag, file or variable for it.
#[cfg(debug_assertions)]
pub fn is_masked() -> bool {
    !UNMASKED.load(Ordering::Relaxed)
}

/// Whether secrets are kept back: always.
#[cfg(not(debug_assertions))]
pub fn is_masked() -> bool {
    true
}

#[cfg(debug_assertions)]
static UNMASKED: AtomicBool = AtomicBool::new(false);

/// Takes no text for a secret from now on, in this process: for tests alone.
#[cfg(debug_assertions)]
pub fn unmask_for_a_test() {
    UNMASKED.store(true, Ordering::Relaxed);
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
                "<a b='https://h.example/?sv=1&amp;SIG=abcdefghijklmnop%3D'/>",
                "a URL with a key",
            ),
            ("x https://user:abcdefghijklmnop@h", "a URL with a password"),
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

    #[test]
    fn urls() {
        for (text, shown) in [
            (
                "https://user:pass@host.example/x",
                "https://user:***@host.example/x",
            ),
            ("wss://:p$s@(h@h", "wss://:***@h"),
            ("a ?SIG=abc%3D&x=1 b", "a ?SIG=***&x=1 b"),
            (
                "\"https://h/f?a=1\\u0026code=abc\"",
                "\"https://h/f?a=1\\u0026code=***\"",
            ),
            (
                "https://u:&#x61;&#98;@h?code=&#x61;b'",
                "https://u:***@h?code=***'",
            ),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
        for text in [
            "https://host.example:443/x?sig={{signature}}",
            "https://u:{{p}}@host.example/x?a=sig",
            "https://user@host.example/?code=$(code)",
            "https://host.example/a:b@c?code=@(x)",
            "https://host.example/?sig=#{sig}#&code=",
            "\"https://h/?sig=\" + key",
            "code=200; sig=abc",
        ] {
            assert_eq!(without_credentials(text), text);
            assert!(!is_url_with_credential(text), "{text}");
        }
        for text in [
            "https://user:pass@host.example/x",
            "https://user:p|a(s)@s@host.example/x",
            "https://host.example/blob?sv=1&SIG=abc%3D",
            "https://host.example/api/f?x=1&amp;code=abc",
            "https://u:&#x61;&#98;@h",
        ] {
            assert!(is_url_with_credential(text), "{text}");
        }
        assert!(!is_url_with_credential(
            "see https://user:pass@host.example/x"
        ));
    }
}
