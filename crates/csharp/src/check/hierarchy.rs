//! Bases, interfaces, and what kind of type one is.

use super::known::KNOWN;
use super::types::{Ty, Type, Types};
use crate::table::{DefId, TABLE, TypeKind};
use std::rc::Rc;

/// Types of numbers, in the order of their width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Numeric {
    SByte,
    Byte,
    Short,
    UShort,
    Char,
    Int,
    UInt,
    Long,
    ULong,
    Float,
    Double,
    Decimal,
}

impl Numeric {
    pub(crate) fn of(ty: Ty) -> Option<Self> {
        Some(match ty {
            Ty::SBYTE => Self::SByte,
            Ty::BYTE => Self::Byte,
            Ty::SHORT => Self::Short,
            Ty::USHORT => Self::UShort,
            Ty::CHAR => Self::Char,
            Ty::INT => Self::Int,
            Ty::UINT => Self::UInt,
            Ty::LONG => Self::Long,
            Ty::ULONG => Self::ULong,
            Ty::FLOAT => Self::Float,
            Ty::DOUBLE => Self::Double,
            Ty::DECIMAL => Self::Decimal,
            _ => return None,
        })
    }

    pub(crate) fn ty(self) -> Ty {
        match self {
            Self::SByte => Ty::SBYTE,
            Self::Byte => Ty::BYTE,
            Self::Short => Ty::SHORT,
            Self::UShort => Ty::USHORT,
            Self::Char => Ty::CHAR,
            Self::Int => Ty::INT,
            Self::UInt => Ty::UINT,
            Self::Long => Ty::LONG,
            Self::ULong => Ty::ULONG,
            Self::Float => Ty::FLOAT,
            Self::Double => Ty::DOUBLE,
            Self::Decimal => Ty::DECIMAL,
        }
    }

    pub(crate) fn is_whole(self) -> bool {
        self <= Self::ULong
    }

    /// The values of a whole type.
    pub(crate) fn range(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::SByte => (i128::from(i8::MIN), i128::from(i8::MAX)),
            Self::Byte => (0, i128::from(u8::MAX)),
            Self::Short => (i128::from(i16::MIN), i128::from(i16::MAX)),
            Self::UShort | Self::Char => (0, i128::from(u16::MAX)),
            Self::Int => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Self::UInt => (0, i128::from(u32::MAX)),
            Self::Long => (i128::from(i64::MIN), i128::from(i64::MAX)),
            Self::ULong => (0, i128::from(u64::MAX)),
            Self::Float | Self::Double | Self::Decimal => return None,
        })
    }

    /// Whether every value of this type is one of the other.
    pub(crate) fn widens_to(self, to: Self) -> bool {
        use Numeric as N;
        if self == to {
            return true;
        }
        match self {
            N::SByte => matches!(
                to,
                N::Short | N::Int | N::Long | N::Float | N::Double | N::Decimal
            ),
            N::Byte => !matches!(to, N::SByte | N::Char),
            N::Short => matches!(to, N::Int | N::Long | N::Float | N::Double | N::Decimal),
            N::UShort => to >= N::Int,
            N::Char => matches!(to, N::UShort) || to >= N::Int,
            N::Int => matches!(to, N::Long | N::Float | N::Double | N::Decimal),
            N::UInt => matches!(to, N::Long | N::ULong | N::Float | N::Double | N::Decimal),
            N::Long | N::ULong => matches!(to, N::Float | N::Double | N::Decimal),
            N::Float => to == N::Double,
            N::Double | N::Decimal => false,
        }
    }
}

impl Types {
    /// What is inside a nullable type.
    pub(crate) fn nullable_of(&self, ty: Ty) -> Option<Ty> {
        match self.get(ty) {
            Type::Named(def, list) if *def == KNOWN.nullable => list.first().copied(),
            _ => None,
        }
    }

    /// The type itself, or what is inside a nullable one.
    pub(crate) fn bare(&self, ty: Ty) -> Ty {
        self.nullable_of(ty).unwrap_or(ty)
    }

    pub(crate) fn kind(&self, ty: Ty) -> Option<TypeKind> {
        self.def(ty).map(|def| TABLE.def(def).kind)
    }

    pub(crate) fn is_enum(&self, ty: Ty) -> bool {
        self.kind(ty) == Some(TypeKind::Enum)
    }

    pub(crate) fn is_interface(&self, ty: Ty) -> bool {
        self.kind(ty) == Some(TypeKind::Interface)
    }

    pub(crate) fn is_delegate(&self, ty: Ty) -> bool {
        self.kind(ty) == Some(TypeKind::Delegate)
    }

    pub(crate) fn is_static(&self, ty: Ty) -> bool {
        match self.kind(ty) {
            Some(TypeKind::Static) => true,
            Some(TypeKind::Opaque) => self
                .def(ty)
                .is_some_and(|def| STATIC.contains(&TABLE.full(def))),
            _ => false,
        }
    }

    /// A type of which nothing but its name is known.
    pub(crate) fn is_opaque(&self, ty: Ty) -> bool {
        match self.get(ty) {
            Type::Unknown | Type::Later => true,
            Type::Array(element, _) => self.is_opaque(*element),
            _ => self.kind(ty) == Some(TypeKind::Opaque),
        }
    }

    pub(crate) fn is_value_type(&self, ty: Ty) -> bool {
        match self.get(ty) {
            Type::Tuple(..) | Type::Pointer(_) => true,
            Type::Named(def, _) => {
                matches!(TABLE.def(*def).kind, TypeKind::Struct | TypeKind::Enum)
            }
            Type::Parameter(n) => self.variables.get(*n as usize).is_some_and(|v| v.is_struct),
            _ => false,
        }
    }

    pub(crate) fn is_reference_type(&self, ty: Ty) -> bool {
        match self.get(ty) {
            Type::Array(..) | Type::Anonymous(_) | Type::Dynamic | Type::Null => true,
            Type::Named(def, _) => matches!(
                TABLE.def(*def).kind,
                TypeKind::Class
                    | TypeKind::Static
                    | TypeKind::Abstract
                    | TypeKind::Interface
                    | TypeKind::Delegate
            ),
            Type::Parameter(n) => self.variables.get(*n as usize).is_some_and(|v| v.is_class),
            _ => false,
        }
    }

    /// The class that `ty` derives from.
    pub(crate) fn base(&mut self, ty: Ty) -> Option<Ty> {
        match self.get(ty).clone() {
            Type::Named(def, list) => {
                if def == DefId::OBJECT {
                    return None;
                }
                let entry = TABLE.def(def);
                let fallback = match entry.kind {
                    TypeKind::Interface | TypeKind::Opaque => return None,
                    TypeKind::Struct => KNOWN.value_type,
                    TypeKind::Enum => KNOWN.enumeration,
                    TypeKind::Delegate => KNOWN.multicast,
                    _ => DefId::OBJECT,
                };
                Some(match &entry.base {
                    Some(base) => self.resolve(base, &list),
                    None => self.named(fallback, &[]),
                })
            }
            Type::Array(..) => Some(self.named(KNOWN.array, &[])),
            Type::Tuple(..) => Some(self.named(KNOWN.value_type, &[])),
            Type::Anonymous(_) => Some(Ty::OBJECT),
            Type::Parameter(n) => {
                let bounds = self
                    .variables
                    .get(n as usize)
                    .map(|v| v.bounds.clone())
                    .unwrap_or_default();
                let class = bounds.into_iter().find(|bound| !self.is_interface(*bound));
                Some(class.unwrap_or(Ty::OBJECT))
            }
            _ => None,
        }
    }

    /// The type, its base, the base of that ...
    pub(crate) fn bases(&mut self, ty: Ty) -> Rc<[Ty]> {
        if let Some(found) = self.bases.get(&ty) {
            return Rc::clone(found);
        }
        let mut all = vec![ty];
        let mut at = ty;
        while let Some(base) = self.base(at) {
            if all.len() > 32 {
                break;
            }
            all.push(base);
            at = base;
        }
        let all: Rc<[Ty]> = all.into();
        // The bounds of a type parameter may not be known yet.
        if !matches!(self.get(ty), Type::Parameter(_)) {
            self.bases.insert(ty, Rc::clone(&all));
        }
        all
    }

    /// Every interface of the type, inherited ones included.
    pub(crate) fn interfaces(&mut self, ty: Ty) -> Rc<[Ty]> {
        if let Some(found) = self.interfaces.get(&ty) {
            return Rc::clone(found);
        }
        let mut all = Vec::new();
        let mut todo: Vec<Ty> = Vec::new();
        for base in self.bases(ty).iter() {
            self.direct_interfaces(*base, &mut todo);
        }
        while let Some(next) = todo.pop() {
            if !all.contains(&next) && all.len() < 100 {
                all.push(next);
                self.direct_interfaces(next, &mut todo);
            }
        }
        let all: Rc<[Ty]> = all.into();
        self.interfaces.insert(ty, Rc::clone(&all));
        all
    }

    fn direct_interfaces(&mut self, ty: Ty, into: &mut Vec<Ty>) {
        match self.get(ty).clone() {
            Type::Named(def, list) => {
                for interface in &TABLE.def(def).interfaces {
                    let interface = self.resolve(interface, &list);
                    into.push(interface);
                }
            }
            Type::Array(element, 1) => {
                for def in [
                    KNOWN.list_of,
                    KNOWN.read_only_list,
                    KNOWN.collection_of,
                    KNOWN.read_only_collection,
                    KNOWN.enumerable_of,
                ] {
                    let interface = self.named(def, &[element]);
                    into.push(interface);
                }
            }
            Type::Parameter(n) => {
                let bounds = self
                    .variables
                    .get(n as usize)
                    .map(|v| v.bounds.clone())
                    .unwrap_or_default();
                into.extend(bounds.into_iter().filter(|bound| self.is_interface(*bound)));
            }
            _ => {}
        }
    }

    /// The one type of definition `def` that `ty` is or derives from.
    pub(crate) fn as_def(&mut self, ty: Ty, def: DefId) -> Option<Ty> {
        if self.def(ty) == Some(def) {
            return Some(ty);
        }
        let found = self
            .bases(ty)
            .iter()
            .copied()
            .find(|base| self.def(*base) == Some(def));
        if found.is_some() {
            return found;
        }
        let interfaces = self.interfaces(ty);
        let mut found = interfaces.iter().filter(|i| self.def(**i) == Some(def));
        let first = found.next().copied();
        if found.any(|other| Some(*other) != first) {
            None
        } else {
            first
        }
    }

    pub(crate) fn derives(&mut self, ty: Ty, from: DefId) -> bool {
        self.bases(ty)
            .iter()
            .any(|base| self.def(*base) == Some(from))
    }
}

/// Static classes of which the table has the name only.
const STATIC: [&str; 29] = [
    "System.Buffer",
    "System.Console",
    "System.GC",
    "System.Nullable",
    "System.StringNormalizationExtensions",
    "System.TupleExtensions",
    "System.Collections.StructuralComparisons",
    "System.Diagnostics.Debug",
    "System.Diagnostics.Trace",
    "System.Diagnostics.Contracts.Contract",
    "System.IO.Directory",
    "System.IO.File",
    "System.IO.Path",
    "System.Linq.ParallelEnumerable",
    "System.Linq.Queryable",
    "System.Net.Dns",
    "System.Net.WebRequestMethods",
    "System.Reflection.CustomAttributeExtensions",
    "System.Reflection.RuntimeReflectionExtensions",
    "System.Runtime.GCSettings",
    "System.Runtime.InteropServices.Marshal",
    "System.Runtime.CompilerServices.RuntimeHelpers",
    "System.Threading.Interlocked",
    "System.Threading.LazyInitializer",
    "System.Threading.Monitor",
    "System.Threading.ThreadPool",
    "System.Threading.Timeout",
    "System.Threading.Volatile",
    "System.Threading.Tasks.Parallel",
];
