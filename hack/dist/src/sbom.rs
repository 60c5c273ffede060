//! What the program is made of, as CycloneDX.

use crate::Release;
use crate::crates::Package;
use serde_json::{Value, json};

/// The bill of materials.
pub fn of(release: &Release, all: &[Package]) -> anyhow::Result<Vec<u8>> {
    let ours = |package: &Package| reference(package);
    let [program, others @ ..] = all else {
        anyhow::bail!("there are no packages");
    };
    let known = |id: &String| all.iter().find(|package| &package.id == id).map(ours);
    let dependencies: Vec<Value> = all
        .iter()
        .map(|package| {
            let mut needs: Vec<String> = package.needs.iter().filter_map(known).collect();
            needs.sort();
            json!({"ref": ours(package), "dependsOn": needs})
        })
        .collect();
    let mut top = component(program, "application");
    top["version"] = json!(release.version);
    top["properties"] = json!([{"name": "flux-apim:commit", "value": release.commit}]);
    let bom = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": release.date()?, "component": top},
        "components": others.iter().map(|it| component(it, "library")).collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    Ok(format!("{bom:#}\n").into_bytes())
}

fn reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(package: &Package, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(package),
        "name": package.name,
        "version": package.version,
        "purl": reference(package),
    });
    if !package.license.is_empty() {
        // Packages from before SPDX expressions write `MIT/Apache-2.0`.
        let expression = package.license.replace('/', " OR ");
        component["licenses"] = json!([{"expression": expression}]);
    }
    if let Some(sum) = &package.checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": sum}]);
    }
    if let Some(url) = &package.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": url}]);
    }
    component
}
