//! What names in tokens stand for, what refusals say, and what refused tokens cost.

use crate::access::*;
use crate::support::*;
use axum::routing::post as axum_post;
use axum::{Json, Router};
use flux_apim::edge::server::{Grant, Options};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

fn grants(list: &[&str]) -> Vec<Grant> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_one_kind_never_stands_for_another() {
    let provider = Provider::start(None).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let service = Running::start(Options {
        grants: grants(&[
            "render=either",
            "render=scope:reader",
            "render=sub:alice",
            "admin=role:operator",
            "admin=scope:role:spelled",
        ]),
        ..provider.options(&[])
    })
    .await;
    for (more, rules, metrics) in [
        (json!({"sub": "alice"}), 200, 403),
        (json!({"scope": "reader"}), 200, 403),
        (json!({"scp": "reader"}), 200, 403),
        (json!({"scope": "either"}), 200, 403),
        (json!({"roles": ["either"]}), 200, 403),
        (json!({"roles": ["operator"]}), 200, 200),
        (json!({"roles": "operator"}), 200, 200),
        (json!({"scope": "role:spelled"}), 200, 200),
        // Scopes that are spelled like subjects and roles, and the other way round.
        (json!({"scope": "sub:alice alice"}), 403, 403),
        (json!({"scope": ["sub:alice"]}), 403, 403),
        (json!({"scp": "sub:alice"}), 403, 403),
        (json!({"roles": ["sub:alice", "alice"]}), 403, 403),
        (json!({"scope": "operator role:operator"}), 403, 403),
        (json!({"sub": "operator"}), 403, 403),
        (json!({"sub": "role:operator"}), 403, 403),
        (json!({"sub": "sub:alice"}), 403, 403),
        (json!({"sub": "either"}), 403, 403),
        (json!({"sub": "reader"}), 403, 403),
        (
            json!({"roles": ["reader", "scope:reader", "spelled"]}),
            403,
            403,
        ),
        // A role is one name, whatever is in it.
        (json!({"roles": "some operator"}), 403, 403),
        (json!({"sub": ""}), 403, 403),
    ] {
        let token = key.sign(&claims(&provider.issuer, &more));
        for (path, expected) in [("/v1/rules", rules), ("/metrics", metrics)] {
            assert_eq!(
                status(&service, "GET", path, Some(&token)).await,
                expected,
                "{more} {path}"
            );
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_is_missing_and_not_who_has_it() {
    let provider = Provider::start(None).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let service = Running::start(Options {
        grants: grants(&[
            "render=reader",
            "admin=sub:boss@example.com",
            "admin=role:root",
        ]),
        ..provider.options(&[])
    })
    .await;
    for (more, path, has) in [
        (
            json!({"scope": "reader"}),
            "/metrics",
            "this token has `render`",
        ),
        (
            json!({"scope": "x"}),
            "/v1/rules",
            "this token has no permission",
        ),
    ] {
        let token = key.sign(&claims(&provider.issuer, &more));
        let request = client().get(format!("{}{path}", service.url));
        let (status, body) = problem(request.bearer_auth(token).send().await.unwrap()).await;
        assert_eq!(status, 403);
        let detail = body["detail"].as_str().unwrap();
        let needed = if path == "/metrics" {
            "admin"
        } else {
            "render"
        };
        assert!(detail.contains(&format!("`{needed}`")), "{detail}");
        assert!(detail.contains(has), "{detail}");
        for other in ["boss", "root", "reader"] {
            assert!(!detail.contains(other), "{detail}");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_tokens_of_a_network_have_a_rate() {
    let provider = Provider::start(None).await;
    let key = Key::new("k");
    provider.show(&[&key]);
    let service = Running::start(Options {
        // Of refused tokens a tenth.
        rate: NonZeroU32::new(100).unwrap(),
        ..provider.options(&[])
    })
    .await;
    let render = json!({"scope": "flux-apim.render"});
    let known = key.sign(&claims(&provider.issuer, &render));
    assert_eq!(
        status(&service, "GET", "/v1/rules", Some(&known)).await,
        200
    );
    let mut statuses = Vec::new();
    for n in 0..40 {
        let wrong = json!({"scope": "flux-apim.render", "aud": "other", "n": n});
        let token = key.sign(&claims(&provider.issuer, &wrong));
        let request = client().get(format!("{}/v1/rules", service.url));
        let response = request.bearer_auth(token).send().await.unwrap();
        let status = response.status().as_u16();
        if status == 429 {
            assert!(response.headers().contains_key("retry-after"));
        }
        statuses.push(status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses.contains(&429), "{statuses:?}");
    // Whose token was taken before does not suffer for others behind the same address.
    assert_eq!(
        status(&service, "GET", "/v1/rules", Some(&known)).await,
        200
    );
    service.stop().await;
}

/// An API server that reviews tokens: those that begin with `good-` are known.
struct Reviewer {
    address: String,
    reviews: Arc<Mutex<Vec<Instant>>>,
    hangs: Arc<watch::Sender<bool>>,
}

impl Reviewer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let reviewer = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            reviews: Arc::default(),
            hangs: Arc::default(),
        };
        let (reviews, hangs) = (Arc::clone(&reviewer.reviews), Arc::clone(&reviewer.hangs));
        let review = move |Json(mut review): Json<Value>| async move {
            reviews.lock().unwrap().push(Instant::now());
            let _ = hangs.subscribe().wait_for(|hangs| !hangs).await;
            let token = review["spec"]["token"].as_str().unwrap().to_owned();
            let audiences = review["spec"]["audiences"].clone();
            review["metadata"] = json!({});
            review["status"] = match token.strip_prefix("good-") {
                Some(name) => json!({"authenticated": true, "audiences": audiences, "user": {
                    "username": name, "groups": ["system:authenticated", "root"],
                }}),
                None => json!({"authenticated": false}),
            };
            Json(review)
        };
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        let router = Router::new().route(path, axum_post(review));
        tokio::spawn(async move { axum::serve(listener, router).await });
        reviewer
    }

    fn count(&self) -> usize {
        self.reviews.lock().unwrap().len()
    }

    async fn service(&self, more: &[&str]) -> Process {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::hook::kubeconfig(folder.path(), &self.address);
        let mut arguments = vec!["--auth", "kubernetes", "--kubernetes-audience", "flux-apim"];
        arguments.extend(more);
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let starting = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Process::start(&arguments, &[("KUBECONFIG", &config)])
        });
        let process = starting.await.unwrap();
        drop(folder);
        process
    }
}

async fn ask(service: &Process, path: &str, token: &str) -> u16 {
    let request = client().get(format!("{}{path}", service.url));
    let response = request.bearer_auth(token).send().await.unwrap();
    response.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_no_user_and_a_user_no_group() {
    let reviewer = Reviewer::start().await;
    let grants = "render=system:authenticated,admin=user:root,admin=group:jane";
    let service = reviewer.service(&["--grant", grants]).await;
    for (token, path, expected) in [
        ("good-root", "/metrics", 200),
        ("good-jane", "/metrics", 403),
        ("good-other", "/metrics", 403),
        ("good-other", "/v1/rules", 200),
    ] {
        assert_eq!(ask(&service, path, token).await, expected, "{token} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_reviewed_once_however_many_bring_it() {
    let reviewer = Reviewer::start().await;
    let service = reviewer.service(&[]).await;
    reviewer.hangs.send_replace(true);
    for token in ["good-one", "bad-one"] {
        let before = reviewer.count();
        reviewer.hangs.send_replace(true);
        let asking: Vec<_> = (0..30)
            .map(|_| {
                let request = client().get(format!("{}/v1/rules", service.url));
                let request = request.bearer_auth(token).send();
                tokio::spawn(async move { request.await.unwrap().status().as_u16() })
            })
            .collect();
        for _ in 0..600 {
            if reviewer.count() > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        reviewer.hangs.send_replace(false);
        let expected = if token == "good-one" { 200 } else { 401 };
        for asked in asking {
            assert_eq!(asked.await.unwrap(), expected);
        }
        assert_eq!(reviewer.count(), before + 1, "{token}");
        // What was refused is known for a while, too.
        assert_eq!(ask(&service, "/v1/rules", token).await, expected);
        assert_eq!(reviewer.count(), before + 1, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_reach_the_api_server_faster_than_it_likes() {
    let reviewer = Reviewer::start().await;
    let service = reviewer.service(&["--rate", "1000000"]).await;
    assert_eq!(ask(&service, "/v1/rules", "good-one").await, 200);
    let start = Instant::now();
    let asking: Vec<_> = (0..100)
        .map(|n| {
            let request = client().get(format!("{}/v1/rules", service.url));
            let request = request.bearer_auth(format!("bad-{n}")).send();
            tokio::spawn(async move { request.await.unwrap().status().as_u16() })
        })
        .collect();
    for asked in asking {
        let status = asked.await.unwrap();
        assert!(matches!(status, 401 | 503), "{status}");
    }
    // 20 at once and 20 a second: a slow machine makes it later, nothing earlier.
    let reviews = reviewer.reviews.lock().unwrap().clone();
    let strangers = &reviews[1..];
    for (before, review) in strangers.iter().enumerate() {
        let seconds = review.duration_since(start).as_secs_f64();
        let most = 20.0 + 20.0 * seconds;
        assert!((before as f64) < most, "{before} reviews in {seconds} s");
    }
    assert!(strangers.len() > 20, "{}", strangers.len());
    // Nor do they keep friends waiting.
    assert_eq!(ask(&service, "/v1/rules", "good-one").await, 200);
}
