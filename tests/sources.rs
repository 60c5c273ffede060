//! Sources lie. Each row is refused with its code, and nothing is unpacked.
#![cfg(feature = "source")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use flux_apim::diag::Budget;
use flux_apim::edge::source::{Error, OpenOptions, Opened, SourceRef, open};
use flux_apim::tree::Digest;
use std::io::Write;
use std::path::Path;

/// Builds tar entries by hand: no library would write these.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn entry(mut self, name: &[u8], kind: u8, size: u64, data: &[u8]) -> Self {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name);
        header[100..108].copy_from_slice(b"0000644\0");
        header[108..116].copy_from_slice(b"0000000\0");
        header[116..124].copy_from_slice(b"0000000\0");
        header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[156] = kind;
        header[157..160].copy_from_slice(b"x/y");
        header[257..263].copy_from_slice(b"ustar\0");
        header[263..265].copy_from_slice(b"00");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().div_ceil(512) * 512, 0);
        self
    }

    fn file(self, name: &str, data: &[u8]) -> Self {
        self.entry(name.as_bytes(), b'0', data.len() as u64, data)
    }

    fn gz(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        gz(&self.0)
    }
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn opened(bytes: &[u8], options: &OpenOptions) -> Result<Opened, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.tar.gz");
    std::fs::write(&path, bytes).unwrap();
    let result = open(&SourceRef::Archive(path), options);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "something was unpacked"
    );
    result
}

fn refusal(result: Result<Opened, Error>) -> (u16, String) {
    match result {
        Err(Error::Refused(finding)) => (finding.rule.code.0, finding.message),
        Err(other) => panic!("not refused but {other}"),
        Ok(_) => panic!("not refused"),
    }
}

#[test]
fn what_source_controller_writes_is_read() {
    let bytes = Tar::default()
        .entry(b"./", b'5', 0, b"")
        .entry(b"./apis/", b'5', 0, b"")
        .file("./apis/a.json", b"{}")
        .file("b c/ü.yaml", b"x")
        .gz();
    let opened = opened(&bytes, &OpenOptions::default()).unwrap();
    let paths: Vec<_> = opened
        .tree
        .files()
        .map(|(_, path)| path.to_string())
        .collect();
    assert_eq!(paths, ["apis/a.json", "b c/ü.yaml"]);
    assert_eq!(
        opened.origin.digest.unwrap(),
        Digest::of(&bytes).to_string()
    );
}

#[test]
fn hostile_archives() {
    let plain = OpenOptions::default();
    let entry = |name: &[u8], kind: u8| Tar::default().entry(name, kind, 0, b"").gz();
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("absolute", entry(b"/etc/passwd", b'0'), 8001, "/etc/passwd"),
        ("parent", entry(b"a/../../b", b'0'), 8001, "a/../../b"),
        (
            "symlink with data",
            Tar::default().entry(b"link", b'2', 1, b"x").gz(),
            8001,
            "link",
        ),
        (
            "below a symlink",
            Tar::default()
                .entry(b"a", b'2', 0, b"")
                .file("a/b", b"1")
                .gz(),
            8001,
            "same name",
        ),
        (
            "parent in the name of a symlink",
            entry(b"../link", b'2'),
            8001,
            "../link",
        ),
        (
            "two sizes",
            Tar::default()
                .entry(b"pax", b'x', 10, b"10 size=2\n")
                .file("a", b"1")
                .gz(),
            8002,
            "another size",
        ),
        (
            "a long name that is too long",
            Tar::default()
                .entry(b"././@LongLink", b'L', 2 << 20, &[b'x'; 2 << 20])
                .file("a", b"1")
                .gz(),
            8003,
            "1024",
        ),
        (
            "an extended header that is too long",
            Tar::default()
                .entry(b"pax", b'x', 2 << 20, &[b'x'; 2 << 20])
                .file("a", b"1")
                .gz(),
            8001,
            "extended header",
        ),
        (
            "a name without its file",
            Tar::default().entry(b"././@LongLink", b'L', 2, b"a\0").gz(),
            8002,
            "not there",
        ),
        ("hard link", entry(b"link", b'1'), 8001, "link"),
        ("device", entry(b"dev", b'3'), 8001, "dev"),
        ("fifo", entry(b"pipe", b'6'), 8001, "pipe"),
        ("not UTF-8", entry(b"a\xff", b'0'), 8001, "UTF-8"),
        ("backslash", entry(b"a\\b", b'0'), 8001, "a\\b"),
        ("control", entry(b"a\x07b", b'0'), 8001, "control"),
        ("drive", entry(b"C:/x", b'0'), 8001, "C:/x"),
        (
            "twice",
            Tar::default().file("a", b"1").file("a", b"2").gz(),
            8001,
            "twice",
        ),
        (
            "case",
            Tar::default().file("a/x", b"1").file("A/y", b"2").gz(),
            8001,
            "case",
        ),
        (
            "file and folder",
            Tar::default().file("a", b"1").file("a/b", b"2").gz(),
            8001,
            "same name",
        ),
        (
            "lying size",
            Tar::default().entry(b"a", b'0', 0o777_7777_7777, b"x").gz(),
            8003,
            "a",
        ),
        (
            "truncated tar",
            gz(&Tar::default().file("a", &[1; 2000]).0[..1500]),
            8002,
            "cannot be read",
        ),
        (
            "truncated gzip",
            {
                let mut b = Tar::default().file("a", &[7; 5000]).gz();
                b.truncate(b.len() / 2);
                b
            },
            8002,
            "cannot be read",
        ),
        (
            "case of an accent",
            Tar::default().file("é", b"1").file("E\u{301}", b"2").gz(),
            8001,
            "case",
        ),
        (
            "name in a pax header",
            Tar::default()
                .entry(b"pax", b'x', 17, b"17 path=../escape")
                .entry(b"fine", b'0', 0, b"")
                .gz(),
            8002,
            "",
        ),
        (
            "parent in a pax header",
            Tar::default()
                .entry(b"pax", b'x', 18, b"18 path=../escape\n")
                .entry(b"fine", b'0', 0, b"")
                .gz(),
            8001,
            "../escape",
        ),
        (
            "parent in a long name",
            Tar::default()
                .entry(b"././@LongLink", b'L', 10, b"../escape\0")
                .entry(b"fine", b'0', 0, b"")
                .gz(),
            8001,
            "../escape",
        ),
        ("sparse", entry(b"sparse", b'S'), 8002, "sparse"),
        ("volume", entry(b"volume", b'V'), 8001, "volume"),
        (
            "concatenated tars",
            {
                let mut first = Tar::default().file("a", b"1").0;
                first.resize(first.len() + 1024, 0);
                first.extend(Tar::default().file("b", b"2").0);
                gz(&first)
            },
            8002,
            "follows the end",
        ),
        (
            "garbage after the gzip",
            [Tar::default().file("a", b"1").gz(), b"garbage".to_vec()].concat(),
            8002,
            "cannot be read",
        ),
        ("not gzip", b"hello".to_vec(), 8002, "cannot be read"),
        ("bomb", gz(&vec![0; 64 << 20]), 8003, "packed"),
    ];
    for (name, bytes, code, word) in cases {
        let result = opened(&bytes, &plain);
        assert!(result.is_err(), "{name} is not refused");
        let (found, message) = refusal(result);
        assert_eq!(found, code, "{name}: {message}");
        assert!(message.contains(word), "{name}: {message}");
    }
}

/// source-controller writes one member, we write many: both are one stream.
#[test]
fn gzip_members_are_one_stream() {
    let mut tar = Tar::default().file("a", b"1").file("b", &[7; 3000]).0;
    tar.resize(tar.len() + 1024, 0);
    let members: Vec<u8> = tar.chunks(700).flat_map(gz).collect();
    assert_eq!(
        opened(&members, &OpenOptions::default())
            .unwrap()
            .tree
            .len(),
        2
    );
    let cut = &members[..members.len() - 1];
    assert_eq!(refusal(opened(cut, &OpenOptions::default())).0, 8002);
}

#[test]
fn caps_name_their_flag() {
    let bytes = Tar::default()
        .file("a/long.txt", &[b'x'; 4000])
        .file("b", b"y")
        .gz();
    for flag in [
        "max-archive-bytes",
        "max-total-bytes",
        "max-file-bytes",
        "max-files",
        "max-path-bytes",
        "max-path-depth",
    ] {
        let mut options = OpenOptions::default();
        assert!(options.limits.set(flag, 1));
        match opened(&bytes, &options) {
            Err(Error::Refused(finding)) => {
                assert_eq!(finding.rule.code.0, 8003, "{flag}");
                assert!(
                    finding.help.unwrap().contains(&format!("--{flag}")),
                    "{flag}"
                );
            }
            other => panic!("{flag}: {other:?}"),
        }
    }
}

#[test]
fn links_in_archives_are_skipped() {
    let bytes = Tar::default()
        .entry(b"././@LongLink", b'K', 7, b"target\0")
        .entry(b"link", b'2', 0, b"")
        .file("a", b"1")
        .gz();
    let opened = opened(&bytes, &OpenOptions::default()).unwrap();
    assert_eq!(opened.tree.len(), 1);
    let [note] = opened.notes.as_slice() else {
        panic!("{:?}", opened.notes);
    };
    assert_eq!(note.rule.code.0, 8007);
    assert!(note.message.contains("`link`"), "{}", note.message);
}

#[test]
fn members_of_gzip_are_counted() {
    let bytes = [Tar::default().file("a", b"1").gz(), gz(b"").repeat(50)].concat();
    let mut options = OpenOptions::default();
    assert!(opened(&bytes, &options).is_ok());
    assert!(options.limits.set("max-gzip-members", 50));
    let (code, message) = refusal(opened(&bytes, &options));
    assert_eq!(code, 8003);
    assert!(message.contains("members"), "{message}");
}

/// What opening takes, in steps and bytes: each line is a shape that took the
/// square of what it has, or many times its size.
#[test]
fn opening_takes_no_more_than_what_is_there() {
    let deep = |n: usize| {
        let above = "d/".repeat(45);
        (0..n).fold(Tar::default(), |tar, i| {
            tar.file(&format!("{i:05}/{above}x"), b"")
        })
    };
    let named = |n: usize| {
        (0..n).fold(Tar::default(), |tar, i| {
            let name = format!("{i:05}{}", "x".repeat(500));
            tar.entry(b"././@LongLink", b'L', name.len() as u64, name.as_bytes())
                .file("n", b"")
        })
    };
    let shapes: [&dyn Fn(usize) -> Tar; 2] = [&deep, &named];
    for (n, shape) in shapes.into_iter().enumerate() {
        let spent = |size: usize| {
            let options = OpenOptions::default();
            let opened = opened(&shape(size).gz(), &options).unwrap();
            assert_eq!(opened.tree.len(), size);
            let (steps, held) = (options.budget.spent(), options.budget.held());
            assert!(steps > 0 && held > 0);
            drop(opened);
            assert_eq!(options.budget.held(), 0);
            (steps, held)
        };
        let ((steps, held), (twice, held_twice)) = (spent(300), spent(600));
        assert!(twice * 10 <= steps * 23, "{n}: {steps} and {twice} steps");
        assert!(held_twice * 10 <= held * 23, "{n}: {held} and {held_twice}");
        assert!(held < 300 * 10_000, "{n}: {held} bytes");
    }
}

#[test]
fn a_source_that_takes_more_than_the_budget_is_refused() {
    let bytes = Tar::default().file("a", &[b'x'; 4000]).gz();
    for (flag, cap) in [("max-steps", 20), ("max-memory-bytes", 1000)] {
        let mut limits = OpenOptions::default().limits;
        assert!(limits.set(flag, cap));
        let options = OpenOptions {
            budget: Budget::new(&limits),
            ..OpenOptions::default()
        };
        match opened(&bytes, &options) {
            Err(Error::Refused(finding)) => {
                assert_eq!(finding.rule.code.0, 1017, "{flag}");
                assert!(finding.help.unwrap().contains(flag), "{flag}");
            }
            other => panic!("{flag}: {other:?}"),
        }
        assert_eq!(options.budget.held(), 0);
    }
    let options = OpenOptions::default();
    options.budget.cancel();
    assert!(matches!(opened(&bytes, &options), Err(Error::Ended(_))));
}

#[test]
fn a_digest_is_checked_before_anything_is_parsed() {
    let options = OpenOptions {
        digest: Some(Digest::of(b"other")),
        ..OpenOptions::default()
    };
    assert_eq!(refusal(opened(b"no archive at all", &options)).0, 8004);
}

/// The layout of one image whose manifest is `manifest`.
fn layout(folder: &Path, manifest: &str) -> SourceRef {
    let digest = Digest::of(manifest.as_bytes()).to_string();
    let blob = folder.join("blobs").join(digest.replace(':', "/"));
    std::fs::create_dir_all(blob.parent().unwrap()).unwrap();
    std::fs::write(blob, manifest).unwrap();
    let size = manifest.len();
    let index = format!(r#"{{"manifests": [{{"digest": "{digest}", "size": {size}}}]}}"#);
    std::fs::write(folder.join("index.json"), index).unwrap();
    SourceRef::Layout {
        folder: folder.to_owned(),
        tag: None,
    }
}

#[test]
fn a_layout_without_a_tar_is_no_artifact() {
    for manifest in [
        r#"{"layers": []}"#,
        r#"{"layers": [{"mediaType": "application/wasm", "digest": "sha256:0", "size": 1}]}"#,
        r#"{"layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}]}"#,
        "no JSON",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let source = layout(folder.path(), manifest);
        let result = open(&source, &OpenOptions::default());
        let (code, message) = refusal(result);
        assert_eq!(code, 8005, "{manifest}: {message}");
    }
}

#[test]
fn directories() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("apis/.git")).unwrap();
    std::fs::write(root.join("apis/a.json"), "{}").unwrap();
    std::fs::write(root.join("apis/.git/config"), "x").unwrap();
    let read = |root: &Path| {
        open(
            &root.to_str().unwrap().parse::<SourceRef>().unwrap(),
            &OpenOptions::default(),
        )
    };
    let paths = |opened: &Opened| {
        opened
            .tree
            .files()
            .map(|(_, p)| p.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&read(root).unwrap()), ["apis/a.json"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap();
        let opened = read(root).unwrap();
        assert_eq!(paths(&opened), ["apis/a.json"]);
        assert_eq!(opened.notes[0].rule.code.0, 8007);
    }
    std::fs::write(root.join("apis/A.json"), "{}").unwrap();
    assert_eq!(refusal(read(root)).0, 8001);
}

#[test]
fn a_submodule_that_is_not_checked_out_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let list = "[submodule \"shared\"]\n\tpath = apis/shared\n\turl = ../shared\n";
    std::fs::create_dir_all(root.join("apis/shared")).unwrap();
    std::fs::write(root.join(".gitmodules"), list).unwrap();
    std::fs::write(root.join("apis/a.json"), "{}").unwrap();
    let missing = SourceRef::Directory(root.to_owned());
    let read = || flux_apim::edge::source::open(&missing, &OpenOptions::default()).unwrap();
    let notes = read().notes;
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].rule.code.0, 8009);
    assert!(notes[0].message.contains("`apis/shared`"));
    std::fs::write(root.join("apis/shared/b.json"), "{}").unwrap();
    assert!(read().notes.is_empty());
    let archive = Tar::default().file(".gitmodules", list.as_bytes()).gz();
    let notes = opened(&archive, &OpenOptions::default()).unwrap().notes;
    assert_eq!(notes[0].rule.code.0, 8009);
}

#[test]
fn what_git_ignores_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let put = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put(".gitignore", "node_modules/\n/apis/secret/\n");
    put("apis/orders/specification.json", "{}");
    put("apis/secret/policy.xml", "<policies />");
    put("node_modules/x/openapi.json", "{}");
    put("build/.sourceignore", "*.tmp\n!kept.tmp\n");
    put("build/a.tmp", "");
    put("build/kept.tmp", "");
    put(".sourceignore", "# a comment\ndocs/\n");
    put("docs/openapi.json", "{}");
    let read = || {
        open(
            &SourceRef::Directory(root.to_owned()),
            &OpenOptions::default(),
        )
    };
    let names = |opened: &Opened| -> Vec<String> {
        opened
            .tree
            .files()
            .map(|(_, path)| path.to_string())
            .collect()
    };
    // No repository: everything is read, but for what `.sourceignore` says.
    assert_eq!(names(&read().unwrap()).len(), 9);
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .arg("-C")
            .arg(root)
            .args(arguments)
            .output();
        assert!(done.unwrap().status.success());
    };
    git(&["init", "-q"]);
    let opened = read().unwrap();
    let found = names(&opened);
    assert!(
        found.contains(&"apis/orders/specification.json".to_owned()),
        "{found:?}"
    );
    assert!(
        !found
            .iter()
            .any(|path| path.contains("node_modules") || path.contains("secret"))
    );
    assert_eq!(opened.notes.len(), 1);
    assert_eq!(opened.notes[0].rule.code.0, 8011);
    assert!(
        opened.notes[0].message.contains("apis/secret"),
        "{}",
        opened.notes[0].message
    );
    // What is tracked is read, ignored or not.
    git(&["add", "--force", "apis/secret/policy.xml"]);
    assert!(names(&read().unwrap()).contains(&"apis/secret/policy.xml".to_owned()));
    let mut findings = flux_apim::diag::Findings::from(Vec::new());
    let options = flux_apim::discover::Options::default();
    let tree = read().unwrap().tree;
    let kept = flux_apim::discover::without_ignored(&tree, &options, &mut findings);
    let kept = kept.unwrap().unwrap();
    let kept: Vec<_> = kept.files().map(|(_, path)| path.to_string()).collect();
    assert!(kept.contains(&"build/kept.tmp".to_owned()), "{kept:?}");
    assert!(
        !kept
            .iter()
            .any(|path| path.starts_with("docs/") || path == "build/a.tmp"),
        "{kept:?}"
    );
}

#[test]
fn git_checkouts_are_described() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        std::process::Command::new("git")
            .arg("-C")
            .arg(folder.path())
            .args(["-c", "user.name=x", "-c", "user.email=x@example.com"])
            .args(arguments)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q", "-b", "main"]) {
        return;
    }
    std::fs::write(folder.path().join("a"), "1").unwrap();
    assert!(git(&["add", "."]) && git(&["commit", "-qm", "x"]));
    assert!(git(&[
        "remote",
        "add",
        "origin",
        "https://me:secret@example.com/a.git"
    ]));
    let source = SourceRef::Directory(folder.path().to_owned());
    let origin = open(&source, &OpenOptions::default()).unwrap().origin;
    assert_eq!(origin.url.as_deref(), Some("https://example.com/a.git"));
    assert!(origin.revision.unwrap().starts_with("main@sha1:"));
    assert_eq!(origin.dirty, Some(false));
    std::fs::write(folder.path().join("b"), "1").unwrap();
    assert_eq!(
        open(&source, &OpenOptions::default()).unwrap().origin.dirty,
        Some(true)
    );
}

#[cfg(feature = "fetch")]
mod http {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    /// Answers one request with `response`; the address to ask.
    fn serve(response: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&response);
        });
        format!("http://user:secret@{address}/source.tar.gz")
    }

    fn ok(body: &[u8]) -> Vec<u8> {
        let mut response =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        response.extend_from_slice(body);
        response
    }

    #[test]
    fn over_http() {
        let bytes = Tar::default().file("a", b"1").gz();
        let options = OpenOptions {
            digest: Some(Digest::of(&bytes)),
            ..OpenOptions::default()
        };
        let opened = open(&SourceRef::Http(serve(ok(&bytes))), &options).unwrap();
        assert_eq!(opened.tree.len(), 1);
        assert!(!opened.origin.url.unwrap().contains("secret"));
        assert_eq!(
            refusal(open(&SourceRef::Http(serve(ok(b"other"))), &options)).0,
            8004
        );
        let missing = open(
            &SourceRef::Http("http://127.0.0.1:1/x".into()),
            &OpenOptions::default(),
        );
        assert!(missing.unwrap_err().to_string().contains("--digest"));
        let moved = b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere.example/x\r\ncontent-length: 0\r\n\r\n";
        let error = open(&SourceRef::Http(serve(moved.to_vec())), &options)
            .unwrap_err()
            .to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
