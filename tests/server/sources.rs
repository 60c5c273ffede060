//! Sources by reference: what is asked, and what never is.

use crate::support::*;
use flux_apim::edge::fetch::{Error, Hosts, Lookup, Names, Policy, artifact};
use flux_apim::edge::server::Options;
use flux_apim::tree::{Digest, Limits};
use serde_json::json;
use sha2::Digest as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A server that counts connections and answers each with `answer`.
struct Counting {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Counting {
    async fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    let _ = stream.read(&mut buffer).await;
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self {
            address,
            connections,
        }
    }

    async fn serving(body: &[u8]) -> Self {
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        Self::start(answer).await
    }

    async fn redirecting(to: &str) -> Self {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        Self::start(answer.into_bytes()).await
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Names that resolve to what a test says, one answer after the other.
#[derive(Debug)]
struct Scripted {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Names for Scripted {
    fn lookup<'a>(&'a self, _: &'a str, _: u16) -> Lookup<'a> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[turn.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn any_host() -> Policy {
    Policy {
        hosts: Hosts::Any,
        timeout: Duration::from_secs(10),
        ..Policy::only(Vec::new())
    }
}

fn scripted(answers: Vec<Vec<SocketAddr>>) -> (Policy, Arc<Scripted>) {
    let names = Arc::new(Scripted {
        answers,
        asked: AtomicUsize::new(0),
    });
    let policy = Policy {
        names: Arc::clone(&names) as Arc<dyn Names>,
        ..any_host()
    };
    (policy, names)
}

fn is_refused(outcome: &Result<bytes::Bytes, Error>) -> bool {
    matches!(outcome, Err(Error::Refused { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_inside_are_never_asked() {
    let inside = Counting::serving(b"").await;
    let port = inside.address.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.255.255.254",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "localhost",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[fd12:3456::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[100::1]",
    ];
    assert!(hosts.len() >= 30);
    for host in hosts {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/x.tar.gz");
            let outcome = artifact(&url, NOTHING, &any_host(), &Limits::default()).await;
            assert!(is_refused(&outcome), "{url}");
        }
    }
    assert_eq!(inside.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_not_asked_even_where_private_addresses_are() {
    let policy = Policy {
        timeout: Duration::from_secs(5),
        ..Policy::cluster()
    };
    for host in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "168.63.129.16",
        "100.100.100.200",
        "[fe80::1]",
        "0.0.0.0",
    ] {
        let url = format!("http://{host}/latest/meta-data");
        let outcome = artifact(&url, NOTHING, &policy, &Limits::default()).await;
        assert!(is_refused(&outcome), "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_resolved_once_and_what_was_checked_is_asked() {
    let inside = Counting::serving(b"").await;
    let public = "93.184.216.34:80".parse().unwrap();
    for answers in [
        vec![inside.address],
        vec![public, inside.address],
        vec![inside.address, public],
        vec!["[::ffff:10.0.0.1]:80".parse().unwrap()],
        vec!["169.254.169.254:80".parse().unwrap()],
    ] {
        let (policy, _) = scripted(vec![answers.clone()]);
        let url = format!("http://rebinding.example:{}/x", inside.address.port());
        let outcome = artifact(&url, NOTHING, &policy, &Limits::default()).await;
        assert!(is_refused(&outcome), "{answers:?}");
    }
    assert_eq!(inside.count(), 0);

    // The second answer would lead elsewhere, if anyone asked for it.
    let (first, second) = (Counting::serving(b"").await, Counting::serving(b"").await);
    let (policy, names) = scripted(vec![vec![first.address], vec![second.address]]);
    let policy = Policy {
        allow_private: true,
        ..policy
    };
    let url = format!("http://rebinding.example:{}/x", first.address.port());
    artifact(&url, NOTHING, &policy, &Limits::default())
        .await
        .unwrap();
    assert_eq!(
        (
            first.count(),
            second.count(),
            names.asked.load(Ordering::SeqCst)
        ),
        (1, 0, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_stay_on_the_hosts_that_are_allowed() {
    let elsewhere = Counting::serving(b"").await;
    for to in [
        format!("http://{}/x", elsewhere.address),
        format!("http://user@{}/x", elsewhere.address),
        format!("//{}/x", elsewhere.address),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://127.0.0.1/x".to_owned(),
    ] {
        let server = Counting::redirecting(&to).await;
        let policy = Policy {
            hosts: Hosts::Only(vec![
                server.address.to_string(),
                "169.254.169.254".to_owned(),
            ]),
            allow_private: true,
            ..any_host()
        };
        let url = format!("http://{}/x", server.address);
        let outcome = artifact(&url, NOTHING, &policy, &Limits::default()).await;
        assert!(is_refused(&outcome), "{to}");
        assert_eq!(server.count(), 1, "{to}");
    }
    assert_eq!(elsewhere.count(), 0);
    let looping = Counting::redirecting("/again").await;
    let url = format!("http://{}/x", looping.address);
    let policy = Policy {
        allow_private: true,
        ..any_host()
    };
    assert!(is_refused(
        &artifact(&url, NOTHING, &policy, &Limits::default()).await
    ));
    assert_eq!(looping.count(), 4, "three redirects are followed");
    let there = Counting::serving(b"").await;
    let here = Counting::redirecting(&format!("http://{}/x", there.address)).await;
    let policy = Policy {
        hosts: Hosts::Only(vec![here.address.to_string(), there.address.to_string()]),
        ..policy
    };
    let url = format!("http://{}/x", here.address);
    artifact(&url, NOTHING, &policy, &Limits::default())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_hosts_on_the_list_are_asked() {
    let server = Counting::serving(b"").await;
    let port = server.address.port();
    let ask = async |list: &[String], url: &str| {
        let policy = Policy {
            hosts: Hosts::Only(list.to_vec()),
            allow_private: true,
            ..any_host()
        };
        artifact(url, NOTHING, &policy, &Limits::default()).await
    };
    let url = format!("http://127.0.0.1:{port}/x");
    for list in [
        vec![],
        vec!["127.0.0.1".to_owned()],
        vec!["127.0.0.1:1".to_owned()],
        vec!["*.0.0.1:*".to_owned() + "x"],
        vec!["localhost:*".to_owned()],
    ] {
        assert!(is_refused(&ask(&list, &url).await), "{list:?}");
    }
    for bad in [
        "http://user:password@127.0.0.1/",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "x",
        "http://",
    ] {
        assert!(
            is_refused(&ask(&["127.0.0.1:*".to_owned()], bad).await),
            "{bad}"
        );
    }
    assert_eq!(server.count(), 0);
    for list in [format!("127.0.0.1:{port}"), "127.0.0.1:*".to_owned()] {
        ask(&[list], &url).await.unwrap();
    }
    ask(
        &["localhost:*".to_owned()],
        &format!("http://LOCALHOST:{port}/x"),
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_sends_is_capped_and_compared() {
    let policy = Policy {
        allow_private: true,
        timeout: Duration::from_millis(800),
        ..any_host()
    };
    let limits = Limits {
        max_archive_bytes: 100,
        ..Limits::default()
    };
    let ask = async |answer: Vec<u8>, digest: &str| {
        let server = Counting::start(answer).await;
        artifact(
            &format!("http://{}/x?token=secret", server.address),
            digest,
            &policy,
            &limits,
        )
        .await
    };
    let whole = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    for (digest, algorithm) in [
        (
            format!("{:x}", Hex(&sha2::Sha256::digest(b"abc"))),
            "sha256",
        ),
        (
            format!("{:x}", Hex(&sha2::Sha384::digest(b"abc"))),
            "sha384",
        ),
        (
            format!("{:x}", Hex(&sha2::Sha512::digest(b"abc"))),
            "sha512",
        ),
    ] {
        let digest = format!("{algorithm}:{digest}");
        assert_eq!(ask(whole("abc"), &digest).await.unwrap(), "abc");
        let wrong = ask(whole("abd"), &digest).await;
        assert!(matches!(wrong, Err(Error::Mismatch { .. })), "{wrong:?}");
    }
    let sha256 = Digest::of(b"abc").to_string();
    for weak in [
        "",
        "abc",
        "md5:900150983cd24fb0d6963f7d28e17f72",
        "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
        "sha256:",
        &sha256.to_uppercase(),
    ] {
        assert!(is_refused(&ask(whole("abc"), weak).await), "{weak}");
    }
    let lying = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc".to_vec();
    assert!(matches!(ask(lying, &sha256).await, Err(Error::Over { .. })));
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 5000]].concat();
    assert!(matches!(
        ask(endless, &sha256).await,
        Err(Error::Over { .. })
    ));
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc".to_vec();
    let error = ask(short, &sha256).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let gone = ask(
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        &sha256,
    )
    .await
    .unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }));
    assert!(!gone.to_string().contains("secret"), "{gone}");
    // A server that never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", silent.local_addr().unwrap());
    let error = artifact(&url, &sha256, &policy, &limits).await.unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("not done after"),
        "{error}"
    );
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::LowerHex for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_fetches_nothing_that_the_operator_did_not_allow() {
    let inside = Counting::serving(b"").await;
    let service = Running::start(options()).await;
    for url in [
        format!("http://{}/x", inside.address),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let body = json!({"source": {"url": url, "digest": NOTHING}});
        let response = post(
            &format!("{}/v1/render", service.url),
            JSON,
            body.to_string().into_bytes(),
        )
        .await;
        let (status, body) = problem(response).await;
        assert_eq!(status, 422, "{body}");
    }
    assert_eq!(inside.count(), 0);
    service.stop().await;
}

/// What is fetched takes of the same memory as what is sent.
#[tokio::test(flavor = "multi_thread")]
async fn artifacts_count_as_uploads() {
    let body = vec![0; 3 << 20];
    let server = Counting::serving(&body).await;
    let service = Running::start(Options {
        max_upload_memory: 1 << 20,
        sources: Policy {
            allow_private: true,
            ..Policy::only(vec![server.address.to_string()])
        },
        ..options()
    })
    .await;
    let digest = Digest::of(&body).to_string();
    let url = format!("http://{}/x.tar.gz", server.address);
    let request = json!({"source": {"url": url, "digest": digest}}).to_string();
    let response = post(
        &format!("{}/v1/validate", service.url),
        JSON,
        request.into_bytes(),
    )
    .await;
    let (status, body) = problem(response).await;
    assert_eq!(status, 503, "{body}");
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("--max-upload-memory"),
        "{body}"
    );
    service.stop().await;
}

/// A signature of shared access in a URL is the client's, and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_secret_in_a_url_is_nowhere_to_be_found() {
    let body = archive(&sample());
    let server = Counting::serving(&body).await;
    let service = Running::start(Options {
        sources: Policy {
            allow_private: true,
            ..Policy::only(vec![server.address.to_string()])
        },
        ..options()
    })
    .await;
    let plain = format!("http://{}/x.tar.gz", server.address);
    let url = format!("{plain}?sv=1&sig=SECRET#SECRET");
    let digest = Digest::of(&body).to_string();
    let ask = async |verb: &str, accept: &str, body: serde_json::Value| {
        let request = client().post(format!("{}/v1/{verb}", service.url));
        let request = request
            .header("content-type", JSON)
            .header("accept", accept);
        let response = request.body(body.to_string()).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap())
    };
    let source = json!({"source": {"url": url, "digest": digest}});
    let (status, rendered) = ask("render", JSON, source.clone()).await;
    let rendered: serde_json::Value = serde_json::from_slice(&rendered).unwrap();
    assert_eq!(status, 200, "{rendered}");
    assert_eq!(rendered["inventory"]["source"]["url"], plain);
    assert!(!rendered.to_string().contains("SECRET"));
    let (status, bundle) = ask("render", GZIP, source.clone()).await;
    assert_eq!(status, 200);
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(&bundle[..]);
    std::io::Read::read_to_end(&mut reader, &mut unpacked).unwrap();
    assert!(!String::from_utf8_lossy(&unpacked).contains("SECRET"));
    // Nor in what is said of a request that is wrong, whatever is wrong with it.
    for body in [
        json!({"source": {"url": url, "digest": NOTHING}}),
        json!({"source": {"url": url, "digest": url}}),
        json!({"source": {"url": url, "digest": 1}}),
        json!({"source": {"url": url}}),
        json!({"source": {"digest": url}}),
        json!({"source": {"url": [url], "digest": digest}}),
        json!({"source": {"url": url, "digest": digest, "extra": url}}),
        json!({"source": {url.clone(): digest}}),
        json!({"source": [url]}),
        json!({"source": url}),
        json!({"files": url}),
        json!({"archive": url}),
        json!({"old": url, "new": source}),
        json!({url.clone(): {}}),
        json!(url),
        json!({"source": {"url": url.replace("http:", "ftp:"), "digest": digest}}),
        json!({"source": {"url": url.replace("http://", "http://user:SECRET@"), "digest": digest}}),
        json!({"source": {"url": url.replace("127.0.0.1", "localhost"), "digest": digest}}),
        json!({"source": {"url": url.replace("http://", "http//"), "digest": digest}}),
    ] {
        for verb in ["render", "diff"] {
            let (status, answer) = ask(verb, JSON, body.clone()).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(matches!(status, 400 | 422), "{body}: {answer}");
            assert!(!answer.contains("SECRET"), "{body}: {answer}");
        }
    }
    // What a client says of its source is shown to others just so.
    for (origin, expected) in [
        (
            json!({"kind": "x", "url": format!("https://user:SECRET@h/x?SECRET#SECRET")}),
            200,
        ),
        (json!({"kind": "x", "dirty": url}), 400),
        (json!({url.clone(): 1}), 400),
        (json!(url), 400),
    ] {
        let mut to = url::Url::parse(&format!("{}/v1/render", service.url)).unwrap();
        to.query_pairs_mut()
            .append_pair("origin", &origin.to_string());
        let request = client().post(to).header("content-type", GZIP);
        let response = request.body(archive(&sample())).send().await.unwrap();
        assert_eq!(response.status(), expected, "{origin}");
        let answer = response.text().await.unwrap();
        assert!(!answer.contains("SECRET"), "{origin}");
        assert!(
            expected != 200 || answer.contains("https://h/x"),
            "{origin}"
        );
    }
    service.stop().await;
}
