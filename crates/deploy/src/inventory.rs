//! What was deployed into a service, kept in it: children of API Management have no tags,
//! so names and digests lie in named values of ours.
//!
//! A deployment writes the parts of a new generation first and then the head, which names
//! it; the parts of the old one go last. Whoever dies between leaves the old inventory, or
//! the new one, and never half of one that passes for whole: each part is counted, and the
//! head holds the digest of all of them.

use crate::id::Id;
use flux_apim_diag::excerpt;
use flux_apim_diag::tree::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the form.
const VERSION: u64 = 1;
/// How all named values of ours begin.
pub(crate) const PREFIX: &str = "flux-apim-inventory-";
/// Characters of a named value, less some for the frame of a part.
const CHARACTERS: usize = 4000;
/// Most parts of one inventory.
const PARTS: usize = 2000;

/// What is known of one resource that was deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// The resource.
    pub id: Id,
    /// Short digest of what was deployed.
    pub digest: String,
    /// How it came to be.
    pub made: Made,
}

/// How a deployed resource came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// A deployment of ours made it: a later one may delete it.
    Ours,
    /// It was there before: it is changed, and never deleted.
    Before,
    /// A deployment was about to make it, and did not come to say whether it did.
    Begun,
}

impl Made {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "m",
            Self::Before => "b",
            Self::Begun => "p",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Ours, Self::Before, Self::Begun]
            .into_iter()
            .find(|made| made.as_str() == text)
    }
}

/// What an owner deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Digest of the bundle that was deployed last.
    pub bundle: String,
    /// Resources, in the order of the bundle.
    pub entries: Vec<Deployed>,
}

/// What a service says of an owner's inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    None,
    /// It is whole.
    Whole {
        /// What it says.
        inventory: Inventory,
        /// Its generation, which the named values of its parts have in their names.
        generation: String,
    },
    /// It is damaged.
    Unreadable(String),
    /// A newer flux-apim wrote it.
    Newer(u64),
}

/// Inventories of one service.
#[derive(Debug, Default)]
pub struct Inventories {
    /// By owner; of a head that cannot be read, by the name of its named value.
    pub of: BTreeMap<String, Found>,
    /// Named values that no head names: left by a deployment that was cut.
    pub(crate) loose: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u64,
    owner: String,
    generation: String,
    parts: usize,
    digest: String,
    bundle: String,
}

/// The short form of a digest: enough to tell what was deployed from anything else.
pub(crate) fn short(digest: &Digest) -> String {
    let text = digest.to_string();
    let hex = text.strip_prefix("sha256:").unwrap_or(&text);
    hex.get(..16).unwrap_or(hex).to_owned()
}

/// What names of an owner's named values have behind the prefix.
fn word(owner: &str) -> String {
    short(&Digest::of(owner.as_bytes()))
}

/// The id of the head of an owner's inventory.
pub(crate) fn head(owner: &str) -> String {
    format!("{PREFIX}{}", word(owner))
}

fn part(owner: &str, generation: &str, number: usize) -> String {
    format!("{PREFIX}{}-{generation}-{number}", word(owner))
}

/// The properties of a named value of ours.
pub(crate) fn properties(name: &str, value: &str) -> Json {
    json!({"displayName": name, "value": value, "secret": false, "tags": ["flux-apim"]})
}

impl Inventory {
    /// Named values of the parts, and then the one of the head.
    pub(crate) fn write(&self, owner: &str) -> (String, Vec<(String, String)>) {
        let entries: Vec<Json> = self
            .entries
            .iter()
            .map(|entry| json!([entry.id.as_str(), entry.digest, entry.made.as_str()]))
            .collect();
        // Named values hold no `{{`: that would be another named value.
        let payload = Json::from(entries).to_string();
        let payload = payload.replace('{', "\\u007b").replace('}', "\\u007d");
        let whole = Digest::of(format!("{}\n{payload}", self.bundle).as_bytes());
        let generation = short(&whole);
        let characters: Vec<char> = payload.chars().collect();
        let chunks: Vec<String> = characters
            .chunks(CHARACTERS)
            .map(|c| c.iter().collect())
            .collect();
        let head_value = json!(Head {
            version: VERSION,
            owner: owner.to_owned(),
            generation: generation.clone(),
            parts: chunks.len(),
            digest: Digest::of(payload.as_bytes()).to_string(),
            bundle: self.bundle.clone(),
        });
        let parts = chunks.iter().enumerate().map(|(n, chunk)| {
            let name = part(owner, &generation, n);
            (name, format!("{n}:{chunk}"))
        });
        let mut values: Vec<(String, String)> = parts.collect();
        values.push((head(owner), head_value.to_string()));
        (generation, values)
    }
}

impl Inventories {
    /// Reads what named values of ours say: their names, and their values where they have
    /// any.
    pub(crate) fn read(values: &BTreeMap<String, Option<String>>) -> Self {
        let mut read = Self::default();
        let mut used = BTreeSet::new();
        let heads = values
            .iter()
            .filter(|(name, _)| !name[PREFIX.len()..].contains('-'));
        for (name, value) in heads {
            let (owner, found) = Self::one(name, value.as_deref(), values, &mut used);
            read.of.insert(owner, found);
        }
        let loose = values
            .keys()
            .filter(|name| name[PREFIX.len()..].contains('-') && !used.contains(name.as_str()));
        read.loose = loose
            .map(|name| {
                let word = name[PREFIX.len()..].split('-').next().unwrap_or("");
                (format!("{PREFIX}{word}"), name.clone())
            })
            .collect();
        read
    }

    fn one(
        name: &str,
        value: Option<&str>,
        values: &BTreeMap<String, Option<String>>,
        used: &mut BTreeSet<String>,
    ) -> (String, Found) {
        let damaged = |what: &str| {
            (
                name.to_owned(),
                Found::Unreadable(format!("the named value {name} {what}")),
            )
        };
        let Some(read) = value.and_then(|value| serde_json::from_str::<Json>(value).ok()) else {
            return damaged("is no inventory");
        };
        match read["version"].as_u64() {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                let owner = read["owner"].as_str().unwrap_or(name);
                return (owner.to_owned(), Found::Newer(newer));
            }
            _ => return damaged("is no inventory"),
        }
        let Ok(head) = serde_json::from_value::<Head>(read) else {
            return damaged("is no inventory");
        };
        if self::head(&head.owner) != name || head.parts > PARTS {
            return damaged("is not what it says");
        }
        let mut payload = String::new();
        for number in 0..head.parts {
            let part = part(&head.owner, &head.generation, number);
            let text = values.get(&part).and_then(Option::as_deref);
            let text = text.and_then(|text| text.strip_prefix(&format!("{number}:")));
            let Some(text) = text else {
                let problem = format!(
                    "part {number} of {} is missing: the named value {part}",
                    head.parts
                );
                return (head.owner, Found::Unreadable(problem));
            };
            payload.push_str(text);
            used.insert(part);
        }
        if Digest::of(payload.as_bytes()).to_string() != head.digest {
            let problem = "its parts are not what its head says".to_owned();
            return (head.owner, Found::Unreadable(problem));
        }
        let entries: Option<Vec<Deployed>> =
            serde_json::from_str::<Vec<(String, String, String)>>(&payload)
                .ok()
                .and_then(|entries| {
                    let entry = |(id, digest, made): (String, String, String)| {
                        Some(Deployed {
                            id: Id::parse(&id)?,
                            digest: excerpt(&digest, 64),
                            made: Made::parse(&made)?,
                        })
                    };
                    entries.into_iter().map(entry).collect()
                });
        match entries {
            Some(entries) => {
                let inventory = Inventory {
                    bundle: head.bundle,
                    entries,
                };
                (
                    head.owner,
                    Found::Whole {
                        inventory,
                        generation: head.generation,
                    },
                )
            }
            None => (
                head.owner,
                Found::Unreadable("its parts hold no list of resources".to_owned()),
            ),
        }
    }

    /// Names of the parts of an owner's generation, and of what was left of others.
    pub(crate) fn old_parts(&self, owner: &str) -> Vec<String> {
        let own = head(owner);
        let loose = self.loose.iter().filter(|(of, _)| *of == own);
        loose.map(|(_, name)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(count: usize) -> Inventory {
        let entries = (0..count).map(|n| Deployed {
            id: Id::parse(&format!("apis/a{n}/operations/get{{x}}")).unwrap(),
            digest: "0123456789abcdef".to_owned(),
            made: Made::Ours,
        });
        Inventory {
            bundle: "sha256:0".to_owned(),
            entries: entries.collect(),
        }
    }

    fn values(inventory: &Inventory, owner: &str) -> BTreeMap<String, Option<String>> {
        let (_, written) = inventory.write(owner);
        written
            .into_iter()
            .map(|(name, value)| (name, Some(value)))
            .collect()
    }

    #[test]
    fn an_inventory_of_any_size_is_read_as_it_was_written() {
        for count in [0, 1, 1000] {
            let inventory = inventory(count);
            let values = values(&inventory, "shop");
            assert_eq!(
                values.len() == 2,
                count == 1 || count == 0,
                "{}",
                values.len()
            );
            for (name, value) in &values {
                let value = value.as_ref().unwrap();
                assert!(value.chars().count() <= 4096 && !value.contains("{{"));
                assert!(name.len() < 256);
            }
            let read = Inventories::read(&values);
            let Found::Whole {
                inventory: found, ..
            } = &read.of["shop"]
            else {
                panic!("{read:?}")
            };
            assert_eq!(*found, inventory);
        }
    }

    #[test]
    fn what_is_damaged_newer_or_half_written_is_said_to_be() {
        let inventory = inventory(300);
        let whole = values(&inventory, "shop");
        for name in whole.keys() {
            let mut values = whole.clone();
            values.remove(name);
            let read = Inventories::read(&values);
            assert!(
                !read
                    .of
                    .values()
                    .any(|found| matches!(found, Found::Whole { .. })),
                "{name}"
            );
            let mut values = whole.clone();
            values.insert(name.clone(), Some("0:[]".to_owned()));
            let read = Inventories::read(&values);
            assert!(
                matches!(read.of.values().next(), Some(Found::Unreadable(_))),
                "{name}"
            );
        }
        let mut newer = whole.clone();
        let text = newer[&head("shop")]
            .clone()
            .unwrap()
            .replace("\"version\":1", "\"version\":2");
        newer.insert(head("shop"), Some(text));
        assert_eq!(Inventories::read(&newer).of["shop"], Found::Newer(2));
        // A generation that was not finished does no harm to the one before.
        let mut both = whole.clone();
        let (_, next) = self::inventory(200).write("shop");
        let parts = next.len() - 1;
        both.extend(
            next.into_iter()
                .take(parts)
                .map(|(name, value)| (name, Some(value))),
        );
        let read = Inventories::read(&both);
        assert!(matches!(read.of["shop"], Found::Whole { .. }));
        assert_eq!(read.old_parts("shop").len(), parts);
        assert!(read.old_parts("other").is_empty());
    }
}
