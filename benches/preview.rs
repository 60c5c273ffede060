//! `make bench`: what a preview over HTTP costs beside the pipeline called as
//! a library, in the same run.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for people"
)]

use flux_apim::edge::server::{Options as ServerOptions, Server};
use flux_apim::edge::source::{self, OpenOptions};
use flux_apim::pipeline::{self, Options};
use std::io::Write;
use std::num::NonZeroU32;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 15;

fn main() {
    println!("{:<58} {:>9}  target", "figure", "measured");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::bind(ServerOptions {
        listen: "127.0.0.1:0".to_owned(),
        rate: NonZeroU32::new(1_000_000).unwrap(),
        ..ServerOptions::default()
    }));
    let server = server.unwrap();
    let url = format!("http://{}/v1/render", server.address());
    runtime.spawn(server.run(std::future::pending()));
    flux_apim::edge::tls::install_provider();
    let client = reqwest::blocking::Client::builder()
        .no_proxy()
        .build()
        .unwrap();
    let ask = |body: Vec<u8>| {
        let request = client.post(&url).header("content-type", "application/gzip");
        let response = request
            .header("accept", "application/gzip")
            .body(body)
            .send()
            .unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().unwrap()
    };
    let library = |body: &[u8]| {
        let opened = source::unpack(body, "archive", &OpenOptions::default()).unwrap();
        let options = Options {
            source: opened.origin,
            ..Options::default()
        };
        let outcome = pipeline::run(&opened.tree, &options, opened.notes).unwrap();
        outcome.bundle.unwrap().archive().bytes()
    };
    ask(project(0, 0));
    let [mut own, mut first, mut changed, mut cached] = [Duration::MAX; 4];
    // By turns, so that what disturbs one disturbs the others.
    for run in 1..=RUNS {
        let body = project(run, run);
        let start = Instant::now();
        let expected = library(&body);
        own = own.min(start.elapsed());
        let start = Instant::now();
        let answer = ask(body.clone());
        first = first.min(start.elapsed());
        assert_eq!(answer, expected);
        let start = Instant::now();
        ask(body);
        cached = cached.min(start.elapsed());
        let body = project(run + RUNS, run);
        let start = Instant::now();
        let answer = ask(body.clone());
        changed = changed.min(start.elapsed());
        assert_eq!(answer, library(&body));
    }
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    line(
        "1 MB project that is new, through HTTP, to the library",
        &format!("{:.2}x", ratio(first, own)),
        "<= 1.3x",
    );
    line(
        "one API of ten changed, through HTTP, to the library",
        &format!("{:.2}x", ratio(changed, own)),
        "<= 1.3x",
    );
    line(
        "the same again (cached), to the first",
        &format!("{:.1} %", 100.0 * ratio(cached, first)),
        "<= 5 %",
    );
    let ready = (0..5).map(|_| start_to_ready(&client)).min().unwrap();
    line(
        "start to ready on loopback",
        &format!("{} ms", ready.as_millis()),
        "<= 100 ms",
    );
}

fn line(figure: &str, measured: &str, target: &str) {
    println!("{figure:<58} {measured:>9}  {target}");
}

/// Ten APIs with about 1 MB: one of them in version `one`, the others in
/// version `others`.
fn project(one: usize, others: usize) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut builder = tar::Builder::new(encoder);
    let mut add = |path: String, text: String| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, path, text.as_bytes())
            .unwrap();
    };
    for api in 0..10 {
        let version = if api == 0 { one } else { others };
        let mut paths = String::new();
        for n in 0..160 {
            let words: String = (0..40)
                .map(|word| format!("word{} ", (word * 7 + n * 13 + api) % 997))
                .collect();
            paths.push_str(&format!(
                r#"{}"/things{n}/{{id}}":{{"get":{{"operationId":"get-{n}","description":"{words}","parameters":[{{"name":"id","in":"path","required":true,"schema":{{"type":"string"}}}}],"responses":{{"200":{{"description":"ok"}}}}}}}}"#,
                if n > 0 { "," } else { "" }
            ));
        }
        add(
            format!("apis/a{api}/apiInformation.json"),
            format!(
                r#"{{"properties":{{"displayName":"API {api}","path":"a{api}","protocols":["https"]}}}}"#
            ),
        );
        add(
            format!("apis/a{api}/specification.json"),
            format!(
                r#"{{"openapi":"3.0.1","info":{{"title":"API {api}","version":"{version}"}},"paths":{{{paths}}}}}"#
            ),
        );
    }
    let mut encoder = builder.into_inner().unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

/// From the start of the process to the first 200 of `/readyz`.
fn start_to_ready(client: &reqwest::blocking::Client) -> Duration {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(["serve", "--listen", &address])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("http://{address}/readyz");
    let took = loop {
        if client
            .get(&url)
            .send()
            .is_ok_and(|response| response.status() == 200)
        {
            break start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_secs(10), "not ready");
        std::thread::sleep(Duration::from_millis(1));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    took
}
