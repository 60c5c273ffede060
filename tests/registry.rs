//! Targets against real registries: what is sent, how often, and what is there
//! afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use bytes::Bytes;
use flux_apim::edge::oci::{
    Connection, Credentials, Descriptor, Layout, Memory, Place, Pushed, Registry, Remote, Target,
    Uploads, copy,
};
use registries::proxy::{Fault, Proxy};
use registries::real::{ALL, Authority, Kind, Setup, start, start_with};
use registries::{
    PASSWORD, USER, complete, connection, noise, push, remote, repository, sample, sample_about,
    user,
};
use std::collections::BTreeSet;

/// Runs a test against memory, a layout and every real registry that is there.
async fn everywhere<F: AsyncFn(&str, &dyn Target)>(test: F) {
    test("memory", &Memory::new()).await;
    let folder = tempfile::tempdir().unwrap();
    test("layout", &Layout::new(folder.path().join("layout"))).await;
    for kind in ALL {
        let Some(real) = start(kind) else { continue };
        let remote = remote(&real.address, "team/orders", &connection());
        test(&format!("{kind:?}"), &remote).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_comes_back_byte_for_byte() {
    everywhere(async |name, target| {
        let sample = sample(1, 300_000);
        assert!(!target.exists(&sample.manifest).await.unwrap(), "{name}");
        assert_eq!(push(target, &sample).await.unwrap(), Pushed::Now, "{name}");
        assert_eq!(target.resolve("v1").await.unwrap(), None, "{name}");
        target.tag(&sample.manifest, "v1").await.unwrap();
        target.tag(&sample.manifest, "latest").await.unwrap();
        assert_eq!(target.tags().await.unwrap(), ["latest", "v1"], "{name}");
        let found = complete(target, "v1").await;
        assert_eq!(found.digest, sample.manifest.digest, "{name}");
        let by_digest = target
            .resolve(&found.digest.to_string())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(by_digest.digest, found.digest, "{name}");
        for (what, bytes) in &sample.blobs {
            assert_eq!(&target.fetch(what).await.unwrap(), bytes, "{name}");
            assert!(target.exists(what).await.unwrap(), "{name}");
            assert_eq!(
                target.push(what, bytes.clone()).await.unwrap(),
                Pushed::Already,
                "{name}"
            );
        }
        let nothing = Descriptor::of("text/plain", b"nothing");
        assert!(
            target.fetch(&nothing).await.unwrap_err().is_missing(),
            "{name}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_moves_and_an_artifact_goes() {
    everywhere(async |name, target| {
        let (old, new) = (sample(1, 100), sample(2, 100));
        push(target, &old).await.unwrap();
        target.tag(&old.manifest, "v1").await.unwrap();
        push(target, &new).await.unwrap();
        target.tag(&new.manifest, "v1").await.unwrap();
        assert_eq!(
            complete(target, "v1").await.digest,
            new.manifest.digest,
            "{name}"
        );
        target.delete(&old.manifest).await.unwrap();
        target.delete(&old.manifest).await.unwrap();
        let gone = target
            .resolve(&old.manifest.digest.to_string())
            .await
            .unwrap();
        assert_eq!(gone, None, "{name}");
        assert_eq!(
            complete(target, "v1").await.digest,
            new.manifest.digest,
            "{name}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn referrers_are_listed_as_their_manifests_have_it() {
    everywhere(async |name, target| {
        let subject = sample(1, 100);
        push(target, &subject).await.unwrap();
        target.tag(&subject.manifest, "v1").await.unwrap();
        assert_eq!(
            target.referrers(&subject.manifest).await.unwrap(),
            [],
            "{name}"
        );
        let mut expected = Vec::new();
        for seed in 10..13 {
            let referrer = sample_about(seed, 100, Some(&subject.manifest));
            push(target, &referrer).await.unwrap();
            // Again: nothing is listed twice.
            push(target, &referrer).await.unwrap();
            expected.push(referrer);
        }
        let found = target.referrers(&subject.manifest).await.unwrap();
        let digests: BTreeSet<_> = found.iter().map(|d| d.digest).collect();
        let wanted: BTreeSet<_> = expected.iter().map(|s| s.manifest.digest).collect();
        assert_eq!((found.len(), digests), (3, wanted), "{name}");
        for entry in &found {
            // go-containerregistry's registry says the config's type here.
            let kind = entry.artifact_type.as_deref();
            assert_eq!(kind, Some("application/vnd.example.test"), "{name}");
            assert!(entry.annotations.contains_key("seed"), "{name}: {entry:?}");
        }
        target.delete(&expected[0].manifest).await.unwrap();
        let found = target.referrers(&subject.manifest).await.unwrap();
        assert_eq!(found.len(), 2, "{name}");
        let other = target.referrers(&expected[1].manifest).await.unwrap();
        assert_eq!(other, [], "{name}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_is_copied_between_any_two() {
    let origin = Memory::new();
    let sample = sample(5, 200_000);
    push(&origin, &sample).await.unwrap();
    origin.tag(&sample.manifest, "v1").await.unwrap();
    everywhere(async |name, target| {
        copy(&origin, target, &sample.manifest).await.unwrap();
        target.tag(&sample.manifest, "v1").await.unwrap();
        let back = Memory::new();
        copy(target, &back, &sample.manifest).await.unwrap();
        back.tag(&sample.manifest, "v1").await.unwrap();
        assert_eq!(
            complete(&back, "v1").await.digest,
            sample.manifest.digest,
            "{name}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_sent_again() {
    for kind in ALL {
        let Some(real) = start(kind) else { continue };
        let proxy = Proxy::start(&real.address).await;
        let sample = sample(1, 100_000);
        let first = remote(&proxy.server.address, "team/orders", &connection());
        push(&first, &sample).await.unwrap();
        first.tag(&sample.manifest, "v1").await.unwrap();
        let uploads = proxy
            .server
            .seen()
            .iter()
            .filter(|s| s.method == "PUT")
            .count();
        assert_eq!(uploads, 4, "{kind:?}: two blobs, the manifest, the tag");
        proxy.server.forget();
        // A client that knows nothing of the first.
        let again = remote(&proxy.server.address, "team/orders", &connection());
        assert_eq!(
            push(&again, &sample).await.unwrap(),
            Pushed::Already,
            "{kind:?}"
        );
        let lines = proxy.server.lines();
        assert!(
            lines.iter().all(|line| line.starts_with("HEAD ")),
            "{kind:?}: {lines:?}"
        );
        proxy.server.forget();
        // What a tag has is one request, its manifest none.
        let found = again.resolve("v1").await.unwrap().unwrap();
        again.fetch(&found).await.unwrap();
        assert_eq!(
            proxy.server.lines(),
            ["GET /v2/team/orders/manifests/v1"],
            "{kind:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_blobs_go_in_chunks_and_go_on_where_they_broke() {
    let chunked = Connection {
        uploads: Uploads {
            chunked_above: 1 << 20,
            chunk: 1 << 20,
        },
        ..connection()
    };
    for kind in [Kind::Distribution3, Kind::Distribution2] {
        let Some(real) = start(kind) else { continue };
        for broken in [None, Some("before"), Some("after"), Some("503")] {
            let proxy = Proxy::breaking(&real.address, move |asked, count| {
                // The fourth request: a chunk in the middle.
                match broken? {
                    _ if asked.method != "PATCH" || !(4..6).contains(&count) => None,
                    "before" => Some(Fault::Before),
                    "after" => Some(Fault::After),
                    _ => Some(Fault::Status(503)),
                }
            })
            .await;
            let bytes = Bytes::from(noise(broken.map_or(1, |b| b.len() as u64), 5 << 20));
            let what = Descriptor::of("application/octet-stream", &bytes);
            let name = format!("team/{}", broken.unwrap_or("whole"));
            let remote = remote(&proxy.server.address, &name, &chunked);
            assert_eq!(
                remote.push(&what, bytes.clone()).await.unwrap(),
                Pushed::Now
            );
            assert_eq!(
                remote.fetch(&what).await.unwrap(),
                bytes,
                "{kind:?} {broken:?}"
            );
            let seen = proxy.server.seen();
            let begun = seen.iter().filter(|s| s.method == "POST").count();
            if (kind, broken) == (Kind::Distribution2, Some("after")) {
                // Its URLs hold how far the upload is; with an answer that was
                // lost the right URL is lost, and there is no going on.
                assert_eq!(begun, 2);
                continue;
            }
            assert_eq!(
                begun, 1,
                "{kind:?} {broken:?}: it went on, it did not begin anew"
            );
            let patches = seen.iter().filter(|s| s.method == "PATCH").count();
            assert!((5..=7).contains(&patches), "{kind:?} {broken:?}: {patches}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_another_repository_is_mounted() {
    for kind in ALL {
        let Some(real) = start(kind) else { continue };
        let proxy = Proxy::start(&real.address).await;
        let address = &proxy.server.address;
        let registry = Registry::new(&repository(address, "a"), &connection()).unwrap();
        let from = registry.repository(&repository(address, "team/from"));
        let to = registry.repository(&repository(address, "team/to"));
        let sample = sample(3, 50_000);
        push(&from, &sample).await.unwrap();
        proxy.server.forget();
        copy(&from, &to, &sample.manifest).await.unwrap();
        to.tag(&sample.manifest, "v1").await.unwrap();
        complete(&to, "v1").await;
        let seen = proxy.server.seen();
        let sent = seen
            .iter()
            .filter(|s| s.method == "PUT" && s.path.contains("/uploads/"));
        // go-containerregistry's registry has one store for all repositories,
        // and finds every blob everywhere.
        assert_eq!(sent.count(), 0, "{kind:?}: {:?}", proxy.server.lines());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_leave_one_complete_artifact_and_lose_no_referrer() {
    everywhere(async |name, target| {
        let samples: Vec<_> = (0..20).map(|seed| sample(seed, 5_000)).collect();
        let one = async |seed: usize| {
            push(target, &samples[seed]).await.unwrap();
            target.tag(&samples[seed].manifest, "v1").await.unwrap();
        };
        futures_util::future::join_all((0..20).map(one)).await;
        let found = complete(target, "v1").await;
        assert!(
            samples.iter().any(|s| s.manifest.digest == found.digest),
            "{name}"
        );

        let referrers: Vec<_> = (100..120)
            .map(|seed| sample_about(seed, 10, Some(&found)))
            .collect();
        let each = async |index: usize| push(target, &referrers[index]).await.unwrap();
        futures_util::future::join_all((0..20).map(each)).await;
        let listed = target.referrers(&found).await.unwrap();
        assert_eq!(listed.len(), 20, "{name}");
        for entry in &listed {
            target.fetch(entry).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_a_password_open_what_is_closed() {
    for kind in [Kind::Distribution3, Kind::Distribution2] {
        let setup = Setup {
            htpasswd: true,
            ..Setup::default()
        };
        let Some(real) = start_with(kind, &setup) else {
            continue;
        };
        let proxy = Proxy::start(&real.address).await;
        let address = &proxy.server.address;
        let sample = sample(1, 1000);
        let known = Connection {
            credentials: user(),
            ..connection()
        };
        let open = remote(address, "team/orders", &known);
        push(&open, &sample).await.unwrap();
        let refused = proxy
            .server
            .seen()
            .iter()
            .filter(|s| s.authorization().is_none())
            .count();
        assert_eq!(refused, 1, "{kind:?}: one challenge, then it is known");

        let nobody = remote(address, "team/orders", &connection());
        let error = push(&nobody, &sample).await.unwrap_err();
        assert!(
            error.is_unauthorized() && error.to_string().contains("docker login"),
            "{error}"
        );

        let wrong = Credentials::parse(&format!("{USER}:canary-wrong")).unwrap();
        let wrong = Connection {
            credentials: wrong,
            ..connection()
        };
        let error = push(&remote(address, "team/orders", &wrong), &sample)
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(401), "{error}");
        assert!(
            !format!("{error} {error:?}").contains("canary-wrong"),
            "{error:?}"
        );

        // The same out of a file, as `docker login` leaves it.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let json =
            serde_json::json!({"auths": {address: {"username": USER, "password": PASSWORD}}});
        std::fs::write(&path, json.to_string()).unwrap();
        for credentials in [
            Credentials::DockerFile(path),
            Credentials::kubernetes(json.to_string().as_bytes()).unwrap(),
        ] {
            let filed = Connection {
                credentials,
                ..connection()
            };
            complete_by_digest(&remote(address, "team/orders", &filed), &sample.manifest).await;
        }
    }
}

async fn complete_by_digest(target: &dyn Target, what: &Descriptor) {
    complete(target, &what.digest.to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_checked_against_the_authority_that_is_named() {
    let (own, clients, foreign) = (
        Authority::new("own"),
        Authority::new("clients"),
        Authority::new("foreign"),
    );
    for kind in [Kind::Distribution3, Kind::Distribution2] {
        let setup = Setup {
            tls: Some(&own),
            clients: Some(&clients),
            htpasswd: true,
        };
        let Some(real) = start_with(kind, &setup) else {
            continue;
        };
        let secure = Connection {
            insecure: false,
            ca: Some(own.certificate()),
            client_cert: Some(clients.client()),
            credentials: user(),
            ..connection()
        };
        let sample = sample(1, 1000);
        let open = remote(&real.address, "team/orders", &secure);
        push(&open, &sample).await.unwrap();

        let error_of = async |connection: Connection| {
            let remote = remote(&real.address, "team/orders", &connection);
            let error = remote.resolve("v1").await.unwrap_err();
            let for_good = !error.is_retryable() || connection.client_cert.is_none();
            assert!(for_good, "{error}");
            error.to_string()
        };
        let error = error_of(Connection {
            ca: Some(foreign.certificate()),
            ..secure.clone()
        })
        .await;
        assert!(error.contains("--ca FILE"), "{error}");
        let error = error_of(Connection {
            ca: None,
            ..secure.clone()
        })
        .await;
        assert!(error.contains("--ca FILE"), "{error}");
        let error = error_of(Connection {
            client_cert: None,
            ..secure.clone()
        })
        .await;
        assert!(error.contains("client certificate"), "{error}");
        let error = error_of(Connection {
            insecure: true,
            ..secure.clone()
        })
        .await;
        assert!(error.contains("answered 400"), "{error}");
    }
    let Some(plain) = start(Kind::Distribution3) else {
        return;
    };
    let secure = Connection {
        insecure: false,
        ..connection()
    };
    let error = remote(&plain.address, "a", &secure)
        .resolve("v1")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("--insecure"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_used_when_it_is_named() {
    let Some(real) = start(Kind::Distribution3) else {
        return;
    };
    // A proxy for plain HTTP sees whole URLs; this one passes them on.
    let proxy = Proxy::start(&real.address).await;
    let named = Connection {
        proxy: Some(format!("http://me:canary-proxy@{}", proxy.server.address).into()),
        ..connection()
    };
    let sample = sample(1, 1000);
    push(
        &remote("registry.example:5000", "team/orders", &named),
        &sample,
    )
    .await
    .unwrap();
    let seen = proxy.server.seen();
    assert!(
        seen.iter()
            .all(|s| s.headers.contains_key("proxy-authorization"))
    );
    assert!(
        seen.iter()
            .all(|s| s.headers["host"] == "registry.example:5000")
    );
    let gone = Connection {
        proxy: Some("http://me:canary-proxy@127.0.0.1:1".to_owned().into()),
        ..connection()
    };
    let error = remote("registry.example:5000", "a", &gone)
        .resolve("v1")
        .await
        .unwrap_err();
    assert!(
        !format!("{error} {error:?} {gone:?}").contains("canary"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_reads_what_we_push_and_we_read_what_it_copies() {
    let Some(skopeo) = registries::real::program("skopeo") else {
        return;
    };
    for kind in ALL {
        let Some(real) = start(kind) else { continue };
        let sample = sample(9, 20_000);
        let ours = remote(&real.address, "team/orders", &connection());
        push(&ours, &sample).await.unwrap();
        ours.tag(&sample.manifest, "v1").await.unwrap();
        let output = std::process::Command::new(&skopeo)
            .args([
                "copy",
                "--src-tls-verify=false",
                "--dest-tls-verify=false",
                "--preserve-digests",
            ])
            .arg(format!("docker://{}/team/orders:v1", real.address))
            .arg(format!("docker://{}/team/copied:v1", real.address))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{kind:?}: {said}");
        let copied = remote(&real.address, "team/copied", &connection());
        assert_eq!(
            complete(&copied, "v1").await.digest,
            sample.manifest.digest,
            "{kind:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_reads_our_layouts_and_we_read_its() {
    let Some(skopeo) = registries::real::program("skopeo") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (ours, its) = (folder.path().join("ours"), folder.path().join("its"));
    let sample = sample(4, 20_000);
    let layout = Layout::new(&ours);
    push(&layout, &sample).await.unwrap();
    layout.tag(&sample.manifest, "v1").await.unwrap();
    let output = std::process::Command::new(&skopeo)
        .args(["copy", "--preserve-digests"])
        .arg(format!("oci:{}:v1", ours.display()))
        .arg(format!("oci:{}:v2", its.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let its = Layout::new(&its);
    assert_eq!(complete(&its, "v2").await.digest, sample.manifest.digest);
    // And we write on where it began.
    its.tag(&sample.manifest, "v3").await.unwrap();
    assert_eq!(its.tags().await.unwrap(), ["v2", "v3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_not_put_before_what_it_refers_to() {
    everywhere(async |name, target| {
        let sample = sample(1, 10);
        if name == "Referrers" {
            // go-containerregistry's registry does not look.
            return;
        }
        let error = target.push(&sample.manifest, sample.bytes.clone()).await;
        assert!(error.is_err(), "{name}");
        let wrong = target
            .push(&sample.manifest, Bytes::from_static(b"{}"))
            .await;
        let wrong = wrong.unwrap_err().to_string();
        assert!(
            wrong.contains("expected") && wrong.contains("found 2"),
            "{name}: {wrong}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_open_what_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("oci-layout:{}:v1", folder.path().join("x").display());
    let place: Place = text.parse().unwrap();
    let target = place.open(&connection()).unwrap();
    let sample = sample(1, 10);
    push(&*target, &sample).await.unwrap();
    target
        .tag(&sample.manifest, place.tag().unwrap())
        .await
        .unwrap();
    assert_eq!(
        complete(&*target, &place.reference()).await.digest,
        sample.manifest.digest
    );
    assert!(target.sibling("/bicep").unwrap().is_none());
    let place: Place = "oci://r.example/team/orders:v1".parse().unwrap();
    let target = place.open(&connection()).unwrap();
    let bicep = target.sibling("/bicep").unwrap().unwrap();
    assert_eq!(bicep.name(), "oci://r.example/team/orders/bicep");
    let remote: &dyn Target = &Remote::new(&repository("r.example", "a"), &connection()).unwrap();
    assert!(remote.sibling("/Bicep").is_err());
}
