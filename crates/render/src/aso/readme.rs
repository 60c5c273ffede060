//! `aso/README.md`: what to know before the objects are applied.

/// The text, for objects with this owner.
pub(super) fn text(owner: &str) -> String {
    let who = if owner.starts_with('/') {
        format!(
            "The objects belong to the service with the id `{owner}`. They name it by that id: \
             it need not be an object of the cluster."
        )
    } else {
        format!(
            "The objects belong to the `Service` object `{owner}` in their namespace. Nothing \
             here makes it. For a service that exists, either render with `--aso-owner` and its \
             ARM id, or apply a `Service` object with the annotation \
             `serviceoperator.azure.com/reconcile-policy: skip`."
        )
    };
    format!("# Azure Service Operator\n\n## Owner\n\n{who}\n\n{REST}")
}

const REST: &str =
    "Names of objects start with the name of the service: those of two services, or two
environments, lie in one namespace beside each other.

## Order

Each folder is applied when all before it are ready; their numbers say so. The folder of an
object depends on its kind alone and never changes. `kubectl apply -k .` applies all of them
at once, and some objects fail until what they refer to is there: the operator takes an
answer of 400 as final and does not try again. With `--flux-source` the bundle has a Flux
Kustomization for each folder in `flux/`, which waits for the one before. They need a
namespace: `--flux-source NAMESPACE/NAME`, or `targetNamespace` by a patch.

## Versions

The objects are of `apimanagement.azure.com/v20240501`. `ProductGroup` needs Azure Service
Operator 2.20, `Diagnostic` needs 2.21; what an older one does not know, the Kubernetes API
refuses.

## What is deleted

An object that is pruned is deleted in Azure, and a product takes its subscriptions along.
The annotation `serviceoperator.azure.com/reconcile-policy: detach-on-delete` keeps what is
in Azure. Backends have it: one that becomes a pool changes its folder.

A bundle of before had all objects in one folder, and names without the service. Before it
is replaced, give its objects that annotation, in `spec.commonMetadata.annotations` of their
Flux Kustomization (Flux takes off what `kubectl annotate` adds), and wait until they have
it. Then they are pruned from the cluster, stay in Azure, and are taken over by the new
ones. Take it out of the Kustomization again afterwards.

## What is not here

Kinds that the operator does not have (operation policies, tags, releases, schemas), values
that its schemas refuse (such as APIs of type `mcp`, or fractions where they take whole
numbers), secrets whose value the tree does not hold, and what belongs to one of these. Each
is a finding in `reports/`, and the other targets carry it. Credentials of loggers that the
tree does not hold are in no Secret here: make it by hand, under the name that the `Logger`
has.

Policies with CRLF line ends are one quoted line: that is the same text.
";
