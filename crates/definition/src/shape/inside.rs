//! What stands inside a value, by the tables.

use super::schema::{Word, row};
use super::{Is, Patterned, Shape, Version, v2, v3};

/// What a value inside another one is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside {
    pub(crate) is: Is,
    /// Whether the version has a place for it.
    pub(crate) known: bool,
}

fn known(is: Is) -> Inside {
    Inside { is, known: true }
}

/// Behind a key that no table has.
fn unknown(key: &str) -> Inside {
    let is = match key.starts_with("x-") {
        true => Is::Any,
        false => Is::Unknown,
    };
    Inside { is, known: false }
}

impl Is {
    /// The value under `key`.
    pub(crate) fn entry(self, key: &str, version: Version) -> Inside {
        match self {
            Self::Any | Self::Keyword => known(Self::Any),
            Self::Unread(is) => is.entry(key, version),
            Self::Object(shape) => shape.entry(key, version),
            Self::Map(is) | Self::Components(is) => known(*is),
            Self::Schema => keyword(key, version),
            _ => unknown(key),
        }
    }

    /// What an item of it is.
    pub(crate) fn item(self) -> Self {
        match self {
            Self::List(is) => *is,
            Self::Unread(is) => is.item(),
            Self::Any | Self::Keyword => Self::Any,
            Self::Schema => Self::Schema,
            _ => Self::Unknown,
        }
    }

    /// Whether the specification has a `$ref` here.
    pub(crate) fn refers(self) -> bool {
        match self {
            Self::Unread(is) => is.refers(),
            Self::Schema => true,
            Self::Object(shape) => shape.components.is_some(),
            _ => false,
        }
    }

    /// A number that tells it from others of one walk.
    pub(crate) fn id(self) -> usize {
        let (address, tag) = match self {
            Self::Object(shape) => (std::ptr::from_ref(shape).addr(), 0),
            Self::List(is) => (std::ptr::from_ref(is).addr(), 1),
            Self::Map(is) | Self::Components(is) => (std::ptr::from_ref(is).addr(), 2),
            Self::Unread(is) => (std::ptr::from_ref(is).addr(), 3),
            Self::Schema => (0, 1),
            _ => (0, 0),
        };
        address + tag
    }
}

impl Shape {
    fn entry(&self, key: &str, version: Version) -> Inside {
        if let Some(field) = self.fields.iter().find(|field| field.name == key) {
            return Inside {
                is: field.is,
                known: field.since <= version,
            };
        }
        if self.extensions && key.starts_with("x-") {
            return known(Is::Any);
        }
        match self.patterned {
            Patterned::Any(is) | Patterned::Paths(is) | Patterned::Responses(is) => known(is),
            Patterned::None => unknown(key),
        }
    }
}

/// The value of a keyword of a schema.
fn keyword(key: &str, version: Version) -> Inside {
    let Some((versions, word)) = row(key) else {
        return unknown(key);
    };
    let two = version == Version::V2;
    let is = match word {
        Word::Is(is) => is,
        Word::Items | Word::Additional => Is::Schema,
        Word::Schemas => Is::List(&Is::Schema),
        Word::Discriminator if two => Is::Text,
        Word::Discriminator => Is::Object(&v3::DISCRIMINATOR),
        Word::Xml => Is::Object(if two { &v2::XML } else { &v3::XML }),
        Word::Docs => Is::Object(if two { v2::DOCS } else { v3::DOCS }),
        Word::Enum | Word::Scalar => Is::Any,
        Word::Number { .. }
        | Word::Count
        | Word::Exclusive
        | Word::Type
        | Word::Required
        | Word::Pattern => Is::Text,
    };
    Inside {
        is,
        known: versions & version.bit() != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Is, Version};
    use crate::DefinitionKind;

    /// What the end of a way through a document is.
    fn at(kind: DefinitionKind, way: &str) -> Is {
        let (version, is) = Version::of(kind).unwrap();
        let tokens = way.split(' ').filter(|token| !token.is_empty());
        tokens.fold(is, |is, token| match token {
            "-" => is.item(),
            key => is.entry(key, version).is,
        })
    }

    #[test]
    fn names_are_no_keywords() {
        let two = DefinitionKind::Swagger2;
        let three = DefinitionKind::OpenApi30;
        for (kind, way) in [
            (two, "definitions default"),
            (two, "definitions x-a properties example"),
            (two, "paths /a get responses default schema"),
            (three, "components schemas x-a"),
            (three, "components schemas A properties default items"),
            (three, "components schemas A items - allOf - not"),
            (three, "components headers x-a content example schema"),
            (three, "x-ms-paths /a?b get requestBody content enum schema"),
            (
                three,
                "paths /a get callbacks x-a {$url} post parameters - schema",
            ),
        ] {
            assert!(matches!(at(kind, way), Is::Schema), "{way}");
        }
        for (kind, way) in [
            (two, "definitions A default"),
            (two, "responses default examples application/json schema"),
            (three, "components examples A value schema"),
            (three, "components schemas A enum - not"),
            (three, "components schemas A x-a properties"),
            (three, "paths /a x-a schema"),
        ] {
            assert!(matches!(at(kind, way), Is::Any), "{way}");
        }
    }
}
