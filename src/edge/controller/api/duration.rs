//! Durations as Kubernetes writes them: `1h30m`, `750ms`.
//!
//! `kube_core::Duration` panics on one that is too long, takes negative ones, and writes
//! them as Rust does (`5400s`), not as Go does.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time;

/// A duration such as `10m0s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub time::Duration);

/// Not a duration.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no duration; write it as 90s, 5m or 1h30m")]
pub struct NotADuration(String);

const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

impl FromStr for Duration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let refused = || NotADuration(crate::diag::excerpt(text, 50));
        let mut rest = text;
        let mut seconds = 0.0;
        while !rest.is_empty() {
            let number = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(refused)?;
            let value: f64 = rest[..number].parse().map_err(|_| refused())?;
            rest = &rest[number..];
            let unit = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let (_, factor) = UNITS
                .iter()
                .find(|(name, _)| *name == &rest[..unit])
                .ok_or_else(refused)?;
            seconds += value * factor;
            rest = &rest[unit..];
        }
        if text.is_empty() {
            return Err(refused());
        }
        time::Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(|_| refused())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if millis > 0 && seconds == 0 {
            return write!(f, "{millis}ms");
        }
        match millis {
            0 => write!(f, "{}s", seconds % 60),
            millis => write!(f, "{}.{millis:03}s", seconds % 60),
        }
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 32,
            "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write_as_go_does() {
        for (text, millis, written) in [
            ("1h30m", 5_400_000, "1h30m0s"),
            ("750ms", 750, "750ms"),
            ("0.5m", 30_000, "30s"),
            ("1m0.5s", 60_500, "1m0.500s"),
        ] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.0.as_millis(), millis, "{text}");
            assert_eq!(duration.to_string(), written);
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "5",
            "m",
            "5x",
            "-1s",
            "1.2.3s",
            "1s ",
            "99999999999999999999999h",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
