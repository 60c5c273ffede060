//! The real parts, on loopback: etcd, kube-apiserver, kube-controller-manager,
//! source-controller, kustomize-controller, a registry, a Git server.

use crate::git::GitServer;
use crate::http::Receiver;
use crate::process::{Process, eventually, free_port, tool};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::runtime::Runtime;

pub struct Cluster {
    pub folder: PathBuf,
    pub kubeconfig: PathBuf,
    pub api_port: u16,
    pub registry: String,
    pub git: GitServer,
    pub receiver: Receiver,
    pub runtime: Runtime,
    pub client: kube::Client,
    kubectl: PathBuf,
    // Ended in this order: the API server before etcd.
    _kustomize_controller: Process,
    pub source_controller: Process,
    pub registry_process: Process,
    _controller_manager: Process,
    pub api_server: Process,
    _etcd: Process,
    /// Last, so that it goes when nothing uses it any more.
    _temporary: tempfile::TempDir,
}

/// Runs `program` to its end; what it printed.
pub fn run(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap_or_else(|e| panic!("run {}: {e}", program.display()));
    assert!(
        output.status.success(),
        "{} {arguments:?}: {}{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of a Go module, which holds its CRDs.
fn module(tool: &str, path: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("hack/e2e/tools")
        .join(tool);
    let output = Command::new("go")
        .current_dir(folder)
        .args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", path])
        .output()
        .unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// `kind` as people write it, to where the API server has it.
pub fn resource(kind: &str) -> ApiResource {
    let (group, version, plural) = match kind {
        "ApimBundle" => ("flux-apim.dev", "v1alpha1", "apimbundles"),
        "GitRepository" => ("source.toolkit.fluxcd.io", "v1", "gitrepositories"),
        "OCIRepository" => ("source.toolkit.fluxcd.io", "v1", "ocirepositories"),
        "Bucket" => ("source.toolkit.fluxcd.io", "v1", "buckets"),
        "ExternalArtifact" => ("source.toolkit.fluxcd.io", "v1", "externalartifacts"),
        "Kustomization" => ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations"),
        "Namespace" => ("", "v1", "namespaces"),
        "Secret" => ("", "v1", "secrets"),
        "Event" => ("", "v1", "events"),
        "ServiceAccount" => ("", "v1", "serviceaccounts"),
        "Lease" => ("coordination.k8s.io", "v1", "leases"),
        "ClusterRole" => ("rbac.authorization.k8s.io", "v1", "clusterroles"),
        "Role" => ("rbac.authorization.k8s.io", "v1", "roles"),
        "Api" => ("apimanagement.azure.com", "v20240501", "apis"),
        "NamedValue" => ("apimanagement.azure.com", "v20240501", "namedvalues"),
        "Policy" => ("apimanagement.azure.com", "v20240501", "policies"),
        "ApiPolicy" => ("apimanagement.azure.com", "v20240501", "apipolicies"),
        other => panic!("no resource for {other}"),
    };
    let api_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    ApiResource {
        group: group.into(),
        version: version.into(),
        api_version,
        kind: kind.into(),
        plural: plural.into(),
    }
}

impl Cluster {
    #[expect(clippy::too_many_lines, reason = "a list of programs and their flags")]
    pub fn start() -> Self {
        let temporary = tempfile::Builder::new()
            .prefix("flux-apim-e2e-")
            .tempdir()
            .unwrap();
        let folder = temporary.path().to_owned();
        let at = |name: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let logs = at("log");
        let (etcd_port, peer_port, api_port) = (free_port(), free_port(), free_port());
        let registry_port = free_port();

        let sa_key = folder.join("sa.key");
        let sa_pub = folder.join("sa.pub");
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        run(
            Path::new("openssl"),
            &["genrsa", "-out", &text(&sa_key), "2048"],
            &[],
        );
        run(
            Path::new("openssl"),
            &[
                "rsa",
                "-in",
                &text(&sa_key),
                "-pubout",
                "-out",
                &text(&sa_pub),
            ],
            &[],
        );
        std::fs::write(
            folder.join("tokens.csv"),
            "admintoken,admin,admin,system:masters\n",
        )
        .unwrap();
        let kubeconfig = kubeconfig(&folder, "kubeconfig", api_port, "admintoken");
        std::fs::write(
            folder.join("audit.yml"),
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n  userGroups: [\"system:serviceaccounts:flux-system\"]\n",
        )
        .unwrap();
        std::fs::write(
            folder.join("registry.yml"),
            format!(
                "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: \"127.0.0.1:{registry_port}\", secret: local}}\n",
                at("registry").display()
            ),
        )
        .unwrap();

        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let etcd = Process::new("etcd", "etcd", &logs)
            .arguments(&["--data-dir", &text(&at("etcd")), "--unsafe-no-fsync"])
            .arguments(&[
                "--listen-client-urls",
                &etcd_url,
                "--advertise-client-urls",
                &etcd_url,
            ])
            .arguments(&[
                "--listen-peer-urls",
                &peer_url,
                "--initial-advertise-peer-urls",
                &peer_url,
            ])
            .arguments(&["--initial-cluster", &format!("default={peer_url}")])
            .started();
        let api_server = Process::new("kube-apiserver", tool("kube-apiserver"), &logs)
            .arguments(&[
                &format!("--etcd-servers={etcd_url}"),
                &format!("--secure-port={api_port}"),
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                &format!("--cert-dir={}", at("pki").display()),
                "--service-cluster-ip-range=10.96.0.0/24",
                "--service-account-issuer=https://kubernetes.default.svc",
                &format!("--service-account-key-file={}", sa_pub.display()),
                &format!("--service-account-signing-key-file={}", sa_key.display()),
                &format!("--token-auth-file={}", folder.join("tokens.csv").display()),
                "--authorization-mode=RBAC",
                "--disable-admission-plugins=ServiceAccount",
                "--endpoint-reconciler-type=none",
                &format!("--audit-policy-file={}", folder.join("audit.yml").display()),
                &format!("--audit-log-path={}", folder.join("audit.log").display()),
            ])
            .started();
        let registry_process = Process::new("registry", tool("registry"), &logs)
            .arguments(&["serve", &text(&folder.join("registry.yml"))])
            .started();
        let kubectl = tool("kubectl");
        let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
        eventually("kube-apiserver", Duration::from_secs(120), || {
            let output = Command::new(&kubectl)
                .args(["get", "--raw", "/readyz"])
                .envs(environment)
                .output()
                .map_err(|e| e.to_string())?;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            output.status.success().then_some(()).ok_or(error)
        });
        let controller_manager = Process::new("kube-controller-manager", tool("kube-controller-manager"), &logs)
            .arguments(&[
                &format!("--kubeconfig={}", kubeconfig.display()),
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
                &format!("--secure-port={}", free_port()),
                &format!("--service-account-private-key-file={}", sa_key.display()),
                &format!("--root-ca-file={}", folder.join("pki/apiserver.crt").display()),
                "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller",
            ])
            .started();
        run(
            &kubectl,
            &["create", "namespace", "flux-system"],
            &environment,
        );
        for (tool, path) in [
            ("source-controller", "github.com/fluxcd/source-controller"),
            (
                "kustomize-controller",
                "github.com/fluxcd/kustomize-controller",
            ),
        ] {
            let crds = module(tool, path).join("config/crd/bases");
            run(
                &kubectl,
                &["apply", "--server-side", "-f", &text(&crds)],
                &environment,
            );
        }
        let aso = folder.join("aso-crds.json");
        std::fs::write(&aso, crate::aso::crds().to_string()).unwrap();
        run(
            &kubectl,
            &["apply", "--server-side", "-f", &text(&aso)],
            &environment,
        );

        let receiver = Receiver::start();
        let events = format!("--events-addr=http://127.0.0.1:{}/", receiver.port);
        let storage_port = free_port();
        let flux = |name: &str| {
            Process::new(name, tool(name), &logs)
                .environment("KUBECONFIG", kubeconfig.to_str().unwrap())
                .environment("RUNTIME_NAMESPACE", "flux-system")
                .arguments(&[
                    &events,
                    "--watch-all-namespaces=true",
                    "--log-encoding=json",
                ])
                .arguments(&[
                    &format!("--metrics-addr=127.0.0.1:{}", free_port()),
                    &format!("--health-addr=127.0.0.1:{}", free_port()),
                ])
        };
        let storage = format!("127.0.0.1:{storage_port}");
        let source_controller = flux("source-controller")
            .arguments(&[
                &format!("--storage-path={}", at("storage").display()),
                &format!("--storage-addr={storage}"),
                &format!("--storage-adv-addr={storage}"),
            ])
            .started();
        let kustomize_controller = flux("kustomize-controller")
            .arguments(&[
                "--feature-gates=ExternalArtifact=true",
                "--requeue-dependency=2s",
            ])
            .started();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        flux_apim::edge::tls::install_provider();
        let client = runtime.block_on(client(&kubeconfig));
        Self {
            registry: format!("127.0.0.1:{registry_port}"),
            git: GitServer::start(&at("git")),
            kubeconfig,
            api_port,
            receiver,
            runtime,
            client,
            _kustomize_controller: kustomize_controller,
            source_controller,
            registry_process,
            _controller_manager: controller_manager,
            api_server,
            _etcd: etcd,
            kubectl,
            folder,
            _temporary: temporary,
        }
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        run(
            &self.kubectl,
            arguments,
            &[("KUBECONFIG", self.kubeconfig.to_str().unwrap())],
        )
    }

    /// What kubectl says, right or wrong, when it reads `input`.
    pub fn kubectl_with(&self, arguments: &[&str], input: &Json) -> Result<String, String> {
        use std::io::Write;
        use std::process::Stdio;
        let mut child = Command::new(&self.kubectl)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input.to_string().as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    /// Removes what a scenario left, so that the next one's controller has
    /// nothing else to do.
    pub fn clear(&self) {
        for kind in [
            "Kustomization",
            "OCIRepository",
            "GitRepository",
            "ApimBundle",
            "ExternalArtifact",
        ] {
            for object in self.list(kind, "") {
                let text = |key: &str| {
                    object["metadata"][key]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                let (namespace, name) = (text("namespace"), text("name"));
                self.delete(kind, &namespace, &name);
                if kind == "ApimBundle" {
                    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                    let api = self.api(kind, &namespace);
                    let params = PatchParams::default();
                    let _ = self.runtime.block_on(api.patch(&name, &params, &patch));
                }
            }
        }
    }

    pub fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        match namespace {
            "" => Api::all_with(self.client.clone(), &resource(kind)),
            namespace => Api::namespaced_with(self.client.clone(), namespace, &resource(kind)),
        }
    }

    /// Applies an object; what the API server made of it.
    pub fn apply(&self, object: &Json) -> Json {
        let kind = object["kind"].as_str().unwrap();
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap();
        let mut object = object.clone();
        object["apiVersion"] = json!(resource(kind).api_version);
        let params = PatchParams::apply("e2e").force();
        let api = self.api(kind, namespace);
        let applied = self
            .runtime
            .block_on(api.patch(name, &params, &Patch::Apply(&object)));
        serde_json::to_value(applied.unwrap_or_else(|e| panic!("apply {object}: {e}"))).unwrap()
    }

    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Json> {
        let api = self.api(kind, namespace);
        let found = self.runtime.block_on(api.get_opt(name)).ok().flatten()?;
        serde_json::to_value(found).ok()
    }

    pub fn list(&self, kind: &str, namespace: &str) -> Vec<Json> {
        let api = self.api(kind, namespace);
        let list = self
            .runtime
            .block_on(api.list(&Default::default()))
            .unwrap();
        list.items
            .into_iter()
            .map(|o| serde_json::to_value(o).unwrap())
            .collect()
    }

    pub fn delete(&self, kind: &str, namespace: &str, name: &str) {
        let api = self.api(kind, namespace);
        let _ = self
            .runtime
            .block_on(api.delete(name, &DeleteParams::default()));
    }

    pub fn merge(&self, kind: &str, namespace: &str, name: &str, patch: &Json) {
        let api = self.api(kind, namespace);
        let params = PatchParams::default();
        let patched = self
            .runtime
            .block_on(api.patch(name, &params, &Patch::Merge(patch)));
        patched.unwrap_or_else(|e| panic!("patch {kind} {namespace}/{name}: {e}"));
    }

    pub fn namespace(&self, name: &str) {
        self.apply(&json!({"kind": "Namespace", "metadata": {"name": name}}));
    }

    /// Waits for the object to satisfy `holds`.
    pub fn until(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        holds: impl Fn(&Json) -> bool,
    ) -> Json {
        eventually(
            &format!("{kind} {namespace}/{name}"),
            Duration::from_secs(180),
            || match self.get(kind, namespace, name) {
                Some(object) if holds(&object) => Ok(object),
                Some(object) => Err(object["status"].to_string()),
                None => Err("it is not there".to_owned()),
            },
        )
    }

    pub fn until_gone(&self, kind: &str, namespace: &str, name: &str) {
        eventually(
            &format!("{kind} {namespace}/{name} to go"),
            Duration::from_secs(180),
            || match self.get(kind, namespace, name) {
                None => Ok(()),
                Some(object) => Err(object["metadata"].to_string()),
            },
        );
    }

    /// The digest that a tag of the registry points to.
    pub fn tag(&self, repository: &str, tag: &str) -> Option<String> {
        let url = format!("http://{}/v2/{repository}/manifests/{tag}", self.registry);
        let output = Command::new("curl")
            .args([
                "-sfI",
                "-H",
                "accept: application/vnd.oci.image.manifest.v1+json",
                &url,
            ])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text
            .lines()
            .find(|l| l.to_ascii_lowercase().starts_with("docker-content-digest:"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    }

    /// A blob of the registry, and its digest is checked.
    pub fn blob_is_whole(&self, repository: &str, digest: &str) -> bool {
        let url = format!("http://{}/v2/{repository}/blobs/{digest}", self.registry);
        let output = Command::new("curl").args(["-sfL", &url]).output().unwrap();
        flux_apim::tree::Digest::of(&output.stdout).to_string() == digest
    }

    /// Lines of the audit log about our service account, from `start` on.
    pub fn audit(&self, start: usize) -> Vec<Json> {
        let text = std::fs::read_to_string(self.folder.join("audit.log")).unwrap_or_default();
        text.lines()
            .skip(start)
            .filter_map(|line| serde_json::from_str::<Json>(line).ok())
            .filter(|e| {
                e["user"]["username"] == "system:serviceaccount:flux-system:flux-apim-controller"
            })
            .collect()
    }

    /// How long the audit log is.
    pub fn audit_lines(&self) -> usize {
        let text = std::fs::read_to_string(self.folder.join("audit.log")).unwrap_or_default();
        text.lines().count()
    }
}

pub fn kubeconfig(folder: &Path, name: &str, port: u16, token: &str) -> PathBuf {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "e2e",
        "clusters": [{"name": "e2e", "cluster": {
            "server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true,
        }}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "user"}}],
    });
    let path = folder.join(name);
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

async fn client(kubeconfig: &Path) -> kube::Client {
    let config = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(config, &options)
        .await
        .unwrap();
    kube::Client::try_from(config).unwrap()
}

/// Whether the condition holds, of the object's own generation.
pub fn condition(object: &Json, type_: &str, status: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|c| c["type"] == type_ && c["status"] == status)
    })
}

pub fn is_ready(object: &Json) -> bool {
    condition(object, "Ready", "True")
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// The message of Ready.
pub fn message(object: &Json) -> String {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.and_then(|all| all.iter().find(|c| c["type"] == "Ready"));
    ready.map_or(String::new(), |c| {
        c["message"].as_str().unwrap_or_default().to_owned()
    })
}
