//! `simulated-azure`: listens on loopback until it is ended.
#![allow(clippy::print_stdout, reason = "the address is the program's output")]

use clap::Parser;
use simulated_azure::access::{Access, Principal};
use simulated_azure::behaviours::Behaviours;
use simulated_azure::request::Request;
use simulated_azure::world::{Settings, World};
use simulated_azure::{resources, server};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A simulation of Azure Resource Manager and API Management on loopback. It is no Azure:
/// GET /behaviours says what it does and how well each is known.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Write the address (http://127.0.0.1:PORT) to this file when it listens.
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,
    /// Put the resources of this bundle (a folder or tar.gz) before it listens.
    #[arg(long, value_name = "BUNDLE")]
    seed: Option<PathBuf>,
    /// Switch a behaviour off; may be given again.
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    /// Applications and role assignments (JSON). Without it every token may do everything.
    #[arg(long, value_name = "FILE")]
    access: Option<PathBuf>,
    /// Subscription that is there.
    #[arg(long, default_value = "00000000-0000-0000-0000-000000000000")]
    subscription: String,
    /// Resource group that is there.
    #[arg(long, default_value = "simulated")]
    group: String,
    /// Service that is there; the empty text for none.
    #[arg(long, default_value = "simulated")]
    service: String,
    /// The service has the products starter and unlimited.
    #[arg(long)]
    samples: bool,
    /// How long a write holds its locks, in milliseconds.
    #[arg(long, default_value_t = 1)]
    write_time: u64,
    /// How long a long-running operation takes, in milliseconds.
    #[arg(long, default_value_t = 10)]
    operation_time: u64,
    /// How long locks outlive the end of a long-running operation, in milliseconds.
    #[arg(long, default_value_t = 0)]
    settle_time: u64,
    /// Retry-After of operations that still run, in seconds.
    #[arg(long, default_value_t = 0)]
    retry_after: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let behaviours = Behaviours::without(&arguments.without)?;
    let access = match &arguments.access {
        None => Access::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("read {}: {error}", path.display()))?;
            serde_json::from_str(&text)
                .map_err(|error| format!("read {}: {error}", path.display()))?
        }
    };
    let settings = Settings {
        subscription: arguments.subscription,
        group: arguments.group,
        service: arguments.service,
        write_time: Duration::from_millis(arguments.write_time),
        operation_time: Duration::from_millis(arguments.operation_time),
        settle_time: Duration::from_millis(arguments.settle_time),
        retry_after: arguments.retry_after,
        samples: arguments.samples,
        ..Settings::default()
    };
    let world = Arc::new(World::new(settings, behaviours, access)?);
    if let Some(bundle) = &arguments.seed {
        seed(&world, bundle).await?;
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    if let Some(path) = &arguments.address_file {
        // Written beside and renamed: who waits for the file never reads half of it.
        let beside = path.with_extension("new");
        std::fs::write(&beside, &address)?;
        std::fs::rename(&beside, path)?;
    }
    println!("{address}{}", world.service());
    tokio::select! {
        ended = server::serve(Arc::clone(&world), listener) => ended?,
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

/// Puts what a bundle has, one after the other.
async fn seed(world: &Arc<World>, bundle: &Path) -> Result<(), Box<dyn Error>> {
    for resource in resources::read(bundle, &world.service())? {
        let (path, query) = Request::target(&format!(
            "{}/{}?api-version=2024-05-01",
            world.service(),
            resource.id
        ));
        let request = Request {
            method: "PUT".to_owned(),
            path,
            query,
            headers: std::collections::BTreeMap::new(),
            bytes: resource.body.to_string().into_bytes(),
            origin: String::new(),
            stack: None,
        };
        let mut answer =
            server::answer(Arc::clone(world), request.clone(), Some(Principal::Anyone))
                .await
                .answer;
        while answer.status == 409 {
            // The operation before it still holds the lock.
            tokio::time::sleep(Duration::from_millis(1)).await;
            answer = server::answer(Arc::clone(world), request.clone(), Some(Principal::Anyone))
                .await
                .answer;
        }
        if answer.status >= 300 {
            return Err(
                format!("seed {}: {}", resource.id, answer.body.unwrap_or_default()).into(),
            );
        }
    }
    Ok(())
}
