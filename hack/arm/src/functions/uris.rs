//! URIs, of
//! <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string>
//! and, for `parseUri` and `buildUri`, of the Bicep compiler's declarations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

use super::{Call, Fault, Item, at, own};
use crate::value::get;

/// What RFC 3986 lets stand unescaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn data_uri<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let value = at(&arguments, 0);
    let kind = if value.is_string() {
        "text/plain"
    } else {
        "application/json"
    };
    call.text(format!(
        "data:{kind};charset=utf-8;base64,{}",
        STANDARD.encode(crate::value::text(value).as_bytes())
    ))
}

pub(super) fn data_uri_to_string<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    let decoded = text
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(','))
        .and_then(|(head, data)| {
            if head.split(';').next_back() == Some("base64") {
                STANDARD
                    .decode(data)
                    .ok()
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            } else {
                Some(percent_decode_str(data).decode_utf8_lossy().into_owned())
            }
        });
    match decoded {
        Some(decoded) => call.text(decoded),
        None => Err(call.refuses(&format!(
            "expects its parameter to be formatted as a valid data URI. The provided value '{text}' was not formatted correctly."
        ))),
    }
}

pub(super) fn uri<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let (base, relative) = call.two_strings(&arguments)?;
    let whole = Url::parse(base)
        .and_then(|url| url.join(relative))
        .map_err(|why| {
            call.refuses(&format!(
                "expects its first parameter to be an absolute URI. The provided value '{base}' is not: {why}."
            ))
        })?;
    call.text(whole.into())
}

pub(super) fn uri_component<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    call.text(utf8_percent_encode(&text, ESCAPED).to_string())
}

pub(super) fn uri_component_to_string<'e>(
    call: &Call<'_>,
    arguments: Vec<Item<'e>>,
) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    call.text(percent_decode_str(&text).decode_utf8_lossy().into_owned())
}

pub(super) fn parse_uri<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let text = call.one_string(&arguments)?;
    let url = Url::parse(&text).map_err(|why| {
        call.refuses(&format!(
            "expects its parameter to be an absolute URI. The provided value '{text}' is not: {why}."
        ))
    })?;
    let mut parts = Map::new();
    parts.insert("scheme".to_owned(), url.scheme().into());
    parts.insert("host".to_owned(), url.host_str().unwrap_or_default().into());
    if let Some(port) = url.port() {
        parts.insert("port".to_owned(), port.into());
    }
    parts.insert("path".to_owned(), url.path().into());
    if let Some(query) = url.query() {
        parts.insert("query".to_owned(), format!("?{query}").into());
    }
    own(parts)
}

pub(super) fn build_uri<'e>(call: &Call<'_>, arguments: Vec<Item<'e>>) -> Result<Item<'e>, Fault> {
    let Value::Object(parts) = at(&arguments, 0) else {
        return Err(call.expects("its parameter to be an object", &[at(&arguments, 0)]));
    };
    let text = |name: &str| get(parts, name).and_then(Value::as_str);
    let (Some(scheme), Some(host)) = (text("scheme"), text("host")) else {
        return Err(call.refuses("expects an object with the properties 'scheme' and 'host'."));
    };
    let mut uri = format!("{scheme}://{host}");
    if let Some(port) = get(parts, "port").and_then(Value::as_u64) {
        uri.push_str(&format!(":{port}"));
    }
    let path = text("path").unwrap_or_default();
    if !path.starts_with('/') {
        uri.push('/');
    }
    uri.push_str(path);
    if let Some(query) = text("query").filter(|query| !query.is_empty()) {
        if !query.starts_with('?') {
            uri.push('?');
        }
        uri.push_str(query);
    }
    call.text(uri)
}
