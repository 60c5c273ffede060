//! The types and members that expressions meet. The table is text in the
//! program; a type is read from it when it is first asked for.

mod decode;
mod show;

use crate::hash::QuickMap;
use std::sync::{LazyLock, OnceLock};

pub(crate) use show::member as show_member;

static TEXT: &str = include_str!("../../data/types.txt");

pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(Table::read);

/// A type of the class library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct DefId(pub(crate) u16);

/// The types that the language itself knows, in the order of the table.
macro_rules! well_known {
    ($($name:ident $n:literal,)*) => {
        impl DefId { $(pub(crate) const $name: Self = Self($n);)* }
    };
}
well_known! {
    BOOL 0, BYTE 1, CHAR 2, DECIMAL 3, DOUBLE 4, FLOAT 5, INT 6, LONG 7, OBJECT 8, SBYTE 9,
    SHORT 10, STRING 11, UINT 12, ULONG 13, USHORT 14, VOID 15,
}

/// What kind of type it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeKind {
    Class,
    Static,
    Abstract,
    Struct,
    Interface,
    Enum,
    Delegate,
    /// Its name is known, and nothing else.
    Opaque,
}

/// What API Management permits of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    All,
    Some,
    None,
}

#[derive(Debug)]
pub(crate) struct TypeDef {
    pub(crate) kind: TypeKind,
    pub(crate) allowed: Allowed,
    pub(crate) parameters: Vec<TypeParameter>,
    pub(crate) base: Option<TypeRef>,
    pub(crate) interfaces: Vec<TypeRef>,
    pub(crate) values: Vec<(&'static str, i64, bool)>,
    pub(crate) members: Vec<Member>,
    names: QuickMap<&'static str, Vec<u16>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variance {
    None,
    Out,
    In,
}

#[derive(Debug)]
pub(crate) struct TypeParameter {
    pub(crate) name: &'static str,
    pub(crate) variance: Variance,
    pub(crate) is_class: bool,
    pub(crate) is_struct: bool,
    pub(crate) bounds: Vec<TypeRef>,
}

/// A type as a signature mentions it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TypeRef {
    Named(DefId, Vec<TypeRef>),
    /// A parameter of the type.
    Own(u8),
    /// A parameter of the method.
    Method(u8),
    Array(Box<TypeRef>, u8),
    Nullable(Box<TypeRef>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Method,
    Extension,
    Constructor,
    Property,
    Indexer,
    Field,
    Event,
    Operator,
    Conversion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    Value,
    Ref,
    Out,
    Params,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) ty: TypeRef,
    pub(crate) passing: Passing,
    pub(crate) optional: bool,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) kind: MemberKind,
    pub(crate) name: &'static str,
    pub(crate) allowed: bool,
    pub(crate) is_static: bool,
    pub(crate) type_parameters: Vec<TypeParameter>,
    pub(crate) parameters: Vec<Parameter>,
    /// `None`: nothing, or a constructor.
    pub(crate) result: Option<TypeRef>,
    pub(crate) can_read: bool,
    pub(crate) can_write: bool,
    pub(crate) is_constant: bool,
}

impl TypeDef {
    /// The members of this name that the type itself declares.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = (u16, &Member)> {
        let found = self.names.get(name).map_or(&[][..], Vec::as_slice);
        found
            .iter()
            .filter_map(|n| Some((*n, self.members.get(usize::from(*n))?)))
    }

    pub(crate) fn constructors(&self) -> impl Iterator<Item = (u16, &Member)> {
        self.named(".ctor")
    }

    pub(crate) fn invoke(&self) -> Option<&Member> {
        self.named("Invoke").next().map(|(_, member)| member)
    }
}

#[derive(Debug)]
struct Entry {
    /// With namespace, without arity: `System.Collections.Generic.List`.
    full: String,
    /// Length of the namespace and its dot.
    space: usize,
    arity: u8,
    line: Option<&'static str>,
    def: OnceLock<TypeDef>,
}

#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    by_simple: QuickMap<&'static str, Vec<DefId>>,
    spaces: QuickMap<&'static str, ()>,
    pub(crate) usings: Vec<&'static str>,
    extensions: Vec<DefId>,
    by_extension: OnceLock<QuickMap<&'static str, Vec<(DefId, u16)>>>,
    imported: OnceLock<Vec<&'static str>>,
}

/// The namespace that the table gives to the types of `context`.
pub(crate) const CONTEXT: &str = "ApimStub";

impl Table {
    fn read() -> Self {
        let mut names: Vec<(&'static str, &'static str)> = Vec::new();
        let mut lines: QuickMap<usize, &'static str> = QuickMap::default();
        let mut usings = Vec::new();
        let mut extensions = Vec::new();
        for line in TEXT.lines() {
            let (mark, rest) = line.split_once('\t').unwrap_or((line, ""));
            match mark.as_bytes().first() {
                Some(b'U') => usings = rest.split('\t').collect(),
                Some(b'X') => {
                    let numbers = rest.split('\t').filter_map(|n| n.parse().ok());
                    extensions = numbers.map(DefId).collect();
                }
                Some(b'N') => {
                    let (space, list) = rest.split_once('\t').unwrap_or((rest, ""));
                    names.extend(list.split('\t').map(|name| (space, name)));
                }
                Some(b'T') => {
                    if let Ok(number) = mark[1..].parse() {
                        lines.insert(number, rest);
                    }
                }
                _ => {}
            }
        }
        usings.push(CONTEXT);
        let mut table = Self {
            entries: Vec::with_capacity(names.len()),
            by_simple: QuickMap::default(),
            spaces: QuickMap::default(),
            usings,
            extensions,
            by_extension: OnceLock::new(),
            imported: OnceLock::new(),
        };
        for (n, (space, name)) in names.into_iter().enumerate() {
            table.add(space, name, lines.get(&n).copied());
        }
        table
    }

    fn add(&mut self, space: &'static str, name: &'static str, line: Option<&'static str>) {
        let id = DefId(u16::try_from(self.entries.len()).unwrap_or(u16::MAX));
        // ``Dictionary`2.Enumerator`` is nested: its arity is that of what is around it.
        let (simple, arity) = match name.split_once('`') {
            Some((simple, rest)) => {
                let digits = rest.split('.').next().unwrap_or("");
                (simple, digits.parse().unwrap_or(0))
            }
            None => (name, 0),
        };
        let nested = name.contains('.');
        let shown = match name.split_once('.') {
            Some((_, inner)) => format!("{space}.{simple}.{inner}"),
            None => format!("{space}.{simple}"),
        };
        if !nested {
            self.by_simple.entry(simple).or_default().push(id);
        }
        let mut rest = space;
        while !rest.is_empty() && self.spaces.insert(rest, ()).is_none() {
            rest = rest.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.entries.push(Entry {
            full: shown,
            space: space.len() + 1,
            arity,
            line,
            def: OnceLock::new(),
        });
    }

    /// Finds a type by its namespace, its name, and the number of its type parameters.
    pub(crate) fn find(&self, space: &str, simple: &str, arity: usize) -> Option<DefId> {
        let found = self.by_simple.get(simple)?.iter();
        found.copied().find(|id| {
            let entry = &self.entries[usize::from(id.0)];
            usize::from(entry.arity) == arity && entry.full.get(..entry.space - 1) == Some(space)
        })
    }

    /// Every type of this simple name, in any namespace.
    pub(crate) fn named(&self, simple: &str) -> &[DefId] {
        self.by_simple.get(simple).map_or(&[], Vec::as_slice)
    }

    /// Simple names of the types that are imported, for hints.
    pub(crate) fn imported_names(&self) -> impl Iterator<Item = &'static str> {
        let names = self.imported.get_or_init(|| {
            let mut names: Vec<&'static str> = Vec::new();
            #[expect(clippy::iter_over_hash_type, reason = "the names are sorted")]
            for (name, list) in &self.by_simple {
                let known = |id: &&DefId| {
                    self.entries[usize::from(id.0)].line.is_some() && self.is_imported(**id)
                };
                if list.iter().any(|id| known(&id)) {
                    names.push(name);
                }
            }
            names.sort_unstable();
            names
        });
        names.clone().into_iter()
    }

    pub(crate) fn is_imported(&self, id: DefId) -> bool {
        self.usings.contains(&self.space(id))
    }

    pub(crate) fn is_namespace(&self, name: &str) -> bool {
        self.spaces.contains_key(name)
    }

    /// Names of the namespaces directly below `space`, and of its types.
    pub(crate) fn below(&self, space: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for entry in &self.entries {
            let inside = entry
                .full
                .strip_prefix(space)
                .and_then(|rest| rest.strip_prefix('.'));
            if let Some(rest) = inside {
                names.push(rest.split('.').next().unwrap_or(rest).to_owned());
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A type inside a generic one, such as `List<T>.Enumerator`.
    pub(crate) fn nested(&self, outer: DefId, name: &str) -> Option<DefId> {
        let (full, arity) = (self.full(outer), self.arity(outer));
        let inside = |entry: &Entry| {
            let rest = entry
                .full
                .strip_prefix(full)
                .and_then(|rest| rest.strip_prefix('.'));
            usize::from(entry.arity) == arity && rest == Some(name)
        };
        let found = self.entries.iter().position(inside)?;
        u16::try_from(found).ok().map(DefId)
    }

    /// Every type whose members are known.
    #[cfg(test)]
    pub(crate) fn known(&self) -> impl Iterator<Item = DefId> {
        let numbers = (0..).map(DefId).zip(&self.entries);
        numbers
            .filter(|(_, entry)| entry.line.is_some())
            .map(|(id, _)| id)
    }

    /// The full name without arity.
    pub(crate) fn full(&self, id: DefId) -> &str {
        self.entries
            .get(usize::from(id.0))
            .map_or("?", |entry| &entry.full)
    }

    pub(crate) fn space(&self, id: DefId) -> &str {
        let entry = self.entries.get(usize::from(id.0));
        entry
            .and_then(|entry| entry.full.get(..entry.space - 1))
            .unwrap_or("")
    }

    pub(crate) fn simple(&self, id: DefId) -> &str {
        let entry = self.entries.get(usize::from(id.0));
        entry
            .and_then(|entry| entry.full.get(entry.space..))
            .unwrap_or("?")
    }

    pub(crate) fn arity(&self, id: DefId) -> usize {
        self.entries
            .get(usize::from(id.0))
            .map_or(0, |entry| usize::from(entry.arity))
    }

    pub(crate) fn def(&self, id: DefId) -> &TypeDef {
        let entry = &self.entries[usize::from(id.0).min(self.entries.len() - 1)];
        entry.def.get_or_init(|| decode::type_def(entry.line))
    }

    /// The extension methods of this name in the imported namespaces.
    pub(crate) fn extensions(&self, name: &str) -> &[(DefId, u16)] {
        let all = self.by_extension.get_or_init(|| {
            let mut all: QuickMap<&'static str, Vec<(DefId, u16)>> = QuickMap::default();
            for id in self
                .extensions
                .iter()
                .copied()
                .filter(|id| self.is_imported(*id))
            {
                for (n, member) in (0..).zip(&self.def(id).members) {
                    if member.kind == MemberKind::Extension {
                        all.entry(member.name).or_default().push((id, n));
                    }
                }
            }
            all
        });
        all.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn extension_names(&self) -> Vec<&'static str> {
        self.extensions("");
        let mut names: Vec<&'static str> = self
            .by_extension
            .get()
            .into_iter()
            .flat_map(std::collections::HashMap::keys)
            .copied()
            .collect();
        names.sort_unstable();
        names
    }
}
