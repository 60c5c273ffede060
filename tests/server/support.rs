//! Services that run in this process or in one of their own, and what is sent
//! to them.

use flux_apim::edge::server::{Load, Options, Server};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

/// A service in this process.
pub(crate) struct Running {
    pub(crate) url: String,
    /// Where it answers probes and gives metrics beside that.
    pub(crate) health: Option<SocketAddr>,
    pub(crate) metrics: Option<SocketAddr>,
    load: Box<dyn Fn() -> Load + Send + Sync>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Running {
    pub(crate) async fn start(options: Options) -> Self {
        let server = Server::bind(options).await.unwrap();
        let url = format!("http://{}", server.address());
        let (health, metrics) = (server.health_address(), server.metrics_address());
        let load = Box::new(server.load());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            server.run(stop).await.unwrap();
        });
        Self {
            url,
            health,
            metrics,
            load,
            stop: Some(stop),
            task: Some(task),
        }
    }

    pub(crate) fn load(&self) -> Load {
        (self.load)()
    }

    /// Waits until nothing is going on.
    pub(crate) async fn rest(&self) -> Load {
        for _ in 0..600 {
            let load = self.load();
            let work = (load.running, load.waiting, load.requests, load.upload_bytes);
            if work == (0, 0, 0, 0) && load.connections == 0 {
                return load;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.load()
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.take().unwrap().await.unwrap();
    }
}

/// A connection to the service from `from`, an address of this machine.
pub(crate) async fn connect_from(service: &Running, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let to = service.address().parse().unwrap();
    socket.connect(to).await.unwrap()
}

pub(crate) async fn connect(service: &Running) -> TcpStream {
    TcpStream::connect(service.address()).await.unwrap()
}

/// Writes `request` and reads until the head of the answer is there: the head, and what
/// was read of the body.
pub(crate) async fn ask(stream: &mut TcpStream, request: &str) -> (String, Vec<u8>) {
    stream.write_all(request.as_bytes()).await.unwrap();
    head(stream).await
}

pub(crate) async fn head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return (String::from_utf8(read).unwrap().to_lowercase(), rest);
        }
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.unwrap();
        let so_far = String::from_utf8_lossy(&read);
        assert_ne!(count, 0, "the connection ended without an answer: {so_far}");
        read.extend_from_slice(&some[..count]);
    }
}

/// Waits until the other side closes.
pub(crate) async fn until_closed(stream: &mut TcpStream) {
    let mut some = [0; 4096];
    let closing = async { while stream.read(&mut some).await.is_ok_and(|n| n > 0) {} };
    let closed = tokio::time::timeout(Duration::from_secs(60), closing).await;
    assert!(closed.is_ok(), "the service never closes the connection");
}

/// Options without limits that tests would run into.
pub(crate) fn options() -> Options {
    Options {
        listen: "127.0.0.1:0".to_owned(),
        rate: NonZeroU32::new(1_000_000).unwrap(),
        concurrency: 1000,
        // Who closes has left.
        half_close: Duration::ZERO,
        drain_delay: Duration::ZERO,
        ..Options::default()
    }
}

/// A service in a process of its own, ended when dropped.
pub(crate) struct Process {
    pub(crate) url: String,
    pub(crate) child: Child,
}

impl Process {
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flux-apim"));
        command.args(["serve", "--log-format", "json"]);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut child = command
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            let line: Json = serde_json::from_str(&line).unwrap_or(Json::Null);
            if line["message"] == "listening" {
                break line["address"].as_str().unwrap().to_owned();
            }
        };
        // Nobody waits for the rest of the log, but it must be read.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            url: format!("http://{address}"),
            child,
        }
    }

    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &id]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn client() -> reqwest::Client {
    flux_apim::edge::tls::install_provider();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The files of the sample project.
pub(crate) fn sample() -> BTreeMap<String, Vec<u8>> {
    read(&crate::common::repository("testdata/projects/contoso"))
}

pub(crate) fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let tree = crate::common::tree(folder);
    let files = tree.files();
    files
        .map(|(id, path)| (path.to_string(), tree.read(id).unwrap().into_owned()))
        .collect()
}

/// Files as a `.tar.gz`.
pub(crate) fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, &bytes[..]).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Files as JSON; what is no text in base64.
pub(crate) fn in_json(files: &BTreeMap<String, Vec<u8>>) -> Json {
    let files: serde_json::Map<String, Json> = files
        .iter()
        .map(|(path, bytes)| {
            let content = match std::str::from_utf8(bytes) {
                Ok(text) => json!(text),
                Err(_) => json!({"base64": base64(bytes)}),
            };
            (path.clone(), content)
        })
        .collect();
    json!({"files": files})
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

pub(crate) const BOUNDARY: &str = "a-boundary-of-tests";

/// Parts (name, file name, content) as a form.
pub(crate) fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

pub(crate) fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

pub(crate) const GZIP: &str = "application/gzip";
pub(crate) const JSON: &str = "application/json";

pub(crate) async fn post(url: &str, media_type: &str, body: Vec<u8>) -> reqwest::Response {
    let request = client().post(url).header("content-type", media_type);
    request.body(body).send().await.unwrap()
}

/// The problem document of an answer, which it must be.
pub(crate) async fn problem(response: reqwest::Response) -> (u16, Json) {
    let status = response.status().as_u16();
    let media_type = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let body: Json = response.document().await;
    assert_eq!(media_type, "application/problem+json", "{body}");
    assert_eq!(body["status"], status, "{body}");
    for member in ["type", "title", "detail"] {
        assert!(body[member].is_string(), "{body}");
    }
    (status, body)
}

/// The command, and what it wrote.
pub(crate) fn flux_apim(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_flux-apim"))
        .args(arguments)
        .stdin(Stdio::null())
        .env_remove("FLUX_APIM_ENV")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The answer as JSON, which it must be.
pub(crate) trait Document {
    async fn document(self) -> Json;
}

impl Document for reqwest::Response {
    async fn document(self) -> Json {
        serde_json::from_slice(&self.bytes().await.unwrap()).unwrap()
    }
}
