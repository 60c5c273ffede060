//! What to do about a refusal.

use super::{Error, Shown};
use std::time::Duration;

/// What follows the words of a refusal: nothing, or `; ` and a sentence.
pub(super) fn on(error: &Error) -> String {
    let Error::Status {
        registry,
        status,
        after,
        shown,
        help,
        ..
    } = error
    else {
        return String::new();
    };
    if let Some(help) = help {
        return format!("; {help}");
    }
    let host = registry.as_str();
    let text = match (status, shown) {
        (401, Shown::Nobody) => format!(
            "nobody is logged in: `docker login {host}`, or give --creds, for an account that may do this"
        ),
        (401, Shown::Somebody) => format!(
            "the credentials are not accepted: check user and password or token, and whether it has \
             ended; `docker login {host}` writes them anew, --creds gives others"
        ),
        (403, Shown::Nobody) => format!(
            "nobody is logged in: `docker login {host}`, or give --creds, for an account that may \
             pull (to read) or push (to publish) here"
        ),
        (403, Shown::Somebody) => {
            "the account is known but may not do this: ask for push or pull on the \
             repository; a firewall may answer the same"
                .to_owned()
        }
        (404, Shown::Nobody) => {
            "check the repository's name; a private one is not there for those who \
             are not logged in"
                .to_owned()
        }
        (404, Shown::Somebody) => {
            "check the repository's name, and whether the account may see it; some registries want \
             a repository to be made first"
                .to_owned()
        }
        (405, _) => "this registry does not offer that".to_owned(),
        (407, _) => "the proxy wants a user: put both into its URL, as in \
             HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
            .to_owned(),
        (413, _) => "the registry, or a proxy before it, caps the size of requests".to_owned(),
        (429, _) => limited("the registry limits requests", *after),
        (500..=599, _) => limited("the registry, or a proxy before it, is in trouble", *after),
        _ => return String::new(),
    };
    format!("; {text}")
}

fn limited(what: &str, after: Option<Duration>) -> String {
    match after {
        Some(after) => format!(
            "{what} and asks to come back in {}: a longer --timeout waits for that",
            spelled(after)
        ),
        None => format!("{what}: try again later, or give --timeout to have it tried that long"),
    }
}

/// A time as people say it.
pub(in crate::edge::oci) fn spelled(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ ..=119 => format!("{seconds} s"),
        seconds @ ..=7199 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        for (seconds, said) in [(1, "1 s"), (60, "60 s"), (600, "10 min"), (21_600, "6 h")] {
            assert_eq!(spelled(Duration::from_secs(seconds)), said);
        }
        assert_eq!(spelled(Duration::from_millis(250)), "250 ms");
    }
}
