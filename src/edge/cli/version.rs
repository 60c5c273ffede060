//! `version`: which build this is.

use super::options::ResultFormat;
use super::{Done, print};
use crate::levels::RULESETS;
use crate::model::schema::Schema;
use clap::Args;
use serde_json::json;

/// The commit that this was built from, in full; none where the build did not know it.
pub(super) const COMMIT: Option<&str> = option_env!("FLUX_APIM_BUILD_COMMIT");
/// The date of that commit.
const DATE: Option<&str> = option_env!("FLUX_APIM_BUILD_DATE");

/// The Cargo features that this was built with.
const FEATURES: [(&str, bool); 4] = [
    ("fetch", cfg!(feature = "fetch")),
    ("publish", cfg!(feature = "publish")),
    ("server", cfg!(feature = "server")),
    ("controller", cfg!(feature = "controller")),
];

/// Flags of `version`.
#[derive(Debug, Args)]
pub(super) struct Version {
    /// How it is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

/// What `--version` says after the name.
pub(super) fn line() -> String {
    let version = env!("CARGO_PKG_VERSION");
    match (COMMIT, DATE) {
        (Some(commit), Some(date)) => format!("{version} ({} {date})", short(commit)),
        (Some(commit), None) => format!("{version} ({})", short(commit)),
        (None, _) => version.to_owned(),
    }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

pub(super) fn version(arguments: &Version) -> anyhow::Result<Done> {
    let has = FEATURES.iter().filter(|(_, has)| *has);
    let features: Vec<&str> = has.map(|(name, _)| *name).collect();
    let api_versions: Vec<&str> = Schema::api_versions().collect();
    let text = match arguments.format {
        ResultFormat::Json => {
            let json = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "commit": COMMIT,
                "date": DATE,
                "target": env!("FLUX_APIM_BUILD_TARGET"),
                "features": features,
                "rulesets": RULESETS,
                "armApiVersions": api_versions,
            });
            format!("{json}\n")
        }
        ResultFormat::Human => {
            let list = |items: &[&str]| match items {
                [] => "none".to_owned(),
                items => items.join(", "),
            };
            format!(
                "flux-apim     {}\ncommit        {}\ndate          {}\ntarget        {}\n\
                 features      {}\nrule sets     {}\napi-versions  {}\n",
                env!("CARGO_PKG_VERSION"),
                COMMIT.unwrap_or("unknown"),
                DATE.unwrap_or("unknown"),
                env!("FLUX_APIM_BUILD_TARGET"),
                list(&features),
                list(&RULESETS),
                list(&api_versions),
            )
        }
    };
    print(&text)?;
    Ok(Done::Well)
}
