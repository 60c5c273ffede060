//! What went wrong on the way, and whether it may pass by itself.

use super::super::Error;
use super::connection::chain;
use super::proxy;
use super::wire::authority;
use reqwest::Url;
use std::io;

/// Tells apart what may pass by itself and what will not.
pub(super) fn failed(attempted: &str, url: &Url, error: &reqwest::Error) -> Error {
    let host = authority(url);
    let text = chain(error);
    // URLs of uploads and redirects are signed: their query is a secret.
    let text = match error.url() {
        Some(url) => text.replace(url.as_str(), &host),
        None => text,
    };
    let lasting = [
        (
            "invalid peer certificate",
            "; trust the registry's CA with --ca FILE, if it is the right one",
        ),
        (
            "InvalidContentType",
            "; it does not speak TLS: --insecure allows plain HTTP",
        ),
        (
            "received fatal alert",
            "; it wants a client certificate, or another one",
        ),
    ];
    for (mark, help) in lasting {
        if text.contains(mark) {
            return Error::Connection {
                attempted: attempted.to_owned(),
                problem: format!("{host}: {text}{help}"),
            };
        }
    }
    if error.is_timeout() && !error.is_connect() {
        return Error::Silent {
            attempted: attempted.to_owned(),
            problem: format!("{host} took too long: {text}"),
        };
    }
    let what = if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off"
    };
    let through = match proxy::named_for(url) {
        Some((proxy, variable)) => format!(
            " (through the proxy {proxy}, which {variable} names; NO_PROXY={} goes past it)",
            url.host_str().unwrap_or("")
        ),
        None => String::new(),
    };
    // A server that speaks TLS and nothing else answers with an alert.
    let no_http = url.scheme() == "http" && text.contains("invalid HTTP");
    let tls = match no_http {
        true => "; it may speak TLS: leave out --insecure",
        false => "",
    };
    Error::Network {
        attempted: attempted.to_owned(),
        problem: format!("{host} {what}: {text}{through}{tls}"),
    }
}

/// Whether the other side ended the connection, in whichever order that is seen:
/// by what is read from it, or by what is written to it.
pub(super) fn has_left(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let left = matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::UnexpectedEof
            );
            if left {
                return true;
            }
        }
        // HTTP/2 keeps the words of what it met, and not the error itself.
        let text = error.to_string().to_ascii_lowercase();
        let marks = [
            "broken pipe",
            "channel closed",
            "connection closed",
            "connection reset",
            "connection aborted",
            "operation was canceled",
            "unexpected end of file",
        ];
        if marks.iter().any(|mark| text.contains(mark)) {
            return true;
        }
        next = error.source();
    }
    false
}

/// How servers in Go, nginx, Apache and Envoy's kin answer plain HTTP where they speak TLS.
pub(super) fn wants_tls(said: &[u8]) -> bool {
    let said = String::from_utf8_lossy(said).to_ascii_lowercase();
    [
        "http request to an https server",
        "plain http request was sent to https port",
        "speaking plain http to an ssl-enabled",
    ]
    .iter()
    .any(|mark| said.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("client error (SendRequest)")]
    struct Outer(#[source] Box<dyn std::error::Error + Send + Sync>);

    fn within(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Outer {
        Outer(Box::new(Outer(source.into())))
    }

    #[test]
    fn one_that_leaves_is_seen_in_whichever_order_it_comes() {
        for kind in [
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::UnexpectedEof,
        ] {
            assert!(has_left(&within(io::Error::from(kind))), "{kind:?}");
        }
        for text in [
            "connection closed before message completed",
            "operation was canceled",
            "channel closed",
            "stream closed because of a broken pipe",
            "Connection reset by peer (os error 104)",
        ] {
            assert!(has_left(&within(text)), "{text}");
        }
        for kind in [io::ErrorKind::TimedOut, io::ErrorKind::ConnectionRefused] {
            assert!(!has_left(&within(io::Error::from(kind))), "{kind:?}");
        }
        assert!(!has_left(&within(
            "received fatal alert: CertificateRequired"
        )));
    }
}
