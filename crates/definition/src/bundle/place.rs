//! What a node is to its document, by the keys above it.

/// Keys below which a `$ref` is data.
pub(crate) fn is_data(key: &str) -> bool {
    matches!(key, "example" | "default" | "const" | "enum") || key.starts_with("x-")
}

/// Keys whose entries have names that the author chose.
pub(crate) fn holds_names(key: &str) -> bool {
    matches!(
        key,
        "properties"
            | "patternProperties"
            | "definitions"
            | "$defs"
            | "schemas"
            | "dependentSchemas"
    )
}

/// Whether the value under `key` is a schema.
fn is_schema_key(key: &str) -> bool {
    matches!(
        key,
        "schema"
            | "items"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedItems"
            | "unevaluatedProperties"
            | "additionalItems"
    )
}

/// Whether the items under `key` are schemas.
fn is_schema_list(key: &str) -> bool {
    matches!(key, "allOf" | "oneOf" | "anyOf" | "prefixItems")
}

/// What a node is to its document.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    Other,
    Schema,
    /// A map whose values are schemas.
    Schemas,
    /// A list whose items are schemas.
    SchemaList,
    /// Data: nothing inside is a reference.
    Data,
}

impl Place {
    pub(super) fn under(self, key: &str) -> Self {
        match self {
            Self::Data => Self::Data,
            Self::Schemas => Self::Schema,
            _ if is_data(key) => Self::Data,
            _ if holds_names(key) => Self::Schemas,
            _ if is_schema_list(key) => Self::SchemaList,
            _ if is_schema_key(key) => Self::Schema,
            _ => Self::Other,
        }
    }

    pub(super) fn item(self) -> Self {
        match self {
            Self::SchemaList | Self::Schema => Self::Schema,
            Self::Data => Self::Data,
            _ => Self::Other,
        }
    }
}
