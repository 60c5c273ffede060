//! Our controller as it is shipped: its binary, its permissions.

use crate::cluster::{Cluster, kubeconfig};
use crate::process::{Process, eventually, free_port};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub struct Controller {
    pub process: Process,
    pub metrics_port: u16,
    pub health_port: u16,
    pub data: PathBuf,
}

/// The release binary where `make e2e` names it.
pub fn binary() -> PathBuf {
    std::env::var_os("FLUX_APIM_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_flux-apim").into(), PathBuf::from)
}

impl Cluster {
    /// CRD and permissions as they are shipped; a fresh token each time.
    pub fn install(&self) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("manifests");
        for base in ["crds", "rbac"] {
            let path = root.join(base);
            self.kubectl(&[
                "apply",
                "--server-side",
                "--force-conflicts",
                "-k",
                path.to_str().unwrap(),
            ]);
        }
    }

    /// A kubeconfig of the controller's service account, through `port`.
    pub fn service_account(&self, name: &str, port: u16) -> PathBuf {
        let token = self.kubectl(&[
            "create",
            "token",
            "flux-apim-controller",
            "--namespace=flux-system",
            "--duration=24h",
        ]);
        kubeconfig(&self.folder, name, port, token.trim())
    }

    pub fn controller(&self, name: &str, extra: &[&str]) -> Controller {
        self.controller_through(self.api_port, name, extra)
    }

    /// A controller that reaches the API server through `port`.
    pub fn controller_through(&self, port: u16, name: &str, extra: &[&str]) -> Controller {
        let kubeconfig = self.service_account(&format!("kubeconfig-{name}"), port);
        let data = self.folder.join(format!("data-{name}"));
        let (metrics_port, health_port, storage_port) = (free_port(), free_port(), free_port());
        let mut process = Process::new(name, binary(), &self.folder.join("log"))
            .environment("KUBECONFIG", kubeconfig.to_str().unwrap())
            .environment("RUNTIME_NAMESPACE", "flux-system")
            .arguments(&[
                "controller",
                "--requeue-dependency=2s",
                "--max-retry-delay=5s",
            ])
            .arguments(&[
                &format!("--metrics-addr=127.0.0.1:{metrics_port}"),
                &format!("--health-addr=127.0.0.1:{health_port}"),
                &format!("--storage-addr=127.0.0.1:{storage_port}"),
                &format!("--storage-adv-addr=127.0.0.1:{storage_port}"),
                &format!("--storage-path={}", data.display()),
                &format!("--events-addr=http://127.0.0.1:{}/", self.receiver.port),
            ])
            .arguments(extra);
        process.start();
        Controller {
            process,
            metrics_port,
            health_port,
            data,
        }
    }
}

impl Controller {
    pub fn until_ready(&self) {
        eventually(
            "the controller to be ready",
            Duration::from_secs(60),
            || match http(self.health_port, "/readyz") {
                Some(_) => Ok(()),
                None => Err(self.process.log()),
            },
        );
    }

    /// The value of a metric without labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = http(self.metrics_port, "/metrics").unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with(&format!("{name} ")));
        line.and_then(|l| l.rsplit(' ').next()?.parse().ok())
            .unwrap_or_default()
    }

    /// Resident memory in MiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|l| l.starts_with("VmRSS:"));
        let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.unwrap_or_default() / 1024
    }
}

pub fn http(port: u16, path: &str) -> Option<String> {
    let output = Command::new("curl")
        .args([
            "-sf",
            "--max-time",
            "5",
            &format!("http://127.0.0.1:{port}{path}"),
        ])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
