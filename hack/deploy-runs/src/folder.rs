//! A bundle in a folder, as `render -o` writes it.

use flux_apim_deploy::{RESOURCES, Resources, Texts};
use flux_apim_diag::tree::ArtifactPath;
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};

/// A bundle in a folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// What it deploys.
    pub resources: Resources,
    /// Its ARM template, where that is one.
    pub template: Option<Value>,
    /// Values of the parameters of that.
    pub parameters: Value,
}

impl Texts for Folder {
    fn text(&self, path: &ArtifactPath) -> Result<String, String> {
        let file = self.path.join(path.as_str());
        std::fs::read_to_string(file).map_err(|error| error.to_string())
    }
}

impl Folder {
    /// Reads it.
    ///
    /// # Errors
    /// When something that it must have is not there, or is not what it should be.
    pub fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let json = |file: &str| -> Result<Value, Box<dyn Error>> {
            Ok(serde_json::from_slice(&std::fs::read(path.join(file))?)?)
        };
        let inventory = json("bundle.json")?;
        let is_one = inventory["parts"].as_array().is_none_or(Vec::is_empty);
        Ok(Self {
            resources: Resources::parse(&std::fs::read(path.join(RESOURCES))?)?,
            template: is_one.then(|| json("arm/main.json")).transpose()?,
            parameters: json("arm/parameters.json")?,
            path: path.to_owned(),
        })
    }
}
