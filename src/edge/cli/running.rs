//! Which bundles run: what ApimBundles and OCIRepositories of a cluster name.

use crate::edge::controller::api::ApimBundle;
use crate::edge::publish::digests_in;
use crate::tree::Digest;
use anyhow::Context;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::config::KubeConfigOptions;
use kube::{Api, Client, Config, ResourceExt as _};
use std::collections::BTreeSet;
use std::path::Path;

/// Objects in one answer.
const PAGE: u32 = 500;

/// The digests that objects of the cluster name anywhere, in their spec or status: too many
/// are kept rather than too few. `None` when this machine knows no cluster.
pub(super) async fn named_in_cluster(
    context: Option<&str>,
) -> anyhow::Result<Option<BTreeSet<Digest>>> {
    if context.is_none() && !is_configured() {
        return Ok(None);
    }
    crate::edge::tls::install_provider();
    let help = "ask which bundles run in the cluster; --context names it, --no-cluster goes \
                without";
    let config = match context {
        None => Config::infer().await.context(help)?,
        Some(_) => {
            let options = KubeConfigOptions {
                context: context.map(str::to_owned),
                ..KubeConfigOptions::default()
            };
            Config::from_kubeconfig(&options).await.context(help)?
        }
    };
    let client = Client::try_from(config).context(help)?;
    let mut found = BTreeSet::new();
    for resource in [
        ApiResource::erase::<ApimBundle>(&()),
        ApiResource {
            group: "source.toolkit.fluxcd.io".to_owned(),
            version: "v1".to_owned(),
            api_version: "source.toolkit.fluxcd.io/v1".to_owned(),
            kind: "OCIRepository".to_owned(),
            plural: "ocirepositories".to_owned(),
        },
    ] {
        named_by(&client, &resource, &mut found)
            .await
            .with_context(|| format!("{help}: list {}", resource.plural))?;
    }
    Ok(Some(found))
}

/// Whether something says where a cluster is, be it right or wrong.
fn is_configured() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let home = std::env::var_os("HOME");
    let usual = home.is_some_and(|home| Path::new(&home).join(".kube/config").exists());
    usual || set("KUBECONFIG") || set("KUBERNETES_SERVICE_HOST")
}

async fn named_by(
    client: &Client,
    resource: &ApiResource,
    found: &mut BTreeSet<Digest>,
) -> anyhow::Result<()> {
    let api = Api::<DynamicObject>::all_with(client.clone(), resource);
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = match api.list(&page).await {
            Ok(list) => list,
            // A cluster without the definition has no such objects.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for object in &list {
            tracing::debug!(kind = resource.kind, name = object.name_any(), "read");
            digests_in(&object.data.to_string(), found);
        }
        match list.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page = page.continue_token(&next),
            None => return Ok(()),
        }
    }
}
