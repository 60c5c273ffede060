//! A service on loopback answers to this machine, and not to pages that are open on it.

use crate::support::*;
use flux_apim::edge::server::Options;
use std::net::SocketAddr;

async fn validate(service: &Running, headers: &[(&str, &str)]) -> u16 {
    let url = format!("{}/v1/validate", service.url);
    let mut request = client().post(url).header("content-type", GZIP);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(archive(&sample())).send().await.unwrap();
    match response.status().as_u16() {
        403 => {
            let (status, body) = problem(response).await;
            assert!(
                body["type"].as_str().unwrap().ends_with("#foreign"),
                "{body}"
            );
            let detail = body["detail"].as_str().unwrap();
            assert!(
                detail.contains("--allow-host") || detail.contains("--cors-origin"),
                "{detail}"
            );
            status
        }
        status => status,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_do_not_post() {
    let service = Running::start(Options {
        cors: vec!["https://portal.example".to_owned()],
        ..options()
    })
    .await;
    let own = service.url.clone();
    for (headers, expected) in [
        // A command.
        (vec![], 200),
        // The page of the service.
        (
            vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
            200,
        ),
        (
            vec![("origin", "null"), ("sec-fetch-site", "same-origin")],
            200,
        ),
        (vec![("origin", own.as_str())], 200),
        // A page that the operator named.
        (
            vec![
                ("origin", "https://portal.example"),
                ("sec-fetch-site", "cross-site"),
            ],
            200,
        ),
        // Those of others.
        (
            vec![
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "cross-site"),
            ],
            403,
        ),
        (vec![("origin", "https://evil.example")], 403),
        (
            vec![("origin", "null"), ("sec-fetch-site", "cross-site")],
            403,
        ),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        // Another program's page on the same machine.
        (
            vec![
                ("origin", "http://127.0.0.1:1"),
                ("sec-fetch-site", "same-site"),
            ],
            403,
        ),
        (vec![("origin", "http://localhost")], 403),
    ] {
        assert_eq!(validate(&service, &headers).await, expected, "{headers:?}");
    }
    // The page keeps its referrer to itself, and says to itself where it comes from.
    let page = client().get(&service.url).send().await.unwrap();
    assert_eq!(page.headers()["referrer-policy"], "same-origin");
    let events = client().post(format!("{}/hooks/flux", service.url));
    let event = events.header("origin", "https://evil.example").body("{}");
    assert_eq!(event.send().await.unwrap().status(), 403);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_lead_to_loopback_are_not_its_own() {
    let service = Running::start(Options {
        hosts: vec!["preview.example".to_owned()],
        ..options()
    })
    .await;
    let address: SocketAddr = service.address().parse().unwrap();
    for (name, expected) in [
        ("localhost", 200),
        ("app.localhost", 200),
        ("preview.example", 200),
        // DNS rebinding: the name of a page was made to lead here.
        ("rebound.example", 403),
        ("localhost.rebound.example", 403),
        ("other.preview.example", 403),
    ] {
        for http2 in [false, true] {
            let builder = reqwest::Client::builder().no_proxy().resolve(name, address);
            let builder = if http2 {
                builder.http2_prior_knowledge()
            } else {
                builder
            };
            let client = builder.build().unwrap();
            for path in [
                "/",
                "/v1/rules",
                "/openapi.json",
                "/metrics",
                "/healthz",
                "/x",
            ] {
                let url = format!("http://{name}:{}{path}", address.port());
                let status = client.get(url).send().await.unwrap().status().as_u16();
                let expected = match (path, expected) {
                    ("/x", 200) => 404,
                    (_, expected) => expected,
                };
                assert_eq!(status, expected, "{name} {path} {http2}");
            }
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_every_name_does_unless_some_are_given() {
    for (hosts, host, expected) in [
        (vec![], "anything.example", 200),
        (
            vec!["preview.example".to_owned()],
            "preview.example:8443",
            200,
        ),
        (vec!["preview.example".to_owned()], "192.0.2.1:8080", 200),
        (vec!["preview.example".to_owned()], "anything.example", 403),
    ] {
        let service = Running::start(Options {
            listen: "0.0.0.0:0".to_owned(),
            hosts,
            ..options()
        })
        .await;
        let status = validate(&service, &[("host", host)]).await;
        assert_eq!(status, expected, "{host}");
        service.stop().await;
    }
}
