//! The image: one file system for each platform, an index over them, written into an OCI
//! layout by the code that publishes bundles.

use crate::archive::{Entry, gzip, tar};
use crate::{Binary, Release, seal};
use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_apim::edge::oci::{Descriptor, INDEX, Layout, MANIFEST, Target};
use flux_apim::edge::publish::{PROVENANCE, refer, seal as sign};
use flux_apim::edge::sign::SigningKey;
use flux_apim::tree::Digest;
use serde_json::{Value, json};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CYCLONEDX: &str = "application/vnd.cyclonedx+json";
/// Whoever is nobody in images without users, as others have it.
const USER: u32 = 65532;

/// What an image calls the platform of a target; none but Linux has images.
fn platform(target: &str) -> Option<Value> {
    let (machine, system) = target.split_once('-')?;
    let architecture = match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return None,
    };
    system
        .contains("linux")
        .then(|| json!({"architecture": architecture, "os": "linux"}))
}

/// Writes the image for the Linux binaries, and gives the digest of its index.
pub fn write(
    release: &Release,
    layout: &Layout,
    binaries: &[Binary],
    contents: &[u8],
    key: Option<&SigningKey>,
) -> anyhow::Result<Digest> {
    let runtime = flux_apim::edge::runtime()?;
    let date = release.date()?;
    let labels = labels(release, &date);
    let mut manifests = Vec::new();
    for binary in binaries {
        let Some(platform) = platform(&binary.target) else {
            continue;
        };
        let program = std::fs::read(&binary.file)
            .with_context(|| format!("read {}", binary.file.display()))?;
        let tar = tar(file_system(program), release.epoch)?;
        let diff = Digest::of(&tar);
        let layer = gzip(&tar)?;
        let config = json!({
            "created": date,
            "architecture": platform["architecture"],
            "os": platform["os"],
            "config": {
                "User": format!("{USER}:{USER}"),
                "Env": ["PATH=/usr/local/bin"],
                "Entrypoint": ["/usr/local/bin/flux-apim"],
                "Cmd": ["controller"],
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [diff.to_string()]},
            "history": [{"created": date, "created_by": "flux-apim: make image"}],
        });
        let config = (CONFIG, config.to_string().into_bytes());
        let described = |(kind, bytes): &(&str, Vec<u8>)| Descriptor::of(kind, bytes);
        let layer = (LAYER, layer);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described(&config),
            "layers": [described(&layer)],
            "annotations": labels,
        });
        let manifest = (MANIFEST, manifest.to_string().into_bytes());
        let what = described(&manifest);
        for (kind, bytes) in [config, layer, manifest] {
            let part = Descriptor::of(kind, &bytes);
            runtime.block_on(layout.push(&part, bytes.into()))?;
        }
        runtime.block_on(refer(layout, &what, CYCLONEDX, contents.to_vec()))?;
        let mut entry = serde_json::to_value(&what)?;
        entry["platform"] = platform;
        manifests.push(entry);
    }
    anyhow::ensure!(
        !manifests.is_empty(),
        "none of the binaries is for Linux: no image"
    );
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": manifests,
        "annotations": labels,
    });
    let index = index.to_string().into_bytes();
    let what = Descriptor::of(INDEX, &index);
    runtime.block_on(layout.push(&what, index.into()))?;
    if let Some(key) = key {
        let statements = [(PROVENANCE, seal::provenance(release)?)];
        runtime.block_on(sign(layout, &what, &release.image, key, &statements))?;
    }
    let tag = format!("v{}", release.version);
    runtime.block_on(layout.tag(&what, &tag))?;
    Ok(what.digest)
}

fn labels(release: &Release, date: &str) -> Value {
    let home = seal::HOME;
    json!({
        "org.opencontainers.image.created": date,
        "org.opencontainers.image.description": "Renders Azure API Management configuration kept in Git into validated bundles for Flux",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.revision": release.commit,
        "org.opencontainers.image.source": home,
        "org.opencontainers.image.title": "flux-apim",
        "org.opencontainers.image.version": release.version,
    })
}

/// The program, certificates, and what programs expect of a system.
fn file_system(program: Vec<u8>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = [
        "etc",
        "etc/ssl",
        "etc/ssl/certs",
        "usr",
        "usr/local",
        "usr/local/bin",
    ]
    .into_iter()
    .map(|folder| Entry::folder(folder, 0o755))
    .collect();
    let passwd = format!("root:x:0:0::/:\nnonroot:x:{USER}:{USER}::/tmp:\n");
    let group = format!("root:x:0:\nnonroot:x:{USER}:\n");
    entries.extend([
        Entry::folder("tmp", 0o1777),
        Entry::file("etc/passwd", passwd),
        Entry::file("etc/group", group),
        Entry::file("etc/nsswitch.conf", "hosts: files dns\n"),
        Entry::file("etc/ssl/certs/ca-certificates.crt", certificates()),
        Entry::program("usr/local/bin/flux-apim", program),
    ]);
    entries
}

/// The certificates that Mozilla trusts, in PEM, as the package of that name has them.
fn certificates() -> String {
    let mut out = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        out.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(certificate);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            out.push_str(line);
            out.push('\n');
            rest = more;
        }
        out.push_str("-----END CERTIFICATE-----\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use flux_apim::edge::sign::keygen;

    fn written(folder: &std::path::Path, program: &[u8], key: &SigningKey) -> (Layout, Digest) {
        let file = folder.join("program");
        std::fs::write(&file, program).unwrap();
        let release = Release {
            root: folder.to_owned(),
            out: folder.to_owned(),
            version: "1.2.3".to_owned(),
            commit: "c".to_owned(),
            epoch: 5,
            image: "r.example/a/b".to_owned(),
            made: Vec::new(),
        };
        // A lock of no packages is enough for provenance.
        std::fs::write(folder.join("Cargo.lock"), "").unwrap();
        let binaries = [
            "x86_64-unknown-linux-gnu",
            "aarch64-unknown-linux-gnu",
            "x86_64-pc-windows-msvc",
        ];
        let binaries = binaries.map(|target| Binary {
            target: target.to_owned(),
            file: file.clone(),
        });
        let layout = Layout::new(folder.join("image"));
        let digest = write(&release, &layout, &binaries, b"{}", Some(key)).unwrap();
        (layout, digest)
    }

    #[test]
    fn the_same_parts_make_the_same_image_for_each_platform() {
        let pair = keygen(b"").unwrap();
        let key = SigningKey::from_pem(pair.private.as_bytes(), b"").unwrap();
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (layout, first) = written(one.path(), b"x", &key);
        assert_eq!(written(two.path(), b"x", &key).1, first);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(written(other.path(), b"y", &key).1, first);
        let runtime = flux_apim::edge::runtime().unwrap();
        let index = runtime.block_on(layout.resolve("v1.2.3")).unwrap().unwrap();
        assert_eq!(index.digest, first);
        let bytes = runtime.block_on(layout.fetch(&index)).unwrap();
        let index_json: Value = serde_json::from_slice(&bytes).unwrap();
        let platforms: Vec<&str> = index_json["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["platform"]["architecture"].as_str().unwrap())
            .collect();
        assert_eq!(platforms, ["amd64", "arm64"]);
        // Signature and provenance of the index, contents of each image.
        let of = runtime.block_on(layout.referrers(&index)).unwrap();
        assert_eq!(of.len(), 2, "{of:?}");
        let image: Descriptor = serde_json::from_value(index_json["manifests"][0].clone()).unwrap();
        let of = runtime.block_on(layout.referrers(&image)).unwrap();
        assert_eq!(of.len(), 1, "{of:?}");
    }
}
