//! Speed and memory of the simulation: 1,000 resources by template, requests a second on one
//! core, and how memory follows what is stored.
#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

use serde_json::{Value, json};
use simulated_azure::access::{Access, Principal};
use simulated_azure::behaviours::Behaviours;
use simulated_azure::request::Request;
use simulated_azure::server;
use simulated_azure::world::{Settings, World};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As many as a template may have, and the rest.
const TEMPLATES: [usize; 2] = [800, 200];
const REQUESTS: u32 = 5_000;
const WRITES: u32 = 50_000;

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::default();
    let world = Arc::new(World::new(
        settings,
        Behaviours::default(),
        Access::default(),
    )?);
    // The server and who asks it share one core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;

    let begun = Instant::now();
    let mut made = 0;
    for count in TEMPLATES {
        runtime.block_on(deploy(&world, made, count))?;
        made += count;
    }
    println!(
        "{made} resources by template: {:.2} s",
        begun.elapsed().as_secs_f64()
    );

    let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let service = world.service();
    let asks = std::thread::spawn(move || ask(address, &service));
    let serving = Arc::clone(&world);
    let rate = runtime.block_on(async move {
        let server = tokio::spawn(server::serve(serving, listener));
        while !asks.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.abort();
        asks.join()
    });
    let rate = rate.map_err(|_| "the client failed")??;
    println!("{rate:.0} requests a second over HTTP, one writing to four reading");

    let before = resident();
    runtime.block_on(async {
        for number in 0..WRITES {
            let body = json!({"properties": {"displayName": format!("d{number}")}});
            send(&world, "PUT", "tags/overwritten", &body).await;
        }
    });
    let (before, after) = (before?, resident()?);
    println!("memory: {before} KiB before, {after} KiB after {WRITES} writes of one resource");
    Ok(())
}

/// A request as the server reads it, without a connection.
async fn send(world: &Arc<World>, method: &str, below: &str, body: &Value) -> Option<Value> {
    let target = match below.starts_with('/') {
        true => below.to_owned(),
        false => format!("{}/{below}?api-version=2024-05-01", world.service()),
    };
    let (path, query) = Request::target(&target);
    let request = Request {
        method: method.to_owned(),
        path,
        query,
        headers: BTreeMap::new(),
        bytes: body.to_string().into_bytes(),
        origin: String::new(),
        stack: None,
    };
    let outcome = server::answer(Arc::clone(world), request, Some(Principal::Anyone)).await;
    outcome.answer.body
}

/// Deploys named values, as many at a time as a template allows.
async fn deploy(world: &Arc<World>, from: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let resources: Vec<Value> = (from..from + count)
        .map(|number| {
            json!({"type": "Microsoft.ApiManagement/service/namedValues", "apiVersion": "2024-05-01",
                "name": format!("simulated/n{number}"), "properties": {"displayName": format!("d{number}"), "value": "v"}})
        })
        .collect();
    let template = json!({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "resources": resources});
    let target = format!(
        "{}/providers/Microsoft.Resources/deployments/d{from}?api-version=2021-04-01",
        world.group()
    );
    let body = json!({"properties": {"mode": "Incremental", "template": template}});
    send(world, "PUT", &target, &body).await;
    loop {
        let shown = send(world, "GET", &target, &Value::Null)
            .await
            .unwrap_or_default();
        match shown["properties"]["provisioningState"].as_str() {
            Some("Succeeded") => return Ok(()),
            Some("Failed") => return Err(shown.to_string().into()),
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Asks over one connection; how many requests a second were answered.
fn ask(address: SocketAddr, service: &str) -> Result<f64, String> {
    let wrong = |error: std::io::Error| error.to_string();
    let mut out = TcpStream::connect(address).map_err(wrong)?;
    out.set_nodelay(true).map_err(wrong)?;
    let mut answers = BufReader::new(out.try_clone().map_err(wrong)?);
    let begun = Instant::now();
    for number in 0..REQUESTS {
        let head =
            "api-version=2024-05-01 HTTP/1.1\r\nhost: simulated\r\nauthorization: Bearer any\r\n";
        let request = match number % 5 {
            0 => {
                let body = json!({"properties": {"displayName": format!("t{number}")}}).to_string();
                let length = body.len();
                format!("PUT {service}/tags/t{number}?{head}content-length: {length}\r\n\r\n{body}")
            }
            1 => format!("GET {service}/namedValues?$top=20&{head}\r\n"),
            _ => format!("GET {service}/namedValues/n{}?{head}\r\n", number % 1000),
        };
        out.write_all(request.as_bytes()).map_err(wrong)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            answers.read_line(&mut line).map_err(wrong)?;
            if let Some((name, value)) = line.split_once(": ") {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap_or(0);
                }
            } else if line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.1 2") {
                return Err(line);
            } else if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        answers.read_exact(&mut body).map_err(wrong)?;
    }
    Ok(f64::from(REQUESTS) / begun.elapsed().as_secs_f64())
}

/// Memory of this process, in KiB.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let digits = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(digits.ok_or("VmRSS is not told")?.parse()?)
}
