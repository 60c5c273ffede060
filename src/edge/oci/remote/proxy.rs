//! The proxy that the environment names, read as Go reads it, so that ours and the
//! tools beside it (Flux, cosign, ORAS) go the same way: `HTTP_PROXY` and
//! `HTTPS_PROXY` by the scheme of the request, `NO_PROXY` with domains, addresses,
//! ranges and ports, this machine always without a proxy. `ALL_PROXY`, which Go does
//! not know, is what curl and we take where neither is set.

use reqwest::{Proxy, Url};
use std::net::IpAddr;

/// As far as the environment says, when asked.
pub(super) fn from_environment() -> Proxy {
    let environment = Environment::read(|name| std::env::var(name).ok());
    Proxy::custom(move |url| environment.proxy_for(url))
}

/// The proxy of the environment for `url`, without its user, and the variable that names it.
pub(super) fn named_for(url: &Url) -> Option<(String, &'static str)> {
    let environment = Environment::read(|name| std::env::var(name).ok());
    let proxy = environment.proxy_for(url)?;
    let name = match url.scheme() {
        "https" => "HTTPS_PROXY",
        _ => "HTTP_PROXY",
    };
    Some((
        proxy
            .authority()
            .rsplit('@')
            .next()
            .unwrap_or("")
            .to_owned(),
        name,
    ))
}

/// What the environment says of proxies.
#[derive(Debug, Clone, Default)]
struct Environment {
    http: Option<Url>,
    https: Option<Url>,
    without: Vec<Without>,
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Without {
    All,
    Address(IpAddr, Option<u16>),
    /// Address and length of the prefix.
    Range(IpAddr, u8),
    /// In lower case and with a dot before it; whether the domain itself is meant too.
    Domain(String, bool, Option<u16>),
}

impl Environment {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            let upper = variable(name).filter(|value| !value.is_empty());
            upper.or_else(|| variable(&name.to_ascii_lowercase()).filter(|value| !value.is_empty()))
        };
        let all = get("ALL_PROXY");
        // In a CGI program whoever asks sets HTTP_PROXY by a header.
        let http = get("HTTP_PROXY").filter(|_| variable("REQUEST_METHOD").is_none());
        let without = get("NO_PROXY").unwrap_or_default();
        Self {
            http: http.as_deref().or(all.as_deref()).and_then(url),
            https: get("HTTPS_PROXY")
                .as_deref()
                .or(all.as_deref())
                .and_then(url),
            without: without.split(',').filter_map(entry).collect(),
        }
    }

    fn proxy_for(&self, url: &Url) -> Option<Url> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref()?,
            _ => self.http.as_ref()?,
        };
        (!self.goes_without(url)).then(|| proxy.clone())
    }

    fn goes_without(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return true;
        };
        let host = host
            .trim_matches(['[', ']'])
            .trim_end_matches('.')
            .to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        let port = url.port_or_known_default();
        let same = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        self.without.iter().any(|entry| match entry {
            Without::All => true,
            Without::Address(wanted, on) => address == Some(*wanted) && same(on),
            Without::Range(network, length) => {
                address.is_some_and(|address| within(address, *network, *length))
            }
            Without::Domain(domain, itself, on) => {
                let below = host.ends_with(domain);
                (below || (*itself && host == domain[1..])) && same(on)
            }
        })
    }
}

/// A proxy's URL; without a scheme it speaks HTTP.
fn url(text: &str) -> Option<Url> {
    let known = ["http://", "https://", "socks5://", "socks5h://"];
    match known.iter().any(|scheme| text.starts_with(scheme)) {
        true => Url::parse(text).ok(),
        false => Url::parse(&format!("http://{text}")).ok(),
    }
}

fn entry(text: &str) -> Option<Without> {
    let text = text.trim().to_ascii_lowercase();
    if text.is_empty() {
        return None;
    }
    if text == "*" {
        return Some(Without::All);
    }
    if let Some((address, length)) = text.split_once('/')
        && let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse())
    {
        return Some(Without::Range(address, length));
    }
    let (host, port) = split_port(&text);
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Some(Without::Address(address, port));
    }
    let host = host.strip_prefix('*').unwrap_or(host);
    Some(match host.strip_prefix('.') {
        Some("") | None if host.is_empty() => return None,
        Some(_) => Without::Domain(host.to_owned(), false, port),
        None => Without::Domain(format!(".{host}"), true, port),
    })
}

fn split_port(text: &str) -> (&str, Option<u16>) {
    // An IPv6 address without brackets has colons and no port.
    if text.parse::<IpAddr>().is_ok() {
        return (text, None);
    }
    match text.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        None => (text, None),
    }
}

fn within(address: IpAddr, network: IpAddr, length: u8) -> bool {
    let (bits, a, b) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (32, u128::from(a.to_bits()), u128::from(b.to_bits())),
        (IpAddr::V6(a), IpAddr::V6(b)) => (128, a.to_bits(), b.to_bits()),
        _ => return false,
    };
    match u32::from(length) {
        0 => true,
        length if length > bits => false,
        length => (a ^ b) >> (bits - length) == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(set: &[(&str, &str)], to: &str) -> Option<String> {
        let environment = Environment::read(|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let to = Url::parse(to).unwrap();
        environment.proxy_for(&to).map(|url| url.to_string())
    }

    #[test]
    fn the_proxy_is_that_of_the_scheme() {
        let both = [("HTTP_PROXY", "http://a:1"), ("HTTPS_PROXY", "http://b:2")];
        let a = Some("http://a:1/".to_owned());
        let b = Some("http://b:2/".to_owned());
        assert_eq!(proxy(&both, "http://r.io/v2/"), a);
        assert_eq!(proxy(&both, "https://r.io/v2/"), b);
        assert_eq!(proxy(&both[..1], "https://r.io/v2/"), None);
        assert_eq!(proxy(&[("https_proxy", "b:2")], "https://r.io/"), b);
        assert_eq!(proxy(&[("ALL_PROXY", "a:1")], "http://r.io/"), a);
        let cgi = [("HTTP_PROXY", "http://a:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy(&cgi, "http://r.io/"), None);
        for here in ["localhost", "127.0.0.1:5000", "127.8.8.8", "[::1]:5000"] {
            assert_eq!(proxy(&both, &format!("http://{here}/")), None, "{here}");
        }
    }

    #[test]
    fn what_goes_without_is_read_as_go_reads_it() {
        let goes = |without: &str, to: &str| {
            let set = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", without)];
            proxy(&set, &format!("https://{to}/")).is_none()
        };
        for (without, to) in [
            ("*", "r.io"),
            ("r.io", "r.io"),
            ("R.io", "a.r.io"),
            (" other , r.io ", "r.io:8443"),
            (".r.io", "a.r.io"),
            ("*.r.io", "a.r.io"),
            ("r.io:8443", "r.io:8443"),
            ("r.io:443", "r.io"),
            ("10.0.0.0/8", "10.1.2.3:5000"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3:5000", "10.1.2.3:5000"),
            ("fd00::/8", "[fd12::1]:5000"),
            ("[fd12::1]:5000", "[fd12::1]:5000"),
            ("fd12::1", "[fd12::1]"),
        ] {
            assert!(goes(without, to), "{without}: {to}");
        }
        for (without, to) in [
            ("", "r.io"),
            ("r.io", "bar.io"),
            ("r.io", "xr.io"),
            (".r.io", "r.io"),
            ("*.r.io", "r.io"),
            ("r.io:5000", "r.io"),
            ("10.0.0.0/8", "11.1.2.3"),
            ("10.0.0.0/33", "10.0.0.1"),
            ("10.1.2.3:5000", "10.1.2.3"),
            ("10.0.0.0/8", "ten.example.com"),
            ("fd00::/8", "10.0.0.1"),
            (",.,*.", "r.io"),
        ] {
            assert!(!goes(without, to), "{without}: {to}");
        }
    }
}
