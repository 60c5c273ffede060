//! Docker's configuration as Go reads it: names in any case, `null` for what has no
//! value, an empty file for no configuration, a byte order mark before it, whatever
//! follows it. What is no JSON, or has another shape, is an error.

use crate::edge::secret::Secret;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// What is used of it.
#[derive(Default)]
pub(super) struct Config {
    pub(super) auths: BTreeMap<String, Entry>,
    pub(super) cred_helpers: BTreeMap<String, String>,
    pub(super) creds_store: Option<String>,
}

/// What it has for a registry.
#[derive(Default, Clone)]
pub(super) struct Entry {
    pub(super) auth: Secret,
    pub(super) username: String,
    pub(super) password: Secret,
    pub(super) identitytoken: Secret,
    pub(super) registrytoken: Secret,
}

/// Reads the first JSON value of `text`.
pub(super) fn read(text: &[u8]) -> Result<Config, serde_json::Error> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Ok(Config::default());
    }
    let mut from = serde_json::Deserializer::from_slice(text);
    let config = Option::<Config>::deserialize(&mut from)?;
    Ok(config.unwrap_or_default())
}

/// The value of a field, where `null` is none.
fn value<'de, T: Deserialize<'de> + Default, M: MapAccess<'de>>(
    from: &mut M,
) -> Result<T, M::Error> {
    Ok(from.next_value::<Option<T>>()?.unwrap_or_default())
}

/// The values of a map, where `null` is none.
fn values<'de, T: Deserialize<'de> + Default, M: MapAccess<'de>>(
    from: &mut M,
) -> Result<BTreeMap<String, T>, M::Error> {
    let map = value::<BTreeMap<String, Option<T>>, M>(from)?;
    let filled = map.into_iter();
    Ok(filled
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .collect())
}

struct ConfigFields;

impl<'de> Visitor<'de> for ConfigFields {
    type Value = Config;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `auths`")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut from: M) -> Result<Config, M::Error> {
        let mut config = Config::default();
        while let Some(key) = from.next_key::<String>()? {
            match key.to_ascii_lowercase().as_str() {
                "auths" => config.auths = values(&mut from)?,
                "credhelpers" => config.cred_helpers = values(&mut from)?,
                "credsstore" => config.creds_store = value(&mut from)?,
                _ => {
                    from.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(config)
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(ConfigFields)
    }
}

struct EntryFields;

impl<'de> Visitor<'de> for EntryFields {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `auth`")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut from: M) -> Result<Entry, M::Error> {
        let mut entry = Entry::default();
        while let Some(key) = from.next_key::<String>()? {
            match key.to_ascii_lowercase().as_str() {
                "auth" => entry.auth = value(&mut from)?,
                "username" => entry.username = value(&mut from)?,
                "password" => entry.password = value(&mut from)?,
                "identitytoken" => entry.identitytoken = value(&mut from)?,
                "registrytoken" => entry.registrytoken = value(&mut from)?,
                _ => {
                    from.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(entry)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(EntryFields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_go_reads_is_read() {
        for text in [
            r#"{"auths":{"r.io":{"auth":"eA=="}}}"#,
            "\u{feff}{\"auths\":{\"r.io\":{\"auth\":\"eA==\"}}}",
            r#" {"Auths":{"r.io":{"Auth":"eA==","password":null}},"credHelpers":null} "#,
            r#"{"auths":null,"auths":{"r.io":{"auth":"eA=="},"other":null},"psFormat":[1]}trailing"#,
        ] {
            let config = read(text.as_bytes()).unwrap();
            assert_eq!(config.auths["r.io"].auth.expose(), "eA==", "{text}");
        }
        for text in [
            "",
            " \n",
            "\u{feff}",
            "null",
            "{}",
            r#"{"auths":null,"credsStore":null}"#,
        ] {
            let config = read(text.as_bytes()).unwrap();
            assert!(
                config.auths.is_empty() && config.creds_store.is_none(),
                "{text}"
            );
        }
        for text in ["{", "[]", "x", r#"{"auths":[]}"#, r#"{"auths":{"r.io":7}}"#] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text in "[{}\\[\\]:,\"authscredHelpersnull ]{0,60}") {
            let _ = read(text.as_bytes());
        }
    }
}
