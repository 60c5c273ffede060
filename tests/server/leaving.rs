//! Clients that leave, and a service that stops.

use crate::support::*;
use flux_apim::edge::server::Options;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_leaves_nothing_behind() {
    let service = Running::start(Options {
        workers: 1,
        cache_bytes: 0,
        ..options()
    })
    .await;
    let packed = archive(&sample());
    let head = format!(
        "POST /v1/render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    );
    // In the middle of the upload, while it works, in the middle of the answer.
    for (sent, read) in [
        (packed.len() / 2, 0),
        (packed.len(), 0),
        (packed.len(), 1000),
    ] {
        for _ in 0..8 {
            let mut stream = TcpStream::connect(service.address()).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&packed[..sent]).await.unwrap();
            if read > 0 {
                let mut some = vec![0; read];
                stream.read_exact(&mut some).await.unwrap();
            }
            drop(stream);
        }
    }
    let load = service.rest().await;
    assert_eq!(
        (
            load.running,
            load.waiting,
            load.requests,
            load.connections,
            load.held_bytes
        ),
        (0, 0, 0, 0, 0)
    );
    let response = post(&format!("{}/v1/validate", service.url), GZIP, packed).await;
    assert_eq!(response.status(), 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_nobody_waits_for_is_given_up() {
    let service = Running::start(Options {
        workers: 1,
        cache_bytes: 0,
        ..options()
    })
    .await;
    let url = format!("{}/v1/render", service.url);
    let asking: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            // Long enough to be seen while it is worked on.
            let body = crate::bounds::links(100, 100);
            tokio::spawn(async move { post(&url, GZIP, body).await.status() })
        })
        .collect();
    while service.load().running == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    asking.iter().for_each(tokio::task::JoinHandle::abort);
    let load = service.rest().await;
    assert_eq!((load.running, load.waiting, load.requests), (0, 0, 0));
    let metrics = client()
        .get(format!("{}/metrics", service.url))
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    let cancelled = metrics
        .lines()
        .find_map(|line| line.strip_prefix("flux_apim_jobs_ended_total{outcome=\"cancelled\"} "));
    let cancelled =
        cancelled.unwrap_or_else(|| panic!("no count of jobs that were cancelled: {metrics}"));
    assert!(cancelled.parse::<u64>().unwrap() > 0, "{metrics}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_answered_before_the_process_ends() {
    let mut process = tokio::task::spawn_blocking(|| {
        Process::start(&["--workers", "1", "--drain-delay", "1"], &[])
    })
    .await
    .unwrap();
    let url = format!("{}/v1/render", process.url);
    let ready = format!("{}/readyz", process.url);
    assert_eq!(client().get(&ready).send().await.unwrap().status(), 200);
    let asking: Vec<_> = (0..8)
        .map(|n| {
            let url = format!("{url}?service=s{n}");
            tokio::spawn(async move {
                let response = post(&url, GZIP, archive(&sample())).await;
                (
                    response.status(),
                    response.bytes().await.map(|bytes| bytes.len()),
                )
            })
        })
        .collect();
    // All of them are on their way.
    let metrics = format!("{}/metrics", process.url);
    for _ in 0..6000 {
        let text = client()
            .get(&metrics)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let in_flight = text
            .lines()
            .find_map(|l| l.strip_prefix("flux_apim_http_requests_in_flight "));
        if in_flight.is_some_and(|n| n.parse::<i64>().unwrap() >= 9)
            || asking.iter().any(tokio::task::JoinHandle::is_finished)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    process.terminate();
    let late = client()
        .get(&ready)
        .send()
        .await
        .map(|response| response.status().as_u16());
    // Not ready any more, or gone already.
    assert!(matches!(late, Ok(200 | 503) | Err(_)), "{late:?}");
    for asked in asking {
        let (status, body) = asked.await.unwrap();
        assert_eq!(status, 200);
        assert!(body.unwrap() > 10_000);
    }
    let ended = tokio::task::spawn_blocking(move || process.child.wait().unwrap());
    assert_eq!(ended.await.unwrap().code(), Some(0));
}
