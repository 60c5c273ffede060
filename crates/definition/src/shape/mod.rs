//! What the objects of an OpenAPI document look like: rows of the tables of each version.
//!
//! The checks walk a document by these tables, and references are found by them: where a
//! `$ref` stands decides whether it is one, not the names of the keys above it.

mod inside;
pub(crate) mod schema;
pub(crate) mod v2;
pub(crate) mod v3;

use crate::DefinitionKind;

/// A version of OpenAPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V2,
    V30,
    V31,
}

/// What a value is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Is {
    Text,
    Bool,
    /// Data: nothing inside is a reference.
    Any,
    /// What no table has: what looks like a reference is taken for one if it leads
    /// somewhere.
    Unknown,
    /// What is looked through for references and operations, and not checked.
    Unread(&'static Is),
    /// The value of a discriminator's mapping: the name of a schema, or a reference.
    Mapping,
    /// Text of 2.0 that its official schema limits.
    Limited(&'static Limit),
    /// Text that should be one of these words; nobody refuses others.
    Word(&'static [&'static str]),
    Object(&'static Shape),
    /// A list of objects.
    List(&'static Is),
    /// A list of texts; in 2.0 each of them once.
    Texts,
    /// Keys that the author chose.
    Map(&'static Is),
    /// The same, when the keys are names of components.
    Components(&'static Is),
    /// A Schema Object, a dialect of JSON Schema.
    Schema,
    /// The value of a keyword that parameters of 2.0 share with schemas.
    Keyword,
}

/// What the official schema of 2.0 allows.
#[derive(Debug)]
pub(crate) enum Limit {
    Words(&'static [&'static str]),
    /// A list of such words.
    ListOf(&'static [&'static str]),
    BeginsWith(&'static str),
    Host,
}

/// Who wants a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Optional,
    /// Microsoft's readers refuse the object without it.
    Required,
    /// The specification only, or not all readers.
    Expected,
    /// The readers of 3.1, and the specification.
    RequiredLater,
}

/// A field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) is: Is,
    pub(crate) need: Need,
    /// The first version that has it.
    pub(crate) since: Version,
}

/// Keys of an object that are no fields.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patterned {
    None,
    /// `/...`
    Paths(Is),
    /// `default`, a status, or a range of them.
    Responses(Is),
    /// Any: expressions, names.
    Any(Is),
}

/// Objects of which the checks say more than their fields show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Also {
    DocumentOfTwo,
    Document,
    Contact,
    Server,
    Components,
    Paths,
    PathItem,
    Operation,
    ParameterOfTwo,
    Parameter,
    Callback,
    Link,
    SchemeOfTwo,
    Scheme,
    Requirement,
}

/// An object of a version.
#[derive(Debug)]
pub(crate) struct Shape {
    /// As messages of the reader name it.
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) patterned: Patterned,
    /// Whether it may have `x-` fields.
    pub(crate) extensions: bool,
    /// Where components of the kind are, when a `$ref` may stand for it.
    pub(crate) components: Option<&'static str>,
    pub(crate) also: Option<Also>,
}

impl Version {
    /// Of documents of `kind`, and what their outermost object is.
    pub(crate) fn of(kind: DefinitionKind) -> Option<(Self, Is)> {
        match kind {
            DefinitionKind::Swagger2 => Some((Self::V2, Is::Object(&v2::DOCUMENT))),
            DefinitionKind::OpenApi30 => Some((Self::V30, Is::Object(&v3::DOCUMENT))),
            DefinitionKind::OpenApi31 => Some((Self::V31, Is::Object(&v3::DOCUMENT))),
            _ => None,
        }
    }
}

impl Shape {
    pub(crate) fn field(&self, name: &str, version: Version) -> Option<&'static Field> {
        let mut fields = self.fields.iter();
        fields.find(|field| field.name == name && field.since <= version)
    }
}

/// A row of a table of fields: name, value, and whether it must be there.
macro_rules! fields {
    ($($name:literal $is:expr $(, $need:ident)? $(; $since:ident)?;)*) => {
        &[$(Field {
            name: $name,
            is: $is,
            need: fields!(@need $($need)?),
            since: fields!(@since $($since)?),
        }),*]
    };
    (@need) => { Need::Optional };
    (@need $need:ident) => { Need::$need };
    (@since) => { Version::V2 };
    (@since $since:ident) => { Version::$since };
}
pub(crate) use fields;

/// An object that is nothing but its fields and extensions.
pub(crate) const PLAIN: Shape = Shape {
    name: "",
    fields: &[],
    patterned: Patterned::None,
    extensions: true,
    components: None,
    also: None,
};
