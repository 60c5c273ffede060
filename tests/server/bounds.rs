//! What one request may take, and one client: of the processors, of the memory, of the
//! time of others.

use crate::support::*;
use flux_apim::edge::server::Options;
use flux_apim::tree::Limits;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A project of `apis` definitions, each with `paths` of them. `name` tells it from others.
fn project(name: &str, apis: usize, paths: usize) -> Vec<u8> {
    let mut files = BTreeMap::new();
    for api in 0..apis {
        let information = format!(
            "{{\"properties\":{{\"displayName\":\"{name} {api}\",\"path\":\"{name}{api}\"}}}}"
        );
        files.insert(
            format!("apis/{name}{api}/apiInformation.json"),
            information.into_bytes(),
        );
        let mut text = String::from(
            "{\"openapi\":\"3.0.1\",\"info\":{\"title\":\"x\",\"version\":\"1\"},\"paths\":{",
        );
        for n in 0..paths {
            let comma = if n > 0 { "," } else { "" };
            write!(
                text,
                "{comma}\"/things{n}\":{{\"get\":{{\"operationId\":\"get-{n}\",\"description\":\"Thing {n} of {name}\",\"responses\":{{\"200\":{{\"description\":\"ok\"}}}}}}}}"
            )
            .unwrap();
        }
        text.push_str("}}");
        files.insert(
            format!("apis/{name}{api}/specification.json"),
            text.into_bytes(),
        );
    }
    archive(&files)
}

/// `products` that each have all of `apis`: few bytes that become many.
pub(crate) fn links(products: usize, apis: usize) -> Vec<u8> {
    let mut files = BTreeMap::new();
    let names: Vec<String> = (0..apis)
        .map(|n| format!("{{\"name\":\"a{n}\"}}"))
        .collect();
    for n in 0..apis {
        let path = format!("apis/a{n}/apiInformation.json");
        let text = format!("{{\"properties\":{{\"displayName\":\"a{n}\",\"path\":\"a{n}\"}}}}");
        files.insert(path, text.into_bytes());
    }
    for n in 0..products {
        let text = format!("{{\"properties\":{{\"displayName\":\"p{n}\"}}}}");
        files.insert(
            format!("products/p{n}/productInformation.json"),
            text.into_bytes(),
        );
        let text = format!("[{}]", names.join(","));
        files.insert(format!("products/p{n}/apis.json"), text.into_bytes());
    }
    archive(&files)
}

/// A client with an address of its own.
fn from(address: &str) -> reqwest::Client {
    flux_apim::edge::tls::install_provider();
    let address: IpAddr = address.parse().unwrap();
    let builder = reqwest::Client::builder().no_proxy().local_address(address);
    builder.build().unwrap()
}

async fn send(client: &reqwest::Client, url: String, body: Vec<u8>) -> reqwest::Response {
    let request = client.post(url).header("content-type", GZIP);
    request.body(body).send().await.unwrap()
}

/// A metric of the service; 0 when it has none of this name yet.
async fn metric(service: &Running, name: &str) -> u64 {
    let response = client().get(format!("{}/metrics", service.url)).send();
    let text = response.await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

/// Waits until `is_so`; half a minute is more than any machine takes.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("that never came");
}

/// What a service holds at rest.
fn nothing(service: &Running) -> bool {
    let load = service.load();
    (load.running, load.waiting, load.held_bytes) == (0, 0, 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_deadline_the_work_ends_and_its_memory_is_free() {
    let heavy = project("heavy", 12, 6000);
    let options = Options {
        cache_bytes: 0,
        workers: 2,
        ..options()
    };
    // What all of it takes.
    let service = Running::start(options.clone()).await;
    let url = format!("{}/v1/render?target=arm,aso", service.url);
    assert_eq!(post(&url, GZIP, heavy.clone()).await.status(), 200);
    let all = metric(&service, "flux_apim_steps_total").await;
    service.stop().await;
    for millis in [40, 200, 600] {
        let service = Running::start(Options {
            request_timeout: Duration::from_millis(millis),
            ..options.clone()
        })
        .await;
        let url = format!("{}/v1/render?target=arm,aso", service.url);
        let (status, body) = problem(post(&url, GZIP, heavy.clone()).await).await;
        assert_eq!(status, 503, "{body}");
        until(|| nothing(&service)).await;
        let spent = metric(&service, "flux_apim_steps_total").await;
        assert!(spent < all, "{spent} of {all} steps after {millis} ms");
        let ended = "flux_apim_jobs_ended_total{outcome=\"cancelled\"} ";
        let uploading = "flux_apim_jobs_ended_total{outcome=\"done\"} ";
        let counts = (
            metric(&service, ended).await,
            metric(&service, uploading).await,
        );
        // On a slow machine the body may not even have come.
        assert!(counts == (1, 0) || counts == (0, 0), "{counts:?}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_much_is_a_finding_and_the_next_is_served() {
    let limits = |max_steps, max_memory_bytes| Limits {
        max_steps,
        max_memory_bytes,
        ..Options::default().limits
    };
    for (limits, flag) in [
        (limits(100_000, 64 << 20), "--max-steps"),
        (limits(1 << 40, 1 << 20), "--max-memory-bytes"),
    ] {
        let service = Running::start(Options {
            limits,
            ..options()
        })
        .await;
        for verb in ["render", "validate"] {
            let url = format!("{}/v1/{verb}", service.url);
            let response = post(&url, GZIP, project("much", 3, 4000)).await;
            // What ran out while the source was opened is a source that is refused.
            let status = response.status().as_u16();
            assert!(status == 422 || (verb == "validate" && status == 200));
            let body = response.document().await;
            let finding = &body["diagnostics"][0];
            assert_eq!(finding["code"], "APIM1017", "{body}");
            assert!(finding["help"].as_str().unwrap().contains(flag), "{body}");
        }
        let over = "flux_apim_jobs_ended_total{outcome=\"over_budget\"} ";
        assert_eq!(metric(&service, over).await, 2);
        let url = format!("{}/v1/render", service.url);
        let response = post(&url, GZIP, project("little", 1, 3)).await;
        assert_eq!(response.status(), 200);
        drop(response);
        until(|| service.load().held_bytes == 0).await;
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_many_heavy_previews_keeps_no_other_waiting() {
    let service = Running::start(Options {
        workers: 1,
        cache_bytes: 0,
        ..options()
    })
    .await;
    let url = format!("{}/v1/validate", service.url);
    let (many, one) = (from("127.0.0.2"), from("127.0.0.3"));
    // Made before the first is sent: making one takes as long as checking one.
    let bodies: Vec<_> = (0..20)
        .map(|n| project(&format!("heavy{n}x"), 6, 3000))
        .collect();
    let heavy: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let (client, url) = (many.clone(), url.clone());
            tokio::spawn(async move { send(&client, url, body).await.status() })
        })
        .collect();
    until(|| service.load().waiting >= 14).await;
    let response = send(&one, url, project("light", 1, 1)).await;
    assert_eq!(response.status(), 200);
    let waiting = service.load().waiting;
    assert!(
        waiting >= 10,
        "{waiting} of the others waited when it was served"
    );
    for asked in heavy {
        assert_eq!(asked.await.unwrap(), 200);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_has_room_for_another_client() {
    let service = Running::start(Options {
        workers: 1,
        queue: 3,
        cache_bytes: 0,
        ..options()
    })
    .await;
    let url = format!("{}/v1/validate", service.url);
    let (many, one) = (from("127.0.0.2"), from("127.0.0.3"));
    let bodies: Vec<_> = (0..4)
        .map(|n| project(&format!("heavy{n}x"), 6, 3000))
        .collect();
    let heavy: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let (client, url) = (many.clone(), url.clone());
            tokio::spawn(async move { send(&client, url, body).await.status().as_u16() })
        })
        .collect();
    until(|| service.load().waiting == 3).await;
    let refused = send(&many, url.clone(), project("more", 1, 1)).await;
    let (status, body) = problem(refused).await;
    assert_eq!(status, 503, "{body}");
    assert!(
        body["detail"].as_str().unwrap().contains("--queue"),
        "{body}"
    );
    let response = send(&one, url, project("light", 1, 1)).await;
    assert_eq!(response.status(), 200);
    let mut statuses = Vec::new();
    for asked in heavy {
        statuses.push(asked.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 503]);
    service.stop().await;
}

/// A connection from `address` that has sent `sent` bytes of a body that has more.
async fn uploading(service: &Running, address: &str, sent: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let own = std::net::SocketAddr::new(address.parse().unwrap(), 0);
    socket.bind(own).unwrap();
    let address = service.address().parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!(
        "POST /v1/validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/gzip\r\nContent-Length: {}\r\n\r\n",
        sent + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![0; sent]).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn no_client_holds_more_than_its_share_of_the_memory() {
    let service = Running::start(Options {
        memory: 64 << 20,
        client_memory: 25,
        cache_bytes: 0,
        ..options()
    })
    .await;
    let url = format!("{}/v1/validate", service.url);
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(uploading(&service, "127.0.0.2", 8_000_000).await);
    }
    until(|| service.load().held_bytes >= 15 << 20).await;
    let small = project("small", 1, 1);
    let refused = send(&from("127.0.0.2"), url.clone(), small.clone()).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    let (status, body) = problem(refused).await;
    assert_eq!(status, 503, "{body}");
    assert!(body["detail"].as_str().unwrap().contains("share"), "{body}");
    let response = send(&from("127.0.0.3"), url, small).await;
    assert_eq!(response.status(), 200);
    drop((open, response));
    until(|| nothing(&service)).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_is_refused() {
    let service = Running::start(Options {
        max_answer_bytes: 1 << 20,
        ..options()
    })
    .await;
    let tree = links(40, 60);
    assert!(tree.len() < 32 << 10, "{}", tree.len());
    let url = format!("{}/v1/render", service.url);
    let (status, body) = problem(post(&url, GZIP, tree.clone()).await).await;
    assert_eq!(status, 422, "{body}");
    assert!(
        body["type"].as_str().unwrap().ends_with("answer-too-large"),
        "{body}"
    );
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("--max-answer-bytes"), "{body}");
    // Compressed it is small.
    let request = client().post(&url).header("content-type", GZIP);
    let request = request.header("accept", "application/gzip").body(tree);
    assert_eq!(request.send().await.unwrap().status(), 200);
    until(|| nothing(&service)).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_held_until_slow_readers_have_taken_them() {
    const MEMORY: u64 = 96 << 20;
    let service = Running::start(Options {
        memory: MEMORY,
        client_memory: 100,
        ..options()
    })
    .await;
    let room = MEMORY - (MEMORY / 4);
    let tree = links(40, 60);
    let head = format!(
        "POST /v1/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/gzip\r\nContent-Length: {}\r\n\r\n",
        tree.len()
    );
    let mut readers = Vec::new();
    let mut statuses = BTreeMap::new();
    for _ in 0..60 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let address = service.address().parse().unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&tree).await.unwrap();
        // The head of the answer, and not much more.
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        *statuses.entry(status.to_vec()).or_insert(0) += 1;
        readers.push(stream);
        assert!(service.load().held_bytes <= room);
    }
    let count = |status: &str| statuses.get(format!("HTTP/1.1 {status}").as_bytes());
    assert!(count("200") > Some(&3), "{statuses:?}");
    assert!(count("503") > Some(&3), "{statuses:?}");
    assert_eq!(statuses.len(), 2, "{statuses:?}");
    assert!(service.load().held_bytes > room / 2);
    drop(readers);
    until(|| nothing(&service)).await;
    let url = format!("{}/v1/render", service.url);
    assert_eq!(post(&url, GZIP, tree).await.status(), 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_and_one_in_parts_are_the_same() {
    let mut answers = Vec::new();
    for cache_bytes in [0, 64 << 20] {
        let service = Running::start(Options {
            cache_bytes,
            ..options()
        })
        .await;
        for path in ["testdata/projects/contoso"] {
            let files = read(&crate::common::repository(path));
            let url = format!("{}/v1/render?env=prod", service.url);
            let response = post(&url, GZIP, archive(&files)).await;
            assert_eq!(response.status(), 200);
            let has_length = response.headers().contains_key("content-length");
            assert_eq!(has_length, cache_bytes > 0);
            answers.push(response.bytes().await.unwrap());
        }
        let url = format!("{}/v1/render", service.url);
        // One text that is large by itself.
        let response = post(&url, GZIP, project("large", 1, 6000)).await;
        answers.push(response.bytes().await.unwrap());
        until(|| nothing(&service)).await;
        service.stop().await;
    }
    assert_eq!(answers[0], answers[2]);
    assert_eq!(answers[1], answers[3]);
    for answer in &answers {
        let document: serde_json::Value = serde_json::from_slice(answer).unwrap();
        assert!(document["inventory"]["files"].is_array(), "{document}");
        assert!(document["files"]["bundle.json"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_gzip_members_are_work_like_any_other() {
    let service = Running::start(options()).await;
    let url = format!("{}/v1/validate", service.url);
    let members = gzip(b"").repeat(1_500_000);
    let request = client().post(&url).header("content-type", GZIP);
    let request = request.header("content-encoding", "gzip").body(members);
    let (status, body) = problem(request.send().await.unwrap()).await;
    assert_eq!(status, 413, "{body}");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("--max-gzip-members"), "{body}");
    // Each was counted, in a job.
    assert!(metric(&service, "flux_apim_steps_total").await > 10_000_000);
    let done = "flux_apim_jobs_ended_total{outcome=\"done\"} ";
    assert_eq!(metric(&service, done).await, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_findings_are_a_bounded_answer() {
    let service = Running::start(options()).await;
    let url = format!("{}/v1/validate", service.url);
    let keys = vec!["\"a\":1"; 170_000].join(",");
    let files = BTreeMap::from([(
        "apis/x/apiInformation.json".to_owned(),
        format!("{{{keys}}}").into_bytes(),
    )]);
    let packed = archive(&files);
    assert!(packed.len() < 8 << 10, "{}", packed.len());
    for accept in [JSON, "application/sarif+json", "text/markdown"] {
        let request = client().post(&url).header("content-type", GZIP);
        let request = request.header("accept", accept).body(packed.clone());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let len = response.bytes().await.unwrap().len();
        assert!(len < 4 << 20, "{accept}: {len} bytes");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_tell_what_others_have_asked() {
    let service = Running::start(options()).await;
    let url = format!("{}/v1/render", service.url);
    let packed = archive(&sample());
    let hits = |of: &'static str| {
        let name = format!("flux_apim_cache_requests_total{{of=\"{of}\",outcome=\"hit\"}} ");
        let service = &service;
        async move { metric(service, &name).await }
    };
    let (first, second) = (from("127.0.0.2"), from("127.0.0.3"));
    assert_eq!(
        send(&first, url.clone(), packed.clone()).await.status(),
        200
    );
    let before = (hits("answer").await, hits("part").await);
    assert_eq!(before.0, 0);
    assert_eq!(
        send(&second, url.clone(), packed.clone()).await.status(),
        200
    );
    // Parts that one tree has twice are found by whoever sent it.
    assert_eq!(hits("answer").await, 0);
    assert_eq!(hits("part").await, 2 * before.1);
    assert_eq!(send(&first, url, packed).await.status(), 200);
    assert_eq!(hits("answer").await, 1);
    service.stop().await;
}
