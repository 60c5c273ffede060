//! Targets against a registry that lies, breaks off, and knows no end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use axum::body::Body;
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use flux_apim::edge::oci::{
    Connection, Descriptor, Error, INDEX, MANIFEST, Memory, Pushed, Remote, Target, Uploads, copy,
};
use registries::liar::{Auth, Habits, Liar, Told};
use registries::real::Authority;
use registries::server::{Asked, Server, answer, broken_off, endless, json};
use registries::{
    complete, connection, noise, push, remote, repository, sample, sample_about, user,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const NAME: &str = "team/orders";

fn to(liar: &Liar) -> Remote {
    remote(&liar.server.address, NAME, &connection())
}

fn is(asked: &Asked, method: &str, part: &str) -> bool {
    asked.method == method && asked.uri.path().contains(part)
}

fn with_header(name: &'static str, value: &str) -> Option<Told> {
    let value = HeaderValue::from_str(value).unwrap();
    Some(Told::Changed(Box::new(
        move |mut response: Response<Body>| {
            response.headers_mut().insert(name, value);
            response
        },
    )))
}

fn instead(response: Response<Body>) -> Option<Told> {
    Some(Told::Instead(response))
}

const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_header_that_lies_is_found_at_every_step() {
    let sample = sample(1, 1000);
    for (method, part) in [
        ("HEAD", "/blobs/"),
        ("PUT", "/blobs/uploads/"),
        ("HEAD", "/manifests/"),
        ("PUT", "/manifests/sha256"),
        ("PUT", "/manifests/v1"),
        ("GET", "/manifests/v1"),
    ] {
        let liar = Liar::start(Habits::default(), move |asked, _| {
            is(asked, method, part).then(|| with_header("docker-content-digest", OTHER))?
        })
        .await;
        let target = to(&liar);
        let all = async {
            push(&target, &sample).await?;
            push(&target, &sample).await?;
            target.tag(&sample.manifest, "v1").await?;
            target.resolve("v1").await
        };
        let error = all.await.unwrap_err();
        let found = matches!(&error, Error::Mismatch { found, expected, .. } if [found, expected].contains(&&OTHER.to_owned()));
        assert!(found, "{method} {part}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_others_are_not_handed_out() {
    let sample = sample(1, 1000);
    let liar = Liar::start(Habits::default(), |asked, _| {
        // The same length, so that only the digest tells.
        is(asked, "GET", "/blobs/").then(|| instead(answer(200, &[], vec![b'x'; 1000])))?
    })
    .await;
    push(&to(&liar), &sample).await.unwrap();
    let error = to(&liar).fetch(&sample.blobs[1].0).await.unwrap_err();
    assert!(
        error.to_string().contains("nothing of it is used"),
        "{error}"
    );

    let manifest = sample.bytes.clone();
    let liar = Liar::start(Habits::default(), move |asked, _| {
        let headers = [("content-type", MANIFEST)];
        is(asked, "GET", "/manifests/sha256")
            .then(|| instead(answer(200, &headers, manifest.clone())))?
    })
    .await;
    let error = to(&liar).resolve(OTHER).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_breaks_off_is_asked_for_again_and_not_for_ever() {
    let sample = sample(1, 1000);
    for (times, good) in [(2, true), (99, false)] {
        let broken = Arc::new(AtomicUsize::new(0));
        let count = broken.clone();
        let liar = Liar::start(Habits::default(), move |asked, _| {
            let break_it =
                is(asked, "GET", "/blobs/") && count.fetch_add(1, Ordering::SeqCst) < times;
            let part = Bytes::from(vec![b'x'; 400]);
            break_it.then(|| instead(broken_off(200, &[], 1000, part)))?
        })
        .await;
        push(&to(&liar), &sample).await.unwrap();
        let fetched = to(&liar).fetch(&sample.blobs[1].0).await;
        match good {
            true => assert_eq!(fetched.unwrap(), sample.blobs[1].1),
            false => assert!(fetched.unwrap_err().is_retryable()),
        }
        assert_eq!(broken.load(Ordering::SeqCst), if good { 3 } else { 5 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_end_is_cut_off() {
    let liar = Liar::start(Habits::default(), |asked, _| {
        (asked.method == "GET").then(|| instead(endless(200, &[("content-type", MANIFEST)])))?
    })
    .await;
    let target = to(&liar);
    let what = Descriptor::of("text/plain", b"small");
    let manifest = Descriptor::of(MANIFEST, b"small");
    let errors = [
        target.fetch(&what).await.unwrap_err(),
        target.fetch(&manifest).await.unwrap_err(),
        target.resolve("v1").await.unwrap_err(),
        target.tags().await.unwrap_err(),
        target.referrers(&what).await.unwrap_err(),
    ];
    for (error, limit) in errors.iter().zip([5, 5, 4 << 20, 1 << 20, 4 << 20]) {
        assert!(
            matches!(error, Error::Over { limit: l, .. } if *l == limit),
            "{error}"
        );
    }
    // Once each: more of the same is no better.
    assert_eq!(liar.server.lines().len(), 5);

    // A refusal without end is a refusal.
    let liar = Liar::start(Habits::default(), |_, _| instead(endless(400, &[]))).await;
    let error = to(&liar).resolve("v1").await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_over_four_megabytes_are_neither_read_nor_sent() {
    let large = Bytes::from(vec![b' '; (4 << 20) + 1]);
    let what = Descriptor::of(MANIFEST, &large);
    let sent = large.clone();
    let liar = Liar::start(Habits::default(), move |asked, _| {
        (asked.method == "GET")
            .then(|| instead(answer(200, &[("content-type", MANIFEST)], sent.clone())))?
    })
    .await;
    let error = to(&liar).resolve("v1").await.unwrap_err();
    assert!(
        matches!(error, Error::Over { limit: 4194304, .. }),
        "{error}"
    );
    liar.server.forget();
    assert!(matches!(
        to(&liar).fetch(&what).await.unwrap_err(),
        Error::Over { .. }
    ));
    assert!(matches!(
        to(&liar).push(&what, large).await.unwrap_err(),
        Error::Over { .. }
    ));
    assert_eq!(liar.server.lines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_no_manifest_and_no_list() {
    let page = || {
        answer(
            200,
            &[("content-type", "text/html; charset=utf-8")],
            "<html>welcome</html>",
        )
    };
    let liar = Liar::start(Habits::default(), move |asked, _| {
        (asked.method == "GET").then(|| instead(page()))?
    })
    .await;
    let target = to(&liar);
    let what = Descriptor::of(MANIFEST, b"x");
    let errors = [
        target.resolve("v1").await.unwrap_err().to_string(),
        target.tags().await.unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(error.contains("but text/html"), "{error}");
    }
    // No referrers API, then; and behind the tag there is a web page, too.
    let error = target.referrers(&what).await.unwrap_err().to_string();
    assert!(
        error.contains(":sha256-") && error.contains("but text/html"),
        "{error}"
    );
    for foreign in [
        r#"{"mediaType":"application/json","schemaVersion":2}"#,
        "{}",
        "[]",
        "{\"layers\":7}",
        "\u{feff}{}",
    ] {
        let liar = Liar::start(Habits::default(), move |_, _| {
            instead(answer(200, &[], foreign))
        })
        .await;
        let error = to(&liar).resolve("v1").await.unwrap_err();
        assert!(
            matches!(error, Error::Malformed { .. }),
            "{foreign}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_registry_says_that_it_lists_no_referrers_the_tag_is_used() {
    let subject = sample(1, 10);
    let referrer = sample_about(2, 10, Some(&subject.manifest));
    for status in [400, 404, 405, 501] {
        for kind in ["text/plain", "text/html", "application/json"] {
            let liar = Liar::start(Habits::default(), move |asked, _| {
                let headers = [("content-type", kind)];
                is(asked, "GET", "/referrers/")
                    .then(|| instead(answer(status, &headers, "no such page")))?
            })
            .await;
            push(&to(&liar), &subject).await.unwrap();
            push(&to(&liar), &referrer).await.unwrap();
            let reader = to(&liar);
            let found = reader.referrers(&subject.manifest).await.unwrap();
            assert_eq!(found.len(), 1, "{status} {kind}");
            reader.referrers(&subject.manifest).await.unwrap();
            let asked = liar
                .server
                .seen()
                .iter()
                .filter(|s| s.path.contains("/referrers/"))
                .count();
            assert_eq!(asked, 1, "{status} {kind}: asked once, then known");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_referrers_are_read_to_their_end_and_no_further() {
    let subject = sample(1, 10);
    let habits = Habits {
        referrers: true,
        page: Some(2),
        ..Habits::default()
    };
    let liar = Liar::honest(habits.clone()).await;
    let target = to(&liar);
    push(&target, &subject).await.unwrap();
    for seed in 10..15 {
        push(&target, &sample_about(seed, 10, Some(&subject.manifest)))
            .await
            .unwrap();
        target
            .tag(&subject.manifest, &format!("t{seed}"))
            .await
            .unwrap();
    }
    assert_eq!(target.referrers(&subject.manifest).await.unwrap().len(), 5);
    assert_eq!(target.tags().await.unwrap().len(), 5);
    assert_eq!(
        liar.tagged(NAME, &subject.manifest.digest.to_string().replace(':', "-")),
        None
    );

    for (part, body) in [("/referrers/", "manifests"), ("/tags/", "tags")] {
        for link in [
            "</v2/team/orders{}>; rel=\"next\"",
            "<http://127.0.0.2:1/x>; rel=next",
            "<file:///x>; rel=next",
        ] {
            let liar = Liar::start(Habits::default(), move |asked, _| {
                let link = link.replace("{}", &format!("{part}again"));
                let list = serde_json::json!({ body: [] });
                let mut page = json(200, &list);
                page.headers_mut().insert("link", link.parse().unwrap());
                is(asked, "GET", part).then(|| instead(page))?
            })
            .await;
            let error = match part {
                "/tags/" => to(&liar).tags().await.unwrap_err(),
                _ => to(&liar).referrers(&subject.manifest).await.unwrap_err(),
            };
            let text = error.to_string();
            assert!(
                text.contains("without end") || text.contains("not on the registry"),
                "{text}"
            );
            assert!(liar.server.lines().len() <= 1001);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_lead_nowhere_or_lie_are_left_out() {
    let subject = sample(1, 10);
    let (ours, others) = (sample_about(2, 10, Some(&subject.manifest)), sample(3, 10));
    let entries = {
        let entry = |what: &Descriptor| {
            serde_json::json!({
                "mediaType": what.media_type, "digest": what.digest.to_string(), "size": what.size,
                "artifactType": "application/vnd.oci.empty.v1+json",
            })
        };
        let gone = Descriptor::of(MANIFEST, b"gone");
        let blob = Descriptor::of("text/plain", b"blob");
        serde_json::json!({
            "schemaVersion": 2, "mediaType": INDEX,
            "manifests": [entry(&gone), entry(&others.manifest), entry(&blob), entry(&ours.manifest), entry(&ours.manifest)],
        })
    };
    let liar = Liar::start(Habits::default(), move |asked, _| {
        is(asked, "GET", "/referrers/").then(|| instead(json(200, &entries)))?
    })
    .await;
    let target = to(&liar);
    for sample in [&subject, &ours, &others] {
        push(&target, sample).await.unwrap();
    }
    let found = to(&liar).referrers(&subject.manifest).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|d| (d.digest, d.artifact_type.as_deref()))
        .collect();
    assert_eq!(
        found,
        [(ours.manifest.digest, Some("application/vnd.example.test"))]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_of_referrers_that_holds_no_index_is_an_empty_list() {
    let subject = sample(1, 10);
    let liar = Liar::honest(Habits::default()).await;
    let target = to(&liar);
    push(&target, &subject).await.unwrap();
    let tag = subject.manifest.digest.to_string().replace(':', "-");
    target.tag(&subject.manifest, &tag).await.unwrap();
    let referrer = sample_about(2, 10, Some(&subject.manifest));
    assert_eq!(target.referrers(&subject.manifest).await.unwrap(), []);
    push(&target, &referrer).await.unwrap();
    let found = to(&liar).referrers(&subject.manifest).await.unwrap();
    assert_eq!(found.len(), 1);
    // What is an index, and broken, is not written over.
    let broken = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": null});
    liar.rival().write(NAME, &tag, &broken);
    let another = sample_about(3, 10, Some(&subject.manifest));
    let error = push(&to(&liar), &another).await.unwrap_err();
    assert!(
        error.to_string().contains("no list of manifests"),
        "{error}"
    );
    assert_eq!(liar.rival().read(NAME, &tag), Some(broken));
}

/// Everything that a publish does with a target, ending with the tag.
async fn publish(target: &dyn Target, seed: u64) -> Result<Descriptor, Error> {
    let artifact = sample(seed, 3000);
    target.resolve("v1").await?;
    push(target, &artifact).await?;
    let signature = sample_about(seed + 1000, 50, Some(&artifact.manifest));
    push(target, &signature).await?;
    let listed = target.referrers(&artifact.manifest).await?;
    assert!(listed.iter().any(|d| d.digest == signature.manifest.digest));
    target.tag(&artifact.manifest, "v1").await?;
    Ok(artifact.manifest)
}

fn chunked() -> Connection {
    Connection {
        uploads: Uploads {
            chunked_above: 1000,
            chunk: 1000,
        },
        ..connection()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_at_any_one_step_is_got_over() {
    type Failure = fn(usize) -> Told;
    let failures: [(&str, Failure); 5] = [
        ("status", |step| {
            let (status, header) = match step % 5 {
                0 => (429, ("retry-after", "0")),
                1 => (500, ("retry-after", "soon")),
                2 => (502, ("content-type", "text/html")),
                3 => (503, ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")),
                _ => (504, ("content-type", "application/json")),
            };
            Told::Instead(answer(status, &[header], "<html>"))
        }),
        ("hang up", |_| Told::HangUp),
        ("hang up amid", |_| Told::HangUpAmid),
        ("hang up after", |_| Told::HangUpAfter),
        ("500 after", |_| {
            Told::Changed(Box::new(|_| answer(500, &[], "")))
        }),
    ];
    for (referrers, chunks) in [(true, false), (false, false), (true, true)] {
        let connection = if chunks { chunked() } else { connection() };
        for (name, failure) in failures {
            for step in 0.. {
                let habits = Habits {
                    referrers,
                    relative: step % 2 == 0,
                    ..Habits::default()
                };
                let lie = move |_: &Asked, count| (count == step).then(|| failure(step));
                let liar = Liar::start(habits, lie).await;
                let target = remote(&liar.server.address, NAME, &connection);
                let published = publish(&target, 1).await;
                let asked = liar.server.lines();
                let published =
                    published.unwrap_or_else(|e| panic!("{name} at {step}: {e}\n{asked:#?}"));
                let found = complete(&to(&liar), "v1").await;
                assert_eq!(found.digest, published.digest, "{name} at {step}");
                if asked.len() <= step {
                    assert!(step > 12, "{asked:#?}");
                    break;
                }
            }
        }
    }
}

/// Distribution refuses a digest that is right while another publisher writes
/// the link to the same blob.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_digest_that_is_refused_is_sent_again_and_not_for_ever() {
    const REFUSAL: &str = r#"{"errors":[{"code":"DIGEST_INVALID","message":"it differs"}]}"#;
    for chunks in [false, true] {
        let connection = if chunks { chunked() } else { connection() };
        for step in 0.. {
            let puts = AtomicUsize::new(0);
            let lie = move |asked: &Asked, _| {
                let put = asked.method == "PUT" && puts.fetch_add(1, Ordering::Relaxed) == step;
                put.then(|| Told::Instead(answer(400, &[], REFUSAL)))
            };
            let liar = Liar::start(Habits::default(), lie).await;
            let target = remote(&liar.server.address, NAME, &connection);
            let published = publish(&target, 1).await.unwrap();
            let found = complete(&to(&liar), "v1").await;
            assert_eq!(found.digest, published.digest, "{step}");
            let puts = liar.server.lines();
            if puts.iter().filter(|line| line.starts_with("PUT")).count() <= step {
                assert!(step > 3);
                break;
            }
        }
    }
    let liar = Liar::start(Habits::default(), |asked, _| {
        (is(asked, "PUT", "/manifests/")).then(|| Told::Instead(answer(400, &[], REFUSAL)))
    })
    .await;
    let error = publish(&to(&liar), 1).await.unwrap_err();
    assert!(error.to_string().contains("DIGEST_INVALID"), "{error}");
    assert!(liar.server.lines().len() < 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_does_not_end_is_told_after_a_few_attempts() {
    for status in [429, 500, 502, 503, 504] {
        let liar = Liar::start(Habits::default(), move |_, _| {
            instead(answer(status, &[], ""))
        })
        .await;
        let error = to(&liar).resolve("v1").await.unwrap_err();
        assert_eq!((error.status(), error.is_retryable()), (Some(status), true));
        assert!(error.to_string().contains("try again later"), "{error}");
        assert_eq!(liar.server.lines().len(), 5);
    }
    for status in [400, 403, 405, 418] {
        let liar = Liar::start(Habits::default(), move |_, _| {
            instead(answer(status, &[], ""))
        })
        .await;
        let error = to(&liar).resolve("v1").await.unwrap_err();
        assert_eq!(
            (error.status(), error.is_retryable()),
            (Some(status), false)
        );
        assert_eq!(liar.server.lines().len(), 1);
    }
    // Uploads that always break: whole and in chunks.
    let sample = sample(1, 3000);
    for connection in [connection(), chunked()] {
        for method in ["POST", "PATCH", "PUT"] {
            let liar = Liar::start(Habits::default(), move |asked, _| {
                (asked.method == method).then_some(Told::HangUpAmid)
            })
            .await;
            let target = remote(&liar.server.address, NAME, &connection);
            let pushed = push(&target, &sample).await;
            let whole = connection.uploads.chunked_above > 3000;
            if method == "PATCH" && whole {
                pushed.unwrap();
                continue;
            }
            assert!(pushed.unwrap_err().is_retryable());
            assert!(liar.server.lines().len() < 80, "{:#?}", liar.server.lines());
        }
    }
    // A wait that is longer than ours is not waited for.
    let liar = Liar::start(Habits::default(), |_, _| {
        instead(answer(429, &[("retry-after", "86400")], ""))
    })
    .await;
    to(&liar).resolve("v1").await.unwrap_err();
    assert_eq!(liar.server.lines().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stops_between_any_two_requests_leaves_the_old_or_the_new() {
    for referrers in [true, false] {
        for step in 0.. {
            let stop = Arc::new(tokio::sync::Notify::new());
            let (armed, ring) = (Arc::new(AtomicUsize::new(usize::MAX)), stop.clone());
            let at = armed.clone();
            let habits = Habits {
                referrers,
                ..Habits::default()
            };
            let liar = Liar::start(habits, move |_, count| {
                let armed = at.load(Ordering::SeqCst);
                if count == armed {
                    ring.notify_one();
                }
                (count >= armed).then_some(Told::HangUp)
            })
            .await;
            let old = publish(&to(&liar), 1).await.unwrap();
            let begun = liar.server.lines().len();
            armed.store(begun + step, Ordering::SeqCst);
            let target = to(&liar);
            let done = tokio::select! {
                done = publish(&target, 2) => Some(done.unwrap()),
                () = stop.notified() => None,
            };
            armed.store(usize::MAX, Ordering::SeqCst);
            let found = complete(&to(&liar), "v1").await;
            match &done {
                Some(new) => assert_eq!(found.digest, new.digest),
                None => assert_eq!(found.digest, old.digest, "the tag is the last step"),
            }
            let new = publish(&to(&liar), 2).await.unwrap();
            assert_eq!(
                complete(&to(&liar), "v1").await.digest,
                new.digest,
                "step {step}"
            );
            if done.is_some() {
                assert!(step > 12);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let sample = sample(1, 1000);
    let bytes = sample.blobs[1].1.clone();
    let elsewhere = Server::start(move |_| {
        let bytes = bytes.clone();
        Box::pin(async move { Some(answer(200, &[], bytes)) })
    })
    .await;
    let place = format!("http://me:secret@{}/signed?sig=canary", elsewhere.address);
    let habits = Habits {
        auth: Auth::Basic(format!("{}:{}", registries::USER, registries::PASSWORD)),
        ..Habits::default()
    };
    for status in [301, 302, 303, 307, 308] {
        let place = place.clone();
        let liar = Liar::start(habits.clone(), move |asked, _| {
            is(asked, "GET", "/blobs/")
                .then(|| instead(answer(status, &[("location", &place)], "")))?
        })
        .await;
        let known = Connection {
            credentials: user(),
            ..connection()
        };
        let target = remote(&liar.server.address, NAME, &known);
        push(&target, &sample).await.unwrap();
        elsewhere.forget();
        let fetched = target.fetch(&sample.blobs[1].0).await.unwrap();
        assert_eq!(fetched, sample.blobs[1].1);
        let seen = elsewhere.seen();
        assert_eq!((seen.len(), seen[0].path.as_str()), (1, "/signed"));
        assert_eq!(seen[0].authorization(), None, "{status}");
        assert!(!format!("{:?}", seen[0].headers).contains("cookie"));
        assert!(
            liar.server
                .seen()
                .iter()
                .skip(1)
                .all(|s| s.authorization().is_some())
        );
    }
    // Uploads go to another host without credentials too.
    let place = format!("http://{}/upload", elsewhere.address);
    let liar = Liar::start(habits, move |asked, _| {
        let welcome = asked.headers.contains_key("authorization");
        (welcome && asked.method == "POST")
            .then(|| instead(answer(202, &[("location", &place)], "")))?
    })
    .await;
    elsewhere.forget();
    let known = Connection {
        credentials: user(),
        ..connection()
    };
    let target = remote(&liar.server.address, NAME, &known);
    target
        .push(&sample.blobs[1].0, sample.blobs[1].1.clone())
        .await
        .unwrap_err();
    assert!(!elsewhere.seen().is_empty());
    assert!(elsewhere.seen().iter().all(|s| s.authorization().is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_end_and_do_not_leave_tls() {
    let what = Descriptor::of("text/plain", b"x");
    let liar = Liar::start(Habits::default(), |asked, _| {
        instead(answer(307, &[("location", asked.uri.path())], ""))
    })
    .await;
    let error = to(&liar).fetch(&what).await.unwrap_err();
    assert!(
        error.to_string().contains("redirects more than 5 times"),
        "{error}"
    );
    assert_eq!(liar.server.lines().len(), 6);
    let error = to(&liar)
        .push(&what, Bytes::from_static(b"x"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");

    let authority = Authority::new("own");
    let plain = Server::start(|_| Box::pin(async { Some(answer(200, &[], "x")) })).await;
    let http = format!("http://{}/x", plain.address);
    for place in [
        http.as_str(),
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http:///",
        "",
    ] {
        let own = place.to_owned();
        let liar = Liar::start_with(
            Some(authority.server()),
            Habits::default(),
            move |asked, _| {
                let status = if asked.method == "POST" { 202 } else { 307 };
                instead(answer(status, &[("location", &own)], ""))
            },
        )
        .await;
        let secure = Connection {
            insecure: false,
            ca: Some(authority.certificate()),
            ..connection()
        };
        let target = remote(&liar.server.address, NAME, &secure);
        target.fetch(&what).await.unwrap_err();
        target.upload_is_refused(&what).await;
    }
    assert_eq!(plain.lines(), Vec::<String>::new());
}

/// A server that wants a certificate may say so, or just leave, and what it
/// says may come too late to be read: the error names the certificate each time.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_leaves_after_the_handshake_may_want_a_client_certificate() {
    use tokio_rustls::TlsAcceptor;
    #[derive(Debug, Clone, Copy)]
    enum Leaves {
        /// With the alert of TLS.
        Saying,
        /// With an end of what it sends.
        Silently,
        /// At once: what was sent to it is lost, and so is what it sent.
        Abruptly,
    }
    let (own, clients) = (Authority::new("own"), Authority::new("clients"));
    for leaves in [Leaves::Saying, Leaves::Silently, Leaves::Abruptly] {
        let wanting = match leaves {
            Leaves::Saying => own.server_for(&clients),
            _ => own.server(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let talked = TlsAcceptor::from(wanting.clone()).accept(socket).await;
                match (leaves, talked) {
                    (Leaves::Saying, talked) => assert!(talked.is_err()),
                    (Leaves::Silently, talked) => drop(talked),
                    (Leaves::Abruptly, talked) => {
                        talked.unwrap().get_ref().0.set_zero_linger().unwrap();
                    }
                }
            }
        });
        let secure = Connection {
            insecure: false,
            ca: Some(own.certificate()),
            ..connection()
        };
        let error = remote(&address, NAME, &secure).resolve("v1").await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("client certificate"), "{leaves:?}: {error}");
        let foreign = Connection {
            client_cert: Some(own.client()),
            ..secure
        };
        let error = remote(&address, NAME, &foreign).resolve("v1").await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("another"), "{leaves:?}: {error}");
        serving.abort();
        assert!(!serving.await.is_err_and(|e| e.is_panic()));
    }
}

trait Refuses {
    async fn upload_is_refused(&self, what: &Descriptor);
}

impl Refuses for Remote {
    async fn upload_is_refused(&self, what: &Descriptor) {
        // Not there: the registry answers the question with a redirect.
        self.push(what, Bytes::from_static(b"x")).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_whose_registry_miscounts_come_to_an_end() {
    let bytes = Bytes::from(noise(1, 5000));
    let what = Descriptor::of("application/octet-stream", &bytes);
    for range in [
        "0-0",
        "0-99999999",
        "0-18446744073709551615",
        "7-9",
        "bytes=0-10",
        "x",
        "",
    ] {
        let liar = Liar::start(Habits::default(), move |asked, _| {
            (asked.method == "PATCH").then(|| with_header("range", range))?
        })
        .await;
        let target = remote(&liar.server.address, NAME, &chunked());
        // With a range that says nothing, all is as it should be.
        let pushed = target.push(&what, bytes.clone()).await;
        assert_eq!(
            pushed.is_ok(),
            matches!(range, "0-18446744073709551615" | "7-9" | "x" | ""),
            "{range}: {pushed:?}"
        );
        assert!(liar.server.lines().len() < 100, "{range}");
    }
    for place in ["", "http://", "\u{7f}"] {
        let liar = Liar::start(Habits::default(), move |asked, _| {
            (asked.method == "POST").then(|| instead(answer(202, &[("location", place)], "")))?
        })
        .await;
        let _ = to(&liar).push(&what, bytes.clone()).await.unwrap_err();
    }
    let liar = Liar::start(Habits::default(), |asked, _| {
        (asked.method == "POST").then(|| instead(answer(202, &[], "")))?
    })
    .await;
    let error = to(&liar).push(&what, bytes.clone()).await.unwrap_err();
    assert!(error.to_string().contains("no usable Location"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_that_becomes_an_upload_is_used_as_one() {
    for (no_mount, expected) in [(false, 0), (true, 2)] {
        let habits = Habits {
            no_mount,
            ..Habits::default()
        };
        let liar = Liar::honest(habits).await;
        let from = remote(&liar.server.address, "team/from", &connection());
        let sample = sample(1, 1000);
        push(&from, &sample).await.unwrap();
        liar.server.forget();
        let target = to(&liar);
        copy(&from, &target, &sample.manifest).await.unwrap();
        let count = |method: &str| {
            let seen = liar.server.seen();
            seen.iter()
                .filter(|s| s.method == method && s.path.contains("/uploads/"))
                .count()
        };
        assert_eq!((count("POST"), count("PUT")), (2, expected));
        assert_eq!(liar.uploads(), 0, "nothing begun is left");
    }
    // A registry that knows nothing of mounts, and one that forbids it.
    for status in [400, 403, 404, 405] {
        let liar = Liar::start(Habits::default(), move |asked, _| {
            asked
                .query("mount")
                .is_some()
                .then(|| instead(answer(status, &[], "")))?
        })
        .await;
        let from = remote(&liar.server.address, "team/from", &connection());
        let sample = sample(1, 1000);
        push(&from, &sample).await.unwrap();
        let target = to(&liar);
        copy(&from, &target, &sample.manifest).await.unwrap();
        target.tag(&sample.manifest, "v1").await.unwrap();
        complete(&target, "v1").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn graphs_that_no_one_makes_are_not_copied() {
    let memory = Memory::new();
    let mut what = sample(1, 1);
    push(&memory, &what).await.unwrap();
    for _ in 0..6 {
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [what.manifest]});
        let bytes = Bytes::from(index.to_string());
        what.manifest = Descriptor::of(INDEX, &bytes);
        assert_eq!(
            memory.push(&what.manifest, bytes).await.unwrap(),
            Pushed::Now
        );
    }
    let error = copy(&memory, &Memory::new(), &what.manifest)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("too deep"), "{error}");
    let wide: Vec<Descriptor> = vec![sample(1, 1).blobs[1].0.clone(); 1001];
    let bytes = Bytes::from(serde_json::json!({"layers": wide}).to_string());
    let wide = Descriptor::of(MANIFEST, &bytes);
    memory.push(&wide, bytes).await.unwrap();
    let error = copy(&memory, &Memory::new(), &wide).await.unwrap_err();
    assert!(error.to_string().contains("more than 1000"), "{error}");
    let _ = repository("r.example", "a");
}

/// However chunks are refused as such, the whole goes in one request, and so does the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_takes_no_chunks_gets_whole_blobs() {
    for (status, code) in [
        (400, "UNSUPPORTED"),
        (403, "DENIED"),
        (404, "NOT_FOUND"),
        (405, "UNSUPPORTED"),
        (501, "UNSUPPORTED"),
    ] {
        let liar = Liar::start(Habits::default(), move |asked, _| {
            let refusal = serde_json::json!({"errors": [{"code": code, "message": "no"}]});
            (asked.method == "PATCH").then(|| instead(json(status, &refusal)))?
        })
        .await;
        let target = remote(&liar.server.address, NAME, &chunked());
        for seed in 1..3 {
            let bytes = Bytes::from(noise(seed, 5000));
            let what = Descriptor::of("application/octet-stream", &bytes);
            target.push(&what, bytes.clone()).await.unwrap();
            assert_eq!(target.fetch(&what).await.unwrap(), bytes);
        }
        let lines = liar.server.lines();
        let chunks = lines.iter().filter(|line| line.starts_with("PATCH"));
        assert_eq!(chunks.count(), 1, "{status}");
    }
}
