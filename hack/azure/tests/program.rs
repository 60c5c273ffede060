//! The program itself: what it is given on the command line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_simulated-azure");

/// Ended when the test is.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(address: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A bundle of one tag, whose display name is in a file.
fn bundle(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let resource = json!({"id": "tags/t", "properties": {"displayName": null}, "dependsOn": [],
        "references": [], "secrets": [], "texts": [{"at": "/displayName", "path": "name.txt"}]});
    let resources = json!({"resources": [resource]}).to_string();
    std::fs::write(folder.join("resources.json"), resources).unwrap();
    std::fs::write(folder.join("name.txt"), "From a file").unwrap();
}

#[test]
fn it_listens_with_what_a_bundle_has() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("program");
    bundle(&folder);
    let file = folder.join("address");
    let _ = std::fs::remove_file(&file);
    let child = Command::new(PROGRAM)
        .args(["--service", "mine", "--without", "paging", "--address-file"])
        .arg(&file)
        .arg("--seed")
        .arg(&folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let mut line = String::new();
    let stdout = running.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let address = std::fs::read_to_string(&file).unwrap();
    let service = line.trim().strip_prefix(&address).unwrap();
    assert!(service.ends_with("/service/mine"), "{line}");
    let tag = get(
        &address,
        &format!("{service}/tags/t?api-version=2024-05-01"),
    );
    assert!(tag.contains("From a file"), "{tag}");
    let behaviours = get(&address, "/behaviours");
    assert!(behaviours.contains(r#""on":false"#), "{behaviours}");
}

#[test]
fn what_it_does_not_know_is_said() {
    for arguments in [
        ["--without", "nothing-like-it"],
        ["--access", "/none/such"],
        ["--seed", "/none/such"],
    ] {
        let out = Command::new(PROGRAM).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success(), "{arguments:?}");
        let word = if arguments[0] == "--seed" {
            "resources.json"
        } else {
            arguments[1]
        };
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}
