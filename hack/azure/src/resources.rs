//! Reads a bundle's `resources.json`: what a publisher would put, in its order.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// A resource of a bundle.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Path below the service: `apis/orders`.
    pub id: String,
    /// What is sent.
    pub body: Value,
    /// What it needs to be there.
    pub depends_on: Vec<String>,
}

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file that cannot be read.
    #[error("read {path} of the bundle: {source}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// `resources.json` is not what a bundle has.
    #[error("read resources.json of the bundle: {0}")]
    Json(String),
}

/// Reads the bundle in a folder or a tar.gz archive. Secrets get a text that says what they stand for.
///
/// # Errors
/// A file that is not there, or is no bundle's.
pub fn read(bundle: &Path, service: &str) -> Result<Vec<Planned>, BundleError> {
    let archive = match bundle.is_file() {
        true => Some(unpacked(bundle)?),
        false => None,
    };
    let text = |path: &str| {
        let text = match &archive {
            None => std::fs::read_to_string(bundle.join(path)),
            Some(files) => files
                .get(path)
                .cloned()
                .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound)),
        };
        text.map_err(|source| BundleError::File {
            path: path.to_owned(),
            source,
        })
    };
    let document: Value = serde_json::from_str(&text("resources.json")?)
        .map_err(|error| BundleError::Json(error.to_string()))?;
    let Some(resources) = document["resources"].as_array() else {
        return Err(BundleError::Json("it has no list `resources`".to_owned()));
    };
    let mut planned = Vec::new();
    for resource in resources {
        let id = resource["id"].as_str().unwrap_or_default().to_owned();
        let mut properties = resource["properties"].clone();
        let fill = |properties: &mut Value, at: &Value, value: Value| {
            if let Some(place) = at.as_str().and_then(|at| properties.pointer_mut(at)) {
                *place = value;
            }
        };
        for reference in resource["references"].as_array().into_iter().flatten() {
            let to = reference["to"].as_str().unwrap_or_default();
            let whole = if to.is_empty() {
                service.to_owned()
            } else {
                format!("{service}/{to}")
            };
            fill(&mut properties, &reference["at"], json!(whole));
        }
        for secret in resource["secrets"].as_array().into_iter().flatten() {
            let value = format!(
                "secret-{}",
                secret["parameter"].as_str().unwrap_or_default()
            );
            fill(&mut properties, &secret["at"], json!(value));
        }
        for place in resource["texts"].as_array().into_iter().flatten() {
            fill(
                &mut properties,
                &place["at"],
                json!(text(place["path"].as_str().unwrap_or_default())?),
            );
        }
        let body = if properties.is_null() {
            json!({})
        } else {
            json!({"properties": properties})
        };
        let depends_on = resource["dependsOn"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|id| id.as_str().map(str::to_owned));
        planned.push(Planned {
            id,
            body,
            depends_on: depends_on.collect(),
        });
    }
    Ok(planned)
}

/// The texts of an archive by path. The members of its gzip are one stream.
fn unpacked(bundle: &Path) -> Result<BTreeMap<String, String>, BundleError> {
    let failed = |source| BundleError::File {
        path: bundle.display().to_string(),
        source,
    };
    let file = std::fs::File::open(bundle).map_err(failed)?;
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let path = entry.path().map_err(failed)?.display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).map_err(failed)?;
        files.insert(path, text);
    }
    Ok(files)
}
