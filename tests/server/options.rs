//! Flags that cannot be meant are refused, with what to write instead.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// What `flux-apim` says when it does not start, which it must not.
fn refused(arguments: &[&str]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(arguments)
        .env("KUBECONFIG", "/dev/null")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("listening") || line.contains("starting flux-apim controller") {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{arguments:?} is taken: {line}");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(2), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    said
}

const HUGE: &str = "18446744073709551615";

#[test]
fn serve_refuses_what_cannot_be_meant() {
    let oidc = ["--auth", "oidc", "--oidc-issuer", "https://login.example"];
    for (arguments, instead) in [
        (vec!["--cors-origin", "*"], "each origin is named"),
        (vec!["--cors-origin", "null"], "https://portal.example.com"),
        (
            vec!["--cors-origin", "https://*.example"],
            "each origin is named",
        ),
        (vec!["--cors-origin", "https://a.example/app"], "no path"),
        (vec!["--cors-origin", "https://a.example?x"], "no path"),
        (
            vec!["--cors-origin", "a.example"],
            "https://portal.example.com",
        ),
        (vec!["--cors-origin", "ftp://a.example"], "http or https"),
        (
            vec!["--cors-origin", "https://a.example https://b.example"],
            "by itself",
        ),
        (
            vec!["--cors-origin", "https://a.example;https://b.example"],
            "by itself",
        ),
        (
            vec!["--cors-origin", "https://a.example, https://b.example"],
            "by itself",
        ),
        (
            vec!["--cors-origin", "https://a.example,null"],
            "https://portal.example.com",
        ),
        (
            vec!["--cors-origin", "https://a.example,"],
            "https://portal.example.com",
        ),
        (vec!["--cors-origin", "https://user@a.example"], "no user"),
        (vec!["--cors-origin", ""], "https://portal.example.com"),
        (vec!["--allow-host", "*"], "preview.example.com"),
        (vec!["--allow-host", "*.example"], "preview.example.com"),
        (
            vec!["--allow-host", "https://a.example"],
            "preview.example.com",
        ),
        (vec!["--allow-host", "a.example:80"], "preview.example.com"),
        (vec!["--allow-source-host", "*"], "*.domain"),
        (vec!["--allow-source-host", "**"], "*.domain"),
        (vec!["--allow-source-host", "*.*"], "*.domain"),
        (vec!["--allow-source-host", "*:*"], "*.domain"),
        (vec!["--allow-source-host", "a.**"], "*.domain"),
        (vec!["--allow-source-host", ""], "host:PORT"),
        (
            vec!["--allow-source-host", "https://a.example"],
            "host:PORT",
        ),
        (vec!["--allow-source-host", "a.example/x"], "host:PORT"),
        (vec!["--allow-source-host", "a.example:0"], "host:PORT"),
        (vec!["--allow-source-host", "a.example:https"], "host:PORT"),
        (vec!["--allow-source-host", "::1"], "brackets"),
        (vec!["--max-connections", "0"], "from 1 to 1000000"),
        (vec!["--max-connections", HUGE], "from 1 to 1000000"),
        (vec!["--concurrency", "0"], "from 1 to 1000000"),
        (vec!["--queue", HUGE], "from 0 to 1000000"),
        (vec!["--workers", "0"], "from 1 to 256"),
        (vec!["--rate", "0"], "from 1 to 4294967295"),
        (vec!["--max-body-bytes", "0"], "1.."),
        (vec!["--memory", "1000"], "1048576.."),
        (vec!["--client-memory", "0"], "1..=100"),
        (vec!["--client-memory", "101"], "1..=100"),
        (vec!["--max-answer-bytes", "0"], "1.."),
        (vec!["--threads", "0"], "from 1 to 256"),
        (vec!["--max-archive-bytes", HUGE], "up to 1125899906842624"),
        (vec!["--max-total-bytes", HUGE], "up to 1125899906842624"),
        (vec!["--max-files", HUGE], "0..=1125899906842624"),
        (vec!["--header-timeout", "0"], "1..=86400"),
        (vec!["--body-timeout", "0"], "1..=86400"),
        (vec!["--request-timeout", "0"], "1..=86400"),
        (vec!["--request-timeout", HUGE], "1..=86400"),
        (vec!["--source-timeout", "0"], "1..=86400"),
        (vec!["--drain-timeout", HUGE], "0..=86400"),
        (vec!["--drain-delay", HUGE], "0..=86400"),
        (vec!["--clock-skew", "3600"], "0..=600"),
        (vec!["--oidc-refresh", "0"], "1..=86400"),
        (
            vec!["--otlp-endpoint", "collector:4318"],
            "http://host:4318",
        ),
        (
            vec!["--otlp-endpoint", "grpc://collector:4317"],
            "http://host:4318",
        ),
        (vec!["--log-level", "loud=everything"], "log level"),
        (vec!["--listen", "8080"], "HOST:PORT"),
        (vec!["--listen", "localhost"], "HOST:PORT"),
        (vec!["--listen", "http://localhost:0"], "HOST:PORT"),
        (vec!["--listen", "localhost:x"], "HOST:PORT"),
        (vec!["--listen", ":8080"], "HOST:PORT"),
        // Flags that would do nothing.
        (
            vec!["--oidc-issuer", "https://login.example"],
            "--auth oidc",
        ),
        (vec!["--oidc-audience", "x"], "--auth oidc"),
        (vec!["--auth", "none", "--oidc-tenant", "x"], "--auth oidc"),
        (vec!["--kubernetes-audience", "x"], "--auth kubernetes"),
        (
            vec!["--grant", "render=x"],
            "--auth oidc or --auth kubernetes",
        ),
        (vec!["--grant", "render"], "render=NAME"),
        (vec!["--grant", "render=*"], "render=NAME"),
        (
            vec!["--auth", "kubernetes", "--grant", "admin=operators"],
            "group:operators",
        ),
        (
            vec!["--auth", "kubernetes", "--grant", "admin=scope:x"],
            "group:GROUP",
        ),
        (
            vec!["--auth", "kubernetes", "--kubernetes-audience", ""],
            "letter",
        ),
    ] {
        let mut all = vec!["serve"];
        if !arguments.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        all.extend(&arguments);
        let said = refused(&all);
        assert!(said.contains(instead), "{arguments:?}: {said}");
    }
    for (arguments, instead) in [
        (vec!["--oidc-audience", ""], "letter"),
        (vec!["--oidc-audience", "*"], "letter"),
        (vec!["--oidc-audience", "x", "--oidc-tenant", ""], "letter"),
        (
            vec!["--oidc-audience", "x", "--grant", "admin=group:x"],
            "scope:SCOPE",
        ),
        (
            vec!["--oidc-audience", "x", "--grant", "admin=user:x"],
            "scope:SCOPE",
        ),
        (
            vec!["--oidc-audience", "x", "--grant", "admin=sub:"],
            "sub:SUBJECT",
        ),
    ] {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend(oidc);
        all.extend(&arguments);
        let said = refused(&all);
        assert!(said.contains(instead), "{arguments:?}: {said}");
    }
    let issuer = "https://login.example/?x=1";
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--auth",
        "oidc",
        "--oidc-audience",
        "x",
    ];
    let said = refused(&[&arguments[..], &["--oidc-issuer", issuer]].concat());
    assert!(said.contains("without user, query and fragment"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, " \n").unwrap();
    let file = file.display().to_string();
    let said = refused(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--hook-secret-file",
        &file,
    ]);
    assert!(said.contains("it is empty"), "{said}");
}

#[test]
fn the_controller_refuses_what_cannot_be_meant() {
    for (arguments, instead) in [
        (vec!["--min-retry-delay", "0s"], "longer than 0s"),
        (vec!["--max-retry-delay", "0s"], "longer than 0s"),
        (vec!["--requeue-dependency", "0s"], "longer than 0s"),
        (vec!["--fetch-timeout", "0ms"], "longer than 0s"),
        (vec!["--fetch-timeout", "5000000000h"], "at most 8760h"),
        (
            vec!["--artifact-retention-ttl", "5000000000h"],
            "at most 8760h",
        ),
        (
            vec!["--leader-election-retry-period", "0s"],
            "longer than 0s",
        ),
        (vec!["--min-retry-delay", "1h"], "--max-retry-delay"),
        (vec!["--max-files", HUGE], "0..=1125899906842624"),
        (vec!["--concurrent", "0"], "1.."),
        (vec!["--concurrent-renders", "0"], "1.."),
        (vec!["--artifact-retention-records", "0"], "1.."),
        (vec!["--storage-addr", "9090"], "HOST:PORT"),
        (vec!["--metrics-addr", ":metrics"], "HOST:PORT"),
        (vec!["--health-addr", "http://:9440"], "HOST:PORT"),
        (
            vec!["--storage-adv-addr", "http://controller"],
            "without http://",
        ),
        (
            vec!["--storage-adv-addr", "controller/x"],
            "without http://",
        ),
        (vec!["--storage-adv-addr", ""], "HOST:PORT"),
        (
            vec!["--events-addr", "notification-controller"],
            "URL of http",
        ),
        (vec!["--events-addr", "file:///x"], "URL of http"),
        (vec!["--runtime-namespace", ""], "lower-case letters"),
        (vec!["--runtime-namespace", "../x"], "lower-case letters"),
        (vec!["--runtime-namespace", "Flux"], "lower-case letters"),
    ] {
        let mut all = vec!["controller"];
        all.extend(&arguments);
        let said = refused(&all);
        assert!(said.contains(instead), "{arguments:?}: {said}");
    }
}
