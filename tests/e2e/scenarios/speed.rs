//! How long it takes, against the command line in the same run.

use super::faults::claim;
use crate::bundle::apim_bundle;
use crate::cluster::{Cluster, is_ready};
use crate::controller::binary;
use serde_json::json;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

/// From a new artifact to a moved tag, for a change of one API among a hundred.
/// Reported, not judged: machines differ.
pub fn ratio(cluster: &mut Cluster, _: bool) {
    let namespace = "speed";
    cluster.namespace(namespace);
    let served: Arc<Mutex<Vec<u8>>> = Arc::default();
    let answer = Arc::clone(&served);
    let port = crate::http::serve(move |_| (200, answer.lock().unwrap().clone()));
    let url = format!("http://127.0.0.1:{port}/x.tar.gz");
    let _controller = cluster.controller("speed", &[]);
    let mut object = apim_bundle(namespace, "contoso", &cluster.oci("speed/controller"));
    object["spec"]["sourceRef"] = json!({"kind": "ExternalArtifact", "name": "source"});
    object["spec"]
        .as_object_mut()
        .unwrap()
        .remove("environment");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let archive = hundred(cluster, round);
        let bytes = std::fs::read(&archive).unwrap();
        let digest = flux_apim::tree::Digest::of(&bytes).to_string();
        *served.lock().unwrap() = bytes;
        let before = cluster.tag("speed/controller", "latest");
        let started = Instant::now();
        claim(
            cluster,
            namespace,
            "source",
            &url,
            &digest,
            &format!("v{round}@{digest}"),
        );
        if round == 0 {
            cluster.apply(&object);
        }
        while cluster.tag("speed/controller", "latest") == before {
            assert!(started.elapsed() < Duration::from_secs(120), "no new tag");
            std::thread::sleep(Duration::from_millis(5));
        }
        let controller = started.elapsed();
        cluster.until("ApimBundle", namespace, "contoso", is_ready);

        let started = Instant::now();
        let output = Command::new(binary())
            .arg("publish")
            .arg(&archive)
            .arg(cluster.oci_url("speed/command"))
            .args(["--insecure", "--service", "contoso-prod"])
            .output()
            .unwrap();
        let command = started.elapsed();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        // The first of each is a first publication.
        if round > 0 {
            ours.push(controller);
            theirs.push(command);
        }
    }
    ours.sort();
    theirs.sort();
    let (ours, theirs) = (ours[ROUNDS / 2], theirs[ROUNDS / 2]);
    println!(
        "        artifact to tag {:.0} ms, `flux-apim publish` {:.0} ms, ratio {:.2}",
        ours.as_secs_f64() * 1e3,
        theirs.as_secs_f64() * 1e3,
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

/// A project of a hundred APIs with fifty operations each; one of them is
/// another in each round.
fn hundred(cluster: &Cluster, round: usize) -> std::path::PathBuf {
    let root = cluster.folder.join("hundred");
    for api in 0..100 {
        let folder = root.join(format!("apis/api-{api}"));
        if round > 0 && api != 7 {
            continue;
        }
        std::fs::create_dir_all(&folder).unwrap();
        let paths: serde_json::Map<_, _> = (0..50)
            .map(|n| {
                let description = format!("operation {n} of {api}, round {round}");
                let operation = json!({
                    "operationId": format!("get-{n}"), "description": description,
                    "responses": {"200": {"description": "ok"}},
                });
                (format!("/things/{n}"), json!({"get": operation}))
            })
            .collect();
        let document = json!({
            "openapi": "3.0.3", "info": {"title": format!("Api {api}"), "version": "1"},
            "paths": paths,
        });
        std::fs::write(folder.join("openapi.json"), document.to_string()).unwrap();
    }
    crate::bundle::pack(
        &root,
        &cluster.folder.join(format!("hundred-{round}.tar.gz")),
    )
}
