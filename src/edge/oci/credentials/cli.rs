//! Whoever is logged in to the Azure CLI.

use super::super::Error;
use super::acr::{Token, entra_token};
use crate::diag::excerpt;
use serde_json::{Value as Json, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// It starts slowly, and may have to ask Entra.
const LONGEST: Duration = Duration::from_secs(60);

/// A token for `audience`, as `az account get-access-token` gives it.
///
/// # Errors
/// When there is no Azure CLI, or nobody is logged in.
pub(super) async fn token(audience: &str) -> Result<Token, Error> {
    let attempted = "get a token from the Azure CLI (`az account get-access-token`)";
    let wrong = |problem: String| Error::Credentials {
        attempted: attempted.to_owned(),
        problem,
        help: "log in with `az login`, or name an application in AZURE_TENANT_ID, AZURE_CLIENT_ID \
               and AZURE_CLIENT_SECRET"
            .to_owned(),
    };
    let program = if cfg!(windows) { "az.cmd" } else { "az" };
    let mut command = Command::new(program);
    command
        .args([
            "account",
            "get-access-token",
            "--resource",
            audience,
            "--output",
            "json",
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ran = tokio::time::timeout(LONGEST, command.output()).await;
    let ran = ran.map_err(|_| wrong(format!("no answer in {} seconds", LONGEST.as_secs())))?;
    let ran = ran.map_err(|error| wrong(error.to_string()))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        return Err(wrong(excerpt(said.trim(), 300)));
    }
    // It spells the fields in its own way.
    let said: Json = serde_json::from_slice(&ran.stdout)
        .map_err(|_| Error::malformed(attempted, "the answer is no JSON with a token"))?;
    let body = json!({"access_token": said["accessToken"], "expires_on": said["expires_on"]});
    entra_token(body.to_string().as_bytes(), attempted)
}
