//! The list of referrers that is a tag, and pushers that know nothing of each
//! other. No registry offers a compare-and-swap: what is held here is what can be
//! had without one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use flux_apim::edge::oci::{Error, Remote, Target};
use registries::liar::{Habits, Liar, Rival};
use registries::real::{Kind, start};
use registries::server::Asked;
use registries::{Sample, connection, push, remote, sample, sample_about};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

const NAME: &str = "team/orders";

/// A client that knows nothing of any other.
fn stranger(address: &str) -> Remote {
    remote(address, NAME, &connection())
}

/// All push at once. Those whose entry another took off, because it was stopped
/// for long between reading and writing, push again: then everybody is listed.
#[tokio::test(flavor = "multi_thread")]
async fn of_pushers_at_once_each_is_listed_or_is_so_when_it_pushes_again() {
    const PUSHERS: u64 = 6;
    for kind in [Kind::Distribution3, Kind::Distribution2] {
        let Some(real) = start(kind) else { continue };
        let subject = sample(1, 10);
        push(&stranger(&real.address), &subject).await.unwrap();
        let referrers: Vec<Sample> = (0..PUSHERS)
            .map(|seed| sample_about(50 + seed, 10, Some(&subject.manifest)))
            .collect();
        let each = async |referrer: &Sample| {
            push(&stranger(&real.address), referrer).await.unwrap();
        };
        futures_util::future::join_all(referrers.iter().map(each)).await;
        let wanted: BTreeSet<_> = referrers.iter().map(|r| r.manifest.digest).collect();
        let listed = async || -> BTreeSet<_> {
            let found = stranger(&real.address).referrers(&subject.manifest).await;
            let found: Vec<_> = found.unwrap().iter().map(|d| d.digest).collect();
            let once: BTreeSet<_> = found.iter().copied().collect();
            assert_eq!(once.len(), found.len(), "{kind:?}: nothing twice");
            assert!(once.is_subset(&wanted), "{kind:?}: nothing else");
            once
        };
        let at_once = listed().await;
        println!("{kind:?}: {} of {PUSHERS} at once", at_once.len());
        assert!(!at_once.is_empty(), "{kind:?}: the last one at least");
        for referrer in &referrers {
            each(referrer).await;
            assert!(listed().await.contains(&referrer.manifest.digest));
        }
        assert_eq!(listed().await, wanted, "{kind:?}");
    }
}

/// A subject, a referrer of ours, the tag of the list, an entry of a rival.
struct Scene {
    subject: Sample,
    ours: Sample,
    tag: String,
}

impl Scene {
    fn new() -> Self {
        let subject = sample(1, 10);
        Self {
            ours: sample_about(2, 10, Some(&subject.manifest)),
            tag: subject.manifest.digest.to_string().replace(':', "-"),
            subject,
        }
    }

    /// The list as a rival that never read ours has it.
    fn without_ours(n: usize) -> Json {
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry(n)],
        })
    }

    fn lists_ours(&self, rival: &Rival) -> bool {
        let list = rival.read(NAME, &self.tag).unwrap_or_default();
        let digest = self.ours.manifest.digest.to_string();
        let entries = list["manifests"].as_array();
        entries.is_some_and(|all| all.iter().any(|e| e["digest"] == digest.as_str()))
    }

    /// Pushes ours, while `act` is called before each look at the list: with
    /// the rival, and how many looks came before.
    async fn push(
        &self,
        act: impl Fn(&Rival, usize) + Send + Sync + 'static,
    ) -> (Result<(), Error>, Rival, usize) {
        let (rival, looks) = (Arc::new(OnceLock::<Rival>::new()), Arc::default());
        let (own, count, tag) = (rival.clone(), Arc::clone(&looks), self.tag.clone());
        let lie = move |asked: &Asked, _: usize| {
            let look = asked.method == "GET" && asked.uri.path().ends_with(&tag);
            if let Some(rival) = own.get().filter(|_| look) {
                act(rival, AtomicUsize::fetch_add(&count, 1, Ordering::SeqCst));
            }
            None
        };
        let liar = Liar::start(Habits::default(), lie).await;
        let target = stranger(&liar.server.address);
        push(&target, &self.subject).await.unwrap();
        let _ = rival.set(liar.rival());
        let pushed = push(&target, &self.ours).await.map(|_| ());
        (pushed, liar.rival(), looks.load(Ordering::SeqCst))
    }
}

/// An entry of somebody else, which refers to what we do not have.
fn entry(n: usize) -> Json {
    json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": format!("sha256:{n:064x}"),
        "size": 10,
        "artifactType": "application/vnd.example.rival",
    })
}

/// A rival adds its entry, and keeps ours.
fn add(rival: &Rival, tag: &str, n: usize) {
    let mut list = rival.read(NAME, tag).unwrap();
    list["manifests"].as_array_mut().unwrap().push(entry(n));
    rival.write(NAME, tag, &list);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pusher_alone_reads_writes_and_looks_once_more() {
    let scene = Scene::new();
    let (pushed, rival, looks) = scene.push(|_, _| ()).await;
    pushed.unwrap();
    assert!(scene.lists_ours(&rival));
    // Whether it is listed, what the list is, and whether it stayed.
    assert!(looks <= 3, "{looks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_a_rival_took_off_is_put_back_beside_the_rivals() {
    for at in 1..4 {
        let scene = Scene::new();
        let tag = scene.tag.clone();
        let (pushed, rival, _) = scene
            .push(move |rival, look| {
                if (1..=at).contains(&look) {
                    rival.write(NAME, &tag, &Scene::without_ours(look));
                }
            })
            .await;
        pushed.unwrap();
        assert!(scene.lists_ours(&rival), "{at}");
        let list = rival.read(NAME, &scene.tag).unwrap();
        assert_eq!(list["manifests"].as_array().unwrap().len(), 2, "{at}");
    }
}

/// As long as others come, one of them may be about to write what it read
/// before we wrote: we look until the list stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn while_others_write_the_list_it_is_looked_at_again() {
    let scene = Scene::new();
    let tag = scene.tag.clone();
    let late = AtomicUsize::new(0);
    let (pushed, rival, looks) = scene
        .push(move |rival, look| match look {
            0 => (),
            // Two come and read ours; the third read the list before we wrote.
            _ if rival.read(NAME, &tag).is_none() => (),
            look => match late.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => add(rival, &tag, look),
                2 => rival.write(NAME, &tag, &Scene::without_ours(look)),
                _ => (),
            },
        })
        .await;
    pushed.unwrap();
    assert!(looks > 3, "{looks}");
    assert!(scene.lists_ours(&rival));
}

#[tokio::test(flavor = "multi_thread")]
async fn others_without_end_are_not_looked_at_without_end() {
    // They keep ours.
    let scene = Scene::new();
    let tag = scene.tag.clone();
    let (pushed, rival, looks) = scene
        .push(move |rival, look| {
            if rival.read(NAME, &tag).is_some() {
                add(rival, &tag, look);
            }
        })
        .await;
    pushed.unwrap();
    assert!(scene.lists_ours(&rival) && looks < 20, "{looks}");
    // They take ours off, each time.
    let scene = Scene::new();
    let tag = scene.tag.clone();
    let (pushed, _, looks) = scene
        .push(move |rival, look| rival.write(NAME, &tag, &Scene::without_ours(look)))
        .await;
    let error = pushed.unwrap_err();
    assert!(error.to_string().contains("others rewrote"), "{error}");
    assert!(error.is_retryable() && looks < 20, "{looks}");
}

/// What no pusher can see: a rival that writes long after it read. Pushing again
/// puts the entry back.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_taken_off_later_is_put_back_by_pushing_again() {
    let scene = Scene::new();
    let liar = Liar::honest(Habits::default()).await;
    push(&stranger(&liar.server.address), &scene.subject)
        .await
        .unwrap();
    push(&stranger(&liar.server.address), &scene.ours)
        .await
        .unwrap();
    let rival = liar.rival();
    rival.write(NAME, &scene.tag, &Scene::without_ours(7));
    push(&stranger(&liar.server.address), &scene.ours)
        .await
        .unwrap();
    assert!(scene.lists_ours(&rival));
    let list = rival.read(NAME, &scene.tag).unwrap();
    assert_eq!(list["manifests"].as_array().unwrap().len(), 2);
}
