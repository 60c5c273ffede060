//! Where credentials are kept on a machine.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A place with a configuration in Docker's format, if anything is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The configuration itself, in a variable.
    Text {
        /// Name of the variable.
        variable: String,
        /// Its value, which holds passwords.
        text: OsString,
    },
    /// A configuration file.
    File(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { variable, .. } => f.write_str(variable),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The places, first those that stand over the others: Docker's variable and file, the
/// file that podman and its kin are told, podman's own.
pub(super) fn all(variable: impl Fn(&str) -> Option<OsString>) -> impl Iterator<Item = Place> {
    let get = |name: &str| variable(name).filter(|value| !value.is_empty());
    let home = get("HOME").map(PathBuf::from);
    let below = |folder: Option<PathBuf>, path: &str| {
        folder.map(|folder: PathBuf| Place::File(folder.join(path)))
    };
    let text = get("DOCKER_AUTH_CONFIG").map(|text| Place::Text {
        variable: "DOCKER_AUTH_CONFIG".to_owned(),
        text,
    });
    let docker = get("DOCKER_CONFIG").map(PathBuf::from);
    let docker = docker.or_else(|| Some(home.as_deref()?.join(".docker")));
    let config = get("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| Some(home.as_deref()?.join(".config")));
    [
        text,
        below(docker, "config.json"),
        get("REGISTRY_AUTH_FILE").map(|file| Place::File(file.into())),
        below(
            get("XDG_RUNTIME_DIR").map(PathBuf::from),
            "containers/auth.json",
        ),
        below(config, "containers/auth.json"),
    ]
    .into_iter()
    .flatten()
    // A file may be named in two ways.
    .fold(Vec::new(), |mut places: Vec<Place>, place| {
        if !places.contains(&place) {
            places.push(place);
        }
        places
    })
    .into_iter()
    .filter(|place| !matches!(place, Place::File(path) if path == Path::new("/dev/null")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(set: &[(&str, &str)]) -> Vec<String> {
        let places = all(|name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        });
        places.map(|place| place.to_string()).collect()
    }

    #[test]
    fn places_come_in_the_order_in_which_they_stand() {
        let all = [
            ("HOME", "/home/me"),
            ("DOCKER_AUTH_CONFIG", "{}"),
            ("DOCKER_CONFIG", "/d"),
            ("REGISTRY_AUTH_FILE", "/r/auth.json"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
            ("XDG_CONFIG_HOME", "/c"),
        ];
        assert_eq!(
            named(&all),
            [
                "DOCKER_AUTH_CONFIG",
                "/d/config.json",
                "/r/auth.json",
                "/run/user/1/containers/auth.json",
                "/c/containers/auth.json",
            ]
        );
        assert_eq!(
            named(&[("HOME", "/home/me"), ("DOCKER_CONFIG", "")]),
            [
                "/home/me/.docker/config.json",
                "/home/me/.config/containers/auth.json"
            ]
        );
        assert!(named(&[]).is_empty());
    }
}
