//! Two tenants behind one controller: what one commits does not keep the other
//! waiting.

use super::faults::claim;
use crate::bundle::{apim_bundle, pack};
use crate::cluster::{Cluster, condition, is_ready, message};
use flux_apim::tree::Digest;
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Hostile trees of the short form; the long one takes every shape.
const SHORT: [&str; 6] = [
    "ref_through_wide",
    "ref_laughs",
    "unknown_properties",
    "deep_paths",
    "links",
    "policy_unclosed",
];
/// Changes of the honest tenant alone, and beside each hostile tree.
const ROUNDS: usize = 5;

/// A source whose artifact a test sets.
struct Source<'a> {
    cluster: &'a Cluster,
    namespace: &'static str,
    served: Arc<Mutex<Vec<u8>>>,
    url: String,
}

impl<'a> Source<'a> {
    fn new(cluster: &'a Cluster, namespace: &'static str) -> Self {
        let served: Arc<Mutex<Vec<u8>>> = Arc::default();
        let answer = Arc::clone(&served);
        let port = crate::http::serve(move |_| (200, answer.lock().unwrap().clone()));
        cluster.namespace(namespace);
        Self {
            cluster,
            namespace,
            served,
            url: format!("http://127.0.0.1:{port}/x.tar.gz"),
        }
    }

    /// A new artifact; its revision.
    fn set(&self, bytes: Vec<u8>, name: &str) -> String {
        let digest = Digest::of(&bytes).to_string();
        let revision = format!("{name}@{digest}");
        *self.served.lock().unwrap() = bytes;
        let (namespace, url) = (self.namespace, &self.url);
        claim(self.cluster, namespace, "source", url, &digest, &revision);
        revision
    }

    fn bundle(&self, publish: &Json) {
        let mut object = apim_bundle(self.namespace, "bundle", publish);
        object["spec"]["sourceRef"] = json!({"kind": "ExternalArtifact", "name": "source"});
        object["spec"]
            .as_object_mut()
            .unwrap()
            .remove("environment");
        self.cluster.apply(&object);
    }
}

pub fn hostile(cluster: &mut Cluster, soak: bool) {
    let cluster = &*cluster;
    let (honest, hostile) = (
        Source::new(cluster, "honest"),
        Source::new(cluster, "hostile"),
    );
    let mut round = 0;
    // From a new artifact to a moved tag.
    let mut publish = || {
        round += 1;
        let bytes = std::fs::read(project(cluster, round)).unwrap();
        let before = cluster.tag("tenants/honest", "latest");
        let started = Instant::now();
        honest.set(bytes, &format!("v{round}"));
        while cluster.tag("tenants/honest", "latest") == before {
            let waited = started.elapsed();
            assert!(waited < Duration::from_secs(120), "no new tag");
            std::thread::sleep(Duration::from_millis(5));
        }
        started.elapsed()
    };
    honest.bundle(&cluster.oci("tenants/honest"));
    hostile.bundle(&cluster.oci("tenants/hostile"));
    let controller = cluster.controller("tenants", &[]);
    publish();
    let alone = median((0..ROUNDS).map(|_| publish()).collect());
    let chosen: Vec<_> = shapes::all()
        .filter(|shape| soak || SHORT.contains(&shape.name))
        .collect();
    assert!(soak || chosen.len() == SHORT.len(), "a shape is not there");
    let mut slowest = (Duration::ZERO, "");
    for shape in chosen {
        let revision = hostile.set((shape.make)(shape.large).archive(), shape.name);
        let beside = median((0..ROUNDS).map(|_| publish()).collect());
        slowest = slowest.max((beside, shape.name));
        // Told, whatever it is: published, or refused with the reason.
        let bundle = cluster.until("ApimBundle", "hostile", "bundle", |b| {
            b["status"]["lastAttemptedRevision"] == revision
                && (is_ready(b) || condition(b, "Ready", "False"))
        });
        println!("        {}: {}", shape.name, first_line(&message(&bundle)));
    }
    let ratio = slowest.0.as_secs_f64() / alone.as_secs_f64();
    println!(
        "        a change is published in {:.0} ms alone, in {:.0} ms beside `{}`: {ratio:.2} times; {} MiB",
        alone.as_secs_f64() * 1e3,
        slowest.0.as_secs_f64() * 1e3,
        slowest.1,
        controller.memory()
    );
    assert!(!soak || ratio <= 2.0, "the other tenant waits too long");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or("")
        .chars()
        .take(160)
        .collect()
}

/// A project of ten APIs with fifty operations each; one of them is another in
/// each round.
fn project(cluster: &Cluster, round: usize) -> PathBuf {
    let root = cluster.folder.join("honest");
    for api in 0..10 {
        let paths: serde_json::Map<_, _> = (0..50)
            .map(|n| {
                let changed = if api == 7 { round } else { 0 };
                let operation = json!({
                    "operationId": format!("get-{n}"),
                    "description": format!("operation {n} of {api}, change {changed}"),
                    "responses": {"200": {"description": "ok"}},
                });
                (format!("/things/{n}"), json!({"get": operation}))
            })
            .collect();
        let document = json!({
            "openapi": "3.0.3", "info": {"title": format!("Api {api}"), "version": "1"},
            "paths": paths,
        });
        let folder = root.join(format!("apis/api-{api}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("openapi.json"), document.to_string()).unwrap();
    }
    pack(&root, &cluster.folder.join("honest.tar.gz"))
}
