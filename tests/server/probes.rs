//! Probes and metrics on listeners of their own.

use crate::artifacts::get;
use crate::connections::Origin;
use crate::support::*;
use flux_apim::edge::server::Options;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

fn probed(options: Options) -> Options {
    Options {
        health_address: Some("127.0.0.1:0".to_owned()),
        metrics_address: Some(":0".to_owned()),
        ..options
    }
}

/// The whole answer, asked for without the runtime of the service: whoever calls this
/// holds the thread on which everything else of the service runs.
fn ask_blocking(address: SocketAddr, path: &str) -> String {
    let address = SocketAddr::from(([127, 0, 0, 1], address.port()));
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = get(path).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// One thread runs the service and this test.
#[tokio::test(flavor = "current_thread")]
async fn probes_are_answered_while_everything_else_stands_still() {
    let service = Running::start(probed(Options {
        header_timeout: Duration::from_secs(3600),
        max_connections: 2,
        ..options()
    }))
    .await;
    let (health, metrics) = (service.health.unwrap(), service.metrics.unwrap());
    // Every place is taken.
    let taken = (connect(&service).await, connect(&service).await);
    while service.load().connections < 2 {
        tokio::task::yield_now().await;
    }
    for path in ["/healthz", "/readyz"] {
        let answer = ask_blocking(health, path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let answer = ask_blocking(metrics, "/metrics");
    let line = "flux_apim_http_connections 2";
    assert!(answer.lines().any(|l| l == line), "{answer}");
    for (address, path) in [(health, "/metrics"), (health, "/v1/rules"), (metrics, "/")] {
        let answer = ask_blocking(address, path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    drop(taken);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_say_that_the_service_stops_until_it_has_stopped() {
    let origin = Origin::start().await;
    let service = Running::start(probed(Origin::options())).await;
    let url = format!("http://{}", service.health.unwrap());
    let ask = async |path: &str| {
        let answer = client().get(format!("{url}{path}")).send().await;
        answer.map(|answer| answer.status().as_u16())
    };
    assert_eq!(ask("/readyz").await.unwrap(), 200);
    let mut stream = connect(&service).await;
    stream.write_all(origin.preview().as_bytes()).await.unwrap();
    origin.came.acquire().await.unwrap().forget();
    let stopping = tokio::spawn(service.stop());
    while ask("/readyz").await.unwrap() == 200 {}
    assert_eq!(ask("/readyz").await.unwrap(), 503);
    assert_eq!(ask("/healthz").await.unwrap(), 200);
    origin.may.add_permits(1);
    let (answer, _) = head(&mut stream).await;
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    stopping.await.unwrap();
    while ask("/healthz").await.is_ok() {
        tokio::task::yield_now().await;
    }
}
