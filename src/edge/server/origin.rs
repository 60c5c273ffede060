//! To whom a request is addressed, and from which page it comes. Whoever reaches an
//! address of loopback is trusted for being on this machine, and so would be every page
//! that is open in a browser there: one that posts a form to it, and one whose name was
//! made to lead to it after it was loaded (DNS rebinding).

use super::problem::Problem;
use crate::diag::excerpt;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, header};
use std::net::IpAddr;
use url::{Host, Url};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The names that the service is called by, and the pages that may ask it.
#[derive(Debug)]
pub(super) struct Front {
    /// Whether it listens on loopback: then it has the names of this machine only.
    local: bool,
    hosts: Vec<String>,
    pages: Vec<String>,
}

impl Front {
    /// For a service that listens on `address` and is called `hosts`. Pages of `pages`
    /// may ask; both as [`host`] and [`page`] write them.
    pub(super) fn new(address: IpAddr, hosts: Vec<String>, pages: Vec<String>) -> Self {
        Self {
            local: address.to_canonical().is_loopback(),
            hosts,
            pages,
        }
    }

    /// Origins of the pages that may ask.
    pub(super) fn pages(&self) -> &[String] {
        &self.pages
    }

    /// Whether `request` is meant for this service and comes from no foreign page.
    pub(super) fn check(&self, request: &Request) -> Result<(), Problem> {
        if !self.local && self.hosts.is_empty() {
            return Ok(());
        }
        let addressed = addressed(request)?;
        if let Some(other) = addressed.iter().find(|to| !self.is_called(to.host())) {
            let ours = if self.local {
                "localhost, 127.0.0.1 and [::1]"
            } else {
                "its addresses and the names it was given"
            };
            return Err(Problem::foreign(format!(
                "the request is addressed to `{}`, and this service answers to {ours}; the operator adds names with --allow-host",
                excerpt(other.host(), 100)
            )));
        }
        if matches!(
            *request.method(),
            Method::GET | Method::HEAD | Method::OPTIONS
        ) {
            return Ok(());
        }
        self.check_page(request.headers(), &addressed)
    }

    fn is_called(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let literal = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        match literal.unwrap_or(host).parse::<IpAddr>() {
            // Addresses cannot be made to lead elsewhere.
            Ok(ip) => !self.local || ip.to_canonical().is_loopback() || self.is_listed(host),
            Err(_) => host == "localhost" || host.ends_with(".localhost") || self.is_listed(host),
        }
    }

    fn is_listed(&self, host: &str) -> bool {
        self.hosts.iter().any(|listed| listed == host)
    }

    /// Whether no page sends this, or one that may.
    fn check_page(&self, headers: &HeaderMap, addressed: &[Authority]) -> Result<(), Problem> {
        let origins = headers.get_all(header::ORIGIN).iter();
        let origins: Vec<&str> = origins.map(|o| o.to_str().unwrap_or("?")).collect();
        let listed = |origin: &&str| self.pages.iter().any(|page| page == origin);
        if !origins.is_empty() && origins.iter().all(listed) {
            return Ok(());
        }
        let sites = headers.get_all(SEC_FETCH_SITE).iter();
        let sites: Vec<&str> = sites.map(|s| s.to_str().unwrap_or("?")).collect();
        let foreign_site = sites
            .iter()
            .any(|site| !matches!(*site, "same-origin" | "none"));
        let own = |origin: &&str| match *origin {
            // A page that says nowhere where it is sends `null`, also to itself; then
            // the browser must say that it is the same.
            "null" => !sites.is_empty(),
            origin => addressed.iter().all(|to| is_origin_of(origin, to)),
        };
        if foreign_site || !origins.iter().all(own) {
            let from = origins.first().copied().unwrap_or("another site");
            return Err(Problem::foreign(format!(
                "a page of `{}` sends this, and only the service's own pages may; the operator lets others ask with --cors-origin",
                excerpt(from, 100)
            )));
        }
        Ok(())
    }
}

/// Whom a request names: in its target, and in `Host`.
fn addressed(request: &Request) -> Result<Vec<Authority>, Problem> {
    let unreadable = || {
        Problem::bad_request(
            "the request does not say to whom it is addressed: there is no Host that can be read",
        )
    };
    let mut all: Vec<Authority> = request.uri().authority().cloned().into_iter().collect();
    for value in request.headers().get_all(header::HOST) {
        let text = value.to_str().map_err(|_| unreadable())?;
        all.push(text.parse().map_err(|_| unreadable())?);
    }
    if all.is_empty() || all.iter().any(|to| to.as_str().contains('@')) {
        return Err(unreadable());
    }
    Ok(all)
}

/// Whether pages of `origin` are those of `authority`.
fn is_origin_of(origin: &str, authority: &Authority) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else {
        return false;
    };
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(from) = rest.parse::<Authority>() else {
        return false;
    };
    let port = |of: &Authority| of.port_u16().unwrap_or(usual);
    from.host().eq_ignore_ascii_case(authority.host()) && port(&from) == port(authority)
}

/// The origin of web pages, as browsers write it.
///
/// # Errors
/// What to write instead.
pub fn page(text: &str) -> Result<String, String> {
    const WRITE: &str = "write scheme and host of the pages, as in https://portal.example.com or http://localhost:3000";
    let wrong = |why: &str| Err(format!("{why}; {WRITE}"));
    match text {
        "*" => return wrong("pages of everyone would be let in, so each origin is named"),
        "null" => return wrong("`null` is the origin of every sandboxed page and every file"),
        _ => {}
    }
    if text.contains('*') {
        return wrong("patterns are not taken, each origin is named");
    }
    if text.contains(|c: char| c == ',' || c == ';' || c.is_whitespace()) {
        return wrong("it holds more than one origin, or spaces: give each by itself");
    }
    let Ok(url) = Url::parse(text) else {
        return wrong("it is no origin");
    };
    let lower = text.to_ascii_lowercase();
    if !lower.starts_with("http://") && !lower.starts_with("https://") {
        return wrong("pages have an origin of http or https");
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return wrong("an origin has no user");
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return wrong("an origin has no path");
    }
    let origin = url.origin().ascii_serialization();
    Ok(origin)
}

/// A name that the service is called by, as it is compared.
///
/// # Errors
/// What to write instead.
pub fn host(text: &str) -> Result<String, String> {
    let wrong = || {
        "write the name alone, without scheme, port and `*`, as in preview.example.com".to_owned()
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let odd = |c: char| c.is_whitespace() || matches!(c, '*' | ',' | '/' | '@' | '%' | '_');
    if name.is_empty() || name.contains(odd) {
        return Err(wrong());
    }
    match Host::parse(name) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn front(address: &str, hosts: &[&str], pages: &[&str]) -> Front {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Front::new(address.parse().unwrap(), owned(hosts), owned(pages))
    }

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn a_service_on_loopback_has_the_names_of_this_machine() {
        let local = front("127.0.0.1", &["preview.test"], &[]);
        let remote = front("10.0.0.1", &["preview.test"], &[]);
        let open = front("10.0.0.1", &[], &[]);
        for (host, is_local, is_remote) in [
            ("localhost", true, true),
            ("LOCALHOST:8080", true, true),
            ("localhost.", true, true),
            ("app.localhost", true, true),
            ("127.0.0.1:8080", true, true),
            ("127.5.6.7", true, true),
            ("[::1]:8080", true, true),
            ("[::ffff:127.0.0.1]", true, true),
            ("preview.test", true, true),
            ("Preview.Test.:443", true, true),
            ("0.0.0.0", false, true),
            ("10.0.0.1:8080", false, true),
            ("[2001:db8::1]", false, true),
            ("evil.test", false, false),
            ("localhost.evil.test", false, false),
            ("evil-localhost", false, false),
            ("127.0.0.1.evil.test", false, false),
            ("sub.preview.test", false, false),
            ("user@localhost", false, false),
            ("", false, false),
        ] {
            let get = request("GET", "/", &[("host", host)]);
            assert_eq!(local.check(&get).is_ok(), is_local, "{host}");
            assert_eq!(remote.check(&get).is_ok(), is_remote, "{host}");
            assert!(open.check(&get).is_ok(), "{host}");
        }
        // Both what the target says and what Host says.
        for (target, host) in [
            ("http://evil.test/", "localhost"),
            ("http://localhost/", "evil.test"),
        ] {
            let get = request("GET", target, &[("host", host)]);
            assert!(local.check(&get).is_err(), "{target}");
        }
        let two = [("host", "localhost"), ("host", "evil.test")];
        assert!(local.check(&request("GET", "/", &two)).is_err());
        assert!(local.check(&request("GET", "/", &[])).is_err());
        assert!(local.check(&request("GET", "http://[::1]/", &[])).is_ok());
    }

    #[test]
    fn pages_of_others_do_not_post() {
        let local = front("::1", &[], &["https://portal.test"]);
        let own = "http://localhost:8080";
        for (origin, site, allowed) in [
            (None, None, true),
            (Some(own), None, true),
            (Some(own), Some("same-origin"), true),
            (Some("null"), Some("same-origin"), true),
            (None, Some("none"), true),
            (Some("https://portal.test"), Some("cross-site"), true),
            (Some("https://portal.test"), None, true),
            (Some("null"), None, false),
            (Some("null"), Some("cross-site"), false),
            (None, Some("cross-site"), false),
            (None, Some("same-site"), false),
            (None, Some("anything"), false),
            (Some(own), Some("cross-site"), false),
            (Some("http://localhost:3000"), Some("same-site"), false),
            (Some("http://localhost:3000"), None, false),
            (Some("http://localhost"), None, false),
            (Some("http://127.0.0.1:8080"), None, false),
            (Some("https://evil.test"), None, false),
            (Some("https://evil.test"), Some("same-origin"), false),
            (Some("https://portal.test.evil.test"), None, false),
            (Some("file://"), None, false),
        ] {
            let mut headers = vec![("host", "localhost:8080")];
            headers.extend(origin.map(|origin| ("origin", origin)));
            headers.extend(site.map(|site| ("sec-fetch-site", site)));
            for (method, expected) in [("POST", allowed), ("DELETE", allowed), ("GET", true)] {
                let request = request(method, "/v1/validate", &headers);
                let outcome = local.check(&request);
                assert_eq!(outcome.is_ok(), expected, "{method} {origin:?} {site:?}");
            }
        }
    }

    #[test]
    fn origins_and_hosts_are_written_as_they_are_compared() {
        for (given, written) in [
            ("https://portal.example", "https://portal.example"),
            ("https://portal.example/", "https://portal.example"),
            ("HTTPS://Portal.Example:443", "https://portal.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(page(given).as_deref(), Ok(written));
        }
        for wrong in [
            "",
            "*",
            "null",
            "https://*",
            "https://*.example.com",
            "https://a.example/app",
            "https://a.example?x",
            "https://a.example#x",
            "https://a.example,https://b.example",
            "https://a.example https://b.example",
            "https://a.example;https://b.example",
            " https://a.example",
            "https://user@a.example",
            "https://@a.example",
            "portal.example",
            "//portal.example",
            "https:portal.example",
            "ftp://a.example",
            "file:///",
            "chrome-extension://abc",
            "https://",
            "https://a.example:99999",
            "https://a.example\n",
        ] {
            assert!(page(wrong).is_err(), "{wrong:?}");
        }
        for (given, written) in [
            ("Preview.Example.com.", "preview.example.com"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("bücher.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(host(given).as_deref(), Ok(written));
        }
        for wrong in [
            "",
            "*",
            "*.example.com",
            "https://a.example",
            "a.example:8080",
            "a.example/x",
            "a b",
            "a,b",
            "user@a",
            ".",
        ] {
            assert!(host(wrong).is_err(), "{wrong:?}");
        }
    }
}
