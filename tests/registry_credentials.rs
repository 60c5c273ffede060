//! Who we are to a registry: challenges, tokens and their end, identities of
//! Azure, and that nothing of it is ever seen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use flux_apim::edge::oci::acr::{Assertion, Identity, Source};
use flux_apim::edge::oci::{Connection, Credentials, Error, Target};
use registries::azure::{
    Acr, CLIENT, Deviations, ENTRA, FEDERATED, IDENTITY_HEADER, TENANT, Tokens, entra, managed,
    token,
};
use registries::liar::{Auth, Habits, Liar, Told};
use registries::server::{Asked, Server, answer, endless, json, pairs};
use registries::{PASSWORD, USER, complete, connection, push, remote, sample, user};
use serde_json::json as literal;
use std::io::Write;
use std::sync::{Arc, Mutex};

const NAME: &str = "team/orders";

/// A token service's answer by its request and form.
type Gives = Arc<dyn Fn(&Asked, &str) -> Response<Body> + Send + Sync>;

/// A registry that wants tokens which begin with `good`, and its token service
/// at `/token`.
async fn bearer(gives: Gives) -> Liar {
    let beside = move |asked: &Asked, body: &Bytes| {
        let form = String::from_utf8_lossy(body).into_owned();
        (asked.uri.path() == "/token").then(|| gives(asked, &form))
    };
    Liar::honest(Habits {
        auth: Auth::Bearer {
            realm: "/token".into(),
            good: Arc::new(|token, wanted| {
                let does = wanted.rsplit(':').next().unwrap();
                token.starts_with("good") && token.contains(does)
            }),
        },
        beside: Some(Arc::new(beside)),
        ..Habits::default()
    })
    .await
}

fn tokens_asked(liar: &Liar) -> Vec<String> {
    let seen = liar.server.seen();
    let of = seen.iter().filter(|s| s.path == "/token");
    of.map(|s| format!("{} {}", s.method, s.query)).collect()
}

fn given(scope: &str, life: u64) -> Response<Body> {
    let does = if scope.contains("push") {
        "pull,push"
    } else {
        "pull"
    };
    json(
        200,
        &literal!({"token": format!("good-{does}-canary"), "expires_in": life}),
    )
}

fn with(credentials: Credentials) -> Connection {
    Connection {
        credentials,
        ..connection()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_tokens_by_scope_and_keep_them() {
    let liar = bearer(Arc::new(|asked, _| {
        assert!(asked.header("authorization").is_none());
        given(&asked.query("scope").unwrap(), 300)
    }))
    .await;
    let target = remote(&liar.server.address, NAME, &connection());
    let sample = sample(1, 1000);
    push(&target, &sample).await.unwrap();
    target.tag(&sample.manifest, "v1").await.unwrap();
    complete(&target, "v1").await;
    let asked = tokens_asked(&liar);
    assert_eq!(
        asked,
        [
            "GET service=liar&scope=repository%3Ateam%2Forders%3Apull",
            "GET service=liar&scope=repository%3Ateam%2Forders%3Apull%2Cpush",
        ]
    );
    let refused = liar
        .server
        .seen()
        .iter()
        .filter(|s| s.path != "/token" && s.authorization().is_none())
        .count();
    assert_eq!(refused, 1, "one challenge, then the way is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_artifact_is_found_with_four_requests() {
    let liar = bearer(Arc::new(|asked, _| {
        given(&asked.query("scope").unwrap(), 300)
    }))
    .await;
    let target = remote(&liar.server.address, NAME, &connection());
    let sample = sample(1, 1000);
    push(&target, &sample).await.unwrap();
    target.tag(&sample.manifest, "v1").await.unwrap();
    liar.server.forget();
    let fresh = remote(&liar.server.address, NAME, &connection());
    let found = fresh.resolve("v1").await.unwrap().unwrap();
    fresh.fetch(&found).await.unwrap();
    assert_eq!(
        liar.server.lines(),
        [
            "GET /v2/team/orders/manifests/v1",
            "GET /token",
            "GET /v2/team/orders/manifests/v1"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_what_is_done_even_where_the_registry_asks_for_less() {
    let gives: Gives = Arc::new(|asked, _| {
        let scopes = pairs(asked.uri.query().unwrap());
        let scopes: Vec<_> = scopes.into_iter().filter(|(k, _)| k == "scope").collect();
        given(&format!("{scopes:?}"), 300)
    });
    let liar = bearer(gives).await;
    let from = remote(&liar.server.address, "team/from", &connection());
    let sample = sample(1, 1000);
    push(&from, &sample).await.unwrap();
    liar.server.forget();
    let target = remote(&liar.server.address, NAME, &connection());
    flux_apim::edge::oci::copy(&from, &target, &sample.manifest)
        .await
        .unwrap();
    let asked = tokens_asked(&liar);
    let both =
        "scope=repository%3Ateam%2Forders%3Apull%2Cpush&scope=repository%3Ateam%2Ffrom%3Apull";
    assert!(asked.iter().any(|query| query.contains(both)), "{asked:?}");
    let sent = liar.server.seen();
    let sent = sent
        .iter()
        .filter(|s| s.method == "PUT" && s.path.contains("/uploads/"));
    assert_eq!(sent.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_show_their_password_to_the_token_service_alone() {
    let liar = bearer(Arc::new(|asked, _| {
        let shown = asked.header("authorization").unwrap_or("");
        match shown.starts_with("Basic ") {
            true => given(&asked.query("scope").unwrap(), 300),
            false => answer(401, &[], ""),
        }
    }))
    .await;
    let target = remote(&liar.server.address, NAME, &with(user()));
    push(&target, &sample(1, 10)).await.unwrap();
    let basics = liar.server.seen();
    let basics = basics
        .iter()
        .filter(|s| s.authorization().is_some_and(|a| a.starts_with("Basic")));
    assert!(basics.clone().count() == 2 && basics.clone().all(|s| s.path == "/token"));

    let stranger = remote(&liar.server.address, NAME, &connection());
    let error = stranger.resolve("v1").await.unwrap_err();
    assert!(
        error.is_unauthorized() && error.to_string().contains("gives none to strangers"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_tokens_are_posted_and_replaced() {
    let liar = bearer(Arc::new(|asked, form| {
        let fields = pairs(form);
        let field = |name: &str| fields.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()).unwrap_or_default();
        assert_eq!((asked.method.as_str(), field("grant_type").as_str()), ("POST", "refresh_token"));
        assert_eq!((field("service").as_str(), field("client_id").as_str()), ("liar", "flux-apim"));
        let does = if field("scope").contains("push") { "pull,push" } else { "pull" };
        let next = match field("refresh_token").as_str() {
            "canary-first" => "canary-second",
            "canary-second" => "canary-third",
            other => panic!("{other}"),
        };
        json(200, &literal!({"access_token": format!("good-{does}"), "refresh_token": next, "expires_in": 300}))
    }))
    .await;
    let json =
        literal!({"auths": {liar.server.address.as_str(): {"identitytoken": "canary-first"}}});
    let credentials = Credentials::kubernetes(json.to_string().as_bytes()).unwrap();
    let target = remote(&liar.server.address, NAME, &with(credentials));
    push(&target, &sample(1, 10)).await.unwrap();
    assert_eq!(tokens_asked(&liar).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_ended_or_were_taken_back_are_replaced() {
    // No life at all: one token for each request.
    let liar = bearer(Arc::new(|asked, _| {
        given(&asked.query("scope").unwrap(), 0)
    }))
    .await;
    let target = remote(&liar.server.address, NAME, &connection());
    for _ in 0..3 {
        target.resolve("v1").await.unwrap();
    }
    assert_eq!(tokens_asked(&liar).len(), 3);

    // Taken back: one more challenge, and it goes on.
    let count = Arc::new(Mutex::new(0));
    let own = count.clone();
    let gives: Gives = Arc::new(move |_, _| {
        let mut count = own.lock().unwrap();
        *count += 1;
        json(
            200,
            &literal!({"token": format!("good-pull-{count}"), "expires_in": 300}),
        )
    });
    let revoked = Arc::new(Mutex::new(String::new()));
    let taken = revoked.clone();
    let liar = Liar::honest(Habits {
        auth: Auth::Bearer {
            realm: "/token".into(),
            good: Arc::new(move |token, _| {
                token.starts_with("good") && token != *taken.lock().unwrap()
            }),
        },
        beside: Some(Arc::new(move |asked, body| {
            (asked.uri.path() == "/token").then(|| gives(asked, &String::from_utf8_lossy(body)))
        })),
        ..Habits::default()
    })
    .await;
    let target = remote(&liar.server.address, NAME, &connection());
    target.resolve("v1").await.unwrap();
    *revoked.lock().unwrap() = "good-pull-1".into();
    target.resolve("v1").await.unwrap();
    assert_eq!(*count.lock().unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn challenges_without_end_are_answered_twice() {
    for challenge in [
        "Basic realm=\"x\"",
        "Bearer realm=\"http://HOST/token\",service=\"x\"",
        "Negotiate",
        "",
        "Bearer realm=\"http://\"",
        "Bearer realm=\"http://HOST/elsewhere\"",
    ] {
        let text = challenge.to_owned();
        let liar = Liar::start(Habits::default(), move |asked, _| {
            let host = asked.header("host").unwrap();
            Some(Told::Instead(match asked.uri.path() {
                "/token" => json(200, &literal!({"token": "canary"})),
                "/elsewhere" => answer(302, &[("location", "/elsewhere")], ""),
                _ => answer(
                    401,
                    &[("www-authenticate", &text.replace("HOST", host))],
                    "",
                ),
            }))
        })
        .await;
        let error = remote(&liar.server.address, NAME, &with(user()))
            .resolve("v1")
            .await
            .unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains("canary") && !text.contains(PASSWORD),
            "{text}"
        );
        assert!(
            liar.server.lines().len() <= 5,
            "{challenge}: {:?}",
            liar.server.lines()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_services_that_lie_are_told_and_not_quoted() {
    type Lies = fn() -> Response<Body>;
    let answers: [(&str, Lies); 7] = [
        ("no JSON", || {
            answer(200, &[("content-type", "text/html")], "<html>canary")
        }),
        ("no JSON", || json(200, &literal!({"token": ["canary"]}))),
        ("no token", || json(200, &literal!({}))),
        ("more than 1048576", || endless(200, &[])),
        ("redirects", || {
            answer(302, &[("location", "http://127.0.0.2:1/")], "")
        }),
        ("does not accept", || {
            json(401, &literal!({"details": "canary"}))
        }),
        ("what no HTTP header", || {
            json(200, &literal!({"token": "can\nary"}))
        }),
    ];
    for (found, gives) in answers {
        let liar = bearer(Arc::new(move |_, _| gives())).await;
        let error = remote(&liar.server.address, NAME, &with(user()))
            .resolve("v1")
            .await
            .unwrap_err();
        assert!(error.to_string().contains(found), "{found}: {error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        assert!(error.to_string().contains(&liar.server.address), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_repeats_what_it_was_shown_is_not_quoted() {
    let habits = Habits {
        auth: Auth::Basic(format!("{USER}:{PASSWORD}")),
        ..Habits::default()
    };
    let liar = Liar::start(habits, |asked, _| {
        let shown = asked.header("authorization")?;
        let said = format!("you showed {shown}, which is {USER}:{PASSWORD}");
        Some(Told::Instead(json(
            403,
            &literal!({"errors": [{"code": "DENIED", "message": said}]}),
        )))
    })
    .await;
    let error = remote(&liar.server.address, NAME, &with(user()))
        .resolve("v1")
        .await
        .unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("DENIED you showed Basic [secret]"), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
}

// Azure.

fn workload(authority: &str, liar: &Liar, assertion: Assertion) -> Identity {
    Identity {
        source: Source::Workload {
            authority: format!("http://{authority}/"),
            tenant: TENANT.into(),
            client: CLIENT.into(),
            assertion,
        },
        hosts: vec![liar.server.address.clone()],
    }
}

fn federated() -> (tempfile::NamedTempFile, Assertion) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{FEDERATED}").unwrap();
    let path = file.path().to_owned();
    (file, Assertion::File(path))
}

async fn publish(acr: &Acr, identity: Identity) -> Result<(), Error> {
    let target = remote(
        &acr.liar.server.address,
        NAME,
        &with(Credentials::Azure(identity)),
    );
    let sample = sample(1, 1000);
    push(&target, &sample).await?;
    target.tag(&sample.manifest, "v1").await?;
    complete(&target, "v1").await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn workload_identity_goes_through_the_exchange_as_documented() {
    let deviations = Deviations::default();
    let entra = entra(&deviations, None).await;
    let acr = Acr::start(&deviations, ENTRA, Tokens::default()).await;
    let (_file, assertion) = federated();
    publish(&acr, workload(&entra.address, &acr.liar, assertion))
        .await
        .unwrap();
    assert_eq!(deviations.all(), Vec::<String>::new());
    assert_eq!(entra.lines(), [format!("POST /{TENANT}/oauth2/v2.0/token")]);
    assert_eq!(
        acr.given(),
        (1, 2),
        "one refresh token, one access token to read and one to write"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_makes_no_token_old() {
    for skew in [-1_000_000, 1_000_000] {
        let deviations = Deviations::default();
        let entra = entra(&deviations, None).await;
        let acr = Acr::start(
            &deviations,
            ENTRA,
            Tokens {
                skew,
                ..Tokens::default()
            },
        )
        .await;
        let assertion = Assertion::Text(FEDERATED.to_owned().into());
        publish(&acr, workload(&entra.address, &acr.liar, assertion))
            .await
            .unwrap();
        assert_eq!((acr.given(), deviations.all()), ((1, 2), vec![]), "{skew}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_azure_are_renewed_when_they_end_or_are_taken_back() {
    let deviations = Deviations::default();
    let entra = entra(&deviations, None).await;
    let short = Tokens {
        refresh: 0,
        ..Tokens::default()
    };
    let acr = Acr::start(&deviations, ENTRA, short).await;
    let assertion = Assertion::Text(FEDERATED.to_owned().into());
    publish(&acr, workload(&entra.address, &acr.liar, assertion.clone()))
        .await
        .unwrap();
    assert_eq!(
        acr.given(),
        (2, 2),
        "a refresh token that ended is exchanged for anew"
    );

    let acr = Acr::start(&deviations, ENTRA, Tokens::default()).await;
    let identity = workload(&entra.address, &acr.liar, assertion);
    let target = remote(
        &acr.liar.server.address,
        NAME,
        &with(Credentials::Azure(identity)),
    );
    target.resolve("v1").await.unwrap();
    acr.revoke();
    target.resolve("v1").await.unwrap();
    assert_eq!(acr.given(), (2, 2));
    assert_eq!(deviations.all(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_identities_of_machines_and_apps_are_asked_as_documented() {
    for app in [false, true] {
        let deviations = Deviations::default();
        // It is busy at first.
        let endpoint = managed(&deviations, app, 2).await;
        let acr = Acr::start(&deviations, "", Tokens::default()).await;
        let identity = Identity {
            source: Source::Managed {
                endpoint: format!("http://{}/metadata/identity/oauth2/token", endpoint.address),
                header: app.then(|| IDENTITY_HEADER.to_owned().into()),
                client: Some(CLIENT.into()),
            },
            hosts: vec![acr.liar.server.address.clone()],
        };
        publish(&acr, identity).await.unwrap();
        assert_eq!(deviations.all(), Vec::<String>::new());
        assert_eq!((endpoint.lines().len(), acr.given()), (3, (1, 2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_azure_say_what_to_do() {
    let deviations = Deviations::default();
    let acr = Acr::start(&deviations, ENTRA, Tokens::default()).await;
    let refusal = literal!({
        "error": "invalid_client",
        "error_description": format!("AADSTS70021: no matching federated identity for {FEDERATED}"),
    });
    let refusing = entra(&deviations, Some((401, refusal))).await;
    let (_file, assertion) = federated();
    let error = publish(
        &acr,
        workload(&refusing.address, &acr.liar, assertion.clone()),
    )
    .await
    .unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("AADSTS70021") && text.contains("federated credentials"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");

    let willing = entra(&deviations, None).await;
    let strict = Acr::start(
        &deviations,
        ENTRA,
        Tokens {
            stranger: true,
            ..Tokens::default()
        },
    )
    .await;
    let error = publish(
        &strict,
        workload(&willing.address, &strict.liar, assertion.clone()),
    )
    .await
    .unwrap_err();
    assert!(
        error.is_unauthorized() && error.to_string().contains("AcrPush"),
        "{error}"
    );

    let missing = Assertion::File("/there/is/no/such/token".into());
    let error = publish(&acr, workload(&willing.address, &acr.liar, missing))
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("federated token in /there/is/no/such/token"),
        "{error}"
    );

    let nothing = Server::start(|_| {
        Box::pin(async {
            Some(json(
                400,
                &literal!({"error": "invalid_request", "error_description": "Identity not found"}),
            ))
        })
    })
    .await;
    let source = |address: &str| Source::Managed {
        endpoint: format!("http://{address}/token"),
        header: None,
        client: None,
    };
    let hosts = vec![acr.liar.server.address.clone()];
    let identity = Identity {
        source: source(&nothing.address),
        hosts: hosts.clone(),
    };
    let error = publish(&acr, identity).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Identity not found; assign an identity"),
        "{error}"
    );
    let identity = Identity {
        source: source("127.0.0.1:1"),
        hosts,
    };
    let error = publish(&acr, identity).await.unwrap_err();
    assert!(error.to_string().contains("only inside Azure"), "{error}");
    assert_eq!(deviations.all(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_azure_go_nowhere_else() {
    let deviations = Deviations::default();
    let willing = entra(&deviations, None).await;
    let assertion = Assertion::Text(FEDERATED.to_owned().into());
    // A registry that is none of Azure's: not even Entra is asked.
    let acr = Acr::start(&deviations, ENTRA, Tokens::default()).await;
    let mut identity = workload(&willing.address, &acr.liar, assertion.clone());
    identity.hosts.clear();
    let error = publish(&acr, identity).await.unwrap_err();
    assert!(
        error.to_string().contains("no registry of Azure"),
        "{error}"
    );
    assert_eq!(willing.lines(), Vec::<String>::new());

    // A registry that names a token service elsewhere.
    let elsewhere =
        Server::start(|_| Box::pin(async { Some(json(200, &literal!({"token": "x"}))) })).await;
    let realm = format!("http://{}/token", elsewhere.address);
    let exchange = |asked: &Asked, _: &Bytes| {
        let refresh = token("canary-refresh", 100, 0);
        (asked.uri.path() == "/oauth2/exchange")
            .then(|| json(200, &literal!({"refresh_token": refresh})))
    };
    let liar = Liar::honest(Habits {
        auth: Auth::Bearer {
            realm,
            good: Arc::new(|_, _| false),
        },
        beside: Some(Arc::new(exchange)),
        ..Habits::default()
    })
    .await;
    let identity = workload(&willing.address, &liar, assertion);
    let target = remote(
        &liar.server.address,
        NAME,
        &with(Credentials::Azure(identity)),
    );
    let error = target.resolve("v1").await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    assert_eq!(elsewhere.lines(), Vec::<String>::new());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log is that of all tests of this binary that run at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let deviations = Deviations::default();
    let entra = entra(&deviations, None).await;
    let acr = Acr::start(
        &deviations,
        ENTRA,
        Tokens {
            access: 0,
            ..Tokens::default()
        },
    )
    .await;
    let (_file, assertion) = federated();
    let identity = workload(&entra.address, &acr.liar, assertion);
    let shown = format!("{identity:?}");
    publish(&acr, identity).await.unwrap();

    let habits = Habits {
        auth: Auth::Basic(format!("{USER}:{PASSWORD}")),
        ..Habits::default()
    };
    let liar = Liar::start(habits, |_, count| (count % 4 == 3).then_some(Told::HangUp)).await;
    let known = with(user());
    let target = remote(&liar.server.address, NAME, &known);
    push(&target, &sample(1, 10)).await.unwrap();
    let shown = format!("{shown} {known:?} {target:?}");

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("answered") && text.contains("again"),
        "it does log: {text}"
    );
    for (name, text) in [("log", &text), ("Debug", &shown)] {
        assert!(
            !text.contains("canary") && !text.contains(PASSWORD),
            "{name}: {text}"
        );
        use base64::Engine;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
        assert!(!text.contains(&basic), "{name}: {text}");
    }
}

/// A token service that does not answer delays those who need what it was asked for,
/// once for all of them, and nobody who has a token.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_come_delays_only_those_who_need_it() {
    let opens = Arc::new(tokio::sync::watch::Sender::new(true));
    let gate = Arc::clone(&opens);
    let liar = bearer(Arc::new(move |asked, _| {
        let scope = asked.query("scope").unwrap();
        if !scope.contains("push") {
            return given(&scope, 300);
        }
        let token = literal!({"token": "good-pull,push-canary", "expires_in": 300}).to_string();
        let mut opened = gate.subscribe();
        let body = futures_util::stream::once(async move {
            let _ = opened.wait_for(|opens| *opens).await;
            Ok::<_, std::io::Error>(Bytes::from(token))
        });
        answer(
            200,
            &[("content-type", "application/json")],
            Body::from_stream(body),
        )
    }))
    .await;
    let first = sample(1, 1000);
    let target = remote(&liar.server.address, NAME, &connection());
    push(&target, &first).await.unwrap();
    target.tag(&first.manifest, "v1").await.unwrap();

    let target = Arc::new(remote(&liar.server.address, NAME, &connection()));
    complete(&*target, "v1").await;
    liar.server.forget();
    opens.send_replace(false);
    let pushing: Vec<_> = (2..6)
        .map(|seed| {
            let target = Arc::clone(&target);
            tokio::spawn(async move { push(&*target, &sample(seed, 1000)).await.map(|_| ()) })
        })
        .collect();
    while tokens_asked(&liar).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let reading = complete(&*target, "v1");
    let read = tokio::time::timeout(std::time::Duration::from_secs(60), reading).await;
    read.expect("who has a token does not wait for another");
    assert!(pushing.iter().all(|push| !push.is_finished()));
    opens.send_replace(true);
    for push in pushing {
        push.await.unwrap().unwrap();
    }
    assert_eq!(tokens_asked(&liar).len(), 1);
}
