//! What a copy of large blobs takes of memory: nothing that depends on their size. Measured
//! in a process of its own, which is this test again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use flux_apim::edge::oci::{Connection, Layout, Remote, Target, Uploads, copy};
use registries::liar::{Habits, Liar};
use registries::{complete, connection, noise, push, repository, sample};
use std::path::Path;
use std::process::Command;

/// What the child is told: the address of a registry, a folder, how uploads go.
const JOB: &str = "FLUX_APIM_TEST_COPIES";
const SMALL: usize = 1 << 20;
const LARGE: usize = 96 << 20;
/// A chunk, and buffers on the way.
const MOST: usize = 40 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_keeps_no_large_blob_in_memory() {
    if let Ok(job) = std::env::var(JOB) {
        return copied(&job).await;
    }
    let registry = Liar::honest(Habits::default()).await;
    for way in ["whole", "chunks"] {
        let mut peaks = Vec::new();
        for size in [SMALL, LARGE] {
            let folder = tempfile::tempdir().unwrap();
            let from = Layout::new(folder.path().join("from"));
            let made = sample(7, size);
            push(&from, &made).await.unwrap();
            from.tag(&made.manifest, "v1").await.unwrap();
            let name = format!("{way}-{size}");
            let folder = folder.path().to_owned();
            let job = format!(
                "{} {name} {} {way}",
                registry.server.address,
                folder.display()
            );
            let child = tokio::task::spawn_blocking(move || {
                let own = std::env::current_exe().unwrap();
                let name = "a_copy_keeps_no_large_blob_in_memory";
                let mut child = Command::new(own);
                let child = child.args(["--exact", name, "--nocapture"]).env(JOB, job);
                child.output().unwrap()
            });
            let output = child.await.unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{said}");
            let peak = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let peak: usize = peak
                .unwrap()
                .trim()
                .trim_end_matches(" kB")
                .parse()
                .unwrap();
            peaks.push(peak << 10);
            // What arrived is what was sent, in the registry and back.
            let there = Remote::new(&repository(&registry.server.address, &name), &connection());
            let back = Layout::new(folder.join("back"));
            for target in [&there.unwrap() as &dyn Target, &back] {
                assert_eq!(complete(target, "v1").await.digest, made.manifest.digest);
            }
        }
        println!("{way}: {} MB, {} MB", peaks[0] >> 20, peaks[1] >> 20);
        assert!(peaks[1] < peaks[0] + MOST, "{way}: {peaks:?}");
    }
}

/// Copies a layout into the registry, and from there into another layout.
async fn copied(job: &str) {
    let words: Vec<&str> = job.split(' ').collect();
    let [address, name, folder, way] = words[..] else {
        panic!("{job}");
    };
    let chunked_above = if way == "whole" { u64::MAX } else { 1 << 20 };
    let connection = Connection {
        uploads: Uploads {
            chunked_above,
            chunk: 4 << 20,
        },
        ..connection()
    };
    let folder = Path::new(folder);
    let from = Layout::new(folder.join("from"));
    let there = Remote::new(&repository(address, name), &connection).unwrap();
    let back = Layout::new(folder.join("back"));
    for (from, to) in [
        (&from as &dyn Target, &there as &dyn Target),
        (&there, &back),
    ] {
        let what = from.resolve("v1").await.unwrap().unwrap();
        copy(from, to, &what).await.unwrap();
        to.tag(&what, "v1").await.unwrap();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM:"));
    println!("{}", peak.unwrap());
}

/// A blob that is damaged on its way is refused, and nothing is written.
#[tokio::test]
async fn a_large_blob_that_is_another_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let from = Layout::new(folder.path().join("from"));
    let made = sample(7, 9 << 20);
    push(&from, &made).await.unwrap();
    let (layer, _) = made
        .blobs
        .iter()
        .find(|(what, _)| what.size > 1000)
        .unwrap();
    let hex = layer.digest.to_string().replace("sha256:", "");
    let path = folder.path().join("from/blobs/sha256").join(hex);
    std::fs::write(path, noise(8, 9 << 20)).unwrap();
    let to = Layout::new(folder.path().join("to"));
    let error = copy(&from, &to, &made.manifest).await.unwrap_err();
    assert!(error.to_string().contains("expected"), "{error}");
    assert!(!to.exists(layer).await.unwrap());
    assert!(!to.exists(&made.manifest).await.unwrap());
}
