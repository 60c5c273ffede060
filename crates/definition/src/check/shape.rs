//! What the objects of an OpenAPI document look like: rows of the tables of each version.

use super::Check;
use flux_apim_syntax::NodeRef;

/// A version of OpenAPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V2,
    V30,
    V31,
}

/// What a value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Is {
    Text,
    Bool,
    Any,
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
    /// A schema object.
    Schema,
    /// The value of a keyword that parameters of 2.0 share with schemas.
    Keyword,
}

/// What the official schema of 2.0 allows.
#[derive(Debug)]
pub(super) enum Limit {
    Words(&'static [&'static str]),
    /// A list of such words.
    ListOf(&'static [&'static str]),
    BeginsWith(&'static str),
    Host,
}

/// Who wants a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Optional,
    /// The readers.
    Required,
    /// The specification only, or not all readers.
    Expected,
    /// The readers of 3.1, and the specification.
    RequiredLater,
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) is: Is,
    pub(super) need: Need,
    /// The first version that has it.
    pub(super) since: Version,
}

/// Keys of an object that are no fields.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patterned {
    None,
    /// `/...`
    Paths(Is),
    /// `default`, a status, or a range of them.
    Responses(Is),
    /// Any: expressions, names.
    Any(Is),
}

/// What else there is to say of an object, the key that leads to it given.
pub(super) type More = for<'c> fn(&mut Check<'_, 'c>, NodeRef<'c>, Option<NodeRef<'c>>);

/// An object of a version.
#[derive(Debug)]
pub(super) struct Shape {
    /// As messages of the reader name it.
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) patterned: Patterned,
    /// Whether it may have `x-` fields.
    pub(super) extensions: bool,
    /// Where components of the kind are, when a `$ref` may stand for it.
    pub(super) components: Option<&'static str>,
    pub(super) more: Option<More>,
}

impl Shape {
    pub(super) fn field(&self, name: &str, version: Version) -> Option<&'static Field> {
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
pub(super) use fields;

/// An object that is nothing but its fields and extensions.
pub(super) const PLAIN: Shape = Shape {
    name: "",
    fields: &[],
    patterned: Patterned::None,
    extensions: true,
    components: None,
    more: None,
};
