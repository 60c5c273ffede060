//! Image layouts: many writers at once make one, and lose nothing; a folder of
//! something else is left alone.
#![cfg(feature = "cli")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code"
)]

mod registries;

use flux_apim::edge::oci::{Descriptor, Error, Layout, Target};
use registries::{complete, push, sample};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;

/// One of several writers: pushes what all of them push for as long as there is
/// no layout, then an artifact of its own, and tags it.
fn write(path: &Path, index: usize) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let own = Layout::new(path);
        let shared = bytes::Bytes::from_static(b"shared");
        let what = Descriptor::of("text/plain", &shared);
        while index != 0 && !path.join("oci-layout").is_file() {
            own.push(&what, shared.clone()).await?;
        }
        let sample = sample(index as u64, 100);
        push(&own, &sample).await?;
        own.tag(&sample.manifest, &format!("t{index}")).await
    })
}

/// Every tag that was written is there, and whole.
fn check(path: &Path, writers: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let layout = Layout::new(path);
        assert_eq!(layout.tags().await.unwrap().len(), writers);
        for index in 0..writers {
            complete(&layout, &format!("t{index}")).await;
        }
    });
    let mut names: Vec<String> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The Bicep module is published beside, as a layout of its own.
        .filter(|name| name != "bicep")
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "index.lock", "oci-layout"]);
}

#[test]
fn writers_that_start_together_make_one_layout() {
    const WRITERS: usize = 6;
    const ROUNDS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let path = folder.path().join(round.to_string());
        let start = Barrier::new(WRITERS);
        std::thread::scope(|scope| {
            for index in 0..WRITERS {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    start.wait();
                    write(path, index).unwrap();
                });
            }
        });
        check(&path, WRITERS);
    }
}

/// A process that publishes when a line comes in.
fn publisher(to: &str) -> Child {
    let program = env!("CARGO_BIN_EXE_flux-apim");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/projects/contoso");
    Command::new("/bin/sh")
        .args(["-c", r#"read -r go && exec "$@""#, "sh", program])
        .args(["-q", "publish", source, to])
        .env_remove("FLUX_APIM_ENV")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn processes_that_start_together_make_one_layout() {
    const WRITERS: usize = 6;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let path = folder.path().join(round.to_string());
        let to = |index: usize| format!("oci-layout:{}:t{index}", path.display());
        let mut running: Vec<Child> = (0..WRITERS).map(|index| publisher(&to(index))).collect();
        for child in &mut running {
            child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        }
        for child in running {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
        }
        check(&path, WRITERS);
    }
}

/// Whoever sees `oci-layout` sees a whole layout: it is written last.
#[test]
fn a_layout_is_whole_as_soon_as_it_says_that_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = folder.path().join(round.to_string());
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                write(&path, 0).unwrap();
            });
            start.wait();
            while !path.join("oci-layout").is_file() {
                std::thread::yield_now();
            }
            let index = std::fs::read(path.join("index.json")).unwrap();
            let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
            assert!(index["manifests"].is_array(), "{index}");
        });
    }
}

/// What a writer that was killed while it made the layout left behind.
#[test]
fn a_layout_that_was_half_made_is_made_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (round, left) in [
        &["index.lock"][..],
        &["index.lock", ".flux-apim-x1y2z3"],
        &["index.lock", "index.json"],
        &["blobs/"],
    ]
    .iter()
    .enumerate()
    {
        let path = folder.path().join(round.to_string());
        std::fs::create_dir(&path).unwrap();
        for name in *left {
            match name.strip_suffix('/') {
                Some(name) => std::fs::create_dir(path.join(name)).unwrap(),
                None if *name == "index.json" => {
                    std::fs::write(path.join(name), r#"{"schemaVersion":2,"manifests":[]}"#)
                        .unwrap();
                }
                None => std::fs::write(path.join(name), "").unwrap(),
            }
        }
        write(&path, 0).unwrap();
        let _ = std::fs::remove_file(path.join(".flux-apim-x1y2z3"));
        check(&path, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("letter.txt"), "dear").unwrap();
    let layout = Layout::new(&foreign);
    let what = sample(1, 1);
    let error = push(&layout, &what).await.unwrap_err();
    assert!(error.to_string().contains("letter.txt"), "{error}");
    let error = layout.delete(&what.manifest).await.unwrap_err();
    assert!(error.to_string().contains("letter.txt"), "{error}");
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_was_changed_on_disk_is_not_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let sample = sample(3, 100);
    push(&layout, &sample).await.unwrap();
    layout.tag(&sample.manifest, "t3").await.unwrap();
    let found = layout.resolve("t3").await.unwrap().unwrap();
    let hex = found.digest.to_string().replace("sha256:", "");
    let blob = folder.path().join("blobs/sha256").join(hex);
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&blob, &bytes).unwrap();
    let error = layout.fetch(&found).await.unwrap_err();
    assert!(error.to_string().contains("expected sha256:"), "{error}");
}
