//! `/artifacts`: what a controller stored, as Flux fetches it.

use crate::support::*;
use flux_apim::edge::server::Options;
use flux_apim::edge::storage::{Owner, Retention, Storage};
use flux_apim::tree::Digest;
use prometheus_client::metrics::counter::Counter;
use reqwest::header;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Bytes of an artifact that no buffers hold.
const LARGE: usize = 8 << 20;

/// An artifact in `folder`, as the controller stores it: its file, and its path in URLs.
pub(crate) fn store(folder: &Path, bytes: &[u8]) -> (PathBuf, String) {
    let retention = Retention {
        ttl: Duration::from_secs(60),
        records: 2,
    };
    let storage = Storage::open(folder, "127.0.0.1", retention, Counter::default()).unwrap();
    let owner = Owner::new("externalartifact", "apis", "contoso").unwrap();
    let stored = storage.put(&owner, Digest::of(bytes), bytes).unwrap();
    let path = stored.url.split_once("/artifacts/").unwrap().1;
    (folder.join(&stored.path), format!("/artifacts/{path}"))
}

/// Bytes that are the same nowhere.
pub(crate) fn large() -> Vec<u8> {
    (0..LARGE / 8)
        .flat_map(|n| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
        .collect()
}

pub(crate) fn options_with(folder: &Path) -> Options {
    Options {
        artifacts: Some(folder.to_owned()),
        ..options()
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_served_by_their_content_without_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let packed = archive(&sample());
    let (_, path) = store(folder.path(), &packed);
    let service = Running::start(options_with(folder.path())).await;
    let response = client().get(format!("{}{path}", service.url)).send().await;
    let response = response.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/gzip");
    assert_eq!(response.bytes().await.unwrap(), packed);
    for path in [
        "",
        "/",
        "/externalartifact",
        "/externalartifact/apis/contoso/",
        "/externalartifact/apis/contoso/..%2f..%2fx",
    ] {
        let url = format!("{}/artifacts{path}", service.url);
        let response = client().get(url).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_has_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = large();
    let (_, path) = store(folder.path(), &bytes);
    let service = Running::start(options_with(folder.path())).await;
    let url = format!("{}{path}", service.url);
    let etag = format!("\"{}\"", Digest::of(&bytes));
    let ask = async |headers: &[(header::HeaderName, &str)]| {
        let mut request = client().get(&url);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()[header::ETAG], etag);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.bytes().await.unwrap())
    };
    let (status, headers, body) = ask(&[]).await;
    assert_eq!((status, body.len()), (200, LARGE));
    assert_eq!(headers[header::CONTENT_LENGTH], LARGE.to_string().as_str());
    assert_eq!(headers[header::ACCEPT_RANGES], "bytes");
    let (status, _, body) = ask(&[(header::IF_NONE_MATCH, &etag)]).await;
    assert_eq!((status, body.len()), (304, 0));

    // A download that broke off goes on where it was.
    let half = format!("bytes={}-", LARGE / 2);
    let (status, headers, body) = ask(&[(header::RANGE, &half)]).await;
    assert_eq!((status, &body[..]), (206, &bytes[LARGE / 2..]));
    let described = format!("bytes {}-{}/{LARGE}", LARGE / 2, LARGE - 1);
    assert_eq!(headers[header::CONTENT_RANGE], described.as_str());
    let part = [
        (header::RANGE, "bytes=70000-200000"),
        (header::IF_RANGE, &etag),
    ];
    let (status, _, body) = ask(&part).await;
    assert_eq!((status, &body[..]), (206, &bytes[70_000..=200_000]));
    let other = [(header::RANGE, "bytes=0-9"), (header::IF_RANGE, "\"x\"")];
    assert_eq!(ask(&other).await.0, 200);
    let beyond = format!("bytes={LARGE}-");
    let (status, headers, _) = ask(&[(header::RANGE, &beyond)]).await;
    assert_eq!(status, 416);
    assert_eq!(
        headers[header::CONTENT_RANGE],
        format!("bytes */{LARGE}").as_str()
    );

    let head = client().head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(
        head.headers()[header::CONTENT_LENGTH],
        LARGE.to_string().as_str()
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_artifact_is_told_of_and_left_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (file, path) = store(folder.path(), b"good");
    // The owner is writing another one.
    let unfinished = file.with_file_name(".new-half");
    std::fs::write(&unfinished, b"half").unwrap();
    std::fs::write(&file, b"evil").unwrap();
    let service = Running::start(options_with(folder.path())).await;
    let url = format!("{}{path}", service.url);
    for _ in 0..3 {
        let response = client().get(&url).send().await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.text().await.unwrap().contains("damaged"));
        assert_eq!(client().head(&url).send().await.unwrap().status(), 500);
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"evil");
    assert!(unfinished.exists());
    let metrics = client().get(format!("{}/metrics", service.url)).send();
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let line = "flux_apim_artifacts_damaged_total 1";
    assert!(metrics.lines().any(|l| l == line), "{metrics}");
    // The owner makes it again.
    store(folder.path(), b"good");
    let response = client().get(&url).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), &b"good"[..]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_sent_is_not_sent_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = large();
    let (file, path) = store(folder.path(), &bytes);
    let service = Running::start(options_with(folder.path())).await;
    let mut stream = connect(&service).await;
    let (head, mut body) = ask(&mut stream, &get(&path)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    std::fs::write(&file, vec![0; LARGE]).unwrap();
    let _ = stream.read_to_end(&mut body).await;
    assert!(
        body.len() < LARGE && bytes.starts_with(&body),
        "{}",
        body.len()
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_has_its_share_of_readers() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = store(folder.path(), &large());
    let service = Running::start(options_with(folder.path())).await;
    let mut readers = Vec::new();
    let refused = loop {
        let mut stream = connect(&service).await;
        let (head, _) = ask(&mut stream, &get(&path)).await;
        if head.starts_with("http/1.1 200") {
            readers.push(stream);
            assert!(readers.len() < 250, "one client reads as much as it likes");
        } else {
            break head;
        }
    };
    assert!(refused.starts_with("http/1.1 429"), "{refused}");
    assert!(refused.contains("\r\nretry-after: "), "{refused}");
    assert!(readers.len() >= 100, "{}", readers.len());
    let mut other = connect_from(&service, "127.0.0.2").await;
    let (head, _) = ask(&mut other, &get(&path)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    // Who reads nothing may still ask.
    let have = get(&path).replace("Host", "If-None-Match: *\r\nHost");
    let (head, _) = ask(&mut connect(&service).await, &have).await;
    assert!(head.starts_with("http/1.1 304"), "{head}");
    drop((readers, other));
    service.rest().await;
    let (head, _) = ask(&mut connect(&service).await, &get(&path)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    service.stop().await;
}

/// The most memory that a process had, in KiB.
#[cfg(target_os = "linux")]
fn peak(process: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.unwrap().trim_end_matches("kB").trim().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_cost_a_chunk_each() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = large();
    let (_, path) = store(folder.path(), &bytes);
    let served = folder.path().to_str().unwrap().to_owned();
    let process =
        tokio::task::spawn_blocking(move || Process::start(&["--artifacts", &served], &[]));
    let process = process.await.unwrap();
    let address = process.url.strip_prefix("http://").unwrap();
    let before = peak(&process);
    let mut readers = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (head, body) = ask(&mut stream, &get(&path)).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(bytes.starts_with(&body));
        readers.push((stream, body.len()));
    }
    // All of them are in the middle of it; then they read on, in turns.
    let mut some = vec![0; LARGE];
    for part in 1..=4 {
        for (stream, at) in &mut readers {
            let end = part * LARGE / 4;
            stream.read_exact(&mut some[*at..end]).await.unwrap();
            assert!(some[*at..end] == bytes[*at..end]);
            *at = end;
        }
    }
    let grown = peak(&process) - before;
    println!("100 readers of {LARGE} bytes: {grown} KiB");
    assert!(grown < 100 << 10, "100 readers of 8 MiB cost {grown} KiB");
}
