//! The header Host of a request (RFC 9112, 3.2).

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Version, header};

/// What is wrong with the Host of a request, if anything.
pub(crate) fn wrong(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let first = hosts.next();
    if hosts.next().is_some() {
        return Some("there is more than one header Host");
    }
    match first {
        None if version == Version::HTTP_11 => {
            Some("there is no header Host, which every request of HTTP/1.1 has")
        }
        Some(host) if !is_host(host.as_bytes()) => {
            Some("the header Host is no host, or host and port")
        }
        _ => None,
    }
}

/// Empty is what a URI without a host has.
fn is_host(value: &[u8]) -> bool {
    value.is_empty() || (!value.contains(&b'@') && Authority::try_from(value).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_host_and_it_is_one() {
        let of = |version, hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, host.parse().unwrap());
            }
            wrong(version, &headers).is_none()
        };
        for good in ["x", "x:80", "[::1]:80", "127.0.0.1", ""] {
            assert!(of(Version::HTTP_11, &[good]), "{good}");
        }
        for bad in ["a b", "a@b", "a/b", "http://x", "a,b c"] {
            assert!(!of(Version::HTTP_11, &[bad]), "{bad}");
        }
        assert!(!of(Version::HTTP_11, &[]));
        assert!(!of(Version::HTTP_11, &["a", "a"]));
        assert!(!of(Version::HTTP_10, &["a", "b"]));
        assert!(!of(Version::HTTP_2, &["a", "b"]));
        assert!(of(Version::HTTP_10, &[]));
        assert!(of(Version::HTTP_2, &[]));
    }
}
