//! Keywords of schemas, by version.

use super::{Is, Version};

/// What the value of a keyword is.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    Is(Is),
    /// A number, above zero where asked.
    Number {
        positive: bool,
    },
    /// A whole number that is not negative.
    Count,
    /// A boolean, and a number from 3.1 on.
    Exclusive,
    Type,
    Items,
    Schemas,
    Required,
    Enum,
    Additional,
    Discriminator,
    Pattern,
    /// No array, no object: the readers of 3.1 have no place for one.
    Scalar,
    Xml,
    Docs,
}

const TWO: u8 = 1;
const THREE: u8 = 2;
pub(crate) const LATER: u8 = 4;
pub(crate) const ALL: u8 = TWO | THREE | LATER;
/// Of older drafts of JSON Schema: no version has it, and schemas stand in it.
const NONE: u8 = 0;

const SCHEMA: Word = Word::Is(Is::Schema);
const SCHEMA_MAP: Word = Word::Is(Is::Map(&Is::Schema));
pub(crate) const ANY: Word = Word::Is(Is::Any);
const TEXT: Word = Word::Is(Is::Text);
const BOOL: Word = Word::Is(Is::Bool);

/// Keywords, the versions that have them, their values; sorted.
pub(crate) const KEYWORDS: &[(&str, u8, Word)] = &[
    ("$anchor", LATER, ANY),
    ("$comment", LATER, ANY),
    ("$defs", LATER, SCHEMA_MAP),
    ("$dynamicAnchor", LATER, ANY),
    ("$dynamicRef", LATER, ANY),
    ("$id", LATER, ANY),
    ("$ref", ALL, TEXT),
    ("$schema", LATER, ANY),
    ("$vocabulary", LATER, ANY),
    ("additionalItems", NONE, SCHEMA),
    ("additionalProperties", ALL, Word::Additional),
    ("allOf", ALL, Word::Schemas),
    ("anyOf", THREE | LATER, Word::Schemas),
    ("const", LATER, Word::Scalar),
    ("contains", LATER, SCHEMA),
    ("contentEncoding", LATER, ANY),
    ("contentMediaType", LATER, ANY),
    ("contentSchema", LATER, ANY),
    ("default", ALL, ANY),
    ("definitions", NONE, SCHEMA_MAP),
    ("dependencies", NONE, SCHEMA_MAP),
    ("dependentRequired", LATER, ANY),
    ("dependentSchemas", LATER, SCHEMA_MAP),
    ("deprecated", THREE | LATER, BOOL),
    ("description", ALL, TEXT),
    ("discriminator", ALL, Word::Discriminator),
    ("else", LATER, SCHEMA),
    ("enum", ALL, Word::Enum),
    ("example", ALL, ANY),
    ("examples", LATER, Word::Is(Is::List(&Is::Any))),
    ("exclusiveMaximum", ALL, Word::Exclusive),
    ("exclusiveMinimum", ALL, Word::Exclusive),
    ("externalDocs", ALL, Word::Docs),
    ("format", ALL, TEXT),
    ("if", LATER, SCHEMA),
    ("items", ALL, Word::Items),
    ("maxContains", LATER, ANY),
    ("maxItems", ALL, Word::Count),
    ("maxLength", ALL, Word::Count),
    ("maxProperties", ALL, Word::Count),
    ("maximum", ALL, Word::Number { positive: false }),
    ("minContains", LATER, ANY),
    ("minItems", ALL, Word::Count),
    ("minLength", ALL, Word::Count),
    ("minProperties", ALL, Word::Count),
    ("minimum", ALL, Word::Number { positive: false }),
    ("multipleOf", ALL, Word::Number { positive: true }),
    ("not", THREE | LATER, SCHEMA),
    ("nullable", THREE | LATER, BOOL),
    ("oneOf", THREE | LATER, Word::Schemas),
    ("pattern", ALL, Word::Pattern),
    ("patternProperties", LATER, SCHEMA_MAP),
    ("prefixItems", LATER, Word::Schemas),
    ("properties", ALL, SCHEMA_MAP),
    ("propertyNames", LATER, SCHEMA),
    ("readOnly", ALL, BOOL),
    ("required", ALL, Word::Required),
    ("then", LATER, SCHEMA),
    ("title", ALL, TEXT),
    ("type", ALL, Word::Type),
    ("unevaluatedItems", LATER, SCHEMA),
    ("unevaluatedProperties", LATER, SCHEMA),
    ("uniqueItems", ALL, BOOL),
    ("writeOnly", THREE | LATER, BOOL),
    ("xml", ALL, Word::Xml),
];

/// The versions that have the keyword `name`, and what its value is.
pub(crate) fn row(name: &str) -> Option<(u8, Word)> {
    let at = KEYWORDS.binary_search_by(|(keyword, ..)| keyword.cmp(&name));
    let (_, versions, word) = KEYWORDS.get(at.ok()?)?;
    Some((*versions, *word))
}

impl Version {
    pub(crate) fn bit(self) -> u8 {
        match self {
            Self::V2 => TWO,
            Self::V30 => THREE,
            Self::V31 => LATER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYWORDS, row};

    #[test]
    fn every_keyword_is_found() {
        assert!(KEYWORDS.is_sorted_by_key(|(name, ..)| *name));
        assert!(KEYWORDS.iter().all(|(name, ..)| row(name).is_some()));
        assert!(row("maxlength").is_none());
    }
}
