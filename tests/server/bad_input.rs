//! Hostile requests are answered with what is wrong, and the next is served.

use crate::support::*;
use flux_apim::edge::server::Options;
use flux_apim::tree::Limits;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start() -> Running {
    Running::start(strict()).await
}

fn strict() -> Options {
    Options {
        max_body_bytes: 2 << 20,
        limits: Limits {
            max_files: 200,
            max_file_bytes: 400_000,
            max_total_bytes: 1 << 20,
            max_path_bytes: 100,
            max_compression_ratio: 50,
            ..Options::default().limits
        },
        ..options()
    }
}

/// The next request, whatever the last one was.
async fn is_served(service: &Running) {
    let response = post(
        &format!("{}/v1/validate", service.url),
        GZIP,
        archive(&sample()),
    )
    .await;
    assert_eq!(response.status(), 200);
}

/// A tar of one entry that no library would write.
fn entry(name: &[u8], kind: u8, link: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(b"00000000000\0");
    header[136..148].copy_from_slice(b"00000000000\0");
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link);
    header[257..263].copy_from_slice(b"ustar\0");
    header[263..265].copy_from_slice(b"00");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.to_vec()
}

fn tar_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entries.concat();
    tar.resize(tar.len() + 1024, 0);
    gzip(&tar)
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_are_refused_by_name_in_every_form() {
    let service = start().await;
    let file = |name: &[u8]| entry(name, b'0', b"");
    let rows: Vec<(&str, Vec<u8>, u16)> = vec![
        ("traversal", tar_of(&[file(b"../x")]), 422),
        ("inner traversal", tar_of(&[file(b"a/../../x")]), 422),
        ("absolute", tar_of(&[file(b"/etc/passwd")]), 422),
        ("backslash", tar_of(&[file(b"a\\b")]), 422),
        (
            "hard link",
            tar_of(&[entry(b"a", b'1', b"/etc/passwd")]),
            422,
        ),
        ("device", tar_of(&[entry(b"a", b'3', b"")]), 422),
        ("fifo", tar_of(&[entry(b"a", b'6', b"")]), 422),
        ("duplicate", tar_of(&[file(b"a"), file(b"a")]), 422),
        ("case", tar_of(&[file(b"a"), file(b"A")]), 422),
        ("not UTF-8", tar_of(&[file(b"a\xff")]), 422),
        ("control character", tar_of(&[file(b"a\nb")]), 422),
        ("no gzip", b"hello".to_vec(), 422),
        (
            "cut",
            {
                let mut cut = archive(&sample());
                cut.truncate(cut.len() / 2);
                cut
            },
            422,
        ),
        (
            "many files",
            tar_of(
                &(0..300)
                    .map(|n| file(format!("f{n}").as_bytes()))
                    .collect::<Vec<_>>(),
            ),
            413,
        ),
        ("bomb", gzip(&vec![0; 40 << 20]), 413),
        (
            "large file",
            archive(&BTreeMap::from([("a".to_owned(), noise(500_000))])),
            413,
        ),
        (
            "large in all",
            archive(&(0..5).map(|n| (format!("f{n}"), noise(300_000))).collect()),
            413,
        ),
    ];
    for (what, bytes, expected) in rows {
        for (form_of, media_type, body) in [
            ("body", GZIP.to_owned(), bytes.clone()),
            (
                "form",
                form_type(),
                form(&[("archive", Some("a.tgz"), &bytes)]),
            ),
            (
                "json",
                JSON.to_owned(),
                json!({"archive": base64(&bytes)}).to_string().into_bytes(),
            ),
        ] {
            for verb in ["render", "validate"] {
                let response = post(
                    &format!("{}/v1/{verb}", service.url),
                    &media_type,
                    body.clone(),
                )
                .await;
                let (status, body) = problem(response).await;
                let fits = status == expected || (what == "large in all" && status == 413);
                assert!(fits, "{what} as {form_of}: {body}");
                if status == 413 {
                    assert!(
                        body["detail"].as_str().unwrap().contains("--max-"),
                        "{what}: {body}"
                    );
                }
            }
        }
    }
    is_served(&service).await;
    service.stop().await;
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(len).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_held_to_the_rules_of_archives() {
    let service = start().await;
    let many: BTreeMap<String, &str> = (0..300).map(|n| (format!("f{n}"), "")).collect();
    let long = "x".repeat(101);
    let large = "x".repeat(500_000);
    for (files, expected) in [
        (json!({"../x": ""}), 422),
        (json!({"/x": ""}), 422),
        (json!({"a\\b": ""}), 422),
        (json!({"a\nb": ""}), 422),
        (json!({"": ""}), 422),
        (json!({"a": "", "A": ""}), 422),
        (json!({"a": "", "a/b": ""}), 422),
        (json!({long.clone(): ""}), 413),
        (json!({"a": large}), 413),
        (json!(many), 413),
        (json!({"a": 1}), 400),
        (json!({"a": null}), 400),
        (json!({"a": {"base64": "!"}}), 400),
        (json!({"a": {"base64": "", "b": ""}}), 400),
        (json!({"a": {}}), 400),
        (json!([]), 400),
        (json!("x"), 400),
    ] {
        let body = json!({"files": files}).to_string();
        let shown = body.chars().take(80).collect::<String>();
        let response = post(
            &format!("{}/v1/render", service.url),
            JSON,
            body.into_bytes(),
        )
        .await;
        let (status, body) = problem(response).await;
        assert_eq!(status, expected, "{shown}: {body}");
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{}",
        "{\"files\":{},\"files\":{}}",
        "{\"files\":{\"a\":\"\",\"a\":\"\"}}",
        "{\"x\":1}",
        "{\"old\":{}}",
        "{\"files\":{}} x",
        "{\"source\":{}}",
        "{\"source\":{\"url\":1,\"digest\":2}}",
        "{\"files\":{\"a\":\"\\ud800\"}}",
        "{\"archive\":\"!\"}",
        "{\"archive\":\"\",\"files\":{}}",
        "\u{feff}{}",
    ] {
        for verb in ["render", "validate", "diff"] {
            let response = post(
                &format!("{}/v1/{verb}", service.url),
                JSON,
                body.as_bytes().to_vec(),
            )
            .await;
            let (status, answer) = problem(response).await;
            assert!(matches!(status, 400 | 422), "{verb} {body}: {answer}");
        }
    }
    let nested = format!("{{\"files\":{}", "[".repeat(100_000));
    let (status, _) = problem(
        post(
            &format!("{}/v1/render", service.url),
            JSON,
            nested.into_bytes(),
        )
        .await,
    )
    .await;
    assert_eq!(status, 400);
    is_served(&service).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_read_to_the_letter() {
    let service = start().await;
    let packed = archive(&sample());
    let url = format!("{}/v1/render", service.url);
    let many: Vec<String> = (0..300).map(|n| format!("f{n}")).collect();
    let many: Vec<(&str, Option<&str>, &[u8])> = many
        .iter()
        .map(|n| ("file", Some(n.as_str()), &b""[..]))
        .collect();
    for (body, expected) in [
        (form(&[]), 400),
        (
            form(&[
                ("archive", Some("a"), &packed),
                ("archive", Some("b"), &packed),
            ]),
            400,
        ),
        (
            form(&[("archive", Some("a"), &packed), ("file", Some("x"), b"y")]),
            400,
        ),
        (
            form(&[("archive", Some("a"), &packed), ("surprise", None, b"y")]),
            400,
        ),
        (form(&[("file", Some("../x"), b"y")]), 422),
        (form(&many), 413),
        (b"no form at all".to_vec(), 400),
        (
            form(&[("archive", Some("a"), &packed)])[..300].to_vec(),
            400,
        ),
    ] {
        let (status, answer) = problem(post(&url, &form_type(), body).await).await;
        assert_eq!(status, expected, "{answer}");
    }
    let without_boundary = post(&url, "multipart/form-data", form(&[])).await;
    assert_eq!(problem(without_boundary).await.0, 400);
    is_served(&service).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_and_encodings_are_named() {
    let service = start().await;
    let url = format!("{}/v1/validate", service.url);
    let packed = archive(&sample());
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/zip",
        "application/json-patch+json",
        "x",
        "",
    ] {
        let (status, _) = problem(post(&url, media_type, packed.clone()).await).await;
        assert_eq!(status, 415, "{media_type}");
    }
    let without = client()
        .post(&url)
        .body(packed.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(problem(without).await.0, 415);
    for (encoding, body, expected) in [
        ("br", packed.clone(), 415),
        ("deflate", packed.clone(), 415),
        ("gzip, gzip", packed.clone(), 415),
        ("gzip", packed[..100].to_vec(), 400),
        ("gzip", b"no gzip".to_vec(), 400),
        ("gzip", gzip(&vec![b' '; 30 << 20]), 413),
    ] {
        let request = client()
            .post(&url)
            .header("content-type", GZIP)
            .header("content-encoding", encoding);
        let (status, answer) = problem(request.body(body).send().await.unwrap()).await;
        assert_eq!(status, expected, "{encoding}: {answer}");
    }
    let request = client()
        .post(&url)
        .header("content-type", JSON)
        .header("content-encoding", "gzip");
    let json = gzip(in_json(&sample()).to_string().as_bytes());
    assert_eq!(request.body(json).send().await.unwrap().status(), 200);
    for query in [
        "?target=cobol",
        "?env=x&config=y",
        "?nonsense=1",
        "?deny=everything",
        "?path=../x",
        "?path=nowhere",
        "?only=nowhere",
        "?arm_api_version=1999-01-01",
    ] {
        let response = post(
            &format!("{}/v1/render{query}", service.url),
            GZIP,
            packed.clone(),
        )
        .await;
        assert_eq!(problem(response).await.0, 400, "{query}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_cut_at_the_cap_and_not_a_byte_before() {
    let service = start().await;
    let url = format!("{}/v1/validate", service.url);
    let cap = 2 << 20;
    let mut json = in_json(&sample()).to_string().into_bytes();
    json.resize(cap, b' ');
    assert_eq!(
        post(&url, JSON, json.clone()).await.status(),
        200,
        "exactly the cap"
    );
    json.push(b' ');
    let (status, answer) = problem(post(&url, JSON, json.clone()).await).await;
    assert_eq!(status, 413);
    assert!(
        answer["detail"]
            .as_str()
            .unwrap()
            .contains("--max-body-bytes"),
        "{answer}"
    );
    // The same without a length to look at first.
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
        json.chunks(10_000).map(|c| Ok(c.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let response = client()
        .post(&url)
        .header("content-type", JSON)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(problem(response).await.0, 413);
    is_served(&service).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_files_are_too_many_whatever_their_size() {
    let service = Running::start(options()).await;
    let mut body = String::from("{\"files\":{");
    for n in 0..1_000_000 {
        body.push_str(&format!("\"{n}\":\"\","));
    }
    body.push_str("\"x\":\"\"}}");
    let response = post(
        &format!("{}/v1/render", service.url),
        JSON,
        body.into_bytes(),
    )
    .await;
    let (status, answer) = problem(response).await;
    assert_eq!(status, 413);
    assert!(
        answer["detail"].as_str().unwrap().contains("--max-files"),
        "{answer}"
    );
    is_served(&service).await;
    service.stop().await;
}

/// Writes `head`, then `more` again and again until the server answers.
async fn endless(service: &Running, head: &str, more: &[u8]) -> String {
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let more = more.to_vec();
    let writing = tokio::spawn(async move { while writer.write_all(&more).await.is_ok() {} });
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answer)).await;
    writing.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_end_gets_an_answer() {
    let service = start().await;
    let head = format!(
        "POST /v1/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        form_type()
    );
    let part = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nabc\r\n"
    );
    let chunk = format!("{:x}\r\n{part}\r\n", part.len());
    let answer = endless(&service, &head, chunk.repeat(50).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("--max-body-bytes"), "{answer}");
    is_served(&service).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_half_closed_clients_are_let_go() {
    let service = Running::start(Options {
        header_timeout: Duration::from_millis(400),
        body_timeout: Duration::from_millis(1500),
        ..strict()
    })
    .await;
    let read_all = async |mut stream: TcpStream| {
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(60), read).await;
        read.expect("the connection is closed").unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    // A head that never ends.
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream
        .write_all(b"POST /v1/render HTTP/1.1\r\nHost: localhost\r\nX-")
        .await
        .unwrap();
    let answer = read_all(stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
    // A connection on which nothing is asked.
    let stream = TcpStream::connect(service.address()).await.unwrap();
    read_all(stream).await;
    // One of HTTP/2 that says again and again that it is there.
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    stream.write_all(&settings).await.unwrap();
    let alive = async {
        while stream.write_all(&ping).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(60), alive).await;
    closed.expect("a connection on which nothing is asked is closed");
    // A body that comes byte by byte.
    let head = b"POST /v1/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/gzip\r\nContent-Length: 1000\r\n\r\n";
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(head).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"x").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = read_all(stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("--body-timeout"),
        "{answer}"
    );
    // A client that closes its side in the middle of the body.
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    stream.write_all(head).await.unwrap();
    stream.write_all(b"half").await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_all(stream).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    // What is no HTTP, and what is too much of it.
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n",
        &[b'a'; 100_000],
    ] {
        let mut stream = TcpStream::connect(service.address()).await.unwrap();
        let _ = stream.write_all(garbage).await;
        let mut answer = Vec::new();
        let _ =
            tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        assert!(!answer.starts_with(b"HTTP/1.1 5"), "{garbage:?}");
    }
    is_served(&service).await;
    let load = service.rest().await;
    assert_eq!((load.running, load.waiting, load.held_bytes), (0, 0, 0));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_ask_too_often_are_told_when_to_come_again() {
    let service = Running::start(Options {
        rate: std::num::NonZeroU32::new(3).unwrap(),
        ..options()
    })
    .await;
    let mut refused = 0;
    for _ in 0..6 {
        let response = client()
            .get(format!("{}/v1/rules", service.url))
            .send()
            .await
            .unwrap();
        if response.status() == 429 {
            let seconds: u64 = response.headers()["retry-after"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((1..=60).contains(&seconds));
            let (_, answer) = problem(response).await;
            assert!(
                answer["detail"].as_str().unwrap().contains("--rate"),
                "{answer}"
            );
            refused += 1;
        }
    }
    assert_eq!(refused, 3);
    let healthy = client()
        .get(format!("{}/healthz", service.url))
        .send()
        .await
        .unwrap();
    assert_eq!(healthy.status(), 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_service_says_so_and_stays_healthy() {
    let service = Running::start(Options {
        workers: 1,
        queue: 1,
        cache_bytes: 0,
        ..options()
    })
    .await;
    let url = format!("{}/v1/render", service.url);
    let asking: Vec<_> = (0..24)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { post(&url, GZIP, archive(&sample())).await })
        })
        .collect();
    let healthy = client()
        .get(format!("{}/healthz", service.url))
        .send()
        .await
        .unwrap();
    assert_eq!(healthy.status(), 200);
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for asked in asking {
        let response = asked.await.unwrap();
        let status = response.status().as_u16();
        *statuses.entry(status).or_default() += 1;
        if status == 503 {
            assert!(response.headers().contains_key("retry-after"));
            let (_, answer): (u16, Json) = problem(response).await;
            assert!(
                answer["detail"].as_str().unwrap().contains("--queue"),
                "{answer}"
            );
        }
    }
    assert!(
        statuses.keys().all(|status| matches!(status, 200 | 503)),
        "{statuses:?}"
    );
    assert!(
        statuses.contains_key(&200) && statuses.contains_key(&503),
        "{statuses:?}"
    );
    is_served(&service).await;
    service.stop().await;
}
