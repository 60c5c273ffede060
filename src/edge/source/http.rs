//! Archives at a URL. Without a digest nothing is fetched.

use super::{Error, OpenOptions, Opened, archive, unpack};
use crate::bundle::Source;
use std::time::Duration;

pub(super) fn open(url: &str, options: &OpenOptions) -> Result<Opened, Error> {
    let shown = Source::public_url(url);
    if options.digest.is_none() {
        return Err(Error::Usage(format!(
            "{shown} needs --digest: `kubectl get gitrepository NAME -o jsonpath='{{.status.artifact.digest}}'` shows it"
        )));
    }
    let attempted = format!("fetch {shown}");
    let failed = |error: reqwest::Error| Error::io(&attempted, &error.without_url());
    let host = reqwest::Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    crate::edge::tls::install_provider();
    let client = reqwest::blocking::Client::builder()
        .user_agent(concat!("flux-apim/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(300))
        // Only the host that the user named is asked.
        .redirect(reqwest::redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > 3 {
                attempt.error("more than three redirects")
            } else if attempt.url().host_str().map(str::to_owned) != host {
                attempt.error("the server redirects to another host")
            } else {
                attempt.follow()
            }
        }))
        .build()
        .map_err(failed)?;
    let response = client.get(url).send().map_err(failed)?;
    let status = response.status();
    if !status.is_success() {
        return Err(Error::io(
            attempted,
            &format!("the server answered {status}"),
        ));
    }
    let bytes = archive::read_capped(response, &attempted, options)?;
    let mut opened = unpack(&bytes, "http", options)?;
    opened.origin.url = Some(shown);
    Ok(opened)
}
