//! Types, each once: equal types have equal numbers.

use super::known::KNOWN;
use crate::hash::QuickMap;
use crate::table::{CONTEXT, DefId, TABLE, TypeRef};
use std::fmt::Write;
use std::rc::Rc;

/// A type of the [`Types`] that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ty(u32);

const FIRST_DEF: u32 = 4;

/// Types that there is room for at first.
const FEW: usize = 64;

impl Ty {
    /// A type that cannot be known. Silent: it converts to and from anything.
    pub(crate) const UNKNOWN: Self = Self(0);
    /// The type of `null`.
    pub(crate) const NULL: Self = Self(1);
    /// No value at all.
    pub(crate) const VOID: Self = Self(2);
    pub(crate) const DYNAMIC: Self = Self(3);

    const fn of(def: DefId) -> Self {
        Self(FIRST_DEF + def.0 as u32)
    }

    pub(crate) const BOOL: Self = Self::of(DefId::BOOL);
    pub(crate) const BYTE: Self = Self::of(DefId::BYTE);
    pub(crate) const CHAR: Self = Self::of(DefId::CHAR);
    pub(crate) const DECIMAL: Self = Self::of(DefId::DECIMAL);
    pub(crate) const DOUBLE: Self = Self::of(DefId::DOUBLE);
    pub(crate) const FLOAT: Self = Self::of(DefId::FLOAT);
    pub(crate) const INT: Self = Self::of(DefId::INT);
    pub(crate) const LONG: Self = Self::of(DefId::LONG);
    pub(crate) const OBJECT: Self = Self::of(DefId::OBJECT);
    pub(crate) const SBYTE: Self = Self::of(DefId::SBYTE);
    pub(crate) const SHORT: Self = Self::of(DefId::SHORT);
    pub(crate) const STRING: Self = Self::of(DefId::STRING);
    pub(crate) const UINT: Self = Self::of(DefId::UINT);
    pub(crate) const ULONG: Self = Self::of(DefId::ULONG);
    pub(crate) const USHORT: Self = Self::of(DefId::USHORT);
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Unknown,
    Null,
    Void,
    Dynamic,
    Named(DefId, Rc<[Ty]>),
    Array(Ty, u8),
    Tuple(Rc<[Ty]>, Rc<[Option<Rc<str>>]>),
    Anonymous(Rc<[(Rc<str>, Ty)]>),
    /// A type parameter of a local function.
    Parameter(u32),
    /// A type parameter of a method that is being called.
    Open(u8),
    Pointer(Ty),
    /// A local function's or lambda's own kind of delegate; none is named.
    Later,
}

/// What is known of a local function's type parameter.
#[derive(Debug, Clone)]
pub(crate) struct TypeVariable {
    pub(crate) name: Rc<str>,
    pub(crate) is_class: bool,
    pub(crate) is_struct: bool,
    pub(crate) bounds: Vec<Ty>,
}

#[derive(Debug)]
pub(crate) struct Types {
    list: Vec<Type>,
    open: Vec<bool>,
    numbers: QuickMap<Type, Ty>,
    pub(crate) variables: Vec<TypeVariable>,
    pub(super) interfaces: QuickMap<Ty, Rc<[Ty]>>,
    pub(super) bases: QuickMap<Ty, Rc<[Ty]>>,
}

impl Types {
    pub(crate) fn new() -> Self {
        let mut types = Self {
            list: Vec::with_capacity(FEW),
            open: Vec::with_capacity(FEW),
            numbers: QuickMap::with_capacity_and_hasher(FEW, Default::default()),
            variables: Vec::new(),
            interfaces: QuickMap::default(),
            bases: QuickMap::default(),
        };
        for ty in [Type::Unknown, Type::Null, Type::Void, Type::Dynamic] {
            types.make(ty);
        }
        let none: Rc<[Ty]> = Rc::new([]);
        for n in 0..=DefId::VOID.0 {
            types.make(Type::Named(DefId(n), Rc::clone(&none)));
        }
        types
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn make(&mut self, ty: Type) -> Ty {
        if let Some(found) = self.numbers.get(&ty) {
            return *found;
        }
        let open = match &ty {
            Type::Open(_) => true,
            Type::Named(_, list) | Type::Tuple(list, _) => list.iter().any(|t| self.is_open(*t)),
            Type::Array(inner, _) | Type::Pointer(inner) => self.is_open(*inner),
            _ => false,
        };
        let number = Ty(u32::try_from(self.list.len()).unwrap_or(0));
        self.list.push(ty.clone());
        self.open.push(open);
        self.numbers.insert(ty, number);
        number
    }

    pub(crate) fn get(&self, ty: Ty) -> &Type {
        self.list.get(ty.0 as usize).unwrap_or(&Type::Unknown)
    }

    /// Whether a parameter of a method is in it.
    pub(crate) fn is_open(&self, ty: Ty) -> bool {
        self.open.get(ty.0 as usize).copied().unwrap_or(false)
    }

    pub(crate) fn named(&mut self, def: DefId, arguments: &[Ty]) -> Ty {
        if def == DefId::VOID {
            return Ty::VOID;
        }
        if arguments.is_empty() && def.0 < DefId::VOID.0 {
            return Ty::of(def);
        }
        self.make(Type::Named(def, arguments.into()))
    }

    pub(crate) fn nullable(&mut self, inner: Ty) -> Ty {
        self.named(KNOWN.nullable, &[inner])
    }

    /// A type of a signature, for an owner with these type arguments.
    pub(crate) fn resolve(&mut self, ty: &TypeRef, own: &[Ty]) -> Ty {
        match ty {
            TypeRef::Named(def, arguments) => {
                if arguments.is_empty() {
                    // Inside a generic type, its nested ones take its arguments.
                    let arity = TABLE.arity(*def);
                    if arity > 0 && arity == own.len() {
                        return self.named(*def, own);
                    }
                    return self.named(*def, &[]);
                }
                let list: Vec<Ty> = arguments.iter().map(|a| self.resolve(a, own)).collect();
                self.named(*def, &list)
            }
            TypeRef::Own(n) => own.get(usize::from(*n)).copied().unwrap_or(Ty::UNKNOWN),
            TypeRef::Method(n) => self.make(Type::Open(*n)),
            TypeRef::Array(element, rank) => {
                let element = self.resolve(element, own);
                self.make(Type::Array(element, *rank))
            }
            TypeRef::Nullable(inner) => {
                let inner = self.resolve(inner, own);
                self.nullable(inner)
            }
        }
    }

    /// Replaces the parameters of a method. Those without argument stay.
    pub(crate) fn close(&mut self, ty: Ty, arguments: &[Ty]) -> Ty {
        if !self.is_open(ty) {
            return ty;
        }
        match self.get(ty).clone() {
            Type::Open(n) => arguments.get(usize::from(n)).copied().unwrap_or(ty),
            Type::Named(def, list) => {
                let list: Vec<Ty> = list.iter().map(|t| self.close(*t, arguments)).collect();
                self.named(def, &list)
            }
            Type::Tuple(list, names) => {
                let list: Vec<Ty> = list.iter().map(|t| self.close(*t, arguments)).collect();
                self.make(Type::Tuple(list.into(), names))
            }
            Type::Array(inner, rank) => {
                let inner = self.close(inner, arguments);
                self.make(Type::Array(inner, rank))
            }
            _ => ty,
        }
    }

    /// Replaces a local function's type parameters, from `first` on, by those
    /// of a method that is being called.
    pub(crate) fn opened(&mut self, ty: Ty, first: u32, count: u32) -> Ty {
        match self.get(ty).clone() {
            Type::Parameter(n) if n >= first && n < first + count => {
                let n = u8::try_from(n - first).unwrap_or(u8::MAX);
                self.make(Type::Open(n))
            }
            Type::Named(def, list) if !list.is_empty() => {
                let list: Vec<Ty> = list.iter().map(|t| self.opened(*t, first, count)).collect();
                self.named(def, &list)
            }
            Type::Array(inner, rank) => {
                let inner = self.opened(inner, first, count);
                self.make(Type::Array(inner, rank))
            }
            _ => ty,
        }
    }

    pub(crate) fn def(&self, ty: Ty) -> Option<DefId> {
        match self.get(ty) {
            Type::Named(def, _) => Some(*def),
            _ => None,
        }
    }

    pub(crate) fn arguments(&self, ty: Ty) -> Rc<[Ty]> {
        match self.get(ty) {
            Type::Named(_, list) => Rc::clone(list),
            _ => Rc::new([]),
        }
    }

    /// The type as C# writes it.
    pub(crate) fn show(&self, ty: Ty) -> String {
        let mut out = String::new();
        self.write(ty, &mut out, 0);
        out
    }

    fn write(&self, ty: Ty, out: &mut String, depth: u8) {
        if depth > 8 || out.len() > 200 {
            out.push_str("...");
            return;
        }
        let list = |this: &Self, out: &mut String, list: &[Ty]| {
            for (n, ty) in list.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                this.write(*ty, out, depth + 1);
            }
        };
        match self.get(ty) {
            Type::Unknown => out.push('?'),
            Type::Null => out.push_str("null"),
            Type::Void => out.push_str("void"),
            Type::Dynamic => out.push_str("dynamic"),
            Type::Later => out.push_str("a function"),
            Type::Named(def, arguments) => {
                if *def == KNOWN.nullable && arguments.len() == 1 {
                    self.write(arguments[0], out, depth + 1);
                    out.push('?');
                    return;
                }
                match keyword(*def) {
                    Some(word) => out.push_str(word),
                    // Imported types go by their short name, as in the source.
                    None if TABLE.is_imported(*def) || TABLE.space(*def) == CONTEXT => {
                        out.push_str(TABLE.simple(*def));
                    }
                    None => out.push_str(TABLE.full(*def)),
                }
                if !arguments.is_empty() {
                    out.push('<');
                    list(self, out, arguments);
                    out.push('>');
                }
            }
            Type::Array(element, rank) => {
                self.write(*element, out, depth + 1);
                out.push('[');
                for _ in 1..*rank {
                    out.push(',');
                }
                out.push(']');
            }
            Type::Tuple(types, names) => {
                out.push('(');
                for (n, ty) in types.iter().enumerate() {
                    if n > 0 {
                        out.push_str(", ");
                    }
                    self.write(*ty, out, depth + 1);
                    if let Some(Some(name)) = names.get(n) {
                        let _ = write!(out, " {name}");
                    }
                }
                out.push(')');
            }
            Type::Anonymous(members) => {
                out.push_str("new { ");
                for (n, (name, ty)) in members.iter().enumerate() {
                    if n > 0 {
                        out.push_str(", ");
                    }
                    self.write(*ty, out, depth + 1);
                    let _ = write!(out, " {name}");
                }
                out.push_str(" }");
            }
            Type::Parameter(n) => {
                let name = self.variables.get(*n as usize).map_or("T", |v| &v.name);
                out.push_str(name);
            }
            Type::Open(n) => {
                let _ = write!(out, "T{n}");
            }
            Type::Pointer(inner) => {
                self.write(*inner, out, depth + 1);
                out.push('*');
            }
        }
    }
}

/// C#'s own word for a type.
pub(crate) fn keyword(def: DefId) -> Option<&'static str> {
    const WORDS: [&str; 16] = [
        "bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "sbyte",
        "short", "string", "uint", "ulong", "ushort", "void",
    ];
    WORDS.get(usize::from(def.0)).copied()
}

/// The type that a word of C# names.
pub(crate) fn predefined(word: &str) -> Ty {
    let def = (0..DefId::VOID.0)
        .map(DefId)
        .find(|def| keyword(*def) == Some(word));
    def.map_or(Ty::VOID, Ty::of)
}
