//! Values of flags that are more than texts and numbers. What cannot be meant is
//! refused before anything starts, with what to write instead.

#[cfg(feature = "controller")]
use crate::edge::controller::api::Duration;
use url::{Host, Url};

/// Seconds of a day: nothing here takes longer.
pub(super) const DAY: u64 = 86_400;

/// How many of something there may be: at least one.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("a number from 1 to 1000000".to_owned()),
    }
}

/// The same, or none.
pub(super) fn count_or_none(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 0..=1_000_000) => Ok(count),
        _ => Err("a number from 0 to 1000000".to_owned()),
    }
}

/// An address to listen on.
pub(super) fn listen(text: &str) -> Result<String, String> {
    let host = text.rsplit_once(':').map_or("", |(host, _)| host);
    match is_host(host) && has_port(text) {
        true => Ok(text.to_owned()),
        false => Err(
            "write HOST:PORT, as in 127.0.0.1:8080, localhost:8080 or [::1]:8080; port 0 is any that is free"
                .to_owned(),
        ),
    }
}

/// The same, where no host stands for every address.
#[cfg(feature = "controller")]
pub(super) fn listen_anywhere(text: &str) -> Result<String, String> {
    let everywhere = text.starts_with(':') && has_port(text);
    if everywhere {
        return Ok(text.to_owned());
    }
    listen(text).map_err(|why| format!("{why}; :PORT is that of every address"))
}

/// Where others reach what is listened on.
#[cfg(feature = "controller")]
pub(super) fn advertised(text: &str) -> Result<String, String> {
    let host = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') && has_port(text) => host,
        _ => text,
    };
    match is_host(host) {
        true => Ok(text.to_owned()),
        false => {
            Err("write HOST or HOST:PORT, as others reach it, without http:// and path".to_owned())
        }
    }
}

fn has_port(text: &str) -> bool {
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn is_host(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || matches!(c, '*' | ',' | '@' | '%' | '/');
    let named = !text.is_empty() && !text.contains(odd);
    named && Host::parse(text).is_ok()
}

/// Where something is sent to.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "write a URL of http or https, as in http://host:4318".to_owned())
}

/// The name of a namespace.
#[cfg(feature = "controller")]
pub(super) fn namespace(text: &str) -> Result<String, String> {
    match crate::edge::names::is_label(text) {
        true => Ok(text.to_owned()),
        false => Err(
            "a namespace is called by at most 63 lower-case letters, digits and `-`, with a letter or digit at both ends"
                .to_owned(),
        ),
    }
}

/// A time that is waited: without one there would be no end of trying.
#[cfg(feature = "controller")]
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    let duration = retention(text)?;
    match duration.0.is_zero() {
        false => Ok(duration),
        true => Err("it is longer than 0s".to_owned()),
    }
}

/// A time that may be none.
#[cfg(feature = "controller")]
pub(super) fn retention(text: &str) -> Result<Duration, String> {
    let duration: Duration = text.parse().map_err(|e| format!("{e}"))?;
    match duration.0.as_secs() <= 365 * DAY {
        true => Ok(duration),
        false => Err("it is at most 8760h, a year".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_whole() {
        for text in ["127.0.0.1:8080", "localhost:0", "[::]:65535", "a.b.c:1"] {
            assert!(listen(text).is_ok(), "{text}");
        }
        for text in [
            "",
            ":",
            "8080",
            ":8080",
            "a",
            "a:",
            "a:b",
            "a:65536",
            "a:-1",
            "a:+1",
            "::1:80",
            "http://a:80",
            "a/b:80",
            "a b:80",
            "*:80",
            "a,b:80",
            "u@a:80",
        ] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[cfg(feature = "controller")]
    #[test]
    fn the_controller_listens_and_is_reached() {
        for text in [":9090", "0.0.0.0:9090", "[::1]:0"] {
            assert!(listen_anywhere(text).is_ok(), "{text}");
        }
        for text in ["", ":", "9090", ":x", ":65536", "http://a:1"] {
            assert!(listen_anywhere(text).is_err(), "{text}");
        }
        for text in [
            "a.svc.cluster.local.",
            "a:80",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(advertised(text).is_ok(), "{text}");
        }
        for text in [
            "", "http://a", "a/b", "a:b", "a:", ":80", "::1", "a b", "u@a", "*",
        ] {
            assert!(advertised(text).is_err(), "{text}");
        }
        for text in ["1ms", "5m", "8760h"] {
            assert!(wait(text).is_ok(), "{text}");
        }
        for text in ["0s", "0h0m", "", "5", "8761h", "-1s"] {
            assert!(wait(text).is_err(), "{text}");
        }
        assert!(retention("0s").is_ok());
    }

    #[test]
    fn urls_are_of_http() {
        for text in ["http://a:4318", "https://a/b"] {
            assert!(http_url(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "a",
            "a:4318",
            "ftp://a",
            "file:///x",
            "http://",
            "grpc://a:4317",
        ] {
            assert!(http_url(text).is_err(), "{text}");
        }
    }
}
