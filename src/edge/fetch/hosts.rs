//! The list of hosts that may be asked.

use url::{Host, Url};

/// Whether `entry` of the list means the host `name` of `url`.
pub(super) fn matches(entry: &str, name: &str, url: &Url) -> bool {
    let split = entry.rsplit_once(':');
    let (host, port) = match split {
        // `[::1]` has colons of its own.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    };
    let port_fits = match port {
        None => url.port().is_none(),
        Some("*") => true,
        Some(port) => {
            url.port_or_known_default()
                .map(|p| p.to_string())
                .as_deref()
                == Some(port)
        }
    };
    let host = host.trim_end_matches('.');
    let host_fits = match host.strip_prefix("*.") {
        Some(domain) => {
            name.len() > domain.len() + 1 && {
                let (below, end) = name.split_at(name.len() - domain.len());
                end.eq_ignore_ascii_case(domain) && below.ends_with('.')
            }
        }
        None => name.eq_ignore_ascii_case(host),
    };
    port_fits && host_fits
}

/// An entry of the list, as it is compared.
///
/// # Errors
/// What to write instead.
pub fn pattern(text: &str) -> Result<String, String> {
    let wrong = |why: &str| {
        Err(format!(
            "{why}; write host, host:PORT, host:* (any port) or *.domain (names below it)"
        ))
    };
    if text.contains("://") || text.contains('/') {
        return wrong("a host is named without scheme and path");
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    if host.contains(':') && !host.starts_with('[') {
        return wrong("an address of IPv6 is written in brackets");
    }
    let port_fits = match port {
        None | Some("*") => true,
        Some(port) => {
            port.bytes().all(|b| b.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        }
    };
    if !port_fits {
        return wrong("the port is none");
    }
    let (star, name) = match host.strip_prefix("*.") {
        Some(domain) => ("*.", domain),
        None => ("", host),
    };
    if name.contains('*') {
        return wrong(
            "a pattern for every host would let clients ask whatever this machine reaches, and `*` stands for whole names below a domain only",
        );
    }
    let odd = |c: char| c.is_whitespace() || matches!(c, ',' | '@' | '%' | '?' | '#');
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.contains(odd) || name.split('.').any(str::is_empty) {
        return wrong("it is no host");
    }
    let name = match (star, Host::parse(name)) {
        ("", Ok(host)) => host.to_string(),
        (_, Ok(Host::Domain(domain))) => domain,
        (_, Ok(_)) => return wrong("below an address there are no names"),
        (_, Err(_)) => return wrong("it is no host"),
    };
    Ok(match port {
        Some(port) => format!("{star}{name}:{port}"),
        None => format!("{star}{name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_written_as_they_are_compared() {
        for (given, written) in [
            ("Example.com", "example.com"),
            ("example.com.", "example.com"),
            ("example.com:8443", "example.com:8443"),
            ("example.com:*", "example.com:*"),
            ("*.example.com", "*.example.com"),
            ("*.example.com:*", "*.example.com:*"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("127.0.0.1:*", "127.0.0.1:*"),
            ("[::1]", "[::1]"),
            ("[0:0::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(pattern(given).as_deref(), Ok(written));
            let url = written.replace("*.", "x.").replace(":*", ":5000");
            let url = Url::parse(&format!("http://{url}/")).unwrap();
            assert!(matches(written, url.host_str().unwrap(), &url), "{written}");
        }
        for wrong in [
            "",
            "*",
            "**",
            "*.*",
            "*.",
            "**.example.com",
            "*.*.example.com",
            "a.*.example.com",
            "*example.com",
            "a*.example.com",
            "*:*",
            "*:443",
            "*.0.0.1:*",
            "*.[::1]",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:http",
            "example.com:+80",
            "::1",
            "https://example.com",
            "example.com/x",
            "user@example.com",
            "a b",
            "a,b",
            "a..b",
            ".example.com",
            "[::1",
        ] {
            assert!(pattern(wrong).is_err(), "{wrong:?}");
        }
    }
}
