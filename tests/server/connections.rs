//! Connections: what a client may wait for, how long it may make the service wait, how
//! many it may have, and how they end.

use crate::artifacts::{get, large, options_with, store};
use crate::support::*;
use axum::Router;
use axum::routing::any;
use flux_apim::edge::fetch::{Hosts, Policy};
use flux_apim::edge::server::Options;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);
/// Short, but longer than a request that needs nothing.
const SHORT: Duration = Duration::from_millis(300);

/// A host of sources that answers when it may.
pub(crate) struct Origin {
    pub(crate) url: String,
    /// A permit for each request that came.
    pub(crate) came: Arc<Semaphore>,
    /// Requests that may be answered.
    pub(crate) may: Arc<Semaphore>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x.tar.gz", listener.local_addr().unwrap());
        let (came, may) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (tell, wait) = (Arc::clone(&came), Arc::clone(&may));
        let router = Router::new().fallback(any(move || async move {
            tell.add_permits(1);
            wait.acquire().await.unwrap().forget();
            archive(&sample())
        }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, came, may }
    }

    /// A preview of what it has.
    pub(crate) fn preview(&self) -> String {
        let digest = flux_apim::tree::Digest::of(&archive(&sample()));
        let source = json!({"source": {"url": self.url, "digest": digest.to_string()}});
        let body = source.to_string();
        format!(
            "POST /v1/validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub(crate) fn options() -> Options {
        Options {
            sources: Policy {
                hosts: Hosts::Only(vec!["127.0.0.1:*".to_owned()]),
                allow_private: true,
                ..Policy::only(Vec::new())
            },
            ..options()
        }
    }
}

/// Waits until the service has closed a connection on which nothing is asked: as long as
/// a head may take.
async fn a_head_takes(service: &Running) {
    until_closed(&mut connect(service).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_be_worked_on_longer_than_its_head_may_take() {
    let origin = Origin::start().await;
    let service = Running::start(Options {
        header_timeout: SHORT,
        ..Origin::options()
    })
    .await;
    let mut stream = connect(&service).await;
    stream.write_all(origin.preview().as_bytes()).await.unwrap();
    origin.came.acquire().await.unwrap().forget();
    a_head_takes(&service).await;
    origin.may.add_permits(1);
    let (head, _) = head(&mut stream).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_be_read_longer_than_a_head_may_take() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = large();
    let (_, path) = store(folder.path(), &bytes);
    let service = Running::start(Options {
        header_timeout: SHORT,
        ..options_with(folder.path())
    })
    .await;
    let mut stream = connect(&service).await;
    let (head, mut body) = ask(&mut stream, &get(&path)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    a_head_takes(&service).await;
    let mut rest = vec![0; bytes.len() - body.len()];
    stream.read_exact(&mut rest).await.unwrap();
    body.extend_from_slice(&rest);
    assert!(body == bytes);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_rest_longer_than_a_head_may_take() {
    let service = Running::start(Options {
        header_timeout: SHORT,
        idle_timeout: LONG,
        ..options()
    })
    .await;
    let mut stream = connect(&service).await;
    let (first, _) = ask(&mut stream, &get("/healthz")).await;
    assert!(first.starts_with("http/1.1 200"), "{first}");
    a_head_takes(&service).await;
    let (second, _) = ask(&mut stream, &get("/healthz")).await;
    assert!(second.starts_with("http/1.1 200"), "{second}");
    // The head of a further request has its time as well.
    stream.write_all(b"GET /heal").await.unwrap();
    until_closed(&mut stream).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_at_rest_is_closed_in_the_end() {
    let service = Running::start(Options {
        header_timeout: LONG,
        idle_timeout: SHORT,
        ..options()
    })
    .await;
    let mut stream = connect(&service).await;
    let (head, _) = ask(&mut stream, &get("/healthz")).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    until_closed(&mut stream).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = store(folder.path(), &large());
    let service = Running::start(Options {
        answer_timeout: SHORT,
        ..options_with(folder.path())
    })
    .await;
    let mut stuck = connect(&service).await;
    stuck.write_all(get(&path).as_bytes()).await.unwrap();
    while service.load().requests == 0 {
        tokio::task::yield_now().await;
    }
    let load = service.rest().await;
    assert_eq!((load.requests, load.connections), (0, 0));

    // Over HTTP/2 the socket has room, and the client says that it is there.
    let mut stuck = Http2::start(&service, 0).await;
    stuck.request("GET", &path, true).await;
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let pinging = async {
        while stuck.0.write_all(&ping).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(60), pinging).await;
    assert!(closed.is_ok(), "the connection is never given up");
    let load = service.rest().await;
    assert_eq!((load.requests, load.connections), (0, 0));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_its_share_of_connections() {
    let service = Running::start(Options {
        header_timeout: LONG,
        max_connections: 8,
        max_connections_per_client: 4,
        ..options()
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(connect(&service).await);
    }
    // The fifth is closed without an answer, another client has one.
    let mut fifth = connect(&service).await;
    until_closed(&mut fifth).await;
    let mut other = connect_from(&service, "127.0.0.2").await;
    let (answer, metrics) = ask(&mut other, &get("/metrics")).await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    let mut metrics = String::from_utf8(metrics).unwrap();
    while !metrics.contains("# EOF") {
        let mut some = [0; 4096];
        let count = other.read(&mut some).await.unwrap();
        metrics.push_str(std::str::from_utf8(&some[..count]).unwrap());
    }
    let line = "flux_apim_http_connections_refused_total 1";
    assert!(metrics.lines().any(|l| l == line), "{metrics}");
    // What it gives back it may take again.
    held.clear();
    loop {
        let mut stream = connect(&service).await;
        let _ = stream.write_all(get("/healthz").as_bytes()).await;
        let mut some = [0; 12];
        if stream.read_exact(&mut some).await.is_ok() {
            assert_eq!(&some, b"HTTP/1.1 200");
            break;
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_with_the_body_unread_says_that_it_closes() {
    let service = Running::start(options()).await;
    for (request, status) in [
        ("POST /nowhere", 404),
        ("PUT /v1/render", 405),
        ("POST /v1/render", 415),
        ("POST /v1/render?nonsense=1", 400),
        ("POST /healthz", 405),
    ] {
        // More is announced than sent.
        let request =
            format!("{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx");
        let mut stream = connect(&service).await;
        let (head, _) = ask(&mut stream, &request).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
    }
    // A body that was read is no reason.
    let body = in_json(&sample()).to_string();
    let mut stream = connect(&service).await;
    for _ in 0..2 {
        let request = format!(
            "POST /v1/validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (head, so_far) = ask(&mut stream, &request).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(!head.contains("connection: close"), "{head}");
        let length = head.split_once("content-length: ").unwrap().1;
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut rest = vec![0; length - so_far.len()];
        stream.read_exact(&mut rest).await.unwrap();
    }
    // HTTP/2 ends the stream, without an error.
    let mut connection = Http2::start(&service, 65_535).await;
    connection.request("POST", "/nowhere", false).await;
    let reset = connection.until(3).await;
    assert_eq!(reset, [0, 0, 0, 0], "RST_STREAM with NO_ERROR");
    drop(connection);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_host() {
    let service = Running::start(options()).await;
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n", 200),
    ] {
        let (head, _) = ask(&mut connect(&service).await, request).await;
        let version = if request.contains("1.0") {
            "1.0"
        } else {
            "1.1"
        };
        let expected = format!("http/{version} {status}");
        assert!(head.starts_with(&expected), "{request}{head}");
        if status == 400 {
            assert!(head.contains("application/problem+json"), "{head}");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_after_which_nothing_more_is_said_is_answered() {
    let origin = Origin::start().await;
    let service = Running::start(Options {
        header_timeout: SHORT,
        half_close: LONG,
        ..Origin::options()
    })
    .await;
    let mut stream = connect(&service).await;
    stream.write_all(origin.preview().as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    origin.came.acquire().await.unwrap().forget();
    // It is looked at several times meanwhile.
    a_head_takes(&service).await;
    origin.may.add_permits(1);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_later_has_left() {
    let origin = Origin::start().await;
    // Any time is later.
    let service = Running::start(Options {
        half_close: Duration::ZERO,
        ..Origin::options()
    })
    .await;
    let mut stream = connect(&service).await;
    stream.write_all(origin.preview().as_bytes()).await.unwrap();
    origin.came.acquire().await.unwrap().forget();
    drop(stream);
    let load = service.rest().await;
    assert_eq!((load.requests, load.connections), (0, 0));
    service.stop().await;
}

/// A client of HTTP/2 that does only what it is told.
struct Http2(TcpStream);

impl Http2 {
    /// One that takes `window` bytes of each answer.
    async fn start(service: &Running, window: u32) -> Self {
        let mut stream = connect(service).await;
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        hello.extend_from_slice(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4]);
        hello.extend_from_slice(&window.to_be_bytes());
        stream.write_all(&hello).await.unwrap();
        Self(stream)
    }

    /// Asks on stream 1.
    async fn request(&mut self, method: &str, path: &str, ends: bool) {
        let mut block = vec![if method == "GET" { 0x82 } else { 0x83 }, 0x86];
        for (name, value) in [(0x04, path), (0x01, "localhost")] {
            block.push(name);
            block.push(u8::try_from(value.len()).unwrap());
            assert!(value.len() < 127);
            block.extend_from_slice(value.as_bytes());
        }
        let length = u8::try_from(block.len()).unwrap();
        let flags = 4 | u8::from(ends);
        let mut frame = vec![0, 0, length, 1, flags, 0, 0, 0, 1];
        frame.extend_from_slice(&block);
        self.0.write_all(&frame).await.unwrap();
    }

    /// Reads until a frame of this kind comes on stream 1: its payload.
    async fn until(&mut self, kind: u8) -> Vec<u8> {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.unwrap();
            let length = usize::from(head[1]) * 256 + usize::from(head[2]);
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.unwrap();
            if head[3] == kind && head[8] == 1 {
                return payload;
            }
        }
    }
}
