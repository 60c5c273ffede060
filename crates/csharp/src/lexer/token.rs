//! Tokens.

use crate::span::Span;

/// A literal number's type, as its suffix and size say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// `int`, `uint`, `long` or `ulong`, whichever holds it first.
    Int,
    /// `u`: `uint` or `ulong`.
    Unsigned,
    /// `l`: `long` or `ulong`.
    Long,
    /// `ul`.
    UnsignedLong,
    /// `f`.
    Float,
    /// `d`, or a dot or exponent.
    Double,
    /// `m`.
    Decimal,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The end of the text.
    End,
    /// A name, contextual keywords and `@name` included.
    Name,
    /// A reserved word.
    Keyword(&'static str),
    /// An operator or a bracket.
    Punct(&'static str),
    /// A number.
    Number(Number),
    /// A character.
    Character,
    /// A string, whether verbatim or not.
    Text,
    /// The start of an interpolated string: `$"` or `$@"`.
    InterpolationStart,
    /// Text inside an interpolated string.
    InterpolationText,
    /// `{` inside an interpolated string.
    HoleStart,
    /// What stands behind `:` in a hole, the colon included.
    HoleFormat,
    /// `}` that ends a hole.
    HoleEnd,
    /// The quote that ends an interpolated string.
    InterpolationEnd,
    /// `{{name}}` in code: text that is not known here.
    NamedValue,
    /// What C# has no use for.
    Unknown,
}

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
    /// Whether a line break stands between it and the token before it.
    pub on_new_line: bool,
}

/// Reserved words of C#.
pub(crate) const KEYWORDS: [&str; 77] = [
    "abstract",
    "as",
    "base",
    "bool",
    "break",
    "byte",
    "case",
    "catch",
    "char",
    "checked",
    "class",
    "const",
    "continue",
    "decimal",
    "default",
    "delegate",
    "do",
    "double",
    "else",
    "enum",
    "event",
    "explicit",
    "extern",
    "false",
    "finally",
    "fixed",
    "float",
    "for",
    "foreach",
    "goto",
    "if",
    "implicit",
    "in",
    "int",
    "interface",
    "internal",
    "is",
    "lock",
    "long",
    "namespace",
    "new",
    "null",
    "object",
    "operator",
    "out",
    "override",
    "params",
    "private",
    "protected",
    "public",
    "readonly",
    "ref",
    "return",
    "sbyte",
    "sealed",
    "short",
    "sizeof",
    "stackalloc",
    "static",
    "string",
    "struct",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "uint",
    "ulong",
    "unchecked",
    "unsafe",
    "ushort",
    "using",
    "virtual",
    "void",
    "volatile",
    "while",
];

/// The operator or bracket that `rest` starts with, the longest. `>>` is two.
pub(crate) fn punctuation(rest: &[u8]) -> Option<&'static str> {
    let next = rest.get(1).copied().unwrap_or(0);
    let third = rest.get(2).copied().unwrap_or(0);
    Some(match (rest.first()?, next, third) {
        (b'?', b'?', b'=') => "??=",
        (b'<', b'<', b'=') => "<<=",
        (b'=', b'>', _) => "=>",
        (b'=', b'=', _) => "==",
        (b'!', b'=', _) => "!=",
        (b'<', b'=', _) => "<=",
        (b'>', b'=', _) => ">=",
        (b'&', b'&', _) => "&&",
        (b'|', b'|', _) => "||",
        (b'?', b'?', _) => "??",
        (b'+', b'+', _) => "++",
        (b'-', b'-', _) => "--",
        (b'+', b'=', _) => "+=",
        (b'-', b'=', _) => "-=",
        (b'*', b'=', _) => "*=",
        (b'/', b'=', _) => "/=",
        (b'%', b'=', _) => "%=",
        (b'&', b'=', _) => "&=",
        (b'|', b'=', _) => "|=",
        (b'^', b'=', _) => "^=",
        (b'<', b'<', _) => "<<",
        (b'-', b'>', _) => "->",
        (b':', b':', _) => "::",
        (b'.', b'.', _) => "..",
        (b'(', ..) => "(",
        (b')', ..) => ")",
        (b'[', ..) => "[",
        (b']', ..) => "]",
        (b'{', ..) => "{",
        (b'}', ..) => "}",
        (b'<', ..) => "<",
        (b'>', ..) => ">",
        (b'=', ..) => "=",
        (b'!', ..) => "!",
        (b'&', ..) => "&",
        (b'|', ..) => "|",
        (b'?', ..) => "?",
        (b'+', ..) => "+",
        (b'-', ..) => "-",
        (b'*', ..) => "*",
        (b'/', ..) => "/",
        (b'%', ..) => "%",
        (b'^', ..) => "^",
        (b'.', ..) => ".",
        (b',', ..) => ",",
        (b';', ..) => ";",
        (b':', ..) => ":",
        (b'~', ..) => "~",
        _ => return None,
    })
}

/// Words for the types that the language itself names.
pub(crate) const PREDEFINED: [&str; 16] = [
    "bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "sbyte",
    "short", "string", "uint", "ulong", "ushort", "void",
];
