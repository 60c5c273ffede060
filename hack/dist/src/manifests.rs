//! The manifests of the installation in one file, with the image by its digest.

use crate::Release;
use anyhow::{Context, bail};
use flux_apim::tree::Digest;
use std::fmt::Write;
use std::path::Path;

/// `manifests/install` with all that it names, for `kubectl apply --server-side -f`.
pub fn install(release: &Release, image: &Digest) -> anyhow::Result<String> {
    let mut out = format!("# flux-apim {}: CRD and controller.\n", release.version);
    let mut pinned = 0;
    add(
        release,
        &release.root.join("manifests/install"),
        None,
        image,
        &mut out,
        &mut pinned,
    )?;
    if pinned != 1 {
        bail!("manifests/install names the image {pinned} times, not once");
    }
    Ok(out)
}

/// What a kustomization of ours says: other folders, files, and a namespace.
fn add(
    release: &Release,
    folder: &Path,
    outer: Option<&str>,
    image: &Digest,
    out: &mut String,
    pinned: &mut u32,
) -> anyhow::Result<()> {
    let file = folder.join("kustomization.yaml");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let namespace = text
        .lines()
        .find_map(|line| line.strip_prefix("namespace: "))
        .or(outer);
    for line in text.lines() {
        let known = [
            "apiVersion:",
            "kind:",
            "namespace:",
            "resources:",
            "- ",
            "#",
        ];
        if !line.trim().is_empty() && !known.iter().any(|start| line.starts_with(start)) {
            bail!("{}: `{line}` is nothing that is packed", file.display());
        }
        let Some(name) = line.strip_prefix("- ") else {
            continue;
        };
        let path = folder.join(name.trim());
        if path.is_dir() {
            add(release, &path, namespace, image, out, pinned)?;
            continue;
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        for document in text.split("\n---\n") {
            let document = document.trim_start_matches("---\n");
            let document =
                placed(document, namespace).with_context(|| format!("{}", path.display()))?;
            out.push_str("---\n");
            for line in document.lines() {
                let is_image = line.trim_start().starts_with("image: ")
                    && line.contains("flux-apim/flux-apim:");
                match is_image {
                    true => {
                        let indent = &line[..line.len() - line.trim_start().len()];
                        let _ = writeln!(out, "{indent}image: {}@{image}", release.image);
                        *pinned += 1;
                    }
                    false => {
                        let _ = writeln!(out, "{line}");
                    }
                }
            }
        }
    }
    Ok(())
}

/// Kinds that are in no namespace.
const OF_CLUSTER: [&str; 6] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

/// A document with the namespace of its kustomization.
fn placed(document: &str, namespace: Option<&str>) -> anyhow::Result<String> {
    let value = |key: &str| {
        let mut lines = document.lines();
        lines.find_map(|line| Some(line.strip_prefix(key)?.trim().to_owned()))
    };
    let kind = value("kind:").context("a document without kind")?;
    let (Some(namespace), false) = (namespace, OF_CLUSTER.contains(&kind.as_str())) else {
        return Ok(document.to_owned());
    };
    let mut out = String::new();
    let (mut done, mut inside) = (false, false);
    for line in document.lines() {
        inside &= line.starts_with(' ');
        if inside && line.starts_with("  namespace:") {
            bail!("the {kind} has a namespace of its own");
        }
        let _ = writeln!(out, "{line}");
        if line == "metadata:" && !done {
            let _ = writeln!(out, "  namespace: {namespace}");
            (done, inside) = (true, true);
        }
    }
    if !done {
        bail!("metadata of the {kind} cannot be given a namespace");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_namespace_gets_it() {
        let service = "kind: Service\nmetadata:\n  name: x\nspec: {}\n";
        let placed_in = placed(service, Some("n")).unwrap();
        assert_eq!(
            placed_in,
            "kind: Service\nmetadata:\n  namespace: n\n  name: x\nspec: {}\n"
        );
        let role = "kind: ClusterRole\nmetadata:\n  name: x\n";
        assert_eq!(placed(role, Some("n")).unwrap(), role);
        assert!(placed("kind: Service\nspec: {}\n", Some("n")).is_err());
    }
}
