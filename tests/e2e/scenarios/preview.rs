//! The preview service in a cluster: tokens that the API server reviews,
//! artifacts of source-controller by reference, events.

use crate::cluster::{Cluster, is_ready, kubeconfig, run};
use crate::controller::binary;
use crate::process::{Process, eventually, free_port};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::blocking::{Client, Response};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::time::Duration;

const HOOK_SECRET: &str = "a-token-of-the-provider";

pub fn cluster(cluster: &mut Cluster, _: bool) {
    let namespace = "preview";
    let manifests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("manifests/service");
    let at = |path: &str| manifests.join(path).display().to_string();
    cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", &at("")]);
    for sample in [
        "hook-role.yaml",
        "horizontalpodautoscaler.yaml",
        "ingress.yaml",
    ] {
        let file = at(&format!("samples/{sample}"));
        cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &file]);
    }

    // The service runs as its own account.
    let token = |account: &str, namespace: &str, audience: &[&str]| {
        let namespace = format!("--namespace={namespace}");
        let mut arguments = vec!["create", "token", account, &namespace];
        arguments.extend(audience);
        cluster.kubectl(&arguments).trim().to_owned()
    };
    let own = token("flux-apim-preview", "flux-apim", &[]);
    let config = kubeconfig(
        &cluster.folder,
        "kubeconfig-preview",
        cluster.api_port,
        &own,
    );
    let secret = cluster.folder.join("hook-secret");
    std::fs::write(&secret, format!("{HOOK_SECRET}\n")).unwrap();
    let port = free_port();
    let service = Process::new("preview", binary(), &cluster.folder.join("log"))
        .environment("KUBECONFIG", config.to_str().unwrap())
        .arguments(&[
            "serve",
            "--auth",
            "kubernetes",
            "--kubernetes-audience",
            "flux-apim",
        ])
        .arguments(&[
            "--allow-source-host",
            "127.0.0.1:*",
            "--allow-private-sources",
        ])
        .arguments(&[
            "--grant",
            "render=system:authenticated,admin=system:serviceaccount:preview:admin",
        ])
        .arguments(&["--listen", &format!("127.0.0.1:{port}")])
        .arguments(&["--hook-secret-file", secret.to_str().unwrap()])
        .started();
    flux_apim::edge::tls::install_provider();
    let client = Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    eventually("the service to be ready", Duration::from_secs(20), || {
        let answer = client
            .get(url("/readyz"))
            .send()
            .map_err(|e| e.to_string())?;
        if answer.status() == 200 {
            Ok(())
        } else {
            Err(answer.status().to_string())
        }
    });

    let checkout = cluster.project(namespace, "contoso");
    for account in ["ci", "admin"] {
        let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}});
        cluster
            .kubectl_with(&["apply", "-f", "-"], &object)
            .unwrap();
    }
    let ours = ["--audience=flux-apim"];
    let (ci, admin) = (
        token("ci", namespace, &ours),
        token("admin", namespace, &ours),
    );
    let foreign = token("ci", namespace, &["--audience=other"]);
    let status = |path: &str, token: Option<&str>| {
        let request = client.get(url(path));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().unwrap().status().as_u16()
    };
    for (path, token, expected) in [
        ("/v1/rules", None, 401),
        ("/v1/rules", Some("nonsense"), 401),
        ("/v1/rules", Some(foreign.as_str()), 401),
        ("/v1/rules", Some(ci.as_str()), 200),
        ("/metrics", Some(ci.as_str()), 403),
        ("/metrics", Some(admin.as_str()), 200),
    ] {
        assert_eq!(status(path, token), expected, "{path} {token:?}");
    }

    // source-controller's artifact by reference: the files of the command.
    let source = cluster.until("GitRepository", namespace, "contoso", is_ready);
    let artifact = &source["status"]["artifact"];
    let body = json!({"source": {"url": artifact["url"], "digest": artifact["digest"]}});
    let request = client.post(url("/v1/render")).bearer_auth(&ci);
    let request = request
        .header("content-type", "application/json")
        .body(body.to_string());
    let rendered = document(request.send().unwrap());
    let out = cluster.folder.join("preview-bundle").display().to_string();
    let tree = checkout.folder.display().to_string();
    let local = run(
        &binary(),
        &["render", &tree, "-o", &out, "--format", "json"],
        &[],
    );
    let local: Json = serde_json::from_str(&local).unwrap();
    assert_eq!(rendered["inventory"]["files"], local["files"]);
    assert_eq!(rendered["inventory"]["source"]["url"], artifact["url"]);
    let mut wrong = body.clone();
    wrong["source"]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    let request = client.post(url("/v1/render")).bearer_auth(&ci);
    let request = request
        .header("content-type", "application/json")
        .body(wrong.to_string());
    assert_eq!(request.send().unwrap().status(), 422);

    // An event, as notification-controller sends and signs it.
    let event = json!({
        "involvedObject": {
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "namespace": namespace, "name": "contoso",
        },
        "severity": "info", "reason": "NewArtifact", "message": "stored artifact",
    })
    .to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(HOOK_SECRET.as_bytes()).unwrap();
    mac.update(event.as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let request = client
        .post(url("/hooks/flux"))
        .header("x-signature", format!("sha256={hex}"));
    assert_eq!(request.body(event.clone()).send().unwrap().status(), 202);
    assert_eq!(
        client
            .post(url("/hooks/flux"))
            .body(event)
            .send()
            .unwrap()
            .status(),
        401
    );
    eventually("the event to be followed", Duration::from_secs(30), || {
        let text = client
            .get(url("/metrics"))
            .bearer_auth(&admin)
            .send()
            .unwrap()
            .text()
            .unwrap();
        let done = "flux_apim_hook_events_total{outcome=\"rendered\"} 1";
        if text.contains(done) {
            Ok(())
        } else {
            Err(service.log())
        }
    });
}

fn document(response: Response) -> Json {
    let status = response.status();
    let text = response.text().unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}
