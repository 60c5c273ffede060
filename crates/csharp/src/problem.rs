//! What is wrong, where, and what to do.

use crate::span::Span;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It compiles. It is likely not what was meant, or rests on a guess.
    Warning,
    /// API Management refuses it.
    Error,
}

/// What a finding rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A rule of the language, or a signature of the class library.
    Language,
    /// The list of types and members that API Management documents.
    AllowList,
    /// The types of results that API Management takes; known from its error
    /// messages and from what published policies do.
    Results,
    /// One source only, or sources that differ.
    Disputed,
    /// Experience: it compiles and is hardly ever right.
    Practice,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which rule.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do; empty when the message says it.
    pub help: String,
    /// The word at its place and the one that may have been meant, where that is known.
    pub meant: Option<(Box<str>, Box<str>)>,
    /// What it rests on.
    pub evidence: Evidence,
}

impl Problem {
    /// An error of the language itself.
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            span,
            message: message.into(),
            help: String::new(),
            meant: None,
            evidence: Evidence::Language,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// That `near` was meant by `word`, which stands at its place.
    pub(crate) fn meant(self, word: &str, near: &str) -> Self {
        Self {
            meant: Some((word.into(), near.into())),
            ..self.help(format!("did you mean `{near}`?"))
        }
    }

    pub(crate) fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = evidence;
        self
    }

    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

macro_rules! codes {
    ($($name:ident $id:literal $title:literal,)*) => {
        /// The rules. Those of the language bear the compiler's number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The compiler's number (`CS0103`), or ours (`APIM-TYPE`).
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The rule in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    OperatorTypes "CS0019" "An operator that these types do not have.",
    DivisionByZero "CS0020" "A constant divided by zero.",
    NotIndexable "CS0021" "Square brackets behind a type without indexer.",
    IndexCount "CS0022" "Another number of indices than the array has dimensions.",
    UnaryTypes "CS0023" "An operator that this type does not have.",
    NoThis "CS0026" "`this` or `base` where there is no object.",
    NoConversion "CS0029" "A value of a type that does not convert.",
    NoCast "CS0030" "A cast that cannot succeed.",
    AmbiguousOperator "CS0034" "An operator that fits these types in several ways.",
    NullForValueType "CS0037" "`null` for a type that has no null.",
    NoAsConversion "CS0039" "`as` with a type that the value cannot have.",
    AsValueType "CS0077" "`as` with a type that has no null.",
    AmbiguousName "CS0104" "A name that several imported namespaces have.",
    UnknownName "CS0103" "A name that does not exist here.",
    BadModifier "CS0106" "A modifier that has no place here.",
    NoMember "CS0117" "A type without such a static member.",
    WrongKind "CS0118" "A namespace, type or variable where something else is wanted.",
    BadContext "CS0119" "A type or method where a value is wanted.",
    NeedsObject "CS0120" "A member of objects, used on the type.",
    AmbiguousCall "CS0121" "A call that fits several methods equally well.",
    ReturnsNothing "CS0126" "`return` without a value.",
    ReturnsValue "CS0127" "A value is returned where nothing can be.",
    DuplicateLocal "CS0128" "A local variable declared twice.",
    NotAssignable "CS0131" "An assignment to something that is no variable.",
    NotConstant "CS0133" "A constant whose value is none.",
    ShadowedLocal "CS0136" "A name that an enclosing scope uses.",
    NoLoop "CS0139" "`break` or `continue` outside of a loop.",
    AbstractType "CS0144" "`new` with an interface or abstract class.",
    ConstWithoutValue "CS0145" "A constant without value.",
    NotInvocable "CS0149" "A call of something that is no method.",
    DuplicateLabel "CS0140" "A label that is declared twice.",
    DuplicateCase "CS0152" "A case that appears twice.",
    NotException "CS0155" "An exception of a type that is none.",
    RethrowOutside "CS0156" "`throw;` outside of a catch block.",
    LeavesFinally "CS0157" "A jump out of a finally block.",
    NoLabel "CS0159" "A label that does not exist.",
    UnreachableCatch "CS0160" "A catch block whose exceptions an earlier one takes.",
    MissingReturn "CS0161" "A path that ends without `return`.",
    FallsThrough "CS0163" "A case that runs into the next one.",
    Unassigned "CS0165" "A local variable used before it has a value.",
    StaticThroughValue "CS0176" "A static member, used on a value.",
    Unreachable "CS0162" "A statement that is never reached.",
    NeverOfType "CS0184" "A test for a type that the value can never have.",
    NeverNull "CS0472" "A comparison with null of something that is never null.",
    EmptyBody "CS0642" "A semicolon where a statement is meant.",
    UnassignedOut "CS0177" "An `out` parameter that does not get a value on every path.",
    ReadOnlyField "CS0191" "A field that cannot be written.",
    ReadOnlyStatic "CS0198" "A static field that cannot be written.",
    ReadOnlyProperty "CS0200" "A property that cannot be written.",
    NotAStatement "CS0201" "An expression that does nothing as a statement.",
    PointerContext "CS0214" "Pointers, which expressions cannot use.",
    Overflow "CS0220" "A constant computation that overflows.",
    ConstantRange "CS0221" "A constant out of the range of its new type.",
    UnsafeCode "CS0227" "Unsafe code, which expressions cannot use.",
    BadForeach "CS0230" "`foreach` without type and name.",
    NoNamespaceMember "CS0234" "A namespace without such a type.",
    UnknownType "CS0246" "A type that does not exist.",
    NeedsCast "CS0266" "A conversion that needs a cast.",
    ReferenceComparison "CS0252" "A comparison of references where texts are meant.",
    TypeArguments "CS0305" "Another number of type arguments than the type or method has.",
    NotGeneric "CS0308" "Type arguments on something that takes none.",
    Constraint "CS0315" "A type argument that the constraint forbids.",
    NoInference "CS0411" "Type arguments that do not follow from the call.",
    NoNestedType "CS0426" "A type without such a nested type.",
    MethodGroup "CS0428" "A method without its call.",
    EmptyIndex "CS0443" "Square brackets without index.",
    ReferenceConstraint "CS0452" "A value type where a reference type is wanted.",
    ValueConstraint "CS0453" "A reference type where a value type is wanted.",
    RealRange "CS0594" "A number too large for its type.",
    RealSuffix "CS0664" "A `double` number for another type; it needs a suffix.",
    StaticType "CS0716" "A static class where a type of values is wanted.",
    QueryEnd "CS0742" "A query without `select` or `group`.",
    BadInitializer "CS0747" "Something in an initializer that is no assignment.",
    NoVarType "CS0815" "`var` with a value that has no type.",
    NoVarValue "CS0818" "`var` without a value.",
    NoArrayType "CS0826" "An array whose elements share no type.",
    AnonymousMember "CS0828" "A member of an anonymous type without type.",
    ArgumentMissing "CS0839" "A comma without argument.",
    ArrayLength "CS0847" "An array initializer of another length than the array.",
    IdentifierExpected "CS1001" "A name is missing.",
    SemicolonExpected "CS1002" "A semicolon is missing.",
    TokenExpected "CS1003" "Something is missing.",
    BadEscape "CS1009" "An escape sequence that does not exist.",
    NewlineInLiteral "CS1010" "A string without its end.",
    EmptyCharacter "CS1011" "A character literal without character.",
    LongCharacter "CS1012" "A text in single quotes.",
    BadNumber "CS1013" "A number that is none.",
    NumberRange "CS1021" "A whole number too large for any type.",
    CloseParenExpected "CS1026" "A closing parenthesis is missing.",
    OpenBraceExpected "CS1514" "An opening brace is missing.",
    CloseBraceExpected "CS1513" "A closing brace is missing.",
    OpenComment "CS1035" "A comment without its end.",
    Preprocessor "CS1040" "A preprocessor line that does not belong here.",
    OpenString "CS1039" "A verbatim string without its end.",
    BadCharacter "CS1056" "A character that C# does not know.",
    IncrementTarget "CS1059" "`++` or `--` on something that is no variable.",
    UnknownMember "CS1061" "A type without such a member.",
    StrayText "CS1073" "Something behind the end.",
    ReadOnlyLoop "CS1656" "A loop variable that cannot be written.",
    ArgumentCount "CS1501" "Another number of arguments than any overload takes.",
    ArgumentType "CS1503" "An argument of a type that does not fit.",
    RefArgument "CS1510" "`ref` or `out` with something that is no variable.",
    NoBase "CS1511" "`base` where there is no class.",
    CatchExpected "CS1524" "A `try` without `catch` or `finally`.",
    BadTerm "CS1525" "A value is wanted here.",
    NewExpected "CS1526" "`new` without arguments, brackets or braces.",
    VoidHere "CS1547" "`void` where a type is wanted.",
    NotEnumerable "CS1579" "`foreach` over something that is no collection.",
    ArraySize "CS1586" "An array without size or elements.",
    ArgumentMode "CS1620" "`ref` or `out` is missing.",
    ArgumentModeExtra "CS1615" "`ref` or `out` that has no place here.",
    BadIterator "CS1624" "`yield` where no sequence is returned.",
    VerbatimIdentifier "CS1646" "`@` without name or string behind it.",
    NotADelegate "CS1660" "A lambda for a type that is no delegate.",
    LambdaResult "CS1662" "A lambda whose result has the wrong type.",
    LambdaParameters "CS1593" "A lambda with another number of parameters than its delegate.",
    NotDisposable "CS1674" "`using` with something that cannot be disposed of.",
    ConstructorCount "CS1729" "No constructor with this number of arguments.",
    TermExpected "CS1733" "An expression is wanted here.",
    ArgumentName "CS1739" "A named argument that no parameter has.",
    ArgumentTwice "CS1740" "A named argument that is given twice.",
    NoCollection "CS1922" "A collection initializer for something that is no collection.",
    ExtensionReceiver "CS1929" "An extension method for another type.",
    InitializerArguments "CS1950" "An element that the collection's Add does not take.",
    QueryPattern "CS1936" "A query over something that is no sequence.",
    NotCallable "CS1955" "Parentheses behind something that is no method.",
    NeedsAsync "CS4032" "`await` outside of async code.",
    AttributeHere "CS7014" "An attribute where none may stand.",
    MissingArgument "CS7036" "An argument that has no default is missing.",
    UnclosedHole "CS8076" "A hole in an interpolated string without its end.",
    LoneBrace "CS8086" "A brace in an interpolated string that must be doubled.",
    EmptyFormat "CS8089" "An empty format in an interpolated string.",
    UnreachableCase "CS8120" "A case that an earlier one takes.",
    TupleElement "CS8124" "A tuple with one element.",
    ConditionalInHole "CS8361" "`?:` without parentheses in an interpolated string.",
    LanguageVersion "CS8370" "A feature of a later version of C#.",
    OmittedTypes "CS8389" "Type arguments that are left out.",
    VerbatimOrder "CS8401" "`@$` instead of `$@`.",
    Deconstruction "CS8130" "A deconstruction that does not fit.",
    PatternNull "CS8117" "`null` held against a pattern with a name.",
    PatternType "CS8121" "A pattern that the value can never match.",
    RefHere "CS8149" "`ref` where a value is wanted.",
    RefMissing "CS8172" "A variable of `ref` whose value is no reference.",
    NameOfValue "CS8081" "`nameof` of something that has no name.",
    ThrowHere "CS8115" "`throw` where a value is wanted.",
    LocalNeedsBody "CS8112" "A local function without body.",
    ConditionalTypes "CS8957" "The two values of `?:` share no type.",
    NewlineInHole "CS8967" "A line break in a hole of an interpolated string.",
    ElseWithoutIf "CS8641" "`else` without `if`.",
    TooComplex "CS8078" "Too deep or too costly to check.",
    TypeNotAllowed "APIM-TYPE" "A type that policy expressions may not use.",
    MemberNotAllowed "APIM-MEMBER" "A member that policy expressions may not use.",
    DynamicNotAllowed "APIM-DYNAMIC" "A member of a `dynamic` value.",
    ResultType "APIM-RESULT" "A result of a type that API Management does not take.",
    MixedResults "APIM-MIXED" "Results of several types.",
    PlaceType "APIM-PLACE" "A result of another type than the place takes.",
    UnreadVariable "APIM-VARIABLE" "A context variable under a name that nothing sets.",
    VariableCast "APIM-CAST" "A cast of a context variable to a type that it never has.",
    Stopped "APIM-STOPPED" "The check was stopped before its end.",
}

/// Findings that are kept of one text.
pub(crate) const MOST_PROBLEMS: usize = 200;

/// Sorted by place, each place and rule once.
pub(crate) fn tidy(problems: &mut Vec<Problem>) {
    problems.sort_by(|a, b| {
        (a.span.start, a.span.end, a.code, &a.message).cmp(&(
            b.span.start,
            b.span.end,
            b.code,
            &b.message,
        ))
    });
    problems.dedup_by(|a, b| a.span == b.span && a.code == b.code);
}
