//! Small servers of the tests' own: a receiver of events, and sources that lie.

use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as the handler sees it.
pub struct Request {
    pub path: String,
    pub body: Vec<u8>,
}

/// Serves `handle` on a port of its own.
pub fn serve(handle: impl Fn(Request) -> (u16, Vec<u8>) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || -> Option<()> {
                let mut reader = BufReader::new(stream.try_clone().ok()?);
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
                let path = line.split_whitespace().nth(1)?.to_owned();
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).ok()?;
                    let line = line.trim_end().to_ascii_lowercase();
                    if line.is_empty() {
                        break;
                    }
                    if let Some(value) = line.strip_prefix("content-length:") {
                        length = value.trim().parse().ok()?;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).ok()?;
                let (status, body) = handle(Request { path, body });
                let mut stream = stream;
                write!(
                    stream,
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                )
                .ok()?;
                stream.write_all(&body).ok()
            });
        }
    });
    port
}

/// A way to a server that can be blocked: bytes to it then wait.
pub struct Valve {
    pub port: u16,
    blocked: Arc<Mutex<bool>>,
    waiting: Arc<Mutex<usize>>,
}

impl Valve {
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let blocked: Arc<Mutex<bool>> = Arc::default();
        let waiting: Arc<Mutex<usize>> = Arc::default();
        let (server, closed, held) = (
            server.to_owned(),
            Arc::clone(&blocked),
            Arc::clone(&waiting),
        );
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(&server) else {
                    continue;
                };
                let (mut from, mut to) =
                    (client.try_clone().unwrap(), upstream.try_clone().unwrap());
                let (closed, held) = (Arc::clone(&closed), Arc::clone(&held));
                std::thread::spawn(move || {
                    let mut buffer = [0; 16 << 10];
                    while let Ok(n) = from.read(&mut buffer) {
                        if *closed.lock().unwrap() {
                            *held.lock().unwrap() += 1;
                            while *closed.lock().unwrap() {
                                std::thread::sleep(std::time::Duration::from_millis(20));
                            }
                        }
                        if n == 0 || to.write_all(&buffer[..n]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
                let (mut from, mut to) = (upstream, client);
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        });
        Self {
            port,
            blocked,
            waiting,
        }
    }

    pub fn block(&self, blocked: bool) {
        *self.waiting.lock().unwrap() = 0;
        *self.blocked.lock().unwrap() = blocked;
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        *self.waiting.lock().unwrap()
    }
}

/// Takes events as notification-controller does.
pub struct Receiver {
    pub port: u16,
    events: Arc<Mutex<Vec<Json>>>,
}

impl Receiver {
    pub fn start() -> Self {
        let events: Arc<Mutex<Vec<Json>>> = Arc::default();
        let received = Arc::clone(&events);
        let port = serve(move |request| {
            if let Ok(event) = serde_json::from_slice(&request.body) {
                received.lock().unwrap().push(event);
            }
            (202, Vec::new())
        });
        Self { port, events }
    }

    /// Events of our controller about `namespace/name`.
    pub fn about(&self, kind: &str, namespace: &str, name: &str) -> Vec<Json> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter(|e| {
                let o = &e["involvedObject"];
                e["reportingController"] == "flux-apim-controller"
                    && o["kind"] == kind
                    && o["namespace"] == namespace
                    && o["name"] == name
            })
            .cloned()
            .collect()
    }
}
